/* letter_auto.h - the thread that replays dead letters by themselves once their cause has gone: the
 * looked-up row or the parent came, the map or the target was mended, a right was granted.
 *
 * Open letters are tried in the target, rolled back (letter_trial.h), a bounded number per second;
 * one that would be applied is replayed. Mostly nothing tells that the cause has gone, so each is
 * tried again after ever longer pauses; a map that was mended is news, and has all of its letters
 * tried once (state_retry.h). Which ones, those that miss a looked-up row, all or none, the map
 * says, else reconciler.auto_replay. Threads: one of its own; start and stop by the owner.
 */
#ifndef DW_DEAD_LETTERS_LETTER_AUTO_H
#define DW_DEAD_LETTERS_LETTER_AUTO_H
#include "common/base/err.h"
#include "common/config/settings.h"

struct dw_letter_auto;

/* Borrows `settings` until stop. */
enum dw_rc dw_letter_auto_start(struct dw_letter_auto **out, const struct dw_settings *settings,
                                struct dw_err *err) DW_MUST_CHECK;
void dw_letter_auto_stop(struct dw_letter_auto *self); /* accepts NULL; waits */

#endif
