/* writer_session.c - see writer_session.h. */
#include "consumer/write_postgres/writer_session.h"

#include "common/base/log.h"
#include "common/postgres/pg.h"
#include "consumer/write_postgres/progress.h"
#include "consumer/write_postgres/writer_table.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define APPLICATION "dualwrite-consumer"

static const struct dw_exchange_statement begin_statement = {"dw_begin", "BEGIN", 0, NULL};

void dw_writer_session_drop(struct dw_writer *writer)
{
    dw_exchange_clear(&writer->exchange);
    dw_pg_disconnect(writer->conn);
    writer->conn = NULL;
    writer->state = DW_SESSION_IDLE;
    writer->staged = NULL;
}

/* Keep-alives of the server's side: a host that is gone must not hold the progress row's lock for
 * longer than the group's session time-out. A server on a Unix socket takes them without effect. */
static enum dw_rc set_server_side(struct dw_writer *writer, struct dw_err *err)
{
    char sql[200];
    int seconds = writer->idle_ms / 3000 > 1 ? writer->idle_ms / 3000 : 1;
    (void)snprintf(sql, sizeof sql,
                   "SET tcp_keepalives_idle = %d; SET tcp_keepalives_interval = %d;"
                   " SET tcp_keepalives_count = 2; SET tcp_user_timeout = %d",
                   seconds, seconds, writer->idle_ms);
    return dw_pg_exec(writer->conn, sql, err);
}

enum dw_rc dw_writer_session_connect(struct dw_writer *writer, struct dw_err *err)
{
    if (writer->conn && PQstatus(writer->conn) == CONNECTION_OK)
        return DW_OK;
    dw_writer_session_drop(writer);
    char what[160];
    char name[64];
    (void)snprintf(what, sizeof what, "system %s", writer->system->name);
    (void)snprintf(name, sizeof name, APPLICATION " %.40s", writer->instance);
    const struct dw_pg_options options = {
        .connection = writer->system->connection,
        .password = writer->system->password,
        .application_name = name,
        .what = what,
        .idle_in_transaction_ms = writer->idle_ms,
        .lock_timeout_ms = DW_SESSION_PATIENCE_MS,
        .synchronous_commit_off = true,
    };
    enum dw_rc rc = dw_pg_connect(&writer->conn, &options, err);
    if (rc != DW_OK)
        return rc;
    writer->session++;
    memset(writer->prepared, 0, sizeof writer->prepared);
    writer->no_stage = false;
    const char *encoding = PQparameterStatus(writer->conn, "server_encoding");
    writer->utf8 = encoding && strcmp(encoding, "UTF8") == 0;
    rc = set_server_side(writer, err);
    if (rc != DW_OK)
        dw_writer_session_drop(writer);
    return rc;
}

void dw_writer_session_evict(struct dw_writer *writer)
{
    char idle_ms[16];
    const char *const params[] = {idle_ms};
    struct dw_err err = DW_ERR_INIT;
    PGresult *result = NULL;
    (void)snprintf(idle_ms, sizeof idle_ms, "%d", writer->idle_ms);
    enum dw_rc rc =
        dw_pg_query(writer->conn,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = current_user"
                    " AND pid <> pg_backend_pid() AND application_name LIKE '" APPLICATION " %'"
                    " AND state = 'active' AND wait_event = 'ClientRead'"
                    " AND greatest(state_change, query_start)"
                    "  < clock_timestamp() - $1::bigint * interval '1 ms'",
                    1, params, &result, &err);
    if (rc == DW_OK && PQntuples(result))
        dw_log(DW_LOG_WARN, "writer.evicted",
               "a worker that stands still was cut off from the target",
               DW_F_TEXT("system", writer->system->name), DW_F_INT("sessions", PQntuples(result)));
    PQclear(result);
}

/* What only a row of the batch can cause, though its class says nothing of the kind: two rows of
 * one INSERT with the same key (their texts differ, "1.0" and "1"), a trigger's own error codes
 * (PL/pgSQL's, or a class that neither the SQL standard nor PostgreSQL uses). */
static bool is_of_a_row(const char *sqlstate)
{
    char class = sqlstate[0];
    if (strncmp(sqlstate, "72", 2) == 0 || strncmp(sqlstate, "XX", 2) == 0)
        return false;
    return strncmp(sqlstate, "21", 2) == 0 || strncmp(sqlstate, "27", 2) == 0 ||
           strncmp(sqlstate, "P0", 2) == 0 || (class >= '6' && class <= '9') || class >= 'I';
}

enum dw_rc dw_writer_session_error(struct dw_writer *writer, const PGresult *result,
                                   struct dw_err *err)
{
    enum dw_rc rc = dw_pg_error(writer->conn, result, "DW-APPLY-020", err);
    if (rc == DW_CONFIG && is_of_a_row(err->sqlstate))
        rc = err->rc = DW_REJECT;
    const char *id = rc == DW_RETRY ? "DW-APPLY-020" : rc == DW_CONFIG ? "DW-APPLY-021" : "";
    if (*id)
        (void)snprintf(err->id, sizeof err->id, "%s", id);
    dw_err_add_context(err, "system %s", writer->system->name);
    return rc;
}

void dw_writer_session_open(struct dw_writer *writer)
{
    struct dw_exchange *exchange = &writer->exchange;
    static const struct dw_exchange_params none = {.count = 0};
    dw_exchange_open(exchange, writer->conn);
    if (writer->state == DW_SESSION_NOTED)
        dw_exchange_send_prepared(exchange, DW_SESSION_TAG_OTHER, &begin_statement,
                                  &writer->prepared[DW_SESSION_BEGIN], &none);
    if (writer->state != DW_SESSION_NOTED && writer->state != DW_SESSION_STAGED)
        return;
    struct dw_progress_values values;
    const struct dw_exchange_params params =
        dw_progress_params(&values, &writer->id, &writer->expected);
    if (writer->expected.exists)
        dw_exchange_send_prepared(exchange, DW_SESSION_TAG_FENCE, &dw_progress_fence,
                                  &writer->prepared[DW_SESSION_FENCE], &params);
    else
        dw_exchange_send_prepared(exchange, DW_SESSION_TAG_FENCE, &dw_progress_first,
                                  &writer->prepared[DW_SESSION_FIRST], &params);
    writer->state = DW_SESSION_FENCED;
}

/* The fence's own failures: it divided by zero, or another worker inserted the first row. */
static bool is_lost_fence(const struct dw_exchange *exchange)
{
    if (dw_exchange_failed_tag(exchange) != DW_SESSION_TAG_FENCE)
        return false;
    const char *sqlstate = PQresultErrorField(dw_exchange_failure(exchange), PG_DIAG_SQLSTATE);
    return sqlstate && (strcmp(sqlstate, "22012") == 0 || strcmp(sqlstate, "23505") == 0);
}

/* Another map's worker has claimed a row since it was looked at. */
static bool is_lost_row(const struct dw_exchange *exchange)
{
    if (dw_exchange_failed_tag(exchange) != DW_SESSION_TAG_OWNER)
        return false;
    const char *sqlstate = PQresultErrorField(dw_exchange_failure(exchange), PG_DIAG_SQLSTATE);
    return sqlstate && strcmp(sqlstate, "22012") == 0;
}

enum dw_rc dw_writer_session_finish(struct dw_writer *writer, struct dw_err *err)
{
    if (dw_exchange_finish(&writer->exchange))
        return DW_OK;
    if (writer->exchange.broken)
        return dw_writer_session_error(writer, NULL, err);
    if (is_lost_fence(&writer->exchange))
        return dw_err_set(err, DW_CONFLICT, "DW-APPLY-010",
                          "another worker has moved partition %d of %s", writer->id.partition,
                          writer->id.topic);
    if (is_lost_row(&writer->exchange))
        return dw_err_set(err, DW_RETRY, "DW-APPLY-022",
                          "system %s: another map has taken a row of the same table meanwhile",
                          writer->system->name);
    enum dw_rc rc = dw_writer_session_error(writer, dw_exchange_failure(&writer->exchange), err);
    bool of_a_row = dw_exchange_failed_tag(&writer->exchange) != DW_SESSION_TAG_OWNER;
    return rc == DW_REJECT && !of_a_row ? DW_CONFIG : rc;
}

enum dw_rc dw_writer_session_stage(struct dw_writer *writer, struct dw_err *err)
{
    PGresult *result = PQexec(writer->conn, "BEGIN");
    enum dw_rc rc = DW_OK;
    if (PQresultStatus(result) == PGRES_COMMAND_OK)
        writer->state = DW_SESSION_STAGED;
    else
        rc = dw_writer_session_error(writer, result, err);
    PQclear(result);
    return rc;
}

void dw_writer_session_rollback(struct dw_writer *writer)
{
    dw_exchange_clear(&writer->exchange);
    bool begun = writer->state == DW_SESSION_STAGED || writer->state == DW_SESSION_FENCED;
    if (writer->staged)
        writer->staged->stage_exists = false;
    writer->staged = NULL;
    writer->state = DW_SESSION_IDLE;
    if (!writer->conn || !begun)
        return;
    PGresult *result = PQexec(writer->conn, "ROLLBACK");
    bool rolled_back = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    if (!rolled_back)
        dw_writer_session_drop(writer);
}

void dw_writer_session_restart(struct dw_writer *writer)
{
    dw_writer_session_rollback(writer);
    writer->state = DW_SESSION_NOTED;
}
