/* alert_payload.h - what a webhook is sent: alerts of one rule, in Prometheus Alertmanager's format
 * (version 4) or as plain JSON. Pure.
 */
#ifndef DW_ALERTS_ALERT_PAYLOAD_H
#define DW_ALERTS_ALERT_PAYLOAD_H
#include "common/base/buf.h"
#include "common/config/settings.h"
#include "common/state/state_alert.h"

#define DW_ALERT_PAYLOAD_MAX 100 /* alerts of one message; more are counted */

struct dw_alert_message {
    const struct dw_webhook_settings *webhook;
    const char *url;                       /* of the operator API, for links */
    const struct dw_alert_record *records; /* of one rule */
    size_t count;
    int64_t now_us;
};

void dw_alert_payload_write(const struct dw_alert_message *message, struct dw_buf *out);

#endif
