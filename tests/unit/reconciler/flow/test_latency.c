/* test_latency.c - percentiles from merged histograms. */
#include "reconciler/flow/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_nothing_observed_has_no_percentile(void **state)
{
    (void)state;
    struct dw_latency none = {{0}};
    assert_int_equal(dw_latency_percentile_us(&none, 50), -1);
}

static void test_percentile_is_interpolated_in_its_bucket(void **state)
{
    (void)state;
    struct dw_latency latency = {{0}};
    latency.counts[3] = 100; /* 400 µs to 800 µs */
    assert_int_equal(dw_latency_percentile_us(&latency, 50), 600);
    assert_int_equal(dw_latency_percentile_us(&latency, 100), 800);
    latency.counts[5] = 100; /* 1600 µs to 3200 µs */
    assert_int_equal(dw_latency_percentile_us(&latency, 50), 800);
    assert_int_equal(dw_latency_percentile_us(&latency, 75), 2400);
}

static void test_percentiles_never_fall(void **state)
{
    (void)state;
    struct dw_latency latency = {{0}};
    for (int i = 0; i < DW_METRIC_BUCKETS; i++)
        latency.counts[i] = (i * 7919) % 13;
    int64_t before = 0;
    for (int percent = 0; percent <= 100; percent++) {
        int64_t now = dw_latency_percentile_us(&latency, percent);
        assert_true(now >= before);
        before = now;
    }
}

static void test_open_end_is_given_as_its_lower_bound(void **state)
{
    (void)state;
    struct dw_latency latency = {{0}};
    latency.counts[DW_METRIC_BUCKETS - 1] = 1;
    assert_int_equal(dw_latency_percentile_us(&latency, 99),
                     dw_metrics_bucket_us(DW_METRIC_BUCKETS - 2));
}

static void test_added_histograms_count_together(void **state)
{
    (void)state;
    struct dw_latency sum = {{0}};
    struct dw_latency one = {{0}};
    one.counts[0] = 2;
    one.counts[9] = 3;
    dw_latency_add(&sum, &one);
    dw_latency_add(&sum, &one);
    assert_int_equal(dw_latency_count(&sum), 10);
    assert_int_equal(sum.counts[9], 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_observed_has_no_percentile),
        cmocka_unit_test(test_percentile_is_interpolated_in_its_bucket),
        cmocka_unit_test(test_percentiles_never_fall),
        cmocka_unit_test(test_open_end_is_given_as_its_lower_bound),
        cmocka_unit_test(test_added_histograms_count_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
