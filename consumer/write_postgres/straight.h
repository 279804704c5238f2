/* straight.h - whether rows that should be new are copied straight into the target table.
 *
 * Rows of an initial sync and creates have no row of their key in the target, as a rule. COPY into
 * the table takes them at half the cost of the way through the staging table, but fails as a whole
 * when one of them is there already. So it is tried, and after a failure (which rolls back; the
 * batch then goes the general way) only every second, fourth, eighth … time: a re-sync of rows that
 * are all there does not pay for it twice, and a load that turns back to new rows is noticed.
 * Threads: one owner.
 */
#ifndef DW_WRITE_POSTGRES_STRAIGHT_H
#define DW_WRITE_POSTGRES_STRAIGHT_H
#include "consumer/write_postgres/coalesce.h"

struct dw_writer_table;

#define DW_STRAIGHT_PAUSE_MAX 256 /* batches */

struct dw_straight {
    unsigned left;  /* batches that go the general way before the next try */
    unsigned pause; /* … after the last failure */
};

/* Whether this batch tries. Counts it. */
bool dw_straight_try(struct dw_straight *straight);
void dw_straight_went(struct dw_straight *straight);
void dw_straight_failed(struct dw_straight *straight);

/* Whether the plan's new rows are to be copied straight into the table: they are many, the table
 * allows it, nothing of the transaction would be lost by a failure. Counts the batch. */
bool dw_straight_wanted(struct dw_writer_table *table, const struct dw_coalesce_plan *plan);

#endif
