/* json_pull.h - a pull tokenizer for JSON (RFC 8259) that keeps the text of numbers.
 *
 * Made for row payloads: no tree, no allocation but for strings that hold escapes, each token a
 * slice of the input. Strict: refuses trailing commas, control characters in strings, bad UTF-8,
 * lone surrogates, leading zeros, NUL in text (\u0000: PostgreSQL cannot store it), more than
 * DW_JSON_DEPTH_MAX levels, anything behind the end.
 * Ownership: slices point into the input or into the arena given at init. Threads: one owner.
 */
#ifndef DW_BASE_JSON_PULL_H
#define DW_BASE_JSON_PULL_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

#define DW_JSON_DEPTH_MAX 64

enum dw_json {
    DW_JSON_ERROR = -1,
    DW_JSON_END = 0, /* behind the one value */
    DW_JSON_OBJECT_OPEN,
    DW_JSON_OBJECT_CLOSE,
    DW_JSON_ARRAY_OPEN,
    DW_JSON_ARRAY_CLOSE,
    DW_JSON_NAME,   /* of a member; its value follows */
    DW_JSON_STRING, /* text decoded */
    DW_JSON_NUMBER, /* text as written */
    DW_JSON_TRUE,
    DW_JSON_FALSE,
    DW_JSON_NULL,
};

struct dw_json_pull {
    const char *start;
    const char *at;
    const char *end;
    struct dw_arena *arena;
    struct dw_str text; /* of the token returned last: name, string, number */
    const char *fault;  /* why DW_JSON_ERROR */
    unsigned depth;
    unsigned char state;
    unsigned char open[DW_JSON_DEPTH_MAX]; /* '{' or '[' */
};

/* Borrows `input` and `arena` until the last token was used. */
void dw_json_pull_init(struct dw_json_pull *pull, struct dw_str input, struct dw_arena *arena);

enum dw_json dw_json_pull_next(struct dw_json_pull *pull);

/* Skips the value that comes next (after a NAME, or an element); *out_raw (may be NULL) is its
 * text. False on malformed input. */
bool dw_json_pull_skip(struct dw_json_pull *pull, struct dw_str *out_raw);

/* Skips the rest of the value whose first token `token` was just returned. */
bool dw_json_pull_finish(struct dw_json_pull *pull, enum dw_json token);

/* Offset in the input where the tokenizer stands. */
static inline size_t dw_json_pull_offset(const struct dw_json_pull *pull)
{
    return (size_t)(pull->at - pull->start);
}

#endif
