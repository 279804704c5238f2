/* test_accounting.c - the counts of a partition balance. */
#include "consumer/pipeline/accounting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void test_every_record_counts_once(void **state)
{
    (void)state;
    struct dw_progress progress = {.next_offset = 10, .first_offset = 10};
    for (int i = 0; i < 70; i++)
        dw_accounting_record(&progress, 10 + i,
                             (enum dw_outcome)(DW_OUTCOME_APPLIED + i % (DW_OUTCOME_COUNT - 1)));
    assert_true(dw_accounting_balanced(&progress));
    assert_int_equal(progress.next_offset, 80);
    assert_int_equal(progress.counts[DW_OUTCOME_WAITING], 10);
    for (int i = 0; i < 10; i++)
        dw_accounting_settle(&progress, i % 2 ? DW_OUTCOME_APPLIED : DW_OUTCOME_DEAD);
    assert_true(dw_accounting_balanced(&progress));
    assert_int_equal(progress.counts[DW_OUTCOME_WAITING], 0);
}

static void test_left_out_offsets_are_control(void **state)
{
    (void)state;
    struct dw_progress progress = {0};
    dw_accounting_record(&progress, 0, DW_OUTCOME_APPLIED);
    dw_accounting_record(&progress, 5, DW_OUTCOME_APPLIED);
    assert_int_equal(progress.counts[DW_OUTCOME_CONTROL], 4);
    assert_true(dw_accounting_balanced(&progress));
}

static void test_a_jump_keeps_the_balance(void **state)
{
    (void)state;
    struct dw_progress progress = {.next_offset = 100, .first_offset = 100};
    dw_accounting_record(&progress, 100, DW_OUTCOME_APPLIED);
    dw_accounting_jump(&progress, 0); /* a topic made anew */
    assert_int_equal(progress.next_offset, 0);
    assert_true(dw_accounting_balanced(&progress));
    dw_accounting_record(&progress, 0, DW_OUTCOME_DUPLICATE);
    assert_true(dw_accounting_balanced(&progress));
    progress.counts[DW_OUTCOME_DEAD]++;
    assert_false(dw_accounting_balanced(&progress));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_record_counts_once),
        cmocka_unit_test(test_left_out_offsets_are_control),
        cmocka_unit_test(test_a_jump_keeps_the_balance),
    };
    return cmocka_run_group_tests_name("accounting", tests, NULL, NULL);
}
