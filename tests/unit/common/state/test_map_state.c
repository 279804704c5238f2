/* test_map_state.c - every state with every event, and the names. */
#include "common/state/map_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MOVES   DW_MAP_MOVES
#define STAYS   DW_MAP_STAYS
#define REFUSES DW_MAP_REFUSES

/* Written out once more, as a person would say it. */
static const struct {
    enum dw_map_state from;
    enum dw_map_event event;
    enum dw_map_answer answer;
    enum dw_map_state to;
} expected[] = {
    {DW_MAP_STOPPED, DW_MAP_START, MOVES, DW_MAP_RUNNING},
    {DW_MAP_STOPPED, DW_MAP_START_SYNC, MOVES, DW_MAP_INITIAL_SYNC},
    {DW_MAP_STOPPED, DW_MAP_PAUSE, REFUSES, DW_MAP_STOPPED},
    {DW_MAP_STOPPED, DW_MAP_RESUME, REFUSES, DW_MAP_STOPPED},
    {DW_MAP_STOPPED, DW_MAP_RESUME_SYNC, REFUSES, DW_MAP_STOPPED},
    {DW_MAP_STOPPED, DW_MAP_STOP, STAYS, DW_MAP_STOPPED},
    {DW_MAP_STOPPED, DW_MAP_FAIL, STAYS, DW_MAP_STOPPED},
    {DW_MAP_STOPPED, DW_MAP_SYNCED, STAYS, DW_MAP_STOPPED},
    {DW_MAP_STOPPED, DW_MAP_SYNC_FAILED, STAYS, DW_MAP_STOPPED},
    {DW_MAP_STOPPED, DW_MAP_CAUGHT_UP, STAYS, DW_MAP_STOPPED},
    {DW_MAP_INITIAL_SYNC, DW_MAP_START, STAYS, DW_MAP_INITIAL_SYNC},
    {DW_MAP_INITIAL_SYNC, DW_MAP_START_SYNC, STAYS, DW_MAP_INITIAL_SYNC},
    {DW_MAP_INITIAL_SYNC, DW_MAP_PAUSE, MOVES, DW_MAP_PAUSED},
    {DW_MAP_INITIAL_SYNC, DW_MAP_RESUME, STAYS, DW_MAP_INITIAL_SYNC},
    {DW_MAP_INITIAL_SYNC, DW_MAP_RESUME_SYNC, MOVES, DW_MAP_INITIAL_SYNC},
    {DW_MAP_INITIAL_SYNC, DW_MAP_STOP, MOVES, DW_MAP_STOPPED},
    {DW_MAP_INITIAL_SYNC, DW_MAP_FAIL, MOVES, DW_MAP_ERROR},
    {DW_MAP_INITIAL_SYNC, DW_MAP_SYNCED, MOVES, DW_MAP_CATCHING_UP},
    {DW_MAP_INITIAL_SYNC, DW_MAP_SYNC_FAILED, MOVES, DW_MAP_INITIAL_SYNC},
    {DW_MAP_INITIAL_SYNC, DW_MAP_CAUGHT_UP, STAYS, DW_MAP_INITIAL_SYNC},
    {DW_MAP_RUNNING, DW_MAP_START, STAYS, DW_MAP_RUNNING},
    {DW_MAP_RUNNING, DW_MAP_START_SYNC, STAYS, DW_MAP_RUNNING},
    {DW_MAP_RUNNING, DW_MAP_PAUSE, MOVES, DW_MAP_PAUSED},
    {DW_MAP_RUNNING, DW_MAP_RESUME, STAYS, DW_MAP_RUNNING},
    {DW_MAP_RUNNING, DW_MAP_RESUME_SYNC, STAYS, DW_MAP_RUNNING},
    {DW_MAP_RUNNING, DW_MAP_STOP, MOVES, DW_MAP_STOPPED},
    {DW_MAP_RUNNING, DW_MAP_FAIL, MOVES, DW_MAP_ERROR},
    {DW_MAP_RUNNING, DW_MAP_SYNCED, STAYS, DW_MAP_RUNNING},
    {DW_MAP_RUNNING, DW_MAP_SYNC_FAILED, STAYS, DW_MAP_RUNNING},
    {DW_MAP_RUNNING, DW_MAP_CAUGHT_UP, STAYS, DW_MAP_RUNNING},
    {DW_MAP_PAUSED, DW_MAP_START, REFUSES, DW_MAP_PAUSED},
    {DW_MAP_PAUSED, DW_MAP_START_SYNC, REFUSES, DW_MAP_PAUSED},
    {DW_MAP_PAUSED, DW_MAP_PAUSE, STAYS, DW_MAP_PAUSED},
    {DW_MAP_PAUSED, DW_MAP_RESUME, MOVES, DW_MAP_CATCHING_UP},
    {DW_MAP_PAUSED, DW_MAP_RESUME_SYNC, MOVES, DW_MAP_INITIAL_SYNC},
    {DW_MAP_PAUSED, DW_MAP_STOP, MOVES, DW_MAP_STOPPED},
    {DW_MAP_PAUSED, DW_MAP_FAIL, MOVES, DW_MAP_ERROR},
    {DW_MAP_PAUSED, DW_MAP_SYNCED, STAYS, DW_MAP_PAUSED},
    {DW_MAP_PAUSED, DW_MAP_SYNC_FAILED, STAYS, DW_MAP_PAUSED},
    {DW_MAP_PAUSED, DW_MAP_CAUGHT_UP, STAYS, DW_MAP_PAUSED},
    {DW_MAP_CATCHING_UP, DW_MAP_START, STAYS, DW_MAP_CATCHING_UP},
    {DW_MAP_CATCHING_UP, DW_MAP_START_SYNC, STAYS, DW_MAP_CATCHING_UP},
    {DW_MAP_CATCHING_UP, DW_MAP_PAUSE, MOVES, DW_MAP_PAUSED},
    {DW_MAP_CATCHING_UP, DW_MAP_RESUME, STAYS, DW_MAP_CATCHING_UP},
    {DW_MAP_CATCHING_UP, DW_MAP_RESUME_SYNC, STAYS, DW_MAP_CATCHING_UP},
    {DW_MAP_CATCHING_UP, DW_MAP_STOP, MOVES, DW_MAP_STOPPED},
    {DW_MAP_CATCHING_UP, DW_MAP_FAIL, MOVES, DW_MAP_ERROR},
    {DW_MAP_CATCHING_UP, DW_MAP_SYNCED, STAYS, DW_MAP_CATCHING_UP},
    {DW_MAP_CATCHING_UP, DW_MAP_SYNC_FAILED, STAYS, DW_MAP_CATCHING_UP},
    {DW_MAP_CATCHING_UP, DW_MAP_CAUGHT_UP, MOVES, DW_MAP_RUNNING},
    {DW_MAP_ERROR, DW_MAP_START, REFUSES, DW_MAP_ERROR},
    {DW_MAP_ERROR, DW_MAP_START_SYNC, REFUSES, DW_MAP_ERROR},
    {DW_MAP_ERROR, DW_MAP_PAUSE, MOVES, DW_MAP_PAUSED},
    {DW_MAP_ERROR, DW_MAP_RESUME, MOVES, DW_MAP_CATCHING_UP},
    {DW_MAP_ERROR, DW_MAP_RESUME_SYNC, MOVES, DW_MAP_INITIAL_SYNC},
    {DW_MAP_ERROR, DW_MAP_STOP, MOVES, DW_MAP_STOPPED},
    {DW_MAP_ERROR, DW_MAP_FAIL, STAYS, DW_MAP_ERROR},
    {DW_MAP_ERROR, DW_MAP_SYNCED, STAYS, DW_MAP_ERROR},
    {DW_MAP_ERROR, DW_MAP_SYNC_FAILED, STAYS, DW_MAP_ERROR},
    {DW_MAP_ERROR, DW_MAP_CAUGHT_UP, STAYS, DW_MAP_ERROR},
};

static void test_next_of_every_pair_is_as_written(void **state)
{
    (void)state;
    assert_int_equal(sizeof expected / sizeof *expected, DW_MAP_STATE_COUNT * DW_MAP_EVENT_COUNT);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct dw_map_transition found = dw_map_state_next(expected[i].from, expected[i].event);
        assert_int_equal(found.answer, expected[i].answer);
        assert_int_equal(found.to, expected[i].to);
        assert_int_equal(*found.hint != '\0', found.answer == DW_MAP_REFUSES);
    }
}

static void test_names_are_parsed_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DW_MAP_STATE_COUNT; i++) {
        enum dw_map_state parsed;
        assert_true(dw_map_state_parse(dw_map_state_name((enum dw_map_state)i), &parsed));
        assert_int_equal(parsed, i);
    }
    enum dw_map_state unused;
    assert_false(dw_map_state_parse("Running", &unused));
    assert_string_equal(dw_map_state_name((enum dw_map_state)99), "unknown");
}

static void test_active_is_published_and_applied(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DW_MAP_STATE_COUNT; i++)
        assert_int_equal(dw_map_state_active((enum dw_map_state)i), i == DW_MAP_INITIAL_SYNC ||
                                                                        i == DW_MAP_RUNNING ||
                                                                        i == DW_MAP_CATCHING_UP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_of_every_pair_is_as_written),
        cmocka_unit_test(test_names_are_parsed_back),
        cmocka_unit_test(test_active_is_published_and_applied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
