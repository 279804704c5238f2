/* compare_run.h - one comparison, or its repair, from where it stands to its end.
 *
 *   rows ─► (extra) ─► judge ─► done        suspects are judged between steps when there are many
 *   repair: re-sync of the differences ─► judged once more ─► done
 *
 * Calls block for a step, not longer. Threads: one owner.
 */
#ifndef DW_COMPARE_COMPARE_RUN_H
#define DW_COMPARE_COMPARE_RUN_H
#include "common/config/settings.h"
#include "common/state/state.h"
#include "common/state/state_reconcile.h"
#include "reconciler/compare/compare_link.h"

struct dw_compare_run;

enum dw_run_step { DW_RUN_MORE, DW_RUN_WAIT, DW_RUN_OVER };

/* Takes up a run that is active. Errors: DW_RETRY; what a person has to mend ends the run, which is
 * then over. */
enum dw_rc dw_compare_run_open(struct dw_compare_run **out, int64_t id, struct dw_state *state,
                               const struct dw_settings *settings,
                               struct dw_err *err) DW_MUST_CHECK;
/* Does a step. WAIT: again in a while, at *out_wait_ms. DW_RETRY: close it and open it again. */
enum dw_rc dw_compare_run_step(struct dw_compare_run *run, enum dw_run_step *out,
                               int64_t *out_wait_ms, struct dw_err *err) DW_MUST_CHECK;
void dw_compare_run_close(struct dw_compare_run *run); /* accepts NULL */

#endif
