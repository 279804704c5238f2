/* json_write.h - writing JSON text into a buffer, without a tree.
 *
 * Strings are escaped after RFC 8259 §7; bytes that are not UTF-8 are the caller's to refuse.
 */
#ifndef DW_BASE_JSON_WRITE_H
#define DW_BASE_JSON_WRITE_H
#include "common/base/buf.h"
#include "common/base/str.h"
#include <stdbool.h>

/* Appends `text` with quotes and escapes. */
void dw_json_write_string(struct dw_buf *out, struct dw_str text);
/* The same in ASCII alone: \uXXXX for all else. A byte that is not UTF-8 becomes \ufffd. */
void dw_json_write_ascii(struct dw_buf *out, struct dw_str text);
/* Appends the escaped text without the quotes around it. */
void dw_json_write_escaped(struct dw_buf *out, struct dw_str text);

/* Members of an object: write a comma where one is needed (the last byte is not an opening one),
 * then "name":value. `name` must not need escapes. */
void dw_json_write_name(struct dw_buf *out, const char *name);
void dw_json_write_text(struct dw_buf *out, const char *name, const char *value); /* NULL: null */
void dw_json_write_str(struct dw_buf *out, const char *name, struct dw_str value);
void dw_json_write_i64(struct dw_buf *out, const char *name, int64_t value);
void dw_json_write_u64(struct dw_buf *out, const char *name, uint64_t value);
void dw_json_write_real(struct dw_buf *out, const char *name, double value); /* 6 digits */
void dw_json_write_bool(struct dw_buf *out, const char *name, bool value);

#endif
