/* expr_literal.c - see expr_literal.h. */
#include "common/expr/expr_literal.h"

#include "common/expr/expr_time.h"
#include "common/expr/expr_value.h"

#define DIGITS_MAX 200  /* of a number, as it is written */
#define WEIGHT_MAX 250  /* groups of four digits before its point */
#define SCALE_MAX  1000 /* digits behind it */

/* An integer that does not fit 64 bits is a decimal. */
static bool fill_number(bool whole, struct dw_str text, struct dw_arena *arena,
                        struct dw_expr_node *node)
{
    struct dw_expr_number number;
    if (text.len > DIGITS_MAX || dw_expr_number_parse(text, arena, &number) != DW_EXPR_NUMBER_OK)
        return false;
    if (number.weight > WEIGHT_MAX || number.scale > SCALE_MAX)
        return false;
    node->type = DW_EXPR_DECIMAL;
    if (whole && dw_expr_number_to_int(&number, arena, &node->value.integer) == DW_EXPR_NUMBER_OK)
        node->type = DW_EXPR_INT;
    else
        node->value.number = number;
    return true;
}

static bool fill_duration(struct dw_str text, struct dw_arena *arena, struct dw_expr_node *node)
{
    int64_t us;
    node->type = DW_EXPR_DURATION;
    if (dw_expr_time_parse_duration(text, &us) != DW_EXPR_TIME_OK)
        return false;
    node->value.number = dw_expr_number_from_micros(us, arena);
    return true;
}

static bool fill_time(enum dw_expr_type type, struct dw_str text, struct dw_expr_node *node)
{
    int64_t *value = &node->value.integer;
    enum dw_expr_time_rc rc;
    node->type = type;
    if (type == DW_EXPR_DATE)
        rc = dw_expr_time_parse_date(text, DW_EXPR_TIME_STRICT, value);
    else if (type == DW_EXPR_TIME)
        rc = dw_expr_time_parse_time(text, DW_EXPR_TIME_STRICT, value);
    else
        rc = dw_expr_time_parse_moment(text, DW_EXPR_TIME_STRICT, value);
    return rc == DW_EXPR_TIME_OK;
}

bool dw_expr_literal_fill(const struct dw_expr_token *token, struct dw_str text,
                          struct dw_arena *arena, struct dw_expr_node *node)
{
    switch (token->kind) {
    case DW_EXPR_TOKEN_STRING:
        node->type = DW_EXPR_STRING;
        node->value.text = text;
        return !text.len || memchr(text.ptr, '\0', text.len) == NULL;
    case DW_EXPR_TOKEN_INTEGER:
    case DW_EXPR_TOKEN_DECIMAL:
        return fill_number(token->kind == DW_EXPR_TOKEN_INTEGER, text, arena, node);
    case DW_EXPR_TOKEN_DATE:
        return fill_time(DW_EXPR_DATE, text, node);
    case DW_EXPR_TOKEN_TIME:
        return fill_time(DW_EXPR_TIME, text, node);
    case DW_EXPR_TOKEN_MOMENT:
        return fill_time(DW_EXPR_MOMENT, text, node);
    case DW_EXPR_TOKEN_GUID:
        node->type = DW_EXPR_GUID;
        return dw_expr_value_parse_guid(text, node->value.guid);
    case DW_EXPR_TOKEN_DURATION:
        return fill_duration(text, arena, node);
    case DW_EXPR_TOKEN_END:
    case DW_EXPR_TOKEN_NAME:
    case DW_EXPR_TOKEN_QUOTED:
    case DW_EXPR_TOKEN_OPEN:
    case DW_EXPR_TOKEN_CLOSE:
    case DW_EXPR_TOKEN_COMMA:
    case DW_EXPR_TOKEN_COLON:
    case DW_EXPR_TOKEN_MINUS:
        break;
    }
    return false;
}

const char *dw_expr_literal_form(enum dw_expr_token_kind kind)
{
    static const char *const forms[] = {
        [DW_EXPR_TOKEN_STRING] = "a text without NUL",
        [DW_EXPR_TOKEN_INTEGER] = "a number of at most 200 characters",
        [DW_EXPR_TOKEN_DECIMAL] = "a number of at most 200 characters with a modest exponent",
        [DW_EXPR_TOKEN_DATE] = "a day that exists",
        [DW_EXPR_TOKEN_TIME] = "a time from 00:00:00 to 23:59:59.999999",
        [DW_EXPR_TOKEN_MOMENT] = ("a date and time with its zone, Z or an offset, and at most six "
                                  "digits behind the second (2024-01-31T12:00:00Z)"),
        [DW_EXPR_TOKEN_GUID] = "a GUID",
        [DW_EXPR_TOKEN_DURATION] = ("a duration of days, hours, minutes, seconds (P1DT2H3M4.5S), "
                                    "up to ten million days,"),
    };
    return forms[kind];
}
