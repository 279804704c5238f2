/* test_waiting.c - queues of waiting events per key. */
#include "consumer/pipeline/waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdio.h>

static struct dw_waiting_entry *add(struct dw_waiting_set *set, const char *key, int64_t offset)
{
    char value[64];
    (void)snprintf(value, sizeof value, "value %lld", (long long)offset);
    struct dw_waiting row = {.offset = offset,
                             .record_key = dw_str_from("{}"),
                             .record_value = dw_str_from(value),
                             .key_text = dw_str_from(key),
                             .code = DW_STR_LIT("DW-APPLY-101"),
                             .reason = DW_STR_LIT("no parent"),
                             .parent_schema = DW_STR_LIT("crm"),
                             .parent_table = DW_STR_LIT("accounts")};
    return dw_waiting_add(set, &row, 42);
}

static void test_entries_keep_their_own_bytes_in_order(void **state)
{
    (void)state;
    struct dw_waiting_set set;
    dw_waiting_init(&set);
    add(&set, "a", 1);
    add(&set, "b", 2);
    add(&set, "a", 3);
    assert_int_equal(set.entries, 3);
    assert_int_equal(set.key_count, 2);
    struct dw_waiting_key *key = dw_waiting_find(&set, DW_STR_LIT("a"));
    assert_non_null(key);
    assert_int_equal(key->first->row.offset, 1);
    assert_int_equal(key->first->next->row.offset, 3);
    assert_true(dw_str_is(key->first->next->row.record_value, "value 3"));
    assert_true(dw_str_is(key->first->row.parent_table, "accounts"));
    assert_int_equal(key->first->commit_us, 42);
    assert_true(set.first == key);
    assert_null(dw_waiting_find(&set, DW_STR_LIT("c")));
    dw_waiting_done(&set);
}

static void test_removing_the_last_entry_removes_the_key(void **state)
{
    (void)state;
    struct dw_waiting_set set;
    dw_waiting_init(&set);
    struct dw_waiting_entry *first = add(&set, "a", 1);
    struct dw_waiting_entry *second = add(&set, "a", 3);
    dw_waiting_remove(&set, second);
    assert_int_equal(dw_waiting_find(&set, DW_STR_LIT("a"))->last->row.offset, 1);
    dw_waiting_remove(&set, first);
    assert_null(dw_waiting_find(&set, DW_STR_LIT("a")));
    assert_int_equal(set.entries, 0);
    assert_int_equal(set.bytes, 0);
    assert_null(set.first);
    add(&set, "a", 9); /* revived */
    assert_int_equal(dw_waiting_find(&set, DW_STR_LIT("a"))->first->row.offset, 9);
    assert_int_equal(set.key_count, 1);
    dw_waiting_done(&set);
}

static void test_many_keys_come_and_go(void **state)
{
    (void)state;
    struct dw_waiting_set set;
    dw_waiting_init(&set);
    for (int round = 0; round < 3; round++) {
        char key[16];
        for (int i = 0; i < 2000; i++) {
            (void)snprintf(key, sizeof key, "k%d", i);
            add(&set, key, round * 10000 + i);
        }
        for (int i = 0; i < 2000; i += 2) {
            (void)snprintf(key, sizeof key, "k%d", i);
            struct dw_waiting_key *found = dw_waiting_find(&set, dw_str_from(key));
            while (dw_waiting_find(&set, dw_str_from(key)))
                dw_waiting_remove(&set, found->first);
        }
    }
    assert_int_equal(set.key_count, 1000);
    assert_int_equal(set.entries, 3000);
    assert_non_null(dw_waiting_find(&set, DW_STR_LIT("k1")));
    assert_null(dw_waiting_find(&set, DW_STR_LIT("k2")));
    dw_waiting_clear(&set);
    assert_int_equal(set.entries, 0);
    assert_null(dw_waiting_find(&set, DW_STR_LIT("k1")));
    dw_waiting_done(&set);
}

static void test_room_ends_at_either_bound(void **state)
{
    (void)state;
    struct dw_waiting_set set;
    dw_waiting_init(&set);
    assert_int_equal(dw_waiting_room(&set, 3, 100000), 3);
    add(&set, "a", 1);
    struct dw_waiting_entry *last = add(&set, "a", 2);
    assert_int_equal(dw_waiting_room(&set, 3, 100000), 1);
    assert_int_equal(dw_waiting_room(&set, 2, 100000), 0);
    assert_int_equal(dw_waiting_room(&set, 1, 100000), 0);
    assert_int_equal(dw_waiting_room(&set, 3, set.bytes), 0);
    size_t bytes = set.bytes;
    dw_waiting_remove(&set, last);
    assert_int_equal(dw_waiting_room(&set, 3, bytes), 2);
    dw_waiting_done(&set);
}

static void test_crowded_from_half_of_either_bound_on(void **state)
{
    (void)state;
    struct dw_waiting_set set;
    dw_waiting_init(&set);
    assert_false(dw_waiting_is_crowded(&set, 4, 100000));
    add(&set, "a", 1);
    assert_false(dw_waiting_is_crowded(&set, 4, 2 * set.bytes + 2));
    assert_true(dw_waiting_is_crowded(&set, 2, 100000));
    assert_true(dw_waiting_is_crowded(&set, 4, 2 * set.bytes));
    dw_waiting_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_ends_at_either_bound),
        cmocka_unit_test(test_crowded_from_half_of_either_bound_on),
        cmocka_unit_test(test_entries_keep_their_own_bytes_in_order),
        cmocka_unit_test(test_removing_the_last_entry_removes_the_key),
        cmocka_unit_test(test_many_keys_come_and_go),
    };
    return cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
}
