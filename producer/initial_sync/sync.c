/* sync.c - see sync.h: the threads' beginning and end, and what they share. */
#include "producer/initial_sync/sync.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/postgres/pg.h"
#include "producer/initial_sync/sync_work.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define LOCK_TIMEOUT_MS 10000 /* then it is told, and tried again */
#define ROWS_OVER_MESSAGE                                                                          \
    2 /* text of a chunk: what a chunk may hold beside one row of this size                        \
       */

/* --- chunks ------------------------------------------------------------------------------------
 */

static bool may_be_touched(enum dw_chunk_state state)
{
    return state == DW_CHUNK_EMPTY || state == DW_CHUNK_READ;
}

static struct dw_chunk_space take_space(struct dw_sync *sync)
{
    const struct dw_settings *settings = sync->options.settings;
    struct dw_chunk_space space;
    if (sync->spare_count)
        return sync->spare[--sync->spare_count];
    dw_chunk_space_init(&space, (size_t)settings->producer.sync_chunk_bytes +
                                    (size_t)settings->kafka.message_max_bytes * ROWS_OVER_MESSAGE);
    return space;
}

/* One that a large row has grown is not kept. */
void dw_sync_release_rows(struct dw_sync *sync, struct dw_chunk *chunk)
{
    struct dw_chunk_space space;
    if (!dw_chunk_release_rows(chunk, &space))
        return;
    size_t usual = (size_t)sync->options.settings->producer.sync_chunk_bytes * 2;
    if (sync->spare_count == sync->reader_count || space.text.capacity > usual) {
        dw_chunk_space_done(&space);
        return;
    }
    dw_buf_reset(&space.text, space.text.capacity);
    sync->spare[sync->spare_count++] = space;
}

void dw_sync_free_spare(struct dw_sync *sync)
{
    while (sync->spare_count)
        dw_chunk_space_done(&sync->spare[--sync->spare_count]);
}

struct dw_chunk *dw_sync_add_chunk(struct dw_sync *sync, struct dw_sync_job *job,
                                   struct dw_sync_span *span, enum dw_chunk_content content)
{
    struct dw_chunk_space space = take_space(sync);
    struct dw_chunk *chunk = dw_chunk_new(&space);
    chunk->number = ++sync->numbers;
    chunk->content = content;
    chunk->map = job->map;
    chunk->revision = job->table ? job->table->revision : 0;
    chunk->span = span;
    struct dw_chunk **link = &sync->chunks;
    while (*link)
        link = &(*link)->next;
    *link = chunk;
    atomic_fetch_add(&sync->windows, 1);
    return chunk;
}

void dw_sync_drop_chunk(struct dw_sync *sync, struct dw_chunk *chunk)
{
    struct dw_chunk **link = &sync->chunks;
    while (*link && *link != chunk)
        link = &(*link)->next;
    if (*link)
        *link = chunk->next;
    if (may_be_touched(chunk->state))
        atomic_fetch_sub(&sync->windows, 1);
    if (sync->publishing == chunk)
        sync->publishing = NULL;
    dw_chunk_free(chunk);
}

void dw_sync_move_chunk(struct dw_sync *sync, struct dw_chunk *chunk, enum dw_chunk_state state)
{
    atomic_fetch_add(&sync->windows, may_be_touched(state) - may_be_touched(chunk->state));
    chunk->state = state;
    (void)pthread_cond_broadcast(&sync->changed);
}

/* --- spans and jobs ----------------------------------------------------------------------------
 */

void dw_sync_set_text(char **place, const char *text)
{
    char *copy = text ? dw_mem_strdup(text) : NULL;
    free(*place);
    *place = copy;
}

void dw_sync_rewind(struct dw_sync *sync, struct dw_sync_span *span)
{
    const char *cursor = span->done_to;
    bool read = span->done;
    for (struct dw_chunk *chunk = sync->chunks; chunk; chunk = chunk->next) {
        if (chunk->span != span)
            continue;
        if (chunk->state != DW_CHUNK_ACKNOWLEDGED) {
            dw_sync_move_chunk(sync, chunk, DW_CHUNK_AGAIN);
        } else if (chunk->closes) {
            cursor = chunk->cursor;
            read = chunk->last;
        }
    }
    dw_sync_set_text(&span->cursor, cursor);
    span->read = read;
    span->rewinds++;
}

void dw_sync_free_job(struct dw_sync_job *job)
{
    while (job->spans) {
        struct dw_sync_span *span = job->spans;
        job->spans = span->next;
        free(span->lower);
        free(span->upper);
        free(span->cursor);
        free(span->done_to);
        free(span);
    }
    dw_sync_table_free(job->table);
    dw_arena_done(&job->arena);
    free(job->map);
    free(job->filter);
    free(job);
}

/* --- the threads -------------------------------------------------------------------------------
 */

void dw_sync_wait(struct dw_sync *sync, int64_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&sync->changed, &sync->mutex, &until);
}

enum dw_rc dw_sync_connect(const struct dw_sync *sync, struct pg_conn **out, struct dw_err *err)
{
    char what[160];
    (void)snprintf(what, sizeof what, "system %s", sync->options.system->name);
    struct dw_pg_options options = {
        .connection = sync->options.system->connection,
        .password = sync->options.system->password,
        .application_name = "dualwrite-producer sync",
        .what = what,
        .lock_timeout_ms = LOCK_TIMEOUT_MS,
    };
    return dw_pg_connect(out, &options, err);
}

static void make_token(char token[DW_WATERMARK_TOKEN_MAX])
{
    unsigned char bytes[(DW_WATERMARK_TOKEN_MAX - 1) / 2];
    size_t made = 0;
    while (made < sizeof bytes) {
        ssize_t more = getrandom(bytes + made, sizeof bytes - made, 0);
        made += more > 0 ? (size_t)more : 0;
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(token + 2 * i, 3, "%02x", bytes[i]);
}

static void init_lock(struct dw_sync *sync)
{
    pthread_condattr_t monotonic;
    (void)pthread_mutex_init(&sync->mutex, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&sync->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

static int start_threads(struct dw_sync *sync)
{
    size_t wanted = (size_t)sync->options.settings->producer.sync_readers;
    int failed = pthread_create(&sync->planner, NULL, dw_sync_planner_run, sync);
    if (failed)
        return failed;
    for (; sync->reader_count < wanted && sync->reader_count < DW_SYNC_READERS_MAX;
         sync->reader_count++) {
        failed = pthread_create(&sync->readers[sync->reader_count], NULL, dw_sync_reader_run, sync);
        if (failed)
            break;
    }
    return sync->reader_count ? 0 : failed;
}

static void free_sync(struct dw_sync *sync)
{
    while (sync->chunks)
        dw_sync_drop_chunk(sync, sync->chunks);
    while (sync->jobs) {
        struct dw_sync_job *job = sync->jobs;
        sync->jobs = job->next;
        dw_sync_free_job(job);
    }
    dw_sync_free_spare(sync);
    dw_visibility_done(&sync->visibility);
    (void)pthread_mutex_destroy(&sync->mutex);
    (void)pthread_cond_destroy(&sync->changed);
    free(sync);
}

enum dw_rc dw_sync_open(struct dw_sync **out, const struct dw_sync_options *options,
                        struct dw_err *err)
{
    struct dw_sync *sync = DW_MEM_NEW(struct dw_sync);
    sync->tap.ops = &dw_sync_tap_ops;
    sync->options = *options;
    make_token(sync->token);
    init_lock(sync);
    dw_visibility_init(&sync->visibility);
    int failed = start_threads(sync);
    if (failed) {
        char text[128];
        dw_err_set(err, DW_FATAL, "DW-CAPTURE-050", "threads of the initial sync: %s",
                   dw_err_errno_text(failed, text, sizeof text));
        free_sync(sync);
        return DW_FATAL;
    }
    *out = sync;
    return DW_OK;
}

void dw_sync_close(struct dw_sync *sync)
{
    if (!sync)
        return;
    pthread_mutex_lock(&sync->mutex);
    sync->stopping = true;
    (void)pthread_cond_broadcast(&sync->changed);
    pthread_mutex_unlock(&sync->mutex);
    (void)pthread_join(sync->planner, NULL);
    for (size_t i = 0; i < sync->reader_count; i++)
        (void)pthread_join(sync->readers[i], NULL);
    free_sync(sync);
}

struct dw_tap *dw_sync_tap(struct dw_sync *sync)
{
    return &sync->tap;
}
