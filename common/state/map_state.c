/* map_state.c - see map_state.h. */
#include "common/state/map_state.h"

static const char *const state_names[DW_MAP_STATE_COUNT] = {
    [DW_MAP_STOPPED] = "stopped",         [DW_MAP_INITIAL_SYNC] = "initial_sync",
    [DW_MAP_RUNNING] = "running",         [DW_MAP_PAUSED] = "paused",
    [DW_MAP_CATCHING_UP] = "catching_up", [DW_MAP_ERROR] = "error",
};

static const char *const event_names[DW_MAP_EVENT_COUNT] = {
    [DW_MAP_START] = "start",
    [DW_MAP_START_SYNC] = "start",
    [DW_MAP_PAUSE] = "pause",
    [DW_MAP_RESUME] = "resume",
    [DW_MAP_RESUME_SYNC] = "resume",
    [DW_MAP_STOP] = "stop",
    [DW_MAP_FAIL] = "fail",
    [DW_MAP_SYNCED] = "synced",
    [DW_MAP_SYNC_FAILED] = "sync_failed",
    [DW_MAP_CAUGHT_UP] = "caught_up",
};

#define MOVES(state)                                                                               \
    {                                                                                              \
        DW_MAP_MOVES, state, ""                                                                    \
    }
#define STAYS(state)                                                                               \
    {                                                                                              \
        DW_MAP_STAYS, state, ""                                                                    \
    }
#define REFUSES(state, hint)                                                                       \
    {                                                                                              \
        DW_MAP_REFUSES, state, hint                                                                \
    }

static const struct dw_map_transition transitions[DW_MAP_STATE_COUNT][DW_MAP_EVENT_COUNT] =
    {
        [DW_MAP_STOPPED] =
            {
                [DW_MAP_START] = MOVES(DW_MAP_RUNNING),
                [DW_MAP_START_SYNC] = MOVES(DW_MAP_INITIAL_SYNC),
                [DW_MAP_PAUSE] = REFUSES(DW_MAP_STOPPED, "a stopped map has nothing to pause"),
                [DW_MAP_RESUME] = REFUSES(DW_MAP_STOPPED, "start it instead"),
                [DW_MAP_RESUME_SYNC] = REFUSES(DW_MAP_STOPPED, "start it instead"),
                [DW_MAP_STOP] = STAYS(DW_MAP_STOPPED),
                /* The process had not yet heard that the map was stopped. */
                [DW_MAP_FAIL] = STAYS(DW_MAP_STOPPED),
                [DW_MAP_SYNCED] = STAYS(DW_MAP_STOPPED),
                [DW_MAP_SYNC_FAILED] = STAYS(DW_MAP_STOPPED),
                [DW_MAP_CAUGHT_UP] = STAYS(DW_MAP_STOPPED),
            },
        [DW_MAP_INITIAL_SYNC] =
            {
                [DW_MAP_START] = STAYS(DW_MAP_INITIAL_SYNC),
                [DW_MAP_START_SYNC] = STAYS(DW_MAP_INITIAL_SYNC),
                [DW_MAP_PAUSE] = MOVES(DW_MAP_PAUSED),
                [DW_MAP_RESUME] = STAYS(DW_MAP_INITIAL_SYNC),
                /* Goes on with a sync that failed. */
                [DW_MAP_RESUME_SYNC] = MOVES(DW_MAP_INITIAL_SYNC),
                [DW_MAP_STOP] = MOVES(DW_MAP_STOPPED),
                [DW_MAP_FAIL] = MOVES(DW_MAP_ERROR),
                [DW_MAP_SYNCED] = MOVES(DW_MAP_CATCHING_UP),
                [DW_MAP_SYNC_FAILED] = MOVES(DW_MAP_INITIAL_SYNC),
                [DW_MAP_CAUGHT_UP] = STAYS(DW_MAP_INITIAL_SYNC),
            },
        [DW_MAP_RUNNING] =
            {
                [DW_MAP_START] = STAYS(DW_MAP_RUNNING),
                [DW_MAP_START_SYNC] = STAYS(DW_MAP_RUNNING),
                [DW_MAP_PAUSE] = MOVES(DW_MAP_PAUSED),
                [DW_MAP_RESUME] = STAYS(DW_MAP_RUNNING),
                [DW_MAP_RESUME_SYNC] = STAYS(DW_MAP_RUNNING),
                [DW_MAP_STOP] = MOVES(DW_MAP_STOPPED),
                [DW_MAP_FAIL] = MOVES(DW_MAP_ERROR),
                [DW_MAP_SYNCED] = STAYS(DW_MAP_RUNNING),
                [DW_MAP_SYNC_FAILED] = STAYS(DW_MAP_RUNNING),
                [DW_MAP_CAUGHT_UP] = STAYS(DW_MAP_RUNNING),
            },
        [DW_MAP_PAUSED] =
            {
                /* Not a silent resume: whoever paused it had a reason. */
                [DW_MAP_START] = REFUSES(DW_MAP_PAUSED, "it is paused: resume it instead"),
                [DW_MAP_START_SYNC] = REFUSES(DW_MAP_PAUSED, "it is paused: resume it instead"),
                [DW_MAP_PAUSE] = STAYS(DW_MAP_PAUSED),
                [DW_MAP_RESUME] = MOVES(DW_MAP_CATCHING_UP),
                [DW_MAP_RESUME_SYNC] = MOVES(DW_MAP_INITIAL_SYNC),
                [DW_MAP_STOP] = MOVES(DW_MAP_STOPPED),
                [DW_MAP_FAIL] = MOVES(DW_MAP_ERROR),
                [DW_MAP_SYNCED] = STAYS(DW_MAP_PAUSED),
                [DW_MAP_SYNC_FAILED] = STAYS(DW_MAP_PAUSED),
                [DW_MAP_CAUGHT_UP] = STAYS(DW_MAP_PAUSED),
            },
        [DW_MAP_CATCHING_UP] =
            {
                [DW_MAP_START] = STAYS(DW_MAP_CATCHING_UP),
                [DW_MAP_START_SYNC] = STAYS(DW_MAP_CATCHING_UP),
                [DW_MAP_PAUSE] = MOVES(DW_MAP_PAUSED),
                [DW_MAP_RESUME] = STAYS(DW_MAP_CATCHING_UP),
                [DW_MAP_RESUME_SYNC] = STAYS(DW_MAP_CATCHING_UP),
                [DW_MAP_STOP] = MOVES(DW_MAP_STOPPED),
                [DW_MAP_FAIL] = MOVES(DW_MAP_ERROR),
                [DW_MAP_SYNCED] = STAYS(DW_MAP_CATCHING_UP),
                [DW_MAP_SYNC_FAILED] = STAYS(DW_MAP_CATCHING_UP),
                [DW_MAP_CAUGHT_UP] = MOVES(DW_MAP_RUNNING),
            },
        [DW_MAP_ERROR] =
            {
                [DW_MAP_START] = REFUSES(DW_MAP_ERROR, "mend the cause, then resume it"),
                [DW_MAP_START_SYNC] = REFUSES(DW_MAP_ERROR, "mend the cause, then resume it"),
                [DW_MAP_PAUSE] = MOVES(DW_MAP_PAUSED),
                [DW_MAP_RESUME] = MOVES(DW_MAP_CATCHING_UP),
                [DW_MAP_RESUME_SYNC] = MOVES(DW_MAP_INITIAL_SYNC),
                [DW_MAP_STOP] = MOVES(DW_MAP_STOPPED),
                /* The first reason is the one to mend; what follows from it is not news. */
                [DW_MAP_FAIL] = STAYS(DW_MAP_ERROR),
                [DW_MAP_SYNCED] = STAYS(DW_MAP_ERROR),
                [DW_MAP_SYNC_FAILED] = STAYS(DW_MAP_ERROR),
                [DW_MAP_CAUGHT_UP] = STAYS(DW_MAP_ERROR),
            },
};

const char *dw_map_state_name(enum dw_map_state state)
{
    return (unsigned)state < DW_MAP_STATE_COUNT ? state_names[state] : "unknown";
}

bool dw_map_state_parse(const char *name, enum dw_map_state *out)
{
    for (unsigned i = 0; i < DW_MAP_STATE_COUNT; i++)
        if (strcmp(state_names[i], name) == 0) {
            *out = (enum dw_map_state)i;
            return true;
        }
    return false;
}

bool dw_map_state_active(enum dw_map_state state)
{
    return state == DW_MAP_INITIAL_SYNC || state == DW_MAP_RUNNING || state == DW_MAP_CATCHING_UP;
}

const char *dw_map_state_event_name(enum dw_map_event event)
{
    return (unsigned)event < DW_MAP_EVENT_COUNT ? event_names[event] : "unknown";
}

struct dw_map_transition dw_map_state_next(enum dw_map_state from, enum dw_map_event event)
{
    return transitions[from][event];
}
