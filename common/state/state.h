/* state.h - the state database: maps and their states, positions of systems, processes, gaps.
 *
 * Schema "dualwrite" in PostgreSQL; migrations (common/state/migrations/NNN_*.sql) are applied
 * under an advisory lock at open. All processes learn of changes through LISTEN/NOTIFY.
 * Threads: a handle belongs to one thread. Errors: DW_RETRY while the database is away (the handle
 * reconnects by itself on the next call), DW_CONFIG for a missing privilege or wrong password.
 */
#ifndef DW_STATE_STATE_H
#define DW_STATE_STATE_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/model/version.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_state;

/* Borrows `settings` for the handle's life. `application_name` appears in pg_stat_activity. */
enum dw_rc dw_state_open(struct dw_state **out, const struct dw_state_settings *settings,
                         const char *application_name, struct dw_err *err) DW_MUST_CHECK;
void dw_state_close(struct dw_state *state); /* accepts NULL */

/* --- maps ------------------------------------------------------------------------------------ */

enum dw_map_state {
    DW_MAP_STOPPED, /* nothing is published, nothing applied */
    DW_MAP_RUNNING,
    DW_MAP_PAUSED, /* by an operator: published, not applied */
    DW_MAP_ERROR,  /* by a process, with code and reason: published, not applied */
};
const char *dw_map_state_name(enum dw_map_state state);

struct dw_map_record {
    const char *name;
    int64_t revision; /* rises with each apply */
    int64_t change;   /* rises with each change of state or revision; for "is this news?" */
    enum dw_map_state state;
    const char *document; /* the map file's JSON */
    const char *resolved; /* JSON: what the check saw in the catalogues, see map_resolved.h */
    const char *code;     /* of the error, "" when none */
    const char *reason;
    const char *topic;
    int32_t partitions; /* of the current generation; the producer partitions by this count */
};

/* All maps, by name; allocated in `arena`. */
enum dw_rc dw_state_maps_load(struct dw_state *state, struct dw_arena *arena,
                              const struct dw_map_record **out, size_t *out_count,
                              struct dw_err *err) DW_MUST_CHECK;

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

/* A durable note that events may be missing: from which position on, for which map ("" = all maps
 * of the system), why. Shown in the status until it is closed by a re-sync. Idempotent. */
enum dw_rc dw_state_gap_add(struct dw_state *state, const char *system, const char *map,
                            const char *code, uint64_t from_lsn, const char *reason,
                            struct dw_err *err) DW_MUST_CHECK;

/* --- processes -------------------------------------------------------------------------------- */

/* A process tells that it lives, and how it goes (about every 2 s). `stats` is a JSON object, see
 * CONTRACT in process_stats.h. Rows older than a minute are removed by the reconciler. */
enum dw_rc dw_state_process_beat(struct dw_state *state, const char *kind, const char *instance,
                                 const char *process_state, const char *stats,
                                 struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_state_process_leave(struct dw_state *state, const char *kind, const char *instance,
                                  struct dw_err *err) DW_MUST_CHECK;

#endif
