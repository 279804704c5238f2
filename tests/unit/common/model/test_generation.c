/* By how many partitions a map is published at each place; lists as text and back. */
#include "common/model/generation.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static char items[] = "items";
static char orders[] = "or\"ders";

static void fill(struct dw_generations *list)
{
    const struct dw_generation all[] = {
        {items, 3, 4, 6, 2, 50},
        {orders, 2, 8, 9, 1, 100},
        {items, 2, 2, 4, 1, 100},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_true(dw_generation_add(list, &all[i]));
}

static void test_the_count_is_that_of_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *map;
        uint32_t epoch;
        uint64_t lsn;
        int32_t partitions;
    } cases[] = {
        {items, 1, 99, 2}, {items, 1, 100, 4},  {items, 2, 1, 4},
        {items, 2, 49, 4}, {items, 2, 50, 6},   {items, 9, 0, 6},
        {orders, 1, 0, 8}, {orders, 1, 100, 9}, {"unheard of", 1, 0, 3},
    };
    struct dw_generations list = {NULL, 0};
    fill(&list);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(
            dw_generation_count_at(&list, cases[i].map, cases[i].epoch, cases[i].lsn, 3),
            cases[i].partitions);
    assert_int_equal(dw_generation_newest(&list, items)->number, 3);
    assert_null(dw_generation_newest(&list, "unheard of"));
    assert_null(dw_generation_at(&list, items, 1, 99));
    dw_generation_done(&list);
}

static void test_a_generation_is_there_once(void **state)
{
    (void)state;
    struct dw_generations list = {NULL, 0};
    struct dw_generations other = {NULL, 0};
    const struct dw_generation again = {items, 3, 7, 8, 9, 9};
    const struct dw_generation next = {items, 4, 6, 8, 3, 9};
    fill(&list);
    assert_false(dw_generation_add(&list, &again));
    fill(&other);
    assert_true(dw_generation_add(&other, &next));
    dw_generation_merge(&list, &other);
    assert_int_equal(list.count, 4);
    assert_int_equal(dw_generation_newest(&list, items)->partitions, 8);
    dw_generation_done(&list);
    dw_generation_done(&other);
}

static void test_text_and_back(void **state)
{
    (void)state;
    struct dw_generations list = {NULL, 0};
    struct dw_generations read = {NULL, 0};
    struct dw_buf text;
    dw_buf_init(&text, 4096);
    dw_generation_format(&list, &text);
    assert_string_equal(text.data, "[]");
    assert_true(dw_generation_parse(dw_buf_str(&text), &read));
    assert_int_equal(read.count, 0);
    fill(&list);
    dw_buf_reset(&text, 4096);
    dw_generation_format(&list, &text);
    assert_true(dw_generation_parse(dw_buf_str(&text), &read));
    assert_int_equal(read.count, list.count);
    for (size_t i = 0; i < read.count; i++) {
        assert_string_equal(read.items[i].map, list.items[i].map);
        assert_int_equal(read.items[i].number, list.items[i].number);
        assert_int_equal(read.items[i].before, list.items[i].before);
        assert_int_equal(read.items[i].partitions, list.items[i].partitions);
        assert_int_equal(read.items[i].epoch, list.items[i].epoch);
        assert_int_equal(read.items[i].lsn, list.items[i].lsn);
    }
    dw_buf_done(&text);
    dw_generation_done(&list);
    dw_generation_done(&read);
}

/* The state database writes blanks, and a newer program may write more members. */
static void test_what_others_write(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[",
        "[1]",
        "[{}]",
        "[{\"map\":\"a\",\"generation\":1,\"before\":1,\"partitions\":2}]",
        "[{\"map\":\"a\",\"map\":\"b\",\"generation\":2,\"before\":0,\"partitions\":2}]",
        "[] x",
    };
    struct dw_generations list = {NULL, 0};
    assert_true(dw_generation_parse(
        DW_STR_LIT("[{\"map\" : \"a\", \"generation\" : 2, \"more\": [{}], \"before\" : 1,"
                   " \"partitions\" : 2, \"epoch\" : 1, \"lsn\" : 18446744073709551615}]"),
        &list));
    assert_int_equal(list.count, 1);
    assert_true(list.items[0].lsn == UINT64_MAX);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(dw_generation_parse(dw_str_from(bad[i]), &list));
    dw_generation_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_count_is_that_of_the_place),
        cmocka_unit_test(test_a_generation_is_there_once),
        cmocka_unit_test(test_text_and_back),
        cmocka_unit_test(test_what_others_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
