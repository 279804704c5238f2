/* expr_value.h - values of each type: from a column's text, to PostgreSQL's text output, compared,
 * cast. Threads: pure functions; memory from the arena of the call.
 */
#ifndef DW_EXPR_EXPR_VALUE_H
#define DW_EXPR_EXPR_VALUE_H
#include "common/expr/expr_tree.h"

enum dw_expr_fault { /* why a row fails; expr_eval.c has the error ids */
                     DW_EXPR_FINE,
                     DW_EXPR_DIVISION_BY_ZERO,
                     DW_EXPR_OUT_OF_RANGE,
                     DW_EXPR_BAD_CAST,
                     DW_EXPR_NO_VALUE, /* the event does not carry the column */
                     DW_EXPR_BAD_TEXT, /* a column's text is none of its type's */
};

enum dw_expr_fault dw_expr_value_fault(enum dw_expr_number_rc rc);

/* 8-4-4-4-12 hexadecimal digits. */
bool dw_expr_value_parse_guid(struct dw_str text, unsigned char guid[16]);

/* What PostgreSQL printed for a column of this type. Text values point into `text`. */
enum dw_expr_fault dw_expr_value_read(enum dw_expr_type type, uint32_t oid, struct dw_str text,
                                      struct dw_arena *arena, struct dw_expr_value *out);
/* A value that is not null, as PostgreSQL prints it. */
struct dw_str dw_expr_value_format(enum dw_expr_type type, const struct dw_expr_value *value,
                                   struct dw_arena *arena);

/* -1, 0, 1; both not null and of this type. Texts by their bytes. */
int dw_expr_value_compare(enum dw_expr_type type, const struct dw_expr_value *a,
                          const struct dw_expr_value *b);

/* Is there a cast from one to the other? */
bool dw_expr_value_can_cast(enum dw_expr_type from, enum dw_expr_type to);
/* May it fail? */
bool dw_expr_value_cast_fails(enum dw_expr_type from, enum dw_expr_type to, int32_t bits);
/* `in` not null; `bits` of an integer that is the target. */
enum dw_expr_fault dw_expr_value_cast(enum dw_expr_type from, enum dw_expr_type to, int32_t bits,
                                      const struct dw_expr_value *in, struct dw_arena *arena,
                                      struct dw_expr_value *out);

#endif
