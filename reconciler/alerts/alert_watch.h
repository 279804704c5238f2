/* alert_watch.h - looks every two seconds what the rules find, and keeps it in the state database:
 * fired, worse, over. Each of these is logged once, and the metric dw_alert shows the levels.
 *
 * Threads: one of its own; start, stop by the owner.
 */
#ifndef DW_ALERTS_ALERT_WATCH_H
#define DW_ALERTS_ALERT_WATCH_H
#include "common/base/err.h"
#include "common/config/settings.h"

struct dw_alert_watch;
struct dw_target_watch;

/* Borrows both until stop. */
enum dw_rc dw_alert_watch_start(struct dw_alert_watch **out, const struct dw_settings *settings,
                                struct dw_target_watch *targets, struct dw_err *err) DW_MUST_CHECK;
void dw_alert_watch_stop(struct dw_alert_watch *watch); /* accepts NULL; waits */

#endif
