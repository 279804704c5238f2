/* expr_value.c - see expr_value.h. The SQL writer has a cast's other half: keep both equal. */
#include "common/expr/expr_value.h"

#include "common/expr/expr_time.h"
#include <stdio.h>

#define BPCHAR_OID    1042
#define EXPONENT_SIZE 3 /* digits that a text's exponent may have */

enum dw_expr_fault dw_expr_value_fault(enum dw_expr_number_rc rc)
{
    switch (rc) {
    case DW_EXPR_NUMBER_OK:
        return DW_EXPR_FINE;
    case DW_EXPR_NUMBER_DIVISION_BY_ZERO:
        return DW_EXPR_DIVISION_BY_ZERO;
    case DW_EXPR_NUMBER_OVERFLOW:
        return DW_EXPR_OUT_OF_RANGE;
    case DW_EXPR_NUMBER_NOT_A_NUMBER:
        return DW_EXPR_BAD_CAST;
    }
    return DW_EXPR_BAD_CAST;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool dw_expr_value_parse_guid(struct dw_str text, unsigned char guid[16])
{
    size_t nibble = 0;
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        int digit = hyphen ? 0 : hex_value(text.ptr[i]);
        if (hyphen ? text.ptr[i] != '-' : digit < 0)
            return false;
        if (hyphen)
            continue;
        guid[nibble / 2] = (unsigned char)(nibble % 2 ? guid[nibble / 2] | digit : digit << 4);
        nibble++;
    }
    return true;
}

/* ---- from text ---- */

/* [+-]digits; OUT_OF_RANGE beyond 64 bits. */
static enum dw_expr_fault parse_int(struct dw_str text, int64_t *out)
{
    const char *at = text.ptr;
    const char *end = text.ptr + text.len;
    bool negative = at < end && *at == '-';
    bool overflow = false;
    int64_t value = 0; /* negative all the way, because there is one more of these */
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return DW_EXPR_BAD_CAST;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return DW_EXPR_BAD_CAST;
        overflow = overflow || __builtin_mul_overflow(value, (int64_t)10, &value) ||
                   __builtin_sub_overflow(value, (int64_t)(*at - '0'), &value);
    }
    if (!negative)
        overflow = overflow || __builtin_sub_overflow((int64_t)0, value, &value);
    *out = value;
    return overflow ? DW_EXPR_OUT_OF_RANGE : DW_EXPR_FINE;
}

static enum dw_expr_fault from_time(enum dw_expr_time_rc rc)
{
    return rc == DW_EXPR_TIME_OK ? DW_EXPR_FINE : DW_EXPR_BAD_CAST;
}

static bool parse_bool(struct dw_str text, bool *out)
{
    *out = dw_str_is(text, "true") || dw_str_is(text, "t");
    return *out || dw_str_is(text, "false") || dw_str_is(text, "f");
}

static struct dw_str without_padding(struct dw_str text)
{
    while (text.len && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

enum dw_expr_fault dw_expr_value_read(enum dw_expr_type type, uint32_t oid, struct dw_str text,
                                      struct dw_arena *arena, struct dw_expr_value *out)
{
    enum dw_expr_fault fault = DW_EXPR_FINE;
    out->is_null = false;
    switch (type) {
    case DW_EXPR_STRING:
        out->text = oid == BPCHAR_OID ? without_padding(text) : text;
        return DW_EXPR_FINE;
    case DW_EXPR_OTHER:
        out->text = text;
        return DW_EXPR_FINE;
    case DW_EXPR_BOOL:
        fault = parse_bool(text, &out->boolean) ? DW_EXPR_FINE : DW_EXPR_BAD_TEXT;
        break;
    case DW_EXPR_INT:
        fault = parse_int(text, &out->integer);
        break;
    case DW_EXPR_DECIMAL:
        fault = dw_expr_value_fault(dw_expr_number_parse(text, arena, &out->number));
        break;
    case DW_EXPR_DATE:
        fault = from_time(dw_expr_time_parse_date(text, DW_EXPR_TIME_PRINTED, &out->integer));
        break;
    case DW_EXPR_TIME:
        fault = from_time(dw_expr_time_parse_time(text, DW_EXPR_TIME_PRINTED, &out->integer));
        break;
    case DW_EXPR_MOMENT:
        fault = from_time(dw_expr_time_parse_moment(text, DW_EXPR_TIME_PRINTED, &out->integer));
        break;
    case DW_EXPR_GUID:
        fault = dw_expr_value_parse_guid(text, out->guid) ? DW_EXPR_FINE : DW_EXPR_BAD_TEXT;
        break;
    case DW_EXPR_NULL:
    case DW_EXPR_DURATION:
    case DW_EXPR_TYPE_COUNT:
        break;
    }
    return fault == DW_EXPR_FINE ? DW_EXPR_FINE : DW_EXPR_BAD_TEXT;
}

/* ---- to text ---- */

static struct dw_str format_guid(const unsigned char guid[16], struct dw_arena *arena)
{
    static const char hex[] = "0123456789abcdef";
    char *text = dw_arena_alloc(arena, 36);
    char *to = text;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = hex[guid[i] >> 4];
        *to++ = hex[guid[i] & 15];
    }
    return (struct dw_str){text, 36};
}

struct dw_str dw_expr_value_format(enum dw_expr_type type, const struct dw_expr_value *value,
                                   struct dw_arena *arena)
{
    switch (type) {
    case DW_EXPR_STRING:
    case DW_EXPR_OTHER:
        return value->text;
    case DW_EXPR_BOOL:
        return value->boolean ? DW_STR_LIT("t") : DW_STR_LIT("f");
    case DW_EXPR_INT:
        return dw_str_from(dw_arena_printf(arena, "%lld", (long long)value->integer));
    case DW_EXPR_DECIMAL:
    case DW_EXPR_DURATION:
        return dw_expr_number_format(&value->number, arena);
    case DW_EXPR_DATE:
        return dw_expr_time_format_date(value->integer, arena);
    case DW_EXPR_TIME:
        return dw_expr_time_format_time(value->integer, arena);
    case DW_EXPR_MOMENT:
        return dw_expr_time_format_moment(value->integer, arena);
    case DW_EXPR_GUID:
        return format_guid(value->guid, arena);
    case DW_EXPR_NULL:
    case DW_EXPR_TYPE_COUNT:
        break;
    }
    return (struct dw_str){"", 0};
}

/* ---- comparison ---- */

static int compare_text(struct dw_str a, struct dw_str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

int dw_expr_value_compare(enum dw_expr_type type, const struct dw_expr_value *a,
                          const struct dw_expr_value *b)
{
    switch (type) {
    case DW_EXPR_BOOL:
        return (int)a->boolean - (int)b->boolean;
    case DW_EXPR_INT:
    case DW_EXPR_DATE:
    case DW_EXPR_TIME:
    case DW_EXPR_MOMENT:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case DW_EXPR_DECIMAL:
    case DW_EXPR_DURATION:
        return dw_expr_number_compare(&a->number, &b->number);
    case DW_EXPR_STRING:
    case DW_EXPR_OTHER:
        return compare_text(a->text, b->text);
    case DW_EXPR_GUID:
        return memcmp(a->guid, b->guid, sizeof a->guid);
    case DW_EXPR_NULL:
    case DW_EXPR_TYPE_COUNT:
        break;
    }
    return 0;
}

/* ---- casts ---- */

bool dw_expr_value_can_cast(enum dw_expr_type from, enum dw_expr_type to)
{
    unsigned plain = DW_EXPR_BIT(DW_EXPR_BOOL) | DW_EXPR_BIT(DW_EXPR_INT) |
                     DW_EXPR_BIT(DW_EXPR_DECIMAL) | DW_EXPR_BIT(DW_EXPR_DATE) |
                     DW_EXPR_BIT(DW_EXPR_TIME) | DW_EXPR_BIT(DW_EXPR_MOMENT) |
                     DW_EXPR_BIT(DW_EXPR_GUID);
    if (from == DW_EXPR_STRING)
        return (DW_EXPR_BIT(to) & plain) || to == DW_EXPR_STRING;
    if (to == DW_EXPR_STRING)
        return (DW_EXPR_BIT(from) & plain) || from == DW_EXPR_OTHER;
    if (from == DW_EXPR_INT || from == DW_EXPR_DECIMAL)
        return to == DW_EXPR_INT || to == DW_EXPR_DECIMAL;
    if (from == DW_EXPR_MOMENT)
        return to == DW_EXPR_MOMENT || to == DW_EXPR_DATE || to == DW_EXPR_TIME;
    if (from == DW_EXPR_DATE && to == DW_EXPR_MOMENT)
        return true;
    return from == to && (DW_EXPR_BIT(from) & plain);
}

bool dw_expr_value_cast_fails(enum dw_expr_type from, enum dw_expr_type to, int32_t bits)
{
    if (from == DW_EXPR_STRING)
        return to != DW_EXPR_STRING;
    if (from == DW_EXPR_INT)
        return to == DW_EXPR_INT && bits < 64;
    return (from == DW_EXPR_DECIMAL && to == DW_EXPR_INT) ||
           (from == DW_EXPR_DATE && to == DW_EXPR_MOMENT);
}

static enum dw_expr_fault limit_int(int64_t value, int32_t bits)
{
    int64_t most = bits == 16 ? INT16_MAX : bits == 32 ? INT32_MAX : INT64_MAX;
    return value > most || value < -most - 1 ? DW_EXPR_OUT_OF_RANGE : DW_EXPR_FINE;
}

/* The exponent at most three digits, and no NaN or Infinity: what the SQL pattern lets through. */
static bool is_decimal_text(struct dw_str text)
{
    const char *exponent = NULL;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == 'e' || c == 'E')
            exponent = text.ptr + i + 1;
        else if (!is_digit(c) && c != '.' && c != '+' && c != '-')
            return false;
    }
    if (!exponent)
        return true;
    const char *end = text.ptr + text.len;
    if (exponent < end && (*exponent == '+' || *exponent == '-'))
        exponent++;
    return end - exponent <= EXPONENT_SIZE;
}

static enum dw_expr_fault cast_text(enum dw_expr_type to, int32_t bits, struct dw_str text,
                                    struct dw_arena *arena, struct dw_expr_value *out)
{
    enum dw_expr_fault fault;
    switch (to) {
    case DW_EXPR_BOOL:
        return text.len > 1 && parse_bool(text, &out->boolean) ? DW_EXPR_FINE : DW_EXPR_BAD_CAST;
    case DW_EXPR_INT:
        fault = parse_int(text, &out->integer);
        return fault == DW_EXPR_FINE ? limit_int(out->integer, bits) : fault;
    case DW_EXPR_DECIMAL:
        if (!is_decimal_text(text))
            return DW_EXPR_BAD_CAST;
        return dw_expr_value_fault(dw_expr_number_parse(text, arena, &out->number));
    case DW_EXPR_DATE:
        return from_time(dw_expr_time_parse_date(text, DW_EXPR_TIME_STRICT, &out->integer));
    case DW_EXPR_TIME:
        return from_time(dw_expr_time_parse_time(text, DW_EXPR_TIME_STRICT, &out->integer));
    case DW_EXPR_MOMENT:
        return from_time(dw_expr_time_parse_moment(text, DW_EXPR_TIME_STRICT, &out->integer));
    case DW_EXPR_GUID:
        return dw_expr_value_parse_guid(text, out->guid) ? DW_EXPR_FINE : DW_EXPR_BAD_CAST;
    case DW_EXPR_STRING:
        out->text = text;
        return DW_EXPR_FINE;
    case DW_EXPR_NULL:
    case DW_EXPR_DURATION:
    case DW_EXPR_OTHER:
    case DW_EXPR_TYPE_COUNT:
        break;
    }
    return DW_EXPR_BAD_CAST;
}

static enum dw_expr_fault cast_decimal(int32_t bits, const struct dw_expr_number *number,
                                       struct dw_arena *arena, int64_t *out)
{
    enum dw_expr_fault fault = dw_expr_value_fault(dw_expr_number_to_int(number, arena, out));
    return fault == DW_EXPR_FINE ? limit_int(*out, bits) : fault;
}

static enum dw_expr_fault cast_moment(enum dw_expr_type to, int64_t us, struct dw_expr_value *out)
{
    int64_t rest = 0;
    bool finite = dw_expr_time_is_finite(us);
    int64_t days = finite ? dw_expr_time_split(us, &rest) : us;
    out->is_null = to == DW_EXPR_TIME && !finite; /* infinity has no time of day */
    out->integer = to == DW_EXPR_TIME ? rest : days;
    return DW_EXPR_FINE;
}

enum dw_expr_fault dw_expr_value_cast(enum dw_expr_type from, enum dw_expr_type to, int32_t bits,
                                      const struct dw_expr_value *in, struct dw_arena *arena,
                                      struct dw_expr_value *out)
{
    struct dw_expr_value result = *in;
    enum dw_expr_fault fault = DW_EXPR_FINE;
    if (from == DW_EXPR_STRING) {
        fault = cast_text(to, bits, in->text, arena, &result);
    } else if (to == DW_EXPR_STRING) {
        result.text = dw_expr_value_format(from, in, arena);
        if (from == DW_EXPR_BOOL)
            result.text = in->boolean ? DW_STR_LIT("true") : DW_STR_LIT("false");
    } else if (from == DW_EXPR_INT && to == DW_EXPR_INT) {
        fault = limit_int(in->integer, bits);
    } else if (from == DW_EXPR_INT) {
        result.number = dw_expr_number_from_int(in->integer, arena);
    } else if (from == DW_EXPR_DECIMAL && to == DW_EXPR_INT) {
        fault = cast_decimal(bits, &in->number, arena, &result.integer);
    } else if (from == DW_EXPR_MOMENT && to != DW_EXPR_MOMENT) {
        fault = cast_moment(to, in->integer, &result);
    } else if (from == DW_EXPR_DATE && to == DW_EXPR_MOMENT) {
        fault = dw_expr_time_from_date(in->integer, &result.integer) ? DW_EXPR_FINE
                                                                     : DW_EXPR_OUT_OF_RANGE;
    }
    *out = result;
    return fault;
}
