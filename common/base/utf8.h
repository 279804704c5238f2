/* utf8.h - is this text UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF)? */
#ifndef DW_BASE_UTF8_H
#define DW_BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool dw_utf8_valid(const char *text, size_t len);
/* Bytes before the first invalid one; `len` when all is valid. */
size_t dw_utf8_valid_prefix(const char *text, size_t len);
/* Characters (code points) in valid UTF-8. */
size_t dw_utf8_length(const char *text, size_t len);
/* Encodes a code point (must be valid); returns the bytes written, 1 to 4. */
size_t dw_utf8_encode(uint32_t code_point, char out[4]);

#endif
