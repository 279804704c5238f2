/* webhook.h - posts JSON to a webhook, once.
 *
 * No redirects, no protocols but http and https, TLS verified, answers bounded. The address and the
 * header Authorization stand in no message. Threads: any.
 */
#ifndef DW_ALERTS_WEBHOOK_H
#define DW_ALERTS_WEBHOOK_H
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/config/settings.h"
#include <stdatomic.h>
#include <stdbool.h>

/* DW_OK: it answered 2xx. Errors: DW_RETRY DW-API-050. `stopping` (may be NULL): gives up soon
 * after it is set. */
enum dw_rc dw_webhook_post(const struct dw_webhook_settings *webhook, struct dw_str body,
                           const atomic_bool *stopping, struct dw_err *err) DW_MUST_CHECK;

/* NULL when there is no such webhook. */
const struct dw_webhook_settings *dw_webhook_find(const struct dw_settings *settings,
                                                  const char *name);

#endif
