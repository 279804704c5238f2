/* stream.h - the replication connection once START_REPLICATION has succeeded: messages in, standby
 * status out, never blocking. Threads: one owner. */
#ifndef DW_CAPTURE_POSTGRES_STREAM_H
#define DW_CAPTURE_POSTGRES_STREAM_H
#include "common/base/err.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

struct pg_conn;

struct dw_stream {
    struct pg_conn *conn;  /* owned; NULL: closed */
    uint64_t received_lsn; /* end of WAL that the server has told of */
    uint64_t told_lsn;     /* what it was told last */
    int64_t told_ms;
    bool reply_wanted;
    bool unsent;  /* a status waits for the socket to take it */
    char *buffer; /* of the message handed out last */
};

enum dw_stream_kind { DW_STREAM_DATA, DW_STREAM_KEEPALIVE };

struct dw_stream_message {
    enum dw_stream_kind kind;
    struct dw_str data; /* DATA: a pgoutput message, valid until the next call */
    uint64_t wal_end;   /* KEEPALIVE: everything before it was sent */
    int64_t sent_us;    /* server's clock, since 1970 */
};

/* Takes the connection. */
void dw_stream_open(struct dw_stream *stream, struct pg_conn *conn);
void dw_stream_close(struct dw_stream *stream);
int dw_stream_fd(const struct dw_stream *stream);

/* Reads what the socket has; call when it is readable. DW_RETRY DW-CAPTURE-004: connection lost. */
enum dw_rc dw_stream_fill(struct dw_stream *stream, struct dw_err *err) DW_MUST_CHECK;
/* The next message that was read. DW_AGAIN: none yet; DW_RETRY: the stream has ended; DW_CONFLICT
 * DW-CAPTURE-027: it has, since changes were made without the publication; DW_FATAL
 * DW-CAPTURE-001: malformed. */
enum dw_rc dw_stream_next(struct dw_stream *stream, struct dw_stream_message *out,
                          struct dw_err *err) DW_MUST_CHECK;

/* Tells the server `flushed_lsn` when it asked, when the position has moved `since_ms` ago or more,
 * or when two seconds have passed. */
enum dw_rc dw_stream_tell(struct dw_stream *stream, uint64_t flushed_lsn, int64_t since_ms,
                          struct dw_err *err) DW_MUST_CHECK;

#endif
