/* Classification of SQLSTATEs, quoting of names, LSN text. */
#include "common/postgres/pg.h"
#include <stdio.h>
#include <string.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void test_sqlstates_are_classified(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        enum dw_rc rc;
    } cases[] = {
        {"", DW_RETRY},       {"08006", DW_RETRY},  {"40001", DW_RETRY},  {"40P01", DW_RETRY},
        {"53100", DW_RETRY},  {"53300", DW_RETRY},  {"55P03", DW_RETRY},  {"55006", DW_RETRY},
        {"57P01", DW_RETRY},  {"57014", DW_RETRY},  {"25P03", DW_RETRY},  {"25006", DW_RETRY},
        {"22001", DW_REJECT}, {"22P02", DW_REJECT}, {"23502", DW_REJECT}, {"23503", DW_REJECT},
        {"23514", DW_REJECT}, {"P0001", DW_REJECT}, {"42501", DW_CONFIG}, {"42P01", DW_CONFIG},
        {"42703", DW_CONFIG}, {"28P01", DW_CONFIG}, {"3D000", DW_CONFIG}, {"55000", DW_CONFIG},
        {"XX000", DW_CONFIG},
    };
    assert_int_equal(dw_pg_classify(NULL), DW_RETRY);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (dw_pg_classify(cases[i].sqlstate) != cases[i].rc)
            fail_msg("%s is %s", cases[i].sqlstate, dw_rc_name(dw_pg_classify(cases[i].sqlstate)));
}

static void test_names_are_quoted(void **state)
{
    (void)state;
    struct dw_buf buf;
    dw_buf_init(&buf, 1000);
    dw_pg_quote_table(&buf, DW_STR_LIT("My \"schema\""), DW_STR_LIT("t\";DROP TABLE x;--"));
    assert_string_equal(buf.data, "\"My \"\"schema\"\"\".\"t\"\";DROP TABLE x;--\"");
    dw_buf_done(&buf);
}

static void test_lsn_text_round_trip(void **state)
{
    (void)state;
    char text[24];
    uint64_t lsn = 0;
    assert_true(dw_pg_parse_lsn("16/B374D848", &lsn));
    assert_true(lsn == UINT64_C(0x16B374D848));
    assert_string_equal(dw_pg_format_lsn(lsn, text), "16/B374D848");
    assert_string_equal(dw_pg_format_lsn(UINT64_MAX, text), "FFFFFFFF/FFFFFFFF");
    static const char *const bad[] = {"",     "/",   "1",           "1/",         "/1",
                                      "1/2x", "x/1", "1/100000000", "100000000/1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(dw_pg_parse_lsn(bad[i], &lsn));
}

static void test_unreachable_server_is_an_outage(void **state)
{
    (void)state;
    struct dw_err err = DW_ERR_INIT;
    struct pg_conn *conn = NULL;
    struct dw_pg_options options = {.connection = "host=127.0.0.1 port=1 user=x dbname=x",
                                    .password = "hunter2",
                                    .what = "system erp"};
    assert_int_equal(dw_pg_connect(&conn, &options, &err), DW_RETRY);
    assert_null(conn);
    assert_string_equal(err.id, "DW-PG-001");
    assert_non_null(strstr(err.message, "system erp"));
    assert_null(strstr(err.message, "hunter2"));
    options.connection = "host=127.0.0.1 no_such_option=1";
    assert_int_equal(dw_pg_connect(&conn, &options, &err), DW_CONFIG);
    assert_string_equal(err.id, "DW-PG-002");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sqlstates_are_classified),
        cmocka_unit_test(test_names_are_quoted),
        cmocka_unit_test(test_lsn_text_round_trip),
        cmocka_unit_test(test_unreachable_server_is_an_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
