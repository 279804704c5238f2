/* The decision whether a stream may start, and trap 12: the commits that come again. */
#include "producer/capture_postgres/start_position.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static const struct dw_start_facts fine = {
    .system_identifier = "7000",
    .timeline = 1,
    .server_lsn = 1000,
    .slot_exists = true,
    .slot_confirmed_lsn = 500,
    .known = true,
    .known_system_identifier = "7000",
    .known_timeline = 1,
    .published_lsn = 510,
    .confirmed_lsn = 520,
};

static void expect(const struct dw_start_facts *facts, enum dw_start wanted, const char *name)
{
    enum dw_start start = dw_start_position_decide(facts);
    assert_int_equal(start, wanted);
    assert_string_equal(dw_start_position_name(start), name);
    assert_int_equal(dw_start_position_is_gap(start), dw_start_position_code(start) != NULL);
    struct dw_buf text;
    dw_buf_init(&text, 1024);
    dw_start_position_explain(start, facts, &text);
    assert_true(text.len > 0);
    dw_buf_done(&text);
}

static void test_each_decision(void **state)
{
    (void)state;
    expect(&fine, DW_START_RESUME, "streaming");

    struct dw_start_facts facts = fine;
    facts.slot_confirmed_lsn = 520;
    expect(&facts, DW_START_RESUME, "streaming");
    facts.slot_confirmed_lsn = 521;
    expect(&facts, DW_START_SLOT_AHEAD, "slot_ahead");

    facts = fine;
    facts.slot_exists = false;
    expect(&facts, DW_START_SLOT_MISSING, "slot_missing");
    facts.known = false;
    expect(&facts, DW_START_FIRST, "streaming");

    facts = fine;
    facts.slot_lost = true;
    expect(&facts, DW_START_SLOT_LOST, "slot_lost");
    facts.known = false;
    expect(&facts, DW_START_SLOT_LOST, "slot_lost");

    facts = fine;
    facts.system_identifier = "7001";
    expect(&facts, DW_START_SYSTEM_CHANGED, "system_changed");

    facts = fine;
    facts.timeline = 2;
    expect(&facts, DW_START_TIMELINE_CHANGED, "timeline_changed");

    facts = fine;
    facts.server_lsn = 515;
    expect(&facts, DW_START_SERVER_BEHIND, "server_behind");
    facts.server_lsn = 520;
    expect(&facts, DW_START_RESUME, "streaming");
    /* What only a stream shows. */
    assert_true(dw_start_position_is_gap(DW_START_PUBLICATION_LOST));
    assert_string_equal(dw_start_position_name(DW_START_PUBLICATION_LOST), "publication_lost");
    assert_string_equal(dw_start_position_code(DW_START_PUBLICATION_LOST), "DW-CAPTURE-027");
}

static void test_published_commits_are_skipped_until_the_last_reappears(void **state)
{
    (void)state;
    struct dw_start_history history;
    struct dw_commit expected = {.commit_lsn = 100, .xid = 7, .commit_us = 70};
    struct dw_commit before = {.commit_lsn = 90, .xid = 6, .commit_us = 60};
    struct dw_commit after = {.commit_lsn = 110, .xid = 8, .commit_us = 80};
    dw_start_position_arm(&history, &expected, 80);
    assert_int_equal(dw_start_position_judge(&history, &before), DW_START_SKIP);
    assert_int_equal(dw_start_position_judge(&history, &expected), DW_START_SKIP);
    assert_int_equal(dw_start_position_judge(&history, &after), DW_START_PUBLISH);
    assert_int_equal(dw_start_position_judge(&history, &after), DW_START_PUBLISH);
}

static void test_another_history_is_seen(void **state)
{
    (void)state;
    struct dw_start_history history;
    struct dw_commit expected = {.commit_lsn = 100, .xid = 7, .commit_us = 70};
    struct dw_commit other_xid = {.commit_lsn = 100, .xid = 8, .commit_us = 70};
    struct dw_commit other_time = {.commit_lsn = 100, .xid = 7, .commit_us = 71};
    struct dw_commit past = {.commit_lsn = 101, .xid = 7, .commit_us = 70};
    const struct dw_commit *const others[] = {&other_xid, &other_time, &past};
    for (size_t i = 0; i < 3; i++) {
        dw_start_position_arm(&history, &expected, 100);
        assert_int_equal(dw_start_position_judge(&history, others[i]), DW_START_MISMATCH);
    }
    /* WAL without any commit of ours where ours was. */
    dw_start_position_arm(&history, &expected, 100);
    assert_true(dw_start_position_may_pass(&history, 100));
    assert_false(dw_start_position_may_pass(&history, 101));
}

static void test_nothing_to_compare_with(void **state)
{
    (void)state;
    struct dw_start_history history;
    struct dw_commit expected = {.commit_lsn = 100, .xid = 7, .commit_us = 70};
    struct dw_commit next = {.commit_lsn = 105, .xid = 9, .commit_us = 90};
    dw_start_position_arm(&history, &expected, 101); /* the slot is past it */
    assert_int_equal(dw_start_position_judge(&history, &next), DW_START_PUBLISH);
    assert_true(dw_start_position_may_pass(&history, 1000));
    struct dw_commit none = {.commit_lsn = 0};
    dw_start_position_arm(&history, &none, 0);
    assert_int_equal(dw_start_position_judge(&history, &next), DW_START_PUBLISH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_decision),
        cmocka_unit_test(test_published_commits_are_skipped_until_the_last_reappears),
        cmocka_unit_test(test_another_history_is_seen),
        cmocka_unit_test(test_nothing_to_compare_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
