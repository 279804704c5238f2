/* test_bytes.c - the first byte that is looked for is found at each place and beside each other
 * byte, and so is what the text writers and readers look for.
 */
#include "common/base/bytes.h"

#include "common/base/json_pull.h"
#include "common/base/json_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdio.h>

static size_t first(uint64_t found)
{
    return found ? dw_bytes_before(found) : DW_BYTES_STEP;
}

/* `other` in all places but one. */
static void test_the_first_is_found(void **state)
{
    (void)state;
    for (int other = 0; other < 256; other++)
        for (int byte = 0; byte < 256; byte++)
            for (size_t at = 0; at < DW_BYTES_STEP; at++) {
                char bytes[DW_BYTES_STEP];
                memset(bytes, other, sizeof bytes);
                bytes[at] = (char)byte;
                uint64_t word = dw_bytes_load(bytes);
                size_t equal = other == '"' && at ? 0 : byte == '"' ? at : other == '"' ? 1 : 8;
                size_t below = other < 0x20 && at ? 0 : byte < 0x20 ? at : other < 0x20 ? 1 : 8;
                size_t high = other >= 0x80 && at ? 0 : byte >= 0x80 ? at : other >= 0x80 ? 1 : 8;
                assert_int_equal(first(dw_bytes_equal(word, '"')), equal);
                assert_int_equal(first(dw_bytes_below(word, 0x20)), below);
                assert_int_equal(first(dw_bytes_high(word)), high);
            }
}

static void reference(struct dw_buf *out, const char *text, size_t len)
{
    dw_buf_append_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            dw_buf_append_char(out, '\\');
        if (text[i] == '\n')
            dw_buf_append_text(out, "\\n");
        else if (text[i] == 0x01)
            dw_buf_append_text(out, "\\u0001");
        else
            dw_buf_append_char(out, text[i]);
    }
    dw_buf_append_char(out, '"');
}

static void expect_round_trip(const char *text, size_t len, struct dw_arena *arena)
{
    struct dw_buf written;
    struct dw_buf expected;
    struct dw_json_pull pull;
    dw_buf_init(&written, 1000);
    dw_buf_init(&expected, 1000);
    dw_json_write_string(&written, (struct dw_str){text, len});
    reference(&expected, text, len);
    assert_int_equal(written.len, expected.len);
    assert_memory_equal(written.data, expected.data, expected.len);
    dw_json_pull_init(&pull, dw_buf_str(&written), arena);
    assert_int_equal(dw_json_pull_next(&pull), DW_JSON_STRING);
    assert_int_equal(pull.text.len, len);
    assert_memory_equal(pull.text.ptr, text, len);
    dw_buf_done(&written);
    dw_buf_done(&expected);
}

/* A special one, or a letter of several bytes, at each place of texts of each length. */
static void test_json_text_is_written_and_read_whatever_stands_where(void **state)
{
    (void)state;
    static const char *const parts[] = {"\"", "\\", "\n", "\x01", "\x7f", " ", "\u00e9", "\u20ac"};
    struct dw_arena arena;
    dw_arena_init(&arena, 4096);
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
        for (size_t before = 0; before < 20; before++)
            for (size_t behind = 0; behind < 20; behind++) {
                char text[64];
                int len = snprintf(text, sizeof text, "%.*s%s%.*s%s", (int)before,
                                   "abcdefghijklmnopqrst", parts[part], (int)behind,
                                   "ABCDEFGHIJKLMNOPQRST", behind % 3 ? "" : parts[part]);
                expect_round_trip(text, (size_t)len, &arena);
            }
    dw_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_is_found),
        cmocka_unit_test(test_json_text_is_written_and_read_whatever_stands_where),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
