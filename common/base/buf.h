/* buf.h - a growable byte buffer with a maximum.
 *
 * Appending over the maximum sets `overflow` and drops the bytes; check dw_buf_ok() once at the
 * end instead of after each append. Always NUL-terminated behind `len` when data is not NULL.
 * Threads: one owner.
 */
#ifndef DW_BASE_BUF_H
#define DW_BASE_BUF_H
#include "common/base/str.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dw_buf {
    char *data;
    size_t len;
    size_t capacity;
    size_t max_bytes;
    bool overflow;
};

void dw_buf_init(struct dw_buf *buf, size_t max_bytes);
void dw_buf_done(struct dw_buf *buf);
/* Empties it, keeps the memory (gives it back when over `keep_bytes`). */
void dw_buf_reset(struct dw_buf *buf, size_t keep_bytes);

/* Makes room for `bytes` more and a NUL. False (and overflow set) over the maximum. */
bool dw_buf_grow(struct dw_buf *buf, size_t bytes);
void dw_buf_append_slow(struct dw_buf *buf, const void *bytes, size_t len);

static inline bool dw_buf_ok(const struct dw_buf *buf)
{
    return !buf->overflow;
}

static inline void dw_buf_append(struct dw_buf *buf, const void *bytes, size_t len)
{
    if (buf->capacity - buf->len > len) {
        if (len)
            memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
        buf->data[buf->len] = '\0';
    } else {
        dw_buf_append_slow(buf, bytes, len);
    }
}

static inline void dw_buf_append_char(struct dw_buf *buf, char c)
{
    dw_buf_append(buf, &c, 1);
}

static inline void dw_buf_append_str(struct dw_buf *buf, struct dw_str text)
{
    dw_buf_append(buf, text.ptr, text.len);
}

static inline void dw_buf_append_text(struct dw_buf *buf, const char *text)
{
    dw_buf_append(buf, text, strlen(text));
}

void dw_buf_append_u64(struct dw_buf *buf, uint64_t number);
void dw_buf_append_i64(struct dw_buf *buf, int64_t number);
void dw_buf_printf(struct dw_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline struct dw_str dw_buf_str(const struct dw_buf *buf)
{
    return (struct dw_str){buf->data, buf->len};
}

/* Returns the bytes owned (free()), NUL-terminated, never NULL; the buffer is empty then. */
char *dw_buf_take(struct dw_buf *buf);

#endif
