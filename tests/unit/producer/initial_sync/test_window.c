/* test_window.c - what the stream's changes do to a chunk that was read meanwhile. */
#include "producer/initial_sync/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct dw_str key = {"{\"id\":1}", 8};
static const struct dw_str other = {"{\"id\":2}", 8};

static int set_up(void **state)
{
    static struct dw_window window;
    dw_window_init(&window);
    *state = &window;
    return 0;
}

static int tear_down(void **state)
{
    dw_window_done(*state);
    return 0;
}

static void test_an_untouched_row_counts(void **state)
{
    dw_window_touch(*state, other, true);
    assert_int_equal(dw_window_judge(*state, key), DW_WINDOW_KEEP);
    assert_int_equal(dw_window_judge(*state, other), DW_WINDOW_DROP);
}

static void test_an_incomplete_change_asks_for_the_row_again(void **state)
{
    dw_window_touch(*state, key, false);
    assert_int_equal(dw_window_judge(*state, key), DW_WINDOW_AGAIN);
    dw_window_touch(*state, key, true); /* the later event carries all */
    assert_int_equal(dw_window_judge(*state, key), DW_WINDOW_DROP);
    dw_window_touch(*state, key, false);
    assert_int_equal(dw_window_judge(*state, key), DW_WINDOW_AGAIN);
}

static void test_a_truncate_drops_all_rows(void **state)
{
    struct dw_window *window = *state;
    dw_window_touch(window, key, false);
    dw_window_clear(window);
    assert_int_equal(dw_window_judge(window, key), DW_WINDOW_DROP);
    assert_int_equal(dw_window_judge(window, other), DW_WINDOW_DROP);
    dw_window_reset(window);
    assert_int_equal(dw_window_judge(window, key), DW_WINDOW_KEEP);
}

static void test_an_unknown_key_spoils_the_window(void **state)
{
    struct dw_window *window = *state;
    dw_window_touch(window, (struct dw_str){NULL, 0}, true);
    assert_true(window->spoilt);
    dw_window_reset(window);
    assert_false(window->spoilt);
}

static void test_too_many_keys_spoil_it_in_bounded_memory(void **state)
{
    struct dw_window *window = *state;
    char text[1000];
    for (int i = 0; i < 20000; i++) {
        int len = snprintf(text, sizeof text, "{\"id\":\"%900d\"}", i);
        dw_window_touch(window, (struct dw_str){text, (size_t)len}, true);
    }
    assert_true(window->spoilt);
    assert_true(window->arena.used_bytes <= DW_WINDOW_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_untouched_row_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_incomplete_change_asks_for_the_row_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_truncate_drops_all_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_unknown_key_spoils_the_window, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many_keys_spoil_it_in_bounded_memory, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
