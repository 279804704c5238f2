/* base64.c - see base64.h. */
#include "common/base/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *put_group(char *to, const unsigned char *from, size_t count)
{
    uint32_t bits = (uint32_t)from[0] << 16;
    if (count > 1)
        bits |= (uint32_t)from[1] << 8;
    if (count > 2)
        bits |= from[2];
    to[0] = alphabet[bits >> 18];
    to[1] = alphabet[bits >> 12 & 63];
    to[2] = count > 1 ? alphabet[bits >> 6 & 63] : '=';
    to[3] = count > 2 ? alphabet[bits & 63] : '=';
    return to + 4;
}

void dw_base64_encode(struct dw_buf *out, const void *bytes, size_t len)
{
    const unsigned char *from = bytes;
    if (!dw_buf_grow(out, (len + 2) / 3 * 4))
        return;
    char *to = out->data + out->len;
    for (; len >= 3; from += 3, len -= 3)
        to = put_group(to, from, 3);
    if (len)
        to = put_group(to, from, len);
    *to = '\0';
    out->len = (size_t)(to - out->data);
}

static int digit64(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t padding(struct dw_str text)
{
    if (text.len == 0 || text.ptr[text.len - 1] != '=')
        return 0;
    return text.ptr[text.len - 2] == '=' ? 2 : 1;
}

bool dw_base64_decode(struct dw_buf *out, struct dw_str text)
{
    if (text.len % 4 != 0)
        return false;
    size_t pad = padding(text);
    size_t before = out->len;
    size_t bytes = text.len / 4 * 3;
    if (!dw_buf_grow(out, bytes))
        return false;
    char *to = out->data + out->len;
    for (size_t i = 0; i < text.len; i += 4) {
        uint32_t bits = 0;
        bool last = i + 4 == text.len;
        for (size_t j = 0; j < 4; j++) {
            bool padded = last && j >= 4 - pad;
            int digit = padded ? 0 : digit64(text.ptr[i + j]);
            if (digit < 0) {
                out->data[before] = '\0';
                return false;
            }
            bits = bits << 6 | (uint32_t)digit;
        }
        *to++ = (char)(bits >> 16);
        *to++ = (char)(bits >> 8 & 0xff);
        *to++ = (char)(bits & 0xff);
    }
    out->len = before + bytes - pad;
    out->data[out->len] = '\0';
    return true;
}

void dw_base64_hex_encode(struct dw_buf *out, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    if (!dw_buf_grow(out, len * 2))
        return;
    for (size_t i = 0; i < len; i++) {
        out->data[out->len++] = digits[from[i] >> 4];
        out->data[out->len++] = digits[from[i] & 15];
    }
    out->data[out->len] = '\0';
}

static int digit16(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool dw_base64_from_hex(struct dw_buf *out, struct dw_str digits)
{
    if (digits.len % 2 != 0)
        return false;
    for (size_t i = 0; i < digits.len; i++)
        if (digit16(digits.ptr[i]) < 0)
            return false;
    size_t len = digits.len / 2;
    if (!dw_buf_grow(out, (len + 2) / 3 * 4))
        return true; /* the overflow flag tells */
    char *to = out->data + out->len;
    for (size_t done = 0; done < len; done += 3) {
        unsigned char group[3] = {0};
        size_t count = len - done < 3 ? len - done : 3;
        for (size_t i = 0; i < count; i++)
            group[i] = (unsigned char)((unsigned)digit16(digits.ptr[2 * (done + i)]) << 4 |
                                       (unsigned)digit16(digits.ptr[2 * (done + i) + 1]));
        to = put_group(to, group, count);
    }
    *to = '\0';
    out->len = (size_t)(to - out->data);
    return true;
}
