/* flow.h - what the living processes report, merged per map and per system. Pure but for memory.
 *
 * `stats` of a process: see dw_state_process_beat in common/state/state.h. Members that are
 * missing or of a wrong type count as not reported: an older or newer process must not break the
 * status.
 */
#ifndef DW_FLOW_FLOW_H
#define DW_FLOW_FLOW_H
#include "common/base/arena.h"
#include "common/state/state.h"
#include "reconciler/flow/latency.h"
#include <stdbool.h>
#include <stdint.h>

#define DW_FLOW_FRESH_MS 10000 /* a process that was silent for longer does not count */

struct dw_flow;

struct dw_flow_map {
    bool has_producer; /* one lists the map */
    int64_t published; /* since that producer started */
    int64_t consumers; /* that have partitions of it */
    int64_t partitions;
    int64_t lag; /* events in Kafka not yet applied, of the partitions reported */
    int64_t applied;
    bool any_paused, any_running;
    const char *reason; /* why a consumer does not apply it, "" */
    struct dw_latency latency;
};

struct dw_flow_system {
    bool has_producer;
    const char *instance;
    const char *state; /* streaming, standby, … of the most active producer */
    const char *reason;
    int64_t epoch;
    int64_t slot_lag_bytes;  /* -1 unknown */
    int64_t wal_safe_bytes;  /* until the source drops the slot; -1 unknown or no limit */
    int64_t wal_limit_bytes; /* max_slot_wal_keep_size; -1 unknown or none */
    const char *confirmed_lsn;
    const char *received_lsn;
    int64_t standbys;
};

/* Over the stats of all processes, which it borrows. Free with dw_flow_free.
 * Threads: one at a time; the first look at a process parses its stats. */
struct dw_flow *dw_flow_new(const struct dw_state_process *processes, size_t count);
void dw_flow_free(struct dw_flow *flow); /* accepts NULL */

/* Texts are borrowed from the flow. */
void dw_flow_of_map(const struct dw_flow *flow, const char *map, struct dw_flow_map *out);
void dw_flow_of_system(const struct dw_flow *flow, const char *system, struct dw_flow_system *out);

/* Commit of the newest row of a map that a producer has published since it started, µs since 1970;
 * 0 none. Asks no consumer's report. */
int64_t dw_flow_row_us(const struct dw_flow *flow, const char *map);

/* Is the map's state in force in the processes that carry it out? `partitions`: of its topic. */
bool dw_flow_in_force(const struct dw_flow_map *flow, enum dw_map_state state, int64_t partitions);

#endif
