/* straight.c - see straight.h. */
#include "consumer/write_postgres/straight.h"

#include "consumer/write_postgres/merge_groups.h"
#include "consumer/write_postgres/writer_table.h"

bool dw_straight_try(struct dw_straight *straight)
{
    if (!straight->left)
        return true;
    straight->left--;
    return false;
}

void dw_straight_went(struct dw_straight *straight)
{
    *straight = (struct dw_straight){0, 0};
}

void dw_straight_failed(struct dw_straight *straight)
{
    straight->pause = straight->pause ? straight->pause * 2 : 1;
    if (straight->pause > DW_STRAIGHT_PAUSE_MAX)
        straight->pause = DW_STRAIGHT_PAUSE_MAX;
    straight->left = straight->pause;
}

/* Loop marks are digests of what is staged, and owners are claimed by the keys of a plan that is
 * merged: both need the general way. */
bool dw_straight_wanted(struct dw_writer_table *table, const struct dw_coalesce_plan *plan)
{
    const struct dw_writer *writer = table->writer;
    size_t fresh = 0;
    if (!table->copyable || table->shared || writer->system->capture ||
        writer->state != DW_SESSION_NOTED)
        return false;
    for (size_t i = 0; i < plan->op_count; i++)
        fresh += dw_merge_groups_is_new(&plan->ops[i]);
    return fresh >= DW_MERGE_GROUPS_STAGED && dw_straight_try(&table->straight);
}
