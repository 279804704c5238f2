/* mended_look.h - sees when a new revision of a map is in force in its target, so that the map's
 * dead letters are tried again. Threads: the caller's. Calls block. */
#ifndef DW_TARGETS_MENDED_LOOK_H
#define DW_TARGETS_MENDED_LOOK_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/state/state_retry.h"
#include "reconciler/targets/target_watch.h"

/* Has every partition come to the revision? A replay that is sent now finds it, then. `progress`
 * NULL: nothing has come yet. Pure. */
bool dw_mended_look_is_in_force(const struct dw_retry_revision *revision,
                                const struct dw_target_progress *progress);

/* Looks at the maps that write into `system`, by a snapshot read before this call. */
enum dw_rc dw_mended_look(struct dw_state *state, const char *system,
                          const struct dw_target_snapshot *snapshot, struct dw_arena *arena,
                          struct dw_err *err) DW_MUST_CHECK;

#endif
