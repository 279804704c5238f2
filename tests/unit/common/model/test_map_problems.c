/* test_map_problems.c - how problems look to a person and to a program. */
#include "common/model/map_problems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
// cmocka.h needs the headers above
#include <cmocka.h>

static void fill(struct dw_map_problems *problems, struct dw_arena *arena)
{
    dw_map_problems_init(problems, arena);
    dw_map_problems_add(problems, &(struct dw_map_problem){.code = "DW-MAP-012",
                                                           .file = DW_STR_LIT("a.json"),
                                                           .path = DW_STR_LIT("columns[2]"),
                                                           .line = 7,
                                                           .message = DW_STR_LIT("b\x1b[31m\na\"d"),
                                                           .remedy = DW_STR_LIT("one;\ntwo;")});
    dw_map_problems_add(problems, &(struct dw_map_problem){.code = "DW-MAP-017",
                                                           .warning = true,
                                                           .file = DW_STR_LIT("a.json"),
                                                           .message = DW_STR_LIT("w")});
}

static void test_print_names_place_and_remedy(void **state)
{
    (void)state;
    struct dw_arena arena;
    struct dw_map_problems problems;
    dw_arena_init(&arena, 4096);
    fill(&problems, &arena);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    dw_map_problems_print(out, &problems, false);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "a.json:7: error DW-MAP-012 columns[2]: b [31m a\"d\n"
                              "    remedy: one;\n            two;\n"
                              "a.json: warning DW-MAP-017: w\n");
    free(text);
    assert_int_equal(dw_map_problems_errors(&problems), 1);
    dw_arena_done(&arena);
}

static void test_colour_is_only_on_request(void **state)
{
    (void)state;
    struct dw_arena arena;
    struct dw_map_problems problems;
    dw_arena_init(&arena, 4096);
    fill(&problems, &arena);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    dw_map_problems_print(out, &problems, true);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "\033[31merror\033[0m DW-MAP-012"));
    free(text);
    dw_arena_done(&arena);
}

static void test_json_has_every_field(void **state)
{
    (void)state;
    struct dw_arena arena;
    struct dw_map_problems problems;
    struct dw_buf out;
    dw_arena_init(&arena, 4096);
    dw_buf_init(&out, 1 << 16);
    fill(&problems, &arena);
    dw_map_problems_write(&out, &problems);
    assert_string_equal(out.data,
                        "[{\"code\":\"DW-MAP-012\",\"severity\":\"error\",\"file\":\"a.json\","
                        "\"path\":\"columns[2]\",\"line\":7,\"message\":\"b [31m a\\\"d\","
                        "\"remedy\":\"one;\\ntwo;\"},"
                        "{\"code\":\"DW-MAP-017\",\"severity\":\"warning\",\"file\":\"a.json\","
                        "\"path\":\"\",\"line\":0,\"message\":\"w\",\"remedy\":\"\"}]");
    dw_buf_done(&out);
    dw_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print_names_place_and_remedy),
        cmocka_unit_test(test_colour_is_only_on_request),
        cmocka_unit_test(test_json_has_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
