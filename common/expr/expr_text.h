/* expr_text.h - functions on texts, counted in characters, letters changed only where they are
 * ASCII: what PostgreSQL does under COLLATE "C". Threads: pure functions.
 */
#ifndef DW_EXPR_EXPR_TEXT_H
#define DW_EXPR_EXPR_TEXT_H
#include "common/base/arena.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

bool dw_expr_text_contains(struct dw_str text, struct dw_str part);
bool dw_expr_text_starts(struct dw_str text, struct dw_str part);
bool dw_expr_text_ends(struct dw_str text, struct dw_str part);
/* Characters before the first `part`, -1 when there is none. */
int64_t dw_expr_text_index_of(struct dw_str text, struct dw_str part);
/* `length` characters from the `start`-th (from 0) on; what is negative counts as 0. */
struct dw_str dw_expr_text_substring(struct dw_str text, int64_t start, int64_t length);
struct dw_str dw_expr_text_lower(struct dw_str text, struct dw_arena *arena);
struct dw_str dw_expr_text_upper(struct dw_str text, struct dw_arena *arena);
/* Without blanks, tabs, line feeds, vertical tabs, form feeds, carriage returns at both ends. */
struct dw_str dw_expr_text_trim(struct dw_str text);

#define DW_EXPR_TEXT_BLANKS " \t\n\v\f\r"

#endif
