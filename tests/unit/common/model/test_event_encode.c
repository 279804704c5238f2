/* Values and envelopes as they stand on a topic; event_decode has to read them back. */
#include "common/model/event.h"
#include "common/model/event_encode.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void test_each_type(void **state)
{
    (void)state;
    static const struct {
        uint32_t oid;
        const char *text;
        const char *json;
    } cases[] = {
        {20, "-9223372036854775808", "-9223372036854775808"},
        {21, "-5", "-5"},
        {26, "4294967295", "4294967295"},
        {700, "1e+20", "1e+20"},
        {701, "-0.1", "-0.1"},
        {701, "NaN", "\"NaN\""},
        {701, "Infinity", "\"Infinity\""},
        {701, "-Infinity", "\"-Infinity\""},
        {1700, "12.50", "\"12.50\""},
        {1700, "NaN", "\"NaN\""},
        {16, "t", "true"},
        {16, "f", "false"},
        {17, "\\x00ff", "\"AP8=\""},
        {17, "\\x", "\"\""},
        {1082, "2026-01-31", "\"2026-01-31Z\""},
        {1082, "infinity", "\"infinity\""},
        {1082, "0044-03-15 BC", "\"0044-03-15 BC\""},
        {1082, "12026-01-31", "\"12026-01-31\""},
        {1083, "12:34:56", "\"12:34:56Z\""},
        {1083, "12:34:56.12", "\"12:34:56.12Z\""},
        {1083, "24:00:00", "\"24:00:00Z\""},
        {1266, "12:34:56+02", "\"12:34:56+02\""},
        {1114, "2026-01-31 12:34:56.000001", "\"2026-01-31T12:34:56.000001Z\""},
        {1114, "-infinity", "\"-infinity\""},
        {1114, "10000-01-01 00:00:00", "\"10000-01-01 00:00:00\""},
        {1114, "0001-01-01 00:00:00 BC", "\"0001-01-01 00:00:00 BC\""},
        {1184, "2026-01-31 12:34:56+00", "\"2026-01-31T12:34:56Z\""},
        {1184, "2026-01-31 12:34:56.5+00", "\"2026-01-31T12:34:56.5Z\""},
        {1184, "2026-01-31 12:34:56.5+01", "\"2026-01-31 12:34:56.5+01\""},
        {1184, "0001-01-01 00:00:00+00 BC", "\"0001-01-01 00:00:00+00 BC\""},
        {1186, "P1Y2M-3DT4H5M6.789S", "\"P1Y2M-3DT4H5M6.789S\""},
        {25, "", "\"\""},
        {25, "12345678", "\"12345678\""},
        {25, "1234567\"", "\"1234567\\\"\""},
        {25, "\"", "\"\\\"\""},
        {25, "a\\b\n\x01\x1f z 123456789", "\"a\\\\b\\n\\u0001\\u001f z 123456789\""},
        {25, "\xc3\xbc\xf0\x9d\x84\x9e\x7f", "\"\xc3\xbc\xf0\x9d\x84\x9e\x7f\""},
        {114, "{\"a\": 1.10}", "\"{\\\"a\\\": 1.10}\""},
        {2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""},
        {1007, "{1,NULL,3}", "\"{1,NULL,3}\""},
        {790, "-$1,234.56", "\"-$1,234.56\""},
        {99999, "anything", "\"anything\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dw_buf out;
        dw_buf_init(&out, 4096);
        dw_event_encode_value(&out, dw_event_encode_kind(cases[i].oid), dw_str_from(cases[i].text));
        assert_string_equal(out.data, cases[i].json);
        dw_buf_done(&out);
    }
}

/* Escapes at every place relative to the words that are looked at at once. */
static void test_escapes_at_every_offset(void **state)
{
    (void)state;
    static const char specials[] = {'"', '\\', '\n', 0x1f, 0x01};
    for (size_t len = 1; len < 40; len++)
        for (size_t at = 0; at < len; at++)
            for (size_t s = 0; s < sizeof specials; s++) {
                char text[40];
                struct dw_buf out;
                struct dw_arena arena;
                struct dw_buf json;
                memset(text, (int)('a' + at % 26), len);
                text[at] = specials[s];
                dw_buf_init(&out, 4096);
                dw_event_encode_value(&out, DW_ENCODING_TEXT, (struct dw_str){text, len});
                dw_buf_init(&json, 4096);
                dw_buf_printf(&json,
                              "{\"op\":\"c\",\"source\":{},\"before\":null,\"after\":{\"v\":%s}}",
                              out.data);
                dw_arena_init(&arena, 4096);
                struct dw_event event;
                struct dw_err err = DW_ERR_INIT;
                assert_int_equal(dw_event_decode(dw_buf_str(&json), &arena, &event, &err), DW_OK);
                assert_int_equal(event.after.count, 1);
                assert_int_equal(event.after.fields[0].value.text.len, len);
                assert_memory_equal(event.after.fields[0].value.text.ptr, text, len);
                dw_arena_done(&arena);
                dw_buf_done(&out);
                dw_buf_done(&json);
            }
}

static void begin(struct dw_event_transaction *transaction)
{
    dw_event_encode_init(transaction);
    transaction->version = (struct dw_version){.epoch = 3, .commit_lsn = 98765};
    transaction->xid = 4294967295U;
    transaction->commit_us = INT64_C(1700000000123456);
    dw_event_encode_begin(transaction, DW_STR_LIT("e\"rp"), DW_STR_LIT("db"),
                          INT64_C(1700000000999000));
}

static void test_envelope_is_read_back(void **state)
{
    (void)state;
    struct dw_event_transaction transaction;
    struct dw_buf table;
    struct dw_buf out;
    struct dw_arena arena;
    struct dw_event event;
    struct dw_err err = DW_ERR_INIT;
    dw_buf_init(&table, 1024);
    dw_buf_init(&out, 4096);
    dw_arena_init(&arena, 4096);
    begin(&transaction);
    dw_event_encode_table(&table, DW_STR_LIT("public"), DW_STR_LIT("t"));
    dw_event_encode_open(&out, DW_EVENT_CREATE, &transaction, dw_buf_str(&table), 42);
    dw_buf_append_text(&out, ",\"before\":null,\"after\":{\"a\":1}");
    dw_event_encode_close(&out);
    assert_string_equal(
        out.data,
        "{\"op\":\"c\",\"ts_ms\":1700000000999,\"source\":{\"version\":\"" DW_VERSION
        "\",\"connector\":\"dualwrite\",\"name\":\"e\\\"rp\",\"ts_ms\":1700000000123,"
        "\"snapshot\":\"false\",\"db\":\"db\",\"sequence\":\"[\\\"98765\\\",\\\"98765\\\"]\","
        "\"ts_us\":1700000000123456,\"schema\":\"public\",\"table\":\"t\",\"txId\":4294967295,"
        "\"lsn\":98765,\"epoch\":3,\"ordinal\":42},\"before\":null,\"after\":{\"a\":1}}");
    assert_int_equal(dw_event_decode(dw_buf_str(&out), &arena, &event, &err), DW_OK);
    assert_int_equal(event.op, DW_EVENT_CREATE);
    assert_true(event.has_version && event.version.epoch == 3 && event.version.ordinal == 42);
    assert_true(event.version.commit_lsn == 98765);
    assert_true(event.commit_us == INT64_C(1700000000123456));
    assert_true(dw_str_is(event.system, "e\"rp"));
    dw_arena_done(&arena);
    dw_buf_done(&table);
    dw_buf_done(&out);
    dw_event_encode_done(&transaction);
}

static void test_control_records_are_read_back(void **state)
{
    (void)state;
    struct dw_event_transaction transaction;
    struct dw_buf out;
    struct dw_arena arena;
    struct dw_event event;
    struct dw_err err = DW_ERR_INIT;
    struct dw_str table = DW_STR_LIT("\"schema\":\"s\",\"table\":\"t\",");
    dw_buf_init(&out, 4096);
    dw_arena_init(&arena, 4096);
    begin(&transaction);
    dw_event_encode_control(&out, &transaction, table, 0, DW_EVENT_HEARTBEAT,
                            DW_STR_LIT("{\"sent_us\":7}"));
    assert_int_equal(dw_event_decode(dw_buf_str(&out), &arena, &event, &err), DW_OK);
    assert_int_equal(event.op, DW_EVENT_MESSAGE);
    assert_true(dw_str_is(event.message_prefix, DW_EVENT_HEARTBEAT));
    assert_true(dw_str_is(event.message_content, "{\"sent_us\":7}"));
    out.len = 0;
    dw_event_encode_control(&out, &transaction, table, 9, NULL, (struct dw_str){NULL, 0});
    assert_int_equal(dw_event_decode(dw_buf_str(&out), &arena, &event, &err), DW_OK);
    assert_int_equal(event.op, DW_EVENT_TRUNCATE);
    assert_true(event.version.ordinal == 9);
    dw_arena_done(&arena);
    dw_buf_done(&out);
    dw_event_encode_done(&transaction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type),
        cmocka_unit_test(test_escapes_at_every_offset),
        cmocka_unit_test(test_envelope_is_read_back),
        cmocka_unit_test(test_control_records_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
