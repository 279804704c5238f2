/* partition_state.c - see partition_state.h. */
#include "consumer/pipeline/partition_state.h"

const char *dw_partition_state_name(enum dw_partition_state state)
{
    static const char *const names[DW_PARTITION_STATE_COUNT] = {
        [DW_PARTITION_CLAIMING] = "claiming", [DW_PARTITION_RUNNING] = "running",
        [DW_PARTITION_RETRYING] = "retrying", [DW_PARTITION_BARRIER] = "barrier",
        [DW_PARTITION_FULL] = "full",         [DW_PARTITION_PAUSED] = "paused",
        [DW_PARTITION_LOST] = "lost",         [DW_PARTITION_GONE] = "gone",
        [DW_PARTITION_TURNING] = "turning",
    };
    return names[state];
}

const char *dw_partition_state_event_name(enum dw_partition_event event)
{
    static const char *const names[DW_PARTITION_EVENT_COUNT] = {
        [DW_PARTITION_CLAIMED] = "claimed",   [DW_PARTITION_BACKOFF] = "backoff",
        [DW_PARTITION_TIMER] = "timer",       [DW_PARTITION_UNCERTAIN] = "uncertain",
        [DW_PARTITION_FENCED] = "fenced",     [DW_PARTITION_MAP_STOPS] = "map_stops",
        [DW_PARTITION_MAP_RUNS] = "map_runs", [DW_PARTITION_TRUNCATE] = "truncate",
        [DW_PARTITION_RELEASED] = "released", [DW_PARTITION_NO_ROOM] = "no_room",
        [DW_PARTITION_ROOM] = "room",         [DW_PARTITION_REVOKED] = "revoked",
        [DW_PARTITION_MARK] = "mark",
    };
    return names[event];
}

struct transition {
    enum dw_partition_state from;
    enum dw_partition_event event;
    enum dw_partition_state to;
};

/* Revocation and a stopping map are the same from everywhere and stand in the function. */
static const struct transition transitions[] = {
    {DW_PARTITION_CLAIMING, DW_PARTITION_CLAIMED, DW_PARTITION_RUNNING},
    {DW_PARTITION_CLAIMING, DW_PARTITION_FENCED, DW_PARTITION_LOST},
    {DW_PARTITION_RUNNING, DW_PARTITION_BACKOFF, DW_PARTITION_RETRYING},
    {DW_PARTITION_RUNNING, DW_PARTITION_UNCERTAIN, DW_PARTITION_CLAIMING},
    {DW_PARTITION_RUNNING, DW_PARTITION_FENCED, DW_PARTITION_LOST},
    {DW_PARTITION_RUNNING, DW_PARTITION_TRUNCATE, DW_PARTITION_BARRIER},
    {DW_PARTITION_RUNNING, DW_PARTITION_NO_ROOM, DW_PARTITION_FULL},
    {DW_PARTITION_RETRYING, DW_PARTITION_TIMER, DW_PARTITION_RUNNING},
    {DW_PARTITION_BARRIER, DW_PARTITION_RELEASED, DW_PARTITION_RUNNING},
    {DW_PARTITION_BARRIER, DW_PARTITION_FENCED, DW_PARTITION_LOST},
    {DW_PARTITION_RUNNING, DW_PARTITION_MARK, DW_PARTITION_TURNING},
    {DW_PARTITION_FULL, DW_PARTITION_MARK, DW_PARTITION_TURNING},
    {DW_PARTITION_TURNING, DW_PARTITION_RELEASED, DW_PARTITION_RUNNING},
    {DW_PARTITION_TURNING, DW_PARTITION_BACKOFF, DW_PARTITION_RETRYING},
    {DW_PARTITION_TURNING, DW_PARTITION_UNCERTAIN, DW_PARTITION_CLAIMING},
    {DW_PARTITION_TURNING, DW_PARTITION_FENCED, DW_PARTITION_LOST},
    {DW_PARTITION_FULL, DW_PARTITION_ROOM, DW_PARTITION_RUNNING},
    {DW_PARTITION_FULL, DW_PARTITION_BACKOFF, DW_PARTITION_RETRYING},
    {DW_PARTITION_FULL, DW_PARTITION_UNCERTAIN, DW_PARTITION_CLAIMING},
    {DW_PARTITION_FULL, DW_PARTITION_FENCED, DW_PARTITION_LOST},
    {DW_PARTITION_PAUSED, DW_PARTITION_MAP_RUNS, DW_PARTITION_CLAIMING},
    {DW_PARTITION_LOST, DW_PARTITION_TIMER, DW_PARTITION_CLAIMING},
};

enum dw_partition_state dw_partition_state_next(enum dw_partition_state state,
                                                enum dw_partition_event event)
{
    if (state == DW_PARTITION_GONE || event == DW_PARTITION_REVOKED)
        return DW_PARTITION_GONE;
    if (event == DW_PARTITION_MAP_STOPS)
        return DW_PARTITION_PAUSED;
    for (size_t i = 0; i < sizeof transitions / sizeof *transitions; i++)
        if (transitions[i].from == state && transitions[i].event == event)
            return transitions[i].to;
    return state;
}
