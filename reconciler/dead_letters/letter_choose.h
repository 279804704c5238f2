/* letter_choose.h - what a job does with a letter. Pure.
 *
 * A replay goes through the map's topic when the target holds the letter and its event is one of
 * the source's present history; else only the source's row of now can be had: of a letter without
 * its value (by reference), one loaded from an archive, of an older incarnation of the target or an
 * older epoch of the source (traps 10, 13, 24).
 */
#ifndef DW_DEAD_LETTERS_LETTER_CHOOSE_H
#define DW_DEAD_LETTERS_LETTER_CHOOSE_H
#include "common/state/state.h"
#include "common/state/state_jobs.h"

struct dw_letter_facts {
    const struct dw_map_record *map; /* of the letter; NULL: there is none any more */
    const char *incarnation;         /* of the map's target now; "" not known */
    uint32_t epoch;                  /* of the map's source now; 0 not known */
    int64_t attempts_max;
};

struct dw_letter_chosen {
    enum dw_letter_choice choice;
    const char *key;    /* READ_ROW: a JSON array of texts */
    const char *reason; /* REFUSE; of READ_ROW: why not through the topic, "" it was asked for */
};

/* `source_row`: by the source's row of now. Texts in `arena`. */
struct dw_letter_chosen dw_letter_choose(enum dw_letter_action action, bool source_row,
                                         const struct dw_letter *letter,
                                         const struct dw_letter_facts *facts,
                                         struct dw_arena *arena);

#endif
