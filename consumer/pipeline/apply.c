/* apply.c - see apply.h. */
#include "consumer/pipeline/apply.h"

#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "consumer/pipeline/accounting.h"
#include "consumer/pipeline/batch.h"
#include "consumer/pipeline/dependency.h"
#include "consumer/pipeline/held_notes.h"
#include <assert.h>
#include <stdio.h>

struct run { /* one call of dw_apply_batch */
    struct dw_lane *lane;
    struct dw_partition *partition;
    struct dw_lane_map *map;
    struct dw_partition_id id;
    struct dw_batch batch;
    enum dw_batch_add stop;       /* why no further record was taken */
    struct dw_progress progress;  /* as it shall be */
    struct dw_registry_map *next; /* a marker brings it: in force behind this batch */
    size_t dead;
    size_t again; /* replays that failed */
    struct dw_held_news news;
    int64_t started_us;
};

/* --- build ------------------------------------------------------------------------------------
 */

static bool schema_passes(void *context, int64_t revision, const char *code)
{
    const struct dw_registry_map *entry = context;
    return entry->newest > revision || dw_registry_resumed(entry, code);
}

/* Rows that the batch may take so that the waiting rows stay within their bound even if all of them
 * have to wait. */
static size_t room_for_rows(const struct run *run)
{
    const struct dw_consumer_settings *settings = &run->lane->context->settings->consumer;
    size_t room = dw_partition_room(run->partition, settings->waiting_rows_max);
    size_t rows = (size_t)settings->batch_rows;
    return rows < room ? rows : room;
}

static void take_records(struct run *run)
{
    size_t rows = room_for_rows(run);
    size_t bytes = (size_t)run->lane->context->settings->consumer.batch_bytes;
    struct dw_partition_cursor cursor = dw_partition_cursor(run->partition);
    while (run->batch.new_count < rows && run->batch.bytes < bytes && !run->batch.truncated &&
           !run->batch.marker_revision && !run->batch.generation.reach) {
        const struct dw_feed_record *record =
            dw_partition_cursor_next(run->partition, &cursor, run->lane->take_bytes);
        if (!record)
            return;
        run->stop = dw_batch_add_record(&run->batch, record);
        if (run->stop != DW_BATCH_ADDED)
            return;
    }
}

static void build(struct run *run)
{
    struct dw_lane *lane = run->lane;
    struct dw_partition *partition = run->partition;
    struct dw_batch_rules rules = {
        .map = run->map->entry->map,
        .transform = run->map->transform,
        .source = &run->map->resolved.source,
        .topic = partition->topic,
        .partition = partition->number,
        .partitions =
            partition->progress.generation.reach ? partition->progress.generation.partitions : 0,
        .revision = run->map->entry->revision,
        .marked = partition->marked != NULL,
        .newest = partition->entry->newest,
        .forced = partition->entry->forced,
        .waiting = &partition->waiting,
        .ascii_keys = !dw_writer_is_utf8(lane->writer),
        .text = &lane->text,
        .has_released = partition->has_released,
        .released = partition->released,
        .schema_passes = schema_passes,
        .context = partition->entry,
    };
    dw_batch_init(&run->batch, &lane->arena, &rules, &partition->progress, ++lane->batch_number);
    /* What waited before a truncate is gone with it. */
    if (!partition->has_released)
        dw_dependency_add_due(lane, partition, &run->batch,
                              (size_t)lane->context->settings->consumer.batch_rows);
    if (!partition->turning)
        take_records(run);
}

/* --- progress ---------------------------------------------------------------------------------
 */

static bool is_settled(const struct dw_batch_item *item)
{
    return item->entry && item->outcome != DW_OUTCOME_WAITING;
}

static void account(struct run *run)
{
    struct dw_progress *progress = &run->progress;
    *progress = run->partition->progress;
    for (size_t i = 0; i < run->batch.count; i++) {
        const struct dw_batch_item *item = run->batch.items[i];
        if (!item->entry)
            dw_accounting_record(progress, item->offset, item->outcome);
        else if (is_settled(item))
            dw_accounting_settle(progress, item->outcome);
        if (item->commit_us > progress->commit_us)
            progress->commit_us = item->commit_us;
        if (item->outcome == DW_OUTCOME_DEAD)
            run->dead++;
        run->again += item->again;
    }
    if (run->batch.truncated)
        for (size_t left = run->partition->waiting.entries; left; left--)
            dw_accounting_settle(progress, DW_OUTCOME_SUPERSEDED);
    progress->version = run->batch.version;
    progress->heartbeat_us = run->batch.heartbeat_us;
    progress->initial_sync = run->batch.initial_sync;
    progress->revision = run->id.revision;
    if (run->batch.generation.reach)
        progress->generation = run->batch.generation;
    if (run->batch.new_count)
        progress->tail_hash = dw_batch_hash(run->batch.tail.key, run->batch.tail.value);
    assert(dw_accounting_balanced(progress) || !dw_accounting_balanced(&run->partition->progress));
}

/* --- dead letters -----------------------------------------------------------------------------
 */

/* Events that end with this batch: one that waits comes again, and would water the share of the
 * dead down with each attempt. */
static size_t events_of(const struct dw_batch *batch)
{
    size_t events = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct dw_batch_item *item = batch->items[i];
        assert(item);
        if (item->outcome != DW_OUTCOME_CONTROL && item->outcome != DW_OUTCOME_DUPLICATE &&
            item->outcome != DW_OUTCOME_WAITING)
            events++;
    }
    return events;
}

static const struct dw_err *first_dead(const struct dw_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i]->outcome == DW_OUTCOME_DEAD)
            return batch->items[i]->err;
    return NULL;
}

/* True: the map has failed, and the batch must not be written. */
static bool breaker_trips(struct run *run)
{
    struct dw_registry_track *track = run->partition->entry->track;
    int64_t now = dw_clock_mono_ms();
    int64_t window_events = 0;
    int64_t window_dead = 0;
    pthread_mutex_lock(&track->lock);
    bool trips =
        dw_breaker_trips(&track->breaker, now, (int64_t)events_of(&run->batch), (int64_t)run->dead);
    dw_breaker_window(&track->breaker, now, &window_events, &window_dead);
    pthread_mutex_unlock(&track->lock);
    if (!trips)
        return false;
    const struct dw_err *first = first_dead(&run->batch);
    char reason[DW_ERR_MESSAGE_MAX];
    (void)snprintf(reason, sizeof reason,
                   "%lld of the last %lld events would be dead letters; none of this batch was "
                   "written. The first: %s %.700s",
                   (long long)window_dead + (long long)run->dead,
                   (long long)window_events + (long long)events_of(&run->batch),
                   first ? first->id : "", first ? first->message : "");
    dw_lane_fail_map(run->lane, run->partition, DW_REGISTRY_BREAKER_CODE, reason, NULL);
    return true;
}

static struct dw_kafka_dead_letter letter_of(const struct run *run,
                                             const struct dw_batch_item *item, int64_t now_us)
{
    const struct dw_partition *partition = run->partition;
    const struct dw_err *err = item->err;
    const struct dw_replay *replay = item->replay;
    struct dw_arena *arena = &run->lane->arena;
    return (struct dw_kafka_dead_letter){
        .key = item->key,
        .value = replay ? replay->event : item->value,
        .topic = partition->topic,
        .partition = replay ? replay->partition : partition->number,
        .offset = replay ? replay->offset : item->offset,
        .map = partition->entry->name,
        .revision = run->id.revision,
        .stage = item->stage,
        .failure_class = item->failure_class,
        .code = err ? err->id : "",
        .message = err ? err->message : "",
        .sqlstate = err ? err->sqlstate : "",
        .column = item->column.ptr ? dw_arena_copy(arena, item->column).ptr : "",
        .system = run->lane->system->name,
        .incarnation =
            replay ? dw_arena_copy(arena, replay->incarnation).ptr : partition->incarnation,
        .version = item->has_version ? &item->version : NULL,
        .attempts = replay ? replay->attempt : 1,
        .first_failed_us = item->entry                  ? item->entry->row.since_us
                           : partition->first_failed_us ? partition->first_failed_us
                                                        : now_us,
        .failed_us = now_us,
        .instance = run->lane->context->instance,
    };
}

/* The letters of the batch: those of its own events are held from now on, a replay's is already. */
static enum dw_rc send_letters(struct run *run, struct dw_err *err)
{
    size_t total = run->dead + run->again;
    if (!total)
        return DW_OK;
    struct dw_arena *arena = &run->lane->arena;
    struct dw_kafka_dead_letter *letters =
        DW_ARENA_ARRAY(arena, struct dw_kafka_dead_letter, total);
    struct dw_held *held = DW_ARENA_ARRAY(arena, struct dw_held, run->dead);
    int64_t now_us = dw_clock_wall_us();
    size_t count = 0;
    for (size_t i = 0; i < run->batch.count; i++) {
        const struct dw_batch_item *item = run->batch.items[i];
        if (item->outcome != DW_OUTCOME_DEAD && !item->again)
            continue;
        letters[count] = letter_of(run, item, now_us);
        if (!item->again) {
            struct dw_held *letter = &held[run->news.letter_count++];
            *letter = (struct dw_held){
                .offset = item->offset,
                .key_text = item->change ? item->change->key_text : DW_STR_LIT(""),
                .version = item->version,
                .code = letters[count].code,
            };
            dw_held_notes_describe(&run->batch, item, letter);
        }
        count++;
    }
    enum dw_rc rc = dw_context_send_letters(run->lane->context, letters, count, err);
    if (rc != DW_OK)
        return rc;
    run->news.letters = held;
    dw_fault("consumer.after_ack_before_commit");
    return DW_OK;
}

/* --- commit -----------------------------------------------------------------------------------
 */

static void waiting_rows(struct run *run, struct dw_writer_commit *commit)
{
    struct dw_arena *arena = &run->lane->arena;
    struct dw_waiting *added = DW_ARENA_ARRAY(arena, struct dw_waiting, run->batch.count);
    int64_t *removed =
        DW_ARENA_ARRAY(arena, int64_t, run->batch.count + run->partition->waiting.entries);
    int64_t now_us = dw_clock_wall_us();
    for (size_t i = 0; i < run->batch.count; i++) {
        const struct dw_batch_item *item = run->batch.items[i];
        if (is_settled(item))
            removed[commit->waiting_removed_count++] = item->offset;
        else if (!item->entry && item->outcome == DW_OUTCOME_WAITING)
            added[commit->waiting_added_count++] = dw_batch_waiting_row(item, now_us);
    }
    if (run->batch.truncated)
        for (const struct dw_waiting_key *key = run->partition->waiting.first; key; key = key->next)
            for (const struct dw_waiting_entry *entry = key->first; entry; entry = entry->next)
                removed[commit->waiting_removed_count++] = entry->row.offset;
    commit->waiting_added = added;
    commit->waiting_removed = removed;
}

static enum dw_rc commit_batch(struct run *run, struct dw_err *err)
{
    const struct dw_partition *partition = run->partition;
    const struct dw_registry_map *marked = run->next ? run->next : partition->marked;
    struct dw_writer_version version = {0};
    struct dw_writer_commit commit = {.progress = &run->progress, .held = run->news};
    if (run->next || (marked && partition->marked_unsaved)) {
        version = (struct dw_writer_version){marked->document, marked->resolved_text};
        commit.version = &version;
    }
    const struct dw_writer_generation generation = {
        .place = &run->batch.generation,
        .number = run->batch.generation_number,
        /* A partition that begins here was in no sync: the others know. */
        .initial_sync =
            partition->number < run->batch.generation.before ? run->progress.initial_sync : -1,
    };
    if (run->batch.generation.reach)
        commit.generation = &generation;
    waiting_rows(run, &commit);
    return dw_writer_commit(run->lane->writer, &run->id, &commit, err);
}

/* --- after the commit -------------------------------------------------------------------------
 */

static void count_latency(const struct run *run, struct dw_registry_track *track, int64_t now_us)
{
    int64_t buckets[DW_METRIC_BUCKETS] = {0};
    int64_t last_commit_us = 0;
    int64_t same = 0;
    int64_t latency_us = 0;
    for (size_t i = 0; i <= run->batch.count; i++) {
        const struct dw_batch_item *item = i < run->batch.count ? run->batch.items[i] : NULL;
        if (item && item->outcome != DW_OUTCOME_APPLIED && item->outcome != DW_OUTCOME_SUPERSEDED)
            continue;
        if (item && item->commit_us == last_commit_us) {
            same++;
            continue;
        }
        if (same && last_commit_us > 0) { /* events of one transaction come together */
            latency_us = now_us > last_commit_us ? now_us - last_commit_us : 0;
            buckets[dw_latency_window_bucket(latency_us)] += same;
            dw_metrics_observe_us(track->end_to_end, latency_us, same);
        }
        if (item) {
            last_commit_us = item->commit_us;
            same = 1;
        }
    }
    pthread_mutex_lock(&track->lock);
    dw_latency_window_add(&track->latency, dw_clock_mono_ms(), buckets);
    dw_breaker_add(&track->breaker, dw_clock_mono_ms(), (int64_t)events_of(&run->batch),
                   (int64_t)run->dead);
    pthread_mutex_unlock(&track->lock);
}

static void count_outcomes(const struct run *run, struct dw_registry_track *track)
{
    for (int i = DW_OUTCOME_APPLIED; i < DW_OUTCOME_COUNT; i++) {
        int64_t more = run->progress.counts[i] - run->partition->progress.counts[i];
        if (more > 0)
            dw_metrics_add(track->processed[i], more);
    }
}

static void take_next(struct run *run)
{
    struct dw_partition *partition = run->partition;
    if (partition->entry->revision != run->next->revision)
        dw_log(DW_LOG_INFO, "map.version", "another revision of the map is in force from here on",
               DW_F_TEXT("map", partition->entry->name), DW_F_INT("partition", partition->number),
               DW_F_INT("before", partition->entry->revision),
               DW_F_INT("revision", run->next->revision),
               DW_F_INT("offset", partition->progress.next_offset));
    dw_registry_release(partition->marked);
    partition->marked = run->next;
    run->next = NULL;
    dw_lane_look_again(partition);
}

static void finish(struct run *run)
{
    struct dw_lane *lane = run->lane;
    struct dw_partition *partition = run->partition;
    struct dw_registry_track *track = partition->entry->track;
    const struct dw_table_map *map = partition->entry->map;
    int64_t now_us = dw_clock_wall_us();
    int64_t spent_us = dw_clock_mono_us() - run->started_us;
    bool wrote = run->news.settle_count || run->progress.counts[DW_OUTCOME_APPLIED] >
                                               partition->progress.counts[DW_OUTCOME_APPLIED];
    if (run->dead)
        partition->holds = true;
    count_outcomes(run, track);
    count_latency(run, track, now_us);
    dw_metrics_observe_us(lane->apply_duration, spent_us, 1);
    partition->progress = run->progress;
    partition->progress.exists = true;
    partition->base = partition->progress;
    partition->first_failed_us = 0;
    dw_retry_reset(&partition->retry);
    atomic_store(&partition->in_trouble, false);
    if (run->batch.truncated)
        partition->has_released = false;
    partition->marked_unsaved = false;
    if (run->batch.generation.reach)
        dw_partition_turn(partition);
    if (run->next)
        take_next(run);
    dw_dependency_settle(lane, partition, &run->batch, spent_us / 1000);
    dw_feed_commit(&partition->feed, partition->progress.next_offset, partition->incarnation);
    atomic_store(&lane->context->commits, true);
    if (dw_partition_advance(partition, partition->progress.next_offset))
        dw_context_attention(lane->context);
    dw_partition_publish(partition);
    if (wrote)
        dw_context_applied(lane->context, lane->system->name, map->target.schema,
                           map->target.table);
    dw_fault("consumer.after_commit");
}

static enum dw_apply_result failed(struct run *run, enum dw_rc rc, struct dw_err *err)
{
    dw_writer_rollback(run->lane->writer);
    err->rc = rc;
    return DW_APPLY_FAILED;
}

static enum dw_rc verify(struct run *run, struct dw_err *err)
{
    const struct dw_writer_questions questions = {
        .changes = run->batch.changes,
        .count = run->batch.change_count,
        .verdicts = run->batch.verdicts,
        .verdict_count = run->batch.verdict_count,
    };
    return dw_writer_verify(run->lane->writer, run->map->table, &questions, &run->lane->arena, err);
}

static enum dw_apply_result write_batch(struct run *run, struct dw_err *err)
{
    struct dw_lane *lane = run->lane;
    enum dw_rc rc = dw_writer_begin(lane->writer, &run->id, &run->partition->base, err);
    if (rc == DW_OK && run->batch.replay_count)
        rc = dw_held_notes_decide(&run->batch, lane->writer, err);
    if (rc == DW_OK && run->batch.verifying)
        rc = verify(run, err);
    else if (rc == DW_OK && run->batch.change_count)
        rc = dw_writer_apply(lane->writer, run->map->table, run->batch.changes,
                             run->batch.change_count, &lane->arena, err);
    if (rc != DW_OK)
        return failed(run, rc, err);
    dw_fault("consumer.after_apply");
    dw_batch_collect(&run->batch);
    dw_dependency_expire(lane, run->partition, &run->batch, dw_clock_mono_ms());
    dw_held_notes_settle(&run->batch, &run->news);
    account(run);
    if (run->dead && breaker_trips(run)) {
        dw_writer_rollback(lane->writer);
        return DW_APPLY_STOPPED;
    }
    rc = send_letters(run, err);
    if (rc != DW_OK)
        return failed(run, rc, err);
    if (run->partition->holds || run->dead)
        dw_held_notes_touch(&run->batch, run->partition->number, &run->news);
    rc = commit_batch(run, err);
    if (rc == DW_RETRY) {
        run->partition->uncertain = run->progress;
        run->partition->uncertain.exists = true;
        run->partition->has_uncertain = true;
        return DW_APPLY_UNCERTAIN;
    }
    if (rc != DW_OK)
        return failed(run, rc, err);
    finish(run);
    return DW_APPLY_DONE;
}

static bool same_names(const struct dw_str *a, const struct dw_str *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!dw_str_equal(a[i], b[i]))
            return false;
    return true;
}

/* Rows have the same keys by both. */
static bool same_keys(const struct dw_table_map *a, const struct dw_table_map *b)
{
    return dw_str_equal(a->target.schema, b->target.schema) &&
           dw_str_equal(a->target.table, b->target.table) &&
           a->target.key_count == b->target.key_count &&
           a->source.key_count == b->source.key_count &&
           same_names(a->target.key, b->target.key, a->target.key_count) &&
           same_names(a->source.key, b->source.key, a->source.key_count);
}

/* Reads the revision that a marker brings. False: not yet, rows wait whose keys would be others by
 * it. Else rows that wait are written by it, as if they had been touched behind the marker; what
 * their events lack by it is read again. */
static bool prepare_next(struct run *run)
{
    struct dw_partition *partition = run->partition;
    const struct dw_batch *batch = &run->batch;
    struct dw_err err = DW_ERR_INIT;
    struct dw_registry_map *next =
        dw_registry_version(partition->entry, batch->marker_revision, batch->marker_document,
                            batch->marker_resolved, &err);
    if (!next) {
        dw_log_err(DW_LOG_ERROR, "map.unreadable", &err);
        return true;
    }
    if (partition->waiting.entries && !same_keys(partition->entry->map, next->map)) {
        dw_registry_release(next);
        return false;
    }
    /* With another target system the partition moves to another lane when the registry says so. */
    if (dw_str_is(next->map->target.system, run->lane->system->name)) {
        run->next = next;
        run->id.revision = next->revision;
    } else {
        dw_registry_release(next);
    }
    return true;
}

static enum dw_apply_result stopped_before(struct run *run)
{
    struct dw_partition *partition = run->partition;
    if (run->stop == DW_BATCH_TRUNCATE) {
        partition->barrier = run->batch.stop_version;
        return DW_APPLY_BARRIER;
    }
    if (run->stop == DW_BATCH_NEWER) {
        dw_lane_take_newest(run->lane, partition);
        return DW_APPLY_DONE;
    }
    if (run->stop == DW_BATCH_SCHEMA) {
        char reason[DW_ERR_MESSAGE_MAX];
        (void)snprintf(reason, sizeof reason, "the source's table has changed: %.900s",
                       run->batch.stop_reason);
        dw_lane_fail_map(run->lane, partition, run->batch.stop_code, reason,
                         run->batch.stop_gap ? &run->batch.stop_version.commit_lsn : NULL);
        return DW_APPLY_STOPPED;
    }
    return DW_APPLY_NOTHING;
}

enum dw_apply_result dw_apply_batch(struct dw_lane *lane, struct dw_partition *partition,
                                    struct dw_err *err)
{
    struct run run = {.lane = lane,
                      .partition = partition,
                      .stop = DW_BATCH_ADDED,
                      .started_us = dw_clock_mono_us()};
    enum dw_rc rc = dw_lane_map_get(lane, partition->entry, &run.map, err);
    if (rc != DW_OK) {
        err->rc = rc;
        return DW_APPLY_FAILED;
    }
    dw_arena_reset(&lane->arena);
    run.id = dw_lane_id(partition);
    dw_lane_look_held(lane, partition);
    build(&run);
    if (run.batch.count == 0)
        return stopped_before(&run);
    if (run.batch.marker_revision && !prepare_next(&run))
        return DW_APPLY_NOTHING;
    enum dw_apply_result result = write_batch(&run, err);
    dw_registry_release(run.next);
    return result;
}
