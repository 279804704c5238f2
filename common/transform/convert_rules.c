/* convert_rules.c - see convert_rules.h and the matrix in convert.h. */
#include "common/transform/convert_rules.h"

#include "common/base/utf8.h"
#include "common/transform/decimal.h"
#include "common/transform/moment.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define NUMERIC_SCALE_MAX 16383 /* PostgreSQL's numeric rounds what lies behind */
#define MONEY_SCALE       2
#define INTERVAL_DIGITS   6
#define QUOTED_MAX        40 /* a value this short may stand in a message */

static enum dw_rc not_valid(const struct dw_convert *convert, struct dw_str text,
                            struct dw_err *err)
{
    const char *words = dw_convert_type_words(convert->target.family);
    if (text.len <= QUOTED_MAX)
        return dw_err_set(err, DW_REJECT, "DW-VALUE-005", "\"%.*s\" is not %s (%.*s)",
                          DW_STR_ARG(text), words, DW_STR_ARG(convert->target.name));
    return dw_err_set(err, DW_REJECT, "DW-VALUE-005", "a text of %zu bytes is not %s (%.*s)",
                      text.len, words, DW_STR_ARG(convert->target.name));
}

static struct dw_str trim(struct dw_str text)
{
    while (text.len && text.ptr[0] == ' ') {
        text.ptr++;
        text.len--;
    }
    while (text.len && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* ---- as it is ---- */

static enum dw_rc as_is(const struct dw_convert *convert, struct dw_str text,
                        struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    (void)convert;
    (void)arena;
    (void)err;
    *out = text;
    return DW_OK;
}

static enum dw_rc by_server(const struct dw_convert *convert, struct dw_str text,
                            struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    return as_is(convert, text, arena, out, err);
}

/* ---- text ---- */

static enum dw_rc to_text(const struct dw_convert *convert, struct dw_str text,
                          struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    (void)arena;
    const struct dw_convert_type *target = &convert->target;
    *out = text;
    if (target->length == DW_CONVERT_NO_LIMIT || text.len <= (size_t)target->length)
        return DW_OK; /* never more characters than bytes */
    size_t length = target->length_bytes ? text.len : dw_utf8_length(text.ptr, text.len);
    if (length <= (size_t)target->length)
        return DW_OK;
    return dw_err_set(err, DW_REJECT, "DW-VALUE-002", "%zu %s do not fit %.*s", length,
                      target->length_bytes ? "bytes" : "characters", DW_STR_ARG(target->name));
}

/* ---- numbers ---- */

static enum dw_rc too_precise(const struct dw_convert *convert, struct dw_err *err)
{
    return dw_err_set(err, DW_REJECT, "DW-VALUE-003", "digits would be lost in %.*s",
                      DW_STR_ARG(convert->target.name));
}

static enum dw_rc out_of_range(const struct dw_convert *convert, struct dw_err *err)
{
    return dw_err_set(err, DW_REJECT, "DW-VALUE-004", "the number is out of range for %.*s",
                      DW_STR_ARG(convert->target.name));
}

static enum dw_rc not_finite(const struct dw_convert *convert, const struct dw_decimal *number,
                             struct dw_err *err)
{
    return dw_err_set(err, DW_REJECT, "DW-VALUE-007", "%.*s cannot hold %s",
                      DW_STR_ARG(convert->target.name),
                      number->kind == DW_DECIMAL_NAN ? "NaN" : "Infinity");
}

/* "-$1,234.56", as PostgreSQL prints money under lc_monetary C. */
static struct dw_str without_currency(struct dw_str text, struct dw_arena *arena)
{
    char *plain = dw_arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '$' && text.ptr[i] != ',')
            plain[len++] = text.ptr[i];
    return (struct dw_str){plain, len};
}

static enum dw_rc parse_number(const struct dw_convert *convert, struct dw_str *text,
                               struct dw_arena *arena, struct dw_decimal *out, struct dw_err *err)
{
    if (convert->source.family == DW_FAMILY_MONEY)
        *text = without_currency(*text, arena);
    return dw_decimal_parse(*text, out) ? DW_OK : not_valid(convert, *text, err);
}

static bool in_integer_range(const struct dw_convert_type *type, int64_t value)
{
    if (!type->sign)
        return value >= 0 && value <= UINT32_MAX;
    if (type->width == 2)
        return value >= INT16_MIN && value <= INT16_MAX;
    if (type->width == 4)
        return value >= INT32_MIN && value <= INT32_MAX;
    return true;
}

static enum dw_rc to_integer(const struct dw_convert *convert, struct dw_str text,
                             struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    struct dw_decimal number;
    enum dw_rc rc = parse_number(convert, &text, arena, &number, err);
    if (rc != DW_OK)
        return rc;
    if (number.kind != DW_DECIMAL_FINITE)
        return not_finite(convert, &number, err);
    if (dw_decimal_scale(&number) > 0)
        return too_precise(convert, err);
    int64_t value;
    if (!dw_decimal_to_i64(&number, &value) || !in_integer_range(&convert->target, value))
        return out_of_range(convert, err);
    *out = text;
    if (!number.plain || memchr(text.ptr, '.', text.len))
        *out = dw_str_from(dw_arena_printf(arena, "%lld", (long long)value));
    return DW_OK;
}

static enum dw_rc to_numeric(const struct dw_convert *convert, struct dw_str text,
                             struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    struct dw_decimal number;
    enum dw_rc rc = parse_number(convert, &text, arena, &number, err);
    if (rc != DW_OK)
        return rc;
    const struct dw_convert_type *target = &convert->target;
    bool limited = target->precision != DW_CONVERT_NO_LIMIT;
    *out = text;
    if (number.kind == DW_DECIMAL_NAN)
        return DW_OK;
    if (number.kind == DW_DECIMAL_INFINITE)
        return limited ? not_finite(convert, &number, err) : DW_OK;
    if (number.digits == 0)
        return DW_OK;
    if (dw_decimal_scale(&number) > (limited ? target->scale : NUMERIC_SCALE_MAX))
        return too_precise(convert, err);
    if (limited && number.point > target->precision - target->scale)
        return out_of_range(convert, err);
    return DW_OK;
}

/* The number that a float would print. */
static bool float_prints_as(const struct dw_decimal *number, struct dw_str text, int width,
                            struct dw_arena *arena, bool *out_finite)
{
    const char *terminated = dw_arena_copy(arena, text).ptr;
    double value = width == 4 ? (double)strtof(terminated, NULL) : strtod(terminated, NULL);
    *out_finite = isfinite(value);
    char printed[40];
    int digits = width == 4 ? FLT_DIG : DBL_DIG;
    int most = width == 4 ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    for (; digits <= most; digits++) {
        (void)snprintf(printed, sizeof printed, "%.*e", digits - 1, value);
        double again = width == 4 ? (double)strtof(printed, NULL) : strtod(printed, NULL);
        if (again == value)
            break;
    }
    struct dw_decimal shortest;
    return *out_finite && dw_decimal_parse(dw_str_from(printed), &shortest) &&
           dw_decimal_equal(number, &shortest);
}

/* So few digits that no float of this width can change them. */
static bool surely_exact(const struct dw_decimal *number, int width)
{
    if (width == 4)
        return number->digits <= FLT_DIG && number->point > -30 && number->point < 38;
    return number->digits <= DBL_DIG && number->point > -290 && number->point < 308;
}

static enum dw_rc to_float(const struct dw_convert *convert, struct dw_str text,
                           struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    struct dw_decimal number;
    enum dw_rc rc = parse_number(convert, &text, arena, &number, err);
    if (rc != DW_OK)
        return rc;
    *out = text;
    if (number.kind != DW_DECIMAL_FINITE || number.digits == 0)
        return DW_OK;
    bool widens =
        convert->source.family == DW_FAMILY_FLOAT && convert->source.width <= convert->target.width;
    if (widens || surely_exact(&number, convert->target.width))
        return DW_OK;
    bool finite;
    if (float_prints_as(&number, text, convert->target.width, arena, &finite))
        return DW_OK;
    return finite ? too_precise(convert, err) : out_of_range(convert, err);
}

static enum dw_rc to_money(const struct dw_convert *convert, struct dw_str text,
                           struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    struct dw_decimal number;
    enum dw_rc rc = parse_number(convert, &text, arena, &number, err);
    if (rc != DW_OK)
        return rc;
    if (number.kind != DW_DECIMAL_FINITE)
        return not_finite(convert, &number, err);
    if (dw_decimal_scale(&number) > MONEY_SCALE)
        return too_precise(convert, err);
    if (number.point > 17)
        return out_of_range(convert, err);
    *out = number.plain ? text : dw_decimal_normalise(&number, arena);
    return DW_OK;
}

/* ---- intervals ---- */

/* The server rounds behind the microsecond. */
static enum dw_rc to_interval(const struct dw_convert *convert, struct dw_str text,
                              struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    (void)arena;
    size_t place = 0; /* behind the point; 0 outside of a fraction */
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.')
            place = 1;
        else if (c < '0' || c > '9')
            place = 0;
        else if (place && place++ > INTERVAL_DIGITS && c != '0')
            return too_precise(convert, err);
    }
    *out = text;
    return DW_OK;
}

/* ---- boolean words, UUIDs, bits ---- */

static enum dw_rc to_bool(const struct dw_convert *convert, struct dw_str text,
                          struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    static const char *const words[] = {"true", "false", "t",  "f",   "yes", "no",
                                        "y",    "n",     "on", "off", "1",   "0"};
    (void)arena;
    struct dw_str word = trim(text);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (word.len == strlen(words[i]) && strncasecmp(word.ptr, words[i], word.len) == 0) {
            *out = i % 2 ? DW_STR_LIT("false") : DW_STR_LIT("true");
            return DW_OK;
        }
    return not_valid(convert, text, err);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static enum dw_rc to_uuid(const struct dw_convert *convert, struct dw_str text,
                          struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    (void)arena;
    struct dw_str inner = trim(text);
    if (inner.len > 2 && inner.ptr[0] == '{' && inner.ptr[inner.len - 1] == '}')
        inner = (struct dw_str){inner.ptr + 1, inner.len - 2};
    bool hyphens = inner.len == 36;
    if (!hyphens && inner.len != 32)
        return not_valid(convert, text, err);
    for (size_t i = 0; i < inner.len; i++) {
        bool hyphen = hyphens && (i == 8 || i == 13 || i == 18 || i == 23);
        if (hyphen ? inner.ptr[i] != '-' : !is_hex(inner.ptr[i]))
            return not_valid(convert, text, err);
    }
    *out = inner;
    return DW_OK;
}

static enum dw_rc to_bits(const struct dw_convert *convert, struct dw_str text,
                          struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    (void)arena;
    const struct dw_convert_type *target = &convert->target;
    struct dw_str bits = trim(text);
    for (size_t i = 0; i < bits.len; i++)
        if (bits.ptr[i] != '0' && bits.ptr[i] != '1')
            return not_valid(convert, text, err);
    if (target->length != DW_CONVERT_NO_LIMIT &&
        (target->length_exact ? bits.len != (size_t)target->length
                              : bits.len > (size_t)target->length))
        return dw_err_set(err, DW_REJECT, "DW-VALUE-002", "%zu bits do not fit %.*s", bits.len,
                          DW_STR_ARG(target->name));
    *out = bits;
    return DW_OK;
}

/* ---- dates and times ---- */

static enum dw_rc loses_time(const struct dw_convert *convert, const char *why, struct dw_err *err)
{
    return dw_err_set(err, DW_REJECT, "DW-VALUE-006", "%s, which %.*s cannot hold", why,
                      DW_STR_ARG(convert->target.name));
}

/* Has the text the parts that a value of this family has? */
static bool has_parts(enum dw_family family, const struct dw_moment *moment)
{
    bool infinite = moment->infinity.len != 0;
    bool time_family = family == DW_FAMILY_TIME || family == DW_FAMILY_TIMETZ;
    if (infinite)
        return !time_family;
    if (time_family)
        return moment->time.len && !moment->date.len;
    return moment->date.len && (family != DW_FAMILY_TIMESTAMPTZ || moment->time.len);
}

/* Keeps the parts that the family prints; the zone of what comes from a "Z" becomes +00. */
static void keep_parts(enum dw_family family, struct dw_moment *moment)
{
    bool zoned = family == DW_FAMILY_TIMESTAMPTZ || family == DW_FAMILY_TIMETZ;
    if (family == DW_FAMILY_DATE)
        moment->time.len = 0;
    if (!zoned)
        moment->zone.len = 0;
    else if (moment->zone.len == 1 || (family == DW_FAMILY_TIMESTAMPTZ &&
                                       (moment->zone.len == 0 || moment->zone.ptr[0] == 'Z')))
        moment->zone = DW_STR_LIT("+00");
}

static enum dw_rc check_moment(const struct dw_convert *convert, struct dw_str text,
                               const struct dw_moment *moment, struct dw_err *err)
{
    enum dw_family family = convert->target.family;
    bool zoned = family == DW_FAMILY_TIMESTAMPTZ || family == DW_FAMILY_TIMETZ;
    bool from_date = convert->source.family == DW_FAMILY_DATE;
    if (!has_parts(from_date ? DW_FAMILY_DATE : family, moment) &&
        !(convert->source.family == DW_FAMILY_TEXT && family == DW_FAMILY_TIMESTAMPTZ &&
          has_parts(DW_FAMILY_DATE, moment)))
        return not_valid(convert, text, err);
    if (family == DW_FAMILY_TIMETZ && !moment->zone.len)
        return not_valid(convert, text, err);
    if (!zoned && !dw_moment_is_utc(moment))
        return loses_time(convert, "the time has an offset from UTC", err);
    if (family == DW_FAMILY_DATE && !dw_moment_is_midnight(moment))
        return loses_time(convert, "the time is not midnight", err);
    if (family != DW_FAMILY_DATE && moment->fraction_digits > (size_t)convert->target.precision)
        return loses_time(convert, "the second has more digits", err);
    return DW_OK;
}

static enum dw_rc to_moment(const struct dw_convert *convert, struct dw_str text,
                            struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    struct dw_moment moment;
    if (!dw_moment_parse(text, arena, &moment))
        return not_valid(convert, text, err);
    enum dw_rc rc = check_moment(convert, text, &moment, err);
    if (rc != DW_OK)
        return rc;
    if (convert->target.family == DW_FAMILY_TIMESTAMPTZ && !moment.time.len)
        moment.time = DW_STR_LIT("00:00:00"); /* a date alone with +00 behind it is no input */
    keep_parts(convert->target.family, &moment);
    *out = dw_moment_format(&moment, arena);
    return DW_OK;
}

enum dw_rc dw_convert_rules_moment_text(const struct dw_convert *convert, struct dw_str text,
                                        struct dw_arena *arena, struct dw_str *out,
                                        struct dw_err *err)
{
    struct dw_moment moment;
    if (!dw_moment_parse(text, arena, &moment) || !has_parts(convert->source.family, &moment))
        return dw_err_set(
            err, DW_REJECT, "DW-VALUE-001", "the event does not hold %s of source type %.*s",
            dw_convert_type_words(convert->source.family), DW_STR_ARG(convert->source.name));
    keep_parts(convert->source.family, &moment);
    *out = dw_moment_format(&moment, arena);
    return DW_OK;
}

static enum dw_rc moment_to_text(const struct dw_convert *convert, struct dw_str text,
                                 struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    struct dw_str printed = {NULL, 0};
    enum dw_rc rc = dw_convert_rules_moment_text(convert, text, arena, &printed, err);
    return rc == DW_OK ? to_text(convert, printed, arena, out, err) : rc;
}

/* ---- the matrix ---- */

#define NUMBER_ROW                                                                                 \
    [DW_FAMILY_INTEGER] = to_integer, [DW_FAMILY_NUMERIC] = to_numeric,                            \
    [DW_FAMILY_FLOAT] = to_float, [DW_FAMILY_MONEY] = to_money, [DW_FAMILY_TEXT] = to_text

#define DAY_ROW                                                                                    \
    [DW_FAMILY_DATE] = to_moment, [DW_FAMILY_TIMESTAMP] = to_moment,                               \
    [DW_FAMILY_TIMESTAMPTZ] = to_moment, [DW_FAMILY_TEXT] = moment_to_text

static const dw_convert_fn rules[DW_FAMILY_COUNT][DW_FAMILY_COUNT] = {
    [DW_FAMILY_BOOL] = {[DW_FAMILY_BOOL] = as_is, [DW_FAMILY_TEXT] = to_text},
    [DW_FAMILY_INTEGER] = {NUMBER_ROW},
    [DW_FAMILY_NUMERIC] = {NUMBER_ROW},
    [DW_FAMILY_FLOAT] = {NUMBER_ROW},
    [DW_FAMILY_MONEY] = {[DW_FAMILY_INTEGER] = to_integer,
                         [DW_FAMILY_NUMERIC] = to_numeric,
                         [DW_FAMILY_FLOAT] = to_float,
                         [DW_FAMILY_MONEY] = as_is,
                         [DW_FAMILY_TEXT] = to_text},
    [DW_FAMILY_TEXT] =
        {NUMBER_ROW, [DW_FAMILY_BOOL] = to_bool, [DW_FAMILY_UUID] = to_uuid,
         [DW_FAMILY_DATE] = to_moment, [DW_FAMILY_TIME] = to_moment, [DW_FAMILY_TIMETZ] = to_moment,
         [DW_FAMILY_TIMESTAMP] = to_moment, [DW_FAMILY_TIMESTAMPTZ] = to_moment,
         [DW_FAMILY_INTERVAL] = to_interval, [DW_FAMILY_JSON] = by_server,
         [DW_FAMILY_BITS] = to_bits, [DW_FAMILY_ARRAY] = by_server, [DW_FAMILY_OTHER] = by_server},
    [DW_FAMILY_BYTES] = {[DW_FAMILY_BYTES] = as_is},
    [DW_FAMILY_UUID] = {[DW_FAMILY_UUID] = to_uuid, [DW_FAMILY_TEXT] = to_text},
    [DW_FAMILY_DATE] = {DAY_ROW},
    [DW_FAMILY_TIME] = {[DW_FAMILY_TIME] = to_moment, [DW_FAMILY_TEXT] = moment_to_text},
    [DW_FAMILY_TIMETZ] = {[DW_FAMILY_TIMETZ] = to_moment, [DW_FAMILY_TEXT] = moment_to_text},
    [DW_FAMILY_TIMESTAMP] = {DAY_ROW},
    [DW_FAMILY_TIMESTAMPTZ] = {DAY_ROW},
    [DW_FAMILY_INTERVAL] = {[DW_FAMILY_INTERVAL] = as_is, [DW_FAMILY_TEXT] = to_text},
    [DW_FAMILY_JSON] = {[DW_FAMILY_JSON] = as_is, [DW_FAMILY_TEXT] = to_text},
    [DW_FAMILY_BITS] = {[DW_FAMILY_BITS] = to_bits, [DW_FAMILY_TEXT] = to_text},
    [DW_FAMILY_ARRAY] = {[DW_FAMILY_ARRAY] = as_is, [DW_FAMILY_TEXT] = to_text},
    [DW_FAMILY_OTHER] = {[DW_FAMILY_TEXT] = to_text,
                         [DW_FAMILY_JSON] = by_server,
                         [DW_FAMILY_ARRAY] = by_server,
                         [DW_FAMILY_OTHER] = by_server},
};

dw_convert_fn dw_convert_rules_find(enum dw_family source, enum dw_family target)
{
    return rules[source][target];
}

bool dw_convert_rules_is_servers(dw_convert_fn rule)
{
    return rule == by_server;
}
