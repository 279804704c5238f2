/* expr_parser.c - see expr_parser.h. Recursive descent; OData 4.01's precedence (part 2, 5.1.1.17):
 *
 *   primary   literal, column, function(…), ( … ), and "in" right behind it
 *   unary     - not
 *   mul div divby mod · add sub · gt ge lt le · eq ne · and · or      all from left to right
 */
#include "common/expr/expr_parser.h"

#include "common/base/utf8.h"
#include "common/config/nearest.h"
#include "common/expr/expr_functions.h"
#include "common/expr/expr_lexer.h"
#include "common/expr/expr_literal.h"
#include <assert.h>

#define QUOTED_MAX   40   /* bytes of what was found that a message repeats */
#define ARGS_MAX     1000 /* of "in", of a function, pairs of "case" */
#define LEVEL_AND    2
#define LEVEL_LOWEST 1

struct parser {
    struct dw_expr_lexer lexer;
    struct dw_expr_token token; /* the one to be looked at */
    size_t *out_at;
    struct dw_err *err;
    unsigned depth;
    size_t nodes;
};

struct list { /* arguments while they are read; room for the next power of two */
    struct dw_expr_node **items;
    size_t count;
};

static const struct binary {
    const char *name;
    enum dw_expr_op op;
    int level;
} binaries[] = {
    {"or", DW_EXPR_OR, LEVEL_LOWEST},
    {"and", DW_EXPR_AND, LEVEL_AND},
    {"eq", DW_EXPR_EQ, 3},
    {"ne", DW_EXPR_NE, 3},
    {"gt", DW_EXPR_GT, 4},
    {"ge", DW_EXPR_GE, 4},
    {"lt", DW_EXPR_LT, 4},
    {"le", DW_EXPR_LE, 4},
    {"add", DW_EXPR_ADD, 5},
    {"sub", DW_EXPR_SUB, 5},
    {"mul", DW_EXPR_MUL, 6},
    {"div", DW_EXPR_DIV, 6},
    {"divby", DW_EXPR_DIVBY, 6},
    {"mod", DW_EXPR_MOD, 6},
};

static enum dw_rc parse_level(struct parser *parser, int level, struct dw_expr_node **out);

/* ---- errors ---- */

static size_t offset_of(const struct parser *parser, const struct dw_expr_token *token)
{
    return (size_t)(token->source.ptr - parser->lexer.text.ptr);
}

static size_t position_of(const struct parser *parser, const struct dw_expr_token *token)
{
    return dw_expr_lexer_position(parser->lexer.text, offset_of(parser, token));
}

static struct dw_str shorten(struct dw_str text)
{
    if (text.len <= QUOTED_MAX)
        return text;
    return (struct dw_str){text.ptr, dw_utf8_valid_prefix(text.ptr, QUOTED_MAX)};
}

static enum dw_rc expected(struct parser *parser, const char *allowed)
{
    const struct dw_expr_token *token = &parser->token;
    struct dw_str source = shorten(token->source);
    *parser->out_at = offset_of(parser, token);
    if (token->kind == DW_EXPR_TOKEN_END)
        return dw_err_set(parser->err, DW_CONFIG, "DW-EXPR-001",
                          "position %zu: the expression ends where %s is allowed",
                          position_of(parser, token), allowed);
    return dw_err_set(parser->err, DW_CONFIG, "DW-EXPR-001",
                      "position %zu: found %.*s where %s is allowed", position_of(parser, token),
                      DW_STR_ARG(source), allowed);
}

static enum dw_rc refuse(struct parser *parser, const struct dw_expr_token *token, const char *why)
{
    *parser->out_at = offset_of(parser, token);
    return dw_err_set(parser->err, DW_CONFIG, "DW-EXPR-006",
                      "position %zu: %.*s is not offered: %s", position_of(parser, token),
                      DW_STR_ARG(token->source), why);
}

static enum dw_rc too_large(struct parser *parser, size_t at, const char *what, int limit)
{
    *parser->out_at = at;
    return dw_err_set(parser->err, DW_CONFIG, "DW-EXPR-007", "position %zu: %s, at most %d",
                      dw_expr_lexer_position(parser->lexer.text, at), what, limit);
}

static enum dw_rc unknown(struct parser *parser, const struct dw_expr_token *token,
                          const char *what, const char *nearest)
{
    struct dw_str source = shorten(token->source);
    *parser->out_at = offset_of(parser, token);
    return dw_err_set(parser->err, DW_CONFIG, "DW-EXPR-003",
                      "position %zu: there is no %s %.*s%s%s%s", position_of(parser, token), what,
                      DW_STR_ARG(source), nearest ? "; did you mean " : "", nearest ? nearest : "",
                      nearest ? "?" : "");
}

/* ---- tokens ---- */

static enum dw_rc advance(struct parser *parser)
{
    return dw_expr_lexer_next(&parser->lexer, &parser->token, parser->out_at, parser->err);
}

static enum dw_rc expect(struct parser *parser, enum dw_expr_token_kind kind, const char *allowed)
{
    return parser->token.kind == kind ? advance(parser) : expected(parser, allowed);
}

static bool is_word(const struct parser *parser, const char *word)
{
    return parser->token.kind == DW_EXPR_TOKEN_NAME && dw_str_is(parser->token.text, word);
}

static const struct binary *find_binary(const struct parser *parser)
{
    if (parser->token.kind == DW_EXPR_TOKEN_NAME)
        for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
            if (dw_str_is(parser->token.text, binaries[i].name))
                return &binaries[i];
    return NULL;
}

/* ---- nodes ---- */

static enum dw_rc new_node(struct parser *parser, enum dw_expr_op op,
                           const struct dw_expr_token *token, struct dw_expr_node **out)
{
    size_t at = offset_of(parser, token);
    if (++parser->nodes > DW_EXPR_NODES_MAX)
        return too_large(parser, at, "too many parts", DW_EXPR_NODES_MAX);
    struct dw_expr_node *node = DW_ARENA_NEW(parser->lexer.arena, struct dw_expr_node);
    node->op = op;
    node->at = (uint32_t)at;
    node->position = (uint32_t)position_of(parser, token);
    node->height = 1;
    *out = node;
    return DW_OK;
}

static enum dw_rc set_args(struct parser *parser, struct dw_expr_node *node,
                           const struct list *list)
{
    node->args = list->items;
    node->count = list->count;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->height >= node->height)
            node->height = list->items[i]->height + 1;
    if (node->height > DW_EXPR_HEIGHT_MAX)
        return too_large(parser, node->at, "too many operations in a row or inside each other",
                         DW_EXPR_HEIGHT_MAX);
    return DW_OK;
}

static enum dw_rc add_item(struct parser *parser, struct list *list, struct dw_expr_node *item)
{
    assert(item);
    if (list->count == ARGS_MAX)
        return too_large(parser, item->at, "too many in one list", ARGS_MAX);
    if ((list->count & (list->count - 1)) == 0) {
        size_t room = list->count ? list->count * 2 : 1;
        struct dw_expr_node **items =
            DW_ARENA_ARRAY(parser->lexer.arena, struct dw_expr_node *, room);
        for (size_t i = 0; i < list->count; i++)
            items[i] = list->items[i];
        list->items = items;
    }
    list->items[list->count++] = item;
    return DW_OK;
}

static enum dw_rc make(struct parser *parser, enum dw_expr_op op, const struct dw_expr_token *token,
                       const struct list *list, struct dw_expr_node **out)
{
    enum dw_rc rc = new_node(parser, op, token, out);
    return rc == DW_OK ? set_args(parser, *out, list) : rc;
}

static enum dw_rc make_unary(struct parser *parser, enum dw_expr_op op,
                             const struct dw_expr_token *token, struct dw_expr_node *arg,
                             struct dw_expr_node **out)
{
    struct list list = {.count = 0};
    enum dw_rc rc = add_item(parser, &list, arg);
    return rc == DW_OK ? make(parser, op, token, &list, out) : rc;
}

/* ---- literals ---- */

static enum dw_rc parse_literal(struct parser *parser, const struct dw_expr_token *sign,
                                struct dw_expr_node **out)
{
    struct dw_expr_node *node = NULL;
    struct dw_str text = parser->token.text;
    enum dw_rc rc = new_node(parser, DW_EXPR_CONST, sign ? sign : &parser->token, &node);
    if (rc != DW_OK)
        return rc;
    if (sign) /* one literal: -9223372036854775808 is a whole number, its absolute is not */
        text = dw_str_from(dw_arena_printf(parser->lexer.arena, "-%.*s", DW_STR_ARG(text)));
    if (!dw_expr_literal_fill(&parser->token, text, parser->lexer.arena, node))
        return expected(parser, dw_expr_literal_form(parser->token.kind));
    *out = node;
    return advance(parser);
}

/* null, true, false; false when the word is none of them. */
static bool parse_word(struct parser *parser, struct dw_expr_node **out, enum dw_rc *out_rc)
{
    bool is_null = is_word(parser, "null");
    bool is_true = is_word(parser, "true");
    if (!is_null && !is_true && !is_word(parser, "false"))
        return false;
    *out_rc = new_node(parser, DW_EXPR_CONST, &parser->token, out);
    if (*out_rc == DW_OK) {
        (*out)->type = is_null ? DW_EXPR_NULL : DW_EXPR_BOOL;
        (*out)->value.is_null = is_null;
        if (!is_null)
            (*out)->value.boolean = is_true;
        *out_rc = advance(parser);
    }
    return true;
}

/* ---- functions ---- */

/* From behind "(" to behind ")"; at least one. */
static enum dw_rc parse_list(struct parser *parser, struct list *list)
{
    for (;;) {
        struct dw_expr_node *item = NULL;
        enum dw_rc rc = parse_level(parser, LEVEL_LOWEST, &item);
        if (rc == DW_OK)
            rc = add_item(parser, list, item);
        if (rc != DW_OK)
            return rc;
        if (parser->token.kind != DW_EXPR_TOKEN_COMMA)
            return expect(parser, DW_EXPR_TOKEN_CLOSE, "an operator, a comma or )");
        rc = advance(parser);
        if (rc != DW_OK)
            return rc;
    }
}

static enum dw_rc wrong_count(struct parser *parser, const struct dw_expr_token *name,
                              const struct dw_expr_function *function, size_t count)
{
    *parser->out_at = offset_of(parser, name);
    size_t position = position_of(parser, name);
    const char *found = dw_str_plural((int64_t)count, "argument", "arguments");
    if (function->most > DW_EXPR_FUNCTION_ARGS)
        return dw_err_set(parser->err, DW_CONFIG, "DW-EXPR-004",
                          "position %zu: %s has %zu %s, %zu or more are allowed", position,
                          function->name, count, found, function->least);
    if (function->most > function->least)
        return dw_err_set(parser->err, DW_CONFIG, "DW-EXPR-004",
                          "position %zu: %s has %zu %s, %zu or %zu are allowed", position,
                          function->name, count, found, function->least, function->most);
    return dw_err_set(parser->err, DW_CONFIG, "DW-EXPR-004",
                      "position %zu: %s has %zu %s, %zu %s allowed", position, function->name,
                      count, found, function->least,
                      dw_str_plural((int64_t)function->least, "is", "are"));
}

static enum dw_rc parse_function(struct parser *parser, const struct dw_expr_token *name,
                                 struct dw_expr_node **out)
{
    const char *nearest;
    const struct dw_expr_function *function = dw_expr_functions_find(name->text, &nearest);
    if (!function)
        return unknown(parser, name, "function", nearest);
    if (function->refused)
        return refuse(parser, name, function->refused);
    struct list list = {.count = 0};
    enum dw_rc rc = DW_OK;
    if (parser->token.kind == DW_EXPR_TOKEN_CLOSE)
        rc = advance(parser);
    else
        rc = parse_list(parser, &list);
    if (rc != DW_OK)
        return rc;
    if (list.count < function->least || list.count > function->most)
        return wrong_count(parser, name, function, list.count);
    rc = make(parser, function->op, name, &list, out);
    if (rc == DW_OK && function->op == DW_EXPR_CAST) {
        (*out)->type = function->result;
        (*out)->detail = DW_EXPR_FROM_MOMENT;
    }
    return rc;
}

/* cast(value, Edm.Type) */
static enum dw_rc parse_cast(struct parser *parser, const struct dw_expr_token *name,
                             struct dw_expr_node **out)
{
    struct dw_expr_node *value = NULL;
    enum dw_rc rc = parse_level(parser, LEVEL_LOWEST, &value);
    if (rc == DW_OK)
        rc = expect(parser, DW_EXPR_TOKEN_COMMA, "a comma and a type (Edm.Decimal)");
    if (rc != DW_OK)
        return rc;
    struct dw_expr_token type = parser->token;
    if (type.kind != DW_EXPR_TOKEN_NAME)
        return expected(parser, "a type (Edm.Decimal)");
    const char *nearest;
    const struct dw_expr_cast *cast = dw_expr_functions_cast(type.text, &nearest);
    if (!cast)
        return unknown(parser, &type, "type", nearest ? nearest : "Edm.Decimal");
    if (cast->refused)
        return refuse(parser, &type, cast->refused);
    rc = advance(parser);
    if (rc == DW_OK)
        rc = expect(parser, DW_EXPR_TOKEN_CLOSE, ")");
    if (rc == DW_OK)
        rc = make_unary(parser, DW_EXPR_CAST, name, value, out);
    if (rc == DW_OK) {
        (*out)->type = cast->type;
        (*out)->detail = cast->bits;
    }
    return rc;
}

/* case(condition:value, …) */
static enum dw_rc parse_case(struct parser *parser, const struct dw_expr_token *name,
                             struct dw_expr_node **out)
{
    struct list list = {.count = 0};
    for (;;) {
        struct dw_expr_node *item = NULL;
        enum dw_rc rc = parse_level(parser, LEVEL_LOWEST, &item);
        if (rc == DW_OK)
            rc = add_item(parser, &list, item);
        if (rc == DW_OK)
            rc = expect(parser, DW_EXPR_TOKEN_COLON, "an operator or : and a value");
        if (rc == DW_OK)
            rc = parse_level(parser, LEVEL_LOWEST, &item);
        if (rc == DW_OK)
            rc = add_item(parser, &list, item);
        if (rc == DW_OK && parser->token.kind != DW_EXPR_TOKEN_COMMA)
            break;
        if (rc == DW_OK)
            rc = advance(parser);
        if (rc != DW_OK)
            return rc;
    }
    enum dw_rc rc = expect(parser, DW_EXPR_TOKEN_CLOSE, "an operator, a comma or )");
    return rc == DW_OK ? make(parser, DW_EXPR_CASE, name, &list, out) : rc;
}

/* ---- columns, parentheses, signs ---- */

static enum dw_rc parse_column(struct parser *parser, const struct dw_expr_token *name,
                               struct dw_expr_node **out)
{
    enum dw_rc rc = new_node(parser, DW_EXPR_COLUMN, name, out);
    if (rc == DW_OK)
        (*out)->name = name->text;
    return rc;
}

static enum dw_rc parse_name(struct parser *parser, struct dw_expr_node **out)
{
    enum dw_rc rc;
    if (parse_word(parser, out, &rc))
        return rc;
    struct dw_expr_token name = parser->token;
    if (is_word(parser, "INF") || is_word(parser, "NaN"))
        return refuse(parser, &name, "it equals nothing in OData, and itself in PostgreSQL");
    rc = advance(parser);
    if (rc != DW_OK)
        return rc;
    if (parser->token.kind != DW_EXPR_TOKEN_OPEN)
        return parse_column(parser, &name, out);
    rc = advance(parser);
    if (rc != DW_OK)
        return rc;
    if (dw_str_is(name.text, "cast"))
        return parse_cast(parser, &name, out);
    if (dw_str_is(name.text, "case"))
        return parse_case(parser, &name, out);
    return parse_function(parser, &name, out);
}

static enum dw_rc parse_primary(struct parser *parser, struct dw_expr_node **out)
{
    static const char allowed[] = "a literal, a column, a function, \"not\" or (";
    struct dw_expr_token token = parser->token;
    enum dw_rc rc;
    switch (token.kind) {
    case DW_EXPR_TOKEN_NAME:
        return parse_name(parser, out);
    case DW_EXPR_TOKEN_QUOTED:
        rc = advance(parser);
        return rc == DW_OK ? parse_column(parser, &token, out) : rc;
    case DW_EXPR_TOKEN_OPEN:
        rc = advance(parser);
        if (rc == DW_OK)
            rc = parse_level(parser, LEVEL_LOWEST, out);
        return rc == DW_OK ? expect(parser, DW_EXPR_TOKEN_CLOSE, "an operator or )") : rc;
    case DW_EXPR_TOKEN_STRING:
    case DW_EXPR_TOKEN_INTEGER:
    case DW_EXPR_TOKEN_DECIMAL:
    case DW_EXPR_TOKEN_DATE:
    case DW_EXPR_TOKEN_TIME:
    case DW_EXPR_TOKEN_MOMENT:
    case DW_EXPR_TOKEN_GUID:
    case DW_EXPR_TOKEN_DURATION:
        return parse_literal(parser, NULL, out);
    case DW_EXPR_TOKEN_END:
    case DW_EXPR_TOKEN_CLOSE:
    case DW_EXPR_TOKEN_COMMA:
    case DW_EXPR_TOKEN_COLON:
    case DW_EXPR_TOKEN_MINUS:
        break;
    }
    return expected(parser, allowed);
}

/* value in (literal, …) */
static enum dw_rc parse_in(struct parser *parser, struct dw_expr_node **inout)
{
    while (is_word(parser, "in")) {
        struct dw_expr_token token = parser->token;
        struct list list = {.count = 0};
        enum dw_rc rc = add_item(parser, &list, *inout);
        if (rc == DW_OK)
            rc = advance(parser);
        if (rc == DW_OK)
            rc = expect(parser, DW_EXPR_TOKEN_OPEN, "a list in parentheses");
        if (rc == DW_OK)
            rc = parse_list(parser, &list);
        if (rc == DW_OK)
            rc = make(parser, DW_EXPR_IN, &token, &list, inout);
        if (rc != DW_OK)
            return rc;
    }
    return DW_OK;
}

static enum dw_rc parse_unary(struct parser *parser, struct dw_expr_node **out)
{
    struct dw_expr_token token = parser->token;
    bool minus = token.kind == DW_EXPR_TOKEN_MINUS;
    bool negation = is_word(parser, "not");
    if (++parser->depth > DW_EXPR_DEPTH_MAX)
        return too_large(parser, offset_of(parser, &token), "too deeply nested", DW_EXPR_DEPTH_MAX);
    enum dw_rc rc = minus || negation ? advance(parser) : DW_OK;
    bool number =
        parser->token.kind == DW_EXPR_TOKEN_INTEGER || parser->token.kind == DW_EXPR_TOKEN_DECIMAL;
    if (rc == DW_OK && minus && number) {
        rc = parse_literal(parser, &token, out);
    } else if (rc == DW_OK && (minus || negation)) {
        struct dw_expr_node *arg = NULL;
        rc = parse_unary(parser, &arg);
        if (rc == DW_OK)
            rc = make_unary(parser, minus ? DW_EXPR_NEGATE : DW_EXPR_NOT, &token, arg, out);
    } else if (rc == DW_OK) {
        rc = parse_primary(parser, out);
    }
    if (rc == DW_OK)
        rc = parse_in(parser, out);
    parser->depth--;
    return rc;
}

/* ---- operators ---- */

/* Makes *inout the left side. "a and b and c" is one node, so that a long list is not a deep tree.
 */
static enum dw_rc join(struct parser *parser, const struct binary *binary,
                       const struct dw_expr_token *token, struct dw_expr_node *right,
                       struct dw_expr_node **inout)
{
    struct dw_expr_node *left = *inout;
    bool chain = binary->op == DW_EXPR_AND || binary->op == DW_EXPR_OR;
    struct list list = {.count = 0};
    enum dw_rc rc = DW_OK;
    assert(left);
    if (chain && left->op == binary->op)
        list = (struct list){left->args, left->count};
    else
        rc = add_item(parser, &list, left);
    if (rc == DW_OK)
        rc = add_item(parser, &list, right);
    if (rc != DW_OK)
        return rc;
    if (chain && left->op == binary->op)
        return set_args(parser, left, &list);
    return make(parser, binary->op, token, &list, inout);
}

static enum dw_rc parse_level(struct parser *parser, int level, struct dw_expr_node **out)
{
    enum dw_rc rc = parse_unary(parser, out);
    const struct binary *binary = find_binary(parser);
    while (rc == DW_OK && binary && binary->level >= level) {
        struct dw_expr_token token = parser->token;
        struct dw_expr_node *right = NULL;
        rc = advance(parser);
        if (rc == DW_OK)
            rc = parse_level(parser, binary->level + 1, &right);
        if (rc == DW_OK)
            rc = join(parser, binary, &token, right, out);
        binary = find_binary(parser);
    }
    return rc;
}

static enum dw_rc check_end(struct parser *parser)
{
    if (parser->token.kind == DW_EXPR_TOKEN_END)
        return DW_OK;
    if (is_word(parser, "has"))
        return refuse(parser, &parser->token, "columns hold no flags; use eq, or in");
    struct dw_nearest nearest = {.best = {NULL, 0}};
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (parser->token.kind == DW_EXPR_TOKEN_NAME)
            dw_nearest_offer(&nearest, parser->token.text, dw_str_from(binaries[i].name));
    if (!nearest.best.ptr)
        return expected(parser, "an operator (and, or, eq, ne, …) or the end");
    return expected(parser, dw_arena_printf(parser->lexer.arena, "an operator (did you mean %s?)",
                                            nearest.best.ptr));
}

enum dw_rc dw_expr_parser_parse(struct dw_str text, struct dw_arena *arena,
                                struct dw_expr_node **out, size_t *out_at, struct dw_err *err)
{
    struct parser parser = {.lexer = {.text = text, .arena = arena}, .out_at = out_at, .err = err};
    *out_at = 0;
    if (text.len > DW_EXPR_TEXT_MAX)
        return too_large(&parser, DW_EXPR_TEXT_MAX, "too many bytes", DW_EXPR_TEXT_MAX);
    size_t valid = dw_utf8_valid_prefix(text.ptr, text.len);
    if (valid < text.len) {
        *out_at = valid;
        return dw_err_set(err, DW_CONFIG, "DW-EXPR-001", "position %zu: not UTF-8",
                          dw_expr_lexer_position(text, valid));
    }
    enum dw_rc rc = advance(&parser);
    if (rc == DW_OK)
        rc = parse_level(&parser, LEVEL_LOWEST, out);
    return rc == DW_OK ? check_end(&parser) : rc;
}
