/* Rows that wait: for a parent, for children that must go first, for a unique value (traps 2-4). */
#include "writer_rig.h"

static struct rig *new_rig(const char *sql, const char *columns)
{
    struct rig *rig = rig_new("w_depend", sql);
    if (!rig)
        skip();
    rig_map(rig, "t", columns, 1);
    rig_open(rig);
    return rig;
}

static const char unique_sql[] = "CREATE TABLE t (id int PRIMARY KEY, name text UNIQUE)";

static void test_unique_values_swapped_in_one_batch(void **state)
{
    (void)state;
    struct rig *rig = new_rig(unique_sql, "id name");
    rig_upsert(rig, "1", "A");
    rig_upsert(rig, "2", "B");
    rig_flush(rig);
    rig_upsert(rig, "1", "tmp");
    rig_upsert(rig, "2", "A");
    rig_upsert(rig, "1", "B");
    rig_flush(rig);
    for (int i = 0; i < 3; i++)
        assert_true(rig->changes[i]->outcome == DW_OUTCOME_APPLIED ||
                    rig->changes[i]->outcome == DW_OUTCOME_SUPERSEDED);
    rig_assert_text(rig, "SELECT string_agg(id || name, ',' ORDER BY id) FROM t", "1B,2A");
    rig_free(rig);
}

static void test_unique_value_of_a_deleted_row(void **state)
{
    (void)state;
    struct rig *rig = new_rig(unique_sql, "id name");
    rig_upsert(rig, "1", "A");
    rig_flush(rig);
    rig_delete(rig, "1");
    rig_create(rig, "2", "A");
    rig_flush(rig);
    rig_assert_text(rig, "SELECT string_agg(id || name, ',') FROM t", "2A");
    rig_free(rig);
}

static void test_unique_value_held_elsewhere_waits_and_holds_its_key(void **state)
{
    (void)state;
    struct rig *rig = new_rig(unique_sql, "id name");
    rig_upsert(rig, "1", "A");
    rig_flush(rig);
    struct dw_change *wants = rig_upsert(rig, "2", "A");
    struct dw_change *later = rig_delete(rig, "2");
    struct dw_change *other = rig_upsert(rig, "3", "C");
    struct dw_change *again = rig_upsert(rig, "2", "A");
    rig_flush(rig);
    rig_assert_outcome(other, DW_OUTCOME_APPLIED);
    assert_true(wants->outcome == DW_OUTCOME_WAITING || wants->outcome == DW_OUTCOME_SUPERSEDED);
    assert_true(later->outcome == DW_OUTCOME_APPLIED || later->outcome == DW_OUTCOME_WAITING);
    rig_assert_outcome(again, DW_OUTCOME_WAITING);
    rig_assert_text(rig, "SELECT string_agg(id || name, ',' ORDER BY id) FROM t", "1A,3C");
    rig_free(rig);
}

static void test_missing_parent_waits_and_is_named(void **state)
{
    (void)state;
    struct rig *rig = new_rig("CREATE TABLE parent (id int PRIMARY KEY);"
                              "CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES parent)",
                              "id p");
    rig_exec(rig, "INSERT INTO parent VALUES (1)");
    struct dw_change *fine = rig_upsert(rig, "1", "1");
    struct dw_change *child = rig_upsert(rig, "2", "7");
    struct dw_change *behind = rig_upsert(rig, "2", "8");
    rig_flush(rig);
    rig_assert_outcome(fine, DW_OUTCOME_APPLIED);
    rig_assert_outcome(child, DW_OUTCOME_WAITING);
    rig_assert_outcome(behind, DW_OUTCOME_WAITING);
    assert_string_equal(child->err->id, "DW-APPLY-013");
    assert_true(dw_str_is(child->parent_table, "parent"));
    assert_true(dw_str_is(child->parent_schema, "w_depend"));
    rig_free(rig);
}

/* Trap 3: nobody knows when the parent comes; the child's own delete must not wait for it, whatever
 * else waits in the batch. */
static void test_what_comes_behind_a_waiter_settles_it(void **state)
{
    (void)state;
    struct rig *rig = new_rig("CREATE TABLE parent (id int PRIMARY KEY);"
                              "CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES parent)",
                              "id p");
    struct dw_change *gone = rig_upsert(rig, "1", "7");
    struct dw_change *its_delete = rig_delete(rig, "1");
    struct dw_change *other = rig_upsert(rig, "2", "7");
    struct dw_change *moves = rig_upsert(rig, "3", "7");
    struct dw_change *moved = rig_upsert(rig, "3", NULL);
    struct dw_change *stays = rig_upsert(rig, "4", "7");
    struct dw_change *behind = rig_upsert(rig, "4", "8");
    rig_flush(rig);
    rig_assert_outcome(gone, DW_OUTCOME_SUPERSEDED);
    rig_assert_outcome(its_delete, DW_OUTCOME_APPLIED);
    rig_assert_outcome(other, DW_OUTCOME_WAITING);
    rig_assert_outcome(moves, DW_OUTCOME_SUPERSEDED);
    rig_assert_outcome(moved, DW_OUTCOME_APPLIED);
    rig_assert_outcome(stays, DW_OUTCOME_WAITING);
    rig_assert_outcome(behind, DW_OUTCOME_WAITING);
    rig_assert_text(rig, "SELECT string_agg(id::text, ',') FROM t", "3");
    rig_free(rig);
}

/* The row was read again, and has to wait itself: what could not be built before it is settled. */
static void test_a_whole_row_that_waits_settles_what_lacked_columns(void **state)
{
    (void)state;
    struct rig *rig = new_rig("CREATE TABLE parent (id int PRIMARY KEY);"
                              "CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES parent, v int)",
                              "id p v");
    struct dw_change *lacks = rig_create(rig, "1", "7", RIG_ABSENT);
    struct dw_change *again = rig_create(rig, "1", "7", "5");
    struct dw_change *alone = rig_create(rig, "2", "7", RIG_ABSENT);
    struct dw_change *partial = rig_upsert(rig, "2", "7", RIG_ABSENT);
    rig_flush(rig);
    rig_assert_outcome(lacks, DW_OUTCOME_SUPERSEDED);
    rig_assert_outcome(again, DW_OUTCOME_WAITING);
    assert_string_equal(again->err->id, "DW-APPLY-013");
    assert_true(dw_str_is(again->parent_table, "parent"));
    rig_assert_incomplete(alone);
    rig_assert_outcome(partial, DW_OUTCOME_WAITING);
    rig_free(rig);
}

/* The application's trigger writes a table of its own, whose foreign key is checked at COMMIT. */
static void test_deferred_foreign_key_of_another_table_does_not_fail_the_commit(void **state)
{
    (void)state;
    struct rig *rig =
        new_rig("CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);"
                "CREATE TABLE side (p int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);"
                "CREATE TABLE t (id int PRIMARY KEY, p int);"
                "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " INSERT INTO w_depend.side VALUES (NEW.p); RETURN NEW; END $$;"
                "CREATE TRIGGER note AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note()",
                "id p");
    struct dw_change *fine = rig_upsert(rig, "1", "1");
    struct dw_change *child = rig_upsert(rig, "2", "7");
    rig_flush(rig);
    rig_assert_outcome(fine, DW_OUTCOME_APPLIED);
    rig_assert_outcome(child, DW_OUTCOME_WAITING);
    rig_free(rig);
}

static void test_deferred_foreign_key_does_not_fail_the_commit(void **state)
{
    (void)state;
    struct rig *rig = new_rig("CREATE TABLE parent (id int PRIMARY KEY);"
                              "CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES parent"
                              " DEFERRABLE INITIALLY DEFERRED)",
                              "id p");
    struct dw_change *child = rig_upsert(rig, "2", "7");
    struct dw_change *fine = rig_upsert(rig, "3", NULL);
    rig_flush(rig);
    rig_assert_outcome(child, DW_OUTCOME_WAITING);
    rig_assert_outcome(fine, DW_OUTCOME_APPLIED);
    rig_free(rig);
}

static void test_parent_deleted_before_its_children_waits_for_them(void **state)
{
    (void)state;
    struct rig *rig = new_rig("CREATE TABLE t (id int PRIMARY KEY);"
                              "CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES t)",
                              "id");
    rig_exec(rig, "INSERT INTO t VALUES (1), (2); INSERT INTO child VALUES (1, 1)");
    struct dw_change *parent = rig_delete(rig, "1");
    struct dw_change *free_one = rig_delete(rig, "2");
    rig_flush(rig);
    rig_assert_outcome(parent, DW_OUTCOME_WAITING);
    rig_assert_outcome(free_one, DW_OUTCOME_APPLIED);
    assert_true(dw_str_is(parent->parent_table, "child"));
    rig_free(rig);
}

static void test_passed_looks_at_all_partitions_and_waiters(void **state)
{
    (void)state;
    struct rig *rig = new_rig("CREATE TABLE t (id int PRIMARY KEY)", "id");
    struct dw_version version = {1, 1000, 0};
    bool passed = true;
    assert_int_equal(dw_writer_passed(rig->writer, "w_depend", 2, &version, &passed, &rig->err),
                     DW_OK);
    assert_false(passed);
    rig_upsert(rig, "1");
    rig_flush(rig);
    assert_int_equal(dw_writer_passed(rig->writer, "w_depend", 2, &version, &passed, &rig->err),
                     DW_OK);
    assert_false(passed);
    assert_int_equal(dw_writer_passed(rig->writer, "w_depend", 1, &version, &passed, &rig->err),
                     DW_OK);
    assert_true(passed);
    rig_exec(rig,
             "INSERT INTO dualwrite.waiting (topic, partition, record_offset, map, key, epoch,"
             " commit_lsn, ordinal, code, reason) VALUES ('w_depend', 1, 0, 'm', 'k', 1, '0/1',"
             " 0, 'c', 'r')");
    assert_int_equal(dw_writer_passed(rig->writer, "w_depend", 1, &version, &passed, &rig->err),
                     DW_OK);
    assert_false(passed);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unique_values_swapped_in_one_batch),
        cmocka_unit_test(test_unique_value_of_a_deleted_row),
        cmocka_unit_test(test_unique_value_held_elsewhere_waits_and_holds_its_key),
        cmocka_unit_test(test_missing_parent_waits_and_is_named),
        cmocka_unit_test(test_what_comes_behind_a_waiter_settles_it),
        cmocka_unit_test(test_a_whole_row_that_waits_settles_what_lacked_columns),
        cmocka_unit_test(test_deferred_foreign_key_of_another_table_does_not_fail_the_commit),
        cmocka_unit_test(test_deferred_foreign_key_does_not_fail_the_commit),
        cmocka_unit_test(test_parent_deleted_before_its_children_waits_for_them),
        cmocka_unit_test(test_passed_looks_at_all_partitions_and_waiters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
