/* test_mended_look.c - when a revision is in force in the target, in every partition. */
#include "reconciler/targets/mended_look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool in_force(int64_t partitions, int64_t revision)
{
    const struct dw_retry_revision newest = {.map = "items", .revision = 3, .partitions = 4};
    const struct dw_target_progress progress = {
        .map = "items", .partitions = partitions, .revision = revision};
    return dw_mended_look_is_in_force(&newest, &progress);
}

static void test_every_partition_has_come_to_it(void **state)
{
    (void)state;
    assert_true(in_force(4, 3));
    assert_true(in_force(8, 3)); /* those of an earlier generation stay */
    assert_true(in_force(4, 4)); /* a still newer one came meanwhile */
}

static void test_one_partition_behind_is_not_in_force(void **state)
{
    (void)state;
    assert_false(in_force(4, 2)); /* the lowest of them */
    assert_false(in_force(3, 3)); /* one of which nothing is known */
}

static void test_nothing_known_is_not_in_force(void **state)
{
    (void)state;
    const struct dw_retry_revision newest = {.map = "items", .revision = 2, .partitions = 1};
    assert_false(dw_mended_look_is_in_force(&newest, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_partition_has_come_to_it),
        cmocka_unit_test(test_one_partition_behind_is_not_in_force),
        cmocka_unit_test(test_nothing_known_is_not_in_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
