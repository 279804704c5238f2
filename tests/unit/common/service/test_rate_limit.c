/* test_rate_limit.c - bursts, refill, many names. */
#include "common/service/rate_limit.h"

#include <stdio.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void test_burst_is_taken_and_refilled(void **state)
{
    (void)state;
    struct dw_rate_limit *limit = dw_rate_limit_new(10, 20);
    for (int i = 0; i < 20; i++)
        assert_int_equal(dw_rate_limit_take(limit, "a", 1000), 0);
    int64_t wait_ms = dw_rate_limit_take(limit, "a", 1000);
    assert_in_range(wait_ms, 100, 102);
    assert_int_equal(dw_rate_limit_take(limit, "b", 1000), 0); /* another's is its own */
    assert_int_equal(dw_rate_limit_take(limit, "a", 1000 + wait_ms), 0);
    assert_true(dw_rate_limit_take(limit, "a", 1000 + wait_ms) > 0);
    for (int i = 0; i < 20; i++) /* never more than the burst, however long it was quiet */
        assert_int_equal(dw_rate_limit_take(limit, "a", 1000000), 0);
    assert_true(dw_rate_limit_take(limit, "a", 1000000) > 0);
    dw_rate_limit_free(limit);
    dw_rate_limit_free(NULL);
}

static void test_clock_that_goes_back_gives_nothing(void **state)
{
    (void)state;
    struct dw_rate_limit *limit = dw_rate_limit_new(1, 1);
    assert_int_equal(dw_rate_limit_take(limit, "a", 5000), 0);
    assert_true(dw_rate_limit_take(limit, "a", 4000) > 0);
    dw_rate_limit_free(limit);
}

static void test_flood_of_names_stays_bounded(void **state)
{
    (void)state;
    struct dw_rate_limit *limit = dw_rate_limit_new(1, 1);
    char name[16];
    for (int i = 0; i < 100000; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        assert_int_equal(dw_rate_limit_take(limit, name, i), 0);
    }
    assert_true(dw_rate_limit_take(limit, "99999", 99999) > 0); /* the last is still known */
    dw_rate_limit_free(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_is_taken_and_refilled),
        cmocka_unit_test(test_clock_that_goes_back_gives_nothing),
        cmocka_unit_test(test_flood_of_names_stays_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
