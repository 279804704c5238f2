/* mended_look.c - see mended_look.h. */
#include "reconciler/targets/mended_look.h"

#include "common/base/log.h"

bool dw_mended_look_is_in_force(const struct dw_retry_revision *revision,
                                const struct dw_target_progress *progress)
{
    return progress && progress->partitions >= revision->partitions &&
           progress->revision >= revision->revision;
}

enum dw_rc dw_mended_look(struct dw_state *state, const char *system,
                          const struct dw_target_snapshot *snapshot, struct dw_arena *arena,
                          struct dw_err *err)
{
    const struct dw_retry_revision *revisions = NULL;
    size_t count = 0;
    dw_arena_reset(arena);
    enum dw_rc rc = dw_state_retry_revisions(state, system, arena, &revisions, &count, err);
    for (size_t i = 0; i < count && !rc; i++) {
        const struct dw_target_progress *progress =
            dw_target_snapshot_find(snapshot, revisions[i].map);
        if (!dw_mended_look_is_in_force(&revisions[i], progress))
            continue;
        rc = dw_state_retry_mended(state, revisions[i].map, revisions[i].revision, err);
        if (!rc)
            dw_log(DW_LOG_INFO, "map.in_force", "a new revision is in force in every partition",
                   DW_F_TEXT("map", revisions[i].map), DW_F_INT("revision", revisions[i].revision));
    }
    return rc;
}
