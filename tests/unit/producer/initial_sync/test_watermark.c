/* test_watermark.c - the WAL messages around a chunk. */
#include "producer/initial_sync/watermark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    char text[DW_WATERMARK_TEXT_MAX];
    struct dw_watermark out;
    for (int high = 0; high < 2; high++) {
        struct dw_watermark mark = {.chunk = UINT64_C(1234567890123), .high = high};
        assert_true(
            dw_watermark_parse(dw_str_from(dw_watermark_format("abc", &mark, text)), "abc", &out));
        assert_int_equal(out.chunk, mark.chunk);
        assert_int_equal(out.high, mark.high);
    }
}

static void test_another_process_watermark_means_nothing(void **state)
{
    (void)state;
    char text[DW_WATERMARK_TEXT_MAX];
    struct dw_watermark out;
    struct dw_watermark mark = {.chunk = 1};
    assert_false(
        dw_watermark_parse(dw_str_from(dw_watermark_format("abc", &mark, text)), "abd", &out));
}

static void test_foreign_content_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "x",
        "{\"t\":\"abc\",\"c\":1}",
        "{\"t\":\"abc\",\"e\":\"low\"}",
        "{\"t\":\"abc\",\"c\":\"1\",\"e\":\"low\"}",
        "{\"t\":\"abc\",\"c\":1,\"e\":\"middle\"}",
        "{\"t\":\"abc\",\"c\":1,\"e\":\"low\"",
        "{\"t\":\"abc\",\"c\":111111111111111111111111111111,\"e\":\"low\"}"};
    struct dw_watermark out;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(dw_watermark_parse(dw_str_from(bad[i]), "abc", &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_another_process_watermark_means_nothing),
        cmocka_unit_test(test_foreign_content_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
