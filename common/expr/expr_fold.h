/* expr_fold.h - takes out of a checked node what is constant.
 *
 * Not for speed alone: PostgreSQL's planner computes constants beforehand, parameters included, and
 * drops what a constant false, true or null makes superfluous, together with the failures in it.
 * What is done here before both sides see the tree can make no difference later.
 */
#ifndef DW_EXPR_EXPR_FOLD_H
#define DW_EXPR_EXPR_FOLD_H
#include "common/expr/expr_check.h"

/* Replaces *place where something is constant; its arguments are folded already. Errors: DW_CONFIG
 * DW-EXPR-008 when the constant cannot be computed. */
enum dw_rc dw_expr_fold(struct dw_expr_check *check, struct dw_expr_node **place) DW_MUST_CHECK;

/* May this node itself, its arguments aside, fail for some row? */
bool dw_expr_fold_can_fail(const struct dw_expr_node *node);

#endif
