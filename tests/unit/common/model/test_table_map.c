/* test_table_map.c - map files: what is accepted and how it is understood, what is refused and why.
 */
#include "common/model/map_reconcile.h"
#include "common/model/table_map.h"

#include "common/config/document.h"
#include "common/config/text_file.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka.h needs the headers above
#include <cmocka.h>

#define SIDES                                                                                      \
    "\"map\":\"m\",\"source\":{\"system\":\"erp\",\"table\":\"s.t\",\"key\":[\"co\",\"id\"]},"     \
    "\"target\":{\"system\":\"crm\",\"table\":\"u\",\"key\":[\"company\",\"nr\"]}"

static struct dw_arena arena;
static struct dw_map_problems problems;

static int setup(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    dw_map_problems_init(&problems, &arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    return 0;
}

static const struct dw_table_map *parse(const char *text)
{
    dw_map_problems_init(&problems, &arena);
    return dw_table_map_parse(dw_str_from(text), "m.json", &arena, &problems);
}

static const struct dw_table_map *accept(const char *text)
{
    const struct dw_table_map *map = parse(text);
    if (!map)
        dw_map_problems_print(stderr, &problems, false);
    assert_non_null(map);
    return map;
}

/* A problem with this code at this path, whose message holds `part`. */
static const struct dw_map_problem *find(const char *code, const char *path, const char *part)
{
    for (size_t i = 0; i < problems.count; i++) {
        const struct dw_map_problem *problem = &problems.items[i];
        if (strcmp(problem->code, code) == 0 && dw_str_is(problem->path, path) &&
            strstr(problem->message.ptr, part))
            return problem;
    }
    dw_map_problems_print(stderr, &problems, false);
    fail_msg("no %s at %s with \"%s\"", code, path, part);
    return NULL;
}

static void refuse(const char *text, const char *code, const char *path, const char *part)
{
    assert_null(parse(text));
    assert_false(find(code, path, part)->warning);
    assert_non_null(dw_err_find(code));
}

/* --- accepted -------------------------------------------------------------------------------- */

static void test_keys_become_columns(void **state)
{
    (void)state;
    const struct dw_table_map *map = accept("{" SIDES "}");
    assert_true(dw_str_is(map->source.schema, "s"));
    assert_true(dw_str_is(map->target.schema, "public"));
    assert_true(dw_str_is(map->target.table, "u"));
    assert_int_equal(map->column_count, 2);
    assert_true(dw_str_is(map->columns[1].source, "id"));
    assert_true(dw_str_is(map->columns[1].target, "nr"));
    assert_int_equal(map->columns[1].key_index, 1);
    assert_true(map->columns[1].implied);
    assert_int_equal(map->on_delete, DW_ON_DELETE_DELETE);
    assert_int_equal(map->on_truncate, DW_ON_TRUNCATE_TRUNCATE);
}

static void test_columns_keep_order_kinds_and_number_text(void **state)
{
    (void)state;
    const struct dw_table_map *map =
        accept("{" SIDES
               ",\"version\":\"1.0.0\",\"direction\":\"forward\",\"mode\":\"async\",\"columns\":["
               "{\"source\":\"a\",\"target\":\"x\",\"default_when_null\":1.10},"
               "{\"source\":\"id\",\"target\":\"nr\"},"
               "{\"target\":\"y\",\"default\":null},"
               "{\"source\":\"a\",\"target\":\"z\",\"values\":{\"No\":0,\"Yes\":true,\"?\":\"q\","
               "\"\":null}}]}");
    assert_int_equal(map->column_count, 5);
    assert_int_equal(map->columns[0].key_index, -1);
    assert_int_equal(map->columns[0].default_when_null.kind, DW_VALUE_NUMBER);
    assert_true(dw_str_is(map->columns[0].default_when_null.text, "1.10"));
    assert_int_equal(map->columns[1].key_index, 1);
    assert_false(map->columns[1].implied);
    assert_null(map->columns[2].source.ptr);
    assert_int_equal(map->columns[2].constant.kind, DW_VALUE_NULL);
    assert_int_equal(map->columns[2].default_when_null.kind, DW_VALUE_ABSENT);
    assert_int_equal(map->columns[3].value_count, 4);
    assert_int_equal(map->columns[3].values[1].to.kind, DW_VALUE_TRUE);
    assert_int_equal(map->columns[3].values[0].from.kind, DW_VALUE_STRING);
    assert_true(dw_str_is(map->columns[3].values[0].from.text, "No"));
    assert_int_equal(map->columns[3].values[3].to.kind, DW_VALUE_NULL);
    assert_int_equal(map->columns[4].key_index, 0);
}

static void test_constant_key_column_needs_no_partner(void **state)
{
    (void)state;
    const struct dw_table_map *map =
        accept("{\"map\":\"m\",\"source\":{\"system\":\"e\",\"table\":\"t\",\"key\":[\"id\"]},"
               "\"target\":{\"system\":\"c\",\"table\":\"u\",\"key\":[\"co\",\"nr\"]},"
               "\"columns\":[{\"target\":\"co\",\"default\":\"dat\"}]}");
    assert_int_equal(map->columns[0].key_index, 0);
    assert_true(dw_str_is(map->columns[1].source, "id"));
    assert_true(dw_str_is(map->columns[1].target, "nr"));
    assert_int_equal(map->columns[1].key_index, 1);
}

static void test_on_delete_forms(void **state)
{
    (void)state;
    const struct dw_table_map *map =
        accept("{" SIDES ",\"on_delete\":{\"set\":\"gone\",\"to\":1,\"live\":null}}");
    assert_int_equal(map->on_delete, DW_ON_DELETE_SET);
    assert_true(dw_str_is(map->delete_column, "gone"));
    assert_true(dw_str_is(map->delete_value.text, "1"));
    assert_int_equal(map->live_value.kind, DW_VALUE_NULL);
    assert_int_equal(map->on_truncate, DW_ON_TRUNCATE_IGNORE);
    map = accept("{" SIDES ",\"on_delete\":\"ignore\",\"on_truncate\":\"truncate\"}");
    assert_int_equal(map->on_delete, DW_ON_DELETE_IGNORE);
    assert_int_equal(map->on_truncate, DW_ON_TRUNCATE_TRUNCATE);
}

static const struct dw_table_map *with_table(const char *table)
{
    return parse(dw_arena_printf(
        &arena,
        "{\"map\":\"m\",\"source\":{\"system\":\"e\",\"table\":\"%s\",\"key\":[\"a\"]},"
        "\"target\":{\"system\":\"c\",\"table\":\"u\",\"key\":[\"b\"]}}",
        table));
}

static void test_quoted_table_names(void **state)
{
    (void)state;
    const struct dw_table_map *map = with_table("\\\"My.Sch\\\".\\\"a\\\"\\\"b\\\"");
    assert_non_null(map);
    assert_true(dw_str_is(map->source.schema, "My.Sch"));
    assert_true(dw_str_is(map->source.table, "a\"b"));
    static const char *const bad[] = {"a.b.c", ".",          "a.",        ".b",
                                      "\\\"a", "\\\"a\\\"b", "\\\"\\\".b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(with_table(bad[i]));
        (void)find("DW-MAP-006", "source.table", "allowed");
    }
}

static void test_ambiguous_value_map_is_a_warning_outside_the_key(void **state)
{
    (void)state;
    assert_non_null(accept("{" SIDES ",\"columns\":[{\"source\":\"a\",\"target\":\"x\","
                           "\"values\":{\"A\":1,\"B\":\"1\"}}]}"));
    assert_true(find("DW-MAP-017", "columns[0].values.B", "same target value")->warning);
    assert_int_equal(dw_map_problems_errors(&problems), 0);
    refuse("{" SIDES ",\"columns\":[{\"source\":\"id\",\"target\":\"nr\","
           "\"values\":{\"A\":1,\"B\":1}}]}",
           "DW-MAP-038", "columns[0].values.B", "share one target row");
}

/* --- refused --------------------------------------------------------------------------------- */

static void test_malformed_files(void **state)
{
    (void)state;
    refuse("", "DW-MAP-001", "", "unexpected end");
    refuse("{" SIDES, "DW-MAP-001", "", "unexpected end");
    refuse("{\"map\":\"a\",\"map\":\"b\"}", "DW-MAP-001", "map", "twice");
    refuse("{" SIDES
           ",\"columns\":[{\"source\":\"a\",\"target\":\"x\",\"values\":{\"A\":1,\"A\":2}}]}",
           "DW-MAP-001", "columns[0].values.A", "twice");
    refuse("[]", "DW-MAP-003", "", "an object");
    refuse("{" SIDES ",\"columns\":[{\"target\":\"a\\u0000\",\"default\":1}]}", "DW-MAP-001", "",
           "");
    char deep[400];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    refuse(deep, "DW-MAP-001", "", "too deep");
}

static void test_top_level_mistakes(void **state)
{
    (void)state;
    refuse("{}", "DW-MAP-004", "", "\"map\" is missing");
    (void)find("DW-MAP-004", "", "\"source\" is missing");
    (void)find("DW-MAP-004", "", "\"target\" is missing");
    refuse("{" SIDES ",\"colums\":[]}", "DW-MAP-002", "colums", "no such member");
    assert_true(dw_str_is(find("DW-MAP-002", "colums", "")->remedy, "Did you mean \"columns\"?"));
    refuse("{" SIDES ",\"columns\":{}}", "DW-MAP-003", "columns", "an array");
    refuse("{" SIDES ",\"direction\":\"both\"}", "DW-MAP-014", "direction", "allowed: \"forward\"");
    refuse("{" SIDES ",\"mode\":\"sync\"}", "DW-MAP-014", "mode", "allowed: \"async\"");
    refuse("{" SIDES ",\"mode\":1}", "DW-MAP-003", "mode", "found 1");
    refuse("{" SIDES ",\"version\":\"a b\"}", "DW-MAP-018", "version", "found \"a b\"");
    refuse("{" SIDES ",\"on_truncate\":\"drop\"}", "DW-MAP-014", "on_truncate", "\"ignore\"");
}

static void test_dead_letters(void **state)
{
    (void)state;
    static const char *const good[] = {"lookups", "all", "off"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        (void)accept(dw_arena_printf(
            &arena, "{" SIDES ",\"dead_letters\":{\"auto_replay\":\"%s\"}}", good[i]));
    (void)accept("{" SIDES ",\"dead_letters\":{}}");
    refuse("{" SIDES ",\"dead_letters\":{\"auto_replay\":\"some\"}}", "DW-MAP-014",
           "dead_letters.auto_replay", "allowed: \"lookups\", \"all\", \"off\"");
    refuse("{" SIDES ",\"dead_letters\":{\"auto_replay\":true}}", "DW-MAP-003",
           "dead_letters.auto_replay", "found true");
    refuse("{" SIDES ",\"dead_letters\":{\"autoreplay\":\"all\"}}", "DW-MAP-002",
           "dead_letters.autoreplay", "no such member");
    refuse("{" SIDES ",\"dead_letters\":\"all\"}", "DW-MAP-003", "dead_letters", "found \"all\"");
}

static void test_comparisons_by_themselves(void **state)
{
    (void)state;
    const struct dw_table_map *map = accept("{" SIDES "}");
    assert_int_equal(map->reconcile.every_hours, DW_MAP_RECONCILE_DEFAULT);
    assert_int_equal(map->reconcile.continuous, DW_MAP_RECONCILE_DEFAULT);
    assert_int_equal(map->reconcile.max_rows, DW_MAP_RECONCILE_DEFAULT);
    assert_int_equal(map->reconcile.kinds, 0);
    map = accept(
        "{" SIDES ",\"reconcile\":{\"every_hours\":24,\"continuous\":false,\"rate\":5000,"
        "\"repair\":{\"max_rows\":100,\"max_percent\":1,\"kinds\":[\"held\",\"missing\"]}}}");
    assert_int_equal(map->reconcile.every_hours, 24);
    assert_int_equal(map->reconcile.rate, 5000);
    assert_int_equal(map->reconcile.continuous, 0);
    assert_int_equal(map->reconcile.max_rows, 100);
    assert_int_equal(map->reconcile.max_percent, 1);
    assert_string_equal(dw_map_reconcile_kinds(map->reconcile.kinds), "{missing,held}");
    map = accept("{" SIDES ",\"reconcile\":{\"every_hours\":0,\"continuous\":true}}");
    assert_int_equal(map->reconcile.continuous, 1);
}

static void test_comparisons_that_cannot_be_so(void **state)
{
    (void)state;
    refuse("{" SIDES ",\"reconcile\":{\"every_hours\":1.5}}", "DW-MAP-068", "reconcile.every_hours",
           "a whole number from 0 to 8760");
    refuse("{" SIDES ",\"reconcile\":{\"every_hours\":9000}}", "DW-MAP-068",
           "reconcile.every_hours", "found 9000");
    refuse("{" SIDES ",\"reconcile\":{\"rate\":\"fast\"}}", "DW-MAP-068", "reconcile.rate",
           "found \"fast\"");
    refuse("{" SIDES ",\"reconcile\":{\"continuous\":true,\"every_hours\":1}}", "DW-MAP-068",
           "reconcile.continuous", "beside \"every_hours\"");
    refuse("{" SIDES ",\"reconcile\":{\"continuous\":1}}", "DW-MAP-003", "reconcile.continuous",
           "true or false");
    refuse("{" SIDES ",\"reconcile\":{\"repair\":{\"max_percent\":101}}}", "DW-MAP-068",
           "reconcile.repair.max_percent", "found 101");
    refuse("{" SIDES ",\"reconcile\":{\"repair\":{\"kinds\":[]}}}", "DW-MAP-068",
           "reconcile.repair.kinds", "allowed: an array");
    refuse("{" SIDES ",\"reconcile\":{\"repair\":{\"kinds\":[\"extra\"]}}}", "DW-MAP-068",
           "reconcile.repair.kinds[0]", "--delete-extra");
    refuse("{" SIDES ",\"reconcile\":{\"repair\":{\"kinds\":[\"odd\"]}}}", "DW-MAP-014",
           "reconcile.repair.kinds[0]", "\"missing\"");
    refuse("{" SIDES ",\"reconcile\":{\"hours\":1}}", "DW-MAP-002", "reconcile.hours",
           "no such member");
}

static void test_map_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"A", "a b", "a.b", "\xc3\xa4", "dead-letters", "positions"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(dw_arena_printf(&arena, "{\"map\":\"%s\"}", bad[i]), "DW-MAP-005", "map", "found");
    refuse("{\"map\":\"\"}", "DW-MAP-003", "map", "not empty");
    refuse("{\"map\":7}", "DW-MAP-003", "map", "found 7");
    char name[102];
    memset(name, 'a', 101);
    name[101] = '\0';
    refuse(dw_arena_printf(&arena, "{\"map\":\"%s\"}", name), "DW-MAP-005", "map", "1 to 100");
}

static void refuse_keys(const char *source, const char *target, const char *code, const char *path)
{
    refuse(
        dw_arena_printf(&arena,
                        "{\"map\":\"m\",\"source\":{\"system\":\"e\",\"table\":\"t\",\"key\":%s},"
                        "\"target\":{\"system\":\"c\",\"table\":\"u\",\"key\":%s},"
                        "\"columns\":[{\"source\":\"b\",\"target\":\"y\"}]}",
                        source, target),
        code, path, "found");
}

static void test_key_mistakes(void **state)
{
    (void)state;
    refuse_keys("[]", "[\"x\"]", "DW-MAP-007", "source.key");
    refuse_keys("\"a\"", "[\"x\"]", "DW-MAP-007", "source.key");
    refuse_keys("[\"a\",\"a\"]", "[\"x\",\"z\"]", "DW-MAP-007", "source.key[1]");
    refuse_keys("[\"a\"]", "[\"x\",\"z\"]", "DW-MAP-008", "target.key");
    refuse_keys("[\"a\",\"c\"]", "[\"x\"]", "DW-MAP-008", "target.key");
    refuse_keys("[\"a\"]", "[\"y\"]", "DW-MAP-013", "columns[0].source");
    refuse_keys("[\"a\",7]", "[\"x\"]", "DW-MAP-003", "source.key[1]");
    refuse_keys("[\"\"]", "[\"x\"]", "DW-MAP-006", "source.key[0]");
    refuse_keys("[\"a\\n\"]", "[\"x\"]", "DW-MAP-006", "source.key[0]");
    char name[65];
    memset(name, 'a', 64);
    name[64] = '\0';
    refuse_keys(dw_arena_printf(&arena, "[\"%s\"]", name), "[\"x\"]", "DW-MAP-006",
                "source.key[0]");
}

static void refuse_column(const char *column, const char *code, const char *path)
{
    refuse(dw_arena_printf(&arena, "{" SIDES ",\"columns\":[%s]}", column), code, path, "");
}

static void test_column_mistakes(void **state)
{
    (void)state;
    refuse_column("7", "DW-MAP-003", "columns[0]");
    refuse_column("{\"target\":\"x\"}", "DW-MAP-010", "columns[0]");
    refuse_column("{\"source\":\"a\"}", "DW-MAP-004", "columns[0]");
    refuse_column("{\"source\":\"a\",\"target\":\"x\",\"default\":1}", "DW-MAP-010",
                  "columns[0].default");
    refuse_column("{\"target\":\"x\",\"default\":1,\"values\":{\"a\":1}}", "DW-MAP-010",
                  "columns[0].values");
    refuse_column("{\"target\":\"x\",\"default\":1,\"default_when_null\":1}", "DW-MAP-010",
                  "columns[0].default_when_null");
    refuse_column("{\"source\":\"a\",\"target\":\"x\",\"compute\":\"b\"}", "DW-MAP-010",
                  "columns[0].compute");
    refuse_column("{\"compute\":\"b\",\"target\":\"x\",\"default\":1}", "DW-MAP-010",
                  "columns[0].default");
    refuse_column("{\"target\":\"x\",\"compute\":\"b\",\"values\":{\"a\":1}}", "DW-MAP-010",
                  "columns[0].values");
    refuse_column("{\"target\":\"x\",\"compute\":7}", "DW-MAP-003", "columns[0].compute");
    refuse_column("{\"target\":\"nr\",\"compute\":\"id\"}", "DW-MAP-062", "columns[0].compute");
    refuse_column("{\"source\":\"a\",\"target\":\"x\",\"default_when_null\":null}", "DW-MAP-012",
                  "columns[0].default_when_null");
    refuse_column("{\"source\":\"a\",\"target\":\"x\",\"default_when_null\":[]}", "DW-MAP-003",
                  "columns[0].default_when_null");
    refuse_column("{\"source\":\"a\",\"target\":\"x\",\"values\":{}}", "DW-MAP-003",
                  "columns[0].values");
    refuse_column("{\"source\":\"a\",\"target\":\"x\",\"values\":[1]}", "DW-MAP-003",
                  "columns[0].values");
    refuse_column("{\"source\":\"a\",\"target\":\"x\",\"values\":{\"k\":{}}}", "DW-MAP-003",
                  "columns[0].values.k");
    refuse_column("{\"source\":\"a\",\"target\":\"x\",\"tarket\":1}", "DW-MAP-002",
                  "columns[0].tarket");
    refuse_column("{\"source\":\"a\",\"target\":\"x\"},{\"source\":\"b\",\"target\":\"x\"}",
                  "DW-MAP-009", "columns[1].target");
    refuse_column("{\"target\":\"nr\",\"default\":null}", "DW-MAP-012", "columns[0].default");
    refuse_column("{\"source\":\"id\",\"target\":\"nr\",\"default_when_null\":0}", "DW-MAP-012",
                  "columns[0].default_when_null");
    refuse_column("{\"source\":\"id\",\"target\":\"nr\",\"values\":{\"a\":null}}", "DW-MAP-012",
                  "columns[0].values");
}

#define FILTERED                                                                                   \
    "\"map\":\"m\",\"source\":{\"system\":\"erp\",\"table\":\"s.t\",\"key\":[\"id\"],"             \
    "\"filter\":\"a eq 1\"},\"target\":{\"system\":\"crm\",\"table\":\"u\",\"key\":[\"nr\"]}"

static void test_filter_and_computed_columns(void **state)
{
    (void)state;
    const struct dw_table_map *map =
        accept("{" FILTERED ",\"columns\":[{\"target\":\"x\",\"compute\":\"a add 1\","
               "\"default_when_null\":0}]}");
    assert_true(dw_str_is(map->filter, "a eq 1"));
    assert_int_equal(map->on_filter_exit, DW_ON_FILTER_EXIT_DELETE);
    assert_true(dw_str_is(map->columns[0].compute, "a add 1"));
    assert_null(map->columns[0].source.ptr);
    map = accept("{" FILTERED ",\"on_filter_exit\":\"keep\",\"on_delete\":\"ignore\"}");
    assert_int_equal(map->on_filter_exit, DW_ON_FILTER_EXIT_KEEP);
    assert_false(dw_table_map_deletes(map));
    map = accept("{" FILTERED ",\"on_filter_exit\":{\"set\":\"state\",\"to\":2,\"live\":0},"
                 "\"on_delete\":{\"set\":\"state\",\"to\":3,\"live\":0}}");
    assert_int_equal(map->on_filter_exit, DW_ON_FILTER_EXIT_SET);
    assert_true(dw_str_is(map->exit.column, "state"));
    assert_true(dw_str_is(map->exit.value.text, "2"));
    assert_null(accept("{" SIDES "}")->filter.ptr);
}

#define LOOKUP(members) "{\"target\":\"x\",\"lookup\":{\"table\":\"s.g\"," members "}}"

static void test_lookups(void **state)
{
    (void)state;
    const struct dw_table_map *map = accept(
        "{" SIDES ",\"columns\":[{\"source\":\"grp\",\"target\":\"x\",\"default_when_null\":0,"
        "\"lookup\":{\"table\":\"s.g\",\"column\":\"id\",\"on_missing\":\"null\",\"key\":[\"code\","
        "{\"column\":\"kind\",\"default\":7},{\"column\":\"co\",\"lookup\":{\"table\":\"c\","
        "\"column\":\"nr\",\"key\":[{\"column\":\"code\",\"source\":\"company\"}]}}]}}]}");
    const struct dw_map_lookup *lookup = map->columns[0].lookup;
    assert_non_null(lookup);
    assert_null(map->columns[0].source.ptr);
    assert_false(dw_table_map_is_constant(&map->columns[0]));
    assert_int_equal(lookup->on_missing, DW_ON_MISSING_NULL);
    assert_int_equal(lookup->key_count, 3);
    assert_true(dw_str_is(lookup->keys[0].source, "grp"));
    assert_true(dw_str_is(lookup->keys[1].constant.text, "7"));
    assert_true(dw_str_is(lookup->keys[2].lookup->schema, "public"));
    assert_true(dw_str_is(lookup->keys[2].lookup->keys[0].source, "company"));
}

static void test_lookup_mistakes(void **state)
{
    (void)state;
    refuse_column(LOOKUP("\"column\":\"id\""), "DW-MAP-004", "columns[0].lookup");
    refuse_column(LOOKUP("\"key\":[{\"column\":\"a\",\"source\":\"b\"}]"), "DW-MAP-004",
                  "columns[0].lookup");
    refuse_column(LOOKUP("\"column\":\"id\",\"key\":[]"), "DW-MAP-063", "columns[0].lookup.key");
    refuse_column(LOOKUP("\"column\":\"id\",\"key\":[\"a\"]"), "DW-MAP-063",
                  "columns[0].lookup.key[0]");
    refuse_column(LOOKUP("\"column\":\"id\",\"key\":[{\"column\":\"a\"}]"), "DW-MAP-063",
                  "columns[0].lookup.key[0]");
    refuse_column(LOOKUP("\"column\":\"id\",\"key\":[{\"column\":\"a\",\"default\":null}]"),
                  "DW-MAP-063", "columns[0].lookup.key[0].default");
    refuse_column(
        "{\"target\":\"x\",\"source\":\"y\",\"lookup\":{\"table\":\"g\",\"column\":\"id\","
        "\"key\":[{\"column\":\"a\",\"source\":\"b\"}]}}",
        "DW-MAP-063", "columns[0].lookup");
    refuse_column("{\"target\":\"nr\",\"source\":\"id\",\"lookup\":{\"table\":\"g\",\"column\":"
                  "\"id\",\"key\":[\"a\"]}}",
                  "DW-MAP-062", "columns[0].lookup");
}

static void test_filter_mistakes(void **state)
{
    (void)state;
    refuse("{" SIDES ",\"on_filter_exit\":\"keep\"}", "DW-MAP-060", "on_filter_exit", "filter");
    refuse("{" FILTERED ",\"on_filter_exit\":\"ignore\"}", "DW-MAP-014", "on_filter_exit",
           "\"keep\"");
    refuse("{" FILTERED ",\"on_filter_exit\":1}", "DW-MAP-003", "on_filter_exit", "found 1");
    refuse("{" FILTERED ",\"on_filter_exit\":{\"set\":\"nr\",\"to\":1,\"live\":0}}", "DW-MAP-015",
           "on_filter_exit.set", "\"nr\"");
    refuse("{" FILTERED ",\"on_filter_exit\":{\"set\":\"s\",\"to\":1,\"live\":1}}", "DW-MAP-015",
           "on_filter_exit.live", "same value");
    refuse("{" FILTERED ",\"on_filter_exit\":{\"set\":\"s\",\"to\":2,\"live\":1},"
           "\"on_delete\":{\"set\":\"s\",\"to\":3,\"live\":0}}",
           "DW-MAP-015", "on_filter_exit.live", "another value");
    refuse("{\"map\":\"m\",\"source\":{\"filter\":7}}", "DW-MAP-003", "source.filter", "found 7");
}

static void test_on_delete_mistakes(void **state)
{
    (void)state;
    refuse("{" SIDES ",\"on_delete\":\"remove\"}", "DW-MAP-014", "on_delete", "\"ignore\"");
    refuse("{" SIDES ",\"on_delete\":true}", "DW-MAP-003", "on_delete", "found true");
    refuse("{" SIDES ",\"on_delete\":{\"set\":\"g\"}}", "DW-MAP-004", "on_delete", "\"to\"");
    refuse("{" SIDES ",\"on_delete\":{\"set\":\"g\",\"to\":1,\"live\":1}}", "DW-MAP-015",
           "on_delete.live", "same value");
    refuse("{" SIDES ",\"on_delete\":{\"set\":\"nr\",\"to\":1,\"live\":0}}", "DW-MAP-015",
           "on_delete.set", "\"nr\"");
    refuse("{" SIDES ",\"on_delete\":{\"set\":\"x\",\"to\":1,\"live\":0},\"columns\":"
           "[{\"source\":\"a\",\"target\":\"x\"}]}",
           "DW-MAP-015", "on_delete.set", "\"x\"");
}

static void test_all_mistakes_are_collected_with_their_lines(void **state)
{
    (void)state;
    assert_null(parse("{" SIDES ",\n\"mode\":\"x\",\n\"columns\":[\n{\"target\":\"a\"},\n"
                      "{\"source\":\"b\",\"target\":1}]}"));
    assert_int_equal(dw_map_problems_errors(&problems), 3);
    assert_int_equal(find("DW-MAP-014", "mode", "")->line, 2);
    assert_int_equal(find("DW-MAP-010", "columns[0]", "")->line, 4);
    assert_int_equal(find("DW-MAP-003", "columns[1].target", "")->line, 5);
    assert_true(dw_str_is(problems.items[0].file, "m.json"));
}

/* An error behind hundreds of warnings must not be lost with those that are dropped. */
static void test_error_counts_behind_dropped_problems(void **state)
{
    (void)state;
    struct dw_buf text;
    dw_buf_init(&text, 1 << 20);
    dw_buf_append_text(&text,
                       "{" SIDES ",\"columns\":[{\"source\":\"a\",\"target\":\"x\",\"values\":{");
    for (int i = 0; i < DW_MAP_PROBLEMS_MAX + 10; i++)
        dw_buf_printf(&text, "%s\"%d\":1", i ? "," : "", i);
    dw_buf_append_text(&text, "}}]");
    const char *good = dw_arena_printf(&arena, "%s}", text.data);
    const char *bad =
        dw_arena_printf(&arena, "%s,\"on_delete\":{\"set\":\"x\",\"to\":1,\"live\":0}}", text.data);
    dw_buf_done(&text);
    assert_non_null(parse(good));
    assert_int_equal(problems.count, DW_MAP_PROBLEMS_MAX);
    assert_null(parse(bad));
}

static void test_too_many_columns(void **state)
{
    (void)state;
    struct dw_buf text;
    dw_buf_init(&text, 1 << 20);
    dw_buf_append_text(&text, "{" SIDES ",\"columns\":[");
    for (int i = 0; i <= DW_TABLE_MAP_COLUMNS_MAX; i++)
        dw_buf_printf(&text, "%s{\"target\":\"c%d\",\"default\":1}", i ? "," : "", i);
    dw_buf_append_text(&text, "]}");
    refuse(dw_arena_copy(&arena, dw_buf_str(&text)).ptr, "DW-MAP-016", "columns", "at most 1600");
    dw_buf_done(&text);
}

/* --- files of the repository ----------------------------------------------------------------- */

static void test_demo_maps_are_good(void **state)
{
    (void)state;
    static const char folder[] = "deploy/local/demo/maps";
    DIR *directory = opendir(folder);
    size_t count = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct dw_str text;
        if (!strstr(entry->d_name, ".json"))
            continue;
        assert_null(dw_text_file_read(dw_arena_printf(&arena, "%s/%s", folder, entry->d_name),
                                      1 << 20, &arena, &text));
        (void)accept(text.ptr);
        assert_int_equal(problems.count, 0);
        count++;
    }
    (void)closedir(directory);
    assert_int_equal(count, 8);
}

/* The parser's message about an unknown member lists all known ones: the schema has exactly those.
 */
static void check_members(const struct dw_node *schema, const char *text, const char *path)
{
    assert_null(parse(text));
    const char *list = strstr(find("DW-MAP-002", path, "allowed: ")->message.ptr, "allowed: ");
    const struct dw_node *properties = dw_document_member(schema, "properties");
    size_t listed = 0;
    for (const char *c = list; *c; c++)
        listed += *c == '"';
    assert_int_equal(listed, 2 * properties->count);
    for (const struct dw_node *member = properties->first; member; member = member->next)
        assert_non_null(
            strstr(list, dw_arena_printf(&arena, "\"%.*s\"", DW_STR_ARG(member->name))));
}

static void test_schema_has_the_members_of_the_parser(void **state)
{
    (void)state;
    struct dw_str text;
    const struct dw_node *root;
    struct dw_document_fault fault;
    assert_null(dw_text_file_read("common/model/table_map.schema.json", 1 << 20, &arena, &text));
    assert_int_equal(dw_document_parse(text, &arena, &root, &fault), DW_OK);
    const struct dw_node *defs = dw_document_member(root, "$defs");
    check_members(root, "{\"zz\":1}", "zz");
    check_members(dw_document_member(defs, "source"), "{\"source\":{\"zz\":1}}", "source.zz");
    check_members(dw_document_member(defs, "side"), "{\"target\":{\"zz\":1}}", "target.zz");
    check_members(dw_document_member(defs, "column"), "{\"columns\":[{\"zz\":1}]}",
                  "columns[0].zz");
    check_members(dw_document_member(defs, "lookup"), "{\"columns\":[{\"lookup\":{\"zz\":1}}]}",
                  "columns[0].lookup.zz");
    check_members(dw_document_member(defs, "lookupKey"),
                  "{\"columns\":[{\"lookup\":{\"key\":[{\"zz\":1}]}}]}",
                  "columns[0].lookup.key[0].zz");
    check_members(dw_document_member(defs, "set"), "{\"on_delete\":{\"zz\":1}}", "on_delete.zz");
    check_members(dw_document_member(defs, "set"), "{\"on_filter_exit\":{\"zz\":1}}",
                  "on_filter_exit.zz");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keys_become_columns),
        TEST(test_columns_keep_order_kinds_and_number_text),
        TEST(test_constant_key_column_needs_no_partner),
        TEST(test_on_delete_forms),
        TEST(test_quoted_table_names),
        TEST(test_ambiguous_value_map_is_a_warning_outside_the_key),
        TEST(test_malformed_files),
        TEST(test_top_level_mistakes),
        TEST(test_dead_letters),
        TEST(test_comparisons_by_themselves),
        TEST(test_comparisons_that_cannot_be_so),
        TEST(test_map_names),
        TEST(test_key_mistakes),
        TEST(test_column_mistakes),
        TEST(test_filter_and_computed_columns),
        TEST(test_filter_mistakes),
        TEST(test_lookups),
        TEST(test_lookup_mistakes),
        TEST(test_on_delete_mistakes),
        TEST(test_all_mistakes_are_collected_with_their_lines),
        TEST(test_error_counts_behind_dropped_problems),
        TEST(test_too_many_columns),
        TEST(test_demo_maps_are_good),
        TEST(test_schema_has_the_members_of_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
