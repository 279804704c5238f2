/* test_breaker.c - the share of dead events within a window. */
#include "consumer/pipeline/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static const struct dw_breaker_limits limits = {.min_events = 50, .percent = 5, .window_ms = 60000};

static void test_few_events_never_trip(void **state)
{
    (void)state;
    struct dw_breaker breaker;
    dw_breaker_init(&breaker, &limits);
    assert_false(dw_breaker_trips(&breaker, 1000, 49, 49));
}

static void test_share_above_the_limit_trips(void **state)
{
    (void)state;
    struct dw_breaker breaker;
    dw_breaker_init(&breaker, &limits);
    assert_false(dw_breaker_trips(&breaker, 1000, 100, 5)); /* exactly 5 % is allowed */
    assert_true(dw_breaker_trips(&breaker, 1000, 100, 6));
    assert_true(breaker.open);
}

static void test_committed_batches_count_too(void **state)
{
    (void)state;
    struct dw_breaker breaker;
    dw_breaker_init(&breaker, &limits);
    dw_breaker_add(&breaker, 1000, 40, 2);
    assert_true(dw_breaker_trips(&breaker, 2000, 10, 1)); /* 3 of 50 */
    dw_breaker_init(&breaker, &limits);
    dw_breaker_add(&breaker, 1000, 10000, 0);
    assert_false(dw_breaker_trips(&breaker, 2000, 100, 100));
}

static void test_old_events_leave_the_window(void **state)
{
    (void)state;
    struct dw_breaker breaker;
    int64_t events = 0;
    int64_t dead = 0;
    dw_breaker_init(&breaker, &limits);
    dw_breaker_add(&breaker, 1000, 1000, 10);
    dw_breaker_add(&breaker, 40000, 7, 1);
    dw_breaker_window(&breaker, 59000, &events, &dead);
    assert_int_equal(events, 1007);
    dw_breaker_window(&breaker, 70000, &events, &dead);
    assert_int_equal(events, 7);
    assert_int_equal(dead, 1);
    dw_breaker_add(&breaker, 125000, 1, 0); /* takes the slice of an old one over */
    dw_breaker_window(&breaker, 125000, &events, &dead);
    assert_int_equal(events, 1);
}

static void test_resume_lets_one_window_pass(void **state)
{
    (void)state;
    struct dw_breaker breaker;
    dw_breaker_init(&breaker, &limits);
    dw_breaker_resume(&breaker, 500); /* closed: means nothing */
    assert_true(dw_breaker_trips(&breaker, 1000, 100, 100));
    dw_breaker_resume(&breaker, 2000);
    assert_false(breaker.open);
    assert_false(dw_breaker_trips(&breaker, 2001, 100, 100));
    assert_false(dw_breaker_trips(&breaker, 61999, 100, 100));
    assert_true(dw_breaker_trips(&breaker, 62000, 100, 100));
}

static void test_batches_without_dead_never_trip(void **state)
{
    (void)state;
    struct dw_breaker breaker;
    dw_breaker_init(&breaker, &limits);
    dw_breaker_add(&breaker, 1000, 100, 100);
    assert_false(dw_breaker_trips(&breaker, 1000, 1, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_events_never_trip),
        cmocka_unit_test(test_share_above_the_limit_trips),
        cmocka_unit_test(test_committed_batches_count_too),
        cmocka_unit_test(test_old_events_leave_the_window),
        cmocka_unit_test(test_resume_lets_one_window_pass),
        cmocka_unit_test(test_batches_without_dead_never_trip),
    };
    return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
