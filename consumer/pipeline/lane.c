/* lane.c - see lane.h. */
#include "consumer/pipeline/lane.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "consumer/pipeline/apply.h"
#include "consumer/pipeline/claim.h"
#include "consumer/pipeline/dependency.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    ARENA_BLOCK_BYTES = 256 * 1024,
    TEXT_MAX_BYTES = 64 * 1024 * 1024,
    IDLE_MS = 500,       /* longest sleep: for changes of maps, and what has time */
    LOCKED_OUT_MS = 500, /* longest pause when a row was locked */
    BARRIER_MS = 50,     /* between looks at a truncate's barrier */
    VERIFY_MS =
        5000, /* with few partitions; more of them take longer, so that a look costs little */
    VERIFY_MANY = 50,
    HELD_MS = 10000,  /* between looks whether the topic still holds dead letters */
    FENCED_MS = 1000, /* time for the group to tell who owns a partition */
    TAKE_MIN_BYTES = 64 * 1024,
};

#define LOCKED_OUT "55P03" /* lock_not_available */

struct dw_partition_id dw_lane_id(const struct dw_partition *partition)
{
    return (struct dw_partition_id){.topic = partition->topic,
                                    .partition = partition->number,
                                    .map = partition->entry->name,
                                    .revision = partition->entry->revision};
}

/* --- maps -------------------------------------------------------------------------------------
 */

static void release_lookers(struct dw_lane_map *map)
{
    for (size_t i = 0; i < map->looker_count; i++)
        dw_registry_release(map->lookers[i]);
    free((void *)map->lookers);
    map->lookers = NULL;
    map->looker_count = 0;
}

static void free_map(struct dw_lane_map *map)
{
    dw_writer_table_free(map->table);
    release_lookers(map);
    dw_registry_release(map->entry);
    dw_arena_done(&map->arena);
    free(map);
}

/* All revisions of it whose entries are older than `change`. */
static void drop_map(struct dw_lane *lane, const char *name, int64_t change)
{
    struct dw_lane_map **link = &lane->maps;
    while (*link) {
        struct dw_lane_map *map = *link;
        if (map->entry->change >= change || strcmp(map->entry->name, name) != 0) {
            link = &map->next;
            continue;
        }
        *link = map->next;
        free_map(map);
    }
}

/* Partitions of one map may stand at different revisions. */
static bool is_of(const struct dw_lane_map *map, const struct dw_registry_map *entry)
{
    return map->entry == entry ||
           (map->entry->revision == entry->revision && map->entry->change == entry->change &&
            strcmp(map->entry->name, entry->name) == 0);
}

static enum dw_rc make_map(struct dw_lane *lane, struct dw_registry_map *entry,
                           struct dw_lane_map *map, struct dw_err *err)
{
    enum dw_rc rc = dw_writer_table_new(lane->writer, entry->map, &entry->resolved, &map->arena,
                                        &map->table, &map->resolved, err);
    if (rc != DW_OK)
        return rc;
    return dw_transform_new(&map->transform, entry->map, &map->resolved, &map->arena, err);
}

static enum dw_rc watch(struct dw_lane *lane, struct dw_lane_map *map, struct dw_err *err)
{
    size_t count = 0;
    struct dw_registry_map **lookers =
        dw_registry_lookers(lane->context->registry, map->entry, &count);
    const struct dw_table_map **maps = dw_mem_calloc(count + 1, sizeof *maps);
    for (size_t i = 0; i < count; i++)
        maps[i] = lookers[i]->map;
    enum dw_rc rc = dw_writer_table_watch(map->table, maps, count, err);
    free((void *)maps);
    release_lookers(map);
    map->lookers = lookers;
    map->looker_count = count;
    return rc;
}

/* Maps that come to the same target table, or look values up in it, are seen when the registry
 * changes. */
static enum dw_rc look_for_others(struct dw_lane *lane, struct dw_lane_map *map, struct dw_err *err)
{
    uint64_t generation = dw_registry_generation(lane->context->registry);
    if (map->generation == generation)
        return DW_OK;
    if (map->entry->map->filter.ptr && dw_registry_is_shared(lane->context->registry, map->entry))
        dw_writer_table_share(map->table);
    enum dw_rc rc = watch(lane, map, err);
    if (rc == DW_OK)
        map->generation = generation;
    return rc;
}

enum dw_rc dw_lane_map_get(struct dw_lane *lane, struct dw_registry_map *entry,
                           struct dw_lane_map **out, struct dw_err *err)
{
    for (struct dw_lane_map *map = lane->maps; map; map = map->next)
        if (is_of(map, entry)) {
            *out = map;
            return look_for_others(lane, map, err);
        }
    drop_map(lane, entry->name, entry->change);
    struct dw_lane_map *map = DW_MEM_NEW(struct dw_lane_map);
    dw_arena_init(&map->arena, 8192);
    map->entry = entry;
    (void)atomic_fetch_add(&entry->references, 1);
    enum dw_rc rc = make_map(lane, entry, map, err);
    if (rc == DW_OK)
        rc = look_for_others(lane, map, err);
    if (rc != DW_OK) {
        free_map(map);
        return rc;
    }
    map->next = lane->maps;
    lane->maps = map;
    *out = map;
    return DW_OK;
}

void dw_lane_fail_map(struct dw_lane *lane, struct dw_partition *partition, const char *code,
                      const char *reason, const uint64_t *gap_lsn)
{
    if (dw_registry_fail(lane->context->registry, partition->entry, code, reason, gap_lsn))
        dw_log(DW_LOG_ERROR, "map.failed", reason, DW_F_TEXT("map", partition->entry->name),
               DW_F_INT("partition", partition->number), DW_F_TEXT("id", code));
}

/* That it holds some is known from the claim and from each batch; that it holds none any more is
 * only a saving. */
void dw_lane_look_held(struct dw_lane *lane, struct dw_partition *partition)
{
    struct dw_err err = DW_ERR_INIT;
    int64_t now_ms = dw_clock_mono_ms();
    if (!partition->holds || now_ms < partition->holds_at_ms)
        return;
    partition->holds_at_ms = now_ms + HELD_MS;
    bool holds = true;
    if (dw_writer_holds(lane->writer, partition->topic, &holds, &err) == DW_OK)
        partition->holds = holds;
}

/* --- what failed ------------------------------------------------------------------------------
 */

/* For the status: until an attempt works. */
static void tell_trouble(struct dw_partition *partition, const struct dw_err *err)
{
    if (!partition->entry)
        return;
    struct dw_registry_track *track = partition->entry->track;
    pthread_mutex_lock(&track->lock);
    (void)snprintf(track->trouble, sizeof track->trouble, "%s", err->message);
    pthread_mutex_unlock(&track->lock);
    atomic_store(&partition->in_trouble, true);
}

static void back_off(struct dw_lane *lane, struct dw_partition *partition, const struct dw_err *err)
{
    uint32_t attempts = partition->retry.attempts;
    int64_t wait = dw_retry_next_ms(&partition->retry, dw_clock_jitter(UINT32_MAX));
    /* Whoever holds a lock may let go at any moment. */
    if (strcmp(err->sqlstate, LOCKED_OUT) == 0 && wait > LOCKED_OUT_MS)
        wait = LOCKED_OUT_MS;
    partition->wake_at_ms = dw_clock_mono_ms() + wait;
    if (!partition->first_failed_us)
        partition->first_failed_us = dw_clock_wall_us();
    tell_trouble(partition, err);
    dw_metrics_add(lane->retries, 1);
    if ((attempts & (attempts + 1)) == 0) /* the 1st, 2nd, 4th, 8th … in a row */
        dw_log(DW_LOG_WARN, "partition.retry", err->message,
               DW_F_TEXT("map", partition->entry ? partition->entry->name : partition->map),
               DW_F_INT("partition", partition->number), DW_F_TEXT("id", err->id),
               DW_F_TEXT("sqlstate", err->sqlstate), DW_F_INT("attempts", attempts + 1));
}

/* Makes a partition forget what it fetched; what waits is in the target. */
static void let_go(struct dw_lane *lane, struct dw_partition *partition)
{
    dw_partition_drop_records(partition);
    (void)atomic_fetch_sub(&lane->context->waiting, (int64_t)partition->waiting.entries);
    dw_waiting_clear(&partition->waiting);
    partition->has_uncertain = false;
    partition->has_released = false;
    partition->barrier_refused_ms = 0;
    partition->turning = false;
    dw_context_attention(lane->context);
}

static void stop_map(struct dw_lane *lane, struct dw_partition *partition)
{
    let_go(lane, partition);
    dw_partition_move(partition, DW_PARTITION_MAP_STOPS);
}

static void fenced(struct dw_lane *lane, struct dw_partition *partition, const struct dw_err *err)
{
    dw_log(DW_LOG_WARN, "partition.fenced", err->message, DW_F_TEXT("map", partition->entry->name),
           DW_F_INT("partition", partition->number));
    let_go(lane, partition);
    partition->has_progress = false;
    partition->wake_at_ms = dw_clock_mono_ms() + FENCED_MS;
    dw_partition_move(partition, DW_PARTITION_FENCED);
}

/* `on_retry`: BACKOFF, or UNCERTAIN to claim again. */
static void handle(struct dw_lane *lane, struct dw_partition *partition, const struct dw_err *err,
                   enum dw_partition_event on_retry)
{
    switch (err->rc) {
    case DW_CONFLICT:
        fenced(lane, partition, err);
        return;
    case DW_RETRY:
    case DW_AGAIN:
        back_off(lane, partition, err);
        dw_partition_move(partition, on_retry);
        return;
    case DW_OK:
    case DW_END:
    case DW_REJECT:
    case DW_CONFIG:
    case DW_FATAL:
        break;
    }
    dw_lane_fail_map(lane, partition, err->id, err->message, NULL);
    drop_map(lane, partition->entry->name, INT64_MAX);
    stop_map(lane, partition);
}

/* --- turns ------------------------------------------------------------------------------------
 */

static void claim(struct dw_lane *lane, struct dw_partition *partition)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_lane_map *map = NULL;
    dw_claim_look_ahead(lane, partition);
    enum dw_rc rc = dw_lane_map_get(lane, partition->entry, &map, &err);
    if (rc == DW_OK)
        rc = dw_claim_partition(lane, partition, &err);
    if (rc != DW_OK) {
        err.rc = rc;
        handle(lane, partition, &err, DW_PARTITION_BACKOFF);
        return;
    }
    dw_retry_reset(&partition->retry);
    atomic_store(&partition->in_trouble, false);
    partition->verify_at_ms = dw_clock_mono_ms() + lane->verify_ms;
    dw_partition_publish(partition);
    dw_partition_move(partition, DW_PARTITION_CLAIMED);
}

/* Moves between RUNNING and FULL after the number of waiting rows changed. */
static void judge_room(struct dw_lane *lane, struct dw_partition *partition)
{
    bool full = !dw_partition_room(partition, lane->context->settings->consumer.waiting_rows_max);
    if (full && dw_partition_in(partition) == DW_PARTITION_RUNNING)
        dw_log(DW_LOG_WARN, "partition.full", "no room for more waiting rows: it stops reading",
               DW_F_TEXT("map", partition->entry->name), DW_F_INT("partition", partition->number),
               DW_F_INT("waiting", partition->waiting.entries));
    dw_partition_move(partition, full ? DW_PARTITION_NO_ROOM : DW_PARTITION_ROOM);
}

/* What waits is tried now and then, which looks at the target as well. */
static void verify(struct dw_lane *lane, struct dw_partition *partition)
{
    struct dw_err err = DW_ERR_INIT;
    int64_t now = dw_clock_mono_ms();
    if (now < partition->verify_at_ms || partition->waiting.entries)
        return;
    partition->verify_at_ms = now + lane->verify_ms;
    enum dw_rc rc = dw_claim_verify(lane, partition, &err);
    if (rc == DW_OK)
        return;
    err.rc = rc == DW_CONFLICT ? DW_RETRY : rc;
    handle(lane, partition, &err, DW_PARTITION_UNCERTAIN);
}

/* May the partition go on behind the mark of a generation (trap 20)? A partition that has begun
 * there takes over what the others know: it was not there when an initial sync began. */
static bool look_to_turn(struct dw_lane *lane, struct dw_partition *partition, struct dw_err *err)
{
    struct dw_progress *progress = &partition->progress;
    const struct dw_progress_generation *generation = &progress->generation;
    int64_t now = dw_clock_mono_ms();
    int64_t initial_sync = 0;
    bool turned = false;
    if (now < partition->turn_at_ms)
        return true;
    partition->turn_at_ms = now + BARRIER_MS;
    enum dw_rc rc =
        dw_writer_turned(lane->writer, partition->topic, generation, &turned, &initial_sync, err);
    if (rc != DW_OK) {
        err->rc = rc;
        return false;
    }
    if (!turned)
        return true;
    bool begins = partition->number >= generation->before &&
                  dw_version_compare(&progress->version, &generation->version) == 0;
    if (begins)
        progress->initial_sync = initial_sync;
    partition->turning = false;
    partition->holds = true; /* letters of keys that went elsewhere before */
    return true;
}

/* False when it has to be tried again later. */
static bool turn_generation(struct dw_lane *lane, struct dw_partition *partition)
{
    struct dw_err err = DW_ERR_INIT;
    if (!partition->turning)
        return true;
    dw_partition_move(partition, DW_PARTITION_MARK);
    if (!look_to_turn(lane, partition, &err)) {
        handle(lane, partition, &err, DW_PARTITION_BACKOFF);
        return false;
    }
    if (!partition->turning)
        dw_partition_move(partition, DW_PARTITION_RELEASED);
    return true;
}

/* One of thousands of partitions that have nothing to do must cost nothing. */
static bool is_idle(struct dw_partition *partition)
{
    return !partition->chunk && !partition->waiting.entries && dw_feed_empty(&partition->feed);
}

/* True when there may be more to do at once. */
static bool apply(struct dw_lane *lane, struct dw_partition *partition)
{
    struct dw_err err = DW_ERR_INIT;
    if (partition->probe && !dw_claim_probe(lane, partition)) {
        if (dw_feed_out_of_range(&partition->feed)) {
            partition->wake_at_ms = dw_clock_mono_ms() + FENCED_MS;
            dw_partition_move(partition, DW_PARTITION_UNCERTAIN);
        }
        return false;
    }
    if (!turn_generation(lane, partition))
        return false;
    dw_dependency_round(lane, partition, dw_clock_mono_ms());
    switch (is_idle(partition) ? DW_APPLY_NOTHING : dw_apply_batch(lane, partition, &err)) {
    case DW_APPLY_DONE:
        partition->verify_at_ms = dw_clock_mono_ms() + lane->verify_ms;
        judge_room(lane, partition);
        return true;
    case DW_APPLY_BARRIER:
        partition->wake_at_ms = 0;
        dw_partition_move(partition, DW_PARTITION_TRUNCATE);
        return true;
    case DW_APPLY_STOPPED:
        stop_map(lane, partition);
        return false;
    case DW_APPLY_FAILED:
        handle(lane, partition, &err, DW_PARTITION_BACKOFF);
        return false;
    case DW_APPLY_UNCERTAIN:
        err.rc = DW_RETRY;
        handle(lane, partition, &err, DW_PARTITION_UNCERTAIN);
        return false;
    case DW_APPLY_NOTHING:
        break;
    }
    if (dw_feed_out_of_range(&partition->feed)) {
        partition->wake_at_ms = dw_clock_mono_ms() + FENCED_MS;
        dw_partition_move(partition, DW_PARTITION_UNCERTAIN);
    } else {
        verify(lane, partition);
    }
    return false;
}

/* Rows of another table may still refer to these, as long as their own TRUNCATE or deletes have not
 * come. When that takes longer than a row may wait for its parent, somebody has to look. */
static void truncate_refused(struct dw_lane *lane, struct dw_partition *partition,
                             struct dw_err *err)
{
    int64_t now = dw_clock_mono_ms();
    if (!partition->barrier_refused_ms)
        partition->barrier_refused_ms = now;
    err->rc = DW_RETRY;
    if (now - partition->barrier_refused_ms >=
        lane->context->settings->consumer.dependency_wait_ms) {
        err->rc = DW_CONFIG;
        (void)snprintf(err->id, sizeof err->id, "DW-APPLY-209");
    }
    handle(lane, partition, err, DW_PARTITION_BACKOFF);
}

/* How many partitions the truncate has gone to: nothing stands between it and what came before. */
static int32_t partitions_at_barrier(const struct dw_partition *partition)
{
    const struct dw_progress_generation *generation = &partition->progress.generation;
    return generation->reach ? generation->partitions
                             : dw_registry_partitions_at(partition->entry, &partition->barrier);
}

/* Looks whether all partitions of the map have reached the truncate (trap 7). */
static bool barrier(struct dw_lane *lane, struct dw_partition *partition)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_lane_map *map = NULL;
    struct dw_partition_id id = dw_lane_id(partition);
    bool done = false;
    enum dw_rc rc = dw_lane_map_get(lane, partition->entry, &map, &err);
    if (rc == DW_OK)
        rc = dw_writer_truncate(lane->writer, map->table, &id, &partition->barrier,
                                partitions_at_barrier(partition), true, &done, &err);
    partition->wake_at_ms = dw_clock_mono_ms() + BARRIER_MS;
    if (rc == DW_REJECT) {
        truncate_refused(lane, partition, &err);
        return false;
    }
    if (rc != DW_OK) {
        err.rc = rc;
        handle(lane, partition, &err, DW_PARTITION_BACKOFF);
        return false;
    }
    if (!done)
        return false;
    partition->has_released = true;
    partition->released = partition->barrier;
    partition->barrier_refused_ms = 0;
    dw_context_applied(lane->context, lane->system->name, partition->entry->map->target.schema,
                       partition->entry->map->target.table);
    dw_partition_move(partition, DW_PARTITION_RELEASED);
    return true;
}

/* --- the map in force -------------------------------------------------------------------------
 */

static struct dw_registry_map *share(struct dw_registry_map *entry)
{
    (void)atomic_fetch_add(&entry->references, 1);
    return entry;
}

void dw_lane_look_again(struct dw_partition *partition)
{
    partition->generation = UINT64_MAX;
}

/* The map as it is in force in this partition: `newest` (whose reference is taken), unless the
 * stream has not come to it yet. What an operator forced is in force at once. */
static struct dw_registry_map *in_force(const struct dw_lane *lane, struct dw_partition *partition,
                                        struct dw_registry_map *newest)
{
    struct dw_registry_map *marked = partition->marked;
    struct dw_err err = DW_ERR_INIT;
    if (!marked || !newest->map)
        return newest;
    if (newest->forced > marked->revision) {
        dw_registry_release(marked);
        partition->marked = share(newest);
        partition->marked_unsaved = true;
        return newest;
    }
    if (marked->revision == newest->revision ||
        !dw_str_is(marked->map->target.system, lane->system->name))
        return newest;
    struct dw_registry_map *entry = dw_registry_version(newest, marked->revision, marked->document,
                                                        marked->resolved_text, &err);
    dw_registry_release(newest);
    return entry ? entry : share(marked); /* it was read before */
}

void dw_lane_take_newest(struct dw_lane *lane, struct dw_partition *partition)
{
    struct dw_registry_map *newest = dw_registry_find(lane->context->registry, partition->topic);
    if (!newest)
        return;
    dw_registry_release(partition->marked);
    partition->marked = newest;
    partition->marked_unsaved = true;
    dw_lane_look_again(partition);
}

static void take_entry(struct dw_lane *lane, struct dw_partition *partition)
{
    uint64_t generation = dw_registry_generation(lane->context->registry);
    if (generation == partition->generation && partition->entry)
        return;
    struct dw_registry_map *entry = dw_registry_find(lane->context->registry, partition->topic);
    partition->generation = generation;
    bool runs = entry && dw_registry_runs(entry);
    bool here = runs && dw_str_is(entry->map->target.system, lane->system->name);
    if (entry) {
        dw_registry_release(partition->entry);
        partition->entry = here ? in_force(lane, partition, entry) : entry;
    }
    if (runs && !here) {
        let_go(lane, partition);
        atomic_store(&partition->rehome, true);
        dw_context_attention(lane->context);
        return;
    }
    if (!runs && dw_partition_in(partition) != DW_PARTITION_PAUSED)
        stop_map(lane, partition);
    else if (runs && dw_partition_in(partition) == DW_PARTITION_PAUSED) {
        partition->wake_at_ms = 0;
        dw_retry_reset(&partition->retry);
        dw_partition_move(partition, DW_PARTITION_MAP_RUNS);
    }
}

/* One turn. True when there may be more to do at once. */
static bool turn(struct dw_lane *lane, struct dw_partition *partition)
{
    take_entry(lane, partition);
    enum dw_partition_state state = dw_partition_in(partition);
    bool due = dw_clock_mono_ms() >= partition->wake_at_ms;
    if (due && (state == DW_PARTITION_RETRYING || state == DW_PARTITION_LOST)) {
        dw_partition_move(partition, DW_PARTITION_TIMER);
        return true;
    }
    if (due && state == DW_PARTITION_CLAIMING) {
        claim(lane, partition);
        return true;
    }
    if (due && state == DW_PARTITION_BARRIER)
        return barrier(lane, partition);
    if (state == DW_PARTITION_RUNNING || state == DW_PARTITION_FULL ||
        state == DW_PARTITION_TURNING)
        return apply(lane, partition);
    return false;
}

/* When a partition wants its next turn, other than by news. */
static int64_t next_turn_ms(const struct dw_lane *lane, const struct dw_partition *partition)
{
    int64_t waiting = INT64_MAX;
    switch (dw_partition_in(partition)) {
    case DW_PARTITION_TURNING:
        waiting = dw_dependency_next_ms(lane, partition);
        return waiting < partition->turn_at_ms ? waiting : partition->turn_at_ms;
    case DW_PARTITION_CLAIMING:
    case DW_PARTITION_RETRYING:
    case DW_PARTITION_BARRIER:
    case DW_PARTITION_LOST:
        return partition->wake_at_ms;
    case DW_PARTITION_RUNNING:
    case DW_PARTITION_FULL:
        return dw_dependency_next_ms(lane, partition);
    case DW_PARTITION_PAUSED:
    case DW_PARTITION_GONE:
    case DW_PARTITION_STATE_COUNT:
        break;
    }
    return INT64_MAX;
}

/* Of a thousand partitions most want nothing at a time: they are passed over. */
static bool wants_turn(const struct dw_lane *lane, struct dw_partition *partition,
                       uint64_t generation, int64_t now)
{
    if (atomic_load_explicit(&partition->woken, memory_order_relaxed) &&
        atomic_exchange(&partition->woken, false))
        return true;
    return now >= partition->due_ms || now >= partition->idle_due_ms ||
           generation != partition->generation ||
           (partition->waiting.entries && now >= dw_dependency_next_ms(lane, partition));
}

static void take_turn(struct dw_lane *lane, struct dw_partition *partition)
{
    bool more = turn(lane, partition);
    enum dw_partition_state state = dw_partition_in(partition);
    bool verifies = state == DW_PARTITION_RUNNING || state == DW_PARTITION_FULL;
    partition->due_ms = more ? 0 : next_turn_ms(lane, partition);
    partition->idle_due_ms = !is_idle(partition) ? dw_clock_mono_ms() + IDLE_MS
                             : verifies          ? partition->verify_at_ms
                                                 : INT64_MAX;
}

/* A turn for each that wants one; when the next one does. */
static int64_t take_turns(struct dw_lane *lane)
{
    int64_t now = dw_clock_mono_ms();
    uint64_t generation = dw_registry_generation(lane->context->registry);
    for (struct dw_partition *partition = lane->partitions; partition; partition = partition->next)
        if (wants_turn(lane, partition, generation, now))
            take_turn(lane, partition);
    int64_t wake_at_ms = dw_clock_mono_ms() + IDLE_MS;
    for (struct dw_partition *partition = lane->partitions; partition;
         partition = partition->next) {
        int64_t at = partition->due_ms;
        if (partition->waiting.entries && dw_dependency_next_ms(lane, partition) < at)
            at = dw_dependency_next_ms(lane, partition);
        if (at < wake_at_ms)
            wake_at_ms = at;
    }
    return wake_at_ms;
}

/* --- the thread -------------------------------------------------------------------------------
 */

static void release_gone(struct dw_lane *lane)
{
    int64_t count = 0;
    for (struct dw_partition **link = &lane->partitions; *link;) {
        struct dw_partition *partition = *link;
        if (!atomic_load(&partition->revoked) && !atomic_load(&partition->rehome)) {
            link = &partition->next;
            count++;
            continue;
        }
        *link = partition->next;
        let_go(lane, partition);
        dw_partition_move(partition, DW_PARTITION_REVOKED);
        dw_partition_release(partition);
    }
    lane->verify_ms = VERIFY_MS * (1 + count / VERIFY_MANY);
}

/* False when the lane has to end. */
static bool take_arrivals(struct dw_lane *lane, int64_t wake_at_ms)
{
    pthread_mutex_lock(&lane->lock);
    while (!lane->woken && !lane->stopping) {
        int64_t now = dw_clock_mono_ms();
        if (now >= wake_at_ms)
            break;
        struct timespec until = {.tv_sec = wake_at_ms / 1000,
                                 .tv_nsec = wake_at_ms % 1000 * 1000000};
        (void)pthread_cond_timedwait(&lane->wake, &lane->lock, &until);
    }
    lane->woken = false;
    struct dw_partition *arrivals = lane->arrivals;
    lane->arrivals = NULL;
    bool stopping = lane->stopping;
    pthread_mutex_unlock(&lane->lock);
    while (arrivals) {
        struct dw_partition *next = arrivals->next;
        arrivals->next = lane->partitions;
        lane->partitions = arrivals;
        arrivals = next;
    }
    return !stopping;
}

static void *run(void *argument)
{
    struct dw_lane *lane = argument;
    int64_t wake_at_ms = 0;
    while (take_arrivals(lane, wake_at_ms)) {
        release_gone(lane);
        wake_at_ms = take_turns(lane);
    }
    for (struct dw_partition *partition = lane->partitions; partition;) {
        struct dw_partition *next = partition->next;
        dw_partition_release(partition);
        partition = next;
    }
    lane->partitions = NULL;
    while (lane->maps)
        drop_map(lane, lane->maps->entry->name, INT64_MAX);
    dw_writer_close(lane->writer);
    lane->writer = NULL;
    return NULL;
}

static void add_metrics(struct dw_lane *lane)
{
    char labels[160];
    (void)snprintf(labels, sizeof labels, "target=\"%s\"", lane->system->name);
    lane->apply_duration = dw_metrics_series(
        DW_METRIC_HISTOGRAM, "dw_apply_duration_seconds",
        "One batch from its first record to the target's commit.", labels, 1000000);
    lane->retries = dw_metrics_series(DW_METRIC_COUNTER, "dw_apply_retries_total",
                                      "Batches and claims that are tried again.", labels, 1);
}

/* Chunks in hand are memory: a lane takes about one batch, and all lanes together at most what the
 * queues may hold. */
static size_t take_bytes_of(const struct dw_consumer_settings *settings)
{
    int64_t share = settings->queue_bytes / (settings->lanes > 0 ? settings->lanes : 1);
    int64_t bytes = settings->batch_bytes < share ? settings->batch_bytes : share;
    return bytes < TAKE_MIN_BYTES ? TAKE_MIN_BYTES : (size_t)bytes;
}

enum dw_rc dw_lane_start(struct dw_lane **out, struct dw_context *context,
                         const struct dw_system_settings *system, unsigned index,
                         struct dw_err *err)
{
    struct dw_lane *lane = DW_MEM_NEW(struct dw_lane);
    lane->context = context;
    lane->system = system;
    lane->index = index;
    lane->take_bytes = take_bytes_of(&context->settings->consumer);
    enum dw_rc rc = dw_writer_open(&lane->writer, system, context->instance,
                                   dw_context_idle_ms(context->settings), err);
    if (rc != DW_OK) {
        free(lane);
        return rc;
    }
    dw_arena_init(&lane->arena, ARENA_BLOCK_BYTES);
    dw_buf_init(&lane->text, TEXT_MAX_BYTES);
    add_metrics(lane);
    (void)pthread_mutex_init(&lane->lock, NULL);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&lane->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    int failure = pthread_create(&lane->thread, NULL, run, lane);
    if (failure) {
        char text[128];
        dw_writer_close(lane->writer);
        dw_lane_free(lane);
        return dw_err_set(err, DW_FATAL, "DW-APPLY-206", "no thread for a lane: %s",
                          dw_err_errno_text(failure, text, sizeof text));
    }
    *out = lane;
    return DW_OK;
}

void dw_lane_add(struct dw_lane *lane, struct dw_partition *partition)
{
    (void)atomic_fetch_add(&partition->references, 1);
    pthread_mutex_lock(&lane->lock);
    partition->next = lane->arrivals;
    lane->arrivals = partition;
    lane->woken = true;
    (void)pthread_cond_signal(&lane->wake);
    pthread_mutex_unlock(&lane->lock);
}

void dw_lane_wake(struct dw_lane *lane, struct dw_partition *partition)
{
    if (partition)
        atomic_store(&partition->woken, true);
    pthread_mutex_lock(&lane->lock);
    lane->woken = true;
    (void)pthread_cond_signal(&lane->wake);
    pthread_mutex_unlock(&lane->lock);
}

void dw_lane_stop(struct dw_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->stopping = true;
    (void)pthread_cond_signal(&lane->wake);
    pthread_mutex_unlock(&lane->lock);
}

bool dw_lane_join(struct dw_lane *lane, int64_t until_ms)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    return pthread_timedjoin_np(lane->thread, NULL, &until) == 0;
}

void dw_lane_free(struct dw_lane *lane)
{
    while (lane->arrivals) {
        struct dw_partition *next = lane->arrivals->next;
        dw_partition_release(lane->arrivals);
        lane->arrivals = next;
    }
    dw_arena_done(&lane->arena);
    dw_buf_done(&lane->text);
    (void)pthread_mutex_destroy(&lane->lock);
    (void)pthread_cond_destroy(&lane->wake);
    free(lane);
}
