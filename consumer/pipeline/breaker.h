/* breaker.h - stops a map before too large a share of its events dies. Pure: time is given.
 *
 * A sliding window in DW_BREAKER_SLICES slices counts events and dead ones. A batch is asked about
 * before its dead letters are written, so a systematic mistake (a map that does not fit, a
 * constraint added by somebody) costs no letter beyond the limit and loses nothing.
 *
 *   closed ──too many dead──► open ──operator resumes──► passing (one window) ──► closed
 *
 * While passing, everything goes: the operator has seen the reason and decided; else the same batch
 * would trip it again for ever.
 * Threads: the owner locks.
 */
#ifndef DW_PIPELINE_BREAKER_H
#define DW_PIPELINE_BREAKER_H
#include <stdbool.h>
#include <stdint.h>

#define DW_BREAKER_SLICES 12

struct dw_breaker_limits {
    int64_t min_events;
    int64_t percent;
    int64_t window_ms;
};

struct dw_breaker_slice {
    int64_t number; /* time / slice length */
    int64_t events;
    int64_t dead;
};

struct dw_breaker {
    struct dw_breaker_limits limits;
    struct dw_breaker_slice slices[DW_BREAKER_SLICES];
    int64_t passing_until_ms;
    bool open;
};

void dw_breaker_init(struct dw_breaker *breaker, const struct dw_breaker_limits *limits);
/* Would a batch of `events` with `dead` dead ones go over the limit? Opens the breaker if so. */
bool dw_breaker_trips(struct dw_breaker *breaker, int64_t now_ms, int64_t events, int64_t dead);
/* Counts a batch that was committed. */
void dw_breaker_add(struct dw_breaker *breaker, int64_t now_ms, int64_t events, int64_t dead);
/* An operator resumed the map. No effect while closed. */
void dw_breaker_resume(struct dw_breaker *breaker, int64_t now_ms);
/* What the window holds now, for messages. */
void dw_breaker_window(const struct dw_breaker *breaker, int64_t now_ms, int64_t *out_events,
                       int64_t *out_dead);

#endif
