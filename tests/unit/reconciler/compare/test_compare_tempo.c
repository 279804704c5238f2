/* test_compare_tempo.c - steps grow and shrink with the time they take; the rate is kept. */
#include "reconciler/compare/compare_tempo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void test_quick_steps_grow_to_a_bound(void **state)
{
    (void)state;
    struct dw_compare_tempo tempo;
    dw_compare_tempo_init(&tempo, true, 0);
    int64_t first = dw_compare_tempo_rows(&tempo);
    assert_int_equal(dw_compare_tempo_took(&tempo, 1000, first, 0), 0);
    assert_int_equal(dw_compare_tempo_rows(&tempo), first * 2);
    for (int i = 0; i < 20; i++)
        (void)dw_compare_tempo_took(&tempo, 1000, first, 0);
    int64_t most = dw_compare_tempo_rows(&tempo);
    (void)dw_compare_tempo_took(&tempo, 1000, first, 0);
    assert_int_equal(dw_compare_tempo_rows(&tempo), most);
}

static void test_slow_steps_and_large_rows_shrink(void **state)
{
    (void)state;
    struct dw_compare_tempo tempo;
    dw_compare_tempo_init(&tempo, false, 0);
    int64_t first = dw_compare_tempo_rows(&tempo);
    (void)dw_compare_tempo_took(&tempo, 1000, first, (size_t)50 << 20);
    assert_int_equal(dw_compare_tempo_rows(&tempo), first / 2);
    (void)dw_compare_tempo_took(&tempo, 5000000, first, 0);
    assert_int_equal(dw_compare_tempo_rows(&tempo), first / 4);
    for (int i = 0; i < 20; i++)
        dw_compare_tempo_too_long(&tempo);
    assert_true(dw_compare_tempo_rows(&tempo) > 0);
}

static void test_a_rate_is_kept_by_waiting(void **state)
{
    (void)state;
    struct dw_compare_tempo tempo;
    dw_compare_tempo_init(&tempo, true, 5000);
    assert_int_equal(dw_compare_tempo_rows(&tempo), 5000);
    assert_int_equal(dw_compare_tempo_took(&tempo, 100000, 5000, 0), 900);
    assert_int_equal(dw_compare_tempo_took(&tempo, 2000000, 5000, 0), 0);
    dw_compare_tempo_init(&tempo, true, 10); /* not less than a range at a time */
    int64_t rows = dw_compare_tempo_rows(&tempo);
    assert_true(dw_compare_tempo_took(&tempo, 0, rows, 0) >= rows * 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quick_steps_grow_to_a_bound),
        cmocka_unit_test(test_slow_steps_and_large_rows_shrink),
        cmocka_unit_test(test_a_rate_is_kept_by_waiting),
    };
    return cmocka_run_group_tests_name("compare_tempo", tests, NULL, NULL);
}
