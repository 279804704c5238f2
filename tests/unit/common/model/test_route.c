/* Where a key goes: the same for the producer's own text and for a record read back. */
#include "common/model/route.h"

#include "common/base/hash.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static const struct dw_resolved_column columns[] = {
    {.name = {"id", 2}, .base_oid = 1700},
    {.name = {"na\"me", 5}, .base_oid = 25},
};
static const struct dw_resolved_side source = {.columns = columns, .column_count = 2};

static uint32_t hash_of(const char *key)
{
    struct dw_buf scratch;
    struct dw_err err = DW_ERR_INIT;
    uint32_t hash = 0;
    dw_buf_init(&scratch, 4096);
    assert_int_equal(dw_route_record(dw_str_from(key), &source, &scratch, &hash, &err), DW_OK);
    dw_buf_done(&scratch);
    return hash;
}

static void test_the_partition_is_kafkas(void **state)
{
    (void)state;
    /* As Java's default partitioner: toPositive(murmur2(key)) % count. */
    assert_int_equal(dw_route_partition(0x80000005, 4), 5 % 4);
    assert_int_equal(dw_route_partition(0xffffffff, 4), 0x7fffffff % 4);
    assert_int_equal(dw_route_hash(DW_STR_LIT("{\"id\":1}")), dw_hash_murmur2("{\"id\":1}", 8));
}

static void test_one_number_goes_to_one_partition(void **state)
{
    (void)state;
    uint32_t plain = dw_route_hash(DW_STR_LIT("{\"id\":\"1.5\",\"na\\\"me\":\"2.50\"}"));
    assert_int_equal(hash_of("{\"id\":\"1.5\",\"na\\\"me\":\"2.50\"}"), plain);
    assert_int_equal(hash_of("{\"id\":\"1.500\",\"na\\\"me\":\"2.50\"}"), plain);
    assert_int_not_equal(hash_of("{\"id\":\"1.5\",\"na\\\"me\":\"2.5\"}"), plain);
    assert_int_equal(hash_of("{\"id\":\"10.00\"}"), dw_route_hash(DW_STR_LIT("{\"id\":\"10\"}")));
    assert_int_equal(hash_of("{\"id\":null}"), dw_route_hash(DW_STR_LIT("{\"id\":null}")));
}

static void test_other_columns_count_byte_for_byte(void **state)
{
    (void)state;
    const char *key = "{\"na\\\"me\":\"a\\u0001\\\\ \xc3\xbc 1.00\"}";
    assert_int_equal(hash_of(key), dw_route_hash(dw_str_from(key)));
}

static void test_what_is_no_key_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "1", "[1]", "{\"id\":1", "{\"id\":1} x", "{\"id\" 1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct dw_buf scratch;
        struct dw_err err = DW_ERR_INIT;
        uint32_t hash = 0;
        dw_buf_init(&scratch, 4096);
        assert_int_equal(dw_route_record(dw_str_from(bad[i]), &source, &scratch, &hash, &err),
                         DW_REJECT);
        assert_string_equal(err.id, "DW-EVENT-002");
        dw_buf_done(&scratch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_partition_is_kafkas),
        cmocka_unit_test(test_one_number_goes_to_one_partition),
        cmocka_unit_test(test_other_columns_count_byte_for_byte),
        cmocka_unit_test(test_what_is_no_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
