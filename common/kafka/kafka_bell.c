/* kafka_bell.c - see kafka_bell.h. */
#include "common/kafka/kafka_bell.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/kafka/kafka_admin.h"
#include "common/kafka/kafka_config.h"
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETENTION_MS = 3600000, /* nobody reads what is older than a moment */
    RING_MS = 50,           /* from one ring to the next: each costs a fetch of all partitions */
    REST_MS = 60000,        /* an idle client costs more than to make one anew */
    POLL_MS = 20,
};

struct dw_kafka_bell {
    const struct dw_kafka_settings *settings;
    char *client_id;
    char *topic;
    rd_kafka_t *client;        /* NULL: at rest */
    rd_kafka_topic_t *fetched; /* the consumer's; NULL: not attached */
    bool wanted;
    int64_t rung_at_ms;
    int32_t partitions;
    int64_t *offsets;         /* behind the last ring, for each partition */
    int32_t acknowledged;     /* records of the first ring */
    rd_kafka_resp_err_t code; /* of the last report; told when it becomes a failure */
};

static void note(struct dw_kafka_bell *bell, int32_t partition, int64_t offset)
{
    if (partition < bell->partitions && offset >= bell->offsets[partition])
        bell->offsets[partition] = offset + 1;
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
    struct dw_kafka_bell *bell = context;
    (void)client;
    if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;
    if (message->err && !bell->code)
        dw_log(DW_LOG_WARN, "kafka.bell",
               "a fetch that waits cannot be ended: a partition that is resumed or added waits for "
               "it",
               DW_F_TEXT("code", "DW-KAFKA-024"), DW_F_TEXT("topic", bell->topic),
               DW_F_TEXT("error", rd_kafka_err2str(message->err)));
    bell->code = message->err;
    if (message->err)
        return;
    bell->acknowledged++;
    note(bell, message->partition, message->offset);
}

/* Without idempotence: a ring that is lost or doubled does no harm. */
static enum dw_rc start_client(struct dw_kafka_bell *bell, struct dw_err *err)
{
    static const char *const properties[][2] = {
        {"enable.idempotence", "false"},
        {"message.timeout.ms", "5000"},
        {"linger.ms", "0"},
    };
    rd_kafka_conf_t *conf = NULL;
    char reason[512];
    enum dw_rc rc =
        dw_kafka_config_new(&conf, bell->settings, DW_KAFKA_PRODUCER, bell->client_id, err);
    if (rc != DW_OK)
        return rc;
    for (size_t i = 0; rc == DW_OK && i < sizeof properties / sizeof *properties; i++)
        rc = dw_kafka_config_set(conf, properties[i][0], properties[i][1], err);
    rd_kafka_conf_set_opaque(conf, bell);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    if (rc == DW_OK)
        bell->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (bell->client)
        return DW_OK;
    rd_kafka_conf_destroy(conf);
    return rc != DW_OK ? rc : dw_err_set(err, DW_CONFIG, "DW-KAFKA-001", "kafka bell: %s", reason);
}

static void end_client(struct dw_kafka_bell *bell)
{
    if (!bell->client)
        return;
    (void)rd_kafka_purge(bell->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    (void)rd_kafka_poll(bell->client, 0); /* reports that are not taken count as records left */
    rd_kafka_destroy(bell->client);
    bell->client = NULL;
}

static enum dw_rc count_brokers(const struct dw_kafka_bell *bell, int timeout_ms, int32_t *out,
                                struct dw_err *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(bell->client, 0, NULL, &metadata, timeout_ms);
    if (code)
        return dw_err_set(err, dw_kafka_classify((int)code), "DW-KAFKA-002", "brokers %s: %s",
                          bell->settings->brokers, rd_kafka_err2str(code));
    *out = metadata->broker_cnt > 0 ? (int32_t)metadata->broker_cnt : 1;
    rd_kafka_metadata_destroy(metadata);
    return DW_OK;
}

/* New brokers are given a partition where that is allowed; without one, fetches from them wait. */
static enum dw_rc ensure_topic(struct dw_kafka_bell *bell, int timeout_ms, struct dw_err *err)
{
    struct dw_kafka_admin *admin = NULL;
    struct dw_kafka_topic_spec spec = {.name = bell->topic, .retention_ms = RETENTION_MS};
    enum dw_rc rc = count_brokers(bell, timeout_ms, &spec.partitions, err);
    if (rc == DW_OK)
        rc = dw_kafka_admin_open(&admin, bell->settings, bell->client_id, err);
    if (rc == DW_OK)
        rc = dw_kafka_admin_ensure_topic(admin, &spec, timeout_ms, &bell->partitions, err);
    if (rc == DW_OK && bell->partitions < spec.partitions) {
        struct dw_err refused = DW_ERR_INIT;
        if (dw_kafka_admin_add_partitions(admin, bell->topic, spec.partitions, false, timeout_ms,
                                          &refused) == DW_OK)
            bell->partitions = spec.partitions;
        else
            dw_log_err(DW_LOG_WARN, "kafka.bell", &refused);
    }
    dw_kafka_admin_close(admin);
    return rc;
}

static void ring(struct dw_kafka_bell *bell)
{
    struct dw_err err = DW_ERR_INIT;
    bell->wanted = false;
    bell->rung_at_ms = dw_clock_mono_ms();
    if (!bell->client && start_client(bell, &err) != DW_OK) {
        dw_log_err(DW_LOG_WARN, "kafka.bell", &err);
        return;
    }
    (void)rd_kafka_poll(bell->client, 0);
    for (int32_t i = 0; i < bell->partitions; i++)
        (void)rd_kafka_producev(bell->client, RD_KAFKA_VTYPE_TOPIC, bell->topic,
                                RD_KAFKA_VTYPE_PARTITION, i, RD_KAFKA_VTYPE_VALUE, bell->client_id,
                                strlen(bell->client_id), RD_KAFKA_VTYPE_END);
}

static enum dw_rc ring_first(struct dw_kafka_bell *bell, int timeout_ms, struct dw_err *err)
{
    int64_t until = dw_clock_mono_ms() + timeout_ms;
    ring(bell);
    while (bell->acknowledged < bell->partitions && !bell->code && dw_clock_mono_ms() < until)
        (void)rd_kafka_poll(bell->client, POLL_MS);
    if (bell->acknowledged == bell->partitions)
        return DW_OK;
    rd_kafka_resp_err_t code = bell->code ? bell->code : RD_KAFKA_RESP_ERR__TIMED_OUT;
    enum dw_rc rc = dw_kafka_classify((int)code);
    return dw_err_set(err, rc == DW_REJECT ? DW_RETRY : rc, "DW-KAFKA-024", "write to topic %s: %s",
                      bell->topic, rd_kafka_err2str(code));
}

enum dw_rc dw_kafka_bell_open(struct dw_kafka_bell **out, const struct dw_kafka_settings *settings,
                              const char *client_id, int timeout_ms, struct dw_err *err)
{
    struct dw_kafka_bell *bell = DW_MEM_NEW(struct dw_kafka_bell);
    char name[256];
    bell->settings = settings;
    (void)snprintf(name, sizeof name, "%s-bell", client_id);
    bell->client_id = dw_mem_strdup(name);
    (void)snprintf(name, sizeof name, "%s.fetch.bell", settings->topic_prefix);
    bell->topic = dw_mem_strdup(name);
    enum dw_rc rc = start_client(bell, err);
    if (rc == DW_OK)
        rc = ensure_topic(bell, timeout_ms, err);
    if (rc == DW_OK) {
        bell->offsets = dw_mem_calloc((size_t)bell->partitions + 1, sizeof *bell->offsets);
        rc = ring_first(bell, timeout_ms, err);
    }
    if (rc != DW_OK) {
        dw_kafka_bell_close(bell);
        return rc;
    }
    *out = bell;
    return DW_OK;
}

void dw_kafka_bell_close(struct dw_kafka_bell *bell)
{
    if (!bell)
        return;
    end_client(bell);
    if (bell->fetched)
        rd_kafka_topic_destroy(bell->fetched);
    free(bell->offsets);
    free(bell->topic);
    free(bell->client_id);
    free(bell);
}

/* Where its log was cut back meanwhile, the consumer goes on at the end. */
void dw_kafka_bell_attach(struct dw_kafka_bell *bell, rd_kafka_t *consumer)
{
    char reason[128];
    if (!bell)
        return;
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(consumer);
    (void)rd_kafka_topic_conf_set(conf, "auto.offset.reset", "latest", reason, sizeof reason);
    bell->fetched = rd_kafka_topic_new(consumer, bell->topic, conf);
}

void dw_kafka_bell_assign(const struct dw_kafka_bell *bell, rd_kafka_topic_partition_list_t *list)
{
    for (int32_t i = 0; bell && i < bell->partitions; i++)
        rd_kafka_topic_partition_list_add(list, bell->topic, i)->offset = bell->offsets[i];
}

void dw_kafka_bell_hear(struct dw_kafka_bell *bell, const rd_kafka_message_t *message)
{
    if (bell && strcmp(rd_kafka_topic_name(message->rkt), bell->topic) == 0)
        note(bell, message->partition, message->offset);
}

void dw_kafka_bell_want(struct dw_kafka_bell *bell)
{
    if (bell)
        bell->wanted = true;
}

int dw_kafka_bell_tend(struct dw_kafka_bell *bell, int timeout_ms)
{
    if (!bell || (timeout_ms == 0 && !bell->wanted))
        return timeout_ms;
    int64_t passed = dw_clock_mono_ms() - bell->rung_at_ms;
    if (!bell->wanted) {
        if (passed >= REST_MS)
            end_client(bell);
        return timeout_ms;
    }
    if (passed < RING_MS)
        return timeout_ms < RING_MS - passed ? timeout_ms : (int)(RING_MS - passed);
    ring(bell);
    return timeout_ms;
}
