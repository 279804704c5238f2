/* Which rows are echoes (trap 15): those of the origin, table, operation and digest; no others. */
#include "common/base/base64.h"
#include "common/base/hash.h"
#include "producer/capture_postgres/loop_mark.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static const struct dw_pgoutput_column columns[] = {
    {.is_key = true, .name = {"id", 2}, .type_oid = 23, .typmod = -1},
    {.name = {"name", 4}, .type_oid = 25, .typmod = -1},
    {.name = {"extra", 5}, .type_oid = 25, .typmod = -1},
};

static struct dw_pgoutput_value text(const char *value)
{
    if (!value)
        return (struct dw_pgoutput_value){.presence = DW_PGOUTPUT_NULL};
    return (struct dw_pgoutput_value){.presence = DW_PGOUTPUT_TEXT, .text = dw_str_from(value)};
}

static struct dw_loop_mark_row row_of(const struct dw_pgoutput_value *values)
{
    return (struct dw_loop_mark_row){
        .schema = DW_STR_LIT("crm"),
        .table = DW_STR_LIT("accounts"),
        .relation_oid = 16384,
        .columns = columns,
        .values = values,
        .count = 3,
    };
}

/* A mark of rows given by their digest inputs. */
static void add_mark(struct dw_loop_marks *marks, const char *op, const char *names,
                     const char *const *inputs, size_t count)
{
    struct dw_buf digests;
    struct dw_buf json;
    struct dw_err err = DW_ERR_INIT;
    dw_buf_init(&digests, 4096);
    dw_buf_init(&json, 4096);
    for (size_t i = 0; i < count; i++) {
        unsigned char digest[32];
        dw_hash_sha256(inputs[i], strlen(inputs[i]), digest);
        dw_buf_append(&digests, digest, 8);
    }
    dw_buf_printf(&json,
                  "{\"origin\":\"erp\",\"table\":\"crm.accounts\",\"op\":\"%s\",\"columns\":%s,"
                  "\"digests\":\"",
                  op, names);
    dw_base64_encode(&json, digests.data ? digests.data : "", digests.len);
    dw_buf_append_text(&json, "\"}");
    assert_int_equal(dw_loop_mark_add(marks, dw_buf_str(&json), &err), DW_OK);
    dw_buf_done(&digests);
    dw_buf_done(&json);
}

static void test_a_written_row_is_an_echo(void **state)
{
    (void)state;
    struct dw_loop_marks marks;
    dw_loop_mark_init(&marks);
    static const char *const inputs[] = {"v1:1v5:Alice", "v1:2n"};
    add_mark(&marks, "upsert", "[\"id\",\"name\"]", inputs, 2);
    struct dw_pgoutput_value alice[] = {text("1"), text("Alice"), text("by a default")};
    struct dw_pgoutput_value null_name[] = {text("2"), text(NULL), text(NULL)};
    struct dw_loop_mark_row row = row_of(alice);
    assert_true(dw_loop_mark_matches(&marks, DW_STR_LIT("erp"), DW_LOOP_MARK_UPSERT, &row));
    row = row_of(null_name);
    assert_true(dw_loop_mark_matches(&marks, DW_STR_LIT("erp"), DW_LOOP_MARK_UPSERT, &row));
    dw_loop_mark_done(&marks);
}

static void test_other_facts_are_not(void **state)
{
    (void)state;
    struct dw_loop_marks marks;
    dw_loop_mark_init(&marks);
    static const char *const inputs[] = {"v1:1v5:Alice"};
    add_mark(&marks, "upsert", "[\"id\",\"name\"]", inputs, 1);
    struct dw_pgoutput_value alice[] = {text("1"), text("Alice"), text(NULL)};
    struct dw_pgoutput_value changed[] = {text("1"), text("ALICE"), text(NULL)};
    struct dw_pgoutput_value toast[] = {text("1"), {.presence = DW_PGOUTPUT_UNCHANGED}, text(NULL)};
    struct dw_loop_mark_row row = row_of(changed);
    assert_false(dw_loop_mark_matches(&marks, DW_STR_LIT("erp"), DW_LOOP_MARK_UPSERT, &row));
    row = row_of(toast);
    assert_false(dw_loop_mark_matches(&marks, DW_STR_LIT("erp"), DW_LOOP_MARK_UPSERT, &row));
    row = row_of(alice);
    assert_false(dw_loop_mark_matches(&marks, DW_STR_LIT("web"), DW_LOOP_MARK_UPSERT, &row));
    assert_false(dw_loop_mark_matches(&marks, DW_STR_LIT("erp"), DW_LOOP_MARK_DELETE, &row));
    row.table = DW_STR_LIT("contacts");
    assert_false(dw_loop_mark_matches(&marks, DW_STR_LIT("erp"), DW_LOOP_MARK_UPSERT, &row));
    dw_loop_mark_reset(&marks);
    row = row_of(alice);
    assert_false(dw_loop_mark_matches(&marks, DW_STR_LIT("erp"), DW_LOOP_MARK_UPSERT, &row));
    dw_loop_mark_done(&marks);
}

static void test_deletes_and_truncates(void **state)
{
    (void)state;
    struct dw_loop_marks marks;
    dw_loop_mark_init(&marks);
    static const char *const inputs[] = {"v1:9"};
    add_mark(&marks, "delete", "[\"id\"]", inputs, 1);
    struct dw_pgoutput_value key[] = {text("9"), text(NULL), text(NULL)};
    struct dw_loop_mark_row row = row_of(key);
    assert_true(dw_loop_mark_matches(&marks, DW_STR_LIT("erp"), DW_LOOP_MARK_DELETE, &row));
    assert_false(dw_loop_mark_matches(&marks, DW_STR_LIT("erp"), DW_LOOP_MARK_TRUNCATE, &row));
    add_mark(&marks, "truncate", "[]", NULL, 0);
    row.values = NULL;
    assert_true(dw_loop_mark_matches(&marks, DW_STR_LIT("erp"), DW_LOOP_MARK_TRUNCATE, &row));
    dw_loop_mark_done(&marks);
}

static void test_malformed_marks_mark_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"origin\":\"erp\"}",
        "{\"origin\":\"erp\",\"table\":\"a.b\",\"op\":\"merge\",\"columns\":[\"a\"],\"digests\":"
        "\"\"}",
        "{\"origin\":\"erp\",\"table\":\"a.b\",\"op\":\"upsert\",\"columns\":[1],\"digests\":\"\"}",
        "{\"origin\":\"erp\",\"table\":\"a.b\",\"op\":\"upsert\",\"columns\":[\"a\"],\"digests\":"
        "\"AA==\"}",
        "{\"origin\":\"erp\",\"table\":\"a.b\",\"op\":\"upsert\",\"columns\":[\"a\"],\"digests\":"
        "\"!\"}",
    };
    struct dw_loop_marks marks;
    dw_loop_mark_init(&marks);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct dw_err err = DW_ERR_INIT;
        assert_int_equal(dw_loop_mark_add(&marks, dw_str_from(texts[i]), &err), DW_REJECT);
        assert_string_equal(err.id, "DW-CAPTURE-010");
        assert_null(marks.first);
    }
    dw_loop_mark_done(&marks);
}

/* Anybody may write such messages: they must not take memory for ever. */
static void test_malformed_marks_leave_nothing_behind(void **state)
{
    (void)state;
    struct dw_loop_marks marks;
    struct dw_err err = DW_ERR_INIT;
    dw_loop_mark_init(&marks);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(dw_loop_mark_add(&marks,
                                          DW_STR_LIT("{\"origin\":\"erp\",\"table\":\"a.b\","
                                                     "\"op\":\"upsert\",\"columns\":[\"x\"],"),
                                          &err),
                         DW_REJECT);
        assert_true(marks.arena.used_bytes > 0);
        dw_loop_mark_reset(&marks);
        assert_int_equal(marks.arena.used_bytes, 0);
    }
    dw_loop_mark_done(&marks);
}

static void test_marks_of_a_transaction_are_bounded(void **state)
{
    (void)state;
    struct dw_loop_marks marks;
    struct dw_err err = DW_ERR_INIT;
    struct dw_buf json;
    dw_loop_mark_init(&marks);
    dw_buf_init(&json, (size_t)16 << 20);
    dw_buf_append_text(&json, "{\"origin\":\"erp\",\"table\":\"a.b\",\"op\":\"delete\","
                              "\"columns\":[\"x\"],\"digests\":\"");
    for (int i = 0; i < 1 << 18; i++) /* three digests each */
        dw_buf_append_text(&json, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    dw_buf_append_text(&json, "\"}");
    enum dw_rc rc = DW_OK;
    for (int i = 0; i < 100 && rc == DW_OK; i++)
        rc = dw_loop_mark_add(&marks, dw_buf_str(&json), &err);
    assert_int_equal(rc, DW_REJECT);
    assert_true(marks.arena.used_bytes <= (size_t)48 << 20);
    dw_buf_done(&json);
    dw_loop_mark_done(&marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_written_row_is_an_echo),
        cmocka_unit_test(test_other_facts_are_not),
        cmocka_unit_test(test_deletes_and_truncates),
        cmocka_unit_test(test_malformed_marks_mark_nothing),
        cmocka_unit_test(test_malformed_marks_leave_nothing_behind),
        cmocka_unit_test(test_marks_of_a_transaction_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
