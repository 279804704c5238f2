/* pg_table.h - what the catalogue says of a table: columns, types, keys, references, identity.
 *
 * Allocated in the caller's arena; read-only afterwards. Identifiers that reach SQL come from here.
 */
#ifndef DW_POSTGRES_PG_TABLE_H
#define DW_POSTGRES_PG_TABLE_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/model/map_resolved.h"
#include <stdbool.h>
#include <stdint.h>

struct pg_conn;

struct dw_pg_column {
    struct dw_str name;
    int16_t number;              /* attnum */
    uint32_t type_oid;           /* as declared: may be a domain */
    uint32_t base_oid;           /* domain resolved */
    int32_t typmod;              /* of the base type (a domain's typmod resolved), -1 none */
    struct dw_str type;          /* format_type(): "numeric(18,2)" */
    struct dw_str base_type_sql; /* schema-qualified, quoted name of the base type without typmod,
                                    for casts: "pg_catalog.numeric" */
    struct dw_str collation_sql; /* likewise; "" where the type has none */
    char type_kind;              /* pg_type.typtype of the base: b, e, c, r, m */
    char category;               /* pg_type.typcategory of the base: N, S, D, B, A… */
    bool not_null;               /* column or its domain */
    bool has_default;            /* default, identity or serial */
    bool generated;              /* GENERATED ALWAYS AS (…) STORED: cannot be written */
    bool identity_always;        /* GENERATED ALWAYS AS IDENTITY */
    bool toastable;     /* attstorage is not plain: its value may be left out of an update */
    bool deterministic; /* its collation compares bytes as equal only when they are */
    bool can_select, can_insert, can_update;
};

struct dw_pg_index {
    struct dw_str name;
    const int16_t *columns; /* attnums, in order */
    size_t column_count;
    bool primary, replica_identity, immediate;
    bool usable; /* unique, valid, no expression, no predicate */
};

struct dw_pg_reference { /* a foreign key of this table */
    struct dw_str name;
    struct dw_str schema, table; /* referenced */
};

struct dw_pg_table {
    uint32_t oid;
    struct dw_str schema, table;
    char kind;             /* pg_class.relkind: r, p (partitioned), v… */
    char replica_identity; /* d, n, f, i */
    bool is_partition;
    bool can_select, can_insert, can_update, can_delete, can_truncate, is_owner;
    bool row_security;
    const struct dw_pg_column *columns;
    size_t column_count;
    const struct dw_pg_index *indexes; /* unique ones only */
    size_t index_count;
    const struct dw_pg_reference *references;
    size_t reference_count;
};

/* Looks a table up. Errors: DW_CONFIG DW-PG-010 when there is none (message lists near names),
 * else as dw_pg_query. */
enum dw_rc dw_pg_table_load(struct pg_conn *conn, struct dw_str schema, struct dw_str table,
                            struct dw_arena *arena, const struct dw_pg_table **out,
                            struct dw_err *err) DW_MUST_CHECK;

/* NULL when absent. */
const struct dw_pg_column *dw_pg_table_column(const struct dw_pg_table *table, struct dw_str name);

/* A column as it is kept with a revision of a map; borrows its texts. */
struct dw_resolved_column dw_pg_table_resolve(const struct dw_pg_column *column);

/* The usable, not deferrable unique index whose columns are exactly `names` in any order (what ON
 * CONFLICT can use); NULL when none. */
const struct dw_pg_index *dw_pg_table_unique(const struct dw_pg_table *table,
                                             const struct dw_str *names, size_t count);

#endif
