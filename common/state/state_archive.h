/* state_archive.h - dead letters as lines of JSON, out of the index and into it again.
 *
 * A line has all that the index knows of a letter; key, value and edited are base64. What is loaded
 * is `archived`: its target may hold it no more, so only its row of now can be had. A letter that
 * the index has already is left as it is. Threads and errors: as state.h.
 */
#ifndef DW_STATE_STATE_ARCHIVE_H
#define DW_STATE_STATE_ARCHIVE_H
#include "common/state/state_letters.h"

struct dw_letter_line {
    int64_t id;
    const char *text; /* without the line's end */
};

/* Matches by rising id, above filter->after; at most filter->limit of them and about 8 MB (but one
 * at least). `before_us`: only those that ended before; 0 any. */
enum dw_rc dw_state_archive_export(struct dw_state *state, const struct dw_letter_filter *filter,
                                   int64_t before_us, struct dw_arena *arena,
                                   const struct dw_letter_line **out, size_t *out_count,
                                   struct dw_err *err) DW_MUST_CHECK;

/* Loads a JSON array of such lines. DW_REJECT DW-STATE-033: one of them is none. */
enum dw_rc dw_state_archive_import(struct dw_state *state, const char *lines, const char *by,
                                   int64_t *out_loaded, int64_t *out_known,
                                   struct dw_err *err) DW_MUST_CHECK;

/* Removes letters that have ended; others stay. */
enum dw_rc dw_state_archive_remove(struct dw_state *state, const int64_t *ids, size_t count,
                                   int64_t *out_removed, struct dw_err *err) DW_MUST_CHECK;

#endif
