/* commit_window.h - which transactions are wholly in Kafka, so that the slot may be confirmed.
 *
 *   begin ─► add, add, … ─► commit          acknowledgements come at any time, in any order
 *                 └─ abandon (stream broke)
 *
 * A ring of transactions in commit order with the number of events not yet acknowledged. `done` is
 * the end of the longest prefix of transactions that are committed and wholly acknowledged.
 * Transactions without events are merged into their predecessor, so that the ring's size is bounded
 * by the events in flight. Threads: one owner.
 */
#ifndef DW_CAPTURE_POSTGRES_COMMIT_WINDOW_H
#define DW_CAPTURE_POSTGRES_COMMIT_WINDOW_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dw_commit {
    uint64_t commit_lsn;
    uint64_t end_lsn; /* what the slot is told */
    uint32_t xid;
    int64_t commit_us;
};

struct dw_commit_entry {
    struct dw_commit commit;
    uint64_t pending; /* events sent and not acknowledged */
    bool closed;      /* its commit was seen, or it was abandoned */
    bool abandoned;   /* confirms nothing: it will be sent again */
};

struct dw_commit_window {
    struct dw_commit_entry *ring;
    size_t capacity; /* a power of two, or 0 */
    uint64_t first;  /* sequence number of the oldest entry */
    uint64_t next;   /* of the next transaction */
    bool open;       /* the newest entry is inside its transaction */
    struct dw_commit done;
    struct dw_commit newest; /* the last commit taken in, acknowledged or not */
};

void dw_commit_window_init(struct dw_commit_window *window);
void dw_commit_window_done(struct dw_commit_window *window);
/* Forgets everything in flight; sequence numbers go on, so that late acknowledgements are not taken
 * for new ones. `newest` becomes `done`. */
void dw_commit_window_reset(struct dw_commit_window *window);

/* Opens a transaction; returns its sequence number, which its events carry. */
uint64_t dw_commit_window_begin(struct dw_commit_window *window);
/* The open transaction sent `events` more. */
void dw_commit_window_add(struct dw_commit_window *window, uint64_t events);
void dw_commit_window_commit(struct dw_commit_window *window, const struct dw_commit *commit);
/* The stream broke: an open transaction will be sent again from its start. */
void dw_commit_window_abandon(struct dw_commit_window *window);
/* `events` of a transaction are acknowledged. Unknown sequence numbers are ignored. */
void dw_commit_window_acknowledge(struct dw_commit_window *window, uint64_t sequence,
                                  uint64_t events);
/* Nothing in flight and no transaction open: the server's end of WAL may be confirmed. */
static inline bool dw_commit_window_is_idle(const struct dw_commit_window *window)
{
    return window->first == window->next;
}

/* The server has nothing for us up to `lsn`: moves `done` when idle. */
void dw_commit_window_keepalive(struct dw_commit_window *window, uint64_t lsn);

#endif
