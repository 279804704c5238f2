/* test_alerts.c - alerts come before events are lost. */
#include "reconciler/api/alerts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR INT64_C(3600000000)

static struct dw_arena arena;

static int set_up(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    return 0;
}

static void test_levels_follow_the_share_of_the_limit(void **state)
{
    (void)state;
    assert_int_equal(dw_alerts_level(49, 100), DW_ALERT_NONE);
    assert_int_equal(dw_alerts_level(50, 100), DW_ALERT_WARNING);
    assert_int_equal(dw_alerts_level(79, 100), DW_ALERT_WARNING);
    assert_int_equal(dw_alerts_level(80, 100), DW_ALERT_CRITICAL);
    assert_int_equal(dw_alerts_level(100, 100), DW_ALERT_LOST);
    assert_int_equal(dw_alerts_level(1e12, -1), DW_ALERT_NONE); /* kept for ever */
}

/* One map from erp to crm whose target stands at `applied`, Kafka at `published`, at 200 h. */
static struct dw_alert_list find(enum dw_map_state map_state, int64_t applied, int64_t published,
                                 const char *stats)
{
    static struct dw_system_settings systems[2];
    static struct dw_settings settings;
    systems[0].name = "erp";
    systems[1].name = "crm";
    settings.systems = systems;
    settings.system_count = 2;
    settings.kafka.retention_ms = 168 * 3600 * INT64_C(1000);
    const struct dw_map_record map = {
        .name = "items", .state = map_state, .source_system = "erp", .target_system = "crm"};
    const struct dw_state_source position = {.system = "erp",
                                             .position = {.published_commit_us = published}};
    const struct dw_target_progress progress = {.map = "items", .position_us = applied};
    const struct dw_target_snapshot snapshot = {.system = "crm", .maps = &progress, .map_count = 1};
    const struct dw_target_list targets = {&snapshot, 1};
    const struct dw_state_process process = {.kind = "producer", .instance = "p", .stats = stats};
    struct dw_flow *flow = dw_flow_new(&process, 1);
    const struct dw_alert_facts facts = {.settings = &settings,
                                         .maps = &map,
                                         .map_count = 1,
                                         .positions = &position,
                                         .position_count = 1,
                                         .flow = flow,
                                         .targets = &targets,
                                         .now_us = 200 * HOUR};
    struct dw_alert_list list;
    dw_alerts_find(&facts, &arena, &list);
    dw_flow_free(flow);
    return list;
}

static void test_a_paused_map_alerts_before_kafka_removes_its_changes(void **state)
{
    (void)state;
    struct dw_alert_list list = find(DW_MAP_PAUSED, 150 * HOUR, 199 * HOUR, "{}");
    assert_int_equal(list.count, 0); /* 50 of 168 h */
    list = find(DW_MAP_PAUSED, 100 * HOUR, 199 * HOUR, "{}");
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].name, "retention");
    assert_int_equal(list.items[0].level, DW_ALERT_WARNING);
    assert_non_null(strstr(list.items[0].message, "4.2 d old"));
    assert_non_null(strstr(list.items[0].remedy, "map resume items"));
    list = find(DW_MAP_ERROR, 20 * HOUR, 199 * HOUR, "{}");
    assert_int_equal(list.items[0].level, DW_ALERT_LOST);
    assert_non_null(strstr(list.items[0].remedy, "map resync items --delete-extra --yes"));
}

static void test_nothing_to_apply_is_nothing_to_lose(void **state)
{
    (void)state;
    assert_int_equal(find(DW_MAP_PAUSED, 20 * HOUR, 20 * HOUR, "{}").count, 0);
    assert_int_equal(find(DW_MAP_STOPPED, 20 * HOUR, 199 * HOUR, "{}").count, 0);
    assert_int_equal(find(DW_MAP_PAUSED, 0, 199 * HOUR, "{}").count, 0); /* not known */
}

static void test_a_source_alerts_before_it_drops_the_slot(void **state)
{
    (void)state;
#define STATS(safe)                                                                                \
    "{\"system\":\"erp\",\"state\":\"streaming\",\"wal_safe_bytes\":" safe                         \
    ",\"wal_limit_bytes\":104857600}"
    assert_int_equal(find(DW_MAP_RUNNING, 199 * HOUR, 199 * HOUR, STATS("90000000")).count, 0);
    struct dw_alert_list list = find(DW_MAP_RUNNING, 199 * HOUR, 199 * HOUR, STATS("10485760"));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].name, "wal_limit");
    assert_string_equal(list.items[0].object, "erp");
    assert_int_equal(list.items[0].level, DW_ALERT_CRITICAL);
    assert_non_null(strstr(list.items[0].message, "10 MiB more"));
    assert_int_equal(find(DW_MAP_RUNNING, 199 * HOUR, 199 * HOUR, STATS("-1")).count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_levels_follow_the_share_of_the_limit),
        TEST(test_a_paused_map_alerts_before_kafka_removes_its_changes),
        TEST(test_nothing_to_apply_is_nothing_to_lose),
        TEST(test_a_source_alerts_before_it_drops_the_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
