/* expr_eval.h - a checked tree's value for a row. Threads: pure functions. */
#ifndef DW_EXPR_EXPR_EVAL_H
#define DW_EXPR_EXPR_EVAL_H
#include "common/expr/expr_tree.h"

/* `cells`: one per used column; may be NULL for a tree without columns. Errors: DW_REJECT
 * DW-EXPR-020 to 024. */
enum dw_rc dw_expr_eval(const struct dw_expr_node *node, const struct dw_value *cells,
                        struct dw_arena *arena, struct dw_expr_value *out,
                        struct dw_err *err) DW_MUST_CHECK;

#endif
