/* The conversion matrix: what goes through as it is, what is refused and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/transform/convert.h"
#include "common/transform/transform.h"
#include <cmocka.h>
#include <stdlib.h>

/* oids of the built-in types */
enum {
    BOOL = 16,
    BYTEA = 17,
    NAME = 19,
    INT8 = 20,
    INT2 = 21,
    INT4 = 23,
    TEXT = 25,
    OID = 26,
    JSON = 114,
    FLOAT4 = 700,
    FLOAT8 = 701,
    MONEY = 790,
    BPCHAR = 1042,
    VARCHAR = 1043,
    DATE = 1082,
    TIME = 1083,
    TIMESTAMP = 1114,
    TIMESTAMPTZ = 1184,
    INTERVAL = 1186,
    TIMETZ = 1266,
    BIT = 1560,
    VARBIT = 1562,
    NUMERIC = 1700,
    UUID = 2950,
    JSONB = 3802,
    INT4_ARRAY = 1007,
    TEXT_ARRAY = 1009,
    INT8_ARRAY = 1016,
    NUMERIC_ARRAY = 1231,
    DATE_ARRAY = 1182,
    TIMESTAMP_ARRAY = 1115,
    FLOAT4_ARRAY = 1021,
    MONEY_ARRAY = 791,
    VARCHAR_ARRAY = 1015,
    BYTEA_ARRAY = 1001,
    ENUM = 50000
};

#define NUMERIC_MOD(p, s) ((((p) << 16) | ((s)&0x7ff)) + 4)
#define LENGTH_MOD(n)     ((n) + 4)

static struct dw_arena arena;
static struct dw_err err;

static int set_up(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    return 0;
}

static struct dw_convert_type type_of(uint32_t oid, int32_t typmod)
{
    const struct dw_resolved_column column = {
        .name = DW_STR_LIT("c"),
        .type = dw_str_from(dw_arena_printf(&arena, "type %u", oid)),
        .oid = oid,
        .base_oid = oid,
        .typmod = typmod,
    };
    struct dw_convert_type type;
    dw_convert_type_of(&column, &type);
    return type;
}

struct pair {
    uint32_t from;
    int32_t from_mod;
    uint32_t to;
    int32_t to_mod;
};

static enum dw_rc convert(const struct pair *pair, enum dw_value_kind kind, const char *text,
                          struct dw_str *out)
{
    struct dw_convert_type source = type_of(pair->from, pair->from_mod);
    struct dw_convert_type target = type_of(pair->to, pair->to_mod);
    struct dw_convert convert;
    enum dw_rc rc = dw_convert_init(&convert, &source, &target, &arena, &err);
    if (rc != DW_OK)
        return rc;
    const struct dw_value value = {kind, dw_str_from(text)};
    return dw_convert_value(&convert, &value, &arena, out, &err);
}

static void assert_value(struct pair pair, enum dw_value_kind kind, const char *text,
                         const char *expected)
{
    struct dw_str out = {NULL, 0};
    enum dw_rc rc = convert(&pair, kind, text, &out);
    if (rc != DW_OK)
        fail_msg("%s: %s %s", text, err.id, err.message);
    if (!dw_str_is(out, expected))
        fail_msg("%s became %.*s instead of %s", text, DW_STR_ARG(out), expected);
}

static void assert_refused(struct pair pair, enum dw_value_kind kind, const char *text,
                           const char *id)
{
    struct dw_str out = {NULL, 0};
    enum dw_rc rc = convert(&pair, kind, text, &out);
    if (rc != DW_REJECT)
        fail_msg("%s: rc %d, %.*s", text, (int)rc, DW_STR_ARG(out));
    if (!dw_str_is(dw_str_from(err.id), id))
        fail_msg("%s: %s instead of %s: %s", text, err.id, id, err.message);
}

#define S DW_VALUE_STRING
#define N DW_VALUE_NUMBER
#define PAIR(a, am, b, bm)                                                                         \
    (struct pair)                                                                                  \
    {                                                                                              \
        a, am, b, bm                                                                               \
    }

static void test_wire_forms_are_undone(void **state)
{
    (void)state;
    assert_value(PAIR(BOOL, -1, BOOL, -1), DW_VALUE_TRUE, "", "true");
    assert_value(PAIR(BOOL, -1, TEXT, -1), DW_VALUE_FALSE, "", "false");
    assert_value(PAIR(INT4, -1, INT4, -1), N, "-5", "-5");
    assert_value(PAIR(BYTEA, -1, BYTEA, -1), S, "AP8=", "\\x00ff");
    assert_value(PAIR(BYTEA, -1, BYTEA, -1), S, "", "\\x");
    assert_value(PAIR(DATE, -1, DATE, -1), S, "2026-01-31Z", "2026-01-31");
    assert_value(PAIR(DATE, -1, DATE, -1), S, "0044-03-15 BC", "0044-03-15 BC");
    assert_value(PAIR(DATE, -1, DATE, -1), S, "-0043-03-15Z", "0044-03-15 BC");
    assert_value(PAIR(DATE, -1, DATE, -1), S, "infinity", "infinity");
    assert_value(PAIR(TIME, -1, TIME, -1), S, "12:34:56.5Z", "12:34:56.5");
    assert_value(PAIR(TIMETZ, -1, TIMETZ, -1), S, "12:34:56+05:30", "12:34:56+05:30");
    assert_value(PAIR(TIMESTAMP, -1, TIMESTAMP, -1), S, "2026-01-31T12:34:56.5Z",
                 "2026-01-31 12:34:56.5");
    assert_value(PAIR(TIMESTAMPTZ, -1, TIMESTAMPTZ, -1), S, "2026-01-31T12:34:56Z",
                 "2026-01-31 12:34:56+00");
    assert_value(PAIR(TIMESTAMPTZ, -1, TIMESTAMPTZ, -1), S, "0044-03-15 12:00:00+00 BC",
                 "0044-03-15 12:00:00+00 BC");
    assert_value(PAIR(JSONB, -1, JSONB, -1), DW_VALUE_NESTED, "{\"a\":[1]}", "{\"a\":[1]}");
    assert_value(PAIR(INT4_ARRAY, -1, INT4_ARRAY, -1), S, "{1,NULL}", "{1,NULL}");
    assert_value(PAIR(INT4_ARRAY, -1, INT4_ARRAY, -1), DW_VALUE_NESTED, "[1,null,[2]]",
                 "{\"1\",NULL,{\"2\"}}");
    assert_value(PAIR(TEXT_ARRAY, -1, TEXT_ARRAY, -1), DW_VALUE_NESTED, "[\"a\\\"\\\\b,\",\"\"]",
                 "{\"a\\\"\\\\b,\",\"\"}");
    assert_value(PAIR(BYTEA_ARRAY, -1, BYTEA_ARRAY, -1), DW_VALUE_NESTED, "[\"AP8=\"]",
                 "{\"\\\\x00ff\"}");
    assert_value(PAIR(BIT, 1, BIT, 1), DW_VALUE_TRUE, "", "1");
}

static void test_wrong_wire_forms(void **state)
{
    (void)state;
    assert_refused(PAIR(INT4, -1, INT4, -1), DW_VALUE_TRUE, "", "DW-VALUE-001");
    assert_refused(PAIR(TEXT, -1, TEXT, -1), N, "1", "DW-VALUE-001");
    assert_refused(PAIR(BOOL, -1, BOOL, -1), S, "perhaps", "DW-VALUE-001");
    assert_refused(PAIR(BYTEA, -1, BYTEA, -1), S, "A", "DW-VALUE-001");
    assert_refused(PAIR(UUID, -1, UUID, -1), DW_VALUE_NESTED, "{}", "DW-VALUE-001");
    assert_refused(PAIR(TEXT, -1, TEXT, -1), S, "\xc3(", "DW-VALUE-010");
    assert_refused(PAIR(DATE, -1, DATE, -1), S, "now", "DW-VALUE-005");
    assert_refused(PAIR(TIMESTAMP, -1, TIMESTAMP, -1), S, "tomorrow", "DW-VALUE-005");
    assert_refused(PAIR(DATE, -1, DATE, -1), S, "2026-01-31 x", "DW-VALUE-005");
}

static void test_text_length(void **state)
{
    (void)state;
    assert_value(PAIR(TEXT, -1, VARCHAR, LENGTH_MOD(3)), S, "äöü", "äöü");
    assert_refused(PAIR(TEXT, -1, VARCHAR, LENGTH_MOD(3)), S, "abcd", "DW-VALUE-002");
    assert_refused(PAIR(TEXT, -1, VARCHAR, LENGTH_MOD(3)), S, "abc ", "DW-VALUE-002");
    assert_refused(PAIR(TEXT, -1, BPCHAR, LENGTH_MOD(3)), S, "abc ", "DW-VALUE-002");
    assert_refused(PAIR(INT4, -1, VARCHAR, LENGTH_MOD(2)), N, "123", "DW-VALUE-002");
    assert_refused(PAIR(TEXT, -1, INTERVAL, -1), S, "1 day 0.1234567 s", "DW-VALUE-003");
    assert_refused(PAIR(TEXT, -1, INTERVAL, -1), S, "PT0.0000001S", "DW-VALUE-003");
    assert_value(PAIR(TEXT, -1, INTERVAL, -1), S, "1.5 days 0.1234560 s", "1.5 days 0.1234560 s");
    assert_value(PAIR(TEXT, -1, INTERVAL, -1), S, "P1Y2M3DT4.123456S", "P1Y2M3DT4.123456S");
    char name[70];
    memset(name, 'x', sizeof name);
    name[64] = '\0';
    assert_refused(PAIR(TEXT, -1, NAME, -1), S, name, "DW-VALUE-002");
    assert_value(PAIR(TEXT, -1, BIT, 3), S, "101", "101");
    assert_refused(PAIR(BIT, 3, BIT, 4), S, "101", "DW-VALUE-002");
    assert_refused(PAIR(VARBIT, -1, VARBIT, 2), S, "101", "DW-VALUE-002");
}

static void test_numbers(void **state)
{
    (void)state;
    const struct pair n52 = PAIR(NUMERIC, -1, NUMERIC, NUMERIC_MOD(5, 2));
    assert_value(n52, S, "123.45", "123.45");
    assert_value(n52, S, "123.4500", "123.4500");
    assert_value(n52, S, "-0.00", "-0.00");
    assert_value(n52, S, "NaN", "NaN");
    assert_refused(n52, S, "0.001", "DW-VALUE-003");
    assert_refused(n52, S, "1000", "DW-VALUE-004");
    assert_refused(n52, S, "Infinity", "DW-VALUE-007");
    assert_refused(n52, S, "12x", "DW-VALUE-005");
    assert_refused(n52, S, "", "DW-VALUE-005");
    assert_value(PAIR(FLOAT8, -1, NUMERIC, NUMERIC_MOD(5, 2)), N, "1.5e+2", "1.5e+2");
    assert_refused(PAIR(FLOAT8, -1, NUMERIC, NUMERIC_MOD(5, 2)), N, "1e-3", "DW-VALUE-003");
    assert_refused(PAIR(TEXT, -1, NUMERIC, -1), S, "1e-16390", "DW-VALUE-003");
    /* numeric(3,-2) and numeric(2,4), since PostgreSQL 15 */
    assert_value(PAIR(NUMERIC, -1, NUMERIC, NUMERIC_MOD(3, -2)), S, "12300", "12300");
    assert_refused(PAIR(NUMERIC, -1, NUMERIC, NUMERIC_MOD(3, -2)), S, "12340", "DW-VALUE-003");
    assert_value(PAIR(NUMERIC, -1, NUMERIC, NUMERIC_MOD(2, 4)), S, "0.0012", "0.0012");
    assert_refused(PAIR(NUMERIC, -1, NUMERIC, NUMERIC_MOD(2, 4)), S, "0.0123", "DW-VALUE-004");
}

static void test_integers(void **state)
{
    (void)state;
    const struct pair narrow = PAIR(INT8, -1, INT2, -1);
    assert_value(narrow, N, "-32768", "-32768");
    assert_refused(narrow, N, "32768", "DW-VALUE-004");
    assert_refused(PAIR(INT8, -1, INT4, -1), N, "-2147483649", "DW-VALUE-004");
    assert_refused(PAIR(NUMERIC, -1, INT8, -1), S, "9223372036854775808", "DW-VALUE-004");
    assert_value(PAIR(NUMERIC, -1, INT8, -1), S, "-9223372036854775808", "-9223372036854775808");
    assert_refused(PAIR(NUMERIC, -1, INT8, -1), S, "99999999999999999999", "DW-VALUE-004");
    assert_value(PAIR(NUMERIC, -1, INT4, -1), S, "12.000", "12");
    assert_refused(PAIR(NUMERIC, -1, INT4, -1), S, "12.5", "DW-VALUE-003");
    assert_refused(PAIR(NUMERIC, -1, INT4, -1), S, "NaN", "DW-VALUE-007");
    assert_value(PAIR(FLOAT8, -1, INT4, -1), N, "1e+6", "1000000");
    assert_refused(PAIR(INT4, -1, OID, -1), N, "-1", "DW-VALUE-004");
    assert_value(PAIR(MONEY, -1, NUMERIC, -1), S, "-$1,234.50", "-1234.50");
    assert_refused(PAIR(NUMERIC, -1, MONEY, -1), S, "1.234", "DW-VALUE-003");
    assert_value(PAIR(FLOAT8, -1, MONEY, -1), N, "1.5e3", "1500");
}

static void test_floats(void **state)
{
    (void)state;
    assert_value(PAIR(FLOAT8, -1, FLOAT4, -1), N, "0.1", "0.1");
    assert_refused(PAIR(FLOAT8, -1, FLOAT4, -1), N, "0.123456789012", "DW-VALUE-003");
    assert_refused(PAIR(FLOAT8, -1, FLOAT4, -1), N, "1e300", "DW-VALUE-004");
    assert_refused(PAIR(FLOAT8, -1, FLOAT4, -1), N, "1e-60", "DW-VALUE-003");
    assert_value(PAIR(FLOAT8, -1, FLOAT4, -1), S, "NaN", "NaN");
    assert_value(PAIR(FLOAT4, -1, FLOAT4, -1), N, "1.17549435e-38", "1.17549435e-38");
    assert_value(PAIR(FLOAT8, -1, FLOAT8, -1), N, "5e-324", "5e-324");
    assert_value(PAIR(INT8, -1, FLOAT8, -1), N, "9007199254740992", "9007199254740992");
    assert_refused(PAIR(INT8, -1, FLOAT8, -1), N, "9007199254740993", "DW-VALUE-003");
    assert_refused(PAIR(NUMERIC, -1, FLOAT8, -1), S, "0.1234567890123456789", "DW-VALUE-003");
}

static void test_moments(void **state)
{
    (void)state;
    assert_value(PAIR(TIMESTAMPTZ, -1, TIMESTAMP, -1), S, "2026-01-31T12:34:56Z",
                 "2026-01-31 12:34:56");
    assert_value(PAIR(TIMESTAMP, -1, TIMESTAMPTZ, -1), S, "2026-01-31T12:34:56Z",
                 "2026-01-31 12:34:56+00");
    assert_value(PAIR(DATE, -1, TIMESTAMPTZ, -1), S, "2026-01-31Z", "2026-01-31 00:00:00+00");
    assert_value(PAIR(DATE, -1, TIMESTAMP, -1), S, "2026-01-31Z", "2026-01-31");
    assert_value(PAIR(TIMESTAMP, -1, DATE, -1), S, "2026-01-31T00:00:00Z", "2026-01-31");
    assert_refused(PAIR(TIMESTAMP, -1, DATE, -1), S, "2026-01-31T00:00:01Z", "DW-VALUE-006");
    assert_refused(PAIR(TIMESTAMP, -1, TIMESTAMP, 3), S, "2026-01-31T00:00:01.1234Z",
                   "DW-VALUE-006");
    assert_value(PAIR(TIMESTAMP, -1, TIMESTAMP, 3), S, "2026-01-31T00:00:01.1230Z",
                 "2026-01-31 00:00:01.123");
    assert_refused(PAIR(TEXT, -1, TIMESTAMP, -1), S, "2026-01-31 00:00:01+02", "DW-VALUE-006");
    assert_value(PAIR(TEXT, -1, TIMESTAMPTZ, -1), S, "2026-01-31 00:00:01+02",
                 "2026-01-31 00:00:01+02");
    assert_refused(PAIR(TEXT, -1, TIME, -1), S, "2026-01-31 00:00:01", "DW-VALUE-005");
    assert_refused(PAIR(TEXT, -1, TIMETZ, -1), S, "10:00", "DW-VALUE-005");
    assert_value(PAIR(TIMESTAMPTZ, -1, TEXT, -1), S, "2026-01-31T12:34:56.10Z",
                 "2026-01-31 12:34:56.1+00");
    assert_refused(PAIR(TIMESTAMPTZ, -1, TEXT, -1), S, "x", "DW-VALUE-001");
}

static void test_text_to_the_rest(void **state)
{
    (void)state;
    assert_value(PAIR(TEXT, -1, BOOL, -1), S, " Yes ", "true");
    assert_refused(PAIR(TEXT, -1, BOOL, -1), S, "maybe", "DW-VALUE-005");
    assert_value(PAIR(TEXT, -1, UUID, -1), S, "6F1C1E52-8f0a-4b53-9a1e-2f3a4b5c6d7e",
                 "6F1C1E52-8f0a-4b53-9a1e-2f3a4b5c6d7e");
    assert_refused(PAIR(TEXT, -1, UUID, -1), S, "6f1c1e52-8f0a-4b53-9a1e-2f3a4b5c6d7",
                   "DW-VALUE-005");
    assert_value(PAIR(TEXT, -1, ENUM, -1), S, "sad", "sad");
    assert_value(PAIR(TEXT, -1, INT4, -1), S, " 12 ", "12");
}

static void assert_check(struct pair pair, enum dw_rc expected)
{
    struct dw_convert_type source = type_of(pair.from, pair.from_mod);
    struct dw_convert_type target = type_of(pair.to, pair.to_mod);
    enum dw_rc rc = dw_convert_check(&source, &target, &err);
    if (rc != expected)
        fail_msg("%u to %u: %d instead of %d", pair.from, pair.to, (int)rc, (int)expected);
}

static void test_check(void **state)
{
    (void)state;
    assert_check(PAIR(INT2, -1, INT4, -1), DW_OK);
    assert_check(PAIR(INT8, -1, INT4, -1), DW_REJECT);
    assert_check(PAIR(INT4, -1, NUMERIC, NUMERIC_MOD(10, 0)), DW_OK);
    assert_check(PAIR(INT4, -1, NUMERIC, NUMERIC_MOD(10, 2)), DW_REJECT);
    assert_check(PAIR(NUMERIC, NUMERIC_MOD(10, 2), NUMERIC, NUMERIC_MOD(12, 4)), DW_OK);
    assert_check(PAIR(NUMERIC, NUMERIC_MOD(10, 2), NUMERIC, NUMERIC_MOD(11, 4)), DW_REJECT);
    assert_check(PAIR(VARCHAR, LENGTH_MOD(5), VARCHAR, LENGTH_MOD(5)), DW_OK);
    assert_check(PAIR(VARCHAR, LENGTH_MOD(6), VARCHAR, LENGTH_MOD(5)), DW_REJECT);
    assert_check(PAIR(TEXT, -1, VARCHAR, LENGTH_MOD(5)), DW_REJECT);
    assert_check(PAIR(NAME, -1, NAME, -1), DW_OK);
    assert_check(PAIR(TIMESTAMPTZ, -1, TIMESTAMP, -1), DW_REJECT);
    assert_check(PAIR(TIMESTAMP, 3, TIMESTAMP, -1), DW_OK);
    assert_check(PAIR(JSON, -1, JSONB, -1), DW_REJECT);
    assert_check(PAIR(JSONB, -1, JSON, -1), DW_OK);
    assert_check(PAIR(BOOL, -1, INT4, -1), DW_CONFIG);
    assert_check(PAIR(BYTEA, -1, TEXT, -1), DW_CONFIG);
    assert_check(PAIR(INT4_ARRAY, -1, INT8_ARRAY, -1), DW_OK);
    assert_check(PAIR(INT8_ARRAY, -1, INT4_ARRAY, -1), DW_CONFIG);
    assert_check(PAIR(INT4_ARRAY, -1, NUMERIC_ARRAY, -1), DW_OK);
    assert_check(PAIR(VARCHAR_ARRAY, LENGTH_MOD(5), TEXT_ARRAY, -1), DW_OK);
    assert_check(PAIR(NUMERIC_ARRAY, -1, NUMERIC_ARRAY, NUMERIC_MOD(5, 2)), DW_CONFIG);
    assert_check(PAIR(INTERVAL, -1, INTERVAL, 5), DW_CONFIG);
    /* from text the server would round or cut these without a word */
    assert_check(PAIR(TEXT, -1, INTERVAL, 0x7fff0000), DW_CONFIG);
    assert_check(PAIR(TEXT, -1, INTERVAL, -1), DW_REJECT);
    assert_check(PAIR(TEXT, -1, NUMERIC_ARRAY, NUMERIC_MOD(5, 2)), DW_CONFIG);
    assert_check(PAIR(TEXT, -1, DATE_ARRAY, -1), DW_CONFIG);
    assert_check(PAIR(TEXT, -1, TIMESTAMP_ARRAY, -1), DW_CONFIG);
    assert_check(PAIR(TEXT, -1, FLOAT4_ARRAY, -1), DW_CONFIG);
    assert_check(PAIR(TEXT, -1, MONEY_ARRAY, -1), DW_CONFIG);
    assert_check(PAIR(TEXT, -1, NUMERIC_ARRAY, -1), DW_REJECT);
    assert_check(PAIR(TEXT, -1, INT4_ARRAY, -1), DW_REJECT);
    assert_check(PAIR(TEXT, -1, VARCHAR_ARRAY, LENGTH_MOD(5)), DW_REJECT);
    assert_check(PAIR(ENUM, -1, ENUM, -1), DW_OK);
    assert_check(PAIR(ENUM, -1, ENUM + 1, -1), DW_REJECT);
}

/* What the check calls safe never fails, whatever number it is. */
static void test_safe_pairs_take_random_numbers(void **state)
{
    (void)state;
    static const uint32_t types[] = {INT2, INT4, INT8, NUMERIC, FLOAT4, FLOAT8, TEXT};
    static const long long most[] = {INT16_MAX, INT32_MAX, INT64_MAX};
    srand(1);
    for (int round = 0; round < 2000; round++) {
        size_t from = (size_t)rand() % 3;
        uint32_t to = types[(size_t)rand() % (sizeof types / sizeof *types)];
        struct dw_convert_type source = type_of(types[from], -1);
        struct dw_convert_type target = type_of(to, -1);
        if (dw_convert_check(&source, &target, &err) != DW_OK)
            continue;
        long long number =
            (long long)(((uint64_t)rand() << 33 ^ (uint64_t)rand() << 15) >> 2) % most[from];
        const char *text = dw_arena_printf(&arena, "%lld", number);
        assert_value(PAIR(types[from], -1, to, -1), N, text, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wire_forms_are_undone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_wire_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_text_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_integers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_floats, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_moments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_text_to_the_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_safe_pairs_take_random_numbers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
