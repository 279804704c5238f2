/* writer_table.c - see writer_table.h. */
#include "consumer/write_postgres/writer_table.h"

#include "common/postgres/pg.h"
#include "common/transform/transform.h"
#include "consumer/write_postgres/owner.h"
#include "consumer/write_postgres/writer_session.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define SQL_MAX ((size_t)16 * 1024 * 1024)

static enum dw_rc refuse(const struct dw_writer_table *table, const char *id, const char *what,
                         struct dw_str column, struct dw_err *err)
{
    return dw_err_set(err, DW_CONFIG, id, "table %.*s.%.*s: %s %.*s",
                      DW_STR_ARG(table->map->target.schema), DW_STR_ARG(table->map->target.table),
                      what, DW_STR_ARG(column));
}

/* ---- checks and columns ---- */

static enum dw_rc check_column(const struct dw_writer_table *table,
                               const struct dw_pg_column *column, bool is_key, struct dw_err *err)
{
    if (column->generated)
        return refuse(table, "DW-APPLY-004", "nothing can be written to the generated column",
                      column->name, err);
    if (column->identity_always && !is_key)
        return refuse(table, "DW-APPLY-004", "nothing can be written to the identity column",
                      column->name, err);
    if (!column->can_insert || (!column->can_update && !is_key))
        return refuse(table, "DW-APPLY-003", "no right to INSERT and UPDATE column", column->name,
                      err);
    if (is_key && !column->can_select)
        return refuse(table, "DW-APPLY-003", "no right to SELECT key column", column->name, err);
    return DW_OK;
}

static enum dw_rc add_column(struct dw_writer_table *table, struct dw_str name, int16_t key_index,
                             struct dw_merge_column *out, struct dw_err *err)
{
    const struct dw_pg_column *column = dw_pg_table_column(table->catalogue, name);
    if (!column)
        return refuse(table, "DW-APPLY-001", "there is no column", name, err);
    *out = (struct dw_merge_column){
        .name = column->name,
        .base_type = column->base_type_sql,
        .exact_type = column->type,
        .base_oid = column->base_oid,
        .is_key = key_index >= 0,
        .identity_always = column->identity_always,
    };
    table->key_of[table->merge.column_count++] = key_index;
    return check_column(table, column, key_index >= 0, err);
}

/* The extra column of a flag; both flags may have one. */
static enum dw_rc add_extra(struct dw_writer_table *table, struct dw_str name,
                            struct dw_merge_column *columns, struct dw_err *err)
{
    size_t count = table->merge.column_count;
    if (count > table->map->column_count && dw_str_equal(columns[count - 1].name, name))
        return DW_OK;
    return add_column(table, name, -1, &columns[count], err);
}

static enum dw_rc add_columns(struct dw_writer_table *table, struct dw_err *err)
{
    const struct dw_table_map *map = table->map;
    size_t room = map->column_count + DW_TABLE_EXTRA_MAX;
    struct dw_merge_column *columns = DW_ARENA_ARRAY(&table->arena, struct dw_merge_column, room);
    enum dw_rc rc = DW_OK;
    table->merge.columns = columns;
    table->key_of = DW_ARENA_ARRAY(&table->arena, int16_t, room);
    for (size_t i = 0; rc == DW_OK && i < map->column_count; i++)
        rc = add_column(table, map->columns[i].target, (int16_t)map->columns[i].key_index,
                        &columns[i], err);
    if (rc == DW_OK && map->on_delete == DW_ON_DELETE_SET)
        rc = add_extra(table, map->delete_column, columns, err);
    if (rc == DW_OK && map->on_filter_exit == DW_ON_FILTER_EXIT_SET)
        rc = add_extra(table, map->exit.column, columns, err);
    return rc;
}

/* The equality of each key column's type may live in a schema that is not in our search path. */
static enum dw_rc load_operators(struct dw_writer_table *table, const struct dw_pg_index *index,
                                 struct dw_err *err)
{
    static const char sql[] =
        "SELECT a.attname, 'OPERATOR(' || quote_ident(n.nspname) || '.' || o.oprname || ')'"
        " FROM pg_index i CROSS JOIN LATERAL unnest(i.indclass::oid[], i.indkey::int2[])"
        " AS k(opclass, attnum)"
        " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
        " JOIN pg_opclass c ON c.oid = k.opclass"
        " JOIN pg_amop m ON m.amopfamily = c.opcfamily AND m.amopstrategy = 3"
        "  AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype"
        " JOIN pg_operator o ON o.oid = m.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace"
        " WHERE i.indrelid = $1::oid AND i.indexrelid = (SELECT x.oid FROM pg_class x"
        "  JOIN pg_index y ON y.indexrelid = x.oid WHERE y.indrelid = $1::oid AND x.relname = $2)";
    char oid[16];
    (void)snprintf(oid, sizeof oid, "%u", table->catalogue->oid);
    const char *const params[] = {oid, index->name.ptr};
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(table->writer->conn, sql, 2, params, &result, err);
    if (rc != DW_OK)
        return rc;
    struct dw_merge_column *columns =
        DW_ARENA_ARRAY(&table->arena, struct dw_merge_column, table->merge.column_count);
    for (size_t i = 0; i < table->merge.column_count; i++) {
        columns[i] = table->merge.columns[i];
        columns[i].equals = DW_STR_LIT("OPERATOR(pg_catalog.=)");
        for (int row = 0; row < PQntuples(result); row++)
            if (dw_str_is(columns[i].name, PQgetvalue(result, row, 0)))
                columns[i].equals =
                    dw_arena_copy(&table->arena, dw_str_from(PQgetvalue(result, row, 1)));
    }
    table->merge.columns = columns;
    PQclear(result);
    return DW_OK;
}

/* Who refers to the table; whether anything may be checked only at commit: its own constraints, or
 * those of tables that the application's triggers or a cascade write; whether COPY may take the
 * place of INSERT, which rules and policies see and COPY does not. */
static enum dw_rc load_constraints(struct dw_writer_table *table, struct dw_err *err)
{
    static const char sql[] =
        "SELECT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = $1::oid"
        "  AND conrelid <> $1::oid), EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1::oid"
        "  AND (tginitdeferred OR (NOT tgisinternal AND tgenabled <> 'D')))"
        " OR EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = $1::oid"
        "  AND (confdeltype NOT IN ('a', 'r') OR confupdtype NOT IN ('a', 'r')))"
        " OR EXISTS (SELECT FROM pg_index WHERE indrelid = $1::oid AND NOT indimmediate),"
        " EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = $1::oid"
        "  AND confdeltype NOT IN ('a', 'r')), EXISTS (SELECT FROM pg_constraint"
        "  WHERE contype = 'f' AND confrelid = $1::oid AND confupdtype IN ('n', 'd')),"
        " NOT row_security_active($1::oid) AND NOT EXISTS (SELECT FROM pg_rewrite"
        "  WHERE ev_class = $1::oid)";
    char oid[16];
    (void)snprintf(oid, sizeof oid, "%u", table->catalogue->oid);
    const char *const params[] = {oid};
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(table->writer->conn, sql, 1, params, &result, err);
    if (rc != DW_OK)
        return rc;
    table->referenced = PQgetvalue(result, 0, 0)[0] == 't';
    table->deferred = PQgetvalue(result, 0, 1)[0] == 't';
    table->acts_on_delete = PQgetvalue(result, 0, 2)[0] == 't';
    table->acts_on_update = PQgetvalue(result, 0, 3)[0] == 't';
    table->copyable = PQgetvalue(result, 0, 4)[0] == 't';
    PQclear(result);
    return DW_OK;
}

static enum dw_rc check_table(struct dw_writer_table *table, struct dw_err *err)
{
    const struct dw_map_side *target = &table->map->target;
    const struct dw_pg_table *catalogue = table->catalogue;
    const struct dw_str none = {"", 0};
    const struct dw_pg_index *index = dw_pg_table_unique(catalogue, target->key, target->key_count);
    if (!index || !index->immediate)
        return refuse(table, "DW-APPLY-002",
                      "no unique index (immediate, without expression or predicate) on the key",
                      none, err);
    if (dw_table_map_deletes(table->map) && !catalogue->can_delete)
        return refuse(table, "DW-APPLY-003", "no right to DELETE", none, err);
    enum dw_rc rc = load_operators(table, index, err);
    return rc == DW_OK ? load_constraints(table, err) : rc;
}

static enum dw_rc load_owners(struct dw_writer_table *table, struct dw_err *err)
{
    struct dw_buf name;
    dw_buf_init(&name, SQL_MAX);
    dw_pg_quote_table(&name, table->catalogue->schema, table->catalogue->table);
    table->relation = dw_arena_copy(&table->arena, dw_buf_str(&name));
    dw_buf_done(&name);
    return dw_owner_known(table, &table->shared, err);
}

void dw_writer_table_share(struct dw_writer_table *table)
{
    table->shared = true;
}

enum dw_rc dw_writer_table_watch(struct dw_writer_table *table,
                                 const struct dw_table_map *const *maps, size_t count,
                                 struct dw_err *err)
{
    return dw_stale_watch(table, maps, count, err);
}

/* ---- what the transform gets ---- */

static struct dw_resolved_column resolve(const struct dw_pg_column *column, struct dw_arena *arena)
{
    return (struct dw_resolved_column){
        .name = dw_arena_copy(arena, column->name),
        .type = dw_arena_copy(arena, column->type),
        .oid = column->type_oid,
        .base_oid = column->base_oid,
        .typmod = column->typmod,
        .not_null = column->not_null,
        .toastable = column->toastable,
    };
}

static void resolve_target(const struct dw_writer_table *table,
                           const struct dw_map_resolved *resolved, struct dw_arena *arena,
                           struct dw_map_resolved *out)
{
    struct dw_resolved_column *columns =
        DW_ARENA_ARRAY(arena, struct dw_resolved_column, table->merge.column_count);
    for (size_t i = 0; i < table->merge.column_count; i++)
        columns[i] =
            resolve(dw_pg_table_column(table->catalogue, table->merge.columns[i].name), arena);
    out->source = resolved->source;
    out->target = (struct dw_resolved_side){columns, table->merge.column_count,
                                            table->catalogue->replica_identity};
}

static struct dw_writer_table_columns new_list(struct dw_writer_table *table)
{
    return (struct dw_writer_table_columns){
        DW_ARENA_ARRAY(&table->arena, uint16_t, table->merge.column_count), 0};
}

static void add_lists(struct dw_writer_table *table)
{
    table->all = new_list(table);
    table->keys = new_list(table);
    for (size_t i = 0; i < table->merge.column_count; i++) {
        table->all.items[table->all.count++] = (uint16_t)i;
        if (table->key_of[i] >= 0)
            table->keys.items[table->keys.count++] = (uint16_t)i;
    }
}

/* A flag's column and both its values. */
static enum dw_rc fix_flag(struct dw_writer_table *table, const struct dw_map_flag *spec,
                           struct dw_writer_table_flag *flag, struct dw_err *err)
{
    size_t at = table->map->column_count;
    while (!dw_str_equal(table->merge.columns[at].name, spec->column))
        at++;
    size_t extra = at - table->map->column_count;
    const struct dw_resolved_column column =
        resolve(dw_pg_table_column(table->catalogue, spec->column), &table->arena);
    flag->columns = new_list(table);
    for (size_t i = 0; i < table->keys.count; i++)
        flag->columns.items[flag->columns.count++] = table->keys.items[i];
    flag->columns.items[flag->columns.count++] = (uint16_t)at;
    enum dw_rc rc =
        dw_transform_literal(&spec->live, &column, &table->arena, &table->live[extra], err);
    return rc == DW_OK ? dw_transform_literal(&spec->value, &column, &table->arena,
                                              &flag->values[extra], err)
                       : rc;
}

static enum dw_rc fix_flags(struct dw_writer_table *table, struct dw_err *err)
{
    const struct dw_table_map *map = table->map;
    const struct dw_map_flag deleted = {map->delete_column, map->delete_value, map->live_value};
    enum dw_rc rc = DW_OK;
    if (map->on_delete == DW_ON_DELETE_SET)
        rc = fix_flag(table, &deleted, &table->deleted, err);
    if (rc == DW_OK && map->on_filter_exit == DW_ON_FILTER_EXIT_SET)
        rc = fix_flag(table, &map->exit, &table->exited, err);
    return rc;
}

/* ---- statements ---- */

/* Statements for rows with all columns; those of other groups are made when they come. */
static void add_statements(struct dw_writer_table *table, uint32_t number)
{
    static const char *const names[DW_TABLE_STATEMENTS] = {"upsert", "upsert_staged", "mark",
                                                           "mark_staged"};
    struct dw_buf sql;
    dw_buf_init(&sql, SQL_MAX);
    uint32_t *types = DW_ARENA_ARRAY(&table->arena, uint32_t, table->merge.column_count + 3);
    for (size_t i = 0; i < table->merge.column_count; i++)
        types[i] = 1009; /* text[] */
    types[table->merge.column_count] = 25;
    for (size_t i = 0; i < DW_TABLE_STATEMENTS; i++) {
        bool staged = i == DW_TABLE_UPSERT_STAGED || i == DW_TABLE_MARK_STAGED;
        bool mark = i == DW_TABLE_MARK || i == DW_TABLE_MARK_STAGED;
        const struct dw_merge_group group = {table->all.items, table->all.count, staged};
        dw_buf_reset(&sql, SQL_MAX);
        if (mark)
            dw_merge_sql_mark(&sql, &table->merge, &group);
        else
            dw_merge_sql_upsert(&sql, &table->merge, &group);
        table->statements[i] = (struct dw_exchange_statement){
            .name = dw_arena_printf(&table->arena, "dw_%s_%u", names[i], number),
            .sql = dw_arena_copy(&table->arena, dw_buf_str(&sql)).ptr,
            .param_count = staged ? 0 : (int)(table->merge.column_count + mark),
            .types = staged ? NULL : types,
        };
    }
    dw_buf_done(&sql);
}

enum dw_rc dw_writer_table_new(struct dw_writer *writer, const struct dw_table_map *map,
                               const struct dw_map_resolved *resolved, struct dw_arena *arena,
                               struct dw_writer_table **out, struct dw_map_resolved *out_resolved,
                               struct dw_err *err)
{
    enum dw_rc rc = dw_writer_session_connect(writer, err);
    if (rc != DW_OK)
        return rc;
    struct dw_writer_table *table = DW_MEM_NEW(struct dw_writer_table);
    table->patience_ms = DW_SESSION_PATIENCE_MS;
    dw_arena_init(&table->arena, 16384);
    dw_arena_init(&table->watch_arena, 4096);
    table->writer = writer;
    table->map = map;
    table->session = writer->session;
    rc = dw_pg_table_load(writer->conn, map->target.schema, map->target.table, &table->arena,
                          &table->catalogue, err);
    if (rc == DW_OK)
        rc = add_columns(table, err);
    if (rc == DW_OK)
        rc = check_table(table, err);
    *out_resolved = (struct dw_map_resolved){.lookups = NULL};
    if (rc == DW_OK)
        rc =
            dw_lookup_resolve_load(table, &out_resolved->lookups, &out_resolved->lookup_count, err);
    if (rc == DW_OK && map->filter.ptr)
        rc = load_owners(table, err);
    if (rc == DW_OK) {
        add_lists(table);
        rc = fix_flags(table, err);
    }
    if (rc != DW_OK) {
        dw_writer_table_free(table);
        return rc;
    }
    uint32_t number = ++writer->next_table;
    table->merge.schema = table->catalogue->schema;
    table->merge.table = table->catalogue->table;
    table->merge.utf8 = writer->utf8;
    table->merge.stage = dw_str_from(dw_arena_printf(&table->arena, "dw_stage_%u", number));
    add_statements(table, number);
    resolve_target(table, resolved, arena, out_resolved);
    *out = table;
    return DW_OK;
}

/* A statement for the sake of tidiness: when it fails, the session's end does the same. */
static void try_exec(PGconn *conn, const char *sql)
{
    PQclear(PQexec(conn, sql));
}

void dw_writer_table_free(struct dw_writer_table *table)
{
    if (!table)
        return;
    struct dw_writer *writer = table->writer;
    dw_writer_table_refresh(table);
    if (writer->staged == table)
        writer->staged = NULL;
    for (size_t i = 0; i < DW_SESSION_STAGES; i++)
        if (writer->stages[i] == table)
            writer->stages[i] = NULL;
    bool idle = writer->conn && PQtransactionStatus(writer->conn) == PQTRANS_IDLE;
    char sql[128];
    for (size_t i = 0; idle && i < DW_TABLE_STATEMENTS; i++)
        if (table->prepared[i]) {
            (void)snprintf(sql, sizeof sql, "DEALLOCATE %s", table->statements[i].name);
            try_exec(writer->conn, sql);
        }
    if (idle && table->stage_exists) {
        (void)snprintf(sql, sizeof sql, "DROP TABLE pg_temp.%s", table->merge.stage.ptr);
        try_exec(writer->conn, sql);
    }
    dw_arena_done(&table->arena);
    dw_arena_done(&table->watch_arena);
    free(table);
}

void dw_writer_table_refresh(struct dw_writer_table *table)
{
    if (table->session == table->writer->session)
        return;
    table->session = table->writer->session;
    table->stage_exists = false;
    memset(table->prepared, 0, sizeof table->prepared);
}

/* Takes the ring's next place, whose table loses its stage. */
static void take_place(struct dw_writer_table *table, struct dw_buf *sql)
{
    struct dw_writer *writer = table->writer;
    struct dw_writer_table **place = &writer->stages[writer->next_stage++ % DW_SESSION_STAGES];
    if (*place && (*place)->stage_exists) {
        dw_buf_printf(sql, "DROP TABLE IF EXISTS pg_temp.%s; ", (*place)->merge.stage.ptr);
        (*place)->stage_exists = false;
    }
    *place = table;
}

enum dw_rc dw_writer_table_stage(struct dw_writer_table *table, struct dw_err *err)
{
    if (table->stage_exists)
        return DW_OK;
    struct dw_writer *writer = table->writer;
    dw_buf_reset(&writer->sql, SQL_MAX);
    take_place(table, &writer->sql);
    /* it may be there: a transaction that dropped it was rolled back */
    dw_buf_printf(&writer->sql, "DROP TABLE IF EXISTS pg_temp.%s; ", table->merge.stage.ptr);
    dw_merge_sql_stage(&writer->sql, &table->merge);
    PGresult *result = PQexec(writer->conn, writer->sql.data);
    enum dw_rc rc = PQresultStatus(result) == PGRES_COMMAND_OK
                        ? DW_OK
                        : dw_writer_session_error(writer, result, err);
    PQclear(result);
    if (rc == DW_OK) {
        table->stage_exists = true;
        writer->staged = table;
    }
    return rc;
}

/* ---- who is waited for ---- */

static struct dw_str field(const PGresult *failure, int code, struct dw_arena *arena)
{
    const char *text = PQresultErrorField(failure, code);
    return text ? dw_arena_copy(arena, dw_str_from(text)) : (struct dw_str){NULL, 0};
}

void dw_writer_table_parent(const struct dw_writer_table *table, const PGresult *failure,
                            struct dw_arena *arena, struct dw_str *out_schema,
                            struct dw_str *out_table)
{
    const struct dw_pg_table *catalogue = table->catalogue;
    struct dw_str schema = field(failure, PG_DIAG_SCHEMA_NAME, arena);
    struct dw_str name = field(failure, PG_DIAG_TABLE_NAME, arena);
    struct dw_str constraint = field(failure, PG_DIAG_CONSTRAINT_NAME, arena);
    for (size_t i = 0; i < catalogue->reference_count; i++)
        if (dw_str_equal(catalogue->references[i].name, constraint)) {
            *out_schema = dw_arena_copy(arena, catalogue->references[i].schema);
            *out_table = dw_arena_copy(arena, catalogue->references[i].table);
            return;
        }
    *out_schema = schema; /* a child's constraint: its rows have to go first */
    *out_table = name;
}
