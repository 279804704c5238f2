/* test_letter_choose.c - what a job does with each letter. */
#include "reconciler/dead_letters/letter_choose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static const struct dw_map_record map = {
    .name = "items",
    .state = DW_MAP_RUNNING,
    .document = "{\"map\":\"items\",\"version\":\"1.0.0\","
                "\"source\":{\"system\":\"erp\",\"table\":\"item\",\"key\":[\"id\"]},"
                "\"target\":{\"system\":\"crm\",\"table\":\"item\",\"key\":[\"id\"]},"
                "\"direction\":\"forward\",\"columns\":[]}",
};

static struct dw_letter letter_of(enum dw_letter_state state)
{
    return (struct dw_letter){
        .id = 7,
        .kind = DW_LETTER_EVENT,
        .state = state,
        .map = "items",
        .incarnation = "now",
        .version = "3/0/10/0",
        .key = DW_STR_LIT("{\"id\":1}"),
        .attempts = 1,
        .value_bytes = 10,
    };
}

static struct dw_letter_facts facts_now(void)
{
    return (struct dw_letter_facts){
        .map = &map, .incarnation = "now", .epoch = 3, .attempts_max = 20};
}

static struct dw_arena arena;

static void expect(enum dw_letter_action action, const struct dw_letter *letter,
                   const struct dw_letter_facts *facts, enum dw_letter_choice choice,
                   const char *reason)
{
    struct dw_letter_chosen chosen = dw_letter_choose(action, false, letter, facts, &arena);
    assert_int_equal(chosen.choice, choice);
    assert_non_null(strstr(chosen.reason, reason));
    if (choice == DW_LETTER_READ_ROW)
        assert_string_equal(chosen.key, "[\"1\"]");
}

static void test_an_open_letter_goes_through_the_topic(void **state)
{
    (void)state;
    struct dw_letter_facts facts = facts_now();
    struct dw_letter letter = letter_of(DW_LETTER_OPEN);
    expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_SEND, "");
    letter.version = ""; /* a foreign event has none */
    expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_SEND, "");
    struct dw_letter_chosen chosen =
        dw_letter_choose(DW_LETTER_REPLAY, true, &letter, &facts, &arena);
    assert_int_equal(chosen.choice, DW_LETTER_READ_ROW);
    assert_string_equal(chosen.key, "[\"1\"]");
}

static void test_what_is_of_another_time_is_read_from_the_source(void **state)
{
    (void)state;
    struct dw_letter_facts facts = facts_now();
    struct dw_letter letter = letter_of(DW_LETTER_OPEN);
    letter.incarnation = "before";
    expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_READ_ROW, "older incarnation");
    letter = letter_of(DW_LETTER_OPEN);
    letter.version = "2/0/10/0";
    expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_READ_ROW, "older history");
    letter = letter_of(DW_LETTER_OPEN);
    letter.archived = true;
    expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_READ_ROW, "archive");
    letter = letter_of(DW_LETTER_OPEN);
    letter.kind = DW_LETTER_REFERENCE;
    letter.value_bytes = -1;
    expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_READ_ROW, "no value");
}

static void test_what_cannot_be_replayed_says_why(void **state)
{
    (void)state;
    struct dw_letter_facts facts = facts_now();
    static const enum dw_letter_state others[] = {
        DW_LETTER_UNCONFIRMED, DW_LETTER_VOID,       DW_LETTER_REPLAYING, DW_LETTER_DISCARDING,
        DW_LETTER_APPLIED,     DW_LETTER_SUPERSEDED, DW_LETTER_FILTERED,  DW_LETTER_DISCARDED};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct dw_letter letter = letter_of(others[i]);
        expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_REFUSE,
               dw_state_letters_state_name(others[i]));
    }
    struct dw_letter letter = letter_of(DW_LETTER_OPEN);
    letter.attempts = 20;
    expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_REFUSE, "replay_attempts_max");
    letter = letter_of(DW_LETTER_OPEN);
    letter.key = DW_STR_LIT("k");
    expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_REFUSE, "which row");
    letter.kind = DW_LETTER_FOREIGN;
    expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_REFUSE, "headers");
    letter = letter_of(DW_LETTER_OPEN);
    facts.map = NULL;
    expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_REFUSE, "no map");
    struct dw_map_record stopped = map;
    stopped.state = DW_MAP_STOPPED;
    facts.map = &stopped;
    expect(DW_LETTER_REPLAY, &letter, &facts, DW_LETTER_REFUSE, "stopped");
}

static void test_discard_and_purge_are_for_their_states(void **state)
{
    (void)state;
    struct dw_letter_facts facts = {.incarnation = ""};
    struct dw_letter letter = letter_of(DW_LETTER_OPEN);
    expect(DW_LETTER_DISCARD, &letter, &facts, DW_LETTER_LET_GO, "");
    expect(DW_LETTER_PURGE, &letter, &facts, DW_LETTER_REFUSE, "it is open");
    letter.kind = DW_LETTER_REFERENCE; /* nobody holds it */
    expect(DW_LETTER_DISCARD, &letter, &facts, DW_LETTER_END, "");
    letter = letter_of(DW_LETTER_APPLIED);
    expect(DW_LETTER_DISCARD, &letter, &facts, DW_LETTER_REFUSE, "it is applied");
    expect(DW_LETTER_PURGE, &letter, &facts, DW_LETTER_REMOVE, "");
}

static int setup(void **state)
{
    (void)state;
    dw_arena_init(&arena, 16384);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_open_letter_goes_through_the_topic),
        cmocka_unit_test(test_what_is_of_another_time_is_read_from_the_source),
        cmocka_unit_test(test_what_cannot_be_replayed_says_why),
        cmocka_unit_test(test_discard_and_purge_are_for_their_states),
    };
    return cmocka_run_group_tests_name("letter_choose", tests, setup, teardown);
}
