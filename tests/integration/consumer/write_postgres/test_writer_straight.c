/* New rows are copied straight into the table; where that fails, nobody could tell by the result.
 * A trigger notes by which statement each row came. */
#include "writer_rig.h"

#define ROWS 600 /* enough for a COPY */

static const char schema[] =
    "CREATE TABLE t (id int PRIMARY KEY, c char(4), v varchar(6), n numeric(8,2), x text"
    " CHECK (x IS DISTINCT FROM 'bad'));"
    "CREATE TABLE way (id int, way text);"
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
    " INSERT INTO w_straight.way VALUES (new.id, left(current_query(), 4)); RETURN NULL; END';"
    "CREATE TRIGGER note AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note()";

static struct rig *new_rig(const char *more)
{
    struct rig *rig = rig_new("w_straight", schema);
    if (!rig)
        skip();
    if (*more)
        rig_exec(rig, more);
    rig_map(rig, "t", "id c v n x", 1);
    rig_open(rig);
    return rig;
}

static const char *number(struct rig *rig, int n)
{
    return dw_arena_printf(&rig->arena, "%d", n);
}

/* Creates of ids `first` on. */
static void add_rows(struct rig *rig, int first, int count)
{
    for (int id = first; id < first + count; id++)
        rig_create(rig, number(rig, id), "ab", "x  ", "1.006", "a\tb\\n");
}

static void flush_rows(struct rig *rig, int first, const char *way)
{
    rig_exec(rig, "TRUNCATE way");
    add_rows(rig, first, ROWS);
    rig_flush(rig);
    assert_string_equal(rig_text(rig, "SELECT string_agg(DISTINCT way, ',') FROM way"), way);
}

static void test_new_rows_are_copied(void **state)
{
    (void)state;
    struct rig *rig = new_rig("");
    flush_rows(rig, 1, "COPY");
    rig_assert_text(rig,
                    "SELECT count(*) FROM t WHERE c = 'ab' AND n = 1.01 AND x = E'a\\tb\\\\n'"
                    " AND octet_length(v) = 3 AND octet_length(c) = 4",
                    "600");
    rig_assert_text(rig, "SELECT applied FROM dualwrite.progress WHERE topic = 'w_straight'",
                    "600");
    rig_free(rig);
}

static void test_few_rows_are_not(void **state)
{
    (void)state;
    struct rig *rig = new_rig("");
    add_rows(rig, 1, 20);
    rig_flush(rig);
    rig_assert_text(rig, "SELECT string_agg(DISTINCT way, ',') FROM way WHERE way = 'COPY'",
                    "(null)");
    rig_assert_text(rig, "SELECT count(*) FROM t", "20");
    rig_free(rig);
}

/* Updates of the same batch go the general way, creates that were updated behind go along. */
static void test_updates_beside_new_rows(void **state)
{
    (void)state;
    struct rig *rig = new_rig("INSERT INTO t SELECT n, 'old' FROM generate_series(1, 10) n");
    add_rows(rig, 11, ROWS);
    struct dw_change *updated = rig_upsert(rig, "1", "new", "v", "1", "x");
    struct dw_change *again = rig_upsert(rig, "11", "new", "v", "1", "x");
    struct dw_change *partial = rig_upsert(rig, "2", "new", RIG_ABSENT, "1", "x");
    struct dw_change *gone = rig_delete(rig, "3");
    rig_flush(rig);
    rig_assert_outcome(updated, DW_OUTCOME_APPLIED);
    rig_assert_outcome(again, DW_OUTCOME_APPLIED);
    rig_assert_outcome(partial, DW_OUTCOME_APPLIED);
    rig_assert_outcome(gone, DW_OUTCOME_APPLIED);
    rig_assert_text(rig, "SELECT string_agg(id::text, ',' ORDER BY id) FROM t WHERE c = 'new'",
                    "1,2,11");
    rig_assert_text(rig, "SELECT count(*) FROM way WHERE way = 'COPY'", "600");
    rig_assert_text(rig, "SELECT count(*) FROM t", "609");
    rig_free(rig);
}

static void test_a_row_that_is_there_already(void **state)
{
    (void)state;
    struct rig *rig = new_rig("INSERT INTO t VALUES (300, 'old')");
    rig_exec(rig, "TRUNCATE way");
    add_rows(rig, 1, ROWS);
    struct dw_change *there = rig->changes[299];
    rig_flush(rig);
    rig_assert_outcome(there, DW_OUTCOME_APPLIED);
    rig_assert_text(rig, "SELECT count(*) FROM t WHERE c = 'ab'", "600");
    rig_assert_text(rig, "SELECT count(*) FROM way WHERE way = 'COPY'", "0");
    rig_assert_text(rig, "SELECT applied FROM dualwrite.progress WHERE topic = 'w_straight'",
                    "600");
    rig_free(rig);
}

static void test_a_failure_is_remembered(void **state)
{
    (void)state;
    struct rig *rig = new_rig("INSERT INTO t VALUES (300, 'old')");
    add_rows(rig, 1, ROWS);
    rig_flush(rig);
    flush_rows(rig, 1001, "INSE");
    flush_rows(rig, 2001, "COPY");
    flush_rows(rig, 3001, "COPY");
    rig_free(rig);
}

static void test_bad_rows_die_alone(void **state)
{
    (void)state;
    struct rig *rig = new_rig("");
    add_rows(rig, 1, ROWS);
    struct dw_change *checked = rig_create(rig, "1001", "ab", "x", "1", "bad");
    struct dw_change *too_long = rig_create(rig, "1002", "abcde", "x", "1", "x");
    struct dw_change *no_number = rig_create(rig, "1003", "ab", "x", "one", "x");
    rig_flush(rig);
    rig_assert_dead(checked, "DW-APPLY-012");
    rig_assert_dead(too_long, "DW-APPLY-011");
    rig_assert_dead(no_number, "DW-APPLY-011");
    assert_true(dw_str_is(no_number->column, "n"));
    rig_assert_text(rig, "SELECT count(*) FROM t", "600");
    rig_free(rig);
}

/* The same key twice, though the texts differ. */
static void test_two_texts_of_one_key(void **state)
{
    (void)state;
    struct rig *rig = new_rig("");
    add_rows(rig, 1, ROWS);
    rig_create(rig, "007", "new", "x", "1", "x");
    rig_flush(rig);
    rig_assert_text(rig, "SELECT c FROM t WHERE id = 7", "new ");
    rig_assert_text(rig, "SELECT count(*) FROM t", "600");
    rig_free(rig);
}

static void test_kept_rows(void **state)
{
    (void)state;
    struct rig *rig = new_rig("");
    add_rows(rig, 1, ROWS);
    for (size_t i = 0; i < rig->count; i++)
        rig->changes[i]->keep = true;
    rig_flush(rig);
    rig_assert_text(rig, "SELECT count(*) FROM way WHERE way = 'COPY'", "600");
    rig_exec(rig, "UPDATE t SET c = 'own'; TRUNCATE way");
    add_rows(rig, 1, ROWS + 1);
    for (size_t i = 0; i < rig->count; i++)
        rig->changes[i]->keep = true;
    rig_flush(rig);
    rig_assert_text(rig, "SELECT string_agg(id::text, ',') FROM t WHERE c <> 'own'", "601");
    rig_assert_text(rig, "SELECT string_agg(way || id, ',') FROM way", "INSE601");
    rig_free(rig);
}

/* Another worker has the partition: what was copied before the fence is gone with it. */
static void test_the_fence_comes_behind(void **state)
{
    (void)state;
    struct rig *rig = new_rig("");
    rig_create(rig, "1", "ab", "x", "1", "x");
    rig_flush(rig);
    rig_exec(rig, "UPDATE dualwrite.progress SET next_offset = 99 WHERE topic = 'w_straight'");
    add_rows(rig, 11, ROWS);
    assert_int_equal(rig_apply(rig), DW_CONFLICT);
    rig_assert_text(rig, "SELECT count(*) FROM t", "1");
    rig_free(rig);
}

/* COPY knows no rules. */
static void test_a_table_with_a_rule(void **state)
{
    (void)state;
    struct rig *rig = new_rig("CREATE RULE keep AS ON DELETE TO t DO INSTEAD NOTHING");
    flush_rows(rig, 1, "INSE");
    rig_free(rig);
}

/* A loop mark needs the general way: without it the rows would come back. */
static void test_a_captured_target(void **state)
{
    (void)state;
    struct rig *rig = new_rig("");
    rig->system.capture = true;
    flush_rows(rig, 1, "INSE");
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_rows_are_copied),
        cmocka_unit_test(test_few_rows_are_not),
        cmocka_unit_test(test_updates_beside_new_rows),
        cmocka_unit_test(test_a_row_that_is_there_already),
        cmocka_unit_test(test_a_failure_is_remembered),
        cmocka_unit_test(test_bad_rows_die_alone),
        cmocka_unit_test(test_two_texts_of_one_key),
        cmocka_unit_test(test_kept_rows),
        cmocka_unit_test(test_the_fence_comes_behind),
        cmocka_unit_test(test_a_table_with_a_rule),
        cmocka_unit_test(test_a_captured_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
