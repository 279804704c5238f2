/* sync_work.h - what the threads of an initial sync share; for the files of this folder only.
 *
 * `mutex` guards everything below it; `changed` is signalled when anything of it moved. Jobs and
 * spans are made and freed by the planner alone; a reader holds its span by `busy`, a chunk on its
 * way by its place in the list.
 */
#ifndef DW_INITIAL_SYNC_SYNC_WORK_H
#define DW_INITIAL_SYNC_SYNC_WORK_H
#include "common/service/metrics.h"
#include "common/state/state_sync.h"
#include "producer/capture_postgres/tap.h"
#include "producer/initial_sync/chunk.h"
#include "producer/initial_sync/sync.h"
#include "producer/initial_sync/watermark.h"
#include <pthread.h>
#include <stdatomic.h>

#define DW_SYNC_READERS_MAX 16

struct pg_conn;

/* A range of a sync's keys. */
struct dw_sync_span {
    struct dw_sync_span *next;
    struct dw_sync_job *job;
    int number;
    enum dw_sync_part part;
    char *lower, *upper; /* JSON; NULL: open */
    bool lower_in;
    char *cursor;     /* read to; NULL: nothing */
    char *done_to;    /* Kafka has it and it is saved */
    bool busy;        /* a reader has it */
    bool read;        /* to its end */
    bool done;        /* and saved */
    unsigned rewinds; /* what a reader began before the last one does not count */
    int64_t retry_at_ms;
    bool fails;       /* its last reading has to be tried again */
    int64_t repeated; /* chunks read again, not saved yet */
};

enum dw_sync_phase {
    DW_SYNC_BEGINNING, /* the begin mark is to be sent */
    DW_SYNC_BEGUN,     /* … is under way */
    DW_SYNC_COPYING,
    DW_SYNC_ENDING, /* the end mark is under way */
    DW_SYNC_OVER,
};

/* A sync that this process works on. */
struct dw_sync_job {
    struct dw_sync_job *next;
    int64_t id;
    char *map;
    bool initial;
    bool keep_existing;
    bool delete_extra;
    bool unclaimed;       /* rows outside of the filter go where nobody owns them */
    int64_t verify;       /* the rows are questions of this comparison; 0: they are to be written */
    _Atomic int64_t rate; /* rows per second; a person changes it while readers read */
    char *filter;         /* rows that match it alone; NULL: none */
    struct dw_str *keys;  /* these keys alone, key_count texts for each; NULL: none */
    size_t keys_count;
    struct dw_arena arena; /* of keys */
    bool held;             /* paused, its map paused or in error: no new chunks */
    bool gone;             /* no longer ours: freed when no reader has it */
    bool stale;            /* its map is another revision now: look the table up again */
    enum dw_sync_phase phase;
    struct dw_sync_table *table;
    struct dw_sync_span *spans;
    char mark_begin[80], mark_end[80];
    int64_t next_read_us; /* rate */
    bool failed;
    struct dw_err failure;
    struct dw_err trouble;         /* of the last reading that is tried again */
    char told[DW_ERR_MESSAGE_MAX]; /* what the state database has of it; "" nothing */
    struct dw_metric_series *rows_total, *chunks_total, *repeated_total;
};

struct dw_sync {
    struct dw_tap tap; /* first */
    struct dw_sync_options options;
    char token[DW_WATERMARK_TOKEN_MAX];
    pthread_t planner;
    pthread_t readers[DW_SYNC_READERS_MAX];
    size_t reader_count;
    _Atomic int windows; /* chunks that a touch may concern */

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
    bool streaming;
    bool begun; /* a stream has begun and the planner has not looked at running transactions yet */
    uint32_t epoch;
    uint64_t numbers;
    struct dw_sync_job *jobs;
    struct dw_chunk *chunks; /* in order of their numbers */
    struct dw_visibility visibility;
    struct dw_chunk *publishing;
    struct dw_chunk_space
        spare[DW_SYNC_READERS_MAX]; /* of published chunks, while there are jobs */
    size_t spare_count;
};

/* --- sync.c: under the mutex unless said otherwise --- */

static inline struct dw_sync *dw_sync_of(struct dw_tap *tap)
{
    return (struct dw_sync *)tap;
}

/* A chunk in the list, with a number of its own. */
struct dw_chunk *dw_sync_add_chunk(struct dw_sync *sync, struct dw_sync_job *job,
                                   struct dw_sync_span *span, enum dw_chunk_content content);
/* Takes it out of the list and frees it. */
void dw_sync_drop_chunk(struct dw_sync *sync, struct dw_chunk *chunk);
/* The chunk was published: its rows' space is for the next one. */
void dw_sync_release_rows(struct dw_sync *sync, struct dw_chunk *chunk);
void dw_sync_free_spare(struct dw_sync *sync);
/* Moves the chunk, keeps the count of windows, wakes the others. */
void dw_sync_move_chunk(struct dw_sync *sync, struct dw_chunk *chunk, enum dw_chunk_state state);
/* Waits until something changes or `ms` have passed. */
void dw_sync_wait(struct dw_sync *sync, int64_t ms);
/* Connects to the source. Without the mutex. */
enum dw_rc dw_sync_connect(const struct dw_sync *sync, struct pg_conn **out, struct dw_err *err);
/* What the span had on its way does not count: it is read again from what Kafka has. A reader that
 * works on it finds its chunk in AGAIN. Not while a chunk of it is published. */
void dw_sync_rewind(struct dw_sync *sync, struct dw_sync_span *span);
void dw_sync_free_job(struct dw_sync_job *job);
void dw_sync_set_text(char **place, const char *text); /* NULL: none */

/* --- sync_tap.c --- */
extern const struct dw_tap_ops dw_sync_tap_ops;

/* --- the threads --- */
void *dw_sync_reader_run(void *argument); /* the struct dw_sync */
void *dw_sync_planner_run(void *argument);

#endif
