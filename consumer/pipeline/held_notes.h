/* held_notes.h - a batch and the dead letters held in its target: which come back, and what the
 * batch's events mean for those of their keys. What the words mean is in held_news.h.
 *
 *   decide (before the merge) ─► merge ─► settle ─► touches ─► commit
 *
 * Threads: the lane's.
 */
#ifndef DW_PIPELINE_HELD_NOTES_H
#define DW_PIPELINE_HELD_NOTES_H
#include "consumer/pipeline/batch.h"

/* Locks the held rows of the batch's replays, in the transaction that was begun, and takes those
 * out of its changes that are not to be applied. Errors as dw_writer_held. */
enum dw_rc dw_held_notes_decide(struct dw_batch *batch, struct dw_writer *writer,
                                struct dw_err *err) DW_MUST_CHECK;

/* After the merge: what the replays came to, into `out`. They are control records themselves; one
 * that failed is marked `again`, one that waits goes on waiting. */
void dw_held_notes_settle(struct dw_batch *batch, struct dw_held_news *out);

/* The key, and what it lacks, of a letter. */
void dw_held_notes_describe(const struct dw_batch *batch, const struct dw_batch_item *item,
                            struct dw_held *out);

/* What was applied, into `out`: only needed where the topic holds letters, or will. `partition`:
 * the batch's. */
void dw_held_notes_touch(const struct dw_batch *batch, int32_t partition, struct dw_held_news *out);

#endif
