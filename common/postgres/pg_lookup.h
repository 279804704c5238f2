/* pg_lookup.h - the statements that find values of lookups in the target, and the tables they read.
 *
 * Threads: one owner. Everything made lives in the arena.
 */
#ifndef DW_POSTGRES_PG_LOOKUP_H
#define DW_POSTGRES_PG_LOOKUP_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/map_resolved.h"
#include "common/model/table_map.h"

struct pg_conn;
struct dw_pg_table;

/* The looked-up tables of a map, each loaded once. Zeroed but for the first three. */
struct dw_pg_lookups {
    struct pg_conn *conn;
    struct dw_arena *arena;
    bool lock; /* rows that are found are locked (FOR KEY SHARE) until the end of the transaction */
    struct dw_resolved_lookup *tables;     /* for the transform */
    const struct dw_pg_table **catalogues; /* of the same index */
    size_t count, capacity;
    struct dw_err *err; /* of the call in hand */
};

/* *out: a statement whose $1 is a text[] of keys as row_lookup.h has them; it gives, for those that
 * are found, number (from 1) and value as text. DW_CONFIG DW-APPLY-001, -003, DW-PG-010; DW_RETRY.
 */
enum dw_rc dw_pg_lookup_sql(struct dw_pg_lookups *lookups, const struct dw_map_lookup *spec,
                            const char **out, struct dw_err *err) DW_MUST_CHECK;

#endif
