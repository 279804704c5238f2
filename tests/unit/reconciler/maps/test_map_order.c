/* test_map_order.c - parents first. */
#include "reconciler/maps/map_order.h"

#include "common/model/table_map.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct dw_arena arena;
static const struct dw_map_order_item *items;

static int set_up(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    return 0;
}

static void assert_order(const size_t *maps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(items[i].map, maps[i]);
        for (size_t a = 0; a < items[i].after_count; a++)
            assert_true(items[i].after[a] < i);
    }
}

static void test_without_edges_the_order_stays_and_nobody_waits(void **state)
{
    (void)state;
    dw_map_order_sort(3, NULL, 0, &arena, &items);
    assert_order((const size_t[]){0, 1, 2}, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(items[i].after_count, 0);
}

static void test_parents_come_first_and_children_wait_for_all_above(void **state)
{
    (void)state;
    /* lines (0) -> orders (1) -> accounts (3); groups (2) stands alone */
    static const struct dw_map_order_edge edges[] = {{0, 1, false}, {1, 3, false}, {1, 3, false}};
    dw_map_order_sort(4, edges, 3, &arena, &items);
    assert_order((const size_t[]){2, 3, 1, 0}, 4);
    assert_int_equal(items[0].after_count, 0);
    assert_int_equal(items[1].after_count, 0);
    assert_int_equal(items[2].after_count, 1);
    assert_int_equal(items[2].after[0], 1);
    assert_int_equal(items[3].after_count, 2);
}

static void test_a_cycle_has_no_order_among_its_own_but_keeps_that_to_others(void **state)
{
    (void)state;
    /* 0 <-> 1, both below 2; 3 below 1; 2 refers to itself */
    static const struct dw_map_order_edge edges[] = {
        {0, 1, false}, {1, 0, false}, {0, 2, false}, {3, 1, false}, {2, 2, false}};
    dw_map_order_sort(4, edges, 5, &arena, &items);
    assert_order((const size_t[]){2, 0, 1, 3}, 4);
    assert_int_equal(items[0].after_count, 0);
    assert_int_equal(items[1].after_count, 1); /* 2 alone */
    assert_int_equal(items[2].after_count, 1);
    assert_int_equal(items[3].after_count, 3);
}

static void test_many_maps_in_a_chain(void **state)
{
    (void)state;
    enum { MANY = 200 };
    struct dw_map_order_edge edges[MANY - 1];
    for (size_t i = 0; i + 1 < MANY; i++)
        edges[i] = (struct dw_map_order_edge){i, i + 1, false};
    dw_map_order_sort(MANY, edges, MANY - 1, &arena, &items);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(items[i].map, MANY - 1 - i);
        assert_int_equal(items[i].after_count, i);
    }
}

static void test_a_soft_edge_counts_unless_it_closes_a_cycle(void **state)
{
    (void)state;
    /* contacts (0) need accounts (1); these name a contact or none; cities (2) are known by both */
    static const struct dw_map_order_edge edges[] = {
        {1, 0, true}, {0, 1, false}, {1, 2, true}, {2, 0, true}};
    dw_map_order_sort(3, edges, 4, &arena, &items);
    assert_order((const size_t[]){2, 1, 0}, 3);
    assert_int_equal(items[1].after_count, 1);
    assert_int_equal(items[2].after_count, 2); /* cities too: accounts come after them */
}

/* Maps of one column: custs looks a group up by its company's id, groups its company, the company
 * the head of the custs, if there is one. */
static const char *const documents[] = {
    "{\"map\": \"custs\", \"source\": {\"system\": \"a\", \"table\": \"cust\", \"key\": [\"id\"]},"
    " \"target\": {\"system\": \"b\", \"table\": \"cust\", \"key\": [\"id\"]}, \"columns\": ["
    " {\"target\": \"g\", \"lookup\": {\"table\": \"grp\", \"column\": \"id\", \"key\": ["
    "  {\"column\": \"company\", \"lookup\": {\"table\": \"company\", \"column\": \"id\","
    "   \"key\": [{\"column\": \"code\", \"source\": \"company\"}]}},"
    "  {\"column\": \"code\", \"source\": \"g\"}]}}]}",
    "{\"map\": \"elsewhere\", \"source\": {\"system\": \"a\", \"table\": \"grp\", \"key\": "
    "[\"id\"]},"
    " \"target\": {\"system\": \"c\", \"table\": \"grp\", \"key\": [\"id\"]}, \"columns\": ["
    " {\"source\": \"v\", \"target\": \"v\"}]}",
    "{\"map\": \"groups\", \"source\": {\"system\": \"a\", \"table\": \"grp\", \"key\": [\"id\"]},"
    " \"target\": {\"system\": \"b\", \"table\": \"grp\", \"key\": [\"id\"]}, \"columns\": ["
    " {\"source\": \"v\", \"target\": \"v\"}]}",
    "{\"map\": \"companies\", \"source\": {\"system\": \"a\", \"table\": \"company\", \"key\": "
    "[\"id\"]},"
    " \"target\": {\"system\": \"b\", \"table\": \"company\", \"key\": [\"id\"]}, \"columns\": ["
    " {\"source\": \"head\", \"target\": \"head\", \"lookup\": {\"table\": \"cust\", \"key\":"
    "  [\"code\"], \"column\": \"id\", \"on_missing\": \"null\"}}]}",
};
#define DOCUMENTS (sizeof documents / sizeof *documents)

static void test_lookups_of_any_depth_make_edges(void **state)
{
    (void)state;
    const struct dw_table_map *maps[DOCUMENTS];
    const struct dw_settings settings = {.system_count = 0};
    const struct dw_map_order_edge *edges = NULL;
    size_t count = 0;
    const char *problem = NULL;
    for (size_t i = 0; i < DOCUMENTS; i++) {
        struct dw_map_problems problems;
        dw_map_problems_init(&problems, &arena);
        maps[i] = dw_table_map_parse(dw_str_from(documents[i]), "map.json", &arena, &problems);
        assert_non_null(maps[i]);
    }
    dw_map_order_find(&settings, maps, DOCUMENTS, &arena, &edges, &count, &problem);
    assert_string_equal(problem, "");
    assert_int_equal(count, 3);
    dw_map_order_sort(DOCUMENTS, edges, count, &arena, &items);
    assert_order((const size_t[]){1, 2, 3, 0}, DOCUMENTS);
    assert_int_equal(items[3].after_count, 2);
    assert_int_equal(items[2].after_count,
                     0); /* the null that a company may have holds up nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_edges_the_order_stays_and_nobody_waits),
        cmocka_unit_test(test_parents_come_first_and_children_wait_for_all_above),
        cmocka_unit_test(test_a_cycle_has_no_order_among_its_own_but_keeps_that_to_others),
        cmocka_unit_test(test_many_maps_in_a_chain),
        cmocka_unit_test(test_a_soft_edge_counts_unless_it_closes_a_cycle),
        cmocka_unit_test(test_lookups_of_any_depth_make_edges),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
