/* state_sync.h - copies of rows that exist already, in the state database: what was asked for, how
 * the key space is cut, how far each range is.
 *
 * A verify sync reads rows like any other, but only to have them compared (event.h); it belongs to
 * a comparison (state_reconcile.h) and is not shown among the others.
 *
 *   waiting ─► running ─► draining ─► done         paused ◄─► running, waiting
 *                 └► failed (resume: running)      cancelled: from every state before done
 *
 * A producer claims a sync, cuts it into ranges, and moves each range's `done_to` once Kafka has
 * the rows; when all ranges are done it sends an end mark and waits as "draining" until every
 * partition of the map has passed it in the target. Keys are JSON arrays of texts in the order of
 * the map's source key. Threads and errors: as state.h.
 */
#ifndef DW_STATE_STATE_SYNC_H
#define DW_STATE_STATE_SYNC_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/state/map_state.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_state;

enum dw_sync_state {
    DW_SYNC_WAITING, /* for the syncs it comes after, or for a producer */
    DW_SYNC_RUNNING,
    DW_SYNC_PAUSED,
    DW_SYNC_DRAINING,
    DW_SYNC_DONE,
    DW_SYNC_CANCELLED,
    DW_SYNC_FAILED, /* with code and reason */
};
#define DW_SYNC_STATE_COUNT 7

/* "waiting", … Never NULL. */
const char *dw_state_sync_state_name(enum dw_sync_state state);

struct dw_sync_order {
    const char *map;
    bool initial;                  /* else a re-sync beside a running map */
    const char *from_key, *to_key; /* both NULL: all */
    const char *keys;              /* or a JSON array of keys: these rows alone; NULL: no */
    const char *filter;            /* an expression over source columns; not with `keys` or
                                      `delete_extra`; NULL: none */
    bool keep_existing;            /* rows that the target has already stay as they are */
    bool delete_extra;
    int64_t verify;      /* the comparison whose questions these rows are, 0 none; with `keys` */
    bool unclaimed;      /* outside of the filter they go where nobody owns them; with `keys` */
    int64_t rate;        /* rows per second, 0 none */
    const size_t *after; /* indexes of orders that have to be done before */
    size_t after_count;
};

struct dw_sync_record {
    int64_t id;
    const char *map;
    bool initial;
    enum dw_sync_state state;
    const char *code, *reason;
    enum dw_map_state map_state;
    const char *map_code, *map_reason;
    const char *from_key, *to_key; /* NULL: all */
    const char *keys;              /* NULL: none */
    const char *filter;            /* NULL: none */
    bool keep_existing;
    bool delete_extra;
    int64_t verify; /* the comparison that asks; 0: rows are written */
    bool unclaimed;
    int64_t rate;
    int64_t batch; /* the same for those that were started together */
    bool ready;    /* nothing it comes after is still to be applied */
    bool planned;
    const char *owner;
    int64_t ranges, ranges_done;
    int64_t rows_estimated, rows_done, rows_deleted;
    int64_t chunks_done, chunks_repeated;
    bool rows_over; /* all rows are copied; those to be deleted are still looked for */
    uint32_t epoch;
    uint64_t end_lsn; /* 0 none */
    const char *by;
    int64_t created_us, started_us, ended_us; /* 0: not yet */
};

/* Orders syncs in one step; *out_ids has `count` places. Errors: DW_CONFIG DW-STATE-004 no such
 * map; DW_CONFLICT DW-STATE-010 when an initial sync of a map is under way. */
enum dw_rc dw_state_sync_create(struct dw_state *state, const struct dw_sync_order *orders,
                                size_t count, const char *by, int64_t *out_ids,
                                struct dw_err *err) DW_MUST_CHECK;

/* The same within a transaction of the caller; for the files of this folder. */
enum dw_rc dw_state_sync_insert(struct dw_state *state, const struct dw_sync_order *orders,
                                size_t count, const char *by, int64_t *out_ids,
                                struct dw_err *err) DW_MUST_CHECK;

/* "all", "range", "keys", "filter", "range and filter". Never NULL. */
const char *dw_state_sync_scope(const struct dw_sync_record *record);

struct dw_sync_filter {
    const char *system; /* source system; NULL any */
    const char *map;    /* NULL any */
    bool active;        /* only those that are not over */
    bool mates;    /* … and those that were started together with one that is not, initial ones
                      that failed and hold up their map, and re-syncs that failed, until one of
                      all rows came behind them */
    int64_t batch; /* 0 any */
    int64_t id;    /* 0 any */
    int64_t after; /* those behind this one in the order of the list; 0: from its begin */
    bool verify;   /* those of comparisons too */
    int64_t limit; /* newest first when not `active`; 0: all */
};
/* Those that are active, or of a batch, by rising id, else newest first. Allocates in `arena`. */
enum dw_rc dw_state_syncs_load(struct dw_state *state, const struct dw_sync_filter *filter,
                               struct dw_arena *arena, const struct dw_sync_record **out,
                               size_t *out_count, struct dw_err *err) DW_MUST_CHECK;

enum dw_sync_action { DW_SYNC_PAUSE, DW_SYNC_RESUME, DW_SYNC_CANCEL, DW_SYNC_RATE };
struct dw_sync_act {
    int64_t sync;
    enum dw_sync_action action;
    int64_t rate; /* for DW_SYNC_RATE */
    const char *by;
    bool dry_run; /* only look whether it can be done */
};
/* What a person does with a sync. Audited. Cancelling an initial sync lets its map go on without
 * it, and notes a gap (DW-STATE-013) that any later copy of the whole table closes. DW_CONFIG
 * DW-STATE-011: no such sync; DW_CONFLICT DW-STATE-012: it is over, or draining. */
enum dw_rc dw_state_sync_act(struct dw_state *state, const struct dw_sync_act *order,
                             struct dw_err *err) DW_MUST_CHECK;

/* --- for the producer that works on it ---------------------------------------------------------
 * All of these take effect only while `owner` has the sync; *out_held says whether it has. */

/* Takes a ready sync, or one of another producer. */
enum dw_rc dw_state_sync_claim(struct dw_state *state, int64_t id, const char *owner,
                               struct dw_err *err) DW_MUST_CHECK;

enum dw_sync_part {
    DW_SYNC_PART_ROWS,  /* the source's rows */
    DW_SYNC_PART_EXTRA, /* the target's keys: those that the source has not are deleted */
};

struct dw_sync_range {
    int number;
    enum dw_sync_part part;
    const char *lower; /* NULL: from the first key */
    bool lower_in;     /* lower itself is in it */
    const char *upper; /* in it; NULL: to the last key */
    const char *done_to;
    int64_t rows_done, chunks_done;
    bool done;
};

enum dw_rc dw_state_sync_plan(struct dw_state *state, int64_t id, const char *owner,
                              const struct dw_sync_range *ranges, size_t count,
                              int64_t rows_estimated, struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_state_sync_ranges_load(struct dw_state *state, int64_t id, struct dw_arena *arena,
                                     struct dw_sync_range **out, size_t *out_count,
                                     struct dw_err *err) DW_MUST_CHECK;

struct dw_sync_progress { /* since the last save */
    int number;
    const char *done_to; /* NULL: as before */
    int64_t rows, chunks, deleted, repeated;
    bool done;
};
enum dw_rc dw_state_sync_save(struct dw_state *state, int64_t id, const char *owner,
                              const struct dw_sync_progress *progress, bool *out_held,
                              struct dw_err *err) DW_MUST_CHECK;
/* Moves on to DRAINING (with the end mark's version), DONE or FAILED. */
struct dw_sync_move {
    enum dw_sync_state to;
    const char *code, *reason; /* "" none */
    uint32_t epoch;
    uint64_t end_lsn;
};
enum dw_rc dw_state_sync_move(struct dw_state *state, int64_t id, const char *owner,
                              const struct dw_sync_move *move, struct dw_err *err) DW_MUST_CHECK;

/* Why a running sync does not get on at the moment; "" for both: it does. */
enum dw_rc dw_state_sync_note(struct dw_state *state, int64_t id, const char *owner,
                              const char *code, const char *reason,
                              struct dw_err *err) DW_MUST_CHECK;

/* --- for the reconciler, which sees how far the target is ----------------------------------------
 */

struct dw_sync_drain { /* a sync whose end mark is in Kafka */
    int64_t id;
    const char *map, *topic;
    int32_t partitions; /* that the end mark went to, as far as is known here */
    uint32_t epoch;
    uint64_t end_lsn;
    bool applied;
};
enum dw_rc dw_state_sync_drains_load(struct dw_state *state, const char *target_system,
                                     struct dw_arena *arena, const struct dw_sync_drain **out,
                                     size_t *out_count, struct dw_err *err) DW_MUST_CHECK;
/* Every partition has passed the end mark, but rows wait: maybe for what the syncs behind this one
 * bring or delete, so those go on. */
enum dw_rc dw_state_sync_applied(struct dw_state *state, int64_t id,
                                 struct dw_err *err) DW_MUST_CHECK;
/* Every partition has passed the end mark, and no row waits: the sync is done. One of the whole
 * table that also deleted what the source has not closes the map's gaps from before it; a gap of
 * the whole system is closed when that is so for all its maps. The map of an initial sync moves on
 * to DW_MAP_CATCHING_UP. */
enum dw_rc dw_state_sync_finish(struct dw_state *state, int64_t id,
                                struct dw_err *err) DW_MUST_CHECK;

/* True once after syncs may have changed (or the connection was renewed); never blocks. */
bool dw_state_syncs_changed(struct dw_state *state);

#endif
