/* expr_tree.c - see expr_tree.h. */
#include "common/expr/expr_tree.h"

const char *dw_expr_tree_type_words(enum dw_expr_type type)
{
    static const char *const words[DW_EXPR_TYPE_COUNT] = {
        [DW_EXPR_NULL] = "null",
        [DW_EXPR_BOOL] = "true or false",
        [DW_EXPR_INT] = "a whole number",
        [DW_EXPR_DECIMAL] = "a decimal number",
        [DW_EXPR_STRING] = "a text",
        [DW_EXPR_DATE] = "a date",
        [DW_EXPR_TIME] = "a time of day",
        [DW_EXPR_MOMENT] = "a date with time",
        [DW_EXPR_GUID] = "a GUID",
        [DW_EXPR_DURATION] = "a duration",
        [DW_EXPR_OTHER] = "a type without operations",
    };
    return words[type];
}

const char *dw_expr_tree_op_name(enum dw_expr_op op)
{
    static const char *const names[DW_EXPR_OP_COUNT] = {
        [DW_EXPR_CONST] = "literal",
        [DW_EXPR_COLUMN] = "column",
        [DW_EXPR_AND] = "and",
        [DW_EXPR_OR] = "or",
        [DW_EXPR_NOT] = "not",
        [DW_EXPR_EQ] = "eq",
        [DW_EXPR_NE] = "ne",
        [DW_EXPR_GT] = "gt",
        [DW_EXPR_GE] = "ge",
        [DW_EXPR_LT] = "lt",
        [DW_EXPR_LE] = "le",
        [DW_EXPR_IN] = "in",
        [DW_EXPR_IS_NULL] = "eq",
        [DW_EXPR_NOT_NULL] = "ne",
        [DW_EXPR_ADD] = "add",
        [DW_EXPR_SUB] = "sub",
        [DW_EXPR_MUL] = "mul",
        [DW_EXPR_DIV] = "div",
        [DW_EXPR_DIVBY] = "divby",
        [DW_EXPR_MOD] = "mod",
        [DW_EXPR_NEGATE] = "-",
        [DW_EXPR_CONCAT] = "concat",
        [DW_EXPR_CONTAINS] = "contains",
        [DW_EXPR_STARTS] = "startswith",
        [DW_EXPR_ENDS] = "endswith",
        [DW_EXPR_LENGTH] = "length",
        [DW_EXPR_INDEX_OF] = "indexof",
        [DW_EXPR_SUBSTRING] = "substring",
        [DW_EXPR_LOWER] = "tolower",
        [DW_EXPR_UPPER] = "toupper",
        [DW_EXPR_TRIM] = "trim",
        [DW_EXPR_YEAR] = "year",
        [DW_EXPR_MONTH] = "month",
        [DW_EXPR_DAY] = "day",
        [DW_EXPR_HOUR] = "hour",
        [DW_EXPR_MINUTE] = "minute",
        [DW_EXPR_SECOND] = "second",
        [DW_EXPR_FRACTION] = "fractionalseconds",
        [DW_EXPR_SECONDS] = "totalseconds",
        [DW_EXPR_ROUND] = "round",
        [DW_EXPR_FLOOR] = "floor",
        [DW_EXPR_CEILING] = "ceiling",
        [DW_EXPR_CAST] = "cast",
        [DW_EXPR_CASE] = "case",
    };
    return names[op];
}
