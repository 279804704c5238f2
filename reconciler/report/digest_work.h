/* digest_work.h - notes once a minute what each map did, and sends yesterday's digest to the
 * webhooks that want it.
 *
 * Counts are told from those of the last note, which is in the state database: nothing is counted
 * twice or left out when the reconciler was away. Threads: one of its own; start, stop by the
 * owner.
 */
#ifndef DW_REPORT_DIGEST_WORK_H
#define DW_REPORT_DIGEST_WORK_H
#include "common/base/err.h"
#include "common/config/settings.h"

struct dw_digest_work;
struct dw_target_watch;

/* Borrows both until stop. */
enum dw_rc dw_digest_work_start(struct dw_digest_work **out, const struct dw_settings *settings,
                                struct dw_target_watch *targets, struct dw_err *err) DW_MUST_CHECK;
void dw_digest_work_stop(struct dw_digest_work *work); /* accepts NULL; waits */

#endif
