/* tap.h - what listens to the stream beside the maps, and may put rows into it: the initial sync.
 *
 *   WAL message DW_TAP_MESSAGE ─► message() ─┬─ nothing for us
 *                                            ├─ rows: next() until false, as op "r" events of that
 *                                            │  transaction (or "d", for rows that are gone)
 *                                            └─ a mark: a control record to every partition
 *   change of a mapped row ────► touch(): before anything drops it (trap 18)
 *   acknowledgements ──────────► acknowledged(): what was sent in earlier transactions is in Kafka
 *
 * Threads: every function is called by the stream thread and must not block.
 */
#ifndef DW_CAPTURE_POSTGRES_TAP_H
#define DW_CAPTURE_POSTGRES_TAP_H
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

#define DW_TAP_MESSAGE "dualwrite.watermark" /* prefix of the WAL messages */

struct dw_tap {
    const struct dw_tap_ops *ops;
};

enum dw_tap_kind { DW_TAP_NOTHING, DW_TAP_ROWS, DW_TAP_MARK };

struct dw_tap_answer {
    enum dw_tap_kind kind;
    const char *map;    /* whose topic; borrowed until published() */
    int64_t revision;   /* MARK: ignored; ROWS: of the map, as the rows were read */
    struct dw_str mark; /* MARK: content of the control record */
};

struct dw_tap_row {
    struct dw_str key;   /* JSON, as in a record's key */
    struct dw_str after; /* JSON of the row; .ptr NULL: the row is gone */
    uint32_t route;      /* hash of the key for its partition */
    bool keep;           /* on_existing "keep": a row that the target has stays as it is */
    bool unclaimed;      /* outside of the filter it goes where nobody owns it */
    bool too_large;      /* the row is not here: a dead letter by reference */
    int64_t verify;      /* only a question of this comparison; 0: it is to be written */
};

/* A key that a transaction changes. */
struct dw_tap_touch {
    const char *map;
    struct dw_str key; /* JSON; .ptr NULL: it is not in the stream */
    bool complete;     /* the event carries every column: the chunk's row is not needed */
};

struct dw_tap_ops {
    /* A stream has begun, in this epoch. */
    void (*begin)(struct dw_tap *tap, uint32_t epoch);
    /* It has ended; `producer_lost`: and nothing that was sent and not acknowledged counts. */
    void (*end)(struct dw_tap *tap, bool producer_lost);
    /* A transaction changes rows of mapped tables; at most once a transaction. */
    void (*streamed)(struct dw_tap *tap, uint32_t xid);
    /* Is touch() of this map wanted now? */
    bool (*watches)(struct dw_tap *tap, const char *map);
    void (*touch)(struct dw_tap *tap, const struct dw_tap_touch *touch);
    void (*truncate)(struct dw_tap *tap, const char *map);
    /* A message of ours, in a transaction that commits at `commit_lsn`. */
    struct dw_tap_answer (*message)(struct dw_tap *tap, struct dw_str content, uint64_t commit_lsn);
    /* The next row; false: that was all. Slices live until the next call. */
    bool (*next)(struct dw_tap *tap, struct dw_tap_row *out);
    /* What message() answered was sent, in the transaction of this number. */
    void (*published)(struct dw_tap *tap, uint64_t sequence);
    /* It cannot be sent: the map is not published, or is another revision now. */
    void (*refused)(struct dw_tap *tap);
    /* Everything in transactions before this number is in Kafka. */
    void (*acknowledged)(struct dw_tap *tap, uint64_t before);
};

#endif
