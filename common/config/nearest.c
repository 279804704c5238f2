/* nearest.c - see nearest.h. Distance: Damerau-Levenshtein (optimal string alignment), bytewise. */
#include "common/config/nearest.h"

#include <stdbool.h>
#include <strings.h>

#define NAME_MAX_BYTES 64

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static size_t distance(struct dw_str a, struct dw_str b)
{
    size_t rows[3][NAME_MAX_BYTES + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *now = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        last[j] = before[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = lower(a.ptr[i - 1]);
            char y = lower(b.ptr[j - 1]);
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) && lower(a.ptr[i - 2]) == y)
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b.len];
}

void dw_nearest_offer(struct dw_nearest *nearest, struct dw_str wanted, struct dw_str candidate)
{
    if (wanted.len > NAME_MAX_BYTES || candidate.len > NAME_MAX_BYTES || !wanted.len)
        return;
    size_t longer = wanted.len > candidate.len ? wanted.len : candidate.len;
    size_t allowed = longer < 6 ? 1 : longer / 3;
    size_t found = distance(wanted, candidate);
    if (found > allowed || found == longer || (nearest->best.ptr && found >= nearest->distance))
        return;
    nearest->best = candidate;
    nearest->distance = found;
}

const char *dw_nearest_of(struct dw_str wanted, const char *const *names, size_t count)
{
    struct dw_nearest nearest = {.best = {NULL, 0}};
    for (size_t i = 0; i < count; i++)
        dw_nearest_offer(&nearest, wanted, dw_str_from(names[i]));
    return nearest.best.ptr;
}
