/* lookup_missed.h - nulls that rows took from lookups, remembered until there is a value.
 *
 * A row takes a null where its lookup finds no row (on_missing "null"), or one whose value is null.
 * It is noted in dualwrite.missed, in the transaction that writes the null, with a hash of the key
 * looked for: one for each table of the lookup whose key is known. Whoever writes such a table
 * (stale.h) finds the rows by the hash of what it has written, and has them read again.
 *
 * Both sides take an advisory lock of the looked-up table, the holder of the null shared and only
 * then looking once more, the writer of the table behind its merge: the later one of two sees what
 * the other did.
 */
#ifndef DW_WRITE_POSTGRES_LOOKUP_MISSED_H
#define DW_WRITE_POSTGRES_LOOKUP_MISSED_H
#include "common/base/buf.h"
#include "common/model/table_map.h"
#include "consumer/write_postgres/writer.h"

struct dw_lookup_resolve;
struct dw_pg_table;
struct dw_writer_table;

struct dw_lookup_missed { /* of a column with a lookup */
    bool remembers;       /* its nulls may become values */
    const char *keep;     /* SQL: $1 map, $2 column, $3 keys of rows, $4 keys as row_lookup.h has */
    const char *found; /* SQL: $1 map, $2 and $3 likewise: those for which there is a value now */
    struct dw_str *tables; /* quoted names of those that it goes through */
    size_t table_count;
};

/* Makes the statements of a lookup. DW_CONFIG DW-APPLY-001, DW-PG-010; DW_RETRY. */
enum dw_rc dw_lookup_missed_load(struct dw_writer_table *table, struct dw_lookup_resolve *lookup,
                                 struct dw_err *err) DW_MUST_CHECK;

/* Behind the merge, in its transaction: remembers the nulls that the changes took, and forgets
 * those of rows that have a value now or are gone. DW_RETRY, DW_CONFIG. */
enum dw_rc dw_lookup_missed_keep(struct dw_writer_table *table, struct dw_change *const *changes,
                                 size_t count, struct dw_arena *arena,
                                 struct dw_err *err) DW_MUST_CHECK;

/* --- for the writer of a looked-up table -------------------------------------------------------
 */

/* Can nulls of the column be remembered: where a missing row is null, and where a value may be. */
enum dw_rc dw_lookup_missed_remembers(struct dw_writer_table *table,
                                      const struct dw_map_lookup *spec, bool *out,
                                      struct dw_err *err) DW_MUST_CHECK;
/* Appends the hash of row t's key in `catalogue`, the table of `spec`. */
enum dw_rc dw_lookup_missed_put_hash(struct dw_writer_table *table,
                                     const struct dw_pg_table *catalogue,
                                     const struct dw_map_lookup *spec, struct dw_buf *out,
                                     struct dw_err *err) DW_MUST_CHECK;
/* Nobody takes a null for want of a row of this table until the transaction is over. */
enum dw_rc dw_lookup_missed_lock(struct dw_writer_table *table, struct dw_err *err) DW_MUST_CHECK;

#endif
