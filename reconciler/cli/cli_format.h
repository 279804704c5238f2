/* cli_format.h - figures for people: "1,234,567", "0.2 s", "3 min", "16 MiB"; safe text.
 *
 * All write into a buffer of the arena and return it. Pure.
 */
#ifndef DW_CLI_CLI_FORMAT_H
#define DW_CLI_CLI_FORMAT_H
#include "common/base/arena.h"
#include <stddef.h>
#include <stdint.h>

const char *dw_cli_format_count(struct dw_arena *arena, int64_t number);
/* "1 row", "1,234 rows". */
const char *dw_cli_format_counted(struct dw_arena *arena, int64_t number, const char *one,
                                  const char *many);
/* 0.012 -> "12 ms", 0.2 -> "0.2 s", 200 -> "3 min", 7300 -> "2.0 h", 200000 -> "2.3 d". */
const char *dw_cli_format_seconds(struct dw_arena *arena, double seconds);
/* Milliseconds with one digit below ten: "4.2 ms". */
const char *dw_cli_format_milliseconds(struct dw_arena *arena, double milliseconds);
const char *dw_cli_format_bytes(struct dw_arena *arena, int64_t bytes);
/* Whole numbers in rising order, those that follow each other as a range: "0-3, 7"; "-" for none.
 */
const char *dw_cli_format_ranges(struct dw_arena *arena, const int64_t *numbers, size_t count);
/* Text from elsewhere for a terminal: control characters become blanks, bad UTF-8 "?". */
const char *dw_cli_format_safe(struct dw_arena *arena, const char *text);

#endif
