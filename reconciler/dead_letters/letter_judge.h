/* letter_judge.h - does a dead letter count? What the target says decides (trap 14).
 *
 * A worker writes the letter first and commits its held row with the partition's progress after
 * it; between the two it can lose the partition, and a successor may apply the event after all.
 * Held rows, waiting rows and progress of a partition are written together, so what one look at the
 * target sees of them belongs together.
 *
 *   held row there                     open   (void when the same record has a letter of the
 *                                             target's present incarnation: that one is it)
 *   else it waits for a parent         unconfirmed
 *   else progress went past the offset void
 *   else                               unconfirmed: look again
 */
#ifndef DW_DEAD_LETTERS_LETTER_JUDGE_H
#define DW_DEAD_LETTERS_LETTER_JUDGE_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/state/state_letters.h"

struct pg_conn;

struct dw_letter_evidence {
    bool held;
    bool waiting;
    bool has_progress;
    int64_t next_offset; /* of the partition's progress */
    bool outdated;       /* another incarnation's letter stands for this record */
};

enum dw_letter_state dw_letter_judge_state(int64_t offset,
                                           const struct dw_letter_evidence *evidence);

/* Asks the target about `count` letters in one statement; out[i] belongs to letters[i]. A target
 * without our tables has no evidence. `outdated` is left false. */
enum dw_rc dw_letter_judge_ask(struct pg_conn *target, const struct dw_letter *letters,
                               size_t count, struct dw_letter_evidence *out,
                               struct dw_err *err) DW_MUST_CHECK;

#endif
