/* Which position may be confirmed, whatever the order of acknowledgements. */
#include "producer/capture_postgres/commit_window.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void commit(struct dw_commit_window *window, uint64_t lsn)
{
    struct dw_commit commit = {
        .commit_lsn = lsn, .end_lsn = lsn + 5, .xid = (uint32_t)lsn, .commit_us = 1};
    dw_commit_window_commit(window, &commit);
}

static uint64_t transaction(struct dw_commit_window *window, uint64_t lsn, uint64_t events)
{
    uint64_t sequence = dw_commit_window_begin(window);
    if (events)
        dw_commit_window_add(window, events);
    commit(window, lsn);
    return sequence;
}

static void test_only_a_contiguous_prefix_counts(void **state)
{
    (void)state;
    struct dw_commit_window window;
    dw_commit_window_init(&window);
    uint64_t a = transaction(&window, 10, 2);
    uint64_t b = transaction(&window, 20, 1);
    uint64_t c = transaction(&window, 30, 1);
    dw_commit_window_acknowledge(&window, c, 1);
    dw_commit_window_acknowledge(&window, b, 1);
    dw_commit_window_acknowledge(&window, a, 1);
    assert_true(window.done.end_lsn == 0);
    dw_commit_window_acknowledge(&window, a, 1);
    assert_true(window.done.end_lsn == 35 && window.done.commit_lsn == 30);
    assert_true(dw_commit_window_is_idle(&window));
    dw_commit_window_done(&window);
}

static void test_an_open_transaction_is_not_confirmed(void **state)
{
    (void)state;
    struct dw_commit_window window;
    dw_commit_window_init(&window);
    uint64_t a = dw_commit_window_begin(&window);
    dw_commit_window_add(&window, 1);
    dw_commit_window_acknowledge(&window, a, 1);
    assert_true(window.done.end_lsn == 0);
    assert_false(dw_commit_window_is_idle(&window));
    dw_commit_window_keepalive(&window, 1000);
    assert_true(window.done.end_lsn == 0);
    commit(&window, 10);
    assert_true(window.done.end_lsn == 15);
    dw_commit_window_keepalive(&window, 1000);
    assert_true(window.done.end_lsn == 1000 && window.done.commit_lsn == 10);
    dw_commit_window_done(&window);
}

static void test_empty_transactions_take_no_place(void **state)
{
    (void)state;
    struct dw_commit_window window;
    dw_commit_window_init(&window);
    uint64_t a = transaction(&window, 10, 1);
    for (uint64_t lsn = 100; lsn < 100000; lsn += 10)
        (void)transaction(&window, lsn, 0);
    assert_true(window.next - window.first == 1);
    assert_true(window.done.end_lsn == 0);
    dw_commit_window_acknowledge(&window, a, 1);
    assert_true(window.done.commit_lsn == 99990);
    (void)transaction(&window, 200000, 0);
    assert_true(window.done.commit_lsn == 200000);
    dw_commit_window_done(&window);
}

static void test_an_abandoned_transaction_confirms_nothing(void **state)
{
    (void)state;
    struct dw_commit_window window;
    dw_commit_window_init(&window);
    uint64_t a = transaction(&window, 10, 1);
    uint64_t broken = dw_commit_window_begin(&window);
    dw_commit_window_add(&window, 2);
    dw_commit_window_abandon(&window);
    uint64_t again = transaction(&window, 20, 1);
    dw_commit_window_acknowledge(&window, again, 1);
    dw_commit_window_acknowledge(&window, a, 1);
    assert_true(window.done.commit_lsn == 10);
    dw_commit_window_acknowledge(&window, broken, 2);
    assert_true(window.done.commit_lsn == 20);
    assert_true(dw_commit_window_is_idle(&window));
    dw_commit_window_done(&window);
}

static void test_reset_ignores_late_acknowledgements(void **state)
{
    (void)state;
    struct dw_commit_window window;
    dw_commit_window_init(&window);
    uint64_t a = transaction(&window, 10, 1);
    dw_commit_window_acknowledge(&window, a, 1);
    uint64_t b = transaction(&window, 20, 1);
    dw_commit_window_reset(&window);
    assert_true(dw_commit_window_is_idle(&window));
    assert_true(window.newest.commit_lsn == 10);
    uint64_t c = transaction(&window, 20, 1);
    assert_true(c != b);
    dw_commit_window_acknowledge(&window, b, 1);
    assert_true(window.done.commit_lsn == 10);
    dw_commit_window_acknowledge(&window, c, 1);
    assert_true(window.done.commit_lsn == 20);
    dw_commit_window_done(&window);
}

static void test_many_in_flight(void **state)
{
    (void)state;
    struct dw_commit_window window;
    dw_commit_window_init(&window);
    uint64_t first = transaction(&window, 1, 1);
    for (uint64_t i = 2; i <= 5000; i++)
        (void)transaction(&window, i, 1);
    for (uint64_t i = 5000; i >= 1; i--) {
        assert_true(window.done.commit_lsn == 0);
        dw_commit_window_acknowledge(&window, first + i - 1, 1);
    }
    assert_true(window.done.commit_lsn == 5000);
    dw_commit_window_done(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_a_contiguous_prefix_counts),
        cmocka_unit_test(test_an_open_transaction_is_not_confirmed),
        cmocka_unit_test(test_empty_transactions_take_no_place),
        cmocka_unit_test(test_an_abandoned_transaction_confirms_nothing),
        cmocka_unit_test(test_reset_ignores_late_acknowledgements),
        cmocka_unit_test(test_many_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
