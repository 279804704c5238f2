/* test_compare_pair.c - which types are hashed together, and how they sort. */
#include "reconciler/compare/compare_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct dw_convert_type type_of(const char *name, uint32_t oid)
{
    struct dw_convert_type type;
    const struct dw_resolved_column column = {
        .type = dw_str_from(name), .oid = oid, .base_oid = oid, .typmod = -1};
    dw_convert_type_of(&column, &type);
    return type;
}

static const struct {
    const char *source;
    uint32_t source_oid;
    const char *target;
    uint32_t target_oid;
    const char *cast; /* NULL: no pair */
    const char *via;
    enum dw_compare_by by;
} pairs[] = {
    {"integer", 23, "integer", 23, "pg_catalog.int8", "", DW_COMPARE_VALUE},
    {"bigint", 20, "smallint", 21, "pg_catalog.int8", "", DW_COMPARE_VALUE},
    {"integer", 23, "numeric", 1700, "pg_catalog.numeric", "", DW_COMPARE_VALUE},
    {"numeric", 1700, "numeric", 1700, "pg_catalog.numeric", "", DW_COMPARE_VALUE},
    {"text", 25, "character varying", 1043, "pg_catalog.text", "", DW_COMPARE_BYTES},
    {"integer", 23, "text", 25, "pg_catalog.text", "", DW_COMPARE_BYTES},
    {"uuid", 2950, "text", 25, "pg_catalog.text", "", DW_COMPARE_BYTES},
    {"character", 1042, "character", 1042, "", "", DW_COMPARE_BYTES},
    {"character", 1042, "text", 25, NULL, NULL, DW_COMPARE_VALUE}, /* blanks at the end */
    {"text", 25, "integer", 23, NULL, NULL, DW_COMPARE_VALUE},
    {"boolean", 16, "text", 25, NULL, NULL, DW_COMPARE_VALUE},
    {"real", 700, "real", 700, "", "", DW_COMPARE_VALUE},
    {"real", 700, "double precision", 701, "pg_catalog.float8", "pg_catalog.text",
     DW_COMPARE_VALUE},
    {"double precision", 701, "numeric", 1700, NULL, NULL, DW_COMPARE_VALUE},
    {"json", 114, "json", 114, "pg_catalog.text", "", DW_COMPARE_BYTES},
    {"jsonb", 3802, "jsonb", 3802, "", "", DW_COMPARE_VALUE},
    {"json", 114, "jsonb", 3802, NULL, NULL, DW_COMPARE_VALUE},
    {"interval", 1186, "interval", 1186, "pg_catalog.text", "", DW_COMPARE_BYTES},
    {"money", 790, "money", 790, "pg_catalog.text", "", DW_COMPARE_BYTES},
    {"timestamp without time zone", 1114, "timestamp with time zone", 1184, NULL, NULL,
     DW_COMPARE_VALUE},
    {"timestamp with time zone", 1184, "timestamp with time zone", 1184, "", "", DW_COMPARE_VALUE},
    {"integer[]", 1007, "integer[]", 1007, "pg_catalog.text", "", DW_COMPARE_BYTES},
    {"integer[]", 1007, "bigint[]", 1016, NULL, NULL, DW_COMPARE_VALUE},
    {"public.mood", 70000, "public.mood", 80000, "pg_catalog.text", "", DW_COMPARE_BYTES},
    {"public.mood", 70000, "public.temper", 80001, NULL, NULL, DW_COMPARE_VALUE},
};

static uint32_t oid_of(const char *cast, uint32_t otherwise)
{
    return strcmp(cast, "pg_catalog.int8") == 0      ? 20
           : strcmp(cast, "pg_catalog.numeric") == 0 ? 1700
           : strcmp(cast, "pg_catalog.text") == 0    ? 25
           : strcmp(cast, "pg_catalog.float8") == 0  ? 701
                                                     : otherwise;
}

static void test_pairs_are_those_that_sql_can_compare(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct dw_convert_type source = type_of(pairs[i].source, pairs[i].source_oid);
        struct dw_convert_type target = type_of(pairs[i].target, pairs[i].target_oid);
        struct dw_compare_pair pair;
        bool found = dw_compare_pair_of(&source, &target, &pair);
        if (found != (pairs[i].cast != NULL))
            fail_msg("%s to %s", pairs[i].source, pairs[i].target);
        if (!found || !pairs[i].cast)
            continue;
        assert_string_equal(pair.cast, pairs[i].cast);
        assert_string_equal(pair.via, pairs[i].via);
        assert_int_equal(pair.by, pairs[i].by);
        assert_int_equal(pair.oid, oid_of(pairs[i].cast, pairs[i].source_oid));
    }
}

static void test_casts_are_written_one_behind_the_other(void **state)
{
    (void)state;
    const struct dw_compare_pair pair = {"pg_catalog.text", "pg_catalog.float8", DW_COMPARE_VALUE,
                                         701};
    struct dw_buf out;
    dw_buf_init(&out, 1000);
    dw_compare_pair_cast(&pair, "t.\"a\"", &out);
    assert_string_equal(out.data, "(t.\"a\")::pg_catalog.text::pg_catalog.float8");
    dw_buf_done(&out);
}

static void test_keys_sort_alike_by_type_and_collation(void **state)
{
    (void)state;
    struct dw_convert_type whole = type_of("integer", 23);
    struct dw_convert_type big = type_of("bigint", 20);
    struct dw_convert_type number = type_of("numeric", 1700);
    struct dw_convert_type text = type_of("text", 25);
    struct dw_convert_type varchar = type_of("character varying", 1043);
    struct dw_convert_type padded = type_of("character", 1042);
    struct dw_convert_type uuid = type_of("uuid", 2950);
    assert_true(dw_compare_pair_sorts_alike(&whole, &big, "", ""));
    assert_false(dw_compare_pair_sorts_alike(&whole, &number, "", ""));
    assert_true(dw_compare_pair_sorts_alike(&uuid, &uuid, "", ""));
    assert_true(dw_compare_pair_sorts_alike(&text, &varchar, "C", "C"));
    assert_false(dw_compare_pair_sorts_alike(&text, &varchar, "C", "i|de|153.1"));
    assert_false(dw_compare_pair_sorts_alike(&text, &text, "", "")); /* of no known version */
    assert_false(dw_compare_pair_sorts_alike(&text, &padded, "C", "C"));
    assert_false(dw_compare_pair_sorts_alike(&text, &uuid, "C", "C"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_are_those_that_sql_can_compare),
        cmocka_unit_test(test_casts_are_written_one_behind_the_other),
        cmocka_unit_test(test_keys_sort_alike_by_type_and_collation),
    };
    return cmocka_run_group_tests_name("compare_pair", tests, NULL, NULL);
}
