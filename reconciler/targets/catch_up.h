/* catch_up.h - sees when the target of a map that was behind is where the source is again. */
#ifndef DW_TARGETS_CATCH_UP_H
#define DW_TARGETS_CATCH_UP_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/state/state_life.h"
#include "reconciler/targets/target_watch.h"

struct dw_catch_up_options {
    const char *system;   /* the target */
    int64_t heartbeat_ms; /* how often an idle partition hears of the source */
};

/* Has every partition come to what Kafka has, but for what a heartbeat takes? Both times are the
 * source's, so that no clocks are compared. `progress` NULL: nothing has come yet. Pure. */
bool dw_catch_up_is_level(const struct dw_life_behind *behind,
                          const struct dw_target_progress *progress, int64_t heartbeat_ms);

/* Moves on the maps that have caught up, by a snapshot read before this call. */
enum dw_rc dw_catch_up_look(struct dw_state *state, const struct dw_catch_up_options *options,
                            const struct dw_target_snapshot *snapshot, struct dw_arena *arena,
                            struct dw_err *err) DW_MUST_CHECK;

#endif
