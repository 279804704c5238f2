/* partition.h - one assigned partition, as its lane, the fetch thread and the status see it.
 *
 * Threads: the lane owns what stands under "lane"; feed and the atomics are for all. Counted by
 * reference: the fetch thread holds one while it is assigned, the lane one while it works on it.
 */
#ifndef DW_PIPELINE_PARTITION_H
#define DW_PIPELINE_PARTITION_H
#include "consumer/pipeline/feed.h"
#include "consumer/pipeline/partition_state.h"
#include "consumer/pipeline/registry.h"
#include "consumer/pipeline/retry.h"
#include "consumer/pipeline/waiting.h"
#include <stdatomic.h>

struct dw_kafka_look;
struct dw_lane;

struct dw_partition {
    char *topic;
    int32_t number;
    char *map;
    _Atomic int references;
    struct dw_feed feed;
    _Atomic bool revoked;    /* set by the fetch thread */
    _Atomic bool rehome;     /* set by the lane: its map's target is another system now */
    _Atomic bool woken;      /* set by others: there is news for its lane */
    _Atomic int state;       /* enum dw_partition_state, for the status */
    _Atomic bool in_trouble; /* the last attempt failed, and is made again */
    _Atomic int64_t next_offset;
    _Atomic int64_t counts[DW_OUTCOME_COUNT];
    _Atomic int64_t position_us; /* newest commit or heartbeat applied */
    _Atomic int64_t heartbeat_us;
    _Atomic int64_t high;    /* end of the log, -1 unknown */
    int64_t fetched_at_look; /* the status' own: fetched up to, when `high` was last looked at */

    /* lane */
    struct dw_partition *next;      /* in the lane's list */
    int64_t due_ms;                 /* next turn, other than by news */
    int64_t idle_due_ms;            /* … that has time until the lane looks at all */
    struct dw_registry_map *entry;  /* by the revision in force here */
    struct dw_registry_map *marked; /* the revision that the stream announced last; NULL: none, the
                                       newest one is in force */
    bool marked_unsaved;            /* it is to be kept in the target with the next commit */
    uint64_t generation;            /* of the registry, when entry was looked up */
    struct dw_progress progress;
    struct dw_progress base;     /* as the target has it: the fence; differs after a jump */
    bool has_progress;           /* claimed at least once */
    struct dw_kafka_look *ahead; /* what the brokers said at ahead_ms, for one claim; owned */
    int64_t ahead_ms;
    char incarnation[40];
    bool holds;          /* the topic may hold dead letters: what is applied is noted with them */
    int64_t holds_at_ms; /* … when that is looked at again */
    bool has_uncertain;  /* a commit of unknown fate: progress would be this one */
    struct dw_progress uncertain;
    struct dw_waiting_set waiting;
    size_t waiting_bytes_max;
    uint64_t waiting_round;     /* of the timer */
    uint64_t waiting_ticks;     /* of all tables, when the due ones were last looked for */
    int64_t waiting_at_ms;      /* next round */
    bool waiting_now;           /* a round has begun: its keys are due */
    int64_t waiting_not_before; /* attempts cost time: a pause after each */
    struct dw_retry waiting_retry;
    struct dw_feed_chunk *chunk; /* taken from the feed, records before `at` are done */
    size_t at;
    bool probe; /* the next record is the one before next_offset: compare (trap 11) */
    struct dw_retry retry;
    int64_t wake_at_ms;
    int64_t verify_at_ms;    /* when nothing came until then: does the target still stand there? */
    int64_t first_failed_us; /* of the batch in hand; 0 none */
    bool turning; /* at the mark of a generation, or not known to be behind it: only what waits from
                     before it is applied */
    int64_t turn_at_ms; /* next look whether it may go on */
    struct dw_version barrier;
    int64_t barrier_refused_ms; /* since when the target refuses the truncate; 0 it does not */
    bool has_released;
    struct dw_version released;
};

/* Records fetched ahead draw on `pool` (borrowed); `waiting_bytes`: for rows that wait. */
struct dw_partition *dw_partition_new(const char *topic, int32_t number, const char *map,
                                      struct dw_feed_pool *pool, size_t waiting_bytes,
                                      int64_t retry_max_ms);
void dw_partition_release(struct dw_partition *partition);

/* At least half of the room for waiting rows is taken. */
bool dw_partition_crowded(const struct dw_partition *partition, int64_t rows_max);
/* Rows that may still wait: as many as the setting has it, within this partition's share of the
 * memory. */
size_t dw_partition_room(const struct dw_partition *partition, int64_t rows_max);

/* Moves the state machine; logs at debug. */
void dw_partition_move(struct dw_partition *partition, enum dw_partition_event event);
static inline enum dw_partition_state dw_partition_in(const struct dw_partition *partition)
{
    return (enum dw_partition_state)atomic_load_explicit(&partition->state, memory_order_relaxed);
}

/* The next record to do, NULL when none is there. Taken ones are given back by advance. */
const struct dw_feed_record *dw_partition_peek(struct dw_partition *partition, size_t take_bytes);
/* A cursor over the records in hand that does not consume them: 0 is the next to do. */
struct dw_partition_cursor {
    struct dw_feed_chunk *chunk;
    size_t at;
};
struct dw_partition_cursor dw_partition_cursor(const struct dw_partition *partition);
const struct dw_feed_record *dw_partition_cursor_next(struct dw_partition *partition,
                                                      struct dw_partition_cursor *cursor,
                                                      size_t take_bytes);
/* Drops the records before `offset`. True when the fetch thread should be woken. */
bool dw_partition_advance(struct dw_partition *partition, int64_t offset);
/* Drops all records in hand and what is queued, and stops fetching. */
void dw_partition_drop_records(struct dw_partition *partition);
/* It has come to the mark of a generation. */
void dw_partition_turn(struct dw_partition *partition);
/* Shows progress to the other threads. */
void dw_partition_publish(struct dw_partition *partition);

#endif
