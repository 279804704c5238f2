/* The comparison of what changed: where it stands in the topic, which records name a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include "reconciler/compare/compare_topic.h"
#include <cmocka.h>

static void test_cursor_of_each_partition_is_read(void **state)
{
    (void)state;
    int64_t offsets[3] = {-1, -1, -1};
    assert_true(dw_compare_topic_parse_cursor("[7, 0,9000000000]", offsets, 3));
    assert_int_equal(offsets[0], 7);
    assert_int_equal(offsets[1], 0);
    assert_int_equal(offsets[2], 9000000000);
}

static void test_cursor_of_another_kind_is_none(void **state)
{
    (void)state;
    static const char *const others[] = {"",        "[",       "[]",     "[1,2",     "[1]",
                                         "[1,2,3]", "[\"a\"]", "[1,-2]", "{\"a\":1}"};
    int64_t offsets[2];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(dw_compare_topic_parse_cursor(others[i], offsets, 2));
}

static void test_records_of_no_row_have_no_key(void **state)
{
    (void)state;
    static const char *const values[] = {
        "no JSON",
        "{\"op\":\"m\",\"message\":{\"prefix\":\"dualwrite.heartbeat\",\"content\":\"\"}}",
        "{\"op\":\"t\",\"before\":null,\"after\":null}",
    };
    struct dw_arena arena;
    dw_arena_init(&arena, 4096);
    assert_null(dw_compare_topic_key((struct dw_str){NULL, 0}, NULL, 1, &arena));
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_null(dw_compare_topic_key(dw_str_from(values[i]), NULL, 1, &arena));
    dw_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursor_of_each_partition_is_read),
        cmocka_unit_test(test_cursor_of_another_kind_is_none),
        cmocka_unit_test(test_records_of_no_row_have_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
