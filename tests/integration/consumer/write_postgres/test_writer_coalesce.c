/* Several changes of a key in one batch: one effect, the right one (trap 5). */
#include "writer_rig.h"

static struct rig *new_rig(void)
{
    struct rig *rig =
        rig_new("w_coalesce", "CREATE TABLE t (id int PRIMARY KEY, a text, b text, own text)");
    if (!rig)
        skip();
    rig_map(rig, "t", "id a b", 1);
    rig_open(rig);
    return rig;
}

static void test_last_full_upsert_wins(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    struct dw_change *first = rig_upsert(rig, "1", "x", "y");
    struct dw_change *last = rig_upsert(rig, "1", "z", NULL);
    rig_flush(rig);
    rig_assert_outcome(first, DW_OUTCOME_SUPERSEDED);
    rig_assert_outcome(last, DW_OUTCOME_APPLIED);
    rig_assert_text(rig, "SELECT concat(a, '|', b IS NULL) FROM t", "z|t");
    rig_free(rig);
}

static void test_partial_update_keeps_earlier_cells(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "x", "y");
    rig_upsert(rig, "1", RIG_ABSENT, "new");
    rig_upsert(rig, "2", "p", "q");
    rig_flush(rig);
    rig_assert_text(rig, "SELECT string_agg(concat(id, a, b), ',' ORDER BY id) FROM t",
                    "1xnew,2pq");
    rig_free(rig);
}

static void test_delete_then_create_inherits_nothing(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "x", "y");
    rig_flush(rig);
    rig_exec(rig, "UPDATE t SET own = 'kept by the target'");
    struct dw_change *gone = rig_delete(rig, "1");
    rig_create(rig, "1", "new", NULL);
    rig_flush(rig);
    rig_assert_outcome(gone, DW_OUTCOME_SUPERSEDED);
    rig_assert_text(rig, "SELECT concat(a, '|', b, '|', own) FROM t", "new||");
    rig_free(rig);
}

static void test_delete_then_partial_create_is_incomplete(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "x", "old value");
    rig_flush(rig);
    struct dw_change *gone = rig_delete(rig, "1");
    struct dw_change *created = rig_create(rig, "1", "new", RIG_ABSENT);
    rig_flush(rig);
    rig_assert_outcome(gone, DW_OUTCOME_APPLIED);
    rig_assert_incomplete(created);
    rig_assert_text(rig, "SELECT count(*) FROM t", "0");
    rig_free(rig);
}

/* The row that was read again takes the place of what could not be built. */
static void test_partial_create_then_full_row(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "x", "old value");
    rig_flush(rig);
    rig_delete(rig, "1");
    struct dw_change *created = rig_create(rig, "1", "new", RIG_ABSENT);
    struct dw_change *lost = rig_upsert(rig, "2", "new", RIG_ABSENT);
    struct dw_change *read = rig_create(rig, "1", "newer", "read");
    struct dw_change *found = rig_create(rig, "2", "newer", "read");
    rig_flush(rig);
    rig_assert_outcome(created, DW_OUTCOME_SUPERSEDED);
    rig_assert_outcome(lost, DW_OUTCOME_SUPERSEDED);
    rig_assert_outcome(read, DW_OUTCOME_APPLIED);
    rig_assert_outcome(found, DW_OUTCOME_APPLIED);
    rig_assert_text(rig, "SELECT count(*) FROM t WHERE t::text LIKE '%newer,read%'", "2");
    rig_free(rig);
}

/* on_existing "keep": only where there is none; updates go on top, in whatever order they come. */
static void test_kept_rows(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    for (int i = 1; i <= 3; i++)
        rig_upsert(rig, dw_arena_printf(&rig->arena, "%d", i), "own", "own");
    rig_flush(rig);
    for (int i = 1; i <= 6; i += 3)
        rig_create(rig, dw_arena_printf(&rig->arena, "%d", i), "read", "read")->keep = true;
    for (int i = 2; i <= 6; i += 3) { /* an update before it */
        rig_upsert(rig, dw_arena_printf(&rig->arena, "%d", i), "changed", RIG_ABSENT);
        rig_create(rig, dw_arena_printf(&rig->arena, "%d", i), "read", "read")->keep = true;
    }
    for (int i = 3; i <= 6; i += 3) { /* … and behind it */
        rig_create(rig, dw_arena_printf(&rig->arena, "%d", i), "read", "read")->keep = true;
        rig_upsert(rig, dw_arena_printf(&rig->arena, "%d", i), "changed", RIG_ABSENT);
    }
    rig_flush(rig);
    rig_assert_text(rig, "SELECT string_agg(a || ' ' || b, ',' ORDER BY id) FROM t",
                    "own own,changed own,changed own,read read,changed read,changed read");
    rig_free(rig);
}

static void test_upsert_then_delete(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "x", "y");
    struct dw_change *gone = rig_delete(rig, "1");
    struct dw_change *nothing = rig_delete(rig, "77");
    rig_flush(rig);
    rig_assert_outcome(gone, DW_OUTCOME_APPLIED);
    rig_assert_outcome(nothing, DW_OUTCOME_APPLIED);
    rig_assert_text(rig, "SELECT count(*) FROM t", "0");
    rig_free(rig);
}

static void test_on_delete_ignore(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig->map.on_delete = DW_ON_DELETE_IGNORE;
    rig_reopen_table(rig);
    rig_upsert(rig, "1", "x", "y");
    struct dw_change *gone = rig_delete(rig, "1");
    rig_flush(rig);
    rig_assert_outcome(gone, DW_OUTCOME_FILTERED);
    rig_assert_text(rig, "SELECT a FROM t", "x");
    rig_free(rig);
}

static void test_keys_equal_but_written_differently(void **state)
{
    (void)state;
    struct rig *rig = rig_new("w_folded", "CREATE TABLE t (id numeric PRIMARY KEY, a text)");
    if (!rig)
        skip();
    rig_map(rig, "t", "id a", 1);
    rig_open(rig);
    rig_upsert(rig, "1.0", "first");
    rig_upsert(rig, "2", "other");
    struct dw_change *last = rig_upsert(rig, "1.00", "last");
    rig_flush(rig);
    rig_assert_outcome(last, DW_OUTCOME_APPLIED);
    rig_assert_text(rig, "SELECT string_agg(a, ',' ORDER BY id) FROM t", "last,other");
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_full_upsert_wins),
        cmocka_unit_test(test_partial_update_keeps_earlier_cells),
        cmocka_unit_test(test_delete_then_create_inherits_nothing),
        cmocka_unit_test(test_delete_then_partial_create_is_incomplete),
        cmocka_unit_test(test_partial_create_then_full_row),
        cmocka_unit_test(test_kept_rows),
        cmocka_unit_test(test_upsert_then_delete),
        cmocka_unit_test(test_on_delete_ignore),
        cmocka_unit_test(test_keys_equal_but_written_differently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
