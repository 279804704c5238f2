/* Two maps that write one table by their filters (trap 8): a row is removed only by the map whose
 * it is, whatever order their events come in. */
#include "writer_rig.h"

#include <pthread.h>
#include <unistd.h>

struct pair { /* two maps, each a partition of its own */
    struct rig *a, *b;
};

static void open_shared(struct rig *rig)
{
    rig->map.filter = DW_STR_LIT("v ne null");
    rig_map(rig, "t", "id v", 1);
    rig_open(rig);
    dw_writer_table_share(rig->table);
}

static struct pair new_pair(void)
{
    struct pair pair = {.a = rig_new("w_owner", "CREATE TABLE t (id int PRIMARY KEY, v text)")};
    if (!pair.a)
        skip();
    pair.b = rig_beside(pair.a, "w_owner_b");
    open_shared(pair.a);
    open_shared(pair.b);
    rig_exec(pair.a, "DELETE FROM dualwrite.owner WHERE relation = '\"w_owner\".\"t\"'");
    return pair;
}

static void free_pair(struct pair *pair)
{
    rig_free(pair->b);
    rig_free(pair->a);
}

static struct dw_change *at(struct dw_change *change, uint64_t lsn)
{
    change->version.commit_lsn = lsn;
    return change;
}

/* The row left the map's filter; `unsure`: it may have been outside all along. */
static struct dw_change *exit_at(struct rig *rig, const char *id, uint64_t lsn, bool unsure)
{
    struct dw_change *change = at(rig_delete(rig, id), lsn);
    change->exits = true;
    change->unsure = unsure;
    return change;
}

static const char rows_sql[] = "SELECT string_agg(id || v, ' ' ORDER BY id) FROM t";
#define assert_rows(pair, rows) rig_assert_text((pair).a, rows_sql, rows)

static void test_only_the_owner_removes_a_row(void **state)
{
    (void)state;
    struct pair pair = new_pair();
    at(rig_upsert(pair.a, "1", "a"), 100);
    at(rig_upsert(pair.a, "2", "a"), 100);
    rig_flush(pair.a);
    struct dw_change *foreign = exit_at(pair.b, "1", 200, false);
    rig_flush(pair.b);
    rig_assert_outcome(foreign, DW_OUTCOME_FILTERED);
    assert_rows(pair, "1a 2a");
    struct dw_change *own = exit_at(pair.a, "1", 150, false);
    rig_flush(pair.a);
    rig_assert_outcome(own, DW_OUTCOME_APPLIED);
    assert_rows(pair, "2a");
    free_pair(&pair);
}

static void test_a_row_that_moves_stays_whoever_comes_first(void **state)
{
    (void)state;
    struct pair pair = new_pair();
    at(rig_upsert(pair.a, "1", "a"), 100);
    at(rig_upsert(pair.a, "2", "a"), 100);
    rig_flush(pair.a);
    at(rig_create(pair.b, "1", "b"), 200); /* the new map's create before the old one's exit */
    rig_flush(pair.b);
    exit_at(pair.a, "2", 200, false); /* … and behind it */
    struct dw_change *late = exit_at(pair.a, "1", 200, false);
    rig_flush(pair.a);
    rig_assert_outcome(late, DW_OUTCOME_FILTERED);
    struct dw_change *create = at(rig_create(pair.b, "2", "b"), 200);
    rig_flush(pair.b);
    rig_assert_outcome(create, DW_OUTCOME_APPLIED);
    assert_rows(pair, "1b 2b");
    free_pair(&pair);
}

static void test_an_older_write_of_the_other_map_is_superseded(void **state)
{
    (void)state;
    struct pair pair = new_pair();
    at(rig_upsert(pair.b, "1", "b"), 300);
    rig_flush(pair.b);
    struct dw_change *older = at(rig_upsert(pair.a, "1", "a"), 200);
    struct dw_change *newer = at(rig_upsert(pair.a, "1", "A"), 400);
    rig_flush(pair.a);
    rig_assert_outcome(older, DW_OUTCOME_SUPERSEDED);
    rig_assert_outcome(newer, DW_OUTCOME_APPLIED);
    assert_rows(pair, "1A");
    free_pair(&pair);
}

static void test_an_unsure_exit_of_a_row_that_nobody_wrote_does_nothing(void **state)
{
    (void)state;
    struct pair pair = new_pair();
    rig_exec(pair.a, "INSERT INTO t VALUES (1, 'x')");
    struct dw_change *unsure = exit_at(pair.a, "1", 100, true);
    rig_flush(pair.a);
    rig_assert_outcome(unsure, DW_OUTCOME_FILTERED);
    assert_rows(pair, "1x");
    free_pair(&pair);
}

/* Written and removed in one batch, while the other map made it anew at the same version. */
static void test_a_create_of_the_same_version_wins_over_a_removal(void **state)
{
    (void)state;
    struct pair pair = new_pair();
    at(rig_upsert(pair.a, "1", "a"), 100);
    exit_at(pair.a, "1", 200, false);
    rig_flush(pair.a);
    rig_assert_text(pair.a, "SELECT gone FROM dualwrite.owner WHERE relation = '\"w_owner\".\"t\"'",
                    "2");
    struct dw_change *create = at(rig_create(pair.b, "1", "b"), 200);
    rig_flush(pair.b);
    rig_assert_outcome(create, DW_OUTCOME_APPLIED);
    assert_rows(pair, "1b");
    free_pair(&pair);
}

/* Many claims travel by a staging table. */
static void test_many_rows_are_claimed_at_once(void **state)
{
    (void)state;
    struct pair pair = new_pair();
    for (int i = 0; i < 500; i++)
        at(rig_upsert(pair.a, dw_arena_printf(&pair.a->arena, "%d", i), "a"), 100);
    rig_flush(pair.a);
    for (int i = 0; i < 500; i++)
        exit_at(pair.b, dw_arena_printf(&pair.b->arena, "%d", i), 200, false);
    for (int i = 0; i < 100; i++)
        at(rig_upsert(pair.b, dw_arena_printf(&pair.b->arena, "%d", i), "b"), 300);
    rig_flush(pair.b);
    rig_assert_text(pair.a,
                    "SELECT string_agg(v || n, ' ' ORDER BY v) FROM"
                    " (SELECT v, count(*) AS n FROM t GROUP BY v) AS c",
                    "a400 b100");
    rig_assert_text(pair.a,
                    "SELECT string_agg(map || n, ' ' ORDER BY map) FROM"
                    " (SELECT map, count(*) AS n FROM dualwrite.owner"
                    "  WHERE relation = '\"w_owner\".\"t\"' GROUP BY map) AS c",
                    "w_owner400 w_owner_b100");
    free_pair(&pair);
}

/* Owners that are there make the table a shared one, though no other map is known now; removed rows
 * are forgotten after a day. */
static void test_owners_are_known_again_and_old_removals_forgotten(void **state)
{
    (void)state;
    struct pair pair = new_pair();
    at(rig_upsert(pair.a, "1", "a"), 100);
    at(rig_upsert(pair.a, "2", "a"), 100);
    exit_at(pair.a, "2", 200, false);
    rig_flush(pair.a);
    rig_exec(pair.a, "UPDATE dualwrite.owner SET at = now() - interval '2 days'"
                     " WHERE relation = '\"w_owner\".\"t\"'");
    rig_reopen_table(pair.b); /* nobody says that it is shared */
    rig_assert_text(pair.a,
                    "SELECT string_agg(map || gone, ' ') FROM dualwrite.owner"
                    " WHERE relation = '\"w_owner\".\"t\"'",
                    "w_owner0");
    struct dw_change *foreign = exit_at(pair.b, "1", 300, false);
    rig_flush(pair.b);
    rig_assert_outcome(foreign, DW_OUTCOME_FILTERED);
    assert_rows(pair, "1a");
    free_pair(&pair);
}

/* ---- at the same moment ---- */

static void *apply(void *argument)
{
    struct rig *rig = argument;
    return rig_apply(rig) == DW_RETRY ? rig : NULL;
}

static void wait_for_lock(struct rig *rig)
{
    for (int i = 0; i < 200; i++) {
        if (strcmp(rig_text(rig, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"), "t") == 0)
            return;
        (void)usleep(20000);
    }
    fail_msg("nobody waits");
}

static void test_a_row_that_is_taken_meanwhile_is_looked_at_again(void **state)
{
    (void)state;
    struct pair pair = new_pair();
    pthread_t thread;
    void *retries = NULL;
    at(rig_upsert(pair.b, "1", "b"), 300);
    assert_int_equal(rig_apply(pair.b), DW_OK); /* not committed: nobody sees whose it is */
    struct dw_change *older = at(rig_upsert(pair.a, "1", "a"), 200);
    assert_int_equal(pthread_create(&thread, NULL, apply, pair.a), 0);
    wait_for_lock(pair.b);
    assert_int_equal(rig_commit(pair.b), DW_OK);
    (void)pthread_join(thread, &retries);
    assert_non_null(retries);
    assert_string_equal(pair.a->err.id, "DW-APPLY-022");
    assert_int_equal(rig_apply(pair.a), DW_OK);
    rig_assert_outcome(older, DW_OUTCOME_SUPERSEDED);
    assert_int_equal(rig_commit(pair.a), DW_OK);
    assert_rows(pair, "1b");
    free_pair(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_owner_removes_a_row),
        cmocka_unit_test(test_a_row_that_moves_stays_whoever_comes_first),
        cmocka_unit_test(test_an_older_write_of_the_other_map_is_superseded),
        cmocka_unit_test(test_an_unsure_exit_of_a_row_that_nobody_wrote_does_nothing),
        cmocka_unit_test(test_a_create_of_the_same_version_wins_over_a_removal),
        cmocka_unit_test(test_many_rows_are_claimed_at_once),
        cmocka_unit_test(test_owners_are_known_again_and_old_removals_forgotten),
        cmocka_unit_test(test_a_row_that_is_taken_meanwhile_is_looked_at_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
