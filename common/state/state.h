/* state.h - the state database: maps and their states, positions of systems, processes, gaps.
 *
 * Schema "dualwrite" in PostgreSQL; migrations (common/state/migrations/NNN_*.sql) are applied
 * under an advisory lock at open. All processes learn of changes through LISTEN/NOTIFY.
 * Threads: a handle belongs to one thread. Errors: DW_RETRY while the database is away (the handle
 * reconnects by itself on the next call), DW_CONFIG for a missing privilege or wrong password, a
 * database of a newer program (DW-STATE-001) or of another build (DW-STATE-002).
 */
#ifndef DW_STATE_STATE_H
#define DW_STATE_STATE_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/model/version.h"
#include "common/state/map_state.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_state;

/* Connects; nothing is returned while the database is away. Borrows `settings` for the handle's
 * life. `application_name` appears in pg_stat_activity. */
enum dw_rc dw_state_open(struct dw_state **out, const struct dw_state_settings *settings,
                         const char *application_name, struct dw_err *err) DW_MUST_CHECK;
void dw_state_close(struct dw_state *state); /* accepts NULL */

/* --- maps ------------------------------------------------------------------------------------ */

struct dw_map_record {
    const char *name;
    int64_t revision; /* rises with each apply */
    int64_t change;   /* rises with each change of state or revision; for "is this news?" */
    enum dw_map_state state;
    const char *document; /* the map file's JSON */
    const char *resolved; /* JSON: what the check saw in the catalogues, see map_resolved.h */
    const char *code;     /* of the error, "" when none */
    const char *reason;
    const char *source_system;
    const char *target_system;
    const char *topic;
    int32_t partitions;      /* by which it is published now: of the newest generation */
    const char *generations; /* those from the second on, as dw_generation_format writes them */
    /* Where the stream announces the revision; epoch 0: nowhere yet. */
    uint32_t marked_epoch;
    uint64_t marked_lsn;
    int64_t forced_revision; /* in force at once wherever a partition stands; 0 none */
};

/* The revision was announced in the stream at these places: one UPDATE for all. */
struct dw_map_mark {
    const char *map;
    int64_t revision;
};
enum dw_rc dw_state_maps_mark(struct dw_state *state, const struct dw_map_mark *marks, size_t count,
                              uint32_t epoch, uint64_t lsn, struct dw_err *err) DW_MUST_CHECK;

/* Puts the revision that was in force at a place of the stream into a record: revision, document,
 * resolved and mark. It is the newest one announced until there; where none was, the one before the
 * first one announced behind it, or that itself. The record stays as it is when nothing is
 * announced behind the place. */
enum dw_rc dw_state_map_at(struct dw_state *state, struct dw_map_record *record, uint32_t epoch,
                           uint64_t lsn, struct dw_arena *arena, struct dw_err *err) DW_MUST_CHECK;

/* All maps, by name; allocated in `arena`. */
enum dw_rc dw_state_maps_load(struct dw_state *state, struct dw_arena *arena,
                              const struct dw_map_record **out, size_t *out_count,
                              struct dw_err *err) DW_MUST_CHECK;

/* One map; *out is NULL when there is none of that name. */
enum dw_rc dw_state_map_load(struct dw_state *state, const char *map, struct dw_arena *arena,
                             const struct dw_map_record **out, struct dw_err *err) DW_MUST_CHECK;

/* What a person changes in maps. `by` says who, for history and audit log. */
struct dw_map_apply {
    const char *name;
    const char *version; /* as the document names it */
    const char *document;
    const char *resolved;
    const char *source_system;
    const char *target_system;
    const char *topic;  /* of a new map; one that exists keeps its own */
    int32_t partitions; /* likewise */
    const char *reason; /* for the history, "" none */
    const char *by;
};

struct dw_map_outcome {
    bool changed; /* false: it was so already */
    enum dw_map_state state;
    int64_t revision;
    int64_t change;
    int64_t syncs_cancelled; /* those of a map that was stopped */
};

/* A new revision, in force at once; the state stays. The same document and catalogues as before
 * change nothing. */
enum dw_rc dw_state_map_apply(struct dw_state *state, const struct dw_map_apply *apply,
                              struct dw_map_outcome *out, struct dw_err *err) DW_MUST_CHECK;

struct dw_map_order {
    const char *map;
    enum dw_map_event event; /* not DW_MAP_FAIL */
    const char *reason;      /* "" when none was given */
    const char *by;
    bool dry_run; /* only say what would become of it */
};

/* Start (live only: state_life.h copies as well), pause, resume, stop as map_state.h has it.
 * Errors: DW_CONFIG DW-STATE-004 unknown map; DW_CONFLICT DW-STATE-005 when the state refuses it.
 * Stop cancels the map's syncs, resume goes on with an initial sync that failed. A map that is
 * started again after it was stopped leaves a gap (DW-STATE-007): nothing was published meanwhile.
 */
enum dw_rc dw_state_map_order(struct dw_state *state, const struct dw_map_order *order,
                              struct dw_map_outcome *out, struct dw_err *err) DW_MUST_CHECK;

struct dw_map_history {
    int64_t id;
    int64_t revision;
    const char *event;
    const char *state;
    const char *code;
    const char *reason;
    const char *by;
    int64_t at_us;
};

struct dw_map_history_list {
    const struct dw_map_history *items;
    size_t count;
};

struct dw_map_history_page {
    int64_t before; /* ids below this; 0: from the newest */
    int64_t limit;
};

/* Newest first. */
enum dw_rc dw_state_map_history(struct dw_state *state, const char *map,
                                const struct dw_map_history_page *page, struct dw_arena *arena,
                                struct dw_map_history_list *out, struct dw_err *err) DW_MUST_CHECK;

/* A process puts a map into DW_MAP_ERROR; no effect when the map is stopped or its `change` is not
 * the one the process saw (somebody acted meanwhile). Audited as "by". */
enum dw_rc dw_state_map_fail(struct dw_state *state, const char *map, int64_t seen_change,
                             const char *code, const char *reason, const char *by,
                             struct dw_err *err) DW_MUST_CHECK;

/* True once after maps may have changed (or the connection was renewed); never blocks. */
bool dw_state_maps_changed(struct dw_state *state);
/* Descriptor to poll for notifications; -1 while disconnected. */
int dw_state_socket(struct dw_state *state);

/* --- positions of source systems ----------------------------------------------------------------
 */

struct dw_state_position {
    uint32_t epoch;
    uint64_t published_lsn; /* commit LSN of the last commit known to be wholly in Kafka */
    uint64_t confirmed_lsn; /* end LSN reported to the slot */
    uint32_t published_xid;
    int64_t published_commit_us;
    char system_identifier[24]; /* of the cluster, decimal */
    uint32_t timeline;
    bool known; /* false: nothing was stored yet */
};

enum dw_rc dw_state_position_load(struct dw_state *state, const char *system,
                                  struct dw_state_position *out, struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_state_position_save(struct dw_state *state, const char *system,
                                  const struct dw_state_position *position,
                                  struct dw_err *err) DW_MUST_CHECK;

struct dw_state_source {
    const char *system;
    struct dw_state_position position;
    int64_t saved_us;
};

/* All systems that have a position. */
enum dw_rc dw_state_positions_load(struct dw_state *state, struct dw_arena *arena,
                                   const struct dw_state_source **out, size_t *out_count,
                                   struct dw_err *err) DW_MUST_CHECK;

/* A durable note that events may be missing: from which position on, for which map ("" = all maps
 * of the system), why. Shown in the status until it is closed by a re-sync. Idempotent; one at
 * which a producer stands once more after it was accepted is a new one. */
enum dw_rc dw_state_gap_add(struct dw_state *state, const char *system, const char *map,
                            const char *code, uint64_t from_lsn, const char *reason,
                            struct dw_err *err) DW_MUST_CHECK;

/* A person accepts the gaps at which the system's producer stands, and the producer is told. By how
 * many it stood; `dry_run`: only counts. */
enum dw_rc dw_state_gap_accept(struct dw_state *state, const char *system, const char *by,
                               bool dry_run, int64_t *out_count, struct dw_err *err) DW_MUST_CHECK;
/* Has a person accepted the gap, and no producer gone on behind it yet? */
enum dw_rc dw_state_gap_is_accepted(struct dw_state *state, const char *system, const char *code,
                                    uint64_t from_lsn, bool *out, struct dw_err *err) DW_MUST_CHECK;
/* The producer goes on behind it. */
enum dw_rc dw_state_gap_use(struct dw_state *state, const char *system, const char *code,
                            uint64_t from_lsn, struct dw_err *err) DW_MUST_CHECK;

struct dw_state_gap {
    bool stands; /* the producer stands before it until somebody accepts it */
    const char *system;
    const char *map;
    const char *code;
    const char *reason;
    uint64_t from_lsn;
    int64_t noted_us;
};

/* Gaps that are still open, oldest first. */
enum dw_rc dw_state_gaps_load(struct dw_state *state, struct dw_arena *arena,
                              const struct dw_state_gap **out, size_t *out_count,
                              struct dw_err *err) DW_MUST_CHECK;

/* Notes a system and the incarnation of the target in it as last seen ("" when it is none). When
 * another one was seen before, the target was restored: *out_restored, and every letter of the
 * system is to be confirmed again. */
enum dw_rc dw_state_system_seen(struct dw_state *state, const char *system, const char *incarnation,
                                bool *out_restored, struct dw_err *err) DW_MUST_CHECK;

/* The incarnation of the target in a system as last seen; "" when it is none. */
enum dw_rc dw_state_system_incarnation(struct dw_state *state, const char *system,
                                       struct dw_arena *arena, const char **out,
                                       struct dw_err *err) DW_MUST_CHECK;

/* --- processes -------------------------------------------------------------------------------- */

/* A process tells that it lives, and how it goes (about every 2 s). `stats` is a JSON object:
 *   producer {"system","state","epoch","confirmed_lsn","received_lsn","slot_lag_bytes","reason",
 *             "wal_safe_bytes","wal_limit_bytes",
 *             "maps":{NAME:{"published","rows_in","last_commit_us","dropped_marked"}}}
 *   consumer {"state","assigned","maps":{NAME:{"partitions":[…],"lag","applied","dead","waiting",
 *             "paused","reason","latency":[counts of dw_metrics_bucket_us, last 60 s]}}}
 * Members of a map that are 0 or empty may be left out: of a thousand idle ones they were the text.
 * Rows older than a minute are removed by the reconciler. */
enum dw_rc dw_state_process_beat(struct dw_state *state, const char *kind, const char *instance,
                                 const char *process_state, const char *stats,
                                 struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_state_process_leave(struct dw_state *state, const char *kind, const char *instance,
                                  struct dw_err *err) DW_MUST_CHECK;

struct dw_state_process {
    const char *kind;
    const char *instance;
    const char *state;
    const char *stats;
    int64_t started_us;
    int64_t beat_us;
    int64_t beat_age_ms; /* by the database's clock */
};

enum dw_rc dw_state_processes_load(struct dw_state *state, struct dw_arena *arena,
                                   const struct dw_state_process **out, size_t *out_count,
                                   struct dw_err *err) DW_MUST_CHECK;
/* Removes the rows of processes that have not been heard for `older_ms`. */
enum dw_rc dw_state_processes_clean(struct dw_state *state, int64_t older_ms,
                                    struct dw_err *err) DW_MUST_CHECK;

#endif
