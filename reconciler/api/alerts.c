/* alerts.c - see alerts.h. */
#include "reconciler/api/alerts.h"

#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "common/base/log.h"
#include "common/service/metrics.h"
#include <stdio.h>
#include <stdlib.h>

#define METRIC         "dw_alert"
#define WARNING_SHARE  0.5
#define CRITICAL_SHARE 0.8
#define LABELS_BYTES   400

enum dw_alert_level dw_alerts_level(double used, double limit)
{
    if (limit <= 0 || used < WARNING_SHARE * limit)
        return DW_ALERT_NONE;
    if (used < CRITICAL_SHARE * limit)
        return DW_ALERT_WARNING;
    return used < limit ? DW_ALERT_CRITICAL : DW_ALERT_LOST;
}

const char *dw_alerts_level_name(enum dw_alert_level level)
{
    static const char *const names[] = {"none", "warning", "critical", "lost"};
    return (unsigned)level < sizeof names / sizeof *names ? names[level] : "unknown";
}

/* --- finding ---------------------------------------------------------------------------------- */

/* The source's time up to which Kafka has its changes; 0 unknown. */
static int64_t published_us(const struct dw_alert_facts *facts, const char *system)
{
    for (size_t i = 0; i < facts->position_count; i++)
        if (strcmp(facts->positions[i].system, system) == 0)
            return facts->positions[i].position.published_commit_us;
    return 0;
}

/* The source's time up to which every partition of the target has come; 0 unknown. */
static int64_t applied_us(const struct dw_alert_facts *facts, const struct dw_map_record *map)
{
    for (size_t i = 0; i < facts->targets->count; i++) {
        const struct dw_target_snapshot *target = &facts->targets->items[i];
        if (strcmp(target->system, map->target_system) != 0)
            continue;
        for (size_t m = 0; m < target->map_count; m++)
            if (strcmp(target->maps[m].map, map->name) == 0)
                return target->maps[m].position_us;
    }
    return 0;
}

/* "3.2 h", "2.5 d" */
static const char *span_text(struct dw_arena *arena, double seconds)
{
    if (seconds < 120)
        return dw_arena_printf(arena, "%.0f s", seconds);
    if (seconds < 7200)
        return dw_arena_printf(arena, "%.0f min", seconds / 60);
    return seconds < 172800 ? dw_arena_printf(arena, "%.1f h", seconds / 3600)
                            : dw_arena_printf(arena, "%.1f d", seconds / 86400);
}

/* Records behind the target's position are removed when they are older than the retention. */
static bool judge_map(const struct dw_alert_facts *facts, const struct dw_map_record *map,
                      struct dw_arena *arena, struct dw_alert *out)
{
    int64_t applied = applied_us(facts, map);
    if (map->state == DW_MAP_STOPPED || applied == 0 ||
        published_us(facts, map->source_system) <= applied)
        return false;
    double age = (double)(facts->now_us - applied) / 1e6;
    double limit = (double)facts->settings->kafka.retention_ms / 1e3;
    enum dw_alert_level level = dw_alerts_level(age, limit);
    if (level == DW_ALERT_NONE)
        return false;
    bool lost = level == DW_ALERT_LOST;
    bool stands = !dw_map_state_active(map->state);
    *out = (struct dw_alert){
        .name = "retention",
        .object = map->name,
        .level = level,
        .message = dw_arena_printf(
            arena,
            "its oldest change not applied is %s old; Kafka %s after %s (kafka.retention_ms)",
            span_text(arena, age), lost ? "has begun to remove changes" : "removes changes",
            span_text(arena, limit)),
        .remedy = lost     ? dw_arena_printf(arena,
                                             "dualwrite map %s %s, then dualwrite map resync %s "
                                                 "--delete-extra --yes",
                                         stands ? "resume" : "show", map->name, map->name)
                  : stands ? dw_arena_printf(arena,
                                             "dualwrite map resume %s, or raise the topic's "
                                             "retention.ms",
                                             map->name)
                           : "more consumers, or a higher retention.ms of the topic",
    };
    return true;
}

static bool judge_system(const struct dw_alert_facts *facts, const char *system,
                         struct dw_arena *arena, struct dw_alert *out)
{
    struct dw_flow_system flow;
    dw_flow_of_system(facts->flow, system, &flow);
    if (!flow.has_producer || flow.wal_limit_bytes <= 0 || flow.wal_safe_bytes < 0)
        return false;
    double limit = (double)flow.wal_limit_bytes;
    enum dw_alert_level level = dw_alerts_level(limit - (double)flow.wal_safe_bytes, limit);
    if (level == DW_ALERT_NONE)
        return false;
    *out = (struct dw_alert){
        .name = "wal_limit",
        .object = system,
        .level = level,
        .message = dw_arena_printf(arena,
                                   "%lld MiB more WAL and the source drops the slot "
                                   "(max_slot_wal_keep_size is %lld MiB)",
                                   (long long)(flow.wal_safe_bytes >> 20),
                                   (long long)(flow.wal_limit_bytes >> 20)),
        .remedy = dw_arena_printf(
            arena,
            "see why the producer of %s is behind (dualwrite status), or raise "
            "max_slot_wal_keep_size; when the slot is lost: dualwrite system resync %s "
            "--delete-extra --yes",
            system, system),
    };
    return true;
}

void dw_alerts_find(const struct dw_alert_facts *facts, struct dw_arena *arena,
                    struct dw_alert_list *out)
{
    size_t count = 0;
    struct dw_alert *items = DW_ARENA_ARRAY(arena, struct dw_alert,
                                            facts->map_count + facts->settings->system_count + 1);
    for (size_t i = 0; i < facts->map_count; i++)
        count += judge_map(facts, &facts->maps[i], arena, &items[count]);
    for (size_t i = 0; i < facts->settings->system_count; i++)
        count += judge_system(facts, facts->settings->systems[i].name, arena, &items[count]);
    *out = (struct dw_alert_list){items, count};
}

void dw_alerts_write(const struct dw_alert_list *alerts, struct dw_buf *out)
{
    dw_json_write_name(out, "alerts");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < alerts->count; i++) {
        const struct dw_alert *alert = &alerts->items[i];
        dw_buf_append_text(out, i ? ",{" : "{");
        dw_json_write_text(out, "alert", alert->name);
        dw_json_write_text(out, "object", alert->object);
        dw_json_write_text(out, "level", dw_alerts_level_name(alert->level));
        dw_json_write_text(out, "message", alert->message);
        dw_json_write_text(out, "remedy", alert->remedy);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

/* --- metric and log --------------------------------------------------------------------------- */

static struct dw_metric_series *series_of(const char *name, const char *object)
{
    char labels[LABELS_BYTES]; /* the parser lets no quote into a name */
    (void)snprintf(labels, sizeof labels, "alert=\"%s\",object=\"%s\"", name, object);
    return dw_metrics_series(
        DW_METRIC_GAUGE, METRIC,
        "Events would be lost: 0 no, 1 warning (half of the limit), 2 critical "
        "(four fifths), 3 lost.",
        labels, 1);
}

/* 0 for those that have no alert. */
static enum dw_alert_level level_of(const struct dw_alert_list *alerts, const char *name,
                                    const char *object)
{
    for (size_t i = 0; i < alerts->count; i++)
        if (strcmp(alerts->items[i].name, name) == 0 &&
            strcmp(alerts->items[i].object, object) == 0)
            return alerts->items[i].level;
    return DW_ALERT_NONE;
}

static void show(const struct dw_alert_facts *facts, const struct dw_alert_list *alerts)
{
    for (size_t i = 0; i < facts->map_count; i++)
        dw_metrics_set(series_of("retention", facts->maps[i].name),
                       level_of(alerts, "retention", facts->maps[i].name));
    for (size_t i = 0; i < facts->settings->system_count; i++)
        dw_metrics_set(series_of("wal_limit", facts->settings->systems[i].name),
                       level_of(alerts, "wal_limit", facts->settings->systems[i].name));
}

/* Each alert is logged once for each level. */
static void tell(const struct dw_alert_list *alerts)
{
    static char *told; /* "retention items critical\n…" of the last call */
    struct dw_buf now;
    dw_buf_init(&now, 1u << 20);
    for (size_t i = 0; i < alerts->count; i++) {
        const struct dw_alert *alert = &alerts->items[i];
        char line[LABELS_BYTES];
        (void)snprintf(line, sizeof line, "%s %s %s\n", alert->name, alert->object,
                       dw_alerts_level_name(alert->level));
        dw_buf_append_text(&now, line);
        if (!told || !strstr(told, line))
            dw_log(alert->level == DW_ALERT_WARNING ? DW_LOG_WARN : DW_LOG_ERROR, "alert",
                   alert->message, DW_F_TEXT("alert", alert->name),
                   DW_F_TEXT("object", alert->object),
                   DW_F_TEXT("level", dw_alerts_level_name(alert->level)),
                   DW_F_TEXT("remedy", alert->remedy));
    }
    free(told);
    told = now.len ? dw_mem_strdup(now.data) : NULL;
    dw_buf_done(&now);
}

enum dw_rc dw_alerts_refresh(struct dw_state *state, struct dw_target_watch *watch,
                             const struct dw_settings *settings, struct dw_arena *arena,
                             struct dw_err *err)
{
    const struct dw_state_process *processes = NULL;
    size_t process_count = 0;
    struct dw_target_list targets;
    struct dw_alert_list alerts;
    struct dw_alert_facts facts = {
        .settings = settings, .targets = &targets, .now_us = dw_clock_wall_us()};
    enum dw_rc rc = dw_state_maps_load(state, arena, &facts.maps, &facts.map_count, err);
    if (!rc)
        rc = dw_state_positions_load(state, arena, &facts.positions, &facts.position_count, err);
    if (!rc)
        rc = dw_state_processes_load(state, arena, &processes, &process_count, err);
    if (rc)
        return rc;
    dw_target_watch_read(watch, arena, &targets);
    struct dw_flow *flow = dw_flow_new(processes, process_count);
    facts.flow = flow;
    dw_alerts_find(&facts, arena, &alerts);
    show(&facts, &alerts);
    tell(&alerts);
    dw_flow_free(flow);
    return DW_OK;
}

void dw_alerts_clear(void)
{
    dw_metrics_zero(METRIC);
}
