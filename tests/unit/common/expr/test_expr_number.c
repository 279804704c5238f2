/* Exact decimals: what PostgreSQL's numeric prints for the same operation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include "common/expr/expr_number.h"
#include <cmocka.h>

static struct dw_arena arena;

static struct dw_expr_number number(const char *text)
{
    struct dw_expr_number out;
    assert_int_equal(dw_expr_number_parse(dw_str_from(text), &arena, &out), DW_EXPR_NUMBER_OK);
    return out;
}

static const char *text_of(const struct dw_expr_number *value)
{
    return dw_arena_copy(&arena, dw_expr_number_format(value, &arena)).ptr;
}

static const char *apply(dw_expr_number_fn function, const char *a, const char *b)
{
    struct dw_expr_number left = number(a);
    struct dw_expr_number right = number(b);
    struct dw_expr_number out;
    enum dw_expr_number_rc rc = function(&left, &right, &arena, &out);
    if (rc == DW_EXPR_NUMBER_DIVISION_BY_ZERO)
        return "division by zero";
    return rc == DW_EXPR_NUMBER_OK ? text_of(&out) : "overflow";
}

static void test_parse_format_keeps_number_and_scale(void **state)
{
    static const char *const pairs[][2] = {{"0", "0"},
                                           {"-0.00", "0.00"},
                                           {"12.50", "12.50"},
                                           {"-12345678.0001", "-12345678.0001"},
                                           {".5", "0.5"},
                                           {"5.", "5"},
                                           {"+7", "7"},
                                           {"1e3", "1000"},
                                           {"1.5E-3", "0.0015"},
                                           {"12345e-2", "123.45"},
                                           {"1e20", "100000000000000000000"},
                                           {"NaN", "NaN"},
                                           {"-Infinity", "-Infinity"},
                                           {"00012.30", "12.30"},
                                           {"0.00001", "0.00001"}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct dw_expr_number value = number(pairs[i][0]);
        assert_string_equal(text_of(&value), pairs[i][1]);
    }
}

static void test_parse_not_a_number_is_refused(void **state)
{
    static const char *const texts[] = {"",   "-",  ".",   "e5",  "1e",   "1e+",   "1.2.3", "12x",
                                        " 1", "1 ", "nan", "Inf", "0x10", "1_000", "--1"};
    struct dw_expr_number out;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(dw_expr_number_parse(dw_str_from(texts[i]), &arena, &out),
                         DW_EXPR_NUMBER_NOT_A_NUMBER);
}

static void test_parse_beyond_numeric_overflows(void **state)
{
    struct dw_expr_number out;
    (void)state;
    assert_int_equal(dw_expr_number_parse(DW_STR_LIT("1e131072"), &arena, &out),
                     DW_EXPR_NUMBER_OVERFLOW);
    assert_int_equal(dw_expr_number_parse(DW_STR_LIT("1e131071"), &arena, &out), DW_EXPR_NUMBER_OK);
    assert_int_equal(dw_expr_number_parse(DW_STR_LIT("1e-16384"), &arena, &out),
                     DW_EXPR_NUMBER_OVERFLOW);
}

static void test_add_and_sub_keep_the_greater_scale(void **state)
{
    (void)state;
    assert_string_equal(apply(dw_expr_number_add, "1.50", "2.5"), "4.00");
    assert_string_equal(apply(dw_expr_number_add, "9999", "1"), "10000");
    assert_string_equal(apply(dw_expr_number_add, "99999999.9999", "0.0001"), "100000000.0000");
    assert_string_equal(apply(dw_expr_number_sub, "10000", "0.0001"), "9999.9999");
    assert_string_equal(apply(dw_expr_number_sub, "1", "1.000"), "0.000");
    assert_string_equal(apply(dw_expr_number_sub, "-5", "7"), "-12");
    assert_string_equal(apply(dw_expr_number_add, "1e40", "1"),
                        "10000000000000000000000000000000000000001");
}

static void test_mul_adds_the_scales(void **state)
{
    (void)state;
    assert_string_equal(apply(dw_expr_number_mul, "2.50", "2.0"), "5.000");
    assert_string_equal(apply(dw_expr_number_mul, "-9999.9999", "9999.9999"), "-99999998.00000001");
    assert_string_equal(apply(dw_expr_number_mul, "0", "-5.25"), "0.00");
    assert_string_equal(apply(dw_expr_number_mul, "1e131071", "10"), "overflow");
}

/* All printed by PostgreSQL 15. */
static void test_div_chooses_the_scale_of_numeric(void **state)
{
    (void)state;
    assert_string_equal(apply(dw_expr_number_div, "1", "3"), "0.33333333333333333333");
    assert_string_equal(apply(dw_expr_number_div, "10", "4"), "2.5000000000000000");
    assert_string_equal(apply(dw_expr_number_div, "2", "3"), "0.66666666666666666667");
    assert_string_equal(apply(dw_expr_number_div, "100000", "3"), "33333.333333333333");
    assert_string_equal(apply(dw_expr_number_div, "0.00", "7"), "0.00000000000000000000");
    assert_string_equal(apply(dw_expr_number_div, "-1", "0.0001"), "-10000.0000000000000000");
    assert_string_equal(apply(dw_expr_number_div, "1e30", "7"), "142857142857142857142857142857");
    assert_string_equal(apply(dw_expr_number_div, "5", "0"), "division by zero");
}

/* Groups of 0, 4999, 5000 and 9999 are where a guessed group of the quotient is corrected. */
static struct dw_expr_number hard_number(uint64_t *state, int32_t groups)
{
    static const int16_t choices[] = {0, 1, 4999, 5000, 5001, 9998, 9999};
    int16_t *digits = dw_arena_alloc(&arena, (size_t)groups * sizeof *digits);
    for (int32_t i = 0; i < groups; i++) {
        *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
        digits[i] = choices[(*state >> 33) % 7];
    }
    digits[0] = digits[0] ? digits[0] : 7;
    digits[groups - 1] = digits[groups - 1] ? digits[groups - 1] : 3;
    return (struct dw_expr_number){.weight = groups - 1, .count = groups, .digits = digits};
}

static void test_division_finds_quotient_and_rest_again(void **state)
{
    uint64_t random = 1;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct dw_expr_number quotient = hard_number(&random, 1 + i % 5);
        struct dw_expr_number divisor = hard_number(&random, 2 + i % 4);
        struct dw_expr_number rest = hard_number(&random, 1 + i % 2);
        struct dw_expr_number a;
        struct dw_expr_number again;
        if (dw_expr_number_compare(&rest, &divisor) >= 0)
            continue;
        assert_int_equal(dw_expr_number_mul(&quotient, &divisor, &arena, &a), DW_EXPR_NUMBER_OK);
        assert_int_equal(dw_expr_number_div(&a, &divisor, &arena, &again), DW_EXPR_NUMBER_OK);
        assert_int_equal(dw_expr_number_compare(&again, &quotient), 0);
        assert_int_equal(dw_expr_number_add(&a, &rest, &arena, &a), DW_EXPR_NUMBER_OK);
        assert_int_equal(dw_expr_number_mod(&a, &divisor, &arena, &again), DW_EXPR_NUMBER_OK);
        assert_int_equal(dw_expr_number_compare(&again, &rest), 0);
        dw_arena_reset(&arena);
    }
}

static void test_product_keeps_at_most_numerics_scale(void **state)
{
    struct dw_expr_number small = number("1e-10000");
    struct dw_expr_number out;
    (void)state;
    assert_int_equal(dw_expr_number_mul(&small, &small, &arena, &out), DW_EXPR_NUMBER_OK);
    assert_int_equal(out.scale, 16383);
    assert_int_equal(out.count, 0);
}

static void test_mod_has_the_sign_of_the_dividend(void **state)
{
    (void)state;
    assert_string_equal(apply(dw_expr_number_mod, "7.5", "2"), "1.5");
    assert_string_equal(apply(dw_expr_number_mod, "-7.5", "2.00"), "-1.50");
    assert_string_equal(apply(dw_expr_number_mod, "3", "7"), "3");
    assert_string_equal(apply(dw_expr_number_mod, "3", "0.0"), "division by zero");
}

static void test_nan_and_infinity_as_numeric(void **state)
{
    (void)state;
    assert_string_equal(apply(dw_expr_number_add, "Infinity", "-Infinity"), "NaN");
    assert_string_equal(apply(dw_expr_number_sub, "1", "Infinity"), "-Infinity");
    assert_string_equal(apply(dw_expr_number_add, "NaN", "1"), "NaN");
    assert_string_equal(apply(dw_expr_number_mod, "1", "NaN"), "NaN");
    assert_string_equal(apply(dw_expr_number_mul, "Infinity", "0"), "NaN");
    assert_string_equal(apply(dw_expr_number_mul, "-Infinity", "2"), "-Infinity");
    assert_string_equal(apply(dw_expr_number_div, "1", "Infinity"), "0");
    assert_string_equal(apply(dw_expr_number_div, "Infinity", "-2"), "-Infinity");
    assert_string_equal(apply(dw_expr_number_div, "NaN", "0"), "NaN");
    assert_string_equal(apply(dw_expr_number_div, "Infinity", "0"), "division by zero");
    assert_string_equal(apply(dw_expr_number_mod, "-5", "Infinity"), "-5");
}

static void test_compare_ignores_scale_and_orders_specials(void **state)
{
    static const char *const ascending[] = {"-Infinity", "-10000",   "-2.5", "-2.49",
                                            "0",         "0.0001",   "1",    "9999.9999",
                                            "10000",     "Infinity", "NaN"};
    (void)state;
    struct dw_expr_number a = number("2.50");
    struct dw_expr_number b = number("2.5");
    assert_int_equal(dw_expr_number_compare(&a, &b), 0);
    for (size_t i = 0; i < sizeof ascending / sizeof *ascending; i++)
        for (size_t j = 0; j < sizeof ascending / sizeof *ascending; j++) {
            a = number(ascending[i]);
            b = number(ascending[j]);
            assert_int_equal(dw_expr_number_compare(&a, &b), (i > j) - (i < j));
        }
}

static const char *rounded(const char *text, int32_t scale)
{
    struct dw_expr_number in = number(text);
    struct dw_expr_number out;
    assert_int_equal(dw_expr_number_round(&in, scale, &arena, &out), DW_EXPR_NUMBER_OK);
    return text_of(&out);
}

static const char *stepped(const char *text, bool up)
{
    struct dw_expr_number in = number(text);
    struct dw_expr_number out;
    assert_int_equal(up ? dw_expr_number_ceiling(&in, &arena, &out)
                        : dw_expr_number_floor(&in, &arena, &out),
                     DW_EXPR_NUMBER_OK);
    return text_of(&out);
}

static void test_round_floor_ceiling(void **state)
{
    (void)state;
    assert_string_equal(rounded("2.5", 0), "3");
    assert_string_equal(rounded("-2.5", 0), "-3");
    assert_string_equal(rounded("9999.9999", 2), "10000.00");
    assert_string_equal(rounded("0.4999", 0), "0");
    assert_string_equal(rounded("1.005", 2), "1.01");
    assert_string_equal(rounded("1.5", 4), "1.5000");
    assert_string_equal(rounded("0.00004", 2), "0.00");
    assert_string_equal(rounded("99995", 0), "99995");
    assert_string_equal(stepped("-0.5", true), "0");
    assert_string_equal(stepped("-0.5", false), "-1");
    assert_string_equal(stepped("9999.0001", true), "10000");
    assert_string_equal(stepped("3.00", false), "3");
    assert_string_equal(stepped("-Infinity", true), "-Infinity");
    assert_string_equal(rounded("NaN", 2), "NaN");
}

static void test_to_int_rounds_and_checks_the_range(void **state)
{
    int64_t out;
    (void)state;
    struct dw_expr_number value = number("-9223372036854775808.4");
    assert_int_equal(dw_expr_number_to_int(&value, &arena, &out), DW_EXPR_NUMBER_OK);
    assert_true(out == INT64_MIN);
    value = number("9223372036854775807.5");
    assert_int_equal(dw_expr_number_to_int(&value, &arena, &out), DW_EXPR_NUMBER_OVERFLOW);
    value = number("120000.5");
    assert_int_equal(dw_expr_number_to_int(&value, &arena, &out), DW_EXPR_NUMBER_OK);
    assert_int_equal(out, 120001);
    value = number("NaN");
    assert_int_equal(dw_expr_number_to_int(&value, &arena, &out), DW_EXPR_NUMBER_NOT_A_NUMBER);
}

static void test_from_int_and_micros(void **state)
{
    (void)state;
    struct dw_expr_number value = dw_expr_number_from_int(INT64_MIN, &arena);
    assert_string_equal(text_of(&value), "-9223372036854775808");
    value = dw_expr_number_from_int(120000, &arena);
    assert_string_equal(text_of(&value), "120000");
    value = dw_expr_number_from_micros(-500000, &arena);
    assert_string_equal(text_of(&value), "-0.500000");
    value = dw_expr_number_from_micros(INT64_MIN, &arena);
    assert_string_equal(text_of(&value), "-9223372036854.775808");
}

static int setup(void **state)
{
    (void)state;
    dw_arena_init(&arena, 65536);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_format_keeps_number_and_scale),
        cmocka_unit_test(test_parse_not_a_number_is_refused),
        cmocka_unit_test(test_parse_beyond_numeric_overflows),
        cmocka_unit_test(test_add_and_sub_keep_the_greater_scale),
        cmocka_unit_test(test_mul_adds_the_scales),
        cmocka_unit_test(test_div_chooses_the_scale_of_numeric),
        cmocka_unit_test(test_division_finds_quotient_and_rest_again),
        cmocka_unit_test(test_product_keeps_at_most_numerics_scale),
        cmocka_unit_test(test_mod_has_the_sign_of_the_dividend),
        cmocka_unit_test(test_nan_and_infinity_as_numeric),
        cmocka_unit_test(test_compare_ignores_scale_and_orders_specials),
        cmocka_unit_test(test_round_floor_ceiling),
        cmocka_unit_test(test_to_int_rounds_and_checks_the_range),
        cmocka_unit_test(test_from_int_and_micros),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
