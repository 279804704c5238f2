/* state_alert_delivery.c - who is to be told of which alerts, and who was: see state_alert.h. */
#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/state/state_alert.h"
#include "common/state/state_alert_read.h"
#include "common/state/state_db.h"

#define TOLD_MAX ((size_t)16 << 20)

/* Of the level that the webhook takes. */
#define TAKEN "($2::boolean IS NOT TRUE OR a.level <> 'warning')"

/* News of an alert for the webhook $1: it fires, is worse or is over, and was not told; or it still
 * fires and was told long ago. Whoever was told that it fires is told that it is over, silenced or
 * not; who was never told while it was silenced, or below the level, hears nothing of it. To a
 * webhook that takes critical ones alone it is over, too, when its level falls to warning. */
#define PENDING                                                                                    \
    "WITH news AS (SELECT a.id, a.rule, a.changed_at FROM dualwrite.alert a"                       \
    "  LEFT JOIN dualwrite.alert_delivery d ON d.alert = a.id AND d.webhook = $1"                  \
    "  WHERE CASE WHEN a.resolved_at IS NULL AND " TAKEN " THEN NOT " DW_STATE_ALERT_SILENCED      \
    "   AND (a.version > coalesce(d.version, 0) OR ($4::bigint > 0"                                \
    "    AND d.delivered_at < now() - $4::bigint * interval '1 millisecond'))"                     \
    "   ELSE a.version > coalesce(d.version, 0) AND d.over IS NOT TRUE AND (d.version IS NOT NULL" \
    "    OR (" TAKEN " AND NOT " DW_STATE_ALERT_SILENCED ")) END),"                                \
    " ripe AS (SELECT rule FROM news GROUP BY rule"                                                \
    "  HAVING min(changed_at) <= now() - $3::bigint * interval '1 millisecond')"                   \
    " SELECT " DW_STATE_ALERT_COLUMNS " a.version, NULL, false, d.level, CASE WHEN"                \
    "  a.resolved_at IS NULL AND NOT " TAKEN                                                       \
    " THEN " DW_STATE_ALERT_US("a.changed_at") " END"                                              \
                                               " FROM dualwrite.alert a"                           \
                                               " LEFT JOIN dualwrite.alert_delivery d ON d.alert " \
                                               "= a.id AND d.webhook = $1"                         \
                                               " WHERE a.rule IN (SELECT rule FROM ripe) AND "     \
                                               "(a.id IN (SELECT id FROM news)"                    \
                                               "  OR (a.resolved_at IS NULL AND " TAKEN            \
                                               " AND NOT " DW_STATE_ALERT_SILENCED "))"            \
                                               " ORDER BY a.rule, a.object, a.id"
#define LEVEL_COLUMN 12
#define EASED_COLUMN 13

/* What is over is told as it was told to fire, so that the receiver finds its own again. */
static void read_end(const PGresult *result, int row, struct dw_arena *arena,
                     struct dw_alert_record *record)
{
    if (!PQgetisnull(result, row, EASED_COLUMN)) {
        record->resolved_us = dw_state_db_number(result, row, EASED_COLUMN);
        record->message = dw_arena_printf(arena, "a %s by now: %s", record->level, record->message);
    }
    if (record->resolved_us && !PQgetisnull(result, row, LEVEL_COLUMN))
        record->level = dw_state_db_text(result, row, LEVEL_COLUMN, arena);
}

static void read_ends(const PGresult *result, struct dw_arena *arena, struct dw_alert_records *out)
{
    struct dw_alert_record *items = DW_ARENA_ARRAY(arena, struct dw_alert_record, out->count);
    for (size_t i = 0; i < out->count; i++) {
        items[i] = out->items[i];
        read_end(result, (int)i, arena, &items[i]);
    }
    out->items = items;
}

enum dw_rc dw_state_alert_pending(struct dw_state *state, const struct dw_alert_wish *wish,
                                  struct dw_arena *arena, struct dw_alert_records *out,
                                  struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {
        wish->webhook,
        wish->critical_only ? "t" : "f",
        dw_state_db_i64(wish->wait_ms, numbers[0]),
        dw_state_db_i64(wish->repeat_ms, numbers[1]),
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, PENDING, 4, params, &result, err);
    if (!rc)
        rc = dw_state_alert_read(result, arena, out);
    if (!rc)
        read_ends(result, arena, out);
    PQclear(result);
    return rc;
}

enum dw_rc dw_state_alert_delivered(struct dw_state *state, const char *webhook,
                                    const struct dw_alert_record *records, size_t count,
                                    struct dw_err *err)
{
    struct dw_buf told;
    dw_buf_init(&told, TOLD_MAX);
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(&told, i ? ",{" : "[{");
        dw_json_write_i64(&told, "id", records[i].id);
        dw_json_write_i64(&told, "version", records[i].version);
        dw_json_write_text(&told, "level", records[i].level);
        dw_json_write_bool(&told, "over", records[i].resolved_us != 0);
        dw_buf_append_char(&told, '}');
    }
    dw_buf_append_char(&told, ']');
    const char *params[] = {webhook, told.data};
    enum dw_rc rc = dw_state_db_query(
        state,
        "INSERT INTO dualwrite.alert_delivery (alert, webhook, version, level, over)"
        " SELECT u.id, $1, u.version, u.level, u.over FROM json_to_recordset($2) AS u (id bigint,"
        " version int, level text, over boolean) JOIN dualwrite.alert a ON a.id = u.id"
        " ON CONFLICT (alert, webhook) DO UPDATE SET version = excluded.version,"
        " level = excluded.level, over = excluded.over, delivered_at = now()",
        2, params, NULL, err);
    dw_buf_done(&told);
    return rc;
}

enum dw_rc dw_state_alert_tried(struct dw_state *state, const char *webhook, const char *error,
                                struct dw_err *err)
{
    const char *params[] = {webhook, error};
    return dw_state_db_query(
        state,
        "INSERT INTO dualwrite.webhook AS w (name, delivered_at, failing_since, tries, error)"
        " VALUES ($1, CASE WHEN $2::text IS NULL THEN now() END,"
        "  CASE WHEN $2 IS NOT NULL THEN now() END, ($2 IS NOT NULL)::int, coalesce($2, ''))"
        " ON CONFLICT (name) DO UPDATE SET"
        " delivered_at = coalesce(excluded.delivered_at, w.delivered_at),"
        " failing_since = CASE WHEN $2 IS NOT NULL THEN coalesce(w.failing_since, now()) END,"
        " tries = CASE WHEN $2 IS NOT NULL THEN w.tries + 1 ELSE 0 END, error = excluded.error",
        2, params, NULL, err);
}

enum dw_rc dw_state_alert_webhooks(struct dw_state *state, struct dw_arena *arena,
                                   const struct dw_webhook_record **out, size_t *out_count,
                                   struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT name, " DW_STATE_ALERT_US("delivered_at") ", " DW_STATE_ALERT_US(
            "failing_since") ", tries, error FROM dualwrite.webhook ORDER BY name",
        0, NULL, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_webhook_record *items = DW_ARENA_ARRAY(arena, struct dw_webhook_record, (size_t)rows);
    for (int i = 0; i < rows; i++)
        items[i] = (struct dw_webhook_record){
            .name = dw_state_db_text(result, i, 0, arena),
            .delivered_us = dw_state_db_number(result, i, 1),
            .failing_since_us = dw_state_db_number(result, i, 2),
            .tries = dw_state_db_number(result, i, 3),
            .error = dw_state_db_text(result, i, 4, arena),
        };
    PQclear(result);
    *out = items;
    *out_count = (size_t)rows;
    return DW_OK;
}
