/* test_map_expr.c - which columns a map's events must carry. */
#include "common/expr/map_expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct dw_arena arena;

static void assert_columns(const char *filter, const char *columns, const char *expected)
{
    struct dw_map_problems problems;
    struct dw_buf list;
    size_t count = 0;
    dw_arena_init(&arena, 4096);
    dw_map_problems_init(&problems, &arena);
    dw_buf_init(&list, 4096);
    const char *text = dw_arena_printf(
        &arena,
        "{\"map\":\"m\",\"source\":{\"system\":\"e\",\"table\":\"t\",\"key\":[\"co\",\"id\"]%s},"
        "\"target\":{\"system\":\"c\",\"table\":\"u\",\"key\":[\"co\",\"id\"]},\"columns\":[%s]}",
        filter, columns);
    const struct dw_table_map *map =
        dw_table_map_parse(dw_str_from(text), "m.json", &arena, &problems);
    assert_non_null(map);
    const struct dw_str *names = dw_map_expr_source_columns(map, &arena, &count);
    for (size_t i = 0; i < count; i++)
        dw_buf_printf(&list, "%s%.*s", i ? "," : "", DW_STR_ARG(names[i]));
    assert_string_equal(list.data, expected);
    dw_buf_done(&list);
    dw_arena_done(&arena);
}

static void test_columns_of_key_copies_and_expressions(void **state)
{
    (void)state;
    assert_columns("", "", "co,id");
    assert_columns("",
                   "{\"source\":\"a\",\"target\":\"x\"},{\"source\":\"a\",\"target\":\"y\"},"
                   "{\"target\":\"z\",\"default\":1}",
                   "co,id,a");
    assert_columns(",\"filter\":\"kind eq 'a' and (id gt 5 or not \\\"a b\\\")\"",
                   "{\"source\":\"a\",\"target\":\"x\"},"
                   "{\"target\":\"y\",\"compute\":\"concat(c,case(kind eq 'b':d))\"}",
                   "co,id,a,kind,a b,c,d");
}

static void test_what_does_not_parse_names_none(void **state)
{
    (void)state;
    assert_columns(",\"filter\":\"kind eq\"", "{\"source\":\"a\",\"target\":\"x\"}", "co,id,a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_of_key_copies_and_expressions),
        cmocka_unit_test(test_what_does_not_parse_names_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
