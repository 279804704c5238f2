/* Text to tree: tokens, precedence, and what a mistake's message says. */
#include "expr_rig.h"

#include <stdio.h>
#include <stdlib.h>

static void test_literals_of_every_kind(void **state)
{
    static const char *const pairs[][2] = {
        {"'it''s'", "it's"},
        {"''", ""},
        {"12", "12"},
        {"-12", "-12"},
        {"1.50", "1.50"},
        {"1.5e2", "150"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775808", "9223372036854775808"},
        {"2024-01-31", "2024-01-31"},
        {"12:30:00.5", "12:30:00.5"},
        {"2024-01-31T12:30:00Z", "2024-01-31 12:30:00+00"},
        {"2024-01-31T12:30+02:00", "2024-01-31 10:30:00+00"},
        {"A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
        {"totalseconds(duration'PT1M')", "60.000000"},
        {"true", "t"},
        {"false", "f"},
        {"\t( 'x'\n)", "x"}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(rig_value(rig, pairs[i][0]), pairs[i][1]);
}

static void test_whole_number_out_of_64_bits_is_decimal(void **state)
{
    struct rig *rig = *state;
    assert_string_equal(rig_type(rig, "-9223372036854775808"), "bigint");
    assert_string_equal(rig_type(rig, "9223372036854775808"), "numeric");
}

static void test_precedence(void **state)
{
    static const char *const pairs[][2] = {{"1 add 2 mul 3", "7"},
                                           {"(1 add 2) mul 3", "9"},
                                           {"10 sub 4 sub 3", "3"},
                                           {"-2 mul 3", "-6"},
                                           {"-(2) add 5", "3"},
                                           {"1 eq 2 or true and false", "f"},
                                           {"true or false and false", "t"},
                                           {"not false and false", "f"},
                                           {"1 add 1 gt 1 eq true", "t"},
                                           {"not (1 in (2,3))", "t"},
                                           {"not 1 in (2,3)", "t"},
                                           {"7 mod 4 mul 2", "6"},
                                           {"case(false:1,1 lt 2:2,true:3)", "2"}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(rig_value(rig, pairs[i][0]), pairs[i][1]);
}

static void test_column_names(void **state)
{
    struct rig *rig = *state;
    assert_string_equal(rig_value(rig, "name"), "Müller & Söhne");
    assert_string_equal(rig_value(rig, "Größe"), "10");
    assert_string_equal(rig_value(rig, "\"Größe\""), "10");
    assert_string_equal(rig_value(rig, "\"Order \"\"No\"\"\""), "X-1");
    assert_string_equal(rig_value(rig, "\"and\""), "t");
    assert_string_equal(rig_value(rig, "and and and"), "t"); /* a column where one belongs */
    assert_string_equal(rig_value(rig, "year"), "(null)");   /* no function without ( */
}

/* Position (from 1, in characters), and a part of the message. */
static void test_mistakes_have_a_position(void **state)
{
    static const struct {
        const char *text;
        size_t offset;
        const char *id;
        const char *says;
    } cases[] = {
        {"", 0, "DW-EXPR-001", "position 1: the expression ends where a literal"},
        {"name eq", 7, "DW-EXPR-001", "position 8: the expression ends"},
        {"name eq 'a", 8, "DW-EXPR-001", "position 9: the text's closing '"},
        {"\"name eq 'a'", 0, "DW-EXPR-001", "closing \""},
        {"name = 'a'", 5, "DW-EXPR-001", "position 6: comparisons are words"},
        {"count + 1", 6, "DW-EXPR-001", "arithmetic is in words"},
        {"(count", 6, "DW-EXPR-001", "an operator or )"},
        {"count)", 5, "DW-EXPR-001", "position 6: found ) where an operator"},
        {"count eqq 1", 6, "DW-EXPR-001", "did you mean eq?"},
        {"count 5", 6, "DW-EXPR-001", "position 7: found 5 where an operator"},
        {"Größe eq 5 5", 13, "DW-EXPR-001", "position 12: found 5"},
        {"nme eq 'a'", 0, "DW-EXPR-002", "there is no column nme; did you mean name?"},
        {"name eq \"Paris\"", 8, "DW-EXPR-002",
         "there is no column Paris; a text stands in single quotes: 'Paris'"},
        {"count eq 1 and Name eq 'a'", 15, "DW-EXPR-002",
         "position 16: there is no column Name; did you mean name?"},
        {"conatins(name,'a')", 0, "DW-EXPR-003", "no function conatins; did you mean contains?"},
        {"cast(name,Edm.Int)", 10, "DW-EXPR-003", "no type Edm.Int"},
        {"contains(name)", 0, "DW-EXPR-004", "contains has 1 argument, 2 are allowed"},
        {"substring(name)", 0, "DW-EXPR-004", "2 or 3"},
        {"concat(name)", 0, "DW-EXPR-004", "2 or more"},
        {"length()", 0, "DW-EXPR-004", "0 arguments"},
        {"changed gt now()", 11, "DW-EXPR-006", "now is not offered"},
        {"matchesPattern(name,'a.*')", 0, "DW-EXPR-006", "contains, startswith"},
        {"tags/any(t:t eq 'x')", 4, "DW-EXPR-001", "paths"},
        {"mood has 'x'", 5, "DW-EXPR-006", "no flags"},
        {"guid'x' eq id", 0, "DW-EXPR-006", "without quotes"},
        {"born eq 2024-02-30", 8, "DW-EXPR-001", "a day that exists"},
        {"changed gt 2024-02-28T10:00:00", 11, "DW-EXPR-001", "with its zone"},
        {"rate eq NaN", 8, "DW-EXPR-006", "NaN is not offered"},
        {"count eq 5x", 10, "DW-EXPR-001", "position 11: a letter"},
        {"cast(name,Edm.Double)", 10, "DW-EXPR-006", "not exact"},
        {"case(blocked,1)", 12, "DW-EXPR-001", "a value is allowed"},
        {"cast(name,5)", 10, "DW-EXPR-001", "a type (Edm.Decimal)"},
        {"count eq 'a' 'a text that is longer than a message repeats, äöü'", 13, "DW-EXPR-001",
         "found 'a text that is longer than a message re where"},
        {"count in 5", 9, "DW-EXPR-001", "a list in parentheses"},
        {"changed add duration'P1Y' eq null", 12, "DW-EXPR-001", "a duration of days"},
        {"count eq 1e99999", 9, "DW-EXPR-001", "modest exponent"},
        {"name eq 'a' \xff", 12, "DW-EXPR-001", "not UTF-8"},
    };
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rig_compile(rig, cases[i].text, DW_EXPR_COMPUTE), DW_CONFIG);
        if (!strstr(rig->err.message, cases[i].says))
            fail_msg("%s: %s", cases[i].text, rig->err.message);
        assert_string_equal(rig->err.id, cases[i].id);
        assert_int_equal(rig->offset, cases[i].offset);
    }
}

static char *repeat(const char *front, const char *part, const char *behind, size_t times)
{
    char *text = malloc(strlen(front) + strlen(part) * times + strlen(behind) + 1);
    char *to = stpcpy(text, front);
    for (size_t i = 0; i < times; i++)
        to = stpcpy(to, part);
    (void)stpcpy(to, behind);
    return text;
}

static void assert_too_large(struct rig *rig, char *text)
{
    assert_int_equal(rig_compile(rig, text, DW_EXPR_COMPUTE), DW_CONFIG);
    assert_string_equal(rig->err.id, "DW-EXPR-007");
    free(text);
}

static void test_size_and_depth_have_bounds(void **state)
{
    struct rig *rig = *state;
    assert_too_large(rig, repeat("", "(", "1", 101));
    assert_too_large(rig, repeat("", "not ", "true", 101));
    assert_too_large(rig, repeat("", "tolower(", "name", 101));
    assert_too_large(rig, repeat("1", " add 1", "", 200));
    assert_too_large(rig, repeat("count in (1", ",1", ")", 1000));
    assert_too_large(rig, repeat("length(name) add 1 in (1", ",1", ") and count in (1)", 996 * 5));
    assert_too_large(rig, repeat("'", "a", "'", 32767));
    assert_too_large(rig, repeat("blocked", " or blocked", "", 1000));
}

static void test_long_lists_are_fine(void **state)
{
    struct rig *rig = *state;
    char *text = repeat("count eq 7", " and count eq 7", "", 998);
    assert_string_equal(rig_value(rig, text), "t");
    free(text);
    text = repeat("count in (1", ",7", ")", 998);
    assert_string_equal(rig_value(rig, text), "t");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_literals_of_every_kind, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_whole_number_out_of_64_bits_is_decimal, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(test_precedence, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_column_names, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_mistakes_have_a_position, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_size_and_depth_have_bounds, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_long_lists_are_fine, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
