/* Updates without unchanged TOAST columns, on_delete "set" (trap 6), the truncate barrier (trap 7).
 */
#include "writer_rig.h"

static struct rig *new_rig(void)
{
    struct rig *rig = rig_new("w_partial", "CREATE TABLE t (id int, sub text, a text, big text,"
                                           " gone boolean NOT NULL DEFAULT false,"
                                           " PRIMARY KEY (sub, id))");
    if (!rig)
        skip();
    rig_map(rig, "t", "id sub a big", 2);
    rig_open(rig);
    return rig;
}

static void test_absent_columns_are_left_alone(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "s", "x", "large");
    rig_upsert(rig, "2", "s", "x", "large");
    rig_flush(rig);
    rig_upsert(rig, "1", "s", "y", RIG_ABSENT);
    rig_upsert(rig, "2", "s", RIG_ABSENT, "larger");
    rig_flush(rig);
    rig_assert_text(rig, "SELECT string_agg(a || big, ',' ORDER BY id) FROM t", "ylarge,xlarger");
    rig_free(rig);
}

static void test_no_row_for_a_partial_update(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "s", "x", "large");
    rig_flush(rig);
    struct dw_change *lost = rig_upsert(rig, "9", "s", "y", RIG_ABSENT);
    struct dw_change *found = rig_upsert(rig, "1", "s", "y", RIG_ABSENT);
    struct dw_change *only_key = rig_upsert(rig, "8", "s", RIG_ABSENT, RIG_ABSENT);
    rig_flush(rig);
    rig_assert_incomplete(lost);
    rig_assert_incomplete(only_key);
    rig_assert_outcome(found, DW_OUTCOME_APPLIED);
    rig_free(rig);
}

/* Beside a row that is refused the batch goes in by halves, and the row comes in another half than
 * what could not be built before it. None of that may be left to be put on top of it later. */
static void test_all_partial_updates_go_with_the_row_behind_them(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_exec(rig, "ALTER TABLE t ADD CHECK (a <> 'bad')");
    struct dw_change *first = rig_upsert(rig, "9", "s", "y", RIG_ABSENT);
    struct dw_change *second = rig_upsert(rig, "9", "s", "z", RIG_ABSENT);
    struct dw_change *refused = rig_upsert(rig, "1", "s", "bad", "large");
    struct dw_change *whole = rig_upsert(rig, "9", "s", "whole", "large");
    rig_flush(rig);
    rig_assert_outcome(first, DW_OUTCOME_SUPERSEDED);
    rig_assert_outcome(second, DW_OUTCOME_SUPERSEDED);
    rig_assert_outcome(whole, DW_OUTCOME_APPLIED);
    rig_assert_dead(refused, "DW-APPLY-012");
    rig_assert_text(rig, "SELECT a FROM t WHERE id = 9", "whole");
    rig_free(rig);
}

static void test_many_partial_rows_by_copy(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    for (int i = 0; i < 1200; i++)
        rig_upsert(rig, dw_arena_printf(&rig->arena, "%d", i), "s", "x", "large");
    rig_flush(rig);
    for (int i = 0; i < 1201; i++)
        rig_upsert(rig, dw_arena_printf(&rig->arena, "%d", i), "s", "y", RIG_ABSENT);
    for (int i = 0; i < 600; i++)
        rig_delete(rig, dw_arena_printf(&rig->arena, "%d", i), "s");
    rig_flush(rig);
    rig_assert_incomplete(rig->changes[1200]);
    rig_assert_text(rig, "SELECT concat(count(*), min(a), min(big)) FROM t", "600ylarge");
    rig_free(rig);
}

static void test_on_delete_set_and_live_again(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig->map.on_delete = DW_ON_DELETE_SET;
    rig->map.delete_column = DW_STR_LIT("gone");
    rig->map.delete_value = (struct dw_value){DW_VALUE_TRUE, {NULL, 0}};
    rig->map.live_value = (struct dw_value){DW_VALUE_FALSE, {NULL, 0}};
    rig_reopen_table(rig);
    rig_upsert(rig, "1", "s", "x", "large");
    rig_flush(rig);
    struct dw_change *gone = rig_delete(rig, "1", "s");
    rig_flush(rig);
    rig_assert_outcome(gone, DW_OUTCOME_APPLIED);
    rig_assert_text(rig, "SELECT a || gone::text FROM t", "xtrue");
    rig_create(rig, "1", "s", "again", NULL);
    rig_flush(rig);
    rig_assert_text(rig, "SELECT a || gone::text FROM t", "againfalse");
    rig_delete(rig, "1", "s");
    rig_flush(rig);
    rig_upsert(rig, "1", "s", "partly", RIG_ABSENT);
    rig_flush(rig);
    rig_assert_text(rig, "SELECT a || gone::text FROM t", "partlyfalse");
    rig_free(rig);
}

static void test_truncate_waits_for_all_partitions(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "s", "x", NULL);
    rig_flush(rig);
    const struct dw_version version = {1, 5000, 0};
    struct dw_partition_id second = rig->id;
    second.partition = 1;
    bool done = true;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(dw_writer_truncate(rig->writer, rig->table, &rig->id, &version, 2, true,
                                            &done, &rig->err),
                         DW_OK);
        assert_false(done);
    }
    rig_assert_text(rig, "SELECT count(*) FROM t", "1");
    assert_int_equal(
        dw_writer_truncate(rig->writer, rig->table, &second, &version, 2, true, &done, &rig->err),
        DW_OK);
    assert_true(done);
    rig_assert_text(rig, "SELECT count(*) FROM t", "0");
    rig_upsert(rig, "2", "s", "behind", NULL);
    rig_flush(rig);
    assert_int_equal(
        dw_writer_truncate(rig->writer, rig->table, &rig->id, &version, 2, true, &done, &rig->err),
        DW_OK);
    assert_true(done);
    rig_assert_text(rig, "SELECT a FROM t", "behind"); /* it runs once */
    rig_free(rig);
}

static void test_truncate_not_executed_when_ignored(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "s", "x", NULL);
    rig_flush(rig);
    const struct dw_version version = {1, 5000, 0};
    bool done = false;
    assert_int_equal(
        dw_writer_truncate(rig->writer, rig->table, &rig->id, &version, 1, false, &done, &rig->err),
        DW_OK);
    assert_true(done);
    rig_assert_text(rig, "SELECT count(*) FROM t", "1");
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_columns_are_left_alone),
        cmocka_unit_test(test_no_row_for_a_partial_update),
        cmocka_unit_test(test_all_partial_updates_go_with_the_row_behind_them),
        cmocka_unit_test(test_many_partial_rows_by_copy),
        cmocka_unit_test(test_on_delete_set_and_live_again),
        cmocka_unit_test(test_truncate_waits_for_all_partitions),
        cmocka_unit_test(test_truncate_not_executed_when_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
