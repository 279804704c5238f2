/* decimal.h - looking at a decimal number's text without making a double of it.
 *
 * Takes what PostgreSQL prints and JSON allows: [+-]digits[.digits][e[+-]digits], blanks around it,
 * NaN, Infinity, inf (any case). Threads: pure functions.
 */
#ifndef DW_TRANSFORM_DECIMAL_H
#define DW_TRANSFORM_DECIMAL_H
#include "common/base/arena.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

enum dw_decimal_kind { DW_DECIMAL_FINITE, DW_DECIMAL_NAN, DW_DECIMAL_INFINITE };

/* 0.DIGITS * 10^point, without zeros at either end of DIGITS; zero has no digits. */
struct dw_decimal {
    enum dw_decimal_kind kind;
    bool negative;
    bool plain;         /* no exponent, no blanks, no plus sign */
    struct dw_str span; /* from the first to the last significant digit; may hold the '.' */
    size_t digits;      /* significant ones */
    int64_t point;      /* digits before the decimal point; <= 0 for 0.0… */
};

/* False when `text` is no number. Slices point into `text`. */
bool dw_decimal_parse(struct dw_str text, struct dw_decimal *out);

/* Digits needed behind the point; negative when the number ends in zeros before it. */
static inline int64_t dw_decimal_scale(const struct dw_decimal *number)
{
    return number->digits ? (int64_t)number->digits - number->point : 0;
}

/* False when it has a fraction or is outside [-max - 1, max]. */
bool dw_decimal_to_i64(const struct dw_decimal *number, int64_t *out);

/* Same number, however written? Infinities and NaN equal themselves. */
bool dw_decimal_equal(const struct dw_decimal *a, const struct dw_decimal *b);

/* One text per number: "0", "-12.5", "NaN", and "0.DIGITSeN" beyond 40 places. In `arena`. */
struct dw_str dw_decimal_normalise(const struct dw_decimal *number, struct dw_arena *arena);

#endif
