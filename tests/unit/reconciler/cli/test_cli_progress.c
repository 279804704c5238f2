/* test_cli_progress.c - progress as people read it. */
#include "reconciler/cli/cli_progress.h"

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

static void test_text_says_what_is_known_and_no_more(void **state)
{
    (void)state;
    struct dw_cli_progress progress = {.map = "items",
                                       .state = "running",
                                       .percent = 42.14,
                                       .rows_done = 12345,
                                       .rows_estimated = 30000,
                                       .rows_per_second = 1200.4,
                                       .seconds_left = 14.7};
    assert_string_equal(dw_cli_progress_text(&arena, &progress),
                        "running, 42.1 %, 12,345 of about 30,000 rows, 1,200 rows/s, 15 s left");
    progress = (struct dw_cli_progress){
        .state = "waiting", .percent = -1, .rows_estimated = -1, .seconds_left = -1};
    assert_string_equal(dw_cli_progress_text(&arena, &progress), "waiting, 0 rows");
    progress = (struct dw_cli_progress){.state = "done",
                                        .percent = 100,
                                        .rows_done = 40000,
                                        .rows_deleted = 1234,
                                        .rows_estimated = 30000,
                                        .seconds_left = -1};
    assert_string_equal(dw_cli_progress_text(&arena, &progress),
                        "done, 100.0 %, 40,000 rows, 1,234 deleted");
}

static void test_bar_fills_from_the_left(void **state)
{
    (void)state;
    assert_string_equal(dw_cli_progress_bar(&arena, 0, 10), "[          ]");
    assert_string_equal(dw_cli_progress_bar(&arena, -1, 10), "[          ]");
    assert_string_equal(dw_cli_progress_bar(&arena, 55, 10), "[====>     ]");
    assert_string_equal(dw_cli_progress_bar(&arena, 100, 10), "[==========]");
    assert_string_equal(dw_cli_progress_bar(&arena, 300, 4), "[====]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text_says_what_is_known_and_no_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_bar_fills_from_the_left, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
