/* check_context.c - see check_context.h. */
#include "reconciler/maps/check_context.h"

#include "common/config/document.h"
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdlib.h>

#define SQL_BYTES_MAX ((size_t)256 << 10)

void dw_check_context_report(struct dw_check_context *context, struct dw_check_map *map,
                             const struct dw_check_fault *fault, const char *format, ...)
{
    char message[DW_ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    const struct dw_err_info *info = dw_err_find(fault->code);
    const struct dw_node *node =
        map->root ? dw_document_find(map->root, dw_str_from(fault->path)) : NULL;
    struct dw_map_problem problem = {
        .warning = fault->warning,
        .file = map->item->file,
        .path = dw_str_from(fault->path),
        .line = node ? node->line : 0,
        .message = dw_str_from(message),
        .remedy = dw_str_from(fault->remedy ? fault->remedy
                              : info        ? info->remedy
                                            : ""),
    };
    (void)snprintf(problem.code, sizeof problem.code, "%s", fault->code);
    dw_map_problems_add(context->problems, &problem);
    map->item->errors += !fault->warning;
}

void dw_check_context_failed(struct dw_check_context *context, struct dw_check_map *map,
                             const char *path, const struct dw_err *err)
{
    dw_check_context_report(context, map,
                            &(struct dw_check_fault){.code = "DW-MAP-054", .path = path}, "%s",
                            err->message);
}

enum dw_rc dw_check_context_row(struct dw_check_context *context, struct pg_conn *conn,
                                const struct dw_check_query *query, const char ***out_fields,
                                struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, query->sql, query->param_count, query->params, &result, err);
    if (rc != DW_OK)
        return rc;
    if (PQntuples(result) == 0) {
        PQclear(result);
        return DW_END;
    }
    int count = PQnfields(result);
    const char **fields = DW_ARENA_ARRAY(context->arena, const char *, (size_t)count + 1);
    for (int i = 0; i < count; i++)
        fields[i] = PQgetisnull(result, 0, i)
                        ? NULL
                        : dw_arena_printf(context->arena, "%s", PQgetvalue(result, 0, i));
    PQclear(result);
    *out_fields = fields;
    return DW_OK;
}

static const char facts_sql[] =
    "SELECT current_user, current_database(), current_setting('wal_level'),"
    " current_setting('server_version_num'), r.rolreplication OR r.rolsuper,"
    " has_database_privilege(current_database(), 'CREATE'),"
    " has_database_privilege(current_database(), 'TEMPORARY'),"
    " EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1),"
    " (SELECT count(*) FROM pg_replication_slots)"
    "  >= current_setting('max_replication_slots')::int, current_setting('server_encoding')"
    " FROM pg_roles r WHERE r.rolname = current_user";

static enum dw_rc ask_facts(struct dw_check_context *context, struct dw_check_system *system)
{
    const char **fields;
    enum dw_rc rc = dw_pg_exec(system->conn,
                               "SET default_transaction_read_only = on;"
                               "SET statement_timeout = '30s'; SET lock_timeout = '5s'",
                               &system->err);
    if (rc == DW_OK)
        rc = dw_check_context_row(
            context, system->conn,
            &(struct dw_check_query){facts_sql, 1, (const char *const[]){system->settings->slot}},
            &fields, &system->err);
    if (rc == DW_END)
        return dw_err_set(&system->err, DW_CONFIG, "DW-MAP-054", "the server knows no role %s",
                          "of this session");
    if (rc != DW_OK)
        return rc;
    system->user = fields[0];
    system->database = fields[1];
    system->wal_level = fields[2];
    system->version = atoi(fields[3]);
    system->may_replicate = *fields[4] == 't';
    system->may_create = *fields[5] == 't';
    system->may_temp = *fields[6] == 't';
    system->slot_exists = *fields[7] == 't';
    system->slots_full = *fields[8] == 't';
    system->encoding = fields[9];
    return DW_OK;
}

enum dw_rc dw_check_context_connect(struct dw_check_context *context,
                                    struct dw_check_system *system)
{
    if (system->tried)
        return system->err.rc;
    system->tried = true;
    struct dw_pg_options options = {
        .connection = system->settings->connection,
        .password = system->settings->password,
        .application_name = "dualwrite map check",
        .what = dw_arena_printf(context->arena, "system %s", system->settings->name),
    };
    enum dw_rc rc = dw_pg_connect(&system->conn, &options, &system->err);
    if (rc == DW_OK)
        rc = ask_facts(context, system);
    system->err.rc = rc;
    return rc;
}

void dw_check_context_close(struct dw_check_context *context)
{
    for (size_t i = 0; i < context->settings->system_count; i++)
        dw_pg_disconnect(context->systems[i].conn);
}

const char *dw_check_context_source_path(const struct dw_check_context *context,
                                         const struct dw_table_map *map, size_t column)
{
    if (!map->columns[column].implied)
        return dw_arena_printf(context->arena, "columns[%zu].source", column);
    size_t i = 0;
    while (i < map->source.key_count &&
           !dw_str_equal(map->source.key[i], map->columns[column].source))
        i++;
    return dw_arena_printf(context->arena, "source.key[%zu]", i);
}

const char *dw_check_context_target_path(const struct dw_check_context *context,
                                         const struct dw_table_map *map, size_t column)
{
    if (!map->columns[column].implied)
        return dw_arena_printf(context->arena, "columns[%zu].target", column);
    return dw_arena_printf(context->arena, "target.key[%d]", map->columns[column].key_index);
}

static const char *take(const struct dw_check_context *context, struct dw_buf *buf)
{
    const char *text = dw_arena_copy(context->arena, dw_buf_str(buf)).ptr;
    dw_buf_done(buf);
    return text;
}

const char *dw_check_context_table_sql(const struct dw_check_context *context,
                                       const struct dw_pg_table *table)
{
    struct dw_buf buf;
    dw_buf_init(&buf, SQL_BYTES_MAX);
    dw_pg_quote_table(&buf, table->schema, table->table);
    return take(context, &buf);
}

const char *dw_check_context_name_sql(const struct dw_check_context *context, const char *name)
{
    return dw_check_context_names_sql(context, &(struct dw_str){name, strlen(name)}, 1);
}

const char *dw_check_context_names_sql(const struct dw_check_context *context,
                                       const struct dw_str *names, size_t count)
{
    struct dw_buf buf;
    dw_buf_init(&buf, SQL_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (i)
            dw_buf_append_text(&buf, ", ");
        dw_pg_quote_name(&buf, names[i]);
    }
    return take(context, &buf);
}
