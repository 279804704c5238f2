/* breaker.c - see breaker.h. */
#include "consumer/pipeline/breaker.h"

static int64_t slice_number(const struct dw_breaker *breaker, int64_t now_ms)
{
    int64_t slice_ms = breaker->limits.window_ms / DW_BREAKER_SLICES;
    return now_ms / (slice_ms > 0 ? slice_ms : 1);
}

void dw_breaker_init(struct dw_breaker *breaker, const struct dw_breaker_limits *limits)
{
    *breaker = (struct dw_breaker){.limits = *limits};
    for (int i = 0; i < DW_BREAKER_SLICES; i++)
        breaker->slices[i].number = INT64_MIN;
}

void dw_breaker_window(const struct dw_breaker *breaker, int64_t now_ms, int64_t *out_events,
                       int64_t *out_dead)
{
    int64_t oldest = slice_number(breaker, now_ms) - DW_BREAKER_SLICES + 1;
    *out_events = 0;
    *out_dead = 0;
    for (int i = 0; i < DW_BREAKER_SLICES; i++) {
        const struct dw_breaker_slice *slice = &breaker->slices[i];
        if (slice->number >= oldest) {
            *out_events += slice->events;
            *out_dead += slice->dead;
        }
    }
}

bool dw_breaker_trips(struct dw_breaker *breaker, int64_t now_ms, int64_t events, int64_t dead)
{
    if (dead == 0 || now_ms < breaker->passing_until_ms)
        return false;
    int64_t seen_events = 0;
    int64_t seen_dead = 0;
    dw_breaker_window(breaker, now_ms, &seen_events, &seen_dead);
    seen_events += events;
    seen_dead += dead;
    if (seen_events < breaker->limits.min_events ||
        seen_dead * 100 <= seen_events * breaker->limits.percent)
        return false;
    breaker->open = true;
    return true;
}

void dw_breaker_add(struct dw_breaker *breaker, int64_t now_ms, int64_t events, int64_t dead)
{
    int64_t number = slice_number(breaker, now_ms);
    struct dw_breaker_slice *slice = &breaker->slices[(uint64_t)number % DW_BREAKER_SLICES];
    if (slice->number != number)
        *slice = (struct dw_breaker_slice){.number = number};
    slice->events += events;
    slice->dead += dead;
}

void dw_breaker_resume(struct dw_breaker *breaker, int64_t now_ms)
{
    if (!breaker->open)
        return;
    struct dw_breaker_limits limits = breaker->limits;
    dw_breaker_init(breaker, &limits);
    breaker->passing_until_ms = now_ms + limits.window_ms;
}
