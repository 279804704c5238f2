/* fetch_pace.c - see fetch_pace.h. */
#include "consumer/pipeline/fetch_pace.h"

enum {
    WAIT_MIN_MS = 50,
    WAIT_MAX_MS = 3000,
    WAIT_BELL_MS = 15000,
    WAIT_PARTITIONS = 8, /* for each millisecond */
    REFRESH_MIN_MS = 3000,
    REFRESH_MAX_MS = 15000,
    REFRESH_PARTITION_MS = 3,
    COUNTED_MAX = 1000000,
    MANY = 1000, /* partitions: from here on a fetch costs their number's square, so the wait
                    grows with it */
};

static int64_t within(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

bool dw_fetch_pace_wants_bell(int64_t partitions)
{
    return partitions / WAIT_PARTITIONS > WAIT_MIN_MS;
}

struct dw_fetch_pace dw_fetch_pace_of(int64_t partitions, bool bell)
{
    int64_t counted = within(partitions, 0, COUNTED_MAX);
    int64_t wait = counted / WAIT_PARTITIONS;
    if (counted > MANY)
        wait = wait * counted / MANY;
    return (struct dw_fetch_pace){
        .wait_ms = bell ? WAIT_BELL_MS : within(wait, WAIT_MIN_MS, WAIT_MAX_MS),
        .refresh_ms = within(counted * REFRESH_PARTITION_MS, REFRESH_MIN_MS, REFRESH_MAX_MS),
    };
}

static bool is_twice(int64_t one, int64_t other)
{
    return one >= 2 * other || other >= 2 * one;
}

bool dw_fetch_pace_differs(const struct dw_fetch_pace *pace, const struct dw_fetch_pace *other)
{
    return is_twice(pace->wait_ms, other->wait_ms) || is_twice(pace->refresh_ms, other->refresh_ms);
}
