/* map_state.h - the life of a map: its states, what can happen to it, and what follows.
 *
 *              start            pause             resume
 *   stopped ----------> running ------> paused ----------> running
 *      ^                   | fail          | fail
 *      |  stop (always)    v               v
 *      +---------------- error <-----------+     error: resume -> running, pause -> paused
 *
 * Pure: no database. One table (map_state.c) holds every transition. Threads: any.
 */
#ifndef DW_STATE_MAP_STATE_H
#define DW_STATE_MAP_STATE_H
#include "common/base/str.h"
#include <stdbool.h>

enum dw_map_state {
    DW_MAP_STOPPED, /* nothing is published, nothing applied */
    DW_MAP_RUNNING,
    DW_MAP_PAUSED, /* by an operator: published, not applied */
    DW_MAP_ERROR,  /* by a process, with code and reason: published, not applied */
};
#define DW_MAP_STATE_COUNT 4

enum dw_map_event {
    DW_MAP_START,
    DW_MAP_PAUSE,
    DW_MAP_RESUME,
    DW_MAP_STOP,
    DW_MAP_FAIL, /* a process met what only a person can mend */
};
#define DW_MAP_EVENT_COUNT 5

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

/* "stopped", "running", … Never NULL. */
const char *dw_map_state_name(enum dw_map_state state);
bool dw_map_state_parse(const char *name, enum dw_map_state *out);
/* "start", "pause", … Never NULL. */
const char *dw_map_state_event_name(enum dw_map_event event);
bool dw_map_state_event_parse(struct dw_str name, enum dw_map_event *out);

/* What follows when `event` happens to a map in state `from`. */
struct dw_map_transition dw_map_state_next(enum dw_map_state from, enum dw_map_event event);

#endif
