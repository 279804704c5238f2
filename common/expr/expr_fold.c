/* expr_fold.c - see expr_fold.h. */
#include "common/expr/expr_fold.h"

#include "common/expr/expr_eval.h"
#include "common/expr/expr_value.h"

static void make_null(struct dw_expr_node *node)
{
    node->op = DW_EXPR_CONST;
    node->count = 0;
    node->value = (struct dw_expr_value){.is_null = true};
}

static void make_bool(struct dw_expr_node *node, bool value)
{
    make_null(node);
    node->value.is_null = false;
    node->value.boolean = value;
}

static bool is_constant(const struct dw_expr_node *node, bool value)
{
    return node->op == DW_EXPR_CONST && !node->value.is_null && node->value.boolean == value;
}

/* A constant stopper decides, the other constant says nothing. */
static void fold_chain(struct dw_expr_node **place)
{
    struct dw_expr_node *node = *place;
    bool stop = node->op == DW_EXPR_OR;
    bool all_null = true;
    size_t kept = 0;
    for (size_t i = 0; i < node->count; i++) {
        if (is_constant(node->args[i], stop)) {
            make_bool(node, stop);
            return;
        }
        if (is_constant(node->args[i], !stop))
            continue;
        all_null = all_null && dw_expr_tree_is_null(node->args[i]);
        node->args[kept++] = node->args[i];
    }
    node->count = kept;
    if (kept == 0)
        make_bool(node, !stop);
    else if (all_null)
        make_null(node);
    else if (kept == 1)
        *place = node->args[0];
}

/* Pairs that never match go; one that always does ends the list as its "else". */
static void fold_case(struct dw_expr_node **place)
{
    struct dw_expr_node *node = *place;
    size_t kept = 0;
    for (size_t i = 0; i < node->count; i += 2) {
        struct dw_expr_node *condition = node->args[i];
        struct dw_expr_node *value = node->args[i + 1];
        if (is_constant(condition, true)) {
            node->args[kept++] = value;
            break;
        }
        if (condition->op == DW_EXPR_CONST)
            continue;
        node->args[kept++] = condition;
        node->args[kept++] = value;
    }
    node->count = kept;
    if (kept == 0)
        make_null(node);
    else if (kept == 1)
        *place = node->args[0];
}

static bool changes_nothing(const struct dw_expr_node *node)
{
    enum dw_expr_type from = node->args[0]->type;
    if (node->op == DW_EXPR_ROUND || node->op == DW_EXPR_FLOOR || node->op == DW_EXPR_CEILING)
        return from == DW_EXPR_INT;
    if (node->op != DW_EXPR_CAST || from != node->type)
        return false;
    return from != DW_EXPR_INT || node->detail == 64;
}

static bool is_comparison(enum dw_expr_op op)
{
    return op == DW_EXPR_EQ || op == DW_EXPR_NE || op == DW_EXPR_GT || op == DW_EXPR_GE ||
           op == DW_EXPR_LT || op == DW_EXPR_LE;
}

/* An argument is the constant null, and others are not constant. */
static void fold_null(struct dw_expr_node *node)
{
    if (node->op == DW_EXPR_EQ || node->op == DW_EXPR_NE) {
        if (dw_expr_tree_is_null(node->args[0]))
            node->args[0] = node->args[1];
        node->op = node->op == DW_EXPR_EQ ? DW_EXPR_IS_NULL : DW_EXPR_NOT_NULL;
        node->count = 1;
    } else if (is_comparison(node->op)) {
        make_bool(node, false);
    } else if (node->op != DW_EXPR_IN) {
        make_null(node);
    }
}

static enum dw_rc compute(struct dw_expr_check *check, struct dw_expr_node *node)
{
    struct dw_expr_value value;
    struct dw_err cause = DW_ERR_INIT;
    if (dw_expr_eval(node, NULL, check->arena, &value, &cause) != DW_OK) {
        *check->out_at = node->at;
        return dw_err_set(check->err, DW_CONFIG, "DW-EXPR-008",
                          "this constant cannot be computed: %s", cause.message);
    }
    node->op = DW_EXPR_CONST;
    node->count = 0;
    node->value = value;
    return DW_OK;
}

enum dw_rc dw_expr_fold(struct dw_expr_check *check, struct dw_expr_node **place)
{
    struct dw_expr_node *node = *place;
    if (node->count == 0)
        return DW_OK;
    if (node->op == DW_EXPR_AND || node->op == DW_EXPR_OR) {
        fold_chain(place);
        return DW_OK;
    }
    if (node->op == DW_EXPR_CASE) {
        fold_case(place);
        return DW_OK;
    }
    if (changes_nothing(node)) {
        *place = node->args[0];
        return DW_OK;
    }
    size_t constants = 0;
    size_t nulls = 0;
    for (size_t i = 0; i < node->count; i++) {
        constants += node->args[i]->op == DW_EXPR_CONST;
        nulls += dw_expr_tree_is_null(node->args[i]);
    }
    if (constants == node->count)
        return compute(check, node);
    if (nulls)
        fold_null(node);
    return DW_OK;
}

bool dw_expr_fold_can_fail(const struct dw_expr_node *node)
{
    if (node->op == DW_EXPR_CAST)
        return dw_expr_value_cast_fails(node->args[0]->type, node->type, node->detail);
    if (node->op == DW_EXPR_NEGATE)
        return node->type == DW_EXPR_INT;
    return node->op == DW_EXPR_ADD || node->op == DW_EXPR_SUB || node->op == DW_EXPR_MUL ||
           node->op == DW_EXPR_DIV || node->op == DW_EXPR_MOD;
}
