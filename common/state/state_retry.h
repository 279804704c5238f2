/* state_retry.h - dead letters that are tried by themselves, in the state database: each again
 * after ever longer pauses, and all of a map once as soon as the map was mended, which is when a
 * new revision is in force or when the map left a state in which nothing is applied.
 *
 * Threads and errors: as state.h.
 */
#ifndef DW_STATE_STATE_RETRY_H
#define DW_STATE_STATE_RETRY_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dw_state;

/* The map was mended: its open letters are due once, whatever their pause. Also within a
 * transaction. `revision`: that came into force; 0: the map is active again. */
enum dw_rc dw_state_retry_mended(struct dw_state *state, const char *map, int64_t revision,
                                 struct dw_err *err) DW_MUST_CHECK;

struct dw_retry_revision { /* not known to be in force yet */
    const char *map;
    int64_t revision;
    int32_t partitions;
};
/* The newest revisions of maps that write into `target_system`; first ones mend nothing. */
enum dw_rc dw_state_retry_revisions(struct dw_state *state, const char *target_system,
                                    struct dw_arena *arena, const struct dw_retry_revision **out,
                                    size_t *out_count, struct dw_err *err) DW_MUST_CHECK;

struct dw_retry_rules {
    const char *mode; /* of maps that say none: "lookups", "all", "off" */
    int limit;        /* letters */
    int64_t every_ms; /* the first pause; it doubles up to 64 times that */
};

struct dw_retry_letter {
    int64_t id;
    bool mended; /* due since its map was mended */
};

struct dw_retry_due {
    const struct dw_retry_letter *letters; /* of maps in turn: one does not hold up the others */
    size_t count;
    bool whole;        /* nothing else is due */
    const char *walks; /* JSON: the mended maps whose letters were not all tried yet */
};

/* Open letters that are to be tried now. */
enum dw_rc dw_state_retry_due(struct dw_state *state, const struct dw_retry_rules *rules,
                              struct dw_arena *arena, struct dw_retry_due *out,
                              struct dw_err *err) DW_MUST_CHECK;

struct dw_retry_verdict {
    struct dw_retry_letter letter;
    bool replay;
    const char *why_not;
};
/* Replays those that are to be, and notes when the others are tried again, and how far the letters
 * of mended maps were tried. `verdicts`: of the first `count` of `due`; `count` may be 0. */
enum dw_rc dw_state_retry_tried(struct dw_state *state, const struct dw_retry_rules *rules,
                                const struct dw_retry_due *due,
                                const struct dw_retry_verdict *verdicts, size_t count,
                                struct dw_err *err) DW_MUST_CHECK;

#endif
