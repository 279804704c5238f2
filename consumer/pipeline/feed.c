/* feed.c - see feed.h. */
#include "consumer/pipeline/feed.h"

#include "common/base/arena.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    CHUNK_FIRST_BYTES = 8 * 1024,
    CHUNK_BYTES = 128 * 1024,
    CHUNK_GROWTH = 4,
    LEAST_BYTES = 32 * 1024, /* that a partition may queue when nothing is left */
};

void dw_feed_init(struct dw_feed *feed, struct dw_feed_pool *pool)
{
    *feed = (struct dw_feed){.pool = pool, .commit_offset = -1};
    (void)pthread_mutex_init(&feed->lock, NULL);
}

static size_t own_bytes(const struct dw_feed *feed)
{
    return feed->queued_bytes + feed->held_bytes;
}

static size_t left_in(struct dw_feed_pool *pool)
{
    size_t used = atomic_load_explicit(&pool->used, memory_order_relaxed);
    return used < pool->limit ? pool->limit - used : 0;
}

static bool is_full(const struct dw_feed *feed)
{
    size_t own = own_bytes(feed);
    return own >= LEAST_BYTES && own / 2 >= left_in(feed->pool);
}

static bool has_room(const struct dw_feed *feed)
{
    size_t own = own_bytes(feed);
    return own <= LEAST_BYTES / 2 || own <= left_in(feed->pool);
}

static void give_back(struct dw_feed *feed, const struct dw_feed_chunk *chunk)
{
    (void)atomic_fetch_sub_explicit(&feed->pool->used, chunk->capacity, memory_order_relaxed);
}

static void free_chunks(struct dw_feed *feed)
{
    while (feed->head) {
        struct dw_feed_chunk *next = feed->head->next;
        give_back(feed, feed->head);
        free(feed->head);
        feed->head = next;
    }
    feed->tail = NULL;
    feed->queued_bytes = 0;
}

void dw_feed_done(struct dw_feed *feed)
{
    free_chunks(feed);
    (void)pthread_mutex_destroy(&feed->lock);
}

void dw_feed_start(struct dw_feed *feed, int64_t offset)
{
    pthread_mutex_lock(&feed->lock);
    free_chunks(feed);
    feed->generation++;
    feed->start_offset = offset;
    feed->next_offset = offset;
    feed->running = true;
    feed->full = false;
    feed->out_of_range = false;
    pthread_mutex_unlock(&feed->lock);
}

void dw_feed_stop(struct dw_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    free_chunks(feed);
    feed->running = false;
    feed->full = false;
    feed->out_of_range = false;
    pthread_mutex_unlock(&feed->lock);
}

struct dw_feed_chunk *dw_feed_take(struct dw_feed *feed, size_t bytes)
{
    pthread_mutex_lock(&feed->lock);
    struct dw_feed_chunk *first = feed->head;
    size_t taken = 0;
    struct dw_feed_chunk *last = NULL;
    for (struct dw_feed_chunk *at = first; at && (!last || taken + at->used <= bytes);
         at = at->next) {
        taken += at->used;
        feed->held_bytes += at->capacity;
        feed->queued_bytes -= at->capacity;
        last = at;
    }
    if (last) {
        feed->head = last->next;
        if (!feed->head)
            feed->tail = NULL;
        last->next = NULL;
    }
    pthread_mutex_unlock(&feed->lock);
    return first;
}

bool dw_feed_release(struct dw_feed *feed, struct dw_feed_chunk *chunk)
{
    pthread_mutex_lock(&feed->lock);
    feed->held_bytes -= chunk->capacity;
    give_back(feed, chunk);
    bool room = feed->full && has_room(feed);
    pthread_mutex_unlock(&feed->lock);
    free(chunk);
    return room;
}

void dw_feed_commit(struct dw_feed *feed, int64_t offset, const char *incarnation)
{
    pthread_mutex_lock(&feed->lock);
    feed->commit_offset = offset;
    feed->commit_news = true;
    (void)snprintf(feed->incarnation, sizeof feed->incarnation, "%s", incarnation);
    pthread_mutex_unlock(&feed->lock);
}

bool dw_feed_out_of_range(struct dw_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool lost = feed->out_of_range;
    pthread_mutex_unlock(&feed->lock);
    return lost;
}

bool dw_feed_empty(struct dw_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool empty = !feed->head;
    pthread_mutex_unlock(&feed->lock);
    return empty;
}

/* The chunk that takes `bytes` more. The first of an empty queue is small: at a low rate a chunk
 * holds a record or two; under load they grow. */
static struct dw_feed_chunk *chunk_for(struct dw_feed *feed, size_t bytes)
{
    struct dw_feed_chunk *tail = feed->tail;
    if (tail && tail->count < DW_FEED_CHUNK_RECORDS && tail->capacity - tail->used >= bytes)
        return tail;
    size_t capacity = tail ? tail->capacity * CHUNK_GROWTH : CHUNK_FIRST_BYTES;
    if (capacity > CHUNK_BYTES)
        capacity = CHUNK_BYTES;
    if (capacity < bytes)
        capacity = bytes;
    struct dw_feed_chunk *chunk = malloc(sizeof *chunk + capacity);
    if (!chunk)
        chunk = dw_mem_calloc(1, sizeof *chunk + capacity); /* ends the process with a message */
    chunk->next = NULL;
    chunk->capacity = capacity;
    chunk->used = 0;
    chunk->count = 0;
    if (tail)
        tail->next = chunk;
    else
        feed->head = chunk;
    feed->tail = chunk;
    feed->queued_bytes += capacity;
    (void)atomic_fetch_add_explicit(&feed->pool->used, capacity, memory_order_relaxed);
    return chunk;
}

static struct dw_str copy_into(struct dw_feed_chunk *chunk, struct dw_str text)
{
    if (!text.ptr)
        return (struct dw_str){NULL, 0};
    char *at = chunk->bytes + chunk->used;
    if (text.len)
        memcpy(at, text.ptr, text.len);
    chunk->used += text.len;
    return (struct dw_str){at, text.len};
}

static enum dw_feed_append append_locked(struct dw_feed *feed, uint32_t generation,
                                         const struct dw_feed_record *record, bool gap_accepted)
{
    if (!feed->running || generation != feed->generation || record->offset < feed->next_offset)
        return DW_FEED_STALE;
    if (record->offset > feed->next_offset && !gap_accepted)
        return DW_FEED_GAP;
    bool first = !feed->head;
    struct dw_feed_chunk *chunk = chunk_for(feed, record->key.len + record->value.len);
    struct dw_feed_record *copy = &chunk->records[chunk->count];
    copy->offset = record->offset;
    copy->key = copy_into(chunk, record->key);
    copy->value = copy_into(chunk, record->value);
    chunk->count++;
    feed->next_offset = record->offset + 1;
    if (is_full(feed)) {
        feed->full = true;
        return DW_FEED_FULL;
    }
    return first ? DW_FEED_FIRST : DW_FEED_TAKEN;
}

enum dw_feed_append dw_feed_append(struct dw_feed *feed, uint32_t generation,
                                   const struct dw_feed_record *record, bool gap_accepted)
{
    pthread_mutex_lock(&feed->lock);
    enum dw_feed_append result = append_locked(feed, generation, record, gap_accepted);
    pthread_mutex_unlock(&feed->lock);
    return result;
}

void dw_feed_set_out_of_range(struct dw_feed *feed, uint32_t generation)
{
    pthread_mutex_lock(&feed->lock);
    if (feed->running && generation == feed->generation)
        feed->out_of_range = true;
    pthread_mutex_unlock(&feed->lock);
}

void dw_feed_order(struct dw_feed *feed, struct dw_feed_order *out)
{
    pthread_mutex_lock(&feed->lock);
    if (feed->full && has_room(feed))
        feed->full = false;
    *out = (struct dw_feed_order){
        .running = feed->running,
        .room = !feed->full,
        .generation = feed->generation,
        .start_offset = feed->start_offset,
        .commit_offset = feed->commit_news ? feed->commit_offset : -1,
    };
    memcpy(out->incarnation, feed->incarnation, sizeof out->incarnation);
    feed->commit_news = false;
    pthread_mutex_unlock(&feed->lock);
}

int64_t dw_feed_expected(struct dw_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    int64_t offset = feed->next_offset;
    pthread_mutex_unlock(&feed->lock);
    return offset;
}
