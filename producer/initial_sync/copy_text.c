/* copy_text.c - see copy_text.h. */
#include "producer/initial_sync/copy_text.h"

#include "common/base/bytes.h"

static char unescape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'v':
        return '\v';
    default: /* COPY TO writes no \digits and no \x */
        return c;
    }
}

/* The first tab or backslash from `at` on, or the end. */
static char *skip_plain(char *at, char *end)
{
    for (; end - at >= DW_BYTES_STEP; at += DW_BYTES_STEP) {
        uint64_t word = dw_bytes_load(at);
        uint64_t found = dw_bytes_equal(word, '\t') | dw_bytes_equal(word, '\\');
        if (found)
            return at + dw_bytes_before(found);
    }
    while (at < end && *at != '\t' && *at != '\\')
        at++;
    return at;
}

/* The text up to the tab, or the end, shortened in place to what it says; `in` at the first
 * backslash. Returns where it ends now. */
static char *unescape_field(char *in, char *end, char **out_stop)
{
    char *out = in;
    while (in < end && *in != '\t') {
        if (*in == '\\' && in + 1 < end) {
            *out++ = unescape(in[1]);
            in += 2;
        } else {
            *out++ = *in++;
        }
    }
    *out_stop = in;
    return out;
}

/* One field from *at on; leaves *at behind its tab, or behind the end. */
static struct dw_str take_field(char **at, char *end)
{
    char *start = *at;
    char *stop = skip_plain(start, end);
    char *text_end = stop;
    if (stop < end && *stop == '\\') {
        bool is_null = stop == start && end - start >= 2 && start[1] == 'N' &&
                       (end - start == 2 || start[2] == '\t');
        text_end = unescape_field(stop, end, &stop);
        if (is_null)
            start = NULL;
    }
    *at = stop + 1;
    return start ? (struct dw_str){start, (size_t)(text_end - start)} : (struct dw_str){NULL, 0};
}

bool dw_copy_text_split(char *line, size_t len, struct dw_str *out_fields, size_t count)
{
    char *at = line;
    char *end = line + len;
    if (len && end[-1] == '\n')
        end--;
    for (size_t i = 0; i < count; i++) {
        if (at > end)
            return false;
        out_fields[i] = take_field(&at, end);
    }
    return at == end + 1;
}
