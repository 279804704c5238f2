/* test_letter_judge.c - which letters count, by what the target says (traps 13 and 14). */
#include "reconciler/dead_letters/letter_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OFFSET 100

static enum dw_letter_state judge(struct dw_letter_evidence evidence)
{
    return dw_letter_judge_state(OFFSET, &evidence);
}

static void test_held_letter_is_open(void **state)
{
    (void)state;
    assert_int_equal(judge((struct dw_letter_evidence){.held = true}), DW_LETTER_OPEN);
    assert_int_equal(
        judge((struct dw_letter_evidence){.held = true, .has_progress = true, .next_offset = 500}),
        DW_LETTER_OPEN);
}

static void test_held_letter_of_an_old_incarnation_with_a_newer_one_is_void(void **state)
{
    (void)state;
    assert_int_equal(judge((struct dw_letter_evidence){.held = true, .outdated = true}),
                     DW_LETTER_VOID);
}

static void test_letter_before_its_commit_is_unconfirmed(void **state)
{
    (void)state;
    assert_int_equal(judge((struct dw_letter_evidence){.held = false}), DW_LETTER_UNCONFIRMED);
    assert_int_equal(judge((struct dw_letter_evidence){.has_progress = true, .next_offset = 100}),
                     DW_LETTER_UNCONFIRMED);
}

static void test_letter_passed_without_held_row_is_void(void **state)
{
    (void)state;
    assert_int_equal(judge((struct dw_letter_evidence){.has_progress = true, .next_offset = 101}),
                     DW_LETTER_VOID);
}

static void test_letter_of_a_waiting_event_is_unconfirmed(void **state)
{
    (void)state;
    assert_int_equal(judge((struct dw_letter_evidence){
                         .waiting = true, .has_progress = true, .next_offset = 5000}),
                     DW_LETTER_UNCONFIRMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_letter_is_open),
        cmocka_unit_test(test_held_letter_of_an_old_incarnation_with_a_newer_one_is_void),
        cmocka_unit_test(test_letter_before_its_commit_is_unconfirmed),
        cmocka_unit_test(test_letter_passed_without_held_row_is_void),
        cmocka_unit_test(test_letter_of_a_waiting_event_is_unconfirmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
