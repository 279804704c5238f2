/* lookup_resolve.h - values of lookups, found in the transaction of the merge that writes them.
 *
 * Nothing is cached: each batch asks once per lookup for all its keys, and locks the rows found
 * (FOR KEY SHARE) until its commit. Whoever changes or removes a looked-up row therefore sees,
 * behind the lock, all rows that took a value from it (stale.h).
 */
#ifndef DW_WRITE_POSTGRES_LOOKUP_RESOLVE_H
#define DW_WRITE_POSTGRES_LOOKUP_RESOLVE_H
#include "common/model/map_resolved.h"
#include "consumer/write_postgres/lookup_missed.h"
#include "consumer/write_postgres/writer.h"

struct dw_writer_table;

struct dw_lookup_resolve { /* a column with a lookup */
    size_t column;
    const struct dw_map_lookup *spec;
    const char *sql; /* $1: keys as row_lookup.h has them; gives number and value */
    struct dw_lookup_missed missed;
};

/* Loads the looked-up tables and makes the statements: table->lookups, and *out_tables, which lives
 * as long as the table.
 * DW_CONFIG DW-APPLY-001, DW-PG-010; DW_RETRY. */
enum dw_rc dw_lookup_resolve_load(struct dw_writer_table *table,
                                  const struct dw_resolved_lookup **out_tables, size_t *out_count,
                                  struct dw_err *err) DW_MUST_CHECK;

/* Fills the cells of upserts; all are pending. What finds no row gets its outcome by on_missing:
 * WAITING or DEAD with the row that is missing; such a cell stays NESTED. In the transaction.
 * DW_RETRY, DW_CONFIG.
 */
enum dw_rc dw_lookup_resolve(struct dw_writer_table *table, struct dw_change *const *changes,
                             size_t count, struct dw_arena *arena,
                             struct dw_err *err) DW_MUST_CHECK;

/* True when a cell of it could not be filled. */
bool dw_lookup_resolve_lacks(const struct dw_writer_table *table, const struct dw_change *change);

#endif
