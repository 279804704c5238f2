/* pg.c - see pg.h. */
#include "common/postgres/pg.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_S "10"

/* Settings of a session that make a value's text exact and the same on every server. They go in the
 * start-up packet, so that a walsender has them too. */
static const char session_options[] =
    "-c datestyle=ISO -c intervalstyle=iso_8601 -c extra_float_digits=3 -c bytea_output=hex "
    "-c timezone=UTC -c lc_monetary=C -c search_path=pg_catalog -c xmloption=content "
    "-c standard_conforming_strings=on";

enum dw_rc dw_pg_classify(const char *sqlstate)
{
    static const struct {
        const char *prefix;
        enum dw_rc rc;
    } classes[] = {
        {"08", DW_RETRY},     /* connection */
        {"40", DW_RETRY},     /* serialization, deadlock */
        {"53", DW_RETRY},     /* resources: disk full, too many connections */
        {"55P03", DW_RETRY},  /* lock not available */
        {"55006", DW_RETRY},  /* object in use */
        {"57", DW_RETRY},     /* cancelled, shutting down, cannot connect now */
        {"58", DW_RETRY},     /* input/output */
        {"25P02", DW_RETRY},  /* aborted transaction: the cause was seen before */
        {"25P03", DW_RETRY},  /* idle-in-transaction time-out */
        {"25006", DW_RETRY},  /* read-only: a standby that has not been promoted yet */
        {"22", DW_REJECT},    /* data */
        {"23", DW_REJECT},    /* constraints */
        {"44", DW_REJECT},    /* WITH CHECK OPTION of a view */
        {"P0001", DW_REJECT}, /* RAISE EXCEPTION in the application's trigger */
        {"54", DW_REJECT},    /* program limits: index row too large */
        {"28", DW_CONFIG},    {"3D", DW_CONFIG}, {"3F", DW_CONFIG}, {"42", DW_CONFIG},
        {"0A", DW_CONFIG},    {"55", DW_CONFIG}, {"39", DW_CONFIG},
    };
    if (!sqlstate || !*sqlstate)
        return DW_RETRY;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strncmp(sqlstate, classes[i].prefix, strlen(classes[i].prefix)) == 0)
            return classes[i].rc;
    return DW_CONFIG;
}

/* The detail of a class 22 or 23 error quotes the row: it must not reach a log. */
static bool detail_is_safe(const char *sqlstate)
{
    return strncmp(sqlstate, "22", 2) != 0 && strncmp(sqlstate, "23", 2) != 0;
}

static void append_field(struct dw_buf *text, const PGresult *result, int field, const char *name)
{
    const char *value = PQresultErrorField(result, field);
    if (value && *value)
        dw_buf_printf(text, "; %s %s", name, value);
}

enum dw_rc dw_pg_error(PGconn *conn, const PGresult *result, const char *id, struct dw_err *err)
{
    const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (!sqlstate)
        sqlstate = "";
    enum dw_rc rc = dw_pg_classify(sqlstate);
    if (!err)
        return rc;
    struct dw_buf text;
    dw_buf_init(&text, DW_ERR_MESSAGE_MAX * 2);
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    dw_buf_append_text(&text, primary ? primary : PQerrorMessage(conn));
    if (result) {
        if (detail_is_safe(sqlstate))
            append_field(&text, result, PG_DIAG_MESSAGE_DETAIL, "detail:");
        append_field(&text, result, PG_DIAG_CONSTRAINT_NAME, "constraint");
        append_field(&text, result, PG_DIAG_TABLE_NAME, "table");
        append_field(&text, result, PG_DIAG_COLUMN_NAME, "column");
    }
    (void)dw_err_set(err, rc, id, "%s", text.data ? text.data : "connection lost");
    (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%.5s", sqlstate);
    dw_buf_done(&text);
    return rc;
}

struct parameters { /* for PQconnectdbParams: keywords and values, NULL-terminated */
    const char *keywords[16];
    const char *values[16];
    size_t count;
};

static void add_parameter(struct parameters *parameters, const char *keyword, const char *value)
{
    if (!value)
        return;
    parameters->keywords[parameters->count] = keyword;
    parameters->values[parameters->count++] = value;
    parameters->keywords[parameters->count] = NULL;
    parameters->values[parameters->count] = NULL;
}

static void format_options(const struct dw_pg_options *options, char *out, size_t size)
{
    char extra[160] = "";
    int at = 0;
    if (options->idle_in_transaction_ms)
        at += snprintf(extra, sizeof extra, " -c idle_in_transaction_session_timeout=%d",
                       options->idle_in_transaction_ms);
    if (options->lock_timeout_ms)
        at += snprintf(extra + at, sizeof extra - (size_t)at, " -c lock_timeout=%d",
                       options->lock_timeout_ms);
    /* No session of ours waits for a standby (trap 27), which may be missing: what we write is a
     * watermark, a heartbeat, or has its progress in the same transaction. */
    (void)snprintf(extra + at, sizeof extra - (size_t)at, " -c synchronous_commit=%s",
                   options->synchronous_commit_off ? "off" : "local");
    (void)snprintf(out, size, "%s%s", session_options, extra);
}

/* libpq tells a failed login only in prose, its own in English; these are refusals that waiting
 * does not mend. */
static bool is_known_refusal(PGconn *conn)
{
    static const char *const phrases[] = {"password authentication failed",
                                          "no password supplied",
                                          "does not exist",
                                          "is not permitted to log in",
                                          "no pg_hba.conf entry",
                                          "permission denied for database",
                                          "authentication failed",
                                          "must be superuser or replication role",
                                          "invalid connection option",
                                          "invalid URI query parameter",
                                          "invalid sslmode",
                                          "certificate"};
    const char *message = PQerrorMessage(conn);
    if (PQconnectionNeedsPassword(conn))
        return true;
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (strstr(message, phrases[i]))
            return true;
    return false;
}

/* The SQLSTATE at the end of an error that the server sent, "FATAL:  28P01" at this verbosity. */
static const char *sqlstate_in(const char *message)
{
    const char *severity_end = strstr(message, ":  ");
    for (const char *next = severity_end; next; next = strstr(next + 1, ":  "))
        severity_end = next;
    return severity_end ? severity_end + 3 : "";
}

/* The server's own prose is in its administrator's language. It is asked again, this time for the
 * SQLSTATE alone. True with a connection in case that it lets us in now. */
static bool ask_again(PGconn *conn, char sqlstate[6])
{
    (void)PQsetErrorVerbosity(conn, PQERRORS_SQLSTATE);
    PQreset(conn);
    bool open = PQstatus(conn) == CONNECTION_OK;
    (void)PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
    (void)snprintf(sqlstate, 6, "%.5s", open ? "" : sqlstate_in(PQerrorMessage(conn)));
    return open;
}

/* Of a login. A database closed for maintenance (55000) opens again, a pooler answers 08P01 while
 * its server is down. */
static bool is_refusal(const char *sqlstate)
{
    static const char *const classes[] = {"28", "3D", "42", "22", "0A"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strncmp(sqlstate, classes[i], 2) == 0)
            return true;
    return false;
}

/* Why the connection failed; DW_OK when it works by now. */
static enum dw_rc explain_failure(PGconn *conn, const char *what, struct dw_err *err)
{
    char sqlstate[6] = "";
    bool refused = is_known_refusal(conn);
    (void)dw_err_set(err, DW_RETRY, "DW-PG-001", "%s: %s", what, PQerrorMessage(conn));
    if (!refused && *sqlstate_in(PQerrorMessage(conn))) {
        if (ask_again(conn, sqlstate)) {
            dw_err_clear(err);
            return DW_OK;
        }
        refused = is_refusal(sqlstate);
    }
    if (!refused)
        return DW_RETRY;
    if (err) {
        err->rc = DW_CONFIG;
        (void)snprintf(err->id, sizeof err->id, "DW-PG-002");
        memcpy(err->sqlstate, sqlstate, sizeof sqlstate);
    }
    return DW_CONFIG;
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result; /* notices of the server are for people at a prompt */
}

/* A database without an encoding holds any bytes, and checks them on their way to a client in UTF8:
 * one value that is none would end a stream or a COPY again and again. */
static bool take_raw_text(PGconn *conn)
{
    const char *encoding = PQparameterStatus(conn, "server_encoding");
    if (!encoding || strcmp(encoding, "SQL_ASCII") != 0)
        return true;
    return PQsetClientEncoding(conn, "SQL_ASCII") == 0;
}

enum dw_rc dw_pg_connect(PGconn **out, const struct dw_pg_options *options, struct dw_err *err)
{
    struct parameters parameters = {.count = 0};
    char session[512];
    format_options(options, session, sizeof session);
    add_parameter(&parameters, "dbname", options->connection);
    add_parameter(&parameters, "password", options->password);
    add_parameter(&parameters, "application_name", options->application_name);
    add_parameter(&parameters, "client_encoding", "UTF8");
    add_parameter(&parameters, "options", session);
    add_parameter(&parameters, "connect_timeout", CONNECT_TIMEOUT_S);
    add_parameter(&parameters, "keepalives_idle", "10");
    add_parameter(&parameters, "keepalives_interval", "5");
    add_parameter(&parameters, "keepalives_count", "3");
    add_parameter(&parameters, "tcp_user_timeout", "30000");
    if (options->replication)
        add_parameter(&parameters, "replication", "database");
    PGconn *conn = PQconnectdbParams(parameters.keywords, parameters.values, 1);
    if (!conn)
        return dw_err_set(err, DW_RETRY, "DW-PG-001", "%s: out of memory", options->what);
    if (PQstatus(conn) != CONNECTION_OK) {
        enum dw_rc rc = explain_failure(conn, options->what, err);
        if (rc != DW_OK) {
            PQfinish(conn);
            return rc;
        }
    }
    (void)PQsetNoticeReceiver(conn, ignore_notice, NULL);
    if (!take_raw_text(conn)) {
        enum dw_rc rc = dw_pg_error(conn, NULL, "DW-PG-001", err);
        PQfinish(conn);
        return rc;
    }
    *out = conn;
    return DW_OK;
}

void dw_pg_disconnect(PGconn *conn)
{
    if (conn)
        PQfinish(conn);
}

static bool is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

enum dw_rc dw_pg_exec(PGconn *conn, const char *sql, struct dw_err *err)
{
    PGresult *result = PQexec(conn, sql);
    enum dw_rc rc = is_success(result) ? DW_OK : dw_pg_error(conn, result, "DW-PG-003", err);
    PQclear(result);
    return rc;
}

enum dw_rc dw_pg_query(PGconn *conn, const char *sql, int param_count, const char *const *params,
                       PGresult **out, struct dw_err *err)
{
    PGresult *result = PQexecParams(conn, sql, param_count, NULL, params, NULL, NULL, 0);
    if (!is_success(result)) {
        enum dw_rc rc = dw_pg_error(conn, result, "DW-PG-003", err);
        PQclear(result);
        return rc;
    }
    *out = result;
    return DW_OK;
}

void dw_pg_quote_name(struct dw_buf *out, struct dw_str name)
{
    dw_buf_append_char(out, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            dw_buf_append_char(out, '"');
        dw_buf_append_char(out, name.ptr[i]);
    }
    dw_buf_append_char(out, '"');
}

void dw_pg_quote_table(struct dw_buf *out, struct dw_str schema, struct dw_str table)
{
    dw_pg_quote_name(out, schema);
    dw_buf_append_char(out, '.');
    dw_pg_quote_name(out, table);
}

bool dw_pg_parse_lsn(const char *text, uint64_t *out_lsn)
{
    char *end;
    unsigned long high = strtoul(text, &end, 16);
    if (end == text || *end != '/' || high > UINT32_MAX)
        return false;
    const char *low_text = end + 1;
    unsigned long low = strtoul(low_text, &end, 16);
    if (end == low_text || *end != '\0' || low > UINT32_MAX)
        return false;
    *out_lsn = (uint64_t)high << 32 | low;
    return true;
}

const char *dw_pg_format_lsn(uint64_t lsn, char out[24])
{
    (void)snprintf(out, 24, "%X/%X", (unsigned)(lsn >> 32), (unsigned)(lsn & 0xffffffffU));
    return out;
}
