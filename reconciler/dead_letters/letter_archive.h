/* letter_archive.h - dead letters that ended long ago leave the index, into a file when so
 * configured: one line of JSON each, that `dead-letter import` loads again.
 *
 * A file is whole on the disk before its letters are removed; after a kill in between they are
 * written once more, and loading them twice loads them once. Threads: the state handle's.
 */
#ifndef DW_DEAD_LETTERS_LETTER_ARCHIVE_H
#define DW_DEAD_LETTERS_LETTER_ARCHIVE_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include <stdbool.h>

struct dw_state;

/* Takes a page of those that are due; *out_more: there may be others. DW_CONFIG DW-API-065: the
 * folder cannot be written to. */
enum dw_rc dw_letter_archive_step(struct dw_state *state,
                                  const struct dw_reconciler_settings *settings,
                                  struct dw_arena *arena, bool *out_more,
                                  struct dw_err *err) DW_MUST_CHECK;

#endif
