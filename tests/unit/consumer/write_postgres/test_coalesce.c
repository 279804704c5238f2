/* The table in coalesce.h, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/write_postgres/coalesce.h"
#include <cmocka.h>

static struct dw_arena arena;
static struct dw_table keys;
static struct dw_table_map map;
static struct dw_change *changes[16];
static size_t count;
static struct dw_coalesce_plan plan;

static int set_up(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    dw_table_init(&keys);
    map = (struct dw_table_map){.column_count = 3};
    count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_table_done(&keys);
    dw_arena_done(&arena);
    return 0;
}

/* cells: one letter per column, '.' absent */
static struct dw_change *upsert(const char *key, const char *cells)
{
    struct dw_change *change = DW_ARENA_NEW(&arena, struct dw_change);
    change->kind = DW_CHANGE_UPSERT;
    change->key_text = dw_str_from(key);
    change->cells = DW_ARENA_ARRAY(&arena, struct dw_value, map.column_count);
    for (size_t i = 0; i < map.column_count; i++)
        if (cells[i] != '.')
            change->cells[i] = (struct dw_value){DW_VALUE_STRING, {cells + i, 1}};
    return changes[count++] = change;
}

static struct dw_change *create(const char *key, const char *cells)
{
    struct dw_change *change = upsert(key, cells);
    change->replaces = true;
    return change;
}

static void delete (const char *key)
{
    struct dw_change *change = DW_ARENA_NEW(&arena, struct dw_change);
    change->kind = DW_CHANGE_DELETE;
    change->key_text = dw_str_from(key);
    changes[count++] = change;
}

static void assert_op(size_t i, enum dw_coalesce_kind kind, const char *cells, bool delete_first)
{
    const struct dw_coalesce_op *op = &plan.ops[i];
    assert_int_equal(op->kind, kind);
    assert_int_equal(op->delete_first, delete_first);
    for (size_t c = 0; cells && c < map.column_count; c++) {
        assert_int_equal(op->cells[c].kind == DW_VALUE_ABSENT, cells[c] == '.');
        if (cells[c] != '.')
            assert_int_equal(op->cells[c].text.ptr[0], cells[c]);
    }
}

static void make_plan(size_t ops)
{
    dw_coalesce_plan(changes, count, &map, &keys, &arena, &plan);
    assert_int_equal(plan.op_count, ops);
}

static void test_last_upsert_wins(void **state)
{
    (void)state;
    upsert("1", "abc");
    upsert("2", "xyz");
    struct dw_change *last = upsert("1", "def");
    make_plan(2);
    assert_op(0, DW_COALESCE_UPSERT, "def", false);
    assert_ptr_equal(plan.ops[0].last, last);
    assert_op(1, DW_COALESCE_UPSERT, "xyz", false);
    assert_int_equal(plan.op_of[2], 0);
}

static void test_partials_add_up(void **state)
{
    (void)state;
    upsert("1", "a..");
    upsert("1", ".b.");
    make_plan(1);
    assert_op(0, DW_COALESCE_PARTIAL, "ab.", false);
    upsert("1", "..c");
    make_plan(1);
    assert_op(0, DW_COALESCE_UPSERT, "abc", false);
    upsert("1", "x..");
    make_plan(1);
    assert_op(0, DW_COALESCE_UPSERT, "xbc", false);
}

static void test_delete_ends_what_was(void **state)
{
    (void)state;
    upsert("1", "a..");
    delete ("1");
    make_plan(1);
    assert_op(0, DW_COALESCE_DELETE, NULL, false);
    create("1", "xyz");
    upsert("1", "p..");
    make_plan(1);
    assert_op(0, DW_COALESCE_UPSERT, "pyz", true);
    delete ("1");
    make_plan(1);
    assert_op(0, DW_COALESCE_DELETE, NULL, false);
}

static void test_rows_that_cannot_be_built(void **state)
{
    (void)state;
    delete ("1");
    create("1", "a..");
    upsert("1", "b..");
    create("2", "a..");
    make_plan(1);
    assert_op(0, DW_COALESCE_DELETE, NULL, false);
    assert_int_equal(plan.parts[0], DW_COALESCE_IN_OP);
    assert_int_equal(plan.parts[1], DW_COALESCE_INCOMPLETE);
    assert_int_equal(plan.parts[2], DW_COALESCE_INCOMPLETE);
    assert_int_equal(plan.parts[3], DW_COALESCE_INCOMPLETE);
    upsert("2", "xyz");
    make_plan(2);
    assert_op(1, DW_COALESCE_UPSERT, "xyz", false);
}

static void test_on_delete_ignore_and_set(void **state)
{
    (void)state;
    map.on_delete = DW_ON_DELETE_IGNORE;
    upsert("1", "a..");
    delete ("1");
    upsert("1", ".b.");
    make_plan(1);
    assert_int_equal(plan.parts[1], DW_COALESCE_IGNORED);
    assert_op(0, DW_COALESCE_PARTIAL, "ab.", false);
    map.on_delete = DW_ON_DELETE_SET; /* the row stays, and keeps its other columns */
    make_plan(1);
    assert_op(0, DW_COALESCE_PARTIAL, ".b.", false);
    create("1", "xyz");
    make_plan(1);
    assert_op(0, DW_COALESCE_UPSERT, "xyz", false);
}

static void leave(const char *key)
{
    delete (key);
    changes[count - 1]->exits = true;
}

static void assert_removal(enum dw_coalesce_removal removal)
{
    assert_op(0, DW_COALESCE_DELETE, NULL, false);
    assert_int_equal(plan.ops[0].removal, removal);
}

static void test_leaving_a_filter(void **state)
{
    (void)state;
    map.on_delete = DW_ON_DELETE_IGNORE;
    upsert("1", "abc");
    leave("1");
    make_plan(1);
    assert_removal(DW_COALESCE_REMOVE);
    upsert("1", "xyz");
    make_plan(1);
    assert_op(0, DW_COALESCE_UPSERT, "xyz", true);
    count = 0;
    map.on_delete = DW_ON_DELETE_SET;
    map.on_filter_exit = DW_ON_FILTER_EXIT_SET;
    upsert("1", "abc");
    leave("1");
    make_plan(1);
    assert_removal(DW_COALESCE_FLAG_EXITED);
    delete ("1");
    make_plan(1);
    assert_removal(DW_COALESCE_FLAG_DELETED);
    upsert("1", "xyz");
    make_plan(1);
    assert_op(0, DW_COALESCE_UPSERT, "xyz", false);
}

/* A row that the batch removes is not there to be flagged. */
static void test_what_is_gone_is_not_flagged(void **state)
{
    (void)state;
    map.on_delete = DW_ON_DELETE_SET;
    leave("1");
    delete ("1");
    make_plan(1);
    assert_removal(DW_COALESCE_REMOVE);
    count = 0;
    leave("1");
    upsert("1", "abc");
    delete ("1");
    make_plan(1);
    assert_removal(DW_COALESCE_REMOVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_last_upsert_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_partials_add_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delete_ends_what_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_that_cannot_be_built, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_on_delete_ignore_and_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leaving_a_filter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_gone_is_not_flagged, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
