/* wal_message.h - messages that we write into the source's WAL, to come back in its stream. */
#ifndef DW_CAPTURE_POSTGRES_WAL_MESSAGE_H
#define DW_CAPTURE_POSTGRES_WAL_MESSAGE_H
#include "common/base/buf.h"
#include "common/base/err.h"

struct pg_conn;

/* Contents to be sent in one transaction; zeroed but for `text`: none. */
struct dw_wal_messages {
    struct dw_buf
        text; /* a JSON array of base64: bytes, so that the source's encoding is no matter */
    size_t count;
};

void dw_wal_message_init(struct dw_wal_messages *messages, size_t max_bytes);
void dw_wal_message_done(struct dw_wal_messages *messages);
void dw_wal_message_add(struct dw_wal_messages *messages, struct dw_str content);
/* Sends them all under `prefix`; the place of the last one. Blocks. DW_CONFIG DW-CAPTURE-046: they
 * are larger than the buffer may be. */
enum dw_rc dw_wal_message_send(struct dw_wal_messages *messages, const char *prefix,
                               struct pg_conn *source, uint64_t *out_lsn,
                               struct dw_err *err) DW_MUST_CHECK;

#endif
