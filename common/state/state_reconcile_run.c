/* state_reconcile_run.c - see state_reconcile.h: the running of comparisons. */
#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/postgres/pg.h"
#include "common/state/state_db.h"
#include "common/state/state_reconcile_db.h"
#include "common/state/state_sync.h"
#include <stdio.h>

#define LIST_MAX      ((size_t)256 << 20)
#define UNANSWERED_OK "2" /* rounds without a verdict, then the row counts as equal */

enum dw_rc dw_state_reconcile_forget(struct dw_state *state, int64_t id, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number)};
    enum dw_rc rc = dw_state_db_query(
        state, "DELETE FROM dualwrite.reconcile_suspect WHERE run = $1", 1, params, NULL, err);
    return rc ? rc
              : dw_state_db_query(state, "DELETE FROM dualwrite.sync WHERE verify = $1", 1, params,
                                  NULL, err);
}

/* --- progress ----------------------------------------------------------------------------------
 */

enum dw_rc dw_state_reconcile_next(struct dw_state *state, int64_t last,
                                   struct dw_reconcile_next *out, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(last, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT r.id, w.by_itself FROM dualwrite.reconcile_run r CROSS JOIN LATERAL (SELECT"
        "  r.origin = 'schedule' AND (r.state <> 'done' OR r.repair_by = 'schedule')"
        "  AS by_itself) w WHERE r.state IN ('waiting', 'running')"
        " OR r.repair_state IN ('waiting', 'running')"
        " ORDER BY w.by_itself, w.by_itself AND r.id <= $1::bigint, r.id LIMIT 1",
        1, params, &result, err);
    if (rc)
        return rc;
    *out = (struct dw_reconcile_next){.id = 0};
    if (PQntuples(result))
        *out = (struct dw_reconcile_next){dw_state_db_number(result, 0, 0),
                                          *PQgetvalue(result, 0, 1) == 't'};
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_reconcile_begin(struct dw_state *state, int64_t id,
                                    const struct dw_reconcile_begin *begin, bool *out_held,
                                    struct dw_err *err)
{
    char numbers[3][24];
    const char *params[] = {
        dw_state_db_i64(id, numbers[0]),
        dw_state_db_i64(begin->revision, numbers[1]),
        begin->way,
        begin->way_reason,
        dw_state_db_i64(begin->rows_estimated, numbers[2]),
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "UPDATE dualwrite.reconcile_run r SET state = 'running', revision = $2, way = $3,"
        " way_reason = $4, rows_estimated = $5, started_at = coalesce(r.started_at, now()),"
        " begin_epoch = coalesce(nullif(r.begin_epoch, 0), p.epoch, 0),"
        " begin_lsn = coalesce(r.begin_lsn, p.published_lsn) FROM dualwrite.map m"
        " LEFT JOIN dualwrite.position p ON p.system = m.source_system"
        " WHERE r.id = $1 AND m.name = r.map AND r.state IN ('waiting', 'running') RETURNING r.id",
        5, params, &result, err);
    if (rc)
        return rc;
    *out_held = PQntuples(result) == 1;
    PQclear(result);
    return DW_OK;
}

/* {"…","…"}: an array literal, each element quoted. */
static void put_texts(struct dw_buf *out, const char *const *texts, size_t count)
{
    dw_buf_append_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(out, i ? ",\"" : "\"");
        for (const char *c = texts[i]; *c; c++) {
            if (*c == '"' || *c == '\\')
                dw_buf_append_char(out, '\\');
            dw_buf_append_char(out, *c);
        }
        dw_buf_append_char(out, '"');
    }
    dw_buf_append_char(out, '}');
}

static enum dw_rc save(struct dw_state *state, int64_t id,
                       const struct dw_reconcile_progress *progress, const char *suspects,
                       bool *out_held, struct dw_err *err)
{
    char numbers[6][24];
    const char *params[] = {
        dw_state_db_i64(id, numbers[0]),
        dw_state_reconcile_phase_name(progress->phase),
        progress->cursor,
        dw_state_db_i64(progress->rows_source, numbers[1]),
        dw_state_db_i64(progress->rows_target, numbers[2]),
        dw_state_db_i64(progress->segments, numbers[3]),
        dw_state_db_i64(progress->beyond, numbers[4]),
        suspects,
        dw_state_db_i64((int64_t)progress->suspect_count, numbers[5]),
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH held AS (UPDATE dualwrite.reconcile_run SET phase = $2, cursor = $3,"
        "  rows_source = rows_source + $4::bigint, rows_target = rows_target + $5::bigint,"
        "  segments = segments + $6::bigint, beyond = beyond + $7::bigint,"
        "  suspects = suspects + $9::bigint + $7::bigint"
        "  WHERE id = $1 AND state = 'running' RETURNING id),"
        " added AS (INSERT INTO dualwrite.reconcile_suspect (run, key)"
        "  SELECT DISTINCT held.id, k FROM held, unnest($8::text[]) AS k ON CONFLICT DO NOTHING)"
        " SELECT count(*) FROM held",
        9, params, &result, err);
    if (rc)
        return rc;
    *out_held = dw_state_db_number(result, 0, 0) == 1;
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_reconcile_save(struct dw_state *state, int64_t id,
                                   const struct dw_reconcile_progress *progress, bool *out_held,
                                   struct dw_err *err)
{
    struct dw_buf suspects;
    dw_buf_init(&suspects, LIST_MAX);
    put_texts(&suspects, progress->suspects, progress->suspect_count);
    enum dw_rc rc = save(state, id, progress, suspects.data, out_held, err);
    dw_buf_done(&suspects);
    return rc;
}

static enum dw_rc end(struct dw_state *state, int64_t id, const struct dw_reconcile_ending *ending,
                      struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number), dw_state_reconcile_state_name(ending->to),
                            ending->code, ending->reason};
    enum dw_rc rc = dw_state_db_query(
        state,
        "UPDATE dualwrite.reconcile_run r SET state = $2, code = $3, reason = $4,"
        " unjudged = unjudged + (SELECT count(*) FROM dualwrite.reconcile_suspect WHERE run = "
        "r.id),"
        " ended_at = now(), end_epoch = coalesce(p.epoch, 0), end_lsn = p.published_lsn"
        " FROM dualwrite.map m LEFT JOIN dualwrite.position p ON p.system = m.source_system"
        " WHERE r.id = $1 AND m.name = r.map AND r.state IN ('waiting', 'running')",
        4, params, NULL, err);
    if (!rc)
        rc = dw_state_reconcile_forget(state, id, err);
    if (!rc && ending->to == DW_RECONCILE_DONE && ending->repair.max_rows)
        rc = dw_state_repair_by_itself(state, id, &ending->repair, err);
    return rc;
}

enum dw_rc dw_state_reconcile_end(struct dw_state *state, int64_t id,
                                  const struct dw_reconcile_ending *ending, struct dw_err *err)
{
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = end(state, id, ending, err);
    return dw_state_db_end(state, rc, err);
}

/* --- judging -----------------------------------------------------------------------------------
 */

/* One that was ordered before a crash is waited for. */
static enum dw_rc find_asked(struct dw_state *state, const char *run, int64_t *out,
                             struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_state_db_query(state,
                          "SELECT coalesce(min(sync), 0) FROM dualwrite.reconcile_suspect"
                          " WHERE run = $1",
                          1, &run, &result, err);
    if (rc)
        return rc;
    *out = dw_state_db_number(result, 0, 0);
    PQclear(result);
    return DW_OK;
}

static enum dw_rc order_verify(struct dw_state *state, int64_t run, const char *map,
                               const char *limit, int64_t *out_sync, struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {dw_state_db_i64(run, numbers[0]), limit};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT json_agg(s.key::json)::text FROM (SELECT key FROM dualwrite.reconcile_suspect"
        " WHERE run = $1 AND sync IS NULL ORDER BY rounds, key LIMIT $2::bigint) s",
        2, params, &result, err);
    if (rc || PQgetisnull(result, 0, 0)) {
        PQclear(result);
        return rc;
    }
    const struct dw_sync_order order = {
        .map = map, .keys = PQgetvalue(result, 0, 0), .verify = run};
    rc = dw_state_sync_insert(state, &order, 1, "reconcile", out_sync, err);
    PQclear(result);
    if (rc)
        return rc;
    const char *marks[] = {params[0], limit, dw_state_db_i64(*out_sync, numbers[1])};
    return dw_state_db_query(
        state,
        "UPDATE dualwrite.reconcile_suspect SET sync = $3::bigint WHERE run = $1 AND key IN"
        " (SELECT key FROM dualwrite.reconcile_suspect WHERE run = $1 AND sync IS NULL"
        "  ORDER BY rounds, key LIMIT $2::bigint)",
        3, marks, NULL, err);
}

enum dw_rc dw_state_suspects_ask(struct dw_state *state, int64_t run, const char *map,
                                 int64_t limit, int64_t *out_sync, struct dw_err *err)
{
    char numbers[2][24];
    *out_sync = 0;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = find_asked(state, dw_state_db_i64(run, numbers[0]), out_sync, err);
    if (!rc && !*out_sync)
        rc = order_verify(state, run, map, dw_state_db_i64(limit, numbers[1]), out_sync, err);
    return dw_state_db_end(state, rc, err);
}

#define VERDICT_LETTER                                                                             \
    "(SELECT l.id FROM dualwrite.dead_letter l WHERE l.kind = 'event' AND l.topic = $9"            \
    " AND l.partition = $10::int AND l.record_offset = $11::bigint ORDER BY l.id DESC LIMIT 1)"

/* Keeps a difference unless the run has its fill; *out_kept. */
static enum dw_rc keep_difference(struct dw_state *state, const char *run, const char *keep_max,
                                  const struct dw_reconcile_verdict *verdict, bool *out_kept,
                                  struct dw_err *err)
{
    char numbers[5][24];
    const char *params[] = {
        run,
        keep_max,
        verdict->key,
        verdict->target_key,
        dw_state_difference_kind_name(verdict->kind),
        verdict->columns,
        verdict->code,
        verdict->reason,
        verdict->letter_topic,
        dw_state_db_i64(verdict->letter_partition, numbers[0]),
        dw_state_db_i64(verdict->letter_offset, numbers[1]),
        dw_state_db_i64(verdict->epoch, numbers[2]),
        dw_pg_format_lsn(verdict->commit_lsn, numbers[3]),
        dw_state_db_i64((int64_t)verdict->ordinal, numbers[4]),
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "INSERT INTO dualwrite.reconcile_difference (run, key, target_key, kind, columns, code,"
        " reason, letter, epoch, commit_lsn, ordinal, letter_topic, letter_partition,"
        " letter_offset) SELECT $1::bigint, $3, $4, $5, $6::json, $7, $8, " VERDICT_LETTER
        ", $12::bigint, $13::pg_lsn, $14::bigint, $9, $10::int, $11::bigint"
        " WHERE (SELECT count(*) FROM dualwrite.reconcile_difference WHERE run = $1::bigint)"
        "  < $2::bigint ON CONFLICT (run, key) DO UPDATE SET target_key = EXCLUDED.target_key,"
        " kind = EXCLUDED.kind, columns = EXCLUDED.columns, code = EXCLUDED.code,"
        " reason = EXCLUDED.reason, letter = EXCLUDED.letter, epoch = EXCLUDED.epoch,"
        " commit_lsn = EXCLUDED.commit_lsn, ordinal = EXCLUDED.ordinal,"
        " letter_topic = EXCLUDED.letter_topic, letter_partition = EXCLUDED.letter_partition,"
        " letter_offset = EXCLUDED.letter_offset, seen_at = now()"
        " RETURNING id",
        14, params, &result, err);
    if (rc)
        return rc;
    *out_kept = PQntuples(result) == 1;
    PQclear(result);
    return DW_OK;
}

static enum dw_rc count_beyond(struct dw_state *state, const char *run, struct dw_err *err)
{
    return dw_state_db_query(state,
                             "UPDATE dualwrite.reconcile_run SET beyond = beyond + 1 WHERE id = $1",
                             1, &run, NULL, err);
}

enum dw_rc dw_state_difference_add(struct dw_state *state, int64_t run, int64_t keep_max,
                                   const struct dw_reconcile_verdict *verdict, struct dw_err *err)
{
    char numbers[2][24];
    bool kept = false;
    const char *id = dw_state_db_i64(run, numbers[0]);
    enum dw_rc rc =
        keep_difference(state, id, dw_state_db_i64(keep_max, numbers[1]), verdict, &kept, err);
    return rc || kept ? rc : count_beyond(state, id, err);
}

/* What became of a difference that was repaired. */
static enum dw_rc settle_repair(struct dw_state *state, const char *run,
                                const struct dw_reconcile_verdict *verdict, struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {
        run,
        verdict->key,
        verdict->equal ? "gone" : "left",
        verdict->equal ? NULL : dw_state_difference_kind_name(verdict->kind),
        verdict->equal ? NULL : verdict->columns,
        verdict->equal ? NULL : verdict->code,
        verdict->equal ? NULL : verdict->reason,
        verdict->letter_topic,
        dw_state_db_i64(verdict->letter_partition, numbers[0]),
        dw_state_db_i64(verdict->letter_offset, numbers[1]),
    };
    return dw_state_db_query(state,
                             "UPDATE dualwrite.reconcile_difference SET repair = $3,"
                             " repaired_at = now(), kind = coalesce($4, kind),"
                             " columns = coalesce($5::json, columns), code = coalesce($6, code),"
                             " reason = coalesce($7, reason), letter = NULL, letter_topic = $8,"
                             " letter_partition = $9::int, letter_offset = $10::bigint"
                             " WHERE run = $1 AND key = $2",
                             10, params, NULL, err);
}

static enum dw_rc take_one(struct dw_state *state, const char *run, const char *keep_max,
                           const struct dw_reconcile_verdict *verdict, bool repair,
                           struct dw_err *err)
{
    bool kept = true;
    const char *params[] = {run, verdict->key};
    enum dw_rc rc = DW_OK;
    if (repair)
        rc = settle_repair(state, run, verdict, err);
    else if (!verdict->equal)
        rc = keep_difference(state, run, keep_max, verdict, &kept, err);
    if (!rc && !kept)
        rc = count_beyond(state, run, err);
    return rc ? rc
              : dw_state_db_query(
                    state, "DELETE FROM dualwrite.reconcile_suspect WHERE run = $1 AND key = $2", 2,
                    params, NULL, err);
}

/* Suspects of the sync that got no verdict. In a repair one that stays without is gone: the events
 * that came between have written it. */
static enum dw_rc settle_unanswered(struct dw_state *state, const char *run, const char *sync,
                                    bool given_up, struct dw_err *err)
{
    const char *params[] = {run, sync};
    if (given_up)
        return dw_state_db_query(
            state,
            "WITH left_over AS (DELETE FROM dualwrite.reconcile_suspect WHERE run = $1"
            "  AND sync = $2::bigint RETURNING key)"
            " UPDATE dualwrite.reconcile_run SET unjudged = unjudged"
            "  + (SELECT count(*) FROM left_over) WHERE id = $1",
            2, params, NULL, err);
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH settled AS (DELETE FROM dualwrite.reconcile_suspect WHERE run = $1"
        "  AND sync = $2::bigint AND rounds >= " UNANSWERED_OK " RETURNING key)"
        " UPDATE dualwrite.reconcile_difference d SET repair = 'gone', repaired_at = now()"
        "  FROM settled WHERE d.run = $1 AND d.key = settled.key AND d.repair = 'ordered'",
        2, params, NULL, err);
    return rc ? rc
              : dw_state_db_query(state,
                                  "UPDATE dualwrite.reconcile_suspect SET sync = NULL,"
                                  " rounds = rounds + 1 WHERE run = $1 AND sync = $2::bigint",
                                  2, params, NULL, err);
}

enum dw_rc dw_state_verdicts_take(struct dw_state *state, int64_t run,
                                  const struct dw_reconcile_verdicts *verdicts, struct dw_err *err)
{
    char numbers[2][24];
    const char *id = dw_state_db_i64(run, numbers[0]);
    const char *keep_max = dw_state_db_i64(verdicts->keep_max, numbers[1]);
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < verdicts->count && !rc; i++)
        rc = take_one(state, id, keep_max, &verdicts->items[i], verdicts->repair, err);
    return dw_state_db_end(state, rc, err);
}

enum dw_rc dw_state_verdicts_settle(struct dw_state *state, int64_t run, int64_t sync,
                                    bool given_up, struct dw_err *err)
{
    char numbers[2][24];
    const char *id = dw_state_db_i64(sync, numbers[1]);
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = settle_unanswered(state, dw_state_db_i64(run, numbers[0]), id, given_up, err);
    if (!rc)
        rc =
            dw_state_db_query(state, "DELETE FROM dualwrite.sync WHERE id = $1 AND kind = 'verify'",
                              1, &id, NULL, err);
    return dw_state_db_end(state, rc, err);
}

/* --- the schedule ------------------------------------------------------------------------------
 */

/* A table is not to be read for ever as fast as can be. */
#define CONTINUOUS_RATE "10000"

static const char due_query[] =
    "SELECT m.name, CASE WHEN w.rate = 0 AND w.continuous THEN " CONTINUOUS_RATE " ELSE w.rate END"
    " FROM dualwrite.map m"
    " JOIN dualwrite.map_revision v ON v.map = m.name AND v.revision = m.revision"
    " CROSS JOIN LATERAL (SELECT v.document->'reconcile' AS j) d"
    " CROSS JOIN LATERAL (SELECT coalesce((d.j->>'rate')::bigint, $4::bigint) AS rate,"
    "  coalesce((d.j->>'every_hours')::bigint * 3600000, $1::bigint) AS every_ms,"
    "  coalesce((d.j->>'continuous')::boolean, $2::boolean AND d.j->>'every_hours' IS NULL)"
    "  AS continuous) w"
    " WHERE m.state = 'running' AND (w.continuous OR w.every_ms > 0) AND NOT EXISTS (SELECT"
    "  FROM dualwrite.reconcile_run r WHERE r.map = m.name AND (r.state IN ('waiting', 'running')"
    "  OR r.repair_state IN ('waiting', 'running') OR (r.origin = 'schedule'"
    "   AND CASE WHEN w.continuous THEN r.ended_at > now() - $3::bigint * interval '1 ms'"
    "    ELSE r.created_at > now() - w.every_ms * interval '1 ms' END))) ORDER BY m.name";

enum dw_rc dw_state_reconcile_due(struct dw_state *state,
                                  const struct dw_reconcile_schedule *schedule,
                                  struct dw_arena *arena, const struct dw_reconcile_due **out,
                                  size_t *out_count, struct dw_err *err)
{
    char numbers[3][24];
    const char *params[] = {dw_state_db_i64(schedule->every_ms, numbers[0]),
                            schedule->continuous ? "t" : "f",
                            dw_state_db_i64(schedule->pause_ms, numbers[1]),
                            dw_state_db_i64(schedule->rate, numbers[2])};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, due_query, 4, params, &result, err);
    if (rc)
        return rc;
    size_t count = (size_t)PQntuples(result);
    struct dw_reconcile_due *due = DW_ARENA_ARRAY(arena, struct dw_reconcile_due, count);
    for (size_t i = 0; i < count; i++)
        due[i] = (struct dw_reconcile_due){dw_state_db_text(result, (int)i, 0, arena),
                                           dw_state_db_number(result, (int)i, 1)};
    PQclear(result);
    *out = due;
    *out_count = count;
    return DW_OK;
}

enum dw_rc dw_state_reconcile_retire(struct dw_state *state, int64_t hours, int64_t *out_removed,
                                     struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(hours, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH old AS (SELECT r.id FROM dualwrite.reconcile_run r"
        "  WHERE r.ended_at < now() - $1::bigint * interval '1 h'"
        "   AND coalesce(r.repair_ended_at, '-infinity') < now() - $1::bigint * interval '1 h'"
        "   AND r.repair_state NOT IN ('waiting', 'running')"
        "   AND (r.state <> 'done' OR EXISTS (SELECT FROM dualwrite.reconcile_run l"
        "    WHERE l.map = r.map AND l.id > r.id AND l.state = 'done'))"
        "  ORDER BY r.id LIMIT 500),"
        " gone AS (DELETE FROM dualwrite.reconcile_run r USING old WHERE r.id = old.id"
        "  RETURNING r.id)"
        " SELECT count(*) FROM gone",
        1, params, &result, err);
    if (!rc)
        *out_removed = dw_state_db_number(result, 0, 0);
    PQclear(result);
    return rc;
}
