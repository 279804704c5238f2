/* alert_facts.c - see alert_facts.h. */
#include "reconciler/alerts/alert_facts.h"

#include "common/base/clock.h"
#include "common/base/table.h"
#include "common/model/heartbeat.h"
#include "common/state/state_alert.h"
#include "common/state/state_letters.h"
#include "reconciler/alerts/topic_watch.h"
#include "reconciler/flow/flow.h"
#include <stdlib.h>

#define RECENT_MS (5 * 60 * 1000)

struct dw_alert_facts_reader {
    const struct dw_settings *settings;
    struct dw_target_watch *watch;
    struct dw_topic_watch *topics;
    struct dw_arena arena; /* of the letters' counts */
    const struct dw_letter_count *letters;
    size_t letter_count;
    int64_t count_ms; /* when they may be counted again */
};

struct dw_alert_facts_reader *dw_alert_facts_new(const struct dw_settings *settings,
                                                 struct dw_target_watch *watch,
                                                 struct dw_topic_watch *topics)
{
    struct dw_alert_facts_reader *reader = DW_MEM_NEW(struct dw_alert_facts_reader);
    reader->settings = settings;
    reader->watch = watch;
    reader->topics = topics;
    dw_arena_init(&reader->arena, 16384);
    return reader;
}

void dw_alert_facts_free(struct dw_alert_facts_reader *reader)
{
    if (!reader)
        return;
    dw_arena_done(&reader->arena);
    free(reader);
}

static enum dw_rc count_letters(struct dw_alert_facts_reader *reader, struct dw_state *state,
                                struct dw_err *err)
{
    int64_t begun_ms = dw_clock_mono_ms();
    if (begun_ms < reader->count_ms)
        return DW_OK;
    reader->letter_count = 0;
    dw_arena_reset(&reader->arena);
    enum dw_rc rc =
        dw_state_letters_count(state, &reader->arena, &reader->letters, &reader->letter_count, err);
    int64_t now_ms = dw_clock_mono_ms();
    reader->count_ms = now_ms + 10 * (now_ms - begun_ms);
    return rc;
}

/* --- maps ---------------------------------------------------------------------------------------
 */

static void take_maps(const struct dw_alert_map_row *rows, size_t count, struct dw_arena *arena,
                      struct dw_table *by_name, struct dw_alert_facts *out)
{
    struct dw_alert_map *maps = DW_ARENA_ARRAY(arena, struct dw_alert_map, count);
    for (size_t i = 0; i < count; i++) {
        maps[i] = (struct dw_alert_map){
            .name = rows[i].map,
            .source_system = rows[i].source_system,
            .state = rows[i].state,
            .code = rows[i].code,
            .reason = rows[i].reason,
            .changed_us = rows[i].changed_us,
            .recent_letters = rows[i].recent_letters,
            .run = rows[i].run,
            .differences = rows[i].differences,
            .not_mended = rows[i].not_mended,
        };
        *dw_table_place(by_name, dw_str_from(rows[i].map)) = &maps[i];
    }
    out->maps = maps;
    out->map_count = count;
}

/* As the producers, whose maps take turns with heartbeats. */
static void take_turns(const struct dw_settings *settings, const struct dw_alert_map_row *rows,
                       const struct dw_alert_facts *facts, struct dw_table *by_name)
{
    int64_t heartbeat_ms = settings->producer.heartbeat_ms;
    for (size_t s = 0; s < settings->system_count; s++) {
        const char *system = settings->systems[s].name;
        size_t count = 0;
        for (size_t i = 0; i < facts->map_count; i++)
            count += strcmp(rows[i].source_system, system) == 0;
        for (size_t i = 0; i < facts->map_count; i++) {
            if (strcmp(rows[i].source_system, system) != 0)
                continue;
            struct dw_alert_map *map = dw_table_find(by_name, dw_str_from(rows[i].map));
            map->map_idle_ms = dw_heartbeat_map_ms(count, heartbeat_ms);
            map->partition_idle_ms =
                dw_heartbeat_partition_ms(count, rows[i].partitions, heartbeat_ms);
        }
    }
}

static void take_targets(struct dw_alert_facts_reader *reader, const struct dw_alert_map_row *rows,
                         struct dw_arena *arena, const struct dw_table *by_name,
                         const struct dw_alert_facts *facts)
{
    struct dw_target_list targets;
    dw_target_watch_read(reader->watch, arena, &targets);
    for (size_t t = 0; t < targets.count; t++) {
        const struct dw_target_snapshot *target = &targets.items[t];
        bool known = !*target->problem && target->read_us;
        for (size_t i = 0; i < facts->map_count; i++)
            if (known && strcmp(rows[i].target_system, target->system) == 0) {
                struct dw_alert_map *map = dw_table_find(by_name, dw_str_from(rows[i].map));
                map->target_known = true;
            }
        for (size_t m = 0; m < target->map_count; m++) {
            struct dw_alert_map *map = dw_table_find(by_name, dw_str_from(target->maps[m].map));
            if (!map || strcmp(rows[map - facts->maps].target_system, target->system) != 0)
                continue;
            map->position_us = target->maps[m].position_us;
            map->newest_us = target->maps[m].newest_us;
        }
    }
}

/* What the brokers do not say is as the settings have it. */
static void take_topics(const struct dw_alert_facts_reader *reader,
                        const struct dw_alert_map_row *rows, struct dw_arena *arena,
                        const struct dw_table *by_name, const struct dw_alert_facts *facts)
{
    struct dw_topic_list list;
    struct dw_table by_topic;
    dw_topic_watch_read(reader->topics, arena, &list);
    dw_table_init(&by_topic);
    for (size_t i = 0; i < facts->map_count; i++) {
        struct dw_alert_map *map = dw_table_find(by_name, dw_str_from(rows[i].map));
        map->retention_ms = reader->settings->kafka.retention_ms;
        *dw_table_place(&by_topic, dw_str_from(rows[i].topic)) = map;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct dw_alert_map *map = dw_table_find(&by_topic, dw_str_from(list.items[i].topic));
        if (!map)
            continue;
        map->retention_known = true;
        map->retention_ms = list.items[i].retention_ms;
        map->retention_bytes = list.items[i].retention_bytes;
        map->unapplied_share = list.items[i].unapplied_share;
    }
    dw_table_done(&by_topic);
}

static void take_letters(const struct dw_alert_facts_reader *reader, const struct dw_table *by_name)
{
    for (size_t i = 0; i < reader->letter_count; i++) {
        const struct dw_letter_count *letters = &reader->letters[i];
        struct dw_alert_map *map = dw_table_find(by_name, dw_str_from(letters->map));
        if (!map || letters->state != DW_LETTER_OPEN)
            continue;
        map->letters = letters->count;
        map->oldest_letter_us = letters->oldest_us;
    }
}

static enum dw_rc read_maps(struct dw_alert_facts_reader *reader, struct dw_state *state,
                            struct dw_arena *arena, struct dw_table *by_name,
                            struct dw_alert_facts *out, struct dw_err *err)
{
    const struct dw_alert_map_row *rows = NULL;
    const struct dw_state_source *positions = NULL;
    size_t count = 0;
    size_t position_count = 0;
    enum dw_rc rc = dw_state_alert_maps(state, RECENT_MS, arena, &rows, &count, err);
    if (!rc)
        rc = dw_state_positions_load(state, arena, &positions, &position_count, err);
    if (rc)
        return rc;
    take_maps(rows, count, arena, by_name, out);
    take_turns(reader->settings, rows, out, by_name);
    take_targets(reader, rows, arena, by_name, out);
    take_topics(reader, rows, arena, by_name, out);
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < position_count; p++)
            if (strcmp(positions[p].system, rows[i].source_system) == 0) {
                struct dw_alert_map *map = dw_table_find(by_name, dw_str_from(rows[i].map));
                map->published_us = positions[p].position.published_commit_us;
            }
    rc = count_letters(reader, state, err);
    take_letters(reader, by_name);
    return rc;
}

/* --- systems, gaps ------------------------------------------------------------------------------
 */

static bool is_source(const struct dw_alert_facts *facts, const char *system)
{
    for (size_t i = 0; i < facts->map_count; i++)
        if (strcmp(facts->maps[i].source_system, system) == 0)
            return true;
    return false;
}

/* What the producers say of maps. */
static void take_rows(const struct dw_flow *flow, const struct dw_alert_facts *facts,
                      const struct dw_table *by_name)
{
    for (size_t i = 0; i < facts->map_count; i++) {
        struct dw_alert_map *map = dw_table_find(by_name, dw_str_from(facts->maps[i].name));
        map->row_us = dw_flow_row_us(flow, map->name);
    }
}

static enum dw_rc read_processes(const struct dw_settings *settings, struct dw_state *state,
                                 struct dw_arena *arena, const struct dw_table *by_name,
                                 struct dw_alert_facts *out, struct dw_err *err)
{
    const struct dw_state_process *processes = NULL;
    size_t count = 0;
    enum dw_rc rc = dw_state_processes_load(state, arena, &processes, &count, err);
    if (rc)
        return rc;
    struct dw_flow *flow = dw_flow_new(processes, count);
    take_rows(flow, out, by_name);
    struct dw_alert_system *systems =
        DW_ARENA_ARRAY(arena, struct dw_alert_system, settings->system_count);
    for (size_t i = 0; i < settings->system_count; i++) {
        struct dw_flow_system of;
        if (!is_source(out, settings->systems[i].name))
            continue;
        dw_flow_of_system(flow, settings->systems[i].name, &of);
        systems[out->system_count++] = (struct dw_alert_system){
            .name = settings->systems[i].name,
            .has_producer = of.has_producer,
            .producer_state = dw_arena_printf(arena, "%s", of.state),
            .producer_reason = dw_arena_printf(arena, "%s", of.reason),
            .slot_lag_bytes = of.slot_lag_bytes,
            .wal_safe_bytes = of.wal_safe_bytes,
            .wal_limit_bytes = of.wal_limit_bytes,
        };
    }
    dw_flow_free(flow);
    out->systems = systems;
    return DW_OK;
}

static enum dw_rc read_gaps(struct dw_state *state, struct dw_arena *arena,
                            struct dw_alert_facts *out, struct dw_err *err)
{
    const struct dw_state_gap *gaps = NULL;
    size_t count = 0;
    enum dw_rc rc = dw_state_gaps_load(state, arena, &gaps, &count, err);
    struct dw_alert_gap *items = DW_ARENA_ARRAY(arena, struct dw_alert_gap, count);
    for (size_t i = 0; i < count && !rc; i++)
        items[i] = (struct dw_alert_gap){gaps[i].system, gaps[i].map, gaps[i].code, gaps[i].reason};
    out->gaps = items;
    out->gap_count = rc ? 0 : count;
    return rc;
}

enum dw_rc dw_alert_facts_read(struct dw_alert_facts_reader *reader, struct dw_state *state,
                               struct dw_arena *arena, struct dw_alert_facts *out,
                               struct dw_err *err)
{
    struct dw_table by_name;
    dw_table_init(&by_name);
    *out = (struct dw_alert_facts){
        .thresholds = &reader->settings->alerts,
        .now_us = dw_clock_wall_us(),
    };
    enum dw_rc rc = read_maps(reader, state, arena, &by_name, out, err);
    if (!rc)
        rc = read_processes(reader->settings, state, arena, &by_name, out, err);
    if (!rc)
        rc = read_gaps(state, arena, out, err);
    dw_table_done(&by_name);
    return rc;
}
