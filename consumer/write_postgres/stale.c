/* stale.c - see stale.h. */
#include "consumer/write_postgres/stale.h"

#include "common/postgres/pg.h"
#include "consumer/write_postgres/writer_session.h"
#include "consumer/write_postgres/writer_table.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define SQL_MAX ((size_t)1 << 20)

/* ---- watching ---- */

struct watching {
    struct dw_writer_table *table;
    const struct dw_table_map *map;
    const struct dw_map_column *column; /* with the outermost lookup */
    struct dw_arena scratch;
    struct dw_err *err;
};

/* Lookups from the outermost to the one that goes into our table, and the key column of each that
 * the next one fills. */
struct path {
    const struct path *outer;
    const struct dw_map_lookup *spec;
    struct dw_str filled; /* column of outer->spec's table */
};

static enum dw_rc put_type(struct watching *watching, struct dw_str schema, struct dw_str table,
                           struct dw_str name, struct dw_buf *out)
{
    const struct dw_pg_table *catalogue;
    enum dw_rc rc = dw_pg_table_load(watching->table->writer->conn, schema, table,
                                     &watching->scratch, &catalogue, watching->err);
    if (rc != DW_OK)
        return rc;
    const struct dw_pg_column *column = dw_pg_table_column(catalogue, name);
    if (!column)
        return dw_err_set(watching->err, DW_CONFIG, "DW-APPLY-001",
                          "table %.*s.%.*s: there is no column %.*s", DW_STR_ARG(schema),
                          DW_STR_ARG(table), DW_STR_ARG(name));
    dw_buf_append_str(out, column->base_type_sql);
    return DW_OK;
}

/* The source key of a holder, as a JSON array: key pairs are plain copies, in both keys' order. */
static void put_key(const struct dw_table_map *map, struct dw_buf *out)
{
    size_t put = 0;
    dw_buf_append_text(out, "pg_catalog.json_build_array(");
    for (size_t i = 0; i < map->target.key_count; i++)
        for (size_t c = 0; c < map->column_count; c++)
            if (map->columns[c].key_index == (int)i && map->columns[c].source.ptr) {
                dw_buf_append_text(out, put++ ? ", d." : "d.");
                dw_pg_quote_name(out, map->target.key[i]);
                dw_buf_append_text(out, "::text");
            }
    dw_buf_append_text(out, ")::text");
}

/* Joins the tables between the holder and the path's end; *number: of the last one. */
static void put_joins(const struct watching *watching, const struct path *path, size_t *number,
                      struct dw_buf *out)
{
    if (!path->outer)
        return;
    put_joins(watching, path->outer, number, out);
    const struct dw_map_lookup *outer = path->outer->spec;
    size_t before = (*number)++;
    dw_buf_append_text(out, " JOIN ");
    dw_pg_quote_table(out, outer->schema, outer->table);
    dw_buf_printf(out, " AS a%zu ON a%zu.", before, before);
    dw_pg_quote_name(out, outer->column);
    dw_buf_append_text(out, " = ");
    if (path->outer->outer) {
        dw_buf_printf(out, "a%zu.", before - 1);
        dw_pg_quote_name(out, path->outer->filled);
    } else {
        dw_buf_append_text(out, "d.");
        dw_pg_quote_name(out, watching->column->target);
    }
}

static enum dw_rc write_note(struct watching *watching, const struct path *path, struct dw_buf *out)
{
    const struct dw_map_side *holder = &watching->map->target;
    size_t joined = 0;
    dw_buf_append_text(out, "INSERT INTO dualwrite.stale (map, key) SELECT DISTINCT $1::text, ");
    put_key(watching->map, out);
    dw_buf_append_text(out, " FROM ");
    dw_pg_quote_table(out, holder->schema, holder->table);
    dw_buf_append_text(out, " AS d");
    put_joins(watching, path, &joined, out);
    struct dw_str schema = path->outer ? path->outer->spec->schema : holder->schema;
    struct dw_str table = path->outer ? path->outer->spec->table : holder->table;
    struct dw_str name = path->outer ? path->filled : watching->column->target;
    if (path->outer)
        dw_buf_printf(out, " WHERE a%zu.", joined - 1);
    else
        dw_buf_append_text(out, " WHERE d.");
    dw_pg_quote_name(out, name);
    dw_buf_append_text(out, " = ANY ($2::text[]::");
    enum dw_rc rc = put_type(watching, schema, table, name, out);
    dw_buf_append_text(out, "[]) ON CONFLICT (map, key) DO UPDATE SET at = clock_timestamp()");
    return rc;
}

static enum dw_rc watch_path(struct watching *watching, const struct path *path)
{
    struct dw_writer_table *table = watching->table;
    struct dw_buf sql;
    dw_buf_init(&sql, SQL_MAX);
    enum dw_rc rc = write_note(watching, path, &sql);
    if (rc == DW_OK) {
        struct dw_stale_watch *watch = DW_ARENA_NEW(&table->watch_arena, struct dw_stale_watch);
        *watch = (struct dw_stale_watch){
            .next = table->watches,
            .map = dw_arena_copy(&table->watch_arena, watching->map->name).ptr,
            .note = dw_arena_copy(&table->watch_arena, dw_buf_str(&sql)).ptr,
            .column = dw_arena_copy(&table->watch_arena, path->spec->column),
            .spec = path->spec,
        };
        table->watches = watch;
    }
    dw_buf_done(&sql);
    return rc;
}

static enum dw_rc walk(struct watching *watching, const struct path *path)
{
    const struct dw_map_side *ours = &watching->table->map->target;
    enum dw_rc rc = DW_OK;
    if (dw_str_equal(path->spec->schema, ours->schema) &&
        dw_str_equal(path->spec->table, ours->table))
        rc = watch_path(watching, path);
    for (size_t i = 0; rc == DW_OK && i < path->spec->key_count; i++) {
        const struct dw_map_lookup_key *key = &path->spec->keys[i];
        if (key->lookup)
            rc = walk(watching, &(struct path){path, key->lookup, key->column});
    }
    return rc;
}

/* $n per key column, and the columns that anybody uses as one text. */
static void write_look(struct dw_writer_table *table)
{
    const struct dw_merge_table *merge = &table->merge;
    struct dw_buf sql;
    size_t param = 0;
    dw_buf_init(&sql, SQL_MAX);
    dw_buf_append_text(&sql, "SELECT k.n, pg_catalog.jsonb_build_array(");
    for (const struct dw_stale_watch *watch = table->watches; watch; watch = watch->next)
        for (size_t i = 0; i <= watch->spec->key_count; i++) {
            struct dw_str name =
                i < watch->spec->key_count ? watch->spec->keys[i].column : watch->column;
            dw_buf_append_text(&sql, watch == table->watches && i == 0 ? "t." : ", t.");
            dw_pg_quote_name(&sql, name);
        }
    dw_buf_append_text(&sql, ")::text");
    for (const struct dw_stale_watch *watch = table->watches; watch; watch = watch->next) {
        dw_buf_append_text(&sql, ", t.");
        dw_pg_quote_name(&sql, watch->column);
        dw_buf_append_text(&sql, "::text");
    }
    dw_buf_append_text(&sql, " FROM unnest(");
    for (size_t i = 0; i < table->keys.count; i++)
        dw_buf_printf(&sql, "%s$%zu::text[]", i ? ", " : "", ++param);
    dw_buf_append_text(&sql, ") WITH ORDINALITY AS k(");
    for (size_t i = 0; i < table->keys.count; i++)
        dw_buf_printf(&sql, "k%zu, ", i);
    dw_buf_append_text(&sql, "n) JOIN ");
    dw_pg_quote_table(&sql, merge->schema, merge->table);
    dw_buf_append_text(&sql, " AS t ON ");
    for (size_t i = 0; i < table->keys.count; i++) {
        const struct dw_merge_column *column = &merge->columns[table->keys.items[i]];
        dw_buf_append_text(&sql, i ? " AND t." : "t.");
        dw_pg_quote_name(&sql, column->name);
        dw_buf_printf(&sql, " %.*s k.k%zu::%.*s", DW_STR_ARG(column->equals), i,
                      DW_STR_ARG(column->base_type));
    }
    table->watch_look = dw_arena_copy(&table->watch_arena, dw_buf_str(&sql)).ptr;
    dw_buf_done(&sql);
}

enum dw_rc dw_stale_watch(struct dw_writer_table *table, const struct dw_table_map *const *maps,
                          size_t count, struct dw_err *err)
{
    enum dw_rc rc = dw_writer_session_connect(table->writer, err);
    dw_arena_reset(&table->watch_arena);
    table->watches = NULL;
    for (size_t m = 0; rc == DW_OK && m < count; m++)
        for (size_t c = 0; rc == DW_OK && c < maps[m]->column_count; c++) {
            struct watching watching = {
                .table = table, .map = maps[m], .column = &maps[m]->columns[c], .err = err};
            if (!watching.column->lookup)
                continue;
            dw_arena_init(&watching.scratch, 16384);
            rc = walk(&watching, &(struct path){.spec = watching.column->lookup});
            dw_arena_done(&watching.scratch);
        }
    if (rc == DW_OK && table->watches)
        write_look(table);
    return rc;
}

/* ---- around a merge ---- */

static enum dw_rc look(struct dw_writer_table *table, struct dw_change *const *changes,
                       size_t count, bool lock, PGresult **out, struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    dw_rows_array_reset(&writer->arrays);
    for (size_t k = 0; k < table->keys.count; k++) {
        int16_t key = table->key_of[table->keys.items[k]];
        struct dw_buf *texts = dw_rows_array_open(&writer->arrays, count);
        for (size_t i = 0; i < count; i++)
            dw_rows_array_put(texts, changes[i]->keys[key].text);
    }
    dw_buf_reset(&writer->sql, 65536);
    dw_buf_append_text(&writer->sql, table->watch_look);
    if (lock)
        dw_buf_append_text(&writer->sql, " FOR UPDATE OF t");
    const struct dw_exchange_params params = dw_rows_array_params(&writer->arrays);
    PGresult *result = PQexecParams(writer->conn, writer->sql.data, params.count, params.types,
                                    params.values, params.lengths, params.formats, 0);
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        *out = result;
        return DW_OK;
    }
    enum dw_rc rc = dw_writer_session_error(writer, result, err);
    PQclear(result);
    return rc;
}

/* A row as it was. */
struct dw_stale_row {
    struct dw_str used;    /* all columns that anybody uses */
    struct dw_str *values; /* per watch; .ptr NULL: null */
};

enum dw_rc dw_stale_before(struct dw_writer_table *table, struct dw_change *const *changes,
                           size_t count, struct dw_arena *arena, struct dw_err *err)
{
    PGresult *result = NULL;
    table->watched = NULL;
    if (!table->watches || !count)
        return DW_OK;
    enum dw_rc rc = DW_OK;
    if (table->writer->state == DW_SESSION_NOTED)
        rc = dw_writer_session_stage(table->writer, err);
    if (rc == DW_OK)
        rc = look(table, changes, count, true, &result, err);
    if (rc != DW_OK)
        return rc == DW_REJECT ? DW_CONFIG : rc;
    table->watched = DW_ARENA_ARRAY(arena, struct dw_stale_row, count);
    for (int row = 0; row < PQntuples(result); row++) {
        struct dw_stale_row *was =
            &table->watched[strtoul(PQgetvalue(result, row, 0), NULL, 10) - 1];
        int fields = PQnfields(result);
        was->used = dw_arena_copy(arena, dw_str_from(PQgetvalue(result, row, 1)));
        was->values = DW_ARENA_ARRAY(arena, struct dw_str, (size_t)fields);
        for (int field = 2; field < fields; field++)
            if (!PQgetisnull(result, row, field))
                was->values[field - 2] =
                    dw_arena_copy(arena, dw_str_from(PQgetvalue(result, row, field)));
    }
    PQclear(result);
    return DW_OK;
}

/* Notes who holds the old values of one watch. */
static enum dw_rc note(struct dw_writer_table *table, const struct dw_stale_watch *watch,
                       size_t number, size_t count, struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    size_t values = 0;
    for (size_t i = 0; i < count; i++)
        values += table->watched[i].used.ptr && table->watched[i].values[number].ptr;
    if (!values)
        return DW_OK;
    dw_rows_array_reset(&writer->arrays);
    dw_rows_array_text(&writer->arrays, dw_str_from(watch->map));
    struct dw_buf *texts = dw_rows_array_open(&writer->arrays, values);
    for (size_t i = 0; i < count; i++)
        if (table->watched[i].used.ptr && table->watched[i].values[number].ptr)
            dw_rows_array_put(texts, table->watched[i].values[number]);
    const struct dw_exchange_params params = dw_rows_array_params(&writer->arrays);
    PGresult *result = PQexecParams(writer->conn, watch->note, params.count, params.types,
                                    params.values, params.lengths, params.formats, 0);
    enum dw_rc rc = PQresultStatus(result) == PGRES_COMMAND_OK
                        ? DW_OK
                        : dw_writer_session_error(writer, result, err);
    PQclear(result);
    return rc;
}

enum dw_rc dw_stale_after(struct dw_writer_table *table, struct dw_change *const *changes,
                          size_t count, struct dw_err *err)
{
    PGresult *result = NULL;
    if (!table->watches || !table->watched || !count)
        return DW_OK;
    enum dw_rc rc = look(table, changes, count, false, &result, err);
    for (int row = 0; rc == DW_OK && row < PQntuples(result); row++) {
        struct dw_stale_row *was =
            &table->watched[strtoul(PQgetvalue(result, row, 0), NULL, 10) - 1];
        if (was->used.ptr && dw_str_is(was->used, PQgetvalue(result, row, 1)))
            was->used.ptr = NULL; /* as before */
    }
    PQclear(result);
    size_t number = 0;
    for (const struct dw_stale_watch *watch = table->watches; rc == DW_OK && watch;
         watch = watch->next)
        rc = note(table, watch, number++, count, err);
    return rc == DW_REJECT ? DW_CONFIG : rc;
}
