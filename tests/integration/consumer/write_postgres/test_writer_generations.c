/* Marks of generations in the target (trap 20): who may go on behind one, what is passed by how
 * many partitions, and what a partition that begins takes over. */
#include "writer_rig.h"

static const struct dw_progress_generation mark = {
    .version = {1, 2000, 0}, .before = 2, .partitions = 3, .reach = 2};
static const char *const tables[] = {"progress", "waiting", "generation"};

static struct rig *new_rig(void)
{
    struct rig *rig = rig_new("w_gen", "CREATE TABLE t (id int PRIMARY KEY, a text)");
    if (!rig)
        skip();
    rig_map(rig, "t", "id a", 1);
    rig_open(rig);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        rig_exec(rig, dw_arena_printf(&rig->arena, "DELETE FROM dualwrite.%s WHERE topic = 'w_gen'",
                                      tables[i]));
    return rig;
}

/* A partition stands at (1, lsn, 0). */
static void stands_at(struct rig *rig, int partition, unsigned lsn)
{
    rig_exec(rig, dw_arena_printf(&rig->arena,
                                  "DELETE FROM dualwrite.progress WHERE topic = 'w_gen'"
                                  " AND partition = %d; INSERT INTO dualwrite.progress SELECT"
                                  " 'w_gen', %d, 'm', 1, 0, 0, 1, '0/%X', 0, 0,"
                                  " 0, 0, 0, 0, 0, 0, 0, 0, 0",
                                  partition, partition, lsn));
}

static void waits(struct rig *rig, int partition, unsigned lsn)
{
    rig_exec(rig, dw_arena_printf(&rig->arena,
                                  "INSERT INTO dualwrite.waiting (topic, partition, record_offset,"
                                  " map, key, epoch, commit_lsn, ordinal, code, reason) VALUES"
                                  " ('w_gen', %d, %u, 'm', 'k', 1, '0/%X', 0, '', '')",
                                  partition, lsn, lsn));
}

/* The partition of the rig meets the mark. */
static void meet(struct rig *rig, int32_t partition, int64_t initial_sync)
{
    struct dw_progress next = {.version = mark.version, .generation = mark};
    const struct dw_writer_generation generation = {&mark, 2, initial_sync};
    const struct dw_writer_commit commit = {.progress = &next, .generation = &generation};
    const struct dw_progress none = {.exists = false};
    struct dw_partition_id id = rig->id;
    id.partition = partition;
    rig_exec(rig, dw_arena_printf(&rig->arena,
                                  "DELETE FROM dualwrite.progress WHERE topic = 'w_gen'"
                                  " AND partition = %d",
                                  (int)partition));
    assert_int_equal(dw_writer_begin(rig->writer, &id, &none, &rig->err), DW_OK);
    assert_int_equal(dw_writer_commit(rig->writer, &id, &commit, &rig->err), DW_OK);
}

static bool turned(struct rig *rig, int64_t *out_initial_sync)
{
    bool yes = false;
    assert_int_equal(
        dw_writer_turned(rig->writer, "w_gen", &mark, &yes, out_initial_sync, &rig->err), DW_OK);
    return yes;
}

static bool passed(struct rig *rig, uint64_t lsn, int32_t otherwise)
{
    bool yes = false;
    const struct dw_version version = {1, lsn, 0};
    assert_int_equal(dw_writer_passed(rig->writer, "w_gen", otherwise, &version, &yes, &rig->err),
                     DW_OK);
    return yes;
}

static void test_all_old_partitions_have_to_come_to_the_mark(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    int64_t sync = 0;
    meet(rig, 2, -1); /* one that begins there is not asked */
    stands_at(rig, 0, 1999);
    assert_false(turned(rig, &sync));
    meet(rig, 0, 77);
    assert_false(turned(rig, &sync));
    stands_at(rig, 1, 1999);
    assert_false(turned(rig, &sync));
    waits(rig, 1, 1500);
    stands_at(rig, 1, 5000);
    assert_false(turned(rig, &sync));
    rig_exec(rig, "DELETE FROM dualwrite.waiting WHERE topic = 'w_gen'");
    waits(rig, 0, 2500); /* from behind it, and one of a partition that begins */
    waits(rig, 2, 1500);
    assert_true(turned(rig, &sync));
    assert_int_equal(sync, 77);
    rig_free(rig);
}

static void test_the_sync_under_way_is_what_an_old_partition_says(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    int64_t sync = 5;
    stands_at(rig, 1, 2000);
    meet(rig, 0, 0);
    meet(rig, 2, -1);
    assert_true(turned(rig, &sync));
    assert_int_equal(sync, 0);
    rig_exec(rig, "DELETE FROM dualwrite.generation WHERE topic = 'w_gen'");
    meet(rig, 2, -1);
    meet(rig, 0, 9);
    assert_true(turned(rig, &sync));
    assert_int_equal(sync, 9);
    rig_free(rig);
}

static void test_passed_counts_the_partitions_of_the_version(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    stands_at(rig, 0, 1000);
    stands_at(rig, 1, 1000);
    assert_true(passed(rig, 1000, 2));
    assert_false(passed(rig, 1000, 3)); /* no mark was met here: what others say counts */
    meet(rig, 0, 0);
    assert_true(passed(rig, 1000, 3)); /* two were there before the mark */
    assert_false(passed(rig, 2000, 2));
    stands_at(rig, 1, 3000);
    assert_false(passed(rig, 2000, 2)); /* three from there on */
    stands_at(rig, 2, 2000);
    assert_true(passed(rig, 2000, 2));
    rig_free(rig);
}

static void test_a_claim_finds_the_mark_it_stands_behind(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    struct dw_progress progress;
    struct dw_waiting *rows;
    size_t count;
    char incarnation[37];
    static const struct {
        unsigned lsn;
        int32_t reach;
    } places[] = {{1999, 0}, {2000, 2}, {9000, 2}};
    meet(rig, 1, 0);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        stands_at(rig, 0, places[i].lsn);
        assert_int_equal(dw_writer_claim(rig->writer, &rig->id, &rig->arena, &progress, &rows,
                                         &count, incarnation, &rig->err),
                         DW_OK);
        assert_int_equal(progress.generation.reach, places[i].reach);
    }
    assert_int_equal(progress.generation.partitions, 3);
    assert_int_equal(progress.generation.version.commit_lsn, 2000);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_old_partitions_have_to_come_to_the_mark),
        cmocka_unit_test(test_the_sync_under_way_is_what_an_old_partition_says),
        cmocka_unit_test(test_passed_counts_the_partitions_of_the_version),
        cmocka_unit_test(test_a_claim_finds_the_mark_it_stands_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
