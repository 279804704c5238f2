/* state_alert_delivery.c - who is to be told of which alerts, and who was: see state_alert.h. */
#include "common/base/buf.h"
#include "common/state/state_alert.h"
#include "common/state/state_alert_read.h"
#include "common/state/state_db.h"
#include <inttypes.h>

#define IDS_MAX ((size_t)8 << 20)

/* News of an alert for the webhook $1: it fires, is worse or is over, and was not told; or it still
 * fires and was told long ago. Whoever was told that it fires is told that it is over, silenced or
 * not; who was never told while it was silenced, or below the level, hears nothing of it. */
#define PENDING                                                                                    \
    "WITH news AS (SELECT a.id, a.rule, a.changed_at FROM dualwrite.alert a"                       \
    "  LEFT JOIN dualwrite.alert_delivery d ON d.alert = a.id AND d.webhook = $1"                  \
    "  WHERE (a.resolved_at IS NULL OR d.version IS DISTINCT FROM a.version)"                      \
    "  AND (a.version > coalesce(d.version, 0) OR ($4::bigint > 0 AND a.resolved_at IS NULL"       \
    "   AND d.delivered_at < now() - $4::bigint * interval '1 millisecond'))"                      \
    "  AND (($2::boolean IS NOT TRUE OR a.level <> 'warning') AND NOT " DW_STATE_ALERT_SILENCED    \
    "   OR (a.resolved_at IS NOT NULL AND d.version IS NOT NULL))),"                               \
    " ripe AS (SELECT rule FROM news GROUP BY rule"                                                \
    "  HAVING min(changed_at) <= now() - $3::bigint * interval '1 millisecond')"                   \
    " SELECT " DW_STATE_ALERT_COLUMNS " a.version, NULL, false FROM dualwrite.alert a"             \
    " WHERE a.rule IN (SELECT rule FROM ripe) AND (a.id IN (SELECT id FROM news)"                  \
    "  OR (a.resolved_at IS NULL AND ($2::boolean IS NOT TRUE OR a.level <> 'warning')"            \
    "   AND NOT " DW_STATE_ALERT_SILENCED "))"                                                     \
    " ORDER BY a.rule, a.object, a.id"

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
    PQclear(result);
    return rc;
}

enum dw_rc dw_state_alert_delivered(struct dw_state *state, const char *webhook,
                                    const struct dw_alert_record *records, size_t count,
                                    struct dw_err *err)
{
    struct dw_buf ids;
    struct dw_buf versions;
    dw_buf_init(&ids, IDS_MAX);
    dw_buf_init(&versions, IDS_MAX);
    for (size_t i = 0; i < count; i++) {
        dw_buf_printf(&ids, "%c%" PRId64, i ? ',' : '{', records[i].id);
        dw_buf_printf(&versions, "%c%" PRId64, i ? ',' : '{', records[i].version);
    }
    dw_buf_append_char(&ids, '}');
    dw_buf_append_char(&versions, '}');
    const char *params[] = {webhook, ids.data, versions.data};
    enum dw_rc rc = dw_state_db_query(
        state,
        "INSERT INTO dualwrite.alert_delivery (alert, webhook, version)"
        " SELECT u.id, $1, u.version FROM unnest($2::bigint[], $3::int[]) AS u (id, version)"
        " JOIN dualwrite.alert a ON a.id = u.id"
        " ON CONFLICT (alert, webhook) DO UPDATE SET version = excluded.version,"
        " delivered_at = now()",
        3, params, NULL, err);
    dw_buf_done(&ids);
    dw_buf_done(&versions);
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
