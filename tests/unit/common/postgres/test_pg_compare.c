/* test_pg_compare.c - how values are compared, and the statement that does it. */
#include "common/postgres/pg_compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void test_values_are_compared_by_their_type(void **state)
{
    (void)state;
    assert_int_equal(dw_pg_compare_by(23), DW_COMPARE_VALUE);
    assert_int_equal(dw_pg_compare_by(1700), DW_COMPARE_VALUE);
    assert_int_equal(dw_pg_compare_by(25), DW_COMPARE_BYTES);
    assert_int_equal(dw_pg_compare_by(1186), DW_COMPARE_TEXT);  /* 1 mon equals 30 days there */
    assert_int_equal(dw_pg_compare_by(114), DW_COMPARE_TEXT);   /* json has no equality */
    assert_int_equal(dw_pg_compare_by(70000), DW_COMPARE_TEXT); /* an enum's hash is its OID's */
}

static void test_the_statement_compares_each_column(void **state)
{
    (void)state;
    const struct dw_compare_column columns[] = {
        {DW_STR_LIT("id"), DW_STR_LIT("pg_catalog.int4"), 23, true, DW_STR_LIT("=")},
        {DW_STR_LIT("a \"b\""), DW_STR_LIT("pg_catalog.text"), 25, false, {NULL, 0}},
    };
    const struct dw_compare_table table = {DW_STR_LIT("public"), DW_STR_LIT("t"), columns, 2};
    static const uint16_t both[] = {0, 1};
    struct dw_buf out;
    dw_buf_init(&out, 65536);
    dw_pg_compare_sql(&out, &table, both, 2);
    assert_string_equal(
        out.data,
        "SELECT s.n, t.\"id\" IS NOT NULL AS found, to_json(ARRAY[s.c0 IS DISTINCT FROM t.\"id\","
        " (s.c1 COLLATE pg_catalog.\"C\") IS DISTINCT FROM (t.\"a \"\"b\"\"\" COLLATE"
        " pg_catalog.\"C\")]) AS differs, to_json(ARRAY[left(s.c0::text, 1000),"
        " left(s.c1::text, 1000)]) AS given, to_json(ARRAY[left(t.\"id\"::text, 1000),"
        " left(t.\"a \"\"b\"\"\"::text, 1000)]) AS present FROM (SELECT u.n,"
        " u.c0::pg_catalog.int4 AS c0, u.c1::pg_catalog.text AS c1 FROM unnest($1::text[],"
        " $2::text[]) WITH ORDINALITY AS u(c0, c1, n)) AS s LEFT JOIN \"public\".\"t\" AS t ON"
        " t.\"id\" = s.c0 WHERE t.\"id\" IS NULL OR s.c0 IS DISTINCT FROM t.\"id\" OR"
        " (s.c1 COLLATE pg_catalog.\"C\") IS DISTINCT FROM (t.\"a \"\"b\"\"\" COLLATE"
        " pg_catalog.\"C\")");
    dw_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_compared_by_their_type),
        cmocka_unit_test(test_the_statement_compares_each_column),
    };
    return cmocka_run_group_tests_name("pg_compare", tests, NULL, NULL);
}
