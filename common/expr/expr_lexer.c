/* expr_lexer.c - see expr_lexer.h.
 *
 * GUIDs, dates and times begin like numbers or names, so they are tried first, by their shape:
 * 'd' a digit, 'x' a hexadecimal digit, all else itself. No infix operator is a sign, so a '-'
 * inside digits can only belong to such a literal.
 */
#include "common/expr/expr_lexer.h"

#include "common/base/utf8.h"

#define GUID_SHAPE "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Letters of other scripts are bytes over 0x7f; that all of it is UTF-8 is checked before. */
static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name_part(char c)
{
    return is_name_start(c) || is_digit(c) || c == '$';
}

static char peek(const struct dw_expr_lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->text.len ? lexer->text.ptr[at] : '\0';
}

size_t dw_expr_lexer_position(struct dw_str text, size_t offset)
{
    return dw_utf8_length(text.ptr, offset < text.len ? offset : text.len) + 1;
}

static enum dw_rc fail(const struct dw_expr_lexer *lexer, size_t at, size_t *out_at,
                       struct dw_err *err, const char *what)
{
    *out_at = at;
    return dw_err_set(err, DW_CONFIG, "DW-EXPR-001", "position %zu: %s",
                      dw_expr_lexer_position(lexer->text, at), what);
}

/* Does the text go on in this shape? */
static bool has_shape(const struct dw_expr_lexer *lexer, size_t ahead, const char *shape)
{
    for (size_t i = 0; shape[i]; i++) {
        char c = peek(lexer, ahead + i);
        if (shape[i] == 'd' ? !is_digit(c) : shape[i] == 'x' ? !is_hex(c) : c != shape[i])
            return false;
    }
    return true;
}

static size_t digits(const struct dw_expr_lexer *lexer, size_t ahead)
{
    size_t count = 0;
    while (is_digit(peek(lexer, ahead + count)))
        count++;
    return count;
}

/* Length of hh:mm[:ss[.f…]] that begins `ahead`. */
static size_t time_length(const struct dw_expr_lexer *lexer, size_t ahead)
{
    size_t len = 5;
    if (has_shape(lexer, ahead + len, ":dd"))
        len += 3;
    if (len == 8 && peek(lexer, ahead + len) == '.')
        len += 1 + digits(lexer, ahead + len + 1);
    return len;
}

static size_t date_length(const struct dw_expr_lexer *lexer, enum dw_expr_token_kind *out)
{
    size_t len = sizeof "dddd-dd-dd" - 1;
    *out = DW_EXPR_TOKEN_DATE;
    if (!has_shape(lexer, len, "Tdd:dd"))
        return len;
    *out = DW_EXPR_TOKEN_MOMENT;
    len += 1 + time_length(lexer, len + 1);
    if (peek(lexer, len) == 'Z')
        return len + 1;
    if (has_shape(lexer, len, "+dd:dd") || has_shape(lexer, len, "-dd:dd"))
        return len + 6;
    return len;
}

static size_t number_length(const struct dw_expr_lexer *lexer, enum dw_expr_token_kind *out)
{
    size_t len = digits(lexer, 0);
    *out = DW_EXPR_TOKEN_INTEGER;
    if (peek(lexer, len) == '.' && is_digit(peek(lexer, len + 1))) {
        len += 1 + digits(lexer, len + 1);
        *out = DW_EXPR_TOKEN_DECIMAL;
    }
    if (peek(lexer, len) == 'e' || peek(lexer, len) == 'E') {
        size_t sign = peek(lexer, len + 1) == '-' || peek(lexer, len + 1) == '+';
        size_t exponent = digits(lexer, len + 1 + sign);
        if (exponent) {
            len += 1 + sign + exponent;
            *out = DW_EXPR_TOKEN_DECIMAL;
        }
    }
    return len;
}

/* 0 when none of these begins here. */
static size_t literal_length(const struct dw_expr_lexer *lexer, enum dw_expr_token_kind *out)
{
    size_t guid = sizeof GUID_SHAPE - 1;
    *out = DW_EXPR_TOKEN_GUID;
    if (has_shape(lexer, 0, GUID_SHAPE) && !is_name_part(peek(lexer, guid)))
        return guid;
    if (has_shape(lexer, 0, "dddd-dd-dd"))
        return date_length(lexer, out);
    *out = DW_EXPR_TOKEN_TIME;
    if (has_shape(lexer, 0, "dd:dd:dd"))
        return time_length(lexer, 0);
    return is_digit(peek(lexer, 0)) ? number_length(lexer, out) : 0;
}

static enum dw_rc literal(struct dw_expr_lexer *lexer, size_t len, struct dw_expr_token *out,
                          size_t *out_at, struct dw_err *err)
{
    out->source = (struct dw_str){lexer->text.ptr + lexer->at, len};
    out->text = out->source;
    if (is_name_part(peek(lexer, len)))
        return fail(lexer, lexer->at + len, out_at, err,
                    out->kind == DW_EXPR_TOKEN_INTEGER
                        ? "a letter right behind a number; a name that begins with a digit stands "
                          "in double quotes"
                        : "a letter right behind a literal");
    lexer->at += len;
    return DW_OK;
}

/* From the quote at lexer->at to its partner; a doubled quote is one. */
static enum dw_rc quoted(struct dw_expr_lexer *lexer, struct dw_str *out, size_t *out_at,
                         struct dw_err *err)
{
    size_t from = lexer->at;
    char quote = lexer->text.ptr[from];
    char *text = dw_arena_alloc(lexer->arena, lexer->text.len - from);
    size_t len = 0;
    for (lexer->at++; lexer->at < lexer->text.len; lexer->at++) {
        char c = lexer->text.ptr[lexer->at];
        if (c == quote && peek(lexer, 1) != quote) {
            lexer->at++;
            *out = (struct dw_str){text, len};
            return DW_OK;
        }
        lexer->at += c == quote;
        text[len++] = c;
    }
    return fail(lexer, from, out_at, err,
                quote == '"' ? "the name's closing \" is missing"
                             : "the text's closing ' is missing; a ' inside is written ''");
}

static enum dw_rc typed_literal(struct dw_expr_lexer *lexer, size_t from, size_t *out_at,
                                struct dw_expr_token *out, struct dw_err *err)
{
    if (dw_str_is(out->source, "duration")) {
        out->kind = DW_EXPR_TOKEN_DURATION;
        return quoted(lexer, &out->text, out_at, err);
    }
    *out_at = from;
    return dw_err_set(
        err, DW_CONFIG, "DW-EXPR-006",
        "position %zu: %.*s'...' is not offered; dates, times and GUIDs stand without "
        "quotes, values of enums are plain texts",
        dw_expr_lexer_position(lexer->text, from), DW_STR_ARG(out->source));
}

static enum dw_rc name(struct dw_expr_lexer *lexer, struct dw_expr_token *out, size_t *out_at,
                       struct dw_err *err)
{
    size_t from = lexer->at;
    while (is_name_part(peek(lexer, 0)) || (peek(lexer, 0) == '.' && is_name_start(peek(lexer, 1))))
        lexer->at++;
    out->source = (struct dw_str){lexer->text.ptr + from, lexer->at - from};
    out->text = out->source;
    out->kind = DW_EXPR_TOKEN_NAME;
    if (peek(lexer, 0) == '\'')
        return typed_literal(lexer, from, out_at, out, err);
    return DW_OK;
}

static enum dw_rc sign(struct dw_expr_lexer *lexer, struct dw_expr_token *out, size_t *out_at,
                       struct dw_err *err)
{
    static const char signs[] = "(),:-";
    static const enum dw_expr_token_kind kinds[] = {DW_EXPR_TOKEN_OPEN, DW_EXPR_TOKEN_CLOSE,
                                                    DW_EXPR_TOKEN_COMMA, DW_EXPR_TOKEN_COLON,
                                                    DW_EXPR_TOKEN_MINUS};
    char c = peek(lexer, 0);
    const char *found = c ? strchr(signs, c) : NULL;
    if (found) {
        out->kind = kinds[found - signs];
        out->source = out->text = (struct dw_str){lexer->text.ptr + lexer->at, 1};
        lexer->at++;
        return DW_OK;
    }
    if (c == '=' || c == '<' || c == '>' || c == '!')
        return fail(lexer, lexer->at, out_at, err,
                    "comparisons are words: eq, ne, gt, ge, lt, le, in; \"not\" negates");
    if (c == '+' || c == '*' || c == '%')
        return fail(lexer, lexer->at, out_at, err,
                    "arithmetic is in words: add, sub, mul, div, divby, mod");
    if (c == '/')
        return fail(lexer, lexer->at, out_at, err,
                    "paths over several tables are not offered; to divide, write div or divby");
    return fail(lexer, lexer->at, out_at, err, "a character that has no meaning here");
}

enum dw_rc dw_expr_lexer_next(struct dw_expr_lexer *lexer, struct dw_expr_token *out,
                              size_t *out_at, struct dw_err *err)
{
    while (peek(lexer, 0) == ' ' || peek(lexer, 0) == '\t' || peek(lexer, 0) == '\n' ||
           peek(lexer, 0) == '\r')
        lexer->at++;
    size_t from = lexer->at;
    *out = (struct dw_expr_token){.kind = DW_EXPR_TOKEN_END, .source = {lexer->text.ptr + from, 0}};
    if (from >= lexer->text.len)
        return DW_OK;
    size_t len = literal_length(lexer, &out->kind);
    if (len)
        return literal(lexer, len, out, out_at, err);
    char c = peek(lexer, 0);
    if (is_name_start(c))
        return name(lexer, out, out_at, err);
    if (c != '\'' && c != '"')
        return sign(lexer, out, out_at, err);
    out->kind = c == '"' ? DW_EXPR_TOKEN_QUOTED : DW_EXPR_TOKEN_STRING;
    enum dw_rc rc = quoted(lexer, &out->text, out_at, err);
    out->source = (struct dw_str){lexer->text.ptr + from, lexer->at - from};
    return rc;
}
