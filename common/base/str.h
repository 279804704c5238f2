/* str.h - a string by pointer and length; not NUL-terminated, never owns. */
#ifndef DW_BASE_STR_H
#define DW_BASE_STR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dw_str {
    const char *ptr;
    size_t len;
};

#define DW_STR_LIT(text) ((struct dw_str){(text), sizeof(text) - 1})
/* For printf("%.*s", DW_STR_ARG(s)). */
#define DW_STR_ARG(s) (int)(s).len, (s).ptr

static inline struct dw_str dw_str_from(const char *text)
{
    return (struct dw_str){text, text ? strlen(text) : 0};
}

static inline bool dw_str_equal(struct dw_str a, struct dw_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool dw_str_is(struct dw_str s, const char *text)
{
    return dw_str_equal(s, dw_str_from(text));
}

static inline bool dw_str_starts(struct dw_str s, const char *prefix)
{
    size_t len = strlen(prefix);
    return s.len >= len && memcmp(s.ptr, prefix, len) == 0;
}

/* The word that goes with a count: "1 row", "2 rows". */
static inline const char *dw_str_plural(int64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

#endif
