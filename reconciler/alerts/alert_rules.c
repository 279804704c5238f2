/* alert_rules.c - see alert_rules.h. */
#include "reconciler/alerts/alert_rules.h"

#include <string.h>

const char *dw_alert_rules_level_name(enum dw_alert_level level)
{
    static const char *const names[] = {"none", "warning", "critical", "lost"};
    return (unsigned)level < sizeof names / sizeof *names ? names[level] : "unknown";
}

const char *const *dw_alert_rules_names(void)
{
    static const char *const names[] = {"dead_letters",
                                        "dead_letter_age",
                                        "dead_letter_rate",
                                        "lag",
                                        "freshness",
                                        "slot",
                                        "paused",
                                        "error",
                                        "differences",
                                        "retention",
                                        "wal_limit",
                                        "gap",
                                        NULL};
    return names;
}

struct finder {
    const struct dw_alert_facts *facts;
    struct dw_arena *arena;
    struct dw_alert *items;
    size_t count;
};

static enum dw_alert_level level_of(const struct dw_alert_threshold *threshold, int64_t value)
{
    if (threshold->critical && value >= threshold->critical)
        return DW_ALERT_CRITICAL;
    return threshold->warning && value >= threshold->warning ? DW_ALERT_WARNING : DW_ALERT_NONE;
}

/* How near `used` has come to `limit`. */
static enum dw_alert_level level_of_share(const struct dw_alert_threshold *percent, double used,
                                          double limit)
{
    if (limit <= 0)
        return DW_ALERT_NONE;
    if (used >= limit)
        return DW_ALERT_LOST;
    return level_of(percent, used > 0 ? (int64_t)(100 * used / limit) : 0);
}

static void add(struct finder *finder, struct dw_alert alert)
{
    if (alert.level != DW_ALERT_NONE || alert.unknown)
        finder->items[finder->count++] = alert;
}

/* "3.2 h", "2.5 d" */
static const char *span(const struct finder *finder, int64_t us)
{
    double seconds = (double)us / 1e6;
    if (seconds < 120)
        return dw_arena_printf(finder->arena, "%.0f s", seconds);
    if (seconds < 7200)
        return dw_arena_printf(finder->arena, "%.0f min", seconds / 60);
    return seconds < 172800 ? dw_arena_printf(finder->arena, "%.1f h", seconds / 3600)
                            : dw_arena_printf(finder->arena, "%.1f d", seconds / 86400);
}

static const char *size(const struct finder *finder, int64_t bytes)
{
    return dw_arena_printf(finder->arena, "%lld MiB", (long long)(bytes >> 20));
}

/* --- maps ---------------------------------------------------------------------------------------
 */

static const char *letters_remedy(const struct finder *finder, const struct dw_alert_map *map)
{
    return dw_arena_printf(finder->arena, "dualwrite dead-letter list --map %s", map->name);
}

static void find_letters(struct finder *finder, const struct dw_alert_map *map)
{
    const struct dw_alert_settings *at = finder->facts->thresholds;
    int64_t age_us =
        map->letters && map->oldest_letter_us ? finder->facts->now_us - map->oldest_letter_us : 0;
    if (!map->letters && !map->recent_letters)
        return;
    add(finder,
        (struct dw_alert){
            .rule = "dead_letters",
            .object = map->name,
            .level = level_of(&at->dead_letters, map->letters),
            .message = dw_arena_printf(finder->arena, "%lld open dead %s", (long long)map->letters,
                                       dw_str_plural(map->letters, "letter", "letters")),
            .remedy = letters_remedy(finder, map),
        });
    add(finder,
        (struct dw_alert){
            .rule = "dead_letter_age",
            .object = map->name,
            .level = level_of(&at->dead_letter_age_ms, age_us / 1000),
            .message = dw_arena_printf(finder->arena, "its oldest open dead letter is %s old",
                                       span(finder, age_us)),
            .remedy = letters_remedy(finder, map),
        });
    add(finder,
        (struct dw_alert){
            .rule = "dead_letter_rate",
            .object = map->name,
            .level = level_of(&at->dead_letter_rate, map->recent_letters),
            .swings = true,
            .message = dw_arena_printf(finder->arena, "%lld new dead letters within five minutes",
                                       (long long)map->recent_letters),
            .remedy = letters_remedy(finder, map),
        });
}

static void find_lag(struct finder *finder, const struct dw_alert_map *map)
{
    bool applies = map->state == DW_MAP_RUNNING || map->state == DW_MAP_CATCHING_UP;
    bool behind = map->newest_us && (map->row_us > map->newest_us ||
                                     map->published_us > map->newest_us + map->map_idle_ms * 1000);
    int64_t lag_us = behind ? finder->facts->now_us - map->newest_us : 0;
    if (!applies || (map->target_known && !behind))
        return;
    add(finder,
        (struct dw_alert){
            .rule = "lag",
            .object = map->name,
            .level = map->target_known ? level_of(&finder->facts->thresholds->lag_ms, lag_us / 1000)
                                       : DW_ALERT_NONE,
            .unknown = !map->target_known,
            .swings = true,
            .message = dw_arena_printf(finder->arena,
                                       "its newest applied change is %s old, and Kafka has "
                                       "newer ones",
                                       span(finder, lag_us)),
            .remedy = "see dualwrite status: is a consumer running, does a row wait for a "
                      "lock? Else more consumers",
        });
}

static void find_stand(struct finder *finder, const struct dw_alert_map *map)
{
    int64_t paused_us = map->changed_us ? finder->facts->now_us - map->changed_us : 0;
    if (map->state == DW_MAP_PAUSED)
        add(finder,
            (struct dw_alert){
                .rule = "paused",
                .object = map->name,
                .level = level_of(&finder->facts->thresholds->paused_ms, paused_us / 1000),
                .message =
                    dw_arena_printf(finder->arena, "it has been paused for %s%s%s",
                                    span(finder, paused_us), *map->reason ? ": " : "", map->reason),
                .remedy = dw_arena_printf(finder->arena, "dualwrite map resume %s", map->name),
            });
    if (map->state == DW_MAP_ERROR)
        add(finder, (struct dw_alert){
                        .rule = "error",
                        .object = map->name,
                        .level = DW_ALERT_CRITICAL,
                        .message = dw_arena_printf(finder->arena, "%s %s", map->code, map->reason),
                        .remedy = dw_arena_printf(finder->arena,
                                                  "dualwrite explain %s; mend it, then dualwrite "
                                                  "map resume %s",
                                                  map->code, map->name),
                    });
}

static void find_differences(struct finder *finder, const struct dw_alert_map *map)
{
    if (!map->differences)
        return;
    add(finder,
        (struct dw_alert){
            .rule = "differences",
            .object = map->name,
            .level = level_of(&finder->facts->thresholds->differences, map->differences),
            .message = dw_arena_printf(finder->arena, "comparison %lld left %lld %s%s%s",
                                       (long long)map->run, (long long)map->differences,
                                       dw_str_plural(map->differences, "difference", "differences"),
                                       *map->not_mended ? ": " : "", map->not_mended),
            .remedy = dw_arena_printf(finder->arena,
                                      "dualwrite reconcile report %lld, then dualwrite reconcile "
                                      "repair %lld --dry-run",
                                      (long long)map->run, (long long)map->run),
        });
}

static const char *retention_remedy(const struct finder *finder, const struct dw_alert_map *map,
                                    bool by_bytes, bool lost)
{
    const char *limit = by_bytes ? "retention.bytes" : "retention.ms";
    bool stands = !dw_map_state_active(map->state);
    if (lost)
        return dw_arena_printf(
            finder->arena, "dualwrite map %s %s, then dualwrite map resync %s --delete-extra --yes",
            stands ? "resume" : "show", map->name, map->name);
    return stands
               ? dw_arena_printf(finder->arena, "dualwrite map resume %s, or raise the topic's %s",
                                 map->name, limit)
               : dw_arena_printf(finder->arena, "more consumers, or a higher %s of the topic",
                                 limit);
}

static const char *retention_message(const struct finder *finder, const struct dw_alert_map *map,
                                     bool by_bytes, bool lost)
{
    if (by_bytes)
        return dw_arena_printf(finder->arena,
                               "%.0f %% of what Kafka keeps of its changes (the topic's "
                               "retention.bytes, %s a partition) is not applied%s",
                               100 * map->unapplied_share, size(finder, map->retention_bytes),
                               lost ? ", and some was removed" : "");
    return dw_arena_printf(
        finder->arena, "its oldest change not applied is %s old; Kafka %s after %s (%s)",
        span(finder, finder->facts->now_us - map->position_us),
        lost ? "has begun to remove changes" : "removes changes",
        span(finder, map->retention_ms * 1000),
        map->retention_known ? "the topic's retention.ms" : "kafka.retention_ms");
}

/* Records behind the target's position are removed when they are older than the retention, or when
 * newer ones need their room. */
static void find_retention(struct finder *finder, const struct dw_alert_map *map)
{
    const struct dw_alert_facts *facts = finder->facts;
    const struct dw_alert_threshold *at = &facts->thresholds->loss_percent;
    int64_t age_us = facts->now_us - map->position_us;
    bool waits = map->position_us && map->published_us > map->position_us;
    enum dw_alert_level by_age =
        level_of_share(at, (double)age_us, (double)map->retention_ms * 1e3);
    enum dw_alert_level by_bytes = level_of_share(at, map->unapplied_share, 1);
    enum dw_alert_level level = by_bytes > by_age ? by_bytes : by_age;
    bool lost = level == DW_ALERT_LOST;
    if (map->state == DW_MAP_STOPPED || (map->target_known && (!waits || level == DW_ALERT_NONE)))
        return;
    add(finder, (struct dw_alert){
                    .rule = "retention",
                    .object = map->name,
                    .level = map->target_known ? level : DW_ALERT_NONE,
                    .unknown = !map->target_known,
                    .message = retention_message(finder, map, by_bytes > by_age, lost),
                    .remedy = retention_remedy(finder, map, by_bytes > by_age, lost),
                });
}

/* --- systems ------------------------------------------------------------------------------------
 */

/* The oldest position of the maps that run from it. One that may have heard nothing because it is
 * idle counts as that much newer. */
static void find_freshness(struct finder *finder, const struct dw_alert_system *system)
{
    const struct dw_alert_facts *facts = finder->facts;
    int64_t oldest_us = INT64_MAX;
    bool known = true;
    for (size_t i = 0; i < facts->map_count; i++) {
        const struct dw_alert_map *map = &facts->maps[i];
        if ((map->state != DW_MAP_RUNNING && map->state != DW_MAP_CATCHING_UP) ||
            strcmp(map->source_system, system->name) != 0)
            continue;
        known = known && map->target_known && map->position_us;
        int64_t position_us = map->position_us + map->partition_idle_ms * 1000;
        if (position_us < oldest_us)
            oldest_us = position_us;
    }
    if (oldest_us == INT64_MAX)
        return;
    int64_t age_us = facts->now_us > oldest_us ? facts->now_us - oldest_us : 0;
    add(finder, (struct dw_alert){
                    .rule = "freshness",
                    .object = system->name,
                    .level = known ? level_of(&facts->thresholds->freshness_ms, age_us / 1000)
                                   : DW_ALERT_NONE,
                    .unknown = !known,
                    .swings = true,
                    .message = dw_arena_printf(
                        finder->arena, "its targets have its state of %s ago; %s%s%s%s",
                        span(finder, age_us),
                        system->has_producer ? "its producer is " : "no producer is heard",
                        system->has_producer ? system->producer_state : "",
                        system->has_producer && *system->producer_reason ? ": " : "",
                        system->has_producer ? system->producer_reason : ""),
                    .remedy = "see dualwrite status: is its producer running, and a consumer?",
                });
}

static void find_slot(struct finder *finder, const struct dw_alert_system *system)
{
    const struct dw_alert_settings *at = finder->facts->thresholds;
    bool known = system->has_producer && system->slot_lag_bytes >= 0;
    int64_t limit = system->wal_limit_bytes;
    int64_t safe = system->wal_safe_bytes;
    add(finder,
        (struct dw_alert){
            .rule = "slot",
            .object = system->name,
            .level = known ? level_of(&at->slot_bytes, system->slot_lag_bytes) : DW_ALERT_NONE,
            .unknown = !known,
            .swings = true,
            .message = dw_arena_printf(finder->arena, "it keeps %s of WAL for its producer",
                                       size(finder, system->slot_lag_bytes)),
            .remedy = "see why the producer is behind (dualwrite status): is Kafka there?",
        });
    bool limited = system->has_producer && limit > 0 && safe >= 0;
    add(finder, (struct dw_alert){
                    .rule = "wal_limit",
                    .object = system->name,
                    .level = limited ? level_of_share(&at->loss_percent, (double)(limit - safe),
                                                      (double)limit)
                                     : DW_ALERT_NONE,
                    .unknown = !system->has_producer,
                    .message = dw_arena_printf(finder->arena,
                                               "%s more WAL and the source drops the slot "
                                               "(max_slot_wal_keep_size is %s)",
                                               size(finder, safe), size(finder, limit)),
                    .remedy = dw_arena_printf(
                        finder->arena,
                        "see why the producer of %s is behind (dualwrite status), or raise "
                        "max_slot_wal_keep_size; when the slot is lost: dualwrite system resync %s "
                        "--delete-extra --yes",
                        system->name, system->name),
                });
}

/* --- gaps ---------------------------------------------------------------------------------------
 */

/* Several gaps of one object are one alert. */
static void find_gaps(struct finder *finder)
{
    const struct dw_alert_facts *facts = finder->facts;
    for (size_t i = 0; i < facts->gap_count; i++) {
        const struct dw_alert_gap *gap = &facts->gaps[i];
        const char *object = *gap->map ? gap->map : gap->system;
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = strcmp(*facts->gaps[k].map ? facts->gaps[k].map : facts->gaps[k].system,
                          object) == 0;
        if (!seen)
            add(finder, (struct dw_alert){
                            .rule = "gap",
                            .object = object,
                            .level = DW_ALERT_LOST,
                            .message = dw_arena_printf(finder->arena,
                                                       "changes may be missing: %s "
                                                       "%s",
                                                       gap->code, gap->reason),
                            .remedy = "dualwrite status shows the command that closes the gap",
                        });
    }
}

#define RULES_PER_MAP    8
#define RULES_PER_SYSTEM 3

void dw_alert_rules_find(const struct dw_alert_facts *facts, struct dw_arena *arena,
                         struct dw_alert_list *out)
{
    struct finder finder = {.facts = facts, .arena = arena};
    finder.items = DW_ARENA_ARRAY(arena, struct dw_alert,
                                  RULES_PER_MAP * facts->map_count +
                                      RULES_PER_SYSTEM * facts->system_count + facts->gap_count);
    for (size_t i = 0; i < facts->map_count; i++) {
        find_letters(&finder, &facts->maps[i]);
        find_lag(&finder, &facts->maps[i]);
        find_stand(&finder, &facts->maps[i]);
        find_differences(&finder, &facts->maps[i]);
        find_retention(&finder, &facts->maps[i]);
    }
    for (size_t i = 0; i < facts->system_count; i++) {
        find_freshness(&finder, &facts->systems[i]);
        find_slot(&finder, &facts->systems[i]);
    }
    find_gaps(&finder);
    *out = (struct dw_alert_list){finder.items, finder.count};
}
