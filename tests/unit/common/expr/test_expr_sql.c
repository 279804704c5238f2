/* The SQL text and its parameters; that it means the same is tests/integration/30_expressions.sh.
 */
#include "expr_rig.h"

static const char *sql_of(struct rig *rig, const char *text, enum dw_expr_use use,
                          struct dw_expr_sql *sql)
{
    struct dw_buf out;
    if (rig_compile(rig, text, use) != DW_OK)
        return rig->err.message;
    dw_buf_init(&out, 1 << 16);
    assert_int_equal(dw_expr_write_sql(rig->expr, sql, &rig->arena, &out, &rig->err), DW_OK);
    const char *copy = dw_arena_copy(&rig->arena, dw_buf_str(&out)).ptr;
    dw_buf_done(&out);
    return copy;
}

static void test_filter_that_an_index_can_serve(void **state)
{
    static const char *const pairs[][2] = {
        {"name eq 'a'", "(\"name\" = $1::text)"},
        {"name eq 'a' and count gt 5", "((\"name\" = $1::text) AND (\"count\" > $2::int8))"},
        {"name in ('a','b')", "(\"name\" = ANY (ARRAY[$1::text, $2::text]))"},
        {"big ne 5", "(\"big\" IS DISTINCT FROM $1::int8)"},
        {"name eq null", "(\"name\" IS NULL)"},
        {"doc eq null", "(\"doc\" IS NOT DISTINCT FROM NULL)"},
        {"blocked", "\"blocked\""},
        {"amount gt 5", "(\"amount\" > $1::numeric)"}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct dw_expr_sql sql = {.first_param = 1};
        assert_string_equal(sql_of(rig, pairs[i][0], DW_EXPR_FILTER, &sql), pairs[i][1]);
    }
}

static void test_null_and_false_are_told_apart_where_it_matters(void **state)
{
    static const char *const pairs[][2] = {
        {"not (name eq 'a')", "(NOT (\"name\" IS NOT DISTINCT FROM $1::text))"},
        {"not (count gt 5)", "(NOT COALESCE(\"count\" > $1::int8, FALSE))"},
        {"name ne 'a'", "(\"name\" IS DISTINCT FROM $1::text)"},
        {"not (count in (1,null))", "(NOT COALESCE(\"count\" = ANY (ARRAY[$1::int8]), TRUE))"},
        {"name eq Größe and true",
         "((\"name\" COLLATE \"C\") IS NOT DISTINCT FROM (\"Größe\" COLLATE \"C\"))"},
        {"count gt 5 and count div 2 eq 1",
         "((COALESCE(\"count\" > $1::int8, FALSE) AND ((\"count\"::int8 / $2::int8) IS NOT "
         "DISTINCT FROM $3::int8))) IS TRUE"}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct dw_expr_sql sql = {.first_param = 1};
        assert_string_equal(sql_of(rig, pairs[i][0], DW_EXPR_FILTER, &sql), pairs[i][1]);
    }
}

static void test_case_condition_keeps_null_apart_only_where_something_can_fail(void **state)
{
    struct rig *rig = *state;
    struct dw_expr_sql sql = {.first_param = 1};
    assert_string_equal(sql_of(rig, "case(count gt 5:1)", DW_EXPR_COMPUTE, &sql),
                        "CASE WHEN (\"count\" > $1::int8) THEN $2::int8 END");
    assert_string_equal(sql_of(rig, "case(count gt 5:big add 1)", DW_EXPR_COMPUTE, &sql),
                        "CASE WHEN COALESCE(\"count\" > $1::int8, FALSE) THEN (\"big\"::int8 + "
                        "$2::int8) END");
}

static void test_texts_are_compared_by_bytes(void **state)
{
    static const char *const pairs[][2] = {
        {"name gt 'a'", "((\"name\" COLLATE \"C\") > ($1::text COLLATE \"C\"))"},
        {"Größe eq 'a'", "((\"Größe\" COLLATE \"C\") = ($1::text COLLATE \"C\"))"},
        {"code eq 'a'", "((\"code\"::text COLLATE \"C\") = ($1::text COLLATE \"C\"))"},
        {"mood eq 'ok'", "((\"mood\"::text COLLATE \"C\") = ($1::text COLLATE \"C\"))"}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct dw_expr_sql sql = {.first_param = 1};
        assert_string_equal(sql_of(rig, pairs[i][0], DW_EXPR_FILTER, &sql), pairs[i][1]);
    }
}

static void test_literals_are_parameters_and_names_are_quoted(void **state)
{
    struct rig *rig = *state;
    struct dw_expr_sql sql = {.qualifier = DW_STR_LIT("t."), .first_param = 4};
    const char *text =
        sql_of(rig, "concat(\"Order \"\"No\"\"\",'''; DROP TABLE x; --')", DW_EXPR_COMPUTE, &sql);
    assert_string_equal(text,
                        "((t.\"Order \"\"No\"\"\" COLLATE \"C\") || ($4::text COLLATE \"C\"))");
    assert_int_equal(sql.param_count, 1);
    assert_string_equal(sql.params[0].ptr, "'; DROP TABLE x; --");
}

static void test_literals_come_from_settings_for_copy(void **state)
{
    struct rig *rig = *state;
    struct dw_expr_sql sql = {
        .qualifier = DW_STR_LIT("t."), .first_param = 1, .setting = "dualwrite.filter"};
    const char *text = sql_of(rig, "concat(\"Order \"\"No\"\"\",'a''b')", DW_EXPR_COMPUTE, &sql);
    assert_string_equal(text, "((t.\"Order \"\"No\"\"\" COLLATE \"C\") || "
                              "(current_setting('dualwrite.filter1')::text COLLATE \"C\"))");
    assert_string_equal(sql.params[0].ptr, "a'b");
}

/* That these compute the same is for the integration test; here that each has a form. */
static void test_every_operation_has_a_form(void **state)
{
    static const char *const pairs[][2] = {
        {"rate", "\"rate\"::text::numeric"},
        {"local", "(\"local\" AT TIME ZONE 'UTC')"},
        {"count in (null)", "(\"count\" IS NULL)"},
        {"(count add 1) eq null", "((\"count\"::int8 + $1::int8) IS NULL)"},
        {"case(blocked:1,true:2)", "CASE WHEN \"blocked\" THEN $1::int8 ELSE $2::int8 END"},
        {"changed add duration'-P1DT1.5S'",
         "(((\"changed\" AT TIME ZONE 'UTC') + $1::interval) AT TIME ZONE 'UTC')"},
        {"totalseconds(born sub born)",
         "((extract(epoch FROM \"born\") - extract(epoch FROM \"born\")))"},
        {"amount mod 2", "mod(\"amount\", $1::numeric)"},
        {"-amount", "(- \"amount\")"},
        {"cast(doc,Edm.String)",
         "(CASE WHEN \"doc\" IS DISTINCT FROM NULL THEN concat(\"doc\") END COLLATE \"C\")"},
        {"cast(name,Edm.Int16)", "regexp_replace((\"name\" COLLATE \"C\"), "
                                 "'^(?!([+-]?[0-9]+)$).*', 'x')::int2::int8"},
        {"cast(name,Edm.Boolean)", "regexp_replace((\"name\" COLLATE \"C\"), "
                                   "'^(?!(true|false)$).*', 'x')::boolean"},
        {"cast(amount,Edm.Int32)", "(\"amount\")::int4::int8"},
        {"cast(amount,Edm.String)", "((\"amount\")::text COLLATE \"C\")"},
        {"cast(count,Edm.Decimal)", "(\"count\"::int8)::numeric"},
        {"date(changed)", "(\"changed\" AT TIME ZONE 'UTC')::date"},
        {"cast(born,Edm.DateTimeOffset)", "((\"born\")::timestamp AT TIME ZONE 'UTC')"},
        {"substring(name,1)",
         "substr((\"name\" COLLATE \"C\"), int8smaller(int8larger($1::int8, 0), "
         "1000000000)::int4 + 1)"},
        {"round(amount,2)", "round(\"amount\", 2)"},
        {"second(changed)", "floor(extract(second FROM (\"changed\" AT TIME ZONE 'UTC')))::int8"},
        {"hour(opens)", "extract(hour FROM \"opens\")::int8"},
        {"endswith(name,'x')", "starts_with(reverse((\"name\" COLLATE \"C\")), "
                               "reverse(($1::text COLLATE \"C\")))"}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct dw_expr_sql sql = {.first_param = 1};
        assert_string_equal(sql_of(rig, pairs[i][0], DW_EXPR_COMPUTE, &sql), pairs[i][1]);
    }
}

static void test_interval_parameter_has_whole_days_apart(void **state)
{
    struct rig *rig = *state;
    struct dw_expr_sql sql = {.first_param = 1};
    (void)sql_of(rig, "changed sub duration'P1DT1.5S'", DW_EXPR_COMPUTE, &sql);
    assert_string_equal(sql.params[0].ptr, "-1 days -1.500000 seconds");
}

static void test_constants_are_written_once_computed(void **state)
{
    struct rig *rig = *state;
    struct dw_expr_sql sql = {.first_param = 1};
    assert_string_equal(sql_of(rig, "born add duration'P2D'", DW_EXPR_COMPUTE, &sql),
                        "(\"born\" + $1::int4)");
    assert_string_equal(sql.params[0].ptr, "2");
    assert_string_equal(sql_of(rig, "count mul (2 add 3)", DW_EXPR_COMPUTE, &sql),
                        "(\"count\"::int8 * $1::int8)");
    assert_string_equal(sql.params[0].ptr, "5");
    assert_string_equal(sql_of(rig, "1 eq 2", DW_EXPR_COMPUTE, &sql), "FALSE");
    assert_int_equal(sql.param_count, 0);
    assert_string_equal(sql_of(rig, "cast(null,Edm.Date)", DW_EXPR_COMPUTE, &sql), "NULL::date");
}

static void test_buffer_that_overflows_is_an_error(void **state)
{
    struct rig *rig = *state;
    struct dw_expr_sql sql = {.first_param = 1};
    struct dw_buf out;
    assert_int_equal(rig_compile(rig, "name eq 'a' or name eq 'b'", DW_EXPR_FILTER), DW_OK);
    dw_buf_init(&out, 20);
    assert_int_equal(dw_expr_write_sql(rig->expr, &sql, &rig->arena, &out, &rig->err), DW_CONFIG);
    assert_string_equal(rig->err.id, "DW-EXPR-007");
    dw_buf_done(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_filter_that_an_index_can_serve),
        TEST(test_null_and_false_are_told_apart_where_it_matters),
        TEST(test_case_condition_keeps_null_apart_only_where_something_can_fail),
        TEST(test_texts_are_compared_by_bytes),
        TEST(test_literals_are_parameters_and_names_are_quoted),
        TEST(test_literals_come_from_settings_for_copy),
        TEST(test_every_operation_has_a_form),
        TEST(test_interval_parameter_has_whole_days_apart),
        TEST(test_constants_are_written_once_computed),
        TEST(test_buffer_that_overflows_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
