/* test_claim.c - where a partition starts. */
#include "consumer/pipeline/claim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct dw_claim_facts at(int64_t next, int64_t low, int64_t high)
{
    return (struct dw_claim_facts){
        .progress = {.exists = true, .next_offset = next, .first_offset = 0},
        .low = low,
        .high = high,
        .committed = -1};
}

static void test_progress_decides_and_the_record_before_is_proved(void **state)
{
    (void)state;
    struct dw_claim_facts facts = at(50, 0, 100);
    facts.committed = 40;
    facts.committed_by_us = facts.committed_by_incarnation = true;
    struct dw_claim_decision decision = dw_claim_decide(&facts);
    assert_int_equal(decision.next_offset, 50);
    assert_true(decision.probe);
    assert_false(decision.fresh || decision.rewound || decision.jump);
    assert_int_equal(decision.gap, DW_CLAIM_NO_GAP);
}

static void test_the_record_before_may_have_expired(void **state)
{
    (void)state;
    struct dw_claim_facts facts = at(50, 50, 100);
    struct dw_claim_decision decision = dw_claim_decide(&facts);
    assert_int_equal(decision.gap, DW_CLAIM_NO_GAP);
    assert_false(decision.probe);
}

static void test_gaps_are_seen_and_passed_only_when_accepted(void **state)
{
    (void)state;
    struct dw_claim_facts facts = at(50, 51, 100);
    assert_int_equal(dw_claim_decide(&facts).gap, DW_CLAIM_EXPIRED);
    facts = at(50, 0, 49);
    assert_int_equal(dw_claim_decide(&facts).gap, DW_CLAIM_TRUNCATED);
    facts.gap_accepted = true;
    struct dw_claim_decision decision = dw_claim_decide(&facts);
    assert_int_equal(decision.gap, DW_CLAIM_NO_GAP);
    assert_true(decision.jump);
    assert_int_equal(decision.next_offset, 0);
}

static void test_a_restored_target_rewinds_with_one_new_incarnation(void **state)
{
    (void)state;
    struct dw_claim_facts facts = at(50, 0, 100);
    facts.committed = 80;
    facts.committed_by_us = facts.committed_by_incarnation = true;
    struct dw_claim_decision decision = dw_claim_decide(&facts);
    assert_true(decision.rewound && decision.new_incarnation && decision.probe);
    assert_int_equal(decision.next_offset, 50);
    facts.committed_by_incarnation = false; /* another partition has seen it already */
    decision = dw_claim_decide(&facts);
    assert_true(decision.rewound);
    assert_false(decision.new_incarnation);
    facts.committed_by_us = false; /* an operator's wish is not a memory */
    assert_false(dw_claim_decide(&facts).rewound);
}

static void test_a_new_partition_starts_at_the_log_or_where_an_operator_said(void **state)
{
    (void)state;
    struct dw_claim_facts facts = {.low = 5, .high = 100, .committed = -1};
    struct dw_claim_decision decision = dw_claim_decide(&facts);
    assert_true(decision.fresh);
    assert_int_equal(decision.next_offset, 5);
    assert_false(decision.probe || decision.rewound);
    facts.committed = 60;
    assert_int_equal(dw_claim_decide(&facts).next_offset, 60);
    facts.committed = 3;
    assert_int_equal(dw_claim_decide(&facts).gap, DW_CLAIM_EXPIRED);
}

static void test_a_lost_progress_row_is_a_restored_target(void **state)
{
    (void)state;
    struct dw_claim_facts facts = {.low = 5,
                                   .high = 100,
                                   .committed = 60,
                                   .committed_by_us = true,
                                   .committed_by_incarnation = true};
    struct dw_claim_decision decision = dw_claim_decide(&facts);
    assert_int_equal(decision.next_offset, 5);
    assert_true(decision.rewound && decision.new_incarnation && decision.fresh);
}

/* What another look could decide differently is looked at again. */
static void test_a_look_from_before_the_claim_serves_when_nothing_is_unusual(void **state)
{
    (void)state;
    struct dw_claim_facts facts = at(50, 0, 100);
    facts.committed = 40;
    facts.committed_by_us = facts.committed_by_incarnation = true;
    struct dw_claim_decision decision = dw_claim_decide(&facts);
    assert_true(dw_claim_is_plain(&decision));
    facts.high = 49; /* the log has grown since, or was cut */
    decision = dw_claim_decide(&facts);
    assert_false(dw_claim_is_plain(&decision));
    facts.gap_accepted = true;
    decision = dw_claim_decide(&facts);
    assert_false(dw_claim_is_plain(&decision));
    facts = at(50, 0, 100);
    facts.committed = 51;
    facts.committed_by_us = true;
    decision = dw_claim_decide(&facts);
    assert_false(dw_claim_is_plain(&decision));
    facts = (struct dw_claim_facts){.low = 0, .high = 0, .committed = -1};
    decision = dw_claim_decide(&facts);
    assert_true(decision.fresh && dw_claim_is_plain(&decision));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_decides_and_the_record_before_is_proved),
        cmocka_unit_test(test_the_record_before_may_have_expired),
        cmocka_unit_test(test_gaps_are_seen_and_passed_only_when_accepted),
        cmocka_unit_test(test_a_restored_target_rewinds_with_one_new_incarnation),
        cmocka_unit_test(test_a_new_partition_starts_at_the_log_or_where_an_operator_said),
        cmocka_unit_test(test_a_lost_progress_row_is_a_restored_target),
        cmocka_unit_test(test_a_look_from_before_the_claim_serves_when_nothing_is_unusual),
    };
    return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
