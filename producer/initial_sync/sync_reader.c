/* sync_reader.c - a reader thread: takes a span, reads one chunk of it, waits until the stream has
 * published it, and goes on; see sync_work.h. */
#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "common/postgres/pg.h"
#include "producer/initial_sync/chunk_read.h"
#include "producer/initial_sync/sync_target.h"
#include "producer/initial_sync/sync_work.h"
#include <assert.h>
#include <stdlib.h>

#define IDLE_MS        1000
#define RETRY_FIRST_MS 200
#define RETRY_MAX_MS   10000
#define KEY_BYTES_MAX  ((size_t)64 << 20)
#define REREADS_MAX    100 /* a row that changes in every window: the range begins again */

struct reader {
    struct dw_sync *sync;
    struct pg_conn *conn;         /* to the source */
    struct dw_sync_target target; /* the other side's keys */
    int64_t retry_ms;
};

/* What a reading led to. */
enum step { STEP_DONE, STEP_AGAIN, STEP_FAILED };

/* --- choosing ----------------------------------------------------------------------------------
 */

static bool is_workable(const struct dw_sync_job *job, int64_t now_us)
{
    return job->phase == DW_SYNC_COPYING && !job->held && !job->gone && !job->failed &&
           !job->stale && job->table && (job->rate == 0 || now_us >= job->next_read_us);
}

/* Rows before extra ones, older syncs before newer ones. Under the mutex. */
static struct dw_sync_span *choose(struct dw_sync *sync)
{
    int64_t now_us = dw_clock_mono_us();
    struct dw_sync_span *second = NULL;
    if (!sync->streaming)
        return NULL;
    for (struct dw_sync_job *job = sync->jobs; job; job = job->next)
        for (struct dw_sync_span *span = is_workable(job, now_us) ? job->spans : NULL; span;
             span = span->next) {
            if (span->busy || span->read || now_us / 1000 < span->retry_at_ms)
                continue;
            if (span->part == DW_SYNC_PART_ROWS)
                return span;
            if (!second)
                second = span;
        }
    return second;
}

/* --- reading -----------------------------------------------------------------------------------
 */

static enum dw_rc have_connection(struct reader *reader, struct dw_err *err)
{
    if (reader->conn)
        return DW_OK;
    return dw_sync_connect(reader->sync, &reader->conn, err);
}

static void drop_connection(struct reader *reader)
{
    dw_pg_disconnect(reader->conn);
    reader->conn = NULL;
}

/* Waits until the stream has the chunk, or it is to be read again. Under the mutex. */
static enum step await(struct dw_sync *sync, const struct dw_chunk *chunk)
{
    while (!sync->stopping && chunk->state != DW_CHUNK_SENT &&
           chunk->state != DW_CHUNK_ACKNOWLEDGED && chunk->state != DW_CHUNK_AGAIN)
        dw_sync_wait(sync, IDLE_MS);
    while (!sync->stopping && chunk->state == DW_CHUNK_AGAIN &&
           dw_clock_mono_ms() < chunk->again_at_ms)
        dw_sync_wait(sync, chunk->again_at_ms - dw_clock_mono_ms());
    return chunk->state == DW_CHUNK_SENT || chunk->state == DW_CHUNK_ACKNOWLEDGED ? STEP_DONE
                                                                                  : STEP_AGAIN;
}

/* Reads the chunk, writes its high watermark, waits. Not under the mutex. */
static enum step read_chunk(struct reader *reader, const struct dw_chunk_read *read,
                            struct dw_chunk *chunk, struct dw_buf *last, bool *out_more,
                            struct dw_err *err)
{
    struct dw_sync *sync = reader->sync;
    enum dw_rc rc = dw_chunk_read(reader->conn, read, chunk, last, out_more, err);
    pthread_mutex_lock(&sync->mutex);
    bool again = chunk->state == DW_CHUNK_AGAIN;
    if (rc == DW_OK && !again)
        dw_sync_move_chunk(sync, chunk, DW_CHUNK_READ);
    pthread_mutex_unlock(&sync->mutex);
    if (rc == DW_OK && again)
        return STEP_AGAIN;
    if (rc == DW_OK)
        rc = dw_chunk_read_mark(reader->conn, sync->token, chunk->number, err);
    if (rc != DW_OK) {
        err->rc = rc;
        return STEP_FAILED;
    }
    dw_fault("sync.after_high");
    pthread_mutex_lock(&sync->mutex);
    enum step step = await(sync, chunk);
    pthread_mutex_unlock(&sync->mutex);
    return step;
}

/* A new chunk of the span, held by us. */
static struct dw_chunk *new_chunk(struct dw_sync *sync, struct dw_sync_span *span,
                                  enum dw_chunk_content content, unsigned *out_rewinds)
{
    pthread_mutex_lock(&sync->mutex);
    struct dw_chunk *chunk = dw_sync_add_chunk(sync, span->job, span, content);
    chunk->held = true;
    *out_rewinds = span->rewinds;
    pthread_mutex_unlock(&sync->mutex);
    return chunk;
}

static void drop(struct dw_sync *sync, struct dw_chunk *chunk)
{
    pthread_mutex_lock(&sync->mutex);
    chunk->span->repeated++;
    dw_sync_drop_chunk(sync, chunk);
    pthread_mutex_unlock(&sync->mutex);
}

static bool is_stopping(struct dw_sync *sync)
{
    pthread_mutex_lock(&sync->mutex);
    bool stopping = sync->stopping;
    pthread_mutex_unlock(&sync->mutex);
    return stopping;
}

/* --- keys that have to be read once more -------------------------------------------------------
 */

static void collect_keys(const struct dw_sync_table *table, const struct dw_chunk *chunk,
                         struct dw_arena *arena, struct dw_chunk_read *read)
{
    read->keys = DW_ARENA_ARRAY(arena, struct dw_str, chunk->reread_count * table->key_count);
    read->keys_count = chunk->reread_count;
    for (size_t i = 0; i < chunk->reread_count; i++) {
        const struct dw_chunk_row *row = &chunk->space.rows[chunk->reread[i]];
        struct dw_str texts = {chunk->space.text.data + row->key_at + row->key_len + row->after_len,
                               row->texts_len};
        bool parsed = dw_chunk_read_key(dw_arena_copy(arena, texts).ptr, table->key_count, arena,
                                        &read->keys[i * table->key_count]);
        assert(parsed);
        (void)parsed;
    }
}

/* Reads keys until no window of theirs has an incomplete change. The last chunk of all carries the
 * cursor. *chunk: in, the one that was sent; out, the last one that was. */
static enum step reread(struct reader *reader, struct dw_sync_span *span, struct dw_chunk **chunk,
                        struct dw_err *err)
{
    struct dw_sync *sync = reader->sync;
    struct dw_arena arena;
    struct dw_buf last;
    enum step step = STEP_DONE;
    bool more;
    unsigned rewinds; /* the caller's is the one that counts */
    dw_arena_init(&arena, 16384);
    dw_buf_init(&last, KEY_BYTES_MAX);
    for (int round = 0; step == STEP_DONE && (*chunk)->reread_count; round++) {
        struct dw_chunk_read read = {
            .kind = DW_CHUNK_READ_KEYS, .table = span->job->table, .token = sync->token};
        if (round == REREADS_MAX) {
            step = STEP_AGAIN;
            break;
        }
        collect_keys(read.table, *chunk, &arena, &read);
        struct dw_chunk *again = new_chunk(sync, span, DW_CHUNK_ROWS, &rewinds);
        step = read_chunk(reader, &read, again, &last, &more, err);
        if (step != STEP_DONE) {
            drop(sync, again);
            if (step == STEP_AGAIN && !is_stopping(sync))
                step = STEP_DONE; /* its snapshot was too old, or its window spoilt: once more */
            continue;
        }
        pthread_mutex_lock(&sync->mutex);
        (*chunk)->held = false;
        *chunk = again;
        pthread_mutex_unlock(&sync->mutex);
    }
    dw_buf_done(&last);
    dw_arena_done(&arena);
    return step;
}

/* --- a turn ------------------------------------------------------------------------------------
 */

static int64_t limit_of(const struct dw_sync *sync, const struct dw_sync_job *job)
{
    int64_t rows = sync->options.settings->producer.sync_chunk_rows;
    int64_t rate = job->rate; /* once: a person may change it */
    return rate && rate < rows ? rate : rows;
}

/* The span is read to here: what is sent says so once Kafka has it. Under the mutex. */
static void advance(struct dw_sync_span *span, struct dw_chunk *chunk, const char *cursor,
                    int64_t rows, bool more)
{
    struct dw_sync_job *job = span->job;
    chunk->closes = true;
    dw_sync_set_text(&chunk->cursor, cursor);
    chunk->rows_counted = rows;
    chunk->last = !more;
    dw_sync_set_text(&span->cursor, cursor);
    span->read = !more;
    int64_t now_us = dw_clock_mono_us();
    if (job->next_read_us < now_us)
        job->next_read_us = now_us;
    if (job->rate)
        job->next_read_us += rows * 1000000 / job->rate;
}

static enum step read_rows(struct reader *reader, struct dw_sync_span *span, struct dw_err *err)
{
    struct dw_sync *sync = reader->sync;
    struct dw_buf last;
    bool more = false;
    unsigned rewinds;
    dw_buf_init(&last, KEY_BYTES_MAX);
    struct dw_chunk *chunk = new_chunk(sync, span, DW_CHUNK_ROWS, &rewinds);
    const struct dw_chunk_read read = {
        .kind = span->job->keys ? DW_CHUNK_READ_KEYS : DW_CHUNK_READ_RANGE,
        .keys = span->job->keys,
        .keys_count = span->job->keys_count,
        .table = span->job->table,
        .token = sync->token,
        .lower = span->cursor ? span->cursor : span->lower,
        .lower_in = span->cursor ? false : span->lower_in,
        .upper = span->upper,
        .limit = limit_of(sync, span->job),
        .bytes = (size_t)sync->options.settings->producer.sync_chunk_bytes,
    };
    enum step step = read_chunk(reader, &read, chunk, &last, &more, err);
    int64_t rows = (int64_t)chunk->row_count;
    if (step != STEP_DONE) {
        drop(sync, chunk);
    } else {
        step = reread(reader, span, &chunk, err);
        pthread_mutex_lock(&sync->mutex);
        if (step == STEP_DONE && span->rewinds == rewinds)
            advance(span, chunk, last.len ? last.data : span->cursor, rows, more);
        chunk->held = false;
        pthread_mutex_unlock(&sync->mutex);
    }
    dw_buf_done(&last);
    return step;
}

/* Reads a chunk about a page of the target's keys; *out is held when it was sent. */
static enum step read_page(struct reader *reader, struct dw_sync_span *span,
                           const struct dw_chunk_read *read, struct dw_chunk **out,
                           struct dw_err *err)
{
    struct dw_sync *sync = reader->sync;
    struct dw_buf unused;
    bool unused_more;
    unsigned rewinds; /* read_extra's are those from before the page */
    bool absent = read->kind == DW_CHUNK_READ_ABSENT;
    dw_buf_init(&unused, KEY_BYTES_MAX);
    *out = new_chunk(sync, span, absent ? DW_CHUNK_ABSENT : DW_CHUNK_ROWS, &rewinds);
    enum step step = read_chunk(reader, read, *out, &unused, &unused_more, err);
    if (step != STEP_DONE) {
        pthread_mutex_lock(&sync->mutex);
        (*out)->held = false;
        dw_sync_drop_chunk(sync, *out);
        pthread_mutex_unlock(&sync->mutex);
    }
    dw_buf_done(&unused);
    return step;
}

/* Whether rows that the filter leaves out are told: where leaving does nothing, only to an event
 * that waits for the row of a given key. */
static bool tells_outside(const struct dw_sync_job *job)
{
    return job->table->filter.sql.ptr &&
           (job->table->definition->on_filter_exit != DW_ON_FILTER_EXIT_KEEP ||
            (job->keys && !job->verify));
}

/* Rows of the page that the source has, but outside of the filter: read as rows are, so that the
 * consumer does with them what on_filter_exit says. */
static enum step read_outside(struct reader *reader, struct dw_sync_span *span,
                              const struct dw_chunk_read *page, struct dw_err *err)
{
    struct dw_chunk_read read = *page;
    struct dw_chunk *chunk;
    if (!tells_outside(span->job))
        return STEP_DONE;
    read.kind = DW_CHUNK_READ_OUTSIDE;
    enum step step = read_page(reader, span, &read, &chunk, err);
    if (step != STEP_DONE)
        return step;
    pthread_mutex_lock(&reader->sync->mutex);
    chunk->held = false;
    pthread_mutex_unlock(&reader->sync->mutex);
    return STEP_DONE;
}

static enum step read_extra(struct reader *reader, struct dw_sync_span *span, struct dw_err *err)
{
    struct dw_sync *sync = reader->sync;
    struct dw_arena arena;
    struct dw_chunk *chunk;
    dw_arena_init(&arena, 16384);
    pthread_mutex_lock(&sync->mutex);
    unsigned rewinds = span->rewinds;
    pthread_mutex_unlock(&sync->mutex);
    struct dw_sync_target_keys page = {.arena = &arena, .limit = limit_of(sync, span->job)};
    dw_buf_init(&page.last, KEY_BYTES_MAX);
    enum step step = STEP_FAILED;
    err->rc = dw_sync_target_read(&reader->target, span, &page, err);
    const struct dw_chunk_read read = {.kind = DW_CHUNK_READ_ABSENT,
                                       .table = span->job->table,
                                       .token = sync->token,
                                       .lower = span->lower,
                                       .lower_in = span->lower_in,
                                       .upper = span->upper,
                                       .keys = page.keys,
                                       .keys_count = page.count};
    if (err->rc == DW_OK)
        step = read_outside(reader, span, &read, err);
    if (step == STEP_DONE)
        step = read_page(reader, span, &read, &chunk, err);
    if (step == STEP_DONE) {
        pthread_mutex_lock(&sync->mutex);
        chunk->held = false;
        if (span->rewinds == rewinds)
            advance(span, chunk, page.last.len ? page.last.data : span->cursor, (int64_t)page.count,
                    page.more);
        pthread_mutex_unlock(&sync->mutex);
    }
    dw_buf_done(&page.last);
    dw_arena_done(&arena);
    return step;
}

static void fail(struct reader *reader, struct dw_sync_span *span, const struct dw_err *err)
{
    struct dw_sync *sync = reader->sync;
    if (err->rc == DW_RETRY) {
        reader->retry_ms = reader->retry_ms ? reader->retry_ms * 2 : RETRY_FIRST_MS;
        if (reader->retry_ms > RETRY_MAX_MS)
            reader->retry_ms = RETRY_MAX_MS;
        dw_log_err(DW_LOG_WARN, "sync.retry", err);
    } else {
        dw_log_err(DW_LOG_ERROR, "sync.failed", err);
    }
    drop_connection(reader);
    dw_sync_target_drop(&reader->target);
    pthread_mutex_lock(&sync->mutex);
    span->retry_at_ms = dw_clock_mono_ms() + reader->retry_ms;
    span->fails = true;
    span->job->trouble = *err;
    if (err->rc != DW_RETRY && !span->job->failed) {
        span->job->failed = true;
        span->job->failure = *err;
    }
    pthread_mutex_unlock(&sync->mutex);
}

static void work_on(struct reader *reader, struct dw_sync_span *span)
{
    struct dw_err err = DW_ERR_INIT;
    enum step step = STEP_FAILED;
    enum dw_rc rc = have_connection(reader, &err);
    err.rc = rc;
    if (rc == DW_OK)
        step = span->part == DW_SYNC_PART_EXTRA ? read_extra(reader, span, &err)
                                                : read_rows(reader, span, &err);
    if (step == STEP_FAILED)
        fail(reader, span, &err);
    else if (step == STEP_DONE)
        reader->retry_ms = 0;
    pthread_mutex_lock(&reader->sync->mutex);
    span->fails = span->fails && step != STEP_DONE;
    span->busy = false;
    (void)pthread_cond_broadcast(&reader->sync->changed);
    pthread_mutex_unlock(&reader->sync->mutex);
}

void *dw_sync_reader_run(void *argument)
{
    struct reader reader = {.sync = argument};
    struct dw_sync *sync = reader.sync;
    dw_sync_target_init(&reader.target, sync->options.settings);
    pthread_mutex_lock(&sync->mutex);
    while (!sync->stopping) {
        struct dw_sync_span *span = choose(sync);
        if (!span) {
            dw_sync_wait(sync, IDLE_MS / 5);
            continue;
        }
        span->busy = true;
        pthread_mutex_unlock(&sync->mutex);
        work_on(&reader, span);
        pthread_mutex_lock(&sync->mutex);
    }
    pthread_mutex_unlock(&sync->mutex);
    drop_connection(&reader);
    dw_sync_target_drop(&reader.target);
    return NULL;
}
