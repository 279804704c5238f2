/* api_status.c - how it goes: maps, systems, processes, gaps.
 *
 * Three sources: the state database (maps, dead letters, processes), what living processes report
 * (lag, latency: flow.h), and the targets' own counts (target_watch.h). What nobody knows at the
 * moment is null, never 0.
 */
#include "common/base/clock.h"
#include "common/postgres/pg.h"
#include "common/state/state_letters.h"
#include "reconciler/api/api_answer.h"
#include "reconciler/flow/flow.h"

#define PROBLEM_BYTES_MAX 2048

struct status {
    const struct dw_map_record *maps;
    size_t map_count;
    const struct dw_state_process *processes;
    size_t process_count;
    const struct dw_state_gap *gaps;
    size_t gap_count;
    const struct dw_letter_count *letters;
    size_t letter_count;
    struct dw_target_list targets;
    struct dw_flow *flow;
    int64_t now_us;
};

static enum dw_rc load_status(struct dw_api_call *call, struct status *status, struct dw_err *err)
{
    enum dw_rc rc =
        dw_state_maps_load(call->state, call->arena, &status->maps, &status->map_count, err);
    if (!rc)
        rc = dw_state_processes_load(call->state, call->arena, &status->processes,
                                     &status->process_count, err);
    if (!rc)
        rc = dw_state_gaps_load(call->state, call->arena, &status->gaps, &status->gap_count, err);
    if (!rc)
        rc = dw_state_letters_count(call->state, call->arena, &status->letters,
                                    &status->letter_count, err);
    if (rc)
        return rc;
    dw_target_watch_read(call->watch, call->arena, &status->targets);
    status->flow = dw_flow_new(status->processes, status->process_count);
    status->now_us = dw_clock_wall_us();
    return DW_OK;
}

static int64_t count_letters(const struct status *status, const char *map,
                             enum dw_letter_state state)
{
    int64_t count = 0;
    for (size_t i = 0; i < status->letter_count; i++)
        if (status->letters[i].state == state && (!map || !strcmp(status->letters[i].map, map)))
            count += status->letters[i].count;
    return count;
}

static const struct dw_target_snapshot *find_target(const struct status *status, const char *system)
{
    for (size_t i = 0; i < status->targets.count; i++)
        if (strcmp(status->targets.items[i].system, system) == 0)
            return &status->targets.items[i];
    return NULL;
}

/* NULL while the target has not been read, or nothing of the map has come to it. */
static const struct dw_target_progress *find_progress(const struct status *status,
                                                      const struct dw_map_record *map)
{
    const struct dw_target_snapshot *target = find_target(status, map->target_system);
    for (size_t i = 0; target && i < target->map_count; i++)
        if (strcmp(target->maps[i].map, map->name) == 0)
            return &target->maps[i];
    return NULL;
}

static void write_seconds(struct dw_buf *out, const char *name, int64_t us)
{
    dw_json_write_real(out, name, us < 0 ? 0 : (double)us / 1e6);
}

static void write_milliseconds(struct dw_buf *out, const char *name, int64_t us)
{
    if (us < 0)
        dw_json_write_text(out, name, NULL);
    else
        dw_json_write_real(out, name, (double)us / 1e3);
}

/* Seconds behind: 0 when Kafka holds nothing more. Else the time since the newest commit applied;
 * heartbeats count as commits, so an idle source does not look late. */
static void write_lag(struct dw_buf *out, const struct status *status,
                      const struct dw_flow_map *flow, const struct dw_target_progress *progress)
{
    if (flow->consumers)
        dw_json_write_i64(out, "lag_events", flow->lag);
    else
        dw_json_write_text(out, "lag_events", NULL);
    if (flow->consumers && flow->lag == 0)
        dw_json_write_i64(out, "lag_seconds", 0);
    else if (progress && progress->newest_us > 0)
        write_seconds(out, "lag_seconds", status->now_us - progress->newest_us);
    else
        dw_json_write_text(out, "lag_seconds", NULL);
}

/* Counts of the target: every record of the topic ended as one of these, or is still to come:
 * events_in = events_out + dead + discarded + waiting + lag. Dead letters that ended count as what
 * they ended as. */
static void write_counts(struct dw_buf *out, const struct dw_flow_map *flow,
                         const struct dw_target_progress *progress)
{
    static const struct dw_target_progress none;
    const struct dw_target_progress *p = progress ? progress : &none;
    int64_t taken = p->records - p->control;
    dw_json_write_i64(out, "events_in", taken + flow->lag);
    dw_json_write_i64(out, "events_out", p->applied + p->superseded + p->duplicate + p->filtered);
    dw_json_write_i64(out, "applied", p->applied);
    dw_json_write_i64(out, "superseded", p->superseded);
    dw_json_write_i64(out, "duplicate", p->duplicate);
    dw_json_write_i64(out, "filtered", p->filtered);
    dw_json_write_i64(out, "dead", p->dead);
    dw_json_write_i64(out, "discarded", p->discarded);
    dw_json_write_i64(out, "waiting", p->waiting);
    dw_json_write_i64(out, "control", p->control);
    if (progress)
        dw_json_write_bool(out, "balanced", p->balanced);
    else
        dw_json_write_text(out, "balanced", NULL);
}

static void write_latency(struct dw_buf *out, const struct dw_latency *latency)
{
    dw_json_write_name(out, "latency_ms");
    dw_buf_append_char(out, '{');
    write_milliseconds(out, "p50", dw_latency_percentile_us(latency, 50));
    write_milliseconds(out, "p95", dw_latency_percentile_us(latency, 95));
    write_milliseconds(out, "p99", dw_latency_percentile_us(latency, 99));
    dw_json_write_i64(out, "count", dw_latency_count(latency));
    dw_buf_append_char(out, '}');
}

/* A running map is also to be applied by its newest revision, in every partition. */
static bool is_in_force(const struct dw_flow_map *flow, const struct dw_map_record *map,
                        const struct dw_target_progress *progress)
{
    if (dw_map_state_active(map->state) && progress && progress->revision < map->revision)
        return false;
    return dw_flow_in_force(flow, map->state, map->partitions);
}

static void write_map(struct dw_buf *out, const struct status *status,
                      const struct dw_map_record *map)
{
    struct dw_flow_map flow;
    const struct dw_target_progress *progress = find_progress(status, map);
    dw_flow_of_map(status->flow, map->name, &flow);
    dw_api_answer_open(out, '{');
    dw_json_write_text(out, "map", map->name);
    dw_json_write_text(out, "state", dw_map_state_name(map->state));
    dw_json_write_text(out, "code", map->code);
    dw_json_write_text(out, "reason", *map->reason ? map->reason : flow.reason);
    dw_json_write_i64(out, "revision", map->revision);
    dw_json_write_i64(out, "change", map->change);
    dw_json_write_text(out, "source_system", map->source_system);
    dw_json_write_text(out, "target_system", map->target_system);
    dw_json_write_text(out, "topic", map->topic);
    dw_json_write_i64(out, "partitions", map->partitions);
    dw_json_write_bool(out, "in_force", is_in_force(&flow, map, progress));
    dw_json_write_i64(out, "consumers", flow.consumers);
    write_lag(out, status, &flow, progress);
    dw_json_write_i64(out, "published_this_run", flow.published);
    write_counts(out, &flow, progress);
    write_latency(out, &flow.latency);
    dw_json_write_name(out, "dead_letters");
    dw_buf_append_char(out, '{');
    dw_json_write_i64(out, "open", count_letters(status, map->name, DW_LETTER_OPEN));
    dw_json_write_i64(out, "unconfirmed", count_letters(status, map->name, DW_LETTER_UNCONFIRMED));
    dw_buf_append_text(out, "}}");
}

/* --- systems -----------------------------------------------------------------------------------
 */

static void write_producer(struct dw_buf *out, const struct dw_flow_system *producer)
{
    dw_json_write_name(out, "producer");
    if (!producer->has_producer) {
        dw_buf_append_text(out, "null");
        return;
    }
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "instance", producer->instance);
    dw_json_write_text(out, "state", producer->state);
    dw_json_write_text(out, "reason", producer->reason);
    dw_json_write_i64(out, "epoch", producer->epoch);
    if (producer->slot_lag_bytes >= 0)
        dw_json_write_i64(out, "slot_lag_bytes", producer->slot_lag_bytes);
    else
        dw_json_write_text(out, "slot_lag_bytes", NULL);
    dw_json_write_text(out, "confirmed_lsn", producer->confirmed_lsn);
    dw_json_write_text(out, "received_lsn", producer->received_lsn);
    dw_json_write_i64(out, "standbys", producer->standbys);
    dw_buf_append_char(out, '}');
}

/* How old the source's state is that all of its targets have: the oldest position of its running
 * maps. -1 unknown. */
static int64_t find_freshness(const struct status *status, const char *system)
{
    int64_t oldest = INT64_MAX;
    for (size_t i = 0; i < status->map_count; i++) {
        const struct dw_map_record *map = &status->maps[i];
        if (!dw_map_state_active(map->state) || strcmp(map->source_system, system) != 0)
            continue;
        const struct dw_target_progress *progress = find_progress(status, map);
        if (!progress || progress->position_us == 0)
            return -1;
        if (progress->position_us < oldest)
            oldest = progress->position_us;
    }
    return oldest == INT64_MAX ? -1 : status->now_us - oldest;
}

static void write_target(struct dw_buf *out, const struct dw_target_snapshot *target)
{
    dw_json_write_name(out, "target");
    if (!target) {
        dw_buf_append_text(out, "null");
        return;
    }
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "incarnation", target->incarnation);
    dw_json_write_text(out, "problem", target->problem);
    dw_api_answer_time(out, "read_at", target->read_us);
    dw_buf_append_char(out, '}');
}

static void write_system(struct dw_buf *out, const struct status *status, const char *system)
{
    struct dw_flow_system producer;
    int64_t freshness = find_freshness(status, system);
    dw_flow_of_system(status->flow, system, &producer);
    dw_api_answer_open(out, '{');
    dw_json_write_text(out, "system", system);
    write_producer(out, &producer);
    if (freshness < 0)
        dw_json_write_text(out, "freshness_seconds", NULL);
    else
        write_seconds(out, "freshness_seconds", freshness);
    write_target(out, find_target(status, system));
    dw_buf_append_char(out, '}');
}

/* --- processes and gaps -------------------------------------------------------------------------
 */

static void write_processes(struct dw_buf *out, const struct status *status)
{
    dw_json_write_name(out, "processes");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < status->process_count; i++) {
        const struct dw_state_process *process = &status->processes[i];
        dw_api_answer_open(out, '{');
        dw_json_write_text(out, "kind", process->kind);
        dw_json_write_text(out, "instance", process->instance);
        dw_json_write_text(out, "state", process->state);
        dw_json_write_bool(out, "alive", process->beat_age_ms <= DW_FLOW_FRESH_MS);
        dw_api_answer_time(out, "started_at", process->started_us);
        dw_json_write_real(out, "beat_age_seconds", (double)process->beat_age_ms / 1e3);
        dw_json_write_name(out, "stats");
        dw_buf_append_text(out, process->stats);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

/* The command that leads to its closing. */
static const char *remedy_of(struct dw_arena *arena, const struct status *status,
                             const struct dw_state_gap *gap)
{
    bool copies_only = strcmp(gap->code, "DW-STATE-013") == 0;
    const char *how = copies_only   ? ""
                      : gap->stands ? " --accept-gap --delete-extra --yes"
                                    : " --delete-extra --yes";
    if (!*gap->map)
        return dw_arena_printf(arena, "dualwrite system resync %s%s", gap->system, how);
    for (size_t i = 0; i < status->map_count; i++)
        if (strcmp(status->maps[i].name, gap->map) == 0 && status->maps[i].state == DW_MAP_STOPPED)
            return dw_arena_printf(arena, "dualwrite map start %s%s", gap->map, how);
    return dw_arena_printf(arena, "dualwrite map resync %s%s", gap->map, how);
}

static void write_gaps(struct dw_buf *out, struct dw_arena *arena, const struct status *status)
{
    char lsn[24];
    dw_json_write_name(out, "gaps");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < status->gap_count; i++) {
        const struct dw_state_gap *gap = &status->gaps[i];
        dw_api_answer_open(out, '{');
        dw_json_write_text(out, "system", gap->system);
        dw_json_write_text(out, "map", gap->map);
        dw_json_write_text(out, "code", gap->code);
        dw_json_write_text(out, "from_lsn", dw_pg_format_lsn(gap->from_lsn, lsn));
        dw_json_write_text(out, "reason", gap->reason);
        dw_json_write_text(out, "remedy", remedy_of(arena, status, gap));
        dw_api_answer_time(out, "noted_at", gap->noted_us);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

static void write_index(struct dw_buf *out, struct dw_api_call *call, const struct status *status)
{
    struct dw_buf problem;
    dw_buf_init(&problem, PROBLEM_BYTES_MAX);
    dw_letter_index_problem(call->index, &problem);
    dw_json_write_name(out, "dead_letter_index");
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "problem", problem.data ? problem.data : "");
    dw_json_write_i64(out, "open", count_letters(status, NULL, DW_LETTER_OPEN));
    dw_json_write_i64(out, "unconfirmed", count_letters(status, NULL, DW_LETTER_UNCONFIRMED));
    dw_json_write_i64(out, "void", count_letters(status, NULL, DW_LETTER_VOID));
    dw_json_write_i64(out, "foreign", count_letters(status, NULL, DW_LETTER_IS_FOREIGN));
    dw_buf_append_char(out, '}');
    dw_buf_done(&problem);
}

void dw_api_status_show(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    struct status status = {.flow = NULL};
    struct dw_buf *out = &call->response->body;
    if (load_status(call, &status, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "version", DW_VERSION);
    dw_json_write_text(out, "instance", call->instance);
    dw_api_answer_time(out, "at", status.now_us);
    dw_json_write_name(out, "maps");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < status.map_count; i++)
        write_map(out, &status, &status.maps[i]);
    dw_buf_append_char(out, ']');
    dw_json_write_name(out, "systems");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < call->settings->system_count; i++)
        write_system(out, &status, call->settings->systems[i].name);
    dw_buf_append_char(out, ']');
    write_processes(out, &status);
    write_gaps(out, call->arena, &status);
    const struct dw_sync_filter syncs = {.mates = true};
    int64_t ignored;
    if (dw_api_alerts_write(call, &err) || dw_api_syncs_write(call, &syncs, &ignored, &err)) {
        dw_flow_free(status.flow);
        out->len = 0;
        dw_api_answer_error(call, &err);
        return;
    }
    write_index(out, call, &status);
    dw_buf_append_text(out, "}\n");
    dw_flow_free(status.flow);
}
