/* state_reconcile.h - comparisons of both sides of a map, in the state database: what was asked
 * for, how far it is, what was found, what was repaired.
 *
 *   waiting ─► running ─► done          cancelled, failed: from every state before done
 *   repair:    none ─► waiting ─► running ─► done | failed
 *
 * A run walks the source's keys (phase rows), then the target's where that is to be done by itself
 * (extra), then judges the rest of its suspects (judge). Suspects and the cursor move in one
 * transaction, so a killed run goes on from there. Keys are JSON arrays of texts in the order of
 * the map's source key. Threads and errors: as state.h.
 */
#ifndef DW_STATE_STATE_RECONCILE_H
#define DW_STATE_STATE_RECONCILE_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_state;

enum dw_reconcile_state {
    DW_RECONCILE_WAITING,
    DW_RECONCILE_RUNNING,
    DW_RECONCILE_DONE,
    DW_RECONCILE_CANCELLED,
    DW_RECONCILE_FAILED, /* with code and reason */
};
const char *dw_state_reconcile_state_name(enum dw_reconcile_state state);

enum dw_reconcile_phase {
    DW_RECONCILE_ROWS,
    DW_RECONCILE_EXTRA,
    DW_RECONCILE_JUDGE,
};
const char *dw_state_reconcile_phase_name(enum dw_reconcile_phase phase);

enum dw_repair_state {
    DW_REPAIR_NONE,
    DW_REPAIR_WAITING,
    DW_REPAIR_RUNNING,
    DW_REPAIR_DONE,
    DW_REPAIR_FAILED,
};
const char *dw_state_repair_state_name(enum dw_repair_state state);

enum dw_difference_kind {
    DW_DIFFERENCE_MISSING,
    DW_DIFFERENCE_EXTRA,
    DW_DIFFERENCE_DIFFERENT,
    DW_DIFFERENCE_DUPLICATE, /* another source row has the same target row */
    DW_DIFFERENCE_HELD,      /* by a dead letter */
    DW_DIFFERENCE_WAITING,   /* an event of it waits for another row */
    DW_DIFFERENCE_KINDS
};
const char *dw_state_difference_kind_name(enum dw_difference_kind kind);
/* False when it is no kind's name. */
bool dw_state_difference_kind_of(const char *name, enum dw_difference_kind *out);

/* --- ordering and showing ------------------------------------------------------------------------
 */

struct dw_reconcile_order {
    const char *map;
    const char *filter; /* OData expression over source columns; NULL: all rows */
    double sample;      /* percent of the key ranges; 0: all */
    int64_t rate;       /* rows per second, 0 none */
    const char *way;    /* "", or "hash" or "rows": this way or none */
    int64_t since_us;   /* wall clock: rows that changed since then alone; 0: all */
    bool scheduled;     /* by the schedule, not by a person */
};
/* Orders runs in one step. DW_CONFIG DW-STATE-004 no such map; DW_CONFLICT DW-STATE-020 when its
 * state lets nothing be compared. Audited. */
enum dw_rc dw_state_reconcile_create(struct dw_state *state,
                                     const struct dw_reconcile_order *orders, size_t count,
                                     const char *by, int64_t *out_ids,
                                     struct dw_err *err) DW_MUST_CHECK;

struct dw_reconcile_counts {
    int64_t by_kind[DW_DIFFERENCE_KINDS];
    int64_t repaired; /* repair "gone" */
    int64_t left;     /* repair "left" */
};

struct dw_reconcile_run {
    int64_t id;
    const char *map;
    int64_t batch;
    bool scheduled;
    enum dw_reconcile_state state;
    const char *code, *reason;
    const char *filter; /* NULL: all rows */
    double sample;
    int64_t rate;
    const char *forced_way;
    int64_t since_us; /* 0: not by what changed */
    int64_t revision;
    const char *way, *way_reason;
    enum dw_reconcile_phase phase;
    const char *cursor; /* NULL: at the beginning of the phase */
    int64_t rows_estimated, rows_source, rows_target, segments;
    int64_t suspects, pending, beyond, unjudged;
    uint32_t begin_epoch, end_epoch;
    uint64_t begin_lsn, end_lsn; /* 0: not known */
    struct dw_reconcile_counts counts;
    const char *by;
    int64_t created_us, started_us, ended_us; /* 0: not yet */
    enum dw_repair_state repair;
    int64_t repair_extra;
    const char *repair_code, *repair_reason, *repair_by;
    int64_t repair_asked_us, repair_ended_us;
};

struct dw_reconcile_filter {
    const char *map; /* NULL any */
    int64_t id;      /* 0 any */
    int64_t batch;   /* 0 any */
    bool active;     /* waiting or running, or their repair is */
    int64_t before;  /* ids below; 0 any */
    int64_t limit;   /* 0: all */
};
/* Newest first; those that are active by rising id. */
enum dw_rc dw_state_reconcile_load(struct dw_state *state, const struct dw_reconcile_filter *filter,
                                   struct dw_arena *arena, const struct dw_reconcile_run **out,
                                   size_t *out_count, struct dw_err *err) DW_MUST_CHECK;

/* DW_CONFIG DW-STATE-021 no such run; DW_CONFLICT DW-STATE-022: it is over. Audited. */
enum dw_rc dw_state_reconcile_cancel(struct dw_state *state, int64_t id, const char *by,
                                     struct dw_err *err) DW_MUST_CHECK;

struct dw_difference {
    int64_t id;
    const char *key, *target_key;
    enum dw_difference_kind kind;
    const char *columns; /* JSON array of {"column","source","target"} */
    const char *code, *reason;
    int64_t letter; /* 0 none */
    uint32_t epoch;
    uint64_t commit_lsn, ordinal; /* the place in the stream at which it was judged */
    int64_t seen_us;
    const char *repair; /* none, ordered, gone, left */
    int64_t repaired_us;
};
struct dw_difference_filter {
    int64_t run;
    int kind;           /* enum dw_difference_kind; -1 any */
    const char *repair; /* NULL any */
    int64_t after;      /* ids above */
    int64_t limit;
};
enum dw_rc dw_state_differences_load(struct dw_state *state,
                                     const struct dw_difference_filter *filter,
                                     struct dw_arena *arena, const struct dw_difference **out,
                                     size_t *out_count, struct dw_err *err) DW_MUST_CHECK;

/* What a repair would do, and whether it may: the map has to be the revision that was compared. */
struct dw_repair_plan {
    int64_t rows;  /* read again from the source: missing, different */
    int64_t extra; /* deleted in the target, if that is asked for */
    int64_t held;  /* left out: by a dead letter that is open, which is to be replayed instead */
};
struct dw_repair_order {
    int64_t run;
    int64_t extra;     /* rows of the target that may be deleted; 0: none */
    const char *kinds; /* that are read again, as an array literal; NULL: all that can be */
    bool dry_run;
    const char *by;
};
/* DW_CONFIG DW-STATE-021 no such run; DW_CONFLICT DW-STATE-023 it is not done, DW-STATE-024 another
 * revision of the map is in force, DW-STATE-025 more extra rows than allowed, DW-STATE-026 a repair
 * of it is under way. Audited unless it is a dry run. */
enum dw_rc dw_state_repair_order(struct dw_state *state, const struct dw_repair_order *order,
                                 struct dw_repair_plan *out, struct dw_err *err) DW_MUST_CHECK;

/* --- for the one who runs them -------------------------------------------------------------------
 */

/* The run to work on, or whose repair: what a person ordered, by rising id; else those by
 * themselves in turn, the one behind `last` first. out->id 0: there is none. */
struct dw_reconcile_next {
    int64_t id;
    bool by_itself;
};
enum dw_rc dw_state_reconcile_next(struct dw_state *state, int64_t last,
                                   struct dw_reconcile_next *out, struct dw_err *err) DW_MUST_CHECK;

struct dw_reconcile_begin {
    int64_t revision;
    const char *way, *way_reason;
    int64_t rows_estimated;
};
/* waiting or running ─► running. *out_held false: it was cancelled meanwhile. */
enum dw_rc dw_state_reconcile_begin(struct dw_state *state, int64_t id,
                                    const struct dw_reconcile_begin *begin, bool *out_held,
                                    struct dw_err *err) DW_MUST_CHECK;

struct dw_reconcile_progress { /* since the last one */
    enum dw_reconcile_phase phase;
    const char *cursor; /* NULL: the beginning of the phase */
    int64_t rows_source, rows_target, segments;
    const char *const *suspects; /* keys */
    size_t suspect_count;
    int64_t beyond; /* suspects that are only counted */
};
enum dw_rc dw_state_reconcile_save(struct dw_state *state, int64_t id,
                                   const struct dw_reconcile_progress *progress, bool *out_held,
                                   struct dw_err *err) DW_MUST_CHECK;

/* Suspects that nobody asks for yet become the keys of a verify sync, at most `limit`.
 * *out_sync: its id, or that of one that was ordered before a crash; 0: there are none. */
enum dw_rc dw_state_suspects_ask(struct dw_state *state, int64_t run, const char *map,
                                 int64_t limit, int64_t *out_sync,
                                 struct dw_err *err) DW_MUST_CHECK;

struct dw_reconcile_verdict {
    const char *key, *target_key;
    bool equal;
    enum dw_difference_kind kind; /* not equal */
    const char *columns, *code, *reason;
    const char *letter_topic; /* of the held event; NULL none */
    int32_t letter_partition;
    int64_t letter_offset;
    uint32_t epoch;
    uint64_t commit_lsn, ordinal;
};
struct dw_reconcile_verdicts {
    const struct dw_reconcile_verdict *items;
    size_t count;
    int64_t keep_max; /* differences that a run keeps; the others are only counted (beyond) */
    bool repair;      /* judged at the end of a repair: differences become gone or left */
};
/* Takes some of what a verify sync brought: differences are stored, their suspects are done with.
 * Again with the same ones changes nothing. */
enum dw_rc dw_state_verdicts_take(struct dw_state *state, int64_t run,
                                  const struct dw_reconcile_verdicts *verdicts,
                                  struct dw_err *err) DW_MUST_CHECK;
/* All was taken: the sync goes. A suspect without a verdict changed while it was asked for, by an
 * event that the target has by now: it is asked for again, twice, and counts as equal then.
 * `given_up`: nobody answered, its other suspects are unjudged. */
enum dw_rc dw_state_verdicts_settle(struct dw_state *state, int64_t run, int64_t sync,
                                    bool given_up, struct dw_err *err) DW_MUST_CHECK;

/* A difference that needs no judging: a row of the target whose key no source row can have. */
enum dw_rc dw_state_difference_add(struct dw_state *state, int64_t run, int64_t keep_max,
                                   const struct dw_reconcile_verdict *verdict,
                                   struct dw_err *err) DW_MUST_CHECK;

/* What may be mended without a person. Where more of these kinds differs, nothing is, and the run
 * says so in repair_code and repair_reason. */
struct dw_repair_policy {
    int64_t max_rows;    /* 0: nothing */
    int64_t max_percent; /* of the rows compared */
    const char *kinds;   /* array literal: "{missing,different,held}", or some of them */
};
struct dw_reconcile_ending {
    enum dw_reconcile_state to;     /* done or failed */
    const char *code, *reason;      /* of a failure; "" */
    struct dw_repair_policy repair; /* of a run that is done: ordered in the same step */
};
/* running ─► done or failed. Suspects that are left count as unjudged. */
enum dw_rc dw_state_reconcile_end(struct dw_state *state, int64_t id,
                                  const struct dw_reconcile_ending *ending,
                                  struct dw_err *err) DW_MUST_CHECK;

/* Of a repair: marks at most `limit` differences as ordered and orders their re-sync. *out_sync 0:
 * all are. */
enum dw_rc dw_state_repair_next(struct dw_state *state, const struct dw_reconcile_run *run,
                                int64_t limit, int64_t *out_sync, struct dw_err *err) DW_MUST_CHECK;
/* Extra rows that belong to no map, of the code given: those that a repair has still to order. */
struct dw_repair_unclaimed {
    const char *code;
    const char **keys, **target_keys;
    size_t count;
};
enum dw_rc dw_state_repair_unclaimed_load(struct dw_state *state, int64_t run, int64_t limit,
                                          struct dw_arena *arena, struct dw_repair_unclaimed *rows,
                                          struct dw_err *err) DW_MUST_CHECK;
/* Marks them as ordered, and orders the re-sync of those that are chosen. *out_sync 0: none is. */
enum dw_rc dw_state_repair_unclaimed_order(struct dw_state *state,
                                           const struct dw_reconcile_run *run,
                                           const struct dw_repair_unclaimed *rows,
                                           const bool *chosen, int64_t *out_sync,
                                           struct dw_err *err) DW_MUST_CHECK;
/* The ordered ones become suspects, to be judged once more. */
enum dw_rc dw_state_repair_check(struct dw_state *state, int64_t run,
                                 struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_state_repair_move(struct dw_state *state, int64_t run, enum dw_repair_state to,
                                const char *code, const char *reason,
                                struct dw_err *err) DW_MUST_CHECK;

/* When maps are compared by themselves whose "reconcile" does not say otherwise. */
struct dw_reconcile_schedule {
    int64_t every_ms; /* 0: never */
    bool continuous;  /* in place of that: `pause_ms` after the end of the last one */
    int64_t pause_ms;
    int64_t rate; /* rows per second; 0: no limit, but of a continuous one */
};
struct dw_reconcile_due {
    const char *map;
    int64_t rate;
};
/* Running maps whose next comparison is due, and that no comparison or repair is under way of. */
enum dw_rc dw_state_reconcile_due(struct dw_state *state,
                                  const struct dw_reconcile_schedule *schedule,
                                  struct dw_arena *arena, const struct dw_reconcile_due **out,
                                  size_t *out_count, struct dw_err *err) DW_MUST_CHECK;

/* Removes comparisons, with what they found, that ended more than `hours` ago; of each map the last
 * one that came to its end stays. At most some hundreds at a time. */
enum dw_rc dw_state_reconcile_retire(struct dw_state *state, int64_t hours, int64_t *out_removed,
                                     struct dw_err *err) DW_MUST_CHECK;

#endif
