/* accounting.c - see accounting.h. */
#include "consumer/pipeline/accounting.h"

#include <assert.h>

const char *dw_accounting_name(enum dw_outcome outcome)
{
    static const char *const names[DW_OUTCOME_COUNT] = {
        [DW_OUTCOME_PENDING] = "pending",       [DW_OUTCOME_APPLIED] = "applied",
        [DW_OUTCOME_SUPERSEDED] = "superseded", [DW_OUTCOME_DUPLICATE] = "duplicate",
        [DW_OUTCOME_FILTERED] = "filtered",     [DW_OUTCOME_DEAD] = "dead",
        [DW_OUTCOME_WAITING] = "waiting",       [DW_OUTCOME_CONTROL] = "control",
    };
    return names[outcome];
}

void dw_accounting_record(struct dw_progress *progress, int64_t offset, enum dw_outcome outcome)
{
    assert(outcome != DW_OUTCOME_PENDING && offset >= progress->next_offset);
    progress->counts[DW_OUTCOME_CONTROL] += offset - progress->next_offset;
    progress->counts[outcome]++;
    progress->next_offset = offset + 1;
}

void dw_accounting_settle(struct dw_progress *progress, enum dw_outcome outcome)
{
    assert(outcome != DW_OUTCOME_PENDING && progress->counts[DW_OUTCOME_WAITING] > 0);
    progress->counts[DW_OUTCOME_WAITING]--;
    progress->counts[outcome]++;
}

void dw_accounting_jump(struct dw_progress *progress, int64_t offset)
{
    progress->first_offset += offset - progress->next_offset;
    progress->next_offset = offset;
}

bool dw_accounting_balanced(const struct dw_progress *progress)
{
    int64_t sum = 0;
    for (int i = DW_OUTCOME_APPLIED; i < DW_OUTCOME_COUNT; i++)
        sum += progress->counts[i];
    return sum == progress->next_offset - progress->first_offset;
}
