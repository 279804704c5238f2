/* state_digest.h - what each map did, by the hour, in the state database; who was sent the digest.
 *
 * Days and hours are those of UTC. Threads and errors: as state.h.
 */
#ifndef DW_STATE_STATE_DIGEST_H
#define DW_STATE_STATE_DIGEST_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_state;

#define DW_DIGEST_BUCKETS 28 /* of a latency histogram: those of metrics.h */

struct dw_digest_sample {
    const char *map;
    int64_t hour_us;      /* its begin; set by the database when it is added */
    int64_t events, dead; /* since the last look when it is added, of the hour when it is read */
    int64_t letters;      /* open */
    int64_t lag_max_us;
    int64_t latency[DW_DIGEST_BUCKETS];
    int64_t events_total;
    int64_t dead_total; /* ever died, those among them that have ended; -1: not known */
};

/* Adds to the present hour. */
enum dw_rc dw_state_digest_add(struct dw_state *state, const struct dw_digest_sample *samples,
                               size_t count, struct dw_err *err) DW_MUST_CHECK;
/* The newest sample of each map. */
enum dw_rc dw_state_digest_last(struct dw_state *state, struct dw_arena *arena,
                                const struct dw_digest_sample **out, size_t *out_count,
                                struct dw_err *err) DW_MUST_CHECK;
/* The samples of a day ("2026-01-31") and of the day before, by map and hour. *out_day_us: its
 * begin. */
enum dw_rc dw_state_digest_load(struct dw_state *state, const char *day, struct dw_arena *arena,
                                const struct dw_digest_sample **out, size_t *out_count,
                                int64_t *out_day_us, struct dw_err *err) DW_MUST_CHECK;

/* The last comparison of each map that ended before the end of a day. */
struct dw_digest_equality {
    const char *map;
    int64_t run, ended_us;
    int64_t rows;        /* of the source, compared */
    int64_t differences; /* found … */
    int64_t left;        /* … and not mended */
};
enum dw_rc dw_state_digest_equality(struct dw_state *state, const char *day, struct dw_arena *arena,
                                    const struct dw_digest_equality **out, size_t *out_count,
                                    struct dw_err *err) DW_MUST_CHECK;

/* *out: yesterday, when it is `hour` o'clock or later, something happened then, and the webhook was
 * not sent its digest; else NULL. */
enum dw_rc dw_state_digest_due(struct dw_state *state, const char *webhook, int64_t hour,
                               struct dw_arena *arena, const char **out,
                               struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_state_digest_delivered(struct dw_state *state, const char *webhook, const char *day,
                                     struct dw_err *err) DW_MUST_CHECK;

/* Forgets samples older than `days`. */
enum dw_rc dw_state_digest_clean(struct dw_state *state, int64_t days,
                                 struct dw_err *err) DW_MUST_CHECK;

#endif
