/* test_source_key.c - the key that held rows and later events have in common. */
#include "consumer/pipeline/source_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static const struct dw_str keys[] = {{"company", 7}, {"number", 6}};
static const struct dw_resolved_column resolved[] = {{.name = {"company", 7}, .base_oid = 25},
                                                     {.name = {"number", 6}, .base_oid = 1700}};
static const struct dw_map_column columns[] = {{.source = {"company", 7}},
                                               {.source = {"number", 6}},
                                               {.source = {"name", 4}},
                                               {.source = {NULL, 0}}, /* a constant */
                                               {.source = {"notes", 5}}};
static const struct dw_table_map map = {
    .source = {.key = keys, .key_count = 2},
    .columns = columns,
    .column_count = sizeof columns / sizeof *columns,
};
static const struct dw_resolved_side source = {.columns = resolved, .column_count = 2};

struct fixture {
    struct dw_arena arena;
    struct dw_buf text;
    struct dw_source_key reader;
};

static int setup(void **state)
{
    static struct fixture f;
    dw_arena_init(&f.arena, 8192);
    dw_buf_init(&f.text, 65536);
    f.reader = (struct dw_source_key){&map, &source, false, &f.text, &f.arena};
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    dw_arena_done(&f->arena);
    dw_buf_done(&f->text);
    return 0;
}

static struct dw_held_key read_key(struct fixture *f, const char *text)
{
    return dw_source_key_read(&f->reader, dw_str_from(text));
}

static void test_ways_of_writing_one_key_are_one(void **state)
{
    struct fixture *f = *state;
    struct dw_held_key key = read_key(f, "{\"company\":\"1.0\",\"number\":\"1.50\"}");
    assert_true(dw_str_is(key.text, "[\"1.0\",\"1.5\"]"));
    struct dw_held_key same = read_key(f, "{\"number\":1.5,\"company\":\"\\u0031.0\"}");
    assert_true(dw_str_equal(key.text, same.text));
    assert_int_equal(key.hash, same.hash);
    struct dw_held_key other = read_key(f, "{\"company\":\"1.00\",\"number\":\"1.5\"}");
    assert_false(dw_str_equal(key.text, other.text)); /* text is as it is written */
    f->reader.ascii = true;
    key = read_key(f, "{\"company\":\"\u00e9\",\"number\":1}");
    assert_true(dw_str_is(key.text, "[\"\\u00e9\",\"1\"]"));
}

static void test_what_is_no_key_is_none(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "",
        "k",
        "null",
        "7",
        "{}",
        "{\"company\":\"a\"}",
        "{\"company\":\"a\",\"number\":null}",
        "{\"company\":\"a\",\"number\":[1]}",
        "{\"company\":\"a\",\"company\":\"b\"}",
        "{\"company\":\"a\",\"number\":1,\"more\":2}",
        "{\"company\":\"a\",\"number\":1",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_null(read_key(f, texts[i]).text.ptr);
    assert_null(dw_source_key_read(&f->reader, (struct dw_str){NULL, 0}).text.ptr);
}

static void test_columns_left_out_are_named(void **state)
{
    struct fixture *f = *state;
    static const struct dw_event_field all[] = {
        {{"company", 7}, {DW_VALUE_STRING, {"a", 1}}}, {{"number", 6}, {DW_VALUE_STRING, {"1", 1}}},
        {{"notes", 5}, {DW_VALUE_NULL, {NULL, 0}}},    {{"name", 4}, {DW_VALUE_STRING, {"n", 1}}},
        {{"unmapped", 8}, {DW_VALUE_NULL, {NULL, 0}}},
    };
    struct dw_event_row row = {all, 5};
    assert_int_equal(dw_source_key_lacks(&f->reader, &row).count, 0);
    row.count = 3;
    struct dw_held_lacks without_name = dw_source_key_lacks(&f->reader, &row);
    assert_int_equal(without_name.count, 1);
    static const struct dw_event_field placeholder[] = {
        {{"company", 7}, {DW_VALUE_STRING, {"a", 1}}},
        {{"number", 6}, {DW_VALUE_STRING, {"1", 1}}},
        {{"notes", 5}, {DW_VALUE_NULL, {NULL, 0}}},
        {{"name", 4}, {DW_VALUE_ABSENT, {NULL, 0}}},
    };
    row = (struct dw_event_row){placeholder, 4};
    struct dw_held_lacks absent = dw_source_key_lacks(&f->reader, &row);
    assert_int_equal(absent.count, 1);
    assert_int_equal(absent.columns[0], without_name.columns[0]);
    row.count = 0;
    assert_int_equal(dw_source_key_lacks(&f->reader, &row).count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ways_of_writing_one_key_are_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_key_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_columns_left_out_are_named, setup, teardown),
    };
    return cmocka_run_group_tests_name("source_key", tests, NULL, NULL);
}
