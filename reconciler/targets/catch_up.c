/* catch_up.c - see catch_up.h. */
#include "reconciler/targets/catch_up.h"

#include "common/base/log.h"
#include <stdint.h>

#define SLACK_MS                                                                                   \
    2000 /* beside two heartbeats: for saving positions, and the look's own interval               \
          */

bool dw_catch_up_is_level(const struct dw_life_behind *behind,
                          const struct dw_target_progress *progress, int64_t heartbeat_ms)
{
    int64_t slack_us = (2 * heartbeat_ms + SLACK_MS) * 1000;
    return progress && progress->partitions >= behind->partitions && progress->position_us > 0 &&
           progress->position_us + slack_us >= behind->published_us;
}

enum dw_rc dw_catch_up_look(struct dw_state *state, const struct dw_catch_up_options *options,
                            const struct dw_target_snapshot *snapshot, struct dw_arena *arena,
                            struct dw_err *err)
{
    const struct dw_life_behind *maps = NULL;
    size_t count = 0;
    dw_arena_reset(arena);
    enum dw_rc rc = dw_state_life_behind(state, options->system, arena, &maps, &count, err);
    for (size_t i = 0; i < count && !rc; i++) {
        const struct dw_target_progress *progress = dw_target_snapshot_find(snapshot, maps[i].map);
        if (!dw_catch_up_is_level(&maps[i], progress, options->heartbeat_ms))
            continue;
        rc = dw_state_life_caught_up(state, maps[i].map, err);
        if (!rc)
            dw_log(DW_LOG_INFO, "map.caught_up", "the target is up to date",
                   DW_F_TEXT("map", maps[i].map));
    }
    return rc;
}
