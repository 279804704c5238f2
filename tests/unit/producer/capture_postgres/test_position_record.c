/* The position as a record: written, read back, the later of two. */
#include "producer/capture_postgres/position_record.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static const struct dw_state_position sample = {
    .epoch = 2,
    .published_lsn = UINT64_MAX - 1,
    .confirmed_lsn = 20,
    .published_xid = 4294967295U,
    .published_commit_us = INT64_C(1700000000123456),
    .system_identifier = "7711557007666139684",
    .timeline = 3,
    .known = true,
};

static void test_round_trip(void **state)
{
    (void)state;
    struct dw_buf text;
    struct dw_arena arena;
    struct dw_state_position read;
    static char map[] = "items";
    const struct dw_generation raised = {map, 2, 2, 4, 1, 15};
    struct dw_generations generations = {NULL, 0};
    struct dw_generations read_generations = {NULL, 0};
    dw_buf_init(&text, 1024);
    dw_arena_init(&arena, 1024);
    (void)dw_generation_add(&generations, &raised);
    dw_position_record_format(&sample, &generations, &text);
    assert_true(dw_position_record_parse(dw_buf_str(&text), &arena, &read, &read_generations));
    assert_int_equal(dw_generation_count_at(&read_generations, "items", 1, 15, 9), 4);
    assert_int_equal(dw_generation_count_at(&read_generations, "items", 1, 14, 9), 2);
    assert_true(read.known && read.epoch == 2 && read.timeline == 3);
    assert_true(read.published_lsn == UINT64_MAX - 1 && read.confirmed_lsn == 20);
    assert_true(read.published_xid == 4294967295U);
    assert_true(read.published_commit_us == sample.published_commit_us);
    assert_string_equal(read.system_identifier, sample.system_identifier);
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"epoch\":1",
        "null",
        "{\"epoch\":1,\"system_identifier\":5}",
        "{\"epoch\":1,\"system_identifier\":\"5\",\"generations\":[{}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(
            dw_position_record_parse(dw_str_from(bad[i]), &arena, &read, &read_generations));
    /* A record from before there were generations. */
    assert_true(dw_position_record_parse(DW_STR_LIT("{\"epoch\":1,\"system_identifier\":\"5\"}"),
                                         &arena, &read, &read_generations));
    dw_generation_done(&generations);
    dw_generation_done(&read_generations);
    dw_arena_done(&arena);
    dw_buf_done(&text);
}

static void test_the_later_one_wins(void **state)
{
    (void)state;
    struct dw_state_position none = {.known = false};
    struct dw_state_position epoch = {.epoch = 3, .published_lsn = 1, .known = true};
    struct dw_state_position older = sample;
    older.published_lsn = 10;
    assert_ptr_equal(dw_position_record_later(&none, &sample), &sample);
    assert_ptr_equal(dw_position_record_later(&sample, &none), &sample);
    assert_ptr_equal(dw_position_record_later(&sample, &epoch), &epoch);
    assert_ptr_equal(dw_position_record_later(&older, &sample), &sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_the_later_one_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
