/* test_alert_rules.c - each rule: from where on it alerts, what it says, and when nobody knows. */
#include "reconciler/alerts/alert_rules.h"

#include <string.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define NOW    (200 * HOUR)

static struct dw_arena arena;
static struct dw_alert_settings at;
static struct dw_alert_map map;
static struct dw_alert_system source;
static struct dw_alert_gap gaps[2];
static size_t gap_count;

/* All is well; each test changes what it is about. */
static int set_up(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    at = (struct dw_alert_settings){
        .dead_letters = {1, 100},
        .dead_letter_age_ms = {3600 * 1000, 0},
        .dead_letter_rate = {20, 0},
        .lag_ms = {60000, 600000},
        .freshness_ms = {300000, 0},
        .slot_bytes = {INT64_C(1) << 30, 0},
        .paused_ms = {4 * 3600 * 1000, 0},
        .differences = {1, 1000},
        .loss_percent = {50, 80},
    };
    map = (struct dw_alert_map){
        .name = "items",
        .source_system = "erp",
        .state = DW_MAP_RUNNING,
        .code = "",
        .reason = "",
        .not_mended = "",
        .changed_us = NOW - 100 * HOUR,
        .target_known = true,
        .position_us = NOW - SECOND,
        .newest_us = NOW - SECOND,
        .published_us = NOW - SECOND,
        .retention_ms = 168 * 3600 * INT64_C(1000),
    };
    source = (struct dw_alert_system){.name = "erp",
                                      .has_producer = true,
                                      .producer_state = "streaming",
                                      .producer_reason = "",
                                      .wal_safe_bytes = -1,
                                      .wal_limit_bytes = -1};
    gap_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    return 0;
}

/* The one alert of a rule; NULL when there is none. */
static const struct dw_alert *find(const char *rule)
{
    const struct dw_alert_facts facts = {
        .thresholds = &at,
        .maps = &map,
        .map_count = 1,
        .systems = &source,
        .system_count = 1,
        .gaps = gaps,
        .gap_count = gap_count,
        .now_us = NOW,
    };
    struct dw_alert_list list;
    const struct dw_alert *found = NULL;
    dw_alert_rules_find(&facts, &arena, &list);
    for (size_t i = 0; i < list.count; i++)
        if (!rule || strcmp(list.items[i].rule, rule) == 0) {
            assert_null(found);
            found = &list.items[i];
        }
    return found;
}

static enum dw_alert_level level(const char *rule)
{
    const struct dw_alert *alert = find(rule);
    return alert && !alert->unknown ? alert->level : DW_ALERT_NONE;
}

static bool is_unknown(const char *rule)
{
    const struct dw_alert *alert = find(rule);
    return alert && alert->unknown;
}

static void test_all_is_well(void **state)
{
    (void)state;
    assert_null(find(NULL));
}

static void test_dead_letters_by_number_age_and_rate(void **state)
{
    (void)state;
    map.letters = 1;
    map.oldest_letter_us = NOW - HOUR / 2;
    assert_int_equal(level("dead_letters"), DW_ALERT_WARNING);
    assert_string_equal(find("dead_letters")->message, "1 open dead letter");
    assert_int_equal(level("dead_letter_age"), DW_ALERT_NONE);
    map.letters = 100;
    map.oldest_letter_us = NOW - 30 * HOUR;
    map.recent_letters = 20;
    assert_int_equal(level("dead_letters"), DW_ALERT_CRITICAL);
    assert_int_equal(level("dead_letter_age"), DW_ALERT_WARNING); /* no critical one is set */
    assert_non_null(strstr(find("dead_letter_age")->message, "30.0 h"));
    assert_int_equal(level("dead_letter_rate"), DW_ALERT_WARNING);
    assert_true(find("dead_letter_rate")->swings);
    at.dead_letters = (struct dw_alert_threshold){0, 0};
    assert_int_equal(level("dead_letters"), DW_ALERT_NONE); /* switched off */
}

static void test_lag_only_while_kafka_has_newer_changes(void **state)
{
    (void)state;
    map.newest_us = NOW - 5 * 60 * SECOND;
    map.published_us = map.newest_us;
    assert_int_equal(level("lag"), DW_ALERT_NONE); /* an idle source */
    map.published_us = NOW - SECOND;
    assert_int_equal(level("lag"), DW_ALERT_WARNING);
    assert_true(find("lag")->swings);
    map.newest_us = NOW - HOUR;
    assert_int_equal(level("lag"), DW_ALERT_CRITICAL);
    map.state = DW_MAP_PAUSED;
    assert_int_equal(level("lag"), DW_ALERT_NONE); /* it is meant to */
}

/* Of a thousand maps an idle one hears of its source now and then. */
static void test_no_lag_while_others_have_their_turn(void **state)
{
    (void)state;
    map.map_idle_ms = 130 * 1000;
    map.newest_us = NOW - 100 * SECOND;
    map.published_us = NOW - SECOND;
    assert_int_equal(level("lag"), DW_ALERT_NONE);
    map.row_us = NOW - 90 * SECOND; /* a change of its own */
    assert_int_equal(level("lag"), DW_ALERT_WARNING);
    map.row_us = map.newest_us;
    assert_int_equal(level("lag"), DW_ALERT_NONE);
    map.newest_us = NOW - 140 * SECOND; /* its turn is over */
    assert_int_equal(level("lag"), DW_ALERT_WARNING);
}

static void test_freshness_knows_whose_turn_it_is(void **state)
{
    (void)state;
    map.position_us = NOW - 9 * 60 * SECOND;
    map.partition_idle_ms = 520 * 1000;
    assert_int_equal(level("freshness"), DW_ALERT_NONE);
    map.position_us = NOW - 521 * SECOND - 5 * 60 * SECOND;
    assert_int_equal(level("freshness"), DW_ALERT_WARNING);
    map.position_us = NOW; /* not in the future */
    assert_int_equal(level("freshness"), DW_ALERT_NONE);
}

static void test_a_target_that_cannot_be_read_ends_nothing(void **state)
{
    (void)state;
    map.target_known = false;
    assert_true(is_unknown("lag") && is_unknown("freshness") && is_unknown("retention"));
    source.has_producer = false;
    assert_true(is_unknown("slot") && is_unknown("wal_limit"));
}

static void test_freshness_is_that_of_the_oldest_map_that_runs(void **state)
{
    (void)state;
    map.position_us = NOW - 6 * 60 * SECOND;
    assert_int_equal(level("freshness"), DW_ALERT_WARNING);
    assert_string_equal(find("freshness")->object, "erp");
    assert_non_null(strstr(find("freshness")->message, "its producer is streaming"));
    source.producer_state = "kafka";
    source.producer_reason = "topic x";
    assert_non_null(strstr(find("freshness")->message, "its producer is kafka: topic x"));
    source.has_producer = false;
    assert_non_null(strstr(find("freshness")->message, "no producer is heard"));
    map.state = DW_MAP_STOPPED;
    assert_null(find("freshness"));
}

static void test_a_map_that_stands(void **state)
{
    (void)state;
    map.state = DW_MAP_PAUSED;
    map.reason = "month end";
    map.changed_us = NOW - HOUR;
    assert_int_equal(level("paused"), DW_ALERT_NONE);
    map.changed_us = NOW - 5 * HOUR;
    assert_int_equal(level("paused"), DW_ALERT_WARNING);
    assert_non_null(strstr(find("paused")->message, "month end"));
    map.state = DW_MAP_ERROR;
    map.code = "DW-APPLY-009";
    assert_int_equal(level("error"), DW_ALERT_CRITICAL);
    assert_non_null(strstr(find("error")->remedy, "explain DW-APPLY-009"));
}

static void test_differences_of_the_last_comparison(void **state)
{
    (void)state;
    map.run = 7;
    assert_int_equal(level("differences"), DW_ALERT_NONE);
    map.differences = 3;
    assert_int_equal(level("differences"), DW_ALERT_WARNING);
    assert_string_equal(find("differences")->message, "comparison 7 left 3 differences");
    map.not_mended = "more than allowed";
    assert_string_equal(find("differences")->message,
                        "comparison 7 left 3 differences: more than allowed");
}

static void test_a_paused_map_alerts_before_kafka_removes_its_changes(void **state)
{
    (void)state;
    map.state = DW_MAP_PAUSED;
    map.changed_us = NOW;
    map.position_us = NOW - 50 * HOUR; /* of 168 h */
    assert_int_equal(level("retention"), DW_ALERT_NONE);
    map.position_us = NOW - 100 * HOUR;
    assert_int_equal(level("retention"), DW_ALERT_WARNING);
    assert_non_null(strstr(find("retention")->message, "4.2 d old"));
    assert_non_null(strstr(find("retention")->remedy, "map resume items"));
    map.position_us = NOW - 140 * HOUR;
    assert_int_equal(level("retention"), DW_ALERT_CRITICAL);
    map.state = DW_MAP_ERROR;
    map.position_us = NOW - 180 * HOUR;
    assert_int_equal(level("retention"), DW_ALERT_LOST);
    assert_non_null(strstr(find("retention")->remedy, "map resync items --delete-extra --yes"));
}

/* What the brokers say counts, and whichever bound comes first. */
static void test_the_topics_own_retention_counts(void **state)
{
    (void)state;
    map.state = DW_MAP_PAUSED;
    map.changed_us = NOW;
    map.position_us = NOW - 50 * HOUR;
    map.retention_ms = 60 * 3600 * INT64_C(1000);
    assert_non_null(strstr(find("retention")->message, "2.5 d (kafka.retention_ms)"));
    map.retention_known = true;
    assert_int_equal(level("retention"), DW_ALERT_CRITICAL);
    assert_non_null(strstr(find("retention")->message, "2.5 d (the topic's retention.ms)"));
    map.retention_ms = -1;
    assert_int_equal(level("retention"), DW_ALERT_NONE);
    map.retention_bytes = 512 << 20;
    map.unapplied_share = 0.55;
    assert_int_equal(level("retention"), DW_ALERT_WARNING);
    assert_non_null(strstr(find("retention")->message, "55 % of what Kafka keeps"));
    assert_non_null(strstr(find("retention")->message, "512 MiB a partition"));
    assert_non_null(strstr(find("retention")->remedy, "raise the topic's retention.bytes"));
    map.unapplied_share = 1;
    assert_int_equal(level("retention"), DW_ALERT_LOST);
    assert_non_null(strstr(find("retention")->message, "some was removed"));
}

static void test_nothing_to_apply_is_nothing_to_lose(void **state)
{
    (void)state;
    map.state = DW_MAP_PAUSED;
    map.changed_us = NOW;
    map.position_us = map.published_us = NOW - 180 * HOUR;
    assert_null(find("retention"));
    map.published_us = NOW;
    map.position_us = 0; /* nothing has come to it yet */
    assert_null(find("retention"));
    map.state = DW_MAP_STOPPED;
    map.position_us = NOW - 180 * HOUR;
    assert_null(find("retention"));
}

static void test_a_source_alerts_before_it_drops_the_slot(void **state)
{
    (void)state;
    source.wal_limit_bytes = 100 << 20;
    source.wal_safe_bytes = 90 << 20;
    assert_int_equal(level("wal_limit"), DW_ALERT_NONE);
    source.wal_safe_bytes = 10 << 20;
    assert_int_equal(level("wal_limit"), DW_ALERT_CRITICAL);
    assert_non_null(strstr(find("wal_limit")->message, "10 MiB more"));
    source.wal_safe_bytes = 0;
    assert_int_equal(level("wal_limit"), DW_ALERT_LOST);
    source.slot_lag_bytes = INT64_C(3) << 30;
    assert_int_equal(level("slot"), DW_ALERT_WARNING);
    assert_non_null(strstr(find("slot")->message, "3072 MiB"));
}

static void test_gaps_of_one_object_are_one_alert(void **state)
{
    (void)state;
    gaps[0] = (struct dw_alert_gap){"erp", "", "DW-STATE-007", "it was stopped"};
    gaps[1] = (struct dw_alert_gap){"erp", "", "DW-STATE-013", "it was cancelled"};
    gap_count = 2;
    assert_int_equal(level("gap"), DW_ALERT_LOST);
    assert_string_equal(find("gap")->object, "erp");
    gaps[1].map = "items";
    const struct dw_alert_facts facts = {
        .thresholds = &at, .gaps = gaps, .gap_count = 2, .now_us = NOW};
    struct dw_alert_list list;
    dw_alert_rules_find(&facts, &arena, &list);
    assert_int_equal(list.count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_all_is_well),
        TEST(test_dead_letters_by_number_age_and_rate),
        TEST(test_lag_only_while_kafka_has_newer_changes),
        TEST(test_a_target_that_cannot_be_read_ends_nothing),
        TEST(test_freshness_is_that_of_the_oldest_map_that_runs),
        TEST(test_no_lag_while_others_have_their_turn),
        TEST(test_freshness_knows_whose_turn_it_is),
        TEST(test_a_map_that_stands),
        TEST(test_differences_of_the_last_comparison),
        TEST(test_a_paused_map_alerts_before_kafka_removes_its_changes),
        TEST(test_the_topics_own_retention_counts),
        TEST(test_nothing_to_apply_is_nothing_to_lose),
        TEST(test_a_source_alerts_before_it_drops_the_slot),
        TEST(test_gaps_of_one_object_are_one_alert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
