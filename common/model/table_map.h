/* table_map.h - a table map: which source table syncs to which target table, and how.
 *
 * Parsed from one JSON file per map (schema: common/model/table_map.schema.json). A parsed map is
 * immutable; it lives in the arena it was parsed into. Threads: any may read.
 */
#ifndef DW_MODEL_TABLE_MAP_H
#define DW_MODEL_TABLE_MAP_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/map_problems.h"
#include "common/model/value.h"
#include <stdbool.h>
#include <stdint.h>

#define DW_TABLE_MAP_COLUMNS_MAX 1600 /* PostgreSQL's limit */
#define DW_TABLE_MAP_KEY_MAX     32

enum dw_on_delete { DW_ON_DELETE_DELETE, DW_ON_DELETE_IGNORE, DW_ON_DELETE_SET };
enum dw_on_filter_exit { DW_ON_FILTER_EXIT_DELETE, DW_ON_FILTER_EXIT_KEEP, DW_ON_FILTER_EXIT_SET };
enum dw_on_truncate { DW_ON_TRUNCATE_TRUNCATE, DW_ON_TRUNCATE_IGNORE };
enum dw_direction { DW_DIRECTION_FORWARD };

/* One side: a table of a system and its key columns. */
struct dw_map_side {
    struct dw_str system;
    struct dw_str schema; /* "public" when the file names none */
    struct dw_str table;
    const struct dw_str *key; /* column names, in the map's order */
    size_t key_count;
};

/* An entry of a value map; both values are scalars. */
struct dw_map_value {
    struct dw_value from;
    struct dw_value to;
};

/* A column that tells rows apart which are as good as gone. */
struct dw_map_flag {
    struct dw_str column;
    struct dw_value value; /* of such a row */
    struct dw_value live;  /* of every other one, written by each upsert */
};

struct dw_map_lookup;

/* A key column of a looked-up table, and where its value comes from: one of the three. */
struct dw_map_lookup_key {
    struct dw_str column;
    struct dw_str source;               /* a source column; .ptr NULL: none */
    struct dw_value constant;           /* ABSENT: none */
    const struct dw_map_lookup *lookup; /* what another lookup finds */
};

enum dw_on_missing { DW_ON_MISSING_WAIT, DW_ON_MISSING_NULL, DW_ON_MISSING_DEAD };

/* The value of `column` in the row of a target table that has the key. */
struct dw_map_lookup {
    struct dw_str schema, table;
    struct dw_str column;
    const struct dw_map_lookup_key *keys;
    size_t key_count;
    enum dw_on_missing on_missing; /* of the outermost */
};

/* A column of the target and where its value comes from. Key columns are columns too: a key pair
 * that the file's "columns" does not name is added as a plain copy by the parser. */
struct dw_map_column {
    struct dw_str source;  /* .ptr NULL: computed or constant */
    struct dw_str compute; /* OData expression over source columns; .ptr NULL: none */
    struct dw_str target;
    const struct dw_map_lookup *lookup; /* NULL: none; the source columns stand in its keys */
    struct dw_value constant;           /* "default" alone */
    struct dw_value default_when_null;  /* ABSENT when not given */
    const struct dw_map_value *values;  /* value map, NULL when not given */
    size_t value_count;
    int key_index; /* index into target.key, -1 when no key column */
    bool implied;  /* not in the file: added by the parser for a key pair */
};

enum dw_map_mend {
    DW_MAP_MEND_MISSING = 1U,
    DW_MAP_MEND_DIFFERENT = 2U,
    DW_MAP_MEND_HELD = 4U,
};
#define DW_MAP_RECONCILE_DEFAULT (-1)

/* How the map is compared by itself, and what of it is mended by itself. What is
 * DW_MAP_RECONCILE_DEFAULT (`kinds`: 0) is as the reconciler's settings have it. */
struct dw_map_reconcile {
    int64_t every_hours; /* 0: never */
    int64_t rate;        /* rows per second, both sides together; 0: no limit */
    int64_t max_rows;    /* more are not mended by itself; 0: none is */
    int64_t max_percent; /* of the rows compared, likewise */
    int continuous;      /* 1: a comparison follows the last one; 0 not */
    unsigned kinds;      /* enum dw_map_mend: which are mended */
};

/* Key columns pair by position: the n-th source key column goes to the n-th target key column that
 * is no constant. So a target key may have more columns than the source key, each of them a
 * constant. */
struct dw_table_map {
    struct dw_str name;
    struct dw_str version;
    struct dw_map_side source;
    struct dw_map_side target;
    enum dw_direction direction;
    enum dw_on_delete on_delete;
    /* on_delete "set": column, value for a deleted row, value that every upsert writes */
    struct dw_str delete_column;
    struct dw_value delete_value;
    struct dw_value live_value;
    struct dw_str filter; /* OData expression over source columns; .ptr NULL: every row */
    enum dw_on_filter_exit on_filter_exit;
    struct dw_map_flag exit; /* on_filter_exit "set" */
    enum dw_on_truncate on_truncate;
    struct dw_map_reconcile reconcile;
    const struct dw_map_column *columns;
    size_t column_count;
};

/* Parses a map file's text. All mistakes are collected, not just the first. Returns NULL when there
 * are errors (warnings alone do not count). `file` is for messages. */
const struct dw_table_map *dw_table_map_parse(struct dw_str text, const char *file,
                                              struct dw_arena *arena,
                                              struct dw_map_problems *problems);

/* True: it removes rows of the target one by one. */
static inline bool dw_table_map_deletes(const struct dw_table_map *map)
{
    return map->on_delete == DW_ON_DELETE_DELETE ||
           (map->filter.ptr && map->on_filter_exit == DW_ON_FILTER_EXIT_DELETE);
}

/* True: neither copied nor computed nor looked up. */
static inline bool dw_table_map_is_constant(const struct dw_map_column *column)
{
    return !column->source.ptr && !column->compute.ptr && !column->lookup;
}

#endif
