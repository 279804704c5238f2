/* pg_lookup.c - see pg_lookup.h. */
#include "common/postgres/pg_lookup.h"

#include "common/base/buf.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_table.h"

#define SQL_MAX ((size_t)1 << 20)

struct writing { /* of one statement */
    struct dw_pg_lookups *lookups;
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

static void grow(struct dw_pg_lookups *lookups)
{
    size_t capacity = lookups->capacity ? lookups->capacity * 2 : 4;
    struct dw_resolved_lookup *tables =
        DW_ARENA_ARRAY(lookups->arena, struct dw_resolved_lookup, capacity);
    const struct dw_pg_table **catalogues =
        DW_ARENA_ARRAY(lookups->arena, const struct dw_pg_table *, capacity);
    for (size_t i = 0; i < lookups->count; i++) {
        tables[i] = lookups->tables[i];
        catalogues[i] = lookups->catalogues[i];
    }
    lookups->tables = tables;
    lookups->catalogues = catalogues;
    lookups->capacity = capacity;
}

static enum dw_rc load_table(struct dw_pg_lookups *lookups, const struct dw_map_lookup *spec,
                             const struct dw_pg_table **out)
{
    for (size_t i = 0; i < lookups->count; i++)
        if (dw_str_equal(lookups->tables[i].schema, spec->schema) &&
            dw_str_equal(lookups->tables[i].table, spec->table)) {
            *out = lookups->catalogues[i];
            return DW_OK;
        }
    if (lookups->count == lookups->capacity)
        grow(lookups);
    enum dw_rc rc = dw_pg_table_load(lookups->conn, spec->schema, spec->table, lookups->arena, out,
                                     lookups->err);
    if (rc != DW_OK)
        return rc;
    struct dw_resolved_lookup *added = &lookups->tables[lookups->count];
    added->schema = dw_arena_copy(lookups->arena, spec->schema);
    added->table = dw_arena_copy(lookups->arena, spec->table);
    take_columns(*out, lookups->arena, &added->side);
    lookups->catalogues[lookups->count++] = *out;
    return DW_OK;
}

static enum dw_rc find_column(struct dw_pg_lookups *lookups, const struct dw_pg_table *catalogue,
                              struct dw_str name, const struct dw_pg_column **out)
{
    *out = dw_pg_table_column(catalogue, name);
    if (*out && (*out)->can_select)
        return DW_OK;
    return dw_err_set(lookups->err, DW_CONFIG, *out ? "DW-APPLY-003" : "DW-APPLY-001",
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
    struct dw_pg_lookups *lookups = writing->lookups;
    const struct dw_pg_table *catalogue;
    const struct dw_pg_column *column;
    size_t alias = writing->aliases++;
    *out_alias = alias;
    enum dw_rc rc = load_table(lookups, spec, &catalogue);
    if (rc == DW_OK)
        rc = find_column(lookups, catalogue, spec->column, &column);
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
        rc = find_column(lookups, catalogue, key->column, &column);
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

enum dw_rc dw_pg_lookup_sql(struct dw_pg_lookups *lookups, const struct dw_map_lookup *spec,
                            const char **out, struct dw_err *err)
{
    struct writing writing = {.lookups = lookups};
    struct dw_buf sql;
    size_t alias = 0;
    lookups->err = err;
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
    if (lookups->lock && writing.lock.len) {
        dw_buf_append_text(&sql, " FOR KEY SHARE OF ");
        dw_buf_append_str(&sql, dw_buf_str(&writing.lock));
    }
    dw_buf_append_text(&sql, ") AS v");
    *out = dw_arena_copy(lookups->arena, dw_buf_str(&sql)).ptr;
    dw_buf_done(&writing.from);
    dw_buf_done(&writing.where);
    dw_buf_done(&writing.lock);
    dw_buf_done(&sql);
    return rc;
}
