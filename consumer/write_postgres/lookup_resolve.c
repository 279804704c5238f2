/* lookup_resolve.c - see lookup_resolve.h. */
#include "consumer/write_postgres/lookup_resolve.h"

#include "common/base/json_pull.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_lookup.h"
#include "consumer/write_postgres/writer_session.h"
#include "consumer/write_postgres/writer_table.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define MESSAGE_MAX ((size_t)4096)
#define SHOWN_BYTES 100 /* of a key's value in a message */

/* ---- statements ---- */

enum dw_rc dw_lookup_resolve_load(struct dw_writer_table *table,
                                  const struct dw_resolved_lookup **out_tables, size_t *out_count,
                                  struct dw_err *err)
{
    const struct dw_table_map *map = table->map;
    struct dw_pg_lookups lookups = {
        .conn = table->writer->conn, .arena = &table->arena, .lock = true};
    table->lookups = DW_ARENA_ARRAY(&table->arena, struct dw_lookup_resolve, map->column_count);
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; rc == DW_OK && i < map->column_count; i++) {
        if (!map->columns[i].lookup)
            continue;
        struct dw_lookup_resolve *lookup = &table->lookups[table->lookup_count++];
        *lookup = (struct dw_lookup_resolve){.column = i, .spec = map->columns[i].lookup};
        rc = dw_pg_lookup_sql(&lookups, lookup->spec, &lookup->sql, err);
        if (rc == DW_OK)
            rc = dw_lookup_missed_load(table, lookup, err);
    }
    *out_tables = lookups.tables;
    *out_count = lookups.count;
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
    for (size_t i = 0; i < count; i++)
        if (changes[i]->kind == DW_CHANGE_UPSERT)
            keep_raw(table->map, changes[i], arena);
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
