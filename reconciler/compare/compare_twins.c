/* compare_twins.c - see compare_twins.h. */
#include "reconciler/compare/compare_twins.h"

#include "common/postgres/pg.h"
#include "reconciler/compare/compare_sql.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define SQL_MAX     ((size_t)1 << 20)
#define BLANKS_MORE 64 /* that are looked for where the target's type has no length */

bool dw_compare_twins_possible(const struct dw_compare_plan *plan)
{
    for (size_t i = 0; i < plan->key_count; i++)
        if (plan->keys[i].folds)
            return true;
    return false;
}

/* --- the statement -------------------------------------------------------------------------------
 */

static void put_key(struct dw_buf *out, const struct dw_compare_key *key)
{
    dw_buf_append_text(out, "t.");
    dw_pg_quote_name(out, key->source->name);
}

/* All spellings of the n-th key that the target takes for it. */
static void put_spellings(struct dw_buf *out, const struct dw_compare_key *key, size_t n)
{
    dw_buf_append_text(out, " CROSS JOIN LATERAL pg_catalog.generate_series(0, ");
    if (key->length)
        dw_buf_printf(out, "%lld - pg_catalog.length(pg_catalog.rtrim(k.k%zu, ' '))",
                      (long long)key->length, n);
    else
        dw_buf_printf(out, "%d", BLANKS_MORE);
    dw_buf_printf(out, ") AS g%zu(i)", n);
}

static void put_equals(struct dw_buf *out, const struct dw_compare_key *key, size_t n)
{
    put_key(out, key);
    if (key->folds)
        dw_buf_printf(out,
                      " = (pg_catalog.rtrim(k.k%zu, ' ') || pg_catalog.repeat(' ', g%zu.i))::%.*s",
                      n, n, DW_STR_ARG(key->source->base_type_sql));
    else
        dw_buf_printf(out, " = k.k%zu::%.*s", n, DW_STR_ARG(key->source->base_type_sql));
}

static void put_other(const struct dw_compare_plan *plan, struct dw_buf *out)
{
    const char *word = "(";
    for (size_t i = 0; i < plan->key_count; i++) {
        if (!plan->keys[i].folds)
            continue;
        dw_buf_append_text(out, word);
        put_key(out, &plan->keys[i]);
        dw_buf_printf(out, "::pg_catalog.text COLLATE pg_catalog.\"C\" <> k.k%zu", i);
        word = " OR ";
    }
    dw_buf_append_char(out, ')');
}

void dw_compare_twins_put_same(const struct dw_compare_plan *plan, struct dw_buf *out)
{
    dw_buf_append_text(out, " FROM ");
    dw_pg_quote_table(out, plan->source.table->schema, plan->source.table->table);
    dw_buf_append_text(out, " t");
    for (size_t i = 0; i < plan->key_count; i++)
        if (plan->keys[i].folds)
            put_spellings(out, &plan->keys[i], i);
    for (size_t i = 0; i < plan->key_count; i++) {
        dw_buf_append_text(out, i ? " AND " : " WHERE ");
        put_equals(out, &plan->keys[i], i);
    }
}

void dw_compare_twins_sql(const struct dw_compare_plan *plan, struct dw_buf *out)
{
    dw_buf_append_text(out, "SELECT DISTINCT ON (k.n) k.n");
    for (size_t i = 0; i < plan->key_count; i++) {
        dw_buf_append_text(out, ", ");
        put_key(out, &plan->keys[i]);
        dw_buf_append_text(out, "::pg_catalog.text");
    }
    dw_compare_sql_put_asked(plan, 1 + (size_t)plan->source.filter_param_count, out);
    dw_buf_append_text(out, " CROSS JOIN LATERAL (SELECT t.*");
    dw_compare_twins_put_same(plan, out);
    dw_buf_append_text(out, ") t WHERE ");
    put_other(plan, out);
    if (*plan->source.filter)
        dw_buf_printf(out, " AND %s", plan->source.filter);
    dw_buf_append_text(out, " ORDER BY k.n");
}

/* --- asking --------------------------------------------------------------------------------------
 */

static void take(const struct dw_compare_plan *plan, const PGresult *result, size_t count,
                 struct dw_arena *arena, const char **out)
{
    for (int row = 0; row < PQntuples(result); row++) {
        struct dw_str key[DW_TABLE_MAP_KEY_MAX];
        size_t number = strtoul(PQgetvalue(result, row, 0), NULL, 10);
        for (size_t j = 0; j < plan->key_count; j++)
            key[j] = dw_str_from(PQgetvalue(result, row, 1 + (int)j));
        if (number >= 1 && number <= count)
            out[number - 1] = dw_compare_key_of_plan(plan, key, arena);
    }
}

enum dw_rc dw_compare_twins_find(const struct dw_compare_plan *plan, struct pg_conn *source,
                                 const char *const *keys, size_t count, struct dw_arena *arena,
                                 const char **out, struct dw_err *err)
{
    struct dw_compare_params params;
    struct dw_buf sql;
    PGresult *result = NULL;
    for (size_t i = 0; i < count; i++)
        out[i] = NULL;
    if (!count || !dw_compare_twins_possible(plan))
        return DW_OK;
    dw_buf_init(&sql, SQL_MAX);
    dw_compare_twins_sql(plan, &sql);
    dw_compare_params_init(&params, arena);
    dw_compare_params_add_side(&params, &plan->source, plan->source.filter_param_count);
    enum dw_rc rc = dw_compare_params_add_keys(&params, plan, keys, count, err);
    if (rc == DW_OK)
        rc = dw_compare_ask(source, sql.data, &params, &result, err);
    if (rc == DW_OK)
        take(plan, result, count, arena, out);
    PQclear(result);
    dw_buf_done(&sql);
    return rc;
}
