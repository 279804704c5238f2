/* The statements of a merge, and the lines of COPY text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/write_postgres/failure.h"
#include "consumer/write_postgres/merge_sql.h"
#include "consumer/write_postgres/rows_copy.h"
#include <cmocka.h>

#define TEXT(t)                                                                                    \
    {                                                                                              \
        (t), sizeof(t) - 1                                                                         \
    }

static const struct dw_merge_column columns[] = {
    {.name = TEXT("id"),
     .base_type = TEXT("pg_catalog.int4"),
     .exact_type = TEXT("integer"),
     .equals = TEXT("OPERATOR(pg_catalog.=)"),
     .is_key = true},
    {.name = TEXT("a \"b"),
     .base_type = TEXT("pg_catalog.\"varchar\""),
     .exact_type = TEXT("character varying(5)")},
};
static const struct dw_merge_table table = {.schema = TEXT("s"),
                                            .table = TEXT("t"),
                                            .columns = columns,
                                            .column_count = 2,
                                            .stage = TEXT("dw_stage_1"),
                                            .utf8 = true};
static const uint16_t both[] = {0, 1};

typedef void (*put_fn)(struct dw_buf *, const struct dw_merge_table *,
                       const struct dw_merge_group *);

static void assert_sql(put_fn put, size_t count, bool staged, const char *expected)
{
    const struct dw_merge_group group = {both, count, staged};
    struct dw_buf sql;
    dw_buf_init(&sql, 65536);
    put(&sql, &table, &group);
    assert_string_equal(sql.data, expected);
    dw_buf_done(&sql);
}

static void test_upsert(void **state)
{
    (void)state;
    assert_sql(dw_merge_sql_upsert, 2, false,
               "INSERT INTO \"s\".\"t\" (\"id\", \"a \"\"b\") SELECT s.c0::pg_catalog.int4,"
               " s.c1::pg_catalog.\"varchar\" FROM unnest($1::text[], $2::text[]) WITH ORDINALITY"
               " AS s(c0, c1, n) WHERE true ON CONFLICT (\"id\") DO UPDATE SET"
               " \"a \"\"b\" = EXCLUDED.\"a \"\"b\"");
    assert_sql(dw_merge_sql_upsert, 2, true,
               "INSERT INTO \"s\".\"t\" (\"id\", \"a \"\"b\") SELECT s.c0, s.c1 FROM"
               " pg_temp.\"dw_stage_1\" AS s WHERE s.n BETWEEN $1::bigint AND $2::bigint"
               " ON CONFLICT (\"id\") DO UPDATE SET \"a \"\"b\" = EXCLUDED.\"a \"\"b\"");
    assert_sql(dw_merge_sql_upsert, 1, false,
               "INSERT INTO \"s\".\"t\" (\"id\") SELECT s.c0::pg_catalog.int4 FROM"
               " unnest($1::text[]) WITH ORDINALITY AS s(c0, n) WHERE true ON CONFLICT (\"id\")"
               " DO NOTHING");
}

static void test_copy(void **state)
{
    (void)state;
    assert_sql(dw_merge_sql_copy, 2, false, "COPY pg_temp.\"dw_stage_1\" (n, c0, c1) FROM STDIN");
    assert_sql(dw_merge_sql_copy_straight, 2, false,
               "COPY \"s\".\"t\" (\"id\", \"a \"\"b\") FROM STDIN");
}

static void test_update_and_delete(void **state)
{
    (void)state;
    assert_sql(dw_merge_sql_update, 2, true,
               "UPDATE \"s\".\"t\" AS t SET \"a \"\"b\" = s.c1 FROM pg_temp.\"dw_stage_1\" AS s"
               " WHERE t.\"id\" OPERATOR(pg_catalog.=) s.c0 AND s.n BETWEEN $1::bigint AND"
               " $2::bigint RETURNING s.n");
    assert_sql(dw_merge_sql_update, 1, false,
               "UPDATE \"s\".\"t\" AS t SET \"id\" = t.\"id\" FROM unnest($1::text[]) WITH"
               " ORDINALITY AS s(c0, n) WHERE t.\"id\" OPERATOR(pg_catalog.=)"
               " s.c0::pg_catalog.int4 RETURNING s.n");
    assert_sql(dw_merge_sql_delete, 1, false,
               "DELETE FROM \"s\".\"t\" AS t USING unnest($1::text[]) WITH ORDINALITY AS s(c0, n)"
               " WHERE t.\"id\" OPERATOR(pg_catalog.=) s.c0::pg_catalog.int4");
}

static void test_mark_head_is_json(void **state)
{
    (void)state;
    const struct dw_merge_group group = {both, 2, false};
    struct dw_buf head;
    dw_buf_init(&head, 65536);
    dw_merge_sql_mark_head(&head, &table, &group, DW_STR_LIT("e\"rp"), "upsert");
    assert_string_equal(head.data, "{\"origin\":\"e\\\"rp\",\"table\":\"s.t\",\"op\":\"upsert\","
                                   "\"columns\":[\"id\",\"a \\\"b\"],\"digests\":\"");
    dw_buf_done(&head);
}

static void test_copy_line_escapes(void **state)
{
    (void)state;
    const struct dw_value cells[] = {{DW_VALUE_STRING, TEXT("1")},
                                     {DW_VALUE_STRING, TEXT("a\tb\nc\\N\r\xc3\xa9\b")}};
    const struct dw_value nulls[] = {{DW_VALUE_STRING, TEXT("2")}, {DW_VALUE_NULL, {NULL, 0}}};
    struct dw_coalesce_op ops[] = {{.cells = cells}, {.cells = nulls}};
    struct dw_coalesce_op *list[] = {&ops[0], &ops[1]};
    const int16_t key_of[] = {0, -1};
    const struct dw_rows rows = {
        .ops = list, .count = 2, .columns = both, .column_count = 2, .key_of = key_of, .mapped = 2};
    struct dw_buf line;
    dw_buf_init(&line, 4096);
    dw_rows_copy_line(&line, &rows, 0, 41);
    dw_rows_copy_line(&line, &rows, 1, 42);
    dw_rows_copy_line(&line, &rows, 1, 0);
    assert_string_equal(line.data, "41\t1\ta\\tb\\nc\\\\N\\r\xc3\xa9\b\n42\t2\t\\N\n2\t\\N\n");
    dw_buf_done(&line);
}

static void test_messages_lose_what_they_quote(void **state)
{
    (void)state;
    struct dw_buf text;
    dw_buf_init(&text, 4096);
    dw_failure_redact(&text, "invalid input syntax for type date: \"4711\"; line \"x");
    assert_string_equal(text.data, "invalid input syntax for type date: \"…\"; line \"…\"");
    dw_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upsert),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_update_and_delete),
        cmocka_unit_test(test_mark_head_is_json),
        cmocka_unit_test(test_copy_line_escapes),
        cmocka_unit_test(test_messages_lose_what_they_quote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
