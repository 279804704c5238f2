/* test_sync_keys.c - keys of a re-sync as people write them. */
#include "common/model/table_map.h"
#include "reconciler/maps/sync_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct dw_arena arena;
static const struct dw_str pair[] = {{"company", 7}, {"id", 2}};
static const struct dw_map_side two = {.key = pair, .key_count = 2};
static const struct dw_map_side one = {.key = pair + 1, .key_count = 1};

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

static void assert_key(const struct dw_map_side *side, const char *text, const char *expected)
{
    struct dw_err err = DW_ERR_INIT;
    const char *found = NULL;
    assert_int_equal(dw_sync_keys_parse_one(dw_str_from(text), side, &arena, &found, &err), DW_OK);
    assert_string_equal(found, expected);
}

static void assert_refused(const struct dw_map_side *side, const char *text, const char *part)
{
    struct dw_err err = DW_ERR_INIT;
    const char *found = NULL;
    assert_int_equal(dw_sync_keys_parse_one(dw_str_from(text), side, &arena, &found, &err),
                     DW_CONFLICT);
    assert_string_equal(err.id, "DW-SYNC-003");
    if (!strstr(err.message, part))
        fail_msg("%s: %s", text, err.message);
}

static void test_objects_and_arrays_become_arrays_of_texts(void **state)
{
    (void)state;
    assert_key(&two, "[\"dat\", 7]", "[\"dat\",\"7\"]");
    assert_key(&two, "{\"id\": 7, \"company\": \"a\\\"b\"}", "[\"a\\\"b\",\"7\"]");
    assert_key(&two, "[true, 12345678901234567890.10]", "[\"true\",\"12345678901234567890.10\"]");
    assert_key(&one, "7", "[\"7\"]");
    assert_key(&one, "\"x\"", "[\"x\"]");
    assert_key(&one, "{\"id\": \"\"}", "[\"\"]");
}

static void test_what_is_no_key_is_refused_with_the_reason(void **state)
{
    (void)state;
    assert_refused(&two, "[\"dat\"]", "lacks the column id; the map's source key is (company, id)");
    assert_refused(&two, "[\"dat\", 1, 2]", "too many values");
    assert_refused(&two, "{\"id\": 1, \"name\": 2}", "name is no key column");
    assert_refused(&two, "{\"id\": 1}", "lacks the column company");
    assert_refused(&two, "[\"dat\", null]", "key column id is no text");
    assert_refused(&two, "[\"dat\", [1]]", "key column id is no text");
    assert_refused(&two, "7", "a JSON object or array");
    assert_refused(&two, "dat", "a JSON object or array");
    assert_refused(&two, "[\"dat\", 1", "");
    assert_refused(&two, "{\"id\": 1, ", "malformed");
    assert_refused(&one, "[1] [2]", "behind the key");
    assert_refused(&one, "", "");
}

static void test_lists_of_keys_are_counted(void **state)
{
    (void)state;
    struct dw_err err = DW_ERR_INIT;
    const char *found = NULL;
    size_t count = 0;
    assert_int_equal(
        dw_sync_keys_parse(DW_STR_LIT("[1, [2], {\"id\": 3}]"), &one, &arena, &found, &count, &err),
        DW_OK);
    assert_string_equal(found, "[[\"1\"],[\"2\"],[\"3\"]]");
    assert_int_equal(count, 3);
    assert_int_equal(dw_sync_keys_parse(DW_STR_LIT("[]"), &one, &arena, &found, &count, &err),
                     DW_CONFLICT);
    assert_int_equal(dw_sync_keys_parse(DW_STR_LIT("1"), &one, &arena, &found, &count, &err),
                     DW_CONFLICT);
    assert_int_equal(dw_sync_keys_parse(DW_STR_LIT("[1"), &one, &arena, &found, &count, &err),
                     DW_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_and_arrays_become_arrays_of_texts),
        cmocka_unit_test(test_what_is_no_key_is_refused_with_the_reason),
        cmocka_unit_test(test_lists_of_keys_are_counted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
