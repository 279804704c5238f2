/* test_kafka_bell.c - who may ring, and what is written, on librdkafka's mock cluster. */
#include "common/kafka/kafka_bell.h"

#include "common/base/clock.h"
#include "common/base/err.h"
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdlib.h>

#define TOPIC "dualwrite.fetch.bell"

enum { PRODUCE = 0, TIMEOUT_MS = 5000, BETWEEN_RINGS_MS = 60 };

struct fixture {
    rd_kafka_t *client; /* holds the mock cluster, looks */
    rd_kafka_mock_cluster_t *cluster;
    struct dw_kafka_settings settings;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char reason[256];
    f->client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason, sizeof reason);
    f->cluster = rd_kafka_mock_cluster_new(f->client, 2);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(f->cluster);
    rd_kafka_brokers_add(f->client, brokers);
    rd_kafka_mock_topic_create(f->cluster, TOPIC, 2, 1);
    f->settings = (struct dw_kafka_settings){
        .brokers = brokers, .topic_prefix = "dualwrite", .message_max_bytes = 16777216};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rd_kafka_mock_cluster_destroy(f->cluster);
    rd_kafka_destroy(f->client);
    free(f);
    return 0;
}

static int64_t end_of(struct fixture *f, int32_t partition)
{
    int64_t low = -1;
    int64_t high = -1;
    assert_int_equal(
        rd_kafka_query_watermark_offsets(f->client, TOPIC, partition, &low, &high, TIMEOUT_MS), 0);
    return high;
}

static int64_t assigned_at(const struct dw_kafka_bell *bell, int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    dw_kafka_bell_assign(bell, list);
    assert_int_equal(list->cnt, 2);
    int64_t offset = rd_kafka_topic_partition_list_find(list, TOPIC, partition)->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return offset;
}

static void wait_for_end(struct fixture *f, int64_t end)
{
    int64_t until = dw_clock_mono_ms() + TIMEOUT_MS;
    while ((end_of(f, 0) < end || end_of(f, 1) < end) && dw_clock_mono_ms() < until)
        dw_clock_sleep_ms(10);
    assert_int_equal(end_of(f, 0), end);
    assert_int_equal(end_of(f, 1), end);
}

static void test_it_rings_at_each_partition_when_that_is_wanted(void **state)
{
    struct fixture *f = *state;
    struct dw_kafka_bell *bell = NULL;
    struct dw_err err = DW_ERR_INIT;
    assert_int_equal(dw_kafka_bell_open(&bell, &f->settings, "test", TIMEOUT_MS, &err), DW_OK);
    wait_for_end(f, 1);
    assert_int_equal(assigned_at(bell, 0), 1);
    assert_int_equal(assigned_at(bell, 1), 1);
    dw_clock_sleep_ms(BETWEEN_RINGS_MS);
    assert_int_equal(dw_kafka_bell_tend(bell, 100), 100);
    wait_for_end(f, 1);
    dw_kafka_bell_want(bell);
    assert_int_equal(dw_kafka_bell_tend(bell, 100), 100);
    wait_for_end(f, 2);
    dw_kafka_bell_close(bell);
}

static void test_rings_that_follow_each_other_are_one(void **state)
{
    struct fixture *f = *state;
    struct dw_kafka_bell *bell = NULL;
    struct dw_err err = DW_ERR_INIT;
    int64_t end = end_of(f, 0);
    assert_int_equal(dw_kafka_bell_open(&bell, &f->settings, "test", TIMEOUT_MS, &err), DW_OK);
    int64_t until = dw_clock_mono_ms() + 3 * BETWEEN_RINGS_MS;
    int64_t wants = 0;
    for (; dw_clock_mono_ms() < until; wants++) {
        dw_kafka_bell_want(bell);
        assert_in_range(dw_kafka_bell_tend(bell, 100), 0, 100);
        assert_int_equal(dw_kafka_bell_tend(bell, 0), 0);
        dw_clock_sleep_ms(1);
    }
    dw_kafka_bell_want(bell); /* the last one is not forgotten */
    dw_clock_sleep_ms(BETWEEN_RINGS_MS);
    (void)dw_kafka_bell_tend(bell, 0);
    dw_clock_sleep_ms(BETWEEN_RINGS_MS);
    assert_in_range(end_of(f, 0), end + 2, end + 1 + wants / 2);
    dw_kafka_bell_close(bell);
}

static void test_who_may_not_write_has_no_bell(void **state)
{
    struct fixture *f = *state;
    struct dw_kafka_bell *bell = NULL;
    struct dw_err err = DW_ERR_INIT;
    rd_kafka_mock_push_request_errors(f->cluster, PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(dw_kafka_bell_open(&bell, &f->settings, "test", TIMEOUT_MS, &err), DW_CONFIG);
    assert_string_equal(err.id, "DW-KAFKA-024");
    assert_null(bell);
    dw_kafka_bell_want(NULL);
    assert_int_equal(dw_kafka_bell_tend(NULL, 100), 100);
    dw_kafka_bell_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_rings_at_each_partition_when_that_is_wanted),
        cmocka_unit_test(test_rings_that_follow_each_other_are_one),
        cmocka_unit_test(test_who_may_not_write_has_no_bell),
    };
    return cmocka_run_group_tests_name("kafka_bell", tests, setup, teardown);
}
