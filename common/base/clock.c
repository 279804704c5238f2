/* clock.c - see clock.h. */
#include "common/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static int64_t now_us(clockid_t clock)
{
    struct timespec ts;
    (void)clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t dw_clock_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

int64_t dw_clock_mono_ms(void)
{
    return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t dw_clock_wall_us(void)
{
    return now_us(CLOCK_REALTIME);
}

void dw_clock_sleep_ms(int64_t ms)
{
    struct timespec ts = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
        continue;
}

const char *dw_clock_format(int64_t wall_us, char out[32])
{
    int64_t seconds = wall_us / 1000000;
    int64_t micros = wall_us % 1000000;
    if (micros < 0) {
        micros += 1000000;
        seconds--;
    }
    time_t t = (time_t)seconds;
    struct tm tm;
    char day[20];
    if (!gmtime_r(&t, &tm) || strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        day[0] = '\0';
    (void)snprintf(out, 32, "%s.%06dZ", day, (int)micros);
    return out;
}

uint64_t dw_clock_jitter(uint64_t bound)
{
    static _Thread_local uint64_t state;
    if (!state)
        state = (uint64_t)now_us(CLOCK_REALTIME) ^ (uint64_t)(uintptr_t)&state;
    state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return bound ? (z ^ (z >> 31)) % bound : 0;
}
