/* sync_plan.h - cuts a table's key space into spans for several readers, by a sample of its keys.
 *
 * Cuts are hints: spans of unequal size only share the work less well. Calls block.
 */
#ifndef DW_INITIAL_SYNC_SYNC_PLAN_H
#define DW_INITIAL_SYNC_SYNC_PLAN_H
#include "common/state/state_sync.h"
#include "producer/initial_sync/sync_table.h"

struct pg_conn;

struct dw_sync_plan {
    struct dw_sync_range *ranges; /* in the arena */
    size_t count;
    int64_t rows_estimated;
};

struct dw_sync_plan_order {
    struct pg_conn *conn;
    const struct dw_sync_table *table;
    const struct dw_sync_record *record;
    int64_t chunk_rows; /* fewer than four times as many are one span */
};

enum dw_rc dw_sync_plan_make(const struct dw_sync_plan_order *order, struct dw_arena *arena,
                             struct dw_sync_plan *out, struct dw_err *err) DW_MUST_CHECK;

#endif
