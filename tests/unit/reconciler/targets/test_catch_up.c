/* test_catch_up.c - when the target of a map is where the source is again. */
#include "reconciler/targets/catch_up.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND 1000000

static const struct dw_life_behind behind = {
    .map = "items", .partitions = 4, .published_us = 100 * (int64_t)SECOND};

static bool is_level(int64_t partitions, int64_t position_s)
{
    const struct dw_target_progress progress = {
        .map = "items", .partitions = partitions, .position_us = position_s * SECOND};
    return dw_catch_up_is_level(&behind, &progress, 1000);
}

static void test_behind_by_more_than_two_heartbeats_is_not_level(void **state)
{
    (void)state;
    assert_true(is_level(4, 100));
    assert_true(is_level(4, 97));
    assert_false(is_level(4, 95));
    assert_false(is_level(4, 10));
}

static void test_what_nobody_knows_is_not_level(void **state)
{
    (void)state;
    assert_false(dw_catch_up_is_level(&behind, NULL, 1000)); /* nothing has come */
    assert_false(is_level(3, 100));                          /* a partition without progress */
    assert_false(is_level(4, 0));
}

static void test_a_target_ahead_of_the_saved_position_is_level(void **state)
{
    (void)state;
    assert_true(is_level(4, 200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behind_by_more_than_two_heartbeats_is_not_level),
        cmocka_unit_test(test_what_nobody_knows_is_not_level),
        cmocka_unit_test(test_a_target_ahead_of_the_saved_position_is_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
