/* pg_compare.c - see pg_compare.h. */
#include "common/postgres/pg_compare.h"

#include "common/postgres/pg.h"
#include <stdio.h>
#include <stdlib.h>

#define SHOWN_CHARACTERS 1000 /* of a value in a report */

/* The types whose equality and hash may be used; their order is by OID. */
static const struct {
    uint32_t oid;
    enum dw_compare_by by;
} types[] = {
    {16, DW_COMPARE_VALUE},   /* bool */
    {17, DW_COMPARE_VALUE},   /* bytea */
    {18, DW_COMPARE_VALUE},   /* "char" */
    {19, DW_COMPARE_TEXT},    /* name */
    {20, DW_COMPARE_VALUE},   /* int8 */
    {21, DW_COMPARE_VALUE},   /* int2 */
    {23, DW_COMPARE_VALUE},   /* int4 */
    {25, DW_COMPARE_BYTES},   /* text */
    {26, DW_COMPARE_VALUE},   /* oid */
    {700, DW_COMPARE_VALUE},  /* float4 */
    {701, DW_COMPARE_VALUE},  /* float8 */
    {1042, DW_COMPARE_BYTES}, /* bpchar */
    {1043, DW_COMPARE_BYTES}, /* varchar */
    {1082, DW_COMPARE_VALUE}, /* date */
    {1083, DW_COMPARE_VALUE}, /* time */
    {1114, DW_COMPARE_VALUE}, /* timestamp */
    {1184, DW_COMPARE_VALUE}, /* timestamptz */
    {1266, DW_COMPARE_VALUE}, /* timetz */
    {1700, DW_COMPARE_VALUE}, /* numeric */
    {2950, DW_COMPARE_VALUE}, /* uuid */
    {3802, DW_COMPARE_VALUE}, /* jsonb */
};

enum dw_compare_by dw_pg_compare_by(uint32_t base_oid)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].oid == base_oid)
            return types[i].by;
    return DW_COMPARE_TEXT;
}

void dw_pg_compare_put(struct dw_buf *out, enum dw_compare_by by, const char *expression)
{
    switch (by) {
    case DW_COMPARE_VALUE:
        dw_buf_append_text(out, expression);
        return;
    case DW_COMPARE_BYTES:
        dw_buf_printf(out, "(%s COLLATE pg_catalog.\"C\")", expression);
        return;
    case DW_COMPARE_TEXT:
        dw_buf_printf(out, "(%s::pg_catalog.text COLLATE pg_catalog.\"C\")", expression);
        return;
    }
}

struct writing {
    struct dw_buf *out;
    const struct dw_compare_table *table;
    const uint16_t *columns;
    size_t count;
};

static const struct dw_compare_column *column_at(const struct writing *writing, size_t at)
{
    return &writing->table->columns[writing->columns[at]];
}

static void put_found(struct dw_buf *out, const struct dw_compare_column *column)
{
    dw_buf_append_text(out, "t.");
    dw_pg_quote_name(out, column->name);
}

/* given IS DISTINCT FROM found; a key that was found by its operator may be spelled otherwise */
static void put_differs(const struct writing *writing, size_t at)
{
    const struct dw_compare_column *column = column_at(writing, at);
    enum dw_compare_by by = dw_pg_compare_by(column->base_oid);
    struct dw_buf found;
    char given[32];
    dw_buf_init(&found, 1024);
    put_found(&found, column);
    (void)snprintf(given, sizeof given, "s.c%zu", at);
    dw_pg_compare_put(writing->out, by, given);
    dw_buf_append_text(writing->out, " IS DISTINCT FROM ");
    dw_pg_compare_put(writing->out, by, found.data);
    dw_buf_done(&found);
}

static void put_rows(const struct writing *writing)
{
    struct dw_buf *out = writing->out;
    dw_buf_append_text(out, " FROM (SELECT u.n");
    for (size_t i = 0; i < writing->count; i++)
        dw_buf_printf(out, ", u.c%zu::%.*s AS c%zu", i,
                      DW_STR_ARG(column_at(writing, i)->base_type), i);
    dw_buf_append_text(out, " FROM unnest(");
    for (size_t i = 0; i < writing->count; i++)
        dw_buf_printf(out, "%s$%zu::text[]", i ? ", " : "", i + 1);
    dw_buf_append_text(out, ") WITH ORDINALITY AS u(");
    for (size_t i = 0; i < writing->count; i++)
        dw_buf_printf(out, "c%zu, ", i);
    dw_buf_append_text(out, "n)) AS s LEFT JOIN ");
    dw_pg_quote_table(out, writing->table->schema, writing->table->table);
    dw_buf_append_text(out, " AS t ON ");
    const char *word = "";
    for (size_t i = 0; i < writing->count; i++) {
        const struct dw_compare_column *column = column_at(writing, i);
        if (!column->is_key)
            continue;
        dw_buf_append_text(out, word);
        put_found(out, column);
        dw_buf_printf(out, " %.*s s.c%zu", DW_STR_ARG(column->equals), i);
        word = " AND ";
    }
}

static void put_list(const struct writing *writing, const char *name, bool given)
{
    dw_buf_append_text(writing->out, ", to_json(ARRAY[");
    for (size_t i = 0; i < writing->count; i++) {
        dw_buf_append_text(writing->out, i ? ", left(" : "left(");
        if (given)
            dw_buf_printf(writing->out, "s.c%zu", i);
        else
            put_found(writing->out, column_at(writing, i));
        dw_buf_printf(writing->out, "::text, %d)", SHOWN_CHARACTERS);
    }
    dw_buf_printf(writing->out, "]) AS %s", name);
}

/* The first key column tells whether a row was found: keys are not null. */
static void put_is_found(const struct writing *writing)
{
    for (size_t i = 0; i < writing->count; i++)
        if (column_at(writing, i)->is_key) {
            put_found(writing->out, column_at(writing, i));
            return;
        }
}

void dw_pg_compare_sql(struct dw_buf *out, const struct dw_compare_table *table,
                       const uint16_t *columns, size_t count)
{
    const struct writing writing = {out, table, columns, count};
    dw_buf_append_text(out, "SELECT s.n, ");
    put_is_found(&writing);
    dw_buf_append_text(out, " IS NOT NULL AS found, to_json(ARRAY[");
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(out, i ? ", " : "");
        put_differs(&writing, i);
    }
    dw_buf_append_text(out, "]) AS differs");
    put_list(&writing, "given", true);
    put_list(&writing, "present", false);
    put_rows(&writing);
    dw_buf_append_text(out, " WHERE ");
    put_is_found(&writing);
    dw_buf_append_text(out, " IS NULL");
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(out, " OR ");
        put_differs(&writing, i);
    }
}
