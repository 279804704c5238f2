/* chunk.h - a piece of a table on its way: read between two watermarks, held until the high one
 * comes back in the stream, published there.
 *
 *   EMPTY ─read─► READ ─high watermark─► PUBLISHING ─all rows handed over─► SENT ─► ACKNOWLEDGED
 *     └──────────────┴──────────── again: another snapshot has to be taken ◄─┘
 *
 * Threads: the reader owns it while EMPTY, the stream thread from READ to SENT; `state` is guarded
 * by the owner of the list that it is in (sync.c).
 */
#ifndef DW_INITIAL_SYNC_CHUNK_H
#define DW_INITIAL_SYNC_CHUNK_H
#include "common/base/buf.h"
#include "producer/initial_sync/sync_table.h"
#include "producer/initial_sync/visibility.h"
#include "producer/initial_sync/window.h"

enum dw_chunk_state {
    DW_CHUNK_EMPTY,
    DW_CHUNK_READ,
    DW_CHUNK_PUBLISHING,
    DW_CHUNK_SENT,
    DW_CHUNK_ACKNOWLEDGED,
    DW_CHUNK_AGAIN,
};

enum dw_chunk_content {
    DW_CHUNK_ROWS,   /* rows of the source */
    DW_CHUNK_ABSENT, /* keys that the source has not: deletes */
    DW_CHUNK_MARK,   /* nothing but a control record to every partition: begin or end of a sync */
};

struct dw_sync_span;

struct dw_chunk_row {
    size_t key_at, key_len; /* in the space's text */
    size_t after_len;       /* behind the key; 0: gone */
    size_t texts_len;       /* behind that: the key's texts as a JSON array, to read it again */
    uint32_t route;         /* hash for the partition */
    bool too_large;         /* only its key is here */
};

/* Where a chunk's rows stand; megabytes, which the next chunk takes over. */
struct dw_chunk_space {
    struct dw_buf text;
    struct dw_chunk_row *rows;
    size_t row_capacity;
};

struct dw_chunk {
    uint64_t number; /* in watermarks */
    enum dw_chunk_state state;
    enum dw_chunk_content content;
    const char *map; /* borrowed from its sync */
    int64_t revision;
    struct dw_chunk_space space;
    size_t row_count;
    struct dw_str mark; /* MARK: content of the control record; borrowed */
    struct dw_snapshot snapshot;

    /* the stream thread's */
    bool open;      /* the low watermark has come: the window is open */
    uint64_t order; /* what the snapshot has to see: transactions before this */
    struct dw_window window;
    size_t next_row;
    size_t published;
    uint64_t sequence; /* of the transaction that carries it */
    uint64_t lsn;      /* … and its commit LSN */
    size_t *reread;    /* rows that have to be read again by their key */
    size_t reread_count;

    /* its sync's */
    struct dw_sync_span *span; /* NULL: a mark */
    bool held;                 /* a reader works on it, and frees it if it comes to nothing */
    bool closes;               /* with it the span is done up to `cursor` */
    char *cursor;              /* owned; NULL: there was no row */
    int64_t rows_counted;      /* of the span, with it */
    bool last;                 /* … and that is its end */
    int64_t again_at_ms;       /* AGAIN: not before */

    struct dw_chunk *next; /* in the list of sync.c */
};

void dw_chunk_space_init(struct dw_chunk_space *space, size_t bytes_max);
void dw_chunk_space_done(struct dw_chunk_space *space);

/* Takes the space over. */
struct dw_chunk *dw_chunk_new(const struct dw_chunk_space *space);
void dw_chunk_free(struct dw_chunk *chunk); /* accepts NULL */
/* It was published: all that is needed of it now is its number, and keys to be read again. True:
 * the rows' space is the caller's. */
bool dw_chunk_release_rows(struct dw_chunk *chunk, struct dw_chunk_space *out);

/* A row whose parts were appended to `text`; the row is zeroed but for what is given. */
struct dw_chunk_row *dw_chunk_add(struct dw_chunk *chunk, size_t key_at, size_t key_len);

static inline struct dw_str dw_chunk_key(const struct dw_chunk *chunk,
                                         const struct dw_chunk_row *row)
{
    return (struct dw_str){chunk->space.text.data + row->key_at, row->key_len};
}

#endif
