/* merge_groups.h - a coalesced plan as groups of rows that one statement each can merge, and
 * sending them. Deletes come first, then rows with all columns, then rows
 * for keys that have none, then each set of columns. */
#ifndef DW_WRITE_POSTGRES_MERGE_GROUPS_H
#define DW_WRITE_POSTGRES_MERGE_GROUPS_H
#include "consumer/write_postgres/coalesce.h"
#include "consumer/write_postgres/writer_session.h"
#include "consumer/write_postgres/writer_table.h"

enum dw_merge_groups_kind {
    DW_GROUP_DELETE,
    DW_GROUP_FLAG_DELETED, /* on_delete "set" */
    DW_GROUP_FLAG_EXITED,  /* on_filter_exit "set" */
    DW_GROUP_UPSERT,
    DW_GROUP_ABSENT, /* rows for keys that have none */
    DW_GROUP_PARTIAL
};

struct dw_merge_groups_item {
    enum dw_merge_groups_kind kind;
    struct dw_merge_group shape;
    struct dw_coalesce_op **ops;
    size_t count;
    size_t reply;         /* in the exchange, of the merge */
    int64_t first_number; /* staged */
};

struct dw_merge_groups {
    struct dw_merge_groups_item *items;
    size_t count, capacity;
    const struct dw_coalesce_plan *plan; /* that they were made of */
    bool claims_staged;                  /* those of owners */
};

/* Groups the plan's operations; allocates in `arena`. */
void dw_merge_groups_build(const struct dw_writer_table *table, struct dw_coalesce_plan *plan,
                           struct dw_arena *arena, struct dw_merge_groups *out);

/* Copies large groups into the staging table and marks them staged. DW_AGAIN: the role may not make
 * temporary tables; begin anew, arrays will do. */
enum dw_rc dw_merge_groups_stage(struct dw_writer_table *table, struct dw_merge_groups *groups,
                                 struct dw_err *err) DW_MUST_CHECK;

/* Sends marks and merges of all groups, between savepoint and release when asked for. Notes
 * partials that found no row (op->missing). Errors: as dw_writer_session_finish. */
enum dw_rc dw_merge_groups_run(struct dw_writer_table *table, struct dw_merge_groups *groups,
                               struct dw_str origin, bool savepoint,
                               struct dw_err *err) DW_MUST_CHECK;

#endif
