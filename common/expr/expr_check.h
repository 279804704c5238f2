/* expr_check.h - gives a parsed tree its types and takes out what is constant. */
#ifndef DW_EXPR_EXPR_CHECK_H
#define DW_EXPR_EXPR_CHECK_H
#include "common/expr/expr_tree.h"

struct dw_expr_check {
    const struct dw_expr_source *source;
    struct dw_arena *arena;
    size_t *used; /* out: indexes into source->columns, in the order of first use */
    size_t used_count;
    bool can_fail;  /* out: some row may fail */
    size_t *out_at; /* the byte an error is about */
    struct dw_err *err;
};

/* The type of a column in expressions. */
enum dw_expr_type dw_expr_check_type(uint32_t base_oid, char category);

/* Checks the tree and replaces *root by what is left of it. `check->used` has room for one index
 * per column of the source. Errors: DW_CONFIG DW-EXPR-002, -005, -006, -008, -009. */
enum dw_rc dw_expr_check_tree(struct dw_expr_check *check,
                              struct dw_expr_node **root) DW_MUST_CHECK;

#endif
