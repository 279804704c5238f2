/* Loop marks: what the stream of the target says of the rows that we wrote (trap 15). */
#include "writer_rig.h"

#include "common/base/base64.h"
#include "common/base/hash.h"
#include <string.h>

static const char slot_sql[] = "SELECT pg_create_logical_replication_slot('w_marks', 'pgoutput')";

/* The n-th mark of the stream, in order; consumes nothing. */
static const char *mark_at(struct rig *rig, int n)
{
    rig_exec(rig, "CREATE TABLE w_flush (); DROP TABLE w_flush"); /* flushes what went before */
    return rig_text(
        rig, dw_arena_printf(
                 &rig->arena,
                 "SELECT convert_from(substr(data, position('{\"origin\"'::bytea IN data)), 'UTF8')"
                 " FROM pg_logical_slot_peek_binary_changes('w_marks', NULL, NULL,"
                 " 'proto_version', '1', 'publication_names', 'w_marks', 'messages', 'true')"
                 " WHERE get_byte(data, 0) = ascii('M') ORDER BY lsn OFFSET %d LIMIT 1",
                 n));
}

static struct rig *new_rig(const char *table_sql, const char *columns, size_t keys)
{
    struct rig *rig = rig_new("w_marks", table_sql);
    if (!rig)
        skip();
    rig_exec(rig, "DROP PUBLICATION IF EXISTS w_marks; CREATE PUBLICATION w_marks FOR ALL TABLES");
    rig->system.capture = true;
    rig_map(rig, "t", columns, keys);
    rig->map.source.system = DW_STR_LIT("erp");
    rig_open(rig);
    (void)rig_text(rig, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                        " WHERE slot_name = 'w_marks' AND NOT active");
    (void)rig_text(rig, slot_sql);
    return rig;
}

static void end(struct rig *rig)
{
    (void)rig_text(rig, "SELECT pg_drop_replication_slot('w_marks')");
    rig_exec(rig, "DROP PUBLICATION w_marks");
    rig_free(rig);
}

static const char *digest_of(struct rig *rig, const char *input)
{
    unsigned char digest[32];
    struct dw_buf text;
    dw_hash_sha256(input, strlen(input), digest);
    dw_buf_init(&text, 64);
    dw_base64_encode(&text, digest, 8);
    const char *copy = dw_arena_copy(&rig->arena, dw_buf_str(&text)).ptr;
    dw_buf_done(&text);
    return copy;
}

static void assert_mark(struct rig *rig, int n, const char *head, const char *input)
{
    const char *expected = dw_arena_printf(&rig->arena,
                                           "{\"origin\":\"erp\",\"table\":\"w_marks.t\","
                                           "%s,\"digests\":\"%s\"}",
                                           head, digest_of(rig, input));
    assert_string_equal(mark_at(rig, n), expected);
}

static void test_digest_is_of_the_columns_exact_type(void **state)
{
    (void)state;
    struct rig *rig = new_rig("CREATE DOMAIN short AS varchar(9);"
                              "CREATE TABLE t (id int PRIMARY KEY, n numeric(8,3), c char(4),"
                              " b boolean, d short, x text, w timestamptz(3))",
                              "id n c b d x w", 1);
    rig_upsert(rig, "007", "1.5", "ab", "yes", "é", NULL, "2026-01-31 12:00:00+02");
    rig_flush(rig);
    const char *head = "\"op\":\"upsert\",\"columns\":[\"id\",\"n\",\"c\",\"b\",\"d\",\"x\",\"w\"]";
    assert_mark(rig, 0, head, "v1:7v5:1.500v4:ab  v1:tv2:énv22:2026-01-31 10:00:00+00");
    end(rig);
}

static void test_partial_update_names_its_columns_only(void **state)
{
    (void)state;
    struct rig *rig =
        new_rig("CREATE TABLE t (id int PRIMARY KEY, a text, big text)", "id a big", 1);
    rig_upsert(rig, "1", "x", "large");
    rig_flush(rig);
    rig_upsert(rig, "1", "y", RIG_ABSENT);
    rig_flush(rig);
    assert_mark(rig, 1, "\"op\":\"upsert\",\"columns\":[\"id\",\"a\"]", "v1:1v1:y");
    end(rig);
}

static void test_delete_carries_the_key(void **state)
{
    (void)state;
    struct rig *rig =
        new_rig("CREATE TABLE t (id int, s text, a text, PRIMARY KEY (id, s))", "id s a", 2);
    rig_delete(rig, "5", "k");
    rig_flush(rig);
    assert_mark(rig, 0, "\"op\":\"delete\",\"columns\":[\"id\",\"s\"]", "v1:5v1:k");
    end(rig);
}

static void test_staged_batch_and_truncate(void **state)
{
    (void)state;
    struct rig *rig = new_rig("CREATE TABLE t (id int PRIMARY KEY)", "id", 1);
    for (int i = 0; i < 600; i++)
        rig_upsert(rig, dw_arena_printf(&rig->arena, "%d", i));
    rig_flush(rig);
    assert_int_equal(strlen(strstr(mark_at(rig, 0), "\"digests\":\"") + 11), 600 * 8 / 3 * 4 + 2);
    bool done = false;
    const struct dw_version version = {1, 5000, 0};
    assert_int_equal(
        dw_writer_truncate(rig->writer, rig->table, &rig->id, &version, 1, true, &done, &rig->err),
        DW_OK);
    assert_string_equal(mark_at(rig, 1), "{\"origin\":\"erp\",\"table\":\"w_marks.t\",\"op\":"
                                         "\"truncate\",\"columns\":[],\"digests\":\"\"}");
    end(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_is_of_the_columns_exact_type),
        cmocka_unit_test(test_partial_update_names_its_columns_only),
        cmocka_unit_test(test_delete_carries_the_key),
        cmocka_unit_test(test_staged_batch_and_truncate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
