/* test_copy_text.c - rows of COPY's text format. */
#include "producer/initial_sync/copy_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool split(const char *text, struct dw_str *fields, size_t count)
{
    static char line[256];
    size_t len = strlen(text);
    memcpy(line, text, len);
    return dw_copy_text_split(line, len, fields, count);
}

static void assert_field(struct dw_str field, const char *expected)
{
    assert_non_null(field.ptr);
    assert_int_equal(field.len, strlen(expected));
    assert_memory_equal(field.ptr, expected, field.len);
}

static void test_fields_stand_between_tabs(void **state)
{
    (void)state;
    struct dw_str fields[3];
    assert_true(split("a\t\tc d\n", fields, 3));
    assert_field(fields[0], "a");
    assert_field(fields[1], "");
    assert_field(fields[2], "c d");
}

static void test_null_is_not_the_word_N(void **state)
{
    (void)state;
    struct dw_str fields[4];
    assert_true(split("\\N\tN\t\\\\N\t\\N\n", fields, 4));
    assert_null(fields[0].ptr);
    assert_field(fields[1], "N");
    assert_field(fields[2], "\\N");
    assert_null(fields[3].ptr);
}

static void test_escapes_are_undone(void **state)
{
    (void)state;
    struct dw_str fields[2];
    assert_true(split("\\b\\f\\n\\r\\t\\v\\\\\tx\\.y\n", fields, 2));
    assert_field(fields[0], "\b\f\n\r\t\v\\");
    assert_field(fields[1], "x.y");
}

/* Long ones are looked at by eight bytes at a time. */
static void test_escapes_and_tabs_are_found_at_each_place(void **state)
{
    (void)state;
    for (int before = 0; before < 20; before++)
        for (int behind = 0; behind < 20; behind++) {
            char line[80];
            char expected[40];
            struct dw_str fields[2];
            (void)snprintf(line, sizeof line, "%.*s\\t%.*s\t%.*s\n", before, "abcdefghijklmnopqrst",
                           behind, "ABCDEFGHIJKLMNOPQRST", behind, "01234567890123456789");
            (void)snprintf(expected, sizeof expected, "%.*s\t%.*s", before, "abcdefghijklmnopqrst",
                           behind, "ABCDEFGHIJKLMNOPQRST");
            assert_true(split(line, fields, 2));
            assert_field(fields[0], expected);
            assert_int_equal(fields[1].len, behind);
        }
}

static void test_another_number_of_fields_is_refused(void **state)
{
    (void)state;
    struct dw_str fields[3];
    assert_false(split("a\tb\n", fields, 3));
    assert_false(split("a\tb\tc\td\n", fields, 3));
    assert_true(split("\n", fields, 1));
    assert_field(fields[0], "");
    assert_false(split("\n", fields, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_stand_between_tabs),
        cmocka_unit_test(test_null_is_not_the_word_N),
        cmocka_unit_test(test_escapes_are_undone),
        cmocka_unit_test(test_escapes_and_tabs_are_found_at_each_place),
        cmocka_unit_test(test_another_number_of_fields_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
