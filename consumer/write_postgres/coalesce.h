/* coalesce.h - many changes of a batch become at most one operation per key. Pure.
 *
 *   after …            comes a full upsert   an update without some columns   a delete
 *   nothing            upsert                partial                          delete
 *   upsert, partial    upsert                the earlier one with its cells   delete
 *   delete             delete, then upsert   cannot be built: dead            delete
 *
 * "delete, then upsert" (delete_first) because a row that was deleted hands nothing on to its
 * successor, not even columns that no map writes (trap 5). A create without some columns (a key
 * change carries an unchanged TOAST column as absent) cannot be built either; a later full event or
 * delete of its key takes its place. A row of an initial sync that keeps what is there (`keep`) is
 * put in only where there is none; an update behind or before it goes on top.
 *
 * A delete is that of a source row, or of one that left the map's filter (`exits`): on_delete or
 * on_filter_exit says what it does. Under "set" it leaves the row and flags it, so what follows is
 * as after nothing; but a row that an earlier event of the batch removed is not there to be
 * flagged. "ignore" leaves the delete out.
 */
#ifndef DW_WRITE_POSTGRES_COALESCE_H
#define DW_WRITE_POSTGRES_COALESCE_H
#include "common/base/arena.h"
#include "common/base/table.h"
#include "common/model/table_map.h"
#include "consumer/write_postgres/writer.h"

enum dw_coalesce_kind {
    DW_COALESCE_UPSERT,
    DW_COALESCE_PARTIAL,
    DW_COALESCE_DELETE,
    DW_COALESCE_KEEP, /* nothing but `absent` */
};

/* What a delete does. */
enum dw_coalesce_removal {
    DW_COALESCE_REMOVE,
    DW_COALESCE_FLAG_DELETED, /* on_delete "set" */
    DW_COALESCE_FLAG_EXITED,  /* on_filter_exit "set" */
};

struct dw_coalesce_op {
    enum dw_coalesce_kind kind;
    enum dw_coalesce_removal removal; /* DELETE */
    bool delete_first;
    bool written; /* some event of the batch wrote it, whatever came behind */
    bool fresh;   /* the first event of the key says that there is no row of it yet */
    bool missing; /* out of the merge: a partial that found no row */
    const struct dw_value *cells;
    const struct dw_value *absent; /* KEEP, PARTIAL: the row to put in where there is none */
    const struct dw_value *keys;
    const struct dw_change *last; /* the change whose effect this is, with those merged into it */
};

/* What a change has to do with the operations. */
enum dw_coalesce_part {
    DW_COALESCE_IN_OP,
    DW_COALESCE_IGNORED,    /* on_delete "ignore" */
    DW_COALESCE_INCOMPLETE, /* its row cannot be built from it */
};

struct dw_coalesce_plan {
    struct dw_coalesce_op *ops; /* by first appearance of their key */
    size_t op_count;
    size_t *op_of;                /* per change: index into ops (IN_OP) */
    enum dw_coalesce_part *parts; /* per change */
};

/* `keys` is scratch: emptied and filled here; one owner. Allocates in `arena`. */
void dw_coalesce_plan(struct dw_change *const *changes, size_t count,
                      const struct dw_table_map *map, struct dw_table *keys, struct dw_arena *arena,
                      struct dw_coalesce_plan *out);

#endif
