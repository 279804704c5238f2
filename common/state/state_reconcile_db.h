/* state_reconcile_db.h - what the files behind state_reconcile.h share; for them only. */
#ifndef DW_STATE_STATE_RECONCILE_DB_H
#define DW_STATE_STATE_RECONCILE_DB_H
#include "common/base/str.h"
#include "common/state/state_reconcile.h"

/* In a transaction of the caller. */
enum dw_rc dw_state_reconcile_audit(struct dw_state *state, const char *by, const char *action,
                                    const char *map, struct dw_str detail,
                                    struct dw_err *err) DW_MUST_CHECK;
/* DW_CONFIG DW-STATE-021 when there is none. */
enum dw_rc dw_state_reconcile_find(struct dw_state *state, int64_t id, struct dw_arena *arena,
                                   const struct dw_reconcile_run **out,
                                   struct dw_err *err) DW_MUST_CHECK;
/* Names the letters of its rows that were not indexed yet when those were judged. */
enum dw_rc dw_state_reconcile_link_letters(struct dw_state *state, int64_t id,
                                           struct dw_err *err) DW_MUST_CHECK;
/* Its suspects and verify syncs go; in a transaction of the caller. */
enum dw_rc dw_state_reconcile_forget(struct dw_state *state, int64_t id,
                                     struct dw_err *err) DW_MUST_CHECK;
/* A run that has just been done is mended without a person, as the policy has it; in a transaction
 * of the caller. Nothing happens when the map was changed meanwhile. */
enum dw_rc dw_state_repair_by_itself(struct dw_state *state, int64_t run,
                                     const struct dw_repair_policy *policy,
                                     struct dw_err *err) DW_MUST_CHECK;

#endif
