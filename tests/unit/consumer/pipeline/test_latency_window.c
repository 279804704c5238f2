/* test_latency_window.c - the window of latencies. */
#include "consumer/pipeline/latency_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void test_bucket_holds_its_bound(void **state)
{
    (void)state;
    assert_int_equal(dw_latency_window_bucket(0), 0);
    assert_int_equal(dw_latency_window_bucket(100), 0);
    assert_int_equal(dw_latency_window_bucket(101), 1);
    assert_int_equal(dw_latency_window_bucket(INT64_MAX), DW_METRIC_BUCKETS - 1);
    for (int i = 0; i < DW_METRIC_BUCKETS - 1; i++)
        assert_int_equal(dw_latency_window_bucket(dw_metrics_bucket_us(i)), i);
}

static void test_window_slides(void **state)
{
    (void)state;
    struct dw_latency_window latency = {0};
    int64_t buckets[DW_METRIC_BUCKETS] = {[3] = 5};
    int64_t sum[DW_METRIC_BUCKETS];
    dw_latency_window_add(&latency, 0, buckets);
    dw_latency_window_add(&latency, 30000, buckets);
    dw_latency_window_sum(&latency, 30000, sum);
    assert_int_equal(sum[3], 10);
    dw_latency_window_sum(&latency, 61000, sum);
    assert_int_equal(sum[3], 5);
    dw_latency_window_add(&latency, 60000, buckets); /* the slice of 0 again */
    dw_latency_window_sum(&latency, 61000, sum);
    assert_int_equal(sum[3], 10);
    dw_latency_window_sum(&latency, 1000000, sum);
    assert_int_equal(sum[3], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket_holds_its_bound),
        cmocka_unit_test(test_window_slides),
    };
    return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
