/* test_replay_judge.c - held row and replay: what becomes of the letter (traps 23 and 24). */
#include "consumer/pipeline/replay_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void test_each_held_row_with_each_attempt(void **state)
{
    (void)state;
    static const struct {
        struct dw_held_row row; /* exists, ended, touched, attempts */
        int64_t attempt;
        enum dw_replay_verdict verdict;
    } cases[] = {
        {{false, false, false, 0}, 2, DW_REPLAY_NOTHING}, /* settled before, and swept away */
        {{true, true, false, 1}, 2, DW_REPLAY_NOTHING},   /* superseded, applied or discarded */
        {{true, true, true, 1}, 2, DW_REPLAY_NOTHING},
        {{true, false, false, 1}, 2, DW_REPLAY_APPLY},
        {{true, false, false, 1}, 5, DW_REPLAY_APPLY},   /* attempts between were lost */
        {{true, false, false, 2}, 2, DW_REPLAY_NOTHING}, /* published twice, failed the first time
                                                          */
        {{true, false, false, 3}, 2, DW_REPLAY_NOTHING}, /* an older one comes late */
        {{true, false, true, 1}, 2, DW_REPLAY_READ_ROW}, /* something of its key came, and lacks */
        {{true, false, true, 2}, 2, DW_REPLAY_NOTHING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(dw_replay_judge(&cases[i].row, cases[i].attempt, false), cases[i].verdict);
    const struct dw_held_row row = {true, false, false, 1};
    assert_int_equal(dw_replay_judge(&row, 2, true), DW_REPLAY_READ_ROW);
    assert_int_equal(dw_replay_judge(&row, 1, true), DW_REPLAY_NOTHING);
}

static void test_each_outcome_is_noted(void **state)
{
    (void)state;
    const struct dw_replay replay = {
        .topic = DW_STR_LIT("t"), .partition = 3, .offset = 9, .attempt = 4};
    static const struct {
        enum dw_outcome outcome;
        const char *noted;
    } ends[] = {{DW_OUTCOME_APPLIED, "applied"},
                {DW_OUTCOME_SUPERSEDED, "superseded"},
                {DW_OUTCOME_FILTERED, "filtered"}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct dw_held_settle settle = dw_replay_judge_settle(&replay, ends[i].outcome, "x");
        assert_string_equal(settle.outcome, ends[i].noted);
        assert_null(settle.code);
        assert_int_equal(settle.id.partition, 3);
        assert_int_equal(settle.id.offset, 9);
    }
    struct dw_held_settle failed = dw_replay_judge_settle(&replay, DW_OUTCOME_DEAD, "DW-APPLY-012");
    assert_null(failed.outcome);
    assert_string_equal(failed.code, "DW-APPLY-012");
    assert_int_equal(failed.attempt, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_held_row_with_each_attempt),
        cmocka_unit_test(test_each_outcome_is_noted),
    };
    return cmocka_run_group_tests_name("replay_judge", tests, NULL, NULL);
}
