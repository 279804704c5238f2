/* More partitions from a place of the stream on: what is sent where, and what comes out the same
 * when the stream is sent again. On librdkafka's mock cluster, whose topic has four partitions. */
#include "producer/capture_postgres/generation_mark.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static rd_kafka_t *client; /* holds the mock cluster, which serves all tests */
static rd_kafka_mock_cluster_t *cluster;

struct fixture {
    struct dw_settings settings;
    struct dw_system_settings system;
    struct dw_publisher publisher;
    struct dw_row_event row_event;
    struct dw_table_map map;
};

static struct dw_map_set *make_set(struct fixture *f)
{
    struct dw_map_set *set = DW_MEM_NEW(struct dw_map_set);
    dw_arena_init(&set->arena, 4096);
    set->count = 1;
    set->maps = DW_ARENA_ARRAY(&set->arena, struct dw_capture_map, 1);
    set->maps[0] = (struct dw_capture_map){.record = {.name = "items",
                                                      .topic = "dualwrite.items",
                                                      .revision = 7,
                                                      .document = "D",
                                                      .resolved = "R",
                                                      .partitions = 2},
                                           .map = &f->map,
                                           .topic_partitions = 4,
                                           .table_json = DW_STR_LIT("\"table\":\"item\",")};
    return set;
}

/* The maps as at a start: the stream goes on at (1, lsn). */
static void start_at(struct fixture *f, uint64_t lsn)
{
    const struct dw_version place = {.epoch = 1, .commit_lsn = lsn};
    dw_publisher_leave_place(&f->publisher);
    dw_publisher_set_maps(&f->publisher, make_set(f), &place);
}

static int setup(void **state)
{
    struct fixture *f = DW_MEM_NEW(struct fixture);
    f->settings.kafka =
        (struct dw_kafka_settings){.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
                                   .topic_prefix = "dualwrite",
                                   .dead_letter_topic = "dualwrite.dead-letters",
                                   .message_max_bytes = 1 << 20};
    f->settings.producer =
        (struct dw_producer_settings){.compression = "none", .topic_outage_ms = 60000};
    f->system.name = "erp";
    dw_publisher_init(&f->publisher, &f->settings, &f->system, "test");
    dw_row_event_init(&f->row_event, &f->publisher, NULL);
    start_at(f, 500);
    struct dw_err err = DW_ERR_INIT;
    assert_int_equal(dw_publisher_open(&f->publisher, &err), DW_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    dw_row_event_done(&f->row_event);
    dw_publisher_done(&f->publisher);
    free(f);
    return 0;
}

static int start_cluster(void **state)
{
    (void)state;
    char reason[256];
    client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason, sizeof reason);
    cluster = client ? rd_kafka_mock_cluster_new(client, 1) : NULL;
    return cluster && !rd_kafka_mock_topic_create(cluster, "dualwrite.items", 4, 1) ? 0 : -1;
}

static int stop_cluster(void **state)
{
    (void)state;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(client);
    return 0;
}

static void begin(struct fixture *f, uint64_t lsn)
{
    const struct dw_pgoutput_message message = {
        .kind = DW_PGOUTPUT_BEGIN, .commit_lsn = lsn, .xid = 7, .commit_us = 1};
    f->publisher.sequence = dw_commit_window_begin(&f->publisher.window);
    dw_row_event_begin(&f->row_event, &message, 1, DW_STR_LIT("erp"));
}

/* A message that asks for so many partitions comes by, in a transaction of its own. */
static enum dw_generation_mark_taken ask_for(struct fixture *f, uint64_t lsn, int partitions,
                                             bool skipping)
{
    char content[128];
    struct dw_err err = DW_ERR_INIT;
    (void)snprintf(content, sizeof content, "{\"map\":\"items\",\"partitions\":%d}", partitions);
    const struct dw_pgoutput_message message = {.kind = DW_PGOUTPUT_MESSAGE,
                                                .transactional = true,
                                                .prefix = DW_STR_LIT(DW_EVENT_GENERATION),
                                                .content = dw_str_from(content)};
    const struct dw_generation_mark_place place = {.version = {.epoch = 1, .commit_lsn = lsn},
                                                   .skipping = skipping};
    if (!skipping)
        begin(f, lsn);
    assert_int_equal(dw_row_event_add(&f->row_event, &message, &err), DW_OK);
    enum dw_generation_mark_taken taken = DW_GENERATION_MARK_NOT_YET;
    for (int i = 0; taken == DW_GENERATION_MARK_NOT_YET && i < 100 && partitions <= 4; i++)
        taken = dw_generation_mark_take(&f->row_event, &place);
    return partitions <= 4 ? taken : dw_generation_mark_take(&f->row_event, &place);
}

static void assert_lanes(const struct fixture *f, const uint64_t expected[4])
{
    const struct dw_publisher_map *map = f->publisher.maps[0];
    for (int32_t i = 0; i < 4; i++)
        assert_int_equal(i < map->lane_count ? map->lanes[i].in_flight : 0, expected[i]);
}

static bool contains(const struct fixture *f, size_t index, const char *what)
{
    const struct dw_publisher_event *event = &f->publisher.batch[index];
    return memmem(f->publisher.text.data + event->value_at, event->value_len, what, strlen(what));
}

static void test_every_partition_gets_the_mark_and_new_ones_the_revision(void **state)
{
    struct fixture *f = *state;
    struct dw_publisher_map *map = f->publisher.maps[0];
    assert_int_equal(map->partitions, 2);
    assert_int_equal(ask_for(f, 1000, 4, false), DW_GENERATION_MARK_RAISED);
    assert_int_equal(map->partitions, 4);
    assert_lanes(f, (const uint64_t[]){1, 1, 2, 2});
    /* That of the first partition was sent; of the others all stand under one version. */
    assert_int_equal(f->publisher.batch_count, 5);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(f->publisher.batch[i].partition, i + 1);
        assert_true(contains(f, i, DW_EVENT_GENERATION));
        assert_true(contains(f, i, "\"lsn\":1000,\"epoch\":1,\"ordinal\":0"));
    }
    for (size_t i = 3; i < 5; i++) {
        assert_int_equal(f->publisher.batch[i].partition, i - 1);
        assert_true(contains(f, i, DW_EVENT_MAP));
        assert_true(contains(f, i, "\"lsn\":1000,\"epoch\":1,\"ordinal\":1"));
    }
    assert_int_equal(f->publisher.generations.count, 1);
    assert_int_equal(f->row_event.marker.len, 0);
    assert_int_equal(f->row_event.row_index, 1);
}

static void test_what_is_in_force_changes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask_for(f, 1000, 2, false), DW_GENERATION_MARK_PASSED);
    assert_int_equal(f->row_event.row_index, 1); /* but it has its place in the transaction */
    assert_int_equal(ask_for(f, 2000, 4, false), DW_GENERATION_MARK_RAISED);
    assert_int_equal(ask_for(f, 3000, 4, false), DW_GENERATION_MARK_PASSED);
    assert_int_equal(ask_for(f, 4000, 3, false), DW_GENERATION_MARK_PASSED);
    assert_lanes(f, (const uint64_t[]){1, 1, 2, 2});
    assert_int_equal(f->publisher.generations.count, 1);
}

static void test_the_stream_sent_again_raises_at_the_same_place(void **state)
{
    struct fixture *f = *state;
    struct dw_publisher_map *map = f->publisher.maps[0];
    assert_int_equal(ask_for(f, 1000, 3, false), DW_GENERATION_MARK_RAISED);
    assert_int_equal(ask_for(f, 2000, 4, false), DW_GENERATION_MARK_RAISED);
    assert_int_equal(f->publisher.generations.count, 2);
    start_at(f, 999);
    assert_int_equal(map->partitions, 2);
    start_at(f, 1000);
    assert_int_equal(map->partitions, 3);
    start_at(f, 2000);
    assert_int_equal(map->partitions, 4);
    start_at(f, 999);
    assert_int_equal(ask_for(f, 1000, 3, true), DW_GENERATION_MARK_RAISED);
    assert_int_equal(map->partitions, 3);
    assert_int_equal(ask_for(f, 2000, 4, false), DW_GENERATION_MARK_RAISED);
    assert_int_equal(map->partitions, 4);
    assert_int_equal(f->publisher.generations.count, 2);
    assert_int_equal(dw_generation_newest(&f->publisher.generations, "items")->number, 3);
    assert_int_equal(dw_generation_newest(&f->publisher.generations, "items")->before, 3);
}

static void test_what_was_published_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask_for(f, 1000, 4, true), DW_GENERATION_MARK_RAISED);
    assert_int_equal(f->publisher.maps[0]->partitions, 4);
    assert_lanes(f, (const uint64_t[]){0, 0, 0, 0});
}

/* Sent now, some records behind the mark would be taken and the mark not. */
static void test_partitions_that_kafka_does_not_show_are_waited_for(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask_for(f, 1000, 5, false), DW_GENERATION_MARK_NOT_YET);
    assert_int_not_equal(f->row_event.marker.len, 0);
    assert_int_equal(f->publisher.maps[0]->partitions, 2);
    assert_int_equal(f->publisher.maps[0]->service, DW_PUBLISHER_SUSPECT);
    assert_lanes(f, (const uint64_t[]){0, 0, 0, 0});
}

static void test_other_content_and_other_maps_are_passed_by(void **state)
{
    struct fixture *f = *state;
    static const char *const contents[] = {"x", "{}", "{\"map\":\"items\"}",
                                           "{\"map\":\"others\",\"partitions\":4}"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        struct dw_err err = DW_ERR_INIT;
        const struct dw_pgoutput_message message = {.kind = DW_PGOUTPUT_MESSAGE,
                                                    .transactional = true,
                                                    .prefix = DW_STR_LIT(DW_EVENT_GENERATION),
                                                    .content = dw_str_from(contents[i])};
        const struct dw_generation_mark_place place = {.version = {.epoch = 1}};
        begin(f, 1000 + i);
        assert_int_equal(dw_row_event_add(&f->row_event, &message, &err), DW_OK);
        assert_int_equal(dw_generation_mark_take(&f->row_event, &place), DW_GENERATION_MARK_PASSED);
        assert_int_equal(f->row_event.marker.len, 0);
    }
    assert_int_equal(f->publisher.generations.count, 0);
}

static void test_a_new_epoch_waits_for_all_partitions_there_are(void **state)
{
    struct fixture *f = *state;
    begin(f, 999);
    dw_generation_mark_begin_epoch(&f->row_event);
    assert_int_equal(f->publisher.maps[0]->partitions, 2);
    assert_lanes(f, (const uint64_t[]){1, 1, 1, 1});
    assert_int_equal(f->publisher.generations.count, 0);
}

static void test_a_set_asks_for_what_its_topics_have(void **state)
{
    struct fixture *f = *state;
    struct dw_map_set *set = make_set(f);
    assert_true(dw_generation_mark_wanted(set));
    set->maps[0].out_of_service = true;
    assert_false(dw_generation_mark_wanted(set));
    set->maps[0].out_of_service = false;
    set->maps[0].topic_partitions = 2;
    assert_false(dw_generation_mark_wanted(set));
    dw_map_set_free(set);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_every_partition_gets_the_mark_and_new_ones_the_revision),
        CASE(test_what_is_in_force_changes_nothing),
        CASE(test_the_stream_sent_again_raises_at_the_same_place),
        CASE(test_what_was_published_is_not_sent_again),
        CASE(test_partitions_that_kafka_does_not_show_are_waited_for),
        CASE(test_other_content_and_other_maps_are_passed_by),
        CASE(test_a_new_epoch_waits_for_all_partitions_there_are),
        CASE(test_a_set_asks_for_what_its_topics_have),
    };
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
