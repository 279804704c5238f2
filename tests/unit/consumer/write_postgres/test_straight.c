/* When new rows are copied straight into the target, and how long a failure is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include "consumer/write_postgres/merge_groups.h"
#include "consumer/write_postgres/straight.h"
#include <cmocka.h>

/* Batches that go the general way before the next try. */
static unsigned batches_until_try(struct dw_straight *straight)
{
    unsigned batches = 0;
    while (!dw_straight_try(straight))
        batches++;
    return batches;
}

static void test_a_failure_is_remembered_twice_as_long_each_time(void **state)
{
    (void)state;
    struct dw_straight straight = {0, 0};
    assert_int_equal(batches_until_try(&straight), 0);
    for (unsigned expected = 1; expected <= DW_STRAIGHT_PAUSE_MAX; expected *= 2) {
        dw_straight_failed(&straight);
        assert_int_equal(batches_until_try(&straight), expected);
    }
    dw_straight_failed(&straight);
    assert_int_equal(batches_until_try(&straight), DW_STRAIGHT_PAUSE_MAX);
}

static void test_a_success_forgets(void **state)
{
    (void)state;
    struct dw_straight straight = {0, 0};
    dw_straight_failed(&straight);
    dw_straight_failed(&straight);
    assert_int_equal(batches_until_try(&straight), 2);
    dw_straight_went(&straight);
    assert_int_equal(batches_until_try(&straight), 0);
    dw_straight_failed(&straight);
    assert_int_equal(batches_until_try(&straight), 1);
}

static void test_which_rows_are_new(void **state)
{
    (void)state;
    const struct dw_value cells[1] = {{DW_VALUE_NULL, {NULL, 0}}};
    const struct dw_value others[1] = {{DW_VALUE_NULL, {NULL, 0}}};
    const struct {
        struct dw_coalesce_op op;
        bool is_new;
    } cases[] = {
        {{.kind = DW_COALESCE_UPSERT, .fresh = true, .cells = cells}, true},
        {{.kind = DW_COALESCE_UPSERT, .cells = cells}, false},
        {{.kind = DW_COALESCE_UPSERT, .fresh = true, .delete_first = true}, false},
        {{.kind = DW_COALESCE_PARTIAL, .fresh = true, .cells = cells}, false},
        {{.kind = DW_COALESCE_DELETE, .fresh = true}, false},
        {{.kind = DW_COALESCE_KEEP, .fresh = true, .cells = cells, .absent = cells}, true},
        {{.kind = DW_COALESCE_KEEP, .fresh = true, .cells = cells, .absent = others}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(dw_merge_groups_is_new(&cases[i].op), cases[i].is_new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_is_remembered_twice_as_long_each_time),
        cmocka_unit_test(test_a_success_forgets),
        cmocka_unit_test(test_which_rows_are_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
