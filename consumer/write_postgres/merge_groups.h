/* merge_groups.h - a coalesced plan as groups of rows that one statement each can merge, and
 * sending them. New rows may go ahead by COPY; deletes come first, then rows with all columns, then
 * rows for keys that have none, then each set of columns. */
#ifndef DW_WRITE_POSTGRES_MERGE_GROUPS_H
#define DW_WRITE_POSTGRES_MERGE_GROUPS_H
#include "consumer/write_postgres/coalesce.h"
#include "consumer/write_postgres/writer_session.h"
#include "consumer/write_postgres/writer_table.h"

#define DW_MERGE_GROUPS_STAGED 500 /* rows: from here on COPY beats arrays */

enum dw_merge_groups_kind {
    DW_GROUP_DELETE,
    DW_GROUP_FLAG_DELETED, /* on_delete "set" */
    DW_GROUP_FLAG_EXITED,  /* on_filter_exit "set" */
    DW_GROUP_NEW,          /* copied straight into the target */
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
    bool straight;                       /* new rows are a group of their own */
    bool claims_staged;                  /* those of owners */
};

/* A row with all columns for a key that has none, as far as the batch shows. */
bool dw_merge_groups_is_new(const struct dw_coalesce_op *op);

/* Groups the plan's operations; allocates in `arena`. `straight`: new rows are a group of their
 * own, to be copied straight into the target. */
void dw_merge_groups_build(const struct dw_writer_table *table, struct dw_coalesce_plan *plan,
                           bool straight, struct dw_arena *arena, struct dw_merge_groups *out);

/* Copies new rows into the target, and large groups into the staging table, which it marks staged.
 * DW_AGAIN: begin anew and build without `straight`: some row is there already (or is refused, and
 * the merge will tell why), or the role may not make temporary tables and arrays will do. */
enum dw_rc dw_merge_groups_stage(struct dw_writer_table *table, struct dw_merge_groups *groups,
                                 struct dw_err *err) DW_MUST_CHECK;

/* Sends marks and merges of all groups, between savepoint and release when asked for. Notes
 * partials that found no row (op->missing). Errors: as dw_writer_session_finish. */
enum dw_rc dw_merge_groups_run(struct dw_writer_table *table, struct dw_merge_groups *groups,
                               struct dw_str origin, bool savepoint,
                               struct dw_err *err) DW_MUST_CHECK;

#endif
