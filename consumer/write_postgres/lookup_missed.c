/* lookup_missed.c - see lookup_missed.h. */
#include "consumer/write_postgres/lookup_missed.h"

#include "common/base/json_write.h"
#include "common/postgres/pg.h"
#include "consumer/write_postgres/writer_session.h"
#include "consumer/write_postgres/writer_table.h"
#include <libpq-fe.h>

#define SQL_MAX ((size_t)1 << 20)
#define KEY_MAX ((size_t)1 << 20)

/* ---- statements ---- */

struct writing {
    struct dw_writer_table *table;
    struct dw_lookup_missed *missed;
    struct dw_arena scratch; /* catalogues */
    struct dw_buf *out;
    size_t aliases, nodes;
    struct dw_err *err;
};

static enum dw_rc load_column(struct writing *writing, const struct dw_pg_table *catalogue,
                              struct dw_str name, const struct dw_pg_column **out)
{
    *out = dw_pg_table_column(catalogue, name);
    if (*out)
        return DW_OK;
    return dw_err_set(writing->err, DW_CONFIG, "DW-APPLY-001",
                      "looked-up table %.*s.%.*s: there is no column %.*s",
                      DW_STR_ARG(catalogue->schema), DW_STR_ARG(catalogue->table),
                      DW_STR_ARG(name));
}

static enum dw_rc load_table(struct writing *writing, const struct dw_map_lookup *spec,
                             const struct dw_pg_table **out)
{
    return dw_pg_table_load(writing->table->writer->conn, spec->schema, spec->table,
                            &writing->scratch, out, writing->err);
}

/* The cast of a key's value before it is hashed: to the column's type, that equal values have equal
 * hashes whatever their text; to text where the type cannot be hashed. */
static enum dw_rc put_cast(struct dw_writer_table *table, const struct dw_pg_column *column,
                           struct dw_buf *out, struct dw_err *err)
{
    struct dw_buf probe;
    PGresult *result = NULL;
    dw_buf_init(&probe, SQL_MAX);
    dw_buf_printf(&probe, "SELECT pg_catalog.hash_record_extended(ROW(NULL::%.*s), 0)",
                  DW_STR_ARG(column->base_type_sql));
    enum dw_rc rc = dw_pg_query(table->writer->conn, probe.data, 0, NULL, &result, err);
    PQclear(result);
    dw_buf_done(&probe);
    if (rc == DW_RETRY)
        return rc;
    dw_buf_append_text(out, "::");
    dw_buf_append_str(out, rc == DW_OK ? column->base_type_sql : DW_STR_LIT("pg_catalog.text"));
    dw_err_clear(err);
    return DW_OK;
}

static enum dw_rc put_value(struct writing *writing, const struct dw_map_lookup *spec,
                            size_t *part);

/* What a key column has to be. *part: the next text of the key looked for. */
static enum dw_rc put_key_value(struct writing *writing, const struct dw_map_lookup_key *key,
                                const struct dw_pg_column *column, size_t *part)
{
    if (key->lookup)
        return put_value(writing, key->lookup, part);
    dw_buf_printf(writing->out, "(k.t::pg_catalog.json->>%zu)::%.*s", (*part)++,
                  DW_STR_ARG(column->base_type_sql));
    return DW_OK;
}

/* (SELECT a0.value FROM table a0 WHERE …): what the lookup finds. */
static enum dw_rc put_value(struct writing *writing, const struct dw_map_lookup *spec, size_t *part)
{
    struct dw_buf *out = writing->out;
    const struct dw_pg_table *catalogue;
    const struct dw_pg_column *column;
    size_t alias = writing->aliases++;
    enum dw_rc rc = load_table(writing, spec, &catalogue);
    dw_buf_printf(out, "(SELECT a%zu.", alias);
    dw_pg_quote_name(out, spec->column);
    dw_buf_append_text(out, " FROM ");
    dw_pg_quote_table(out, spec->schema, spec->table);
    dw_buf_printf(out, " AS a%zu WHERE ", alias);
    for (size_t i = 0; rc == DW_OK && i < spec->key_count; i++) {
        const struct dw_map_lookup_key *key = &spec->keys[i];
        dw_buf_printf(out, "%sa%zu.", i ? " AND " : "", alias);
        dw_pg_quote_name(out, key->column);
        dw_buf_append_text(out, " = ");
        rc = load_column(writing, catalogue, key->column, &column);
        if (rc == DW_OK)
            rc = put_key_value(writing, key, column, part);
    }
    dw_buf_append_text(out, " LIMIT 1)");
    return rc;
}

static size_t count_parts(const struct dw_map_lookup *spec)
{
    size_t count = 0;
    for (size_t i = 0; i < spec->key_count; i++)
        count += spec->keys[i].lookup ? count_parts(spec->keys[i].lookup) : 1;
    return count;
}

/* The lookups inside have to have found something: WHEN … IS NOT NULL AND … */
static enum dw_rc put_condition(struct writing *writing, const struct dw_map_lookup *spec,
                                size_t part)
{
    enum dw_rc rc = DW_OK;
    dw_buf_append_text(writing->out, "CASE WHEN true");
    for (size_t i = 0; rc == DW_OK && i < spec->key_count; i++) {
        if (!spec->keys[i].lookup) {
            part++;
            continue;
        }
        dw_buf_append_text(writing->out, " AND ");
        rc = put_value(writing, spec->keys[i].lookup, &part);
        dw_buf_append_text(writing->out, " IS NOT NULL");
    }
    return rc;
}

/* (number of the table in the lookup, hash of the key looked for) for it and those inside. */
static enum dw_rc put_nodes(struct writing *writing, const struct dw_map_lookup *spec, size_t part)
{
    struct dw_buf *out = writing->out;
    const struct dw_pg_table *catalogue;
    const struct dw_pg_column *column;
    struct dw_buf name;
    size_t at = part;
    dw_buf_init(&name, SQL_MAX);
    dw_pg_quote_table(&name, spec->schema, spec->table);
    writing->missed->tables[writing->nodes] =
        dw_arena_copy(&writing->table->arena, dw_buf_str(&name));
    dw_buf_done(&name);
    dw_buf_printf(out, "%s(%zu, ", writing->nodes ? ", " : "", writing->nodes);
    writing->nodes++;
    enum dw_rc rc = load_table(writing, spec, &catalogue);
    if (rc == DW_OK)
        rc = put_condition(writing, spec, part);
    dw_buf_append_text(out, " THEN pg_catalog.hash_record_extended(ROW(");
    for (size_t i = 0; rc == DW_OK && i < spec->key_count; i++) {
        dw_buf_append_text(out, i ? ", (" : "(");
        rc = load_column(writing, catalogue, spec->keys[i].column, &column);
        if (rc == DW_OK)
            rc = put_key_value(writing, &spec->keys[i], column, &at);
        dw_buf_append_char(out, ')');
        if (rc == DW_OK)
            rc = put_cast(writing->table, column, out, writing->err);
    }
    dw_buf_append_text(out, "), 0) END)");
    for (size_t i = 0; rc == DW_OK && i < spec->key_count; i++) {
        if (spec->keys[i].lookup)
            rc = put_nodes(writing, spec->keys[i].lookup, part);
        part += spec->keys[i].lookup ? count_parts(spec->keys[i].lookup) : 1;
    }
    return rc;
}

static size_t count_nodes(const struct dw_map_lookup *spec)
{
    size_t count = 1;
    for (size_t i = 0; i < spec->key_count; i++)
        count += spec->keys[i].lookup ? count_nodes(spec->keys[i].lookup) : 0;
    return count;
}

static enum dw_rc write_keep(struct writing *writing, const struct dw_map_lookup *spec)
{
    struct dw_lookup_missed *missed = writing->missed;
    missed->table_count = count_nodes(spec);
    missed->tables = DW_ARENA_ARRAY(&writing->table->arena, struct dw_str, missed->table_count);
    dw_buf_append_text(writing->out,
                       "INSERT INTO dualwrite.missed AS m (map, key, target, node, hash)"
                       " SELECT DISTINCT ON (k.key, h.node) $1::text, k.key, $2::text, h.node,"
                       " h.hash FROM unnest($3::text[], $4::text[]) AS k(key, t)"
                       " CROSS JOIN LATERAL (VALUES ");
    enum dw_rc rc = put_nodes(writing, spec, 0);
    dw_buf_append_text(writing->out,
                       ") AS h(node, hash) WHERE h.hash IS NOT NULL ON CONFLICT (map, key, target,"
                       " node) DO UPDATE SET hash = EXCLUDED.hash WHERE m.hash <> EXCLUDED.hash");
    missed->keep = dw_arena_copy(&writing->table->arena, dw_buf_str(writing->out)).ptr;
    return rc;
}

static enum dw_rc write_found(struct writing *writing, const struct dw_map_lookup *spec)
{
    size_t part = 0;
    dw_buf_reset(writing->out, SQL_MAX);
    dw_buf_append_text(writing->out,
                       "INSERT INTO dualwrite.stale (map, key) SELECT DISTINCT $1::text, k.key"
                       " FROM unnest($2::text[], $3::text[]) AS k(key, t) WHERE ");
    enum dw_rc rc = put_value(writing, spec, &part);
    dw_buf_append_text(writing->out, " IS NOT NULL ON CONFLICT (map, key) DO UPDATE"
                                     " SET at = clock_timestamp()");
    writing->missed->found = dw_arena_copy(&writing->table->arena, dw_buf_str(writing->out)).ptr;
    return rc;
}

enum dw_rc dw_lookup_missed_load(struct dw_writer_table *table, struct dw_lookup_resolve *lookup,
                                 struct dw_err *err)
{
    struct dw_buf sql;
    struct writing writing = {.table = table, .missed = &lookup->missed, .out = &sql, .err = err};
    enum dw_rc rc = dw_lookup_missed_remembers(table, lookup->spec, &lookup->missed.remembers, err);
    if (rc != DW_OK || !lookup->missed.remembers)
        return rc;
    dw_arena_init(&writing.scratch, 16384);
    dw_buf_init(&sql, SQL_MAX);
    rc = write_keep(&writing, lookup->spec);
    if (rc == DW_OK)
        rc = write_found(&writing, lookup->spec);
    dw_buf_done(&sql);
    dw_arena_done(&writing.scratch);
    return rc;
}

enum dw_rc dw_lookup_missed_remembers(struct dw_writer_table *table,
                                      const struct dw_map_lookup *spec, bool *out,
                                      struct dw_err *err)
{
    struct writing writing = {.table = table, .err = err};
    const struct dw_pg_table *catalogue;
    const struct dw_pg_column *column;
    *out = true;
    if (spec->on_missing == DW_ON_MISSING_NULL)
        return DW_OK;
    dw_arena_init(&writing.scratch, 16384);
    enum dw_rc rc = load_table(&writing, spec, &catalogue);
    if (rc == DW_OK)
        rc = load_column(&writing, catalogue, spec->column, &column);
    if (rc == DW_OK)
        *out = !column->not_null;
    dw_arena_done(&writing.scratch);
    return rc;
}

enum dw_rc dw_lookup_missed_put_hash(struct dw_writer_table *table,
                                     const struct dw_pg_table *catalogue,
                                     const struct dw_map_lookup *spec, struct dw_buf *out,
                                     struct dw_err *err)
{
    struct writing writing = {.table = table, .err = err};
    const struct dw_pg_column *column;
    enum dw_rc rc = DW_OK;
    dw_buf_append_text(out, "pg_catalog.hash_record_extended(ROW(");
    for (size_t i = 0; rc == DW_OK && i < spec->key_count; i++) {
        dw_buf_append_text(out, i ? ", t." : "t.");
        dw_pg_quote_name(out, spec->keys[i].column);
        rc = load_column(&writing, catalogue, spec->keys[i].column, &column);
        if (rc == DW_OK)
            rc = put_cast(table, column, out, err);
    }
    dw_buf_append_text(out, "), 0)");
    return rc;
}

/* ---- locks ---- */

static enum dw_rc run(struct dw_writer *writer, const char *sql, struct dw_err *err)
{
    const struct dw_exchange_params params = dw_rows_array_params(&writer->arrays);
    PGresult *result = PQexecParams(writer->conn, sql, params.count, params.types, params.values,
                                    params.lengths, params.formats, 0);
    bool good =
        PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;
    enum dw_rc rc = good ? DW_OK : dw_writer_session_error(writer, result, err);
    PQclear(result);
    return rc;
}

#define LOCK_NAME "hashtextextended('dualwrite.missed ' || r, 0)"

static enum dw_rc lock_shared(struct dw_writer *writer, const struct dw_lookup_missed *missed,
                              struct dw_err *err)
{
    dw_rows_array_reset(&writer->arrays);
    struct dw_buf *names = dw_rows_array_open(&writer->arrays, missed->table_count);
    for (size_t i = 0; i < missed->table_count; i++)
        dw_rows_array_put(names, missed->tables[i]);
    return run(writer,
               "SELECT pg_advisory_xact_lock_shared(" LOCK_NAME ") FROM unnest($1::text[]) AS r",
               err);
}

enum dw_rc dw_lookup_missed_lock(struct dw_writer_table *table, struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    struct dw_buf name;
    dw_buf_init(&name, SQL_MAX);
    dw_pg_quote_table(&name, table->merge.schema, table->merge.table);
    dw_rows_array_reset(&writer->arrays);
    dw_rows_array_text(&writer->arrays, dw_buf_str(&name));
    dw_buf_done(&name);
    return run(writer, "SELECT pg_advisory_xact_lock(" LOCK_NAME ") FROM (SELECT $1::text) AS t(r)",
               err);
}

/* ---- behind a merge ---- */

/* What became of a row's column in the batch. */
struct fate {
    struct fate *next;
    const struct dw_change *change; /* the last one that says */
    struct dw_str key;              /* of the source row, a JSON array of texts */
    bool missed;
};

/* Of the source row, as dualwrite.stale has it: key pairs are plain copies, in both keys' order. */
static struct dw_str source_key(const struct dw_writer_table *table, const struct dw_change *change,
                                struct dw_arena *arena)
{
    const struct dw_table_map *map = table->map;
    struct dw_buf text;
    size_t put = 0;
    dw_buf_init(&text, KEY_MAX);
    dw_buf_append_char(&text, '[');
    for (size_t i = 0; i < map->target.key_count; i++)
        for (size_t c = 0; c < map->column_count; c++)
            if (map->columns[c].key_index == (int)i && map->columns[c].source.ptr) {
                dw_buf_append_text(&text, put++ ? "," : "");
                if (table->writer->utf8)
                    dw_json_write_string(&text, change->keys[i].text);
                else
                    dw_json_write_ascii(&text, change->keys[i].text);
            }
    dw_buf_append_char(&text, ']');
    struct dw_str key = dw_arena_copy(arena, dw_buf_str(&text));
    dw_buf_done(&text);
    return key;
}

/* False: the change says nothing of the column. */
static bool tells(const struct dw_change *change, size_t column, bool *out_missed)
{
    *out_missed = false;
    if (change->outcome != DW_OUTCOME_APPLIED && change->outcome != DW_OUTCOME_SUPERSEDED)
        return false;
    if (change->kind == DW_CHANGE_DELETE)
        return true;
    *out_missed =
        change->raw[column].kind == DW_VALUE_NESTED && change->cells[column].kind == DW_VALUE_NULL;
    return change->raw[column].kind != DW_VALUE_ABSENT;
}

static struct fate *collect(const struct dw_writer_table *table, size_t column,
                            struct dw_change *const *changes, size_t count, struct dw_arena *arena)
{
    struct fate *fates = NULL;
    struct dw_table places;
    dw_table_init(&places);
    for (size_t i = 0; i < count; i++) {
        bool missed;
        if (!tells(changes[i], column, &missed))
            continue;
        void **place = dw_table_place(&places, changes[i]->key_text);
        struct fate *fate = *place;
        if (!fate) {
            *place = fate = DW_ARENA_NEW(arena, struct fate);
            fate->key = source_key(table, changes[i], arena);
            fate->next = fates;
            fates = fate;
        }
        fate->change = changes[i];
        fate->missed = missed;
    }
    dw_table_done(&places);
    return fates;
}

static size_t count_of(const struct fate *fates, bool missed)
{
    size_t count = 0;
    for (; fates; fates = fates->next)
        count += fates->missed == missed;
    return count;
}

/* The parameters that all statements have: of the map, of the column when it is asked for. */
static void put_names(struct dw_writer_table *table, const struct dw_str *target)
{
    struct dw_rows_array *arrays = &table->writer->arrays;
    dw_rows_array_reset(arrays);
    dw_rows_array_text(arrays, table->map->name);
    if (target)
        dw_rows_array_text(arrays, *target);
}

static void put_keys(struct dw_writer_table *table, const struct fate *fates, bool missed)
{
    struct dw_buf *keys = dw_rows_array_open(&table->writer->arrays, count_of(fates, missed));
    for (; fates; fates = fates->next)
        if (fates->missed == missed)
            dw_rows_array_put(keys, fates->key);
}

static void put_looked_for(struct dw_writer_table *table, const struct fate *fates, size_t column)
{
    struct dw_buf *texts = dw_rows_array_open(&table->writer->arrays, count_of(fates, true));
    for (; fates; fates = fates->next)
        if (fates->missed)
            dw_rows_array_put(texts, fates->change->raw[column].text);
}

static enum dw_rc forget(struct dw_writer_table *table, struct dw_str target,
                         const struct fate *fates, struct dw_err *err)
{
    if (!count_of(fates, false))
        return DW_OK;
    put_names(table, &target);
    put_keys(table, fates, false);
    return run(table->writer,
               "DELETE FROM dualwrite.missed WHERE map = $1::text AND target = $2::text"
               " AND key = ANY ($3::text[])",
               err);
}

static enum dw_rc remember(struct dw_writer_table *table, const struct dw_lookup_resolve *lookup,
                           const struct fate *fates, struct dw_err *err)
{
    put_names(table, &table->map->columns[lookup->column].target);
    put_keys(table, fates, true);
    put_looked_for(table, fates, lookup->column);
    enum dw_rc rc = run(table->writer, lookup->missed.keep, err);
    if (rc != DW_OK)
        return rc;
    put_names(table, NULL);
    put_keys(table, fates, true);
    put_looked_for(table, fates, lookup->column);
    return run(table->writer, lookup->missed.found, err);
}

/* One that the server refuses: a part of its key that the column's type does not take was never
 * looked at, since the lookup inside found nothing. No row can ever have that key. */
static enum dw_rc remember_alone(struct dw_writer_table *table,
                                 const struct dw_lookup_resolve *lookup, struct fate fate,
                                 struct dw_err *err)
{
    struct pg_conn *conn = table->writer->conn;
    fate.next = NULL;
    enum dw_rc rc = dw_pg_exec(conn, "SAVEPOINT dw_missed_one", err);
    if (rc == DW_OK)
        rc = remember(table, lookup, &fate, err);
    if (rc == DW_REJECT)
        rc = dw_pg_exec(conn, "ROLLBACK TO dw_missed_one", err);
    return rc == DW_OK ? dw_pg_exec(conn, "RELEASE dw_missed_one", err) : rc;
}

static enum dw_rc remember_all(struct dw_writer_table *table,
                               const struct dw_lookup_resolve *lookup, const struct fate *fates,
                               struct dw_err *err)
{
    struct pg_conn *conn = table->writer->conn;
    if (!count_of(fates, true))
        return DW_OK;
    enum dw_rc rc = lock_shared(table->writer, &lookup->missed, err);
    if (rc == DW_OK)
        rc = dw_pg_exec(conn, "SAVEPOINT dw_missed", err);
    if (rc == DW_OK)
        rc = remember(table, lookup, fates, err);
    bool refused = rc == DW_REJECT;
    if (refused)
        rc = dw_pg_exec(conn, "ROLLBACK TO dw_missed", err);
    for (; refused && rc == DW_OK && fates; fates = fates->next)
        if (fates->missed)
            rc = remember_alone(table, lookup, *fates, err);
    return rc == DW_OK ? dw_pg_exec(conn, "RELEASE dw_missed", err) : rc;
}

enum dw_rc dw_lookup_missed_keep(struct dw_writer_table *table, struct dw_change *const *changes,
                                 size_t count, struct dw_arena *arena, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    for (size_t l = 0; rc == DW_OK && l < table->lookup_count; l++) {
        const struct dw_lookup_resolve *lookup = &table->lookups[l];
        if (!lookup->missed.remembers)
            continue;
        struct fate *fates = collect(table, lookup->column, changes, count, arena);
        rc = forget(table, table->map->columns[lookup->column].target, fates, err);
        if (rc == DW_OK)
            rc = remember_all(table, lookup, fates, err);
    }
    return rc == DW_REJECT ? DW_CONFIG : rc;
}
