/* test_compare_hash.c - what a row's hash is made of. */
#include "reconciler/compare/compare_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static const struct dw_compare_pair number = {"", "pg_catalog.int8", DW_COMPARE_VALUE, 20};
static const struct dw_compare_pair decimal = {"", "pg_catalog.numeric", DW_COMPARE_VALUE, 1700};
static const struct dw_compare_pair text = {"", "pg_catalog.text", DW_COMPARE_BYTES, 25};
static const struct dw_compare_pair name = {"", "", DW_COMPARE_TEXT, 19};
static const struct dw_compare_pair moment = {"", "", DW_COMPARE_VALUE, 1184};
static const struct dw_compare_pair day = {"", "", DW_COMPARE_VALUE, 1082};

struct fixture {
    struct dw_compare_hash hash;
    struct dw_buf out;
};

static int setup(void **state)
{
    static struct fixture fixture;
    dw_compare_hash_init(&fixture.hash);
    dw_buf_init(&fixture.out, 4096);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    dw_compare_hash_done(&f->hash);
    dw_buf_done(&f->out);
    return 0;
}

static void assert_written(struct fixture *f, const char *expected)
{
    dw_compare_hash_write(&f->hash, &f->out);
    assert_string_equal(f->out.data, expected);
}

static void test_each_column_has_its_own_seed(void **state)
{
    struct fixture *f = *state;
    dw_compare_hash_add(&f->hash, &decimal, "a");
    dw_compare_hash_add(&f->hash, &text, "b");
    assert_written(f, "coalesce(pg_catalog.hash_numeric_extended(a, 1), 1) OPERATOR(pg_catalog.#)"
                      " coalesce(pg_catalog.hashtextextended((b COLLATE pg_catalog.\"C\"), 2), 2)");
}

/* Its function alone has one hash for 1 and for 2^32. */
static void test_a_bigint_counts_itself_too(void **state)
{
    struct fixture *f = *state;
    dw_compare_hash_add(&f->hash, &number, "a");
    assert_written(f, "coalesce(pg_catalog.hashint8extended(a, 1) OPERATOR(pg_catalog.#) a, 1)");
}

static void test_what_is_compared_as_text_is_hashed_as_text(void **state)
{
    struct fixture *f = *state;
    dw_compare_hash_add(&f->hash, &name, "a");
    assert_written(f, "coalesce(pg_catalog.hashtextextended((a::pg_catalog.text COLLATE"
                      " pg_catalog.\"C\"), 1), 1)");
}

static void test_types_without_a_function_make_a_record(void **state)
{
    struct fixture *f = *state;
    dw_compare_hash_add(&f->hash, &moment, "a");
    dw_compare_hash_add(&f->hash, &decimal, "b");
    dw_compare_hash_add(&f->hash, &day, "c");
    dw_compare_hash_add_flag(&f->hash, "false");
    assert_written(f, "coalesce(pg_catalog.hash_numeric_extended(b, 1), 1) OPERATOR(pg_catalog.#)"
                      " pg_catalog.hash_record_extended(ROW(a, c, false), 0)");
}

static void test_a_record_may_be_all(void **state)
{
    struct fixture *f = *state;
    dw_compare_hash_add(&f->hash, &moment, "a");
    assert_written(f, "pg_catalog.hash_record_extended(ROW(a), 0)");
}

static void test_no_columns_have_a_hash(void **state)
{
    assert_written(*state, "pg_catalog.hash_record_extended(ROW(), 0)");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_each_column_has_its_own_seed),
        TEST(test_a_bigint_counts_itself_too),
        TEST(test_what_is_compared_as_text_is_hashed_as_text),
        TEST(test_types_without_a_function_make_a_record),
        TEST(test_a_record_may_be_all),
        TEST(test_no_columns_have_a_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
