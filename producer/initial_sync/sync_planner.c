/* sync_planner.c - the planner thread: syncs from the state database become jobs, what Kafka has is
 * saved, marks are sent; see sync_work.h.
 *
 * The state database and the source are talked to without the mutex; jobs and spans are changed by
 * this thread alone. Whatever is away is tried again: no step depends on one before it having been
 * the last.
 */
#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "common/postgres/pg.h"
#include "common/state/state.h"
#include "producer/initial_sync/chunk_read.h"
#include "producer/initial_sync/sync_plan.h"
#include "producer/initial_sync/sync_target.h"
#include "producer/initial_sync/sync_work.h"
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUND_MS    200
#define RELOAD_MS   5000
#define SNAPSHOT_MS 2000
#define AWAY_MS     1000
#define ARENA_BYTES 16384

struct planner {
    struct dw_sync *sync;
    struct dw_state *state;
    PGconn *conn;
    int64_t reload_at_ms, snapshot_at_ms, away_until_ms;
    char logged[DW_ERR_MESSAGE_MAX];
};

/* Whatever it was is tried again later; said once. */
static void away(struct planner *planner, const struct dw_err *err)
{
    planner->away_until_ms = dw_clock_mono_ms() + AWAY_MS;
    dw_pg_disconnect(planner->conn);
    planner->conn = NULL;
    if (strcmp(planner->logged, err->message) == 0)
        return;
    (void)snprintf(planner->logged, sizeof planner->logged, "%s", err->message);
    dw_log_err(DW_LOG_WARN, "sync.away", err);
}

/* --- connections -------------------------------------------------------------------------------
 */

static enum dw_rc open_links(struct planner *planner, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    if (!planner->state)
        rc = dw_state_open(&planner->state, &planner->sync->options.settings->state,
                           "dualwrite-producer sync", err);
    if (rc == DW_OK && (!planner->conn || PQstatus(planner->conn) != CONNECTION_OK)) {
        dw_pg_disconnect(planner->conn);
        planner->conn = NULL;
        rc = dw_sync_connect(planner->sync, &planner->conn, err);
    }
    return rc;
}

/* --- visibility --------------------------------------------------------------------------------
 */

/* Under synchronous replication a transaction may have been streamed long before it is seen: by us
 * before a restart, too. Without it the moment is shorter than any restart. */
static enum dw_rc look_at_transactions(struct planner *planner, struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    struct dw_snapshot snapshot;
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(planner->conn,
                                "SELECT pg_current_snapshot(),"
                                " current_setting('synchronous_standby_names') <> ''",
                                0, NULL, &result, err);
    if (rc != DW_OK)
        return rc;
    if (dw_visibility_parse(dw_str_from(PQgetvalue(result, 0, 0)), &snapshot)) {
        bool synchronous = PQgetvalue(result, 0, 1)[0] == 't';
        pthread_mutex_lock(&sync->mutex);
        dw_visibility_prune(&sync->visibility, &snapshot);
        if (sync->begun && synchronous)
            dw_visibility_suspect(&sync->visibility, &snapshot);
        sync->begun = false;
        pthread_mutex_unlock(&sync->mutex);
        free(snapshot.running);
    }
    PQclear(result);
    planner->snapshot_at_ms = dw_clock_mono_ms() + SNAPSHOT_MS;
    return DW_OK;
}

/* --- jobs --------------------------------------------------------------------------------------
 */

static struct dw_sync_job *find_job(struct dw_sync *sync, int64_t id)
{
    struct dw_sync_job *job = sync->jobs;
    while (job && job->id != id)
        job = job->next;
    return job;
}

static void add_metrics(struct dw_sync_job *job)
{
    char labels[300];
    (void)snprintf(labels, sizeof labels, "map=\"%.250s\"", job->map);
    job->rows_total =
        dw_metrics_series(DW_METRIC_COUNTER, "dw_sync_rows_total",
                          "Rows of initial syncs and re-syncs that Kafka has.", labels, 1);
    job->chunks_total =
        dw_metrics_series(DW_METRIC_COUNTER, "dw_sync_chunks_total",
                          "Chunks of initial syncs and re-syncs that Kafka has.", labels, 1);
    job->repeated_total = dw_metrics_series(DW_METRIC_COUNTER, "dw_sync_chunks_repeated_total",
                                            "Chunks that were read again.", labels, 1);
}

static struct dw_sync_job *new_job(const struct dw_sync_record *record)
{
    struct dw_sync_job *job = DW_MEM_NEW(struct dw_sync_job);
    job->id = record->id;
    job->map = dw_mem_strdup(record->map);
    job->filter = record->filter ? dw_mem_strdup(record->filter) : NULL;
    dw_arena_init(&job->arena, ARENA_BYTES);
    job->initial = record->initial;
    job->keep_existing = record->keep_existing;
    job->delete_extra = record->delete_extra;
    job->verify = record->verify;
    job->unclaimed = record->unclaimed;
    job->phase = record->initial ? DW_SYNC_BEGINNING : DW_SYNC_COPYING;
    (void)snprintf(job->mark_begin, sizeof job->mark_begin,
                   "{\"sync\":%" PRId64 ",\"edge\":\"begin\"}", job->id);
    (void)snprintf(job->mark_end, sizeof job->mark_end, "{\"sync\":%" PRId64 ",\"edge\":\"end\"}",
                   job->id);
    add_metrics(job);
    return job;
}

static void add_spans(struct dw_sync_job *job, const struct dw_sync_range *ranges, size_t count)
{
    struct dw_sync_span **link = &job->spans;
    for (size_t i = 0; i < count; i++) {
        struct dw_sync_span *span = DW_MEM_NEW(struct dw_sync_span);
        span->job = job;
        span->number = ranges[i].number;
        span->part = ranges[i].part;
        span->lower_in = ranges[i].lower_in;
        dw_sync_set_text(&span->lower, ranges[i].lower);
        dw_sync_set_text(&span->upper, ranges[i].upper);
        dw_sync_set_text(&span->cursor, ranges[i].done_to);
        dw_sync_set_text(&span->done_to, ranges[i].done_to);
        span->read = span->done = ranges[i].done;
        *link = span;
        link = &span->next;
    }
}

static enum dw_rc plan(struct planner *planner, const struct dw_sync_record *record,
                       const struct dw_sync_table *table, struct dw_arena *arena,
                       struct dw_err *err)
{
    const struct dw_sync_plan_order order = {
        .conn = planner->conn,
        .table = table,
        .record = record,
        .chunk_rows = planner->sync->options.settings->producer.sync_chunk_rows,
    };
    struct dw_sync_plan made;
    enum dw_rc rc = dw_sync_plan_make(&order, arena, &made, err);
    if (rc != DW_OK)
        return rc;
    dw_fault("sync.before_plan");
    return dw_state_sync_plan(planner->state, record->id, planner->sync->options.instance,
                              made.ranges, made.count, made.rows_estimated, err);
}

/* The table as it is now, the ranges as they are saved; made first when there are none. */
static enum dw_rc fill_job(struct planner *planner, const struct dw_sync_record *record,
                           const struct dw_map_record *map, struct dw_sync_job *job,
                           struct dw_err *err)
{
    struct dw_arena arena;
    struct dw_sync_range *ranges = NULL;
    size_t count = 0;
    dw_arena_init(&arena, ARENA_BYTES);
    enum dw_rc rc = dw_sync_table_load(&job->table, planner->conn, map, job->filter, err);
    if (rc == DW_OK && record->delete_extra)
        rc = dw_sync_target_check(job->table->definition, err);
    if (rc == DW_OK && record->keys)
        rc = dw_chunk_read_keys(record->keys, job->table->key_count, &job->arena, &job->keys,
                                &job->keys_count, err);
    if (rc == DW_OK && !record->planned)
        rc = plan(planner, record, job->table, &arena, err);
    if (rc == DW_OK)
        rc = dw_state_sync_ranges_load(planner->state, record->id, &arena, &ranges, &count, err);
    if (rc == DW_OK)
        add_spans(job, ranges, count);
    dw_arena_done(&arena);
    return rc;
}

static enum dw_rc fail_record(struct planner *planner, int64_t id, const struct dw_err *failure,
                              struct dw_err *err)
{
    const struct dw_sync_move move = {
        .to = DW_SYNC_FAILED, .code = failure->id, .reason = failure->message};
    return dw_state_sync_move(planner->state, id, planner->sync->options.instance, &move, err);
}

/* Takes a sync up. What a person has to mend fails it. */
static enum dw_rc start_job(struct planner *planner, const struct dw_sync_record *record,
                            const struct dw_map_record *map, struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    enum dw_rc rc = dw_state_sync_claim(planner->state, record->id, sync->options.instance, err);
    if (rc != DW_OK)
        return rc;
    struct dw_sync_job *job = new_job(record);
    rc = fill_job(planner, record, map, job, err);
    if (rc != DW_OK) {
        dw_sync_free_job(job);
        if (rc == DW_RETRY)
            return rc;
        struct dw_err failure = *err;
        dw_log_err(DW_LOG_ERROR, "sync.failed", &failure);
        return fail_record(planner, record->id, &failure, err);
    }
    job->rate = record->rate;
    dw_log(DW_LOG_INFO, "sync.taken", "rows that exist already are copied",
           DW_F_TEXT("map", job->map), DW_F_INT("sync", job->id));
    pthread_mutex_lock(&sync->mutex);
    struct dw_sync_job **link = &sync->jobs;
    while (*link)
        link = &(*link)->next;
    *link = job;
    (void)pthread_cond_broadcast(&sync->changed);
    pthread_mutex_unlock(&sync->mutex);
    return DW_OK;
}

static const struct dw_map_record *find_map(const struct dw_map_record *maps, size_t count,
                                            const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(maps[i].name, name) == 0)
            return &maps[i];
    return NULL;
}

static bool is_wanted(const struct dw_sync_record *record)
{
    return (record->state == DW_SYNC_WAITING && record->ready) || record->state == DW_SYNC_RUNNING;
}

static bool map_holds(const struct dw_map_record *map)
{
    return !dw_map_state_active(map->state);
}

static enum dw_rc take_record(struct planner *planner, const struct dw_sync_record *record,
                              const struct dw_map_record *map, struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    pthread_mutex_lock(&sync->mutex);
    struct dw_sync_job *job = find_job(sync, record->id);
    bool ours = strcmp(record->owner, sync->options.instance) == 0;
    if (job) {
        job->rate = record->rate;
        job->held = map_holds(map) || record->state != DW_SYNC_RUNNING;
        job->gone = job->gone || !ours;
        job->stale = job->stale || job->table->revision != map->revision;
        (void)pthread_cond_broadcast(&sync->changed);
    }
    pthread_mutex_unlock(&sync->mutex);
    /* One that was paused before it was ever taken up is claimed when it goes on. */
    if (job && record->state == DW_SYNC_WAITING)
        return dw_state_sync_claim(planner->state, record->id, sync->options.instance, err);
    if (job || !is_wanted(record) || map_holds(map))
        return DW_OK;
    return start_job(planner, record, map, err);
}

static void mark_missing(struct dw_sync *sync, const struct dw_sync_record *records, size_t count)
{
    pthread_mutex_lock(&sync->mutex);
    for (struct dw_sync_job *job = sync->jobs; job; job = job->next) {
        bool found = false;
        for (size_t i = 0; i < count && !found; i++)
            found = records[i].id == job->id;
        job->gone = job->gone || !found;
    }
    pthread_mutex_unlock(&sync->mutex);
}

static enum dw_rc load_records(struct planner *planner, struct dw_err *err)
{
    struct dw_arena arena;
    const struct dw_sync_record *records = NULL;
    const struct dw_map_record *maps = NULL;
    size_t count = 0;
    size_t map_count = 0;
    dw_arena_init(&arena, ARENA_BYTES);
    const struct dw_sync_filter filter = {
        .system = planner->sync->options.system->name, .active = true, .verify = true};
    enum dw_rc rc = dw_state_syncs_load(planner->state, &filter, &arena, &records, &count, err);
    if (rc == DW_OK && count)
        rc = dw_state_maps_load(planner->state, &arena, &maps, &map_count, err);
    if (rc == DW_OK)
        mark_missing(planner->sync, records, count);
    for (size_t i = 0; i < count && rc == DW_OK; i++) {
        const struct dw_map_record *map = find_map(maps, map_count, records[i].map);
        if (map)
            rc = take_record(planner, &records[i], map, err);
    }
    dw_arena_done(&arena);
    if (rc == DW_OK)
        planner->reload_at_ms = dw_clock_mono_ms() + RELOAD_MS;
    return rc;
}

/* --- jobs that end or change -------------------------------------------------------------------
 */

static bool is_idle(const struct dw_sync *sync, const struct dw_sync_job *job)
{
    for (const struct dw_sync_span *span = job->spans; span; span = span->next)
        if (span->busy)
            return false;
    for (const struct dw_chunk *chunk = sync->chunks; chunk; chunk = chunk->next)
        if (chunk->map == job->map && (chunk->held || chunk->state == DW_CHUNK_PUBLISHING))
            return false;
    return true;
}

static void drop_chunks_of(struct dw_sync *sync, const struct dw_sync_job *job)
{
    for (struct dw_chunk *chunk = sync->chunks; chunk;) {
        struct dw_chunk *next = chunk->next;
        if (chunk->map == job->map)
            dw_sync_drop_chunk(sync, chunk);
        chunk = next;
    }
}

/* Frees jobs that are no longer ours. */
static void free_gone(struct dw_sync *sync)
{
    pthread_mutex_lock(&sync->mutex);
    for (struct dw_sync_job **link = &sync->jobs; *link;) {
        struct dw_sync_job *job = *link;
        if (!job->gone || !is_idle(sync, job)) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        drop_chunks_of(sync, job);
        dw_sync_free_job(job);
    }
    if (!sync->jobs)
        dw_sync_free_spare(sync);
    pthread_mutex_unlock(&sync->mutex);
}

/* Looks the table of a stale job up again, once nobody reads it. */
static enum dw_rc renew_table(struct planner *planner, struct dw_sync_job *job, struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    struct dw_arena arena;
    const struct dw_map_record *map = NULL;
    struct dw_sync_table *table = NULL;
    dw_arena_init(&arena, ARENA_BYTES);
    enum dw_rc rc = dw_state_map_load(planner->state, job->map, &arena, &map, err);
    if (rc == DW_OK && map)
        rc = dw_sync_table_load(&table, planner->conn, map, job->filter, err);
    pthread_mutex_lock(&sync->mutex);
    if (rc == DW_OK && table) {
        dw_sync_table_free(job->table);
        job->table = table;
        job->stale = false;
        (void)pthread_cond_broadcast(&sync->changed);
    } else if (rc != DW_OK && rc != DW_RETRY) {
        job->failed = true;
        job->failure = *err;
        rc = DW_OK;
    }
    pthread_mutex_unlock(&sync->mutex);
    dw_arena_done(&arena);
    return rc;
}

static enum dw_rc settle_failures(struct planner *planner, struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    enum dw_rc rc = DW_OK;
    for (struct dw_sync_job *job = sync->jobs; job && rc == DW_OK; job = job->next) {
        pthread_mutex_lock(&sync->mutex);
        bool failed = job->failed && !job->gone;
        bool stale = job->stale && !job->gone && !failed && is_idle(sync, job);
        struct dw_err failure = job->failure;
        pthread_mutex_unlock(&sync->mutex);
        if (stale)
            rc = renew_table(planner, job, err);
        if (!failed)
            continue;
        rc = fail_record(planner, job->id, &failure, err);
        if (rc == DW_OK) {
            pthread_mutex_lock(&sync->mutex);
            job->gone = true;
            pthread_mutex_unlock(&sync->mutex);
        }
    }
    return rc;
}

static bool has_trouble(const struct dw_sync_job *job)
{
    for (const struct dw_sync_span *span = job->spans; span; span = span->next)
        if (span->fails)
            return true;
    return false;
}

/* What is tried again is told, so that nobody wonders why nothing moves. */
static enum dw_rc tell_trouble(struct planner *planner, struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    enum dw_rc rc = DW_OK;
    for (struct dw_sync_job *job = sync->jobs; job && rc == DW_OK; job = job->next) {
        pthread_mutex_lock(&sync->mutex);
        bool trouble = has_trouble(job);
        struct dw_err said = job->trouble;
        bool over = job->gone || job->failed;
        pthread_mutex_unlock(&sync->mutex);
        const char *reason = trouble ? said.message : "";
        if (over || strcmp(job->told, reason) == 0)
            continue;
        rc = dw_state_sync_note(planner->state, job->id, sync->options.instance,
                                trouble ? said.id : "", reason, err);
        if (rc == DW_OK)
            (void)snprintf(job->told, sizeof job->told, "%s", reason);
    }
    return rc;
}

/* --- what Kafka has ----------------------------------------------------------------------------
 */

static enum dw_rc save_chunk(struct planner *planner, struct dw_chunk *chunk, bool *out_held,
                             struct dw_err *err)
{
    struct dw_sync_span *span = chunk->span;
    struct dw_sync_job *job = span->job;
    bool extra = span->part == DW_SYNC_PART_EXTRA;
    const struct dw_sync_progress progress = {
        .number = span->number,
        .done_to = chunk->cursor,
        .rows = extra ? 0 : chunk->rows_counted,
        .chunks = 1,
        .deleted = extra ? (int64_t)chunk->published : 0,
        .repeated = span->repeated,
        .done = chunk->last,
    };
    dw_fault("sync.before_save");
    enum dw_rc rc = dw_state_sync_save(planner->state, job->id, planner->sync->options.instance,
                                       &progress, out_held, err);
    if (rc != DW_OK)
        return rc;
    dw_metrics_add(job->rows_total, progress.rows);
    dw_metrics_add(job->chunks_total, 1);
    dw_metrics_add(job->repeated_total, progress.repeated);
    return DW_OK;
}

static bool is_first(const struct dw_sync *sync, const struct dw_chunk *chunk)
{
    const struct dw_chunk *first = sync->chunks;
    while (first->span != chunk->span)
        first = first->next;
    return first == chunk;
}

/* The next chunk that is done with, in the order of its span; NULL: none. Under the mutex. */
static struct dw_chunk *find_settled(const struct dw_sync *sync)
{
    for (struct dw_chunk *chunk = sync->chunks; chunk; chunk = chunk->next)
        if (chunk->span && !chunk->held && is_first(sync, chunk) &&
            (chunk->state == DW_CHUNK_ACKNOWLEDGED || chunk->state == DW_CHUNK_AGAIN))
            return chunk;
    return NULL;
}

static enum dw_rc settle_chunk(struct planner *planner, struct dw_chunk *chunk, struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    bool held = true;
    enum dw_rc rc = DW_OK;
    bool counts = chunk->state == DW_CHUNK_ACKNOWLEDGED && chunk->closes;
    if (counts && !chunk->span->job->gone)
        rc = save_chunk(planner, chunk, &held, err);
    if (rc != DW_OK)
        return rc;
    pthread_mutex_lock(&sync->mutex);
    struct dw_sync_span *span = chunk->span;
    if (counts) {
        dw_sync_set_text(&span->done_to, chunk->cursor);
        span->done = chunk->last;
        span->repeated = 0;
    }
    span->job->gone = span->job->gone || !held;
    dw_sync_drop_chunk(sync, chunk);
    pthread_mutex_unlock(&sync->mutex);
    return DW_OK;
}

static enum dw_rc settle_chunks(struct planner *planner, struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    enum dw_rc rc = DW_OK;
    struct dw_chunk *chunk;
    do {
        pthread_mutex_lock(&sync->mutex);
        chunk = find_settled(sync);
        pthread_mutex_unlock(&sync->mutex);
        if (chunk)
            rc = settle_chunk(planner, chunk, err);
    } while (chunk && rc == DW_OK);
    return rc;
}

/* --- marks -------------------------------------------------------------------------------------
 */

static enum dw_rc send_mark(struct planner *planner, struct dw_sync_job *job, bool end,
                            struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    pthread_mutex_lock(&sync->mutex);
    struct dw_chunk *chunk = dw_sync_add_chunk(sync, job, NULL, DW_CHUNK_MARK);
    chunk->mark = dw_str_from(end ? job->mark_end : job->mark_begin);
    uint64_t number = chunk->number;
    job->phase = end ? DW_SYNC_ENDING : DW_SYNC_BEGUN;
    pthread_mutex_unlock(&sync->mutex);
    enum dw_rc rc = dw_chunk_read_mark(planner->conn, sync->token, number, err);
    if (rc == DW_OK)
        return DW_OK;
    pthread_mutex_lock(&sync->mutex);
    dw_sync_drop_chunk(sync, chunk);
    job->phase = end ? DW_SYNC_COPYING : DW_SYNC_BEGINNING;
    pthread_mutex_unlock(&sync->mutex);
    return rc;
}

static struct dw_chunk *mark_of(const struct dw_sync *sync, const struct dw_sync_job *job)
{
    struct dw_chunk *chunk = sync->chunks;
    while (chunk && (chunk->span || chunk->map != job->map))
        chunk = chunk->next;
    return chunk;
}

static enum dw_rc finish_job(struct planner *planner, struct dw_sync_job *job, uint64_t lsn,
                             struct dw_err *err)
{
    const struct dw_sync_move move = {.to = DW_SYNC_DRAINING,
                                      .code = "",
                                      .reason = "",
                                      .epoch = planner->sync->epoch,
                                      .end_lsn = lsn};
    dw_fault("sync.before_draining");
    enum dw_rc rc =
        dw_state_sync_move(planner->state, job->id, planner->sync->options.instance, &move, err);
    if (rc != DW_OK)
        return rc;
    dw_log(DW_LOG_INFO, "sync.published", "all rows are in Kafka", DW_F_TEXT("map", job->map),
           DW_F_INT("sync", job->id));
    pthread_mutex_lock(&planner->sync->mutex);
    job->phase = DW_SYNC_OVER;
    job->gone = true;
    pthread_mutex_unlock(&planner->sync->mutex);
    return DW_OK;
}

/* A mark that has come to Kafka, or has to be sent again. */
static enum dw_rc settle_mark(struct planner *planner, struct dw_sync_job *job, struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    enum dw_rc rc = DW_OK;
    pthread_mutex_lock(&sync->mutex);
    struct dw_chunk *mark = mark_of(sync, job);
    enum dw_chunk_state state = mark ? mark->state : DW_CHUNK_EMPTY;
    uint64_t lsn = mark ? mark->lsn : 0;
    pthread_mutex_unlock(&sync->mutex);
    if (state != DW_CHUNK_ACKNOWLEDGED && state != DW_CHUNK_AGAIN)
        return DW_OK;
    bool end = job->phase == DW_SYNC_ENDING;
    if (end && state == DW_CHUNK_ACKNOWLEDGED)
        rc = finish_job(planner, job, lsn, err);
    if (rc != DW_OK)
        return rc;
    pthread_mutex_lock(&sync->mutex);
    dw_sync_drop_chunk(sync, mark);
    if (state == DW_CHUNK_AGAIN)
        job->phase = end ? DW_SYNC_COPYING : DW_SYNC_BEGINNING;
    else if (!end)
        job->phase = DW_SYNC_COPYING;
    (void)pthread_cond_broadcast(&sync->changed);
    pthread_mutex_unlock(&sync->mutex);
    return DW_OK;
}

static bool all_done(const struct dw_sync_job *job)
{
    for (const struct dw_sync_span *span = job->spans; span; span = span->next)
        if (!span->done || span->busy)
            return false;
    return true;
}

static enum dw_rc move_jobs(struct planner *planner, struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    enum dw_rc rc = DW_OK;
    for (struct dw_sync_job *job = sync->jobs; job && rc == DW_OK; job = job->next) {
        pthread_mutex_lock(&sync->mutex);
        bool idle = job->held || job->gone || job->failed || !sync->streaming;
        bool done = all_done(job);
        enum dw_sync_phase phase = job->phase;
        pthread_mutex_unlock(&sync->mutex);
        if (phase == DW_SYNC_BEGUN || phase == DW_SYNC_ENDING)
            rc = settle_mark(planner, job, err);
        else if (!idle && phase == DW_SYNC_BEGINNING)
            rc = send_mark(planner, job, false, err);
        else if (!idle && phase == DW_SYNC_COPYING && done)
            rc = send_mark(planner, job, true, err);
    }
    return rc;
}

/* --- the loop ----------------------------------------------------------------------------------
 */

static enum dw_rc go_round(struct planner *planner, struct dw_err *err)
{
    struct dw_sync *sync = planner->sync;
    int64_t now = dw_clock_mono_ms();
    pthread_mutex_lock(&sync->mutex);
    bool begun = sync->begun;
    pthread_mutex_unlock(&sync->mutex);
    enum dw_rc rc = open_links(planner, err);
    if (rc == DW_OK && (begun || (now >= planner->snapshot_at_ms)))
        rc = look_at_transactions(planner, err);
    if (rc == DW_OK)
        rc = settle_chunks(planner, err);
    if (rc == DW_OK && (dw_state_syncs_changed(planner->state) ||
                        dw_state_maps_changed(planner->state) || now >= planner->reload_at_ms))
        rc = load_records(planner, err);
    if (rc == DW_OK)
        rc = settle_failures(planner, err);
    if (rc == DW_OK)
        rc = tell_trouble(planner, err);
    if (rc == DW_OK)
        rc = move_jobs(planner, err);
    free_gone(sync);
    if (rc == DW_OK)
        planner->logged[0] = '\0';
    return rc;
}

void *dw_sync_planner_run(void *argument)
{
    struct planner planner = {.sync = argument};
    struct dw_sync *sync = planner.sync;
    pthread_mutex_lock(&sync->mutex);
    while (!sync->stopping) {
        bool streaming = sync->streaming;
        pthread_mutex_unlock(&sync->mutex);
        struct dw_err err = DW_ERR_INIT;
        if (streaming && dw_clock_mono_ms() >= planner.away_until_ms &&
            go_round(&planner, &err) != DW_OK)
            away(&planner, &err);
        pthread_mutex_lock(&sync->mutex);
        if (!sync->stopping)
            dw_sync_wait(sync, ROUND_MS);
    }
    pthread_mutex_unlock(&sync->mutex);
    struct dw_err err = DW_ERR_INIT;
    if (planner.state && settle_chunks(&planner, &err) != DW_OK)
        away(&planner, &err);
    dw_pg_disconnect(planner.conn);
    dw_state_close(planner.state);
    return NULL;
}
