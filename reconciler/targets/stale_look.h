/* stale_look.h - orders that rows be read again whose looked-up value has changed.
 *
 * The consumer notes them in the target (dualwrite.stale); what was ordered in the state database
 * is taken away there afterwards, so that none is lost. Threads: the caller's. Calls block.
 */
#ifndef DW_TARGETS_STALE_LOOK_H
#define DW_TARGETS_STALE_LOOK_H
#include "common/base/arena.h"
#include "common/base/err.h"

struct dw_state;
struct pg_conn;

/* Allocates in `arena`. */
enum dw_rc dw_stale_look(struct dw_state *state, struct pg_conn *conn, struct dw_arena *arena,
                         struct dw_err *err) DW_MUST_CHECK;

#endif
