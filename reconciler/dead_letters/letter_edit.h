/* letter_edit.h - may an event take the place of a dead letter's own? Pure.
 *
 * It has to be one that a worker can read, of the same row, of the same system and version: an edit
 * mends values, it does not make a later write of it.
 */
#ifndef DW_DEAD_LETTERS_LETTER_EDIT_H
#define DW_DEAD_LETTERS_LETTER_EDIT_H
#include "reconciler/dead_letters/letter_choose.h"

/* NULL: it may; else why not, in `arena`. `event` NULL: the edit is taken back. */
const char *dw_letter_edit_check(const struct dw_letter *letter,
                                 const struct dw_letter_facts *facts, const struct dw_str *event,
                                 struct dw_arena *arena);

#endif
