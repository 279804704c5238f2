/* json_write.c - see json_write.h. */
#include "common/base/json_write.h"

#include "common/base/bytes.h"
#include "common/base/utf8.h"
#include <math.h>

/* 0: as it is; 'u': \u00XX; else the letter behind the backslash. */
static const char escape_of[256] = {
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b',         't',           'n',        'u',
    'f', 'r', 'u', 'u', 'u', 'u', 'u', 'u', 'u',         'u',           'u',        'u',
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', ['"'] = '"', ['\\'] = '\\', [0x7f] = 0,
};

/* From `at` on. */
static size_t skip_plain(struct dw_str text, size_t at)
{
    for (; text.len - at >= DW_BYTES_STEP; at += DW_BYTES_STEP) {
        uint64_t word = dw_bytes_load(text.ptr + at);
        uint64_t found =
            dw_bytes_below(word, 0x20) | dw_bytes_equal(word, '"') | dw_bytes_equal(word, '\\');
        if (found)
            return at + dw_bytes_before(found);
    }
    while (at < text.len && !escape_of[(unsigned char)text.ptr[at]])
        at++;
    return at;
}

void dw_json_write_escaped(struct dw_buf *out, struct dw_str text)
{
    static const char digits[] = "0123456789abcdef";
    size_t from = 0;
    size_t at;
    while ((at = skip_plain(text, from)) < text.len) {
        unsigned char c = (unsigned char)text.ptr[at];
        char escape = escape_of[c];
        dw_buf_append(out, text.ptr + from, at - from);
        char code[6] = {'\\', escape, '0', '0', digits[c >> 4], digits[c & 15]};
        dw_buf_append(out, code, escape == 'u' ? 6 : 2);
        from = at + 1;
    }
    dw_buf_append(out, text.ptr ? text.ptr + from : "", text.len - from);
}

void dw_json_write_string(struct dw_buf *out, struct dw_str text)
{
    dw_buf_append_char(out, '"');
    dw_json_write_escaped(out, text);
    dw_buf_append_char(out, '"');
}

/* The code point that begins at text[0], which is not ASCII; *out_len its bytes. */
static uint32_t decode(const char *text, size_t len, size_t *out_len)
{
    unsigned char lead = (unsigned char)text[0];
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    *out_len = 1;
    if (length > len || !dw_utf8_valid(text, length))
        return 0xfffd;
    uint32_t code = lead & (0x7fU >> length);
    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3fU);
    *out_len = length;
    return code;
}

static void append_code(struct dw_buf *out, uint32_t code)
{
    if (code < 0x10000) {
        dw_buf_printf(out, "\\u%04x", (unsigned)code);
        return;
    }
    code -= 0x10000;
    dw_buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + (code >> 10)),
                  (unsigned)(0xdc00 + (code & 0x3ff)));
}

void dw_json_write_ascii(struct dw_buf *out, struct dw_str text)
{
    dw_buf_append_char(out, '"');
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && !((unsigned char)text.ptr[end] & 0x80))
            end++;
        dw_json_write_escaped(out, (struct dw_str){text.ptr + at, end - at});
        at = end;
        if (at < text.len) {
            size_t length;
            append_code(out, decode(text.ptr + at, text.len - at, &length));
            at += length;
        }
    }
    dw_buf_append_char(out, '"');
}

void dw_json_write_name(struct dw_buf *out, const char *name)
{
    char last = out->len ? out->data[out->len - 1] : '{';
    if (last != '{' && last != '[' && last != ',')
        dw_buf_append_char(out, ',');
    dw_buf_append_char(out, '"');
    dw_buf_append_text(out, name);
    dw_buf_append(out, "\":", 2);
}

void dw_json_write_str(struct dw_buf *out, const char *name, struct dw_str value)
{
    dw_json_write_name(out, name);
    dw_json_write_string(out, value);
}

void dw_json_write_text(struct dw_buf *out, const char *name, const char *value)
{
    dw_json_write_name(out, name);
    if (value)
        dw_json_write_string(out, dw_str_from(value));
    else
        dw_buf_append(out, "null", 4);
}

void dw_json_write_i64(struct dw_buf *out, const char *name, int64_t value)
{
    dw_json_write_name(out, name);
    dw_buf_append_i64(out, value);
}

void dw_json_write_u64(struct dw_buf *out, const char *name, uint64_t value)
{
    dw_json_write_name(out, name);
    dw_buf_append_u64(out, value);
}

void dw_json_write_real(struct dw_buf *out, const char *name, double value)
{
    dw_json_write_name(out, name);
    if (isfinite(value))
        dw_buf_printf(out, "%.6g", value);
    else
        dw_buf_append(out, "null", 4);
}

void dw_json_write_bool(struct dw_buf *out, const char *name, bool value)
{
    dw_json_write_name(out, name);
    dw_buf_append_text(out, value ? "true" : "false");
}
