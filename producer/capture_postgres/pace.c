/* pace.c - see pace.h. */
#include "producer/capture_postgres/pace.h"

void dw_pace_add(struct dw_pace *pace, int64_t now_ms, uint64_t events)
{
    int64_t age = now_ms - pace->window_ms;
    if (age >= DW_PACE_WINDOW_MS) {
        pace->busy = age < 2 * DW_PACE_WINDOW_MS && pace->events >= DW_PACE_BUSY;
        pace->window_ms = now_ms;
        pace->events = 0;
    }
    pace->events += events;
    if (events && !pace->since_ms)
        pace->since_ms = now_ms;
}

int64_t dw_pace_wait_ms(const struct dw_pace *pace, int64_t now_ms)
{
    int64_t left = pace->since_ms + DW_PACE_HOLD_MS - now_ms;
    return pace->busy && pace->since_ms && left > 0 ? left : 0;
}

void dw_pace_sent(struct dw_pace *pace)
{
    pace->since_ms = 0;
}
