/* row_expr.h - an expression of a map over the rows of events. Threads: read-only once made. */
#ifndef DW_TRANSFORM_ROW_EXPR_H
#define DW_TRANSFORM_ROW_EXPR_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/expr/expr.h"
#include "common/model/event.h"
#include "common/model/map_resolved.h"

struct dw_row_expr;

/* Allocates in `arena`; borrows `text` and the columns of `source`. Errors: DW_CONFIG DW-EXPR-001
 * to 009. */
enum dw_rc dw_row_expr_new(struct dw_row_expr **out, struct dw_str text, enum dw_expr_use use,
                           const struct dw_resolved_side *source, struct dw_arena *arena,
                           struct dw_err *err) DW_MUST_CHECK;

/* As dw_expr_result. */
void dw_row_expr_result(const struct dw_row_expr *expr, struct dw_resolved_column *out);

/* Errors of both: DW_REJECT DW-EXPR-020 to 024, or DW-VALUE-nnn for a value that is none of its
 * column's type. */
enum dw_rc dw_row_expr_match(const struct dw_row_expr *expr, const struct dw_event_row *row,
                             struct dw_arena *arena, bool *out, struct dw_err *err) DW_MUST_CHECK;
/* STRING in PostgreSQL's text output of the result's type, or NULL. */
enum dw_rc dw_row_expr_compute(const struct dw_row_expr *expr, const struct dw_event_row *row,
                               struct dw_arena *arena, struct dw_value *out,
                               struct dw_err *err) DW_MUST_CHECK;

#endif
