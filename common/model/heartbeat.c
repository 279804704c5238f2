/* heartbeat.c - see heartbeat.h. */
#include "common/model/heartbeat.h"

enum {
    MAPS_PER_BEAT = 40,
    MANY = 400,              /* maps: from here on one partition at a time, … */
    MANY_MAPS_PER_BEAT = 20, /* … less often, … */
    MANY_BEATS = 8, /* … and all that have their turn in so many heartbeats at one of them: a
                       worker fetches from thousands of partitions again and again while
                       they come, however many they are */
};

/* Heartbeats that idle maps hear, of all; turns until each has had its own. */
struct rhythm {
    uint64_t beats, turns;
};

static struct rhythm rhythm_of(size_t maps)
{
    if (maps < MANY)
        return (struct rhythm){1, 1 + maps / MAPS_PER_BEAT};
    return (struct rhythm){MANY_BEATS, 1 + maps / (MANY_MAPS_PER_BEAT * MANY_BEATS)};
}

struct dw_heartbeat_turn dw_heartbeat_turn(size_t maps, uint64_t slot, uint64_t beat,
                                           int32_t partitions)
{
    struct rhythm rhythm = rhythm_of(maps);
    uint64_t turn = beat / rhythm.beats + slot;
    if (beat % rhythm.beats || turn % rhythm.turns)
        return (struct dw_heartbeat_turn){0, 0};
    if (maps < MANY || partitions <= 1)
        return (struct dw_heartbeat_turn){0, partitions};
    int32_t partition = (int32_t)(turn / rhythm.turns % (uint64_t)partitions);
    return (struct dw_heartbeat_turn){partition, partition + 1};
}

int64_t dw_heartbeat_map_ms(size_t maps, int64_t heartbeat_ms)
{
    struct rhythm rhythm = rhythm_of(maps);
    return rhythm.turns > 1 ? (int64_t)(rhythm.beats * rhythm.turns) * heartbeat_ms : 0;
}

int64_t dw_heartbeat_partition_ms(size_t maps, int32_t partitions, int64_t heartbeat_ms)
{
    int64_t map_ms = dw_heartbeat_map_ms(maps, heartbeat_ms);
    return maps < MANY || partitions <= 1 ? map_ms : map_ms * partitions;
}
