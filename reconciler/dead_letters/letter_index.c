/* letter_index.c - see letter_index.h. */
#include "reconciler/dead_letters/letter_index.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/kafka/kafka_admin.h"
#include "common/service/metrics.h"
#include "common/state/state.h"
#include "common/state/state_letters.h"
#include "reconciler/dead_letters/letter_parse.h"
#include "reconciler/dead_letters/letter_reader.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CLIENT_ID        "dualwrite-reconciler-letters"
#define KAFKA_TIMEOUT_MS 10000
#define POLL_MS          200
#define BACKOFF_MS       1000
#define PARTITIONS_MS    30000 /* how often to look for new partitions */
#define ARENA_BYTES      65536

struct dw_letter_index {
    const struct dw_settings *settings;
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t lock; /* of problem */
    char problem[DW_ERR_MESSAGE_MAX];

    /* the thread's own */
    struct dw_state *state;
    struct dw_kafka_admin *admin;
    struct dw_letter_reader *reader;
    struct dw_arena arena;
    struct dw_letter_position *positions; /* per partition, as stored */
    int32_t partition_count;
    struct dw_metric_series *indexed;
};

static const char *topic_of(const struct dw_letter_index *index)
{
    return index->settings->kafka.dead_letter_topic;
}

static void set_problem(struct dw_letter_index *index, const char *text)
{
    pthread_mutex_lock(&index->lock);
    (void)snprintf(index->problem, sizeof index->problem, "%s", text);
    pthread_mutex_unlock(&index->lock);
}

void dw_letter_index_problem(struct dw_letter_index *index, struct dw_buf *out)
{
    pthread_mutex_lock(&index->lock);
    dw_buf_append_text(out, index->problem);
    pthread_mutex_unlock(&index->lock);
}

static uint64_t hash_record(struct dw_str key, struct dw_str value)
{
    return dw_hash_bytes(value.ptr, value.len, dw_hash_bytes(key.ptr, key.len, 0));
}

/* --- finding the place --------------------------------------------------------------------------
 */

/* Does the record before the stored offset still stand there? A topic made anew holds another. */
static enum dw_rc check_tail(struct dw_letter_index *index, int32_t partition,
                             const struct dw_letter_position *stored, bool *out_same,
                             struct dw_err *err)
{
    struct dw_kafka_record record;
    enum dw_rc rc = dw_kafka_admin_read(index->admin, topic_of(index), partition, stored->next - 1,
                                        KAFKA_TIMEOUT_MS, &index->arena, &record, err);
    if (rc == DW_END || (rc == DW_OK && record.offset != stored->next - 1)) {
        *out_same = false;
        return DW_OK;
    }
    *out_same = rc == DW_OK && hash_record(record.key, record.value) == stored->tail_hash;
    return rc;
}

/* Moves a stored offset that no longer fits the log, and says so. */
static enum dw_rc move_position(struct dw_letter_index *index, int32_t partition, int64_t to,
                                const char *why, struct dw_err *err)
{
    struct dw_letter_position *stored = &index->positions[partition];
    size_t unused = 0;
    dw_log(DW_LOG_WARN, "letters.position_moved", why, DW_F_INT("partition", partition),
           DW_F_INT("from", stored->next), DW_F_INT("to", to));
    struct dw_letter_batch batch = {
        .letter_topic = topic_of(index),
        .partition = partition,
        .from = stored->next,
        .to = {.next = to},
    };
    enum dw_rc rc = dw_state_letters_index(index->state, &batch, &unused, err);
    if (!rc)
        *stored = batch.to;
    return rc;
}

static enum dw_rc find_position(struct dw_letter_index *index, int32_t partition,
                                struct dw_err *err)
{
    int64_t low = 0;
    int64_t high = 0;
    struct dw_letter_position *stored = &index->positions[partition];
    enum dw_rc rc =
        dw_state_letters_position(index->state, topic_of(index), partition, stored, err);
    if (!rc)
        rc = dw_kafka_admin_offsets(index->admin, topic_of(index), partition, KAFKA_TIMEOUT_MS,
                                    &low, &high, err);
    if (rc || stored->next < 0)
        return rc;
    if (stored->next > high)
        return move_position(index, partition, low,
                             "the dead-letter topic was made anew or lost its end", err);
    if (stored->next < low)
        return move_position(index, partition, low,
                             "retention removed dead letters that were not indexed yet", err);
    if (stored->next == low || stored->tail_hash == 0)
        return DW_OK; /* nothing to compare with */
    bool same = true;
    rc = check_tail(index, partition, stored, &same, err);
    if (!rc && !same)
        rc = move_position(index, partition, low, "the dead-letter topic was made anew", err);
    return rc;
}

static enum dw_rc assign_all(struct dw_letter_index *index, struct dw_err *err)
{
    struct dw_kafka_topic_spec spec = {
        .name = topic_of(index), .partitions = 1, .retention_ms = -1};
    int32_t count = 0;
    enum dw_rc rc = dw_kafka_admin_ensure_topic(index->admin, &spec, KAFKA_TIMEOUT_MS, &count, err);
    if (rc)
        return rc;
    index->positions = dw_mem_realloc(index->positions, (size_t)count * sizeof *index->positions);
    index->partition_count = count;
    int64_t *offsets = DW_ARENA_ARRAY(&index->arena, int64_t, (size_t)count);
    for (int32_t i = 0; i < count; i++) {
        rc = find_position(index, i, err);
        if (rc)
            return rc;
        /* Nothing stored: from the first one kept. */
        int64_t low = 0;
        int64_t high = 0;
        if (index->positions[i].next < 0)
            rc = dw_kafka_admin_offsets(index->admin, topic_of(index), i, KAFKA_TIMEOUT_MS, &low,
                                        &high, err);
        if (rc)
            return rc;
        offsets[i] = index->positions[i].next < 0 ? low : index->positions[i].next;
    }
    return dw_letter_reader_assign(index->reader, topic_of(index), offsets, count, err);
}

/* --- indexing -----------------------------------------------------------------------------------
 */

static enum dw_rc index_letters(struct dw_letter_index *index,
                                const struct dw_letter_reading *reading, size_t first, size_t count,
                                const struct dw_letter *letters, struct dw_err *err)
{
    const struct dw_letter_record *last = &reading->records[first + count - 1];
    struct dw_letter_position *stored = &index->positions[reading->partition];
    struct dw_letter_batch batch = {
        .letter_topic = topic_of(index),
        .partition = reading->partition,
        .from = stored->next,
        .to = {last->offset + 1, hash_record(last->key, last->value)},
        .letters = letters,
        .count = count,
    };
    size_t found = 0;
    dw_fault("reconciler.before_index");
    enum dw_rc rc = dw_state_letters_index(index->state, &batch, &found, err);
    dw_fault("reconciler.after_commit");
    if (rc)
        return rc;
    *stored = batch.to;
    dw_metrics_add(index->indexed, (int64_t)found);
    return DW_OK;
}

/* A batch that the database refuses goes in one by one; the letter that is to blame leaves its
 * remains. */
static enum dw_rc index_one_by_one(struct dw_letter_index *index,
                                   const struct dw_letter_reading *reading,
                                   struct dw_letter *letters, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < reading->count && !rc; i++) {
        rc = index_letters(index, reading, i, 1, &letters[i], err);
        if (rc != DW_REJECT)
            continue;
        dw_log_err(DW_LOG_WARN, "letters.refused", err);
        dw_letter_parse_remains(&reading->records[i], "the state database refuses it as it is",
                                &letters[i]);
        rc = index_letters(index, reading, i, 1, &letters[i], err);
    }
    return rc;
}

static enum dw_rc index_reading(struct dw_letter_index *index,
                                const struct dw_letter_reading *reading, struct dw_err *err)
{
    struct dw_letter *letters = DW_ARENA_ARRAY(&index->arena, struct dw_letter, reading->count);
    for (size_t i = 0; i < reading->count; i++)
        dw_letter_parse_record(&reading->records[i], &index->arena, &letters[i]);
    enum dw_rc rc = index_letters(index, reading, 0, reading->count, letters, err);
    if (rc == DW_REJECT)
        rc = index_one_by_one(index, reading, letters, err);
    return rc;
}

static enum dw_rc open_admin(struct dw_letter_index *index, struct dw_err *err)
{
    return index->admin
               ? DW_OK
               : dw_kafka_admin_open(&index->admin, &index->settings->kafka, CLIENT_ID, err);
}

/* It is asked seldom, and costs more while it waits than to be made anew. */
static void rest_admin(struct dw_letter_index *index)
{
    dw_kafka_admin_close(index->admin);
    index->admin = NULL;
}

static enum dw_rc open_all(struct dw_letter_index *index, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    if (!index->state)
        rc = dw_state_open(&index->state, &index->settings->state, CLIENT_ID, err);
    if (!rc)
        rc = open_admin(index, err);
    if (!rc && !index->reader)
        rc = dw_letter_reader_open(&index->reader, &index->settings->kafka, CLIENT_ID, err);
    if (!rc)
        rc = assign_all(index, err);
    rest_admin(index);
    return rc;
}

static enum dw_rc count_partitions(struct dw_letter_index *index, int32_t *out, struct dw_err *err)
{
    enum dw_rc rc = open_admin(index, err);
    if (!rc)
        rc = dw_kafka_admin_partitions(index->admin, topic_of(index), KAFKA_TIMEOUT_MS, out, err);
    rest_admin(index);
    return rc;
}

/* Reads and indexes until something fails, partitions were added, or a stop is asked for. */
static enum dw_rc read_on(struct dw_letter_index *index, struct dw_err *err)
{
    int64_t look_again = dw_clock_mono_ms() + PARTITIONS_MS;
    while (!atomic_load(&index->stopping)) {
        struct dw_letter_reading reading;
        dw_arena_reset(&index->arena);
        enum dw_rc rc = dw_letter_reader_next(index->reader, POLL_MS, &reading, err);
        if (rc == DW_OK)
            rc = index_reading(index, &reading, err);
        if (rc == DW_END)
            return DW_OK;
        if (rc < 0)
            return rc;
        if (dw_clock_mono_ms() < look_again)
            continue;
        int32_t count = 0;
        rc = count_partitions(index, &count, err);
        if (rc || count != index->partition_count)
            return rc;
        look_again = dw_clock_mono_ms() + PARTITIONS_MS;
    }
    return DW_OK;
}

static void back_off(struct dw_letter_index *index)
{
    int64_t until = dw_clock_mono_ms() + BACKOFF_MS;
    while (!atomic_load(&index->stopping) && dw_clock_mono_ms() < until)
        dw_clock_sleep_ms(50);
}

static void *run(void *argument)
{
    struct dw_letter_index *index = argument;
    while (!atomic_load(&index->stopping)) {
        struct dw_err err = DW_ERR_INIT;
        dw_arena_reset(&index->arena);
        enum dw_rc rc = open_all(index, &err);
        if (!rc) {
            set_problem(index, "");
            rc = read_on(index, &err);
        }
        if (!rc)
            continue;
        dw_log_err(rc == DW_RETRY ? DW_LOG_WARN : DW_LOG_ERROR, "letters.failed", &err);
        set_problem(index, err.message);
        back_off(index);
    }
    return NULL;
}

enum dw_rc dw_letter_index_start(struct dw_letter_index **out, const struct dw_settings *settings,
                                 struct dw_err *err)
{
    struct dw_letter_index *index = DW_MEM_NEW(struct dw_letter_index);
    index->settings = settings;
    index->indexed = dw_metrics_series(DW_METRIC_COUNTER, "dw_dlq_indexed_total",
                                       "Dead letters indexed by this process.", "", 1);
    pthread_mutex_init(&index->lock, NULL);
    dw_arena_init(&index->arena, ARENA_BYTES);
    set_problem(index, "starting");
    if (pthread_create(&index->thread, NULL, run, index) != 0) {
        dw_arena_done(&index->arena);
        pthread_mutex_destroy(&index->lock);
        free(index);
        return dw_err_set(err, DW_FATAL, "DW-API-003", "cannot start the dead-letter thread");
    }
    *out = index;
    return DW_OK;
}

void dw_letter_index_stop(struct dw_letter_index *index)
{
    if (!index)
        return;
    atomic_store(&index->stopping, true);
    (void)pthread_join(index->thread, NULL);
    dw_letter_reader_close(index->reader);
    dw_kafka_admin_close(index->admin);
    dw_state_close(index->state);
    free(index->positions);
    dw_arena_done(&index->arena);
    pthread_mutex_destroy(&index->lock);
    free(index);
}
