/* test_replay.c - a dead letter on its way back, written and read. */
#include "common/model/replay.h"

#include "common/model/event.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define EVENT "{\"op\":\"c\",\"after\":{\"id\":1,\"name\":\"a\\\"b\"}}"

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    struct dw_arena arena;
    struct dw_buf value;
    struct dw_event event;
    struct dw_err err = DW_ERR_INIT;
    struct dw_replay back;
    const struct dw_replay replay = {.topic = DW_STR_LIT("dualwrite.items"),
                                     .partition = 7,
                                     .offset = INT64_MAX,
                                     .incarnation = DW_STR_LIT("an-incarnation"),
                                     .attempt = 3,
                                     .by = DW_STR_LIT("J\u00f6rg \"x\""),
                                     .event = DW_STR_LIT(EVENT)};
    dw_arena_init(&arena, 8192);
    dw_buf_init(&value, 65536);
    dw_replay_encode(&value, &replay, "erp", 1700000000123456);
    assert_int_equal(dw_event_decode(dw_buf_str(&value), &arena, &event, &err), DW_OK);
    assert_int_equal(event.op, DW_EVENT_MESSAGE);
    assert_false(event.has_version);
    assert_true(dw_str_is(event.system, "erp"));
    assert_true(dw_str_is(event.message_prefix, DW_EVENT_REPLAY));
    assert_true(dw_replay_decode(event.message_content, &arena, &back));
    assert_true(dw_str_equal(back.topic, replay.topic));
    assert_int_equal(back.partition, 7);
    assert_int_equal(back.offset, INT64_MAX);
    assert_true(dw_str_equal(back.incarnation, replay.incarnation));
    assert_int_equal(back.attempt, 3);
    assert_true(dw_str_equal(back.by, replay.by));
    assert_true(dw_str_is(back.event, EVENT));
    dw_buf_done(&value);
    dw_arena_done(&arena);
}

static void test_what_is_not_whole_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"topic\":\"t\",\"partition\":0,\"offset\":0,\"incarnation\":\"i\",\"attempt\":2,"
        "\"by\":\"x\"}",
        "{\"topic\":\"t\",\"partition\":-1,\"offset\":0,\"incarnation\":\"i\",\"attempt\":2,"
        "\"by\":\"x\",\"event\":{}}",
        "{\"topic\":\"t\",\"partition\":9999999999,\"offset\":0,\"incarnation\":\"i\","
        "\"attempt\":2,\"by\":\"x\",\"event\":{}}",
        "{\"topic\":\"t\",\"partition\":0,\"offset\":0,\"incarnation\":\"i\",\"attempt\":2,"
        "\"by\":\"x\",\"event\":null}",
        "{\"topic\":\"t\",\"partition\":0,\"offset\":\"0\",\"incarnation\":\"i\",\"attempt\":2,"
        "\"by\":\"x\",\"event\":{}}",
        "{\"topic\":\"t\",\"partition\":0,\"offset\":0,\"incarnation\":\"i\",\"attempt\":2,"
        "\"by\":\"x\",\"event\":{}",
    };
    struct dw_arena arena;
    struct dw_replay out;
    dw_arena_init(&arena, 8192);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(dw_replay_decode(dw_str_from(texts[i]), &arena, &out));
    dw_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_what_is_not_whole_is_none),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
