/* chunk_read.h - reads a chunk from the source: low watermark, snapshot and rows, high watermark.
 *
 * Rows and pg_current_snapshot() come from one REPEATABLE READ transaction, which is over before
 * the high watermark is written; nothing is locked and nothing stays open. Calls block. Threads: a
 * connection belongs to one reader. Errors: DW_RETRY for outages and cancelled statements;
 * DW_CONFIG for what a person has to mend; the chunk is then unusable until it is reset.
 */
#ifndef DW_INITIAL_SYNC_CHUNK_READ_H
#define DW_INITIAL_SYNC_CHUNK_READ_H
#include "producer/initial_sync/chunk.h"

struct pg_conn;

enum dw_chunk_read_kind {
    DW_CHUNK_READ_RANGE,   /* rows behind `lower`, up to `upper`, `limit` at most */
    DW_CHUNK_READ_KEYS,    /* rows of `keys` */
    DW_CHUNK_READ_OUTSIDE, /* those of them that the filter leaves out */
    DW_CHUNK_READ_ABSENT,  /* those of `keys` that have no row */
};

struct dw_chunk_read { /* borrows everything */
    enum dw_chunk_read_kind kind;
    const struct dw_sync_table *table;
    const char *token;
    const char *lower; /* JSON arrays of texts; NULL: none. Of ABSENT and OUTSIDE too */
    bool lower_in;
    const char *upper;
    struct dw_str *keys; /* key_count texts for each key */
    size_t keys_count;
    int64_t limit;
    size_t bytes; /* a range is cut behind the row that passes it */
};

/* Fills the chunk, all but the high watermark: the chunk has to be where the stream thread finds it
 * first (dw_chunk_read_mark). *out_more: the range goes on behind the last row; its key is appended
 * to `out_last` as a JSON array of texts (empty when there was no row). */
enum dw_rc dw_chunk_read(struct pg_conn *conn, const struct dw_chunk_read *read,
                         struct dw_chunk *chunk, struct dw_buf *out_last, bool *out_more,
                         struct dw_err *err) DW_MUST_CHECK;

/* Sets in the session what bounds, filter and choice of a reading are compared with. */
enum dw_rc dw_chunk_read_conditions(struct pg_conn *conn, const struct dw_chunk_read *read,
                                    struct dw_err *err) DW_MUST_CHECK;

/* Writes the high watermark of a chunk, or the only one of a mark. */
enum dw_rc dw_chunk_read_mark(struct pg_conn *conn, const char *token, uint64_t number,
                              struct dw_err *err) DW_MUST_CHECK;

/* `count` texts of a JSON array, in `arena`; false when it is not one of that length. */
bool dw_chunk_read_key(const char *json, size_t count, struct dw_arena *arena, struct dw_str *out);
/* A JSON array of such keys. DW_CONFIG DW-SYNC-003. */
enum dw_rc dw_chunk_read_keys(const char *json, size_t count, struct dw_arena *arena,
                              struct dw_str **out, size_t *out_keys,
                              struct dw_err *err) DW_MUST_CHECK;
void dw_chunk_read_format_key(const struct dw_str *texts, size_t count, struct dw_buf *out);

#endif
