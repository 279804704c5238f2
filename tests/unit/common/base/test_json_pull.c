/* What the tokenizer gives for good JSON, and that it refuses everything else. */
#include "common/base/json_pull.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static struct dw_arena arena;

static struct dw_json_pull open_text(const char *text)
{
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, dw_str_from(text), &arena);
    return pull;
}

static void expect_text(const struct dw_json_pull *pull, const char *text)
{
    assert_int_equal(pull->text.len, strlen(text));
    assert_memory_equal(pull->text.ptr, text, strlen(text));
}

static void test_tokens_of_an_object(void **state)
{
    (void)state;
    struct dw_json_pull pull =
        open_text(" {\"a\": 1.10, \"b\":[true,false,null], \"c\":\"x\", \"d\":{}, \"e\":[]} ");
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_OBJECT_OPEN);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_NAME);
    expect_text(&pull, "a");
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_NUMBER);
    expect_text(&pull, "1.10");
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_NAME);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_ARRAY_OPEN);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_TRUE);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_FALSE);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_NULL);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_ARRAY_CLOSE);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_NAME);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_STRING);
    expect_text(&pull, "x");
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_NAME);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_OBJECT_OPEN);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_OBJECT_CLOSE);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_NAME);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_ARRAY_OPEN);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_ARRAY_CLOSE);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_OBJECT_CLOSE);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_END);
}

static void decodes_to(const char *json, const char *text, size_t len)
{
    struct dw_json_pull pull = open_text(json);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_STRING);
    assert_int_equal(pull.text.len, len);
    assert_memory_equal(pull.text.ptr, text, len);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_END);
}

static void test_strings_are_decoded(void **state)
{
    (void)state;
    decodes_to("\"\"", "", 0);
    decodes_to("\"plain text longer than eight bytes\"", "plain text longer than eight bytes", 34);
    decodes_to("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    decodes_to("\"\\u00e9\\u20AC\\ud83d\\ude00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9);
    decodes_to("\"\xf0\x9f\x98\x80 and more\"", "\xf0\x9f\x98\x80 and more", 13);
    decodes_to("\"\x7f\"", "\x7f", 1);
}

static void test_numbers_keep_their_text(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "0", "-0", "1.10", "1e400", "-1.5E-7", "123456789012345678901234567890.123456789"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct dw_json_pull pull = open_text(numbers[i]);
        assert_int_equal(dw_json_pull_next(&pull), DW_JSON_NUMBER);
        expect_text(&pull, numbers[i]);
        assert_int_equal(dw_json_pull_next(&pull), DW_JSON_END);
    }
}

static void expect_refused(const char *text, size_t len)
{
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, (struct dw_str){text, len}, &arena);
    enum dw_json token;
    do
        token = dw_json_pull_next(&pull);
    while (token > DW_JSON_END);
    if (token != DW_JSON_ERROR)
        fail_msg("accepted: %s", text);
    assert_non_null(pull.fault);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_ERROR); /* and it stays so */
}

static void test_malformed_text_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "[1 2]",
        "[}",
        "{\"a\":1]",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "nul",
        "True",
        "\"abc",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u0000\"",
        "\"\n\"",
        "\"\\",
        "1 2",
        "{} x",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "NaN",
        "Infinity",
        "'a'",
        "[1,,2]",
        ",",
        "{\"a\" 1}",
        "{,}",
        "[,]",
        "{\"a\":1 \"b\":2}",
        "\"\\ud800\\u0041\"",
        "- 1",
        "\x01",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_refused(texts[i], strlen(texts[i]));
    expect_refused("\"a\0b\"", 5);
    expect_refused("1\0", 2);
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * DW_JSON_DEPTH_MAX + 3];
    memset(text, '[', DW_JSON_DEPTH_MAX);
    memset(text + DW_JSON_DEPTH_MAX, ']', DW_JSON_DEPTH_MAX);
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, (struct dw_str){text, 2 * DW_JSON_DEPTH_MAX}, &arena);
    assert_true(dw_json_pull_skip(&pull, NULL));
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_END);
    memset(text, '[', DW_JSON_DEPTH_MAX + 1);
    memset(text + DW_JSON_DEPTH_MAX + 1, ']', DW_JSON_DEPTH_MAX + 1);
    expect_refused(text, 2 * DW_JSON_DEPTH_MAX + 2);
}

static void test_skip_gives_the_raw_text(void **state)
{
    (void)state;
    struct dw_json_pull pull = open_text("{\"a\": {\"b\":[1,{\"c\":\"]}\"}]} ,\"d\":2}");
    struct dw_str raw;
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_OBJECT_OPEN);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_NAME);
    assert_true(dw_json_pull_skip(&pull, &raw));
    assert_true(dw_str_is(raw, "{\"b\":[1,{\"c\":\"]}\"}]}"));
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_NAME);
    expect_text(&pull, "d");
    assert_true(dw_json_pull_skip(&pull, &raw));
    assert_true(dw_str_is(raw, "2"));
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_OBJECT_CLOSE);
}

static void test_every_prefix_is_refused(void **state)
{
    (void)state;
    const char *text = "{\"a\":[1.5e3,\"\\u20ac\",null],\"b\":{\"c\":true}}";
    for (size_t len = 0; len < strlen(text); len++)
        expect_refused(text, len);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_of_an_object),
        cmocka_unit_test(test_strings_are_decoded),
        cmocka_unit_test(test_numbers_keep_their_text),
        cmocka_unit_test(test_malformed_text_is_refused),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_skip_gives_the_raw_text),
        cmocka_unit_test(test_every_prefix_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
