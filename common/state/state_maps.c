/* state_maps.c - maps, their revisions and their changes of state; see state.h, state_maps.h.
 *
 * Every change runs in one transaction under the lock of the map's row: new state, history, audit
 * log. A trigger on dualwrite.map tells the other processes at commit.
 */
#include "common/state/state_maps.h"

#include "common/base/json_write.h"
#include "common/postgres/pg.h"
#include "common/state/state.h"
#include "common/state/state_db.h"
#include "common/state/state_generation.h"
#include "common/state/state_retry.h"

#define MAP_QUERY                                                                                  \
    "SELECT m.name, m.revision, m.change, m.state, r.document, r.resolved, m.code, m.reason,"      \
    " m.source_system, m.target_system, m.topic, m.partitions,"                                    \
    " r.marked_epoch, r.marked_lsn, m.forced_revision, " DW_STATE_GENERATIONS_OF                   \
    " FROM dualwrite.map m"                                                                        \
    " JOIN dualwrite.map_revision r ON r.map = m.name AND r.revision = m.revision"

#define AUDIT_BYTES_MAX 65536

static enum dw_rc read_map(const PGresult *result, int row, struct dw_arena *arena,
                           struct dw_map_record *out, struct dw_err *err)
{
    *out = (struct dw_map_record){
        .name = dw_state_db_text(result, row, 0, arena),
        .revision = dw_state_db_number(result, row, 1),
        .change = dw_state_db_number(result, row, 2),
        .document = dw_state_db_text(result, row, 4, arena),
        .resolved = dw_state_db_text(result, row, 5, arena),
        .code = dw_state_db_text(result, row, 6, arena),
        .reason = dw_state_db_text(result, row, 7, arena),
        .source_system = dw_state_db_text(result, row, 8, arena),
        .target_system = dw_state_db_text(result, row, 9, arena),
        .topic = dw_state_db_text(result, row, 10, arena),
        .partitions = (int32_t)dw_state_db_number(result, row, 11),
        .marked_epoch = (uint32_t)dw_state_db_number(result, row, 12),
        .forced_revision = dw_state_db_number(result, row, 14),
        .generations = dw_state_db_text(result, row, 15, arena),
    };
    (void)dw_pg_parse_lsn(PQgetvalue(result, row, 13), &out->marked_lsn);
    const char *name = PQgetvalue(result, row, 3);
    if (dw_map_state_parse(name, &out->state))
        return DW_OK;
    return dw_err_set(err, DW_CONFIG, "DW-STATE-006", "map %s is in the unknown state '%s'",
                      out->name, name);
}

enum dw_rc dw_state_maps_load(struct dw_state *state, struct dw_arena *arena,
                              const struct dw_map_record **out, size_t *out_count,
                              struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_state_db_query(state, MAP_QUERY " ORDER BY m.name COLLATE \"C\"", 0, NULL, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_map_record *maps = DW_ARENA_ARRAY(arena, struct dw_map_record, (size_t)rows);
    for (int i = 0; i < rows && !rc; i++)
        rc = read_map(result, i, arena, &maps[i], err);
    PQclear(result);
    if (rc)
        return rc;
    *out = maps;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_map_load(struct dw_state *state, const char *map, struct dw_arena *arena,
                             const struct dw_map_record **out, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, MAP_QUERY " WHERE m.name = $1", 1, &map, &result, err);
    if (rc)
        return rc;
    struct dw_map_record *record = NULL;
    if (PQntuples(result)) {
        record = DW_ARENA_NEW(arena, struct dw_map_record);
        rc = read_map(result, 0, arena, record, err);
    }
    PQclear(result);
    if (!rc)
        *out = record;
    return rc;
}

/* --- where revisions begin ---------------------------------------------------------------------
 */

enum dw_rc dw_state_maps_mark(struct dw_state *state, const struct dw_map_mark *marks, size_t count,
                              uint32_t epoch, uint64_t lsn, struct dw_err *err)
{
    struct dw_buf json;
    char number[24];
    char text[24];
    dw_buf_init(&json, (size_t)64 << 20);
    dw_buf_append_char(&json, '[');
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(&json, i ? ",{" : "{");
        dw_json_write_text(&json, "map", marks[i].map);
        dw_json_write_i64(&json, "revision", marks[i].revision);
        dw_buf_append_char(&json, '}');
    }
    dw_buf_append_char(&json, ']');
    const char *params[] = {json.data, dw_state_db_i64(epoch, number), dw_pg_format_lsn(lsn, text)};
    enum dw_rc rc = dw_state_db_query(
        state,
        "UPDATE dualwrite.map_revision r SET marked_epoch = $2::bigint, marked_lsn = $3::pg_lsn"
        " FROM json_to_recordset($1::json) AS m(map text, revision bigint)"
        " WHERE r.map = m.map AND r.revision = m.revision",
        3, params, NULL, err);
    dw_buf_done(&json);
    return rc;
}

enum dw_rc dw_state_map_at(struct dw_state *state, struct dw_map_record *record, uint32_t epoch,
                           uint64_t lsn, struct dw_arena *arena, struct dw_err *err)
{
    char number[24];
    char text[24];
    const char *params[] = {record->name, dw_state_db_i64(epoch, number),
                            dw_pg_format_lsn(lsn, text)};
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_state_db_query(state,
                          "WITH ahead AS (SELECT min(revision) AS first"
                          " FROM dualwrite.map_revision"
                          " WHERE map = $1 AND marked_epoch = $2 AND marked_lsn > $3)"
                          " SELECT revision, document, resolved, marked_epoch, marked_lsn"
                          " FROM dualwrite.map_revision, ahead"
                          " WHERE map = $1 AND revision <= first"
                          " ORDER BY revision < first AND marked_epoch > 0 DESC,"
                          " revision < first DESC, revision DESC LIMIT 1",
                          3, params, &result, err);
    if (rc)
        return rc;
    if (PQntuples(result)) {
        record->revision = dw_state_db_number(result, 0, 0);
        record->document = dw_state_db_text(result, 0, 1, arena);
        record->resolved = dw_state_db_text(result, 0, 2, arena);
        record->marked_epoch = (uint32_t)dw_state_db_number(result, 0, 3);
        (void)dw_pg_parse_lsn(PQgetvalue(result, 0, 4), &record->marked_lsn);
    }
    PQclear(result);
    return DW_OK;
}

/* --- changing ----------------------------------------------------------------------------------
 */

struct row { /* of dualwrite.map, locked */
    bool exists;
    enum dw_map_state state;
    int64_t change;
    int64_t revision;
    bool was_stopped; /* it ran before and has a stopped_lsn */
    bool has_code;
};

static enum dw_rc lock_map(struct dw_state *state, const char *map, struct row *out,
                           struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state,
                                      "SELECT state, change, revision, stopped_lsn IS NOT NULL,"
                                      " code <> '' FROM dualwrite.map WHERE name = $1 FOR UPDATE",
                                      1, &map, &result, err);
    if (rc)
        return rc;
    *out = (struct row){.exists = PQntuples(result) == 1};
    if (out->exists) {
        out->change = dw_state_db_number(result, 0, 1);
        out->revision = dw_state_db_number(result, 0, 2);
        out->was_stopped = PQgetvalue(result, 0, 3)[0] == 't';
        out->has_code = PQgetvalue(result, 0, 4)[0] == 't';
        const char *name = PQgetvalue(result, 0, 0);
        if (!dw_map_state_parse(name, &out->state))
            rc = dw_err_set(err, DW_CONFIG, "DW-STATE-006", "map %s is in the unknown state '%s'",
                            map, name);
    }
    PQclear(result);
    return rc;
}

/* What goes into history and audit log beside the map's row as it now is. */
struct note {
    const char *map;
    enum dw_map_event event;
    const char *code;
    const char *reason;
    const char *by;
};

static enum dw_rc write_note(struct dw_state *state, const struct note *note, const char *event,
                             struct dw_err *err)
{
    struct dw_buf action;
    struct dw_buf detail;
    dw_buf_init(&action, 64);
    dw_buf_init(&detail, AUDIT_BYTES_MAX);
    dw_buf_printf(&action, "map.%s", event);
    dw_buf_append_char(&detail, '{');
    if (*note->code)
        dw_json_write_text(&detail, "code", note->code);
    if (*note->reason)
        dw_json_write_text(&detail, "reason", note->reason);
    dw_buf_append_char(&detail, '}');
    const char *params[] = {note->map, event,       note->code, note->reason,
                            note->by,  action.data, detail.data};
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH history AS (INSERT INTO dualwrite.map_history"
        "  (map, change, revision, event, state, code, reason, by)"
        "  SELECT name, change, revision, $2, state, $3, $4, $5 FROM dualwrite.map"
        "  WHERE name = $1)"
        " INSERT INTO dualwrite.audit_log (by, action, object, detail)"
        " SELECT $5, $6, $1, CASE WHEN $2 <> 'apply' THEN $7::json ELSE (SELECT"
        "  (jsonb_build_object('revision', r.revision, 'version', r.version) || $7::jsonb)::json"
        "  FROM dualwrite.map m JOIN dualwrite.map_revision r"
        "  ON r.map = m.name AND r.revision = m.revision WHERE m.name = $1) END",
        7, params, NULL, err);
    dw_buf_done(&action);
    dw_buf_done(&detail);
    return rc;
}

static enum dw_rc note_gap(struct dw_state *state, const char *map, struct dw_err *err)
{
    const char *params[] = {map, "DW-STATE-007",
                            "the map was stopped: changes made until it was started again were not"
                            " published"};
    return dw_state_db_query(state,
                             "INSERT INTO dualwrite.gap (system, map, code, from_lsn, reason)"
                             " SELECT source_system, name, $2, stopped_lsn, $3"
                             " FROM dualwrite.map WHERE name = $1"
                             " ON CONFLICT (system, map, code, from_lsn) DO UPDATE"
                             " SET noted_at = now(), closed_at = NULL",
                             3, params, NULL, err);
}

/* What is stopped is not published: its syncs could not go on, and a later start orders its own. */
static enum dw_rc cancel_syncs(struct dw_state *state, const char *map, int64_t *out_count,
                               struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state,
                                      "UPDATE dualwrite.sync SET state = 'cancelled',"
                                      " ended_at = now(), reason = 'the map was stopped'"
                                      " WHERE map = $1 AND state NOT IN ('done', 'cancelled')"
                                      " RETURNING id",
                                      1, &map, &result, err);
    if (rc)
        return rc;
    *out_count = PQntuples(result);
    PQclear(result);
    return DW_OK;
}

/* Is this news that processes have to act upon? */
static bool is_change(enum dw_map_event event)
{
    return event != DW_MAP_SYNCED && event != DW_MAP_SYNC_FAILED && event != DW_MAP_CAUGHT_UP;
}

/* Moves the locked map to `to` and writes it down. */
static enum dw_rc move_map(struct dw_state *state, const struct row *row, enum dw_map_state to,
                           const struct note *note, struct dw_err *err)
{
    if (row->state == DW_MAP_STOPPED && row->was_stopped) {
        enum dw_rc rc = note_gap(state, note->map, err);
        if (rc)
            return rc;
    }
    const char *params[] = {note->map, dw_map_state_name(to), note->code, note->reason,
                            is_change(note->event) ? "1" : "0"};
    enum dw_rc rc = dw_state_db_query(
        state,
        "UPDATE dualwrite.map SET state = $2, code = $3, reason = $4,"
        " change = change + $5::int, changed_at = now(), stopped_lsn = CASE WHEN $2 = 'stopped' "
        "THEN"
        " (SELECT published_lsn FROM dualwrite.position WHERE system = source_system) END"
        " WHERE name = $1",
        5, params, NULL, err);
    if (!rc && !dw_map_state_active(row->state) && dw_map_state_active(to))
        rc = dw_state_retry_mended(state, note->map, 0, err);
    return rc ? rc : write_note(state, note, dw_map_state_event_name(note->event), err);
}

/* A resumed map goes on with its initial sync where that is not over; one that failed is taken up
 * again. */
static enum dw_rc resume_sync(struct dw_state *state, const char *map, const struct row *row,
                              enum dw_map_event *out, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state,
                                      "SELECT id, state FROM dualwrite.sync WHERE map = $1"
                                      " AND kind = 'initial' ORDER BY id DESC LIMIT 1",
                                      1, &map, &result, err);
    if (rc)
        return rc;
    const char *sync = PQntuples(result) ? PQgetvalue(result, 0, 1) : "done";
    bool over = strcmp(sync, "done") == 0 || strcmp(sync, "cancelled") == 0;
    bool failed = strcmp(sync, "failed") == 0;
    if (!over && (failed || row->state != DW_MAP_INITIAL_SYNC))
        *out = DW_MAP_RESUME_SYNC;
    if (failed && row->state != DW_MAP_STOPPED) {
        const char *params[] = {PQgetvalue(result, 0, 0)};
        rc = dw_state_db_query(state,
                               "UPDATE dualwrite.sync SET state = 'waiting', code = '',"
                               " reason = '', ended_at = NULL WHERE id = $1",
                               1, params, NULL, err);
    }
    PQclear(result);
    return rc;
}

enum dw_rc dw_state_maps_order(struct dw_state *state, const struct dw_map_order *order,
                               struct dw_map_outcome *out, struct dw_err *err)
{
    struct row row;
    enum dw_map_event what = order->event;
    enum dw_rc rc = lock_map(state, order->map, &row, err);
    if (rc)
        return rc;
    if (!row.exists)
        return dw_err_set(err, DW_CONFIG, "DW-STATE-004", "there is no map %s", order->map);
    if (what == DW_MAP_RESUME)
        rc = resume_sync(state, order->map, &row, &what, err);
    if (rc)
        return rc;
    struct dw_map_transition transition = dw_map_state_next(row.state, what);
    *out =
        (struct dw_map_outcome){.state = row.state, .revision = row.revision, .change = row.change};
    if (transition.answer == DW_MAP_STAYS)
        return DW_OK;
    const char *event = dw_map_state_event_name(order->event);
    if (transition.answer == DW_MAP_REFUSES)
        return dw_err_set(err, DW_CONFLICT, "DW-STATE-005", "map %s is %s and cannot %s: %s",
                          order->map, dw_map_state_name(row.state), event, transition.hint);
    struct note note = {order->map, what, "", order->reason, order->by};
    *out = (struct dw_map_outcome){.changed = true,
                                   .state = transition.to,
                                   .revision = row.revision,
                                   .change = row.change + 1};
    if (transition.to == DW_MAP_STOPPED)
        rc = cancel_syncs(state, order->map, &out->syncs_cancelled, err);
    return rc ? rc : move_map(state, &row, transition.to, &note, err);
}

enum dw_rc dw_state_map_order(struct dw_state *state, const struct dw_map_order *order,
                              struct dw_map_outcome *out, struct dw_err *err)
{
    struct dw_map_outcome outcome;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = dw_state_maps_order(state, order, &outcome, err);
    rc = order->dry_run ? dw_state_db_undo(state, rc, err) : dw_state_db_end(state, rc, err);
    if (!rc)
        *out = outcome;
    return rc;
}

enum dw_rc dw_state_map_fail(struct dw_state *state, const char *map, int64_t seen_change,
                             const char *code, const char *reason, const char *by,
                             struct dw_err *err)
{
    struct row row;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = lock_map(state, map, &row, err);
    if (!rc && row.exists && row.change == seen_change) {
        struct dw_map_transition transition = dw_map_state_next(row.state, DW_MAP_FAIL);
        struct note note = {map, DW_MAP_FAIL, code, reason, by};
        if (transition.answer == DW_MAP_MOVES)
            rc = move_map(state, &row, transition.to, &note, err);
    }
    return dw_state_db_end(state, rc, err);
}

enum dw_rc dw_state_maps_settle(struct dw_state *state, const struct dw_state_event *event,
                                struct dw_err *err)
{
    struct row row;
    enum dw_rc rc = lock_map(state, event->map, &row, err);
    if (rc || !row.exists)
        return rc;
    struct dw_map_transition transition = dw_map_state_next(row.state, event->event);
    /* A sync that goes on is news of its map only when that shows why it stood. */
    bool news =
        event->event != DW_MAP_RESUME_SYNC || (row.state == DW_MAP_INITIAL_SYNC && row.has_code);
    if (transition.answer != DW_MAP_MOVES || !news)
        return DW_OK;
    struct note note = {event->map, event->event, event->code, event->reason, event->by};
    return move_map(state, &row, transition.to, &note, err);
}

/* --- apply ------------------------------------------------------------------------------------ */

static enum dw_rc is_same(struct dw_state *state, const struct dw_map_apply *apply, bool *out,
                          struct dw_err *err)
{
    const char *params[] = {apply->name, apply->document, apply->resolved};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT 1 FROM dualwrite.map m"
        " JOIN dualwrite.map_revision r ON r.map = m.name AND r.revision = m.revision"
        " WHERE m.name = $1 AND r.document::text = $2 AND r.resolved::text = $3",
        3, params, &result, err);
    if (rc)
        return rc;
    *out = PQntuples(result) > 0;
    PQclear(result);
    return DW_OK;
}

static enum dw_rc write_revision(struct dw_state *state, const struct dw_map_apply *apply,
                                 const struct row *row, struct dw_err *err)
{
    char partitions[24];
    char revision[24];
    const char *map[] = {apply->name,
                         apply->source_system,
                         apply->target_system,
                         apply->topic,
                         dw_state_db_i64(apply->partitions, partitions),
                         apply->document};
    const char *document[] = {apply->name,     dw_state_db_i64(row->revision + 1, revision),
                              apply->version,  apply->document,
                              apply->resolved, apply->by};
    enum dw_rc rc = dw_state_db_query(
        state,
        "INSERT INTO dualwrite.map AS m"
        " (name, source_system, target_system, topic, partitions, auto_replay)"
        " VALUES ($1, $2, $3, $4, $5, $6::json -> 'dead_letters' ->> 'auto_replay')"
        " ON CONFLICT (name) DO UPDATE SET revision = m.revision + 1, change = m.change + 1,"
        " source_system = EXCLUDED.source_system, target_system = EXCLUDED.target_system,"
        " auto_replay = EXCLUDED.auto_replay, changed_at = now()",
        6, map, NULL, err);
    if (rc)
        return rc;
    return dw_state_db_query(state,
                             "INSERT INTO dualwrite.map_revision"
                             " (map, revision, version, document, resolved, applied_by)"
                             " VALUES ($1, $2, $3, $4, $5, $6)",
                             6, document, NULL, err);
}

static enum dw_rc apply_locked(struct dw_state *state, const struct dw_map_apply *apply,
                               struct dw_map_outcome *out, struct dw_err *err)
{
    struct row row;
    bool same;
    /* A map that does not exist yet has no row to lock. */
    enum dw_rc rc =
        dw_state_db_query(state, "SELECT pg_advisory_xact_lock(25719, 2)", 0, NULL, NULL, err);
    if (!rc)
        rc = lock_map(state, apply->name, &row, err);
    if (!rc)
        rc = is_same(state, apply, &same, err);
    if (rc)
        return rc;
    *out = (struct dw_map_outcome){.changed = !same,
                                   .state = row.state,
                                   .revision = row.revision + !same,
                                   .change = row.change + !same};
    if (same)
        return DW_OK;
    rc = write_revision(state, apply, &row, err);
    if (rc)
        return rc;
    struct note note = {.map = apply->name, .code = "", .reason = apply->reason, .by = apply->by};
    return write_note(state, &note, "apply", err);
}

enum dw_rc dw_state_map_apply(struct dw_state *state, const struct dw_map_apply *apply,
                              struct dw_map_outcome *out, struct dw_err *err)
{
    struct dw_map_outcome outcome;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = apply_locked(state, apply, &outcome, err);
    rc = dw_state_db_end(state, rc, err);
    if (!rc)
        *out = outcome;
    return rc;
}

enum dw_rc dw_state_map_history(struct dw_state *state, const char *map,
                                const struct dw_map_history_page *page, struct dw_arena *arena,
                                struct dw_map_history_list *out, struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {map, dw_state_db_i64(page->limit, numbers[0]),
                            dw_state_db_i64(page->before, numbers[1])};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state,
                                      "SELECT revision, event, state, code, reason, by,"
                                      " (extract(epoch FROM at) * 1000000)::bigint, id"
                                      " FROM dualwrite.map_history WHERE map = $1"
                                      " AND ($3::bigint = 0 OR id < $3::bigint)"
                                      " ORDER BY id DESC LIMIT $2::bigint",
                                      3, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_map_history *history = DW_ARENA_ARRAY(arena, struct dw_map_history, (size_t)rows);
    for (int i = 0; i < rows; i++)
        history[i] = (struct dw_map_history){
            .revision = dw_state_db_number(result, i, 0),
            .event = dw_state_db_text(result, i, 1, arena),
            .state = dw_state_db_text(result, i, 2, arena),
            .code = dw_state_db_text(result, i, 3, arena),
            .reason = dw_state_db_text(result, i, 4, arena),
            .by = dw_state_db_text(result, i, 5, arena),
            .at_us = dw_state_db_number(result, i, 6),
            .id = dw_state_db_number(result, i, 7),
        };
    PQclear(result);
    *out = (struct dw_map_history_list){history, (size_t)rows};
    return DW_OK;
}
