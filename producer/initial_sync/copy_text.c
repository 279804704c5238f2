/* copy_text.c - see copy_text.h. */
#include "producer/initial_sync/copy_text.h"

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

/* One field from *at on; leaves *at behind its tab, or behind the end. */
static struct dw_str take_field(char **at, char *end)
{
    char *in = *at;
    char *out = in;
    char *start = in;
    bool is_null =
        end - in >= 2 && in[0] == '\\' && in[1] == 'N' && (end - in == 2 || in[2] == '\t');
    while (in < end && *in != '\t') {
        if (*in == '\\' && in + 1 < end) {
            *out++ = unescape(in[1]);
            in += 2;
        } else {
            *out++ = *in++;
        }
    }
    *at = in + 1;
    return is_null ? (struct dw_str){NULL, 0} : (struct dw_str){start, (size_t)(out - start)};
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
