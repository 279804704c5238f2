/* lookup_resolve.c - see lookup_resolve.h. */
#include "consumer/write_postgres/lookup_resolve.h"

#include "common/base/json_pull.h"
#include "common/postgres/pg.h"
#include "consumer/write_postgres/writer_session.h"
#include "consumer/write_postgres/writer_table.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define SQL_MAX     ((size_t)1 << 20)
#define MESSAGE_MAX ((size_t)4096)
#define SHOWN_BYTES 100 /* of a key's value in a message */

/* ---- statements ---- */

struct loading {
    struct dw_writer_table *table;
    struct dw_arena *arena;
    struct dw_resolved_lookup *tables;
    const struct dw_pg_table **catalogues; /* of the same index */
    size_t count, capacity;
    struct dw_err *err;
};

struct writing { /* of one statement */
    struct loading *loading;
    struct dw_buf from, where, lock;
    size_t aliases, parts;
};

static void take_columns(const struct dw_pg_table *catalogue, struct dw_arena *arena,
                         struct dw_resolved_side *out)
{
    struct dw_resolved_column *columns =
        DW_ARENA_ARRAY(arena, struct dw_resolved_column, catalogue->column_count);
    for (size_t i = 0; i < catalogue->column_count; i++) {
        const struct dw_pg_column *column = &catalogue->columns[i];
        columns[i] = (struct dw_resolved_column){
            .name = dw_arena_copy(arena, column->name),
            .type = dw_arena_copy(arena, column->type),
            .oid = column->type_oid,
            .base_oid = column->base_oid,
            .typmod = column->typmod,
        };
    }
    *out = (struct dw_resolved_side){.columns = columns, .column_count = catalogue->column_count};
}

static void grow(struct loading *loading)
{
    size_t capacity = loading->capacity ? loading->capacity * 2 : 4;
    struct dw_resolved_lookup *tables =
        DW_ARENA_ARRAY(loading->arena, struct dw_resolved_lookup, capacity);
    const struct dw_pg_table **catalogues =
        DW_ARENA_ARRAY(loading->arena, const struct dw_pg_table *, capacity);
    for (size_t i = 0; i < loading->count; i++) {
        tables[i] = loading->tables[i];
        catalogues[i] = loading->catalogues[i];
    }
    loading->tables = tables;
    loading->catalogues = catalogues;
    loading->capacity = capacity;
}

static enum dw_rc load_table(struct loading *loading, const struct dw_map_lookup *spec,
                             const struct dw_pg_table **out)
{
    for (size_t i = 0; i < loading->count; i++)
        if (dw_str_equal(loading->tables[i].schema, spec->schema) &&
            dw_str_equal(loading->tables[i].table, spec->table)) {
            *out = loading->catalogues[i];
            return DW_OK;
        }
    if (loading->count == loading->capacity)
        grow(loading);
    enum dw_rc rc = dw_pg_table_load(loading->table->writer->conn, spec->schema, spec->table,
                                     &loading->table->arena, out, loading->err);
    if (rc != DW_OK)
        return rc;
    struct dw_resolved_lookup *added = &loading->tables[loading->count];
    added->schema = dw_arena_copy(loading->arena, spec->schema);
    added->table = dw_arena_copy(loading->arena, spec->table);
    take_columns(*out, loading->arena, &added->side);
    loading->catalogues[loading->count++] = *out;
    return DW_OK;
}

static enum dw_rc find_column(struct loading *loading, const struct dw_pg_table *catalogue,
                              struct dw_str name, const struct dw_pg_column **out)
{
    *out = dw_pg_table_column(catalogue, name);
    if (*out && (*out)->can_select)
        return DW_OK;
    return dw_err_set(loading->err, DW_CONFIG, *out ? "DW-APPLY-003" : "DW-APPLY-001",
                      "looked-up table %.*s.%.*s: %s column %.*s", DW_STR_ARG(catalogue->schema),
                      DW_STR_ARG(catalogue->table), *out ? "no right to SELECT" : "there is no",
                      DW_STR_ARG(name));
}

static void put_column(struct dw_buf *out, size_t alias, struct dw_str name)
{
    dw_buf_printf(out, "a%zu.", alias);
    dw_pg_quote_name(out, name);
}

/* A row can be locked by whom may update some column of its table. */
static bool may_lock(const struct dw_pg_table *catalogue)
{
    bool may = catalogue->can_update;
    for (size_t i = 0; !may && i < catalogue->column_count; i++)
        may = catalogue->columns[i].can_update;
    return may;
}

/* Adds the lookup's table and conditions, with those of the lookups in it. */
static enum dw_rc write_node(struct writing *writing, const struct dw_map_lookup *spec,
                             size_t *out_alias)
{
    struct loading *loading = writing->loading;
    const struct dw_pg_table *catalogue;
    const struct dw_pg_column *column;
    size_t alias = writing->aliases++;
    *out_alias = alias;
    enum dw_rc rc = load_table(loading, spec, &catalogue);
    if (rc == DW_OK)
        rc = find_column(loading, catalogue, spec->column, &column);
    if (rc != DW_OK)
        return rc;
    dw_buf_append_text(&writing->from, alias ? ", " : "");
    dw_pg_quote_table(&writing->from, catalogue->schema, catalogue->table);
    dw_buf_printf(&writing->from, " AS a%zu", alias);
    if (may_lock(catalogue))
        dw_buf_printf(&writing->lock, "%sa%zu", writing->lock.len ? ", " : "", alias);
    for (size_t i = 0; rc == DW_OK && i < spec->key_count; i++) {
        const struct dw_map_lookup_key *key = &spec->keys[i];
        size_t inner;
        rc = find_column(loading, catalogue, key->column, &column);
        if (rc == DW_OK && key->lookup)
            rc = write_node(writing, key->lookup, &inner);
        if (rc != DW_OK)
            return rc;
        dw_buf_append_text(&writing->where, writing->where.len ? " AND " : "");
        put_column(&writing->where, alias, key->column);
        dw_buf_append_text(&writing->where, " = ");
        if (key->lookup)
            put_column(&writing->where, inner, key->lookup->column);
        else
            dw_buf_printf(&writing->where, "(k.t::pg_catalog.json->>%zu)::%.*s", writing->parts++,
                          DW_STR_ARG(column->base_type_sql));
    }
    return rc;
}

static enum dw_rc write_sql(struct loading *loading, const struct dw_map_lookup *spec,
                            const char **out)
{
    struct writing writing = {.loading = loading};
    struct dw_buf sql;
    size_t alias = 0;
    dw_buf_init(&writing.from, SQL_MAX);
    dw_buf_init(&writing.where, SQL_MAX);
    dw_buf_init(&writing.lock, SQL_MAX);
    dw_buf_init(&sql, SQL_MAX);
    enum dw_rc rc = write_node(&writing, spec, &alias);
    dw_buf_append_text(&sql, "SELECT k.n, v.v FROM unnest($1::text[]) WITH ORDINALITY AS k(t, n)"
                             " CROSS JOIN LATERAL (SELECT a0.");
    dw_pg_quote_name(&sql, spec->column);
    dw_buf_append_text(&sql, "::text AS v FROM ");
    dw_buf_append_str(&sql, dw_buf_str(&writing.from));
    dw_buf_append_text(&sql, " WHERE ");
    dw_buf_append_str(&sql, dw_buf_str(&writing.where));
    dw_buf_append_text(&sql, " LIMIT 1");
    if (writing.lock.len) {
        dw_buf_append_text(&sql, " FOR KEY SHARE OF ");
        dw_buf_append_str(&sql, dw_buf_str(&writing.lock));
    }
    dw_buf_append_text(&sql, ") AS v");
    *out = dw_arena_copy(&loading->table->arena, dw_buf_str(&sql)).ptr;
    dw_buf_done(&writing.from);
    dw_buf_done(&writing.where);
    dw_buf_done(&writing.lock);
    dw_buf_done(&sql);
    return rc;
}

enum dw_rc dw_lookup_resolve_load(struct dw_writer_table *table, struct dw_arena *arena,
                                  const struct dw_resolved_lookup **out_tables, size_t *out_count,
                                  struct dw_err *err)
{
    const struct dw_table_map *map = table->map;
    struct loading loading = {.table = table, .arena = arena, .err = err};
    table->lookups = DW_ARENA_ARRAY(&table->arena, struct dw_lookup_resolve, map->column_count);
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; rc == DW_OK && i < map->column_count; i++) {
        if (!map->columns[i].lookup)
            continue;
        struct dw_lookup_resolve *lookup = &table->lookups[table->lookup_count++];
        *lookup = (struct dw_lookup_resolve){.column = i, .spec = map->columns[i].lookup};
        rc = write_sql(&loading, lookup->spec, &lookup->sql);
        if (rc == DW_OK)
            rc = dw_lookup_missed_load(table, lookup, err);
    }
    *out_tables = loading.tables;
    *out_count = loading.count;
    return rc;
}

/* ---- asking ---- */

struct keys { /* the different keys of a batch */
    struct dw_str *texts;
    struct dw_value *values; /* what was found: STRING or NULL; ABSENT: no row; NESTED: refused */
    size_t count;
    struct dw_table places; /* text -> place in `values` */
};

static enum dw_rc ask(struct dw_writer_table *table, const char *sql, struct keys *keys,
                      size_t from, size_t to, struct dw_arena *arena, struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    dw_rows_array_reset(&writer->arrays);
    struct dw_buf *texts = dw_rows_array_open(&writer->arrays, to - from);
    for (size_t i = from; i < to; i++)
        dw_rows_array_put(texts, keys->texts[i]);
    const struct dw_exchange_params params = dw_rows_array_params(&writer->arrays);
    PGresult *result = PQexecParams(writer->conn, sql, params.count, params.types, params.values,
                                    params.lengths, params.formats, 0);
    enum dw_rc rc = DW_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        rc = dw_writer_session_error(writer, result, err);
    for (int row = 0; rc == DW_OK && row < PQntuples(result); row++) {
        size_t at = from + strtoul(PQgetvalue(result, row, 0), NULL, 10) - 1;
        bool null = PQgetisnull(result, row, 1);
        keys->values[at].kind = null ? DW_VALUE_NULL : DW_VALUE_STRING;
        if (!null)
            keys->values[at].text = dw_arena_copy(arena, dw_str_from(PQgetvalue(result, row, 1)));
    }
    PQclear(result);
    return rc;
}

/* One that the server refuses (no value of the key column's type) must not take the others along.
 */
static enum dw_rc ask_all(struct dw_writer_table *table, const char *sql, struct keys *keys,
                          struct dw_arena *arena, struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    enum dw_rc rc = dw_pg_exec(writer->conn, "SAVEPOINT dw_lookup", err);
    if (rc == DW_OK)
        rc = ask(table, sql, keys, 0, keys->count, arena, err);
    bool refused = rc == DW_REJECT;
    if (refused)
        rc = dw_pg_exec(writer->conn, "ROLLBACK TO dw_lookup", err);
    for (size_t i = 0; refused && rc == DW_OK && i < keys->count; i++) {
        rc = ask(table, sql, keys, i, i + 1, arena, err);
        if (rc != DW_REJECT)
            continue;
        keys->values[i].kind = DW_VALUE_NESTED;
        rc = dw_pg_exec(writer->conn, "ROLLBACK TO dw_lookup", err);
    }
    return rc == DW_OK ? dw_pg_exec(writer->conn, "RELEASE dw_lookup", err) : rc;
}

static void collect(const struct dw_lookup_resolve *lookup, struct dw_change *const *changes,
                    size_t count, struct dw_arena *arena, struct keys *out)
{
    out->texts = DW_ARENA_ARRAY(arena, struct dw_str, count);
    out->values = DW_ARENA_ARRAY(arena, struct dw_value, count);
    for (size_t i = 0; i < count; i++) {
        if (changes[i]->kind != DW_CHANGE_UPSERT)
            continue;
        const struct dw_value *raw = &changes[i]->raw[lookup->column];
        if (raw->kind != DW_VALUE_NESTED)
            continue;
        void **place = dw_table_place(&out->places, raw->text);
        if (*place)
            continue;
        *place = &out->values[out->count];
        out->texts[out->count++] = raw->text;
    }
}

/* ---- what is missing ---- */

struct describing {
    struct dw_str *parts;
    size_t at;
    struct dw_buf text;
};

static void describe(struct describing *describing, const struct dw_map_lookup *spec)
{
    struct dw_buf *out = &describing->text;
    dw_buf_printf(out, "%.*s.%.*s with ", DW_STR_ARG(spec->schema), DW_STR_ARG(spec->table));
    for (size_t i = 0; i < spec->key_count; i++) {
        const struct dw_map_lookup_key *key = &spec->keys[i];
        dw_buf_printf(out, "%s%.*s = ", i ? " and " : "", DW_STR_ARG(key->column));
        if (key->lookup) {
            dw_buf_printf(out, "%.*s of (", DW_STR_ARG(key->lookup->column));
            describe(describing, key->lookup);
            dw_buf_append_char(out, ')');
            continue;
        }
        struct dw_str text = describing->parts[describing->at++];
        dw_buf_printf(out, "'%.*s'", (int)(text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES),
                      text.ptr);
    }
}

static size_t parts_of(struct dw_str json, struct dw_arena *arena, struct dw_str **out)
{
    struct dw_json_pull pull;
    struct dw_str *parts = DW_ARENA_ARRAY(arena, struct dw_str, json.len / 2 + 1);
    size_t count = 0;
    dw_json_pull_init(&pull, json, arena);
    for (enum dw_json token; (token = dw_json_pull_next(&pull)) > DW_JSON_END;)
        if (token == DW_JSON_STRING)
            parts[count++] = dw_arena_copy(arena, pull.text);
    *out = parts;
    return count;
}

static void miss(struct dw_change *change, const struct dw_lookup_resolve *lookup,
                 struct dw_str target, bool refused, struct dw_arena *arena)
{
    const struct dw_map_lookup *spec = lookup->spec;
    struct describing describing = {.at = 0};
    bool waits = spec->on_missing == DW_ON_MISSING_WAIT && !refused;
    (void)parts_of(change->raw[lookup->column].text, arena, &describing.parts);
    dw_buf_init(&describing.text, MESSAGE_MAX);
    describe(&describing, spec);
    change->err = DW_ARENA_NEW(arena, struct dw_err);
    (void)dw_err_set(
        change->err, DW_REJECT, "DW-APPLY-023", "column %.*s: %s %.800s", DW_STR_ARG(target),
        refused ? "the server takes a key value for none of its type's:" : "there is no row of",
        describing.text.data);
    dw_buf_done(&describing.text);
    change->outcome = waits ? DW_OUTCOME_WAITING : DW_OUTCOME_DEAD;
    change->failure_class = refused ? "data" : "dependency";
    change->column = target;
    change->parent_schema = spec->schema;
    change->parent_table = spec->table;
}

/* ---- filling ---- */

static void keep_raw(const struct dw_table_map *map, struct dw_change *change,
                     struct dw_arena *arena)
{
    if (change->raw) { /* the transaction began anew */
        for (size_t i = 0; i < map->column_count; i++)
            change->cells[i] = change->raw[i];
        return;
    }
    change->raw = DW_ARENA_ARRAY(arena, struct dw_value, map->column_count);
    for (size_t i = 0; i < map->column_count; i++)
        change->raw[i] = change->cells[i];
}

static void fill(const struct dw_writer_table *table, const struct dw_lookup_resolve *lookup,
                 const struct keys *keys, struct dw_change *change, struct dw_arena *arena)
{
    struct dw_value *cell = &change->cells[lookup->column];
    if (change->kind != DW_CHANGE_UPSERT || cell->kind != DW_VALUE_NESTED)
        return;
    const struct dw_value *found = dw_table_find(&keys->places, cell->text);
    if (found->kind == DW_VALUE_STRING || found->kind == DW_VALUE_NULL)
        *cell = *found;
    else if (found->kind == DW_VALUE_ABSENT && lookup->spec->on_missing == DW_ON_MISSING_NULL)
        *cell = (struct dw_value){DW_VALUE_NULL, {NULL, 0}};
    else if (change->outcome == DW_OUTCOME_PENDING)
        miss(change, lookup, table->map->columns[lookup->column].target,
             found->kind == DW_VALUE_NESTED, arena);
}

enum dw_rc dw_lookup_resolve(struct dw_writer_table *table, struct dw_change *const *changes,
                             size_t count, struct dw_arena *arena, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < count; i++) {
        changes[i]->outcome = DW_OUTCOME_PENDING;
        if (changes[i]->kind == DW_CHANGE_UPSERT)
            keep_raw(table->map, changes[i], arena);
    }
    for (size_t l = 0; rc == DW_OK && l < table->lookup_count; l++) {
        struct keys keys = {.count = 0};
        dw_table_init(&keys.places);
        collect(&table->lookups[l], changes, count, arena, &keys);
        if (keys.count)
            rc = ask_all(table, table->lookups[l].sql, &keys, arena, err);
        for (size_t i = 0; rc == DW_OK && i < count; i++)
            fill(table, &table->lookups[l], &keys, changes[i], arena);
        dw_table_done(&keys.places);
    }
    return rc;
}

bool dw_lookup_resolve_lacks(const struct dw_writer_table *table, const struct dw_change *change)
{
    for (size_t l = 0; change->kind == DW_CHANGE_UPSERT && l < table->lookup_count; l++)
        if (change->cells[table->lookups[l].column].kind == DW_VALUE_NESTED)
            return true;
    return false;
}
