/* test_state_migrate.c - the list of migrations: numbered upwards, named, with stable sums.
 */
#include "common/state/state_migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_list_is_numbered_upwards(void **state)
{
    (void)state;
    size_t count = 0;
    const struct dw_state_migration *list = dw_state_migrate_list(&count);
    assert_true(count >= 3);
    for (size_t i = 0; i < count; i++) {
        assert_true(list[i].number > (i ? list[i - 1].number : 0));
        assert_true(*list[i].name != '\0');
        assert_true(list[i].sql.len > 100);
        assert_int_equal(strlen(list[i].sql.ptr), list[i].sql.len); /* a C string for libpq */
        assert_null(strstr(list[i].sql.ptr, "COMMIT"));             /* runs in our transaction */
    }
}

static void test_checksums_differ_and_repeat(void **state)
{
    (void)state;
    size_t count = 0;
    const struct dw_state_migration *list = dw_state_migrate_list(&count);
    char first[65];
    char again[65];
    char second[65];
    assert_string_equal(dw_state_migrate_checksum(&list[0], first),
                        dw_state_migrate_checksum(&list[0], again));
    assert_string_not_equal(first, dw_state_migrate_checksum(&list[1], second));
    assert_int_equal(strlen(first), 64);
}

static void test_checksum_is_sha256_in_hexadecimal(void **state)
{
    (void)state;
    char sum[65];
    struct dw_state_migration abc = {1, "abc", DW_STR_LIT("abc")};
    assert_string_equal(dw_state_migrate_checksum(&abc, sum),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_is_numbered_upwards),
        cmocka_unit_test(test_checksums_differ_and_repeat),
        cmocka_unit_test(test_checksum_is_sha256_in_hexadecimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
