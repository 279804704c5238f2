/* expr_number.c - arithmetic of expr_number.h, after the rules of PostgreSQL's numeric.c:
 *   add, sub   scale: the greater one
 *   mul        scale: the sum (rounded to 16383)
 *   div        at least 16 significant digits and both scales, at most 1000 (division_scale)
 *   mod        a - trunc(a / b) * b
 * Infinity and NaN as there: Infinity - Infinity, 0 * Infinity, Infinity / Infinity are NaN; a
 * finite number over Infinity is 0; NaN over 0 is NaN, Infinity over 0 fails.
 */
#include "common/expr/expr_number.h"

#include "common/expr/expr_number_raw.h"
#include <string.h>

#define BASE               10000
#define SIGNIFICANT_MIN    16 /* NUMERIC_MIN_SIG_DIGITS */
#define DIVISION_SCALE_MAX 1000
#define GROUP_DIGITS       4

static const struct dw_expr_number nan_number = {.kind = DW_EXPR_NUMBER_NAN};
static const struct dw_expr_number zero_number = {.kind = DW_EXPR_NUMBER_FINITE};

static int32_t greater(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static struct dw_expr_number infinite(bool negative)
{
    return (struct dw_expr_number){.kind = DW_EXPR_NUMBER_INFINITE, .negative = negative};
}

enum dw_expr_number_rc dw_expr_number_strip(struct dw_expr_number *number)
{
    while (number->count && number->digits[0] == 0) {
        number->digits++;
        number->count--;
        number->weight--;
    }
    while (number->count && number->digits[number->count - 1] == 0)
        number->count--;
    if (number->count == 0 && number->kind == DW_EXPR_NUMBER_FINITE) {
        number->weight = 0;
        number->negative = false;
    }
    if (number->weight > DW_EXPR_NUMBER_WEIGHT_MAX || number->scale > DW_EXPR_NUMBER_SCALE_MAX)
        return DW_EXPR_NUMBER_OVERFLOW;
    return DW_EXPR_NUMBER_OK;
}

static int16_t group_at(const struct dw_expr_number *number, int32_t weight)
{
    int32_t at = number->weight - weight;
    return at >= 0 && at < number->count ? number->digits[at] : 0;
}

/* Of the numbers without their signs. */
static int compare_magnitude(const struct dw_expr_number *a, const struct dw_expr_number *b)
{
    if (!a->count || !b->count)
        return (a->count > 0) - (b->count > 0);
    if (a->weight != b->weight)
        return a->weight < b->weight ? -1 : 1;
    int32_t count = greater(a->count, b->count);
    for (int32_t i = 0; i < count; i++) {
        int left = i < a->count ? a->digits[i] : 0;
        int right = i < b->count ? b->digits[i] : 0;
        if (left != right)
            return left < right ? -1 : 1;
    }
    return 0;
}

/* Order of the kinds: -Infinity, finite, Infinity, NaN. */
static int rank(const struct dw_expr_number *number)
{
    if (number->kind == DW_EXPR_NUMBER_FINITE)
        return 0;
    if (number->kind == DW_EXPR_NUMBER_NAN)
        return 2;
    return number->negative ? -1 : 1;
}

int dw_expr_number_compare(const struct dw_expr_number *a, const struct dw_expr_number *b)
{
    int left = rank(a);
    int right = rank(b);
    if (left || right)
        return (left > right) - (left < right);
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    return a->negative ? compare_magnitude(b, a) : compare_magnitude(a, b);
}

/* ---- add, subtract ---- */

/* |a| + |b|, or |a| - |b| where |a| >= |b|. */
static struct dw_expr_number combine(const struct dw_expr_number *a, const struct dw_expr_number *b,
                                     int sign, struct dw_arena *arena)
{
    int32_t top = greater(a->weight, b->weight) + 1; /* a place for the carry */
    int32_t low_a = a->weight - a->count + 1;
    int32_t low_b = b->weight - b->count + 1;
    int32_t low = low_a < low_b ? low_a : low_b;
    int32_t count = top - low + 1;
    int16_t *digits = dw_arena_alloc(arena, (size_t)count * sizeof *digits);
    int carry = 0;
    for (int32_t weight = low; weight <= top; weight++) {
        int digit = group_at(a, weight) + sign * group_at(b, weight) + carry;
        carry = digit < 0 ? -1 : digit >= BASE;
        digits[top - weight] = (int16_t)(digit - carry * BASE);
    }
    return (struct dw_expr_number){
        .weight = top, .scale = greater(a->scale, b->scale), .count = count, .digits = digits};
}

static enum dw_expr_number_rc add_signed(const struct dw_expr_number *a,
                                         const struct dw_expr_number *b, bool b_negative,
                                         struct dw_arena *arena, struct dw_expr_number *out)
{
    if (a->kind == DW_EXPR_NUMBER_NAN || b->kind == DW_EXPR_NUMBER_NAN) {
        *out = nan_number;
    } else if (a->kind == DW_EXPR_NUMBER_INFINITE) {
        bool opposite = b->kind == DW_EXPR_NUMBER_INFINITE && a->negative != b_negative;
        *out = opposite ? nan_number : *a;
    } else if (b->kind == DW_EXPR_NUMBER_INFINITE) {
        *out = infinite(b_negative);
    } else if (a->negative == b_negative) {
        *out = combine(a, b, 1, arena);
        out->negative = a->negative;
    } else if (compare_magnitude(a, b) >= 0) {
        *out = combine(a, b, -1, arena);
        out->negative = a->negative;
    } else {
        *out = combine(b, a, -1, arena);
        out->negative = b_negative;
    }
    return dw_expr_number_strip(out);
}

enum dw_expr_number_rc dw_expr_number_add(const struct dw_expr_number *a,
                                          const struct dw_expr_number *b, struct dw_arena *arena,
                                          struct dw_expr_number *out)
{
    return add_signed(a, b, b->negative, arena, out);
}

enum dw_expr_number_rc dw_expr_number_sub(const struct dw_expr_number *a,
                                          const struct dw_expr_number *b, struct dw_arena *arena,
                                          struct dw_expr_number *out)
{
    return add_signed(a, b, !b->negative, arena, out);
}

struct dw_expr_number dw_expr_number_negate(const struct dw_expr_number *number)
{
    struct dw_expr_number negated = *number;
    if (number->kind == DW_EXPR_NUMBER_INFINITE || number->count)
        negated.negative = !number->negative;
    return negated;
}

/* ---- round ---- */

/* Adds one in the last of digits[1..count]; digits[0] takes the carry. */
static void carry_one(int16_t *digits, int32_t count)
{
    while (++digits[count] >= BASE)
        digits[count--] = 0;
}

/* Cuts to `scale` digits behind the point; `half_up` looks at the first digit that is cut. */
static enum dw_expr_number_rc cut(const struct dw_expr_number *number, int32_t scale, bool half_up,
                                  struct dw_arena *arena, struct dw_expr_number *out)
{
    static const int powers[] = {BASE, 1000, 100, 10}; /* what the kept digits of a group count */
    int64_t kept = ((int64_t)number->weight + 1) * GROUP_DIGITS + scale;
    *out = *number;
    out->scale = scale;
    if (number->count == 0 || kept >= (int64_t)number->count * GROUP_DIGITS)
        return dw_expr_number_strip(out);
    if (kept < 0) {
        out->count = 0;
        return dw_expr_number_strip(out);
    }
    int32_t groups = (int32_t)((kept + GROUP_DIGITS - 1) / GROUP_DIGITS);
    int unit = powers[kept % GROUP_DIGITS];
    int16_t *digits = dw_arena_alloc(arena, ((size_t)groups + 1) * sizeof *digits);
    digits[0] = 0;
    memcpy(digits + 1, number->digits, (size_t)groups * sizeof *digits);
    bool up;
    if (unit == BASE) {
        up = number->digits[groups] >= BASE / 2;
        unit = 1;
    } else {
        int rest = digits[groups] % unit;
        up = rest >= unit / 2;
        digits[groups] = (int16_t)(digits[groups] - rest);
    }
    if (half_up && up) {
        digits[groups] = (int16_t)(digits[groups] + unit - 1);
        carry_one(digits, groups);
    }
    out->digits = digits;
    out->count = groups + 1;
    out->weight = number->weight + 1;
    return dw_expr_number_strip(out);
}

enum dw_expr_number_rc dw_expr_number_round(const struct dw_expr_number *number, int32_t scale,
                                            struct dw_arena *arena, struct dw_expr_number *out)
{
    if (number->kind == DW_EXPR_NUMBER_FINITE)
        return cut(number, scale, true, arena, out);
    *out = *number;
    return DW_EXPR_NUMBER_OK;
}

/* Truncates, and steps away from zero where something was cut and the sign wants it. */
static enum dw_expr_number_rc step(const struct dw_expr_number *number, bool away_when_negative,
                                   struct dw_arena *arena, struct dw_expr_number *out)
{
    if (number->kind != DW_EXPR_NUMBER_FINITE) {
        *out = *number;
        return DW_EXPR_NUMBER_OK;
    }
    struct dw_expr_number whole;
    enum dw_expr_number_rc rc = cut(number, 0, false, arena, &whole);
    if (rc != DW_EXPR_NUMBER_OK || number->negative != away_when_negative ||
        compare_magnitude(number, &whole) == 0) {
        *out = whole;
        return rc;
    }
    struct dw_expr_number one = dw_expr_number_from_int(number->negative ? -1 : 1, arena);
    return dw_expr_number_add(&whole, &one, arena, out);
}

enum dw_expr_number_rc dw_expr_number_floor(const struct dw_expr_number *number,
                                            struct dw_arena *arena, struct dw_expr_number *out)
{
    return step(number, true, arena, out);
}

enum dw_expr_number_rc dw_expr_number_ceiling(const struct dw_expr_number *number,
                                              struct dw_arena *arena, struct dw_expr_number *out)
{
    return step(number, false, arena, out);
}

/* ---- multiply ---- */

static struct dw_expr_number multiply(const struct dw_expr_number *a,
                                      const struct dw_expr_number *b, struct dw_arena *arena)
{
    int32_t count = a->count + b->count;
    int16_t *digits = dw_arena_calloc(arena, (size_t)count + 1, sizeof *digits);
    for (int32_t i = a->count - 1; i >= 0; i--) {
        int carry = 0;
        for (int32_t j = b->count - 1; j >= 0; j--) {
            int sum = digits[i + j + 1] + a->digits[i] * b->digits[j] + carry;
            carry = sum / BASE;
            digits[i + j + 1] = (int16_t)(sum % BASE);
        }
        digits[i] = (int16_t)carry;
    }
    return (struct dw_expr_number){.negative = a->negative != b->negative,
                                   .weight = a->weight + b->weight + 1,
                                   .scale = a->scale + b->scale,
                                   .count = count,
                                   .digits = digits};
}

enum dw_expr_number_rc dw_expr_number_mul(const struct dw_expr_number *a,
                                          const struct dw_expr_number *b, struct dw_arena *arena,
                                          struct dw_expr_number *out)
{
    bool finite = a->kind == DW_EXPR_NUMBER_FINITE && b->kind == DW_EXPR_NUMBER_FINITE;
    if (finite) {
        *out = multiply(a, b, arena);
        if (out->scale <= DW_EXPR_NUMBER_SCALE_MAX)
            return dw_expr_number_strip(out);
        struct dw_expr_number whole = *out;
        return cut(&whole, DW_EXPR_NUMBER_SCALE_MAX, true, arena, out);
    }
    bool nan = a->kind == DW_EXPR_NUMBER_NAN || b->kind == DW_EXPR_NUMBER_NAN;
    bool zero = (a->kind == DW_EXPR_NUMBER_FINITE && !a->count) ||
                (b->kind == DW_EXPR_NUMBER_FINITE && !b->count);
    *out = nan || zero ? nan_number : infinite(a->negative != b->negative);
    return DW_EXPR_NUMBER_OK;
}

/* ---- divide ---- */

/* One group of the quotient (Knuth, algorithm D): `window` has one group more than the divisor. */
static int quotient_group(int32_t *window, const int32_t *divisor, int32_t count)
{
    int64_t head = (int64_t)window[0] * BASE + window[1];
    int64_t guess = head / divisor[0];
    if (guess >= BASE)
        guess = BASE - 1;
    int64_t borrow = 0;
    for (int32_t i = count - 1; i >= 0; i--) {
        int64_t left = window[i + 1] - guess * divisor[i] + borrow;
        borrow = left >= 0 ? left / BASE : -((-left + BASE - 1) / BASE);
        window[i + 1] = (int32_t)(left - borrow * BASE);
    }
    window[0] = (int32_t)(window[0] + borrow);
    while (window[0] < 0) { /* guessed too high, twice at most */
        guess--;
        int32_t carry = 0;
        for (int32_t i = count - 1; i >= 0; i--) {
            int32_t sum = window[i + 1] + divisor[i] + carry;
            carry = sum >= BASE;
            window[i + 1] = sum - carry * BASE;
        }
        window[0] += carry;
    }
    return (int)guess;
}

/* Multiplies by `factor` in base 10000 into `to`, whose first place takes the carry. */
static void scale_up(const int16_t *from, int32_t count, int32_t factor, int32_t *to)
{
    int32_t carry = 0;
    for (int32_t i = count - 1; i >= 0; i--) {
        int32_t product = from[i] * factor + carry;
        carry = product / BASE;
        to[i + 1] = product % BASE;
    }
    to[0] = carry;
}

/* a / b with `scale` digits behind the point, rounded half away from zero or truncated. */
static enum dw_expr_number_rc divide(const struct dw_expr_number *a, const struct dw_expr_number *b,
                                     int32_t scale, bool half_up, struct dw_arena *arena,
                                     struct dw_expr_number *out)
{
    int32_t weight = a->weight - b->weight;
    int32_t count = weight + 1 + (scale + GROUP_DIGITS - 1) / GROUP_DIGITS;
    count = greater(count, 1) + 1; /* one more, to round by */
    int32_t room = greater(count + b->count, a->count) + 2;
    int32_t *rest = dw_arena_calloc(arena, (size_t)room, sizeof *rest);
    int32_t *divisor = dw_arena_calloc(arena, (size_t)b->count + 1, sizeof *divisor);
    int16_t *digits = dw_arena_alloc(arena, (size_t)count * sizeof *digits);
    int32_t factor = BASE / (b->digits[0] + 1); /* makes the divisor's first group large */
    scale_up(a->digits, a->count, factor, rest);
    scale_up(b->digits, b->count, factor, divisor);
    for (int32_t i = 0; i < count; i++)
        digits[i] = (int16_t)quotient_group(rest + i, divisor + 1, b->count);
    struct dw_expr_number quotient = {.negative = a->negative != b->negative,
                                      .weight = weight,
                                      .scale = scale,
                                      .count = count,
                                      .digits = digits};
    return cut(&quotient, scale, half_up, arena, out);
}

/* PostgreSQL's select_div_scale: 16 significant digits by an estimate of the quotient's weight. */
static int32_t division_scale(const struct dw_expr_number *a, const struct dw_expr_number *b)
{
    int first_a = a->count ? a->digits[0] : 0;
    int32_t weight = (a->count ? a->weight : 0) - b->weight;
    if (first_a <= b->digits[0])
        weight--;
    int32_t scale = SIGNIFICANT_MIN - weight * GROUP_DIGITS;
    scale = greater(greater(scale, a->scale), greater(b->scale, 0));
    return scale < DIVISION_SCALE_MAX ? scale : DIVISION_SCALE_MAX;
}

static bool is_zero(const struct dw_expr_number *number)
{
    return number->kind == DW_EXPR_NUMBER_FINITE && number->count == 0;
}

enum dw_expr_number_rc dw_expr_number_div(const struct dw_expr_number *a,
                                          const struct dw_expr_number *b, struct dw_arena *arena,
                                          struct dw_expr_number *out)
{
    if (a->kind == DW_EXPR_NUMBER_NAN || b->kind == DW_EXPR_NUMBER_NAN) {
        *out = nan_number;
        return DW_EXPR_NUMBER_OK;
    }
    if (is_zero(b))
        return DW_EXPR_NUMBER_DIVISION_BY_ZERO;
    if (a->kind == DW_EXPR_NUMBER_INFINITE) {
        bool both = b->kind == DW_EXPR_NUMBER_INFINITE;
        *out = both ? nan_number : infinite(a->negative != b->negative);
        return DW_EXPR_NUMBER_OK;
    }
    if (b->kind == DW_EXPR_NUMBER_INFINITE) {
        *out = zero_number;
        return DW_EXPR_NUMBER_OK;
    }
    int32_t scale = division_scale(a, b);
    if (a->count)
        return divide(a, b, scale, true, arena, out);
    *out = zero_number;
    out->scale = scale;
    return DW_EXPR_NUMBER_OK;
}

enum dw_expr_number_rc dw_expr_number_mod(const struct dw_expr_number *a,
                                          const struct dw_expr_number *b, struct dw_arena *arena,
                                          struct dw_expr_number *out)
{
    if (a->kind == DW_EXPR_NUMBER_NAN || b->kind == DW_EXPR_NUMBER_NAN) {
        *out = nan_number;
        return DW_EXPR_NUMBER_OK;
    }
    if (is_zero(b))
        return DW_EXPR_NUMBER_DIVISION_BY_ZERO;
    if (a->kind == DW_EXPR_NUMBER_INFINITE || b->kind == DW_EXPR_NUMBER_INFINITE) {
        *out = a->kind == DW_EXPR_NUMBER_INFINITE ? nan_number : *a;
        return DW_EXPR_NUMBER_OK;
    }
    struct dw_expr_number whole = zero_number;
    enum dw_expr_number_rc rc = DW_EXPR_NUMBER_OK;
    if (a->count)
        rc = divide(a, b, 0, false, arena, &whole);
    if (rc != DW_EXPR_NUMBER_OK)
        return rc;
    struct dw_expr_number product = zero_number;
    if (whole.count)
        product = multiply(&whole, b, arena);
    product.scale = b->scale;
    rc = dw_expr_number_strip(&product);
    return rc == DW_EXPR_NUMBER_OK ? dw_expr_number_sub(a, &product, arena, out) : rc;
}
