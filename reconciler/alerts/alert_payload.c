/* alert_payload.c - see alert_payload.h. */
#include "reconciler/alerts/alert_payload.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/json_write.h"
#include <inttypes.h>

#define NEVER "0001-01-01T00:00:00Z" /* as Go writes no time */

static void write_time(struct dw_buf *out, const char *name, int64_t us, const char *none)
{
    char text[32];
    dw_json_write_text(out, name, us ? dw_clock_format(us, text) : none);
}

static const char *status_of(const struct dw_alert_record *record)
{
    return record->resolved_us ? "resolved" : "firing";
}

/* It fires as long as one of them does. */
static const char *status_of_all(const struct dw_alert_message *message)
{
    for (size_t i = 0; i < message->count; i++)
        if (!message->records[i].resolved_us)
            return "firing";
    return "resolved";
}

/* "critical" where all say so. */
static const char *common_level(const struct dw_alert_message *message)
{
    for (size_t i = 1; i < message->count; i++)
        if (strcmp(message->records[i].level, message->records[0].level) != 0)
            return NULL;
    return message->records[0].level;
}

static void write_labels(struct dw_buf *out, const char *name, const char *rule, const char *object,
                         const char *level)
{
    dw_json_write_name(out, name);
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "alertname", rule);
    if (object)
        dw_json_write_text(out, "object", object);
    if (level)
        dw_json_write_text(out, "severity", level);
    dw_buf_append_char(out, '}');
}

/* The same for every episode of a rule and an object. */
static void write_fingerprint(struct dw_buf *out, const struct dw_alert_record *record)
{
    uint64_t hash = dw_hash_bytes(record->rule, strlen(record->rule), 0);
    hash = dw_hash_bytes(record->object, strlen(record->object), hash);
    dw_json_write_name(out, "fingerprint");
    dw_buf_printf(out, "\"%016" PRIx64 "\"", hash);
}

static void write_alertmanager(const struct dw_alert_message *message,
                               const struct dw_alert_record *record, struct dw_buf *out)
{
    dw_json_write_text(out, "status", status_of(record));
    write_labels(out, "labels", record->rule, record->object, record->level);
    dw_json_write_name(out, "annotations");
    dw_buf_append_char(out, '{');
    dw_json_write_name(out, "summary");
    dw_buf_append_char(out, '"');
    dw_json_write_escaped(out, dw_str_from(record->object));
    dw_buf_append_text(out, ": ");
    dw_json_write_escaped(out, dw_str_from(record->message));
    dw_buf_append_char(out, '"');
    dw_json_write_text(out, "description", record->message);
    dw_json_write_text(out, "remedy", record->remedy);
    dw_buf_append_char(out, '}');
    write_time(out, "startsAt", record->since_us, NEVER);
    write_time(out, "endsAt", record->resolved_us, NEVER);
    dw_json_write_text(out, "generatorURL", message->url);
    write_fingerprint(out, record);
}

static void write_plain(const struct dw_alert_record *record, struct dw_buf *out)
{
    dw_json_write_text(out, "alert", record->rule);
    dw_json_write_text(out, "object", record->object);
    dw_json_write_text(out, "level", record->level);
    dw_json_write_text(out, "status", status_of(record));
    dw_json_write_text(out, "message", record->message);
    dw_json_write_text(out, "remedy", record->remedy);
    write_time(out, "since", record->since_us, NULL);
    write_time(out, "resolved_at", record->resolved_us, NULL);
}

static void write_head(const struct dw_alert_message *message, size_t left_out, struct dw_buf *out)
{
    const char *rule = message->records[0].rule;
    if (message->webhook->format == DW_WEBHOOK_PLAIN) {
        dw_json_write_text(out, "kind", "alerts");
        dw_json_write_text(out, "webhook", message->webhook->name);
        dw_json_write_text(out, "alert", rule);
        dw_json_write_text(out, "status", status_of_all(message));
        write_time(out, "at", message->now_us, NULL);
        dw_json_write_text(out, "url", message->url);
        dw_json_write_u64(out, "left_out", left_out);
        return;
    }
    dw_json_write_text(out, "version", "4");
    dw_json_write_name(out, "groupKey");
    dw_buf_append_text(out, "\"{}:{alertname=\\\"");
    dw_json_write_escaped(out, dw_str_from(rule));
    dw_buf_append_text(out, "\\\"}\"");
    dw_json_write_u64(out, "truncatedAlerts", left_out);
    dw_json_write_text(out, "status", status_of_all(message));
    dw_json_write_text(out, "receiver", message->webhook->name);
    write_labels(out, "groupLabels", rule, NULL, NULL);
    write_labels(out, "commonLabels", rule, message->count == 1 ? message->records[0].object : NULL,
                 common_level(message));
    dw_buf_append_text(out, ",\"commonAnnotations\":{}");
    dw_json_write_text(out, "externalURL", message->url);
}

void dw_alert_payload_write(const struct dw_alert_message *message, struct dw_buf *out)
{
    size_t shown =
        message->count < DW_ALERT_PAYLOAD_MAX ? message->count : (size_t)DW_ALERT_PAYLOAD_MAX;
    dw_buf_append_char(out, '{');
    write_head(message, message->count - shown, out);
    dw_json_write_name(out, "alerts");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < shown; i++) {
        dw_buf_append_text(out, i ? ",{" : "{");
        if (message->webhook->format == DW_WEBHOOK_PLAIN)
            write_plain(&message->records[i], out);
        else
            write_alertmanager(message, &message->records[i], out);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_text(out, "]}\n");
}
