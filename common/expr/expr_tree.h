/* expr_tree.h - an expression as a tree: what parser, check, evaluator and SQL writer share.
 *
 * The parser makes nodes; the check gives each its type, puts conversions in and replaces what is
 * constant; afterwards the tree is read-only. Internal to common/expr.
 */
#ifndef DW_EXPR_EXPR_TREE_H
#define DW_EXPR_EXPR_TREE_H
#include "common/expr/expr.h"
#include "common/expr/expr_number.h"

#define DW_EXPR_TEXT_MAX   32768 /* bytes of an expression */
#define DW_EXPR_NODES_MAX  4096
#define DW_EXPR_HEIGHT_MAX 200 /* of the tree: what recursion over it costs */
#define DW_EXPR_DEPTH_MAX  100 /* of parentheses, functions and signs */

enum dw_expr_type {
    DW_EXPR_NULL, /* the literal null, before it gets a type */
    DW_EXPR_BOOL,
    DW_EXPR_INT,     /* int8; int2, int4, oid */
    DW_EXPR_DECIMAL, /* numeric; a float4 or float8 is the number that it prints */
    DW_EXPR_STRING,
    DW_EXPR_DATE,
    DW_EXPR_TIME,
    DW_EXPR_MOMENT, /* timestamptz; a timestamp is taken as UTC */
    DW_EXPR_GUID,
    DW_EXPR_DURATION, /* seconds as a decimal; never a result */
    DW_EXPR_OTHER,    /* any type without operations */
    DW_EXPR_TYPE_COUNT
};

#define DW_EXPR_FROM_MOMENT (-1) /* detail of a CAST that is date(…) or time(…) */

#define DW_EXPR_BIT(type) (1u << (type))

enum dw_expr_op {
    DW_EXPR_CONST,
    DW_EXPR_COLUMN,
    DW_EXPR_AND, /* n-ary, like OR */
    DW_EXPR_OR,
    DW_EXPR_NOT,
    DW_EXPR_EQ,
    DW_EXPR_NE,
    DW_EXPR_GT,
    DW_EXPR_GE,
    DW_EXPR_LT,
    DW_EXPR_LE,
    DW_EXPR_IN,      /* args[0] in the constants args[1…] */
    DW_EXPR_IS_NULL, /* made by the check from "eq null" */
    DW_EXPR_NOT_NULL,
    DW_EXPR_ADD,
    DW_EXPR_SUB,
    DW_EXPR_MUL,
    DW_EXPR_DIV,
    DW_EXPR_DIVBY, /* becomes DIV of decimals */
    DW_EXPR_MOD,
    DW_EXPR_NEGATE,
    DW_EXPR_CONCAT,
    DW_EXPR_CONTAINS,
    DW_EXPR_STARTS,
    DW_EXPR_ENDS,
    DW_EXPR_LENGTH,
    DW_EXPR_INDEX_OF,
    DW_EXPR_SUBSTRING,
    DW_EXPR_LOWER,
    DW_EXPR_UPPER,
    DW_EXPR_TRIM,
    DW_EXPR_YEAR,
    DW_EXPR_MONTH,
    DW_EXPR_DAY,
    DW_EXPR_HOUR,
    DW_EXPR_MINUTE,
    DW_EXPR_SECOND,
    DW_EXPR_FRACTION,
    DW_EXPR_SECONDS, /* totalseconds: of a duration */
    DW_EXPR_ROUND,   /* `detail`: digits behind the point */
    DW_EXPR_FLOOR,
    DW_EXPR_CEILING,
    DW_EXPR_CAST, /* from args[0]'s type to the node's; `detail`: bits of an integer */
    DW_EXPR_CASE, /* condition, value, condition, value, … [, value for all others] */
    DW_EXPR_OP_COUNT
};

/* A value of some type; the node or the caller knows which. */
struct dw_expr_value {
    bool is_null;
    union {
        bool boolean;
        int64_t integer; /* INT; days of DATE; microseconds of TIME, MOMENT (expr_time.h) */
        struct dw_expr_number number;
        struct dw_str text;
        unsigned char guid[16];
    };
};

struct dw_expr_node {
    enum dw_expr_op op;
    enum dw_expr_type type;
    uint32_t at;       /* byte of the text it is about */
    uint32_t position; /* the same in characters, from 1 */
    uint32_t height;
    int32_t detail;
    size_t count;
    struct dw_expr_node **args;
    union {
        struct dw_expr_value value; /* CONST */
        struct {                    /* COLUMN */
            struct dw_str name;
            const struct dw_expr_column *column;
            size_t cell; /* its place among the used columns */
        };
    };
};

/* How a type is called in messages: "a whole number", … */
const char *dw_expr_tree_type_words(enum dw_expr_type type);
/* As the user writes it: "eq", "substring", … */
const char *dw_expr_tree_op_name(enum dw_expr_op op);

static inline bool dw_expr_tree_is_null(const struct dw_expr_node *node)
{
    return node->op == DW_EXPR_CONST && node->value.is_null;
}

#endif
