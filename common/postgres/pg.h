/* pg.h - connections and statements: libpq with our errors, settings and classification.
 *
 * `struct pg_conn` and `struct pg_result` are libpq's PGconn and PGresult; headers use the tags.
 * Threads: a connection belongs to one thread.
 */
#ifndef DW_POSTGRES_PG_H
#define DW_POSTGRES_PG_H
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

struct pg_conn;
struct pg_result;

struct dw_pg_options {
    const char *connection;       /* libpq connection string or URI */
    const char *password;         /* NULL: from the connection string, .pgpass, … */
    const char *application_name; /* shown in pg_stat_activity */
    const char *what;             /* for messages: "system erp", "state database" */
    bool replication;             /* a walsender connection (replication=database) */
    int idle_in_transaction_ms;   /* 0: server's default */
    int lock_timeout_ms;          /* 0: server's default */
    bool synchronous_commit_off;  /* for writers whose progress is in the same transaction */
};

/* Connects (10 s at most) with the session settings that make text exact and the same on both
 * sides: UTF8, ISO dates, ISO 8601 intervals, extra_float_digits 3, UTC, hex bytea, lc_monetary C,
 * search_path pg_catalog. Of a database in SQL_ASCII the text comes as it is: any bytes. Errors:
 * DW_RETRY DW-PG-001 when the server cannot be reached, DW_CONFIG DW-PG-002 for a refused login,
 * database or role. Never shows the password. */
enum dw_rc dw_pg_connect(struct pg_conn **out, const struct dw_pg_options *options,
                         struct dw_err *err) DW_MUST_CHECK;
void dw_pg_disconnect(struct pg_conn *conn); /* accepts NULL */

/* What a SQLSTATE asks for: outages, deadlocks, serialization, cancelled, 53xxx, 57Pxx: DW_RETRY;
 * 42xxx privileges and missing objects, 28xxx, 3Dxxx: DW_CONFIG; 22xxx, 23xxx: DW_REJECT. Empty
 * (connection lost): DW_RETRY. */
enum dw_rc dw_pg_classify(const char *sqlstate);

/* Fills `err` from a failed result or, when `result` is NULL, from the connection; returns the
 * class. Message: server's primary message, detail when it holds no row values (never for class 22
 * and 23), constraint, table, column. */
enum dw_rc dw_pg_error(struct pg_conn *conn, const struct pg_result *result, const char *id,
                       struct dw_err *err);

/* Runs statements without parameters; results are thrown away. Errors as dw_pg_classify, DW-PG-003.
 */
enum dw_rc dw_pg_exec(struct pg_conn *conn, const char *sql, struct dw_err *err) DW_MUST_CHECK;

/* Runs one statement with text parameters (NULL = null); *out is owned by the caller (PQclear). */
enum dw_rc dw_pg_query(struct pg_conn *conn, const char *sql, int param_count,
                       const char *const *params, struct pg_result **out,
                       struct dw_err *err) DW_MUST_CHECK;

/* Appends "name" quoted as an identifier. Only for names that a look-up in the catalogue gave. */
void dw_pg_quote_name(struct dw_buf *out, struct dw_str name);
/* Appends "schema"."table". */
void dw_pg_quote_table(struct dw_buf *out, struct dw_str schema, struct dw_str table);

/* "16/B374D848" <-> number. */
bool dw_pg_parse_lsn(const char *text, uint64_t *out_lsn);
const char *dw_pg_format_lsn(uint64_t lsn, char out[24]);

#endif
