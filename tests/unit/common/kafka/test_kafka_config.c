/* What librdkafka is told, and what its errors ask for. */
#include "common/kafka/kafka_config.h"
#include <librdkafka/rdkafka.h>
#include <string.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static struct dw_kafka_settings settings(void)
{
    return (struct dw_kafka_settings){.brokers = "127.0.0.1:1",
                                      .topic_prefix = "dualwrite",
                                      .group = "workers",
                                      .message_max_bytes = 20000000};
}

static void expect_property(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char found[256];
    size_t size = sizeof found;
    assert_int_equal(rd_kafka_conf_get(conf, name, found, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(found, value);
}

static void test_producer_never_gives_a_message_up(void **state)
{
    (void)state;
    struct dw_kafka_settings kafka = settings();
    struct dw_err err = DW_ERR_INIT;
    rd_kafka_conf_t *conf = NULL;
    assert_int_equal(dw_kafka_config_new(&conf, &kafka, DW_KAFKA_PRODUCER, "t", &err), DW_OK);
    expect_property(conf, "message.timeout.ms", "0");
    expect_property(conf, "enable.idempotence", "true");
    expect_property(conf, "acks", "-1");
    expect_property(conf, "message.max.bytes", "20000000");
    rd_kafka_conf_destroy(conf);
}

static void test_consumer_never_skips(void **state)
{
    (void)state;
    struct dw_kafka_settings kafka = settings();
    struct dw_err err = DW_ERR_INIT;
    rd_kafka_conf_t *conf = NULL;
    assert_int_equal(dw_kafka_config_new(&conf, &kafka, DW_KAFKA_CONSUMER, "t", &err), DW_OK);
    expect_property(conf, "auto.offset.reset", "error");
    expect_property(conf, "enable.auto.commit", "false");
    expect_property(conf, "enable.auto.offset.store", "false");
    expect_property(conf, "group.id", "workers");
    char reason[256];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    assert_non_null(client); /* the sizes agree with each other */
    rd_kafka_destroy(client);
}

static void test_users_property_wins_and_secrets_stay_secret(void **state)
{
    (void)state;
    struct dw_kafka_settings kafka = settings();
    struct dw_err err = DW_ERR_INIT;
    rd_kafka_conf_t *conf = NULL;
    struct dw_property property = {.name = "fetch.wait.max.ms", .value = "7"};
    kafka.properties = &property;
    kafka.property_count = 1;
    assert_int_equal(dw_kafka_config_new(&conf, &kafka, DW_KAFKA_READER, "t", &err), DW_OK);
    expect_property(conf, "fetch.wait.max.ms", "7");
    rd_kafka_conf_destroy(conf);
    property = (struct dw_property){.name = "no.such", .value = "hunter2", .secret = true};
    assert_int_equal(dw_kafka_config_new(&conf, &kafka, DW_KAFKA_READER, "t", &err), DW_CONFIG);
    assert_string_equal(err.id, "DW-KAFKA-001");
    assert_non_null(strstr(err.message, "no.such"));
    assert_null(strstr(err.message, "hunter2"));
}

static void test_errors_are_classified(void **state)
{
    (void)state;
    assert_int_equal(dw_kafka_classify(RD_KAFKA_RESP_ERR_NO_ERROR), DW_OK);
    assert_int_equal(dw_kafka_classify(RD_KAFKA_RESP_ERR__TRANSPORT), DW_RETRY);
    assert_int_equal(dw_kafka_classify(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS), DW_RETRY);
    assert_int_equal(dw_kafka_classify(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE), DW_REJECT);
    assert_int_equal(dw_kafka_classify(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), DW_CONFIG);
    assert_int_equal(dw_kafka_classify(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART), DW_CONFIG);
    assert_int_equal(dw_kafka_classify(RD_KAFKA_RESP_ERR__FATAL), DW_FATAL);
}

static void test_what_passes_by_itself_is_no_warning(void **state)
{
    (void)state;
    const char *loading = "[thrd:main]: Failed to acquire idempotence PID from broker b:9092/1: "
                          "Broker: Coordinator load in progress: retrying";
    const char *refused = "[thrd:main]: Failed to acquire idempotence PID from broker b:9092/1: "
                          "Broker: Cluster authorization failed: retrying";
    assert_int_equal(dw_kafka_log_level(4, "GETPID", loading), DW_LOG_DEBUG);
    assert_int_equal(dw_kafka_log_level(4, "GETPID", refused), DW_LOG_WARN);
    assert_int_equal(dw_kafka_log_level(3, "FAIL", "Connection refused"), DW_LOG_WARN);
    assert_int_equal(dw_kafka_log_level(6, "TERM", "x"), DW_LOG_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_producer_never_gives_a_message_up),
        cmocka_unit_test(test_consumer_never_skips),
        cmocka_unit_test(test_users_property_wins_and_secrets_stay_secret),
        cmocka_unit_test(test_errors_are_classified),
        cmocka_unit_test(test_what_passes_by_itself_is_no_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
