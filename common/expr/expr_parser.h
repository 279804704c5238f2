/* expr_parser.h - from text to a tree without types. Threads: pure function. */
#ifndef DW_EXPR_EXPR_PARSER_H
#define DW_EXPR_EXPR_PARSER_H
#include "common/expr/expr_tree.h"

/* Allocates in `arena`. Errors: DW_CONFIG DW-EXPR-001, -003, -004, -006, -007; *out_at is the byte
 * the error is about. */
enum dw_rc dw_expr_parser_parse(struct dw_str text, struct dw_arena *arena,
                                struct dw_expr_node **out, size_t *out_at,
                                struct dw_err *err) DW_MUST_CHECK;

#endif
