/* test_rows_copy.c - a line of COPY text: what PostgreSQL would take for something else is escaped,
 * wherever it stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include "consumer/write_postgres/coalesce.h"
#include "consumer/write_postgres/rows_copy.h"
#include <cmocka.h>
#include <stdio.h>

static void expect_line(const struct dw_value *cells, size_t count, int64_t number,
                        const char *expected)
{
    static const uint16_t columns[] = {0, 1};
    struct dw_coalesce_op op = {0};
    struct dw_coalesce_op *const ops[] = {&op};
    const struct dw_rows rows = {
        .ops = ops, .count = 1, .columns = columns, .column_count = count, .extra = cells};
    struct dw_buf line;
    dw_buf_init(&line, 1000);
    dw_rows_copy_line(&line, &rows, 0, number);
    assert_string_equal(line.data, expected);
    dw_buf_done(&line);
}

static struct dw_value text_of(const char *text)
{
    return (struct dw_value){DW_VALUE_STRING, dw_str_from(text)};
}

static void test_null_is_not_a_text(void **state)
{
    (void)state;
    const struct dw_value cells[] = {{.kind = DW_VALUE_NULL}, text_of("\\N")};
    expect_line(cells, 2, 0, "\\N\t\\\\N\n");
    expect_line(cells, 1, 7, "7\t\\N\n");
}

static void test_escapes_are_written_at_each_place(void **state)
{
    (void)state;
    static const char *const parts[][2] = {{"\\", "\\\\"}, {"\n", "\\n"},   {"\r", "\\r"},
                                           {"\t", "\\t"},  {"\b", "\b"},    {"\x0e", "\x0e"},
                                           {"é", "é"},     {"\x7f", "\x7f"}};
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
        for (int before = 0; before < 20; before++)
            for (int behind = 0; behind < 20; behind++) {
                char text[80];
                char expected[80];
                for (int escaped = 0; escaped < 2; escaped++)
                    (void)snprintf(escaped ? expected : text, sizeof text, "%.*s%s%.*s%s%s", before,
                                   "abcdefghijklmnopqrst", parts[part][escaped], behind,
                                   "ABCDEFGHIJKLMNOPQRST", parts[part][escaped],
                                   escaped ? "\n" : "");
                const struct dw_value cell = text_of(text);
                expect_line(&cell, 1, 0, expected);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_is_not_a_text),
        cmocka_unit_test(test_escapes_are_written_at_each_place),
    };
    return cmocka_run_group_tests_name("rows_copy", tests, NULL, NULL);
}
