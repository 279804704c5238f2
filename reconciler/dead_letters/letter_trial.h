/* letter_trial.h - would a dead letter be applied now? Tried in the target, in a transaction that
 * is rolled back.
 *
 * What is checked: the held row (has something later come?), the map in force (filter, conversions,
 * values, computed columns), lookups, and the write itself with all constraints, deferred ones too,
 * and triggers. What cannot be: whether it still holds when the replay comes; and a trigger's
 * effect outside of the transaction (a sequence, another server) does take place. Locks are waited
 * for a second at most.
 *
 * Threads: one owner. A trial keeps its connections until it is closed.
 */
#ifndef DW_DEAD_LETTERS_LETTER_TRIAL_H
#define DW_DEAD_LETTERS_LETTER_TRIAL_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/state/state.h"
#include "common/state/state_letters.h"

struct dw_letter_trial;

/* Borrows `settings`; does not connect yet. */
struct dw_letter_trial *dw_letter_trial_open(const struct dw_settings *settings);
void dw_letter_trial_close(struct dw_letter_trial *trial); /* accepts NULL */

enum dw_letter_would {
    DW_LETTER_WOULD_APPLY,
    DW_LETTER_WOULD_FAIL,
    DW_LETTER_WOULD_FILTER,    /* outside of the map's filter, or ignored by the map */
    DW_LETTER_WOULD_SUPERSEDE, /* it has ended in the target already */
    DW_LETTER_WOULD_READ_ROW,  /* only the source's row of now can be had */
    DW_LETTER_WOULD_UNKNOWN,   /* it could not be tried: see message */
};
const char *dw_letter_trial_word(enum dw_letter_would would); /* "apply", … */

struct dw_letter_cell {           /* of a column of the map */
    struct dw_str source, target; /* names; source.ptr NULL: constant, computed, looked up */
    struct dw_str event;          /* as the event has it; .ptr NULL: null, or it leaves it out */
    struct dw_str mapped;         /* what the map makes of it; .ptr NULL likewise */
    struct dw_str source_now, target_now;
    bool failed;
};

struct dw_letter_tried {
    enum dw_letter_would would;
    const char *code, *message; /* of FAIL and UNKNOWN; what came later of SUPERSEDE, READ_ROW */
    const char *column;         /* target column at fault; "" */
    struct dw_letter_cell *cells;
    size_t cell_count;
    /* with `rows` */
    const char *source_row, *target_row; /* "there", "missing", or why it could not be read */
};

/* Tries a letter that was loaded with its value. `rows`: the cells also have both sides' rows of
 * now. What happens to the letter is in *out; DW_RETRY: the target cannot be asked. */
enum dw_rc dw_letter_trial_run(struct dw_letter_trial *trial, const struct dw_map_record *map,
                               const struct dw_letter *letter, bool rows, struct dw_arena *arena,
                               struct dw_letter_tried *out, struct dw_err *err) DW_MUST_CHECK;

#endif
