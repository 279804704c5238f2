/* test_status.c - whose log is looked at in a beat. */
#include "consumer/pipeline/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static const struct dw_status_known idle = {
    .high = 7, .next_offset = 7, .fetched = 7, .fetched_before = 7};

static void test_few_partitions_are_looked_at_in_every_beat(void **state)
{
    (void)state;
    for (uint64_t beat = 0; beat < 5; beat++)
        for (size_t i = 0; i < 199; i++)
            assert_true(dw_status_is_due(&idle, i, 199, beat));
}

static void test_of_many_idle_ones_each_gets_its_turn(void **state)
{
    (void)state;
    enum { COUNT = 2000, TURNS = 11 };
    int seen[COUNT] = {0};
    for (uint64_t beat = 0; beat < TURNS; beat++) {
        size_t looks = 0;
        for (size_t i = 0; i < COUNT; i++)
            if (dw_status_is_due(&idle, i, COUNT, beat)) {
                seen[i]++;
                looks++;
            }
        assert_in_range(looks, 1, 200);
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(seen[i], 1);
}

static void test_what_moves_or_lags_is_looked_at_in_every_beat(void **state)
{
    (void)state;
    struct dw_status_known unknown = idle;
    struct dw_status_known lagging = idle;
    struct dw_status_known moved = idle;
    unknown.high = -1;
    lagging.high = 8;
    moved.fetched = 8;
    for (uint64_t beat = 0; beat < 20; beat++) {
        assert_true(dw_status_is_due(&unknown, 3, 4000, beat));
        assert_true(dw_status_is_due(&lagging, 3, 4000, beat));
        assert_true(dw_status_is_due(&moved, 3, 4000, beat));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_partitions_are_looked_at_in_every_beat),
        cmocka_unit_test(test_of_many_idle_ones_each_gets_its_turn),
        cmocka_unit_test(test_what_moves_or_lags_is_looked_at_in_every_beat),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
