/* letter_facts.h - what the state database knows of a letter's map, for the choice what to do with
 * it. Threads: the state handle's. */
#ifndef DW_DEAD_LETTERS_LETTER_FACTS_H
#define DW_DEAD_LETTERS_LETTER_FACTS_H
#include "common/config/settings.h"
#include "reconciler/dead_letters/letter_choose.h"

/* facts->map is NULL when there is no map of that name. Allocates in `arena`. */
enum dw_rc dw_letter_facts_load(struct dw_state *state, const struct dw_settings *settings,
                                const char *map, struct dw_arena *arena,
                                struct dw_letter_facts *out, struct dw_err *err) DW_MUST_CHECK;

#endif
