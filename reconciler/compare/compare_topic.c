/* compare_topic.c - see compare_topic.h. */
#include "reconciler/compare/compare_topic.h"

#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/base/table.h"
#include "common/kafka/kafka_admin.h"
#include "common/model/event.h"
#include "reconciler/dead_letters/letter_reader.h"
#include <stdlib.h>

#define CLIENT_ID  "dualwrite-compare"
#define TIMEOUT_MS 10000
#define WAIT_MS    200
#define KEY_MAX    ((size_t)1 << 20)

struct dw_compare_topic {
    struct dw_letter_reader *reader;
    const struct dw_table_map *map;
    const struct dw_transform *transform;
    int32_t partitions;
    int64_t *next, *end;
    int64_t records;
    bool cut;
};

/* --- texts ---------------------------------------------------------------------------------------
 */

static const char *list_of(const struct dw_str *texts, size_t count, struct dw_arena *arena)
{
    struct dw_buf out;
    dw_buf_init(&out, KEY_MAX);
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_char(&out, i ? ',' : '[');
        dw_json_write_string(&out, texts[i]);
    }
    dw_buf_append_char(&out, ']');
    const char *list = dw_buf_ok(&out) ? dw_arena_copy(arena, dw_buf_str(&out)).ptr : NULL;
    dw_buf_done(&out);
    return list;
}

const char *dw_compare_topic_key(struct dw_str value, const struct dw_transform *transform,
                                 size_t key_count, struct dw_arena *arena)
{
    struct dw_str texts[DW_TABLE_MAP_KEY_MAX];
    struct dw_err unreadable = DW_ERR_INIT; /* it is a dead letter, and tells there what it is */
    struct dw_event event;
    if (!value.ptr || dw_event_decode(value, arena, &event, &unreadable) != DW_OK)
        return NULL;
    if (event.op == DW_EVENT_MESSAGE || event.op == DW_EVENT_TRUNCATE || event.verify > 0)
        return NULL;
    const struct dw_event_row *row = event.after.fields ? &event.after : &event.before;
    if (dw_transform_source_key(transform, row, arena, texts, &unreadable) != DW_OK)
        return NULL;
    return list_of(texts, key_count, arena);
}

bool dw_compare_topic_parse_cursor(const char *cursor, int64_t *offsets, int32_t count)
{
    const char *at = cursor;
    for (int32_t i = 0; i < count; i++) {
        char *end = NULL;
        while (*at == ' ')
            at++;
        if (*at++ != (i ? ',' : '['))
            return false;
        offsets[i] = strtoll(at, &end, 10);
        if (end == at || offsets[i] < 0)
            return false;
        at = end;
    }
    return *at == ']';
}

static const char *format_cursor(const struct dw_compare_topic *topic, struct dw_arena *arena)
{
    struct dw_buf out;
    dw_buf_init(&out, KEY_MAX);
    for (int32_t i = 0; i < topic->partitions; i++)
        dw_buf_printf(&out, "%c%lld", i ? ',' : '[', (long long)topic->next[i]);
    dw_buf_append_char(&out, ']');
    const char *cursor = dw_arena_copy(arena, dw_buf_str(&out)).ptr;
    dw_buf_done(&out);
    return cursor;
}

/* --- the beginning -------------------------------------------------------------------------------
 */

static enum dw_rc find_range(struct dw_compare_topic *topic, struct dw_kafka_admin *admin,
                             const struct dw_compare_topic_order *order, int32_t partition,
                             struct dw_err *err)
{
    int64_t low = 0;
    int64_t *next = &topic->next[partition];
    int64_t *end = &topic->end[partition];
    enum dw_rc rc =
        dw_kafka_admin_offsets(admin, order->topic, partition, TIMEOUT_MS, &low, end, err);
    if (rc == DW_OK)
        rc = dw_kafka_admin_offset_at(admin, order->topic, partition, order->since_us / 1000,
                                      TIMEOUT_MS, next, err);
    if (rc != DW_OK)
        return rc;
    if (*next < 0 || *next > *end)
        *next = *end;
    topic->cut = topic->cut || (low > 0 && *next == low);
    topic->records += *end - *next;
    return DW_OK;
}

static enum dw_rc find_ranges(struct dw_compare_topic *topic,
                              const struct dw_compare_topic_order *order, struct dw_err *err)
{
    struct dw_kafka_admin *admin = NULL;
    enum dw_rc rc = dw_kafka_admin_open(&admin, order->kafka, CLIENT_ID, err);
    if (rc == DW_OK)
        rc = dw_kafka_admin_partitions(admin, order->topic, TIMEOUT_MS, &topic->partitions, err);
    if (rc == DW_OK) {
        topic->next = dw_mem_calloc((size_t)topic->partitions, sizeof(int64_t));
        topic->end = dw_mem_calloc((size_t)topic->partitions, sizeof(int64_t));
    }
    for (int32_t i = 0; rc == DW_OK && i < topic->partitions; i++)
        rc = find_range(topic, admin, order, i, err);
    dw_kafka_admin_close(admin);
    return rc;
}

/* A killed run goes on where it stood. More partitions than then: from the beginning. */
static void take_cursor(struct dw_compare_topic *topic, const char *cursor)
{
    int64_t *offsets = dw_mem_calloc((size_t)topic->partitions, sizeof(int64_t));
    if (cursor && dw_compare_topic_parse_cursor(cursor, offsets, topic->partitions))
        for (int32_t i = 0; i < topic->partitions; i++)
            if (offsets[i] > topic->next[i] && offsets[i] <= topic->end[i])
                topic->next[i] = offsets[i];
    free(offsets);
}

enum dw_rc dw_compare_topic_open(struct dw_compare_topic **out,
                                 const struct dw_compare_topic_order *order, struct dw_err *err)
{
    struct dw_compare_topic *topic = DW_MEM_NEW(struct dw_compare_topic);
    topic->map = order->map;
    topic->transform = order->transform;
    enum dw_rc rc = find_ranges(topic, order, err);
    if (rc == DW_OK)
        rc = dw_letter_reader_open(&topic->reader, order->kafka, CLIENT_ID, err);
    if (rc == DW_OK) {
        take_cursor(topic, order->cursor);
        rc = dw_letter_reader_assign(topic->reader, order->topic, topic->next, topic->partitions,
                                     err);
    }
    if (rc != DW_OK) {
        dw_compare_topic_close(topic);
        return rc;
    }
    *out = topic;
    return DW_OK;
}

void dw_compare_topic_close(struct dw_compare_topic *topic)
{
    if (!topic)
        return;
    dw_letter_reader_close(topic->reader);
    free(topic->next);
    free(topic->end);
    free(topic);
}

int64_t dw_compare_topic_records(const struct dw_compare_topic *topic)
{
    return topic->records;
}

bool dw_compare_topic_is_cut(const struct dw_compare_topic *topic)
{
    return topic->cut;
}

/* --- reading -------------------------------------------------------------------------------------
 */

static bool is_over(const struct dw_compare_topic *topic)
{
    for (int32_t i = 0; i < topic->partitions; i++)
        if (topic->next[i] < topic->end[i])
            return false;
    return true;
}

static int64_t take(struct dw_compare_topic *topic, const struct dw_letter_reading *reading,
                    struct dw_table *seen, struct dw_compare_brought *brought)
{
    int64_t taken = 0;
    for (size_t i = 0; i < reading->count; i++) {
        const struct dw_letter_record *record = &reading->records[i];
        if (record->offset >= topic->end[reading->partition])
            continue;
        topic->next[reading->partition] = record->offset + 1;
        taken++;
        const char *key = dw_compare_topic_key(record->value, topic->transform,
                                               topic->map->source.key_count, brought->arena);
        void **place = key ? dw_table_place(seen, dw_str_from(key)) : NULL;
        if (!place || *place)
            continue;
        *place = topic;
        dw_compare_brought_suspect(brought, key);
    }
    return taken;
}

enum dw_rc dw_compare_topic_step(struct dw_compare_topic *topic, int64_t rows,
                                 struct dw_compare_brought *brought, struct dw_err *err)
{
    struct dw_table seen;
    enum dw_rc rc = DW_OK;
    dw_table_init(&seen);
    while (rc == DW_OK && brought->rows_source < rows && !is_over(topic)) {
        struct dw_letter_reading reading;
        rc = dw_letter_reader_next(topic->reader, WAIT_MS, &reading, err);
        if (rc == DW_OK)
            brought->rows_source += take(topic, &reading, &seen, brought);
    }
    dw_table_done(&seen);
    if (rc == DW_AGAIN) /* what is there already counts; the next step asks again */
        rc = DW_OK;
    else if (rc == DW_END)
        rc = dw_err_set(err, DW_CONFIG, "DW-COMPARE-009",
                        "Kafka removed records of the topic while they were read");
    if (rc == DW_OK) {
        brought->segments++;
        brought->cursor = is_over(topic) ? NULL : format_cursor(topic, brought->arena);
    }
    return rc;
}
