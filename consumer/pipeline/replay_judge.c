/* replay_judge.c - see replay_judge.h. */
#include "consumer/pipeline/replay_judge.h"

#include "consumer/pipeline/accounting.h"

enum dw_replay_verdict dw_replay_judge(const struct dw_held_row *row, int64_t attempt,
                                       bool elsewhere)
{
    if (!row->exists || row->ended || row->attempts >= attempt)
        return DW_REPLAY_NOTHING;
    return row->touched || elsewhere ? DW_REPLAY_READ_ROW : DW_REPLAY_APPLY;
}

struct dw_held_settle dw_replay_judge_settle(const struct dw_replay *replay,
                                             enum dw_outcome outcome, const char *code)
{
    struct dw_held_settle settle = {
        .id = {replay->topic, replay->partition, replay->offset},
        .attempt = replay->attempt,
    };
    if (outcome == DW_OUTCOME_DEAD)
        settle.code = code;
    else
        settle.outcome = dw_accounting_name(outcome);
    return settle;
}
