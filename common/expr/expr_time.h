/* expr_time.h - dates and times as numbers, with PostgreSQL's ranges: days and microseconds since
 * 2000-01-01, proleptic Gregorian calendar, times in UTC.
 *
 * Infinity is INT64_MAX, -infinity INT64_MIN, for dates and moments. Threads: pure functions.
 */
#ifndef DW_EXPR_EXPR_TIME_H
#define DW_EXPR_EXPR_TIME_H
#include "common/base/arena.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

#define DW_EXPR_TIME_DAY_US     86400000000LL
#define DW_EXPR_TIME_INFINITY   INT64_MAX
#define DW_EXPR_TIME_BEFORE_ALL INT64_MIN

/* STRICT: what expressions write (2024-01-31, 12:34:56.5, 2024-01-31T12:34:56Z). PRINTED: what
 * PostgreSQL prints (2024-01-31 12:34:56+00, 0044-03-15 BC, infinity). */
enum dw_expr_time_form { DW_EXPR_TIME_STRICT, DW_EXPR_TIME_PRINTED };

enum dw_expr_time_rc {
    DW_EXPR_TIME_OK,
    DW_EXPR_TIME_NO_SHAPE,     /* the text does not look like one */
    DW_EXPR_TIME_OUT_OF_RANGE, /* it does, but there is no such day or time */
};

enum dw_expr_time_rc dw_expr_time_parse_date(struct dw_str text, enum dw_expr_time_form form,
                                             int64_t *out_days);
/* Without a zone; 24:00:00 only where printed. */
enum dw_expr_time_rc dw_expr_time_parse_time(struct dw_str text, enum dw_expr_time_form form,
                                             int64_t *out_us);
/* STRICT: the zone must be there, Z or ±hh:mm up to 14:59. PRINTED: no zone means UTC. */
enum dw_expr_time_rc dw_expr_time_parse_moment(struct dw_str text, enum dw_expr_time_form form,
                                               int64_t *out_us);
/* [-]P[nD][T[nH][nM][n[.n]S]], as OData writes a duration. */
enum dw_expr_time_rc dw_expr_time_parse_duration(struct dw_str text, int64_t *out_us);

/* As PostgreSQL prints date, time, timestamptz (in UTC). */
struct dw_str dw_expr_time_format_date(int64_t days, struct dw_arena *arena);
struct dw_str dw_expr_time_format_time(int64_t us, struct dw_arena *arena);
struct dw_str dw_expr_time_format_moment(int64_t us, struct dw_arena *arena);

static inline bool dw_expr_time_is_finite(int64_t value)
{
    return value != DW_EXPR_TIME_INFINITY && value != DW_EXPR_TIME_BEFORE_ALL;
}

/* Days before the moment's day began; the rest of the day in *out_us. Finite ones only. */
int64_t dw_expr_time_split(int64_t moment_us, int64_t *out_us);

/* False when the sum is out of range; infinity stays. */
bool dw_expr_time_add_days(int64_t days, int64_t more_days, int64_t *out_days);
bool dw_expr_time_add_us(int64_t moment_us, int64_t more_us, int64_t *out_us);
/* Midnight UTC; false when timestamptz has no such day; infinity stays. */
bool dw_expr_time_from_date(int64_t days, int64_t *out_us);

struct dw_expr_time_day {
    int64_t year; /* 1 BC is -1, as PostgreSQL's extract() says */
    int month, day;
};
/* Finite ones only. */
struct dw_expr_time_day dw_expr_time_day_of(int64_t days);

#endif
