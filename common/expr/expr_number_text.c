/* expr_number_text.c - decimals from text and integers, and back; see expr_number.h. */
#include "common/expr/expr_number.h"
#include "common/expr/expr_number_raw.h"

#define EXPONENT_MAX 100000

struct lexeme { /* a decimal's text taken apart */
    bool negative;
    const char *from; /* first character of the mantissa */
    const char *end;  /* behind it */
    const char *dot;  /* the point, or NULL */
    int32_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool parse_special(struct dw_str text, struct dw_expr_number *out)
{
    *out = (struct dw_expr_number){.kind = DW_EXPR_NUMBER_INFINITE};
    if (dw_str_is(text, "NaN"))
        out->kind = DW_EXPR_NUMBER_NAN;
    else if (dw_str_is(text, "-Infinity"))
        out->negative = true;
    else if (!dw_str_is(text, "Infinity"))
        return false;
    return true;
}

static bool parse_exponent(const char *at, const char *end, int32_t *out)
{
    bool negative = false;
    if (at < end && (*at == '+' || *at == '-'))
        negative = *at++ == '-';
    if (at == end)
        return false;
    int32_t exponent = 0;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return false;
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (*at - '0');
    }
    *out = negative ? -exponent : exponent;
    return true;
}

static bool take_apart(struct dw_str text, struct lexeme *out)
{
    const char *at = text.ptr;
    const char *end = text.ptr + text.len;
    *out = (struct lexeme){.negative = false};
    if (at < end && (*at == '-' || *at == '+'))
        out->negative = *at++ == '-';
    out->from = at;
    for (; at < end && (is_digit(*at) || (*at == '.' && !out->dot)); at++)
        if (*at == '.')
            out->dot = at;
    out->end = at;
    if (at - out->from == (out->dot != NULL))
        return false;
    if (at == end)
        return true;
    return (*at == 'e' || *at == 'E') && parse_exponent(at + 1, end, &out->exponent);
}

/* Puts the mantissa's digits into groups of four, aligned to the point. */
static void group(const struct lexeme *lexeme, struct dw_arena *arena, struct dw_expr_number *out)
{
    int32_t before = (int32_t)((lexeme->dot ? lexeme->dot : lexeme->end) - lexeme->from);
    int32_t digits = (int32_t)(lexeme->end - lexeme->from) - (lexeme->dot != NULL);
    int32_t point = before + lexeme->exponent; /* digits before the moved point */
    out->weight = point > 0 ? (point + 3) / 4 - 1 : -(-point / 4) - 1;
    int32_t offset = (out->weight + 1) * 4 - point; /* zeros in front of the first digit */
    int32_t count = (digits + offset + 3) / 4;
    int16_t *groups = dw_arena_calloc(arena, (size_t)count, sizeof *groups);
    int32_t place = offset;
    for (const char *at = lexeme->from; at < lexeme->end; at++) {
        static const int16_t powers[] = {1000, 100, 10, 1};
        if (*at == '.')
            continue;
        groups[place / 4] = (int16_t)(groups[place / 4] + powers[place % 4] * (*at - '0'));
        place++;
    }
    out->count = count;
    out->digits = groups;
}

enum dw_expr_number_rc dw_expr_number_parse(struct dw_str text, struct dw_arena *arena,
                                            struct dw_expr_number *out)
{
    struct lexeme lexeme;
    if (parse_special(text, out))
        return DW_EXPR_NUMBER_OK;
    if (text.len > INT32_MAX / 4 || !take_apart(text, &lexeme))
        return DW_EXPR_NUMBER_NOT_A_NUMBER;
    int32_t behind = lexeme.dot ? (int32_t)(lexeme.end - lexeme.dot - 1) : 0;
    int32_t scale = behind > lexeme.exponent ? behind - lexeme.exponent : 0;
    if (scale > DW_EXPR_NUMBER_SCALE_MAX)
        return DW_EXPR_NUMBER_OVERFLOW;
    *out = (struct dw_expr_number){.negative = lexeme.negative, .scale = scale};
    group(&lexeme, arena, out);
    return dw_expr_number_strip(out);
}

struct dw_expr_number dw_expr_number_from_int(int64_t value, struct dw_arena *arena)
{
    int16_t groups[5];
    int32_t count = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (; left; left /= 10000)
        groups[count++] = (int16_t)(left % 10000);
    int16_t *digits = dw_arena_alloc(arena, sizeof groups);
    for (int32_t i = 0; i < count; i++)
        digits[i] = groups[count - 1 - i];
    struct dw_expr_number number = {
        .negative = value < 0, .weight = count - 1, .count = count, .digits = digits};
    (void)dw_expr_number_strip(&number); /* five groups cannot overflow */
    return number;
}

struct dw_expr_number dw_expr_number_from_micros(int64_t value, struct dw_arena *arena)
{
    char text[32];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *at = text + sizeof text;
    for (int i = 0; i < 6 || magnitude; i++) {
        *--at = (char)('0' + magnitude % 10);
        magnitude /= 10;
        if (i == 5)
            *--at = '.';
    }
    if (value < 0)
        *--at = '-';
    struct dw_expr_number number;
    struct dw_str digits = {at, (size_t)(text + sizeof text - at)};
    (void)dw_expr_number_parse(digits, arena, &number); /* ours, and short */
    return number;
}

enum dw_expr_number_rc dw_expr_number_to_int(const struct dw_expr_number *number,
                                             struct dw_arena *arena, int64_t *out)
{
    if (number->kind != DW_EXPR_NUMBER_FINITE)
        return DW_EXPR_NUMBER_NOT_A_NUMBER;
    struct dw_expr_number whole;
    enum dw_expr_number_rc rc = dw_expr_number_round(number, 0, arena, &whole);
    if (rc != DW_EXPR_NUMBER_OK)
        return rc;
    if (whole.weight > 4)
        return DW_EXPR_NUMBER_OVERFLOW;
    int64_t value = 0; /* negative all the way, because there is one more of these */
    for (int32_t i = 0; i <= whole.weight && whole.count; i++) {
        int64_t digit = i < whole.count ? whole.digits[i] : 0;
        if (__builtin_mul_overflow(value, (int64_t)10000, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return DW_EXPR_NUMBER_OVERFLOW;
    }
    if (!whole.negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return DW_EXPR_NUMBER_OVERFLOW;
    *out = value;
    return DW_EXPR_NUMBER_OK;
}

static char *put_group(char *to, int16_t group, bool leading)
{
    static const int16_t powers[] = {1000, 100, 10, 1};
    for (size_t i = 0; i < 4; i++) {
        int digit = group / powers[i] % 10;
        leading = leading && digit == 0 && i < 3;
        if (!leading)
            *to++ = (char)('0' + digit);
    }
    return to;
}

static int16_t group_at(const struct dw_expr_number *number, int32_t weight)
{
    int32_t at = number->weight - weight;
    return at >= 0 && at < number->count ? number->digits[at] : 0;
}

struct dw_str dw_expr_number_format(const struct dw_expr_number *number, struct dw_arena *arena)
{
    if (number->kind == DW_EXPR_NUMBER_NAN)
        return DW_STR_LIT("NaN");
    if (number->kind == DW_EXPR_NUMBER_INFINITE)
        return number->negative ? DW_STR_LIT("-Infinity") : DW_STR_LIT("Infinity");
    int32_t top = number->count && number->weight > 0 ? number->weight : 0;
    char *from = dw_arena_alloc(arena, (size_t)(top + 1) * 4 + (size_t)number->scale + 8);
    char *to = from;
    if (number->negative)
        *to++ = '-';
    for (int32_t weight = top; weight >= 0; weight--)
        to = put_group(to, group_at(number, weight), weight == top);
    if (number->scale > 0) {
        *to++ = '.';
        char *end = to + number->scale;
        for (int32_t weight = -1; to < end; weight--)
            to = put_group(to, group_at(number, weight), false);
        to = end; /* the last group may show more than the scale */
    }
    return (struct dw_str){from, (size_t)(to - from)};
}
