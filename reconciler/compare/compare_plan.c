/* compare_plan.c - see compare_plan.h. */
#include "reconciler/compare/compare_plan.h"

#include "common/base/buf.h"
#include "common/expr/expr.h"
#include "common/postgres/pg.h"
#include "common/transform/transform.h"
#include "reconciler/compare/compare_hash.h"
#include "reconciler/compare/compare_pair.h"
#include "reconciler/compare/compare_share.h"
#include "reconciler/compare/compare_types.h"
#include <stdio.h>

#define SQL_MAX    ((size_t)16 << 20)
#define PARAMS_MAX 4000

struct writing {
    const struct dw_compare_question *asked;
    struct dw_compare_plan *plan;
    struct dw_arena *arena;
    struct dw_err *err;
    struct dw_compare_hash source_hash, target_hash;
    struct dw_buf source_filter, target_filter, text;
};

/* --- pieces of SQL -------------------------------------------------------------------------------
 */

/* Why the rows have to be read; the first reason stays. */
static void read_rows(struct writing *writing, const char *why)
{
    struct dw_compare_plan *plan = writing->plan;
    plan->by_hash = false;
    if (!*plan->why_rows)
        plan->why_rows = why;
}

static void no_extra(struct writing *writing, const char *why)
{
    struct dw_compare_plan *plan = writing->plan;
    plan->finds_extra = false;
    if (!*plan->why_no_extra)
        plan->why_no_extra = why;
}

static int add_param(struct writing *writing, struct dw_compare_side *side, struct dw_str text)
{
    if (side->param_count == PARAMS_MAX) {
        read_rows(writing, "the map has too many literals");
        return 1;
    }
    side->params[side->param_count++] = text.ptr ? dw_arena_copy(writing->arena, text).ptr : NULL;
    return side->param_count;
}

static const char *text_of(struct writing *writing, const struct dw_buf *buffer)
{
    return buffer->len ? dw_arena_copy(writing->arena, dw_buf_str(buffer)).ptr : "";
}

static const char *hash_of(struct writing *writing, const struct dw_compare_hash *hash)
{
    dw_buf_reset(&writing->text, SQL_MAX);
    dw_compare_hash_write(hash, &writing->text);
    return text_of(writing, &writing->text);
}

/* t."name" */
static const char *column_sql(struct writing *writing, const struct dw_pg_column *column)
{
    dw_buf_reset(&writing->text, SQL_MAX);
    dw_buf_append_text(&writing->text, "t.");
    dw_pg_quote_name(&writing->text, column->name);
    return dw_arena_copy(writing->arena, dw_buf_str(&writing->text)).ptr;
}

static const char *cast_sql(struct writing *writing, const struct dw_compare_pair *pair,
                            const char *expression)
{
    dw_buf_reset(&writing->text, SQL_MAX);
    dw_compare_pair_cast(pair, expression, &writing->text);
    return dw_arena_copy(writing->arena, dw_buf_str(&writing->text)).ptr;
}

static void put_condition(struct dw_buf *filter, const char *condition)
{
    if (filter->len)
        dw_buf_append_text(filter, " AND ");
    dw_buf_printf(filter, "(%s)", condition);
}

/* A literal of the map as the target has it: $n::type; NULL (and an error) when it is none. */
static const char *literal_sql(struct writing *writing, struct dw_compare_side *side,
                               const struct dw_value *literal, const struct dw_pg_column *target)
{
    struct dw_value cell;
    struct dw_resolved_column column = dw_pg_table_resolve(target);
    if (dw_transform_literal(literal, &column, writing->arena, &cell, writing->err) != DW_OK)
        return NULL;
    const struct dw_str text = cell.kind == DW_VALUE_STRING ? cell.text : (struct dw_str){NULL, 0};
    int number = add_param(writing, side, text);
    return dw_arena_printf(writing->arena, "$%d::%.*s", number, DW_STR_ARG(target->base_type_sql));
}

/* --- columns -------------------------------------------------------------------------------------
 */

struct cell { /* of a target column */
    const struct dw_map_column *map;
    const struct dw_pg_column *target;
    struct dw_convert_type type;
    struct dw_compare_pair pair;
};

/* Adds the target's column, and what the source has for it, cast alike. */
static void put_cell(struct writing *writing, const struct cell *cell, const char *source)
{
    dw_compare_hash_add(&writing->source_hash, &cell->pair, source);
    dw_compare_hash_add(&writing->target_hash, &cell->pair,
                        cast_sql(writing, &cell->pair, column_sql(writing, cell->target)));
}

/* What null becomes, cast; *out NULL when there is no default. */
static enum dw_rc default_sql(struct writing *writing, const struct cell *cell, const char **out)
{
    *out = NULL;
    if (cell->map->default_when_null.kind == DW_VALUE_ABSENT)
        return DW_OK;
    const char *literal =
        literal_sql(writing, &writing->plan->source, &cell->map->default_when_null, cell->target);
    if (!literal)
        return DW_CONFIG;
    *out = cast_sql(writing, &cell->pair, literal);
    return DW_OK;
}

/* The source's value where it is not null, else the default. */
static const char *with_default(struct writing *writing, const struct cell *cell,
                                const char *expression)
{
    const char *value = cast_sql(writing, &cell->pair, expression);
    const char *otherwise;
    if (default_sql(writing, cell, &otherwise) != DW_OK)
        return NULL;
    return otherwise ? dw_arena_printf(writing->arena, "coalesce(%s, %s)", value, otherwise)
                     : value;
}

static enum dw_rc put_constant(struct writing *writing, struct cell *cell)
{
    struct dw_convert_type type = cell->type;
    if (!dw_compare_pair_of(&type, &type, &cell->pair)) {
        read_rows(writing, "a constant's type has no hash");
        return DW_OK;
    }
    const char *literal =
        literal_sql(writing, &writing->plan->source, &cell->map->constant, cell->target);
    if (!literal)
        return DW_CONFIG;
    put_cell(writing, cell, cast_sql(writing, &cell->pair, literal));
    return DW_OK;
}

static const char *why(struct writing *writing, const struct cell *cell, const char *what)
{
    return dw_arena_printf(writing->arena, "column %.*s %s", DW_STR_ARG(cell->map->target), what);
}

/* What a value map looks up: numbers as numbers, all else as text. */
static void put_when(struct writing *writing, struct dw_buf *out, const struct dw_value *from,
                     bool number)
{
    struct dw_str text = from->kind == DW_VALUE_TRUE    ? DW_STR_LIT("true")
                         : from->kind == DW_VALUE_FALSE ? DW_STR_LIT("false")
                                                        : from->text;
    int param = add_param(writing, &writing->plan->source, text);
    dw_buf_printf(out, " WHEN $%d::%s", param,
                  number ? "pg_catalog.numeric" : "pg_catalog.text COLLATE pg_catalog.\"C\"");
}

static bool is_number_text(struct dw_str text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= '0' && text.ptr[i] <= '9')
            digits++;
        else if (!(text.ptr[i] == '.' || (i == 0 && text.ptr[i] == '-')))
            return false;
    return digits > 0;
}

/* CASE over the entries; *null what null becomes. A value that is in none is refused by the
 * consumer: such a row never counts as equal. */
static enum dw_rc put_values(struct writing *writing, struct cell *cell,
                             const struct dw_pg_column *source,
                             const struct dw_convert_type *source_type)
{
    bool number =
        source_type->family == DW_FAMILY_INTEGER || source_type->family == DW_FAMILY_NUMERIC;
    if (source_type->family == DW_FAMILY_FLOAT || source_type->padded ||
        !dw_compare_pair_of(&cell->type, &cell->type, &cell->pair)) {
        read_rows(writing, why(writing, cell, "has a value map of a type without a hash"));
        return DW_OK;
    }
    struct dw_buf choice;
    struct dw_buf known;
    const char *column = column_sql(writing, source);
    const char *null_value = NULL;
    enum dw_rc rc = DW_OK;
    dw_buf_init(&choice, SQL_MAX);
    dw_buf_init(&known, SQL_MAX);
    dw_buf_printf(&choice, "CASE %s::%s", column,
                  number ? "pg_catalog.numeric" : "pg_catalog.text COLLATE pg_catalog.\"C\"");
    dw_buf_append_str(&known, dw_buf_str(&choice));
    for (size_t i = 0; i < cell->map->value_count && rc == DW_OK; i++) {
        const struct dw_map_value *entry = &cell->map->values[i];
        const char *to = literal_sql(writing, &writing->plan->source, &entry->to, cell->target);
        if (!to) {
            rc = DW_CONFIG;
        } else if (entry->from.kind == DW_VALUE_NULL) {
            null_value = cast_sql(writing, &cell->pair, to);
        } else if (!number || is_number_text(entry->from.text)) {
            put_when(writing, &choice, &entry->from, number);
            dw_buf_printf(&choice, " THEN %s", cast_sql(writing, &cell->pair, to));
            put_when(writing, &known, &entry->from, number);
            dw_buf_append_text(&known, " THEN false");
        }
    }
    dw_buf_append_text(&choice, " END");
    dw_buf_append_text(&known, " ELSE true END");
    if (rc == DW_OK && !null_value)
        rc = default_sql(writing, cell, &null_value);
    if (rc == DW_OK) {
        put_cell(writing, cell,
                 dw_arena_printf(writing->arena, "CASE WHEN %s IS NULL THEN %s ELSE %s END", column,
                                 null_value ? null_value : "NULL", choice.data));
        dw_compare_hash_add_flag(
            &writing->source_hash,
            dw_arena_printf(writing->arena, "(%s IS NOT NULL AND %s)", column, known.data));
        dw_compare_hash_add_flag(&writing->target_hash, "false");
    }
    dw_buf_done(&choice);
    dw_buf_done(&known);
    return rc;
}

static enum dw_rc put_copy(struct writing *writing, struct cell *cell)
{
    const struct dw_pg_column *source =
        dw_pg_table_column(writing->asked->source, cell->map->source);
    struct dw_convert_type type;
    dw_compare_types_of(source, &type);
    if (cell->map->values)
        return put_values(writing, cell, source, &type);
    if (!dw_compare_pair_of(&type, &cell->type, &cell->pair)) {
        read_rows(writing, why(writing, cell, "is converted in a way that SQL has not"));
        return DW_OK;
    }
    const char *value = with_default(writing, cell, column_sql(writing, source));
    if (!value)
        return DW_CONFIG;
    put_cell(writing, cell, value);
    return DW_OK;
}

/* --- expressions ---------------------------------------------------------------------------------
 */

static enum dw_rc compile(struct writing *writing, struct dw_str text, enum dw_expr_use use,
                          struct dw_expr **out)
{
    const struct dw_pg_table *table = writing->asked->source;
    struct dw_expr_column *columns =
        DW_ARENA_ARRAY(writing->arena, struct dw_expr_column, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        columns[i] = (struct dw_expr_column){
            .name = table->columns[i].name,
            .base_oid = table->columns[i].base_oid,
            .category = table->columns[i].category,
            .deterministic = table->columns[i].deterministic,
        };
    const struct dw_expr_source source = {
        .text = text, .use = use, .columns = columns, .column_count = table->column_count};
    return dw_expr_compile(out, &source, writing->arena, NULL, writing->err);
}

/* The expression as SQL over `qualifier`; its literals become parameters of `side`. */
static enum dw_rc expression_sql(struct writing *writing, const struct dw_expr *expr,
                                 struct dw_compare_side *side, const char *qualifier,
                                 const char **out)
{
    struct dw_expr_sql sql = {.qualifier = dw_str_from(qualifier),
                              .first_param = (size_t)side->param_count + 1};
    struct dw_buf text;
    dw_buf_init(&text, SQL_MAX);
    enum dw_rc rc = dw_expr_write_sql(expr, &sql, writing->arena, &text, writing->err);
    for (size_t i = 0; rc == DW_OK && i < sql.param_count; i++)
        (void)add_param(writing, side, sql.params[i]);
    if (rc == DW_OK)
        *out = dw_arena_copy(writing->arena, dw_buf_str(&text)).ptr;
    dw_buf_done(&text);
    return rc;
}

static enum dw_rc put_computed(struct writing *writing, struct cell *cell)
{
    struct dw_expr *expr;
    struct dw_resolved_column result;
    struct dw_convert_type type;
    const char *text = NULL;
    enum dw_rc rc = compile(writing, cell->map->compute, DW_EXPR_COMPUTE, &expr);
    if (rc != DW_OK)
        return rc;
    dw_expr_result(expr, &result);
    dw_convert_type_of(&result, &type);
    if (dw_expr_can_fail(expr) || !dw_compare_pair_of(&type, &cell->type, &cell->pair)) {
        read_rows(writing, why(writing, cell, "is computed in a way that SQL may fail at"));
        return DW_OK;
    }
    rc = expression_sql(writing, expr, &writing->plan->source, "t.", &text);
    const char *value = rc == DW_OK ? with_default(writing, cell, text) : NULL;
    if (rc == DW_OK && !value)
        return DW_CONFIG;
    if (rc == DW_OK)
        put_cell(writing, cell, value);
    return rc;
}

static enum dw_rc put_column(struct writing *writing, const struct dw_map_column *map)
{
    struct cell cell = {.map = map,
                        .target = dw_pg_table_column(writing->asked->target, map->target)};
    dw_compare_types_of(cell.target, &cell.type);
    if (map->lookup) {
        read_rows(writing, why(writing, &cell, "has a lookup"));
        return DW_OK;
    }
    if (map->compute.ptr)
        return put_computed(writing, &cell);
    return map->source.ptr ? put_copy(writing, &cell) : put_constant(writing, &cell);
}

/* The column of a flag holds its live value in every row that counts. */
static enum dw_rc put_flag(struct writing *writing, const struct dw_map_flag *flag)
{
    const struct dw_pg_column *target = dw_pg_table_column(writing->asked->target, flag->column);
    struct cell cell = {.target = target};
    dw_compare_types_of(target, &cell.type);
    const char *gone = literal_sql(writing, &writing->plan->target, &flag->value, target);
    const char *live = literal_sql(writing, &writing->plan->source, &flag->live, target);
    if (!gone || !live)
        return DW_CONFIG;
    if (!dw_compare_pair_of(&cell.type, &cell.type, &cell.pair)) {
        read_rows(writing, "the flag of removed rows has a type without a hash");
        return DW_OK;
    }
    put_condition(&writing->target_filter,
                  dw_arena_printf(writing->arena, "%s IS DISTINCT FROM %s",
                                  cast_sql(writing, &cell.pair, column_sql(writing, target)),
                                  cast_sql(writing, &cell.pair, gone)));
    put_cell(writing, &cell, cast_sql(writing, &cell.pair, live));
    return DW_OK;
}

/* --- filters -------------------------------------------------------------------------------------
 */

static enum dw_rc put_map_filter(struct writing *writing)
{
    const struct dw_table_map *map = writing->asked->map;
    struct dw_expr *expr;
    const char *text = NULL;
    if (!map->filter.ptr)
        return DW_OK;
    enum dw_rc rc = compile(writing, map->filter, DW_EXPR_FILTER, &expr);
    if (rc != DW_OK)
        return rc;
    if (dw_expr_can_fail(expr)) {
        read_rows(writing, "the map's filter may fail on a row");
        return DW_OK;
    }
    rc = expression_sql(writing, expr, &writing->plan->source, "t.", &text);
    if (rc == DW_OK)
        put_condition(&writing->source_filter, text);
    return rc;
}

/* The target column that is a plain copy of a source column; NULL when there is none. */
static const struct dw_pg_column *copy_of(const struct writing *writing, struct dw_str source)
{
    const struct dw_table_map *map = writing->asked->map;
    const struct dw_pg_column *from = dw_pg_table_column(writing->asked->source, source);
    for (size_t i = 0; i < map->column_count; i++) {
        const struct dw_map_column *column = &map->columns[i];
        if (!column->source.ptr || !dw_str_equal(column->source, source) || column->values ||
            column->default_when_null.kind != DW_VALUE_ABSENT)
            continue;
        const struct dw_pg_column *to = dw_pg_table_column(writing->asked->target, column->target);
        if (from && to && from->base_oid == to->base_oid)
            return to;
    }
    return NULL;
}

/* The run's filter over the target: its columns by the names that they have in the source. */
static enum dw_rc put_scope_on_target(struct writing *writing, const struct dw_expr *expr)
{
    size_t count = 0;
    const size_t *used = dw_expr_columns(expr, &count);
    struct dw_buf names;
    const char *text = NULL;
    dw_buf_init(&names, SQL_MAX);
    for (size_t i = 0; i < count; i++) {
        struct dw_str name = writing->asked->source->columns[used[i]].name;
        const struct dw_pg_column *copy = copy_of(writing, name);
        if (!copy) {
            no_extra(writing, dw_arena_printf(writing->arena,
                                              "the filter's column %.*s is not copied as it is",
                                              DW_STR_ARG(name)));
            read_rows(writing, "the filter cannot be told from the target's columns");
            dw_buf_done(&names);
            return DW_OK;
        }
        dw_buf_append_text(&names, i ? ", t." : "t.");
        dw_pg_quote_name(&names, copy->name);
        dw_buf_append_text(&names, " AS ");
        dw_pg_quote_name(&names, name);
    }
    enum dw_rc rc = expression_sql(writing, expr, &writing->plan->target, "f.", &text);
    if (rc == DW_OK)
        put_condition(&writing->target_filter,
                      dw_arena_printf(writing->arena, "(SELECT %s FROM (SELECT %s) AS f)", text,
                                      count ? names.data : "1"));
    dw_buf_done(&names);
    return rc;
}

static enum dw_rc put_scope(struct writing *writing)
{
    struct dw_expr *expr;
    const char *text = NULL;
    if (!writing->asked->filter)
        return DW_OK;
    enum dw_rc rc = compile(writing, dw_str_from(writing->asked->filter), DW_EXPR_FILTER, &expr);
    if (rc == DW_OK && dw_expr_can_fail(expr))
        rc = dw_err_set(writing->err, DW_CONFIG, "DW-COMPARE-003",
                        "it may fail on a row, which would end the comparison");
    if (rc == DW_OK)
        rc = expression_sql(writing, expr, &writing->plan->source, "t.", &text);
    if (rc != DW_OK) {
        struct dw_err cause = *writing->err;
        return dw_err_set(writing->err, DW_CONFIG, "DW-COMPARE-003", "the filter %.200s: %s",
                          writing->asked->filter, cause.message);
    }
    put_condition(&writing->source_filter, text);
    return put_scope_on_target(writing, expr);
}

/* --- keys ----------------------------------------------------------------------------------------
 */

static const struct dw_map_column *key_column(const struct dw_table_map *map, size_t target_key)
{
    for (size_t i = 0; i < map->column_count; i++)
        if (map->columns[i].key_index == (int)target_key)
            return &map->columns[i];
    return NULL;
}

/* The n-th source key column goes to the n-th target key column that is no constant. */
static const struct dw_pg_column *target_key_of(const struct writing *writing, size_t source_key)
{
    const struct dw_table_map *map = writing->asked->map;
    for (size_t i = 0; i < map->target.key_count; i++) {
        const struct dw_map_column *column = key_column(map, i);
        if (!column || !column->source.ptr ||
            !dw_str_equal(column->source, map->source.key[source_key]))
            continue;
        if (column->values || column->default_when_null.kind != DW_VALUE_ABSENT)
            return NULL;
        return dw_pg_table_column(writing->asked->target, column->target);
    }
    return NULL;
}

static enum dw_rc add_keys(struct writing *writing)
{
    const struct dw_table_map *map = writing->asked->map;
    struct dw_compare_plan *plan = writing->plan;
    const struct dw_pg_index *index =
        dw_pg_table_unique(writing->asked->source, map->source.key, map->source.key_count);
    if (!index)
        return dw_err_set(writing->err, DW_CONFIG, "DW-COMPARE-001",
                          "the map's key has no unique index in %.*s.%.*s",
                          DW_STR_ARG(map->source.schema), DW_STR_ARG(map->source.table));
    plan->key_count = map->source.key_count;
    plan->keys = DW_ARENA_ARRAY(writing->arena, struct dw_compare_key, plan->key_count);
    for (size_t i = 0; i < plan->key_count; i++)
        for (size_t j = 0; j < plan->key_count; j++) {
            const struct dw_pg_column *column =
                dw_pg_table_column(writing->asked->source, map->source.key[j]);
            if (index->columns[i] == column->number)
                plan->keys[i] = (struct dw_compare_key){
                    .source_index = j, .source = column, .target = target_key_of(writing, j)};
        }
    return DW_OK;
}

/* A constant of the target's key: other rows are no matter of this map. */
static enum dw_rc put_constant_keys(struct writing *writing, bool *out_any)
{
    const struct dw_table_map *map = writing->asked->map;
    for (size_t i = 0; i < map->target.key_count; i++) {
        const struct dw_map_column *column = key_column(map, i);
        if (!column || !dw_table_map_is_constant(column))
            continue;
        const struct dw_pg_column *target =
            dw_pg_table_column(writing->asked->target, column->target);
        const char *literal =
            literal_sql(writing, &writing->plan->target, &column->constant, target);
        if (!literal)
            return DW_CONFIG;
        put_condition(
            &writing->target_filter,
            dw_arena_printf(writing->arena, "%s = %s", column_sql(writing, target), literal));
        *out_any = true;
    }
    return DW_OK;
}

/* The order of the copied columns in the target's index: whether it is the source's. */
static bool order_target(struct writing *writing)
{
    struct dw_compare_plan *plan = writing->plan;
    const struct dw_map_side *side = &writing->asked->map->target;
    const struct dw_pg_index *index =
        dw_pg_table_unique(writing->asked->target, side->key, side->key_count);
    size_t count = 0;
    bool alike = index != NULL;
    plan->walk = DW_ARENA_ARRAY(writing->arena, size_t, plan->key_count);
    for (size_t i = 0; i < plan->key_count; i++)
        plan->walk[i] = i;
    for (size_t i = 0; index && i < index->column_count; i++)
        for (size_t j = 0; j < plan->key_count && count < plan->key_count; j++)
            if (plan->keys[j].target && index->columns[i] == plan->keys[j].target->number) {
                alike = alike && j == count;
                plan->walk[count++] = j;
            }
    return alike && count == plan->key_count;
}

/* Twins are found among rows that are read. A filter that SQL may fail at would let rows that are
 * not synchronised pass for twins. */
static void judge_folding(struct writing *writing, struct dw_compare_key *key,
                          const struct dw_convert_type *source,
                          const struct dw_convert_type *target)
{
    bool whole_filter = !writing->asked->map->filter.ptr || writing->source_filter.len;
    if (source->family != DW_FAMILY_TEXT || source->padded || !target->padded || !whole_filter)
        return;
    key->folds = true;
    key->length = target->length == DW_CONVERT_NO_LIMIT ? 0 : target->length;
    read_rows(writing,
              "source keys may be one in the target: blanks at the end do not count there");
}

static void judge_keys(struct writing *writing)
{
    struct dw_compare_plan *plan = writing->plan;
    plan->target_order = order_target(writing);
    for (size_t i = 0; i < plan->key_count; i++) {
        struct dw_compare_key *key = &plan->keys[i];
        struct dw_convert_type source;
        struct dw_convert_type target;
        if (!key->target) {
            no_extra(writing, "a key column is not copied as it is: a row of the target does not "
                              "tell which source row it should have");
            read_rows(writing, "a key column is not copied as it is");
            continue;
        }
        dw_compare_types_of(key->source, &source);
        dw_compare_types_of(key->target, &target);
        judge_folding(writing, key, &source, &target);
        if (!dw_compare_pair_sorts_alike(&source, &target,
                                         writing->asked->source_collations[key->source_index],
                                         writing->asked->target_collations[key->source_index]))
            read_rows(writing, "the databases sort the keys differently");
    }
    if (!plan->target_order)
        read_rows(writing, "the target's index has the key columns in another order");
}

/* --- all of it -----------------------------------------------------------------------------------
 */

static enum dw_rc check_column(struct writing *writing, const struct dw_pg_table *table,
                               struct dw_str name)
{
    const struct dw_pg_column *column = dw_pg_table_column(table, name);
    if (column && column->can_select)
        return DW_OK;
    return dw_err_set(writing->err, DW_CONFIG, "DW-COMPARE-002", "%s column %.*s of %.*s.%.*s",
                      column ? "no right to SELECT" : "there is no", DW_STR_ARG(name),
                      DW_STR_ARG(table->schema), DW_STR_ARG(table->table));
}

static enum dw_rc check_columns(struct writing *writing)
{
    const struct dw_compare_question *asked = writing->asked;
    const struct dw_table_map *map = asked->map;
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < map->source.key_count && rc == DW_OK; i++)
        rc = check_column(writing, asked->source, map->source.key[i]);
    for (size_t i = 0; i < map->column_count && rc == DW_OK; i++) {
        if (map->columns[i].source.ptr)
            rc = check_column(writing, asked->source, map->columns[i].source);
        if (rc == DW_OK)
            rc = check_column(writing, asked->target, map->columns[i].target);
    }
    if (rc == DW_OK && map->on_delete == DW_ON_DELETE_SET)
        rc = check_column(writing, asked->target, map->delete_column);
    if (rc == DW_OK && map->filter.ptr && map->on_filter_exit == DW_ON_FILTER_EXIT_SET)
        rc = check_column(writing, asked->target, map->exit.column);
    return rc;
}

static enum dw_rc put_flags(struct writing *writing)
{
    const struct dw_table_map *map = writing->asked->map;
    const struct dw_map_flag deleted = {map->delete_column, map->delete_value, map->live_value};
    enum dw_rc rc = DW_OK;
    if (map->on_delete == DW_ON_DELETE_SET)
        rc = put_flag(writing, &deleted);
    if (rc == DW_OK && map->filter.ptr && map->on_filter_exit == DW_ON_FILTER_EXIT_SET)
        rc = put_flag(writing, &map->exit);
    return rc;
}

static void judge_rules(struct writing *writing, bool constant_key)
{
    const struct dw_table_map *map = writing->asked->map;
    if (map->on_delete == DW_ON_DELETE_IGNORE) {
        no_extra(writing, "on_delete is \"ignore\": rows of deleted ones stay");
        read_rows(writing, "on_delete is \"ignore\"");
    }
    if (map->filter.ptr && map->on_filter_exit == DW_ON_FILTER_EXIT_KEEP)
        read_rows(writing, "on_filter_exit is \"keep\"");
    if (!writing->asked->other_count || constant_key)
        return;
    const char *why_not = dw_compare_share_why_not(map, writing->asked->others,
                                                   writing->asked->other_count, writing->arena);
    if (*why_not)
        no_extra(writing, why_not);
    read_rows(writing, "other maps write the same table");
}

/* A row that left the filter of one of them stays, or is not told in SQL: only rows whose source
 * rows are gone are extra then. */
static bool tells_outside(const struct dw_table_map *map, const struct dw_expr *expr)
{
    return map->on_filter_exit != DW_ON_FILTER_EXIT_KEEP && !dw_expr_can_fail(expr);
}

/* One map's share of the source's rows; *out false: it says nothing. */
static enum dw_rc put_share(struct writing *writing, const struct dw_table_map *map,
                            struct dw_buf *filter, bool *out)
{
    struct dw_expr *expr;
    const char *text = NULL;
    enum dw_rc rc = compile(writing, map->filter, DW_EXPR_FILTER, &expr);
    if (rc != DW_OK || !tells_outside(map, expr)) {
        *out = false;
        return rc;
    }
    rc = expression_sql(writing, expr, &writing->plan->owned, "t.", &text);
    if (rc == DW_OK)
        dw_buf_printf(filter, "%s(%s)", filter->len ? " OR " : "", text);
    return rc;
}

static enum dw_rc put_shares(struct writing *writing)
{
    const struct dw_compare_question *asked = writing->asked;
    struct dw_compare_side *owned = &writing->plan->owned;
    bool tells = true;
    struct dw_buf filter;
    dw_buf_init(&filter, SQL_MAX);
    enum dw_rc rc = put_share(writing, asked->map, &filter, &tells);
    for (size_t i = 0; rc == DW_OK && tells && i < asked->other_count; i++)
        rc = put_share(writing, asked->others[i].map, &filter, &tells);
    if (!tells)
        owned->param_count = 0;
    else if (rc == DW_OK)
        owned->filter = dw_arena_printf(writing->arena, "(%s)", filter.data);
    dw_buf_done(&filter);
    return rc;
}

/* What is not owned is extra. A table that no other map writes is the map's own. */
static enum dw_rc put_owned(struct writing *writing, bool constant_key)
{
    const struct dw_compare_question *asked = writing->asked;
    struct dw_compare_plan *plan = writing->plan;
    struct dw_compare_side *owned = &plan->owned;
    if (!plan->finds_extra)
        return DW_OK;
    if (asked->other_count && !constant_key)
        return put_shares(writing);
    if (!asked->map->filter.ptr || asked->map->on_filter_exit == DW_ON_FILTER_EXIT_KEEP)
        return DW_OK;
    owned->filter = text_of(writing, &writing->source_filter);
    owned->param_count = plan->source.filter_param_count;
    for (int i = 0; i < owned->param_count; i++)
        owned->params[i] = plan->source.params[i];
    return DW_OK;
}

static enum dw_rc write_plan(struct writing *writing)
{
    const struct dw_table_map *map = writing->asked->map;
    bool constant_key = false;
    enum dw_rc rc = check_columns(writing);
    if (rc == DW_OK)
        rc = add_keys(writing);
    if (rc == DW_OK)
        rc = put_constant_keys(writing, &constant_key);
    if (rc == DW_OK)
        rc = put_map_filter(writing);
    if (rc == DW_OK)
        rc = put_scope(writing);
    writing->plan->source.filter_param_count = writing->plan->source.param_count;
    for (size_t i = 0; i < map->column_count && rc == DW_OK; i++)
        rc = put_column(writing, &map->columns[i]);
    if (rc == DW_OK)
        rc = put_flags(writing);
    if (rc != DW_OK)
        return rc;
    judge_keys(writing);
    judge_rules(writing, constant_key);
    return put_owned(writing, constant_key);
}

static enum dw_rc choose_way(struct writing *writing)
{
    struct dw_compare_plan *plan = writing->plan;
    const char *forced = writing->asked->forced_way;
    if (strcmp(forced, "rows") == 0)
        read_rows(writing, "it was asked for");
    if (strcmp(forced, "hash") == 0 && !plan->by_hash)
        return dw_err_set(writing->err, DW_CONFIG, "DW-COMPARE-004",
                          "map %.*s cannot be compared by hashes: %s",
                          DW_STR_ARG(writing->asked->map->name), plan->why_rows);
    return DW_OK;
}

enum dw_rc dw_compare_plan_make(struct dw_compare_plan *out,
                                const struct dw_compare_question *asked, struct dw_arena *arena,
                                struct dw_err *err)
{
    struct writing writing = {.asked = asked, .plan = out, .arena = arena, .err = err};
    const struct dw_table_map *map = asked->map;
    *out = (struct dw_compare_plan){
        .map = map,
        .by_hash = true,
        .why_rows = "",
        .finds_extra = true,
        .why_no_extra = "",
        .source = {.table = asked->source},
        .target = {.table = asked->target},
        .owned = {.table = asked->source, .filter = ""},
    };
    out->owned.params = DW_ARENA_ARRAY(arena, const char *, PARAMS_MAX);
    out->source.params = DW_ARENA_ARRAY(arena, const char *, PARAMS_MAX);
    out->target.params = DW_ARENA_ARRAY(arena, const char *, PARAMS_MAX);
    dw_compare_hash_init(&writing.source_hash);
    dw_compare_hash_init(&writing.target_hash);
    dw_buf_init(&writing.source_filter, SQL_MAX);
    dw_buf_init(&writing.target_filter, SQL_MAX);
    dw_buf_init(&writing.text, SQL_MAX);
    enum dw_rc rc = write_plan(&writing);
    if (rc == DW_OK)
        rc = choose_way(&writing);
    out->source.hash = hash_of(&writing, &writing.source_hash);
    out->target.hash = hash_of(&writing, &writing.target_hash);
    out->source.filter = text_of(&writing, &writing.source_filter);
    out->target.filter = text_of(&writing, &writing.target_filter);
    dw_compare_hash_done(&writing.source_hash);
    dw_compare_hash_done(&writing.target_hash);
    dw_buf_done(&writing.source_filter);
    dw_buf_done(&writing.target_filter);
    dw_buf_done(&writing.text);
    return rc;
}
