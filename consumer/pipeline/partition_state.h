/* partition_state.h - the life of one assigned partition, as an enum and a table of transitions.
 *
 *              ┌──────── fenced ─────► LOST ──timer──┐
 *              │                                     ▼
 *   (new) ► CLAIMING ──claimed──► RUNNING ──uncertain──► CLAIMING
 *              ▲   ▲                │ ▲ │ ▲ │ ▲
 *              │   │         backoff│ │ │ │ │ └─room──── FULL (waiting rows; trap 2)
 *              │   │                │ │ │ │ └─released── TURNING (more partitions; trap 20)
 *              │   │                ▼ │ │ └─released──── BARRIER (truncate; trap 7)
 *              │   │           RETRYING └── full / truncate ──┘
 *          map_runs │ uncertain
 *              │
 *            PAUSED ◄── map_stops (from every state but GONE)
 *
 *   revoked leads from every state to GONE.
 *
 * A paused partition forgets what it fetched and claims anew when its map runs again. Pure.
 */
#ifndef DW_PIPELINE_PARTITION_STATE_H
#define DW_PIPELINE_PARTITION_STATE_H
#include <stddef.h>

enum dw_partition_state {
    DW_PARTITION_CLAIMING, /* reads progress from the target, then starts to fetch */
    DW_PARTITION_RUNNING,
    DW_PARTITION_RETRYING, /* an outage: the batch in hand is tried again later */
    DW_PARTITION_BARRIER,  /* at a truncate that other partitions have not reached */
    DW_PARTITION_TURNING,  /* at the mark of a generation that other partitions have not reached:
                              only  waiting rows are tried */
    DW_PARTITION_FULL,     /* no room for waiting rows: only those are tried */
    DW_PARTITION_PAUSED,   /* its map is paused or in error */
    DW_PARTITION_LOST,     /* fenced: another worker moved the progress row */
    DW_PARTITION_GONE,     /* no longer assigned */
    DW_PARTITION_STATE_COUNT
};

enum dw_partition_event {
    DW_PARTITION_CLAIMED,
    DW_PARTITION_BACKOFF,
    DW_PARTITION_TIMER,
    DW_PARTITION_UNCERTAIN, /* nobody knows whether the commit happened */
    DW_PARTITION_FENCED,
    DW_PARTITION_MAP_STOPS,
    DW_PARTITION_MAP_RUNS,
    DW_PARTITION_TRUNCATE,
    DW_PARTITION_MARK, /* of a generation */
    DW_PARTITION_RELEASED,
    DW_PARTITION_NO_ROOM,
    DW_PARTITION_ROOM,
    DW_PARTITION_REVOKED,
    DW_PARTITION_EVENT_COUNT
};

const char *dw_partition_state_name(enum dw_partition_state state);
const char *dw_partition_state_event_name(enum dw_partition_event event);

/* The state after `event`; an event that means nothing in a state leaves it as it is. */
enum dw_partition_state dw_partition_state_next(enum dw_partition_state state,
                                                enum dw_partition_event event);

#endif
