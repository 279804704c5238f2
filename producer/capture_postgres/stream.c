/* stream.c - see stream.h. Copy messages: 'w' data start 8, WAL end 8, time 8, payload; 'k' WAL end
 * 8, time 8, reply 1; ours: 'r' written 8, flushed 8, applied 8, time 8, reply 1. */
#include "producer/capture_postgres/stream.h"

#include "common/base/clock.h"
#include <libpq-fe.h>

#define UNDEFINED_OBJECT "42704" /* of the decoding: the publication was not there */
#define TELL_EVERY_MS    2000    /* well below any sensible wal_sender_timeout */

void dw_stream_open(struct dw_stream *stream, PGconn *conn)
{
    *stream = (struct dw_stream){.conn = conn, .told_ms = dw_clock_mono_ms()};
    (void)PQsetnonblocking(conn, 1);
}

void dw_stream_close(struct dw_stream *stream)
{
    PQfreemem(stream->buffer);
    PQfinish(stream->conn);
    *stream = (struct dw_stream){.conn = NULL};
}

int dw_stream_fd(const struct dw_stream *stream)
{
    return stream->conn ? PQsocket(stream->conn) : -1;
}

static enum dw_rc lost(const struct dw_stream *stream, struct dw_err *err)
{
    return dw_err_set(err, DW_RETRY, "DW-CAPTURE-004", "replication stream: %s",
                      PQerrorMessage(stream->conn));
}

enum dw_rc dw_stream_fill(struct dw_stream *stream, struct dw_err *err)
{
    return PQconsumeInput(stream->conn) ? DW_OK : lost(stream, err);
}

static uint64_t read_u64(const char *bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | (unsigned char)bytes[i];
    return number;
}

static enum dw_rc ended(struct dw_stream *stream, struct dw_err *err)
{
    PGresult *result = PQgetResult(stream->conn);
    const char *reason = result ? PQresultErrorMessage(result) : PQerrorMessage(stream->conn);
    const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    bool undefined = sqlstate && strcmp(sqlstate, UNDEFINED_OBJECT) == 0;
    enum dw_rc rc = dw_err_set(
        err, undefined ? DW_CONFLICT : DW_RETRY, undefined ? "DW-CAPTURE-027" : "DW-CAPTURE-004",
        "the server has ended the replication stream%s%s", *reason ? ": " : "", reason);
    PQclear(result);
    return rc;
}

static enum dw_rc parse(struct dw_stream *stream, struct dw_str bytes,
                        struct dw_stream_message *out, struct dw_err *err)
{
    if (bytes.len >= 25 && bytes.ptr[0] == 'w') {
        uint64_t wal_end = read_u64(bytes.ptr + 9);
        *out = (struct dw_stream_message){.kind = DW_STREAM_DATA,
                                          .data = {bytes.ptr + 25, bytes.len - 25}};
        if (wal_end > stream->received_lsn)
            stream->received_lsn = wal_end;
        return DW_OK;
    }
    if (bytes.len == 18 && bytes.ptr[0] == 'k') {
        *out = (struct dw_stream_message){
            .kind = DW_STREAM_KEEPALIVE,
            .wal_end = read_u64(bytes.ptr + 1),
            .sent_us = (int64_t)(read_u64(bytes.ptr + 9) + (uint64_t)DW_CLOCK_PG_EPOCH_US),
        };
        stream->reply_wanted = stream->reply_wanted || bytes.ptr[17];
        if (out->wal_end > stream->received_lsn)
            stream->received_lsn = out->wal_end;
        return DW_OK;
    }
    return dw_err_set(err, DW_FATAL, "DW-CAPTURE-001",
                      "replication stream: a message of %zu bytes and kind 0x%02x", bytes.len,
                      bytes.len ? (unsigned)(unsigned char)bytes.ptr[0] : 0U);
}

enum dw_rc dw_stream_next(struct dw_stream *stream, struct dw_stream_message *out,
                          struct dw_err *err)
{
    PQfreemem(stream->buffer);
    stream->buffer = NULL;
    int got = PQgetCopyData(stream->conn, &stream->buffer, 1);
    if (got > 0)
        return parse(stream, (struct dw_str){stream->buffer, (size_t)got}, out, err);
    if (got == 0)
        return DW_AGAIN;
    return got == -1 ? ended(stream, err) : lost(stream, err);
}

static void write_u64(char *bytes, uint64_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        bytes[i] = (char)(number & 0xff);
}

enum dw_rc dw_stream_tell(struct dw_stream *stream, uint64_t flushed_lsn, int64_t since_ms,
                          struct dw_err *err)
{
    int64_t now = dw_clock_mono_ms();
    int64_t age = now - stream->told_ms;
    bool moved = flushed_lsn > stream->told_lsn && age >= since_ms;
    if (stream->reply_wanted || moved || age >= TELL_EVERY_MS) {
        char status[34] = {'r'};
        uint64_t written = stream->received_lsn > flushed_lsn ? stream->received_lsn : flushed_lsn;
        write_u64(status + 1, written);
        write_u64(status + 9, flushed_lsn);
        write_u64(status + 17, flushed_lsn);
        write_u64(status + 25, (uint64_t)(dw_clock_wall_us() - DW_CLOCK_PG_EPOCH_US));
        int sent = PQputCopyData(stream->conn, status, sizeof status);
        if (sent < 0)
            return lost(stream, err);
        if (sent > 0) {
            stream->told_lsn = flushed_lsn;
            stream->told_ms = now;
            stream->reply_wanted = false;
        }
    }
    int flushed = PQflush(stream->conn);
    stream->unsent = flushed > 0;
    return flushed < 0 ? lost(stream, err) : DW_OK;
}
