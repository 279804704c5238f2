/* state_alert.c - see state_alert.h: what fires, what was, silences. Deliveries:
 * state_alert_delivery.c. */
#include "common/state/state_alert.h"

#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/state/state_alert_read.h"
#include "common/state/state_db.h"
#include <stdlib.h>
#include <string.h>

#define FINDINGS_MAX ((size_t)64 << 20)

/* --- folding ------------------------------------------------------------------------------------
 */

static void write_findings(struct dw_buf *out, const struct dw_alert_finding *findings,
                           size_t count)
{
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        const struct dw_alert_finding *finding = &findings[i];
        dw_buf_append_text(out, i ? ",{" : "{");
        dw_json_write_text(out, "rule", finding->rule);
        dw_json_write_text(out, "object", finding->object);
        dw_json_write_text(out, "level", finding->level);
        dw_json_write_text(out, "message", finding->message);
        dw_json_write_text(out, "remedy", finding->remedy);
        dw_json_write_bool(out, "unknown", finding->unknown);
        dw_json_write_i64(out, "hold_ms", finding->hold_ms);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

static enum dw_alert_news news_of(const char *name)
{
    if (strcmp(name, "over") == 0)
        return DW_ALERT_OVER;
    if (strcmp(name, "better") == 0)
        return DW_ALERT_BETTER;
    return strcmp(name, "worse") == 0 ? DW_ALERT_WORSE : DW_ALERT_FIRED;
}

/* One statement: findings beside what fires. A message is written anew only now and then, so that
 * an alert that stands costs next to nothing. */
#define FOLD                                                                                       \
    "WITH found AS (SELECT f.*, f.hold_ms * interval '1 millisecond' AS hold,"                     \
    "  array_position(ARRAY['warning', 'critical', 'lost'], f.level) AS height"                    \
    "  FROM json_to_recordset($1::json) AS f (rule text, object text, level text, message text,"   \
    "  remedy text, unknown boolean, hold_ms bigint)),"                                            \
    " before AS (SELECT *, array_position(ARRAY['warning', 'critical', 'lost'], level) AS height"  \
    "  FROM dualwrite.alert WHERE resolved_at IS NULL),"                                           \
    " stands AS (INSERT INTO dualwrite.alert_standing (rule, object) SELECT f.rule, f.object"      \
    "  FROM found f WHERE NOT f.unknown AND f.hold_ms > 0 AND NOT EXISTS (SELECT"                  \
    "   FROM dualwrite.alert_standing s WHERE s.rule = f.rule AND s.object = f.object)"            \
    "  ON CONFLICT DO NOTHING),"                                                                   \
    " stood AS (DELETE FROM dualwrite.alert_standing s WHERE NOT EXISTS (SELECT FROM found f"      \
    "  WHERE f.rule = s.rule AND f.object = s.object)),"                                           \
    " fired AS (INSERT INTO dualwrite.alert AS a (rule, object, level, message, remedy)"           \
    "  SELECT f.rule, f.object, f.level, f.message, f.remedy FROM found f"                         \
    "  LEFT JOIN before b ON b.rule = f.rule AND b.object = f.object"                              \
    "  LEFT JOIN dualwrite.alert_standing s ON s.rule = f.rule AND s.object = f.object"            \
    "  WHERE NOT f.unknown AND b.id IS NULL AND (f.hold_ms = 0 OR s.since <= now() - f.hold)"      \
    "  ON CONFLICT DO NOTHING"                                                                     \
    "  RETURNING 'fired' AS news, a.rule, a.object, a.level, a.message, a.remedy),"                \
    " changed AS (UPDATE dualwrite.alert a SET message = f.message, remedy = f.remedy,"            \
    "  level = CASE WHEN w.news = 'same' THEN a.level ELSE f.level END, seen_at = now(),"          \
    "  lower_since = CASE WHEN l.lower AND w.news = 'same' THEN coalesce(b.lower_since, now()) "   \
    "END,"                                                                                         \
    "  version = a.version + (w.news <> 'same')::int,"                                             \
    "  changed_at = CASE WHEN w.news = 'same' THEN a.changed_at ELSE now() END"                    \
    "  FROM before b, found f, LATERAL (SELECT f.height < b.height AS lower) l,"                   \
    "  LATERAL (SELECT CASE WHEN f.height > b.height THEN 'worse' WHEN l.lower"                    \
    "   AND (f.hold_ms = 0 OR b.lower_since <= now() - f.hold) THEN 'better' ELSE 'same' END AS "  \
    "news) w"                                                                                      \
    "  WHERE a.id = b.id AND b.rule = f.rule AND b.object = f.object AND NOT f.unknown"            \
    "  AND (w.news <> 'same' OR l.lower <> (b.lower_since IS NOT NULL)"                            \
    "   OR b.seen_at < now() - interval '15 seconds')"                                             \
    "  RETURNING w.news, a.rule, a.object, a.level, a.message, a.remedy),"                         \
    " over AS (UPDATE dualwrite.alert a SET resolved_at = now(), version = a.version + 1,"         \
    "  changed_at = now() WHERE a.resolved_at IS NULL AND NOT EXISTS (SELECT FROM found f"         \
    "  WHERE f.rule = a.rule AND f.object = a.object)"                                             \
    "  RETURNING 'over' AS news, a.rule, a.object, a.level, a.message, a.remedy)"                  \
    " SELECT * FROM fired UNION ALL SELECT * FROM changed WHERE news <> 'same'"                    \
    " UNION ALL SELECT * FROM over"

enum dw_rc dw_state_alert_fold(struct dw_state *state, const struct dw_alert_finding *findings,
                               size_t count, struct dw_arena *arena,
                               const struct dw_alert_event **out, size_t *out_count,
                               struct dw_err *err)
{
    struct dw_buf text;
    PGresult *result = NULL;
    dw_buf_init(&text, FINDINGS_MAX);
    write_findings(&text, findings, count);
    const char *params[] = {text.data};
    enum dw_rc rc = dw_state_db_query(state, FOLD, 1, params, &result, err);
    dw_buf_done(&text);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_alert_event *events = DW_ARENA_ARRAY(arena, struct dw_alert_event, (size_t)rows);
    for (int i = 0; i < rows; i++)
        events[i] = (struct dw_alert_event){
            .news = news_of(PQgetvalue(result, i, 0)),
            .rule = dw_state_db_text(result, i, 1, arena),
            .object = dw_state_db_text(result, i, 2, arena),
            .level = dw_state_db_text(result, i, 3, arena),
            .message = dw_state_db_text(result, i, 4, arena),
            .remedy = dw_state_db_text(result, i, 5, arena),
        };
    PQclear(result);
    *out = events;
    *out_count = (size_t)rows;
    return DW_OK;
}

/* --- lists --------------------------------------------------------------------------------------
 */

enum dw_rc dw_state_alert_read(const PGresult *result, struct dw_arena *arena,
                               struct dw_alert_records *out)
{
    int rows = PQntuples(result);
    struct dw_alert_record *items = DW_ARENA_ARRAY(arena, struct dw_alert_record, (size_t)rows);
    for (int i = 0; i < rows; i++)
        items[i] = (struct dw_alert_record){
            .id = dw_state_db_number(result, i, 0),
            .rule = dw_state_db_text(result, i, 1, arena),
            .object = dw_state_db_text(result, i, 2, arena),
            .level = dw_state_db_text(result, i, 3, arena),
            .message = dw_state_db_text(result, i, 4, arena),
            .remedy = dw_state_db_text(result, i, 5, arena),
            .since_us = dw_state_db_number(result, i, 6),
            .seen_us = dw_state_db_number(result, i, 7),
            .resolved_us = dw_state_db_number(result, i, 8),
            .version = dw_state_db_number(result, i, 9),
            .delivered_us = dw_state_db_number(result, i, 10),
            .silenced = PQgetvalue(result, i, 11)[0] == 't',
        };
    *out = (struct dw_alert_records){items, (size_t)rows};
    return DW_OK;
}

enum dw_rc dw_state_alert_list(struct dw_state *state, const struct dw_alert_page *page,
                               struct dw_arena *arena, struct dw_alert_records *out,
                               struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {
        page->firing ? "t" : "f",
        page->rule,
        page->object,
        page->after ? dw_state_db_i64(page->after, numbers[0]) : NULL,
        page->limit ? dw_state_db_i64(page->limit, numbers[1]) : NULL,
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        DW_STATE_ALERT_QUERY
        " WHERE (a.resolved_at IS NULL) = $1::boolean AND ($2::text IS NULL OR a.rule = $2)"
        " AND ($3::text IS NULL OR a.object = $3) AND ($4::bigint IS NULL"
        "  OR CASE WHEN $1::boolean THEN a.id > $4::bigint ELSE a.id < $4::bigint END)"
        " ORDER BY CASE WHEN $1::boolean THEN a.id ELSE -a.id END LIMIT $5::bigint",
        5, params, &result, err);
    if (!rc)
        rc = dw_state_alert_read(result, arena, out);
    PQclear(result);
    return rc;
}

/* A state that this program does not know is no reason to alert. */
static enum dw_map_state state_of(const char *name)
{
    enum dw_map_state state = DW_MAP_STOPPED;
    return dw_map_state_parse(name, &state) ? state : DW_MAP_STOPPED;
}

/* What a comparison of all rows left, and those of some rows after it: one of these alone says
 * nothing of the others. */
enum dw_rc dw_state_alert_maps(struct dw_state *state, int64_t recent_ms, struct dw_arena *arena,
                               const struct dw_alert_map_row **out, size_t *out_count,
                               struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(recent_ms, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH recent AS (SELECT map, count(*) AS letters FROM dualwrite.dead_letter"
        "  WHERE indexed_at > now() - $1::bigint * interval '1 millisecond'"
        "  AND state IN ('open', 'unconfirmed') GROUP BY map),"
        " whole AS (SELECT map, max(id) AS id FROM dualwrite.reconcile_run WHERE state = 'done'"
        "  AND filter IS NULL AND sample IS NULL AND since IS NULL GROUP BY map),"
        " found AS (SELECT r.map, r.id, r.beyond + (SELECT count(*)"
        "   FROM dualwrite.reconcile_difference d WHERE d.run = r.id AND d.repair <> 'gone')"
        "   AS rows, CASE WHEN r.repair_state = 'none' THEN r.repair_reason ELSE '' END AS why"
        "  FROM dualwrite.reconcile_run r LEFT JOIN whole w ON w.map = r.map"
        "  WHERE r.state = 'done' AND r.id >= coalesce(w.id, 0)),"
        " last AS (SELECT DISTINCT ON (map) map, id, rows, why FROM found"
        "  ORDER BY map, rows DESC, id DESC)"
        " SELECT m.name, m.topic, m.source_system, m.target_system, m.state, m.code, m.reason,"
        " " DW_STATE_ALERT_US(
            "m.changed_at") ", coalesce(r.letters, 0), coalesce(l.id, 0),"
                            " coalesce(l.rows, 0), m.partitions, coalesce(l.why, '')"
                            " FROM dualwrite.map m LEFT JOIN recent r ON r.map = m.name"
                            " LEFT JOIN last l ON l.map = m.name ORDER BY m.name COLLATE \"C\"",
        1, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_alert_map_row *items = DW_ARENA_ARRAY(arena, struct dw_alert_map_row, (size_t)rows);
    for (int i = 0; i < rows; i++)
        items[i] = (struct dw_alert_map_row){
            .map = dw_state_db_text(result, i, 0, arena),
            .topic = dw_state_db_text(result, i, 1, arena),
            .source_system = dw_state_db_text(result, i, 2, arena),
            .target_system = dw_state_db_text(result, i, 3, arena),
            .state = state_of(PQgetvalue(result, i, 4)),
            .code = dw_state_db_text(result, i, 5, arena),
            .reason = dw_state_db_text(result, i, 6, arena),
            .changed_us = dw_state_db_number(result, i, 7),
            .recent_letters = dw_state_db_number(result, i, 8),
            .run = dw_state_db_number(result, i, 9),
            .differences = dw_state_db_number(result, i, 10),
            .partitions = (int32_t)dw_state_db_number(result, i, 11),
            .not_mended = dw_state_db_text(result, i, 12, arena),
        };
    PQclear(result);
    *out = items;
    *out_count = (size_t)rows;
    return DW_OK;
}

/* --- silences -----------------------------------------------------------------------------------
 */

enum dw_rc dw_state_alert_silence(struct dw_state *state, const struct dw_alert_silence *silence,
                                  int64_t seconds, int64_t *out_id, struct dw_err *err)
{
    char number[24];
    const char *params[] = {silence->rule, silence->object, dw_state_db_i64(seconds, number),
                            silence->reason, silence->by};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH made AS (INSERT INTO dualwrite.alert_silence (rule, object, until, reason, by)"
        "  VALUES ($1, $2, now() + $3::bigint * interval '1 second', $4, $5) RETURNING *),"
        " noted AS (INSERT INTO dualwrite.audit_log (by, action, object, detail)"
        "  SELECT by, 'alert.silence', object, json_build_object('silence', id, 'rule', rule,"
        "  'until', until, 'reason', reason) FROM made)"
        " SELECT id FROM made",
        5, params, &result, err);
    if (!rc)
        *out_id = dw_state_db_number(result, 0, 0);
    PQclear(result);
    return rc;
}

enum dw_rc dw_state_alert_unsilence(struct dw_state *state, int64_t id, const char *by,
                                    struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number), by};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH ended AS (UPDATE dualwrite.alert_silence SET until = now() WHERE id = $1::bigint"
        "  AND until > now() RETURNING *),"
        " noted AS (INSERT INTO dualwrite.audit_log (by, action, object, detail)"
        "  SELECT $2, 'alert.unsilence', object, json_build_object('silence', id, 'rule', rule)"
        "  FROM ended)"
        " SELECT id FROM ended",
        2, params, &result, err);
    if (!rc && PQntuples(result) == 0)
        rc = dw_err_set(err, DW_CONFIG, "DW-STATE-050", "there is no silence %s in force", number);
    PQclear(result);
    return rc;
}

enum dw_rc dw_state_alert_silences(struct dw_state *state, struct dw_arena *arena,
                                   const struct dw_alert_silence **out, size_t *out_count,
                                   struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT id, rule, object, " DW_STATE_ALERT_US("until") ", reason, by, " DW_STATE_ALERT_US(
            "created_at") " FROM dualwrite.alert_silence WHERE until > now() ORDER BY id",
        0, NULL, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_alert_silence *items = DW_ARENA_ARRAY(arena, struct dw_alert_silence, (size_t)rows);
    for (int i = 0; i < rows; i++)
        items[i] = (struct dw_alert_silence){
            .id = dw_state_db_number(result, i, 0),
            .rule = dw_state_db_text(result, i, 1, arena),
            .object = dw_state_db_text(result, i, 2, arena),
            .until_us = dw_state_db_number(result, i, 3),
            .reason = dw_state_db_text(result, i, 4, arena),
            .by = dw_state_db_text(result, i, 5, arena),
            .created_us = dw_state_db_number(result, i, 6),
        };
    PQclear(result);
    *out = items;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_alert_clean(struct dw_state *state, int64_t days, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(days, number)};
    return dw_state_db_query(
        state,
        "WITH silences AS (DELETE FROM dualwrite.alert_silence"
        "  WHERE until < now() - $1::bigint * interval '1 day')"
        " DELETE FROM dualwrite.alert WHERE resolved_at < now() - $1::bigint * interval '1 day'",
        1, params, NULL, err);
}
