/* Types, constants, and the columns that an expression uses. */
#include "expr_rig.h"

static void test_result_types(void **state)
{
    static const char *const pairs[][2] = {{"name", "text"},
                                           {"code", "text"},
                                           {"mood", "text"},
                                           {"count", "bigint"},
                                           {"amount", "numeric"},
                                           {"rate", "numeric"},
                                           {"blocked", "boolean"},
                                           {"born", "date"},
                                           {"opens", "time without time zone"},
                                           {"changed", "timestamp with time zone"},
                                           {"local", "timestamp with time zone"},
                                           {"id", "uuid"},
                                           {"count add 1", "bigint"},
                                           {"count add 1.0", "numeric"},
                                           {"count div 2", "bigint"},
                                           {"count divby 2", "numeric"},
                                           {"amount div 2", "numeric"},
                                           {"count eq 1.5", "boolean"},
                                           {"round(count)", "bigint"},
                                           {"round(amount)", "numeric"},
                                           {"length(name)", "bigint"},
                                           {"date(changed)", "date"},
                                           {"born add duration'P1D'", "date"},
                                           {"totalseconds(changed sub local)", "numeric"},
                                           {"case(blocked:1,true:amount)", "numeric"},
                                           {"case(blocked:null,true:name)", "text"},
                                           {"cast(doc,Edm.String)", "text"},
                                           {"cast(null,Edm.Date)", "date"},
                                           {"name in ('a',null)", "boolean"}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(rig_type(rig, pairs[i][0]), pairs[i][1]);
}

static void test_types_that_do_not_fit(void **state)
{
    static const struct {
        const char *text;
        size_t offset;
        const char *says;
    } cases[] = {
        {"name eq 5", 5, "eq stands between a text and a whole number"},
        {"born gt '2024-01-01'", 5, "dates, times and GUIDs are written without quotes"},
        {"born eq changed", 5, "date(…) takes the date out"},
        {"doc eq '{}'", 4, "only \"eq null\""},
        {"count gt null", 6, "gt with null is never true"},
        {"name add 1", 0, "add stands here with a text, allowed are numbers"},
        {"1 add name", 6, "add stands here with a text"},
        {"blocked and count", 12, "and stands here with a whole number"},
        {"not count eq 1", 4, "not binds before comparisons"},
        {"length(count)", 7, "length stands here with a whole number, allowed is a text"},
        {"year(name)", 5, "allowed is a date or a date with time"},
        {"-name", 1, "- stands here with a text"},
        {"born add duration'PT1H'", 9, "whole days"},
        {"born add (changed sub local)", 18, "a literal"},
        {"count in (1,big)", 12, "not constant"},
        {"count in (1,'a')", 6, "in looks for a whole number among values of which one is a text"},
        {"case(count:1)", 5, "before : allowed is true or false"},
        {"case(blocked:1,true:'a')", 0, "values of two types"},
        {"case(blocked:null)", 0, "only null values"},
        {"cast(count,Edm.Date)", 0, "no cast from a whole number to a date"},
        {"round(amount,count)", 13, "a literal from 0 to 100"},
        {"round(amount,101)", 13, "a literal from 0 to 100"},
        {"concat(name,count)", 12, "concat stands here with a whole number, allowed is a text"},
        {"case(blocked:doc)", 13, "use cast to Edm.String"},
        {"date(name)", 5, "date and time stand here with a text"},
        {"opens add duration'PT1H'", 0, "allowed are numbers"},
    };
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rig_compile(rig, cases[i].text, DW_EXPR_COMPUTE), DW_CONFIG);
        if (!strstr(rig->err.message, cases[i].says))
            fail_msg("%s: %s", cases[i].text, rig->err.message);
        assert_string_equal(rig->err.id, "DW-EXPR-005");
        assert_int_equal(rig->offset, cases[i].offset);
    }
}

static void test_duration_that_is_too_long(void **state)
{
    struct rig *rig = *state;
    const char *sum = "duration'P9999999D'";
    for (int i = 0; i < 8; i++)
        sum = dw_arena_printf(&rig->arena, "(%s add %s)", sum, sum);
    assert_int_equal(
        rig_compile(rig, dw_arena_printf(&rig->arena, "born add %s", sum), DW_EXPR_COMPUTE),
        DW_CONFIG);
    assert_non_null(strstr(rig->err.message, "a duration that is too long"));
}

static void test_filter_must_be_a_condition(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(rig_compile(rig, "count", DW_EXPR_FILTER), DW_CONFIG);
    assert_string_equal(rig->err.id, "DW-EXPR-009");
    assert_int_equal(rig_compile(rig, "blocked", DW_EXPR_FILTER), DW_OK);
}

static void test_result_must_be_a_columns_type(void **state)
{
    static const char *const texts[] = {"null", "doc", "duration'P1D'", "changed sub local"};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_string_equal(rig_type(rig, texts[i]), "DW-EXPR-009");
}

static void test_constants_that_fail_are_found_before_any_row(void **state)
{
    static const char *const texts[] = {"1 div 0",
                                        "count add (5 mod 0)",
                                        "cast('x',Edm.Int32)",
                                        "9223372036854775807 add 1",
                                        "case(blocked:1 div 0,true:1)",
                                        "cast('70000',Edm.Int16)"};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_string_equal(rig_type(rig, texts[i]), "DW-EXPR-008");
}

static void test_used_columns_in_order_of_use(void **state)
{
    struct rig *rig = *state;
    size_t count;
    assert_int_equal(rig_compile(rig, "count gt 1 and name eq 'a' or count lt 0", DW_EXPR_FILTER),
                     DW_OK);
    const size_t *used = dw_expr_columns(rig->expr, &count);
    assert_int_equal(count, 2);
    assert_int_equal(used[0], 3);
    assert_int_equal(used[1], 0);
}

/* PostgreSQL's planner does the same, so that what is dropped fails on neither side. */
static void test_what_a_constant_decides_is_not_evaluated(void **state)
{
    static const char *const pairs[][2] = {
        {"(1 div year) eq 1 and false", "f"},
        {"(1 div (count sub 7)) eq 1 and false", "f"},
        {"true or (1 div (count sub 7)) eq 1", "t"},
        {"case(true:1,(1 div (count sub 7)) eq 1:2)", "1"},
        {"cast(null,Edm.Int64) add (1 div (count sub 7))", "(null)"},
        {"(1 div (count sub 7)) gt cast(null,Edm.Int64)", "f"},
        {"null and cast(null,Edm.Boolean)", "(null)"},
        {"case(false:count,null:1)", "(null)"},
        {"case(false:count,true:null) eq null", "t"}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t count;
        assert_string_equal(rig_value(rig, pairs[i][0]), pairs[i][1]);
        (void)dw_expr_columns(rig->expr, &count);
        assert_int_equal(count, 0);
        assert_false(dw_expr_can_fail(rig->expr));
    }
}

/* A null that only folding finds is a null test like any other. */
static void test_equality_with_a_folded_null(void **state)
{
    struct rig *rig = *state;
    assert_string_equal(rig_value(rig, "count eq case(false:1,true:null)"), "f");
    assert_string_equal(rig_value(rig, "case(false:1,true:null) ne count"), "t");
    assert_string_equal(rig_value(rig, "year eq case(false:1,true:null)"), "t");
}

static void test_can_fail(void **state)
{
    static const struct {
        const char *text;
        bool can_fail;
    } cases[] = {{"name eq 'a' and count gt 5", false},
                 {"count add 1 gt 5", true},
                 {"cast(name,Edm.Int32) eq 1", true},
                 {"cast(count,Edm.String) eq '1'", false},
                 {"count eq 1.5", false},
                 {"cast(count,Edm.Int16) eq 1", true},
                 {"year(born) eq 2024", false},
                 {"born add duration'P1D' eq null", true},
                 {"-amount eq 1", false},
                 {"-count eq 1", true}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rig_compile(rig, cases[i].text, DW_EXPR_FILTER), DW_OK);
        assert_int_equal(dw_expr_can_fail(rig->expr), cases[i].can_fail);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_result_types),
        TEST(test_types_that_do_not_fit),
        TEST(test_duration_that_is_too_long),
        TEST(test_filter_must_be_a_condition),
        TEST(test_result_must_be_a_columns_type),
        TEST(test_constants_that_fail_are_found_before_any_row),
        TEST(test_used_columns_in_order_of_use),
        TEST(test_what_a_constant_decides_is_not_evaluated),
        TEST(test_equality_with_a_folded_null),
        TEST(test_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
