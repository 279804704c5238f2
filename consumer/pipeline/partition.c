/* partition.c - see partition.h. */
#include "consumer/pipeline/partition.h"

#include "common/base/arena.h"
#include "common/base/log.h"
#include <stdlib.h>

enum { RETRY_BASE_MS = 50, WAITING_BASE_MS = 200, WAITING_MAX_MS = 5000 };

struct dw_partition *dw_partition_new(const char *topic, int32_t number, const char *map,
                                      struct dw_feed_pool *pool, size_t waiting_bytes,
                                      int64_t retry_max_ms)
{
    struct dw_partition *partition = DW_MEM_NEW(struct dw_partition);
    partition->topic = dw_mem_strdup(topic);
    partition->number = number;
    partition->map = dw_mem_strdup(map);
    partition->references = 1;
    partition->state = DW_PARTITION_PAUSED; /* until the lane has seen that its map runs */
    partition->next_offset = -1;
    partition->high = -1;
    partition->fetched_at_look = -1;
    dw_feed_init(&partition->feed, pool);
    dw_waiting_init(&partition->waiting);
    partition->waiting_bytes_max = waiting_bytes;
    dw_retry_init(&partition->retry, RETRY_BASE_MS, retry_max_ms);
    dw_retry_init(&partition->waiting_retry, WAITING_BASE_MS, WAITING_MAX_MS);
    return partition;
}

static void free_chunks(struct dw_partition *partition)
{
    while (partition->chunk) {
        struct dw_feed_chunk *next = partition->chunk->next;
        (void)dw_feed_release(&partition->feed, partition->chunk);
        partition->chunk = next;
    }
    partition->at = 0;
}

void dw_partition_release(struct dw_partition *partition)
{
    if (atomic_fetch_sub(&partition->references, 1) != 1)
        return;
    free_chunks(partition);
    dw_waiting_done(&partition->waiting);
    dw_feed_done(&partition->feed);
    dw_registry_release(partition->entry);
    dw_registry_release(partition->marked);
    free(partition->ahead);
    free(partition->map);
    free(partition->topic);
    free(partition);
}

bool dw_partition_crowded(const struct dw_partition *partition, int64_t rows_max)
{
    return dw_waiting_is_crowded(&partition->waiting, (size_t)rows_max,
                                 partition->waiting_bytes_max);
}

size_t dw_partition_room(const struct dw_partition *partition, int64_t rows_max)
{
    return dw_waiting_room(&partition->waiting, (size_t)rows_max, partition->waiting_bytes_max);
}

void dw_partition_move(struct dw_partition *partition, enum dw_partition_event event)
{
    enum dw_partition_state from = dw_partition_in(partition);
    enum dw_partition_state to = dw_partition_state_next(from, event);
    atomic_store(&partition->state, (int)to);
    if (from != to)
        dw_log(DW_LOG_DEBUG, "partition.state", dw_partition_state_name(to),
               DW_F_TEXT("topic", partition->topic), DW_F_INT("partition", partition->number),
               DW_F_TEXT("from", dw_partition_state_name(from)),
               DW_F_TEXT("cause", dw_partition_state_event_name(event)));
}

struct dw_partition_cursor dw_partition_cursor(const struct dw_partition *partition)
{
    return (struct dw_partition_cursor){partition->chunk, partition->at};
}

const struct dw_feed_record *dw_partition_cursor_next(struct dw_partition *partition,
                                                      struct dw_partition_cursor *cursor,
                                                      size_t take_bytes)
{
    while (cursor->chunk && cursor->at == cursor->chunk->count && cursor->chunk->next)
        *cursor = (struct dw_partition_cursor){cursor->chunk->next, 0};
    if (!cursor->chunk || cursor->at == cursor->chunk->count) {
        struct dw_feed_chunk *taken = dw_feed_take(&partition->feed, take_bytes);
        if (!taken)
            return NULL;
        if (cursor->chunk)
            cursor->chunk->next = taken;
        else
            partition->chunk = taken;
        *cursor = (struct dw_partition_cursor){taken, 0};
    }
    return &cursor->chunk->records[cursor->at++];
}

const struct dw_feed_record *dw_partition_peek(struct dw_partition *partition, size_t take_bytes)
{
    struct dw_partition_cursor cursor = dw_partition_cursor(partition);
    return dw_partition_cursor_next(partition, &cursor, take_bytes);
}

bool dw_partition_advance(struct dw_partition *partition, int64_t offset)
{
    bool room = false;
    while (partition->chunk) {
        struct dw_feed_chunk *chunk = partition->chunk;
        while (partition->at < chunk->count && chunk->records[partition->at].offset < offset)
            partition->at++;
        if (partition->at < chunk->count)
            break;
        partition->chunk = chunk->next;
        partition->at = 0;
        if (dw_feed_release(&partition->feed, chunk))
            room = true;
    }
    return room;
}

void dw_partition_drop_records(struct dw_partition *partition)
{
    free_chunks(partition);
    dw_feed_stop(&partition->feed);
}

void dw_partition_turn(struct dw_partition *partition)
{
    partition->turning = true;
    partition->turn_at_ms = 0;
}

static void show(_Atomic int64_t *at, int64_t value)
{
    atomic_store_explicit(at, value, memory_order_relaxed);
}

void dw_partition_publish(struct dw_partition *partition)
{
    const struct dw_progress *progress = &partition->progress;
    show(&partition->next_offset, progress->next_offset);
    for (int i = 0; i < DW_OUTCOME_COUNT; i++)
        show(&partition->counts[i], progress->counts[i]);
    show(&partition->heartbeat_us, progress->heartbeat_us);
    show(&partition->position_us, progress->commit_us > progress->heartbeat_us
                                      ? progress->commit_us
                                      : progress->heartbeat_us);
}
