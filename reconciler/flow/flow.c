/* flow.c - see flow.h. */
#include "reconciler/flow/flow.h"

#include <jansson.h>
#include <stdlib.h>

struct report { /* of one process */
    bool is_producer;
    bool is_consumer;
    const char *instance;
    const char *text;
    bool parsed;
    json_t *stats; /* then; NULL when it is no JSON object */
};

struct dw_flow {
    struct report *reports;
    size_t count;
};

struct dw_flow *dw_flow_new(const struct dw_state_process *processes, size_t count)
{
    struct dw_flow *flow = DW_MEM_NEW(struct dw_flow);
    flow->reports = dw_mem_calloc(count, sizeof *flow->reports);
    for (size_t i = 0; i < count; i++) {
        if (processes[i].beat_age_ms > DW_FLOW_FRESH_MS)
            continue;
        flow->reports[flow->count++] = (struct report){
            .is_producer = strcmp(processes[i].kind, "producer") == 0,
            .is_consumer = strcmp(processes[i].kind, "consumer") == 0,
            .instance = processes[i].instance,
            .text = processes[i].stats,
        };
    }
    return flow;
}

/* Parsed by the first who asks: who asks for systems alone does not wait for a thousand maps of
 * each consumer. */
static const json_t *stats_of(struct report *report)
{
    if (!report->parsed)
        report->stats = json_loads(report->text, 0, NULL);
    report->parsed = true;
    return report->stats;
}

void dw_flow_free(struct dw_flow *flow)
{
    if (!flow)
        return;
    for (size_t i = 0; i < flow->count; i++)
        json_decref(flow->reports[i].stats);
    free(flow->reports);
    free(flow);
}

/* Accessors that accept NULL and wrong types: 0 and "". */
static int64_t number_of(const json_t *object, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(object, name));
}

/* -1: not reported. */
static int64_t bytes_of(const json_t *object, const char *name)
{
    const json_t *bytes = json_object_get(object, name);
    return json_is_integer(bytes) ? (int64_t)json_integer_value(bytes) : -1;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static const json_t *map_of(struct report *report, const char *map)
{
    const json_t *found = json_object_get(json_object_get(stats_of(report), "maps"), map);
    return json_is_object(found) ? found : NULL;
}

static void add_consumer(const json_t *stats, struct dw_flow_map *out)
{
    size_t partitions = json_array_size(json_object_get(stats, "partitions"));
    if (partitions == 0)
        return;
    bool paused = json_is_true(json_object_get(stats, "paused"));
    out->consumers++;
    out->partitions += (int64_t)partitions;
    out->lag += number_of(stats, "lag");
    out->applied += number_of(stats, "applied");
    out->any_paused = out->any_paused || paused;
    out->any_running = out->any_running || !paused;
    if (!*out->reason)
        out->reason = text_of(stats, "reason");
    const json_t *counts = json_object_get(stats, "latency");
    if (json_array_size(counts) != DW_METRIC_BUCKETS)
        return;
    struct dw_latency latency;
    for (int i = 0; i < DW_METRIC_BUCKETS; i++)
        latency.counts[i] = (int64_t)json_integer_value(json_array_get(counts, (size_t)i));
    dw_latency_add(&out->latency, &latency);
}

void dw_flow_of_map(const struct dw_flow *flow, const char *map, struct dw_flow_map *out)
{
    *out = (struct dw_flow_map){.reason = ""};
    for (size_t i = 0; i < flow->count; i++) {
        const json_t *stats = map_of(&flow->reports[i], map);
        if (!stats)
            continue;
        if (flow->reports[i].is_producer) {
            out->has_producer = true;
            out->published += number_of(stats, "published");
        } else if (flow->reports[i].is_consumer) {
            add_consumer(stats, out);
        }
    }
}

int64_t dw_flow_row_us(const struct dw_flow *flow, const char *map)
{
    int64_t newest_us = 0;
    for (size_t i = 0; i < flow->count; i++) {
        const json_t *stats = flow->reports[i].is_producer ? map_of(&flow->reports[i], map) : NULL;
        int64_t us = number_of(stats, "last_commit_us");
        newest_us = us > newest_us ? us : newest_us;
    }
    return newest_us;
}

void dw_flow_of_system(const struct dw_flow *flow, const char *system, struct dw_flow_system *out)
{
    *out = (struct dw_flow_system){.instance = "",
                                   .state = "",
                                   .reason = "",
                                   .confirmed_lsn = "",
                                   .received_lsn = "",
                                   .slot_lag_bytes = -1,
                                   .wal_safe_bytes = -1,
                                   .wal_limit_bytes = -1};
    for (size_t i = 0; i < flow->count; i++) {
        const struct report *report = &flow->reports[i];
        const json_t *stats = report->is_producer ? stats_of(&flow->reports[i]) : NULL;
        if (!stats || strcmp(text_of(stats, "system"), system) != 0)
            continue;
        const char *state = text_of(stats, "state");
        bool standby = strcmp(state, "standby") == 0;
        out->standbys += standby;
        /* The one that streams speaks for the system; a standby only when there is no other. */
        if (out->has_producer && (standby || strcmp(out->state, "streaming") == 0))
            continue;
        const json_t *lag = json_object_get(stats, "slot_lag_bytes");
        out->has_producer = true;
        out->instance = report->instance;
        out->state = state;
        out->reason = text_of(stats, "reason");
        out->epoch = number_of(stats, "epoch");
        out->slot_lag_bytes = json_is_integer(lag) ? (int64_t)json_integer_value(lag) : -1;
        out->wal_safe_bytes = bytes_of(stats, "wal_safe_bytes");
        out->wal_limit_bytes = bytes_of(stats, "wal_limit_bytes");
        out->confirmed_lsn = text_of(stats, "confirmed_lsn");
        out->received_lsn = text_of(stats, "received_lsn");
    }
}

bool dw_flow_in_force(const struct dw_flow_map *flow, enum dw_map_state state, int64_t partitions)
{
    switch (state) {
    case DW_MAP_STOPPED:
        return !flow->has_producer && flow->consumers == 0;
    case DW_MAP_INITIAL_SYNC:
    case DW_MAP_RUNNING:
    case DW_MAP_CATCHING_UP:
        return flow->has_producer && flow->partitions >= partitions && !flow->any_paused;
    case DW_MAP_PAUSED:
    case DW_MAP_ERROR:
        return flow->has_producer && !flow->any_running;
    }
    return false;
}
