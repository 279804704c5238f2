/* replay_judge.h - what becomes of a dead letter that comes back, by its held row. Pure.
 *
 *   no held row, or it has ended          nothing: settled before, or thrown away
 *   this attempt, or a later one, failed  nothing: said twice, or late
 *   a later event of its key is applied   its row is read again: that event lacks columns of the
 *                                         letter (one that lacks none has ended it, trap 23)
 *   else                                  it is applied in place of the original
 */
#ifndef DW_PIPELINE_REPLAY_JUDGE_H
#define DW_PIPELINE_REPLAY_JUDGE_H
#include "common/model/replay.h"
#include "consumer/write_postgres/writer.h"

enum dw_replay_verdict {
    DW_REPLAY_NOTHING,
    DW_REPLAY_READ_ROW,
    DW_REPLAY_APPLY,
};

/* `elsewhere`: its key's events go to another partition by now (trap 20), so its row is read. */
enum dw_replay_verdict dw_replay_judge(const struct dw_held_row *row, int64_t attempt,
                                       bool elsewhere);

/* What the held row says after the try ended as `outcome` (APPLIED, SUPERSEDED, FILTERED, DEAD).
 * `code`: of the failure. */
struct dw_held_settle dw_replay_judge_settle(const struct dw_replay *replay,
                                             enum dw_outcome outcome, const char *code);

#endif
