/* test_letter_parse.c - whatever stands on the dead-letter topic becomes a letter. */
#include "reconciler/dead_letters/letter_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define HEADER(name, value)                                                                        \
    {                                                                                              \
        name,                                                                                      \
        {                                                                                          \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }

static const struct dw_letter_header complete[] = {
    HEADER("__connect.errors.topic", "dualwrite.items"),
    HEADER("__connect.errors.partition", "3"),
    HEADER("__connect.errors.offset", "1234567890123"),
    HEADER("__connect.errors.connector.name", "dualwrite"),
    HEADER("__connect.errors.stage", "TASK_PUT"),
    HEADER("__connect.errors.exception.message", "größer als 0"),
    HEADER("dualwrite.map", "items"),
    HEADER("dualwrite.revision", "7"),
    HEADER("dualwrite.code", "DW-APPLY-010"),
    HEADER("dualwrite.class", "constraint"),
    HEADER("dualwrite.sqlstate", "23514"),
    HEADER("dualwrite.column", "amount"),
    HEADER("dualwrite.system", "crm"),
    HEADER("dualwrite.incarnation", "6e1f-1"),
    HEADER("dualwrite.version", "1/16B374D8/0"),
    HEADER("dualwrite.attempts", "2"),
    HEADER("dualwrite.first_failed_us", "100"),
    HEADER("dualwrite.failed_us", "200"),
    HEADER("dualwrite.instance", "worker-1"),
};

static struct dw_arena arena;

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

static struct dw_letter parse(const struct dw_letter_header *headers, size_t count)
{
    struct dw_letter letter;
    struct dw_letter_record record = {
        .partition = 0,
        .offset = 42,
        .key = DW_STR_LIT("{\"id\":1}"),
        .value = DW_STR_LIT("junk"),
        .headers = headers,
        .header_count = count,
    };
    dw_letter_parse_record(&record, &arena, &letter);
    return letter;
}

/* The complete headers with one replaced (or taken out, when value.ptr is NULL). */
static struct dw_letter parse_with(const char *name, struct dw_str value)
{
    struct dw_letter_header headers[COUNT(complete)];
    size_t count = 0;
    for (size_t i = 0; i < COUNT(complete); i++) {
        bool is_it = strcmp(complete[i].name, name) == 0;
        if (is_it && !value.ptr)
            continue;
        headers[count] = complete[i];
        if (is_it)
            headers[count].value = value;
        count++;
    }
    return parse(headers, count);
}

static void test_record_of_ours_is_read_whole(void **state)
{
    (void)state;
    struct dw_letter letter = parse(complete, COUNT(complete));
    assert_int_equal(letter.kind, DW_LETTER_EVENT);
    assert_int_equal(letter.state, DW_LETTER_UNCONFIRMED);
    assert_int_equal(letter.letter_offset, 42);
    assert_string_equal(letter.topic, "dualwrite.items");
    assert_int_equal(letter.partition, 3);
    assert_int_equal(letter.offset, 1234567890123);
    assert_string_equal(letter.map, "items");
    assert_int_equal(letter.revision, 7);
    assert_string_equal(letter.message, "größer als 0");
    assert_string_equal(letter.column, "amount");
    assert_int_equal(letter.attempts, 2);
    assert_int_equal(letter.first_failed_us, 100);
    assert_int_equal(letter.failed_us, 200);
    assert_int_equal(letter.value_bytes, 4);
    assert_non_null(
        strstr(letter.headers, "{\"name\":\"dualwrite.sqlstate\",\"value\":\"23514\"}"));
}

static void test_letter_by_reference_is_open_at_once(void **state)
{
    (void)state;
    const struct dw_letter_header headers[] = {
        HEADER("__connect.errors.topic", "dualwrite.items"),
        HEADER("__connect.errors.stage", "KAFKA_PRODUCE"),
        HEADER("dualwrite.map", "items"),
        HEADER("dualwrite.code", "DW-CAPTURE-030"),
        HEADER("dualwrite.system", "erp"),
        HEADER("dualwrite.version", "1/16B374D8/0"),
    };
    struct dw_letter letter = parse(headers, COUNT(headers));
    assert_int_equal(letter.kind, DW_LETTER_REFERENCE);
    assert_int_equal(letter.state, DW_LETTER_OPEN);
    assert_int_equal(letter.offset, -1);
    letter = parse(headers, COUNT(headers) - 1); /* without its version it has no identity */
    assert_int_equal(letter.kind, DW_LETTER_FOREIGN);
}

static void test_record_without_identity_is_foreign(void **state)
{
    (void)state;
    static const char *const needed[] = {
        "__connect.errors.topic",  "__connect.errors.partition",
        "__connect.errors.offset", "dualwrite.map",
        "dualwrite.code",          "dualwrite.system",
        "dualwrite.incarnation",
    };
    for (size_t i = 0; i < COUNT(needed); i++) {
        struct dw_letter letter = parse_with(needed[i], (struct dw_str){NULL, 0});
        assert_int_equal(letter.kind, DW_LETTER_FOREIGN);
        assert_int_equal(letter.state, DW_LETTER_IS_FOREIGN);
        assert_string_equal(letter.stage, "TASK_PUT"); /* what is known stays */
    }
    struct dw_letter letter = parse(NULL, 0);
    assert_int_equal(letter.kind, DW_LETTER_FOREIGN);
    assert_string_equal(letter.message, "it has no headers");
    assert_string_equal(letter.headers, "[]");
}

static void test_damaged_header_makes_it_foreign(void **state)
{
    (void)state;
    char long_name[300];
    memset(long_name, 'x', sizeof long_name);
    const struct {
        const char *name;
        struct dw_str value;
    } damaged[] = {
        {"__connect.errors.partition", DW_STR_LIT("x")},
        {"__connect.errors.partition", DW_STR_LIT("")},
        {"__connect.errors.partition", DW_STR_LIT("-1")},
        {"__connect.errors.partition", DW_STR_LIT("4294967296")},
        {"__connect.errors.offset", DW_STR_LIT("9223372036854775808")},
        {"__connect.errors.offset", DW_STR_LIT("1 ")},
        {"dualwrite.map", DW_STR_LIT("a\0b")},
        {"dualwrite.map", DW_STR_LIT("\xff")},
        {"dualwrite.map", {long_name, sizeof long_name}},
        {"dualwrite.attempts", DW_STR_LIT("many")},
    };
    for (size_t i = 0; i < COUNT(damaged); i++) {
        struct dw_letter letter = parse_with(damaged[i].name, damaged[i].value);
        assert_int_equal(letter.kind, DW_LETTER_FOREIGN);
    }
    struct dw_letter letter = parse_with("dualwrite.map", DW_STR_LIT("\xff"));
    assert_non_null(strstr(letter.headers, "{\"name\":\"dualwrite.map\",\"base64\":\"/w==\"}"));
}

static void test_last_header_of_a_name_counts(void **state)
{
    (void)state;
    struct dw_letter_header headers[COUNT(complete) + 1];
    memcpy(headers, complete, sizeof complete);
    headers[COUNT(complete)] = (struct dw_letter_header)HEADER("dualwrite.code", "DW-APPLY-011");
    struct dw_letter letter = parse(headers, COUNT(headers));
    assert_string_equal(letter.code, "DW-APPLY-011");
}

static void test_remains_keep_the_place(void **state)
{
    (void)state;
    struct dw_letter letter;
    struct dw_letter_record record = {.partition = 2, .offset = 9};
    dw_letter_parse_remains(&record, "refused", &letter);
    assert_int_equal(letter.kind, DW_LETTER_FOREIGN);
    assert_int_equal(letter.letter_partition, 2);
    assert_int_equal(letter.letter_offset, 9);
    assert_string_equal(letter.message, "refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_record_of_ours_is_read_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_letter_by_reference_is_open_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_record_without_identity_is_foreign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_header_makes_it_foreign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_last_header_of_a_name_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_remains_keep_the_place, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
