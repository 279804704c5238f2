/* writer_session.h - the inside of a writer: its connection, its transaction and the fence.
 *
 * A transaction is lazy: begin only notes it; BEGIN and the fence travel with the first statements
 * (one round trip). Rows are copied into the staging table before the fence takes the progress
 * row's lock: a worker that freezes while the server waits for its COPY data is in no state that
 * idle_in_transaction_session_timeout ends, so it must not hold that lock (trap 9).
 *
 *   IDLE ─begin─► NOTED ─(stage)─► STAGED ─fence─► FENCED ─commit─► IDLE
 *                   └───────────fence───────────────┘
 */
#ifndef DW_WRITE_POSTGRES_WRITER_SESSION_H
#define DW_WRITE_POSTGRES_WRITER_SESSION_H
#include "common/base/table.h"
#include "consumer/write_postgres/exchange.h"
#include "consumer/write_postgres/rows_array.h"
#include "consumer/write_postgres/writer.h"

enum dw_session_statement {
    DW_SESSION_BEGIN,
    DW_SESSION_FENCE,
    DW_SESSION_FIRST,
    DW_SESSION_PROGRESS,
    DW_SESSION_COMMIT,
    DW_SESSION_STATEMENTS
};

/* Staging tables of a session, at most. Each commit that used one empties all of them (ON COMMIT
 * DELETE ROWS): measured, 0.3 ms for each. TRUNCATE of the used one alone costs more for few
 * tables, since it makes the server plan the merge again; DELETE leaves its dead rows behind. */
#define DW_SESSION_STAGES 4

/* A row or table that the application has locked holds up its own map: the lane's other maps wait
 * for no longer than this before they have their turn. */
#define DW_SESSION_PATIENCE_MS 200

enum dw_session_state {
    DW_SESSION_IDLE,
    DW_SESSION_NOTED,
    DW_SESSION_STAGED, /* BEGIN was sent, the fence was not */
    DW_SESSION_FENCED,
};

/* Tags of replies; merge groups count from DW_SESSION_TAG_GROUP. */
enum dw_session_tag {
    DW_SESSION_TAG_OTHER,
    DW_SESSION_TAG_FENCE,
    DW_SESSION_TAG_COMMIT,
    DW_SESSION_TAG_OWNER,
    DW_SESSION_TAG_GROUP,
};

struct dw_writer {
    const struct dw_system_settings *system;
    char *instance;
    int idle_ms;
    struct pg_conn *conn;
    uint64_t session; /* rises with each connection: what was prepared before is gone */
    bool schema_ready;
    bool utf8;     /* server encoding */
    bool no_stage; /* the role may not make temporary tables */
    bool prepared[DW_SESSION_STATEMENTS];
    enum dw_session_state state;
    struct dw_partition_id id; /* of the open transaction */
    struct dw_progress expected;
    struct dw_writer_table *stages[DW_SESSION_STAGES]; /* those that have one; a ring */
    unsigned next_stage;
    struct dw_writer_table *staged; /* its staging table was made in this transaction */
    struct dw_exchange exchange;
    struct dw_rows_array arrays;
    struct dw_buf sql, copy;
    struct dw_table keys, blocked; /* scratch of a batch */
    uint32_t next_table;
};

/* Connects when there is no connection. */
enum dw_rc dw_writer_session_connect(struct dw_writer *writer, struct dw_err *err) DW_MUST_CHECK;
/* Ends sessions of other workers that have stood still for `idle_ms` in the middle of what they
 * were sending: the server waits for the rest of it, in a transaction that no time-out ends, and
 * what it has locked would stay locked for as long as their worker is frozen (trap 9). Best effort.
 */
void dw_writer_session_evict(struct dw_writer *writer);
/* Drops the connection; the next use makes another one. */
void dw_writer_session_drop(struct dw_writer *writer);

/* Opens the exchange and adds what the transaction still lacks: BEGIN, the fence. */
void dw_writer_session_open(struct dw_writer *writer);
/* Reads the exchange. DW_OK, or the class of the failure with `err` filled; DW_CONFLICT when it was
 * the fence's. The transaction is not rolled back. */
enum dw_rc dw_writer_session_finish(struct dw_writer *writer, struct dw_err *err) DW_MUST_CHECK;
/* BEGIN without the fence, for staging. */
enum dw_rc dw_writer_session_stage(struct dw_writer *writer, struct dw_err *err) DW_MUST_CHECK;
/* Rolls back; the transaction is over. Drops the connection when that fails. */
void dw_writer_session_rollback(struct dw_writer *writer);
/* Rolls back and begins anew: only noted, the fence comes again. */
void dw_writer_session_restart(struct dw_writer *writer);

/* Fills `err` from a failed result (NULL: connection lost) under DW-APPLY-020 to 022; returns its
 * class. */
enum dw_rc dw_writer_session_error(struct dw_writer *writer, const struct pg_result *result,
                                   struct dw_err *err);

#endif
