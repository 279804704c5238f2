/* test_digest.c - a day is summed up from its hours, and told from the day before. */
#include "reconciler/report/digest.h"
#include "reconciler/report/digest_read.h"

#include <string.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define HOUR INT64_C(3600000000)
#define DAY  (24 * HOUR)

static struct dw_arena arena;
static struct dw_buf out;

static int set_up(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    dw_buf_init(&out, 1u << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    dw_buf_done(&out);
    return 0;
}

static void test_a_day_is_the_sum_of_its_hours(void **state)
{
    (void)state;
    const int64_t begin = 20000 * DAY;
    const struct dw_digest_name names[] = {{"a", "running"}, {"b", "paused"}, {"idle", "stopped"}};
    const struct dw_digest_sample samples[] = {
        {.map = "a", .hour_us = begin - HOUR, .events = 50, .dead = 5, .letters = 9},
        {.map = "a", .hour_us = begin, .events = 10, .latency = {[3] = 10}, .lag_max_us = 7},
        {.map = "a",
         .hour_us = begin + 23 * HOUR,
         .events = 90,
         .dead = 1,
         .letters = 2,
         .latency = {[3] = 90},
         .lag_max_us = 5},
        {.map = "b", .hour_us = begin + HOUR, .events = 1, .latency = {[5] = 1}},
        {.map = "gone", .hour_us = begin, .events = 1000},
    };
    const struct dw_digest_equality equality[] = {{.map = "a", .run = 3, .differences = 4},
                                                  {.map = "b", .run = 4, .left = 2}};
    const struct dw_digest_input input = {
        .date = "2024-10-04",
        .day_us = begin,
        .now_us = begin + DAY,
        .names = names,
        .name_count = 3,
        .samples = samples,
        .sample_count = 5,
        .equality = equality,
        .equality_count = 2,
    };
    struct dw_digest digest;
    dw_digest_build(&input, &arena, &digest);
    assert_true(digest.complete);
    assert_int_equal(digest.maps[0].day.events, 100);
    assert_int_equal(digest.maps[0].before.events, 50);
    assert_int_equal(digest.maps[0].day.dead, 1);
    assert_int_equal(digest.maps[0].letters, 2);
    assert_int_equal(digest.maps[0].day.lag_max_us, 7);
    assert_int_equal(digest.maps[0].hours[0], 10);
    assert_int_equal(digest.maps[0].hours[23], 90);
    assert_int_equal(dw_latency_count(&digest.maps[0].day.latency), 100);
    assert_int_equal(digest.sum.day.events, 101); /* a map that is gone is not in it */
    assert_int_equal(digest.compared, 2);
    assert_int_equal(digest.equal, 1);
    assert_null(digest.maps[2].equality);
    dw_digest_write(&digest, "digest", &out);
    assert_non_null(
        strstr(out.data, "{\"kind\":\"digest\",\"date\":\"2024-10-04\",\"complete\":true"));
    assert_non_null(strstr(out.data, "\"maps_compared\":2,\"maps_equal\":1"));
    dw_buf_reset(&out, 1u << 20);
    dw_digest_page(&digest, &out);
    assert_non_null(strstr(out.data, "equal after repair"));
    assert_non_null(strstr(out.data, "+100&#8239;% on the day before"));
}

static void test_nothing_at_all_is_a_digest(void **state)
{
    (void)state;
    const struct dw_digest_input input = {.date = "2024-10-04", .day_us = DAY, .now_us = DAY};
    struct dw_digest digest;
    dw_digest_build(&input, &arena, &digest);
    assert_false(digest.complete);
    dw_digest_write(&digest, NULL, &out);
    assert_non_null(strstr(out.data, "\"p99\":null"));
    assert_non_null(strstr(out.data, "\"maps\":[]"));
    dw_digest_page(&digest, &out);
}

static void test_dates_are_days_that_there_are(void **state)
{
    (void)state;
    static const char *const days[] = {"2026-11-26", "2024-02-29", "2000-02-29", "0001-01-01",
                                       "9999-12-31"};
    static const char *const others[] = {"",           "2026-11-31", "2026-02-29", "1900-02-29",
                                         "2026-13-01", "2026-00-10", "2026-01-00", "0000-01-01",
                                         "2026-1-01",  "20260101",   "2026-01-1",  "2026-01-01x",
                                         "-026-01-01", "2026/01/01", "2026-01--1", "today"};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        assert_true(dw_digest_read_is_date(days[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(dw_digest_read_is_date(others[i]));
    assert_true(dw_digest_read_is_date(dw_digest_read_today(&arena)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_day_is_the_sum_of_its_hours),
        TEST(test_nothing_at_all_is_a_digest),
        TEST(test_dates_are_days_that_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
