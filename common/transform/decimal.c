/* decimal.c - see decimal.h. */
#include "common/transform/decimal.h"

#include <stdio.h>
#include <strings.h>

/* Beyond this an exponent only tells "far too large" or "far too small". */
#define EXPONENT_MAX 1000000
#define PLAIN_DIGITS 40

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct dw_str trim(struct dw_str text)
{
    while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t' || text.ptr[0] == '\n')) {
        text.ptr++;
        text.len--;
    }
    while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t' ||
                        text.ptr[text.len - 1] == '\n'))
        text.len--;
    return text;
}

static bool is_word(struct dw_str text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

static bool parse_special(struct dw_str text, struct dw_decimal *out)
{
    if (is_word(text, "nan"))
        out->kind = DW_DECIMAL_NAN;
    else if (is_word(text, "infinity") || is_word(text, "inf"))
        out->kind = DW_DECIMAL_INFINITE;
    else
        return false;
    return true;
}

/* "e+20" from `at`; false when malformed. */
static bool parse_exponent(const char *at, const char *end, int64_t *out)
{
    bool negative = false;
    at++;
    if (at < end && (*at == '+' || *at == '-'))
        negative = *at++ == '-';
    if (at == end)
        return false;
    int64_t exponent = 0;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return false;
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (*at - '0');
    }
    *out = negative ? -exponent : exponent;
    return true;
}

/* Fills span, digits and point from the mantissa [from, end). */
static void measure(const char *from, const char *end, const char *dot, int64_t exponent,
                    struct dw_decimal *out)
{
    const char *first = from;
    while (first < end && (*first == '0' || *first == '.'))
        first++;
    const char *last = end;
    while (last > first && (last[-1] == '0' || last[-1] == '.'))
        last--;
    if (first == last)
        return;
    bool dot_inside = dot > first && dot < last;
    out->span = (struct dw_str){first, (size_t)(last - first)};
    out->digits = out->span.len - dot_inside;
    out->point = (dot > first ? dot - first : dot - first + 1) + exponent;
}

bool dw_decimal_parse(struct dw_str text, struct dw_decimal *out)
{
    struct dw_str inner = trim(text);
    *out = (struct dw_decimal){.plain = inner.len == text.len};
    const char *at = inner.ptr;
    const char *end = inner.ptr + inner.len;
    if (at < end && (*at == '-' || *at == '+')) {
        out->negative = *at == '-';
        out->plain = out->plain && out->negative;
        at++;
    }
    if (at < end && !is_digit(*at) && *at != '.')
        return parse_special((struct dw_str){at, (size_t)(end - at)}, out);
    const char *from = at;
    const char *dot = NULL;
    for (; at < end && (is_digit(*at) || (*at == '.' && !dot)); at++)
        if (*at == '.')
            dot = at;
    if (at - from - (dot != NULL) == 0)
        return false;
    const char *mantissa_end = at;
    int64_t exponent = 0;
    if (at < end) {
        out->plain = false;
        if ((*at != 'e' && *at != 'E') || !parse_exponent(at, end, &exponent))
            return false;
    }
    measure(from, mantissa_end, dot ? dot : mantissa_end, exponent, out);
    return true;
}

bool dw_decimal_to_i64(const struct dw_decimal *number, int64_t *out)
{
    if (number->kind != DW_DECIMAL_FINITE || dw_decimal_scale(number) > 0 || number->point > 19)
        return false;
    uint64_t value = 0;
    int64_t place = 0;
    for (size_t i = 0; i < number->span.len; i++) {
        if (number->span.ptr[i] == '.')
            continue;
        value = value * 10 + (uint64_t)(number->span.ptr[i] - '0');
        place++;
    }
    for (; place < number->point; place++)
        value *= 10; /* at most 19 digits: below 10^19, no overflow of 64 bits */
    if (value > (uint64_t)INT64_MAX + number->negative)
        return false;
    *out = number->negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static char digit_at(const struct dw_decimal *number, size_t *at)
{
    if (number->span.ptr[*at] == '.')
        ++*at;
    return number->span.ptr[(*at)++];
}

bool dw_decimal_equal(const struct dw_decimal *a, const struct dw_decimal *b)
{
    if (a->kind != b->kind || a->digits != b->digits)
        return false;
    if (a->kind != DW_DECIMAL_FINITE)
        return a->kind == DW_DECIMAL_NAN || a->negative == b->negative;
    if (a->digits == 0)
        return true;
    if (a->negative != b->negative || a->point != b->point)
        return false;
    size_t at_a = 0;
    size_t at_b = 0;
    for (size_t i = 0; i < a->digits; i++)
        if (digit_at(a, &at_a) != digit_at(b, &at_b))
            return false;
    return true;
}

static char *put_zeros(char *to, int64_t count)
{
    while (count-- > 0)
        *to++ = '0';
    return to;
}

static struct dw_str put_scientific(const struct dw_decimal *number, char *from)
{
    char *to = from;
    size_t at = 0;
    if (number->negative)
        *to++ = '-';
    *to++ = '0';
    *to++ = '.';
    for (size_t i = 0; i < number->digits; i++)
        *to++ = digit_at(number, &at);
    to += snprintf(to, 24, "e%lld", (long long)number->point);
    return (struct dw_str){from, (size_t)(to - from)};
}

struct dw_str dw_decimal_normalise(const struct dw_decimal *number, struct dw_arena *arena)
{
    if (number->kind == DW_DECIMAL_NAN)
        return DW_STR_LIT("NaN");
    if (number->kind == DW_DECIMAL_INFINITE)
        return number->negative ? DW_STR_LIT("-Infinity") : DW_STR_LIT("Infinity");
    if (number->digits == 0)
        return DW_STR_LIT("0");
    char *from = dw_arena_alloc(arena, number->digits + PLAIN_DIGITS * 2 + 32);
    if (number->point > PLAIN_DIGITS || number->point < -PLAIN_DIGITS)
        return put_scientific(number, from);
    char *to = from;
    size_t at = 0;
    if (number->negative)
        *to++ = '-';
    if (number->point <= 0) {
        *to++ = '0';
        *to++ = '.';
        to = put_zeros(to, -number->point);
    }
    for (size_t i = 0; i < number->digits; i++) {
        if (i && (int64_t)i == number->point)
            *to++ = '.';
        *to++ = digit_at(number, &at);
    }
    to = put_zeros(to, number->point - (int64_t)number->digits);
    return (struct dw_str){from, (size_t)(to - from)};
}
