/* buf.c - see buf.h. */
#include "common/base/buf.h"

#include "common/base/arena.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void dw_buf_init(struct dw_buf *buf, size_t max_bytes)
{
    *buf = (struct dw_buf){.max_bytes = max_bytes};
}

void dw_buf_done(struct dw_buf *buf)
{
    free(buf->data);
    *buf = (struct dw_buf){.max_bytes = buf->max_bytes};
}

void dw_buf_reset(struct dw_buf *buf, size_t keep_bytes)
{
    if (buf->capacity > keep_bytes) {
        dw_buf_done(buf);
        return;
    }
    buf->len = 0;
    buf->overflow = false;
    if (buf->data)
        buf->data[0] = '\0';
}

bool dw_buf_grow(struct dw_buf *buf, size_t bytes)
{
    if (bytes > buf->max_bytes || buf->len > buf->max_bytes - bytes) {
        buf->overflow = true;
        return false;
    }
    size_t need = buf->len + bytes + 1;
    if (need <= buf->capacity)
        return true;
    size_t capacity = buf->capacity ? buf->capacity : 256;
    while (capacity < need)
        capacity += capacity / 2 + 64;
    if (capacity > buf->max_bytes + 1)
        capacity = buf->max_bytes + 1;
    buf->data = dw_mem_realloc(buf->data, capacity);
    buf->capacity = capacity;
    buf->data[buf->len] = '\0';
    return true;
}

void dw_buf_append_slow(struct dw_buf *buf, const void *bytes, size_t len)
{
    if (!dw_buf_grow(buf, len))
        return;
    if (len)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void dw_buf_append_u64(struct dw_buf *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    dw_buf_append(buf, digits + at, sizeof digits - at);
}

void dw_buf_append_i64(struct dw_buf *buf, int64_t number)
{
    if (number < 0)
        dw_buf_append_char(buf, '-');
    dw_buf_append_u64(buf, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void dw_buf_printf(struct dw_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len >= 0 && dw_buf_grow(buf, (size_t)len)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

char *dw_buf_take(struct dw_buf *buf)
{
    char *data = buf->data ? buf->data : dw_mem_strdup("");
    *buf = (struct dw_buf){.max_bytes = buf->max_bytes};
    return data;
}
