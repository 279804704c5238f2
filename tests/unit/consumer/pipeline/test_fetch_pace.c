/* test_fetch_pace.c - few partitions are asked for as ever, thousands seldom. */
#include "consumer/pipeline/fetch_pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void test_few_partitions_wait_for_next_to_nothing(void **state)
{
    (void)state;
    static const int64_t few[] = {0, 4, 40, 400};
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        assert_int_equal(dw_fetch_pace_of(few[i], false).wait_ms, 50);
        assert_int_equal(dw_fetch_pace_of(few[i], false).refresh_ms, 3000);
    }
    assert_int_equal(dw_fetch_pace_of(1000, false).wait_ms, 125);
    assert_int_equal(dw_fetch_pace_of(1000, false).refresh_ms, 3000);
}

static void test_the_wait_grows_with_the_square_of_many(void **state)
{
    (void)state;
    assert_int_equal(dw_fetch_pace_of(2000, false).wait_ms, 500);
    assert_int_equal(dw_fetch_pace_of(4000, false).wait_ms, 2000);
    assert_int_equal(dw_fetch_pace_of(4000, false).refresh_ms, 12000);
}

static void test_there_is_an_end_to_it(void **state)
{
    (void)state;
    static const int64_t most[] = {10000, 1000000, INT64_MAX / 4};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        assert_int_equal(dw_fetch_pace_of(most[i], false).wait_ms, 3000);
        assert_int_equal(dw_fetch_pace_of(most[i], false).refresh_ms, 15000);
    }
}

static void test_no_step_makes_fewer_wait_longer(void **state)
{
    (void)state;
    struct dw_fetch_pace before = dw_fetch_pace_of(0, false);
    for (int64_t partitions = 1; partitions < 8000; partitions++) {
        struct dw_fetch_pace pace = dw_fetch_pace_of(partitions, false);
        assert_true(pace.wait_ms >= before.wait_ms);
        assert_true(pace.refresh_ms >= before.refresh_ms);
        before = pace;
    }
}

static void test_a_fetch_that_can_be_ended_waits_long(void **state)
{
    (void)state;
    assert_false(dw_fetch_pace_wants_bell(0));
    assert_false(dw_fetch_pace_wants_bell(400));
    assert_true(dw_fetch_pace_wants_bell(500));
    assert_true(dw_fetch_pace_wants_bell(INT64_MAX / 4));
    struct dw_fetch_pace bell = dw_fetch_pace_of(4000, true);
    assert_int_equal(bell.wait_ms, 15000);
    assert_int_equal(bell.refresh_ms, 12000);
    struct dw_fetch_pace more = dw_fetch_pace_of(5000, true);
    assert_false(dw_fetch_pace_differs(&bell, &more));
}

static void test_a_pace_differs_from_half_of_it(void **state)
{
    (void)state;
    struct dw_fetch_pace few = dw_fetch_pace_of(4, false);
    struct dw_fetch_pace some = dw_fetch_pace_of(600, false);
    struct dw_fetch_pace many = dw_fetch_pace_of(1000, false);
    assert_false(dw_fetch_pace_differs(&few, &some));
    assert_false(dw_fetch_pace_differs(&some, &many));
    assert_true(dw_fetch_pace_differs(&few, &many));
    assert_true(dw_fetch_pace_differs(&many, &few));
    struct dw_fetch_pace looks = {.wait_ms = few.wait_ms, .refresh_ms = 2 * few.refresh_ms};
    assert_true(dw_fetch_pace_differs(&few, &looks));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_partitions_wait_for_next_to_nothing),
        cmocka_unit_test(test_the_wait_grows_with_the_square_of_many),
        cmocka_unit_test(test_there_is_an_end_to_it),
        cmocka_unit_test(test_no_step_makes_fewer_wait_longer),
        cmocka_unit_test(test_a_fetch_that_can_be_ended_waits_long),
        cmocka_unit_test(test_a_pace_differs_from_half_of_it),
    };
    return cmocka_run_group_tests_name("fetch_pace", tests, NULL, NULL);
}
