/* apply.h - one batch of a partition, from records to the target's commit.
 *
 *   build ─► begin (fence) ─► apply ─► breaker ─► dead letters acknowledged ─► commit ─► account
 *     └── any failure: rolled back, nothing counted, the records stay in hand
 *
 * Threads: the lane's.
 */
#ifndef DW_PIPELINE_APPLY_H
#define DW_PIPELINE_APPLY_H
#include "consumer/pipeline/lane.h"

enum dw_apply_result {
    DW_APPLY_NOTHING,   /* no record, nothing due */
    DW_APPLY_DONE,      /* a batch was committed */
    DW_APPLY_BARRIER,   /* the next record is a truncate: partition->barrier is its version */
    DW_APPLY_STOPPED,   /* the map has failed: schema record or breaker */
    DW_APPLY_FAILED,    /* rolled back; see rc in err: DW_RETRY, DW_CONFIG, DW_CONFLICT */
    DW_APPLY_UNCERTAIN, /* the connection was lost at commit: claim again */
};

enum dw_apply_result dw_apply_batch(struct dw_lane *lane, struct dw_partition *partition,
                                    struct dw_err *err);

#endif
