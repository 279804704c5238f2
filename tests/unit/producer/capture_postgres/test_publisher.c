/* What a refusing broker does to events on their way, on librdkafka's mock cluster. */
#include "producer/capture_postgres/publisher.h"

#include "common/base/clock.h"
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

struct fixture {
    rd_kafka_t *client; /* holds the mock cluster */
    rd_kafka_mock_cluster_t *cluster;
    struct dw_settings settings;
    struct dw_system_settings system;
    struct dw_property property;
    struct dw_publisher publisher;
    struct dw_table_map map;
};

static int setup(void **state)
{
    struct fixture *f = DW_MEM_NEW(struct fixture);
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    f->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    f->cluster = rd_kafka_mock_cluster_new(f->client, 1);
    rd_kafka_mock_topic_create(f->cluster, "dualwrite.items", 1, 1);
    rd_kafka_mock_topic_create(f->cluster, "dualwrite.dead-letters", 1, 1);
    rd_kafka_mock_topic_create(f->cluster, "dualwrite.positions", 1, 1);
    /* One request at a time: what is queued behind a failing one waits in the library. */
    f->property = (struct dw_property){.name = "max.in.flight", .value = "1"};
    f->settings.kafka =
        (struct dw_kafka_settings){.brokers = rd_kafka_mock_cluster_bootstraps(f->cluster),
                                   .topic_prefix = "dualwrite",
                                   .dead_letter_topic = "dualwrite.dead-letters",
                                   .message_max_bytes = 1 << 20,
                                   .properties = &f->property,
                                   .property_count = 1};
    f->settings.producer =
        (struct dw_producer_settings){.compression = "none", .topic_outage_ms = 60000};
    f->system.name = "erp";
    dw_publisher_init(&f->publisher, &f->settings, &f->system, "test");
    struct dw_map_set *set = DW_MEM_NEW(struct dw_map_set);
    dw_arena_init(&set->arena, 4096);
    set->count = 1;
    set->maps = DW_ARENA_ARRAY(&set->arena, struct dw_capture_map, 1);
    set->maps[0] = (struct dw_capture_map){
        .record = {.name = "items", .topic = "dualwrite.items", .partitions = 1}, .map = &f->map};
    const struct dw_version place = {.epoch = 1};
    dw_publisher_set_maps(&f->publisher, set, &place);
    struct dw_err err = DW_ERR_INIT;
    assert_int_equal(dw_publisher_open(&f->publisher, &err), DW_OK);
    f->publisher.sequence = dw_commit_window_begin(&f->publisher.window);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    dw_publisher_done(&f->publisher);
    rd_kafka_mock_cluster_destroy(f->cluster);
    rd_kafka_destroy(f->client);
    free(f);
    return 0;
}

static void publish(struct fixture *f)
{
    struct dw_publisher_part part = {
        .key_at = f->publisher.text.len, .key_len = 1, .has_key = true};
    dw_buf_append_text(&f->publisher.text, "kv");
    dw_publisher_add(&f->publisher, f->publisher.maps[0], &part);
    dw_publisher_flush(&f->publisher);
}

static void poll_for(struct fixture *f, int64_t milliseconds, bool until_fault)
{
    int64_t until = dw_clock_mono_ms() + milliseconds;
    while (dw_clock_mono_ms() < until && !(until_fault && f->publisher.fault.rc != DW_OK)) {
        struct pollfd fd = {.fd = dw_kafka_producer_fd(f->publisher.producer), .events = POLLIN};
        (void)poll(&fd, 1, 50);
        dw_publisher_poll(&f->publisher);
    }
}

static void publish_first(struct fixture *f)
{
    publish(f);
    for (int i = 0; i < 100 && !f->publisher.maps[0]->published; i++)
        poll_for(f, 100, false);
    assert_int_equal(f->publisher.maps[0]->published, 1);
}

/* The failed one will be sent again; a newer one of its partition that arrived before would make
 * the consumer skip it. */
static void test_nothing_overtakes_a_record_that_failed(void **state)
{
    struct fixture *f = *state;
    publish_first(f);
    rd_kafka_mock_broker_set_rtt(f->cluster, 1, 500);
    rd_kafka_mock_push_request_errors(f->cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_POLICY_VIOLATION);
    publish(f);
    poll_for(f, 200, false); /* on its way */
    publish(f);              /* behind it */
    poll_for(f, 30000, true);
    assert_int_equal(f->publisher.fault.rc, DW_RETRY);
    assert_int_equal(f->publisher.maps[0]->service, DW_PUBLISHER_SUSPECT);
    poll_for(f, 3000, false); /* the broker takes records again */
    assert_int_equal(f->publisher.maps[0]->published, 1);
    assert_int_equal(dw_kafka_producer_messages(f->publisher.producer), 0);
}

/* Reports wait in a queue for a thread that may be busy; the library goes on behind a gap by
 * itself.
 */
static void test_nothing_overtakes_it_while_nobody_looks(void **state)
{
    struct fixture *f = *state;
    struct timespec tenth = {.tv_nsec = 100000000};
    publish_first(f);
    rd_kafka_mock_broker_set_rtt(f->cluster, 1, 200);
    rd_kafka_mock_push_request_errors(f->cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    publish(f);
    poll_for(f, 100, false); /* on its way */
    for (int i = 0; i < 30; i++) {
        publish(f); /* behind it */
        (void)nanosleep(&tenth, NULL);
    }
    poll_for(f, 30000, true);
    assert_string_equal(f->publisher.fault.id, "DW-CAPTURE-034");
    poll_for(f, 1000, false);
    assert_int_equal(f->publisher.maps[0]->published, 1);
    assert_int_equal(dw_kafka_producer_messages(f->publisher.producer), 0);
}

static struct dw_kafka_topic *topic_of(struct fixture *f)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_kafka_topic *topic = NULL;
    assert_int_equal(
        dw_kafka_producer_topic(f->publisher.producer, "dualwrite.items", &topic, &err), DW_OK);
    return topic;
}

/* The library gives the records up by itself, with the topic's lock held; the topic may be back
 * before our thread hears of it. */
static void test_records_wait_for_a_topic_that_is_not_there(void **state)
{
    struct fixture *f = *state;
    struct dw_err err = DW_ERR_INIT;
    struct timespec tenth = {.tv_nsec = 100000000};
    rd_kafka_mock_topic_set_error(f->cluster, "dualwrite.items",
                                  RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    f->settings.producer.topic_outage_ms = 500;
    assert_int_equal(dw_publisher_open(&f->publisher, &err), DW_OK);
    f->publisher.sequence = dw_commit_window_begin(&f->publisher.window);
    for (int i = 0; i < 30; i++)
        publish(f);
    for (int i = 0; i < 15; i++) {
        (void)nanosleep(&tenth, NULL);
        assert_int_equal(dw_kafka_producer_partitions(f->publisher.producer, topic_of(f), 1, 10000),
                         0);
    }
    rd_kafka_mock_topic_set_error(f->cluster, "dualwrite.items", RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(dw_kafka_producer_partitions(f->publisher.producer, topic_of(f), 1, 10000), 1);
    publish(f);
    assert_int_equal(dw_kafka_producer_messages(f->publisher.producer), 30);
    poll_for(f, 30000, true);
    assert_int_equal(f->publisher.fault.rc, DW_RETRY);
    assert_int_equal(f->publisher.maps[0]->service, DW_PUBLISHER_SUSPECT);
    poll_for(f, 500, false);
    assert_int_equal(f->publisher.maps[0]->published, 0);
    assert_int_equal(dw_kafka_producer_messages(f->publisher.producer), 0);
}

/* Told by the answer to one batch, with others waiting behind it. */
static void test_a_topic_is_closed_to_us_with_records_waiting_for_it(void **state)
{
    struct fixture *f = *state;
    publish_first(f);
    rd_kafka_mock_broker_set_rtt(f->cluster, 1, 300);
    rd_kafka_mock_push_request_errors(f->cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    publish(f);
    poll_for(f, 100, false); /* on its way */
    for (int i = 0; i < 30; i++)
        publish(f); /* behind it */
    poll_for(f, 30000, true);
    assert_int_equal(f->publisher.fault.rc, DW_RETRY);
    assert_int_equal(f->publisher.maps[0]->service, DW_PUBLISHER_SUSPECT);
    poll_for(f, 1000, false);
    assert_int_equal(f->publisher.maps[0]->published, 1);
    assert_int_equal(dw_kafka_producer_messages(f->publisher.producer), 0);
}

/* Too large may be the request, not the record: it is sent again in smaller ones, and only what
 * went alone becomes a letter. */
static void test_a_refused_batch_is_sent_again_in_smaller_ones(void **state)
{
    struct fixture *f = *state;
    struct dw_err err = DW_ERR_INIT;
    int64_t before = f->publisher.batch_bytes;
    rd_kafka_mock_push_request_errors(f->cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    publish(f);
    poll_for(f, 30000, true);
    assert_string_equal(f->publisher.fault.id, "DW-CAPTURE-034");
    assert_true(f->publisher.batch_bytes < before / 2);
    assert_int_equal(f->publisher.maps[0]->letters, 0);
    f->publisher.batch_bytes = 2; /* the record has as many */
    assert_int_equal(dw_publisher_open(&f->publisher, &err), DW_OK);
    f->publisher.sequence = dw_commit_window_begin(&f->publisher.window);
    rd_kafka_mock_push_request_errors(f->cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    publish(f);
    poll_for(f, 30000, true);
    assert_string_equal(f->publisher.fault.id, "DW-CAPTURE-033"); /* it has no version to tell */
    assert_int_equal(f->publisher.batch_bytes, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_overtakes_a_record_that_failed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_nothing_overtakes_it_while_nobody_looks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_records_wait_for_a_topic_that_is_not_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_topic_is_closed_to_us_with_records_waiting_for_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_refused_batch_is_sent_again_in_smaller_ones, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
