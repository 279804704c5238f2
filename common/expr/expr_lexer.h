/* expr_lexer.h - an expression's text as tokens. Threads: one owner per lexer. */
#ifndef DW_EXPR_EXPR_LEXER_H
#define DW_EXPR_EXPR_LEXER_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

enum dw_expr_token_kind {
    DW_EXPR_TOKEN_END,
    DW_EXPR_TOKEN_NAME,   /* a word: column, function, operator, Edm.Type */
    DW_EXPR_TOKEN_QUOTED, /* "a column", decoded in `text` */
    DW_EXPR_TOKEN_STRING, /* 'text', decoded in `text` */
    DW_EXPR_TOKEN_INTEGER,
    DW_EXPR_TOKEN_DECIMAL,
    DW_EXPR_TOKEN_DATE,
    DW_EXPR_TOKEN_TIME,
    DW_EXPR_TOKEN_MOMENT,
    DW_EXPR_TOKEN_GUID,
    DW_EXPR_TOKEN_DURATION, /* `text`: between the quotes */
    DW_EXPR_TOKEN_OPEN,
    DW_EXPR_TOKEN_CLOSE,
    DW_EXPR_TOKEN_COMMA,
    DW_EXPR_TOKEN_COLON,
    DW_EXPR_TOKEN_MINUS,
};

struct dw_expr_token {
    enum dw_expr_token_kind kind;
    struct dw_str source; /* as it stands in the text */
    struct dw_str text;   /* what it means */
};

struct dw_expr_lexer {
    struct dw_str text; /* the whole */
    size_t at;
    struct dw_arena *arena;
};

/* Moves to the next token. Errors: DW_CONFIG DW-EXPR-001, -006; *out_at is the byte it is about. */
enum dw_rc dw_expr_lexer_next(struct dw_expr_lexer *lexer, struct dw_expr_token *out,
                              size_t *out_at, struct dw_err *err) DW_MUST_CHECK;

/* Characters before `offset`, plus one: how a position stands in messages. */
size_t dw_expr_lexer_position(struct dw_str text, size_t offset);

#endif
