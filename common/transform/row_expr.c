/* row_expr.c - see row_expr.h. */
#include "common/transform/row_expr.h"

#include "common/expr/map_expr.h"
#include "common/transform/convert.h"
#include "common/transform/row_field.h"

struct input { /* a column that the expression uses */
    struct dw_row_field field;
    struct dw_convert convert; /* its source side only */
};

struct dw_row_expr {
    struct dw_expr *expr;
    struct input *inputs; /* in the order of the expression's cells */
    size_t count;
};

enum dw_rc dw_row_expr_new(struct dw_row_expr **out, struct dw_str text, enum dw_expr_use use,
                           const struct dw_resolved_side *source, struct dw_arena *arena,
                           struct dw_err *err)
{
    struct dw_row_expr *made = DW_ARENA_NEW(arena, struct dw_row_expr);
    const struct dw_expr_source spec = {.text = text,
                                        .use = use,
                                        .columns = dw_map_expr_columns(source, arena),
                                        .column_count = source->column_count};
    enum dw_rc rc = dw_expr_compile(&made->expr, &spec, arena, NULL, err);
    if (rc != DW_OK)
        return rc;
    const size_t *used = dw_expr_columns(made->expr, &made->count);
    made->inputs = DW_ARENA_ARRAY(arena, struct input, made->count);
    for (size_t i = 0; i < made->count; i++) {
        const struct dw_resolved_column *column = &source->columns[used[i]];
        made->inputs[i].field = dw_row_field_new(column->name, arena);
        dw_convert_type_of(column, &made->inputs[i].convert.source);
    }
    *out = made;
    return DW_OK;
}

void dw_row_expr_result(const struct dw_row_expr *expr, struct dw_resolved_column *out)
{
    dw_expr_result(expr->expr, out);
}

/* The row's values as the source prints them. */
static enum dw_rc fill(const struct dw_row_expr *expr, const struct dw_event_row *row,
                       struct dw_arena *arena, struct dw_value *cells, struct dw_err *err)
{
    size_t previous = SIZE_MAX;
    for (size_t i = 0; i < expr->count; i++) {
        const struct input *input = &expr->inputs[i];
        const struct dw_event_field *field = dw_row_field_find(&input->field, row, &previous);
        cells[i].kind = field ? field->value.kind : DW_VALUE_ABSENT;
        if (cells[i].kind == DW_VALUE_ABSENT || cells[i].kind == DW_VALUE_NULL)
            continue;
        cells[i].kind = DW_VALUE_STRING;
        enum dw_rc rc =
            dw_convert_source_text(&input->convert, &field->value, arena, &cells[i].text, err);
        if (rc != DW_OK) {
            dw_err_add_context(err, "source column %.*s", DW_STR_ARG(input->field.name));
            return rc;
        }
    }
    return DW_OK;
}

enum dw_rc dw_row_expr_match(const struct dw_row_expr *expr, const struct dw_event_row *row,
                             struct dw_arena *arena, bool *out, struct dw_err *err)
{
    struct dw_value *cells = DW_ARENA_ARRAY(arena, struct dw_value, expr->count);
    enum dw_rc rc = fill(expr, row, arena, cells, err);
    return rc == DW_OK ? dw_expr_match(expr->expr, cells, arena, out, err) : rc;
}

enum dw_rc dw_row_expr_compute(const struct dw_row_expr *expr, const struct dw_event_row *row,
                               struct dw_arena *arena, struct dw_value *out, struct dw_err *err)
{
    struct dw_value *cells = DW_ARENA_ARRAY(arena, struct dw_value, expr->count);
    enum dw_rc rc = fill(expr, row, arena, cells, err);
    return rc == DW_OK ? dw_expr_compute(expr->expr, cells, arena, out, err) : rc;
}
