/* expr_literal.h - a literal's token as a constant. */
#ifndef DW_EXPR_EXPR_LITERAL_H
#define DW_EXPR_EXPR_LITERAL_H
#include "common/expr/expr_lexer.h"
#include "common/expr/expr_tree.h"

/* Gives `node` type and value. `text`: the token's, or a number's with its sign. False when the
 * text is none of its kind. */
bool dw_expr_literal_fill(const struct dw_expr_token *token, struct dw_str text,
                          struct dw_arena *arena, struct dw_expr_node *node) DW_MUST_CHECK;

/* What a literal of this kind has to be, for messages: "a day that exists". */
const char *dw_expr_literal_form(enum dw_expr_token_kind kind);

#endif
