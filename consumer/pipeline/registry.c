/* registry.c - see registry.h. */
#include "consumer/pipeline/registry.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/table.h"
#include "common/model/generation.h"
#include "consumer/pipeline/accounting.h"
#include <stdio.h>
#include <stdlib.h>

enum { ENTRY_BLOCK_BYTES = 4096 };

struct dw_registry {
    const struct dw_settings *settings;
    pthread_mutex_t lock;
    struct dw_registry_map **entries;
    size_t count;
    struct dw_registry_track *tracks;
    struct dw_table tracks_by_name;
    struct dw_registry_failure *failures;
    _Atomic uint64_t generation;
};

struct dw_registry *dw_registry_new(const struct dw_settings *settings)
{
    struct dw_registry *registry = DW_MEM_NEW(struct dw_registry);
    registry->settings = settings;
    dw_table_init(&registry->tracks_by_name);
    (void)pthread_mutex_init(&registry->lock, NULL);
    return registry;
}

/* --- tracks -----------------------------------------------------------------------------------
 */

static struct dw_metric_series *series_of(enum dw_metric_kind kind, const char *name,
                                          const char *help, const char *map, int64_t scale)
{
    char labels[256];
    (void)snprintf(labels, sizeof labels, "map=\"%s\"", map);
    return dw_metrics_series(kind, name, help, labels, scale);
}

static void add_metrics(struct dw_registry_track *track)
{
    const char *map = track->name;
    for (int i = DW_OUTCOME_APPLIED; i < DW_OUTCOME_COUNT; i++) {
        char labels[256];
        (void)snprintf(labels, sizeof labels, "map=\"%s\",outcome=\"%s\"", map,
                       dw_accounting_name((enum dw_outcome)i));
        track->processed[i] = dw_metrics_series(
            DW_METRIC_COUNTER, "dw_events_processed_total",
            "Records by how they ended; waiting ones again when settled.", labels, 1);
    }
    track->end_to_end =
        series_of(DW_METRIC_HISTOGRAM, "dw_event_end_to_end_seconds",
                  "From the commit in the source to the commit in the target.", map, 1000000);
    track->lag_records = series_of(DW_METRIC_GAUGE, "dw_consumer_lag_records",
                                   "Records published and not yet applied, of the partitions "
                                   "assigned to this process.",
                                   map, 1);
    track->lag_us = series_of(DW_METRIC_GAUGE, "dw_consumer_lag_seconds",
                              "Age of the newest applied position while records wait; 0 when none "
                              "do.",
                              map, 1000000);
    track->heartbeat_age_us =
        series_of(DW_METRIC_GAUGE, "dw_heartbeat_age_seconds",
                  "Age of the oldest partition's newest heartbeat from the source.", map, 1000000);
    track->breaker_state =
        series_of(DW_METRIC_GAUGE, "dw_breaker_state", "1: open, the map is in error.", map, 1);
    track->parked = series_of(DW_METRIC_GAUGE, "dw_parked_keys",
                              "Records that wait for a parent row or a unique value.", map, 1);
}

static struct dw_registry_track *track_of(struct dw_registry *registry, const char *name)
{
    struct dw_registry_track *track = dw_table_find(&registry->tracks_by_name, dw_str_from(name));
    if (track)
        return track;
    track = DW_MEM_NEW(struct dw_registry_track);
    const struct dw_consumer_settings *consumer = &registry->settings->consumer;
    track->name = dw_mem_strdup(name);
    track->failed_change = -1;
    track->error_change = -1;
    (void)pthread_mutex_init(&track->lock, NULL);
    dw_breaker_init(&track->breaker,
                    &(struct dw_breaker_limits){.min_events = consumer->breaker_min_events,
                                                .percent = consumer->breaker_percent,
                                                .window_ms = consumer->breaker_window_ms});
    add_metrics(track);
    track->next = registry->tracks;
    registry->tracks = track;
    *dw_table_place(&registry->tracks_by_name, dw_str_from(track->name)) = track;
    return track;
}

/* An operator resumed the map after an error that this or another worker had found: what that
 * decision stands for. The error is kept for dw_registry_resumed unless it is used up here. */
static void note_resume(struct dw_registry_track *track, int64_t change)
{
    if (track->failed_change >= 0 && change > track->failed_change) {
        track->error_change = track->failed_change;
        memcpy(track->error_code, track->failed_code, sizeof track->error_code);
        track->failed_change = -1;
    }
    if (track->error_change < 0 || change <= track->error_change)
        return;
    int64_t now = dw_clock_mono_ms();
    if (strcmp(track->error_code, DW_REGISTRY_GAP_CODE) == 0) {
        track->gap_resumed_ms = now;
        track->error_change = -1;
    } else if (strcmp(track->error_code, DW_REGISTRY_BREAKER_CODE) == 0) {
        track->breaker.open = true;
        dw_breaker_resume(&track->breaker, now);
        track->error_change = -1;
    }
}

static void note_state(struct dw_registry_track *track, const struct dw_map_record *record)
{
    pthread_mutex_lock(&track->lock);
    if (record->state == DW_MAP_ERROR) {
        track->error_change = record->change;
        (void)snprintf(track->error_code, sizeof track->error_code, "%s", record->code);
    } else if (dw_map_state_active(record->state)) {
        note_resume(track, record->change);
    }
    dw_metrics_set(track->breaker_state, track->breaker.open ? 1 : 0);
    pthread_mutex_unlock(&track->lock);
}

/* --- entries ----------------------------------------------------------------------------------
 */

static const char *keep(struct dw_arena *arena, const char *text)
{
    return dw_arena_copy(arena, dw_str_from(text ? text : "")).ptr;
}

static bool parse(struct dw_registry_map *entry, struct dw_err *err)
{
    struct dw_map_problems problems = {.arena = &entry->arena};
    entry->map = dw_table_map_parse(entry->document, entry->name, &entry->arena, &problems);
    if (!entry->map) {
        const struct dw_map_problem *first = problems.count ? &problems.items[0] : NULL;
        (void)dw_err_set(err, DW_CONFIG, "DW-APPLY-202",
                         "revision %lld of map %s cannot be read by this version: %.*s",
                         (long long)entry->revision, entry->name,
                         first ? (int)first->message.len : 0, first ? first->message.ptr : "");
        return false;
    }
    if (dw_map_resolved_parse(entry->resolved_text, &entry->arena, &entry->resolved, err) == DW_OK)
        return true;
    entry->map = NULL;
    return false;
}

static struct dw_registry_map *entry_new(struct dw_registry *registry,
                                         const struct dw_map_record *record, struct dw_err *err)
{
    struct dw_registry_map *entry = DW_MEM_NEW(struct dw_registry_map);
    entry->references = 1;
    dw_arena_init(&entry->arena, ENTRY_BLOCK_BYTES);
    entry->name = keep(&entry->arena, record->name);
    entry->topic = keep(&entry->arena, record->topic);
    entry->code = keep(&entry->arena, record->code);
    entry->reason = keep(&entry->arena, record->reason);
    entry->document = dw_str_from(keep(&entry->arena, record->document));
    entry->resolved_text = dw_str_from(keep(&entry->arena, record->resolved));
    entry->partitions = record->partitions;
    entry->generations = dw_str_from(keep(&entry->arena, record->generations));
    entry->revision = entry->newest = record->revision;
    entry->forced = record->forced_revision;
    entry->change = record->change;
    entry->state = record->state;
    entry->track = track_of(registry, record->name);
    (void)parse(entry, err);
    return entry;
}

struct dw_registry_map *dw_registry_version(const struct dw_registry_map *entry, int64_t revision,
                                            struct dw_str document, struct dw_str resolved,
                                            struct dw_err *err)
{
    struct dw_registry_map *other = DW_MEM_NEW(struct dw_registry_map);
    other->references = 1;
    dw_arena_init(&other->arena, ENTRY_BLOCK_BYTES);
    other->name = keep(&other->arena, entry->name);
    other->topic = keep(&other->arena, entry->topic);
    other->code = keep(&other->arena, entry->code);
    other->reason = keep(&other->arena, entry->reason);
    other->document = dw_arena_copy(&other->arena, document);
    other->resolved_text = dw_arena_copy(&other->arena, resolved);
    other->partitions = entry->partitions;
    other->generations = dw_arena_copy(&other->arena, entry->generations);
    other->revision = revision;
    other->newest = entry->newest;
    other->forced = entry->forced;
    other->change = entry->change;
    other->state = entry->state;
    other->track = entry->track;
    if (parse(other, err))
        return other;
    dw_registry_release(other);
    return NULL;
}

void dw_registry_release(struct dw_registry_map *entry)
{
    if (!entry || atomic_fetch_sub(&entry->references, 1) != 1)
        return;
    dw_arena_done(&entry->arena);
    free(entry);
}

static struct dw_registry_map *share(struct dw_registry_map *entry)
{
    (void)atomic_fetch_add(&entry->references, 1);
    return entry;
}

static struct dw_registry_map *find_locked(struct dw_registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->count; i++)
        if (strcmp(registry->entries[i]->name, name) == 0)
            return registry->entries[i];
    return NULL;
}

/* The entry for a record: the one there is when nothing changed. It lies at `place`, unless maps
 * came or went: a thousand are read again and again. */
static struct dw_registry_map *entry_for(struct dw_registry *registry,
                                         const struct dw_map_record *record, size_t place,
                                         struct dw_err *err)
{
    bool there =
        place < registry->count && strcmp(registry->entries[place]->name, record->name) == 0;
    struct dw_registry_map *old =
        there ? registry->entries[place] : find_locked(registry, record->name);
    if (old && old->change == record->change && old->revision == record->revision &&
        dw_map_state_active(old->state) == dw_map_state_active(record->state) &&
        old->forced == record->forced_revision && old->partitions == record->partitions)
        return share(old);
    return entry_new(registry, record, err);
}

/* Whatever hangs on the maps is looked up anew at another generation, for each partition: not at
 * each time that a thousand maps are read and none has changed. */
static bool differ(const struct dw_registry *registry, struct dw_registry_map *const *entries,
                   size_t count)
{
    bool same = count == registry->count && atomic_load(&registry->generation) > 0;
    for (size_t i = 0; i < count && same; i++)
        same = entries[i] == registry->entries[i];
    return !same;
}

void dw_registry_update(struct dw_registry *registry, const struct dw_map_record *records,
                        size_t count)
{
    pthread_mutex_lock(&registry->lock);
    struct dw_registry_map **entries = dw_mem_calloc(count + 1, sizeof(struct dw_registry_map *));
    struct dw_err *errors = dw_mem_calloc(count + 1, sizeof *errors);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        note_state(track_of(registry, records[i].name), &records[i]);
        if (records[i].state != DW_MAP_STOPPED) {
            entries[kept] = entry_for(registry, &records[i], kept, &errors[kept]);
            kept++;
        }
    }
    struct dw_registry_map **before = registry->entries;
    size_t count_before = registry->count;
    bool changed = differ(registry, entries, kept);
    registry->entries = entries;
    registry->count = kept;
    if (changed)
        (void)atomic_fetch_add(&registry->generation, 1);
    struct dw_registry_map **shared = dw_mem_calloc(kept + 1, sizeof(struct dw_registry_map *));
    for (size_t i = 0; i < kept; i++)
        shared[i] = share(entries[i]);
    for (size_t i = 0; i < count_before; i++)
        dw_registry_release(before[i]);
    free((void *)before);
    pthread_mutex_unlock(&registry->lock);
    for (size_t i = 0; i < kept; i++) {
        if (errors[i].rc != DW_OK)
            (void)dw_registry_fail(registry, shared[i], errors[i].id, errors[i].message, NULL);
        dw_registry_release(shared[i]);
    }
    free((void *)shared);
    free(errors);
}

uint64_t dw_registry_generation(const struct dw_registry *registry)
{
    return atomic_load(&registry->generation);
}

struct dw_registry_map *dw_registry_find(struct dw_registry *registry, const char *topic)
{
    struct dw_registry_map *found = NULL;
    pthread_mutex_lock(&registry->lock);
    for (size_t i = 0; i < registry->count && !found; i++)
        if (strcmp(registry->entries[i]->topic, topic) == 0)
            found = share(registry->entries[i]);
    pthread_mutex_unlock(&registry->lock);
    return found;
}

struct dw_registry_map **dw_registry_all(struct dw_registry *registry, size_t *out_count)
{
    pthread_mutex_lock(&registry->lock);
    struct dw_registry_map **all =
        dw_mem_calloc(registry->count + 1, sizeof(struct dw_registry_map *));
    for (size_t i = 0; i < registry->count; i++)
        all[i] = share(registry->entries[i]);
    *out_count = registry->count;
    pthread_mutex_unlock(&registry->lock);
    return all;
}

int32_t dw_registry_partitions_at(const struct dw_registry_map *entry,
                                  const struct dw_version *version)
{
    struct dw_generations generations = {NULL, 0};
    (void)dw_generation_parse(entry->generations, &generations); /* the state database wrote it */
    int32_t count = dw_generation_count_at(&generations, entry->name, version->epoch,
                                           version->commit_lsn, entry->partitions);
    dw_generation_done(&generations);
    return count;
}

bool dw_registry_runs(const struct dw_registry_map *entry)
{
    if (!dw_map_state_active(entry->state) || !entry->map)
        return false;
    pthread_mutex_lock(&entry->track->lock);
    bool runs = entry->track->failed_change < entry->change;
    pthread_mutex_unlock(&entry->track->lock);
    return runs;
}

static bool is_parent(const struct dw_registry_map *entry, const char *target_system,
                      struct dw_str schema, struct dw_str table, struct dw_str source_system)
{
    return entry->map && dw_str_is(entry->map->target.system, target_system) &&
           dw_str_equal(entry->map->target.schema, schema) &&
           dw_str_equal(entry->map->target.table, table) &&
           dw_str_equal(entry->map->source.system, source_system);
}

struct dw_registry_map **dw_registry_parents(struct dw_registry *registry,
                                             const char *target_system, struct dw_str schema,
                                             struct dw_str table, struct dw_str source_system,
                                             size_t *out_count)
{
    size_t count = 0;
    pthread_mutex_lock(&registry->lock);
    struct dw_registry_map **found =
        dw_mem_calloc(registry->count + 1, sizeof(struct dw_registry_map *));
    for (size_t i = 0; i < registry->count; i++)
        if (is_parent(registry->entries[i], target_system, schema, table, source_system))
            found[count++] = share(registry->entries[i]);
    pthread_mutex_unlock(&registry->lock);
    *out_count = count;
    return found;
}

static bool has_same_target(const struct dw_registry_map *entry, const struct dw_table_map *map)
{
    return entry->map && !dw_str_equal(entry->map->name, map->name) &&
           dw_str_equal(entry->map->target.system, map->target.system) &&
           dw_str_equal(entry->map->target.schema, map->target.schema) &&
           dw_str_equal(entry->map->target.table, map->target.table);
}

bool dw_registry_is_shared(struct dw_registry *registry, const struct dw_registry_map *entry)
{
    bool shared = false;
    pthread_mutex_lock(&registry->lock);
    for (size_t i = 0; !shared && i < registry->count; i++)
        shared = has_same_target(registry->entries[i], entry->map);
    pthread_mutex_unlock(&registry->lock);
    return shared;
}

static bool goes_into(const struct dw_map_lookup *lookup, const struct dw_map_side *target)
{
    if (dw_str_equal(lookup->schema, target->schema) && dw_str_equal(lookup->table, target->table))
        return true;
    for (size_t i = 0; i < lookup->key_count; i++)
        if (lookup->keys[i].lookup && goes_into(lookup->keys[i].lookup, target))
            return true;
    return false;
}

static bool looks_into(const struct dw_registry_map *entry, const struct dw_map_side *target)
{
    if (!entry->map || !dw_str_equal(entry->map->target.system, target->system))
        return false;
    for (size_t i = 0; i < entry->map->column_count; i++)
        if (entry->map->columns[i].lookup && goes_into(entry->map->columns[i].lookup, target))
            return true;
    return false;
}

struct dw_registry_map **dw_registry_lookers(struct dw_registry *registry,
                                             const struct dw_registry_map *entry, size_t *out_count)
{
    size_t count = 0;
    pthread_mutex_lock(&registry->lock);
    struct dw_registry_map **found =
        dw_mem_calloc(registry->count + 1, sizeof(struct dw_registry_map *));
    for (size_t i = 0; i < registry->count; i++)
        if (looks_into(registry->entries[i], &entry->map->target))
            found[count++] = share(registry->entries[i]);
    pthread_mutex_unlock(&registry->lock);
    *out_count = count;
    return found;
}

/* --- failures ---------------------------------------------------------------------------------
 */

static bool note_failure(struct dw_registry_track *track, int64_t change, const char *code,
                         const char *reason)
{
    pthread_mutex_lock(&track->lock);
    bool first = track->failed_change < change;
    if (first) {
        track->failed_change = change;
        (void)snprintf(track->failed_code, sizeof track->failed_code, "%s", code);
        (void)snprintf(track->failed_reason, sizeof track->failed_reason, "%s", reason);
        dw_metrics_set(track->breaker_state, track->breaker.open ? 1 : 0);
    }
    pthread_mutex_unlock(&track->lock);
    return first;
}

bool dw_registry_fail(struct dw_registry *registry, const struct dw_registry_map *entry,
                      const char *code, const char *reason, const uint64_t *gap_lsn)
{
    if (!note_failure(entry->track, entry->change, code, reason))
        return false;
    struct dw_registry_failure *failure = DW_MEM_NEW(struct dw_registry_failure);
    failure->map = dw_mem_strdup(entry->name);
    failure->system =
        entry->map ? dw_mem_strndup(entry->map->source.system.ptr, entry->map->source.system.len)
                   : dw_mem_strdup("");
    failure->change = entry->change;
    (void)snprintf(failure->code, sizeof failure->code, "%s", code);
    (void)snprintf(failure->reason, sizeof failure->reason, "%s", reason);
    failure->gap = gap_lsn != NULL;
    failure->gap_lsn = gap_lsn ? *gap_lsn : 0;
    pthread_mutex_lock(&registry->lock);
    struct dw_registry_failure **link = &registry->failures;
    while (*link)
        link = &(*link)->next;
    *link = failure;
    (void)atomic_fetch_add(&registry->generation, 1);
    pthread_mutex_unlock(&registry->lock);
    return true;
}

struct dw_registry_failure *dw_registry_take_failure(struct dw_registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    struct dw_registry_failure *failure = registry->failures;
    if (failure)
        registry->failures = failure->next;
    pthread_mutex_unlock(&registry->lock);
    return failure;
}

void dw_registry_put_failure(struct dw_registry *registry, struct dw_registry_failure *failure)
{
    pthread_mutex_lock(&registry->lock);
    failure->next = registry->failures;
    registry->failures = failure;
    pthread_mutex_unlock(&registry->lock);
}

void dw_registry_failure_free(struct dw_registry_failure *failure)
{
    free(failure->map);
    free(failure->system);
    free(failure);
}

bool dw_registry_resumed(const struct dw_registry_map *entry, const char *code)
{
    struct dw_registry_track *track = entry->track;
    pthread_mutex_lock(&track->lock);
    bool resumed = track->error_change >= 0 && entry->change > track->error_change &&
                   strcmp(track->error_code, code) == 0;
    pthread_mutex_unlock(&track->lock);
    return resumed && dw_map_state_active(entry->state);
}

bool dw_registry_gap_accepted(const struct dw_registry_map *entry)
{
    struct dw_registry_track *track = entry->track;
    pthread_mutex_lock(&track->lock);
    bool accepted = track->gap_resumed_ms &&
                    dw_clock_mono_ms() - track->gap_resumed_ms < DW_REGISTRY_GAP_WINDOW_MS;
    pthread_mutex_unlock(&track->lock);
    return accepted;
}

void dw_registry_free(struct dw_registry *registry)
{
    for (size_t i = 0; i < registry->count; i++)
        dw_registry_release(registry->entries[i]);
    free((void *)registry->entries);
    dw_table_done(&registry->tracks_by_name);
    while (registry->tracks) {
        struct dw_registry_track *next = registry->tracks->next;
        (void)pthread_mutex_destroy(&registry->tracks->lock);
        free(registry->tracks->name);
        free(registry->tracks);
        registry->tracks = next;
    }
    for (struct dw_registry_failure *failure; (failure = dw_registry_take_failure(registry));)
        dw_registry_failure_free(failure);
    (void)pthread_mutex_destroy(&registry->lock);
    free(registry);
}
