/* api_alerts.c - alerts: what fires, what was, who is told; silences; a test of the webhooks. */
#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "common/state/state_alert.h"
#include "reconciler/alerts/alert_payload.h"
#include "reconciler/alerts/alert_rules.h"
#include "reconciler/alerts/webhook.h"
#include "reconciler/api/api_answer.h"

#define TEST_BYTES_MAX 65536

static void write_alert(struct dw_buf *out, const struct dw_alert_record *alert)
{
    dw_api_answer_open(out, '{');
    dw_json_write_i64(out, "id", alert->id);
    dw_json_write_text(out, "alert", alert->rule);
    dw_json_write_text(out, "object", alert->object);
    dw_json_write_text(out, "level", alert->level);
    dw_json_write_text(out, "message", alert->message);
    dw_json_write_text(out, "remedy", alert->remedy);
    dw_api_answer_time(out, "since", alert->since_us);
    dw_api_answer_time(out, "resolved_at", alert->resolved_us);
    dw_api_answer_time(out, "delivered_at", alert->delivered_us);
    dw_json_write_bool(out, "silenced", alert->silenced);
    dw_buf_append_char(out, '}');
}

static void write_alerts(struct dw_buf *out, const struct dw_alert_records *alerts, size_t count)
{
    dw_json_write_name(out, "alerts");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++)
        write_alert(out, &alerts->items[i]);
    dw_buf_append_char(out, ']');
}

enum dw_rc dw_api_alerts_write(struct dw_api_call *call, struct dw_err *err)
{
    const struct dw_alert_page page = {.firing = true};
    struct dw_alert_records alerts;
    enum dw_rc rc = dw_state_alert_list(call->state, &page, call->arena, &alerts, err);
    if (!rc)
        write_alerts(&call->response->body, &alerts, alerts.count);
    return rc;
}

/* --- lists --------------------------------------------------------------------------------------
 */

static void write_silence(struct dw_buf *out, const struct dw_alert_silence *silence)
{
    dw_json_write_i64(out, "silence", silence->id);
    dw_json_write_text(out, "rule", silence->rule);
    dw_json_write_text(out, "object", silence->object);
    dw_api_answer_time(out, "until", silence->until_us);
    dw_json_write_text(out, "reason", silence->reason);
    dw_json_write_text(out, "by", silence->by);
    dw_api_answer_time(out, "created_at", silence->created_us);
}

static enum dw_rc write_silences(struct dw_api_call *call, struct dw_err *err)
{
    const struct dw_alert_silence *silences = NULL;
    size_t count = 0;
    struct dw_buf *out = &call->response->body;
    enum dw_rc rc = dw_state_alert_silences(call->state, call->arena, &silences, &count, err);
    if (rc)
        return rc;
    dw_json_write_name(out, "silences");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        dw_api_answer_open(out, '{');
        write_silence(out, &silences[i]);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
    return DW_OK;
}

/* Those of the settings, with what the state database knows of them. */
static enum dw_rc write_webhooks(struct dw_api_call *call, struct dw_err *err)
{
    const struct dw_webhook_record *records = NULL;
    size_t count = 0;
    struct dw_buf *out = &call->response->body;
    enum dw_rc rc = dw_state_alert_webhooks(call->state, call->arena, &records, &count, err);
    if (rc)
        return rc;
    dw_json_write_name(out, "webhooks");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < call->settings->webhook_count; i++) {
        const struct dw_webhook_settings *webhook = &call->settings->webhooks[i];
        struct dw_webhook_record known = {.error = ""};
        for (size_t k = 0; k < count; k++)
            if (strcmp(records[k].name, webhook->name) == 0)
                known = records[k];
        dw_api_answer_open(out, '{');
        dw_json_write_text(out, "webhook", webhook->name);
        dw_json_write_text(out, "format",
                           webhook->format == DW_WEBHOOK_PLAIN ? "plain" : "alertmanager");
        dw_json_write_text(out, "level", webhook->level ? "critical" : "warning");
        dw_api_answer_time(out, "delivered_at", known.delivered_us);
        dw_api_answer_time(out, "failing_since", known.failing_since_us);
        dw_json_write_i64(out, "tries", known.tries);
        dw_json_write_text(out, "error", known.error);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
    return DW_OK;
}

static void list(struct dw_api_call *call, bool firing)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_alert_records alerts;
    struct dw_buf *out = &call->response->body;
    size_t limit = (size_t)dw_api_request_number(&call->request, "limit");
    const struct dw_alert_page page = {
        .firing = firing,
        .rule = dw_api_request_text(&call->request, "rule"),
        .object = dw_api_request_text(&call->request, "object"),
        .after = dw_api_request_number(&call->request, "after"),
        .limit = (int64_t)limit + 1, /* to know whether there are more */
    };
    enum dw_rc rc = dw_state_alert_list(call->state, &page, call->arena, &alerts, &err);
    size_t shown = rc || alerts.count < limit ? alerts.count : limit;
    if (!rc) {
        dw_buf_append_char(out, '{');
        write_alerts(out, &alerts, shown);
        dw_api_answer_next(out, alerts.count > limit, shown ? alerts.items[shown - 1].id : 0);
    }
    if (!rc && firing)
        rc = write_silences(call, &err);
    if (!rc && firing)
        rc = write_webhooks(call, &err);
    if (rc) {
        out->len = 0;
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_text(out, "}\n");
}

void dw_api_alerts_list(struct dw_api_call *call)
{
    list(call, true);
}

void dw_api_alerts_history(struct dw_api_call *call)
{
    list(call, false);
}

/* --- silences -----------------------------------------------------------------------------------
 */

static const char *given(const struct dw_api_call *call, const char *name)
{
    const char *text = dw_api_request_text(&call->request, name);
    return text ? text : "";
}

/* A slip would keep nobody quiet, and the pager would ring all the same. */
static bool check_rule(struct dw_api_call *call, const char *rule)
{
    const char *const *names = dw_alert_rules_names();
    const char *all = "";
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], rule) == 0)
            return true;
        all = dw_arena_printf(call->arena, "%s%s%s", all, i ? ", " : "", names[i]);
    }
    if (!*rule)
        return true;
    dw_http_error(call->response, 422, "DW-API-033", "there is no alert %.100s; there are: %s",
                  rule, all);
    return false;
}

void dw_api_alerts_silence(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    if (!check_rule(call, given(call, "rule")))
        return;
    int64_t seconds = dw_api_request_number(&call->request, "seconds");
    struct dw_alert_silence silence = {
        .rule = given(call, "rule"),
        .object = given(call, "object"),
        .reason = given(call, "reason"),
        .by = call->by,
        .created_us = dw_clock_wall_us(),
    };
    silence.until_us = silence.created_us + seconds * 1000000;
    if (dw_state_alert_silence(call->state, &silence, seconds, &silence.id, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_char(&call->response->body, '{');
    write_silence(&call->response->body, &silence);
    dw_buf_append_text(&call->response->body, "}\n");
}

void dw_api_alerts_unsilence(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    int64_t id = dw_api_request_number(&call->request, "id");
    if (dw_state_alert_unsilence(call->state, id, call->by, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_char(&call->response->body, '{');
    dw_json_write_i64(&call->response->body, "silence", id);
    dw_buf_append_text(&call->response->body, "}\n");
}

/* --- test ---------------------------------------------------------------------------------------
 */

/* Sends an alert that fires, and that it is over. */
static enum dw_rc try_webhook(struct dw_api_call *call, const struct dw_webhook_settings *webhook,
                              struct dw_err *err)
{
    int64_t now_us = dw_clock_wall_us();
    struct dw_alert_record record = {
        .rule = "test",
        .object = webhook->name,
        .level = "critical",
        .message = dw_arena_printf(call->arena, "a test, asked for by %s", call->by),
        .remedy = "nothing has to be done",
        .since_us = now_us,
    };
    const struct dw_alert_message message = {
        .webhook = webhook,
        .url = call->settings->reconciler.url,
        .records = &record,
        .count = 1,
        .now_us = now_us,
    };
    enum dw_rc rc = DW_OK;
    for (int i = 0; i < 2 && !rc; i++) {
        struct dw_buf body;
        dw_buf_init(&body, TEST_BYTES_MAX);
        record.resolved_us = i ? now_us : 0;
        dw_alert_payload_write(&message, &body);
        rc = dw_webhook_post(webhook, dw_buf_str(&body), NULL, err);
        dw_buf_done(&body);
    }
    return rc;
}

static void write_try(struct dw_api_call *call, const struct dw_webhook_settings *webhook)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_buf *out = &call->response->body;
    enum dw_rc rc = try_webhook(call, webhook, &err);
    dw_api_answer_open(out, '{');
    dw_json_write_text(out, "webhook", webhook->name);
    dw_json_write_bool(out, "delivered", rc == DW_OK);
    dw_json_write_text(out, "error", rc ? err.message : "");
    dw_buf_append_char(out, '}');
}

static void refuse_webhook(struct dw_api_call *call, const char *name)
{
    const char *names = "";
    for (size_t i = 0; i < call->settings->webhook_count; i++)
        names = dw_arena_printf(call->arena, "%s%s%s", names, i ? ", " : "",
                                call->settings->webhooks[i].name);
    if (*names)
        dw_http_error(call->response, 404, "DW-API-051", "there is no webhook %s; there are: %s",
                      name, names);
    else
        dw_http_error(call->response, 404, "DW-API-051", "dualwrite.json has no webhooks");
}

void dw_api_alerts_test(struct dw_api_call *call)
{
    const char *name = dw_api_request_text(&call->request, "webhook");
    struct dw_buf *out = &call->response->body;
    if (call->settings->webhook_count == 0 || (name && !dw_webhook_find(call->settings, name))) {
        refuse_webhook(call, name ? name : "");
        return;
    }
    dw_buf_append_text(out, "{\"webhooks\":[");
    for (size_t i = 0; i < call->settings->webhook_count; i++)
        if (!name || strcmp(call->settings->webhooks[i].name, name) == 0)
            write_try(call, &call->settings->webhooks[i]);
    dw_buf_append_text(out, "]}\n");
}
