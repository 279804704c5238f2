/* sync_table.c - see sync_table.h. */
#include "producer/initial_sync/sync_table.h"

#include "common/base/json_write.h"
#include "common/expr/map_expr.h"
#include "common/model/route.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_table.h"
#include "common/state/state.h"
#include <stdlib.h>

#define FILTER_SETTING   "dualwrite.filter"
#define CHOICE_SETTING   "dualwrite.choice"
#define FILTER_BYTES_MAX ((size_t)1 << 20)
#define PREFIX_BYTES_MAX 4096
#define SCRATCH_KEEP     4096
#define NUMERIC_OID      1700

static const char *const bound_names[] = {
    [DW_SYNC_LOWER] = "lower", [DW_SYNC_UPPER] = "upper", [DW_SYNC_KEYS] = "keys"};

/* --- making ------------------------------------------------------------------------------------
 */

static struct dw_str prefix_of(struct dw_str name, struct dw_arena *arena)
{
    struct dw_buf prefix;
    dw_buf_init(&prefix, PREFIX_BYTES_MAX);
    dw_buf_append_char(&prefix, ',');
    dw_json_write_string(&prefix, name);
    dw_buf_append_char(&prefix, ':');
    struct dw_str copy = dw_arena_copy(arena, dw_buf_str(&prefix));
    dw_buf_done(&prefix);
    return copy;
}

static enum dw_rc add_columns(struct dw_sync_table *made, const struct dw_pg_table *table,
                              struct dw_err *err)
{
    size_t count = 0;
    const struct dw_str *names = dw_map_expr_source_columns(made->definition, &made->arena, &count);
    struct dw_sync_column *columns = DW_ARENA_ARRAY(&made->arena, struct dw_sync_column, count);
    for (size_t i = 0; i < count; i++) {
        const struct dw_pg_column *column = dw_pg_table_column(table, names[i]);
        if (!column || !column->can_select)
            return dw_err_set(err, DW_CONFIG, "DW-SYNC-002", "%s column %.*s of %.*s.%.*s",
                              column ? "no privilege to read" : "there is no", DW_STR_ARG(names[i]),
                              DW_STR_ARG(table->schema), DW_STR_ARG(table->table));
        columns[i] = (struct dw_sync_column){
            .name = dw_arena_copy(&made->arena, column->name),
            .encoding = dw_event_encode_kind(column->base_oid),
            .prefix = prefix_of(column->name, &made->arena),
        };
    }
    made->columns = columns;
    made->column_count = count;
    return DW_OK;
}

static size_t column_index(const struct dw_sync_table *table, struct dw_str name)
{
    size_t i = 0;
    while (i < table->column_count && !dw_str_equal(table->columns[i].name, name))
        i++;
    return i;
}

static enum dw_rc no_key(const struct dw_table_map *map, const char *why, struct dw_err *err)
{
    struct dw_buf names;
    dw_buf_init(&names, PREFIX_BYTES_MAX);
    for (size_t i = 0; i < map->source.key_count; i++)
        dw_buf_printf(&names, "%s%.*s", i ? ", " : "", DW_STR_ARG(map->source.key[i]));
    (void)dw_err_set(err, DW_CONFIG, "DW-SYNC-001", "the key (%s) of %.*s.%.*s %s", names.data,
                     DW_STR_ARG(map->source.schema), DW_STR_ARG(map->source.table), why);
    dw_buf_done(&names);
    return DW_CONFIG;
}

/* Chunks walk along an index: the key needs a unique one, and nulls have no place in it. */
static enum dw_rc add_keys(struct dw_sync_table *made, const struct dw_pg_table *table,
                           struct dw_err *err)
{
    const struct dw_table_map *map = made->definition;
    size_t count = map->source.key_count;
    const struct dw_pg_index *index = dw_pg_table_unique(table, map->source.key, count);
    if (!index)
        return no_key(map, "has no unique index", err);
    struct dw_sync_key *keys = DW_ARENA_ARRAY(&made->arena, struct dw_sync_key, count);
    size_t *order = DW_ARENA_ARRAY(&made->arena, size_t, count);
    for (size_t i = 0; i < count; i++) {
        const struct dw_pg_column *column = dw_pg_table_column(table, map->source.key[i]);
        if (!column->not_null)
            return no_key(map, "may be null", err);
        keys[i] = (struct dw_sync_key){
            .column = column_index(made, column->name),
            .name = made->columns[column_index(made, column->name)].name,
            .type = dw_arena_copy(&made->arena, column->base_type_sql),
            .collation = dw_arena_copy(&made->arena, column->collation_sql),
            .numeric = column->base_oid == NUMERIC_OID,
        };
        made->numeric_key = made->numeric_key || keys[i].numeric;
        for (size_t j = 0; j < count; j++)
            if (index->columns[j] == column->number)
                order[j] = i;
    }
    made->keys = keys;
    made->order = order;
    made->key_count = count;
    return DW_OK;
}

/* An array literal, each element quoted. */
static const char *array_literal(const struct dw_str *texts, size_t count, struct dw_arena *arena)
{
    struct dw_buf out;
    dw_buf_init(&out, FILTER_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(&out, i ? ",\"" : "{\"");
        for (size_t at = 0; at < texts[i].len; at++) {
            if (texts[i].ptr[at] == '"' || texts[i].ptr[at] == '\\')
                dw_buf_append_char(&out, '\\');
            dw_buf_append_char(&out, texts[i].ptr[at]);
        }
        dw_buf_append_char(&out, '"');
    }
    dw_buf_append_char(&out, '}');
    const char *copy = dw_arena_copy(arena, dw_buf_str(&out)).ptr;
    dw_buf_done(&out);
    return copy;
}

static enum dw_rc write_condition(struct dw_sync_table *made, const struct dw_expr *expr,
                                  const char *setting, struct dw_sync_condition *out,
                                  struct dw_err *err)
{
    struct dw_expr_sql sql = {.qualifier = DW_STR_LIT("t."), .first_param = 1, .setting = setting};
    struct dw_buf text;
    dw_buf_init(&text, FILTER_BYTES_MAX);
    enum dw_rc rc = dw_expr_write_sql(expr, &sql, &made->arena, &text, err);
    if (rc == DW_OK) {
        out->sql = dw_arena_copy(&made->arena, dw_buf_str(&text));
        if (sql.param_count)
            out->values = array_literal(sql.params, sql.param_count, &made->arena);
    }
    dw_buf_done(&text);
    return rc;
}

static enum dw_rc compile(struct dw_sync_table *made, const struct dw_pg_table *table,
                          struct dw_str text, struct dw_expr **out, struct dw_err *err)
{
    struct dw_expr_column *columns =
        DW_ARENA_ARRAY(&made->arena, struct dw_expr_column, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        columns[i] = (struct dw_expr_column){
            .name = dw_arena_copy(&made->arena, table->columns[i].name),
            .base_oid = table->columns[i].base_oid,
            .category = table->columns[i].category,
            .deterministic = table->columns[i].deterministic,
        };
    const struct dw_expr_source source = {.text = text,
                                          .use = DW_EXPR_FILTER,
                                          .columns = columns,
                                          .column_count = table->column_count};
    enum dw_rc rc = dw_expr_compile(out, &source, &made->arena, NULL, err);
    if (rc != DW_OK)
        dw_err_add_context(err, "filter of map %s", made->map);
    return rc;
}

/* A filter that one row can make fail would fail the chunk: such a one is left to the consumer. */
static enum dw_rc add_filter(struct dw_sync_table *made, const struct dw_pg_table *table,
                             struct dw_err *err)
{
    struct dw_expr *expr;
    if (!made->definition->filter.ptr)
        return DW_OK;
    enum dw_rc rc = compile(made, table, made->definition->filter, &expr, err);
    if (rc == DW_OK && !dw_expr_can_fail(expr))
        rc = write_condition(made, expr, FILTER_SETTING, &made->filter, err);
    return rc;
}

static enum dw_rc add_choice(struct dw_sync_table *made, const struct dw_pg_table *table,
                             const char *choice, struct dw_err *err)
{
    struct dw_expr *expr;
    if (!choice)
        return DW_OK;
    enum dw_rc rc =
        compile(made, table, dw_arena_copy(&made->arena, dw_str_from(choice)), &expr, err);
    return rc == DW_OK ? write_condition(made, expr, CHOICE_SETTING, &made->choice, err) : rc;
}

static struct dw_sync_table *new_table(const struct dw_map_record *record, struct dw_err *err)
{
    struct dw_sync_table *made = DW_MEM_NEW(struct dw_sync_table);
    dw_arena_init(&made->arena, 8192);
    struct dw_map_problems problems = {.arena = &made->arena};
    made->map = dw_arena_copy(&made->arena, dw_str_from(record->name)).ptr;
    made->revision = record->revision;
    made->definition =
        dw_table_map_parse(dw_arena_copy(&made->arena, dw_str_from(record->document)), made->map,
                           &made->arena, &problems);
    if (made->definition)
        return made;
    (void)dw_err_set(err, DW_CONFIG, "DW-SYNC-003", "the stored map %s cannot be read",
                     record->name);
    dw_sync_table_free(made);
    return NULL;
}

enum dw_rc dw_sync_table_new(struct dw_sync_table **out, const struct dw_map_record *record,
                             const struct dw_pg_table *table, const char *choice,
                             struct dw_err *err)
{
    struct dw_sync_table *made = new_table(record, err);
    if (!made)
        return DW_CONFIG;
    made->schema = dw_arena_copy(&made->arena, table->schema);
    made->table = dw_arena_copy(&made->arena, table->table);
    enum dw_rc rc = add_columns(made, table, err);
    if (rc == DW_OK)
        rc = add_keys(made, table, err);
    if (rc == DW_OK)
        rc = add_filter(made, table, err);
    if (rc == DW_OK)
        rc = add_choice(made, table, choice, err);
    if (rc != DW_OK) {
        dw_sync_table_free(made);
        return rc;
    }
    *out = made;
    return DW_OK;
}

enum dw_rc dw_sync_table_load(struct dw_sync_table **out, struct pg_conn *conn,
                              const struct dw_map_record *record, const char *choice,
                              struct dw_err *err)
{
    struct dw_arena arena;
    const struct dw_pg_table *table = NULL;
    struct dw_sync_table *named = new_table(record, err);
    if (!named)
        return DW_CONFIG;
    dw_arena_init(&arena, 16384);
    const struct dw_map_side *source = &named->definition->source;
    enum dw_rc rc = dw_pg_table_load(conn, source->schema, source->table, &arena, &table, err);
    if (rc == DW_OK)
        rc = dw_sync_table_new(out, record, table, choice, err);
    dw_arena_done(&arena);
    dw_sync_table_free(named);
    return rc;
}

void dw_sync_table_free(struct dw_sync_table *table)
{
    if (!table)
        return;
    dw_arena_done(&table->arena);
    free(table);
}

/* --- SQL ---------------------------------------------------------------------------------------
 */

static void append_columns(const struct dw_sync_table *table, struct dw_buf *out)
{
    for (size_t i = 0; i < table->column_count; i++) {
        dw_buf_append_text(out, i ? ", t." : "t.");
        dw_pg_quote_name(out, table->columns[i].name);
    }
}

/* t."a", t."b" in the index's order. */
static void append_order(const struct dw_sync_table *table, struct dw_buf *out)
{
    for (size_t i = 0; i < table->key_count; i++) {
        dw_buf_append_text(out, i ? ", t." : "t.");
        dw_pg_quote_name(out, table->keys[table->order[i]].name);
    }
}

static void append_setting(const struct dw_sync_table *table, enum dw_sync_bound bound, size_t key,
                           struct dw_buf *out)
{
    dw_buf_printf(out, "current_setting('dualwrite.%s%zu')::%.*s%s", bound_names[bound], key,
                  DW_STR_ARG(table->keys[key].type), bound == DW_SYNC_KEYS ? "[]" : "");
}

/* Of a key among those of DW_SYNC_KEYS, compared as the column is. */
static void append_listed(const struct dw_sync_table *table, size_t key, struct dw_buf *out)
{
    dw_buf_printf(out, "k.k%zu", key);
    if (table->keys[key].collation.len)
        dw_buf_printf(out, " COLLATE %.*s", DW_STR_ARG(table->keys[key].collation));
}

static void append_bound(const struct dw_sync_table *table, enum dw_sync_bound bound, bool listed,
                         const char *comparison, struct dw_buf *out)
{
    dw_buf_append_char(out, '(');
    if (!listed)
        append_order(table, out);
    for (size_t i = 0; listed && i < table->key_count; i++) {
        dw_buf_append_text(out, i ? ", " : "");
        append_listed(table, table->order[i], out);
    }
    dw_buf_printf(out, ") %s (", comparison);
    for (size_t i = 0; i < table->key_count; i++) {
        if (i)
            dw_buf_append_text(out, ", ");
        append_setting(table, bound, table->order[i], out);
    }
    dw_buf_append_char(out, ')');
}

/* Appends conditions, "WHERE" before the first and "AND" before the others. */
struct where {
    const struct dw_sync_table *table;
    bool listed; /* of keys k instead of rows t */
    const char *word;
    struct dw_buf *out;
};

static void and_bounds(struct where *where, const struct dw_sync_scope *scope)
{
    if (scope->has_lower) {
        dw_buf_append_text(where->out, where->word);
        append_bound(where->table, DW_SYNC_LOWER, where->listed, scope->lower_in ? ">=" : ">",
                     where->out);
        where->word = " AND ";
    }
    if (scope->has_upper) {
        dw_buf_append_text(where->out, where->word);
        append_bound(where->table, DW_SYNC_UPPER, where->listed, "<=", where->out);
        where->word = " AND ";
    }
}

static void and_condition(struct where *where, const struct dw_sync_condition *condition)
{
    if (!condition->sql.ptr)
        return;
    dw_buf_printf(where->out, "%s(%.*s)", where->word, DW_STR_ARG(condition->sql));
    where->word = " AND ";
}

void dw_sync_table_sql_set(const struct dw_sync_table *table, enum dw_sync_bound bound,
                           struct dw_buf *out)
{
    dw_buf_append_text(out, "SELECT ");
    for (size_t i = 0; i < table->key_count; i++)
        dw_buf_printf(out, "%sset_config('dualwrite.%s%zu', $%zu, false)", i ? ", " : "",
                      bound_names[bound], i, i + 1);
}

void dw_sync_table_sql_set_values(struct dw_buf *out)
{
    dw_buf_append_text(out, "SELECT set_config('" FILTER_SETTING "' || p.n, p.v, false)"
                            " FROM unnest($1::text[]) WITH ORDINALITY AS p(v, n) UNION ALL"
                            " SELECT set_config('" CHOICE_SETTING "' || p.n, p.v, false)"
                            " FROM unnest($2::text[]) WITH ORDINALITY AS p(v, n)");
}

static void append_from(const struct dw_sync_table *table, struct dw_buf *out)
{
    dw_buf_append_text(out, " FROM ");
    dw_pg_quote_table(out, table->schema, table->table);
    dw_buf_append_text(out, " t");
}

static void append_rows(const struct dw_sync_table *table, const struct dw_sync_scope *scope,
                        struct dw_buf *out)
{
    struct where where = {.table = table, .word = " WHERE ", .out = out};
    append_from(table, out);
    and_bounds(&where, scope);
    and_condition(&where, &table->filter);
    and_condition(&where, &table->choice);
}

void dw_sync_table_sql_rows(const struct dw_sync_table *table, const struct dw_sync_scope *scope,
                            struct dw_buf *out)
{
    dw_buf_append_text(out, "COPY (SELECT ");
    append_columns(table, out);
    append_rows(table, scope, out);
    dw_buf_append_text(out, " ORDER BY ");
    append_order(table, out);
    dw_buf_append_text(out, " LIMIT ");
    dw_buf_append_i64(out, scope->limit);
    dw_buf_append_text(out, ") TO STDOUT");
}

void dw_sync_table_sql_estimate(const struct dw_sync_table *table,
                                const struct dw_sync_scope *scope, struct dw_buf *out)
{
    dw_buf_append_text(out, "EXPLAIN (FORMAT JSON) SELECT");
    append_rows(table, scope, out);
}

/* unnest(…, …) AS k(k0, k1) */
static void append_key_list(const struct dw_sync_table *table, struct dw_buf *out)
{
    dw_buf_append_text(out, "unnest(");
    for (size_t i = 0; i < table->key_count; i++) {
        if (i)
            dw_buf_append_text(out, ", ");
        append_setting(table, DW_SYNC_KEYS, i, out);
    }
    dw_buf_append_text(out, ") AS k(");
    for (size_t i = 0; i < table->key_count; i++)
        dw_buf_printf(out, "%sk%zu", i ? ", " : "", i);
    dw_buf_append_char(out, ')');
}

/* t."a" = k.k0 AND … */
static void append_key_join(const struct dw_sync_table *table, struct dw_buf *out)
{
    for (size_t i = 0; i < table->key_count; i++) {
        dw_buf_append_text(out, i ? " AND t." : "t.");
        dw_pg_quote_name(out, table->keys[i].name);
        dw_buf_printf(out, " = k.k%zu", i);
    }
}

static void append_key_rows(const struct dw_sync_table *table, struct dw_buf *out)
{
    dw_buf_append_text(out, "COPY (SELECT ");
    append_columns(table, out);
    dw_buf_append_text(out, " FROM ");
    append_key_list(table, out);
    dw_buf_append_text(out, " JOIN ");
    dw_pg_quote_table(out, table->schema, table->table);
    dw_buf_append_text(out, " t ON ");
    append_key_join(table, out);
}

void dw_sync_table_sql_keys(const struct dw_sync_table *table, struct dw_buf *out)
{
    append_key_rows(table, out);
    dw_buf_append_text(out, ") TO STDOUT");
}

void dw_sync_table_sql_outside(const struct dw_sync_table *table, const struct dw_sync_scope *scope,
                               struct dw_buf *out)
{
    struct where where = {.table = table, .word = " AND ", .out = out};
    append_key_rows(table, out);
    dw_buf_printf(out, " WHERE (%.*s) IS NOT TRUE", DW_STR_ARG(table->filter.sql));
    and_bounds(&where, scope);
    dw_buf_append_text(out, ") TO STDOUT");
}

void dw_sync_table_sql_absent(const struct dw_sync_table *table, const struct dw_sync_scope *scope,
                              struct dw_buf *out)
{
    struct where where = {.table = table, .listed = true, .word = " AND ", .out = out};
    dw_buf_append_text(out, "COPY (SELECT ");
    for (size_t i = 0; i < table->key_count; i++)
        dw_buf_printf(out, "%sk.k%zu", i ? ", " : "", i);
    dw_buf_append_text(out, " FROM ");
    append_key_list(table, out);
    dw_buf_append_text(out, " WHERE NOT EXISTS (SELECT");
    append_from(table, out);
    dw_buf_append_text(out, " WHERE ");
    append_key_join(table, out);
    dw_buf_append_char(out, ')');
    and_bounds(&where, scope);
    dw_buf_append_text(out, ") TO STDOUT");
}

void dw_sync_table_sql_cuts(const struct dw_sync_table *table, struct dw_buf *out)
{
    dw_buf_append_text(out, "SELECT ");
    for (size_t i = 0; i < table->key_count; i++) {
        dw_buf_append_text(out, i ? ", s." : "s.");
        dw_pg_quote_name(out, table->keys[i].name);
    }
    dw_buf_append_text(out, " FROM (SELECT ");
    for (size_t i = 0; i < table->key_count; i++) {
        dw_buf_append_text(out, "t.");
        dw_pg_quote_name(out, table->keys[i].name);
        dw_buf_append_text(out, ", ");
    }
    dw_buf_append_text(out, "row_number() OVER (ORDER BY ");
    append_order(table, out);
    dw_buf_append_text(out, ") AS n, count(*) OVER () AS total");
    append_from(table, out);
    dw_buf_append_text(out, " TABLESAMPLE SYSTEM ($1::real)) s WHERE s.total >= $2::bigint AND s.n"
                            " % (s.total / $2::bigint) = 0 AND s.n < s.total / $2::bigint *"
                            " $2::bigint ORDER BY s.n");
}

/* --- rows --------------------------------------------------------------------------------------
 */

static void encode(const struct dw_sync_column *column, struct dw_str text, struct dw_buf *out)
{
    if (!text.ptr)
        dw_buf_append(out, "null", 4);
    else
        dw_event_encode_value(out, column->encoding, text);
}

void dw_sync_table_encode_row(const struct dw_sync_table *table, const struct dw_str *fields,
                              struct dw_buf *out)
{
    dw_buf_append_char(out, '{');
    for (size_t i = 0; i < table->column_count; i++) {
        const struct dw_str *prefix = &table->columns[i].prefix;
        dw_buf_append(out, prefix->ptr + !i, prefix->len - !i);
        encode(&table->columns[i], fields[i], out);
    }
    dw_buf_append_char(out, '}');
}

static void encode_key_field(const struct dw_sync_table *table, size_t key, struct dw_str text,
                             struct dw_buf *out)
{
    const struct dw_sync_column *column = &table->columns[table->keys[key].column];
    dw_buf_append_char(out, key ? ',' : '{');
    dw_buf_append(out, column->prefix.ptr + 1, column->prefix.len - 1);
    encode(column, text, out);
}

void dw_sync_table_encode_key(const struct dw_sync_table *table, const struct dw_str *keys,
                              struct dw_buf *out)
{
    for (size_t i = 0; i < table->key_count; i++)
        encode_key_field(table, i, keys[i], out);
    dw_buf_append_char(out, '}');
}

uint32_t dw_sync_table_route(const struct dw_sync_table *table, struct dw_str key,
                             const struct dw_str *keys, struct dw_buf *scratch)
{
    if (table->numeric_key) {
        dw_buf_reset(scratch, SCRATCH_KEEP);
        for (size_t i = 0; i < table->key_count; i++)
            encode_key_field(table, i,
                             table->keys[i].numeric ? dw_event_encode_unscaled(keys[i]) : keys[i],
                             scratch);
        dw_buf_append_char(scratch, '}');
        key = dw_buf_str(scratch);
    }
    return dw_route_hash(key);
}
