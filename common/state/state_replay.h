/* state_replay.h - dead letters on their way to an end, in the state database.
 *
 *   open ─take─► replaying ─(sent)─► held row says how it ended ─► applied, superseded, filtered
 *     ▲              └ failed again, or its row was read again without effect ┘► open
 *     └── discarding ─► the target lets it go ─► discarded
 *
 * The target decides; what is told here follows it, so each step may be repeated after a kill.
 * Threads and errors: as state.h.
 */
#ifndef DW_STATE_STATE_REPLAY_H
#define DW_STATE_STATE_REPLAY_H
#include "common/state/state_letters.h"

/* A record of a map's topic that became a letter. */
struct dw_letter_place {
    const char *topic;
    int32_t partition;
    int64_t offset;
};

/* --- what targets tell -------------------------------------------------------------------------
 */

struct dw_letter_end {
    struct dw_letter_place place;
    enum dw_letter_state state; /* APPLIED, SUPERSEDED, FILTERED, DISCARDED */
    const char *by;             /* what it was superseded by; "" */
    const char *heir;           /* version of the letter that took its place; "" none */
    bool young;                 /* that one may still be on its way to the index */
    int64_t attempts;
};

/* Ends letters. out_known[i]: the letter is indexed and has ended, so that its held row may go. The
 * heir of a letter goes on with its attempts: to a job, it has failed again. */
enum dw_rc dw_state_replay_end(struct dw_state *state, const struct dw_letter_end *ends,
                               size_t count, bool *out_known, struct dw_err *err) DW_MUST_CHECK;

/* Their rows are read again by a re-sync of these keys (JSON arrays of texts) that is ordered in
 * the same step. Letters of one map. */
enum dw_rc dw_state_replay_read_rows(struct dw_state *state, const char *map,
                                     const struct dw_letter_place *places, const char *const *keys,
                                     size_t count, const char *by, int64_t *out_sync,
                                     struct dw_err *err) DW_MUST_CHECK;

struct dw_letter_flight {
    int64_t id;
    struct dw_letter_place place;
    int64_t attempt;
    int64_t since_us;
    int64_t sync;   /* 0: through the topic */
    bool sync_over; /* … that re-sync is done or was given up */
    bool sync_done;
};

struct dw_letter_flight_filter {
    const char *system;        /* the target */
    enum dw_letter_state what; /* REPLAYING: that were sent, or are read again; DISCARDING */
    int64_t after;             /* ids above this */
    int limit;
};
/* By rising id. */
enum dw_rc dw_state_replay_flights(struct dw_state *state,
                                   const struct dw_letter_flight_filter *filter,
                                   struct dw_arena *arena, const struct dw_letter_flight **out,
                                   size_t *out_count, struct dw_err *err) DW_MUST_CHECK;

/* A letter in flight is over without a held row that says so, or open again. */
struct dw_letter_landing {
    int64_t id;
    enum dw_letter_state state; /* OPEN, UNCONFIRMED: look again; SUPERSEDED, DISCARDED */
    int64_t attempts;           /* 0: as before */
    const char *by; /* ended: by what; else why it is open again, "" as its letter says */
};
enum dw_rc dw_state_replay_land(struct dw_state *state, const struct dw_letter_landing *landings,
                                size_t count, struct dw_err *err) DW_MUST_CHECK;

/* --- sending -------------------------------------------------------------------------------------
 */

/* Letters that are to be sent and were not, by id; with key and event (the edited one, if any).
 * `system`, `map` and `by` (of the job) are set. */
struct dw_letter_parcel {
    int64_t id;
    struct dw_letter_place place;
    const char *map, *incarnation, *by;
    struct dw_str key, event;
    int64_t attempt;
};
enum dw_rc dw_state_replay_parcels(struct dw_state *state, int limit, struct dw_arena *arena,
                                   const struct dw_letter_parcel **out, size_t *out_count,
                                   struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_state_replay_sent(struct dw_state *state, const int64_t *ids, size_t count,
                                struct dw_err *err) DW_MUST_CHECK;

#endif
