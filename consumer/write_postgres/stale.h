/* stale.h - rows that took a value from a looked-up row which changed or went (trap 22), and rows
 * that took a null for want of one which came.
 *
 * A map that writes a table in which others look values up is told of them (watch). Around each of
 * its merges it compares the columns that they use; the rows that hold an old value are noted in
 * dualwrite.stale, in the same transaction, and are read again from the source: the reconciler
 * orders it (targets/stale_look.h). Whoever takes a value locks the row that has it
 * (lookup_resolve.h), so none is overlooked; whoever takes a null says so (lookup_missed.h).
 *
 * Where the server itself changes the holders (ON DELETE SET NULL or CASCADE, TRUNCATE), nobody
 * holds the old value afterwards: there they are noted before.
 */
#ifndef DW_WRITE_POSTGRES_STALE_H
#define DW_WRITE_POSTGRES_STALE_H
#include "common/base/buf.h"
#include "consumer/write_postgres/writer.h"

struct dw_writer_table;

/* One value column that is looked up, and who holds its values. */
struct dw_stale_watch {
    struct dw_stale_watch *next;
    const char *map;  /* that looks up */
    const char *note; /* SQL: $1 map, $2 old values of `column` as text[] */
    const char *all;  /* SQL: whoever holds any value; no parameters */
    const char *came; /* SQL: $1… keys of rows, map, its column; NULL: nulls are not remembered */
    struct dw_str target;
    struct dw_str column;
    const struct dw_map_lookup *spec; /* borrowed until the next watch */
};

/* Replaces what is watched: lookups of `maps` (borrowed for the call) that go into this table. */
enum dw_rc dw_stale_watch(struct dw_writer_table *table, const struct dw_table_map *const *maps,
                          size_t count, struct dw_err *err) DW_MUST_CHECK;

/* Before the merge, in its transaction: the rows of the changes' keys, locked. */
enum dw_rc dw_stale_before(struct dw_writer_table *table, struct dw_change *const *changes,
                           size_t count, struct dw_arena *arena, struct dw_err *err) DW_MUST_CHECK;
/* After it: compares, and notes the holders of old values, and of nulls that may have one now. */
enum dw_rc dw_stale_after(struct dw_writer_table *table, struct dw_change *const *changes,
                          size_t count, struct dw_arena *arena, struct dw_err *err) DW_MUST_CHECK;

/* Appends what has to run before the table is emptied as a whole, in its transaction. */
void dw_stale_put_truncate(const struct dw_writer_table *table, struct dw_buf *out);

#endif
