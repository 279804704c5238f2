/* sync_tap.c - the stream thread's side of the initial sync; see tap.h, sync_work.h. */
#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "producer/initial_sync/sync_work.h"

#define UNSEEN_MS 200 /* between two looks at a transaction that is not visible yet */

/* --- beginning and end of a stream -------------------------------------------------------------
 */

static void begin(struct dw_tap *tap, uint32_t epoch)
{
    struct dw_sync *sync = dw_sync_of(tap);
    pthread_mutex_lock(&sync->mutex);
    sync->epoch = epoch;
    sync->streaming = true;
    sync->begun = true;
    (void)pthread_cond_broadcast(&sync->changed);
    pthread_mutex_unlock(&sync->mutex);
}

/* What has been sent stays on its way unless the producer is lost too. */
static void end(struct dw_tap *tap, bool producer_lost)
{
    struct dw_sync *sync = dw_sync_of(tap);
    pthread_mutex_lock(&sync->mutex);
    sync->streaming = false;
    sync->publishing = NULL;
    for (struct dw_chunk *chunk = sync->chunks; chunk; chunk = chunk->next) {
        bool sent = chunk->state == DW_CHUNK_SENT && !producer_lost;
        if (!sent && chunk->state != DW_CHUNK_ACKNOWLEDGED)
            dw_sync_move_chunk(sync, chunk, DW_CHUNK_AGAIN);
    }
    for (struct dw_sync_job *job = sync->jobs; producer_lost && job; job = job->next)
        for (struct dw_sync_span *span = job->spans; span; span = span->next)
            dw_sync_rewind(sync, span);
    (void)pthread_cond_broadcast(&sync->changed);
    pthread_mutex_unlock(&sync->mutex);
}

static void streamed(struct dw_tap *tap, uint32_t xid)
{
    struct dw_sync *sync = dw_sync_of(tap);
    pthread_mutex_lock(&sync->mutex);
    dw_visibility_add(&sync->visibility, xid);
    pthread_mutex_unlock(&sync->mutex);
}

/* --- windows -----------------------------------------------------------------------------------
 */

static bool is_open(const struct dw_chunk *chunk, const char *map)
{
    return chunk->open && (chunk->state == DW_CHUNK_EMPTY || chunk->state == DW_CHUNK_READ) &&
           chunk->content != DW_CHUNK_MARK && strcmp(chunk->map, map) == 0;
}

static bool watches(struct dw_tap *tap, const char *map)
{
    struct dw_sync *sync = dw_sync_of(tap);
    bool found = false;
    if (!atomic_load_explicit(&sync->windows, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&sync->mutex);
    for (const struct dw_chunk *chunk = sync->chunks; chunk && !found; chunk = chunk->next)
        found = is_open(chunk, map);
    pthread_mutex_unlock(&sync->mutex);
    return found;
}

static void touch(struct dw_tap *tap, const struct dw_tap_touch *touched)
{
    struct dw_sync *sync = dw_sync_of(tap);
    pthread_mutex_lock(&sync->mutex);
    for (struct dw_chunk *chunk = sync->chunks; chunk; chunk = chunk->next)
        if (is_open(chunk, touched->map))
            dw_window_touch(&chunk->window, touched->key, touched->complete);
    pthread_mutex_unlock(&sync->mutex);
}

static void truncate_map(struct dw_tap *tap, const char *map)
{
    struct dw_sync *sync = dw_sync_of(tap);
    pthread_mutex_lock(&sync->mutex);
    for (struct dw_chunk *chunk = sync->chunks; chunk; chunk = chunk->next)
        if (is_open(chunk, map))
            dw_window_clear(&chunk->window);
    pthread_mutex_unlock(&sync->mutex);
}

/* --- watermarks --------------------------------------------------------------------------------
 */

static struct dw_chunk *find(struct dw_sync *sync, uint64_t number)
{
    struct dw_chunk *chunk = sync->chunks;
    while (chunk && chunk->number != number)
        chunk = chunk->next;
    return chunk;
}

static void read_again(struct dw_sync *sync, struct dw_chunk *chunk, int64_t wait_ms)
{
    chunk->again_at_ms = dw_clock_mono_ms() + wait_ms;
    dw_sync_move_chunk(sync, chunk, DW_CHUNK_AGAIN);
}

/* May the chunk's rows take their place here? */
static bool is_sound(struct dw_sync *sync, struct dw_chunk *chunk)
{
    uint32_t xid = 0;
    if (chunk->state != DW_CHUNK_READ || !chunk->open || chunk->window.spoilt) {
        read_again(sync, chunk, 0);
        return false;
    }
    if (!dw_visibility_covers(&sync->visibility, &chunk->snapshot, chunk->order, &xid)) {
        dw_log(DW_LOG_INFO, "sync.unseen",
               "a chunk is read again: its snapshot is older than the stream",
               DW_F_TEXT("map", chunk->map), DW_F_INT("xid", xid));
        read_again(sync, chunk, UNSEEN_MS);
        return false;
    }
    dw_visibility_prune(&sync->visibility, &chunk->snapshot);
    return true;
}

static struct dw_tap_answer close_window(struct dw_sync *sync, struct dw_chunk *chunk, uint64_t lsn)
{
    chunk->lsn = lsn;
    if (chunk->content != DW_CHUNK_MARK && !is_sound(sync, chunk))
        return (struct dw_tap_answer){.kind = DW_TAP_NOTHING};
    dw_sync_move_chunk(sync, chunk, DW_CHUNK_PUBLISHING);
    sync->publishing = chunk;
    return (struct dw_tap_answer){
        .kind = chunk->content == DW_CHUNK_MARK ? DW_TAP_MARK : DW_TAP_ROWS,
        .map = chunk->map,
        .revision = chunk->revision,
        .mark = chunk->mark,
    };
}

static struct dw_tap_answer message(struct dw_tap *tap, struct dw_str content, uint64_t commit_lsn)
{
    struct dw_sync *sync = dw_sync_of(tap);
    struct dw_tap_answer answer = {.kind = DW_TAP_NOTHING};
    struct dw_watermark mark;
    if (!dw_watermark_parse(content, sync->token, &mark))
        return answer;
    pthread_mutex_lock(&sync->mutex);
    struct dw_chunk *chunk = find(sync, mark.chunk);
    if (chunk && mark.high) {
        answer = close_window(sync, chunk, commit_lsn);
    } else if (chunk) {
        chunk->open = true;
        chunk->order = sync->visibility.order;
    }
    pthread_mutex_unlock(&sync->mutex);
    return answer;
}

/* --- publishing --------------------------------------------------------------------------------
 */

static void want_reread(struct dw_chunk *chunk, size_t row)
{
    if (!chunk->reread)
        chunk->reread = dw_mem_calloc(chunk->row_count, sizeof *chunk->reread);
    chunk->reread[chunk->reread_count++] = row;
}

/* The chunk is the stream thread's while it is published: no lock is needed. */
static bool next(struct dw_tap *tap, struct dw_tap_row *out)
{
    struct dw_chunk *chunk = dw_sync_of(tap)->publishing;
    while (chunk->next_row < chunk->row_count) {
        const struct dw_chunk_row *row = &chunk->space.rows[chunk->next_row++];
        struct dw_str key = dw_chunk_key(chunk, row);
        enum dw_window_verdict verdict = dw_window_judge(&chunk->window, key);
        if (verdict == DW_WINDOW_AGAIN && chunk->content == DW_CHUNK_ROWS)
            want_reread(chunk, chunk->next_row - 1);
        if (verdict != DW_WINDOW_KEEP)
            continue;
        chunk->published++;
        *out = (struct dw_tap_row){
            .key = key,
            .after = {row->after_len ? key.ptr + key.len : NULL, row->after_len},
            .route = row->route,
            .keep = chunk->span->job->keep_existing,
            .verify = chunk->span->job->verify,
            .unclaimed = chunk->span->job->unclaimed,
            .too_large = row->too_large,
        };
        return true;
    }
    return false;
}

static void published(struct dw_tap *tap, uint64_t sequence)
{
    struct dw_sync *sync = dw_sync_of(tap);
    dw_fault("sync.published");
    pthread_mutex_lock(&sync->mutex);
    struct dw_chunk *chunk = sync->publishing;
    sync->publishing = NULL;
    chunk->sequence = sequence;
    dw_sync_release_rows(sync, chunk);
    bool empty = chunk->content != DW_CHUNK_MARK && chunk->published == 0;
    dw_sync_move_chunk(sync, chunk, empty ? DW_CHUNK_ACKNOWLEDGED : DW_CHUNK_SENT);
    pthread_mutex_unlock(&sync->mutex);
}

static void refused(struct dw_tap *tap)
{
    struct dw_sync *sync = dw_sync_of(tap);
    pthread_mutex_lock(&sync->mutex);
    struct dw_chunk *chunk = sync->publishing;
    sync->publishing = NULL;
    if (chunk->span)
        chunk->span->job->stale = true;
    read_again(sync, chunk, UNSEEN_MS);
    pthread_mutex_unlock(&sync->mutex);
}

static void acknowledged(struct dw_tap *tap, uint64_t before)
{
    struct dw_sync *sync = dw_sync_of(tap);
    pthread_mutex_lock(&sync->mutex);
    for (struct dw_chunk *chunk = sync->chunks; chunk; chunk = chunk->next)
        if (chunk->state == DW_CHUNK_SENT && chunk->sequence < before)
            dw_sync_move_chunk(sync, chunk, DW_CHUNK_ACKNOWLEDGED);
    pthread_mutex_unlock(&sync->mutex);
}

const struct dw_tap_ops dw_sync_tap_ops = {
    .begin = begin,
    .end = end,
    .streamed = streamed,
    .watches = watches,
    .touch = touch,
    .truncate = truncate_map,
    .message = message,
    .next = next,
    .published = published,
    .refused = refused,
    .acknowledged = acknowledged,
};
