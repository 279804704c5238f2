/* state_jobs.c - see state_jobs.h. */
#include "common/state/state_jobs.h"

#include "common/base/buf.h"
#include "common/base/fault.h"
#include "common/base/json_write.h"
#include "common/state/state.h"
#include "common/state/state_db.h"
#include "common/state/state_letters_sql.h"
#include "common/state/state_sync.h"
#include <stdlib.h>

#define JSON_MAX  ((size_t)64 << 20)
#define ACTOR     "dead letters"
#define KEYS_SYNC 1000 /* of one re-sync, at most */

static const struct {
    const char *name;
    const char *states; /* that it is for, unless the filter says which */
} actions[DW_LETTER_ACTION_COUNT] = {
    [DW_LETTER_REPLAY] = {"replay", "open"},
    [DW_LETTER_DISCARD] = {"discard", "open,unconfirmed,foreign,replaying"},
    [DW_LETTER_PURGE] = {"purge", "void,applied,superseded,filtered,discarded"},
};

const char *dw_state_jobs_action_name(enum dw_letter_action action)
{
    return (unsigned)action < DW_LETTER_ACTION_COUNT ? actions[action].name : "unknown";
}

const char *dw_state_jobs_action_states(enum dw_letter_action action)
{
    return actions[action].states;
}

/* --- the filter as it is kept ------------------------------------------------------------------
 */

static void write_given(struct dw_buf *json, const char *name, const char *value)
{
    if (value)
        dw_json_write_text(json, name, value);
}

static void write_filter(struct dw_buf *json, const struct dw_letter_filter *filter)
{
    dw_buf_append_char(json, '{');
    write_given(json, "map", filter->map);
    write_given(json, "state", filter->state);
    write_given(json, "code", filter->code);
    write_given(json, "class", filter->class_name);
    write_given(json, "column", filter->column);
    write_given(json, "text", filter->text);
    write_given(json, "key", filter->key);
    if (filter->before_us)
        dw_json_write_i64(json, "before_us", filter->before_us);
    if (filter->since_us)
        dw_json_write_i64(json, "since_us", filter->since_us);
    if (filter->ids) {
        dw_json_write_name(json, "ids");
        dw_buf_append_char(json, '[');
        for (size_t i = 0; i < filter->id_count; i++) {
            if (i)
                dw_buf_append_char(json, ',');
            dw_buf_append_i64(json, filter->ids[i]);
        }
        dw_buf_append_char(json, ']');
    }
    dw_buf_append_char(json, '}');
}

static const char *given_at(const PGresult *result, int column, struct dw_arena *arena)
{
    return PQgetisnull(result, 0, column) ? NULL : dw_state_db_text(result, 0, column, arena);
}

static enum dw_rc load_params(struct dw_state *state, int64_t id, struct dw_arena *arena,
                              const char *params[DW_LETTER_FILTER_PARAMS], struct dw_err *err)
{
    char number[24];
    const char *ids[] = {dw_state_db_i64(id, number)};
    PGresult *result = NULL;
    struct dw_letter_filter filter = {.map = NULL};
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT filter->>'map', filter->>'state', filter->>'code', filter->>'class',"
        " filter->>'column', filter->>'text', filter->>'key', filter->>'before_us',"
        " filter->>'since_us', translate(filter->>'ids', '[]', '{}')"
        " FROM dualwrite.letter_job WHERE id = $1",
        1, ids, &result, err);
    if (rc)
        return rc;
    if (PQntuples(result)) {
        filter = (struct dw_letter_filter){
            .map = given_at(result, 0, arena),
            .state = given_at(result, 1, arena),
            .code = given_at(result, 2, arena),
            .class_name = given_at(result, 3, arena),
            .column = given_at(result, 4, arena),
            .text = given_at(result, 5, arena),
            .key = given_at(result, 6, arena),
            .before_us = dw_state_db_number(result, 0, 7),
            .since_us = dw_state_db_number(result, 0, 8),
        };
        dw_state_letters_params(&filter, arena, params);
        params[DW_LETTER_FILTER_PARAMS - 1] = given_at(result, 9, arena);
    }
    PQclear(result);
    return DW_OK;
}

/* --- jobs ----------------------------------------------------------------------------------------
 */

static enum dw_rc audit_job(struct dw_state *state, int64_t id, const char *what, const char *by,
                            struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number), what, by};
    return dw_state_db_query(
        state,
        "INSERT INTO dualwrite.audit_log (by, action, object, detail)"
        " SELECT $3, 'letters.' || coalesce(nullif($2, ''), action),"
        " coalesce(filter->>'map', ''), json_build_object('job', id, 'filter', filter,"
        " 'letters', total, 'source_row', source_row, 'reason', reason)"
        " FROM dualwrite.letter_job WHERE id = $1::bigint",
        3, params, NULL, err);
}

enum dw_rc dw_state_jobs_create(struct dw_state *state, const struct dw_letter_job *job,
                                const struct dw_letter_filter *filter, int64_t *out_id,
                                struct dw_err *err)
{
    struct dw_arena arena;
    struct dw_buf json;
    struct dw_letter_filter meant = *filter;
    const char *params[DW_LETTER_FILTER_PARAMS + 5];
    PGresult *result = NULL;
    if (!meant.state)
        meant.state = actions[job->action].states;
    dw_arena_init(&arena, 4096);
    dw_buf_init(&json, JSON_MAX);
    write_filter(&json, &meant);
    dw_state_letters_params(&meant, &arena, params);
    params[DW_LETTER_FILTER_PARAMS] = dw_state_jobs_action_name(job->action);
    params[DW_LETTER_FILTER_PARAMS + 1] = job->source_row ? "t" : "f";
    params[DW_LETTER_FILTER_PARAMS + 2] = json.data;
    params[DW_LETTER_FILTER_PARAMS + 3] = job->by;
    params[DW_LETTER_FILTER_PARAMS + 4] = job->reason ? job->reason : "";
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (!rc) {
        rc = dw_state_db_query(
            state,
            "INSERT INTO dualwrite.letter_job (action, source_row, filter, by, reason, last_id,"
            " total) SELECT $11, $12::boolean, $13::json, $14, $15, max(id), count(*)"
            " FROM dualwrite.dead_letter WHERE " DW_LETTER_FILTER " HAVING count(*) > 0"
            " RETURNING id",
            DW_LETTER_FILTER_PARAMS + 5, params, &result, err);
        if (!rc)
            *out_id = PQntuples(result) ? dw_state_db_number(result, 0, 0) : 0;
        PQclear(result);
        if (!rc && *out_id)
            rc = audit_job(state, *out_id, "", job->by, err);
        rc = dw_state_db_end(state, rc, err);
    }
    dw_buf_done(&json);
    dw_arena_done(&arena);
    return rc;
}

static void read_job(const PGresult *result, int row, struct dw_arena *arena,
                     struct dw_letter_job *out)
{
#define TEXT(column)   dw_state_db_text(result, row, column, arena)
#define NUMBER(column) dw_state_db_number(result, row, column)
    *out = (struct dw_letter_job){
        .id = NUMBER(0),
        .source_row = PQgetvalue(result, row, 2)[0] == 't',
        .filter = TEXT(3),
        .by = TEXT(4),
        .reason = TEXT(5),
        .state = TEXT(6),
        .last_id = NUMBER(7),
        .at_id = NUMBER(8),
        .total = NUMBER(9),
        .taken = NUMBER(10),
        .refused = NUMBER(11),
        .applied = NUMBER(12),
        .superseded = NUMBER(13),
        .filtered = NUMBER(14),
        .discarded = NUMBER(15),
        .failed = NUMBER(16),
        .purged = NUMBER(17),
        .refusal = TEXT(18),
        .in_flight = NUMBER(19),
        .created_us = NUMBER(20),
        .ended_us = NUMBER(21),
    };
#undef TEXT
#undef NUMBER
    for (unsigned i = 0; i < DW_LETTER_ACTION_COUNT; i++)
        if (strcmp(actions[i].name, PQgetvalue(result, row, 1)) == 0)
            out->action = (enum dw_letter_action)i;
}

enum dw_rc dw_state_jobs_load(struct dw_state *state, int64_t id, bool running, int limit,
                              struct dw_arena *arena, const struct dw_letter_job **out,
                              size_t *out_count, struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {dw_state_db_i64(id, numbers[0]), running ? "t" : "f",
                            dw_state_db_i64(limit, numbers[1])};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT j.id, action, source_row, filter, by, reason, j.state, last_id, at_id, total,"
        " taken, refused, applied, superseded, filtered, discarded, failed, purged, refusal,"
        " (SELECT count(*) FROM dualwrite.dead_letter d WHERE d.job = j.id"
        "  AND d.state IN ('replaying', 'discarding')),"
        " (extract(epoch FROM created_at) * 1000000)::bigint,"
        " (extract(epoch FROM ended_at) * 1000000)::bigint FROM dualwrite.letter_job j"
        " WHERE ($1::bigint = 0 OR j.id = $1::bigint) AND (NOT $2::boolean"
        " OR j.state = 'running') ORDER BY j.id DESC LIMIT $3",
        3, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_letter_job *jobs = DW_ARENA_ARRAY(arena, struct dw_letter_job, (size_t)rows);
    for (int i = 0; i < rows; i++)
        read_job(result, i, arena, &jobs[i]);
    PQclear(result);
    *out = jobs;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_jobs_cancel(struct dw_state *state, int64_t id, const char *by,
                                struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = dw_state_db_query(state,
                           "WITH before AS (SELECT id, state FROM dualwrite.letter_job"
                           "  WHERE id = $1 FOR UPDATE), changed AS (UPDATE dualwrite.letter_job j"
                           "  SET state = 'cancelled', ended_at = now() FROM before b"
                           "  WHERE j.id = b.id AND b.state = 'running')"
                           " SELECT state FROM before",
                           1, params, &result, err);
    if (!rc && PQntuples(result) == 0)
        rc = dw_err_set(err, DW_CONFIG, "DW-STATE-030", "there is no job %s", number);
    else if (!rc && strcmp(PQgetvalue(result, 0, 0), "running") != 0)
        rc = dw_err_set(err, DW_CONFLICT, "DW-STATE-031", "job %s is over: it is %s", number,
                        PQgetvalue(result, 0, 0));
    PQclear(result);
    if (!rc)
        rc = audit_job(state, id, "cancel", by, err);
    return dw_state_db_end(state, rc, err);
}

enum dw_rc dw_state_jobs_page(struct dw_state *state, const struct dw_letter_job *job, int limit,
                              struct dw_arena *arena, struct dw_letter_list *out,
                              struct dw_err *err)
{
    const char *params[DW_LETTER_FILTER_PARAMS];
    struct dw_letter_walk walk = {.after = job->at_id, .last = job->last_id, .limit = limit};
    enum dw_rc rc = load_params(state, job->id, arena, params, err);
    return rc ? rc : dw_state_letters_walk(state, params, &walk, arena, out, err);
}

/* --- taking --------------------------------------------------------------------------------------
 */

static const char take_sql[] =
    "WITH given AS (SELECT * FROM json_to_recordset($1) AS g (id bigint, choice int)), sent AS ("
    "  UPDATE dualwrite.dead_letter d SET state = 'replaying', attempt = d.attempts + 1,"
    "   sent = false, sync = NULL, job = $2::bigint, state_at = now() FROM given g"
    "  WHERE d.id = g.id AND g.choice = 1 AND d.state = 'open' RETURNING 1), let_go AS ("
    "  UPDATE dualwrite.dead_letter d SET state = 'discarding', job = $2::bigint,"
    "   ended_by = $3, state_at = now() FROM given g WHERE d.id = g.id AND g.choice = 3"
    "   AND d.state IN ('open', 'unconfirmed', 'replaying') RETURNING 1), ended AS ("
    "  UPDATE dualwrite.dead_letter d SET state = 'discarded', ended_as = 'discarded',"
    "   ended_by = $3, job = $2::bigint, state_at = now() FROM given g WHERE d.id = g.id"
    "   AND g.choice = 4 AND d.state IN ('open', 'foreign', 'replaying') RETURNING 1), removed AS ("
    "  DELETE FROM dualwrite.dead_letter d USING given g WHERE d.id = g.id AND g.choice = 5"
    "   AND d.state IN ('void', 'foreign', 'applied', 'superseded', 'filtered', 'discarded')"
    "   RETURNING 1)"
    " SELECT (SELECT count(*) FROM sent) + (SELECT count(*) FROM let_go),"
    " (SELECT count(*) FROM ended), (SELECT count(*) FROM removed)";

/* Orders the re-syncs of a page, map by map. */
static enum dw_rc take_rows(struct dw_state *state, const struct dw_letter_job *job,
                            const struct dw_letter_take *takes, size_t count, bool *done,
                            size_t first, size_t *out_taken, struct dw_err *err)
{
    char numbers[2][24];
    struct dw_buf keys;
    struct dw_buf ids;
    size_t found = 0;
    int64_t sync = 0;
    dw_buf_init(&keys, JSON_MAX);
    dw_buf_init(&ids, JSON_MAX);
    for (size_t i = first; i < count && found < KEYS_SYNC; i++) {
        if (takes[i].choice != DW_LETTER_READ_ROW || strcmp(takes[i].map, takes[first].map) != 0)
            continue;
        done[i] = true;
        dw_buf_append_char(&keys, found ? ',' : '[');
        dw_buf_append_text(&keys, takes[i].key);
        dw_buf_append_char(&ids, found++ ? ',' : '{');
        dw_buf_append_i64(&ids, takes[i].id);
    }
    dw_buf_append_char(&keys, ']');
    dw_buf_append_char(&ids, '}');
    const struct dw_sync_order order = {.map = takes[first].map, .keys = keys.data};
    enum dw_rc rc = dw_state_sync_insert(state, &order, 1, job->by, &sync, err);
    const char *params[] = {ids.data, dw_state_db_i64(sync, numbers[0]),
                            dw_state_db_i64(job->id, numbers[1])};
    if (!rc)
        rc = dw_state_db_query(state,
                               "UPDATE dualwrite.dead_letter SET state = 'replaying',"
                               " sync = $2::bigint, job = $3::bigint, state_at = now()"
                               " WHERE id = ANY ($1::bigint[]) AND state = 'open'",
                               3, params, NULL, err);
    *out_taken += found;
    dw_buf_done(&keys);
    dw_buf_done(&ids);
    return rc;
}

static enum dw_rc read_rows(struct dw_state *state, const struct dw_letter_job *job,
                            const struct dw_letter_take *takes, size_t count, size_t *out_taken,
                            struct dw_err *err)
{
    bool *done = dw_mem_calloc(count + 1, sizeof *done);
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < count && !rc; i++)
        if (takes[i].choice == DW_LETTER_READ_ROW && !done[i])
            rc = take_rows(state, job, takes, count, done, i, out_taken, err);
    free(done);
    return rc;
}

struct tally {
    size_t taken, refused;
    int64_t ended, removed;
    const char *refusal;
};

static enum dw_rc move_job(struct dw_state *state, const struct dw_letter_job *job, int64_t to_id,
                           const struct tally *tally, struct dw_err *err)
{
    char numbers[6][24];
    const char *params[] = {dw_state_db_i64(job->id, numbers[0]),
                            dw_state_db_i64(to_id, numbers[1]),
                            dw_state_db_i64((int64_t)tally->taken + tally->ended, numbers[2]),
                            dw_state_db_i64((int64_t)tally->refused, numbers[3]),
                            dw_state_db_i64(tally->ended, numbers[4]),
                            dw_state_db_i64(tally->removed, numbers[5]),
                            tally->refusal};
    return dw_state_db_query(state,
                             "UPDATE dualwrite.letter_job SET at_id = $2::bigint,"
                             " taken = taken + $3::bigint, refused = refused + $4::bigint,"
                             " discarded = discarded + $5::bigint, purged = purged + $6::bigint,"
                             " refusal = coalesce($7, refusal) WHERE id = $1::bigint",
                             7, params, NULL, err);
}

/* The same letters again, after a kill of another reconciler's, find the job moved: its row is the
 * lock. */
static enum dw_rc lock_job(struct dw_state *state, const struct dw_letter_job *job, bool *out_same,
                           struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {dw_state_db_i64(job->id, numbers[0]),
                            dw_state_db_i64(job->at_id, numbers[1])};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state,
                                      "SELECT FROM dualwrite.letter_job WHERE id = $1 AND at_id ="
                                      " $2::bigint AND state = 'running' FOR UPDATE",
                                      2, params, &result, err);
    *out_same = !rc && PQntuples(result) == 1;
    PQclear(result);
    return rc;
}

static enum dw_rc carry_out(struct dw_state *state, const struct dw_letter_job *job,
                            const struct dw_letter_take *takes, size_t count, int64_t to_id,
                            struct dw_err *err)
{
    char number[24];
    struct tally tally = {.refusal = NULL};
    struct dw_buf json;
    PGresult *result = NULL;
    dw_buf_init(&json, JSON_MAX);
    dw_buf_append_char(&json, '[');
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(&json, i ? ",{" : "{");
        dw_json_write_i64(&json, "id", takes[i].id);
        dw_json_write_i64(&json, "choice", (int)takes[i].choice);
        dw_buf_append_char(&json, '}');
        if (takes[i].choice == DW_LETTER_REFUSE) {
            tally.refused++;
            tally.refusal = takes[i].reason;
        }
    }
    dw_buf_append_char(&json, ']');
    const char *params[] = {json.data, dw_state_db_i64(job->id, number), job->by};
    enum dw_rc rc = dw_state_db_query(state, take_sql, 3, params, &result, err);
    if (!rc) {
        tally.taken = (size_t)dw_state_db_number(result, 0, 0);
        tally.ended = dw_state_db_number(result, 0, 1);
        tally.removed = dw_state_db_number(result, 0, 2);
    }
    PQclear(result);
    dw_buf_done(&json);
    if (!rc)
        rc = read_rows(state, job, takes, count, &tally.taken, err);
    return rc ? rc : move_job(state, job, to_id, &tally, err);
}

enum dw_rc dw_state_jobs_take(struct dw_state *state, const struct dw_letter_job *job,
                              const struct dw_letter_take *takes, size_t count, int64_t to_id,
                              struct dw_err *err)
{
    bool same = false;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = lock_job(state, job, &same, err);
    if (!rc && same)
        rc = carry_out(state, job, takes, count, to_id, err);
    dw_fault("reconciler.job_before_commit");
    rc = dw_state_db_end(state, rc, err);
    dw_fault("reconciler.job_after_commit");
    return rc;
}

enum dw_rc dw_state_jobs_finish(struct dw_state *state, int64_t id, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number)};
    return dw_state_db_query(state,
                             "UPDATE dualwrite.letter_job j SET state = 'done', ended_at = now()"
                             " WHERE id = $1 AND state = 'running' AND NOT EXISTS (SELECT FROM"
                             " dualwrite.dead_letter d WHERE d.job = j.id"
                             " AND d.state IN ('replaying', 'discarding'))",
                             1, params, NULL, err);
}
