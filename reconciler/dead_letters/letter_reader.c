/* letter_reader.c - see letter_reader.h. */
#include "reconciler/dead_letters/letter_reader.h"

#include "common/base/arena.h"
#include "common/kafka/kafka_config.h"
#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#define BATCH_RECORDS 500
#define BATCH_BYTES   (4u << 20)
#define ARENA_BYTES   65536

struct dw_letter_reader {
    rd_kafka_t *client;
    struct dw_arena arena; /* headers of the current batch */
    rd_kafka_message_t *messages[BATCH_RECORDS];
    struct dw_letter_record records[BATCH_RECORDS];
    size_t count;
    rd_kafka_message_t *pending; /* of another partition: first of the next batch */
};

enum dw_rc dw_letter_reader_open(struct dw_letter_reader **out,
                                 const struct dw_kafka_settings *settings, const char *client_id,
                                 struct dw_err *err)
{
    rd_kafka_conf_t *conf = NULL;
    enum dw_rc rc = dw_kafka_config_new(&conf, settings, DW_KAFKA_READER, client_id, err);
    if (rc)
        return rc;
    /* librdkafka wants a group for its consumer API; nothing is ever committed to it. */
    if ((rc = dw_kafka_config_set(conf, "group.id", client_id, err)) != DW_OK ||
        (rc = dw_kafka_config_set(conf, "queued.max.messages.kbytes", "8192", err)) != DW_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    char reason[512];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        return dw_err_set(err, DW_CONFIG, "DW-KAFKA-001", "dead-letter reader: %s", reason);
    }
    (void)rd_kafka_poll_set_consumer(client);
    struct dw_letter_reader *reader = DW_MEM_NEW(struct dw_letter_reader);
    reader->client = client;
    dw_arena_init(&reader->arena, ARENA_BYTES);
    *out = reader;
    return DW_OK;
}

static void release_batch(struct dw_letter_reader *reader)
{
    for (size_t i = 0; i < reader->count; i++)
        rd_kafka_message_destroy(reader->messages[i]);
    reader->count = 0;
    dw_arena_reset(&reader->arena);
}

static void release_pending(struct dw_letter_reader *reader)
{
    if (reader->pending)
        rd_kafka_message_destroy(reader->pending);
    reader->pending = NULL;
}

void dw_letter_reader_close(struct dw_letter_reader *reader)
{
    if (!reader)
        return;
    release_batch(reader);
    release_pending(reader);
    (void)rd_kafka_consumer_close(reader->client); /* there is no group to leave */
    rd_kafka_destroy(reader->client);
    dw_arena_done(&reader->arena);
    free(reader);
}

enum dw_rc dw_letter_reader_assign(struct dw_letter_reader *reader, const char *topic,
                                   const int64_t *offsets, int32_t count, struct dw_err *err)
{
    release_batch(reader);
    release_pending(reader);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int32_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = offsets[i];
    rd_kafka_resp_err_t code = rd_kafka_assign(reader->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return DW_OK;
    return dw_err_set(err, dw_kafka_classify(code), "DW-KAFKA-002", "reading topic %s: %s", topic,
                      rd_kafka_err2str(code));
}

static void read_headers(struct dw_letter_reader *reader, const rd_kafka_message_t *message,
                         struct dw_letter_record *record)
{
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return; /* it has none */
    size_t count = rd_kafka_header_cnt(headers);
    struct dw_letter_header *items = DW_ARENA_ARRAY(&reader->arena, struct dw_letter_header, count);
    for (size_t i = 0; i < count; i++) {
        const void *value = NULL;
        size_t len = 0;
        if (rd_kafka_header_get_all(headers, i, &items[i].name, &value, &len) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        items[i].value = (struct dw_str){value, len};
        record->header_count = i + 1;
    }
    record->headers = items;
}

static void add_message(struct dw_letter_reader *reader, rd_kafka_message_t *message)
{
    struct dw_letter_record *record = &reader->records[reader->count];
    *record = (struct dw_letter_record){
        .partition = message->partition,
        .offset = message->offset,
        .key = {message->key, message->key ? message->key_len : 0},
        .value = {message->payload, message->payload ? message->len : 0},
    };
    read_headers(reader, message, record);
    reader->messages[reader->count++] = message;
}

static enum dw_rc message_error(rd_kafka_message_t *message, struct dw_err *err)
{
    rd_kafka_resp_err_t code = message->err;
    enum dw_rc rc = DW_END;
    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        rc = DW_AGAIN;
    else if (code != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET &&
             code != RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        rc = dw_err_set(err, dw_kafka_classify(code),
                        dw_kafka_classify(code) == DW_CONFIG ? "DW-KAFKA-003" : "DW-KAFKA-002",
                        "reading dead letters: %s", rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    return rc;
}

enum dw_rc dw_letter_reader_next(struct dw_letter_reader *reader, int timeout_ms,
                                 struct dw_letter_reading *out, struct dw_err *err)
{
    release_batch(reader);
    rd_kafka_message_t *message = reader->pending;
    reader->pending = NULL;
    if (!message)
        message = rd_kafka_consumer_poll(reader->client, timeout_ms);
    if (!message)
        return DW_AGAIN;
    if (message->err)
        return message_error(message, err);
    int32_t partition = message->partition;
    size_t bytes = 0;
    while (message) {
        /* Errors wait for their turn as well. */
        if (message->err || message->partition != partition) {
            reader->pending = message;
            break;
        }
        bytes += message->len;
        add_message(reader, message);
        if (reader->count == BATCH_RECORDS || bytes >= BATCH_BYTES)
            break;
        message = rd_kafka_consumer_poll(reader->client, 0);
    }
    *out = (struct dw_letter_reading){partition, reader->records, reader->count};
    return DW_OK;
}
