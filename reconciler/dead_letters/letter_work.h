/* letter_work.h - the thread that works on many dead letters: takes those of running jobs, and
 * sends those that are replayed.
 *
 * What a job took is in the state database before anything of it leaves; what was sent and not
 * noted so is sent again, which has no second effect (replay.h). How a letter ended is told by its
 * target (letter_news.h).
 * Threads: one of its own; start and stop by the owner.
 */
#ifndef DW_DEAD_LETTERS_LETTER_WORK_H
#define DW_DEAD_LETTERS_LETTER_WORK_H
#include "common/base/err.h"
#include "common/config/settings.h"

struct dw_letter_work;

/* Borrows `settings` until stop. */
enum dw_rc dw_letter_work_start(struct dw_letter_work **out, const struct dw_settings *settings,
                                struct dw_err *err) DW_MUST_CHECK;
void dw_letter_work_stop(struct dw_letter_work *work); /* accepts NULL; waits */

#endif
