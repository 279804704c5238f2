/* test_check_tables.c - the check's decisions on tables, fed with catalogues made up here. What
 * asks a server is tested against one in tests/integration. */
#include "common/config/document.h"
#include "reconciler/maps/check_columns.h"
#include "reconciler/maps/check_expr.h"
#include "reconciler/maps/check_shared.h"
#include "reconciler/maps/check_source.h"
#include "reconciler/maps/check_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka.h needs the headers above
#include <cmocka.h>

static struct dw_arena arena;
static struct dw_map_problems problems;
static struct dw_system_settings system_settings = {.name = "erp", .slot = "s", .publication = "p"};
static struct dw_check_system server;
static struct dw_check_context context;
static struct dw_map_check_item item;

static const int16_t first_column[] = {1};
static const int16_t second_column[] = {2};
static struct dw_pg_column columns[2];
static struct dw_pg_index index_one;
static struct dw_pg_table table;
static struct dw_check_map map;

static const char map_text[] =
    "{\"map\":\"m\",\"source\":{\"system\":\"erp\",\"table\":\"s.t\",\"key\":[\"id\"]},\n"
    "\"target\":{\"system\":\"crm\",\"table\":\"u\",\"key\":[\"id\"]},\n"
    "\"columns\":[{\"source\":\"name\",\"target\":\"name\"}]}";

/* A map of a good table: id is the primary key, everything is allowed. */
static int setup(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    dw_map_problems_init(&problems, &arena);
    item = (struct dw_map_check_item){.file = DW_STR_LIT("m.json"), .text = dw_str_from(map_text)};
    item.map = dw_table_map_parse(item.text, "m.json", &arena, &problems);
    for (size_t i = 0; i < 2; i++)
        columns[i] = (struct dw_pg_column){.name = i ? DW_STR_LIT("name") : DW_STR_LIT("id"),
                                           .number = (int16_t)(i + 1),
                                           .type = DW_STR_LIT("text"),
                                           .base_type_sql = DW_STR_LIT("pg_catalog.text"),
                                           .category = 'S',
                                           .not_null = true,
                                           .deterministic = true,
                                           .can_select = true};
    index_one = (struct dw_pg_index){.name = DW_STR_LIT("t_pkey"),
                                     .columns = first_column,
                                     .column_count = 1,
                                     .primary = true,
                                     .immediate = true,
                                     .usable = true};
    table = (struct dw_pg_table){.schema = DW_STR_LIT("s"),
                                 .table = DW_STR_LIT("t"),
                                 .kind = 'r',
                                 .replica_identity = 'd',
                                 .can_select = true,
                                 .can_insert = true,
                                 .can_update = true,
                                 .can_delete = true,
                                 .can_truncate = true,
                                 .is_owner = true,
                                 .columns = columns,
                                 .column_count = 2,
                                 .indexes = &index_one,
                                 .index_count = 1};
    server = (struct dw_check_system){.settings = &system_settings,
                                      .user = "u",
                                      .version = 150000,
                                      .wal_level = "logical",
                                      .encoding = "UTF8",
                                      .may_replicate = true};
    context = (struct dw_check_context){.problems = &problems, .arena = &arena};
    struct dw_document_fault fault;
    map = (struct dw_check_map){.item = &item,
                                .map = item.map,
                                .source_system = &server,
                                .target_system = &server,
                                .source = &table,
                                .target = &table};
    return dw_document_parse(item.text, &arena, &map.root, &fault) == DW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    return 0;
}

/* All problems so far are `count`, one of them with this code and place; then forgets them. */
static void expect(size_t count, const char *code, const char *path, unsigned line)
{
    bool found = false;
    for (size_t i = 0; i < problems.count; i++)
        found |= strcmp(problems.items[i].code, code) == 0 &&
                 dw_str_is(problems.items[i].path, path) && problems.items[i].line == line;
    if (!found || problems.count != count)
        dw_map_problems_print(stderr, &problems, false);
    assert_true(found);
    assert_int_equal(problems.count, count);
    dw_map_problems_init(&problems, &arena);
}

static void expect_remedy(const char *sql)
{
    assert_true(problems.count > 0);
    assert_non_null(strstr(problems.items[problems.count - 1].remedy.ptr, sql));
}

static void test_good_table_has_no_problems(void **state)
{
    (void)state;
    dw_check_source_server(&context, &map);
    dw_check_source_table(&context, &map);
    dw_check_target_table(&context, &map);
    dw_check_shared(&context, &map, 1);
    assert_int_equal(problems.count, 0);
    assert_int_equal(item.errors, 0);
}

static void test_server_that_cannot_be_captured(void **state)
{
    (void)state;
    server.wal_level = "replica";
    dw_check_source_server(&context, &map);
    expect(1, "DW-MAP-040", "source.system", 1);
    server.wal_level = "logical";
    server.may_replicate = false;
    dw_check_source_server(&context, &map);
    expect_remedy("ALTER ROLE \"u\" REPLICATION;");
    expect(1, "DW-MAP-041", "source.system", 1);
    server.may_replicate = true;
    server.version = 130010;
    dw_check_source_server(&context, &map);
    expect(1, "DW-MAP-055", "source.system", 1);
    server.version = 140000;
    server.slots_full = true;
    dw_check_source_server(&context, &map);
    expect(1, "DW-MAP-051", "source.system", 1);
    assert_int_equal(item.errors, 3); /* the last one is a warning */
    server.slot_exists = true;
    dw_check_source_server(&context, &map);
    assert_int_equal(problems.count, 0);
}

static void test_identity_that_breaks_the_application(void **state)
{
    (void)state;
    table.replica_identity = 'n';
    dw_check_source_table(&context, &map);
    expect_remedy("REPLICA IDENTITY DEFAULT");
    expect(1, "DW-MAP-032", "source.table", 1);

    table.replica_identity = 'd';
    index_one.primary = false; /* a unique index alone is no default identity */
    dw_check_source_table(&context, &map);
    expect_remedy("ALTER TABLE \"s\".\"t\" REPLICA IDENTITY USING INDEX \"t_pkey\";");
    expect(1, "DW-MAP-032", "source.table", 1);

    table.replica_identity = 'i';
    dw_check_source_table(&context, &map);
    expect(1, "DW-MAP-032", "source.table", 1);
    index_one.replica_identity = true;
    dw_check_source_table(&context, &map);
    assert_int_equal(problems.count, 0);

    index_one = (struct dw_pg_index){.name = DW_STR_LIT("t_pkey"),
                                     .columns = first_column,
                                     .column_count = 1,
                                     .primary = true,
                                     .usable = true};
    table.replica_identity = 'd'; /* deferrable: neither identity nor unique at every moment */
    dw_check_source_table(&context, &map);
    expect(2, "DW-MAP-032", "source.table", 1);
}

static void test_key_outside_the_identity(void **state)
{
    (void)state;
    struct dw_pg_index both[2] = {index_one, index_one};
    both[1].columns = second_column;
    both[1].replica_identity = true;
    table.indexes = both;
    table.index_count = 2;
    table.replica_identity = 'i';
    dw_check_source_table(&context, &map);
    expect(1, "DW-MAP-033", "source.key[0]", 1);
    table.replica_identity = 'f';
    dw_check_source_table(&context, &map);
    assert_int_equal(problems.count, 0);
}

static void test_source_key_null_or_not_unique(void **state)
{
    (void)state;
    table.replica_identity = 'f';
    columns[0].not_null = false;
    dw_check_source_table(&context, &map);
    expect(1, "DW-MAP-030", "source.key[0]", 1);
    columns[0].not_null = true;
    index_one.usable = false; /* partial */
    dw_check_source_table(&context, &map);
    expect(1, "DW-MAP-031", "source.key", 1);
}

static void test_tables_without_a_stream(void **state)
{
    (void)state;
    table.kind = 'v';
    dw_check_source_table(&context, &map);
    expect(1, "DW-MAP-024", "source.table", 1);
    dw_check_target_table(&context, &map);
    expect(1, "DW-MAP-024", "target.table", 2);
    table.kind = 'r';
    table.is_partition = true;
    dw_check_source_table(&context, &map);
    expect(1, "DW-MAP-025", "source.table", 1);
}

static void test_source_privileges_are_warnings(void **state)
{
    (void)state;
    table.can_select = false;
    dw_check_source_table(&context, &map);
    assert_int_equal(problems.count, 0); /* by grants on the columns */
    columns[1].can_select = false;
    table.row_security = true;
    dw_check_source_table(&context, &map);
    assert_int_equal(item.errors, 0);
    expect(2, "DW-MAP-047", "source.table", 1);
}

static void test_target_key_needs_its_own_unique_index(void **state)
{
    (void)state;
    index_one.columns = second_column;
    dw_check_target_table(&context, &map);
    expect_remedy("CREATE UNIQUE INDEX ON \"s\".\"t\" (\"id\");");
    expect(1, "DW-MAP-034", "target.key", 2);
    index_one.columns = first_column;
    index_one.immediate = false;
    dw_check_target_table(&context, &map);
    assert_non_null(strstr(problems.items[0].message.ptr, "deferrable"));
    expect(1, "DW-MAP-034", "target.key", 2);
    index_one.immediate = true;
    index_one.usable = false;
    dw_check_target_table(&context, &map);
    expect(1, "DW-MAP-034", "target.key", 2);
}

static void test_target_privileges_are_those_that_the_map_needs(void **state)
{
    (void)state;
    table.can_insert = table.can_update = table.can_delete = table.can_truncate = false;
    dw_check_target_table(&context, &map);
    expect_remedy("GRANT INSERT, UPDATE, DELETE, TRUNCATE ON \"s\".\"t\" TO \"u\";");
    expect(1, "DW-MAP-048", "target.table", 2);

    struct dw_table_map keeps = *item.map;
    keeps.on_delete = DW_ON_DELETE_IGNORE;
    keeps.on_truncate = DW_ON_TRUNCATE_IGNORE;
    map.map = &keeps;
    dw_check_target_table(&context, &map);
    expect_remedy("GRANT INSERT, UPDATE ON \"s\".\"t\" TO \"u\";");
    expect(1, "DW-MAP-048", "target.table", 2);

    columns[0].can_insert = columns[1].can_insert = true;
    columns[0].can_update = columns[1].can_update = true;
    dw_check_target_table(&context, &map);
    assert_int_equal(problems.count, 0);
    table.row_security = true;
    dw_check_target_table(&context, &map);
    expect(1, "DW-MAP-050", "target.table", 2);
}

static void test_keys_that_fold(void **state)
{
    (void)state;
    bool certain;
    struct dw_pg_column target = columns[0];
    assert_null(dw_check_columns_folding(&columns[0], &target, &certain));
    target.deterministic = false;
    assert_non_null(dw_check_columns_folding(&columns[0], &target, &certain));
    assert_true(certain);
    columns[0].deterministic = false; /* the source folds in the same way */
    assert_null(dw_check_columns_folding(&columns[0], &target, &certain));
    columns[0].deterministic = target.deterministic = true;
    target.base_type_sql = DW_STR_LIT("public.citext");
    assert_non_null(dw_check_columns_folding(&columns[0], &target, &certain));
    assert_null(dw_check_columns_folding(&target, &target, &certain));
    target.base_type_sql = DW_STR_LIT("pg_catalog.int4");
    target.category = 'N';
    assert_non_null(dw_check_columns_folding(&columns[0], &target, &certain));
    assert_null(dw_check_columns_folding(&target, &columns[0], &certain));
    target.base_type_sql = DW_STR_LIT("pg_catalog.bpchar");
    target.category = 'S';
    assert_non_null(dw_check_columns_folding(&columns[0], &target, &certain));
    assert_false(certain);
}

/* --- maps beside each other ------------------------------------------------------------------ */

static struct dw_check_map other_map(struct dw_map_check_item *other, const char *text)
{
    *other = (struct dw_map_check_item){.file = DW_STR_LIT("o.json"), .text = dw_str_from(text)};
    other->map = dw_table_map_parse(other->text, "o.json", &arena, &problems);
    assert_non_null(other->map);
    return (struct dw_check_map){.item = other, .map = other->map};
}

static void test_two_maps_on_one_target_table(void **state)
{
    (void)state;
    static const char text[] =
        "{\"map\":\"o\",\"source\":{\"system\":\"erp\",\"table\":\"x\",\"key\":[\"id\"]},"
        "\"target\":{\"system\":\"crm\",\"table\":\"u\",\"key\":[\"id\"]},"
        "\"on_delete\":\"ignore\",\"on_truncate\":\"ignore\"}";
    struct dw_map_check_item other;
    struct dw_check_map maps[2] = {other_map(&other, text), map};
    dw_check_shared(&context, maps, 2); /* this one deletes */
    expect(1, "DW-MAP-039", "target.table", 2);
    struct dw_check_map applied_last[2] = {map, maps[0]};
    other.applied = true;
    dw_check_shared(&context, applied_last, 2);
    expect(1, "DW-MAP-039", "target.table", 2);
    other.applied = false;
    struct dw_table_map keeps = *item.map;
    keeps.on_delete = DW_ON_DELETE_IGNORE;
    maps[1].map = &keeps;
    dw_check_shared(&context, maps, 2); /* it still truncates */
    expect(1, "DW-MAP-039", "target.table", 2);
    keeps.on_truncate = DW_ON_TRUNCATE_IGNORE;
    dw_check_shared(&context, maps, 2);
    assert_int_equal(problems.count, 0);
    keeps.name = DW_STR_LIT("o");
    dw_check_shared(&context, maps, 2);
    expect(1, "DW-MAP-019", "map", 1);
}

/* Two filters on one source table: the writer keeps whose a row is. */
static void test_two_maps_that_share_by_filters(void **state)
{
    (void)state;
    struct dw_map_check_item other;
    struct dw_check_map maps[2] = {map, map};
    struct dw_table_map mine = *item.map;
    mine.filter = DW_STR_LIT("id gt 5");
    mine.on_truncate = DW_ON_TRUNCATE_IGNORE;
    struct dw_table_map theirs = mine;
    theirs.name = DW_STR_LIT("o");
    other = item;
    maps[0].map = &theirs;
    maps[0].item = &other;
    maps[1].map = &mine;
    table.replica_identity = 'f';
    dw_check_shared(&context, maps, 2);
    assert_int_equal(problems.count, 0);
    table.replica_identity = 'd'; /* what left cannot be told from what was never in */
    dw_check_shared(&context, maps, 2);
    expect_remedy("ALTER TABLE \"s\".\"t\" REPLICA IDENTITY FULL;");
    expect(1, "DW-MAP-039", "target.table", 2);
    table.replica_identity = 'f';
    theirs.on_filter_exit = DW_ON_FILTER_EXIT_SET; /* nobody sets its flag back */
    dw_check_shared(&context, maps, 2);
    expect(1, "DW-MAP-039", "target.table", 2);
    theirs.on_filter_exit = DW_ON_FILTER_EXIT_DELETE;
    theirs.source.table = DW_STR_LIT("elsewhere");
    dw_check_shared(&context, maps, 2);
    expect(1, "DW-MAP-039", "target.table", 2);
}

/* Expressions are reported with their position, at their place in the file. */
static void test_expressions_of_a_map(void **state)
{
    (void)state;
    struct dw_table_map spec = *item.map;
    struct dw_map_column computed = {.target = columns[1].name, .key_index = -1};
    map.map = &spec;
    spec.columns = &computed;
    spec.column_count = 1;
    spec.filter = DW_STR_LIT("nothing eq 1");
    dw_check_expr_filter(&context, &map);
    assert_non_null(strstr(problems.items[0].message.ptr, "1"));
    expect(1, "DW-EXPR-002", "source.filter", 0);
    spec.filter = DW_STR_LIT("id");
    dw_check_expr_filter(&context, &map);
    expect(1, "DW-EXPR-009", "source.filter", 0);
    spec.filter = DW_STR_LIT("id eq null");
    columns[0].toastable = false;
    dw_check_expr_filter(&context, &map);
    assert_int_equal(problems.count, 0);
    columns[0].toastable = true;
    dw_check_expr_filter(&context, &map);
    expect_remedy("ALTER TABLE \"s\".\"t\" REPLICA IDENTITY FULL;");
    expect(1, "DW-MAP-061", "source.filter", 0);
    table.replica_identity = 'f';
    dw_check_expr_filter(&context, &map);
    assert_int_equal(problems.count, 0);
    computed.compute = DW_STR_LIT("length(id) eq");
    dw_check_expr_column(&context, &map, 0, &columns[1]);
    expect(1, "DW-EXPR-001", "columns[0].compute", 0);
    computed.compute = DW_STR_LIT("id eq null");
    columns[1].base_oid = columns[1].type_oid = 1082;
    dw_check_expr_column(&context, &map, 0, &columns[1]);
    expect(1, "DW-MAP-028", "columns[0].compute", 0);
}

static void test_parent_fed_by_no_map_is_a_warning(void **state)
{
    (void)state;
    const struct dw_pg_reference parent = {DW_STR_LIT("fk"), DW_STR_LIT("public"), DW_STR_LIT("p")};
    static const char text[] =
        "{\"map\":\"p\",\"source\":{\"system\":\"erp\",\"table\":\"x\",\"key\":[\"id\"]},"
        "\"target\":{\"system\":\"crm\",\"table\":\"p\",\"key\":[\"id\"]}}";
    struct dw_map_check_item other;
    table.references = &parent;
    table.reference_count = 1;
    dw_check_shared(&context, &map, 1);
    assert_int_equal(item.errors, 0);
    expect(1, "DW-MAP-052", "target.table", 2);
    struct dw_check_map maps[2] = {map, other_map(&other, text)};
    other.applied = true;
    dw_check_shared(&context, maps, 2);
    assert_int_equal(problems.count, 0);
}

static void test_captured_target_needs_loop_marks(void **state)
{
    (void)state;
    static const char text[] =
        "{\"map\":\"b\",\"source\":{\"system\":\"crm\",\"table\":\"x\",\"key\":[\"id\"]},"
        "\"target\":{\"system\":\"dwh\",\"table\":\"p\",\"key\":[\"id\"]}}";
    struct dw_map_check_item other;
    struct dw_check_map maps[2] = {map, other_map(&other, text)};
    dw_check_shared(&context, maps, 2);
    expect(1, "DW-MAP-058", "target.system", 2);
    system_settings.capture = true;
    dw_check_shared(&context, maps, 2);
    system_settings.capture = false;
    assert_int_equal(problems.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good_table_has_no_problems),
        TEST(test_server_that_cannot_be_captured),
        TEST(test_identity_that_breaks_the_application),
        TEST(test_key_outside_the_identity),
        TEST(test_source_key_null_or_not_unique),
        TEST(test_tables_without_a_stream),
        TEST(test_source_privileges_are_warnings),
        TEST(test_target_key_needs_its_own_unique_index),
        TEST(test_target_privileges_are_those_that_the_map_needs),
        TEST(test_keys_that_fold),
        TEST(test_two_maps_on_one_target_table),
        TEST(test_parent_fed_by_no_map_is_a_warning),
        TEST(test_two_maps_that_share_by_filters),
        TEST(test_expressions_of_a_map),
        TEST(test_captured_target_needs_loop_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
