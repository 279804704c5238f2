/* expr_text.c - see expr_text.h. UTF-8 is self-synchronising: searching bytes finds characters. */
#include "common/expr/expr_text.h"

#include "common/base/utf8.h"

static const char *find(struct dw_str text, struct dw_str part)
{
    if (!part.len)
        return text.ptr;
    return text.len ? memmem(text.ptr, text.len, part.ptr, part.len) : NULL;
}

bool dw_expr_text_contains(struct dw_str text, struct dw_str part)
{
    return !part.len || find(text, part) != NULL;
}

bool dw_expr_text_starts(struct dw_str text, struct dw_str part)
{
    return !part.len || (text.len >= part.len && memcmp(text.ptr, part.ptr, part.len) == 0);
}

bool dw_expr_text_ends(struct dw_str text, struct dw_str part)
{
    return !part.len || (text.len >= part.len &&
                         memcmp(text.ptr + text.len - part.len, part.ptr, part.len) == 0);
}

int64_t dw_expr_text_index_of(struct dw_str text, struct dw_str part)
{
    if (!part.len)
        return 0;
    const char *found = find(text, part);
    return found ? (int64_t)dw_utf8_length(text.ptr, (size_t)(found - text.ptr)) : -1;
}

/* Bytes of the first `count` characters. */
static size_t prefix(struct dw_str text, int64_t count)
{
    size_t at = 0;
    for (; at < text.len; at++) {
        if (((unsigned char)text.ptr[at] & 0xc0) == 0x80)
            continue;
        if (count <= 0)
            break;
        count--;
    }
    return at;
}

struct dw_str dw_expr_text_substring(struct dw_str text, int64_t start, int64_t length)
{
    size_t skipped = prefix(text, start);
    struct dw_str rest = {text.ptr + skipped, text.len - skipped};
    rest.len = prefix(rest, length);
    return rest;
}

/* Changes the 26 letters from `first` on. */
static struct dw_str change_case(struct dw_str text, char first, struct dw_arena *arena)
{
    char *changed = dw_arena_alloc(arena, text.len);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        changed[i] = c >= first && c < first + 26 ? (char)(c ^ 0x20) : c;
    }
    return (struct dw_str){changed, text.len};
}

struct dw_str dw_expr_text_lower(struct dw_str text, struct dw_arena *arena)
{
    return change_case(text, 'A', arena);
}

struct dw_str dw_expr_text_upper(struct dw_str text, struct dw_arena *arena)
{
    return change_case(text, 'a', arena);
}

struct dw_str dw_expr_text_trim(struct dw_str text)
{
    static const char blanks[] = DW_EXPR_TEXT_BLANKS;
    while (text.len && memchr(blanks, text.ptr[0], sizeof blanks - 1)) {
        text.ptr++;
        text.len--;
    }
    while (text.len && memchr(blanks, text.ptr[text.len - 1], sizeof blanks - 1))
        text.len--;
    return text;
}
