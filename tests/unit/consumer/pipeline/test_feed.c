/* test_feed.c - the bounded queue of one partition. */
#include "consumer/pipeline/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdlib.h>

static enum dw_feed_append append(struct dw_feed *feed, uint32_t generation, int64_t offset,
                                  bool gap)
{
    static char value[1000];
    struct dw_feed_record record = {offset, DW_STR_LIT("{\"id\":1}"), {value, sizeof value}};
    return dw_feed_append(feed, generation, &record, gap);
}

static void test_records_come_out_in_order_with_nulls_kept(void **state)
{
    (void)state;
    struct dw_feed feed;
    struct dw_feed_pool pool = {.limit = 1 << 20};
    dw_feed_init(&feed, &pool);
    dw_feed_start(&feed, 7);
    struct dw_feed_record record = {7, {NULL, 0}, {NULL, 0}};
    assert_int_equal(dw_feed_append(&feed, 1, &record, false), DW_FEED_FIRST);
    record = (struct dw_feed_record){8, DW_STR_LIT("k"), DW_STR_LIT("")};
    assert_int_equal(dw_feed_append(&feed, 1, &record, false), DW_FEED_TAKEN);
    struct dw_feed_chunk *chunk = dw_feed_take(&feed, 1000);
    assert_int_equal(chunk->count, 2);
    assert_null(chunk->records[0].key.ptr);
    assert_null(chunk->records[0].value.ptr);
    assert_non_null(chunk->records[1].value.ptr);
    assert_int_equal(chunk->records[1].value.len, 0);
    assert_int_equal(chunk->records[1].offset, 8);
    assert_true(dw_feed_empty(&feed));
    assert_false(dw_feed_release(&feed, chunk));
    dw_feed_done(&feed);
}

static void test_full_until_there_is_room(void **state)
{
    (void)state;
    struct dw_feed feed;
    struct dw_feed_order order;
    struct dw_feed_pool pool = {.limit = 768 * 1024};
    dw_feed_init(&feed, &pool);
    dw_feed_start(&feed, 0);
    int64_t offset = 0;
    while (append(&feed, 1, offset, false) != DW_FEED_FULL)
        offset++;
    dw_feed_order(&feed, &order);
    assert_false(order.room);
    struct dw_feed_chunk *all = dw_feed_take(&feed, SIZE_MAX);
    dw_feed_order(&feed, &order);
    assert_false(order.room); /* still in memory */
    int64_t next = 0;
    bool woken = false;
    while (all) {
        struct dw_feed_chunk *chunk = all;
        all = chunk->next;
        for (size_t i = 0; i < chunk->count; i++)
            assert_int_equal(chunk->records[i].offset, next++);
        if (dw_feed_release(&feed, chunk))
            woken = true;
    }
    assert_int_equal(next, offset + 1);
    assert_true(woken);
    dw_feed_order(&feed, &order);
    assert_true(order.room);
    dw_feed_done(&feed);
}

/* How much a feed takes until it is full, in KiB. */
static size_t fill(struct dw_feed *feed)
{
    struct dw_feed_order order;
    dw_feed_start(feed, 0);
    dw_feed_order(feed, &order);
    for (int64_t offset = 0;; offset++)
        if (append(feed, order.generation, offset, false) == DW_FEED_FULL)
            return feed->queued_bytes / 1024;
}

static void test_feeds_share_what_is_left(void **state)
{
    (void)state;
    struct dw_feed_pool pool = {.limit = 3 << 20};
    struct dw_feed one;
    struct dw_feed two;
    struct dw_feed three;
    struct dw_feed_order order;
    dw_feed_init(&one, &pool);
    dw_feed_init(&two, &pool);
    dw_feed_init(&three, &pool);
    assert_in_range(fill(&one), 2048, 2048 + 128); /* twice what is left: two of three */
    assert_in_range(fill(&two), 680, 680 + 128);   /* the same of the third one */
    assert_in_range(fill(&three), 200, 200 + 128);
    assert_true(pool.used < pool.limit);
    dw_feed_order(&two, &order);
    assert_false(order.room);
    dw_feed_stop(&one);
    dw_feed_order(&two, &order);
    assert_true(order.room); /* by what another gave back */
    dw_feed_done(&one);
    dw_feed_done(&two);
    dw_feed_done(&three);
    assert_int_equal(pool.used, 0);
}

static void test_with_nothing_left_each_has_a_little(void **state)
{
    (void)state;
    struct dw_feed_pool pool = {.limit = 1 << 20, .used = 1 << 20};
    struct dw_feed feed;
    dw_feed_init(&feed, &pool);
    assert_in_range(fill(&feed), 32, 64);
    dw_feed_done(&feed);
    assert_int_equal(pool.used, 1 << 20);
}

static void test_a_record_larger_than_the_limit_passes(void **state)
{
    (void)state;
    struct dw_feed feed;
    struct dw_feed_pool pool = {.limit = 1000};
    dw_feed_init(&feed, &pool);
    dw_feed_start(&feed, 0);
    size_t bytes = (size_t)16 << 20;
    char *large = calloc(1, bytes);
    struct dw_feed_record record = {0, {NULL, 0}, {large, bytes}};
    assert_int_equal(dw_feed_append(&feed, 1, &record, false), DW_FEED_FULL);
    struct dw_feed_chunk *chunk = dw_feed_take(&feed, 10);
    assert_int_equal(chunk->records[0].value.len, bytes);
    assert_true(dw_feed_release(&feed, chunk));
    free(large);
    dw_feed_done(&feed);
}

static void test_a_new_start_refuses_what_is_stale(void **state)
{
    (void)state;
    struct dw_feed feed;
    struct dw_feed_pool pool = {.limit = 1 << 20};
    dw_feed_init(&feed, &pool);
    dw_feed_start(&feed, 5);
    assert_int_equal(append(&feed, 1, 5, false), DW_FEED_FIRST);
    dw_feed_start(&feed, 2);
    assert_true(dw_feed_empty(&feed));
    assert_int_equal(append(&feed, 1, 6, false), DW_FEED_STALE);
    assert_int_equal(append(&feed, 2, 1, false), DW_FEED_STALE);
    assert_int_equal(append(&feed, 2, 4, false), DW_FEED_GAP);
    assert_int_equal(append(&feed, 2, 4, true), DW_FEED_FIRST);
    assert_int_equal(append(&feed, 2, 2, false), DW_FEED_STALE);
    dw_feed_stop(&feed);
    assert_int_equal(append(&feed, 2, 5, false), DW_FEED_STALE);
    dw_feed_done(&feed);
}

static void test_orders_tell_what_to_commit_once(void **state)
{
    (void)state;
    struct dw_feed feed;
    struct dw_feed_order order;
    struct dw_feed_pool pool = {.limit = 1 << 20};
    dw_feed_init(&feed, &pool);
    dw_feed_start(&feed, 5);
    dw_feed_commit(&feed, 9, "11111111-2222-3333-4444-555555555555");
    dw_feed_order(&feed, &order);
    assert_true(order.running);
    assert_int_equal(order.start_offset, 5);
    assert_int_equal(order.commit_offset, 9);
    assert_string_equal(order.incarnation, "11111111-2222-3333-4444-555555555555");
    dw_feed_order(&feed, &order);
    assert_int_equal(order.commit_offset, -1);
    dw_feed_set_out_of_range(&feed, 99);
    assert_false(dw_feed_out_of_range(&feed));
    dw_feed_set_out_of_range(&feed, order.generation);
    assert_true(dw_feed_out_of_range(&feed));
    dw_feed_done(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_come_out_in_order_with_nulls_kept),
        cmocka_unit_test(test_full_until_there_is_room),
        cmocka_unit_test(test_feeds_share_what_is_left),
        cmocka_unit_test(test_with_nothing_left_each_has_a_little),
        cmocka_unit_test(test_a_record_larger_than_the_limit_passes),
        cmocka_unit_test(test_a_new_start_refuses_what_is_stale),
        cmocka_unit_test(test_orders_tell_what_to_commit_once),
    };
    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
