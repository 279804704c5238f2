/* test_kafka_consumer.c - the group member and the dead letters, on librdkafka's mock cluster. */
#include "common/kafka/kafka_consumer.h"

#include "common/base/clock.h"
#include "common/kafka/kafka_dead_letter.h"
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* One partition for each test: joining a group of the mock cluster takes seconds. */
enum { STARTED, PAUSED, REWOUND, COMMITTED, OUTSIDE, AT_ONCE, TOGETHER, TOGETHER_TOO, PARTITIONS };

struct fixture {
    rd_kafka_t *client; /* holds the mock cluster, produces */
    rd_kafka_mock_cluster_t *cluster;
    struct dw_kafka_settings settings;
    struct dw_kafka_consumer *consumer;
    struct dw_kafka_partition *partitions[8];
    size_t partition_count;
    int revoked;
    bool starts_at_once;
};

static void on_assigned(void *context, struct dw_kafka_partition *const *partitions, size_t count)
{
    struct fixture *f = context;
    for (size_t i = 0; i < count; i++) {
        f->partitions[f->partition_count++] = partitions[i];
        if (f->starts_at_once && partitions[i]->number == AT_ONCE)
            dw_kafka_consumer_start(f->consumer, partitions[i], 0);
    }
}

static void on_revoked(void *context, struct dw_kafka_partition *const *partitions, size_t count,
                       bool lost)
{
    struct fixture *f = context;
    (void)partitions;
    (void)lost;
    f->revoked += (int)count;
    f->partition_count = 0;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "client.id", "mock", reason, sizeof reason);
    f->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    f->cluster = rd_kafka_mock_cluster_new(f->client, 1);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(f->cluster);
    rd_kafka_brokers_add(f->client, brokers);
    rd_kafka_mock_topic_create(f->cluster, "dualwrite.m", PARTITIONS, 1);
    rd_kafka_mock_topic_create(f->cluster, "dualwrite.dead-letters", 1, 1);
    f->settings = (struct dw_kafka_settings){.brokers = brokers,
                                             .group = "dualwrite",
                                             .dead_letter_topic = "dualwrite.dead-letters",
                                             .message_max_bytes = 16777216};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    dw_kafka_consumer_close(f->consumer);
    rd_kafka_mock_cluster_destroy(f->cluster);
    rd_kafka_destroy(f->client);
    free(f);
    return 0;
}

static void produce(struct fixture *f, int32_t partition, int from, int to)
{
    for (int i = from; i < to; i++) {
        char value[32];
        (void)snprintf(value, sizeof value, "%d", i);
        rd_kafka_resp_err_t code = rd_kafka_producev(
            f->client, RD_KAFKA_VTYPE_TOPIC, "dualwrite.m", RD_KAFKA_VTYPE_PARTITION, partition,
            RD_KAFKA_VTYPE_MSGFLAGS, (int)RD_KAFKA_MSG_F_COPY, RD_KAFKA_VTYPE_VALUE, (void *)value,
            strlen(value), RD_KAFKA_VTYPE_END);
        assert_int_equal(code, 0);
    }
    assert_int_equal(rd_kafka_flush(f->client, 10000), 0);
}

static void join(struct fixture *f)
{
    const struct dw_kafka_consumer_options options = {.client_id = "test",
                                                      .fetch_wait_ms = 50,
                                                      .refresh_ms = 3000,
                                                      .session_timeout_ms = 6000,
                                                      .prefetch_bytes = 1 << 20,
                                                      .context = f,
                                                      .assigned = on_assigned,
                                                      .revoked = on_revoked};
    struct dw_err err = DW_ERR_INIT;
    const char *topics[] = {"dualwrite.m"};
    assert_int_equal(dw_kafka_consumer_open(&f->consumer, &f->settings, &options, &err), DW_OK);
    assert_int_equal(dw_kafka_consumer_subscribe(f->consumer, topics, 1, &err), DW_OK);
    int64_t until = dw_clock_mono_ms() + 20000;
    while (f->partition_count < PARTITIONS && dw_clock_mono_ms() < until) {
        struct dw_kafka_message message;
        assert_int_not_equal(dw_kafka_consumer_poll(f->consumer, 100, &message, &err), DW_OK);
    }
    assert_int_equal(f->partition_count, PARTITIONS);
}

static struct dw_kafka_partition *partition(struct fixture *f, int32_t number)
{
    for (size_t i = 0; i < f->partition_count; i++)
        if (f->partitions[i]->number == number)
            return f->partitions[i];
    fail();
    return NULL;
}

/* The next record's offset, -1 when none comes. */
static int64_t next(struct fixture *f, struct dw_kafka_partition *from, int timeout_ms)
{
    int64_t until = dw_clock_mono_ms() + timeout_ms;
    while (dw_clock_mono_ms() < until) {
        struct dw_kafka_message message = {0};
        struct dw_err err = DW_ERR_INIT;
        enum dw_rc rc = dw_kafka_consumer_poll(f->consumer, 50, &message, &err);
        if (rc == DW_OK) {
            assert_true(message.partition == from);
            assert_int_equal(atoi(message.value.ptr), message.offset);
            return message.offset;
        }
    }
    return -1;
}

static void test_nothing_comes_before_the_owner_starts_a_partition(void **state)
{
    struct fixture *f = *state;
    join(f);
    produce(f, STARTED, 0, 100);
    assert_int_equal(next(f, NULL, 500), -1);
    dw_kafka_consumer_start(f->consumer, partition(f, STARTED), 40);
    for (int64_t offset = 40; offset < 100; offset++)
        assert_int_equal(next(f, partition(f, STARTED), 5000), offset);
    produce(f, STARTED, 100, 110);
    assert_int_equal(next(f, partition(f, STARTED), 5000), 100);
    dw_kafka_consumer_pause(f->consumer,
                            partition(f, STARTED)); /* the rest is not for the next test */
}

static void test_pause_and_resume_lose_and_repeat_nothing(void **state)
{
    struct fixture *f = *state;
    produce(f, PAUSED, 0, 1000);
    struct dw_kafka_partition *one = partition(f, PAUSED);
    dw_kafka_consumer_start(f->consumer, one, 0);
    int64_t expected = 0;
    while (expected < 1000) {
        int64_t offset = next(f, one, 5000);
        if (offset < expected)
            continue; /* the owner drops what it has */
        assert_int_equal(offset, expected);
        expected++;
        if (expected % 100 == 0) {
            dw_kafka_consumer_pause(f->consumer, one);
            assert_int_equal(next(f, one, 60), -1);
            dw_kafka_consumer_resume(f->consumer, one, expected);
        }
    }
    dw_kafka_consumer_pause(f->consumer,
                            partition(f, PAUSED)); /* the rest is not for the next test */
}

static void test_a_new_start_rewinds(void **state)
{
    struct fixture *f = *state;
    produce(f, REWOUND, 0, 50);
    dw_kafka_consumer_start(f->consumer, partition(f, REWOUND), 30);
    assert_int_equal(next(f, partition(f, REWOUND), 5000), 30);
    dw_kafka_consumer_start(f->consumer, partition(f, REWOUND), 10);
    assert_int_equal(next(f, partition(f, REWOUND), 5000), 10);
    assert_int_equal(next(f, partition(f, REWOUND), 5000), 11);
    dw_kafka_consumer_pause(f->consumer,
                            partition(f, REWOUND)); /* the rest is not for the next test */
}

static void test_commits_carry_metadata_and_a_look_finds_them(void **state)
{
    struct fixture *f = *state;
    struct dw_err err = DW_ERR_INIT;
    struct dw_kafka_look look;
    produce(f, COMMITTED, 0, 20);
    assert_int_equal(
        dw_kafka_consumer_look(f->consumer, "dualwrite.m", COMMITTED, true, 5000, &look, &err),
        DW_OK);
    assert_int_equal(look.committed, -1);
    assert_int_equal(look.low, 0);
    assert_int_equal(look.high, 20);
    struct dw_kafka_commit commit = {partition(f, COMMITTED), 7, "dualwrite some-incarnation"};
    assert_int_equal(dw_kafka_consumer_commit(f->consumer, &commit, 1, true, &err), DW_OK);
    assert_int_equal(
        dw_kafka_consumer_look(f->consumer, "dualwrite.m", COMMITTED, true, 5000, &look, &err),
        DW_OK);
    assert_int_equal(look.committed, 7);
    assert_string_equal(look.metadata, "dualwrite some-incarnation");
}

static void test_many_places_are_looked_at_together(void **state)
{
    struct fixture *f = *state;
    struct dw_err err = DW_ERR_INIT;
    struct dw_kafka_place places[] = {
        {.topic = "dualwrite.m", .partition = TOGETHER},
        {.topic = "dualwrite.m", .partition = TOGETHER_TOO},
    };
    struct dw_kafka_place unknown[] = {places[0], {.topic = "dualwrite.m", .partition = 1000}};
    produce(f, TOGETHER, 0, 30);
    produce(f, TOGETHER_TOO, 0, 40);
    struct dw_kafka_commit commit = {partition(f, TOGETHER_TOO), 7, "dualwrite this-one"};
    assert_int_equal(dw_kafka_consumer_commit(f->consumer, &commit, 1, true, &err), DW_OK);
    if (dw_kafka_consumer_look_at_all(f->consumer, places, 2, 5000, &err) != DW_OK)
        fail_msg("%s", err.message);
    assert_int_equal(places[0].look.low, 0);
    assert_int_equal(places[0].look.high, 30);
    assert_int_equal(places[0].look.committed, -1);
    assert_int_equal(places[1].look.high, 40);
    assert_int_equal(places[1].look.committed, 7);
    assert_string_equal(places[1].look.metadata, "dualwrite this-one");
    assert_int_not_equal(dw_kafka_consumer_look_at_all(f->consumer, unknown, 2, 5000, &err), DW_OK);
    assert_string_equal(err.id, "DW-KAFKA-023");
}

static void test_an_offset_outside_the_log_is_told_and_never_reset(void **state)
{
    struct fixture *f = *state;
    produce(f, OUTSIDE, 0, 20);
    dw_kafka_consumer_start(f->consumer, partition(f, OUTSIDE), 5000);
    int64_t until = dw_clock_mono_ms() + 10000;
    enum dw_rc rc = DW_AGAIN;
    struct dw_kafka_message message = {0};
    while (rc == DW_AGAIN && dw_clock_mono_ms() < until) {
        struct dw_err err = DW_ERR_INIT;
        rc = dw_kafka_consumer_poll(f->consumer, 100, &message, &err);
    }
    assert_int_equal(rc, DW_END);
    assert_true(message.partition == partition(f, OUTSIDE));
    dw_kafka_consumer_start(f->consumer, partition(f, OUTSIDE), 18);
    assert_int_equal(next(f, partition(f, OUTSIDE), 5000), 18);
    dw_kafka_consumer_pause(f->consumer, partition(f, OUTSIDE));
}

/* librdkafka refuses fetch.max.bytes below message.max.bytes, which concerns producers alone. */
static void test_a_small_prefetch_is_no_mistake(void **state)
{
    (void)state;
    struct dw_property large = {.name = "message.max.bytes", .value = "33554432"};
    struct dw_property small = {.name = "fetch.max.bytes", .value = "100000"};
    struct dw_kafka_settings settings = {.brokers = "127.0.0.1:1", .group = "dualwrite"};
    const struct dw_kafka_consumer_options options = {
        .client_id = "small", .session_timeout_ms = 6000, .prefetch_bytes = 256};
    struct dw_property *properties[] = {NULL, &large, &small};
    for (size_t i = 0; i < 3; i++) {
        struct dw_err err = DW_ERR_INIT;
        struct dw_kafka_consumer *consumer = NULL;
        settings.properties = properties[i];
        settings.property_count = properties[i] ? 1 : 0;
        if (dw_kafka_consumer_open(&consumer, &settings, &options, &err) != DW_OK)
            fail_msg("%s", err.message);
        dw_kafka_consumer_close(consumer);
    }
}

static void test_leaving_gives_partitions_back(void **state)
{
    struct fixture *f = *state;
    int64_t before = dw_clock_mono_ms();
    dw_kafka_consumer_close(f->consumer);
    f->consumer = NULL;
    assert_int_equal(f->revoked, PARTITIONS);
    assert_true(dw_clock_mono_ms() - before < 4000);
}

/* librdkafka looks a logical position up, half a second later once more when something was ordered
 * meanwhile, and goes there: over a place that was sought before the answer came. */
static void test_a_start_at_once_holds_while_the_broker_is_slow(void **state)
{
    struct fixture *f = *state;
    struct timespec tenth = {.tv_nsec = 100000000};
    f->starts_at_once = true;
    assert_int_equal(rd_kafka_mock_broker_set_rtt(f->cluster, 1, 300), 0);
    join(f);
    for (int offset = 0; offset < 15; offset++) {
        produce(f, AT_ONCE, offset, offset + 1);
        (void)nanosleep(&tenth, NULL);
    }
    assert_int_equal(rd_kafka_mock_broker_set_rtt(f->cluster, 1, 0), 0);
    for (int offset = 0; offset < 15; offset++)
        assert_int_equal(next(f, partition(f, AT_ONCE), 5000), offset);
    dw_kafka_consumer_close(f->consumer);
    f->consumer = NULL;
}

static void test_letters_are_acknowledged_or_refused_together(void **state)
{
    struct fixture *f = *state;
    struct dw_kafka_dead_letters *letters = NULL;
    struct dw_err err = DW_ERR_INIT;
    struct dw_version version = {1, 0x16B374D848, 3};
    assert_int_equal(dw_kafka_dead_letter_open(&letters, &f->settings, "letters", 2000, &err),
                     DW_OK);
    struct dw_kafka_dead_letter items[3];
    for (int i = 0; i < 3; i++)
        items[i] = (struct dw_kafka_dead_letter){.key = DW_STR_LIT("{\"id\":1}"),
                                                 .value = DW_STR_LIT("not json"),
                                                 .topic = "dualwrite.m",
                                                 .partition = 1,
                                                 .offset = i,
                                                 .map = "m",
                                                 .failure_class = "format",
                                                 .code = "DW-EVENT-001",
                                                 .message = "bad",
                                                 .version = &version};
    assert_int_equal(dw_kafka_dead_letter_send(letters, items, 3, &err), DW_OK);
    rd_kafka_mock_broker_set_down(f->cluster, 1);
    assert_int_equal(dw_kafka_dead_letter_send(letters, items, 3, &err), DW_RETRY);
    assert_string_equal(err.id, "DW-KAFKA-030");
    rd_kafka_mock_broker_set_up(f->cluster, 1);
    enum dw_rc rc = DW_RETRY; /* until the client has found the way back */
    for (int tries = 0; rc == DW_RETRY && tries < 10; tries++)
        rc = dw_kafka_dead_letter_send(letters, items, 3, &err);
    assert_int_equal(rc, DW_OK);
    rd_kafka_mock_push_request_errors(f->cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(dw_kafka_dead_letter_send(letters, items, 3, &err), DW_CONFIG);
    assert_string_equal(err.id, "DW-KAFKA-031");
    dw_kafka_dead_letter_close(letters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_comes_before_the_owner_starts_a_partition),
        cmocka_unit_test(test_pause_and_resume_lose_and_repeat_nothing),
        cmocka_unit_test(test_a_new_start_rewinds),
        cmocka_unit_test(test_commits_carry_metadata_and_a_look_finds_them),
        cmocka_unit_test(test_many_places_are_looked_at_together),
        cmocka_unit_test(test_an_offset_outside_the_log_is_told_and_never_reset),
        cmocka_unit_test(test_a_small_prefetch_is_no_mistake),
        cmocka_unit_test(test_leaving_gives_partitions_back),
        cmocka_unit_test(test_a_start_at_once_holds_while_the_broker_is_slow),
        cmocka_unit_test(test_letters_are_acknowledged_or_refused_together),
    };
    return cmocka_run_group_tests_name("kafka_consumer", tests, setup, teardown);
}
