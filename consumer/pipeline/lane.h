/* lane.h - a thread that applies: it owns partitions of maps to one target system, and one
 * connection to it.
 *
 * Lanes of different systems are different threads, so a target that is away, or hangs, holds up
 * only its own partitions. Inside a lane the partitions take turns, a batch each; one that has to
 * wait (backoff, barrier, pause) is passed over.
 * Threads: add, wake, stop and join are for others; all else is the lane's own.
 */
#ifndef DW_PIPELINE_LANE_H
#define DW_PIPELINE_LANE_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/transform/transform.h"
#include "consumer/pipeline/context.h"
#include "consumer/pipeline/partition.h"
#include "consumer/write_postgres/writer.h"
#include <pthread.h>

/* A map as this lane applies it; made anew at each change of the map. */
struct dw_lane_map {
    struct dw_lane_map *next;
    struct dw_registry_map *entry;    /* a reference */
    struct dw_registry_map **lookers; /* maps that look values up in its table; references */
    size_t looker_count;
    uint64_t generation; /* of the registry, when other maps on its table were looked for */
    struct dw_arena arena;
    struct dw_map_resolved resolved; /* target side as the catalogue has it */
    struct dw_transform *transform;
    struct dw_writer_table *table;
};

struct dw_lane {
    struct dw_context *context;
    const struct dw_system_settings *system;
    unsigned index;
    pthread_t thread;
    pthread_mutex_t lock; /* for the next four */
    pthread_cond_t wake;
    struct dw_partition *arrivals;
    bool woken;
    bool stopping;

    /* the thread's own */
    struct dw_partition *partitions;
    int64_t verify_ms;        /* of idleness, before the target's progress is looked at again */
    int64_t look_ahead_at_ms; /* not before: the last one failed */
    struct dw_writer *writer;
    struct dw_lane_map *maps;
    struct dw_arena arena; /* of the batch or claim in hand */
    struct dw_buf text;
    uint64_t batch_number;
    size_t take_bytes;
    struct dw_metric_series *apply_duration;
    struct dw_metric_series *retries;
};

enum dw_rc dw_lane_start(struct dw_lane **out, struct dw_context *context,
                         const struct dw_system_settings *system, unsigned index,
                         struct dw_err *err) DW_MUST_CHECK;
/* Hands a partition over; takes a reference of its own. */
void dw_lane_add(struct dw_lane *lane, struct dw_partition *partition);
/* There is news for a partition, which is given its turn; NULL: for whatever waits for a row of
 * another partition, or was revoked. */
void dw_lane_wake(struct dw_lane *lane, struct dw_partition *partition);
/* Ends after the batch in hand. */
void dw_lane_stop(struct dw_lane *lane);
/* False when it did not end until `until_ms` (wall clock ms); it must not be freed then. */
bool dw_lane_join(struct dw_lane *lane, int64_t until_ms);
void dw_lane_free(struct dw_lane *lane);

/* For the rooms that work for a lane: */

/* The map's transform and table, made when missing or outdated. DW_CONFIG, DW_RETRY. */
enum dw_rc dw_lane_map_get(struct dw_lane *lane, struct dw_registry_map *entry,
                           struct dw_lane_map **out, struct dw_err *err) DW_MUST_CHECK;
/* The revision in force may be another one now: looked up before the next turn. */
void dw_lane_look_again(struct dw_partition *partition);
/* Puts the newest revision that is known in force. */
void dw_lane_take_newest(struct dw_lane *lane, struct dw_partition *partition);
/* Sees now and then whether the topic still holds dead letters. */
void dw_lane_look_held(struct dw_lane *lane, struct dw_partition *partition);
/* Names the partition as the writer wants it. */
struct dw_partition_id dw_lane_id(const struct dw_partition *partition);
/* Puts the partition's map in error, here at once. `gap_lsn` as in dw_registry_fail. */
void dw_lane_fail_map(struct dw_lane *lane, struct dw_partition *partition, const char *code,
                      const char *reason, const uint64_t *gap_lsn);

#endif
