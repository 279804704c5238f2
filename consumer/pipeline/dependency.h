/* dependency.h - when waiting events are tried again, and when they are dead (traps 2, 3, 4).
 *
 * A key's events are due when rows of the table that the first of them waits for were applied by
 * this process (its tick moved), and at each round of a timer, which covers what other workers
 * apply. An event is dead when it has waited dependency_wait_ms; for a parent that comes by a map
 * from the same system the clock starts only when that map has passed the event's version.
 * An event that is not the whole row, of a row that the target has not, waits for the row to be
 * read again (reread.h). Threads: the lane's.
 */
#ifndef DW_PIPELINE_DEPENDENCY_H
#define DW_PIPELINE_DEPENDENCY_H
#include "consumer/pipeline/batch.h"
#include "consumer/pipeline/lane.h"

/* When the next attempt is worth making, monotonic ms; INT64_MAX: nothing waits. */
int64_t dw_dependency_next_ms(const struct dw_lane *lane, const struct dw_partition *partition);

/* When the timer has fired: a new round, for which it asks what parents' maps have passed. */
void dw_dependency_round(struct dw_lane *lane, struct dw_partition *partition, int64_t now_ms);

/* Adds the keys that are due to the batch, up to `max_entries`. */
void dw_dependency_add_due(struct dw_lane *lane, struct dw_partition *partition,
                           struct dw_batch *batch, size_t max_entries);

/* After collect: of the events that still wait, those that have waited long enough are dead. Those
 * that wait for their own row while half of the room is taken are superseded once the re-sync that
 * brings it is kept: the row comes by the same partition, which must not stand still for them. */
void dw_dependency_expire(const struct dw_lane *lane, const struct dw_partition *partition,
                          struct dw_batch *batch, int64_t now_ms);

/* After the commit: takes settled entries out, new ones in. `spent_ms`: what the attempt took. */
void dw_dependency_settle(struct dw_lane *lane, struct dw_partition *partition,
                          struct dw_batch *batch, int64_t spent_ms);

#endif
