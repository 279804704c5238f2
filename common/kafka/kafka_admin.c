/* kafka_admin.c - see kafka_admin.h. One client serves metadata, topic creation and single reads.
 */
#include "common/kafka/kafka_admin.h"

#include "common/base/clock.h"
#include "common/base/table.h"
#include "common/kafka/kafka_config.h"
#include "common/kafka/kafka_offsets.h"
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

struct dw_kafka_admin {
    rd_kafka_t *client;
    const struct dw_kafka_settings *settings;
    char *client_id;
};

static enum dw_rc new_client(const struct dw_kafka_settings *settings, enum dw_kafka_role role,
                             const char *client_id, const char *group, rd_kafka_t **out,
                             struct dw_err *err)
{
    rd_kafka_conf_t *conf = NULL;
    enum dw_rc rc = dw_kafka_config_new(&conf, settings, role, client_id, err);
    if (rc != DW_OK)
        return rc;
    if (group && (rc = dw_kafka_config_set(conf, "group.id", group, err)) != DW_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    char reason[512];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        return dw_err_set(err, DW_CONFIG, "DW-KAFKA-001", "kafka client: %s", reason);
    }
    *out = client;
    return DW_OK;
}

enum dw_rc dw_kafka_admin_open(struct dw_kafka_admin **out,
                               const struct dw_kafka_settings *settings, const char *client_id,
                               struct dw_err *err)
{
    rd_kafka_t *client = NULL;
    enum dw_rc rc = new_client(settings, DW_KAFKA_ADMIN, client_id, NULL, &client, err);
    if (rc != DW_OK)
        return rc;
    struct dw_kafka_admin *admin = DW_MEM_NEW(struct dw_kafka_admin);
    admin->client = client;
    admin->settings = settings;
    admin->client_id = dw_mem_strdup(client_id);
    *out = admin;
    return DW_OK;
}

void dw_kafka_admin_close(struct dw_kafka_admin *admin)
{
    if (!admin)
        return;
    rd_kafka_destroy(admin->client);
    free(admin->client_id);
    free(admin);
}

static enum dw_rc fail(const struct dw_kafka_admin *admin, rd_kafka_resp_err_t code,
                       const char *what, const char *topic, struct dw_err *err)
{
    enum dw_rc rc = dw_kafka_classify(code);
    if (rc == DW_RETRY)
        return dw_err_set(err, rc, "DW-KAFKA-002", "%s %s: %s (brokers %s)", what, topic,
                          rd_kafka_err2str(code), admin->settings->brokers);
    return dw_err_set(err, rc, rc == DW_CONFIG ? "DW-KAFKA-003" : "DW-KAFKA-005", "%s %s: %s", what,
                      topic, rd_kafka_err2str(code));
}

enum dw_rc dw_kafka_admin_partitions(struct dw_kafka_admin *admin, const char *topic,
                                     int timeout_ms, int32_t *out_partitions, struct dw_err *err)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(admin->client, topic, NULL);
    if (!handle)
        return fail(admin, rd_kafka_last_error(), "topic", topic, err);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(admin->client, 0, handle, &metadata, timeout_ms);
    rd_kafka_topic_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(admin, code, "metadata of topic", topic, err);
    enum dw_rc rc = DW_OK;
    const struct rd_kafka_metadata_topic *found =
        metadata->topic_cnt == 1 ? &metadata->topics[0] : NULL;
    if (!found || found->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        rc = dw_err_set(err, DW_CONFIG, "DW-KAFKA-004", "there is no topic %s", topic);
    else if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        rc = fail(admin, found->err, "metadata of topic", topic, err);
    else
        *out_partitions = (int32_t)found->partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    return rc;
}

enum dw_rc dw_kafka_admin_counts(struct dw_kafka_admin *admin, const char *const *topics,
                                 size_t count, int timeout_ms, int32_t *out_partitions,
                                 struct dw_err *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    struct dw_table wanted;
    if (!count)
        return DW_OK;
    rd_kafka_resp_err_t code = rd_kafka_metadata(admin->client, 1, NULL, &metadata, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(admin, code, "metadata of topics such as", topics[0], err);
    dw_table_init(&wanted);
    for (size_t i = 0; i < count; i++) {
        out_partitions[i] = 0;
        *dw_table_place(&wanted, dw_str_from(topics[i])) = &out_partitions[i];
    }
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];
        int32_t *place = dw_table_find(&wanted, dw_str_from(topic->topic));
        if (place && !topic->err)
            *place = (int32_t)topic->partition_cnt;
    }
    dw_table_done(&wanted);
    rd_kafka_metadata_destroy(metadata);
    return DW_OK;
}

static rd_kafka_NewTopic_t *new_topic(const struct dw_kafka_admin *admin,
                                      const struct dw_kafka_topic_spec *spec)
{
    char reason[256];
    char number[24];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(spec->name, spec->partitions,
                              (int)admin->settings->replication_factor, reason, sizeof reason);
    if (!topic)
        return NULL;
    (void)rd_kafka_NewTopic_set_config(topic, "cleanup.policy",
                                       spec->compacted ? "compact" : "delete");
    (void)snprintf(number, sizeof number, "%lld", (long long)spec->retention_ms);
    if (!spec->compacted)
        (void)rd_kafka_NewTopic_set_config(topic, "retention.ms", number);
    (void)snprintf(number, sizeof number, "%lld", (long long)admin->settings->message_max_bytes);
    (void)rd_kafka_NewTopic_set_config(topic, "max.message.bytes", number);
    return topic;
}

/* The broker's answer for the first topic asked for. */
static rd_kafka_resp_err_t created(rd_kafka_event_t *event)
{
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return rd_kafka_event_error(event);
    size_t count = 0;
    const rd_kafka_topic_result_t **topics =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    return count >= 1 ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR__FAIL;
}

/* The first of them decides what is returned. */
static rd_kafka_resp_err_t request_topics(struct dw_kafka_admin *admin,
                                          rd_kafka_NewTopic_t **topics, size_t count,
                                          int timeout_ms)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->client);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(admin->client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, NULL, 0);
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, NULL, 0);
    rd_kafka_CreateTopics(admin->client, topics, count, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + 1000);
    rd_kafka_resp_err_t code = event ? created(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return code;
}

static rd_kafka_resp_err_t create_topic(struct dw_kafka_admin *admin,
                                        const struct dw_kafka_topic_spec *spec, int timeout_ms)
{
    rd_kafka_NewTopic_t *topic = new_topic(admin, spec);
    if (!topic)
        return RD_KAFKA_RESP_ERR__INVALID_ARG;
    rd_kafka_resp_err_t code = request_topics(admin, &topic, 1, timeout_ms);
    rd_kafka_NewTopic_destroy(topic);
    return code;
}

void dw_kafka_admin_create_topics(struct dw_kafka_admin *admin,
                                  const struct dw_kafka_topic_spec *specs, size_t count,
                                  int timeout_ms)
{
    rd_kafka_NewTopic_t **topics = dw_mem_calloc(count + 1, sizeof(rd_kafka_NewTopic_t *));
    size_t made = 0;
    for (size_t i = 0; i < count; i++)
        if ((topics[made] = new_topic(admin, &specs[i])) != NULL)
            made++;
    if (made)
        (void)request_topics(admin, topics, made, timeout_ms); /* ensure_topic looks at each */
    rd_kafka_NewTopic_destroy_array(topics, made);
    free((void *)topics);
}

enum dw_rc dw_kafka_admin_ensure_topic(struct dw_kafka_admin *admin,
                                       const struct dw_kafka_topic_spec *spec, int timeout_ms,
                                       int32_t *out_partitions, struct dw_err *err)
{
    struct dw_err missing = DW_ERR_INIT;
    enum dw_rc rc =
        dw_kafka_admin_partitions(admin, spec->name, timeout_ms, out_partitions, &missing);
    if (rc == DW_OK)
        return rc;
    if (strcmp(missing.id, "DW-KAFKA-004") != 0) {
        if (err)
            *err = missing;
        return rc;
    }
    rd_kafka_resp_err_t code = create_topic(admin, spec, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return fail(admin, code, "creating topic", spec->name, err);
    /* The metadata of a topic just made may lag behind for a moment. */
    int64_t until = dw_clock_mono_ms() + timeout_ms;
    while ((rc = dw_kafka_admin_partitions(admin, spec->name, timeout_ms, out_partitions, err)) !=
               DW_OK &&
           dw_clock_mono_ms() < until)
        dw_clock_sleep_ms(50);
    return rc;
}

/* The broker's answer for the one topic; `reason` is its text. */
static rd_kafka_resp_err_t added(rd_kafka_event_t *event, char *reason, size_t size)
{
    size_t count = 0;
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    const char *text = rd_kafka_event_error_string(event);
    if (!code) {
        const rd_kafka_topic_result_t **topics = rd_kafka_CreatePartitions_result_topics(
            rd_kafka_event_CreatePartitions_result(event), &count);
        code = count ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR__FAIL;
        text = count ? rd_kafka_topic_result_error_string(topics[0]) : NULL;
    }
    (void)snprintf(reason, size, "%s", text ? text : rd_kafka_err2str(code));
    return code;
}

static rd_kafka_resp_err_t request_partitions(struct dw_kafka_admin *admin,
                                              rd_kafka_NewPartitions_t *partitions, bool only_ask,
                                              int timeout_ms, char *reason, size_t size)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->client);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(admin->client, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, NULL, 0);
    (void)rd_kafka_AdminOptions_set_validate_only(options, only_ask, NULL, 0);
    if (!only_ask)
        (void)rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, NULL, 0);
    rd_kafka_CreatePartitions(admin->client, &partitions, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + 1000);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    (void)snprintf(reason, size, "%s", rd_kafka_err2str(code));
    if (event) {
        code = added(event, reason, size);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return code;
}

enum dw_rc dw_kafka_admin_add_partitions(struct dw_kafka_admin *admin, const char *topic,
                                         int32_t total, bool only_ask, int timeout_ms,
                                         struct dw_err *err)
{
    char reason[512];
    rd_kafka_NewPartitions_t *partitions =
        rd_kafka_NewPartitions_new(topic, (size_t)total, reason, sizeof reason);
    if (!partitions)
        return dw_err_set(err, DW_CONFIG, "DW-KAFKA-003", "partitions of topic %s: %s", topic,
                          reason);
    rd_kafka_resp_err_t code =
        request_partitions(admin, partitions, only_ask, timeout_ms, reason, sizeof reason);
    rd_kafka_NewPartitions_destroy(partitions);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return DW_OK;
    enum dw_rc rc = dw_kafka_classify(code);
    return dw_err_set(err, rc == DW_RETRY ? rc : DW_CONFIG,
                      rc == DW_RETRY ? "DW-KAFKA-002" : "DW-KAFKA-003",
                      "partitions of topic %s: %s", topic, reason);
}

/* --- how long records are kept -----------------------------------------------------------------
 */

static void read_configs(const rd_kafka_ConfigResource_t *resource, struct dw_kafka_retention *out)
{
    size_t count = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    *out = (struct dw_kafka_retention){.ms = -1, .bytes = -1};
    out->known = rd_kafka_ConfigResource_error(resource) == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (size_t i = 0; out->known && i < count; i++) {
        const char *name = rd_kafka_ConfigEntry_name(entries[i]);
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (value && strcmp(name, "retention.ms") == 0)
            out->ms = strtoll(value, NULL, 10);
        else if (value && strcmp(name, "retention.bytes") == 0)
            out->bytes = strtoll(value, NULL, 10);
    }
}

static void read_retentions(rd_kafka_event_t *event, const char *const *topics, size_t count,
                            struct dw_kafka_retention *out)
{
    size_t found = 0;
    struct dw_table wanted;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &found);
    dw_table_init(&wanted);
    for (size_t i = 0; i < count; i++)
        *dw_table_place(&wanted, dw_str_from(topics[i])) = &out[i];
    for (size_t i = 0; i < found; i++) {
        struct dw_kafka_retention *place =
            dw_table_find(&wanted, dw_str_from(rd_kafka_ConfigResource_name(resources[i])));
        if (place)
            read_configs(resources[i], place);
    }
    dw_table_done(&wanted);
}

static rd_kafka_event_t *request_configs(struct dw_kafka_admin *admin,
                                         rd_kafka_ConfigResource_t **resources, size_t count,
                                         int timeout_ms)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->client);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(admin->client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, NULL, 0);
    rd_kafka_DescribeConfigs(admin->client, resources, count, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + 1000);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return event;
}

enum dw_rc dw_kafka_admin_retention(struct dw_kafka_admin *admin, const char *const *topics,
                                    size_t count, int timeout_ms, struct dw_kafka_retention *out,
                                    struct dw_err *err)
{
    if (!count)
        return DW_OK;
    memset(out, 0, count * sizeof *out);
    rd_kafka_ConfigResource_t **resources =
        dw_mem_calloc(count, sizeof(rd_kafka_ConfigResource_t *));
    for (size_t i = 0; i < count; i++)
        resources[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics[i]);
    rd_kafka_event_t *event = request_configs(admin, resources, count, timeout_ms);
    rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        read_retentions(event, topics, count, out);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_ConfigResource_destroy_array(resources, count);
    free((void *)resources);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? DW_OK
               : fail(admin, code, "settings of topics such as", topics[0], err);
}

enum dw_rc dw_kafka_admin_offsets(struct dw_kafka_admin *admin, const char *topic,
                                  int32_t partition, int timeout_ms, int64_t *out_low,
                                  int64_t *out_high, struct dw_err *err)
{
    rd_kafka_resp_err_t code =
        dw_kafka_query_offsets(admin->client, topic, partition, timeout_ms, out_low, out_high);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? DW_OK
                                              : fail(admin, code, "offsets of topic", topic, err);
}

enum dw_rc dw_kafka_admin_offset_at(struct dw_kafka_admin *admin, const char *topic,
                                    int32_t partition, int64_t time_ms, int timeout_ms,
                                    int64_t *out_offset, struct dw_err *err)
{
    int64_t low = 0;
    int64_t high = 0;
    int64_t offset = 0;
    rd_kafka_resp_err_t code =
        dw_kafka_query_offset_at(admin->client, topic, partition, time_ms, timeout_ms, &offset);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(admin, code, "offsets of topic", topic, err);
    if (offset >= 0) {
        *out_offset = offset;
        return DW_OK;
    }
    enum dw_rc rc = dw_kafka_admin_offsets(admin, topic, partition, timeout_ms, &low, &high, err);
    if (rc == DW_OK)
        *out_offset = high;
    return rc;
}

static void copy_record(const rd_kafka_message_t *message, struct dw_arena *arena,
                        struct dw_kafka_record *out)
{
    *out = (struct dw_kafka_record){.offset = message->offset};
    if (message->key)
        out->key = dw_arena_copy(arena, (struct dw_str){message->key, message->key_len});
    if (message->payload)
        out->value = dw_arena_copy(arena, (struct dw_str){message->payload, message->len});
    out->timestamp_ms = rd_kafka_message_timestamp(message, NULL);
}

/* Waits for one record; end of partition is DW_END. */
static enum dw_rc consume_one(struct dw_kafka_admin *admin, rd_kafka_topic_t *handle,
                              int32_t partition, int timeout_ms, struct dw_arena *arena,
                              struct dw_kafka_record *out, struct dw_err *err)
{
    rd_kafka_message_t *message = rd_kafka_consume(handle, partition, timeout_ms);
    if (!message)
        return fail(admin, RD_KAFKA_RESP_ERR__TIMED_OUT, "reading topic",
                    rd_kafka_topic_name(handle), err);
    enum dw_rc rc = DW_OK;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
        message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
        message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        rc = DW_END;
    else if (message->err)
        rc = fail(admin, message->err, "reading topic", rd_kafka_topic_name(handle), err);
    else
        copy_record(message, arena, out);
    rd_kafka_message_destroy(message);
    return rc;
}

enum dw_rc dw_kafka_admin_read(struct dw_kafka_admin *admin, const char *topic, int32_t partition,
                               int64_t offset, int timeout_ms, struct dw_arena *arena,
                               struct dw_kafka_record *out, struct dw_err *err)
{
    int64_t low = 0;
    int64_t high = 0;
    enum dw_rc rc = dw_kafka_admin_offsets(admin, topic, partition, timeout_ms, &low, &high, err);
    if (rc != DW_OK)
        return rc;
    if (offset >= high)
        return DW_END;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(admin->client, topic, NULL);
    if (!handle)
        return fail(admin, rd_kafka_last_error(), "topic", topic, err);
    if (rd_kafka_consume_start(handle, partition, offset < low ? low : offset) != 0)
        rc = fail(admin, rd_kafka_last_error(), "reading topic", topic, err);
    else {
        rc = consume_one(admin, handle, partition, timeout_ms, arena, out, err);
        (void)rd_kafka_consume_stop(handle, partition);
    }
    rd_kafka_topic_destroy(handle);
    return rc;
}

enum dw_rc dw_kafka_admin_committed(struct dw_kafka_admin *admin, const char *group,
                                    const char *topic, int32_t partition, int timeout_ms,
                                    int64_t *out_offset, struct dw_err *err)
{
    rd_kafka_t *client = NULL;
    enum dw_rc rc =
        new_client(admin->settings, DW_KAFKA_READER, admin->client_id, group, &client, err);
    if (rc != DW_OK)
        return rc;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t code = rd_kafka_committed(client, list, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = entry->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        *out_offset = entry->offset == RD_KAFKA_OFFSET_INVALID ? -1 : entry->offset;
    else
        rc = fail(admin, code, "committed offset of topic", topic, err);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
    return rc;
}
