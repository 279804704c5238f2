/* base64.h - RFC 4648 §4 with padding, and hexadecimal. */
#ifndef DW_BASE_BASE64_H
#define DW_BASE_BASE64_H
#include "common/base/buf.h"
#include "common/base/str.h"
#include <stdbool.h>

void dw_base64_encode(struct dw_buf *out, const void *bytes, size_t len);
/* Appends the bytes; false (and `out` as before) when `text` is not base64. */
bool dw_base64_decode(struct dw_buf *out, struct dw_str text);

/* Appends hexadecimal digits of `bytes`. */
void dw_base64_hex_encode(struct dw_buf *out, const void *bytes, size_t len);
/* From hexadecimal digits straight to base64, as PostgreSQL's bytea text needs it; false when a
 * character is no digit or their number is odd. */
bool dw_base64_from_hex(struct dw_buf *out, struct dw_str digits);

#endif
