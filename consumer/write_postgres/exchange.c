/* exchange.c - see exchange.h. */
#include "consumer/write_postgres/exchange.h"

#include <libpq-fe.h>

void dw_exchange_clear(struct dw_exchange *exchange)
{
    if (exchange->open && !dw_exchange_finish(exchange))
        exchange->failed = -1; /* nobody waits for its results any more */
    for (size_t i = 0; i < exchange->count; i++)
        PQclear(exchange->replies[i].result);
    exchange->count = 0;
    exchange->failed = -1;
}

void dw_exchange_open(struct dw_exchange *exchange, PGconn *conn)
{
    dw_exchange_clear(exchange);
    exchange->conn = conn;
    exchange->failed = -1;
    exchange->open = true;
    exchange->broken = PQenterPipelineMode(conn) != 1;
}

static void add_reply(struct dw_exchange *exchange, int tag, bool *prepared, int sent)
{
    if (!sent)
        exchange->broken = true;
    if (exchange->broken) {
        if (prepared)
            *prepared = false;
        return;
    }
    exchange->replies[exchange->count++] = (struct dw_exchange_reply){tag, NULL, prepared};
}

void dw_exchange_send(struct dw_exchange *exchange, int tag, const char *sql,
                      const struct dw_exchange_params *params)
{
    static const struct dw_exchange_params none = {.count = 0};
    const struct dw_exchange_params *p = params ? params : &none;
    if (exchange->broken)
        return;
    int sent = PQsendQueryParams(exchange->conn, sql, p->count, p->types, p->values, p->lengths,
                                 p->formats, 0);
    add_reply(exchange, tag, NULL, sent);
}

void dw_exchange_send_prepared(struct dw_exchange *exchange, int tag,
                               const struct dw_exchange_statement *statement, bool *prepared,
                               const struct dw_exchange_params *params)
{
    if (exchange->broken)
        return;
    if (!*prepared) {
        *prepared = true;
        int sent = PQsendPrepare(exchange->conn, statement->name, statement->sql,
                                 statement->param_count, statement->types);
        add_reply(exchange, tag, prepared, sent);
        if (exchange->broken)
            return;
    }
    int sent = PQsendQueryPrepared(exchange->conn, statement->name, params->count, params->values,
                                   params->lengths, params->formats, 0);
    add_reply(exchange, tag, NULL, sent);
}

bool dw_exchange_has_room(const struct dw_exchange *exchange, size_t statements)
{
    return exchange->count + statements <= DW_EXCHANGE_MAX;
}

static bool is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* One statement's result, and the NULL behind it. False when the connection was lost. */
static bool read_reply(struct dw_exchange *exchange, size_t i)
{
    struct dw_exchange_reply *reply = &exchange->replies[i];
    PGresult *result = PQgetResult(exchange->conn);
    if (!result)
        return false;
    PGresult *more;
    while ((more = PQgetResult(exchange->conn)) != NULL)
        PQclear(more);
    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED) {
        PQclear(result);
    } else {
        reply->result = result;
        if (!is_success(result) && exchange->failed < 0)
            exchange->failed = (int)i;
    }
    if (reply->prepared && (!reply->result || !is_success(reply->result)))
        *reply->prepared = false;
    return PQstatus(exchange->conn) != CONNECTION_BAD;
}

static bool read_replies(struct dw_exchange *exchange)
{
    if (PQpipelineSync(exchange->conn) != 1)
        return false;
    for (size_t i = 0; i < exchange->count; i++)
        if (!read_reply(exchange, i))
            return false;
    PGresult *sync = PQgetResult(exchange->conn);
    bool synced = PQresultStatus(sync) == PGRES_PIPELINE_SYNC;
    PQclear(sync);
    return synced && PQexitPipelineMode(exchange->conn) == 1;
}

bool dw_exchange_finish(struct dw_exchange *exchange)
{
    exchange->open = false;
    if (!exchange->broken && !read_replies(exchange))
        exchange->broken = true;
    return !exchange->broken && exchange->failed < 0;
}

const PGresult *dw_exchange_failure(const struct dw_exchange *exchange)
{
    return exchange->failed < 0 ? NULL : exchange->replies[exchange->failed].result;
}

int dw_exchange_failed_tag(const struct dw_exchange *exchange)
{
    return exchange->failed < 0 ? -1 : exchange->replies[exchange->failed].tag;
}
