/* Target tables: what is refused at once, unusual keys, many staging tables, a role with few
 * rights. */
#include "writer_rig.h"

#include "common/postgres/pg.h"
#include <string.h>

static void assert_refused(const char *sql, const char *columns, size_t keys, const char *id)
{
    struct rig *rig = rig_new("w_table", sql);
    if (!rig)
        skip();
    const struct dw_map_resolved source = {.source = {NULL, 0, 'd'}};
    rig_map(rig, "t", columns, keys);
    assert_int_equal(dw_writer_open(&rig->writer, &rig->system, "rig", 5000, &rig->err), DW_OK);
    assert_int_equal(dw_writer_table_new(rig->writer, &rig->map, &source, &rig->arena, &rig->table,
                                         &rig->resolved, &rig->err),
                     DW_CONFIG);
    assert_string_equal(rig->err.id, id);
    assert_null(rig->table);
    rig_free(rig);
}

static void test_unusable_tables(void **state)
{
    (void)state;
    assert_refused("CREATE TABLE other (id int)", "id", 1, "DW-PG-010");
    assert_refused("CREATE TABLE t (id int PRIMARY KEY)", "id a", 1, "DW-APPLY-001");
    assert_refused("CREATE TABLE t (id int, a int)", "id a", 1, "DW-APPLY-002");
    assert_refused("CREATE TABLE t (id int, a int, PRIMARY KEY (id, a))", "id a", 1,
                   "DW-APPLY-002");
    assert_refused("CREATE TABLE t (id int, a int); CREATE UNIQUE INDEX ON t (id) WHERE a > 0",
                   "id a", 1, "DW-APPLY-002");
    assert_refused("CREATE TABLE t (id int UNIQUE DEFERRABLE, a int)", "id a", 1, "DW-APPLY-002");
    assert_refused("CREATE TABLE t (id int PRIMARY KEY, a int GENERATED ALWAYS AS (id) STORED)",
                   "id a", 1, "DW-APPLY-004");
    assert_refused("CREATE TABLE t (id int PRIMARY KEY, a int GENERATED ALWAYS AS IDENTITY)",
                   "id a", 1, "DW-APPLY-004");
}

static void test_unusual_keys(void **state)
{
    (void)state;
    struct rig *rig =
        rig_new("w_table",
                "CREATE TYPE kind AS ENUM ('a', 'b'); CREATE DOMAIN code AS varchar(5);"
                "CREATE TABLE \"T\"\" x\" (id bigint GENERATED ALWAYS AS IDENTITY, k kind, c code,"
                " p char(4), \"v a\" int[], PRIMARY KEY (p, id, k, c))");
    if (!rig)
        skip();
    rig_map(rig, "T\" x", "id k c p", 4);
    rig_open(rig);
    rig_upsert(rig, "5", "a", "x", "ab");
    rig_upsert(rig, "6", "b", "y", "ab  ");
    rig_flush(rig);
    rig_delete(rig, "5", "a", "x", "ab  ");
    rig_flush(rig);
    rig_assert_text(rig, "SELECT string_agg(concat(id, k, c, p), ',') FROM \"T\"\" x\"", "6byab  ");
    rig_free(rig);
}

static void test_more_tables_than_stages(void **state)
{
    (void)state;
    enum { TABLES = 6 };
    struct rig *rig =
        rig_new("w_table", "CREATE TABLE t (id int PRIMARY KEY, a int CHECK (a < 9))");
    if (!rig)
        skip();
    rig_map(rig, "t", "id a", 1);
    rig_open(rig);
    struct dw_writer_table *tables[TABLES];
    tables[0] = rig->table;
    for (int i = 1; i < TABLES; i++) {
        rig->table = NULL;
        rig_reopen_table(rig);
        tables[i] = rig->table;
    }
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < TABLES; i++) {
            rig->table = tables[i];
            bool bad = round == 1; /* rolls the new stage back */
            for (int row = 0; row < 600; row++)
                rig_upsert(rig, dw_arena_printf(&rig->arena, "%d", i * 1000 + row),
                           bad && row == 7 ? "9" : "1");
            rig_flush(rig);
            assert_true(!bad || rig->changes[7]->outcome == DW_OUTCOME_DEAD);
        }
    rig_assert_text(rig, "SELECT count(*) FROM t", "3600");
    for (int i = 0; i < TABLES - 1; i++)
        dw_writer_table_free(tables[i]);
    rig->table = tables[TABLES - 1];
    rig_free(rig);
}

static void test_role_without_temporary_tables(void **state)
{
    (void)state;
    struct rig *rig = rig_new(
        "w_table", "DROP ROLE IF EXISTS w_table_role; CREATE ROLE w_table_role LOGIN;"
                   "CREATE TABLE t (id int PRIMARY KEY); GRANT USAGE ON SCHEMA w_table TO"
                   " w_table_role; GRANT SELECT, INSERT, UPDATE, DELETE ON t TO w_table_role;"
                   "DO $$ BEGIN EXECUTE format('REVOKE TEMP ON DATABASE %I FROM PUBLIC',"
                   " current_database()); END $$");
    if (!rig)
        skip();
    rig_map(rig, "t", "id", 1);
    rig_open(rig);
    rig_exec(rig, "GRANT USAGE ON SCHEMA dualwrite TO w_table_role;"
                  "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dualwrite TO"
                  " w_table_role");
    /* the writer connects again, as that role: SET ROLE by its settings */
    rig_exec(rig, "DO $$ BEGIN EXECUTE format('ALTER ROLE %I IN DATABASE %I SET role ="
                  " w_table_role', current_user, current_database()); END $$");
    rig_exec(rig, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                  " application_name = 'dualwrite-consumer rig' AND pid <> pg_backend_pid()");
    for (int row = 0; row < 1500; row++)
        rig_upsert(rig, dw_arena_printf(&rig->arena, "%d", row));
    enum dw_rc rc = rig_apply(rig); /* finds the connection gone */
    if (rc == DW_RETRY)
        rc = rig_apply(rig);
    enum dw_rc committed = rc == DW_OK ? rig_commit(rig) : rc;
    rig_exec(rig, "DO $$ BEGIN EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET role',"
                  " current_user, current_database());"
                  " EXECUTE format('GRANT TEMP ON DATABASE %I TO PUBLIC', current_database());"
                  " END $$");
    if (committed != DW_OK)
        fail_msg("%s %s", rig->err.id, rig->err.message);
    rig_assert_text(rig, "SELECT count(*) FROM t", "1500");
    rig_exec(rig, "DROP OWNED BY w_table_role; DROP ROLE w_table_role");
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unusable_tables),
        cmocka_unit_test(test_unusual_keys),
        cmocka_unit_test(test_more_tables_than_stages),
        cmocka_unit_test(test_role_without_temporary_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
