/* wal_message.c - see wal_message.h. */
#include "producer/capture_postgres/wal_message.h"

#include "common/base/base64.h"
#include "common/postgres/pg.h"
#include <libpq-fe.h>

void dw_wal_message_init(struct dw_wal_messages *messages, size_t max_bytes)
{
    messages->count = 0;
    dw_buf_init(&messages->text, max_bytes);
}

void dw_wal_message_done(struct dw_wal_messages *messages)
{
    dw_buf_done(&messages->text);
}

void dw_wal_message_add(struct dw_wal_messages *messages, struct dw_str content)
{
    dw_buf_append_text(&messages->text, messages->count++ ? ",\"" : "[\"");
    dw_base64_encode(&messages->text, content.ptr, content.len);
    dw_buf_append_char(&messages->text, '"');
}

enum dw_rc dw_wal_message_send(struct dw_wal_messages *messages, const char *prefix, PGconn *source,
                               uint64_t *out_lsn, struct dw_err *err)
{
    static const char sql[] =
        "SELECT max(pg_logical_emit_message(true, $2, decode(content, 'base64')))"
        " FROM json_array_elements_text($1::json) AS c(content)";
    PGresult *result = NULL;
    dw_buf_append_char(&messages->text, ']');
    if (!dw_buf_ok(&messages->text))
        return dw_err_set(err, DW_CONFIG, "DW-CAPTURE-046",
                          "what is to be announced is larger than %zu bytes",
                          messages->text.max_bytes);
    const char *params[] = {messages->text.data, prefix};
    enum dw_rc rc = dw_pg_query(source, sql, 2, params, &result, err);
    if (rc != DW_OK)
        return rc;
    (void)dw_pg_parse_lsn(PQgetvalue(result, 0, 0), out_lsn);
    PQclear(result);
    return DW_OK;
}
