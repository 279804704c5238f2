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

static struct dw_cli_progress running(const char *map)
{
    return (struct dw_cli_progress){.map = map,
                                    .state = "running",
                                    .percent = 69.4,
                                    .rows_done = 208157,
                                    .rows_estimated = 300000,
                                    .rows_per_second = 31031,
                                    .seconds_left = 3};
}

static void test_lines_fit_the_terminal_and_end_with_the_time_left(void **state)
{
    (void)state;
    static const struct {
        int width;
        const char *line;
    } cases[] = {
        {120, "big  [===============>        ] 69.4 %, 208,157 of 300,000 rows, 31,031 rows/s, "
              "3.0 s left"},
        {80, "big  [========>    ] 69.4 %, 208,157 of 300,000 rows, 31,031 rows/s, 3.0 s left"},
        {70, "big  69.4 %, 208,157 of 300,000 rows, 31,031 rows/s, 3.0 s left"},
        {20, "big  69.4 %, 208,15"},
    };
    const struct dw_cli_progress progress[] = {
        running("big"),
        {.map = "item", .state = "waiting", .percent = -1, .seconds_left = -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dw_cli_progress_layout layout =
            dw_cli_progress_layout(&arena, progress, 2, cases[i].width);
        assert_string_equal(dw_cli_progress_line(&arena, &progress[0], &layout), cases[i].line);
    }
    struct dw_cli_progress_layout layout = dw_cli_progress_layout(&arena, progress, 2, 80);
    assert_string_equal(dw_cli_progress_line(&arena, &progress[1], &layout),
                        "item [             ] waiting, 0 rows");
    struct dw_cli_progress almost = running("big");
    almost.seconds_left = 0.02;
    layout = dw_cli_progress_layout(&arena, &almost, 1, 70);
    assert_string_equal(dw_cli_progress_line(&arena, &almost, &layout),
                        "big [==========>     ] 69.4 %, 208,157 of 300,000 rows, 31,031 rows/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text_says_what_is_known_and_no_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_bar_fills_from_the_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines_fit_the_terminal_and_end_with_the_time_left,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
