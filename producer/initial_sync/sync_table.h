/* sync_table.h - a map's source table as the initial sync reads it: columns with their encoders,
 * the key in the order of its index, and the SQL of chunks.
 *
 * Key values never stand in SQL: they are set by set_config() with parameters and read back by
 * current_setting(), because COPY takes no parameters. Names and types come from the catalogue.
 * Ownership: everything in the table's arena. Threads: immutable once made.
 */
#ifndef DW_INITIAL_SYNC_SYNC_TABLE_H
#define DW_INITIAL_SYNC_SYNC_TABLE_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/event_encode.h"
#include "common/model/table_map.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_map_record;
struct dw_pg_table;
struct pg_conn;

struct dw_sync_column {
    struct dw_str name;
    enum dw_encoding encoding;
    struct dw_str prefix; /* ,"name": */
};

struct dw_sync_key { /* in the map's order */
    size_t column;   /* index into columns */
    struct dw_str name;
    struct dw_str type;      /* quoted, for casts */
    struct dw_str collation; /* quoted; "" none */
    bool numeric;            /* routed without the zeros of its scale */
};

struct dw_sync_condition { /* on row t */
    struct dw_str sql;     /* .ptr NULL: none */
    const char *values;    /* its literals, an array literal; NULL: none */
};

struct dw_sync_table {
    struct dw_arena arena;
    const char *map; /* its name */
    int64_t revision;
    struct dw_str schema, table;
    const struct dw_sync_column *columns; /* in the order of events */
    size_t column_count;
    const struct dw_sync_key *keys;
    size_t key_count;
    bool numeric_key;
    struct dw_sync_condition filter; /* the map's, which cannot fail; none: all rows are read, the
                                        consumer filters */
    struct dw_sync_condition choice; /* the sync's own; it may fail, and the sync with it */
    const size_t *order;             /* indexes into keys, as the index has them */
    const struct dw_table_map *definition; /* the map itself */
};

/* Reads the map's document and looks its source table up. `choice`: an expression over its
 * columns that chooses rows; NULL: none. Errors: DW_CONFIG DW-SYNC-001 no usable key, DW-SYNC-002 a
 * mapped column is missing, DW-SYNC-003 an unreadable map; as dw_pg_table_load and dw_expr_compile.
 */
enum dw_rc dw_sync_table_load(struct dw_sync_table **out, struct pg_conn *conn,
                              const struct dw_map_record *record, const char *choice,
                              struct dw_err *err) DW_MUST_CHECK;
/* The same with a table that was looked up. */
enum dw_rc dw_sync_table_new(struct dw_sync_table **out, const struct dw_map_record *record,
                             const struct dw_pg_table *table, const char *choice,
                             struct dw_err *err) DW_MUST_CHECK;
void dw_sync_table_free(struct dw_sync_table *table); /* accepts NULL */

/* --- SQL ---------------------------------------------------------------------------------------
 */

enum dw_sync_bound { DW_SYNC_LOWER, DW_SYNC_UPPER, DW_SYNC_KEYS };

/* SELECT set_config('dualwrite.lower0', $1, false), …: one parameter per key column. */
void dw_sync_table_sql_set(const struct dw_sync_table *table, enum dw_sync_bound bound,
                           struct dw_buf *out);

/* Sets the literals of filter ($1, its values) and choice ($2). */
void dw_sync_table_sql_set_values(struct dw_buf *out);

struct dw_sync_scope {
    bool has_lower, lower_in, has_upper;
    int64_t limit;
};
/* COPY of the rows of filter and choice behind the lower and up to the upper bound, in key order.
 */
void dw_sync_table_sql_rows(const struct dw_sync_table *table, const struct dw_sync_scope *scope,
                            struct dw_buf *out);
/* COPY of the rows whose keys are in the arrays of DW_SYNC_KEYS, in the filter or not: who left it
 * is the consumer's matter. */
void dw_sync_table_sql_keys(const struct dw_sync_table *table, struct dw_buf *out);
/* The same, of those within the bounds and outside of the filter only. */
void dw_sync_table_sql_outside(const struct dw_sync_table *table, const struct dw_sync_scope *scope,
                               struct dw_buf *out);
/* COPY of those keys of the arrays within the bounds that no row has, as the source prints them. */
void dw_sync_table_sql_absent(const struct dw_sync_table *table, const struct dw_sync_scope *scope,
                              struct dw_buf *out);
/* EXPLAIN of reading the rows of filter and choice within the bounds: about how many they are. */
void dw_sync_table_sql_estimate(const struct dw_sync_table *table,
                                const struct dw_sync_scope *scope, struct dw_buf *out);
/* A sample of the keys, cut: every row is the key at which a range ends. $1: share of the table in
 * percent; $2: number of ranges. */
void dw_sync_table_sql_cuts(const struct dw_sync_table *table, struct dw_buf *out);

/* --- rows --------------------------------------------------------------------------------------
 */

/* Appends the row as JSON, as the stream's events have it. `fields`: one per column, .ptr NULL for
 * null. */
void dw_sync_table_encode_row(const struct dw_sync_table *table, const struct dw_str *fields,
                              struct dw_buf *out);
/* The key, from its texts in the map's order. */
void dw_sync_table_encode_key(const struct dw_sync_table *table, const struct dw_str *keys,
                              struct dw_buf *out);
/* The hash by which a key is routed to a partition. `key`: as encoded; `keys`: its texts. */
uint32_t dw_sync_table_route(const struct dw_sync_table *table, struct dw_str key,
                             const struct dw_str *keys, struct dw_buf *scratch);

#endif
