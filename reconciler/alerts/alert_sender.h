/* alert_sender.h - tells webhooks of alerts: fired, worse, over.
 *
 * What a webhook has acknowledged is written down; until then it is sent again, with a growing
 * pause: nothing is lost when the reconciler is killed, and after a restart only what was not
 * acknowledged is sent (at least once: a kill between acknowledgement and note sends it twice).
 * Alerts of one rule go together. Threads: one of its own; start, stop by the owner.
 */
#ifndef DW_ALERTS_ALERT_SENDER_H
#define DW_ALERTS_ALERT_SENDER_H
#include "common/base/err.h"
#include "common/config/settings.h"

struct dw_alert_sender;

/* Borrows `settings` until stop. *out is NULL when there are no webhooks. */
enum dw_rc dw_alert_sender_start(struct dw_alert_sender **out, const struct dw_settings *settings,
                                 struct dw_err *err) DW_MUST_CHECK;
void dw_alert_sender_stop(struct dw_alert_sender *sender); /* accepts NULL; waits */

#endif
