/* kafka_offsets.c - see kafka_offsets.h. */
#include "common/kafka/kafka_offsets.h"

#include "common/base/clock.h"
#include <stdbool.h>

struct query {
    rd_kafka_t *client;
    const char *topic;
    int32_t partition;
    int64_t until; /* dw_clock_mono_ms */
};

static struct query begin(rd_kafka_t *client, const char *topic, int32_t partition, int timeout_ms)
{
    return (struct query){client, topic, partition, dw_clock_mono_ms() + timeout_ms};
}

static int left_ms(const struct query *query)
{
    int64_t left = query->until - dw_clock_mono_ms();
    return left > 0 ? (int)left : 0;
}

/* The brokers' own answer; the library keeps it, and then knows the partition's leader, too. */
static rd_kafka_resp_err_t ask_brokers(const struct query *query)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(query->client, query->topic, NULL);
    if (!handle)
        return rd_kafka_last_error();
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(query->client, 0, handle, &metadata, left_ms(query));
    rd_kafka_topic_destroy(handle);
    if (code)
        return code;
    if (metadata->topic_cnt != 1)
        code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    else if (metadata->topics[0].err)
        code = metadata->topics[0].err;
    else if (query->partition >= (int32_t)metadata->topics[0].partition_cnt)
        code = RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    rd_kafka_metadata_destroy(metadata);
    return code;
}

/* True: the query is worth a second try. Else `*code` is what became of it. */
static bool is_doubtful(const struct query *query, rd_kafka_resp_err_t *code)
{
    if (*code != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        return false;
    *code = ask_brokers(query);
    if (*code)
        return false;
    *code = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE; /* unless the second try finds it */
    return left_ms(query) > 0;
}

rd_kafka_resp_err_t dw_kafka_query_offsets(rd_kafka_t *client, const char *topic, int32_t partition,
                                           int timeout_ms, int64_t *out_low, int64_t *out_high)
{
    struct query query = begin(client, topic, partition, timeout_ms);
    rd_kafka_resp_err_t code;
    do {
        code = rd_kafka_query_watermark_offsets(client, topic, partition, out_low, out_high,
                                                left_ms(&query));
    } while (is_doubtful(&query, &code));
    return code;
}

/* `moment`: RD_KAFKA_OFFSET_BEGINNING or _END, which the brokers take for a time. */
static rd_kafka_resp_err_t offsets_at(rd_kafka_t *client,
                                      const rd_kafka_topic_partition_list_t *list, int64_t moment,
                                      int timeout_ms, int64_t *out)
{
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_copy(list);
    for (int i = 0; i < asked->cnt; i++)
        asked->elems[i].offset = moment;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client, asked, timeout_ms);
    for (int i = 0; i < list->cnt && !code; i++) {
        const rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_find(
            asked, list->elems[i].topic, list->elems[i].partition);
        code = at->err;
        out[i] = at->offset;
        if (!code && at->offset < 0)
            code = RD_KAFKA_RESP_ERR__NO_OFFSET;
    }
    rd_kafka_topic_partition_list_destroy(asked);
    return code;
}

rd_kafka_resp_err_t dw_kafka_query_all_offsets(rd_kafka_t *client,
                                               const rd_kafka_topic_partition_list_t *list,
                                               int timeout_ms, int64_t *out_low, int64_t *out_high)
{
    rd_kafka_resp_err_t code =
        offsets_at(client, list, RD_KAFKA_OFFSET_BEGINNING, timeout_ms, out_low);
    return code ? code : offsets_at(client, list, RD_KAFKA_OFFSET_END, timeout_ms, out_high);
}

static rd_kafka_resp_err_t offset_at(const struct query *query, int64_t time_ms,
                                     int64_t *out_offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *entry =
        rd_kafka_topic_partition_list_add(list, query->topic, query->partition);
    entry->offset = time_ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(query->client, list, left_ms(query));
    if (!code)
        code = entry->err;
    *out_offset = entry->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

rd_kafka_resp_err_t dw_kafka_query_offset_at(rd_kafka_t *client, const char *topic,
                                             int32_t partition, int64_t time_ms, int timeout_ms,
                                             int64_t *out_offset)
{
    struct query query = begin(client, topic, partition, timeout_ms);
    rd_kafka_resp_err_t code;
    do {
        code = offset_at(&query, time_ms, out_offset);
    } while (is_doubtful(&query, &code));
    return code;
}
