/* Few maps hear every heartbeat; of many each partition hears one in the time that is told. */
#include "common/model/heartbeat.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define PARTITIONS 4

static void test_few_maps_hear_all(void **state)
{
    (void)state;
    for (uint64_t beat = 0; beat < 100; beat++) {
        struct dw_heartbeat_turn turn = dw_heartbeat_turn(39, beat % 39, beat, PARTITIONS);
        assert_int_equal(turn.from, 0);
        assert_int_equal(turn.to, PARTITIONS);
    }
    assert_int_equal(dw_heartbeat_map_ms(39, 5000), 0);
    assert_int_equal(dw_heartbeat_partition_ms(39, PARTITIONS, 5000), 0);
}

/* The longest silence of a partition and of the map, in heartbeats; what one heartbeat costs. */
static void play(size_t maps, uint64_t *out_partition, uint64_t *out_map, uint64_t *out_most)
{
    enum { BEATS = 1000 };
    uint64_t heard[PARTITIONS] = {0};
    uint64_t map_heard = 0;
    *out_partition = *out_map = *out_most = 0;
    for (uint64_t beat = 1; beat < BEATS; beat++) {
        uint64_t cost = 0;
        for (uint64_t slot = 0; slot < maps; slot++) {
            struct dw_heartbeat_turn turn = dw_heartbeat_turn(maps, slot, beat, PARTITIONS);
            cost += (uint64_t)(turn.to - turn.from);
            if (slot != 7)
                continue;
            for (int32_t i = turn.from; i < turn.to; i++) {
                if (heard[i] && beat - heard[i] > *out_partition)
                    *out_partition = beat - heard[i];
                heard[i] = beat;
                if (map_heard && beat - map_heard > *out_map)
                    *out_map = beat - map_heard;
                map_heard = beat;
            }
        }
        if (cost > *out_most)
            *out_most = cost;
    }
    for (size_t i = 0; i < PARTITIONS; i++)
        assert_true(heard[i] > BEATS / 2);
}

static void test_each_partition_hears_one_in_time(void **state)
{
    (void)state;
    static const size_t counts[] = {40, 100, 399, 400, 480, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint64_t partition = 0;
        uint64_t map = 0;
        uint64_t most = 0;
        play(counts[i], &partition, &map, &most);
        assert_int_equal(partition, dw_heartbeat_partition_ms(counts[i], PARTITIONS, 5000) / 5000);
        assert_int_equal(map, dw_heartbeat_map_ms(counts[i], 5000) / 5000);
        assert_in_range(most, 1, PARTITIONS * 40);
    }
}

static void test_a_single_partition_is_all(void **state)
{
    (void)state;
    struct dw_heartbeat_turn turn = dw_heartbeat_turn(1000, 0, 56, 1);
    assert_int_equal(turn.from, 0);
    assert_int_equal(turn.to, 1);
    assert_int_equal(dw_heartbeat_partition_ms(1000, 1, 5000), dw_heartbeat_map_ms(1000, 5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_maps_hear_all),
        cmocka_unit_test(test_each_partition_hears_one_in_time),
        cmocka_unit_test(test_a_single_partition_is_all),
    };
    return cmocka_run_group_tests_name("heartbeat", tests, NULL, NULL);
}
