/* parents.c - see parents.h. */
#include "consumer/write_postgres/parents.h"

#include "common/base/table.h"
#include "common/postgres/pg.h"
#include "consumer/write_postgres/writer_session.h"
#include "consumer/write_postgres/writer_table.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOKS       8 /* batches that are asked about after a refusal */
#define SQL_MAX     ((size_t)1 << 16)
#define MESSAGE_MAX ((size_t)1024)
#define SHOWN_BYTES 100 /* of a key's value in a message */

struct dw_parents_reference {
    struct dw_parents_reference *next;
    struct dw_str name;          /* of the constraint */
    struct dw_str schema, table; /* the parent's */
    unsigned looks;              /* left */
    bool loaded;
    const char *sql;      /* gives the numbers of rows without a parent; NULL: cannot be asked */
    uint16_t *columns;    /* of the merge, one for each of the key's */
    struct dw_str *names; /* the parent's columns */
    size_t column_count;
};

/* ---- suspicion ---- */

static struct dw_parents_reference *reference_of(struct dw_writer_table *table, struct dw_str name)
{
    for (struct dw_parents_reference *at = table->parents; at; at = at->next)
        if (dw_str_equal(at->name, name))
            return at;
    const struct dw_pg_table *catalogue = table->catalogue;
    for (size_t i = 0; i < catalogue->reference_count; i++) {
        const struct dw_pg_reference *known = &catalogue->references[i];
        if (!dw_str_equal(known->name, name))
            continue;
        struct dw_parents_reference *reference =
            DW_ARENA_NEW(&table->arena, struct dw_parents_reference);
        *reference = (struct dw_parents_reference){.next = table->parents,
                                                   .name = known->name,
                                                   .schema = known->schema,
                                                   .table = known->table};
        table->parents = reference;
        return reference;
    }
    return NULL;
}

void dw_parents_refused(struct dw_writer_table *table, const PGresult *failure)
{
    const char *sqlstate = PQresultErrorField(failure, PG_DIAG_SQLSTATE);
    const char *relation = PQresultErrorField(failure, PG_DIAG_TABLE_NAME);
    const char *schema = PQresultErrorField(failure, PG_DIAG_SCHEMA_NAME);
    const char *name = PQresultErrorField(failure, PG_DIAG_CONSTRAINT_NAME);
    if (!sqlstate || strcmp(sqlstate, "23503") != 0 || !relation || !schema || !name ||
        !dw_str_is(table->merge.table, relation) || !dw_str_is(table->merge.schema, schema))
        return;
    struct dw_parents_reference *reference = reference_of(table, dw_str_from(name));
    if (reference)
        reference->looks = LOOKS;
}

bool dw_parents_suspected(const struct dw_writer_table *table)
{
    for (const struct dw_parents_reference *at = table->parents; at; at = at->next)
        if (at->looks)
            return true;
    return false;
}

/* ---- statements ---- */

/* Not one whose parents may come by the same batch, that is looked at only at the commit, or whose
 * parents we may not read. */
static const char columns_sql[] =
    "SELECT a.attname, f.attname, format('OPERATOR(%I.%s)', n.nspname, o.oprname)"
    " FROM pg_constraint k,"
    "  unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY AS u(own, parent, op, place)"
    " JOIN pg_operator o ON o.oid = u.op JOIN pg_namespace n ON n.oid = o.oprnamespace,"
    " pg_attribute a, pg_attribute f"
    " WHERE k.conrelid = $1::oid AND k.conname = $2 AND k.contype = 'f'"
    "  AND k.confrelid <> k.conrelid AND NOT k.condeferrable"
    "  AND has_table_privilege(k.confrelid, 'SELECT') AND NOT row_security_active(k.confrelid)"
    "  AND a.attrelid = k.conrelid AND a.attnum = u.own"
    "  AND f.attrelid = k.confrelid AND f.attnum = u.parent ORDER BY u.place";

/* The map's column that fills a column of the target; -1: none does. */
static int column_of(const struct dw_writer_table *table, const char *name)
{
    for (size_t i = 0; i < table->map->column_count; i++)
        if (dw_str_is(table->merge.columns[i].name, name))
            return (int)i;
    return -1;
}

static void write_sql(const struct dw_writer_table *table, const PGresult *result,
                      const struct dw_parents_reference *reference, struct dw_buf *out)
{
    size_t count = reference->column_count;
    dw_buf_append_text(out, "SELECT k.n FROM unnest(");
    for (size_t i = 0; i < count; i++)
        dw_buf_printf(out, "%s$%zu::text[]", i ? ", " : "", i + 1);
    dw_buf_append_text(out, ") WITH ORDINALITY AS k(");
    for (size_t i = 0; i < count; i++)
        dw_buf_printf(out, "k%zu, ", i);
    /* One look into the parent's index for each row, whatever statistics say of a table that is
     * being filled. */
    dw_buf_append_text(out, "n) WHERE (SELECT true FROM ");
    dw_pg_quote_table(out, reference->schema, reference->table);
    dw_buf_append_text(out, " AS p WHERE ");
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(out, i ? " AND p." : "p.");
        dw_pg_quote_name(out, reference->names[i]);
        dw_buf_printf(out, " %s k.k%zu::%.*s", PQgetvalue(result, (int)i, 2), i,
                      DW_STR_ARG(table->merge.columns[reference->columns[i]].base_type));
    }
    dw_buf_append_text(out, " LIMIT 1) IS NULL");
}

static void take_columns(struct dw_writer_table *table, const PGresult *result,
                         struct dw_parents_reference *reference)
{
    struct dw_buf sql;
    size_t count = (size_t)PQntuples(result);
    reference->columns = DW_ARENA_ARRAY(&table->arena, uint16_t, count);
    reference->names = DW_ARENA_ARRAY(&table->arena, struct dw_str, count);
    reference->column_count = count;
    for (size_t i = 0; i < count; i++) {
        int column = column_of(table, PQgetvalue(result, (int)i, 0));
        if (column < 0)
            return; /* it takes its default: the map's events do not say which parent it has */
        reference->columns[i] = (uint16_t)column;
        reference->names[i] =
            dw_arena_copy(&table->arena, dw_str_from(PQgetvalue(result, (int)i, 1)));
    }
    if (!count)
        return;
    dw_buf_init(&sql, SQL_MAX);
    write_sql(table, result, reference, &sql);
    if (dw_buf_ok(&sql))
        reference->sql = dw_arena_copy(&table->arena, dw_buf_str(&sql)).ptr;
    dw_buf_done(&sql);
}

static enum dw_rc load(struct dw_writer_table *table, struct dw_parents_reference *reference,
                       struct dw_err *err)
{
    char oid[16];
    PGresult *result = NULL;
    (void)snprintf(oid, sizeof oid, "%u", table->catalogue->oid);
    const char *const params[] = {oid, dw_arena_copy(&table->arena, reference->name).ptr};
    enum dw_rc rc = dw_pg_query(table->writer->conn, columns_sql, 2, params, &result, err);
    if (rc != DW_OK)
        return rc;
    take_columns(table, result, reference);
    reference->loaded = true;
    PQclear(result);
    return DW_OK;
}

/* ---- asking ---- */

static bool lacks_columns(const struct dw_writer_table *table, const struct dw_change *change)
{
    for (size_t i = 0; change->kind == DW_CHANGE_UPSERT && i < table->map->column_count; i++)
        if (change->cells[i].kind == DW_VALUE_ABSENT || change->cells[i].kind == DW_VALUE_NESTED)
            return true;
    return false;
}

/* The keys of what is not the whole row: whether it can be built is for the merge to find, from all
 * of the key's changes together. */
static void find_lacking(const struct dw_writer_table *table, struct dw_change *const *changes,
                         size_t count, struct dw_table *out)
{
    for (size_t i = 0; i < count; i++)
        if (lacks_columns(table, changes[i]))
            *dw_table_place(out, changes[i]->key_text) = changes[i];
}

/* Whether the row names a parent at all. */
static bool has_parent(const struct dw_parents_reference *reference, const struct dw_table *lacking,
                       const struct dw_change *change)
{
    if (change->kind != DW_CHANGE_UPSERT || change->outcome != DW_OUTCOME_PENDING ||
        dw_table_find(lacking, change->key_text))
        return false;
    for (size_t i = 0; i < reference->column_count; i++)
        if (change->cells[reference->columns[i]].kind != DW_VALUE_STRING)
            return false;
    return true;
}

static void miss(const struct dw_writer_table *table, const struct dw_parents_reference *reference,
                 struct dw_change *change, struct dw_arena *arena)
{
    struct dw_buf key;
    dw_buf_init(&key, MESSAGE_MAX);
    for (size_t i = 0; i < reference->column_count; i++) {
        struct dw_str text = change->cells[reference->columns[i]].text;
        dw_buf_printf(&key, "%s%.*s = '%.*s'", i ? " and " : "", DW_STR_ARG(reference->names[i]),
                      (int)(text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES), text.ptr);
    }
    change->err = DW_ARENA_NEW(arena, struct dw_err);
    (void)dw_err_set(change->err, DW_REJECT, DW_PARENTS_MISSING,
                     "table %.*s.%.*s: waits for rows of %.*s.%.*s: foreign key constraint "
                     "\"%.*s\": there is no row with %s",
                     DW_STR_ARG(table->merge.schema), DW_STR_ARG(table->merge.table),
                     DW_STR_ARG(reference->schema), DW_STR_ARG(reference->table),
                     DW_STR_ARG(reference->name), dw_buf_ok(&key) ? key.data : "such a key");
    (void)snprintf(change->err->sqlstate, sizeof change->err->sqlstate, "23503");
    dw_buf_done(&key);
    change->outcome = DW_OUTCOME_WAITING;
    change->failure_class = "dependency";
    change->parent_schema = reference->schema;
    change->parent_table = reference->table;
}

static void put_keys(struct dw_writer_table *table, const struct dw_parents_reference *reference,
                     struct dw_change *const *asked, size_t count)
{
    struct dw_rows_array *arrays = &table->writer->arrays;
    dw_rows_array_reset(arrays);
    for (size_t i = 0; i < reference->column_count; i++) {
        struct dw_buf *texts = dw_rows_array_open(arrays, count);
        for (size_t row = 0; row < count; row++)
            dw_rows_array_put(texts, asked[row]->cells[reference->columns[i]].text);
    }
}

/* DW_REJECT: the server does not take the question. */
static enum dw_rc ask(struct dw_writer_table *table, struct dw_parents_reference *reference,
                      struct dw_change *const *asked, size_t count, struct dw_arena *arena,
                      struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    put_keys(table, reference, asked, count);
    const struct dw_exchange_params params = dw_rows_array_params(&writer->arrays);
    PGresult *result = PQexecParams(writer->conn, reference->sql, params.count, params.types,
                                    params.values, params.lengths, params.formats, 0);
    enum dw_rc rc = DW_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        rc = dw_writer_session_error(writer, result, err);
    for (int row = 0; rc == DW_OK && row < PQntuples(result); row++)
        miss(table, reference, asked[strtoul(PQgetvalue(result, row, 0), NULL, 10) - 1], arena);
    if (rc == DW_OK && PQntuples(result) == 0)
        reference->looks /= 2; /* they may all have come */
    PQclear(result);
    return rc == DW_RETRY || rc == DW_OK ? rc : DW_REJECT;
}

static enum dw_rc look(struct dw_writer_table *table, struct dw_parents_reference *reference,
                       struct dw_change *const *asked, size_t count, struct dw_arena *arena,
                       struct dw_err *err)
{
    PGconn *conn = table->writer->conn;
    enum dw_rc rc = dw_pg_exec(conn, "SAVEPOINT dw_parents", err);
    if (rc == DW_OK)
        rc = ask(table, reference, asked, count, arena, err);
    if (rc != DW_REJECT)
        return rc == DW_OK ? dw_pg_exec(conn, "RELEASE dw_parents", err) : rc;
    reference->looks = 0; /* the merge finds out, row by row */
    return dw_pg_exec(conn, "ROLLBACK TO dw_parents; RELEASE dw_parents", err);
}

enum dw_rc dw_parents_look(struct dw_writer_table *table, struct dw_change *const *changes,
                           size_t count, struct dw_arena *arena, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    struct dw_change **asked = DW_ARENA_ARRAY(arena, struct dw_change *, count);
    struct dw_table lacking;
    dw_table_init(&lacking);
    if (dw_parents_suspected(table))
        find_lacking(table, changes, count, &lacking);
    for (struct dw_parents_reference *at = table->parents; rc == DW_OK && at; at = at->next) {
        size_t asked_count = 0;
        if (!at->looks)
            continue;
        if (!at->loaded)
            rc = load(table, at, err);
        if (rc != DW_OK || !at->sql) {
            at->looks = 0;
            continue;
        }
        at->looks--;
        for (size_t i = 0; i < count; i++)
            if (has_parent(at, &lacking, changes[i]))
                asked[asked_count++] = changes[i];
        if (asked_count)
            rc = look(table, at, asked, asked_count, arena, err);
    }
    dw_table_done(&lacking);
    return rc;
}
