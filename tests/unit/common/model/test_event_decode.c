/* Events from records' values: ours, Debezium's, and what is neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/model/event.h"
#include "common/model/table_map.h"
#include <cmocka.h>

#define SOURCE                                                                                     \
    "\"source\":{\"version\":\"0.1.0\",\"connector\":\"dualwrite\",\"name\":\"erp\",\"ts_ms\":17," \
    "\"sequence\":\"[\\\"1\\\",\\\"1\\\"]\",\"ts_us\":17001,\"txId\":9,\"lsn\":81985529216486895," \
    "\"epoch\":2,\"ordinal\":7}"

static struct dw_arena arena;
static struct dw_event event;
static struct dw_err err;

static enum dw_rc decode(const char *text)
{
    return dw_event_decode(dw_str_from(text), &arena, &event, &err);
}

static void assert_rejected(const char *text, const char *id)
{
    if (decode(text) != DW_REJECT)
        fail_msg("taken: %s", text);
    assert_string_equal(err.id, id);
}

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

static void test_own_event(void **state)
{
    (void)state;
    assert_int_equal(decode("{\"op\":\"u\",\"ts_ms\":99," SOURCE ",\"before\":null,\"after\":{"
                            "\"a\":1.50,\"b\":\"t\\u00e9\",\"c\":true,\"d\":null,\"e\":[1,{}],"
                            "\"f\":\"__debezium_unavailable_value\"}}"),
                     DW_OK);
    assert_int_equal(event.op, DW_EVENT_UPDATE);
    assert_true(event.has_version);
    assert_int_equal(event.version.epoch, 2);
    assert_int_equal(event.version.commit_lsn, 81985529216486895);
    assert_int_equal(event.version.ordinal, 7);
    assert_int_equal(event.commit_us, 17001);
    assert_true(dw_str_is(event.system, "erp"));
    assert_null(event.before.fields);
    assert_int_equal(event.after.count, 6);
    const struct dw_event_field *f = event.after.fields;
    assert_int_equal(f[0].value.kind, DW_VALUE_NUMBER);
    assert_true(dw_str_is(f[0].value.text, "1.50"));
    assert_true(dw_str_is(f[1].value.text, "té"));
    assert_int_equal(f[2].value.kind, DW_VALUE_TRUE);
    assert_int_equal(f[3].value.kind, DW_VALUE_NULL);
    assert_int_equal(f[4].value.kind, DW_VALUE_NESTED);
    assert_true(dw_str_is(f[4].value.text, "[1,{}]"));
    assert_int_equal(f[5].value.kind, DW_VALUE_STRING); /* ours never writes the placeholder */
}

static void test_members_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(decode("{\"unknown\":[{}],\"after\":{\"a\":1},\"source\":{\"ordinal\":0,"
                            "\"lsn\":1,\"x\":{\"name\":1},\"epoch\":1},\"op\":\"c\"}"),
                     DW_OK);
    assert_true(event.has_version);
}

static void test_debezium_event(void **state)
{
    (void)state;
    assert_int_equal(
        decode("{\"schema\":{\"type\":\"struct\"},\"payload\":{\"before\":{\"a\":null},\"after\":{"
               "\"a\":\"__debezium_unavailable_value\",\"b\":[\"__debezium_unavailable_value\"],"
               "\"c\":\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\",\"d\":\"x\"},"
               "\"source\":{\"name\":\"pg\",\"lsn\":5,\"sequence\":\"[\\\"4\\\",\\\"5\\\"]\","
               "\"ts_ms\":3},\"transaction\":null,\"op\":\"u\",\"ts_ms\":4}}"),
        DW_OK);
    assert_false(event.has_version);
    assert_true(dw_str_is(event.sequence, "[\"4\",\"5\"]"));
    assert_int_equal(event.commit_us, 3000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(event.after.fields[i].value.kind, DW_VALUE_ABSENT);
    assert_int_equal(event.after.fields[3].value.kind, DW_VALUE_STRING);
}

static void test_message_and_truncate(void **state)
{
    (void)state;
    assert_int_equal(decode("{\"op\":\"m\"," SOURCE ",\"message\":{\"prefix\":\"dualwrite."
                            "heartbeat\",\"content\":\"eyJ4IjoxfQ==\"}}"),
                     DW_OK);
    assert_true(dw_str_is(event.message_prefix, DW_EVENT_HEARTBEAT));
    assert_true(dw_str_is(event.message_content, "{\"x\":1}"));
    assert_int_equal(decode("{\"op\":\"t\"," SOURCE ",\"before\":null,\"after\":null}"), DW_OK);
    assert_int_equal(event.op, DW_EVENT_TRUNCATE);
    assert_rejected("{\"op\":\"m\",\"message\":{\"prefix\":\"x\",\"content\":\"*\"}}",
                    "DW-EVENT-002");
}

static void test_not_json(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "{\"op\":\"c\"",
                                        "{\"op\":\"c\",}",
                                        "nul",
                                        "{}{}",
                                        "{\"op\":'c'}",
                                        "{\"a\":01}",
                                        "\xff",
                                        "{\"a\":\"\\u0000\"}",
                                        "{\"after\":{\"a\":\"\x80\"}}",
                                        "{\"after\":{\"a\":1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_rejected(texts[i], "DW-EVENT-001");
    assert_rejected("{\"op\":\"c\",\"after\":{\"a\":1}} x", "DW-EVENT-001");
}

static void test_truncated_at_every_byte(void **state)
{
    (void)state;
    static const char text[] = "{\"op\":\"u\"," SOURCE ",\"before\":null,\"after\":{\"a\":1.5e3,"
                               "\"b\":\"t\\u00e9\",\"c\":[true,null]}}";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        assert_int_equal(dw_event_decode((struct dw_str){text, len}, &arena, &event, &err),
                         DW_REJECT);
    }
    assert_int_equal(decode(text), DW_OK);
}

static void test_wrong_types(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[]",
        "1",
        "null",
        "{}",
        "{\"op\":1}",
        "{\"op\":null}",
        "{\"op\":\"c\"}",
        "{\"op\":\"c\",\"after\":null}",
        "{\"op\":\"c\",\"after\":[]}",
        "{\"op\":\"d\",\"after\":{\"a\":1}}",
        "{\"op\":\"c\",\"after\":{},\"source\":[]}",
        "{\"op\":\"c\",\"after\":{},\"source\":{\"lsn\":\"5\"}}",
        "{\"op\":\"c\",\"after\":{},\"source\":{\"lsn\":-5}}",
        "{\"op\":\"c\",\"after\":{},\"source\":{\"lsn\":5.0}}",
        "{\"op\":\"c\",\"after\":{},\"source\":{\"lsn\":18446744073709551616}}",
        "{\"op\":\"c\",\"after\":{},\"source\":{\"epoch\":1}}",
        "{\"op\":\"c\",\"after\":{},\"source\":{\"epoch\":4294967296,\"lsn\":1,\"ordinal\":1}}",
        "{\"op\":\"c\",\"after\":{},\"ts_ms\":9223372036854775807}",
        "{\"op\":\"m\"}",
        "{\"payload\":null}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_rejected(texts[i], "DW-EVENT-002");
    assert_rejected("{\"op\":\"x\"}", "DW-EVENT-003");
    assert_rejected("{\"op\":\"cc\"}", "DW-EVENT-003");
    assert_rejected("{\"op\":\"\"}", "DW-EVENT-003");
}

static void test_names_that_stand_twice(void **state)
{
    (void)state;
    assert_rejected("{\"op\":\"c\",\"after\":{\"a\":1,\"b\":2,\"a\":1}}", "DW-EVENT-004");
    assert_rejected("{\"op\":\"c\",\"after\":{\"\":1,\"\":1}}", "DW-EVENT-004");
    assert_rejected("{\"op\":\"c\",\"op\":\"c\",\"after\":{}}", "DW-EVENT-004");
    assert_rejected("{\"op\":\"c\",\"after\":{},\"payload\":{\"after\":{}}}", "DW-EVENT-004");
    /* \u0061 is a */
    assert_rejected("{\"op\":\"c\",\"after\":{\"a\":1,\"\\u0061\":1}}", "DW-EVENT-004");
}

static void test_deep_and_wide(void **state)
{
    (void)state;
    struct dw_buf text;
    dw_buf_init(&text, 64 << 20);
    dw_buf_append_text(&text, "{\"op\":\"c\",\"after\":{\"a\":");
    for (int i = 0; i < 100000; i++)
        dw_buf_append_char(&text, '[');
    assert_rejected(text.data, "DW-EVENT-001");

    dw_buf_reset(&text, 0);
    dw_buf_append_text(&text, "{\"op\":\"c\",\"after\":{\"c0\":0");
    for (int i = 1; i < DW_TABLE_MAP_COLUMNS_MAX; i++)
        dw_buf_printf(&text, ",\"c%d\":%d", i, i);
    size_t full = text.len;
    dw_buf_append_text(&text, "}}");
    assert_int_equal(decode(text.data), DW_OK);
    assert_int_equal(event.after.count, DW_TABLE_MAP_COLUMNS_MAX);
    text.len = full;
    dw_buf_append_text(&text, ",\"one more\":1}}");
    assert_rejected(text.data, "DW-EVENT-002");

    dw_buf_reset(&text, 0);
    dw_buf_append_text(&text, "{\"op\":\"c\",\"after\":{\"a\":\"");
    for (int i = 0; i < 1 << 20; i++)
        dw_buf_append_text(&text, "sixteen bytes of");
    dw_buf_append_text(&text, "\"}}");
    assert_int_equal(decode(text.data), DW_OK);
    assert_int_equal(event.after.fields[0].value.text.len, 16 << 20);
    dw_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_own_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_members_in_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_debezium_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_message_and_truncate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_truncated_at_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_that_stand_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deep_and_wide, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
