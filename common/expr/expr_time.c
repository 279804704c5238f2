/* expr_time.c - see expr_time.h. */
#include "common/expr/expr_time.h"

#include <stdio.h>

#define EPOCH_DAYS        10957 /* from 1970-01-01 to 2000-01-01 */
#define SECOND_US         1000000LL
#define MINUTE_US         (60 * SECOND_US)
#define HOUR_US           (60 * MINUTE_US)
#define DATE_FIRST        (-2451545LL) /* Julian day 0 */
#define DATE_BEHIND       2145031949LL /* 5874898-06-03 */
#define MOMENT_FIRST      (-211813488000000000LL)
#define MOMENT_BEHIND     9223371331200000000LL /* 294277-01-01 */
#define YEAR_DIGITS_MAX   7
#define DURATION_DAYS_MAX 10000000LL
#define ZONE_HOURS_MAX    14 /* XML Schema's limit; PostgreSQL's is 15 */

struct cursor {
    const char *at;
    const char *end;
};

static bool is_digit(const struct cursor *cursor)
{
    return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

static bool take(struct cursor *cursor, char c)
{
    if (cursor->at >= cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

/* As many digits as there are; false unless their count is in [least, most]. */
static bool take_number(struct cursor *cursor, int least, int most, int64_t *out)
{
    int64_t value = 0;
    int count = 0;
    for (; is_digit(cursor); cursor->at++, count++)
        if (count < most)
            value = value * 10 + (*cursor->at - '0');
    *out = value;
    return count >= least && count <= most;
}

/* ---- the calendar ---- */

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_length(int64_t year, int64_t month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 2000-01-01 of an astronomical year's day (year 0 is 1 BC): eras of 400 years that
 * begin in March. */
static int64_t days_from(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468 - EPOCH_DAYS;
}

/* The astronomical year is in `year`. */
static struct dw_expr_time_day civil_from(int64_t days)
{
    days += 719468 + EPOCH_DAYS;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int month = (int)(shifted + (shifted < 10 ? 3 : -9));
    return (struct dw_expr_time_day){.year = year_of_era + era * 400 + (month <= 2),
                                     .month = month,
                                     .day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

struct dw_expr_time_day dw_expr_time_day_of(int64_t days)
{
    struct dw_expr_time_day day = civil_from(days);
    if (day.year <= 0)
        day.year--;
    return day;
}

int64_t dw_expr_time_split(int64_t moment_us, int64_t *out_us)
{
    int64_t days = moment_us / DW_EXPR_TIME_DAY_US;
    int64_t rest = moment_us % DW_EXPR_TIME_DAY_US;
    if (rest < 0) {
        rest += DW_EXPR_TIME_DAY_US;
        days--;
    }
    *out_us = rest;
    return days;
}

static bool is_date(int64_t days)
{
    return days >= DATE_FIRST && days < DATE_BEHIND;
}

static bool is_moment(int64_t us)
{
    return us >= MOMENT_FIRST && us < MOMENT_BEHIND;
}

bool dw_expr_time_add_days(int64_t days, int64_t more_days, int64_t *out_days)
{
    *out_days = days;
    if (!dw_expr_time_is_finite(days))
        return true;
    return !__builtin_add_overflow(days, more_days, out_days) && is_date(*out_days);
}

bool dw_expr_time_add_us(int64_t moment_us, int64_t more_us, int64_t *out_us)
{
    *out_us = moment_us;
    if (!dw_expr_time_is_finite(moment_us))
        return true;
    return !__builtin_add_overflow(moment_us, more_us, out_us) && is_moment(*out_us);
}

bool dw_expr_time_from_date(int64_t days, int64_t *out_us)
{
    *out_us = days;
    if (!dw_expr_time_is_finite(days))
        return true;
    return !__builtin_mul_overflow(days, DW_EXPR_TIME_DAY_US, out_us) && is_moment(*out_us);
}

/* ---- from text ---- */

struct year_month_day {
    int64_t year, month, day;
};

static bool take_date(struct cursor *cursor, enum dw_expr_time_form form,
                      struct year_month_day *out)
{
    int most = form == DW_EXPR_TIME_STRICT ? 4 : YEAR_DIGITS_MAX;
    return take_number(cursor, 4, most, &out->year) && take(cursor, '-') &&
           take_number(cursor, 2, 2, &out->month) && take(cursor, '-') &&
           take_number(cursor, 2, 2, &out->day);
}

/* False when there is no such day. */
static bool count_days(const struct year_month_day *date, bool before_christ, int64_t *out)
{
    if (date->year < 1 || date->month < 1 || date->month > 12 || date->day < 1)
        return false;
    int64_t year = before_christ ? 1 - date->year : date->year;
    if (date->day > month_length(year, date->month))
        return false;
    *out = days_from(year, date->month, date->day);
    return true;
}

static bool take_fraction(struct cursor *cursor, int64_t *out_us)
{
    int64_t unit = SECOND_US / 10;
    const char *from = cursor->at;
    for (*out_us = 0; is_digit(cursor); cursor->at++, unit /= 10)
        *out_us += unit * (*cursor->at - '0');
    return cursor->at > from && cursor->at - from <= 6;
}

/* hh:mm[:ss[.f]]: NO_SHAPE also where a part is too large, as in the patterns for SQL. */
static bool take_time(struct cursor *cursor, enum dw_expr_time_form form, bool need_seconds,
                      int64_t *out_us)
{
    int64_t hour;
    int64_t minute;
    int64_t second = 0;
    int64_t fraction = 0;
    if (!take_number(cursor, 2, 2, &hour) || !take(cursor, ':') ||
        !take_number(cursor, 2, 2, &minute))
        return false;
    if (take(cursor, ':')) {
        if (!take_number(cursor, 2, 2, &second) ||
            (take(cursor, '.') && !take_fraction(cursor, &fraction)))
            return false;
    } else if (need_seconds) {
        return false;
    }
    *out_us = hour * HOUR_US + minute * MINUTE_US + second * SECOND_US + fraction;
    if (form == DW_EXPR_TIME_PRINTED && *out_us == DW_EXPR_TIME_DAY_US)
        return true;
    return hour < 24 && minute < 60 && second < 60;
}

/* Z, ±hh:mm, or as printed ±hh[:mm[:ss]] or nothing; what is to be subtracted from local time. */
static bool take_zone(struct cursor *cursor, enum dw_expr_time_form form, int64_t *out_us)
{
    int64_t parts[3] = {0, 0, 0};
    *out_us = 0;
    if (take(cursor, 'Z'))
        return true;
    bool west = cursor->at < cursor->end && *cursor->at == '-';
    if (!west && (cursor->at >= cursor->end || *cursor->at != '+'))
        return form == DW_EXPR_TIME_PRINTED;
    cursor->at++;
    if (!take_number(cursor, 2, 2, &parts[0]))
        return false;
    int count = 1;
    while (count < 3 && take(cursor, ':'))
        if (!take_number(cursor, 2, 2, &parts[count++]))
            return false;
    if (form == DW_EXPR_TIME_STRICT && (count != 2 || parts[0] > ZONE_HOURS_MAX || parts[1] > 59))
        return false;
    int64_t offset = parts[0] * HOUR_US + parts[1] * MINUTE_US + parts[2] * SECOND_US;
    *out_us = west ? -offset : offset;
    return true;
}

static bool take_era(struct cursor *cursor, enum dw_expr_time_form form)
{
    bool before = form == DW_EXPR_TIME_PRINTED && cursor->end - cursor->at == 3 &&
                  memcmp(cursor->at, " BC", 3) == 0;
    if (before)
        cursor->at += 3;
    return before;
}

static bool is_infinity(struct dw_str text, enum dw_expr_time_form form, int64_t *out)
{
    if (form != DW_EXPR_TIME_PRINTED)
        return false;
    *out = dw_str_is(text, "infinity") ? DW_EXPR_TIME_INFINITY : DW_EXPR_TIME_BEFORE_ALL;
    return *out == DW_EXPR_TIME_INFINITY || dw_str_is(text, "-infinity");
}

enum dw_expr_time_rc dw_expr_time_parse_date(struct dw_str text, enum dw_expr_time_form form,
                                             int64_t *out_days)
{
    struct cursor cursor = {text.ptr, text.ptr + text.len};
    struct year_month_day date;
    int64_t days;
    if (is_infinity(text, form, out_days))
        return DW_EXPR_TIME_OK;
    if (!take_date(&cursor, form, &date))
        return DW_EXPR_TIME_NO_SHAPE;
    bool before = take_era(&cursor, form);
    if (cursor.at != cursor.end)
        return DW_EXPR_TIME_NO_SHAPE;
    if (!count_days(&date, before, &days) || !is_date(days))
        return DW_EXPR_TIME_OUT_OF_RANGE;
    *out_days = days;
    return DW_EXPR_TIME_OK;
}

enum dw_expr_time_rc dw_expr_time_parse_time(struct dw_str text, enum dw_expr_time_form form,
                                             int64_t *out_us)
{
    struct cursor cursor = {text.ptr, text.ptr + text.len};
    int64_t us;
    if (!take_time(&cursor, form, true, &us) || cursor.at != cursor.end)
        return DW_EXPR_TIME_NO_SHAPE;
    *out_us = us;
    return DW_EXPR_TIME_OK;
}

enum dw_expr_time_rc dw_expr_time_parse_moment(struct dw_str text, enum dw_expr_time_form form,
                                               int64_t *out_us)
{
    struct cursor cursor = {text.ptr, text.ptr + text.len};
    struct year_month_day date;
    int64_t us;
    int64_t offset;
    int64_t days;
    if (is_infinity(text, form, out_us))
        return DW_EXPR_TIME_OK;
    if (!take_date(&cursor, form, &date) ||
        !(take(&cursor, 'T') || (form == DW_EXPR_TIME_PRINTED && take(&cursor, ' '))) ||
        !take_time(&cursor, form, false, &us) || !take_zone(&cursor, form, &offset))
        return DW_EXPR_TIME_NO_SHAPE;
    bool before = take_era(&cursor, form);
    if (cursor.at != cursor.end)
        return DW_EXPR_TIME_NO_SHAPE;
    if (!count_days(&date, before, &days) ||
        __builtin_mul_overflow(days, DW_EXPR_TIME_DAY_US, &days) ||
        __builtin_add_overflow(days, us - offset, &us) || !is_moment(us))
        return DW_EXPR_TIME_OUT_OF_RANGE;
    *out_us = us;
    return DW_EXPR_TIME_OK;
}

/* "12H": adds and returns true when the unit is there; the number is put back when it is not. */
static bool take_unit(struct cursor *cursor, char unit, int64_t unit_us, int64_t *total_us)
{
    const char *from = cursor->at;
    int64_t number;
    if (take_number(cursor, 1, 9, &number) && take(cursor, unit) &&
        number <= DURATION_DAYS_MAX * DW_EXPR_TIME_DAY_US / unit_us) {
        *total_us += number * unit_us;
        return true;
    }
    cursor->at = from;
    return false;
}

static bool take_seconds(struct cursor *cursor, int64_t *total_us)
{
    const char *from = cursor->at;
    int64_t number;
    int64_t fraction = 0;
    if (take_number(cursor, 1, 9, &number) &&
        (!take(cursor, '.') || take_fraction(cursor, &fraction)) && take(cursor, 'S')) {
        *total_us += number * SECOND_US + fraction;
        return true;
    }
    cursor->at = from;
    return false;
}

enum dw_expr_time_rc dw_expr_time_parse_duration(struct dw_str text, int64_t *out_us)
{
    struct cursor cursor = {text.ptr, text.ptr + text.len};
    int64_t us = 0;
    bool negative = take(&cursor, '-');
    if (!negative)
        (void)take(&cursor, '+');
    if (!take(&cursor, 'P'))
        return DW_EXPR_TIME_NO_SHAPE;
    bool any = take_unit(&cursor, 'D', DW_EXPR_TIME_DAY_US, &us);
    if (take(&cursor, 'T')) {
        bool hours = take_unit(&cursor, 'H', HOUR_US, &us);
        bool minutes = take_unit(&cursor, 'M', MINUTE_US, &us);
        bool seconds = take_seconds(&cursor, &us);
        any = hours || minutes || seconds;
    }
    if (!any || cursor.at != cursor.end)
        return DW_EXPR_TIME_NO_SHAPE;
    if (us > DURATION_DAYS_MAX * DW_EXPR_TIME_DAY_US)
        return DW_EXPR_TIME_OUT_OF_RANGE;
    *out_us = negative ? -us : us;
    return DW_EXPR_TIME_OK;
}

/* ---- to text ---- */

static struct dw_str infinity_text(int64_t value)
{
    return value == DW_EXPR_TIME_INFINITY ? DW_STR_LIT("infinity") : DW_STR_LIT("-infinity");
}

/* Year, month, day; *out_era gets what stands behind it all. */
static int print_date(char *to, size_t size, int64_t days, const char **out_era)
{
    struct dw_expr_time_day day = civil_from(days);
    *out_era = day.year <= 0 ? " BC" : "";
    long long year = day.year <= 0 ? 1 - day.year : day.year;
    return snprintf(to, size, "%04lld-%02d-%02d", year, day.month, day.day);
}

static int print_time(char *to, size_t size, int64_t us)
{
    int len =
        snprintf(to, size, "%02d:%02d:%02d.%06d", (int)(us / HOUR_US), (int)(us / MINUTE_US % 60),
                 (int)(us / SECOND_US % 60), (int)(us % SECOND_US));
    while (to[len - 1] == '0' && len > 9) /* the fraction without zeros at its end */
        len--;
    if (to[len - 1] == '.')
        len--;
    to[len] = '\0';
    return len;
}

struct dw_str dw_expr_time_format_date(int64_t days, struct dw_arena *arena)
{
    char text[32];
    const char *era;
    if (!dw_expr_time_is_finite(days))
        return infinity_text(days);
    (void)print_date(text, sizeof text, days, &era);
    return dw_str_from(dw_arena_printf(arena, "%s%s", text, era));
}

struct dw_str dw_expr_time_format_time(int64_t us, struct dw_arena *arena)
{
    char text[32];
    (void)print_time(text, sizeof text, us);
    return dw_arena_copy(arena, dw_str_from(text));
}

struct dw_str dw_expr_time_format_moment(int64_t us, struct dw_arena *arena)
{
    char date[32];
    char time[32];
    const char *era;
    int64_t rest;
    if (!dw_expr_time_is_finite(us))
        return infinity_text(us);
    (void)print_date(date, sizeof date, dw_expr_time_split(us, &rest), &era);
    (void)print_time(time, sizeof time, rest);
    return dw_str_from(dw_arena_printf(arena, "%s %s+00%s", date, time, era));
}
