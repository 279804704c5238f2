/* test_compare_plan.c - by hashes or by rows: decided from map and catalogues, with the reason. */
#include "reconciler/compare/compare_plan.h"

#include "reconciler/compare/compare_share.h"
#include "reconciler/compare/compare_sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdio.h>

static struct dw_arena arena;

static struct dw_pg_column column(const char *name, int16_t number, uint32_t oid, const char *type,
                                  char category)
{
    return (struct dw_pg_column){
        .name = dw_str_from(name),
        .number = number,
        .type_oid = oid,
        .base_oid = oid,
        .typmod = -1,
        .type = dw_str_from(type),
        .base_type_sql = dw_str_from(dw_arena_printf(&arena, "pg_catalog.%s", type)),
        .type_kind = 'b',
        .category = category,
        .not_null = number == 1,
        .deterministic = true,
        .can_select = true,
        .can_insert = true,
        .can_update = true,
    };
}

static const int16_t key_number[] = {1};
static const struct dw_pg_index key_index[] = {{.name = {"pk", 2},
                                                .columns = key_number,
                                                .column_count = 1,
                                                .primary = true,
                                                .immediate = true,
                                                .usable = true}};

static struct dw_pg_table table(struct dw_pg_column *columns, size_t count)
{
    return (struct dw_pg_table){.oid = 1,
                                .schema = DW_STR_LIT("public"),
                                .table = DW_STR_LIT("t"),
                                .kind = 'r',
                                .columns = columns,
                                .column_count = count,
                                .indexes = key_index,
                                .index_count = 1};
}

static const char *const collations[] = {"C"};

struct wanted {
    const char *rest; /* of the map's document */
    const char *why;  /* not by hash; "": by hash */
    const char *why_no_extra;
};

static const struct dw_table_map *parse(const char *name, const char *filter, const char *rest)
{
    struct dw_map_problems problems = {.arena = &arena};
    const char *document = dw_arena_printf(
        &arena,
        "{\"map\":\"%s\",\"version\":\"1.0.0\",\"source\":{\"system\":\"erp\",\"table\":"
        "\"public.t\",\"key\":[\"id\"]%s},\"target\":{\"system\":\"crm\",\"table\":\"public.t\","
        "\"key\":[\"id\"]},\"direction\":\"forward\"%s}",
        name, filter ? dw_arena_printf(&arena, ",\"filter\":\"%s\"", filter) : "", rest);
    const struct dw_table_map *map =
        dw_table_map_parse(dw_str_from(document), "test", &arena, &problems);
    if (!map)
        fail_msg("%s: %s", document, problems.count ? problems.items[0].message.ptr : "");
    return map;
}

/* Source: id int, name text, n numeric, b bool; target: the same and a flag. */
static enum dw_rc plan(const char *rest, const char *filter, const char *forced,
                       const struct dw_compare_other *other, struct dw_compare_plan *out,
                       struct dw_err *err)
{
    static struct dw_pg_column source[4];
    static struct dw_pg_column target[5];
    static struct dw_pg_table tables[2];
    source[0] = target[0] = column("id", 1, 23, "int4", 'N');
    source[1] = target[1] = column("name", 2, 25, "text", 'S');
    source[2] = target[2] = column("n", 3, 1700, "numeric", 'N');
    source[3] = target[3] = column("b", 4, 16, "bool", 'B');
    target[4] = column("gone", 5, 23, "int4", 'N');
    tables[0] = table(source, 4);
    tables[1] = table(target, 5);
    struct dw_compare_question asked = {
        .map = parse("m", strstr(rest, "on_filter_exit") ? "name eq 'x'" : NULL, rest),
        .source = &tables[0],
        .target = &tables[1],
        .source_collations = collations,
        .target_collations = collations,
        .filter = filter,
        .forced_way = forced,
        .others = other,
        .other_count = other ? 1 : 0,
    };
    return dw_compare_plan_make(out, &asked, &arena, err);
}

/* A table of its key alone; a bpchar has 6 characters. */
static enum dw_rc plan_of_keys(const char *from, uint32_t from_oid, const char *to, uint32_t to_oid,
                               struct dw_compare_plan *out, struct dw_err *err)
{
    static struct dw_pg_column source[1];
    static struct dw_pg_column target[1];
    static struct dw_pg_table tables[2];
    source[0] = column("id", 1, from_oid, from, 'S');
    target[0] = column("id", 1, to_oid, to, 'S');
    target[0].typmod = to_oid == 1042 ? 10 : -1;
    tables[0] = table(source, 1);
    tables[1] = table(target, 1);
    const struct dw_compare_question asked = {
        .map = parse("m", NULL, ""),
        .source = &tables[0],
        .target = &tables[1],
        .source_collations = collations,
        .target_collations = collations,
        .forced_way = "",
    };
    return dw_compare_plan_make(out, &asked, &arena, err);
}

#define NAME "{\"source\":\"name\",\"target\":\"name\"}"

static const struct wanted maps[] = {
    {",\"columns\":[" NAME "]", "", ""},
    {",\"columns\":[" NAME ",{\"source\":\"n\",\"target\":\"n\",\"default_when_null\":1}]", "", ""},
    {",\"columns\":[{\"source\":\"name\",\"target\":\"name\",\"values\":{\"a\":\"b\",\"c\":null}}]",
     "", ""},
    {",\"columns\":[{\"target\":\"name\",\"default\":\"x\"}]", "", ""},
    {",\"columns\":[{\"target\":\"name\",\"compute\":\"concat(name, '!')\"}]", "", ""},
    {",\"columns\":[{\"target\":\"n\",\"compute\":\"n div id\"}]",
     "column n is computed in a way that SQL may fail at", ""},
    {",\"columns\":[{\"source\":\"n\",\"target\":\"name\"}]",
     "column name is converted in a way that SQL has not", ""},
    {",\"columns\":[" NAME "],\"on_delete\":\"ignore\"", "on_delete is \"ignore\"",
     "on_delete is \"ignore\": rows of deleted ones stay"},
    {",\"columns\":[" NAME "],\"on_filter_exit\":\"delete\"", "", ""},
    {",\"columns\":[" NAME "],\"on_filter_exit\":\"keep\"", "on_filter_exit is \"keep\"", ""},
    {",\"columns\":[" NAME "],\"on_delete\":{\"set\":\"gone\",\"to\":1,\"live\":0}", "", ""},
    {",\"columns\":[" NAME ",{\"source\":\"n\",\"target\":\"n\",\"lookup\":{\"table\":\"public.l\","
     "\"key\":[\"id\"],\"column\":\"n\"}}]",
     "column n has a lookup", ""},
};

static void test_each_map_has_its_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        struct dw_compare_plan made;
        struct dw_err err = DW_ERR_INIT;
        if (plan(maps[i].rest, NULL, "", NULL, &made, &err) != DW_OK)
            fail_msg("%s: %s", maps[i].rest, err.message);
        assert_string_equal(made.why_rows, maps[i].why);
        assert_int_equal(made.by_hash, !*maps[i].why);
        assert_string_equal(made.why_no_extra, maps[i].why_no_extra);
    }
}

static void test_both_sides_have_as_many_elements(void **state)
{
    (void)state;
    struct dw_compare_plan made;
    struct dw_err err = DW_ERR_INIT;
    assert_int_equal(plan(",\"columns\":[" NAME "]", NULL, "", NULL, &made, &err), DW_OK);
    assert_string_equal(made.source.hash,
                        "coalesce(pg_catalog.hashtextextended(((t.\"name\")::pg_catalog.text"
                        " COLLATE pg_catalog.\"C\"), 1), 1) OPERATOR(pg_catalog.#)"
                        " coalesce(pg_catalog.hashint8extended((t.\"id\")::pg_catalog.int8, 2)"
                        " OPERATOR(pg_catalog.#) (t.\"id\")::pg_catalog.int8, 2)");
    assert_string_equal(made.target.hash, made.source.hash);
    assert_int_equal(made.source.param_count, 0);
    assert_true(made.target_order);
}

static void test_a_filter_of_the_run_goes_to_both_sides(void **state)
{
    (void)state;
    struct dw_compare_plan made;
    struct dw_err err = DW_ERR_INIT;
    assert_int_equal(plan(",\"columns\":[" NAME "]", "name eq 'x'", "", NULL, &made, &err), DW_OK);
    assert_true(made.by_hash);
    assert_non_null(strstr(made.source.filter, "t.\"name\""));
    assert_non_null(strstr(made.target.filter, "t.\"name\" AS \"name\""));
    assert_int_equal(made.source.filter_param_count, 1);
    assert_int_equal(plan(",\"columns\":[" NAME "]", "b eq true", "", NULL, &made, &err), DW_OK);
    assert_false(made.by_hash); /* b is not in the target */
    assert_false(made.finds_extra);
    assert_int_equal(plan(",\"columns\":[" NAME "]", "n div id eq 1", "", NULL, &made, &err),
                     DW_CONFIG);
    assert_string_equal(err.id, "DW-COMPARE-003");
}

static void test_a_forced_way_is_taken_or_refused(void **state)
{
    (void)state;
    struct dw_compare_plan made;
    struct dw_err err = DW_ERR_INIT;
    assert_int_equal(plan(",\"columns\":[" NAME "]", NULL, "rows", NULL, &made, &err), DW_OK);
    assert_false(made.by_hash);
    assert_true(made.finds_extra);
    assert_int_equal(
        plan(",\"columns\":[{\"source\":\"n\",\"target\":\"name\"}]", NULL, "hash", 0, &made, &err),
        DW_CONFIG);
    assert_string_equal(err.id, "DW-COMPARE-004");
}

struct beside {
    const char *filter, *rest;
    enum dw_map_state state;
    const char *why_no_extra;
    const char *owned;
};

static const struct beside others[] = {
    {"name eq 'y'", "", DW_MAP_RUNNING, "",
     "(((t.\"name\" = $1::text)) OR ((t.\"name\" = $2::text)))"},
    {"name eq 'y'", "", DW_MAP_STOPPED, "",
     "(((t.\"name\" = $1::text)) OR ((t.\"name\" = $2::text)))"},
    {"n div id eq 1", "", DW_MAP_RUNNING, "", ""},
    {"name eq 'y'", ",\"on_filter_exit\":\"keep\"", DW_MAP_RUNNING, "", ""},
    {"name eq 'y'", ",\"on_delete\":\"ignore\"", DW_MAP_RUNNING,
     "map o writes the same table, and leaves rows there whose source rows are deleted", ""},
    {"name eq 'y'", "", DW_MAP_PAUSED,
     "map o writes the same table and is paused: what it has yet to remove is not known", ""},
    {NULL, "", DW_MAP_RUNNING,
     "map o writes the same table, and not by a filter over the same source rows", ""},
};

static void test_rows_of_a_shared_table_have_owners(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const struct dw_map_record record = {.state = others[i].state};
        const struct dw_compare_other other = {parse("o", others[i].filter, others[i].rest),
                                               &record};
        struct dw_compare_plan made;
        struct dw_err err = DW_ERR_INIT;
        assert_int_equal(plan(",\"columns\":[" NAME "],\"on_filter_exit\":\"delete\"", NULL, "",
                              &other, &made, &err),
                         DW_OK);
        assert_string_equal(made.why_rows, "other maps write the same table");
        assert_string_equal(made.why_no_extra, others[i].why_no_extra);
        assert_int_equal(made.finds_extra, !*others[i].why_no_extra);
        assert_string_equal(made.owned.filter, others[i].owned);
        assert_int_equal(made.owned.param_count, *others[i].owned ? 2 : 0);
    }
}

static void test_rows_outside_of_the_filter_are_not_owned(void **state)
{
    (void)state;
    struct dw_compare_plan made;
    struct dw_err err = DW_ERR_INIT;
    const char *rest = ",\"columns\":[" NAME "],\"on_filter_exit\":\"delete\"";
    assert_int_equal(plan(rest, NULL, "", NULL, &made, &err), DW_OK);
    assert_string_equal(made.owned.filter, made.source.filter);
    assert_int_equal(made.owned.param_count, 1);
    rest = ",\"columns\":[" NAME "],\"on_filter_exit\":\"keep\"";
    assert_int_equal(plan(rest, NULL, "", NULL, &made, &err), DW_OK);
    assert_string_equal(made.owned.filter, "");
    assert_true(made.finds_extra);
}

static void test_keys_that_fold_are_read(void **state)
{
    (void)state;
    struct dw_compare_plan made;
    struct dw_err err = DW_ERR_INIT;
    struct dw_buf sql;
    assert_int_equal(plan_of_keys("text", 25, "bpchar", 1042, &made, &err), DW_OK);
    assert_true(made.keys[0].folds);
    assert_int_equal(made.keys[0].length, 6);
    assert_false(made.by_hash);
    dw_buf_init(&sql, 65536);
    dw_compare_sql_absent(&made, &sql);
    assert_non_null(strstr(sql.data, "generate_series(0, 6 - pg_catalog.length"));
    dw_buf_done(&sql);
    assert_int_equal(plan_of_keys("bpchar", 1042, "bpchar", 1042, &made, &err), DW_OK);
    assert_false(made.keys[0].folds);
    assert_int_equal(plan_of_keys("bpchar", 1042, "text", 25, &made, &err), DW_OK);
    assert_false(made.keys[0].folds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_map_has_its_way),
        cmocka_unit_test(test_both_sides_have_as_many_elements),
        cmocka_unit_test(test_a_filter_of_the_run_goes_to_both_sides),
        cmocka_unit_test(test_a_forced_way_is_taken_or_refused),
        cmocka_unit_test(test_keys_that_fold_are_read),
        cmocka_unit_test(test_rows_of_a_shared_table_have_owners),
        cmocka_unit_test(test_rows_outside_of_the_filter_are_not_owned),
    };
    dw_arena_init(&arena, 65536);
    int failed = cmocka_run_group_tests_name("compare_plan", tests, NULL, NULL);
    dw_arena_done(&arena);
    return failed;
}
