/* state_db.c - see state_db.h. */
#include "common/state/state_db.h"

#include "common/postgres/pg.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A frozen process must not keep a map's row locked from all others. */
#define IDLE_IN_TRANSACTION_MS 15000
#define LOCK_TIMEOUT_MS        10000
#define PARAMS_MAX             32

enum dw_rc dw_state_db_connect(struct dw_state *state, struct dw_err *err)
{
    if (state->conn && PQstatus(state->conn) == CONNECTION_OK)
        return DW_OK;
    dw_pg_disconnect(state->conn);
    state->conn = NULL;
    struct dw_pg_options options = {
        .connection = state->settings->connection,
        .password = state->settings->password,
        .application_name = state->application_name,
        .what = "state database",
        .idle_in_transaction_ms = IDLE_IN_TRANSACTION_MS,
        .lock_timeout_ms = LOCK_TIMEOUT_MS,
    };
    PGconn *conn = NULL;
    enum dw_rc rc = dw_pg_connect(&conn, &options, err);
    if (!rc)
        rc = dw_state_migrate_run(conn, err);
    if (!rc)
        rc = dw_pg_exec(conn, "LISTEN " DW_STATE_DB_CHANNEL, err);
    if (rc) {
        dw_pg_disconnect(conn);
        return rc;
    }
    state->conn = conn;
    /* What was said while nobody listened is lost. */
    state->maps_changed = state->syncs_changed = true;
    return DW_OK;
}

/* Takes or refuses what a statement gave; forgets a connection that was lost. */
static enum dw_rc take_result(struct dw_state *state, PGresult *result, PGresult **out,
                              struct dw_err *err)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        if (out)
            *out = result;
        else
            PQclear(result);
        return DW_OK;
    }
    enum dw_rc rc = dw_pg_error(state->conn, result, "DW-PG-003", err);
    dw_err_add_context(err, "state database");
    PQclear(result);
    if (PQstatus(state->conn) != CONNECTION_OK) {
        dw_pg_disconnect(state->conn);
        state->conn = NULL;
    }
    return rc;
}

static enum dw_rc have_connection(struct dw_state *state, struct dw_err *err)
{
    if (!state->in_transaction)
        return dw_state_db_connect(state, err);
    if (state->conn)
        return DW_OK;
    return dw_err_set(err, DW_RETRY, "DW-PG-001",
                      "state database: the connection was lost inside a transaction");
}

enum dw_rc dw_state_db_query(struct dw_state *state, const char *sql, int param_count,
                             const char *const *params, PGresult **out, struct dw_err *err)
{
    enum dw_rc rc = have_connection(state, err);
    if (rc)
        return rc;
    PGresult *result = PQexecParams(state->conn, sql, param_count, NULL, params, NULL, NULL, 0);
    return take_result(state, result, out, err);
}

enum dw_rc dw_state_db_query_binary(struct dw_state *state, const char *sql, int param_count,
                                    const struct dw_state_db_param *params, PGresult **out,
                                    struct dw_err *err)
{
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX];
    int formats[PARAMS_MAX];
    enum dw_rc rc = have_connection(state, err);
    if (rc)
        return rc;
    for (int i = 0; i < param_count && i < PARAMS_MAX; i++) {
        values[i] = params[i].value;
        lengths[i] = (int)params[i].len;
        formats[i] = params[i].binary;
    }
    PGresult *result =
        PQexecParams(state->conn, sql, param_count, NULL, values, lengths, formats, 0);
    return take_result(state, result, out, err);
}

enum dw_rc dw_state_db_begin(struct dw_state *state, struct dw_err *err)
{
    enum dw_rc rc = dw_state_db_query(state, "BEGIN", 0, NULL, NULL, err);
    state->in_transaction = rc == DW_OK;
    return rc;
}

enum dw_rc dw_state_db_end(struct dw_state *state, enum dw_rc rc, struct dw_err *err)
{
    if (rc == DW_OK)
        rc = dw_state_db_query(state, "COMMIT", 0, NULL, NULL, err);
    else if (state->conn)
        PQclear(PQexec(state->conn, "ROLLBACK")); /* the error that led here is the one to tell */
    state->in_transaction = false;
    return rc;
}

enum dw_rc dw_state_db_undo(struct dw_state *state, enum dw_rc rc, struct dw_err *err)
{
    if (rc != DW_OK)
        return dw_state_db_end(state, rc, err);
    rc = dw_state_db_query(state, "ROLLBACK", 0, NULL, NULL, err);
    state->in_transaction = false;
    return rc;
}

const char *dw_state_db_i64(int64_t number, char out[24])
{
    (void)snprintf(out, 24, "%" PRId64, number);
    return out;
}

const char *dw_state_db_text(const PGresult *result, int row, int column, struct dw_arena *arena)
{
    struct dw_str text = {PQgetvalue(result, row, column),
                          (size_t)PQgetlength(result, row, column)};
    return dw_arena_copy(arena, text).ptr;
}

int64_t dw_state_db_number(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

enum dw_rc dw_state_db_lsn(const PGresult *result, int row, int column, uint64_t *out,
                           struct dw_err *err)
{
    const char *text = PQgetvalue(result, row, column);
    if (dw_pg_parse_lsn(text, out))
        return DW_OK;
    return dw_err_set(err, DW_CONFIG, "DW-STATE-006", "column %s of the state database holds '%s'",
                      PQfname(result, column), text);
}
