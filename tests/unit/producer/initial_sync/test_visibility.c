/* test_visibility.c - which streamed transactions a snapshot sees (trap 17). */
#include "producer/initial_sync/visibility.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct dw_snapshot snapshot_of(const char *text)
{
    struct dw_snapshot snapshot;
    assert_true(dw_visibility_parse(dw_str_from(text), &snapshot));
    return snapshot;
}

static void test_parse_takes_the_servers_form(void **state)
{
    (void)state;
    struct dw_snapshot snapshot = snapshot_of("10:20:10,14,15");
    assert_int_equal(snapshot.xmin, 10);
    assert_int_equal(snapshot.xmax, 20);
    assert_int_equal(snapshot.running_count, 3);
    assert_int_equal(snapshot.running[2], 15);
    free(snapshot.running);
    snapshot = snapshot_of("7:7:");
    assert_int_equal(snapshot.running_count, 0);
    free(snapshot.running);
}

static void test_parse_refuses_anything_else(void **state)
{
    (void)state;
    static const char *const bad[] = {"",         "10",
                                      "10:",      "10:20",
                                      ":20:",     "10:20:x",
                                      "10:20:1,", "10:20:1;2",
                                      "a:b:c",    "99999999999999999999:1:"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct dw_snapshot snapshot;
        assert_false(dw_visibility_parse(dw_str_from(bad[i]), &snapshot));
        assert_null(snapshot.running);
    }
}

static void test_sees_what_has_ended_before_it(void **state)
{
    (void)state;
    struct dw_snapshot snapshot = snapshot_of("10:20:10,14");
    assert_true(dw_visibility_sees(&snapshot, 9));
    assert_false(dw_visibility_sees(&snapshot, 10));
    assert_true(dw_visibility_sees(&snapshot, 11));
    assert_false(dw_visibility_sees(&snapshot, 14));
    assert_true(dw_visibility_sees(&snapshot, 19));
    assert_false(dw_visibility_sees(&snapshot, 20));
    free(snapshot.running);
}

static void test_sees_across_the_wrap_of_32_bits(void **state)
{
    (void)state;
    /* Epoch 1: 4294967296 + 5. */
    struct dw_snapshot snapshot = snapshot_of("4294967290:4294967301:4294967295,4294967298");
    assert_true(dw_visibility_sees(&snapshot, 4294967289U));
    assert_true(dw_visibility_sees(&snapshot, 4294967291U));
    assert_false(dw_visibility_sees(&snapshot, 4294967295U));
    assert_true(dw_visibility_sees(&snapshot, 0));
    assert_false(dw_visibility_sees(&snapshot, 2));
    assert_true(dw_visibility_sees(&snapshot, 3));
    assert_false(dw_visibility_sees(&snapshot, 5));
    free(snapshot.running);
}

static void test_covers_looks_only_at_what_came_before(void **state)
{
    (void)state;
    uint32_t xid = 0;
    struct dw_visibility visibility;
    dw_visibility_init(&visibility);
    dw_visibility_add(&visibility, 11);
    uint64_t order = visibility.order; /* the low watermark is here */
    dw_visibility_add(&visibility, 14);
    struct dw_snapshot snapshot = snapshot_of("12:20:14");
    assert_true(dw_visibility_covers(&visibility, &snapshot, order, &xid));
    assert_false(dw_visibility_covers(&visibility, &snapshot, visibility.order, &xid));
    assert_int_equal(xid, 14);
    free(snapshot.running);
    dw_visibility_done(&visibility);
}

static void test_prune_keeps_what_nobody_has_seen(void **state)
{
    (void)state;
    uint32_t xid = 0;
    struct dw_visibility visibility;
    dw_visibility_init(&visibility);
    for (uint32_t i = 10; i < 20; i++)
        dw_visibility_add(&visibility, i);
    struct dw_snapshot snapshot = snapshot_of("12:25:12,17");
    dw_visibility_prune(&visibility, &snapshot);
    assert_int_equal(visibility.count, 2);
    assert_false(dw_visibility_covers(&visibility, &snapshot, visibility.order, &xid));
    assert_int_equal(xid, 12);
    free(snapshot.running);
    dw_visibility_done(&visibility);
}

static void test_a_suspect_counts_until_it_is_seen_or_streamed(void **state)
{
    (void)state;
    uint32_t xid = 0;
    struct dw_visibility visibility;
    dw_visibility_init(&visibility);
    dw_visibility_add(&visibility, 13); /* streamed already when the snapshot is taken */
    struct dw_snapshot start = snapshot_of("10:20:10,13");
    dw_visibility_suspect(&visibility, &start);
    uint64_t low = visibility.order;
    assert_false(dw_visibility_covers(&visibility, &start, low, &xid));
    assert_int_equal(xid, 10);
    dw_visibility_add(&visibility, 10); /* it commits now: after the low watermark */
    struct dw_snapshot later = snapshot_of("10:30:10");
    assert_true(dw_visibility_covers(&visibility, &later, low, &xid));
    free(start.running);
    free(later.running);
    dw_visibility_done(&visibility);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_takes_the_servers_form),
        cmocka_unit_test(test_parse_refuses_anything_else),
        cmocka_unit_test(test_sees_what_has_ended_before_it),
        cmocka_unit_test(test_sees_across_the_wrap_of_32_bits),
        cmocka_unit_test(test_covers_looks_only_at_what_came_before),
        cmocka_unit_test(test_prune_keeps_what_nobody_has_seen),
        cmocka_unit_test(test_a_suspect_counts_until_it_is_seen_or_streamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
