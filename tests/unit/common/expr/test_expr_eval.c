/* Values for a row: functions, null rules, and what fails. */
#include "expr_rig.h"

static void assert_values(struct rig *rig, const char *const (*pairs)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = rig_value(rig, pairs[i][0]);
        if (strcmp(found, pairs[i][1]) != 0)
            fail_msg("%s is %s, not %s (%s)", pairs[i][0], found, pairs[i][1], rig->err.message);
    }
}
#define ASSERT_VALUES(rig, pairs) assert_values((rig), (pairs), sizeof(pairs) / sizeof *(pairs))

static void test_columns_of_every_type(void **state)
{
    static const char *const pairs[][2] = {{"name", "Müller & Söhne"},
                                           {"code", "AB"},
                                           {"amount", "12.50"},
                                           {"count", "7"},
                                           {"big", "9223372036854775807"},
                                           {"rate", "0.1"},
                                           {"blocked", "f"},
                                           {"born", "2024-02-29"},
                                           {"opens", "08:30:00.5"},
                                           {"changed", "2024-01-31 23:59:59.25+00"},
                                           {"local", "2024-01-31 12:00:00+00"},
                                           {"id", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
                                           {"cast(doc,Edm.String)", "{\"a\": 1}"},
                                           {"mood", "ok"},
                                           {"year", "(null)"}};
    ASSERT_VALUES((struct rig *)*state, pairs);
}

static void test_text_functions(void **state)
{
    static const char *const pairs[][2] = {
        {"concat(concat(code,' '),name)", "AB Müller & Söhne"},
        {"concat(code,'-',mood,'-',name)", "AB-ok-Müller & Söhne"},
        {"contains(name,'&')", "t"},
        {"contains(name,'')", "t"},
        {"contains(name,'Muller')", "f"},
        {"startswith(name,'Mü')", "t"},
        {"endswith(name,'öhne')", "t"},
        {"endswith(code,' ')", "f"},
        {"length(name)", "14"},
        {"length(code)", "2"},
        {"indexof(name,'&')", "7"},
        {"indexof(name,'x')", "-1"},
        {"indexof(name,'')", "0"},
        {"substring(name,1)", "üller & Söhne"},
        {"substring(name,1,3)", "üll"},
        {"substring(name,-5,2)", "Mü"},
        {"substring(name,2,-1)", ""},
        {"substring(name,100)", ""},
        {"toupper(name)", "MüLLER & SöHNE"},
        {"tolower('ÄBC[@Z')", "Äbc[@z"},
        {"toupper('abz{`')", "ABZ{`"},
        {"trim(concat(' \t',code,'\n '))", "AB"}};
    ASSERT_VALUES((struct rig *)*state, pairs);
}

static void test_arithmetic(void **state)
{
    static const char *const pairs[][2] = {
        {"count add 1", "8"},      {"count sub 10", "-3"},
        {"count mul 3", "21"},     {"count div 2", "3"},
        {"-count div 2", "-3"},    {"count divby 2", "3.5000000000000000"},
        {"count mod 4", "3"},      {"-count mod 4", "-3"},
        {"amount mul 2", "25.00"}, {"amount div 4", "3.1250000000000000"},
        {"amount mod 5", "2.50"},  {"rate add 0.2", "0.3"},
        {"round(amount)", "13"},   {"round(amount,1)", "12.5"},
        {"floor(-amount)", "-13"}, {"ceiling(-amount)", "-12"},
        {"round(count)", "7"},     {"(-9223372036854775808) mod (count sub 8)", "0"}};
    ASSERT_VALUES((struct rig *)*state, pairs);
}

static void test_dates_and_times(void **state)
{
    static const char *const pairs[][2] = {
        {"year(born)", "2024"},
        {"month(changed)", "1"},
        {"day(changed)", "31"},
        {"hour(opens)", "8"},
        {"minute(opens)", "30"},
        {"second(changed)", "59"},
        {"fractionalseconds(changed)", "0.250000"},
        {"date(changed)", "2024-01-31"},
        {"time(changed)", "23:59:59.25"},
        {"born add duration'P1D'", "2024-03-01"},
        {"born sub duration'P60D'", "2023-12-31"},
        {"changed add duration'PT0.75S'", "2024-02-01 00:00:00+00"},
        {"totalseconds(changed sub local)", "43199.250000"},
        {"totalseconds(born sub 2024-01-31)", "2505600"},
        {"(changed sub local) gt duration'PT12H'", "f"},
        {"cast(born,Edm.DateTimeOffset)", "2024-02-29 00:00:00+00"}};
    ASSERT_VALUES((struct rig *)*state, pairs);
}

static void test_casts(void **state)
{
    static const char *const pairs[][2] = {
        {"cast(Größe,Edm.Int32)", "10"},
        {"cast(Größe,Edm.Decimal)", "10"},
        {"cast(amount,Edm.Int64)", "13"},
        {"cast(amount,Edm.String)", "12.50"},
        {"cast(blocked,Edm.String)", "false"},
        {"cast(changed,Edm.String)", "2024-01-31 23:59:59.25+00"},
        {"cast('true',Edm.Boolean)", "t"},
        {"cast('2024-01-31T10:00:00Z',Edm.DateTimeOffset)", "2024-01-31 10:00:00+00"},
        {"cast(id,Edm.String)", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
        {"cast(' 5',Edm.Int32)", "DW-EXPR-008"},
        {"cast(name,Edm.Int32)", "DW-EXPR-022"},
        {"cast(name,Edm.Date)", "DW-EXPR-022"},
        {"cast(big,Edm.Int32)", "DW-EXPR-021"}};
    ASSERT_VALUES((struct rig *)*state, pairs);
}

/* eq, ne and in treat null as a value; the others are false; logic has three values; every other
 * operation with a null is null. */
static void test_null_rules(void **state)
{
    static const char *const pairs[][2] = {
        {"year eq null", "t"},
        {"year ne null", "f"},
        {"count eq null", "f"},
        {"doc ne null", "t"},
        {"year eq 1", "f"},
        {"year ne 1", "t"},
        {"year eq year", "t"},
        {"year gt 1", "f"},
        {"not (year gt 1)", "t"},
        {"year le year", "f"},
        {"year in (1,2)", "f"},
        {"year in (1,null)", "t"},
        {"count in (1,null)", "f"},
        {"year add 1", "(null)"},
        {"cast(year,Edm.String)", "(null)"},
        {"concat(name,cast(year,Edm.String))", "(null)"},
        {"cast(null,Edm.Boolean) and blocked", "f"},
        {"cast(null,Edm.Boolean) or \"and\"", "t"},
        {"cast(null,Edm.Boolean) or blocked", "(null)"},
        {"contains(cast(year,Edm.String),'1') and true", "(null)"},
        {"not contains(cast(year,Edm.String),'1')", "(null)"},
        {"case(contains(cast(year,Edm.String),'1'):1,true:2)", "2"},
        {"case(blocked:1)", "(null)"},
        {"null eq null", "t"}};
    ASSERT_VALUES((struct rig *)*state, pairs);
}

static void test_comparisons_of_every_type(void **state)
{
    static const char *const pairs[][2] = {
        {"name gt 'M'", "t"},
        {"name lt 'Mz'", "f"},
        {"name ge name", "t"},
        {"'' lt code", "t"},
        {"code in ('A','AB')", "t"},
        {"code in ('A','AB ')", "f"},
        {"count le 7.0", "t"},
        {"count in (1,7.00)", "t"},
        {"amount eq 12.5", "t"},
        {"amount in (12,12.5)", "t"},
        {"blocked lt true", "t"},
        {"born gt 2024-02-28", "t"},
        {"opens ne 08:30:00.500", "f"},
        {"changed ge 2024-02-01T00:59:59.25+01:00", "t"},
        {"local lt changed", "t"},
        {"id gt 00000000-0000-0000-0000-000000000000", "t"},
        {"(changed sub local) eq duration'PT11H59M59.25S'", "t"}};
    ASSERT_VALUES((struct rig *)*state, pairs);
}

/* The value of an expression over one column with this text. */
static const char *value_with(struct rig *rig, const char *text, const char *cell_text)
{
    struct dw_value cell = {DW_VALUE_STRING, dw_str_from(cell_text)};
    struct dw_value value;
    assert_int_equal(rig_compile(rig, text, DW_EXPR_COMPUTE), DW_OK);
    if (dw_expr_compute(rig->expr, &cell, &rig->arena, &value, &rig->err) != DW_OK)
        return rig->err.id;
    return value.kind == DW_VALUE_NULL ? "(null)" : dw_arena_copy(&rig->arena, value.text).ptr;
}

static void test_rare_values(void **state)
{
    static const char *const cases[][3] = {
        {"year(born)", "infinity", "(null)"},
        {"year(born)", "0044-03-15 BC", "-44"},
        {"hour(changed)", "-infinity", "(null)"},
        {"date(changed)", "infinity", "infinity"},
        {"time(changed)", "infinity", "(null)"},
        {"hour(opens)", "24:00:00", "24"},
        {"totalseconds(changed sub 2024-01-01T00:00:00Z)", "-infinity", "-Infinity"},
        {"totalseconds(changed sub changed)", "infinity", "NaN"},
        {"totalseconds(changed sub 1970-01-01T00:00:00Z)", "294276-12-31 23:59:59.999999+00",
         "9224318016000.000000"},
        {"changed add duration'P1D'", "infinity", "infinity"},
        {"born sub duration'P1D'", "4714-11-24 BC", "DW-EXPR-021"},
        {"cast(born,Edm.DateTimeOffset)", "5874897-12-31", "DW-EXPR-021"},
        {"rate add 1", "NaN", "NaN"},
        {"rate gt 1e300", "Infinity", "t"},
        {"cast(rate,Edm.Int32)", "NaN", "DW-EXPR-022"},
        {"rate", "1e-7", "0.0000001"},
        {"cast(name,Edm.Decimal)", "+1.5e3", "1500"},
        {"cast(name,Edm.Decimal)", "1e-1000", "DW-EXPR-022"},
        {"cast(name,Edm.Decimal)", "NaN", "DW-EXPR-022"},
        {"cast(name,Edm.Int64)", "+5", "5"},
        {"cast(name,Edm.Int64)", "-", "DW-EXPR-022"},
        {"cast(name,Edm.Int64)", "9223372036854775808", "DW-EXPR-021"},
        {"cast(name,Edm.Boolean)", "t", "DW-EXPR-022"},
        {"cast(name,Edm.TimeOfDay)", "23:59:59.5", "23:59:59.5"},
        {"cast(name,Edm.Guid)", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
         "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
        {"cast(name,Edm.Guid)", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A1x", "DW-EXPR-022"},
        {"cast(cast(name,Edm.Date),Edm.String)", "2024-02-29", "2024-02-29"},
        {"blocked", "true", "t"}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = value_with(rig, cases[i][0], cases[i][1]);
        if (strcmp(found, cases[i][2]) != 0)
            fail_msg("%s of %s is %s, not %s", cases[i][0], cases[i][1], found, cases[i][2]);
    }
}

static void test_what_fails_on_a_row(void **state)
{
    static const char *const pairs[][2] = {
        {"1 div (count sub 7)", "DW-EXPR-020"},
        {"amount mod (count sub 7)", "DW-EXPR-020"},
        {"big add 1", "DW-EXPR-021"},
        {"big mul count", "DW-EXPR-021"},
        {"(-9223372036854775808) div (count sub 8)", "DW-EXPR-021"},
        {"-(count sub 8 sub big)", "DW-EXPR-021"},
        {"changed add duration'P9999999D' add duration'P9999999D' add duration'P9999999D' add "
         "duration'P9999999D'"
         " add duration'P9999999D' add duration'P9999999D' add duration'P9999999D' add "
         "duration'P9999999D'"
         " add duration'P9999999D' add duration'P9999999D' add duration'P9999999D'",
         "DW-EXPR-021"},
        {"blocked and 1 div (count sub 7) eq 1", "f"}, /* not reached */
        {"case(count eq 7:0,true:1 div (count sub 7))", "0"}};
    ASSERT_VALUES((struct rig *)*state, pairs);
}

static void test_error_names_position_and_operation_but_no_value(void **state)
{
    struct rig *rig = *state;
    assert_string_equal(rig_value(rig, "Größe ne '' and 1 div (count sub 7) eq 1"), "DW-EXPR-020");
    assert_string_equal(rig->err.message, "position 19: div divides by zero");
    assert_string_equal(rig_value(rig, "cast(name,Edm.Int32)"), "DW-EXPR-022");
    assert_null(strstr(rig->err.message, "Müller"));
}

static void test_absent_column_fails_only_where_it_is_needed(void **state)
{
    struct rig *rig = *state;
    struct dw_value cells[2] = {{DW_VALUE_STRING, {"f", 1}}, {DW_VALUE_ABSENT, {NULL, 0}}};
    bool match = true;
    assert_int_equal(rig_compile(rig, "blocked and name eq 'a'", DW_EXPR_FILTER), DW_OK);
    assert_int_equal(dw_expr_match(rig->expr, cells, &rig->arena, &match, &rig->err), DW_OK);
    assert_false(match);
    cells[0].text = DW_STR_LIT("t");
    assert_int_equal(dw_expr_match(rig->expr, cells, &rig->arena, &match, &rig->err), DW_REJECT);
    assert_string_equal(rig->err.id, "DW-EXPR-023");
    assert_non_null(strstr(rig->err.message, "name"));
}

static void test_text_that_is_none_of_the_type_is_rejected(void **state)
{
    static const struct {
        const char *column;
        const char *text;
    } cases[] = {{"count", "12x"},         {"count", ""},          {"amount", "1,5"},
                 {"blocked", "maybe"},     {"born", "31.01.2024"}, {"opens", "25:00:00"},
                 {"changed", "yesterday"}, {"id", "a0eebc99"}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dw_value cell = {DW_VALUE_STRING, dw_str_from(cases[i].text)};
        struct dw_value value;
        assert_int_equal(rig_compile(rig, cases[i].column, DW_EXPR_COMPUTE), DW_OK);
        assert_int_equal(dw_expr_compute(rig->expr, &cell, &rig->arena, &value, &rig->err),
                         DW_REJECT);
        assert_string_equal(rig->err.id, "DW-EXPR-024");
    }
}

static void test_null_does_not_match_a_filter(void **state)
{
    struct rig *rig = *state;
    bool match = true;
    assert_int_equal(rig_compile(rig, "contains(cast(year,Edm.String),'1')", DW_EXPR_FILTER),
                     DW_OK);
    assert_int_equal(dw_expr_match(rig->expr, rig_cells(rig), &rig->arena, &match, &rig->err),
                     DW_OK);
    assert_false(match);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_columns_of_every_type),
        TEST(test_text_functions),
        TEST(test_arithmetic),
        TEST(test_dates_and_times),
        TEST(test_casts),
        TEST(test_null_rules),
        TEST(test_comparisons_of_every_type),
        TEST(test_rare_values),
        TEST(test_what_fails_on_a_row),
        TEST(test_error_names_position_and_operation_but_no_value),
        TEST(test_absent_column_fails_only_where_it_is_needed),
        TEST(test_text_that_is_none_of_the_type_is_rejected),
        TEST(test_null_does_not_match_a_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
