/* The pgoutput decoder: each message made by hand, read back, and cut at each of its bytes. */
#include "common/base/clock.h"
#include "producer/capture_postgres/pgoutput.h"
#include <stdlib.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static struct dw_pgoutput decoder;

struct bytes {
    char data[512];
    size_t len;
};

static void put(struct bytes *out, const void *bytes, size_t len)
{
    memcpy(out->data + out->len, bytes, len);
    out->len += len;
}

static void put_number(struct bytes *out, uint64_t number, int size)
{
    for (int i = size - 1; i >= 0; i--) {
        char byte = (char)(number >> (8 * i) & 0xff);
        put(out, &byte, 1);
    }
}

static void put_text(struct bytes *out, const char *text)
{
    put(out, text, strlen(text) + 1);
}

static void put_char(struct bytes *out, char c)
{
    put(out, &c, 1);
}

static void put_value(struct bytes *out, const char *text)
{
    put_char(out, 't');
    put_number(out, strlen(text), 4);
    put(out, text, strlen(text));
}

/* Two columns: "7" and `second`: text, or 'n' or 'u' when NULL. */
static void put_tuple(struct bytes *out, char kind, const char *second, char otherwise)
{
    put_char(out, kind);
    put_number(out, 2, 2);
    put_value(out, "7");
    if (second)
        put_value(out, second);
    else
        put_char(out, otherwise);
}

static struct dw_pgoutput_message decode(const struct bytes *in)
{
    struct dw_pgoutput_message message;
    struct dw_err err = DW_ERR_INIT;
    enum dw_rc rc =
        dw_pgoutput_decode(&decoder, (struct dw_str){in->data, in->len}, &message, &err);
    if (rc != DW_OK)
        print_error("%s %s\n", err.id, err.message);
    assert_int_equal(rc, DW_OK);
    return message;
}

/* Every shorter message, and one that is longer, is refused; each copy stands alone in memory, so
 * that a sanitizer sees a read behind its end. */
static void refuse_truncated(const struct bytes *in)
{
    struct dw_pgoutput_message message;
    for (size_t len = 0; len <= in->len + 1; len++) {
        if (len == in->len)
            continue;
        struct dw_err err = DW_ERR_INIT;
        char *copy = calloc(1, len + 1);
        memcpy(copy, in->data, len < in->len ? len : in->len);
        char *exact = malloc(len ? len : 1);
        memcpy(exact, copy, len);
        free(copy);
        assert_int_equal(dw_pgoutput_decode(&decoder, (struct dw_str){exact, len}, &message, &err),
                         DW_FATAL);
        assert_string_equal(err.id, "DW-CAPTURE-001");
        free(exact);
    }
}

static void test_begin_and_commit(void **state)
{
    (void)state;
    struct bytes begin = {.len = 0};
    put_char(&begin, 'B');
    put_number(&begin, UINT64_C(0x16B374D848), 8);
    put_number(&begin, 1000001, 8);
    put_number(&begin, 4294967295U, 4);
    struct dw_pgoutput_message message = decode(&begin);
    assert_int_equal(message.kind, DW_PGOUTPUT_BEGIN);
    assert_true(message.commit_lsn == UINT64_C(0x16B374D848));
    assert_true(message.commit_us == DW_CLOCK_PG_EPOCH_US + 1000001);
    assert_true(message.xid == 4294967295U);
    refuse_truncated(&begin);

    struct bytes commit = {.len = 0};
    put_char(&commit, 'C');
    put_char(&commit, 0);
    put_number(&commit, 10, 8);
    put_number(&commit, 20, 8);
    put_number(&commit, 5, 8);
    message = decode(&commit);
    assert_true(message.commit_lsn == 10 && message.end_lsn == 20);
    refuse_truncated(&commit);
}

static void test_origin_and_type(void **state)
{
    (void)state;
    struct bytes origin = {.len = 0};
    put_char(&origin, 'O');
    put_number(&origin, 99, 8);
    put_text(&origin, "node_b");
    assert_true(dw_str_is(decode(&origin).name, "node_b"));
    refuse_truncated(&origin);

    struct bytes type = {.len = 0};
    put_char(&type, 'Y');
    put_number(&type, 16400, 4);
    put_text(&type, "public");
    put_text(&type, "mood");
    struct dw_pgoutput_message message = decode(&type);
    assert_true(message.oid == 16400 && dw_str_is(message.schema, "public"));
    assert_true(dw_str_is(message.name, "mood"));
    refuse_truncated(&type);
}

static void test_relation(void **state)
{
    (void)state;
    struct bytes relation = {.len = 0};
    put_char(&relation, 'R');
    put_number(&relation, 16384, 4);
    put_text(&relation, "public");
    put_text(&relation, "t");
    put_char(&relation, 'd');
    put_number(&relation, 2, 2);
    put_char(&relation, 1);
    put_text(&relation, "id");
    put_number(&relation, 23, 4);
    put_number(&relation, UINT32_MAX, 4);
    put_char(&relation, 0);
    put_text(&relation, "v");
    put_number(&relation, 1043, 4);
    put_number(&relation, 44, 4);
    struct dw_pgoutput_message message = decode(&relation);
    assert_true(message.oid == 16384 && message.replica_identity == 'd');
    assert_int_equal(message.column_count, 2);
    assert_true(message.columns[0].is_key && message.columns[0].typmod == -1);
    assert_true(dw_str_is(message.columns[1].name, "v") && message.columns[1].type_oid == 1043);
    assert_true(!message.columns[1].is_key && message.columns[1].typmod == 44);
    refuse_truncated(&relation);
}

static void test_rows(void **state)
{
    (void)state;
    struct bytes insert = {.len = 0};
    put_char(&insert, 'I');
    put_number(&insert, 16384, 4);
    put_tuple(&insert, 'N', NULL, 'n');
    struct dw_pgoutput_message message = decode(&insert);
    assert_int_equal(message.row.count, 2);
    assert_true(dw_str_is(message.row.values[0].text, "7"));
    assert_int_equal(message.row.values[1].presence, DW_PGOUTPUT_NULL);
    assert_int_equal(message.old.kind, 0);
    refuse_truncated(&insert);

    struct bytes update = {.len = 0};
    put_char(&update, 'U');
    put_number(&update, 16384, 4);
    put_tuple(&update, 'N', NULL, 'u');
    message = decode(&update);
    assert_int_equal(message.row.values[1].presence, DW_PGOUTPUT_UNCHANGED);
    refuse_truncated(&update);

    struct bytes with_old = {.len = 0};
    put_char(&with_old, 'U');
    put_number(&with_old, 16384, 4);
    put_tuple(&with_old, 'O', "before", 0);
    put_tuple(&with_old, 'N', "", 0);
    message = decode(&with_old);
    assert_int_equal(message.old.kind, 'O');
    assert_true(dw_str_is(message.old.values[1].text, "before"));
    assert_int_equal(message.row.values[1].presence, DW_PGOUTPUT_TEXT);
    assert_int_equal(message.row.values[1].text.len, 0);
    refuse_truncated(&with_old);

    struct bytes delete = {.len = 0};
    put_char(&delete, 'D');
    put_number(&delete, 16384, 4);
    put_tuple(&delete, 'K', NULL, 'n');
    message = decode(&delete);
    assert_int_equal(message.old.kind, 'K');
    assert_int_equal(message.row.kind, 0);
    refuse_truncated(&delete);
}

static void test_truncate_and_message(void **state)
{
    (void)state;
    struct bytes truncate = {.len = 0};
    put_char(&truncate, 'T');
    put_number(&truncate, 2, 4);
    put_char(&truncate, 3);
    put_number(&truncate, 16384, 4);
    put_number(&truncate, 4000000000U, 4);
    struct dw_pgoutput_message message = decode(&truncate);
    assert_int_equal(message.relation_count, 2);
    assert_true(message.cascade && message.restart);
    assert_true(dw_pgoutput_truncated(&message, 0) == 16384);
    assert_true(dw_pgoutput_truncated(&message, 1) == 4000000000U);
    refuse_truncated(&truncate);

    struct bytes wal = {.len = 0};
    put_char(&wal, 'M');
    put_char(&wal, 1);
    put_number(&wal, 77, 8);
    put_text(&wal, "dualwrite.heartbeat");
    put_number(&wal, 2, 4);
    put(&wal, "{}", 2);
    message = decode(&wal);
    assert_true(message.transactional && message.message_lsn == 77);
    assert_true(dw_str_is(message.prefix, "dualwrite.heartbeat"));
    assert_true(dw_str_is(message.content, "{}"));
    refuse_truncated(&wal);
}

static void test_nonsense_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *id;
    } cases[] = {
        {"S\0\0\0\1\1", 6, "DW-CAPTURE-002"}, /* protocol 2 */
        {"Z", 1, "DW-CAPTURE-002"},
        {"I\0\0\0\1X\0\0", 8, "DW-CAPTURE-001"},           /* no such tuple */
        {"I\0\0\0\1N\0\1b\0\0\0\0", 13, "DW-CAPTURE-001"}, /* binary was not asked for */
        {"I\0\0\0\1N\xff\xff", 8, "DW-CAPTURE-001"},       /* 65535 columns */
        {"D\0\0\0\1N\0\0", 8, "DW-CAPTURE-001"},
        {"T\xff\xff\xff\xff\0", 6, "DW-CAPTURE-001"},
        {"M\1\0\0\0\0\0\0\0\0p\0\xff\xff\xff\xff", 16, "DW-CAPTURE-001"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dw_pgoutput_message message;
        struct dw_err err = DW_ERR_INIT;
        struct dw_str bytes = {cases[i].bytes, cases[i].len};
        assert_int_equal(dw_pgoutput_decode(&decoder, bytes, &message, &err), DW_FATAL);
        assert_string_equal(err.id, cases[i].id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begin_and_commit),
        cmocka_unit_test(test_origin_and_type),
        cmocka_unit_test(test_relation),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_truncate_and_message),
        cmocka_unit_test(test_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
