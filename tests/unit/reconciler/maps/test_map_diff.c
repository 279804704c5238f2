/* test_map_diff.c - what a new version changes, and what that means for rows already there. */
#include "reconciler/maps/map_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEAD                                                                                       \
    "\"map\":\"m\",\"source\":{\"system\":\"erp\",\"table\":\"public.t\",\"key\":[\"id\"]},"       \
    "\"target\":{\"system\":\"crm\",\"table\":\"u\",\"key\":[\"id\"]}"
#define BASE "{" HEAD ",\"version\":\"1\",\"columns\":[{\"source\":\"a\",\"target\":\"a\"}]}"

static struct dw_arena arena;
static struct dw_map_diff diff;

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

static void compare(const char *after)
{
    dw_map_diff_make(DW_STR_LIT(BASE), dw_str_from(after), &arena, &diff);
}

static void assert_one(const char *path, unsigned effects, const char *change)
{
    assert_int_equal(diff.count, 1);
    assert_string_equal(diff.changes[0].path, path);
    assert_int_equal(diff.effects, effects);
    if (!strstr(diff.changes[0].change, change))
        fail_msg("%s: %s", path, diff.changes[0].change);
}

static void test_the_same_changes_nothing(void **state)
{
    (void)state;
    compare(BASE);
    assert_int_equal(diff.count, 0);
    /* other ways to write the same */
    compare(
        "{\"columns\":[{\"target\":\"a\",\"source\":\"a\"},{\"source\":\"id\",\"target\":\"id\"}],"
        "\"version\":\"1\",\"map\":\"m\",\"source\":{\"system\":\"erp\",\"table\":\"t\",\"key\":["
        "\"id\"]},"
        "\"target\":{\"system\":\"crm\",\"table\":\"public.u\",\"key\":[\"id\"]}}");
    assert_int_equal(diff.count, 0);
}

static void test_columns_need_a_back_fill(void **state)
{
    (void)state;
    compare("{" HEAD ",\"version\":\"1\",\"columns\":[{\"source\":\"a\",\"target\":\"a\"},"
            "{\"source\":\"b\",\"target\":\"c\"}]}");
    assert_one("columns.c", DW_MAP_DIFF_BACKFILL, "new: ");
    compare("{" HEAD ",\"version\":\"1\",\"columns\":[{\"source\":\"z\",\"target\":\"a\"}]}");
    assert_one("columns.a", DW_MAP_DIFF_BACKFILL, "was {\"source\":\"a\",\"target\":\"a\"}, is ");
    compare("{" HEAD ",\"version\":\"1\",\"columns\":[]}");
    assert_one("columns.a", 0, "gone: ");
}

static void test_dead_letters_are_tried_otherwise_at_once(void **state)
{
    (void)state;
    compare("{" HEAD ",\"version\":\"1\",\"columns\":[{\"source\":\"a\",\"target\":\"a\"}],"
            "\"dead_letters\":{\"auto_replay\":\"all\"}}");
    assert_one("dead_letters.auto_replay", 0, "new: \"all\"");
    assert_non_null(strstr(diff.changes[0].means, "at once"));
    compare("{" HEAD ",\"version\":\"1\",\"columns\":[{\"source\":\"a\",\"target\":\"a\"}],"
            "\"dead_letters\":{}}");
    assert_int_equal(diff.count, 0);
}

static void test_when_it_is_compared_touches_no_row(void **state)
{
    (void)state;
    compare("{" HEAD ",\"version\":\"1\",\"columns\":[{\"source\":\"a\",\"target\":\"a\"}],"
            "\"reconcile\":{\"repair\":{\"max_rows\":5}}}");
    assert_one("reconcile.repair", 0, "new: {\"max_rows\":5}");
    assert_non_null(strstr(diff.changes[0].means, "no row is touched"));
}

static void test_filters_need_removals(void **state)
{
    (void)state;
    compare("{\"filter\":\"a eq 1\"," HEAD
            ",\"version\":\"1\",\"columns\":[{\"source\":\"a\",\"target\":\"a\"}]}");
    assert_one("filter", DW_MAP_DIFF_BACKFILL | DW_MAP_DIFF_REMOVALS, "new: \"a eq 1\"");
    assert_string_equal(diff.changes[0].means,
                        "rows that match no more stay, until all is copied again with "
                        "--delete-extra");
}

static void test_filter_that_is_gone_needs_rows_and_no_removals(void **state)
{
    (void)state;
    static const char with[] = "{\"map\":\"m\",\"source\":{\"filter\":\"a eq 1\"}}";
    dw_map_diff_make(DW_STR_LIT(with), DW_STR_LIT("{\"map\":\"m\"}"), &arena, &diff);
    assert_one("source.filter", DW_MAP_DIFF_BACKFILL, "gone: \"a eq 1\"");
    assert_string_equal(diff.changes[0].means,
                        "rows that did not match are missing, until all is copied again");
}

static void test_keys_and_tables_need_a_stop(void **state)
{
    (void)state;
    compare(
        "{\"map\":\"m\",\"source\":{\"system\":\"erp\",\"table\":\"t\",\"key\":[\"id\"]},"
        "\"target\":{\"system\":\"crm\",\"table\":\"other\",\"key\":[\"id\"]},\"version\":\"1\","
        "\"columns\":[{\"source\":\"a\",\"target\":\"a\"}]}");
    assert_one("target.table", DW_MAP_DIFF_BACKFILL | DW_MAP_DIFF_STOP, "was \"u\", is \"other\"");
}

static void test_other_members_hold_from_now_on(void **state)
{
    (void)state;
    compare("{" HEAD ",\"version\":\"2\",\"on_delete\":\"ignore\","
            "\"columns\":[{\"source\":\"a\",\"target\":\"a\"}]}");
    assert_int_equal(diff.count, 2);
    assert_int_equal(diff.effects, 0);
    compare("no json");
    assert_true(diff.count > 2);
}

static void test_retyped_columns_are_changes(void **state)
{
    (void)state;
    static const struct dw_resolved_column then[] = {{.name = {"a", 1}, .type = {"integer", 7}},
                                                     {.name = {"b", 1}, .type = {"text", 4}}};
    static const struct dw_resolved_column now[] = {{.name = {"a", 1}, .type = {"bigint", 6}},
                                                    {.name = {"b", 1}, .type = {"text", 4}},
                                                    {.name = {"c", 1}, .type = {"text", 4}}};
    const struct dw_map_resolved before = {.source = {then, 2, 'd'}, .target = {then, 2, 'd'}};
    const struct dw_map_resolved after = {.source = {now, 3, 'd'}, .target = {then, 2, 'd'}};
    compare(BASE);
    assert_int_equal(diff.count, 0);
    dw_map_diff_retyped(&diff, &before, &after, &arena);
    assert_one("source column a", 0, "was integer, is bigint");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_same_changes_nothing),
        TEST(test_columns_need_a_back_fill),
        TEST(test_dead_letters_are_tried_otherwise_at_once),
        TEST(test_when_it_is_compared_touches_no_row),
        TEST(test_filters_need_removals),
        TEST(test_filter_that_is_gone_needs_rows_and_no_removals),
        TEST(test_keys_and_tables_need_a_stop),
        TEST(test_other_members_hold_from_now_on),
        TEST(test_retyped_columns_are_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
