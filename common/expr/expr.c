/* expr.c - see expr.h: the parts put together. */
#include "common/expr/expr.h"

#include "common/expr/expr_check.h"
#include "common/expr/expr_eval.h"
#include "common/expr/expr_parser.h"
#include "common/expr/expr_sql.h"
#include "common/expr/expr_value.h"
#include <assert.h>

struct dw_expr {
    const struct dw_expr_node *root;
    enum dw_expr_use use;
    const size_t *used;
    size_t used_count;
    bool can_fail;
};

enum dw_rc dw_expr_compile(struct dw_expr **out, const struct dw_expr_source *source,
                           struct dw_arena *arena, size_t *out_offset, struct dw_err *err)
{
    size_t at = 0;
    struct dw_expr_node *root;
    struct dw_expr_source kept = *source;
    struct dw_expr_column *columns =
        DW_ARENA_ARRAY(arena, struct dw_expr_column, source->column_count);
    for (size_t i = 0; i < source->column_count; i++)
        columns[i] = source->columns[i];
    kept.columns = columns; /* nodes point to them */
    struct dw_expr_check check = {.source = &kept,
                                  .arena = arena,
                                  .used = DW_ARENA_ARRAY(arena, size_t, source->column_count),
                                  .out_at = &at,
                                  .err = err};
    enum dw_rc rc = dw_expr_parser_parse(source->text, arena, &root, &at, err);
    if (rc == DW_OK)
        rc = dw_expr_check_tree(&check, &root);
    if (rc != DW_OK) {
        if (out_offset)
            *out_offset = at;
        return rc;
    }
    struct dw_expr *expr = DW_ARENA_NEW(arena, struct dw_expr);
    *expr = (struct dw_expr){.root = root,
                             .use = source->use,
                             .used = check.used,
                             .used_count = check.used_count,
                             .can_fail = check.can_fail};
    *out = expr;
    return DW_OK;
}

const size_t *dw_expr_columns(const struct dw_expr *expr, size_t *out_count)
{
    *out_count = expr->used_count;
    return expr->used;
}

bool dw_expr_can_fail(const struct dw_expr *expr)
{
    return expr->can_fail;
}

void dw_expr_result(const struct dw_expr *expr, struct dw_resolved_column *out)
{
    static const struct {
        const char *name;
        uint32_t oid;
    } types[DW_EXPR_TYPE_COUNT] = {
        [DW_EXPR_BOOL] = {"boolean", 16},
        [DW_EXPR_INT] = {"bigint", 20},
        [DW_EXPR_DECIMAL] = {"numeric", 1700},
        [DW_EXPR_STRING] = {"text", 25},
        [DW_EXPR_DATE] = {"date", 1082},
        [DW_EXPR_TIME] = {"time without time zone", 1083},
        [DW_EXPR_MOMENT] = {"timestamp with time zone", 1184},
        [DW_EXPR_GUID] = {"uuid", 2950},
    };
    enum dw_expr_type type = expr->root->type;
    *out = (struct dw_resolved_column){.type = dw_str_from(types[type].name),
                                       .oid = types[type].oid,
                                       .base_oid = types[type].oid,
                                       .typmod = -1};
}

enum dw_rc dw_expr_match(const struct dw_expr *expr, const struct dw_value *cells,
                         struct dw_arena *arena, bool *out, struct dw_err *err)
{
    struct dw_expr_value value;
    assert(expr->root->type == DW_EXPR_BOOL);
    enum dw_rc rc = dw_expr_eval(expr->root, cells, arena, &value, err);
    if (rc == DW_OK)
        *out = !value.is_null && value.boolean;
    return rc;
}

enum dw_rc dw_expr_compute(const struct dw_expr *expr, const struct dw_value *cells,
                           struct dw_arena *arena, struct dw_value *out, struct dw_err *err)
{
    struct dw_expr_value value;
    enum dw_rc rc = dw_expr_eval(expr->root, cells, arena, &value, err);
    if (rc != DW_OK)
        return rc;
    *out = (struct dw_value){DW_VALUE_NULL, {NULL, 0}};
    if (!value.is_null)
        *out = (struct dw_value){DW_VALUE_STRING,
                                 dw_expr_value_format(expr->root->type, &value, arena)};
    return DW_OK;
}

/* A filter that can fail is made one condition: of several, joined by AND, the planner would
 * evaluate the cheap ones first, and another row would fail. */
enum dw_rc dw_expr_write_sql(const struct dw_expr *expr, struct dw_expr_sql *sql,
                             struct dw_arena *arena, struct dw_buf *out, struct dw_err *err)
{
    bool filter = expr->use == DW_EXPR_FILTER;
    if (filter && expr->can_fail)
        dw_buf_append_char(out, '(');
    struct dw_expr_sql_reader reader = {.is_filter = filter, .can_fail = expr->can_fail};
    dw_expr_sql_write(expr->root, &reader, sql, arena, out);
    if (filter && expr->can_fail)
        dw_buf_append_text(out, ") IS TRUE");
    if (dw_buf_ok(out))
        return DW_OK;
    return dw_err_set(err, DW_CONFIG, "DW-EXPR-007",
                      "as SQL the expression is longer than %zu bytes", out->max_bytes);
}
