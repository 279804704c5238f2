/* Events wait for others only while very many come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include "producer/capture_postgres/pace.h"
#include <cmocka.h>

/* `rate` events in each millisecond, from `from_ms` on; what was sent at the end of each. */
static int64_t load(struct dw_pace *pace, int64_t from_ms, int64_t until_ms, uint64_t rate)
{
    int64_t sent = 0;
    for (int64_t now = from_ms; now < until_ms; now++) {
        dw_pace_add(pace, now, rate);
        if (dw_pace_wait_ms(pace, now) == 0 && rate) {
            dw_pace_sent(pace);
            sent++;
        }
    }
    return sent;
}

static void test_nothing_waits_at_a_low_rate(void **state)
{
    (void)state;
    struct dw_pace pace = {.window_ms = 0};
    assert_int_equal(load(&pace, 1000, 1500, 9), 500);
}

static void test_a_burst_is_sent_at_once(void **state)
{
    (void)state;
    struct dw_pace pace = {.window_ms = 0};
    dw_pace_add(&pace, 1000, 5000);
    assert_int_equal(dw_pace_wait_ms(&pace, 1000), 0);
    dw_pace_sent(&pace);
    dw_pace_add(&pace, 1100, 1); /* the burst is long over */
    assert_int_equal(dw_pace_wait_ms(&pace, 1100), 0);
}

static void test_many_are_gathered(void **state)
{
    (void)state;
    struct dw_pace pace = {.window_ms = 0};
    (void)load(&pace, 1000, 1100, 50);
    int64_t sent = load(&pace, 1100, 2100, 50);
    assert_in_range(sent, 1000 / (DW_PACE_HOLD_MS + 1), 1000 / DW_PACE_HOLD_MS);
}

static void test_the_wait_ends(void **state)
{
    (void)state;
    struct dw_pace pace = {.window_ms = 0};
    (void)load(&pace, 1000, 1100, 50);
    dw_pace_sent(&pace);
    dw_pace_add(&pace, 1100, 50);
    assert_int_equal(dw_pace_wait_ms(&pace, 1100), DW_PACE_HOLD_MS);
    assert_int_equal(dw_pace_wait_ms(&pace, 1105), DW_PACE_HOLD_MS - 5);
    assert_int_equal(dw_pace_wait_ms(&pace, 1100 + DW_PACE_HOLD_MS), 0);
    assert_int_equal(dw_pace_wait_ms(&pace, 5000), 0);
    dw_pace_sent(&pace);
    assert_int_equal(dw_pace_wait_ms(&pace, 5000), 0);
}

static void test_a_load_that_ends_is_noticed(void **state)
{
    (void)state;
    struct dw_pace pace = {.window_ms = 0};
    (void)load(&pace, 1000, 1100, 50);
    dw_pace_sent(&pace);
    assert_int_equal(load(&pace, 1100 + 2 * DW_PACE_WINDOW_MS, 1200, 1), 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_waits_at_a_low_rate),
        cmocka_unit_test(test_a_burst_is_sent_at_once),
        cmocka_unit_test(test_many_are_gathered),
        cmocka_unit_test(test_the_wait_ends),
        cmocka_unit_test(test_a_load_that_ends_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
