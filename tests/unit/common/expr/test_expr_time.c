/* Dates and times as numbers: calendar, ranges, forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include "common/expr/expr_time.h"
#include <cmocka.h>

static struct dw_arena arena;

static const char *copy(struct dw_str text)
{
    return dw_arena_copy(&arena, text).ptr;
}

static void test_dates_round_trip(void **state)
{
    static const char *const dates[] = {"2000-01-01",    "1999-12-31",   "2024-02-29",
                                        "1600-02-29",    "0001-01-01",   "0001-12-31 BC",
                                        "4713-01-01 BC", "294276-12-31", "5874897-12-31",
                                        "infinity",      "-infinity"};
    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        int64_t days;
        assert_int_equal(
            dw_expr_time_parse_date(dw_str_from(dates[i]), DW_EXPR_TIME_PRINTED, &days),
            DW_EXPR_TIME_OK);
        assert_string_equal(copy(dw_expr_time_format_date(days, &arena)), dates[i]);
    }
}

static void test_every_day_of_800_years_round_trips(void **state)
{
    (void)state;
    for (int64_t days = -146097; days <= 146097; days++) {
        int64_t again;
        struct dw_str text = dw_expr_time_format_date(days, &arena);
        assert_int_equal(dw_expr_time_parse_date(text, DW_EXPR_TIME_STRICT, &again),
                         DW_EXPR_TIME_OK);
        assert_true(again == days);
        if (days % 1000 == 0)
            dw_arena_reset(&arena);
    }
}

static void test_dates_that_are_none(void **state)
{
    static const char *const shapes[] = {
        "",         "2024",          "24-01-01",   "2024-1-01", "2024-01-01 ",
        "infinity", "2024-01-01 BC", "20240-01-01"};
    static const char *const ranges[] = {"2024-13-01", "2024-00-10", "2023-02-29",
                                         "2024-01-00", "0000-01-01", "1900-02-29"};
    int64_t days;
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        assert_int_equal(
            dw_expr_time_parse_date(dw_str_from(shapes[i]), DW_EXPR_TIME_STRICT, &days),
            DW_EXPR_TIME_NO_SHAPE);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        assert_int_equal(
            dw_expr_time_parse_date(dw_str_from(ranges[i]), DW_EXPR_TIME_STRICT, &days),
            DW_EXPR_TIME_OUT_OF_RANGE);
    assert_int_equal(
        dw_expr_time_parse_date(DW_STR_LIT("5874898-06-03"), DW_EXPR_TIME_PRINTED, &days),
        DW_EXPR_TIME_OUT_OF_RANGE);
}

static void test_moments_are_utc(void **state)
{
    static const char *const pairs[][2] = {
        {"2024-01-31T12:00:00Z", "2024-01-31 12:00:00+00"},
        {"2024-01-31T12:00:00.250+05:30", "2024-01-31 06:30:00.25+00"},
        {"2024-01-01T00:00-01:00", "2024-01-01 01:00:00+00"},
        {"0001-01-01T00:00:00+01:00", "0001-12-31 23:00:00+00 BC"}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        int64_t us;
        assert_int_equal(
            dw_expr_time_parse_moment(dw_str_from(pairs[i][0]), DW_EXPR_TIME_STRICT, &us),
            DW_EXPR_TIME_OK);
        assert_string_equal(copy(dw_expr_time_format_moment(us, &arena)), pairs[i][1]);
    }
}

static void test_moments_as_printed(void **state)
{
    static const char *const texts[] = {"2024-01-31 12:00:00+00", "infinity",
                                        "4714-11-24 00:00:00+00 BC",
                                        "294276-12-31 23:59:59.999999+00"};
    int64_t us;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(
            dw_expr_time_parse_moment(dw_str_from(texts[i]), DW_EXPR_TIME_PRINTED, &us),
            DW_EXPR_TIME_OK);
        assert_string_equal(copy(dw_expr_time_format_moment(us, &arena)), texts[i]);
    }
    assert_int_equal(dw_expr_time_parse_moment(DW_STR_LIT("1883-11-18 12:03:58-04:56:02"),
                                               DW_EXPR_TIME_PRINTED, &us),
                     DW_EXPR_TIME_OK);
    assert_string_equal(copy(dw_expr_time_format_moment(us, &arena)), "1883-11-18 17:00:00+00");
}

static void test_moments_that_are_none(void **state)
{
    static const char *const texts[] = {
        "2024-01-31T12:00:00",          "2024-01-31 12:00:00Z",      "2024-01-31T24:00:00Z",
        "2024-01-31T12:60:00Z",         "2024-01-31T12:00:60Z",      "2024-01-31T12:00:00.Z",
        "2024-01-31T12:00:00.1234567Z", "2024-01-31T12:00:00+15:00", "2024-01-31T12:00:00+01"};
    int64_t us;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(dw_expr_time_parse_moment(dw_str_from(texts[i]), DW_EXPR_TIME_STRICT, &us),
                         DW_EXPR_TIME_NO_SHAPE);
}

static void test_times_of_day(void **state)
{
    int64_t us;
    (void)state;
    assert_int_equal(dw_expr_time_parse_time(DW_STR_LIT("12:34:56.5"), DW_EXPR_TIME_STRICT, &us),
                     DW_EXPR_TIME_OK);
    assert_string_equal(copy(dw_expr_time_format_time(us, &arena)), "12:34:56.5");
    assert_int_equal(dw_expr_time_parse_time(DW_STR_LIT("24:00:00"), DW_EXPR_TIME_STRICT, &us),
                     DW_EXPR_TIME_NO_SHAPE);
    assert_int_equal(dw_expr_time_parse_time(DW_STR_LIT("24:00:00"), DW_EXPR_TIME_PRINTED, &us),
                     DW_EXPR_TIME_OK);
    assert_int_equal(dw_expr_time_parse_time(DW_STR_LIT("12:34"), DW_EXPR_TIME_STRICT, &us),
                     DW_EXPR_TIME_NO_SHAPE);
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } fine[] = {{"P1D", 86400000000},
                {"-PT0.5S", -500000},
                {"PT36H", 129600000000},
                {"P1DT2H3M4.000005S", 93784000005},
                {"+PT0S", 0}};
    static const char *const bad[] = {"",    "P",    "PT",     "P1Y",        "P1M",   "1D",
                                      "PT1", "P1DT", "PT1M1H", "P99999999D", "PT1.S", "P1D "};
    int64_t us;
    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        assert_int_equal(dw_expr_time_parse_duration(dw_str_from(fine[i].text), &us),
                         DW_EXPR_TIME_OK);
        assert_true(us == fine[i].us);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_not_equal(dw_expr_time_parse_duration(dw_str_from(bad[i]), &us),
                             DW_EXPR_TIME_OK);
}

static void test_sums_end_at_postgresqls_range(void **state)
{
    int64_t out;
    (void)state;
    assert_true(dw_expr_time_add_days(2145031948, 0, &out));
    assert_false(dw_expr_time_add_days(2145031948, 1, &out));
    assert_false(dw_expr_time_add_days(-2451545, -1, &out));
    assert_true(dw_expr_time_add_us(9223371331199999998, 1, &out));
    assert_false(dw_expr_time_add_us(9223371331199999999, 1, &out));
    assert_false(dw_expr_time_add_us(INT64_MAX - 1, 1000, &out));
    assert_true(dw_expr_time_add_us(DW_EXPR_TIME_INFINITY, 1000, &out));
    assert_true(out == DW_EXPR_TIME_INFINITY);
    assert_false(dw_expr_time_from_date(2145031948, &out));
}

static int setup(void **state)
{
    (void)state;
    dw_arena_init(&arena, 65536);
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
        cmocka_unit_test(test_dates_round_trip),
        cmocka_unit_test(test_every_day_of_800_years_round_trips),
        cmocka_unit_test(test_dates_that_are_none),
        cmocka_unit_test(test_moments_are_utc),
        cmocka_unit_test(test_moments_as_printed),
        cmocka_unit_test(test_moments_that_are_none),
        cmocka_unit_test(test_times_of_day),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sums_end_at_postgresqls_range),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
