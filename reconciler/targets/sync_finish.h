/* sync_finish.h - sees when the target has everything of a sync: every partition of the map has
 * passed the sync's end mark. */
#ifndef DW_TARGETS_SYNC_FINISH_H
#define DW_TARGETS_SYNC_FINISH_H
#include "common/base/arena.h"
#include "common/base/err.h"

struct dw_state;
struct pg_conn;

/* Looks at the syncs that drain into `system`, whose database `conn` is connected to. */
enum dw_rc dw_sync_finish_look(struct dw_state *state, struct pg_conn *conn, const char *system,
                               struct dw_arena *arena, struct dw_err *err) DW_MUST_CHECK;

#endif
