/* test_sync_table.c - the SQL of chunks, rows as events have them, and tables that cannot be
 * walked. */
#include "producer/initial_sync/sync_table.h"

#include "common/base/hash.h"
#include "common/postgres/pg_table.h"
#include "common/state/state.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char document[] =
    "{\"map\":\"m\",\"version\":\"1.0.0\","
    "\"source\":{\"system\":\"erp\",\"table\":\"public.t\",\"key\":[\"b\",\"a\"]},"
    "\"target\":{\"system\":\"crm\",\"table\":\"public.u\",\"key\":[\"b\",\"a\"]},"
    "\"columns\":[{\"source\":\"no\\\"te\",\"target\":\"note\"}]}";

static struct dw_pg_column columns[] = {
    {.name = {"a", 1},
     .number = 1,
     .base_oid = 1700,
     .base_type_sql = {"pg_catalog.\"numeric\"", 20},
     .not_null = true,
     .can_select = true},
    {.name = {"b", 1},
     .number = 2,
     .base_oid = 25,
     .base_type_sql = {"pg_catalog.text", 15},
     .collation_sql = {"pg_catalog.\"C\"", 14},
     .not_null = true,
     .can_select = true},
    {.name = {"no\"te", 5},
     .number = 3,
     .base_oid = 25,
     .base_type_sql = {"pg_catalog.text", 15},
     .can_select = true},
};
static const int16_t index_columns[] = {1, 2};
static struct dw_pg_index indexes[] = {
    {.columns = index_columns, .column_count = 2, .immediate = true, .usable = true}};
static const struct dw_map_record record = {.name = "m", .revision = 7, .document = document};

static struct dw_pg_table table_of(size_t index_count)
{
    return (struct dw_pg_table){.schema = {"public", 6},
                                .table = {"t", 1},
                                .columns = columns,
                                .column_count = 3,
                                .indexes = indexes,
                                .index_count = index_count};
}

static struct dw_sync_table *made(void)
{
    struct dw_pg_table source = table_of(1);
    struct dw_err err = DW_ERR_INIT;
    struct dw_sync_table *table = NULL;
    assert_int_equal(dw_sync_table_new(&table, &record, &source, NULL, &err), DW_OK);
    return table;
}

static void test_rows_are_read_in_the_order_of_the_index(void **state)
{
    (void)state;
    struct dw_sync_table *table = made();
    struct dw_buf sql;
    dw_buf_init(&sql, 65536);
    dw_sync_table_sql_rows(
        table, &(struct dw_sync_scope){.has_lower = true, .has_upper = true, .limit = 5}, &sql);
    assert_string_equal(
        sql.data, "COPY (SELECT t.\"b\", t.\"a\", t.\"no\"\"te\" FROM \"public\".\"t\" t WHERE "
                  "(t.\"a\", t.\"b\") >"
                  " (current_setting('dualwrite.lower1')::pg_catalog.\"numeric\","
                  " current_setting('dualwrite.lower0')::pg_catalog.text) AND (t.\"a\", t.\"b\") <="
                  " (current_setting('dualwrite.upper1')::pg_catalog.\"numeric\","
                  " current_setting('dualwrite.upper0')::pg_catalog.text)"
                  " ORDER BY t.\"a\", t.\"b\" LIMIT 5) TO STDOUT");
    sql.len = 0;
    dw_sync_table_sql_rows(table, &(struct dw_sync_scope){.limit = 5}, &sql);
    assert_string_equal(sql.data,
                        "COPY (SELECT t.\"b\", t.\"a\", t.\"no\"\"te\" FROM \"public\".\"t\" t"
                        " ORDER BY t.\"a\", t.\"b\" LIMIT 5) TO STDOUT");
    dw_buf_done(&sql);
    dw_sync_table_free(table);
}

/* The same map with a filter. */
static struct dw_sync_table *filtered(const char *filter, const char *choice)
{
    struct dw_pg_table source = table_of(1);
    struct dw_err err = DW_ERR_INIT;
    struct dw_sync_table *table = NULL;
    struct dw_arena arena;
    dw_arena_init(&arena, 1024);
    const char *text = dw_arena_printf(&arena,
                                       "{\"map\":\"m\",\"source\":{\"system\":\"erp\",\"table\":"
                                       "\"public.t\",\"key\":[\"b\",\"a\"],\"filter\":\"%s\"},"
                                       "\"target\":{\"system\":\"crm\",\"table\":\"public.u\","
                                       "\"key\":[\"b\",\"a\"]}}",
                                       filter);
    const struct dw_map_record with = {.name = "m", .revision = 7, .document = text};
    assert_int_equal(dw_sync_table_new(&table, &with, &source, choice, &err), DW_OK);
    dw_arena_done(&arena);
    return table;
}

static void test_filter_is_read_by_the_source(void **state)
{
    (void)state;
    struct dw_sync_table *table = filtered("a in (1,2) and b ne 'it''s \\\\ \\\"'", NULL);
    struct dw_buf sql;
    dw_buf_init(&sql, 1 << 16);
    assert_non_null(table->filter.sql.ptr);
    assert_null(strstr(table->filter.sql.ptr, "it's"));
    assert_string_equal(table->filter.values, "{\"1\",\"2\",\"it's \\\\ \\\"\"}");
    dw_sync_table_sql_rows(table, &(struct dw_sync_scope){.limit = 5}, &sql);
    assert_non_null(strstr(sql.data, " t WHERE (("));
    assert_non_null(strstr(sql.data, "current_setting('dualwrite.filter3')"));
    sql.len = 0;
    dw_sync_table_sql_rows(table, &(struct dw_sync_scope){.has_lower = true, .limit = 5}, &sql);
    assert_non_null(strstr(sql.data, ") AND (("));
    sql.len = 0;
    dw_sync_table_sql_outside(table, &(struct dw_sync_scope){.has_upper = true}, &sql);
    assert_non_null(strstr(sql.data, ") IS NOT TRUE AND (t."));
    sql.len = 0;
    dw_sync_table_sql_keys(table, &sql); /* whoever left it is looked at by the consumer */
    assert_null(strstr(sql.data, "dualwrite.filter"));
    dw_buf_done(&sql);
    dw_sync_table_free(table);
}

static void test_choice_stands_beside_the_filter(void **state)
{
    (void)state;
    struct dw_sync_table *table = filtered("a gt 1", "b eq 'x' or 1 div a gt 0");
    struct dw_buf sql;
    dw_buf_init(&sql, 1 << 16);
    assert_string_equal(table->filter.values, "{\"1\"}");
    assert_string_equal(table->choice.values, "{\"x\",\"1\",\"0\"}");
    dw_sync_table_sql_rows(table, &(struct dw_sync_scope){.has_upper = true, .limit = 5}, &sql);
    const char *filter = strstr(sql.data, "current_setting('dualwrite.filter1')");
    const char *choice = strstr(sql.data, "current_setting('dualwrite.choice1')");
    assert_non_null(filter);
    assert_true(choice > filter);
    dw_sync_table_free(table);
    table = filtered("a gt 1", NULL);
    assert_null(table->choice.sql.ptr);
    dw_buf_done(&sql);
    dw_sync_table_free(table);
}

static void test_choice_of_an_unknown_column_is_refused(void **state)
{
    (void)state;
    struct dw_pg_table source = table_of(1);
    struct dw_err err = DW_ERR_INIT;
    struct dw_sync_table *table = NULL;
    assert_int_equal(dw_sync_table_new(&table, &record, &source, "nothing eq 1", &err), DW_CONFIG);
    assert_non_null(strstr(err.message, "nothing"));
}

/* Only keys within the bounds may be called extra, compared as the column is. */
static void test_absent_keys_are_looked_for_within_the_bounds(void **state)
{
    (void)state;
    struct dw_sync_table *table = made();
    struct dw_buf sql;
    dw_buf_init(&sql, 1 << 16);
    dw_sync_table_sql_absent(table, &(struct dw_sync_scope){.limit = 0}, &sql);
    assert_null(strstr(sql.data, "dualwrite.lower"));
    sql.len = 0;
    dw_sync_table_sql_absent(
        table, &(struct dw_sync_scope){.has_lower = true, .lower_in = true, .has_upper = true},
        &sql);
    assert_non_null(strstr(sql.data, ") AND (k.k1, k.k0 COLLATE pg_catalog.\"C\") >= (current_"
                                     "setting('dualwrite.lower1')"));
    assert_non_null(strstr(sql.data, " AND (k.k1, k.k0 COLLATE pg_catalog.\"C\") <= ("));
    dw_buf_done(&sql);
    dw_sync_table_free(table);
}

static void test_filter_that_can_fail_is_left_to_the_consumer(void **state)
{
    (void)state;
    struct dw_sync_table *table = filtered("1 div a gt 0", NULL);
    assert_null(table->filter.sql.ptr);
    dw_sync_table_free(table);
}

static void test_values_are_set_as_parameters(void **state)
{
    (void)state;
    struct dw_sync_table *table = made();
    struct dw_buf sql;
    dw_buf_init(&sql, 65536);
    dw_sync_table_sql_set(table, DW_SYNC_LOWER, &sql);
    assert_string_equal(sql.data, "SELECT set_config('dualwrite.lower0', $1, false),"
                                  " set_config('dualwrite.lower1', $2, false)");
    dw_buf_done(&sql);
    dw_sync_table_free(table);
}

static void test_rows_look_like_the_streams(void **state)
{
    (void)state;
    struct dw_sync_table *table = made();
    struct dw_buf out;
    dw_buf_init(&out, 65536);
    struct dw_str fields[] = {
        {"k", 1}, {"1.50", 4}, {NULL, 0}}; /* b, a, note: as events have them */
    dw_sync_table_encode_row(table, fields, &out);
    assert_string_equal(out.data, "{\"b\":\"k\",\"a\":\"1.50\",\"no\\\"te\":null}");
    out.len = 0;
    struct dw_str keys[] = {{"k", 1}, {"1.50", 4}};
    dw_sync_table_encode_key(table, keys, &out);
    assert_string_equal(out.data, "{\"b\":\"k\",\"a\":\"1.50\"}");
    dw_buf_done(&out);
    dw_sync_table_free(table);
}

static void test_numeric_keys_are_routed_without_their_scale(void **state)
{
    (void)state;
    static const char routed[] = "{\"b\":\"k\",\"a\":\"1.5\"}";
    struct dw_sync_table *table = made();
    struct dw_buf scratch;
    dw_buf_init(&scratch, 65536);
    struct dw_str keys[] = {{"k", 1}, {"1.500", 5}};
    assert_int_equal(dw_sync_table_route(table, DW_STR_LIT("{}"), keys, &scratch),
                     dw_hash_murmur2(routed, sizeof routed - 1));
    dw_buf_done(&scratch);
    dw_sync_table_free(table);
}

static void assert_refused(struct dw_pg_table *source, const char *id, const char *word)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_sync_table *table = NULL;
    assert_int_equal(dw_sync_table_new(&table, &record, source, NULL, &err), DW_CONFIG);
    assert_string_equal(err.id, id);
    assert_non_null(strstr(err.message, word));
}

static void test_a_table_without_a_usable_key_is_refused(void **state)
{
    (void)state;
    struct dw_pg_table source = table_of(0);
    assert_refused(&source, "DW-SYNC-001", "no unique index");
    source = table_of(1);
    columns[0].not_null = false;
    assert_refused(&source, "DW-SYNC-001", "may be null");
    columns[0].not_null = true;
}

static void test_a_column_that_is_gone_or_hidden_is_named(void **state)
{
    (void)state;
    struct dw_pg_table source = table_of(1);
    source.column_count = 2;
    assert_refused(&source, "DW-SYNC-002", "no\"te");
    source.column_count = 3;
    columns[2].can_select = false;
    assert_refused(&source, "DW-SYNC-002", "privilege");
    columns[2].can_select = true;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_read_in_the_order_of_the_index),
        cmocka_unit_test(test_values_are_set_as_parameters),
        cmocka_unit_test(test_filter_is_read_by_the_source),
        cmocka_unit_test(test_choice_stands_beside_the_filter),
        cmocka_unit_test(test_choice_of_an_unknown_column_is_refused),
        cmocka_unit_test(test_absent_keys_are_looked_for_within_the_bounds),
        cmocka_unit_test(test_filter_that_can_fail_is_left_to_the_consumer),
        cmocka_unit_test(test_rows_look_like_the_streams),
        cmocka_unit_test(test_numeric_keys_are_routed_without_their_scale),
        cmocka_unit_test(test_a_table_without_a_usable_key_is_refused),
        cmocka_unit_test(test_a_column_that_is_gone_or_hidden_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
