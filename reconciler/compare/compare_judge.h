/* compare_judge.h - what looked different is judged by the consumer, at a place of the stream
 * (trap 25): suspects become a verify sync, its questions go through the map's topic, and the
 * verdicts come back from the target's dualwrite.verdict.
 *
 * Never blocks for long: the caller asks again until there is an answer. Threads: one owner.
 */
#ifndef DW_COMPARE_COMPARE_JUDGE_H
#define DW_COMPARE_COMPARE_JUDGE_H
#include "common/model/table_map.h"
#include "common/state/state.h"
#include "common/state/state_reconcile.h"
#include "reconciler/compare/compare_share.h"

struct dw_compare_judge { /* zeroed but for the first part */
    struct dw_state *state;
    struct dw_compare_links *links;
    const struct dw_compare_plan *plan;
    const struct dw_map_record *record; /* of the map: topic, partitions */
    int64_t run;
    int64_t keep_max;
    int64_t timeout_ms;
    bool repair; /* the suspects are differences that were repaired */
    /* Nothing is asked before the maps that share the table have passed what the source has; NULL:
     * they are no matter. Set by the caller before a step. */
    struct dw_compare_share *share;
    /* Rows that the consumer takes for another map's may be nobody's. Set likewise. */
    bool unclaimed;

    int64_t sync;     /* in hand; 0 none */
    int64_t asked_ms; /* monotonic; of the sync, or of waiting for other maps; 0 neither */
    bool given_up;    /* nobody answered in time */
};

enum dw_judge_answer {
    DW_JUDGE_NOTHING, /* there are no suspects */
    DW_JUDGE_WAIT,    /* ask again in a while */
    DW_JUDGE_TAKEN,   /* some were judged; there may be more */
    DW_JUDGE_GIVEN_UP,
};

/* Errors: DW_RETRY; DW_CONFIG when the verify sync failed, with its code. */
enum dw_rc dw_compare_judge_step(struct dw_compare_judge *judge, enum dw_judge_answer *out,
                                 struct dw_err *err) DW_MUST_CHECK;

#endif
