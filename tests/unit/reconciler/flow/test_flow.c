/* test_flow.c - what processes report, merged; reports of other versions do no harm. */
#include "reconciler/flow/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define LATENCY "[0,0,0,4,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"

static const struct dw_state_process healthy[] = {
    {.kind = "producer",
     .instance = "p1",
     .stats = "{\"system\":\"erp\",\"state\":\"streaming\",\"epoch\":2,\"slot_lag_bytes\":4096,"
              "\"confirmed_lsn\":\"0/10\",\"received_lsn\":\"0/20\",\"reason\":\"\","
              "\"maps\":{\"items\":{\"published\":12,\"last_commit_us\":77}}}"},
    {.kind = "producer",
     .instance = "p2",
     .stats = "{\"system\":\"erp\",\"state\":\"standby\",\"maps\":{}}"},
    {.kind = "consumer",
     .instance = "c1",
     .stats = "{\"maps\":{\"items\":{\"partitions\":[0,1],\"lag\":5,\"applied\":7,\"paused\":false,"
              "\"latency\":" LATENCY "}}}"},
    {.kind = "consumer",
     .instance = "c2",
     .stats = "{\"maps\":{\"items\":{\"partitions\":[2,3],\"lag\":1,\"applied\":3,\"paused\":false,"
              "\"reason\":\"target away\",\"latency\":" LATENCY "}}}"},
    {.kind = "consumer",
     .instance = "silent",
     .beat_age_ms = 60000,
     .stats = "{\"maps\":{\"items\":{\"partitions\":[0,1,2,3],\"lag\":99,\"paused\":true}}}"},
};

static void test_consumers_of_a_map_are_summed(void **state)
{
    (void)state;
    struct dw_flow_map map;
    struct dw_flow *flow = dw_flow_new(healthy, COUNT(healthy));
    dw_flow_of_map(flow, "items", &map);
    assert_true(map.has_producer);
    assert_int_equal(map.published, 12);
    assert_int_equal(dw_flow_row_us(flow, "items"), 77);
    assert_int_equal(dw_flow_row_us(flow, "others"), 0);
    assert_int_equal(map.consumers, 2);
    assert_int_equal(map.partitions, 4);
    assert_int_equal(map.lag, 6); /* the silent one does not count */
    assert_int_equal(map.applied, 10);
    assert_int_equal(map.latency.counts[3], 8);
    assert_string_equal(map.reason, "target away");
    assert_true(dw_flow_in_force(&map, DW_MAP_RUNNING, 4));
    assert_false(dw_flow_in_force(&map, DW_MAP_RUNNING, 5));
    assert_false(dw_flow_in_force(&map, DW_MAP_PAUSED, 4));
    assert_false(dw_flow_in_force(&map, DW_MAP_STOPPED, 4));
    dw_flow_free(flow);
}

static void test_unknown_map_is_in_force_when_stopped(void **state)
{
    (void)state;
    struct dw_flow_map map;
    struct dw_flow *flow = dw_flow_new(healthy, COUNT(healthy));
    dw_flow_of_map(flow, "others", &map);
    assert_false(map.has_producer);
    assert_true(dw_flow_in_force(&map, DW_MAP_STOPPED, 4));
    assert_false(dw_flow_in_force(&map, DW_MAP_RUNNING, 4));
    dw_flow_free(flow);
}

static void test_streaming_producer_speaks_for_its_system(void **state)
{
    (void)state;
    struct dw_flow_system system;
    struct dw_flow *flow = dw_flow_new(healthy, COUNT(healthy));
    dw_flow_of_system(flow, "erp", &system);
    assert_string_equal(system.instance, "p1");
    assert_string_equal(system.state, "streaming");
    assert_int_equal(system.epoch, 2);
    assert_int_equal(system.slot_lag_bytes, 4096);
    assert_int_equal(system.standbys, 1);
    dw_flow_of_system(flow, "crm", &system);
    assert_false(system.has_producer);
    assert_int_equal(system.slot_lag_bytes, -1);
    dw_flow_free(flow);
}

static void test_malformed_reports_count_as_silent(void **state)
{
    (void)state;
    static const char *const stats[] = {
        "",
        "[]",
        "{",
        "7",
        "{\"maps\":7}",
        "{\"maps\":{\"items\":7}}",
        "{\"maps\":{\"items\":{\"partitions\":\"x\",\"lag\":\"y\",\"latency\":{}}}}",
        "{\"maps\":{\"items\":{\"partitions\":[0],\"latency\":[1,2]}},\"system\":7}",
    };
    for (size_t i = 0; i < COUNT(stats); i++) {
        const struct dw_state_process processes[] = {
            {.kind = "consumer", .instance = "c", .stats = stats[i]},
            {.kind = "producer", .instance = "p", .stats = stats[i]},
        };
        struct dw_flow_map map;
        struct dw_flow_system system;
        struct dw_flow *flow = dw_flow_new(processes, COUNT(processes));
        dw_flow_of_map(flow, "items", &map);
        dw_flow_of_system(flow, "erp", &system);
        assert_int_equal(map.lag, 0);
        assert_int_equal(dw_latency_count(&map.latency), 0);
        assert_false(system.has_producer);
        dw_flow_free(flow);
    }
}

/* A thousand idle maps are told of without what is 0 or empty. */
static void test_what_is_left_out_is_nothing(void **state)
{
    (void)state;
    static const struct dw_state_process processes[] = {
        {.kind = "producer", .instance = "p", .stats = "{\"maps\":{\"items\":{}}}"},
        {.kind = "consumer",
         .instance = "c",
         .stats = "{\"maps\":{\"items\":{\"partitions\":[0,1],\"paused\":false}}}"},
    };
    struct dw_flow_map map;
    struct dw_flow *flow = dw_flow_new(processes, COUNT(processes));
    dw_flow_of_map(flow, "items", &map);
    assert_true(map.has_producer);
    assert_int_equal(map.published, 0);
    assert_int_equal(dw_flow_row_us(flow, "items"), 0);
    assert_int_equal(map.consumers, 1);
    assert_int_equal(map.lag, 0);
    assert_int_equal(dw_latency_count(&map.latency), 0);
    assert_string_equal(map.reason, "");
    assert_true(dw_flow_in_force(&map, DW_MAP_RUNNING, 2));
    dw_flow_free(flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_consumers_of_a_map_are_summed),
        cmocka_unit_test(test_unknown_map_is_in_force_when_stopped),
        cmocka_unit_test(test_streaming_producer_speaks_for_its_system),
        cmocka_unit_test(test_malformed_reports_count_as_silent),
        cmocka_unit_test(test_what_is_left_out_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
