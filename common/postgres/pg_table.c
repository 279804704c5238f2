/* pg_table.c - see pg_table.h. Three look-ups (table, columns, indexes and references) by name. */
#include "common/postgres/pg_table.h"

#include "common/base/buf.h"
#include "common/postgres/pg.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

static const char table_sql[] =
    "SELECT c.oid, c.relkind, c.relreplident, c.relispartition,"
    " has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'INSERT'),"
    " has_table_privilege(c.oid, 'UPDATE'), has_table_privilege(c.oid, 'DELETE'),"
    " has_table_privilege(c.oid, 'TRUNCATE'), pg_has_role(c.relowner, 'USAGE'),"
    " row_security_active(c.oid)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2"
    " AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";

/* A domain's base type may be a domain again: the recursive part walks down to the last one. */
static const char columns_sql[] =
    "WITH RECURSIVE col AS ("
    " SELECT a.attname, a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.atthasdef,"
    "  a.attgenerated, a.attidentity, a.attstorage, a.attcollation"
    " FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped),"
    "base AS ("
    " SELECT col.attnum, col.atttypid AS oid, col.atttypmod AS typmod, false AS not_null, false AS"
    "  has_default, 0 AS depth FROM col"
    " UNION ALL"
    " SELECT base.attnum, t.typbasetype, CASE WHEN base.typmod < 0 THEN t.typtypmod ELSE"
    "  base.typmod END, base.not_null OR t.typnotnull, base.has_default OR t.typdefault IS NOT "
    "NULL,"
    "  base.depth + 1"
    " FROM base JOIN pg_type t ON t.oid = base.oid AND t.typtype = 'd'),"
    "last AS (SELECT DISTINCT ON (attnum) * FROM base ORDER BY attnum, depth DESC) "
    "SELECT col.attname, col.attnum, col.atttypid, last.oid, last.typmod,"
    " format_type(col.atttypid, col.atttypmod),"
    " quote_ident(tn.nspname) || '.' || quote_ident(t.typname), t.typtype, t.typcategory,"
    " col.attnotnull OR last.not_null,"
    " col.atthasdef OR col.attidentity <> '' OR last.has_default, col.attgenerated <> '',"
    " col.attidentity = 'a', col.attstorage <> 'p', coalesce(k.collisdeterministic, true),"
    " has_column_privilege($1::oid, col.attnum, 'SELECT'),"
    " has_column_privilege($1::oid, col.attnum, 'INSERT'),"
    " has_column_privilege($1::oid, col.attnum, 'UPDATE'),"
    " coalesce(quote_ident(kn.nspname) || '.' || quote_ident(k.collname), '')"
    " FROM col JOIN last USING (attnum) JOIN pg_type t ON t.oid = last.oid"
    " JOIN pg_namespace tn ON tn.oid = t.typnamespace"
    " LEFT JOIN pg_collation k ON k.oid = col.attcollation"
    " LEFT JOIN pg_namespace kn ON kn.oid = k.collnamespace"
    " ORDER BY col.attnum";

static const char indexes_sql[] =
    "SELECT c.relname, i.indisprimary, i.indisreplident, i.indimmediate,"
    " i.indisvalid AND i.indexprs IS NULL AND i.indpred IS NULL,"
    " array_to_string((i.indkey::int2[])[0:i.indnkeyatts - 1], ' ')"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE i.indrelid = $1::oid AND i.indisunique ORDER BY i.indisprimary DESC, c.relname";

static const char references_sql[] =
    "SELECT k.conname, n.nspname, c.relname FROM pg_constraint k"
    " JOIN pg_class c ON c.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE k.conrelid = $1::oid AND k.contype = 'f' ORDER BY k.conname";

static const char near_names_sql[] =
    "SELECT string_agg(name, ', ') FROM (SELECT n.nspname || '.' || c.relname AS name"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    " AND n.nspname NOT LIKE 'pg_toast%' AND (lower(c.relname) LIKE '%' || lower($2) || '%'"
    "  OR lower($2) LIKE '%' || lower(c.relname) || '%' OR n.nspname = $1)"
    " ORDER BY lower(c.relname) = lower($2) DESC, n.nspname = $1 DESC, c.relname LIMIT 5) near";

static bool flag(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

static struct dw_str text(const PGresult *result, int row, int column, struct dw_arena *arena)
{
    struct dw_str value = {PQgetvalue(result, row, column),
                           (size_t)PQgetlength(result, row, column)};
    return dw_arena_copy(arena, value);
}

static uint32_t oid(const PGresult *result, int row, int column)
{
    return (uint32_t)strtoul(PQgetvalue(result, row, column), NULL, 10);
}

static enum dw_rc no_such_table(PGconn *conn, struct dw_str schema, struct dw_str table,
                                const char *const params[2], struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, near_names_sql, 2, params, &result, err);
    if (rc != DW_OK)
        return rc;
    bool found = !PQgetisnull(result, 0, 0);
    rc = dw_err_set(err, DW_CONFIG, "DW-PG-010", "there is no table %.*s.%.*s%s%s",
                    DW_STR_ARG(schema), DW_STR_ARG(table), found ? "; near: " : "",
                    found ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return rc;
}

static enum dw_rc load_table(PGconn *conn, struct dw_str schema, struct dw_str table,
                             struct dw_arena *arena, struct dw_pg_table *out, struct dw_err *err)
{
    const char *const params[2] = {dw_arena_copy(arena, schema).ptr,
                                   dw_arena_copy(arena, table).ptr};
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, table_sql, 2, params, &result, err);
    if (rc != DW_OK)
        return rc;
    if (PQntuples(result) == 0) {
        PQclear(result);
        return no_such_table(conn, schema, table, params, err);
    }
    out->schema = (struct dw_str){params[0], schema.len};
    out->table = (struct dw_str){params[1], table.len};
    out->oid = oid(result, 0, 0);
    out->kind = PQgetvalue(result, 0, 1)[0];
    out->replica_identity = PQgetvalue(result, 0, 2)[0];
    out->is_partition = flag(result, 0, 3);
    out->can_select = flag(result, 0, 4);
    out->can_insert = flag(result, 0, 5);
    out->can_update = flag(result, 0, 6);
    out->can_delete = flag(result, 0, 7);
    out->can_truncate = flag(result, 0, 8);
    out->is_owner = flag(result, 0, 9);
    out->row_security = flag(result, 0, 10);
    PQclear(result);
    return DW_OK;
}

static void read_column(const PGresult *result, int row, struct dw_arena *arena,
                        struct dw_pg_column *column)
{
    column->name = text(result, row, 0, arena);
    column->number = (int16_t)atoi(PQgetvalue(result, row, 1));
    column->type_oid = oid(result, row, 2);
    column->base_oid = oid(result, row, 3);
    column->typmod = (int32_t)atoi(PQgetvalue(result, row, 4));
    column->type = text(result, row, 5, arena);
    column->base_type_sql = text(result, row, 6, arena);
    column->type_kind = PQgetvalue(result, row, 7)[0];
    column->category = PQgetvalue(result, row, 8)[0];
    column->not_null = flag(result, row, 9);
    column->has_default = flag(result, row, 10);
    column->generated = flag(result, row, 11);
    column->identity_always = flag(result, row, 12);
    column->toastable = flag(result, row, 13);
    column->deterministic = flag(result, row, 14);
    column->can_select = flag(result, row, 15);
    column->can_insert = flag(result, row, 16);
    column->can_update = flag(result, row, 17);
    column->collation_sql = text(result, row, 18, arena);
}

static enum dw_rc load_columns(PGconn *conn, const char *oid_text, struct dw_arena *arena,
                               struct dw_pg_table *out, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, columns_sql, 1, &oid_text, &result, err);
    if (rc != DW_OK)
        return rc;
    out->column_count = (size_t)PQntuples(result);
    struct dw_pg_column *columns = DW_ARENA_ARRAY(arena, struct dw_pg_column, out->column_count);
    for (int row = 0; row < PQntuples(result); row++)
        read_column(result, row, arena, &columns[row]);
    out->columns = columns;
    PQclear(result);
    return DW_OK;
}

/* "1 3" into column numbers; an expression's 0 makes the index unusable anyway. */
static const int16_t *parse_numbers(const char *numbers, struct dw_arena *arena, size_t *out_count)
{
    int16_t *columns = DW_ARENA_ARRAY(arena, int16_t, strlen(numbers) / 2 + 1);
    size_t count = 0;
    char *end;
    for (const char *at = numbers; *at; at = end) {
        long number = strtol(at, &end, 10);
        if (end == at)
            break;
        columns[count++] = (int16_t)number;
    }
    *out_count = count;
    return columns;
}

static enum dw_rc load_indexes(PGconn *conn, const char *oid_text, struct dw_arena *arena,
                               struct dw_pg_table *out, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, indexes_sql, 1, &oid_text, &result, err);
    if (rc != DW_OK)
        return rc;
    out->index_count = (size_t)PQntuples(result);
    struct dw_pg_index *indexes = DW_ARENA_ARRAY(arena, struct dw_pg_index, out->index_count);
    for (int row = 0; row < PQntuples(result); row++) {
        indexes[row].name = text(result, row, 0, arena);
        indexes[row].primary = flag(result, row, 1);
        indexes[row].replica_identity = flag(result, row, 2);
        indexes[row].immediate = flag(result, row, 3);
        indexes[row].usable = flag(result, row, 4);
        indexes[row].columns =
            parse_numbers(PQgetvalue(result, row, 5), arena, &indexes[row].column_count);
    }
    out->indexes = indexes;
    PQclear(result);
    return DW_OK;
}

static enum dw_rc load_references(PGconn *conn, const char *oid_text, struct dw_arena *arena,
                                  struct dw_pg_table *out, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, references_sql, 1, &oid_text, &result, err);
    if (rc != DW_OK)
        return rc;
    out->reference_count = (size_t)PQntuples(result);
    struct dw_pg_reference *references =
        DW_ARENA_ARRAY(arena, struct dw_pg_reference, out->reference_count);
    for (int row = 0; row < PQntuples(result); row++) {
        references[row].name = text(result, row, 0, arena);
        references[row].schema = text(result, row, 1, arena);
        references[row].table = text(result, row, 2, arena);
    }
    out->references = references;
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_pg_table_load(PGconn *conn, struct dw_str schema, struct dw_str table,
                            struct dw_arena *arena, const struct dw_pg_table **out,
                            struct dw_err *err)
{
    struct dw_pg_table *loaded = DW_ARENA_NEW(arena, struct dw_pg_table);
    enum dw_rc rc = load_table(conn, schema, table, arena, loaded, err);
    if (rc != DW_OK)
        return rc;
    char oid_text[16];
    (void)snprintf(oid_text, sizeof oid_text, "%u", loaded->oid);
    if ((rc = load_columns(conn, oid_text, arena, loaded, err)) != DW_OK ||
        (rc = load_indexes(conn, oid_text, arena, loaded, err)) != DW_OK ||
        (rc = load_references(conn, oid_text, arena, loaded, err)) != DW_OK)
        return rc;
    *out = loaded;
    return DW_OK;
}

const struct dw_pg_column *dw_pg_table_column(const struct dw_pg_table *table, struct dw_str name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (dw_str_equal(table->columns[i].name, name))
            return &table->columns[i];
    return NULL;
}

static bool index_has(const struct dw_pg_index *index, int16_t number)
{
    for (size_t i = 0; i < index->column_count; i++)
        if (index->columns[i] == number)
            return true;
    return false;
}

static bool index_is_on(const struct dw_pg_table *table, const struct dw_pg_index *index,
                        const struct dw_str *names, size_t count)
{
    if (!index->usable || !index->immediate || index->column_count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct dw_pg_column *column = dw_pg_table_column(table, names[i]);
        if (!column || !index_has(index, column->number))
            return false;
    }
    return true;
}

const struct dw_pg_index *dw_pg_table_unique(const struct dw_pg_table *table,
                                             const struct dw_str *names, size_t count)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (index_is_on(table, &table->indexes[i], names, count))
            return &table->indexes[i];
    return NULL;
}

struct dw_resolved_column dw_pg_table_resolve(const struct dw_pg_column *column)
{
    return (struct dw_resolved_column){
        .name = column->name,
        .type = column->type,
        .oid = column->type_oid,
        .base_oid = column->base_oid,
        .typmod = column->typmod,
        .not_null = column->not_null,
        .toastable = column->toastable,
        .category = column->category,
        .deterministic = column->deterministic,
    };
}
