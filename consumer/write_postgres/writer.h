/* writer.h - applies batches of changes of one partition to a PostgreSQL target.
 *
 * One transaction per batch: fence, merge, progress. The progress row is locked and compared first
 * (the fence), so a worker that lost its partition finds it moved; it is written in the same
 * transaction as the rows, so effects and progress can never differ (traps 1, 9, 13).
 *
 *   claim ─► begin ─► apply ─► (dead letters acknowledged) ─► commit
 *                 └──────────── rollback ◄───────────────┘ any failure
 *
 * The writer only says what happened to each change; the pipeline owns retry, dead letters, waiting
 * and breaker. Threads: a writer (one connection) belongs to one lane. A writer reconnects by
 * itself at the next claim or begin after DW_RETRY.
 */
#ifndef DW_WRITE_POSTGRES_WRITER_H
#define DW_WRITE_POSTGRES_WRITER_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/model/event.h"
#include "common/model/map_resolved.h"
#include "common/model/table_map.h"
#include "common/model/version.h"
#include "consumer/write_postgres/held_news.h"
#include <stdbool.h>
#include <stdint.h>

enum dw_outcome { /* how a record ends; the order is that of `counts` in progress */
                  DW_OUTCOME_PENDING = 0,
                  DW_OUTCOME_APPLIED,
                  DW_OUTCOME_SUPERSEDED, /* a later event of the same key in the batch took its
                                            place */
                  DW_OUTCOME_DUPLICATE,  /* not newer than the partition's last version */
                  DW_OUTCOME_FILTERED,   /* outside of the map's filter; on_delete or on_truncate
                                            "ignore"; tombstones */
                  DW_OUTCOME_DEAD,
                  DW_OUTCOME_WAITING, /* for a parent row or a unique value */
                  DW_OUTCOME_CONTROL, /* heartbeat and the like */
                  DW_OUTCOME_COUNT
};

enum dw_change_kind { DW_CHANGE_UPSERT, DW_CHANGE_DELETE };

enum dw_verdict_kind {
    DW_VERDICT_EQUAL,     /* the target is as the map would leave it */
    DW_VERDICT_MISSING,   /* there is no row */
    DW_VERDICT_DIFFERENT, /* its row has other values */
    DW_VERDICT_EXTRA,     /* there is a row, and none should be */
    DW_VERDICT_WAITING,   /* an event of this row waits for another row, or this one would */
    DW_VERDICT_UNKNOWN,   /* the row was too large to be sent */
    DW_VERDICT_COUNT
};
const char *dw_verdict_kind_name(enum dw_verdict_kind kind); /* "equal", … */

/* What a question of a comparison (event.h, "verify") found: a row of dualwrite.verdict. */
struct dw_verdict {
    int64_t run;
    struct dw_str source_key, target_key; /* JSON arrays of texts; target_key "" when not known */
    struct dw_version version;
    enum dw_verdict_kind kind;
    struct dw_str columns; /* JSON: [{"column","source","target"}] of those that differ; "" none */
    struct dw_str code, reason; /* why the row could not be written as it is; "" it could */
};

/* An event after the transform, ready for the target. Slices live in the batch's arena. */
struct dw_change {
    enum dw_change_kind kind;
    bool replaces; /* create: must not inherit columns of an earlier row (trap 5) */
    bool exits;    /* delete: its source row left the filter, so on_filter_exit decides */
    bool unsure;   /* exits: the event does not show whether it was in the filter before */
    bool undated;  /* exits: its version is when that was seen, not when it left */
    bool keep;     /* only where the target has no row of this key (on_existing "keep") */
    int64_t offset;
    struct dw_version version;
    int64_t commit_us;
    struct dw_str origin;       /* system of origin, for the loop mark */
    struct dw_value *cells;     /* map->column_count, upserts only */
    struct dw_value *raw;       /* the writer's: cells before lookups */
    struct dw_value *keys;      /* map->target.key_count */
    struct dw_str key_text;     /* the keys in one string: equal if and only if the keys are */
    struct dw_verdict *verdict; /* a question, for dw_writer_verify alone; NULL: to be applied.
                                   Without cells it asks whether there is a row */
    /* out, by dw_writer_apply: */
    enum dw_outcome outcome;   /* APPLIED, SUPERSEDED, FILTERED, DEAD or WAITING */
    struct dw_err *err;        /* in the arena, for DEAD and WAITING */
    const char *failure_class; /* DEAD: data, constraint, incomplete, … (static) */
    struct dw_str column;      /* DEAD: the target column at fault, .ptr NULL when not known */
    struct dw_str parent_schema, parent_table; /* WAITING for a foreign key: its table */
};

/* The newest mark of a generation that a partition has come to (common/model/generation.h). */
struct dw_progress_generation {
    struct dw_version version;
    int32_t before, partitions;
    int32_t reach; /* partitions that have to come to it before any goes on; 0: there is no mark */
};

/* A row of dualwrite.progress. */
struct dw_progress {
    bool exists;
    int64_t next_offset;
    int64_t first_offset;
    uint64_t tail_hash;
    struct dw_version version;
    int64_t heartbeat_us;
    int64_t commit_us;
    int64_t revision;
    int64_t initial_sync; /* begun in the stream and not ended; 0 none */
    int64_t counts[DW_OUTCOME_COUNT];
    struct dw_progress_generation generation; /* by dualwrite.generation */
};

/* The code of an event that is not the whole row, where the target has none: it waits for the row
 * to be read again. */
#define DW_WRITER_INCOMPLETE "DW-APPLY-015"

/* A row of dualwrite.waiting. */
struct dw_waiting {
    int64_t offset;
    struct dw_str record_key, record_value; /* the record's bytes */
    struct dw_str key_text;
    struct dw_version version;
    int64_t since_us;
    struct dw_str code, reason;
    struct dw_str parent_schema, parent_table;
};

struct dw_writer;
struct dw_writer_table; /* a map's target table, its columns and statements */

/* Does not connect yet. Borrows `system`. `idle_ms`: idle_in_transaction_session_timeout, below the
 * group's session timeout. */
enum dw_rc dw_writer_open(struct dw_writer **out, const struct dw_system_settings *system,
                          const char *instance, int idle_ms, struct dw_err *err) DW_MUST_CHECK;
void dw_writer_close(struct dw_writer *writer); /* accepts NULL */
/* Once connected: the target's encoding is UTF8, so any text can be stored in it. */
bool dw_writer_is_utf8(const struct dw_writer *writer);

/* Looks the target table up and prepares its statements. The table lives until
 * dw_writer_table_free. *out_resolved (in `arena`) is `resolved` with the target side as the
 * catalogue has it now, for the transform. Errors: DW_CONFIG DW-APPLY-nnn (no table, column, unique
 * index, privilege), DW_RETRY. */
enum dw_rc dw_writer_table_new(struct dw_writer *writer, const struct dw_table_map *map,
                               const struct dw_map_resolved *resolved, struct dw_arena *arena,
                               struct dw_writer_table **out, struct dw_map_resolved *out_resolved,
                               struct dw_err *err) DW_MUST_CHECK;
void dw_writer_table_free(struct dw_writer_table *table); /* accepts NULL */
/* Other maps write the table too, by other filters: rows have owners from now on (trap 8). Only for
 * a map with a filter. */
void dw_writer_table_share(struct dw_writer_table *table);
/* The maps that look values up in the table: what holds a value that changes is noted (trap 22).
 * Borrows `maps` until the next call. Outside of a transaction. DW_CONFIG, DW_RETRY. */
enum dw_rc dw_writer_table_watch(struct dw_writer_table *table,
                                 const struct dw_table_map *const *maps, size_t count,
                                 struct dw_err *err) DW_MUST_CHECK;

struct dw_partition_id {
    const char *topic;
    int32_t partition;
    const char *map;
    int64_t revision;
};

/* Reads the progress row and the waiting rows (in `arena`, by offset). Creates the schema
 * "dualwrite" when it is missing. out_incarnation: 37 bytes. */
enum dw_rc dw_writer_claim(struct dw_writer *writer, const struct dw_partition_id *id,
                           struct dw_arena *arena, struct dw_progress *out_progress,
                           struct dw_waiting **out_waiting, size_t *out_waiting_count,
                           char *out_incarnation, struct dw_err *err) DW_MUST_CHECK;

/* Reads the progress row alone. Where that fails for another reason than an outage, a claim says
 * why. */
enum dw_rc dw_writer_progress(struct dw_writer *writer, const struct dw_partition_id *id,
                              struct dw_progress *out, struct dw_err *err) DW_MUST_CHECK;

/* The target went back behind what the group had committed (trap 13): writes and returns a new
 * incarnation (37 bytes). */
enum dw_rc dw_writer_new_incarnation(struct dw_writer *writer, char *out_incarnation,
                                     struct dw_err *err) DW_MUST_CHECK;

/* Opens the transaction; the fence compares the stored row with `expected` (or inserts the first
 * one). DW_CONFLICT: another worker has moved it: give the partition up. May be sent together with
 * the first statement of apply or commit, so a conflict may also come from there. */
enum dw_rc dw_writer_begin(struct dw_writer *writer, const struct dw_partition_id *id,
                           const struct dw_progress *expected, struct dw_err *err) DW_MUST_CHECK;

/* Applies changes in order per key: coalesces, merges by COPY or arrays, bisects what fails. Sets
 * each change's outcome. Returns DW_OK also when changes are DEAD or WAITING; DW_RETRY (outage,
 * serialization), DW_CONFIG (privilege, missing table or column), DW_CONFLICT (fence): the
 * transaction is rolled back and no outcome counts. */
enum dw_rc dw_writer_apply(struct dw_writer *writer, struct dw_writer_table *table,
                           struct dw_change **changes, size_t count, struct dw_arena *arena,
                           struct dw_err *err) DW_MUST_CHECK;

struct dw_writer_questions {
    struct dw_change *const *changes; /* each with a verdict to be filled */
    size_t count;
    struct dw_verdict *const *verdicts; /* those, and the ones that are settled already */
    size_t verdict_count;
};
/* Compares the target's rows with what the changes would write, in the open transaction, and stores
 * the verdicts; of the table nothing is written. Returns as dw_writer_apply. */
enum dw_rc dw_writer_verify(struct dw_writer *writer, struct dw_writer_table *table,
                            const struct dw_writer_questions *questions, struct dw_arena *arena,
                            struct dw_err *err) DW_MUST_CHECK;

/* A revision of a map as the stream brought it: kept in the target while it is in force. */
struct dw_writer_version {
    struct dw_str document, resolved;
};
/* The copy of id->revision, in `arena`; *out_found false when there is none: no revision was
 * announced in that partition yet. */
enum dw_rc dw_writer_version(struct dw_writer *writer, const struct dw_partition_id *id,
                             struct dw_arena *arena, struct dw_writer_version *out, bool *out_found,
                             struct dw_err *err) DW_MUST_CHECK;

/* A mark of a generation, to be kept in the target from now on. */
struct dw_writer_generation {
    const struct dw_progress_generation *place;
    int64_t number;
    int64_t initial_sync; /* under way at the mark; 0 none, -1: a new partition does not know */
};

struct dw_writer_commit {
    const struct dw_progress *progress; /* as it shall be */
    struct dw_held_news held;
    const struct dw_waiting *waiting_added;
    size_t waiting_added_count;
    const int64_t *waiting_removed; /* offsets */
    size_t waiting_removed_count;
    const struct dw_writer_version *version; /* of progress->revision, to be kept; NULL: it is */
    const struct dw_writer_generation *generation; /* NULL: no mark was met */
};

/* In the transaction, before apply: the held rows of letters that are replayed, locked until the
 * commit; out[i] belongs to ids[i]. Errors as dw_writer_apply. */
enum dw_rc dw_writer_held(struct dw_writer *writer, const struct dw_held_id *ids, size_t count,
                          struct dw_held_row *out, struct dw_err *err) DW_MUST_CHECK;
/* Whether the topic has letters whose keys later events have to be noted for. Outside of a
 * transaction. */
enum dw_rc dw_writer_holds(struct dw_writer *writer, const char *topic, bool *out,
                           struct dw_err *err) DW_MUST_CHECK;

/* Writes progress, held and waiting rows, and commits. DW_RETRY when the connection is lost at
 * COMMIT: nobody knows whether it happened; claim again and look at the progress row. */
enum dw_rc dw_writer_commit(struct dw_writer *writer, const struct dw_partition_id *id,
                            const struct dw_writer_commit *commit,
                            struct dw_err *err) DW_MUST_CHECK;
void dw_writer_rollback(struct dw_writer *writer);

/* --- truncate over partitions (trap 7) --- */

/* Own short transaction: notes that `partition` has reached the truncate `version` of the topic;
 * the one that completes `partitions` runs it (when `execute`) and marks it done. *out_done: this
 * partition may go on. Call again (every 50 ms or so) until done. DW_REJECT: the target refuses it,
 * as long as rows of another table refer to these. */
enum dw_rc dw_writer_truncate(struct dw_writer *writer, struct dw_writer_table *table,
                              const struct dw_partition_id *id, const struct dw_version *version,
                              int32_t partitions, bool execute, bool *out_done,
                              struct dw_err *err) DW_MUST_CHECK;

/* --- more partitions (trap 20) --- */

/* True when all partitions that have to have come to the mark, with nothing waiting before it: the
 * new generation may go on. *out_initial_sync: under way at the mark, 0 none. */
enum dw_rc dw_writer_turned(struct dw_writer *writer, const char *topic,
                            const struct dw_progress_generation *generation, bool *out_turned,
                            int64_t *out_initial_sync, struct dw_err *err) DW_MUST_CHECK;

/* --- dependencies (trap 3) --- */

/* True when every partition of `topic` has progress at or past `version` with nothing waiting
 * before it: then a parent that comes by that topic has come, or will not. `partitions`: of the
 * topic at that version, where the target has met no mark of a generation. */
enum dw_rc dw_writer_passed(struct dw_writer *writer, const char *topic, int32_t partitions,
                            const struct dw_version *version, bool *out_passed,
                            struct dw_err *err) DW_MUST_CHECK;

#endif
