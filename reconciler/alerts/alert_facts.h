/* alert_facts.h - what the rules look at, read from the state database, from what processes report
 * and from the targets.
 *
 * Threads: one owner. Counting a large index of dead letters takes a while: it never takes more
 * than a tenth of the time, and the last count serves in between.
 */
#ifndef DW_ALERTS_ALERT_FACTS_H
#define DW_ALERTS_ALERT_FACTS_H
#include "common/base/err.h"
#include "common/state/state.h"
#include "reconciler/alerts/alert_rules.h"
#include "reconciler/targets/target_watch.h"

struct dw_alert_facts_reader;

struct dw_topic_watch;

/* Borrows all for its life; `topics` may be NULL. */
struct dw_alert_facts_reader *dw_alert_facts_new(const struct dw_settings *settings,
                                                 struct dw_target_watch *watch,
                                                 struct dw_topic_watch *topics);
void dw_alert_facts_free(struct dw_alert_facts_reader *reader); /* accepts NULL */

/* Everything in `arena`. */
enum dw_rc dw_alert_facts_read(struct dw_alert_facts_reader *reader, struct dw_state *state,
                               struct dw_arena *arena, struct dw_alert_facts *out,
                               struct dw_err *err) DW_MUST_CHECK;

#endif
