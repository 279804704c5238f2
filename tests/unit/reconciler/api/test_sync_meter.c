/* test_sync_meter.c - rows per second and the time left. */
#include "reconciler/api/sync_meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)

static void assert_pace(struct dw_sync_pace pace, double rate, double left)
{
    assert_true(pace.rows_per_second > rate - 0.1 && pace.rows_per_second < rate + 0.1);
    assert_true(pace.seconds_left > left - 0.1 && pace.seconds_left < left + 0.1);
}

static void test_rate_is_that_of_the_last_half_minute(void **state)
{
    (void)state;
    struct dw_sync_meter *meter = dw_sync_meter_new();
    int64_t rows = 0;
    for (int64_t s = 1; s <= 100; s++) { /* 100 rows/s, then 10 */
        dw_sync_meter_note(meter, 7, rows, s * SECOND);
        rows += s < 60 ? 100 : 10;
    }
    assert_pace(dw_sync_meter_pace(meter, 7, rows, rows + 100, SECOND, 101 * SECOND), 10, 10);
    /* it stands */
    for (int64_t s = 101; s <= 140; s++)
        dw_sync_meter_note(meter, 7, rows, s * SECOND);
    assert_pace(dw_sync_meter_pace(meter, 7, rows, rows + 100, SECOND, 141 * SECOND), 0, -1);
    dw_sync_meter_free(meter);
}

static void test_a_sync_not_seen_before_has_the_rate_since_its_start(void **state)
{
    (void)state;
    struct dw_sync_meter *meter = dw_sync_meter_new();
    assert_pace(dw_sync_meter_pace(meter, 1, 500, 1000, 10 * SECOND, 20 * SECOND), 50, 10);
    assert_pace(dw_sync_meter_pace(meter, 1, 500, 1000, 0, 20 * SECOND), 0, -1);
    assert_pace(dw_sync_meter_pace(meter, 1, 1500, 1000, 10 * SECOND, 20 * SECOND), 150, 0);
    assert_pace(dw_sync_meter_pace(meter, 1, 500, 0, 10 * SECOND, 20 * SECOND), 50, -1);
    dw_sync_meter_free(meter);
}

static void test_what_is_not_noted_any_more_is_forgotten(void **state)
{
    (void)state;
    struct dw_sync_meter *meter = dw_sync_meter_new();
    dw_sync_meter_note(meter, 1, 0, 100 * SECOND);
    dw_sync_meter_note(meter, 2, 0, 150 * SECOND);
    dw_sync_meter_forget(meter, 165 * SECOND);
    assert_pace(dw_sync_meter_pace(meter, 2, 150, 300, 1, 165 * SECOND), 10, 15);
    assert_pace(dw_sync_meter_pace(meter, 1, 165, 330, 1, 165 * SECOND), 1, 165);
    dw_sync_meter_free(meter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_is_that_of_the_last_half_minute),
        cmocka_unit_test(test_a_sync_not_seen_before_has_the_rate_since_its_start),
        cmocka_unit_test(test_what_is_not_noted_any_more_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
