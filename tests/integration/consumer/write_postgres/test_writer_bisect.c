/* A batch that the server refuses is cut until only the bad event is left: one dead letter each. */
#include "writer_rig.h"

#include <string.h>

static void add_rows(struct rig *rig, int count, int bad)
{
    for (int i = 0; i < count; i++)
        rig_upsert(rig, dw_arena_printf(&rig->arena, "%d", i), i == bad ? "31" : "1");
}

static struct rig *new_rig(void)
{
    struct rig *rig = rig_new("w_bisect", "CREATE TABLE t (id int PRIMARY KEY,"
                                          " a int NOT NULL CHECK (a < 31), d date)");
    if (!rig)
        skip();
    rig_map(rig, "t", "id a", 1);
    rig_open(rig);
    return rig;
}

static void assert_one_dead(struct rig *rig, size_t count, size_t bad)
{
    for (size_t i = 0; i < count; i++)
        if (i != bad)
            rig_assert_outcome(rig->changes[i], DW_OUTCOME_APPLIED);
    rig_assert_dead(rig->changes[bad], "DW-APPLY-012");
    assert_string_equal(rig->changes[bad]->failure_class, "constraint");
    assert_non_null(strstr(rig->changes[bad]->err->message, "t_a_check"));
}

static void test_one_bad_row_of_a_small_batch(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    add_rows(rig, 100, 37);
    rig_flush(rig);
    assert_one_dead(rig, 100, 37);
    rig_assert_text(rig, "SELECT count(*) FROM t", "99");
    rig_free(rig);
}

static void test_one_bad_row_of_a_large_batch(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    add_rows(rig, 1500, 1499);
    rig_flush(rig);
    assert_one_dead(rig, 1500, 1499);
    add_rows(rig, 1500, -1); /* the session still works, and so does its staging table */
    rig_flush(rig);
    rig_assert_text(rig, "SELECT count(*) FROM t", "1500");
    rig_free(rig);
}

static void test_bad_event_alone(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    add_rows(rig, 1, 0);
    rig_flush(rig);
    rig_assert_dead(rig->changes[0], "DW-APPLY-012");
    rig_free(rig);
}

static void test_one_bad_event_of_a_key(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "5");
    struct dw_change *bad = rig_upsert(rig, "1", "99");
    rig_flush(rig);
    rig_assert_outcome(rig->changes[0], DW_OUTCOME_APPLIED);
    rig_assert_dead(bad, "DW-APPLY-012");
    struct dw_change *hidden = rig_upsert(rig, "1", "98");
    rig_upsert(rig, "1", "6");
    rig_flush(rig);
    rig_assert_outcome(hidden, DW_OUTCOME_SUPERSEDED);
    rig_assert_text(rig, "SELECT a FROM t", "6");
    rig_free(rig);
}

static void test_null_and_bad_value_name_their_column(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_map(rig, "t", "id a d", 1);
    rig_reopen_table(rig);
    rig_upsert(rig, "1", NULL, NULL);
    rig_upsert(rig, "2", "2", "2026-02-31");
    rig_upsert(rig, "3", "3", "2026-02-28");
    rig_flush(rig);
    rig_assert_dead(rig->changes[0], "DW-APPLY-012");
    assert_true(dw_str_is(rig->changes[0]->column, "a"));
    rig_assert_dead(rig->changes[1], "DW-APPLY-011");
    assert_string_equal(rig->changes[1]->failure_class, "data");
    assert_true(dw_str_is(rig->changes[1]->column, "d"));
    assert_null(strstr(rig->changes[1]->err->message, "02-31")); /* no values in messages */
    rig_assert_outcome(rig->changes[2], DW_OUTCOME_APPLIED);
    rig_free(rig);
}

static void test_trigger_refuses(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_exec(rig, "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                  " IF NEW.a = 13 THEN RAISE 'unlucky' USING ERRCODE = 'MY001'; END IF;"
                  " RETURN NEW; END $$;"
                  "CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION no()");
    rig_upsert(rig, "1", "12");
    rig_upsert(rig, "2", "13");
    rig_flush(rig);
    rig_assert_outcome(rig->changes[0], DW_OUTCOME_APPLIED);
    rig_assert_dead(rig->changes[1], "DW-APPLY-017");
    rig_free(rig);
}

static void test_dropped_column_is_configuration(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_exec(rig, "ALTER TABLE t DROP COLUMN a");
    rig_upsert(rig, "1", "1");
    assert_int_equal(rig_apply(rig), DW_CONFIG);
    assert_string_equal(rig->err.id, "DW-APPLY-021");
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_bad_row_of_a_small_batch),
        cmocka_unit_test(test_one_bad_row_of_a_large_batch),
        cmocka_unit_test(test_bad_event_alone),
        cmocka_unit_test(test_one_bad_event_of_a_key),
        cmocka_unit_test(test_null_and_bad_value_name_their_column),
        cmocka_unit_test(test_trigger_refuses),
        cmocka_unit_test(test_dropped_column_is_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
