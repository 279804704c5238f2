/* copy_text.h - rows of COPY … TO STDOUT in text format: fields between tabs, backslash escapes,
 * \N for null. Pure. Source: PostgreSQL's documentation of COPY, "Text Format". */
#ifndef DW_INITIAL_SYNC_COPY_TEXT_H
#define DW_INITIAL_SYNC_COPY_TEXT_H
#include "common/base/str.h"
#include <stdbool.h>

/* Splits one row (its newline may be there) into exactly `count` fields; .ptr NULL is null.
 * Unescapes in place, so fields point into `line`. False: another number of fields. */
bool dw_copy_text_split(char *line, size_t len, struct dw_str *out_fields, size_t count);

#endif
