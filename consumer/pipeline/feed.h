/* feed.h - the bounded queue between the fetch thread and the lane that owns a partition.
 *
 * Records are copied into chunks, in order of offset, so that no buffer of the Kafka client is
 * held. The lane says from where to fetch (start), that it wants nothing (stop), and what may be
 * committed; the fetch thread reads these orders and appends. A start empties the queue and begins
 * a new generation: what was fetched for an older one is refused, so no stale record gets through
 * a rewind.
 *
 * All feeds of a process draw on one pool of bytes: a partition may queue twice what is left of it,
 * so that the few that have something share it evenly, whatever the number of those that have not.
 *
 *   lane:  start(offset) ─► take … take ─► commit(offset)        stop
 *   fetch: order() ─► append … append(full) ─► pauses ─► order(): room again ─► resumes
 *
 * Threads: any; each call locks. A chunk taken belongs to the lane until dw_feed_release.
 */
#ifndef DW_PIPELINE_FEED_H
#define DW_PIPELINE_FEED_H
#include "common/base/str.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dw_feed_record {
    int64_t offset;
    struct dw_str key;   /* .ptr NULL: null */
    struct dw_str value; /* .ptr NULL: null (a tombstone) */
};

#define DW_FEED_CHUNK_RECORDS 256

struct dw_feed_chunk {
    struct dw_feed_chunk *next;
    size_t capacity; /* bytes */
    size_t used;
    size_t count;
    struct dw_feed_record records[DW_FEED_CHUNK_RECORDS];
    char bytes[];
};

struct dw_feed_pool {
    size_t limit; /* bytes of all feeds, about */
    _Atomic size_t used;
};

struct dw_feed {
    pthread_mutex_t lock;
    struct dw_feed_pool *pool; /* borrowed */
    struct dw_feed_chunk *head, *tail;
    size_t queued_bytes; /* not yet taken */
    size_t held_bytes;   /* taken and not yet released */
    int64_t next_offset; /* expected from the fetch thread */
    int64_t start_offset;
    int64_t commit_offset; /* -1: none */
    uint32_t generation;
    bool running;      /* between start and stop */
    bool full;         /* the fetch thread was told so */
    bool out_of_range; /* the log does not hold next_offset */
    bool commit_news;
    char incarnation[40]; /* goes with the commit */
};

struct dw_feed_order { /* what the fetch thread has to do */
    bool running;
    bool room; /* when full before: there is room again */
    uint32_t generation;
    int64_t start_offset;
    int64_t commit_offset; /* -1: nothing new */
    char incarnation[40];
};

void dw_feed_init(struct dw_feed *feed, struct dw_feed_pool *pool);
void dw_feed_done(struct dw_feed *feed);

/* --- the lane's side --- */
void dw_feed_start(struct dw_feed *feed, int64_t offset);
void dw_feed_stop(struct dw_feed *feed);
/* All chunks queued now up to about `bytes`, as a list; NULL when empty. */
struct dw_feed_chunk *dw_feed_take(struct dw_feed *feed, size_t bytes);
/* Frees one taken chunk. True when the fetch thread should be woken: there is room again. */
bool dw_feed_release(struct dw_feed *feed, struct dw_feed_chunk *chunk);
void dw_feed_commit(struct dw_feed *feed, int64_t offset, const char *incarnation);
bool dw_feed_out_of_range(struct dw_feed *feed);
bool dw_feed_empty(struct dw_feed *feed);

/* --- the fetch thread's side --- */
enum dw_feed_append { DW_FEED_TAKEN, DW_FEED_FIRST, DW_FEED_FULL, DW_FEED_STALE, DW_FEED_GAP };
/* FIRST: taken, and the queue was empty: wake the lane. FULL: taken, pause now. STALE: refused, of
 * an older generation or before what is expected. GAP: refused, `offset` lies behind what is
 * expected: fetch again from there, or append with `gap_accepted`. */
enum dw_feed_append dw_feed_append(struct dw_feed *feed, uint32_t generation,
                                   const struct dw_feed_record *record, bool gap_accepted);
void dw_feed_set_out_of_range(struct dw_feed *feed, uint32_t generation);
void dw_feed_order(struct dw_feed *feed, struct dw_feed_order *out);
int64_t dw_feed_expected(struct dw_feed *feed);

#endif
