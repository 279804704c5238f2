/* sync_values.c - see sync_values.h. */
#include "reconciler/maps/sync_values.h"

#include "common/base/buf.h"
#include "common/base/json_pull.h"
#include "common/model/table_map.h"
#include "common/postgres/pg.h"
#include <libpq-fe.h>

#define SQL_MAX 65536

/* Reads nothing: each value becomes one of its column's type, which is what may fail. */
static void write_question(const struct dw_map_side *side, struct dw_buf *out)
{
    dw_buf_append_text(out, "SELECT FROM ");
    dw_pg_quote_table(out, side->schema, side->table);
    for (size_t i = 0; i < side->key_count; i++) {
        dw_buf_append_text(out, i ? " AND " : " WHERE ");
        dw_pg_quote_name(out, side->key[i]);
        dw_buf_printf(out, " = $%zu", i + 1);
    }
    dw_buf_append_text(out, " LIMIT 0");
}

static enum dw_rc ask(PGconn *conn, const struct dw_map_side *side, const char *sql,
                      const char *const *values, struct dw_err *err)
{
    struct dw_err answer = DW_ERR_INIT;
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, sql, (int)side->key_count, values, &result, &answer);
    PQclear(result);
    if (rc == DW_OK || strncmp(answer.sqlstate, "22", 2) != 0)
        return DW_OK;
    return dw_err_set(err, DW_CONFLICT, "DW-SYNC-003", "a key cannot be one of %.*s: %s",
                      DW_STR_ARG(side->table), answer.message);
}

static enum dw_rc ask_all(PGconn *conn, const struct dw_map_side *side, const char *keys,
                          struct dw_arena *arena, struct dw_err *err)
{
    struct dw_buf sql;
    struct dw_json_pull pull;
    const char *values[DW_TABLE_MAP_KEY_MAX];
    size_t count = 0;
    enum dw_json token;
    enum dw_rc rc = DW_OK;
    dw_buf_init(&sql, SQL_MAX);
    write_question(side, &sql);
    dw_json_pull_init(&pull, dw_str_from(keys), arena);
    while (rc == DW_OK && (token = dw_json_pull_next(&pull)) > DW_JSON_END) {
        if (token == DW_JSON_STRING && count < side->key_count)
            values[count++] = dw_arena_copy(arena, pull.text).ptr;
        if (count < side->key_count || token != DW_JSON_STRING)
            continue;
        rc = ask(conn, side, sql.data, values, err);
        count = 0;
    }
    dw_buf_done(&sql);
    return rc;
}

enum dw_rc dw_sync_values_check(const struct dw_settings *settings, const struct dw_table_map *map,
                                const char *keys, struct dw_arena *arena, struct dw_err *err)
{
    const char *name = dw_arena_copy(arena, map->source.system).ptr;
    const struct dw_system_settings *system = dw_settings_system(settings, name);
    struct dw_err away = DW_ERR_INIT;
    struct pg_conn *conn = NULL;
    if (!system)
        return DW_OK;
    const struct dw_pg_options options = {
        .connection = system->connection,
        .password = system->password,
        .application_name = "dualwrite-reconciler",
        .what = name,
        .lock_timeout_ms = 5000,
    };
    enum dw_rc rc = DW_OK;
    if (dw_pg_connect(&conn, &options, &away) == DW_OK)
        rc = ask_all(conn, &map->source, keys, arena, err);
    dw_pg_disconnect(conn);
    return rc;
}
