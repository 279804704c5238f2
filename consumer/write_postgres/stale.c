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
    size_t node;                        /* number of the next lookup in it, as lookup_missed has */
    bool remembers;
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

static enum dw_rc load_column(struct watching *watching, struct dw_str schema, struct dw_str table,
                              struct dw_str name, const struct dw_pg_column **out)
{
    const struct dw_pg_table *catalogue;
    enum dw_rc rc = dw_pg_table_load(watching->table->writer->conn, schema, table,
                                     &watching->scratch, &catalogue, watching->err);
    if (rc != DW_OK)
        return rc;
    *out = dw_pg_table_column(catalogue, name);
    if (!*out)
        return dw_err_set(watching->err, DW_CONFIG, "DW-APPLY-001",
                          "table %.*s.%.*s: there is no column %.*s", DW_STR_ARG(schema),
                          DW_STR_ARG(table), DW_STR_ARG(name));
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

#define ON_STALE " ON CONFLICT (map, key) DO UPDATE SET at = clock_timestamp()"

/* The holder's name, for a statement that takes no parameters. */
static enum dw_rc put_map(struct watching *watching, struct dw_buf *out)
{
    struct dw_writer *writer = watching->table->writer;
    char *name = PQescapeLiteral(writer->conn, watching->map->name.ptr, watching->map->name.len);
    if (!name)
        return dw_writer_session_error(writer, NULL, watching->err);
    dw_buf_printf(out, "%s::text", name);
    PQfreemem(name);
    return DW_OK;
}

/* Notes the holders of the values in $2, or of any. */
static enum dw_rc write_note(struct watching *watching, const struct path *path, bool any,
                             struct dw_buf *out)
{
    const struct dw_map_side *holder = &watching->map->target;
    struct dw_str schema = path->outer ? path->outer->spec->schema : holder->schema;
    struct dw_str table = path->outer ? path->outer->spec->table : holder->table;
    struct dw_str name = path->outer ? path->filled : watching->column->target;
    const struct dw_pg_column *column;
    size_t joined = 0;
    enum dw_rc rc = load_column(watching, schema, table, name, &column);
    if (rc != DW_OK)
        return rc;
    dw_buf_reset(out, SQL_MAX);
    dw_buf_append_text(out, "INSERT INTO dualwrite.stale (map, key) SELECT DISTINCT ");
    if (any)
        rc = put_map(watching, out);
    else
        dw_buf_append_text(out, "$1::text");
    dw_buf_append_text(out, ", ");
    put_key(watching->map, out);
    dw_buf_append_text(out, " FROM ");
    dw_pg_quote_table(out, holder->schema, holder->table);
    dw_buf_append_text(out, " AS d");
    put_joins(watching, path, &joined, out);
    if (path->outer)
        dw_buf_printf(out, " WHERE a%zu.", joined - 1);
    else
        dw_buf_append_text(out, " WHERE d.");
    dw_pg_quote_name(out, name);
    if (any)
        dw_buf_append_text(out, " IS NOT NULL" ON_STALE);
    else
        dw_buf_printf(out, " = ANY ($2::text[]::%.*s[])" ON_STALE,
                      DW_STR_ARG(column->base_type_sql));
    return rc;
}

/* FROM rows t of our table by their keys, k: $n per key column. Gives the number of parameters. */
static size_t put_rows(const struct dw_writer_table *table, struct dw_buf *sql)
{
    const struct dw_merge_table *merge = &table->merge;
    size_t param = 0;
    dw_buf_append_text(sql, " FROM unnest(");
    for (size_t i = 0; i < table->keys.count; i++)
        dw_buf_printf(sql, "%s$%zu::text[]", i ? ", " : "", ++param);
    dw_buf_append_text(sql, ") WITH ORDINALITY AS k(");
    for (size_t i = 0; i < table->keys.count; i++)
        dw_buf_printf(sql, "k%zu, ", i);
    dw_buf_append_text(sql, "n) JOIN ");
    dw_pg_quote_table(sql, merge->schema, merge->table);
    dw_buf_append_text(sql, " AS t ON ");
    for (size_t i = 0; i < table->keys.count; i++) {
        const struct dw_merge_column *column = &merge->columns[table->keys.items[i]];
        dw_buf_append_text(sql, i ? " AND t." : "t.");
        dw_pg_quote_name(sql, column->name);
        dw_buf_printf(sql, " %.*s k.k%zu::%.*s", DW_STR_ARG(column->equals), i,
                      DW_STR_ARG(column->base_type));
    }
    return param;
}

/* Notes those that took a null for want of what is in our rows now. */
static enum dw_rc write_came(const struct watching *watching, const struct dw_map_lookup *spec,
                             size_t node, struct dw_buf *out)
{
    dw_buf_reset(out, SQL_MAX);
    dw_buf_append_text(out, "INSERT INTO dualwrite.stale (map, key) SELECT DISTINCT m.map, m.key");
    size_t param = put_rows(watching->table, out);
    dw_buf_printf(out,
                  " JOIN dualwrite.missed AS m ON m.map = $%zu::text AND m.target = $%zu::text"
                  " AND m.node = %zu AND m.hash = ",
                  param + 1, param + 2, node);
    enum dw_rc rc = dw_lookup_missed_put_hash(watching->table, watching->table->catalogue, spec,
                                              out, watching->err);
    dw_buf_append_text(out, " WHERE t.");
    dw_pg_quote_name(out, spec->column);
    dw_buf_append_text(out, " IS NOT NULL" ON_STALE);
    return rc;
}

static enum dw_rc watch_path(struct watching *watching, const struct path *path, size_t node)
{
    struct dw_writer_table *table = watching->table;
    struct dw_arena *arena = &table->watch_arena;
    struct dw_stale_watch *watch = DW_ARENA_NEW(arena, struct dw_stale_watch);
    struct dw_buf sql;
    dw_buf_init(&sql, SQL_MAX);
    *watch = (struct dw_stale_watch){
        .next = table->watches,
        .map = dw_arena_copy(arena, watching->map->name).ptr,
        .column = dw_arena_copy(arena, path->spec->column),
        .target = dw_arena_copy(arena, watching->column->target),
        .spec = path->spec,
    };
    enum dw_rc rc = write_note(watching, path, false, &sql);
    if (rc == DW_OK) {
        watch->note = dw_arena_copy(arena, dw_buf_str(&sql)).ptr;
        rc = write_note(watching, path, true, &sql);
    }
    if (rc == DW_OK) {
        watch->all = dw_arena_copy(arena, dw_buf_str(&sql)).ptr;
        if (watching->remembers)
            rc = write_came(watching, path->spec, node, &sql);
    }
    if (rc == DW_OK) {
        watch->came = watching->remembers ? dw_arena_copy(arena, dw_buf_str(&sql)).ptr : NULL;
        table->watches = watch;
    }
    dw_buf_done(&sql);
    return rc;
}

static enum dw_rc walk(struct watching *watching, const struct path *path)
{
    const struct dw_map_side *ours = &watching->table->map->target;
    size_t node = watching->node++;
    enum dw_rc rc = DW_OK;
    if (dw_str_equal(path->spec->schema, ours->schema) &&
        dw_str_equal(path->spec->table, ours->table))
        rc = watch_path(watching, path, node);
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
    struct dw_buf sql;
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
    (void)put_rows(table, &sql);
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
            rc = dw_lookup_missed_remembers(table, watching.column->lookup, &watching.remembers,
                                            err);
            if (rc == DW_OK)
                rc = walk(&watching, &(struct path){.spec = watching.column->lookup});
            dw_arena_done(&watching.scratch);
        }
    if (rc == DW_OK && table->watches)
        write_look(table);
    return rc;
}

/* ---- around a merge ---- */

static void put_row_keys(struct dw_writer_table *table, struct dw_change *const *changes,
                         const bool *chosen, size_t count)
{
    struct dw_rows_array *arrays = &table->writer->arrays;
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += !chosen || chosen[i];
    dw_rows_array_reset(arrays);
    for (size_t k = 0; k < table->keys.count; k++) {
        int16_t key = table->key_of[table->keys.items[k]];
        struct dw_buf *texts = dw_rows_array_open(arrays, rows);
        for (size_t i = 0; i < count; i++)
            if (!chosen || chosen[i])
                dw_rows_array_put(texts, changes[i]->keys[key].text);
    }
}

static enum dw_rc run(struct dw_writer *writer, const char *sql, ExecStatusType good,
                      PGresult **out, struct dw_err *err)
{
    const struct dw_exchange_params params = dw_rows_array_params(&writer->arrays);
    PGresult *result = PQexecParams(writer->conn, sql, params.count, params.types, params.values,
                                    params.lengths, params.formats, 0);
    if (PQresultStatus(result) == good) {
        *out = result;
        return DW_OK;
    }
    enum dw_rc rc = dw_writer_session_error(writer, result, err);
    PQclear(result);
    return rc;
}

static enum dw_rc look(struct dw_writer_table *table, struct dw_change *const *changes,
                       size_t count, bool lock, PGresult **out, struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    put_row_keys(table, changes, NULL, count);
    dw_buf_reset(&writer->sql, 65536);
    dw_buf_append_text(&writer->sql, table->watch_look);
    if (lock)
        dw_buf_append_text(&writer->sql, " FOR UPDATE OF t");
    return run(writer, writer->sql.data, PGRES_TUPLES_OK, out, err);
}

/* A row as it was. */
struct dw_stale_row {
    struct dw_str used;    /* all columns that anybody uses; .ptr NULL: there was none */
    struct dw_str *values; /* per watch; .ptr NULL: null */
};

static void keep_rows(struct dw_writer_table *table, const PGresult *result, struct dw_arena *arena)
{
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
}

/* Notes who holds the values that the chosen rows had. */
static enum dw_rc note(struct dw_writer_table *table, const struct dw_stale_watch *watch,
                       size_t number, const bool *chosen, size_t count, struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    const struct dw_stale_row *rows = table->watched;
    PGresult *result = NULL;
    size_t values = 0;
    for (size_t i = 0; i < count; i++)
        values += chosen[i] && rows[i].used.ptr && rows[i].values[number].ptr;
    if (!values)
        return DW_OK;
    dw_rows_array_reset(&writer->arrays);
    dw_rows_array_text(&writer->arrays, dw_str_from(watch->map));
    struct dw_buf *texts = dw_rows_array_open(&writer->arrays, values);
    for (size_t i = 0; i < count; i++)
        if (chosen[i] && rows[i].used.ptr && rows[i].values[number].ptr)
            dw_rows_array_put(texts, rows[i].values[number]);
    enum dw_rc rc = run(writer, watch->note, PGRES_COMMAND_OK, &result, err);
    PQclear(result);
    return rc;
}

static enum dw_rc note_all(struct dw_writer_table *table, const bool *chosen, size_t count,
                           struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    size_t number = 0;
    for (const struct dw_stale_watch *watch = table->watches; rc == DW_OK && watch;
         watch = watch->next)
        rc = note(table, watch, number++, chosen, count, err);
    return rc;
}

/* What the server does of its own accord to the holders of rows that are deleted, be it to be made
 * anew. */
static enum dw_rc note_before(struct dw_writer_table *table, struct dw_change *const *changes,
                              size_t count, struct dw_arena *arena, struct dw_err *err)
{
    if (!table->acts_on_delete && !table->acts_on_update)
        return DW_OK;
    bool *chosen = DW_ARENA_ARRAY(arena, bool, count);
    for (size_t i = 0; i < count; i++)
        chosen[i] = table->acts_on_update || changes[i]->kind == DW_CHANGE_DELETE;
    return note_all(table, chosen, count, err);
}

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
    if (rc == DW_OK) {
        table->watched = DW_ARENA_ARRAY(arena, struct dw_stale_row, count);
        keep_rows(table, result, arena);
        PQclear(result);
        rc = note_before(table, changes, count, arena, err);
    }
    return rc == DW_REJECT ? DW_CONFIG : rc;
}

/* Those that took a null for want of the chosen rows. */
static enum dw_rc note_came(struct dw_writer_table *table, struct dw_change *const *changes,
                            const bool *chosen, size_t count, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    bool locked = false;
    for (const struct dw_stale_watch *watch = table->watches; rc == DW_OK && watch;
         watch = watch->next) {
        PGresult *result = NULL;
        if (!watch->came)
            continue;
        if (!locked)
            rc = dw_lookup_missed_lock(table, err);
        locked = true;
        if (rc != DW_OK)
            return rc;
        put_row_keys(table, changes, chosen, count);
        dw_rows_array_text(&table->writer->arrays, dw_str_from(watch->map));
        dw_rows_array_text(&table->writer->arrays, watch->target);
        rc = run(table->writer, watch->came, PGRES_COMMAND_OK, &result, err);
        PQclear(result);
    }
    return rc;
}

enum dw_rc dw_stale_after(struct dw_writer_table *table, struct dw_change *const *changes,
                          size_t count, struct dw_arena *arena, struct dw_err *err)
{
    PGresult *result = NULL;
    if (!table->watches || !table->watched || !count)
        return DW_OK;
    bool *differs = DW_ARENA_ARRAY(arena, bool, count); /* from what it was, or is gone */
    bool *came = DW_ARENA_ARRAY(arena, bool, count);    /* it is there as nobody saw it yet */
    bool any = false;
    for (size_t i = 0; i < count; i++)
        differs[i] = true;
    enum dw_rc rc = look(table, changes, count, false, &result, err);
    for (int row = 0; rc == DW_OK && row < PQntuples(result); row++) {
        size_t at = strtoul(PQgetvalue(result, row, 0), NULL, 10) - 1;
        struct dw_str was = table->watched[at].used;
        differs[at] = !was.ptr || !dw_str_is(was, PQgetvalue(result, row, 1));
        came[at] = differs[at];
        any = any || came[at];
    }
    PQclear(result);
    if (rc == DW_OK)
        rc = note_all(table, differs, count, err);
    if (rc == DW_OK && any)
        rc = note_came(table, changes, came, count, err);
    return rc == DW_REJECT ? DW_CONFIG : rc;
}

/* Whoever takes a value locks its row: not while the table is locked. */
void dw_stale_put_truncate(const struct dw_writer_table *table, struct dw_buf *out)
{
    if (!table->watches)
        return;
    dw_buf_append_text(out, "LOCK TABLE ");
    dw_pg_quote_table(out, table->merge.schema, table->merge.table);
    dw_buf_append_text(out, " IN EXCLUSIVE MODE; ");
    for (const struct dw_stale_watch *watch = table->watches; watch; watch = watch->next)
        dw_buf_printf(out, "%s; ", watch->all);
}
