/* cli_format.c - see cli_format.h. */
#include "reconciler/cli/cli_format.h"

#include "common/base/utf8.h"
#include <inttypes.h>
#include <stdio.h>

const char *dw_cli_format_count(struct dw_arena *arena, int64_t number)
{
    char digits[24];
    char out[32];
    int len = snprintf(digits, sizeof digits, "%" PRId64, number);
    int first = number < 0; /* the sign stands before the digits */
    int at = 0;
    for (int i = 0; i < len; i++) {
        if (i > first && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return dw_arena_printf(arena, "%s", out);
}

const char *dw_cli_format_counted(struct dw_arena *arena, int64_t number, const char *one,
                                  const char *many)
{
    return dw_arena_printf(arena, "%s %s", dw_cli_format_count(arena, number),
                           dw_str_plural(number, one, many));
}

const char *dw_cli_format_seconds(struct dw_arena *arena, double seconds)
{
    if (seconds <= 0)
        return "0 s";
    if (seconds < 0.1)
        return dw_arena_printf(arena, "%.0f ms", seconds * 1e3 < 1 ? 1 : seconds * 1e3);
    if (seconds < 10)
        return dw_arena_printf(arena, "%.1f s", seconds);
    if (seconds < 119.5)
        return dw_arena_printf(arena, "%.0f s", seconds);
    if (seconds < 7200)
        return dw_arena_printf(arena, "%.0f min", seconds / 60);
    if (seconds < 172800)
        return dw_arena_printf(arena, "%.1f h", seconds / 3600);
    return dw_arena_printf(arena, "%.1f d", seconds / 86400);
}

const char *dw_cli_format_milliseconds(struct dw_arena *arena, double milliseconds)
{
    if (milliseconds >= 1000)
        return dw_cli_format_seconds(arena, milliseconds / 1e3);
    return dw_arena_printf(arena, milliseconds < 9.95 ? "%.1f ms" : "%.0f ms", milliseconds);
}

const char *dw_cli_format_bytes(struct dw_arena *arena, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    size_t unit = 0;
    while (size >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        size /= 1024;
        unit++;
    }
    return dw_arena_printf(arena, unit && size < 10 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

const char *dw_cli_format_ranges(struct dw_arena *arena, const int64_t *numbers, size_t count)
{
    const char *text = count ? "" : "-";
    for (size_t i = 0; i < count;) {
        size_t last = i;
        while (last + 1 < count && numbers[last + 1] == numbers[last] + 1)
            last++;
        text = dw_arena_printf(arena, "%s%s%lld", text, i ? ", " : "", (long long)numbers[i]);
        if (last > i)
            text = dw_arena_printf(arena, "%s%s%lld", text, last > i + 1 ? "-" : ", ",
                                   (long long)numbers[last]);
        i = last + 1;
    }
    return text;
}

const char *dw_cli_format_safe(struct dw_arena *arena, const char *text)
{
    size_t len = strlen(text);
    char *out = dw_arena_alloc(arena, len + 1);
    size_t at = 0;
    while (at < len) {
        size_t good = dw_utf8_valid_prefix(text + at, len - at);
        for (size_t i = at; i < at + good; i++) {
            unsigned char c = (unsigned char)text[i];
            /* C1 controls (U+0080-U+009F) steer some terminals too. */
            bool c1 = c == 0xc2 && (unsigned char)text[i + 1] < 0xa0;
            out[i] = c < 0x20 || c == 0x7f ? ' ' : text[i];
            if (c1) {
                out[i++] = ' ';
                out[i] = ' ';
            }
        }
        at += good;
        if (at < len)
            out[at++] = '?';
    }
    out[len] = '\0';
    return out;
}
