/* Text to tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include "common/expr/expr_lexer.h"
#include <cmocka.h>

static struct dw_arena arena;

/* The kinds of all tokens, one letter each. */
static const char *kinds(const char *text)
{
    static const char letters[] = "$NQSIDdtmgu(),:-";
    static char out[64];
    struct dw_expr_lexer lexer = {.text = dw_str_from(text), .arena = &arena};
    struct dw_expr_token token;
    static struct dw_err err;
    size_t at;
    size_t count = 0;
    do {
        if (dw_expr_lexer_next(&lexer, &token, &at, &err) != DW_OK)
            return err.id;
        out[count++] = letters[token.kind];
    } while (token.kind != DW_EXPR_TOKEN_END);
    out[count - 1] = '\0';
    return out;
}

static void test_kinds_of_tokens(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {" \t\r\n", ""},
        {"name eq 'a'", "NNS"},
        {"\"a b\" ne 1", "QNI"},
        {"1.5 1e3 1E-3 1.5e+3", "DDDD"},
        {"1.name", "DW-EXPR-001"},
        {"2024-01-31", "d"},
        {"2024-01-31T10:00Z 2024-01-31T10:00:00.5-03:00", "mm"},
        {"12:30:00 12:30", "tI:I"},
        {"a eq 12:30", "NNI:I"},
        {"12345678-1234-1234-1234-123456789abc", "g"},
        {"abcdefab-1234-1234-1234-123456789abc", "g"},
        {"abcdefab", "N"},
        {"-5 -x", "-I-N"},
        {"duration'P1D'", "u"},
        {"cast(a,Edm.Int32)", "N(N,N)"},
        {"größe_1$", "N"},
        {"'a''b' ''", "SS"},
        {"x'a'", "DW-EXPR-006"},
        {"12abc", "DW-EXPR-001"},
        {"2024-01-311", "DW-EXPR-001"},
        {"a;b", "DW-EXPR-001"},
        {"'open", "DW-EXPR-001"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(kinds(pairs[i][0]), pairs[i][1]);
}

static void test_quotes_are_decoded(void **state)
{
    struct dw_expr_lexer lexer = {.text = DW_STR_LIT("'it''s' \"a \"\"b\"\"\""), .arena = &arena};
    struct dw_expr_token token;
    struct dw_err err;
    size_t at;
    (void)state;
    assert_int_equal(dw_expr_lexer_next(&lexer, &token, &at, &err), DW_OK);
    assert_true(dw_str_is(token.text, "it's"));
    assert_true(dw_str_is(token.source, "'it''s'"));
    assert_int_equal(dw_expr_lexer_next(&lexer, &token, &at, &err), DW_OK);
    assert_true(dw_str_is(token.text, "a \"b\""));
}

static void test_position_counts_characters(void **state)
{
    (void)state;
    assert_int_equal(dw_expr_lexer_position(DW_STR_LIT("äöü x"), 7), 5);
    assert_int_equal(dw_expr_lexer_position(DW_STR_LIT("x"), 100), 2);
}

static int setup(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
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
        cmocka_unit_test(test_kinds_of_tokens),
        cmocka_unit_test(test_quotes_are_decoded),
        cmocka_unit_test(test_position_counts_characters),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
