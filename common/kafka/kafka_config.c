/* kafka_config.c - see kafka_config.h. */
#include "common/kafka/kafka_config.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setting {
    const char *name;
    const char *value;
};

static const struct setting common_settings[] = {
    {"socket.keepalive.enable", "true"},  {"socket.nagle.disable", "true"},
    {"log.connection.close", "false"},    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "5000"}, {"topic.metadata.refresh.interval.ms", "10000"},
};

/* message.timeout.ms=0: a message is never given up locally, which would leave a hole. */
static const struct setting producer_settings[] = {
    {"enable.idempotence", "true"},  {"acks", "all"},
    {"message.timeout.ms", "0"},     {"queue.buffering.max.messages", "0"},
    {"batch.num.messages", "10000"},
};

/* auto.offset.reset=error: the default would skip whatever a lost offset left behind. */
static const struct setting consumer_settings[] = {
    {"enable.auto.commit", "false"},       {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},        {"enable.partition.eof", "false"},
    {"allow.auto.create.topics", "false"}, {"check.crcs", "true"},
    {"fetch.wait.max.ms", "500"},          {"fetch.error.backoff.ms", "100"},
    {"queued.min.messages", "1000"},
};

static enum dw_log_level log_level_of(int syslog_level)
{
    if (syslog_level <= 3)
        return DW_LOG_ERROR;
    if (syslog_level == 4)
        return DW_LOG_WARN;
    return syslog_level <= 6 ? DW_LOG_INFO : DW_LOG_DEBUG;
}

/* A broker whose coordinator is still loading is asked for a producer's id again: nothing that
 * anybody has to see to. */
static bool is_passing(const char *facility, const char *message)
{
    const char *loading = rd_kafka_err2str(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    const char *at = strstr(message, loading);
    return strcmp(facility, "GETPID") == 0 && at && strcmp(at + strlen(loading), ": retrying") == 0;
}

enum dw_log_level dw_kafka_log_level(int syslog_level, const char *facility, const char *message)
{
    enum dw_log_level level = log_level_of(syslog_level);
    if (is_passing(facility, message))
        return DW_LOG_DEBUG;
    return level == DW_LOG_ERROR ? DW_LOG_WARN : level;
}

static void write_log(const rd_kafka_t *client, int level, const char *facility,
                      const char *message)
{
    (void)client;
    enum dw_log_level ours = dw_kafka_log_level(level, facility, message);
    dw_log(ours, "kafka.client", message, DW_F_TEXT("facility", facility));
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *context)
{
    (void)client;
    (void)context;
    dw_log(DW_LOG_WARN, "kafka.error", reason,
           DW_F_TEXT("error", rd_kafka_err2name((rd_kafka_resp_err_t)code)));
}

enum dw_rc dw_kafka_config_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                               struct dw_err *err)
{
    char reason[512];
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK)
        return DW_OK;
    return dw_err_set(err, DW_CONFIG, "DW-KAFKA-001", "kafka property \"%s\": %s", name, reason);
}

static bool is_user_property(const struct dw_kafka_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->property_count; i++)
        if (strcmp(settings->properties[i].name, name) == 0)
            return true;
    return false;
}

enum dw_rc dw_kafka_config_default(rd_kafka_conf_t *conf, const struct dw_kafka_settings *settings,
                                   const char *name, const char *value, struct dw_err *err)
{
    return is_user_property(settings, name) ? DW_OK : dw_kafka_config_set(conf, name, value, err);
}

enum dw_rc dw_kafka_config_fit_sizes(rd_kafka_conf_t *conf, struct dw_err *err)
{
    char fetch[24] = "";
    size_t size = sizeof fetch;
    if (rd_kafka_conf_get(conf, "fetch.max.bytes", fetch, &size) != RD_KAFKA_CONF_OK)
        return DW_OK;
    return dw_kafka_config_set(conf, "message.max.bytes",
                               strtol(fetch, NULL, 10) < 1000 ? "1000" : fetch, err);
}

static enum dw_rc apply(rd_kafka_conf_t *conf, const struct setting *settings, size_t count,
                        struct dw_err *err)
{
    for (size_t i = 0; i < count; i++) {
        enum dw_rc rc = dw_kafka_config_set(conf, settings[i].name, settings[i].value, err);
        if (rc != DW_OK)
            return rc;
    }
    return DW_OK;
}

#define APPLY(conf, settings, err)                                                                 \
    apply((conf), (settings), sizeof(settings) / sizeof *(settings), (err))

/* A refused secret must not show its value: librdkafka quotes it. */
static enum dw_rc apply_property(rd_kafka_conf_t *conf, const struct dw_property *property,
                                 struct dw_err *err)
{
    enum dw_rc rc = dw_kafka_config_set(conf, property->name, property->value, err);
    if (rc != DW_OK && property->secret)
        return dw_err_set(err, rc, "DW-KAFKA-001", "kafka property \"%s\": its value is refused",
                          property->name);
    return rc;
}

/* A broker answers a fetch with at least one whole record, however small the limit is. */
#define FETCH_MAX_BYTES (8 << 20)

static enum dw_rc apply_sizes(rd_kafka_conf_t *conf, const struct dw_kafka_settings *settings,
                              enum dw_kafka_role role, struct dw_err *err)
{
    char bytes[24];
    long long largest = settings->message_max_bytes;
    (void)snprintf(bytes, sizeof bytes, "%lld", largest);
    if (role == DW_KAFKA_PRODUCER)
        return dw_kafka_config_set(conf, "message.max.bytes", bytes, err);
    if (largest < FETCH_MAX_BYTES)
        largest = FETCH_MAX_BYTES;
    (void)snprintf(bytes, sizeof bytes, "%lld", largest + 65536); /* framing of the response */
    enum dw_rc rc = dw_kafka_config_set(conf, "receive.message.max.bytes", bytes, err);
    if (rc != DW_OK)
        return rc;
    (void)snprintf(bytes, sizeof bytes, "%d", FETCH_MAX_BYTES);
    return dw_kafka_config_set(conf, "fetch.max.bytes", bytes, err);
}

static enum dw_rc fill(rd_kafka_conf_t *conf, const struct dw_kafka_settings *settings,
                       enum dw_kafka_role role, const char *client_id, struct dw_err *err)
{
    enum dw_rc rc;
    if ((rc = dw_kafka_config_set(conf, "bootstrap.servers", settings->brokers, err)) != DW_OK ||
        (rc = dw_kafka_config_set(conf, "client.id", client_id, err)) != DW_OK ||
        (rc = APPLY(conf, common_settings, err)) != DW_OK)
        return rc;
    if (role == DW_KAFKA_PRODUCER)
        rc = APPLY(conf, producer_settings, err);
    else
        rc = APPLY(conf, consumer_settings, err);
    if (rc == DW_OK)
        rc = apply_sizes(conf, settings, role, err);
    if (rc == DW_OK && role == DW_KAFKA_CONSUMER)
        rc = dw_kafka_config_set(conf, "group.id", settings->group, err);
    for (size_t i = 0; rc == DW_OK && i < settings->property_count; i++)
        rc = apply_property(conf, &settings->properties[i], err);
    return rc;
}

enum dw_rc dw_kafka_config_new(rd_kafka_conf_t **out, const struct dw_kafka_settings *settings,
                               enum dw_kafka_role role, const char *client_id, struct dw_err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, write_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    enum dw_rc rc = fill(conf, settings, role, client_id, err);
    if (rc != DW_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    *out = conf;
    return DW_OK;
}

enum dw_rc dw_kafka_classify(int code)
{
    static const struct {
        rd_kafka_resp_err_t code;
        enum dw_rc rc;
    } classes[] = {
        {RD_KAFKA_RESP_ERR_NO_ERROR, DW_OK},
        {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, DW_REJECT},
        {RD_KAFKA_RESP_ERR_INVALID_MSG, DW_REJECT},
        {RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, DW_REJECT},
        {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, DW_REJECT},
        {RD_KAFKA_RESP_ERR_INVALID_RECORD, DW_REJECT},
        {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, DW_CONFIG},
        {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, DW_CONFIG},
        {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, DW_CONFIG},
        {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, DW_CONFIG},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, DW_CONFIG},
        {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, DW_CONFIG},
        {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, DW_CONFIG},
        {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, DW_CONFIG},
        {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, DW_CONFIG},
        {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, DW_CONFIG},
        {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, DW_CONFIG},
        {RD_KAFKA_RESP_ERR_INVALID_CONFIG, DW_CONFIG},
        {RD_KAFKA_RESP_ERR__AUTHENTICATION, DW_CONFIG},
        {RD_KAFKA_RESP_ERR__SSL, DW_CONFIG},
        {RD_KAFKA_RESP_ERR__FATAL, DW_FATAL},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if ((int)classes[i].code == code)
            return classes[i].rc;
    return DW_RETRY;
}
