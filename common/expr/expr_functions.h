/* expr_functions.h - the tables of functions and of the types that cast takes. */
#ifndef DW_EXPR_EXPR_FUNCTIONS_H
#define DW_EXPR_EXPR_FUNCTIONS_H
#include "common/expr/expr_tree.h"

#define DW_EXPR_FUNCTION_ARGS 3

struct dw_expr_function {
    const char *name;
    const char *refused; /* why it is not offered; NULL: it is */
    enum dw_expr_op op;
    size_t least, most;                    /* arguments; the last one's types go for all more */
    unsigned types[DW_EXPR_FUNCTION_ARGS]; /* bits of the types allowed */
    enum dw_expr_type result;              /* NULL: the first argument's */
};

struct dw_expr_cast {
    const char *name; /* "Edm.Int32" */
    const char *refused;
    enum dw_expr_type type;
    int32_t bits; /* of an integer, else 0 */
};

/* NULL when unknown; then *out_nearest is a name like it, or NULL. */
const struct dw_expr_function *dw_expr_functions_find(struct dw_str name, const char **out_nearest);
/* The one that makes nodes of this op; NULL for operators. */
const struct dw_expr_function *dw_expr_functions_of(enum dw_expr_op op);
const struct dw_expr_cast *dw_expr_functions_cast(struct dw_str name, const char **out_nearest);

#endif
