/* The progress row is the fence: a worker that lost its partition changes nothing (traps 1, 9). */
#include "writer_rig.h"

#include <string.h>

static struct rig *new_rig(void)
{
    struct rig *rig = rig_new("w_fence", "CREATE TABLE t (id int PRIMARY KEY, a text)");
    if (!rig)
        skip();
    rig_map(rig, "t", "id a", 1);
    rig_open(rig);
    return rig;
}

static void test_first_batch_makes_the_row(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    assert_false(rig->progress.exists);
    rig_upsert(rig, "1", "x");
    rig_flush(rig);
    rig_assert_text(rig,
                    "SELECT concat_ws(' ', next_offset, applied, epoch, commit_lsn) FROM"
                    " dualwrite.progress WHERE topic = 'w_fence'",
                    "1 1 1 0/3E8");
    rig_free(rig);
}

static void test_moved_progress_is_a_conflict(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "x");
    rig_flush(rig);
    rig_exec(rig, "UPDATE dualwrite.progress SET next_offset = 7 WHERE topic = 'w_fence'");
    rig_upsert(rig, "1", "stale");
    assert_int_equal(rig_apply(rig), DW_CONFLICT);
    assert_string_equal(rig->err.id, "DW-APPLY-010");
    rig_assert_text(rig, "SELECT a FROM t", "x");
    rig_free(rig);
}

static void test_settled_waiting_row_is_a_conflict_too(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "x");
    rig_flush(rig);
    rig_exec(rig, "UPDATE dualwrite.progress SET applied = applied + 1 WHERE topic = 'w_fence'");
    rig->count = 0;
    assert_int_equal(dw_writer_begin(rig->writer, &rig->id, &rig->progress, &rig->err), DW_OK);
    assert_int_equal(rig_commit(rig), DW_CONFLICT);
    rig_free(rig);
}

static void test_two_first_workers_one_conflict(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_exec(rig,
             "INSERT INTO dualwrite.progress SELECT 'w_fence', 0, 'm', 1, 0, 0, 0, '0/0', 0, 0,"
             " 0, 0, 0, 0, 0, 0, 0, 0, 0");
    rig_upsert(rig, "1", "stale");
    assert_int_equal(rig_apply(rig), DW_CONFLICT);
    rig_assert_text(rig, "SELECT count(*) FROM t", "0");
    rig_free(rig);
}

static void test_large_batch_conflicts_after_staging(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "x");
    rig_flush(rig);
    rig_exec(rig, "UPDATE dualwrite.progress SET tail_hash = 5 WHERE topic = 'w_fence'");
    for (int i = 0; i < 700; i++)
        rig_upsert(rig, dw_arena_printf(&rig->arena, "%d", i), "stale");
    assert_int_equal(rig_apply(rig), DW_CONFLICT);
    rig_assert_text(rig, "SELECT count(*) FROM t", "1");
    rig_free(rig);
}

static void test_lost_connection_is_a_retry_and_heals(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    rig_upsert(rig, "1", "x");
    assert_int_equal(rig_apply(rig), DW_OK);
    rig_exec(rig, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                  " application_name = 'dualwrite-consumer rig' AND pid <> pg_backend_pid()");
    assert_int_equal(rig_commit(rig), DW_RETRY);
    rig_flush(rig);
    rig_assert_text(rig, "SELECT a FROM t", "x");
    rig_free(rig);
}

static void test_waiting_and_held_come_back(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    struct dw_progress next = rig->progress;
    next.next_offset = 2;
    next.counts[DW_OUTCOME_WAITING] = next.counts[DW_OUTCOME_DEAD] = 1;
    const struct dw_waiting waiting = {
        .offset = 0,
        .record_key = DW_STR_LIT("{\"id\":1}"),
        .record_value = {"\0\xff"
                         "bytes\\",
                         8},
        .key_text = DW_STR_LIT("[\"1\"]"),
        .version = {3, 0x1600000001, UINT64_MAX >> 1},
        .since_us = 1700000000123456,
        .code = DW_STR_LIT("DW-APPLY-013"),
        .reason = DW_STR_LIT("why"),
        .parent_schema = DW_STR_LIT("s"),
    };
    const struct dw_held held = {.offset = 1,
                                 .key_text = DW_STR_LIT("[\"2\"]"),
                                 .version = {3, 9, 0},
                                 .code = "DW-VALUE-002"};
    struct dw_writer_commit commit = {.progress = &next,
                                      .held = {.letters = &held, .letter_count = 1},
                                      .waiting_added = &waiting,
                                      .waiting_added_count = 1};
    assert_int_equal(dw_writer_begin(rig->writer, &rig->id, &rig->progress, &rig->err), DW_OK);
    assert_int_equal(dw_writer_commit(rig->writer, &rig->id, &commit, &rig->err), DW_OK);
    rig_assert_text(rig, "SELECT key FROM dualwrite.held WHERE topic = 'w_fence'", "[\"2\"]");

    struct dw_progress progress;
    struct dw_waiting *rows;
    size_t count;
    char incarnation[37];
    assert_int_equal(dw_writer_claim(rig->writer, &rig->id, &rig->arena, &progress, &rows, &count,
                                     incarnation, &rig->err),
                     DW_OK);
    assert_int_equal(strlen(incarnation), 36);
    assert_int_equal(count, 1);
    assert_true(dw_str_equal(rows[0].record_value, waiting.record_value));
    assert_true(dw_str_equal(rows[0].record_key, waiting.record_key));
    assert_int_equal(rows[0].since_us, waiting.since_us);
    assert_int_equal(dw_version_compare(&rows[0].version, &waiting.version), 0);
    assert_null(rows[0].parent_table.ptr);
    next.exists = progress.exists;
    assert_memory_equal(&progress.counts, &next.counts, sizeof next.counts);

    const int64_t offset = 0;
    struct dw_progress last = progress;
    last.counts[DW_OUTCOME_WAITING] = 0;
    last.counts[DW_OUTCOME_APPLIED] = 1;
    commit = (struct dw_writer_commit){
        .progress = &last, .waiting_removed = &offset, .waiting_removed_count = 1};
    assert_int_equal(dw_writer_begin(rig->writer, &rig->id, &progress, &rig->err), DW_OK);
    assert_int_equal(dw_writer_commit(rig->writer, &rig->id, &commit, &rig->err), DW_OK);
    rig_assert_text(rig, "SELECT count(*) FROM dualwrite.waiting WHERE topic = 'w_fence'", "0");
    rig_free(rig);
}

static void test_new_incarnation_differs(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    char first[37];
    char second[37];
    assert_int_equal(dw_writer_new_incarnation(rig->writer, first, &rig->err), DW_OK);
    assert_int_equal(dw_writer_new_incarnation(rig->writer, second, &rig->err), DW_OK);
    assert_string_not_equal(first, second);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_batch_makes_the_row),
        cmocka_unit_test(test_moved_progress_is_a_conflict),
        cmocka_unit_test(test_settled_waiting_row_is_a_conflict_too),
        cmocka_unit_test(test_two_first_workers_one_conflict),
        cmocka_unit_test(test_large_batch_conflicts_after_staging),
        cmocka_unit_test(test_lost_connection_is_a_retry_and_heals),
        cmocka_unit_test(test_waiting_and_held_come_back),
        cmocka_unit_test(test_new_incarnation_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
