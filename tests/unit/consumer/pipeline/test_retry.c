/* test_retry.c - backoff with full jitter. */
#include "consumer/pipeline/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void test_ceiling_doubles_up_to_the_maximum(void **state)
{
    (void)state;
    struct dw_retry retry;
    dw_retry_init(&retry, 50, 1000);
    static const int64_t expected[] = {50, 100, 200, 400, 800, 1000, 1000, 1000};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(dw_retry_ceiling_ms(&retry), expected[i]);
        (void)dw_retry_next_ms(&retry, 0);
    }
}

static void test_wait_is_jittered_below_the_ceiling(void **state)
{
    (void)state;
    struct dw_retry retry;
    for (uint64_t random = 0; random < 500; random++) {
        dw_retry_init(&retry, 100, 100);
        int64_t wait = dw_retry_next_ms(&retry, random);
        assert_in_range(wait, DW_RETRY_FLOOR_MS, 100);
    }
    dw_retry_init(&retry, 100, 100);
    assert_int_equal(dw_retry_next_ms(&retry, 77), 77);
    assert_int_equal(dw_retry_next_ms(&retry, 101 + 7), 7);
    assert_int_equal(dw_retry_next_ms(&retry, 0), DW_RETRY_FLOOR_MS);
}

static void test_never_gives_up_and_never_overflows(void **state)
{
    (void)state;
    struct dw_retry retry;
    dw_retry_init(&retry, 50, INT64_MAX);
    for (int i = 0; i < 10000; i++)
        assert_true(dw_retry_next_ms(&retry, UINT64_MAX) > 0);
    retry.attempts = UINT32_MAX;
    dw_retry_init(&retry, 50, 60000);
    retry.attempts = UINT32_MAX;
    (void)dw_retry_next_ms(&retry, 1);
    assert_int_equal(retry.attempts, UINT32_MAX);
}

static void test_success_starts_over(void **state)
{
    (void)state;
    struct dw_retry retry;
    dw_retry_init(&retry, 50, 60000);
    for (int i = 0; i < 5; i++)
        (void)dw_retry_next_ms(&retry, 1);
    dw_retry_reset(&retry);
    assert_int_equal(dw_retry_ceiling_ms(&retry), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ceiling_doubles_up_to_the_maximum),
        cmocka_unit_test(test_wait_is_jittered_below_the_ceiling),
        cmocka_unit_test(test_never_gives_up_and_never_overflows),
        cmocka_unit_test(test_success_starts_over),
    };
    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
