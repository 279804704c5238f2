/* letter_gauges.h - dw_dlq_items and dw_dlq_oldest_timestamp_seconds: the index as metrics.
 *
 * A map has its series, at zero, from the moment it is known, so that a rule can watch it before
 * its first letter. Letters that name no map of ours (anybody may write to a topic) count together,
 * under map="": labels stay bounded. Threads: know by any; refresh and clear by the owner.
 */
#ifndef DW_DEAD_LETTERS_LETTER_GAUGES_H
#define DW_DEAD_LETTERS_LETTER_GAUGES_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include <stdbool.h>

struct dw_state;

/* Series of a map that had none begin at 0; others keep their value. */
void dw_letter_gauges_know(const char *map);

/* Sets all series to what the state database holds; where `maps_changed` is false, only when the
 * counts are others than before. Allocates in `arena`. */
enum dw_rc dw_letter_gauges_refresh(struct dw_state *state, bool maps_changed,
                                    struct dw_arena *arena, struct dw_err *err) DW_MUST_CHECK;

/* Another instance counts now: what this one knew must not be added to that. */
void dw_letter_gauges_clear(void);

#endif
