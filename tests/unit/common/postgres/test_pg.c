/* Classification of SQLSTATEs, quoting of names, LSN text. */
#include "common/postgres/pg.h"
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* A server that answers every login with an error: its language is the administrator's. */
struct server {
    int fd;
    int port;
    const char *sqlstate;
    const char *message;
    int logins;
};

static void refuse_login(const struct server *server, int fd)
{
    unsigned char startup[2048];
    unsigned char reply[512];
    if (read(fd, startup, sizeof startup) < 8)
        return;
    if (startup[4] == 0x04 && startup[5] == 0xd2) { /* SSL or GSS asked for: none */
        if (write(fd, "N", 1) != 1 || read(fd, startup, sizeof startup) < 8)
            return;
    }
    int len = snprintf((char *)reply + 5, sizeof reply - 5,
                       "SFATAL%cVFATAL%cC%s%cM%s%cFauth.c%cL338%cRauth_failed%c%c", 0, 0,
                       server->sqlstate, 0, server->message, 0, 0, 0, 0, 0);
    reply[0] = 'E';
    for (int i = 0; i < 4; i++)
        reply[1 + i] = (unsigned char)((unsigned)(len + 4) >> (24 - 8 * i));
    (void)!write(fd, reply, (size_t)len + 5);
}

static void *serve(void *context)
{
    struct server *server = context;
    int fd;
    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        refuse_login(server, fd);
        (void)close(fd);
        server->logins++;
    }
    return NULL;
}

static enum dw_rc log_in(const char *sqlstate, const char *message, struct dw_err *err)
{
    struct server server = {.sqlstate = sqlstate, .message = message};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server.fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server.fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(server.fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(server.fd, 4), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &server), 0);
    char connection[128];
    (void)snprintf(connection, sizeof connection,
                   "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable gssencmode=disable",
                   ntohs(address.sin_port));
    struct dw_pg_options options = {
        .connection = connection, .password = "hunter2", .what = "system erp"};
    struct pg_conn *conn = NULL;
    enum dw_rc rc = dw_pg_connect(&conn, &options, err);
    assert_null(conn);
    (void)shutdown(server.fd, SHUT_RDWR);
    (void)pthread_join(thread, NULL);
    (void)close(server.fd);
    assert_true(server.logins <= 2);
    return rc;
}

static void test_refused_login_is_known_in_any_language(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate, *message;
        enum dw_rc rc;
    } cases[] = {
        {"28P01", "password authentication failed for user \"x\"", DW_CONFIG},
        {"28P01",
         "Passwort-Authentifizierung f\303\274r Benutzer \302\273x\302\253 "
         "fehlgeschlagen",
         DW_CONFIG},
        {"28000", "la r\303\251plication est refus\303\251e", DW_CONFIG},
        {"28000", "pg_hba.conf rejects connection for host \"127.0.0.1\"", DW_CONFIG},
        {"3D000", "Datenbank \302\273x\302\253 existiert nicht", DW_CONFIG},
        {"42501", "keine Berechtigung", DW_CONFIG},
        {"22023", "ung\303\274ltiger Parameter", DW_CONFIG},
        {"55000", "database \"x\" is not currently accepting connections", DW_RETRY},
        {"08P01", "server login has been failing, try again later", DW_RETRY},
        {"57P03", "das Datenbanksystem startet", DW_RETRY},
        {"57P03", "the database system is starting up", DW_RETRY},
        {"53300", "sorry, too many clients already", DW_RETRY},
        {"57P01", "terminating connection due to administrator command", DW_RETRY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dw_err err = DW_ERR_INIT;
        enum dw_rc rc = log_in(cases[i].sqlstate, cases[i].message, &err);
        if (rc != cases[i].rc)
            fail_msg("%s: %s", cases[i].message, dw_rc_name(rc));
        assert_string_equal(err.id, rc == DW_CONFIG ? "DW-PG-002" : "DW-PG-001");
        if (!strstr(err.message, cases[i].message))
            fail_msg("%s is told as %s", cases[i].message, err.message);
        assert_null(strstr(err.message, "LOCATION"));
        assert_null(strstr(err.message, "hunter2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sqlstates_are_classified),
        cmocka_unit_test(test_names_are_quoted),
        cmocka_unit_test(test_lsn_text_round_trip),
        cmocka_unit_test(test_unreachable_server_is_an_outage),
        cmocka_unit_test(test_refused_login_is_known_in_any_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
