/* map_state.h - the life of a map: its states, what can happen to it, and what follows.
 *
 *   stopped --start--> running                          catching_up --caught_up--> running
 *   stopped --start, copying what is there--> initial_sync --synced--> catching_up
 *   initial_sync, running, catching_up --pause--> paused    --resume--> catching_up
 *   … and paused                       --fail---> error     or initial_sync when that is not over
 *   every state --stop--> stopped
 *
 * In initial_sync, running and catching_up a map is active: published and applied; processes make
 * no difference between them. An initial sync that fails leaves its map in initial_sync with the
 * reason; one that is cancelled lets it go on as catching_up, with a gap noted (state_start.h).
 *
 * Pure: no database. One table (map_state.c) holds every transition. Threads: any.
 */
#ifndef DW_STATE_MAP_STATE_H
#define DW_STATE_MAP_STATE_H
#include "common/base/str.h"
#include <stdbool.h>

enum dw_map_state {
    DW_MAP_STOPPED,      /* nothing is published, nothing applied */
    DW_MAP_INITIAL_SYNC, /* active; the target does not have all rows yet */
    DW_MAP_RUNNING,      /* active, and the target is up to date */
    DW_MAP_PAUSED,       /* by an operator: published, not applied */
    DW_MAP_CATCHING_UP,  /* active; the target is behind after a pause, an error or a sync */
    DW_MAP_ERROR,        /* by a process, with code and reason: published, not applied */
};
#define DW_MAP_STATE_COUNT 6

enum dw_map_event {
    /* orders of a person */
    DW_MAP_START,
    DW_MAP_START_SYNC, /* start, copying the rows that exist already */
    DW_MAP_PAUSE,
    DW_MAP_RESUME,
    DW_MAP_RESUME_SYNC, /* resume while the initial sync is not over */
    DW_MAP_STOP,
    /* what processes find */
    DW_MAP_FAIL,        /* what only a person can mend */
    DW_MAP_SYNCED,      /* the target has all rows of the initial sync, or it was cancelled */
    DW_MAP_SYNC_FAILED, /* the initial sync stands until it is resumed */
    DW_MAP_CAUGHT_UP,   /* the target is where the source is */
};
#define DW_MAP_EVENT_COUNT 10

enum dw_map_answer {
    DW_MAP_MOVES,   /* to the state given */
    DW_MAP_STAYS,   /* nothing to do: it is so already */
    DW_MAP_REFUSES, /* the hint says what to do instead */
};

struct dw_map_transition {
    enum dw_map_answer answer;
    enum dw_map_state to;
    const char *hint; /* for DW_MAP_REFUSES, static */
};

/* "stopped", "initial_sync", … Never NULL. */
const char *dw_map_state_name(enum dw_map_state state);
bool dw_map_state_parse(const char *name, enum dw_map_state *out);
/* Is the map published and applied? */
bool dw_map_state_active(enum dw_map_state state);
/* "start", "pause", … Never NULL. Events of one order have one name. */
const char *dw_map_state_event_name(enum dw_map_event event);

/* What follows when `event` happens to a map in state `from`. */
struct dw_map_transition dw_map_state_next(enum dw_map_state from, enum dw_map_event event);

#endif
