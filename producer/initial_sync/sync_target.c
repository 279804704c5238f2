/* sync_target.c - see sync_target.h. */
#include "producer/initial_sync/sync_target.h"

#include "common/postgres/pg.h"
#include "common/postgres/pg_table.h"
#include "producer/initial_sync/sync_work.h"
#include <libpq-fe.h>
#include <stdio.h>

#define SQL_BYTES_MAX ((size_t)1 << 20)

void dw_sync_target_init(struct dw_sync_target *target, const struct dw_settings *settings)
{
    *target = (struct dw_sync_target){.settings = settings};
}

void dw_sync_target_drop(struct dw_sync_target *target)
{
    dw_pg_disconnect(target->conn);
    target->conn = NULL;
}

/* The column of the map that fills target key column `index`. */
static const struct dw_map_column *key_column(const struct dw_table_map *map, size_t index)
{
    for (size_t i = 0; i < map->column_count; i++)
        if (map->columns[i].key_index == (int)index)
            return &map->columns[i];
    return NULL;
}

static bool is_copy(const struct dw_map_column *column)
{
    return column && column->source.ptr && !column->values &&
           column->default_when_null.kind == DW_VALUE_ABSENT;
}

static bool is_constant(const struct dw_map_column *column)
{
    return column && !column->source.ptr;
}

enum dw_rc dw_sync_target_check(const struct dw_table_map *map, struct dw_err *err)
{
    for (size_t i = 0; i < map->target.key_count; i++) {
        const struct dw_map_column *column = key_column(map, i);
        if (!is_copy(column) && !is_constant(column))
            return dw_err_set(err, DW_CONFIG, "DW-SYNC-007",
                              "key column %.*s of the target is not a plain copy: which source row "
                              "it belongs to cannot be told",
                              DW_STR_ARG(map->target.key[i]));
    }
    return DW_OK;
}

static enum dw_rc connect_target(struct dw_sync_target *target, const struct dw_table_map *map,
                                 struct dw_err *err)
{
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s", DW_STR_ARG(map->target.system));
    const struct dw_system_settings *system = dw_settings_system(target->settings, name);
    if (!system)
        return dw_err_set(err, DW_CONFIG, "DW-SYNC-008",
                          "%s has no system %s: the producer has to read the target's keys",
                          target->settings->file, name);
    if (target->conn && target->system == system)
        return DW_OK;
    dw_sync_target_drop(target);
    target->system = system;
    char what[160];
    (void)snprintf(what, sizeof what, "system %s", name);
    struct dw_pg_options options = {
        .connection = system->connection,
        .password = system->password,
        .application_name = "dualwrite-producer sync",
        .what = what,
    };
    return dw_pg_connect(&target->conn, &options, err);
}

struct query {
    const struct dw_table_map *map;
    const struct dw_pg_table *table;
    struct dw_buf sql;
    const char *params[2 * DW_TABLE_MAP_KEY_MAX];
    int param_count;
};

static void append_name(struct query *query, size_t key)
{
    dw_buf_append_text(&query->sql, "t.");
    dw_pg_quote_name(&query->sql,
                     dw_pg_table_column(query->table, query->map->target.key[key])->name);
}

static void append_param(struct query *query, size_t key, const char *value)
{
    const struct dw_pg_column *column =
        dw_pg_table_column(query->table, query->map->target.key[key]);
    query->params[query->param_count++] = value;
    dw_buf_printf(&query->sql, "$%d::%.*s", query->param_count, DW_STR_ARG(column->base_type_sql));
}

/* The copied key columns, between commas. */
static void append_copies(struct query *query)
{
    bool first = true;
    for (size_t i = 0; i < query->map->target.key_count; i++)
        if (is_copy(key_column(query->map, i))) {
            dw_buf_append_text(&query->sql, first ? "" : ", ");
            append_name(query, i);
            first = false;
        }
}

static void append_constants(struct query *query, struct dw_arena *arena)
{
    for (size_t i = 0; i < query->map->target.key_count; i++) {
        const struct dw_map_column *column = key_column(query->map, i);
        if (!is_constant(column))
            continue;
        dw_buf_append_text(&query->sql, " AND ");
        append_name(query, i);
        dw_buf_append_text(&query->sql, " = ");
        struct dw_str text = column->constant.kind == DW_VALUE_TRUE    ? DW_STR_LIT("true")
                             : column->constant.kind == DW_VALUE_FALSE ? DW_STR_LIT("false")
                                                                       : column->constant.text;
        append_param(query, i, dw_arena_copy(arena, text).ptr);
    }
}

/* `cursor`: texts of the copied columns in the target's order. */
static void append_cursor(struct query *query, const struct dw_str *cursor)
{
    size_t at = 0;
    dw_buf_append_text(&query->sql, " AND (");
    append_copies(query);
    dw_buf_append_text(&query->sql, ") > (");
    for (size_t i = 0; i < query->map->target.key_count; i++)
        if (is_copy(key_column(query->map, i))) {
            dw_buf_append_text(&query->sql, at ? ", " : "");
            append_param(query, i, cursor[at++].ptr);
        }
    dw_buf_append_char(&query->sql, ')');
}

static void build(struct query *query, const struct dw_str *cursor, int64_t limit,
                  struct dw_arena *arena)
{
    dw_buf_append_text(&query->sql, "SELECT ");
    append_copies(query);
    dw_buf_append_text(&query->sql, " FROM ");
    dw_pg_quote_table(&query->sql, query->table->schema, query->table->table);
    dw_buf_append_text(&query->sql, " t WHERE true");
    append_constants(query, arena);
    if (cursor)
        append_cursor(query, cursor);
    dw_buf_append_text(&query->sql, " ORDER BY ");
    append_copies(query);
    dw_buf_append_text(&query->sql, " LIMIT ");
    dw_buf_append_i64(&query->sql, limit);
}

/* Rows have the target's order of columns; the map's source key has its own. The parser pairs them
 * by position, constants apart, so both orders are one. */
static void take_rows(const PGresult *result, const struct dw_table_map *map,
                      struct dw_sync_target_keys *page)
{
    size_t count = map->source.key_count;
    page->count = (size_t)PQntuples(result);
    page->more = (int64_t)page->count == page->limit;
    page->keys = DW_ARENA_ARRAY(page->arena, struct dw_str, page->count * count);
    for (size_t i = 0; i < page->count; i++)
        for (size_t j = 0; j < count; j++)
            page->keys[i * count + j] =
                dw_arena_copy(page->arena, dw_str_from(PQgetvalue(result, (int)i, (int)j)));
    if (page->count)
        dw_chunk_read_format_key(&page->keys[(page->count - 1) * count], count, &page->last);
}

static enum dw_rc read_page(struct dw_sync_target *target, const struct dw_table_map *map,
                            const struct dw_str *cursor, struct dw_sync_target_keys *page,
                            struct dw_err *err)
{
    struct query query = {.map = map};
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_table_load(target->conn, map->target.schema, map->target.table,
                                     page->arena, &query.table, err);
    if (rc != DW_OK)
        return rc;
    for (size_t i = 0; i < map->target.key_count; i++)
        if (!dw_pg_table_column(query.table, map->target.key[i]))
            return dw_err_set(err, DW_CONFIG, "DW-SYNC-002", "there is no column %.*s of %.*s.%.*s",
                              DW_STR_ARG(map->target.key[i]), DW_STR_ARG(map->target.schema),
                              DW_STR_ARG(map->target.table));
    dw_buf_init(&query.sql, SQL_BYTES_MAX);
    build(&query, cursor, page->limit, page->arena);
    rc = dw_pg_query(target->conn, query.sql.data, query.param_count, query.params, &result, err);
    dw_buf_done(&query.sql);
    if (rc != DW_OK)
        return rc;
    take_rows(result, map, page);
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_sync_target_read(struct dw_sync_target *target, const struct dw_sync_span *span,
                               struct dw_sync_target_keys *page, struct dw_err *err)
{
    const struct dw_table_map *map = span->job->table->definition;
    size_t count = map->source.key_count;
    const char *json = span->cursor;
    struct dw_str *cursor = NULL;
    if (span->job->keys) {
        page->keys = span->job->keys;
        page->count = span->job->keys_count;
        return DW_OK;
    }
    if (json) {
        cursor = DW_ARENA_ARRAY(page->arena, struct dw_str, count);
        if (!dw_chunk_read_key(json, count, page->arena, cursor))
            return dw_err_set(err, DW_CONFIG, "DW-SYNC-003",
                              "a key has to be a JSON array of %zu texts, found %.200s", count,
                              json);
    }
    enum dw_rc rc = connect_target(target, map, err);
    return rc == DW_OK ? read_page(target, map, cursor, page, err) : rc;
}
