/* test_cli_format.c - figures for people, and text that is safe on a terminal. */
#include "reconciler/cli/cli_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct dw_arena arena;

static int set_up(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    return 0;
}

static void test_count_has_thousands_separators(void **state)
{
    (void)state;
    assert_string_equal(dw_cli_format_count(&arena, 0), "0");
    assert_string_equal(dw_cli_format_count(&arena, 999), "999");
    assert_string_equal(dw_cli_format_count(&arena, 1000), "1,000");
    assert_string_equal(dw_cli_format_count(&arena, -123456), "-123,456");
    assert_string_equal(dw_cli_format_count(&arena, INT64_MIN), "-9,223,372,036,854,775,808");
}

static void test_one_is_not_many(void **state)
{
    (void)state;
    assert_string_equal(dw_cli_format_counted(&arena, 0, "row", "rows"), "0 rows");
    assert_string_equal(dw_cli_format_counted(&arena, 1, "row", "rows"), "1 row");
    assert_string_equal(dw_cli_format_counted(&arena, 1234, "row", "rows"), "1,234 rows");
}

static void test_numbers_in_a_row_are_a_range(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, 1, 2, 3, 7, 9, 10};
    assert_string_equal(dw_cli_format_ranges(&arena, numbers, 0), "-");
    assert_string_equal(dw_cli_format_ranges(&arena, numbers, 1), "0");
    assert_string_equal(dw_cli_format_ranges(&arena, numbers, 2), "0, 1");
    assert_string_equal(dw_cli_format_ranges(&arena, numbers, 4), "0-3");
    assert_string_equal(dw_cli_format_ranges(&arena, numbers, 7), "0-3, 7, 9, 10");
}

static void test_seconds_take_the_unit_that_fits(void **state)
{
    (void)state;
    assert_string_equal(dw_cli_format_seconds(&arena, 0), "0 s");
    assert_string_equal(dw_cli_format_seconds(&arena, -3), "0 s");
    assert_string_equal(dw_cli_format_seconds(&arena, 0.0001), "1 ms");
    assert_string_equal(dw_cli_format_seconds(&arena, 0.012), "12 ms");
    assert_string_equal(dw_cli_format_seconds(&arena, 0.2), "0.2 s");
    assert_string_equal(dw_cli_format_seconds(&arena, 42), "42 s");
    assert_string_equal(dw_cli_format_seconds(&arena, 180), "3 min");
    assert_string_equal(dw_cli_format_seconds(&arena, 9000), "2.5 h");
    assert_string_equal(dw_cli_format_seconds(&arena, 864000), "10.0 d");
}

static void test_milliseconds_and_bytes(void **state)
{
    (void)state;
    assert_string_equal(dw_cli_format_milliseconds(&arena, 4.25), "4.2 ms");
    assert_string_equal(dw_cli_format_milliseconds(&arena, 42.4), "42 ms");
    assert_string_equal(dw_cli_format_milliseconds(&arena, 2500), "2.5 s");
    assert_string_equal(dw_cli_format_bytes(&arena, 0), "0 B");
    assert_string_equal(dw_cli_format_bytes(&arena, 1536), "1.5 KiB");
    assert_string_equal(dw_cli_format_bytes(&arena, 16 << 20), "16 MiB");
}

static void test_text_cannot_steer_the_terminal(void **state)
{
    (void)state;
    assert_string_equal(dw_cli_format_safe(&arena, "a\x1b[31mb\n\tc\x7f"), "a [31mb  c ");
    assert_string_equal(dw_cli_format_safe(&arena, "Größe 客"), "Größe 客");
    assert_string_equal(dw_cli_format_safe(&arena, "x\xc2\x9bz"), "x  z"); /* C1: CSI */
    assert_string_equal(dw_cli_format_safe(&arena, "a\xff\xc3z"), "a??z");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_count_has_thousands_separators), TEST(test_one_is_not_many),
        TEST(test_numbers_in_a_row_are_a_range),   TEST(test_seconds_take_the_unit_that_fits),
        TEST(test_milliseconds_and_bytes),         TEST(test_text_cannot_steer_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
