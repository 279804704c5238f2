/* compare_unclaimed.c - see compare_unclaimed.h. */
#include "reconciler/compare/compare_unclaimed.h"

#include "common/postgres/pg.h"
#include "reconciler/compare/compare_sql.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define SQL_MAX ((size_t)1 << 20)

struct asking {
    const struct dw_compare_plan *plan;
    struct dw_compare_links *links;
    struct dw_arena *arena;
    struct dw_err *err;
};

/* The first claim of any map makes it. */
static enum dw_rc has_owners(const struct asking *asking, bool *out)
{
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_pg_query(asking->links->target, "SELECT to_regclass('dualwrite.owner') IS NOT NULL", 0,
                    NULL, &result, asking->err);
    if (rc == DW_OK)
        *out = *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    return rc;
}

/* As the consumer names the table. */
static const char *relation_of(const struct asking *asking)
{
    const struct dw_pg_table *table = asking->plan->target.table;
    struct dw_buf name;
    dw_buf_init(&name, 1024);
    dw_pg_quote_table(&name, table->schema, table->table);
    const char *copy = dw_arena_copy(asking->arena, dw_buf_str(&name)).ptr;
    dw_buf_done(&name);
    return copy;
}

/* Numbers of the keys whose row is there and has no owner, in one snapshot: a worker writes both in
 * one transaction. */
static void put_target(const struct dw_compare_plan *plan, struct dw_buf *out)
{
    dw_buf_append_text(out, "SELECT k.n");
    dw_compare_sql_put_asked(plan, 3, out);
    dw_buf_append_text(out, " JOIN unnest($2::pg_catalog.text[]) WITH ORDINALITY AS w(owned, n)"
                            " ON w.n = k.n WHERE EXISTS (SELECT FROM ");
    dw_pg_quote_table(out, plan->target.table->schema, plan->target.table->table);
    dw_buf_append_text(out, " t WHERE ");
    for (size_t i = 0; i < plan->key_count; i++) {
        dw_buf_append_text(out, i ? " AND t." : "t.");
        dw_pg_quote_name(out, plan->keys[i].target->name);
        dw_buf_printf(out, " = k.k%zu::%.*s", i, DW_STR_ARG(plan->keys[i].target->base_type_sql));
    }
    dw_buf_append_text(out, ") AND NOT EXISTS (SELECT FROM dualwrite.owner o WHERE"
                            " o.relation = $1 AND o.key = sha256(convert_to(w.owned, 'UTF8')))");
}

static void add_texts(struct dw_compare_params *params, const char *const *texts, size_t count)
{
    struct dw_str *list = DW_ARENA_ARRAY(params->arena, struct dw_str, count);
    for (size_t i = 0; i < count; i++)
        list[i] = dw_str_from(texts[i]);
    dw_compare_params_add_list(params, list, count, 1);
}

static void take(const PGresult *result, size_t count, bool *out)
{
    for (int row = 0; row < PQntuples(result); row++) {
        size_t number = strtoul(PQgetvalue(result, row, 0), NULL, 10);
        if (number >= 1 && number <= count)
            out[number - 1] = true;
    }
}

/* A key that a server refuses is none that could be told. */
static enum dw_rc ask(const struct asking *asking, struct pg_conn *conn, const struct dw_buf *sql,
                      const struct dw_compare_params *params, size_t count, bool *out)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_compare_ask(conn, sql->data, params, &result, asking->err);
    if (rc == DW_OK)
        take(result, count, out);
    PQclear(result);
    if (rc != DW_REJECT)
        return rc;
    dw_err_clear(asking->err);
    return DW_OK;
}

static enum dw_rc ask_target(const struct asking *asking, const char *const *keys,
                             const char *const *target_keys, size_t count, bool *out)
{
    struct dw_compare_params params;
    struct dw_buf sql;
    dw_buf_init(&sql, SQL_MAX);
    put_target(asking->plan, &sql);
    dw_compare_params_init(&params, asking->arena);
    dw_compare_params_add(&params, relation_of(asking));
    add_texts(&params, target_keys, count);
    enum dw_rc rc = dw_compare_params_add_keys(&params, asking->plan, keys, count, asking->err);
    if (rc == DW_OK)
        rc = ask(asking, asking->links->target, &sql, &params, count, out);
    dw_buf_done(&sql);
    return rc;
}

static enum dw_rc ask_source(const struct asking *asking, const char *const *keys, size_t count,
                             bool *out)
{
    struct dw_compare_params params;
    struct dw_buf sql;
    dw_buf_init(&sql, SQL_MAX);
    dw_compare_sql_absent(asking->plan, &sql);
    dw_compare_params_init(&params, asking->arena);
    dw_compare_params_add_side(&params, &asking->plan->owned, asking->plan->owned.param_count);
    enum dw_rc rc = dw_compare_params_add_keys(&params, asking->plan, keys, count, asking->err);
    if (rc == DW_OK)
        rc = ask(asking, asking->links->source, &sql, &params, count, out);
    dw_buf_done(&sql);
    return rc;
}

enum dw_rc dw_compare_unclaimed_find(const struct dw_compare_plan *plan,
                                     struct dw_compare_links *links, const char *const *keys,
                                     const char *const *target_keys, size_t count,
                                     struct dw_arena *arena, bool *out, struct dw_err *err)
{
    const struct asking asking = {plan, links, arena, err};
    const char **left = DW_ARENA_ARRAY(arena, const char *, count);
    size_t *places = DW_ARENA_ARRAY(arena, size_t, count);
    bool *found = DW_ARENA_ARRAY(arena, bool, count);
    bool *absent = DW_ARENA_ARRAY(arena, bool, count);
    size_t left_count = 0;
    bool owners = false;
    for (size_t i = 0; i < count; i++)
        out[i] = false;
    for (size_t i = 0; i < plan->key_count; i++)
        if (!plan->keys[i].target)
            return DW_OK; /* not copied as it is: the target cannot be asked by it */
    enum dw_rc rc = count ? has_owners(&asking, &owners) : DW_OK;
    if (rc != DW_OK || !owners)
        return rc;
    rc = ask_target(&asking, keys, target_keys, count, found);
    for (size_t i = 0; rc == DW_OK && i < count; i++)
        if (found[i]) {
            left[left_count] = keys[i];
            places[left_count++] = i;
        }
    if (rc == DW_OK && left_count)
        rc = ask_source(&asking, left, left_count, absent);
    for (size_t i = 0; rc == DW_OK && i < left_count; i++)
        out[places[i]] = absent[i];
    return rc;
}
