/* registry.h - the maps in force, by topic, and what this process knows about each.
 *
 * The control thread loads maps from the state database and updates the registry; fetch thread and
 * lanes read it. An entry is an immutable snapshot of one map at one `change`, counted by
 * reference; beside it every map name has a track that lives as long as the process: local failure,
 * breaker, latency, metrics. While the state database is away the last snapshot stays in force.
 *
 * A map that fails here is paused here at once; the control thread tells the state database when it
 * can. It runs again when the registry shows it RUNNING with a newer `change`.
 * Threads: any; each call locks.
 */
#ifndef DW_PIPELINE_REGISTRY_H
#define DW_PIPELINE_REGISTRY_H
#include "common/base/arena.h"
#include "common/config/settings.h"
#include "common/model/map_resolved.h"
#include "common/model/table_map.h"
#include "common/service/metrics.h"
#include "common/state/state.h"
#include "consumer/pipeline/breaker.h"
#include "consumer/pipeline/latency_window.h"
#include "consumer/write_postgres/writer.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define DW_REGISTRY_GAP_CODE      "DW-APPLY-201" /* the log lost what was not read: trap 11 */
#define DW_REGISTRY_BREAKER_CODE  "DW-APPLY-203" /* too large a share dead */
#define DW_REGISTRY_GAP_WINDOW_MS 60000          /* how long "resume" after a gap goes over gaps */

struct dw_registry_track {
    struct dw_registry_track *next;
    char *name;
    pthread_mutex_t lock; /* for what follows, up to the metrics */
    struct dw_breaker breaker;
    struct dw_latency_window latency;
    int64_t failed_change; /* this process put it in error at this change; -1 never */
    char failed_code[DW_ERR_ID_MAX];
    char failed_reason[DW_ERR_MESSAGE_MAX];
    char trouble[DW_ERR_MESSAGE_MAX]; /* why a partition of it tried again last */
    int64_t error_change; /* last change at which the state database had it in error; -1 never */
    char error_code[DW_ERR_ID_MAX];
    int64_t gap_resumed_ms; /* monotonic; when it left an error with the gap code */
    struct dw_metric_series *processed[DW_OUTCOME_COUNT];
    struct dw_metric_series *end_to_end;
    struct dw_metric_series *lag_records;
    struct dw_metric_series *lag_us;
    struct dw_metric_series *heartbeat_age_us;
    struct dw_metric_series *breaker_state;
    struct dw_metric_series *parked;
};

struct dw_registry_map {
    _Atomic int references;
    struct dw_arena arena;
    const char *name;
    const char *topic;
    int32_t partitions;
    struct dw_str generations; /* as dw_generation_format writes them */
    int64_t revision;
    int64_t newest; /* revision that the state database has; differs in an entry of another one */
    int64_t forced; /* revision below which none may be in force */
    int64_t change;
    struct dw_str document, resolved_text; /* as stored */
    enum dw_map_state state;
    const char *code;
    const char *reason;
    const struct dw_table_map *map; /* NULL: the document could not be read */
    struct dw_map_resolved resolved;
    struct dw_registry_track *track; /* borrowed from the registry */
};

struct dw_registry;

struct dw_registry *dw_registry_new(const struct dw_settings *settings);
void dw_registry_free(struct dw_registry *registry);

/* Puts the maps as they are now in force. A map whose document cannot be read fails. */
void dw_registry_update(struct dw_registry *registry, const struct dw_map_record *records,
                        size_t count);
/* Rises whenever something changed; for "is this news?". 0: nothing was loaded yet. */
uint64_t dw_registry_generation(const struct dw_registry *registry);

/* The entry of a topic, NULL when there is none (or the map is stopped). Give it back by release.
 */
struct dw_registry_map *dw_registry_find(struct dw_registry *registry, const char *topic);
/* All entries that are not stopped, as an owned array (free()) of references. */
struct dw_registry_map **dw_registry_all(struct dw_registry *registry, size_t *out_count);
void dw_registry_release(struct dw_registry_map *entry); /* accepts NULL */
/* The map of `entry`, with its state, by another revision. NULL: that one cannot be read. */
struct dw_registry_map *dw_registry_version(const struct dw_registry_map *entry, int64_t revision,
                                            struct dw_str document, struct dw_str resolved,
                                            struct dw_err *err);

/* The partitions of its topic at a version, as far as the state database knew it. */
int32_t dw_registry_partitions_at(const struct dw_registry_map *entry,
                                  const struct dw_version *version);

/* True when its events are to be applied: RUNNING, and not failed here since. */
bool dw_registry_runs(const struct dw_registry_map *entry);

/* The maps by which the rows of a target table come from `source_system`; several may write one
 * table. Give each back, and free the array. */
struct dw_registry_map **dw_registry_parents(struct dw_registry *registry,
                                             const char *target_system, struct dw_str schema,
                                             struct dw_str table, struct dw_str source_system,
                                             size_t *out_count);

/* Other maps write the same target table. */
bool dw_registry_is_shared(struct dw_registry *registry, const struct dw_registry_map *entry);

/* The maps that look values up in the entry's target table, itself included. Give each back, and
 * free the array. */
struct dw_registry_map **dw_registry_lookers(struct dw_registry *registry,
                                             const struct dw_registry_map *entry,
                                             size_t *out_count);

struct dw_registry_failure {
    struct dw_registry_failure *next;
    char *map;
    char *system; /* source system, for the gap */
    int64_t change;
    char code[DW_ERR_ID_MAX];
    char reason[DW_ERR_MESSAGE_MAX];
    bool gap;
    uint64_t gap_lsn;
};

/* Pauses the map here and queues the failure for the control thread. Only the first failure of a
 * change counts; true then. `gap_lsn`: NULL, or where events may be missing from. */
bool dw_registry_fail(struct dw_registry *registry, const struct dw_registry_map *entry,
                      const char *code, const char *reason, const uint64_t *gap_lsn);
/* The oldest queued failure, owned by the caller (dw_registry_failure_free); NULL when none. */
struct dw_registry_failure *dw_registry_take_failure(struct dw_registry *registry);
/* Back to the front: it could not be told. */
void dw_registry_put_failure(struct dw_registry *registry, struct dw_registry_failure *failure);
void dw_registry_failure_free(struct dw_registry_failure *failure);

/* True when an operator resumed the map after an error with `code`. */
bool dw_registry_resumed(const struct dw_registry_map *entry, const char *code);
/* True for a while after an operator resumed the map after a gap: go over it. */
bool dw_registry_gap_accepted(const struct dw_registry_map *entry);

#endif
