/* state_sync.c - see state_sync.h. */
#include "common/state/state_sync.h"

#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/postgres/pg.h"
#include "common/state/state.h"
#include "common/state/state_db.h"
#include "common/state/state_generation.h"
#include "common/state/state_maps.h"
#include <stdlib.h>

#define LIST_BYTES_MAX 65536
#define ENDED          "('done', 'cancelled', 'failed')"

static const char *const state_names[DW_SYNC_STATE_COUNT] = {
    [DW_SYNC_WAITING] = "waiting", [DW_SYNC_RUNNING] = "running",
    [DW_SYNC_PAUSED] = "paused",   [DW_SYNC_DRAINING] = "draining",
    [DW_SYNC_DONE] = "done",       [DW_SYNC_CANCELLED] = "cancelled",
    [DW_SYNC_FAILED] = "failed",
};

const char *dw_state_sync_state_name(enum dw_sync_state state)
{
    return (unsigned)state < DW_SYNC_STATE_COUNT ? state_names[state] : "unknown";
}

static enum dw_sync_state state_of(const char *name)
{
    for (unsigned i = 0; i < DW_SYNC_STATE_COUNT; i++)
        if (strcmp(state_names[i], name) == 0)
            return (enum dw_sync_state)i;
    return DW_SYNC_FAILED; /* the table's constraint has the same list */
}

/* --- ordering ----------------------------------------------------------------------------------
 */

static enum dw_rc audit(struct dw_state *state, const char *by, const char *action, const char *map,
                        const char *detail, struct dw_err *err)
{
    const char *params[] = {by, action, map, detail};
    return dw_state_db_query(
        state,
        "INSERT INTO dualwrite.audit_log (by, action, object, detail) VALUES ($1, $2, $3, $4)", 4,
        params, NULL, err);
}

static const char *scope_of(const char *keys, const char *from_key, const char *filter)
{
    if (keys)
        return "keys";
    if (filter)
        return from_key ? "range and filter" : "filter";
    return from_key ? "range" : "all";
}

/* The ids of those that an order comes after, as an array literal of numbers. */
static void format_after(const struct dw_sync_order *order, const int64_t *ids, struct dw_buf *out)
{
    dw_buf_append_char(out, '{');
    for (size_t i = 0; i < order->after_count; i++) {
        if (i)
            dw_buf_append_char(out, ',');
        dw_buf_append_i64(out, ids[order->after[i]]);
    }
    dw_buf_append_char(out, '}');
}

const char *dw_state_sync_scope(const struct dw_sync_record *record)
{
    return scope_of(record->keys, record->from_key, record->filter);
}

static enum dw_rc insert_order(struct dw_state *state, const struct dw_sync_order *order,
                               const char *by, int64_t *ids, size_t index, struct dw_err *err)
{
    char batch[24];
    char rate[24];
    char verify[24];
    struct dw_buf after;
    dw_buf_init(&after, LIST_BYTES_MAX);
    format_after(order, ids, &after);
    const char *params[] = {
        order->map,
        order->initial  ? "initial"
        : order->verify ? "verify"
                        : "resync",
        order->from_key,
        order->to_key,
        order->keep_existing ? "keep" : "overwrite",
        order->delete_extra ? "t" : "f",
        dw_state_db_i64(order->rate, rate),
        index ? dw_state_db_i64(ids[0], batch) : NULL,
        after.data,
        by,
        order->keys,
        order->filter,
        order->verify ? dw_state_db_i64(order->verify, verify) : NULL,
        order->unclaimed ? "t" : "f",
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "INSERT INTO dualwrite.sync (map, kind, from_key, to_key, on_existing, delete_extra, rate,"
        " batch, after, by, keys, filter, verify, unclaimed) VALUES ($1, $2, $3, $4, $5, $6, $7,"
        " coalesce($8, currval(pg_get_serial_sequence('dualwrite.sync', 'id'))::text)::bigint,"
        " $9, $10, $11, $12, $13, $14) RETURNING id",
        14, params, &result, err);
    dw_buf_done(&after);
    if (rc) {
        if (strcmp(err->sqlstate, "23505") == 0)
            return dw_err_set(err, DW_CONFLICT, "DW-STATE-010",
                              "an initial sync of map %s is under way", order->map);
        if (strcmp(err->sqlstate, "23503") == 0)
            return dw_err_set(err, DW_CONFIG, "DW-STATE-004", "there is no map %s", order->map);
        return rc;
    }
    ids[index] = dw_state_db_number(result, 0, 0);
    PQclear(result);
    if (order->verify)
        return DW_OK; /* the comparison is in the audit log */
    char detail[160];
    (void)snprintf(detail, sizeof detail,
                   "{\"sync\":%lld,\"scope\":\"%s\",\"keep\":%s,\"delete_extra\":%s}",
                   (long long)ids[index], scope_of(order->keys, order->from_key, order->filter),
                   order->keep_existing ? "true" : "false", order->delete_extra ? "true" : "false");
    return audit(state, by, order->initial ? "sync.initial" : "sync.resync", order->map, detail,
                 err);
}

enum dw_rc dw_state_sync_insert(struct dw_state *state, const struct dw_sync_order *orders,
                                size_t count, const char *by, int64_t *out_ids, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < count && !rc; i++)
        rc = insert_order(state, &orders[i], by, out_ids, i, err);
    return rc;
}

enum dw_rc dw_state_sync_create(struct dw_state *state, const struct dw_sync_order *orders,
                                size_t count, const char *by, int64_t *out_ids, struct dw_err *err)
{
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = dw_state_sync_insert(state, orders, count, by, out_ids, err);
    return dw_state_db_end(state, rc, err);
}

/* --- looking -----------------------------------------------------------------------------------
 */

#define MICROSECONDS(column) "coalesce((extract(epoch FROM " column ") * 1000000)::bigint, 0)"

#define SYNC_QUERY                                                                                 \
    "SELECT s.id, s.map, s.kind, s.state, s.code, s.reason, s.from_key, s.to_key,"                 \
    " s.on_existing, s.delete_extra, s.rate, s.batch,"                                             \
    " NOT EXISTS (SELECT FROM dualwrite.sync a WHERE a.id = ANY (s.after)"                         \
    "  AND NOT a.applied AND a.state NOT IN " ENDED ") AS ready, s.planned, s.owner,"              \
    " coalesce(r.ranges, 0), coalesce(r.ranges_done, 0), s.rows_estimated,"                        \
    " coalesce(r.rows_done, 0), s.rows_deleted, coalesce(r.chunks_done, 0), s.chunks_repeated,"    \
    " s.epoch, coalesce(s.end_lsn, '0/0'), s.by, " MICROSECONDS("s.created_at") ", " MICROSECONDS( \
        "s.started_at") ", " MICROSECONDS("s.ended_at") ", s.keys, s.filter,"                      \
                                                        " coalesce(s.verify, 0), m.state, "        \
                                                        "m.code, m.reason,"                        \
                                                        " coalesce(r.ranges > r.ranges_done AND "  \
                                                        "r.rows_over, false), s.unclaimed"         \
                                                        " FROM dualwrite.sync s JOIN "             \
                                                        "dualwrite.map m ON m.name = s.map"        \
                                                        " LEFT JOIN LATERAL (SELECT count(*) AS "  \
                                                        "ranges, count(*) FILTER (WHERE done) AS " \
                                                        "ranges_done,"                             \
                                                        "  bool_and(done) FILTER (WHERE part = "   \
                                                        "'rows') AS rows_over,"                    \
                                                        "  sum(rows_done) FILTER (WHERE part = "   \
                                                        "'rows')::bigint AS rows_done,"            \
                                                        "  sum(chunks_done)::bigint AS "           \
                                                        "chunks_done"                              \
                                                        "  FROM dualwrite.sync_range WHERE sync "  \
                                                        "= s.id) r ON true"

static const char *text_or_null(const PGresult *result, int row, int column, struct dw_arena *arena)
{
    return PQgetisnull(result, row, column) ? NULL : dw_state_db_text(result, row, column, arena);
}

static bool truth(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

static enum dw_rc read_sync(const PGresult *result, int row, struct dw_arena *arena,
                            struct dw_sync_record *out, struct dw_err *err)
{
    *out = (struct dw_sync_record){
        .id = dw_state_db_number(result, row, 0),
        .map = dw_state_db_text(result, row, 1, arena),
        .initial = strcmp(PQgetvalue(result, row, 2), "initial") == 0,
        .state = state_of(PQgetvalue(result, row, 3)),
        .code = dw_state_db_text(result, row, 4, arena),
        .reason = dw_state_db_text(result, row, 5, arena),
        .from_key = text_or_null(result, row, 6, arena),
        .to_key = text_or_null(result, row, 7, arena),
        .keep_existing = strcmp(PQgetvalue(result, row, 8), "keep") == 0,
        .delete_extra = truth(result, row, 9),
        .rate = dw_state_db_number(result, row, 10),
        .batch = dw_state_db_number(result, row, 11),
        .ready = truth(result, row, 12),
        .planned = truth(result, row, 13),
        .owner = dw_state_db_text(result, row, 14, arena),
        .ranges = dw_state_db_number(result, row, 15),
        .ranges_done = dw_state_db_number(result, row, 16),
        .rows_estimated = dw_state_db_number(result, row, 17),
        .rows_done = dw_state_db_number(result, row, 18),
        .rows_deleted = dw_state_db_number(result, row, 19),
        .chunks_done = dw_state_db_number(result, row, 20),
        .chunks_repeated = dw_state_db_number(result, row, 21),
        .epoch = (uint32_t)dw_state_db_number(result, row, 22),
        .by = dw_state_db_text(result, row, 24, arena),
        .created_us = dw_state_db_number(result, row, 25),
        .started_us = dw_state_db_number(result, row, 26),
        .ended_us = dw_state_db_number(result, row, 27),
        .keys = text_or_null(result, row, 28, arena),
        .filter = text_or_null(result, row, 29, arena),
        .verify = dw_state_db_number(result, row, 30),
        .map_code = dw_state_db_text(result, row, 32, arena),
        .map_reason = dw_state_db_text(result, row, 33, arena),
        .rows_over = truth(result, row, 34),
        .unclaimed = truth(result, row, 35),
    };
    if (!dw_map_state_parse(PQgetvalue(result, row, 31), &out->map_state))
        return dw_err_set(err, DW_CONFIG, "DW-STATE-006", "map %s is in the unknown state '%s'",
                          out->map, PQgetvalue(result, row, 31));
    return dw_state_db_lsn(result, row, 23, &out->end_lsn, err);
}

enum dw_rc dw_state_syncs_load(struct dw_state *state, const struct dw_sync_filter *filter,
                               struct dw_arena *arena, const struct dw_sync_record **out,
                               size_t *out_count, struct dw_err *err)
{
    char numbers[4][24];
    const char *params[] = {
        filter->system,
        filter->map,
        filter->limit ? dw_state_db_i64(filter->limit, numbers[0]) : NULL,
        filter->batch ? dw_state_db_i64(filter->batch, numbers[1]) : NULL,
        filter->id ? dw_state_db_i64(filter->id, numbers[2]) : NULL,
        filter->active || filter->mates ? "t" : "f",
        filter->mates ? "t" : "f",
        filter->after ? dw_state_db_i64(filter->after, numbers[3]) : NULL,
        filter->verify || filter->id ? "t" : "f",
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        SYNC_QUERY
        " WHERE ($1::text IS NULL OR m.source_system = $1) AND ($2::text IS NULL OR s.map = $2)"
        " AND ($4::bigint IS NULL OR s.batch = $4::bigint)"
        " AND ($5::bigint IS NULL OR s.id = $5::bigint)"
        " AND ($9::boolean OR s.verify IS NULL)"
        " AND (NOT $6::boolean OR s.state NOT IN " ENDED " OR ($7::boolean AND"
        "  (s.state = 'failed' AND CASE s.kind WHEN 'initial' THEN m.state = 'initial_sync'"
        "    ELSE NOT EXISTS (SELECT FROM dualwrite.sync l WHERE l.map = s.map AND l.id > s.id"
        "     AND l.state = 'done' AND l.verify IS NULL AND l.keys IS NULL AND l.from_key IS NULL"
        "     AND l.filter IS NULL) END"
        "   OR s.batch IN (SELECT batch FROM dualwrite.sync WHERE state NOT IN " ENDED "))))"
        " AND ($8::bigint IS NULL OR CASE WHEN $6::boolean OR $4 IS NOT NULL"
        "  THEN s.id > $8::bigint ELSE s.id < $8::bigint END)"
        " ORDER BY CASE WHEN $6::boolean OR $4 IS NOT NULL THEN s.id ELSE -s.id END LIMIT "
        "$3::bigint",
        9, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_sync_record *records = DW_ARENA_ARRAY(arena, struct dw_sync_record, (size_t)rows);
    for (int i = 0; i < rows && !rc; i++)
        rc = read_sync(result, i, arena, &records[i], err);
    PQclear(result);
    if (rc)
        return rc;
    *out = records;
    *out_count = (size_t)rows;
    return DW_OK;
}

/* --- acting ------------------------------------------------------------------------------------
 */

static const struct {
    const char *name; /* in the audit log */
    const char *sql;  /* $1 id, $2 rate; changes a row only where the state allows it */
} actions[] = {
    [DW_SYNC_PAUSE] = {"sync.pause", "UPDATE dualwrite.sync SET state = 'paused'"
                                     " WHERE id = $1 AND $2 = $2 AND state IN"
                                     " ('waiting', 'running', 'paused') RETURNING map, kind"},
    [DW_SYNC_RESUME] = {"sync.resume",
                        "UPDATE dualwrite.sync SET state = 'waiting', code = '', reason = '',"
                        " ended_at = NULL WHERE id = $1 AND $2 = $2 AND state IN"
                        " ('paused', 'failed', 'waiting', 'running') RETURNING map, kind"},
    [DW_SYNC_CANCEL] = {"sync.cancel",
                        "UPDATE dualwrite.sync SET state = 'cancelled', ended_at = now()"
                        " WHERE id = $1 AND $2 = $2 AND state NOT IN ('done', 'cancelled')"
                        " RETURNING map, kind"},
    [DW_SYNC_RATE] = {"sync.rate", "UPDATE dualwrite.sync SET rate = $2::bigint WHERE id = $1"
                                   " AND state NOT IN " ENDED " RETURNING map, kind"},
};

/* Nothing was changed: no such sync, or not in this state. */
static enum dw_rc explain_refusal(struct dw_state *state, int64_t id, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, "SELECT map, state FROM dualwrite.sync WHERE id = $1",
                                      1, params, &result, err);
    if (rc)
        return rc;
    if (PQntuples(result))
        rc = dw_err_set(err, DW_CONFLICT, "DW-STATE-012", "sync %s of map %s is %s", number,
                        PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
    else
        rc = dw_err_set(err, DW_CONFIG, "DW-STATE-011", "there is no sync %s", number);
    PQclear(result);
    return rc;
}

/* Rows that were there before may be missing in the target from now on. */
static enum dw_rc note_cancelled(struct dw_state *state, const char *map, int64_t id,
                                 struct dw_err *err)
{
    char reason[160];
    (void)snprintf(
        reason, sizeof reason,
        "initial sync %lld was cancelled: the target lacks rows that were not copied yet",
        (long long)id);
    const char *params[] = {map, "DW-STATE-013", reason};
    return dw_state_db_query(
        state,
        "INSERT INTO dualwrite.gap (system, map, code, from_lsn, reason)"
        " SELECT m.source_system, m.name, $2, coalesce(p.published_lsn, '0/0'), $3"
        " FROM dualwrite.map m LEFT JOIN dualwrite.position p ON p.system = m.source_system"
        " WHERE m.name = $1 ON CONFLICT (system, map, code, from_lsn) DO UPDATE"
        " SET noted_at = now(), closed_at = NULL, reason = excluded.reason",
        3, params, NULL, err);
}

/* What an order on an initial sync means for its map. */
static enum dw_rc settle_map(struct dw_state *state, const char *map,
                             const struct dw_sync_act *order, struct dw_err *err)
{
    enum dw_sync_action action = order->action;
    struct dw_state_event event = {.map = map, .code = "", .reason = "", .by = order->by};
    if (action != DW_SYNC_CANCEL && action != DW_SYNC_RESUME)
        return DW_OK;
    event.event = action == DW_SYNC_CANCEL ? DW_MAP_SYNCED : DW_MAP_RESUME_SYNC;
    enum dw_rc rc = dw_state_maps_settle(state, &event, err);
    if (!rc && action == DW_SYNC_CANCEL)
        rc = note_cancelled(state, map, order->sync, err);
    return rc;
}

static enum dw_rc act(struct dw_state *state, const struct dw_sync_act *order, struct dw_err *err)
{
    char numbers[2][24];
    char detail[96];
    enum dw_sync_action action = order->action;
    const char *params[] = {dw_state_db_i64(order->sync, numbers[0]),
                            dw_state_db_i64(order->rate, numbers[1])};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, actions[action].sql, 2, params, &result, err);
    if (rc)
        return rc;
    if (PQntuples(result)) {
        (void)snprintf(detail, sizeof detail, "{\"sync\":%s,\"rate\":%s}", numbers[0], numbers[1]);
        rc = audit(state, order->by, actions[action].name, PQgetvalue(result, 0, 0), detail, err);
        if (!rc && strcmp(PQgetvalue(result, 0, 1), "initial") == 0)
            rc = settle_map(state, PQgetvalue(result, 0, 0), order, err);
    } else {
        rc = explain_refusal(state, order->sync, err);
    }
    PQclear(result);
    return rc;
}

enum dw_rc dw_state_sync_act(struct dw_state *state, const struct dw_sync_act *order,
                             struct dw_err *err)
{
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = act(state, order, err);
    return order->dry_run ? dw_state_db_undo(state, rc, err) : dw_state_db_end(state, rc, err);
}

/* --- the producer's ----------------------------------------------------------------------------
 */

enum dw_rc dw_state_sync_claim(struct dw_state *state, int64_t id, const char *owner,
                               struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number), owner};
    return dw_state_db_query(state,
                             "UPDATE dualwrite.sync SET owner = $2, code = '', reason = '',"
                             " started_at = coalesce(started_at, now()),"
                             " state = CASE state WHEN 'waiting' THEN 'running' ELSE state END"
                             " WHERE id = $1 AND state NOT IN " ENDED,
                             2, params, NULL, err);
}

static enum dw_rc insert_range(struct dw_state *state, const char *id,
                               const struct dw_sync_range *range, struct dw_err *err)
{
    char number[24];
    const char *params[] = {
        id,
        dw_state_db_i64(range->number, number),
        range->lower,
        range->upper,
        range->part == DW_SYNC_PART_EXTRA ? "extra" : "rows",
        range->lower_in ? "t" : "f",
    };
    return dw_state_db_query(state,
                             "INSERT INTO dualwrite.sync_range"
                             " (sync, number, lower, upper, part, lower_in)"
                             " VALUES ($1, $2, $3, $4, $5, $6)",
                             6, params, NULL, err);
}

enum dw_rc dw_state_sync_plan(struct dw_state *state, int64_t id, const char *owner,
                              const struct dw_sync_range *ranges, size_t count,
                              int64_t rows_estimated, struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {dw_state_db_i64(id, numbers[0]), owner,
                            dw_state_db_i64(rows_estimated, numbers[1])};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = dw_state_db_query(state,
                           "UPDATE dualwrite.sync SET planned = true, rows_estimated = $3"
                           " WHERE id = $1 AND owner = $2 AND NOT planned RETURNING id",
                           3, params, &result, err);
    bool mine = !rc && PQntuples(result) == 1;
    PQclear(result);
    for (size_t i = 0; mine && i < count && !rc; i++)
        rc = insert_range(state, numbers[0], &ranges[i], err);
    return dw_state_db_end(state, rc, err);
}

enum dw_rc dw_state_sync_ranges_load(struct dw_state *state, int64_t id, struct dw_arena *arena,
                                     struct dw_sync_range **out, size_t *out_count,
                                     struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state,
                                      "SELECT number, part, lower, lower_in, upper, done_to,"
                                      " rows_done, chunks_done, done FROM dualwrite.sync_range"
                                      " WHERE sync = $1 ORDER BY number",
                                      1, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_sync_range *ranges = DW_ARENA_ARRAY(arena, struct dw_sync_range, (size_t)rows);
    for (int i = 0; i < rows; i++)
        ranges[i] = (struct dw_sync_range){
            .number = (int)dw_state_db_number(result, i, 0),
            .part = strcmp(PQgetvalue(result, i, 1), "extra") == 0 ? DW_SYNC_PART_EXTRA
                                                                   : DW_SYNC_PART_ROWS,
            .lower = text_or_null(result, i, 2, arena),
            .lower_in = truth(result, i, 3),
            .upper = text_or_null(result, i, 4, arena),
            .done_to = text_or_null(result, i, 5, arena),
            .rows_done = dw_state_db_number(result, i, 6),
            .chunks_done = dw_state_db_number(result, i, 7),
            .done = truth(result, i, 8),
        };
    PQclear(result);
    *out = ranges;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_sync_save(struct dw_state *state, int64_t id, const char *owner,
                              const struct dw_sync_progress *progress, bool *out_held,
                              struct dw_err *err)
{
    char numbers[6][24];
    const char *params[] = {
        dw_state_db_i64(id, numbers[0]),
        owner,
        dw_state_db_i64(progress->number, numbers[1]),
        progress->done_to,
        dw_state_db_i64(progress->rows, numbers[2]),
        dw_state_db_i64(progress->chunks, numbers[3]),
        progress->done ? "t" : "f",
        dw_state_db_i64(progress->deleted, numbers[4]),
        dw_state_db_i64(progress->repeated, numbers[5]),
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH held AS (SELECT id FROM dualwrite.sync WHERE id = $1 AND owner = $2"
        "  AND state NOT IN " ENDED " FOR UPDATE),"
        " range AS (UPDATE dualwrite.sync_range r SET done_to = coalesce($4::json, r.done_to),"
        "  rows_done = r.rows_done + $5::bigint, chunks_done = r.chunks_done + $6::bigint,"
        "  done = $7::boolean, at = now() FROM held WHERE r.sync = held.id AND r.number = $3),"
        " counts AS (UPDATE dualwrite.sync s SET rows_deleted = s.rows_deleted + $8::bigint,"
        "  chunks_repeated = s.chunks_repeated + $9::bigint FROM held WHERE s.id = held.id"
        "  AND ($8::bigint <> 0 OR $9::bigint <> 0))"
        " SELECT count(*) FROM held",
        9, params, &result, err);
    if (rc)
        return rc;
    *out_held = dw_state_db_number(result, 0, 0) == 1;
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_sync_note(struct dw_state *state, int64_t id, const char *owner,
                              const char *code, const char *reason, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number), owner, code, reason};
    return dw_state_db_query(state,
                             "UPDATE dualwrite.sync SET code = $3, reason = $4"
                             " WHERE id = $1 AND owner = $2 AND state = 'running'",
                             4, params, NULL, err);
}

enum dw_rc dw_state_sync_move(struct dw_state *state, int64_t id, const char *owner,
                              const struct dw_sync_move *move, struct dw_err *err)
{
    char numbers[2][24];
    char lsn[24];
    const char *params[] = {
        dw_state_db_i64(id, numbers[0]),
        owner,
        dw_state_sync_state_name(move->to),
        move->code,
        move->reason,
        dw_state_db_i64(move->epoch, numbers[1]),
        move->end_lsn ? dw_pg_format_lsn(move->end_lsn, lsn) : NULL,
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = dw_state_db_query(
        state,
        "UPDATE dualwrite.sync SET state = $3, code = $4, reason = $5, epoch = $6::bigint,"
        " end_lsn = coalesce($7::pg_lsn, end_lsn), applied = false,"
        " ended_at = CASE WHEN $3 IN " ENDED " THEN now() END"
        " WHERE id = $1 AND owner = $2 AND state IN ('running', 'draining')"
        " RETURNING map, kind",
        7, params, &result, err);
    if (!rc && move->to == DW_SYNC_FAILED && PQntuples(result) &&
        strcmp(PQgetvalue(result, 0, 1), "initial") == 0) {
        const struct dw_state_event event = {.map = PQgetvalue(result, 0, 0),
                                             .event = DW_MAP_SYNC_FAILED,
                                             .code = move->code,
                                             .reason = move->reason,
                                             .by = owner};
        rc = dw_state_maps_settle(state, &event, err);
    }
    PQclear(result);
    return dw_state_db_end(state, rc, err);
}

/* --- the reconciler's --------------------------------------------------------------------------
 */

enum dw_rc dw_state_sync_drains_load(struct dw_state *state, const char *target_system,
                                     struct dw_arena *arena, const struct dw_sync_drain **out,
                                     size_t *out_count, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT s.id, s.map, m.topic, " DW_STATE_PARTITIONS_AT(
            "s.epoch",
            "s.end_lsn") ", s.epoch, s.end_lsn, s.applied FROM dualwrite.sync s"
                         " JOIN dualwrite.map m ON m.name = s.map WHERE s.state = 'draining'"
                         " AND m.target_system = $1 ORDER BY s.id",
        1, &target_system, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_sync_drain *drains = DW_ARENA_ARRAY(arena, struct dw_sync_drain, (size_t)rows);
    for (int i = 0; i < rows && !rc; i++) {
        drains[i] = (struct dw_sync_drain){
            .id = dw_state_db_number(result, i, 0),
            .map = dw_state_db_text(result, i, 1, arena),
            .topic = dw_state_db_text(result, i, 2, arena),
            .partitions = (int32_t)dw_state_db_number(result, i, 3),
            .epoch = (uint32_t)dw_state_db_number(result, i, 4),
            .applied = truth(result, i, 6),
        };
        rc = dw_state_db_lsn(result, i, 5, &drains[i].end_lsn, err);
    }
    PQclear(result);
    if (rc)
        return rc;
    *out = drains;
    *out_count = (size_t)rows;
    return DW_OK;
}

static enum dw_rc close_gaps(struct dw_state *state, const char *id, struct dw_err *err)
{
    return dw_state_db_query(
        state,
        "UPDATE dualwrite.gap g SET closed_at = now() WHERE g.closed_at IS NULL"
        " AND NOT EXISTS (SELECT FROM dualwrite.map m WHERE m.source_system = g.system"
        "  AND m.state <> 'stopped' AND g.map IN ('', m.name) AND NOT EXISTS ("
        "   SELECT FROM dualwrite.sync s WHERE s.map = m.name AND s.state = 'done'"
        "   AND s.from_key IS NULL AND s.keys IS NULL AND s.filter IS NULL"
        "   AND (s.delete_extra OR g.code = 'DW-STATE-013') AND s.started_at > g.noted_at))"
        " AND EXISTS (SELECT FROM dualwrite.sync s JOIN dualwrite.map m ON m.name = s.map"
        "  WHERE s.id = $1 AND m.source_system = g.system AND g.map IN ('', m.name)"
        "  AND (s.delete_extra OR g.code = 'DW-STATE-013'))",
        1, &id, NULL, err);
}

enum dw_rc dw_state_sync_applied(struct dw_state *state, int64_t id, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number)};
    return dw_state_db_query(
        state, "UPDATE dualwrite.sync SET applied = true WHERE id = $1 AND state = 'draining'", 1,
        params, NULL, err);
}

enum dw_rc dw_state_sync_finish(struct dw_state *state, int64_t id, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = dw_state_db_query(state,
                           "UPDATE dualwrite.sync SET state = 'done', ended_at = now()"
                           " WHERE id = $1 AND state = 'draining' RETURNING map, kind",
                           1, params, &result, err);
    if (!rc && PQntuples(result) && strcmp(PQgetvalue(result, 0, 1), "initial") == 0) {
        const struct dw_state_event event = {.map = PQgetvalue(result, 0, 0),
                                             .event = DW_MAP_SYNCED,
                                             .code = "",
                                             .reason = "",
                                             .by = "dualwrite"};
        rc = dw_state_maps_settle(state, &event, err);
    }
    PQclear(result);
    if (!rc)
        rc = close_gaps(state, number, err);
    return dw_state_db_end(state, rc, err);
}
