/* Buffers, arenas, hashes, text encodings, errors, tables: the small things all else stands on. */
#include "common/base/arena.h"
#include "common/base/base64.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/base/json_write.h"
#include "common/base/table.h"
#include "common/base/utf8.h"
#include <stdio.h>
#include <stdlib.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void test_buf_stops_at_its_maximum(void **state)
{
    (void)state;
    struct dw_buf buf;
    dw_buf_init(&buf, 1000);
    for (int i = 0; i < 100; i++)
        dw_buf_append(&buf, "0123456789", 10);
    assert_true(dw_buf_ok(&buf));
    assert_int_equal(buf.len, 1000);
    dw_buf_append_char(&buf, 'x');
    assert_false(dw_buf_ok(&buf));
    assert_int_equal(buf.len, 1000);
    dw_buf_reset(&buf, 4096);
    assert_true(dw_buf_ok(&buf));
    assert_int_equal(buf.len, 0);
    dw_buf_done(&buf);
}

static void test_buf_writes_numbers(void **state)
{
    (void)state;
    struct dw_buf buf;
    dw_buf_init(&buf, 1000);
    dw_buf_append_i64(&buf, INT64_MIN);
    dw_buf_append_char(&buf, ' ');
    dw_buf_append_u64(&buf, UINT64_MAX);
    dw_buf_append_char(&buf, ' ');
    dw_buf_append_i64(&buf, 0);
    dw_buf_printf(&buf, " %s", "text");
    assert_string_equal(buf.data, "-9223372036854775808 18446744073709551615 0 text");
    char *taken = dw_buf_take(&buf);
    assert_int_equal(strlen(taken), 48);
    assert_null(buf.data);
    free(taken);
}

static void test_arena_serves_small_and_large(void **state)
{
    (void)state;
    struct dw_arena arena;
    dw_arena_init(&arena, 1024);
    char *first = dw_arena_alloc(&arena, 10);
    memset(first, 'a', 10);
    char *large = dw_arena_alloc(&arena, 100000);
    memset(large, 'b', 100000);
    for (int i = 0; i < 1000; i++) {
        char *at = dw_arena_alloc(&arena, 33);
        assert_int_equal((uintptr_t)at % 16, 0);
        memset(at, 'c', 33);
    }
    assert_int_equal(first[9], 'a');
    assert_int_equal(large[99999], 'b');
    dw_arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    struct dw_str copy = dw_arena_copy(&arena, DW_STR_LIT("copied"));
    assert_string_equal(copy.ptr, "copied");
    dw_arena_done(&arena);
}

static void test_murmur2_agrees_with_kafka(void **state)
{
    (void)state;
    /* From Apache Kafka's UtilsTest.testMurmur2. */
    static const struct {
        const char *text;
        int32_t hash;
    } cases[] = {{"21", -973932308},
                 {"foobar", -790332482},
                 {"a-little-bit-long-string", -985981536},
                 {"a-little-bit-longer-string", -1486304829},
                 {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
                 {"abc", 479470107}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal((int32_t)dw_hash_murmur2(cases[i].text, strlen(cases[i].text)),
                         cases[i].hash);
}

static void test_hash_is_stable(void **state)
{
    (void)state;
    /* Stored in progress rows: these figures may never change. */
    assert_int_equal(dw_hash_bytes("", 0, 0), 0);
    uint64_t a = dw_hash_bytes("dualwrite", 9, 0);
    assert_true(a == dw_hash_bytes("dualwrite", 9, 0));
    assert_true(a != dw_hash_bytes("dualwrite", 9, 1));
    assert_true(a != dw_hash_bytes("dualwritf", 9, 0));
    assert_true(dw_hash_bytes("hello, world", 12, 0) == UINT64_C(0x9659ad0699a8465f));
    unsigned char digest[32];
    dw_hash_sha256("abc", 3, digest);
    assert_memory_equal(digest, "\xba\x78\x16\xbf\x8f\x01\xcf\xea", 8);
}

static void test_base64_round_trip(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    struct dw_buf buf;
    dw_buf_init(&buf, 1000);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        dw_buf_reset(&buf, 1000);
        dw_base64_encode(&buf, pairs[i][0], strlen(pairs[i][0]));
        assert_true(dw_str_is(dw_buf_str(&buf), pairs[i][1]));
        dw_buf_reset(&buf, 1000);
        assert_true(dw_base64_decode(&buf, dw_str_from(pairs[i][1])));
        assert_true(dw_str_is(dw_buf_str(&buf), pairs[i][0]));
    }
    static const char *const bad[] = {"Z", "Zg=", "Zg", "====", "Z===", "Zm9v!mFy", "=m9v", "Z=9v"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(dw_base64_decode(&buf, dw_str_from(bad[i])));
    dw_buf_reset(&buf, 1000);
    assert_true(dw_base64_from_hex(&buf, DW_STR_LIT("666f6F62")));
    assert_string_equal(buf.data, "Zm9vYg==");
    assert_false(dw_base64_from_hex(&buf, DW_STR_LIT("6")));
    assert_false(dw_base64_from_hex(&buf, DW_STR_LIT("6g")));
    dw_buf_done(&buf);
}

static void test_utf8_borders(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "ascii",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "eight bytes and then \xc3\xa9"};
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xc3",         "\xe2\x82",         "12345678\xff"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(dw_utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(dw_utf8_valid(bad[i], strlen(bad[i])));
    assert_int_equal(dw_utf8_valid_prefix("ab\xff", 3), 2);
    assert_int_equal(dw_utf8_length("a\xc3\xa9\xf0\x9f\x98\x80", 7), 3);
}

static void test_json_in_ascii(void **state)
{
    (void)state;
    struct dw_buf buf;
    dw_buf_init(&buf, 1000);
    dw_json_write_ascii(&buf, DW_STR_LIT("a\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z\xff\xe2\x82"));
    assert_string_equal(buf.data, "\"a\\\"\\u00e9\\u20ac\\ud83d\\ude00z\\ufffd\\ufffd\\ufffd\"");
    dw_buf_done(&buf);
}

static void test_json_is_escaped(void **state)
{
    (void)state;
    struct dw_buf buf;
    dw_buf_init(&buf, 1000);
    dw_buf_append_char(&buf, '{');
    dw_json_write_text(&buf, "a", "q\"b\\n\nt\tu\x01\x7f\xc3\xa9");
    dw_json_write_text(&buf, "n", NULL);
    dw_json_write_i64(&buf, "i", -5);
    dw_json_write_bool(&buf, "t", true);
    dw_buf_append_char(&buf, '}');
    assert_string_equal(
        buf.data,
        "{\"a\":\"q\\\"b\\\\n\\nt\\tu\\u0001\x7f\xc3\xa9\",\"n\":null,\"i\":-5,\"t\":true}");
    dw_buf_done(&buf);
}

static void test_err_is_one_tidy_line(void **state)
{
    (void)state;
    struct dw_err err = DW_ERR_INIT;
    assert_int_equal(dw_err_set(&err, DW_REJECT, "DW-BASE-001", "first\nsecond\t%d", 7), DW_REJECT);
    assert_string_equal(err.message, "first second 7");
    dw_err_add_context(&err, "map %s", "customers");
    assert_string_equal(err.message, "map customers: first second 7");
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    (void)dw_err_set(&err, DW_REJECT, "DW-BASE-001", "%s", longer);
    assert_true(strlen(err.message) < DW_ERR_MESSAGE_MAX);
    assert_true(dw_utf8_valid(err.message, strlen(err.message)));
    (void)dw_err_set(&err, DW_REJECT, "DW-BASE-001", "closed\n\tThis means\n\tno good.\n");
    assert_string_equal(err.message, "closed This means no good.");
    (void)dw_err_set(&err, DW_REJECT, "DW-BASE-001", "bad \xff byte");
    assert_string_equal(err.message, "bad ? byte");
    assert_int_equal(dw_err_set(NULL, DW_RETRY, "DW-BASE-001", "nobody asks"), DW_RETRY);
}

static void test_catalogue_is_complete(void **state)
{
    (void)state;
    size_t count = 0;
    const struct dw_err_info *infos = dw_err_catalogue(&count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(infos[i].title) > 0 && strlen(infos[i].cause) > 0 &&
                    strlen(infos[i].remedy) > 0);
        assert_ptr_equal(dw_err_find(infos[i].id), &infos[i]);
    }
    assert_null(dw_err_find("DW-NONE-000"));
}

static void test_table_finds_what_was_put(void **state)
{
    (void)state;
    struct dw_table table;
    char keys[1000][8];
    dw_table_init(&table);
    assert_null(dw_table_find(&table, DW_STR_LIT("k1")));
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%d", i);
        void **place = dw_table_place(&table, dw_str_from(keys[i]));
        assert_null(*place);
        *place = keys[i];
    }
    assert_int_equal(table.count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(dw_table_find(&table, dw_str_from(keys[i])), keys[i]);
    assert_ptr_equal(*dw_table_place(&table, DW_STR_LIT("k7")), keys[7]);
    dw_table_reset(&table);
    assert_null(dw_table_find(&table, DW_STR_LIT("k7")));
    dw_table_done(&table);
}

static void test_clock_formats_utc(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(dw_clock_format(DW_CLOCK_PG_EPOCH_US + 1, text),
                        "2000-01-01T00:00:00.000001Z");
    assert_string_equal(dw_clock_format(-1, text), "1969-12-31T23:59:59.999999Z");
    for (int i = 0; i < 1000; i++)
        assert_true(dw_clock_jitter(10) < 10);
    assert_int_equal(dw_clock_jitter(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_stops_at_its_maximum),
        cmocka_unit_test(test_buf_writes_numbers),
        cmocka_unit_test(test_arena_serves_small_and_large),
        cmocka_unit_test(test_murmur2_agrees_with_kafka),
        cmocka_unit_test(test_hash_is_stable),
        cmocka_unit_test(test_base64_round_trip),
        cmocka_unit_test(test_utf8_borders),
        cmocka_unit_test(test_json_is_escaped),
        cmocka_unit_test(test_json_in_ascii),
        cmocka_unit_test(test_err_is_one_tidy_line),
        cmocka_unit_test(test_catalogue_is_complete),
        cmocka_unit_test(test_table_finds_what_was_put),
        cmocka_unit_test(test_clock_formats_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
