/* check_target.c - see check_target.h. */
#include "reconciler/maps/check_target.h"

#include <string.h>

#define OLDEST_SERVER 140000

/* --- unique index ---------------------------------------------------------------------------- */

static bool index_has(const struct dw_pg_index *index, int16_t number)
{
    for (size_t i = 0; i < index->column_count; i++)
        if (index->columns[i] == number)
            return true;
    return false;
}

/* The columns of the index are exactly those of the key. */
static bool is_on_key(const struct dw_check_map *map, const struct dw_pg_index *index)
{
    const struct dw_map_side *side = &map->map->target;
    for (size_t i = 0; i < side->key_count; i++) {
        const struct dw_pg_column *column = dw_pg_table_column(map->target, side->key[i]);
        if (!column || !index_has(index, column->number))
            return false;
    }
    return index->column_count == side->key_count;
}

static void check_unique(struct dw_check_context *context, struct dw_check_map *map)
{
    const struct dw_map_side *side = &map->map->target;
    const char *near = "";
    for (size_t i = 0; i < side->key_count; i++)
        if (!dw_pg_table_column(map->target, side->key[i]))
            return; /* reported as unknown */
    for (size_t i = 0; i < map->target->index_count; i++) {
        const struct dw_pg_index *index = &map->target->indexes[i];
        if (!is_on_key(map, index))
            continue;
        if (index->usable && index->immediate)
            return;
        near = dw_arena_printf(
            context->arena, "; index \"%.*s\" does not count: it is %s", DW_STR_ARG(index->name),
            index->immediate ? "partial, on an expression, or not valid" : "deferrable");
    }
    const char *names = dw_check_context_names_sql(context, side->key, side->key_count);
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){
            .code = "DW-MAP-034",
            .path = "target.key",
            .remedy = dw_arena_printf(context->arena, "CREATE UNIQUE INDEX ON %s (%s);",
                                      dw_check_context_table_sql(context, map->target), names)},
        "no unique index on exactly (%s)%s", names, near);
}

/* --- privileges ------------------------------------------------------------------------------ */

/* By a grant on each column that the map writes. */
static bool columns_allow(const struct dw_check_map *map, size_t offset)
{
    const struct dw_str flags[] = {map->map->delete_column, map->map->exit.column};
    size_t count = map->map->column_count;
    for (size_t i = 0; i < count + sizeof flags / sizeof *flags; i++) {
        struct dw_str name = i < count ? map->map->columns[i].target : flags[i - count];
        const struct dw_pg_column *column = name.ptr ? dw_pg_table_column(map->target, name) : NULL;
        if (column && !*(const bool *)((const char *)column + offset))
            return false;
    }
    return true;
}

static const char *append(struct dw_check_context *context, const char *list, const char *word)
{
    return dw_arena_printf(context->arena, "%s%s%s", list, *list ? ", " : "", word);
}

static void check_privileges(struct dw_check_context *context, struct dw_check_map *map)
{
    const struct dw_pg_table *table = map->target;
    const struct dw_table_map *spec = map->map;
    const char *missing = "";
    if (!table->can_select && !columns_allow(map, offsetof(struct dw_pg_column, can_select)))
        missing = append(context, missing, "SELECT");
    if (!table->can_insert && !columns_allow(map, offsetof(struct dw_pg_column, can_insert)))
        missing = append(context, missing, "INSERT");
    if (!table->can_update && !columns_allow(map, offsetof(struct dw_pg_column, can_update)))
        missing = append(context, missing, "UPDATE");
    if (!table->can_delete && dw_table_map_deletes(spec))
        missing = append(context, missing, "DELETE");
    if (!table->can_truncate && spec->on_truncate == DW_ON_TRUNCATE_TRUNCATE)
        missing = append(context, missing, "TRUNCATE");
    if (!*missing)
        return;
    const char *sql = dw_check_context_table_sql(context, table);
    const char *user = map->target_system->user;
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){
            .code = "DW-MAP-048",
            .path = "target.table",
            .remedy = dw_arena_printf(context->arena, "GRANT %s ON %s TO %s;", missing, sql,
                                      dw_check_context_name_sql(context, user))},
        "user %s has no privilege %s on table %s", user, missing, sql);
}

static void check_row_security(struct dw_check_context *context, struct dw_check_map *map)
{
    if (!map->target->row_security)
        return;
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){.code = "DW-MAP-050",
                                 .path = "target.table",
                                 .remedy = dw_arena_printf(
                                     context->arena, "ALTER ROLE %s BYPASSRLS;",
                                     dw_check_context_name_sql(context, map->target_system->user))},
        "row-level security of table %s applies to user %s",
        dw_check_context_table_sql(context, map->target), map->target_system->user);
}

void dw_check_target_table(struct dw_check_context *context, struct dw_check_map *map)
{
    const struct dw_pg_table *table = map->target;
    if (table->kind != 'r' && table->kind != 'p') {
        dw_check_context_report(
            context, map, &(struct dw_check_fault){.code = "DW-MAP-024", .path = "target.table"},
            "%.*s.%.*s is %s; a target must be a table", DW_STR_ARG(table->schema),
            DW_STR_ARG(table->table), table->kind == 'f' ? "a foreign table" : "a view");
        return;
    }
    check_unique(context, map);
    check_privileges(context, map);
    check_row_security(context, map);
}

/* --- server ---------------------------------------------------------------------------------- */

static const char server_sql[] =
    "SELECT c.relpersistence, has_schema_privilege(c.relnamespace, 'USAGE'),"
    " d.oid IS NOT NULL, has_schema_privilege(d.oid, 'USAGE'), has_schema_privilege(d.oid, "
    "'CREATE'),"
    " (SELECT string_agg('dualwrite.' || w.name, ', ') FROM"
    "  (VALUES ('target'), ('progress'), ('held'), ('waiting'), ('barrier'), ('owner'), ('stale')) "
    "AS w(name)"
    "  LEFT JOIN pg_class t ON t.relname = w.name AND t.relnamespace = d.oid"
    "  WHERE t.oid IS NULL OR NOT (has_table_privilege(t.oid, 'SELECT')"
    "   AND has_table_privilege(t.oid, 'INSERT') AND has_table_privilege(t.oid, 'UPDATE')"
    "   AND has_table_privilege(t.oid, 'DELETE'))),"
    " (SELECT count(*) FROM pg_class t WHERE t.relnamespace = d.oid AND t.relname IN"
    "  ('target', 'progress', 'held', 'waiting', 'barrier', 'owner', 'stale'))"
    " FROM pg_class c LEFT JOIN pg_namespace d ON d.nspname = 'dualwrite' WHERE c.oid = $1::oid";

static bool yes(const char *field)
{
    return field && *field == 't';
}

/* The schema dualwrite: there and usable, or to be made by the writer at its first start. */
static void check_own_schema(struct dw_check_context *context, struct dw_check_map *map,
                             const char **fields)
{
    const struct dw_check_system *system = map->target_system;
    const char *user = dw_check_context_name_sql(context, system->user);
    struct dw_check_fault fault = {.code = "DW-MAP-049", .path = "target.system"};
    bool may_make_tables = yes(fields[3]) && yes(fields[4]);
    if (!yes(fields[2]) && !system->may_create) {
        fault.remedy =
            dw_arena_printf(context->arena, "CREATE SCHEMA dualwrite AUTHORIZATION %s;", user);
        dw_check_context_report(
            context, map, &fault,
            "database %s has no schema dualwrite, and user %s may not create it", system->database,
            system->user);
    } else if (yes(fields[2]) && fields[5] && !may_make_tables) {
        fault.remedy = dw_arena_printf(context->arena,
                                       "GRANT USAGE, CREATE ON SCHEMA dualwrite TO %s;\nGRANT "
                                       "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "
                                       "dualwrite TO %s;",
                                       user, user);
        dw_check_context_report(context, map, &fault,
                                "user %s may not make or use %s of database %s", system->user,
                                fields[5], system->database);
    }
}

static void check_rights(struct dw_check_context *context, struct dw_check_map *map,
                         const char **fields)
{
    const struct dw_check_system *system = map->target_system;
    const char *user = dw_check_context_name_sql(context, system->user);
    struct dw_check_fault fault = {.code = "DW-MAP-048", .path = "target.table"};
    if (!yes(fields[1])) {
        fault.remedy =
            dw_arena_printf(context->arena, "GRANT USAGE ON SCHEMA %s TO %s;",
                            dw_check_context_names_sql(context, &map->target->schema, 1), user);
        dw_check_context_report(context, map, &fault, "user %s may not use schema %.*s",
                                system->user, DW_STR_ARG(map->target->schema));
    }
    if (!system->may_temp) {
        fault.path = "target.system";
        fault.remedy = dw_arena_printf(context->arena, "GRANT TEMPORARY ON DATABASE %s TO %s;",
                                       dw_check_context_name_sql(context, system->database), user);
        dw_check_context_report(context, map, &fault,
                                "user %s may not make temporary tables in database %s, through "
                                "which rows are merged",
                                system->user, system->database);
    }
}

void dw_check_target_server(struct dw_check_context *context, struct dw_check_map *map)
{
    const char *oid = dw_arena_printf(context->arena, "%u", map->target->oid);
    const char **fields;
    struct dw_err err = DW_ERR_INIT;
    enum dw_rc rc = dw_check_context_row(
        context, map->target_system->conn,
        &(struct dw_check_query){server_sql, 1, (const char *const[]){oid}}, &fields, &err);
    if (rc == DW_END)
        return; /* dropped this moment */
    if (rc != DW_OK) {
        dw_check_context_failed(context, map, "target.table", &err);
        return;
    }
    if (map->target_system->version < OLDEST_SERVER)
        dw_check_context_report(
            context, map, &(struct dw_check_fault){.code = "DW-MAP-055", .path = "target.system"},
            "system %s is PostgreSQL %d", map->target_system->settings->name,
            map->target_system->version / 10000);
    if (*fields[0] != 'p' && (map->target->kind == 'r' || map->target->kind == 'p'))
        dw_check_context_report(
            context, map, &(struct dw_check_fault){.code = "DW-MAP-024", .path = "target.table"},
            "table %.*s.%.*s is %s: it would be empty after a crash, while the progress says that "
            "its rows are there",
            DW_STR_ARG(map->target->schema), DW_STR_ARG(map->target->table),
            *fields[0] == 'u' ? "unlogged" : "temporary");
    check_rights(context, map, fields);
    check_own_schema(context, map, fields);
}
