/* state_reconcile.c - see state_reconcile.h: ordering and showing. */
#include "common/state/state_reconcile.h"

#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/state/state_db.h"
#include "common/state/state_reconcile_db.h"
#include <stdio.h>
#include <stdlib.h>

#define DETAIL_MAX ((size_t)1 << 20)

static const char *const state_names[] = {
    [DW_RECONCILE_WAITING] = "waiting", [DW_RECONCILE_RUNNING] = "running",
    [DW_RECONCILE_DONE] = "done",       [DW_RECONCILE_CANCELLED] = "cancelled",
    [DW_RECONCILE_FAILED] = "failed",
};
static const char *const phase_names[] = {
    [DW_RECONCILE_ROWS] = "rows",
    [DW_RECONCILE_EXTRA] = "extra",
    [DW_RECONCILE_JUDGE] = "judge",
};
static const char *const repair_names[] = {
    [DW_REPAIR_NONE] = "none", [DW_REPAIR_WAITING] = "waiting", [DW_REPAIR_RUNNING] = "running",
    [DW_REPAIR_DONE] = "done", [DW_REPAIR_FAILED] = "failed",
};
static const char *const kind_names[DW_DIFFERENCE_KINDS] = {
    [DW_DIFFERENCE_MISSING] = "missing",     [DW_DIFFERENCE_EXTRA] = "extra",
    [DW_DIFFERENCE_DIFFERENT] = "different", [DW_DIFFERENCE_DUPLICATE] = "duplicate",
    [DW_DIFFERENCE_HELD] = "held",           [DW_DIFFERENCE_WAITING] = "waiting",
};

#define COUNT_OF(names) (sizeof(names) / sizeof *(names))

/* The tables' constraints have the same lists. */
static unsigned index_of(const char *const *names, size_t count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return 0;
}

const char *dw_state_reconcile_state_name(enum dw_reconcile_state state)
{
    return (size_t)state < COUNT_OF(state_names) ? state_names[state] : "unknown";
}

const char *dw_state_reconcile_phase_name(enum dw_reconcile_phase phase)
{
    return (size_t)phase < COUNT_OF(phase_names) ? phase_names[phase] : "unknown";
}

const char *dw_state_repair_state_name(enum dw_repair_state state)
{
    return (size_t)state < COUNT_OF(repair_names) ? repair_names[state] : "unknown";
}

const char *dw_state_difference_kind_name(enum dw_difference_kind kind)
{
    return (size_t)kind < COUNT_OF(kind_names) ? kind_names[kind] : "unknown";
}

bool dw_state_difference_kind_of(const char *name, enum dw_difference_kind *out)
{
    for (unsigned i = 0; i < COUNT_OF(kind_names); i++)
        if (strcmp(kind_names[i], name) == 0) {
            *out = (enum dw_difference_kind)i;
            return true;
        }
    return false;
}

enum dw_rc dw_state_reconcile_audit(struct dw_state *state, const char *by, const char *action,
                                    const char *map, struct dw_str detail, struct dw_err *err)
{
    const char *params[] = {by, action, map, detail.ptr};
    return dw_state_db_query(
        state,
        "INSERT INTO dualwrite.audit_log (by, action, object, detail) VALUES ($1, $2, $3, $4)", 4,
        params, NULL, err);
}

/* --- ordering ----------------------------------------------------------------------------------
 */

/* Where nothing of the map is applied, nobody could judge what looks different. */
static enum dw_rc check_map(struct dw_state *state, const char *map, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, "SELECT state FROM dualwrite.map WHERE name = $1", 1,
                                      &map, &result, err);
    if (rc)
        return rc;
    if (!PQntuples(result))
        rc = dw_err_set(err, DW_CONFIG, "DW-STATE-004", "there is no map %s", map);
    else if (strcmp(PQgetvalue(result, 0, 0), "stopped") == 0 ||
             strcmp(PQgetvalue(result, 0, 0), "initial_sync") == 0)
        rc = dw_err_set(err, DW_CONFLICT, "DW-STATE-020",
                        "map %s is %s: its sides are not meant to be equal yet", map,
                        strcmp(PQgetvalue(result, 0, 0), "stopped") == 0
                            ? "stopped"
                            : "still copying existing rows");
    PQclear(result);
    return rc;
}

static enum dw_rc audit_order(struct dw_state *state, const struct dw_reconcile_order *order,
                              int64_t id, const char *by, struct dw_err *err)
{
    struct dw_buf detail;
    dw_buf_init(&detail, DETAIL_MAX);
    dw_buf_append_char(&detail, '{');
    dw_json_write_i64(&detail, "run", id);
    dw_json_write_text(&detail, "filter", order->filter);
    dw_json_write_real(&detail, "sample", order->sample);
    dw_json_write_i64(&detail, "rate", order->rate);
    dw_json_write_i64(&detail, "since_us", order->since_us);
    dw_buf_append_char(&detail, '}');
    enum dw_rc rc =
        dw_state_reconcile_audit(state, by, "reconcile.run", order->map, dw_buf_str(&detail), err);
    dw_buf_done(&detail);
    return rc;
}

static enum dw_rc insert_run(struct dw_state *state, const struct dw_reconcile_order *order,
                             const char *by, int64_t *ids, size_t index, struct dw_err *err)
{
    char numbers[3][24];
    char sample[32];
    (void)snprintf(sample, sizeof sample, "%.6g", order->sample);
    const char *params[] = {
        order->map,
        order->filter,
        order->sample > 0 ? sample : NULL,
        dw_state_db_i64(order->rate, numbers[0]),
        order->way ? order->way : "",
        order->scheduled ? "schedule" : "order",
        by,
        index ? dw_state_db_i64(ids[0], numbers[1]) : NULL,
        order->since_us ? dw_state_db_i64(order->since_us, numbers[2]) : NULL,
    };
    PGresult *result = NULL;
    enum dw_rc rc = check_map(state, order->map, err);
    if (rc)
        return rc;
    rc = dw_state_db_query(
        state,
        "INSERT INTO dualwrite.reconcile_run (map, filter, sample, rate, forced_way, origin,"
        " by, batch, since) VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8::bigint,"
        " currval(pg_get_serial_sequence('dualwrite.reconcile_run', 'id'))),"
        " to_timestamp($9::bigint / 1000000.0)) RETURNING id",
        9, params, &result, err);
    if (rc)
        return rc;
    ids[index] = dw_state_db_number(result, 0, 0);
    PQclear(result);
    return audit_order(state, order, ids[index], by, err);
}

enum dw_rc dw_state_reconcile_create(struct dw_state *state,
                                     const struct dw_reconcile_order *orders, size_t count,
                                     const char *by, int64_t *out_ids, struct dw_err *err)
{
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < count && !rc; i++)
        rc = insert_run(state, &orders[i], by, out_ids, i, err);
    return dw_state_db_end(state, rc, err);
}

/* --- showing -----------------------------------------------------------------------------------
 */

static const char run_query[] =
    "SELECT r.id, r.map, r.batch, r.origin, r.state, r.code, r.reason, r.filter,"
    " coalesce(r.sample, 0), r.rate, r.forced_way, r.revision, r.way, r.way_reason, r.phase,"
    " r.cursor, r.rows_estimated, r.rows_source, r.rows_target, r.segments, r.suspects,"
    " (SELECT count(*) FROM dualwrite.reconcile_suspect s WHERE s.run = r.id), r.beyond,"
    " r.unjudged, r.begin_epoch, coalesce(r.begin_lsn, '0/0'), r.end_epoch,"
    " coalesce(r.end_lsn, '0/0'), r.by, t.created, t.started, t.ended, r.repair_state,"
    " r.repair_extra, r.repair_code, r.repair_reason, r.repair_by, t.repair_asked, t.repair_ended,"
    " d.missing, d.extra, d.different, d.duplicate, d.held, d.waiting, d.gone, d.remain, t.since"
    " FROM dualwrite.reconcile_run r CROSS JOIN LATERAL (SELECT"
    "  (extract(epoch FROM r.created_at) * 1000000)::bigint AS created,"
    "  (extract(epoch FROM r.since) * 1000000)::bigint AS since,"
    "  (extract(epoch FROM r.started_at) * 1000000)::bigint AS started,"
    "  (extract(epoch FROM r.ended_at) * 1000000)::bigint AS ended,"
    "  (extract(epoch FROM r.repair_asked_at) * 1000000)::bigint AS repair_asked,"
    "  (extract(epoch FROM r.repair_ended_at) * 1000000)::bigint AS repair_ended) t"
    " CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE kind = 'missing') AS missing,"
    "  count(*) FILTER (WHERE kind = 'extra') AS extra,"
    "  count(*) FILTER (WHERE kind = 'different') AS different,"
    "  count(*) FILTER (WHERE kind = 'duplicate') AS duplicate,"
    "  count(*) FILTER (WHERE kind = 'held') AS held,"
    "  count(*) FILTER (WHERE kind = 'waiting') AS waiting,"
    "  count(*) FILTER (WHERE repair = 'gone') AS gone,"
    "  count(*) FILTER (WHERE repair = 'left') AS remain"
    "  FROM dualwrite.reconcile_difference WHERE run = r.id) d"
    " WHERE ($1::text IS NULL OR r.map = $1) AND ($2::bigint IS NULL OR r.id = $2::bigint)"
    " AND ($3::bigint IS NULL OR r.batch = $3::bigint) AND (NOT $4::boolean"
    "  OR r.state IN ('waiting', 'running') OR r.repair_state IN ('waiting', 'running'))"
    " AND ($5::bigint IS NULL OR r.id < $5::bigint)"
    " ORDER BY CASE WHEN $4::boolean THEN r.id ELSE -r.id END LIMIT $6::bigint";

static const char *text_or_null(const PGresult *result, int row, int column, struct dw_arena *arena)
{
    return PQgetisnull(result, row, column) ? NULL : dw_state_db_text(result, row, column, arena);
}

static enum dw_rc read_run(const PGresult *result, int row, struct dw_arena *arena,
                           struct dw_reconcile_run *out, struct dw_err *err)
{
    *out = (struct dw_reconcile_run){
        .id = dw_state_db_number(result, row, 0),
        .map = dw_state_db_text(result, row, 1, arena),
        .batch = dw_state_db_number(result, row, 2),
        .scheduled = strcmp(PQgetvalue(result, row, 3), "schedule") == 0,
        .state = (enum dw_reconcile_state)index_of(state_names, COUNT_OF(state_names),
                                                   PQgetvalue(result, row, 4)),
        .code = dw_state_db_text(result, row, 5, arena),
        .reason = dw_state_db_text(result, row, 6, arena),
        .filter = text_or_null(result, row, 7, arena),
        .sample = strtod(PQgetvalue(result, row, 8), NULL),
        .rate = dw_state_db_number(result, row, 9),
        .forced_way = dw_state_db_text(result, row, 10, arena),
        .revision = dw_state_db_number(result, row, 11),
        .way = dw_state_db_text(result, row, 12, arena),
        .way_reason = dw_state_db_text(result, row, 13, arena),
        .phase = (enum dw_reconcile_phase)index_of(phase_names, COUNT_OF(phase_names),
                                                   PQgetvalue(result, row, 14)),
        .cursor = text_or_null(result, row, 15, arena),
        .rows_estimated = dw_state_db_number(result, row, 16),
        .rows_source = dw_state_db_number(result, row, 17),
        .rows_target = dw_state_db_number(result, row, 18),
        .segments = dw_state_db_number(result, row, 19),
        .suspects = dw_state_db_number(result, row, 20),
        .pending = dw_state_db_number(result, row, 21),
        .beyond = dw_state_db_number(result, row, 22),
        .unjudged = dw_state_db_number(result, row, 23),
        .begin_epoch = (uint32_t)dw_state_db_number(result, row, 24),
        .end_epoch = (uint32_t)dw_state_db_number(result, row, 26),
        .by = dw_state_db_text(result, row, 28, arena),
        .created_us = dw_state_db_number(result, row, 29),
        .started_us = dw_state_db_number(result, row, 30),
        .ended_us = dw_state_db_number(result, row, 31),
        .repair = (enum dw_repair_state)index_of(repair_names, COUNT_OF(repair_names),
                                                 PQgetvalue(result, row, 32)),
        .repair_extra = dw_state_db_number(result, row, 33),
        .repair_code = dw_state_db_text(result, row, 34, arena),
        .repair_reason = dw_state_db_text(result, row, 35, arena),
        .repair_by = dw_state_db_text(result, row, 36, arena),
        .repair_asked_us = dw_state_db_number(result, row, 37),
        .repair_ended_us = dw_state_db_number(result, row, 38),
        .counts.repaired = dw_state_db_number(result, row, 45),
        .counts.left = dw_state_db_number(result, row, 46),
        .since_us = dw_state_db_number(result, row, 47),
    };
    for (int kind = 0; kind < DW_DIFFERENCE_KINDS; kind++)
        out->counts.by_kind[kind] = dw_state_db_number(result, row, 39 + kind);
    enum dw_rc rc = dw_state_db_lsn(result, row, 25, &out->begin_lsn, err);
    return rc ? rc : dw_state_db_lsn(result, row, 27, &out->end_lsn, err);
}

enum dw_rc dw_state_reconcile_load(struct dw_state *state, const struct dw_reconcile_filter *filter,
                                   struct dw_arena *arena, const struct dw_reconcile_run **out,
                                   size_t *out_count, struct dw_err *err)
{
    char numbers[4][24];
    const char *params[] = {
        filter->map,
        filter->id ? dw_state_db_i64(filter->id, numbers[0]) : NULL,
        filter->batch ? dw_state_db_i64(filter->batch, numbers[1]) : NULL,
        filter->active ? "t" : "f",
        filter->before ? dw_state_db_i64(filter->before, numbers[2]) : NULL,
        filter->limit ? dw_state_db_i64(filter->limit, numbers[3]) : NULL,
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, run_query, 6, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_reconcile_run *runs = DW_ARENA_ARRAY(arena, struct dw_reconcile_run, (size_t)rows);
    for (int i = 0; i < rows && !rc; i++)
        rc = read_run(result, i, arena, &runs[i], err);
    PQclear(result);
    *out = runs;
    *out_count = (size_t)rows;
    return rc;
}

enum dw_rc dw_state_reconcile_find(struct dw_state *state, int64_t id, struct dw_arena *arena,
                                   const struct dw_reconcile_run **out, struct dw_err *err)
{
    const struct dw_reconcile_filter filter = {.id = id};
    size_t count = 0;
    enum dw_rc rc = dw_state_reconcile_load(state, &filter, arena, out, &count, err);
    if (!rc && count == 0)
        rc = dw_err_set(err, DW_CONFIG, "DW-STATE-021", "there is no comparison %lld",
                        (long long)id);
    return rc;
}

static enum dw_rc cancel(struct dw_state *state, int64_t id, const char *by, struct dw_err *err)
{
    char number[24];
    char detail[48];
    struct dw_arena arena;
    const struct dw_reconcile_run *run = NULL;
    const char *params[] = {dw_state_db_i64(id, number)};
    PGresult *result = NULL;
    dw_arena_init(&arena, 4096);
    enum dw_rc rc = dw_state_reconcile_find(state, id, &arena, &run, err);
    if (!rc)
        rc = dw_state_db_query(state,
                               "UPDATE dualwrite.reconcile_run SET state = 'cancelled',"
                               " ended_at = now() WHERE id = $1 AND state IN ('waiting', 'running')"
                               " RETURNING id",
                               1, params, &result, err);
    if (!rc && PQntuples(result) == 0)
        rc = dw_err_set(err, DW_CONFLICT, "DW-STATE-022", "comparison %s is %s", number,
                        dw_state_reconcile_state_name(run->state));
    PQclear(result);
    if (!rc)
        rc = dw_state_reconcile_forget(state, id, err);
    (void)snprintf(detail, sizeof detail, "{\"run\":%s}", number);
    if (!rc)
        rc = dw_state_reconcile_audit(state, by, "reconcile.cancel", run->map, dw_str_from(detail),
                                      err);
    dw_arena_done(&arena);
    return rc;
}

enum dw_rc dw_state_reconcile_cancel(struct dw_state *state, int64_t id, const char *by,
                                     struct dw_err *err)
{
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = cancel(state, id, by, err);
    return dw_state_db_end(state, rc, err);
}

/* --- differences -------------------------------------------------------------------------------
 */

static enum dw_rc read_difference(const PGresult *result, int row, struct dw_arena *arena,
                                  struct dw_difference *out, struct dw_err *err)
{
    *out = (struct dw_difference){
        .id = dw_state_db_number(result, row, 0),
        .key = dw_state_db_text(result, row, 1, arena),
        .target_key = dw_state_db_text(result, row, 2, arena),
        .kind = (enum dw_difference_kind)index_of(kind_names, COUNT_OF(kind_names),
                                                  PQgetvalue(result, row, 3)),
        .columns = dw_state_db_text(result, row, 4, arena),
        .code = dw_state_db_text(result, row, 5, arena),
        .reason = dw_state_db_text(result, row, 6, arena),
        .letter = dw_state_db_number(result, row, 7),
        .epoch = (uint32_t)dw_state_db_number(result, row, 8),
        .ordinal = (uint64_t)dw_state_db_number(result, row, 10),
        .seen_us = dw_state_db_number(result, row, 11),
        .repair = dw_state_db_text(result, row, 12, arena),
        .repaired_us = dw_state_db_number(result, row, 13),
    };
    return dw_state_db_lsn(result, row, 9, &out->commit_lsn, err);
}

enum dw_rc dw_state_reconcile_link_letters(struct dw_state *state, int64_t id, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number)};
    return dw_state_db_query(
        state,
        "UPDATE dualwrite.reconcile_difference d SET letter = f.id FROM (SELECT u.id AS difference,"
        " max(l.id) AS id FROM dualwrite.reconcile_difference u JOIN dualwrite.dead_letter l"
        " ON l.kind = 'event' AND l.topic = u.letter_topic AND l.partition = u.letter_partition"
        " AND l.record_offset = u.letter_offset WHERE u.run = $1::bigint AND u.letter IS NULL"
        " AND u.letter_topic IS NOT NULL GROUP BY 1) f WHERE d.id = f.difference",
        1, params, NULL, err);
}

enum dw_rc dw_state_differences_load(struct dw_state *state,
                                     const struct dw_difference_filter *filter,
                                     struct dw_arena *arena, const struct dw_difference **out,
                                     size_t *out_count, struct dw_err *err)
{
    char numbers[3][24];
    const char *params[] = {
        dw_state_db_i64(filter->run, numbers[0]),
        filter->kind < 0 ? NULL
                         : dw_state_difference_kind_name((enum dw_difference_kind)filter->kind),
        filter->repair,
        dw_state_db_i64(filter->after, numbers[1]),
        filter->limit ? dw_state_db_i64(filter->limit, numbers[2]) : NULL,
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_reconcile_link_letters(state, filter->run, err);
    if (!rc) /* a letter knows why the row is held, where its values could be compared */
        rc = dw_state_db_query(
            state,
            "SELECT d.id, d.key, d.target_key, d.kind, d.columns,"
            " coalesce(nullif(d.code, ''), l.code, ''),"
            " CASE WHEN d.code = '' THEN coalesce(l.message, '') ELSE d.reason END, d.letter,"
            " d.epoch, d.commit_lsn, d.ordinal, (extract(epoch FROM d.seen_at) * 1000000)::bigint,"
            " d.repair, (extract(epoch FROM d.repaired_at) * 1000000)::bigint"
            " FROM dualwrite.reconcile_difference d LEFT JOIN dualwrite.dead_letter l"
            " ON l.id = d.letter WHERE d.run = $1 AND ($2::text IS NULL OR d.kind = $2)"
            " AND ($3::text IS NULL OR d.repair = $3) AND d.id > $4::bigint ORDER BY d.id"
            " LIMIT $5::bigint",
            5, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_difference *items = DW_ARENA_ARRAY(arena, struct dw_difference, (size_t)rows);
    for (int i = 0; i < rows && !rc; i++)
        rc = read_difference(result, i, arena, &items[i], err);
    PQclear(result);
    *out = items;
    *out_count = (size_t)rows;
    return rc;
}
