/* expr_number.h - exact decimals that compute as PostgreSQL's numeric does: the same digits, the
 * same scale, the same NaN and Infinity, the same overflow.
 *
 * Base 10000 with aligned groups, like numeric itself, because the scale that a division chooses
 * depends on these groups. Numbers are immutable; digits live in the arena of the call or in the
 * arena of an operand. Threads: pure functions.
 */
#ifndef DW_EXPR_EXPR_NUMBER_H
#define DW_EXPR_EXPR_NUMBER_H
#include "common/base/arena.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

enum dw_expr_number_kind {
    DW_EXPR_NUMBER_FINITE,
    DW_EXPR_NUMBER_NAN,
    DW_EXPR_NUMBER_INFINITE,
};

struct dw_expr_number {
    enum dw_expr_number_kind kind;
    bool negative;         /* never of zero */
    int32_t weight;        /* digits[0] counts 10000^weight */
    int32_t scale;         /* digits shown behind the point */
    int32_t count;         /* of digits; 0: zero. No zero at either end */
    const int16_t *digits; /* 0 to 9999 */
};

enum dw_expr_number_rc {
    DW_EXPR_NUMBER_OK,
    DW_EXPR_NUMBER_DIVISION_BY_ZERO,
    DW_EXPR_NUMBER_OVERFLOW,
    DW_EXPR_NUMBER_NOT_A_NUMBER, /* the text is none; NaN or Infinity has no integer */
};

/* [+-]digits[.digits][e[+-]digits], NaN, [-]Infinity. */
enum dw_expr_number_rc dw_expr_number_parse(struct dw_str text, struct dw_arena *arena,
                                            struct dw_expr_number *out);
/* As numeric's output: "12.50", "NaN", "-Infinity". */
struct dw_str dw_expr_number_format(const struct dw_expr_number *number, struct dw_arena *arena);

struct dw_expr_number dw_expr_number_from_int(int64_t value, struct dw_arena *arena);
/* Rounds half away from zero. */
enum dw_expr_number_rc dw_expr_number_to_int(const struct dw_expr_number *number,
                                             struct dw_arena *arena, int64_t *out);
/* `value` / 10^6, with a scale of 6. */
struct dw_expr_number dw_expr_number_from_micros(int64_t value, struct dw_arena *arena);

/* -1, 0, 1. NaN equals NaN and is greater than all else. */
int dw_expr_number_compare(const struct dw_expr_number *a, const struct dw_expr_number *b);

typedef enum dw_expr_number_rc (*dw_expr_number_fn)(const struct dw_expr_number *a,
                                                    const struct dw_expr_number *b,
                                                    struct dw_arena *arena,
                                                    struct dw_expr_number *out);
enum dw_expr_number_rc dw_expr_number_add(const struct dw_expr_number *a,
                                          const struct dw_expr_number *b, struct dw_arena *arena,
                                          struct dw_expr_number *out);
enum dw_expr_number_rc dw_expr_number_sub(const struct dw_expr_number *a,
                                          const struct dw_expr_number *b, struct dw_arena *arena,
                                          struct dw_expr_number *out);
enum dw_expr_number_rc dw_expr_number_mul(const struct dw_expr_number *a,
                                          const struct dw_expr_number *b, struct dw_arena *arena,
                                          struct dw_expr_number *out);
enum dw_expr_number_rc dw_expr_number_div(const struct dw_expr_number *a,
                                          const struct dw_expr_number *b, struct dw_arena *arena,
                                          struct dw_expr_number *out);
/* The remainder of the division truncated towards zero. */
enum dw_expr_number_rc dw_expr_number_mod(const struct dw_expr_number *a,
                                          const struct dw_expr_number *b, struct dw_arena *arena,
                                          struct dw_expr_number *out);

struct dw_expr_number dw_expr_number_negate(const struct dw_expr_number *number);
/* Half away from zero, `scale` digits behind the point. */
enum dw_expr_number_rc dw_expr_number_round(const struct dw_expr_number *number, int32_t scale,
                                            struct dw_arena *arena, struct dw_expr_number *out);
enum dw_expr_number_rc dw_expr_number_floor(const struct dw_expr_number *number,
                                            struct dw_arena *arena, struct dw_expr_number *out);
enum dw_expr_number_rc dw_expr_number_ceiling(const struct dw_expr_number *number,
                                              struct dw_arena *arena, struct dw_expr_number *out);

#endif
