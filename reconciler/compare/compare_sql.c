/* compare_sql.c - see compare_sql.h. */
#include "reconciler/compare/compare_sql.h"

#include "common/postgres/pg.h"
#include "reconciler/compare/compare_twins.h"

struct statement {
    const struct dw_compare_plan *plan;
    bool of_source;
    struct dw_buf *out;
    bool walks_target; /* in the target's own order of keys */
};

static const struct dw_compare_side *side_of(const struct statement *statement)
{
    return statement->of_source ? &statement->plan->source : &statement->plan->target;
}

static const struct dw_pg_column *key_of(const struct statement *statement, size_t key)
{
    const struct dw_compare_key *pair = &statement->plan->keys[key];
    return statement->of_source ? pair->source : pair->target;
}

static void put_key(const struct statement *statement, size_t key)
{
    dw_buf_append_text(statement->out, "t.");
    dw_pg_quote_name(statement->out, key_of(statement, key)->name);
}

/* The n-th key column of the walk: the target may be walked in another order than the source. */
static size_t place_of(const struct statement *statement, size_t at)
{
    return statement->walks_target ? statement->plan->walk[at] : at;
}

/* t."a", t."b" */
static void put_keys(const struct statement *statement)
{
    for (size_t i = 0; i < statement->plan->key_count; i++) {
        if (i)
            dw_buf_append_text(statement->out, ", ");
        put_key(statement, place_of(statement, i));
    }
}

static void put_key_texts(const struct statement *statement)
{
    for (size_t i = 0; i < statement->plan->key_count; i++) {
        dw_buf_append_text(statement->out, ", ");
        put_key(statement, i);
        dw_buf_printf(statement->out, "::pg_catalog.text AS k%zu", i);
    }
}

static void put_from(const struct statement *statement)
{
    dw_buf_append_text(statement->out, " FROM ");
    dw_pg_quote_table(statement->out, side_of(statement)->table->schema,
                      side_of(statement)->table->table);
    dw_buf_append_text(statement->out, " t");
}

/* (t."a", t."b") > (…), of the key columns from `from` on: values are `prefix` and the key's
 * number, cast to its type. */
static void put_bound_from(const struct statement *statement, const char *comparison,
                           const char *prefix, size_t first, size_t from)
{
    struct dw_buf *out = statement->out;
    dw_buf_append_char(out, '(');
    for (size_t i = from; i < statement->plan->key_count; i++) {
        dw_buf_append_text(out, i > from ? ", " : "");
        put_key(statement, place_of(statement, i));
    }
    dw_buf_printf(out, ") %s (", comparison);
    for (size_t i = from; i < statement->plan->key_count; i++) {
        size_t key = place_of(statement, i);
        dw_buf_printf(out, "%s%s%zu::%.*s", i > from ? ", " : "", prefix, first + key,
                      DW_STR_ARG(key_of(statement, key)->base_type_sql));
    }
    dw_buf_append_char(out, ')');
}

static void put_bound(const struct statement *statement, const char *comparison, const char *prefix,
                      size_t first)
{
    put_bound_from(statement, comparison, prefix, first, 0);
}

/* A condition on one key column: PostgreSQL ends a walk at it, which it does not at the upper one
 * of two comparisons of rows. */
static void put_plain(const struct statement *statement, size_t key, const char *comparison,
                      const char *prefix)
{
    put_key(statement, key);
    dw_buf_printf(statement->out, " %s %s%zu::%.*s", comparison, prefix, key,
                  DW_STR_ARG(key_of(statement, key)->base_type_sql));
}

static const char *put_filter(const struct statement *statement, const char *word)
{
    if (!*side_of(statement)->filter)
        return word;
    dw_buf_printf(statement->out, "%s%s", word, side_of(statement)->filter);
    return " AND ";
}

/* --- ranges --------------------------------------------------------------------------------------
 */

/* One cut: the $2-th key behind those that `prefix` names, if there are any. */
static void put_cut(const struct statement *statement, bool behind, const char *prefix,
                    size_t first)
{
    struct dw_buf *out = statement->out;
    for (size_t i = 0; i < statement->plan->key_count; i++) {
        dw_buf_append_text(out, i ? ", " : "");
        put_key(statement, i);
        dw_buf_printf(out, " AS k%zu", i);
    }
    put_from(statement);
    if (behind) {
        dw_buf_append_text(out, " WHERE ");
        put_bound(statement, ">", prefix, first);
    }
    dw_buf_append_text(out, " ORDER BY ");
    put_keys(statement);
    dw_buf_append_text(out, " OFFSET $2::bigint - 1 LIMIT 1");
}

void dw_compare_sql_cuts(const struct dw_compare_plan *plan, bool behind, struct dw_buf *out)
{
    const struct statement statement = {plan, true, out, false};
    dw_buf_append_text(out, "WITH RECURSIVE c AS ((SELECT 1::bigint AS dw_n, ");
    put_cut(&statement, behind, "$", 3);
    dw_buf_append_text(out,
                       ") UNION ALL SELECT c.dw_n + 1, x.* FROM c CROSS JOIN LATERAL (SELECT ");
    put_cut(&statement, true, "c.k", 0);
    dw_buf_append_text(out, ") x WHERE c.dw_n < $1::bigint) SELECT ");
    for (size_t i = 0; i < plan->key_count; i++)
        dw_buf_printf(out, "%sk%zu::pg_catalog.text", i ? ", " : "", i);
    dw_buf_append_text(out, " FROM c ORDER BY dw_n");
}

/* unnest(…) WITH ORDINALITY AS r(l0, l1, u0, u1, n) */
static void put_ranges(const struct statement *statement, struct dw_compare_bounds bounds)
{
    const size_t keys = statement->plan->key_count;
    const size_t lists = keys * ((size_t)bounds.lower + (size_t)bounds.upper);
    struct dw_buf *out = statement->out;
    if (!lists) {
        dw_buf_append_text(out, "(SELECT 1 AS n) AS r");
        return;
    }
    dw_buf_append_text(out, "unnest(");
    for (size_t i = 0; i < lists; i++)
        dw_buf_printf(out, "%s$%zu::pg_catalog.text[]", i ? ", " : "",
                      (size_t)side_of(statement)->param_count + i + 1);
    dw_buf_append_text(out, ") WITH ORDINALITY AS r(");
    for (size_t i = 0; bounds.lower && i < keys; i++)
        dw_buf_printf(out, "l%zu, ", i);
    for (size_t i = 0; bounds.upper && i < keys; i++)
        dw_buf_printf(out, "u%zu, ", i);
    dw_buf_append_text(out, "n)");
}

static void put_range_conditions(const struct statement *statement, struct dw_compare_bounds bounds)
{
    const char *word = " WHERE ";
    put_from(statement);
    for (size_t i = 0; i < bounds.equal; i++) {
        dw_buf_append_text(statement->out, word);
        put_plain(statement, i, "=", "r.l");
        word = " AND ";
    }
    if (bounds.lower) {
        dw_buf_append_text(statement->out, word);
        put_bound_from(statement, ">", "r.l", 0, bounds.equal);
        word = " AND ";
    }
    if (bounds.upper) {
        dw_buf_append_text(statement->out, word);
        put_plain(statement, bounds.equal, "<=", "r.u");
        dw_buf_append_text(statement->out, " AND ");
        put_bound_from(statement, "<=", "r.u", 0, bounds.equal);
        word = " AND ";
    }
    (void)put_filter(statement, word);
}

void dw_compare_sql_hashes(const struct dw_compare_plan *plan, bool of_source,
                           struct dw_compare_bounds bounds, struct dw_buf *out)
{
    const struct statement statement = {plan, of_source, out, false};
    dw_buf_append_text(out, "SELECT r.n, a.c, a.s FROM ");
    put_ranges(&statement, bounds);
    dw_buf_printf(out, " CROSS JOIN LATERAL (SELECT count(*) AS c, coalesce(sum(%s), 0) AS s",
                  side_of(&statement)->hash);
    put_range_conditions(&statement, bounds);
    dw_buf_append_text(out, ") a");
}

void dw_compare_sql_rows(const struct dw_compare_plan *plan, bool of_source,
                         struct dw_compare_bounds bounds, int64_t limit, struct dw_buf *out)
{
    const struct statement statement = {plan, of_source, out, false};
    dw_buf_append_text(out, "SELECT r.n, a.h");
    for (size_t i = 0; i < plan->key_count; i++)
        dw_buf_printf(out, ", a.k%zu", i);
    dw_buf_append_text(out, " FROM ");
    put_ranges(&statement, bounds);
    dw_buf_printf(out, " CROSS JOIN LATERAL (SELECT %s AS h", side_of(&statement)->hash);
    put_key_texts(&statement);
    put_range_conditions(&statement, bounds);
    dw_buf_append_text(out, " ORDER BY ");
    put_keys(&statement);
    dw_buf_printf(out, " LIMIT %lld) a", (long long)limit);
}

const char *dw_compare_sql_probe(void)
{
    return "SELECT pg_catalog.hash_record_extended(ROW(true, '\\x00ff'::pg_catalog.bytea,"
           " 'a'::pg_catalog.\"char\", 1::pg_catalog.int8, 2::pg_catalog.int4, 3::pg_catalog.int2,"
           " '\303\244bc'::pg_catalog.text COLLATE pg_catalog.\"C\","
           " 'ab '::pg_catalog.bpchar COLLATE pg_catalog.\"C\", 4::pg_catalog.oid,"
           " 1.5::pg_catalog.float4, -0.1::pg_catalog.float8, '2026-01-31'::pg_catalog.date,"
           " '12:34:56.5'::pg_catalog.time, '2026-01-31 12:34:56.5'::pg_catalog.timestamp,"
           " '2026-01-31 12:34:56.5+00'::pg_catalog.timestamptz, '12:34:56+02'::pg_catalog.timetz,"
           " 12345678901234567890.1234::pg_catalog.numeric,"
           " '00112233-4455-6677-8899-aabbccddeeff'::pg_catalog.uuid,"
           " '{\"a\": [1.50, null, \"x\"]}'::pg_catalog.jsonb, NULL::pg_catalog.text), 0)";
}

/* --- rows ----------------------------------------------------------------------------------------
 */

void dw_compare_sql_source_page(const struct dw_compare_plan *plan, const struct dw_str *columns,
                                size_t column_count, bool behind, int64_t limit, struct dw_buf *out)
{
    const struct statement statement = {plan, true, out, false};
    const char *word = " WHERE ";
    dw_buf_append_text(out, "SELECT ");
    for (size_t i = 0; i < column_count; i++) {
        dw_buf_append_text(out, i ? ", t." : "t.");
        dw_pg_quote_name(out, columns[i]);
    }
    put_key_texts(&statement);
    put_from(&statement);
    if (behind) {
        dw_buf_append_text(out, word);
        put_bound(&statement, ">", "$", (size_t)plan->source.filter_param_count + 1);
        word = " AND ";
    }
    (void)put_filter(&statement, word);
    dw_buf_append_text(out, " ORDER BY ");
    put_keys(&statement);
    dw_buf_printf(out, " LIMIT %lld", (long long)limit);
}

void dw_compare_sql_target_page(const struct dw_compare_plan *plan, bool behind, int64_t limit,
                                struct dw_buf *out)
{
    const struct statement statement = {plan, false, out, true};
    const char *word = " WHERE ";
    dw_buf_append_text(out, "SELECT true");
    put_key_texts(&statement);
    put_from(&statement);
    if (behind) {
        dw_buf_append_text(out, word);
        put_bound(&statement, ">", "$", (size_t)plan->target.param_count + 1);
        word = " AND ";
    }
    (void)put_filter(&statement, word);
    dw_buf_append_text(out, " ORDER BY ");
    put_keys(&statement);
    dw_buf_printf(out, " LIMIT %lld", (long long)limit);
}

void dw_compare_sql_put_asked(const struct dw_compare_plan *plan, size_t first, struct dw_buf *out)
{
    dw_buf_append_text(out, " FROM unnest(");
    for (size_t i = 0; i < plan->key_count; i++)
        dw_buf_printf(out, "%s$%zu::pg_catalog.text[]", i ? ", " : "", first + i);
    dw_buf_append_text(out, ") WITH ORDINALITY AS k(");
    for (size_t i = 0; i < plan->key_count; i++)
        dw_buf_printf(out, "k%zu, ", i);
    dw_buf_append_text(out, "n)");
}

void dw_compare_sql_absent(const struct dw_compare_plan *plan, struct dw_buf *out)
{
    dw_buf_append_text(out, "SELECT k.n");
    dw_compare_sql_put_asked(plan, 1 + (size_t)plan->owned.param_count, out);
    dw_buf_append_text(out, " WHERE NOT EXISTS (SELECT");
    dw_compare_twins_put_same(plan, out);
    if (*plan->owned.filter)
        dw_buf_printf(out, " AND %s", plan->owned.filter);
    dw_buf_append_char(out, ')');
}
