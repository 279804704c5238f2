/* test_cli_json.c - looking into answers without a tree. */
#include "reconciler/cli/cli_json.h"

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

static const char answer[] =
    "{\"maps\": [ {\"map\":\"a\\u00e4\",\"lag\":3,\"ok\":true} , {\"map\":\"b\",\"lag\":null}],"
    " \"big\":123456789012345678901234567890, \"half\":0.5, \"none\":null}";

static void test_members_are_found(void **state)
{
    (void)state;
    struct dw_str object = DW_STR_LIT(answer);
    assert_true(dw_str_is(dw_cli_json_member(object, "big"), "123456789012345678901234567890"));
    assert_true(dw_cli_json_is_null(dw_cli_json_member(object, "none")));
    assert_true(dw_cli_json_is_null(dw_cli_json_member(object, "missing")));
    assert_true(dw_cli_json_real(object, "half") > 0.49);
    assert_int_equal(dw_cli_json_number(object, "maps"), 0);
    assert_string_equal(dw_cli_json_text(object, "big", &arena), "");
}

static void test_elements_are_whole_values(void **state)
{
    (void)state;
    size_t count = 0;
    const struct dw_str *maps =
        dw_cli_json_elements(dw_cli_json_member(DW_STR_LIT(answer), "maps"), &arena, &count);
    assert_int_equal(count, 2);
    assert_string_equal(dw_cli_json_text(maps[0], "map", &arena), "aä");
    assert_int_equal(dw_cli_json_number(maps[0], "lag"), 3);
    assert_true(dw_cli_json_true(maps[0], "ok"));
    assert_string_equal(dw_cli_json_text(maps[1], "map", &arena), "b");
    assert_true(dw_cli_json_is_null(dw_cli_json_member(maps[1], "lag")));
    assert_int_equal(maps[1].ptr[0], '{'); /* without the comma before it */
}

static void test_what_is_no_container_is_empty(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "[]", "{}", "7", "{", "[", "nonsense", "[1,", "{\"a\""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t count = 99;
        (void)dw_cli_json_elements(dw_str_from(texts[i]), &arena, &count);
        assert_true(count <= 1);
        assert_null(dw_cli_json_member(dw_str_from(texts[i]), "a").ptr);
    }
    size_t count = 99;
    (void)dw_cli_json_elements((struct dw_str){NULL, 0}, &arena, &count);
    assert_int_equal(count, 0);
}

static void test_pretty_text_is_indented(void **state)
{
    (void)state;
    struct dw_buf out;
    dw_buf_init(&out, 65536);
    dw_cli_json_pretty(&out, DW_STR_LIT("{\"a\":[1.10,\"x\\ny\"],\"b\":{},\"c\":[],\"d\":null}"),
                       0);
    assert_string_equal(out.data, "{\n"
                                  "  \"a\": [\n"
                                  "    1.10,\n"
                                  "    \"x\\ny\"\n"
                                  "  ],\n"
                                  "  \"b\": {},\n"
                                  "  \"c\": [],\n"
                                  "  \"d\": null\n"
                                  "}");
    dw_buf_done(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_members_are_found),
        TEST(test_elements_are_whole_values),
        TEST(test_what_is_no_container_is_empty),
        TEST(test_pretty_text_is_indented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
