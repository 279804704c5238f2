/* moment.c - see moment.h. */
#include "common/transform/moment.h"

#include <stdio.h>

struct cursor {
    const char *at;
    const char *end;
};

static bool is_digit(const struct cursor *cursor, size_t ahead)
{
    return (size_t)(cursor->end - cursor->at) > ahead && cursor->at[ahead] >= '0' &&
           cursor->at[ahead] <= '9';
}

static size_t count_digits(const struct cursor *cursor)
{
    size_t count = 0;
    while (is_digit(cursor, count))
        count++;
    return count;
}

/* Exactly `count` digits. */
static bool take_digits(struct cursor *cursor, size_t count)
{
    if (count_digits(cursor) != count)
        return false;
    cursor->at += count;
    return true;
}

static bool take_char(struct cursor *cursor, char c)
{
    if (cursor->at >= cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

/* Year 0 is 1 BC, -1 is 2 BC, … */
static struct dw_str from_astronomical(struct dw_str date, size_t year_digits,
                                       struct dw_arena *arena)
{
    long year = 0;
    for (size_t i = 0; i < year_digits; i++)
        year = year * 10 + (date.ptr[i] - '0');
    char *text = dw_arena_alloc(arena, date.len + 8);
    int len = snprintf(text, date.len + 8, "%04ld%.*s", year + 1, (int)(date.len - year_digits),
                       date.ptr + year_digits);
    return (struct dw_str){text, (size_t)len};
}

static bool take_date(struct cursor *cursor, struct dw_arena *arena, struct dw_moment *out)
{
    bool negative = take_char(cursor, '-');
    if (!negative)
        (void)take_char(cursor, '+'); /* Java's sign of years over 9999 */
    const char *from = cursor->at;
    size_t year_digits = count_digits(cursor);
    if (year_digits < 4 || year_digits > 7)
        return false;
    cursor->at += year_digits;
    if (!take_char(cursor, '-') || !take_digits(cursor, 2) || !take_char(cursor, '-') ||
        !take_digits(cursor, 2))
        return false;
    out->date = (struct dw_str){from, (size_t)(cursor->at - from)};
    out->before_christ = negative;
    if (negative)
        out->date = from_astronomical(out->date, year_digits, arena);
    return true;
}

static bool take_time(struct cursor *cursor, struct dw_moment *out)
{
    const char *from = cursor->at;
    if (!take_digits(cursor, 2) || !take_char(cursor, ':') || !take_digits(cursor, 2))
        return false;
    if (take_char(cursor, ':')) {
        if (!take_digits(cursor, 2))
            return false;
        if (take_char(cursor, '.')) {
            size_t digits = count_digits(cursor);
            if (digits == 0)
                return false;
            cursor->at += digits;
            out->fraction_digits = digits;
        }
    }
    out->time = (struct dw_str){from, (size_t)(cursor->at - from)};
    while (out->fraction_digits && from[out->time.len - 1] == '0') {
        out->time.len--; /* zeros at the end say nothing */
        out->fraction_digits--;
    }
    if (out->time.len && from[out->time.len - 1] == '.')
        out->time.len--;
    return true;
}

static bool take_zone(struct cursor *cursor, struct dw_moment *out)
{
    const char *from = cursor->at;
    if (!take_char(cursor, 'Z')) {
        if (!take_char(cursor, '+') && !take_char(cursor, '-'))
            return true;
        size_t digits = count_digits(cursor);
        if (digits != 2 && digits != 4)
            return false;
        cursor->at += digits;
        while (digits == 2 && take_char(cursor, ':'))
            if (!take_digits(cursor, 2))
                return false;
    }
    out->zone = (struct dw_str){from, (size_t)(cursor->at - from)};
    return true;
}

static bool take_era(struct cursor *cursor, struct dw_moment *out)
{
    if (cursor->end - cursor->at == 3 && memcmp(cursor->at, " BC", 3) == 0) {
        out->before_christ = true;
        cursor->at += 3;
    }
    return cursor->at == cursor->end;
}

bool dw_moment_parse(struct dw_str text, struct dw_arena *arena, struct dw_moment *out)
{
    *out = (struct dw_moment){.before_christ = false};
    struct cursor cursor = {text.ptr, text.ptr + text.len};
    while (take_char(&cursor, ' '))
        continue;
    while (cursor.end > cursor.at && cursor.end[-1] == ' ')
        cursor.end--;
    struct dw_str inner = {cursor.at, (size_t)(cursor.end - cursor.at)};
    if (dw_str_is(inner, "infinity") || dw_str_is(inner, "-infinity")) {
        out->infinity = inner;
        return true;
    }
    bool time_only = inner.len >= 5 && inner.ptr[2] == ':';
    if (time_only)
        return take_time(&cursor, out) && take_zone(&cursor, out) && cursor.at == cursor.end;
    if (!take_date(&cursor, arena, out))
        return false;
    bool blank = cursor.end - cursor.at > 1 && *cursor.at == ' ' && is_digit(&cursor, 1);
    if (blank || (cursor.at < cursor.end && *cursor.at == 'T')) {
        cursor.at++;
        if (!take_time(&cursor, out))
            return false;
    }
    return take_zone(&cursor, out) && take_era(&cursor, out);
}

bool dw_moment_is_midnight(const struct dw_moment *moment)
{
    for (size_t i = 0; i < moment->time.len; i++)
        if (moment->time.ptr[i] != '0' && moment->time.ptr[i] != ':')
            return false;
    return true;
}

bool dw_moment_is_utc(const struct dw_moment *moment)
{
    if (dw_str_is(moment->zone, "Z"))
        return true;
    for (size_t i = 1; i < moment->zone.len; i++)
        if (moment->zone.ptr[i] != '0' && moment->zone.ptr[i] != ':')
            return false;
    return true;
}

static char *put(char *to, struct dw_str text)
{
    if (text.len)
        memcpy(to, text.ptr, text.len);
    return to + text.len;
}

struct dw_str dw_moment_format(const struct dw_moment *parts, struct dw_arena *arena)
{
    if (parts->infinity.len)
        return parts->infinity;
    char *from = dw_arena_alloc(arena, parts->date.len + parts->time.len + parts->zone.len + 8);
    char *to = put(from, parts->date);
    if (parts->date.len && parts->time.len)
        *to++ = ' ';
    to = put(to, parts->time);
    to = put(to, parts->zone);
    if (parts->before_christ)
        to = put(to, DW_STR_LIT(" BC"));
    return (struct dw_str){from, (size_t)(to - from)};
}
