/* letter_parse.h - a record of the dead-letter topic, read by its headers.
 *
 * Whatever stands on that topic becomes a letter: what is not ours, or damaged, is `foreign`, with
 * what is known of it. Pure. Ownership: all texts of the letter live in the arena; key and value
 * are slices of the record.
 */
#ifndef DW_DEAD_LETTERS_LETTER_PARSE_H
#define DW_DEAD_LETTERS_LETTER_PARSE_H
#include "common/base/arena.h"
#include "common/base/str.h"
#include "common/state/state_letters.h"

struct dw_letter_header {
    const char *name;
    struct dw_str value; /* .ptr NULL: null */
};

struct dw_letter_record {
    int32_t partition; /* of the dead-letter topic */
    int64_t offset;
    struct dw_str key;
    struct dw_str value;
    const struct dw_letter_header *headers;
    size_t header_count;
};

/* Never fails; `id` and `letter_topic` are left to the caller. */
void dw_letter_parse_record(const struct dw_letter_record *record, struct dw_arena *arena,
                            struct dw_letter *out);

/* What is left of a letter that the database refuses as it is: where it stands, and why. */
void dw_letter_parse_remains(const struct dw_letter_record *record, const char *reason,
                             struct dw_letter *out);

#endif
