/* test_partition_state.c - the life of an assigned partition. */
#include "consumer/pipeline/partition_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static enum dw_partition_state after(enum dw_partition_state state, const char *path)
{
    static const struct {
        char letter;
        enum dw_partition_event event;
    } letters[] = {
        {'c', DW_PARTITION_CLAIMED},   {'b', DW_PARTITION_BACKOFF},  {'t', DW_PARTITION_TIMER},
        {'u', DW_PARTITION_UNCERTAIN}, {'f', DW_PARTITION_FENCED},   {'s', DW_PARTITION_MAP_STOPS},
        {'r', DW_PARTITION_MAP_RUNS},  {'T', DW_PARTITION_TRUNCATE}, {'R', DW_PARTITION_RELEASED},
        {'n', DW_PARTITION_NO_ROOM},   {'m', DW_PARTITION_ROOM},     {'x', DW_PARTITION_REVOKED},
        {'g', DW_PARTITION_MARK},
    };
    for (; *path; path++)
        for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
            if (letters[i].letter == *path)
                state = dw_partition_state_next(state, letters[i].event);
    return state;
}

static void test_ordinary_lives(void **state)
{
    (void)state;
    assert_int_equal(after(DW_PARTITION_PAUSED, "rc"), DW_PARTITION_RUNNING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "b"), DW_PARTITION_RETRYING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "bt"), DW_PARTITION_RUNNING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "u"), DW_PARTITION_CLAIMING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "TR"), DW_PARTITION_RUNNING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "T"), DW_PARTITION_BARRIER);
    assert_int_equal(after(DW_PARTITION_RUNNING, "n"), DW_PARTITION_FULL);
    assert_int_equal(after(DW_PARTITION_RUNNING, "nm"), DW_PARTITION_RUNNING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "ft"), DW_PARTITION_CLAIMING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "g"), DW_PARTITION_TURNING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "gR"), DW_PARTITION_RUNNING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "ng"), DW_PARTITION_TURNING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "gbtg"), DW_PARTITION_TURNING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "gnmT"), DW_PARTITION_TURNING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "gu"), DW_PARTITION_CLAIMING);
    assert_int_equal(after(DW_PARTITION_RUNNING, "gft"), DW_PARTITION_CLAIMING);
}

static void test_a_paused_partition_claims_anew(void **state)
{
    (void)state;
    for (int from = 0; from < DW_PARTITION_GONE; from++) {
        assert_int_equal(after((enum dw_partition_state)from, "s"), DW_PARTITION_PAUSED);
        assert_int_equal(after((enum dw_partition_state)from, "sr"), DW_PARTITION_CLAIMING);
    }
}

static void test_revoked_is_final(void **state)
{
    (void)state;
    for (int from = 0; from < DW_PARTITION_STATE_COUNT; from++)
        assert_int_equal(after((enum dw_partition_state)from, "xrcbtuTRnms"), DW_PARTITION_GONE);
}

static void test_a_backoff_while_claiming_stays_there(void **state)
{
    (void)state;
    assert_int_equal(after(DW_PARTITION_CLAIMING, "bt"), DW_PARTITION_CLAIMING);
    assert_int_equal(after(DW_PARTITION_BARRIER, "bt"), DW_PARTITION_BARRIER);
}

static void test_everything_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < DW_PARTITION_STATE_COUNT; i++)
        assert_non_null(dw_partition_state_name((enum dw_partition_state)i));
    for (int i = 0; i < DW_PARTITION_EVENT_COUNT; i++)
        assert_non_null(dw_partition_state_event_name((enum dw_partition_event)i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary_lives),
        cmocka_unit_test(test_a_paused_partition_claims_anew),
        cmocka_unit_test(test_revoked_is_final),
        cmocka_unit_test(test_a_backoff_while_claiming_stays_there),
        cmocka_unit_test(test_everything_has_a_name),
    };
    return cmocka_run_group_tests_name("partition_state", tests, NULL, NULL);
}
