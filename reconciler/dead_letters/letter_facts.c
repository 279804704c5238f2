/* letter_facts.c - see letter_facts.h. */
#include "reconciler/dead_letters/letter_facts.h"

enum dw_rc dw_letter_facts_load(struct dw_state *state, const struct dw_settings *settings,
                                const char *map, struct dw_arena *arena,
                                struct dw_letter_facts *out, struct dw_err *err)
{
    struct dw_state_position position = {.known = false};
    *out = (struct dw_letter_facts){
        .incarnation = "",
        .attempts_max = settings->reconciler.replay_attempts_max,
    };
    enum dw_rc rc = dw_state_map_load(state, map, arena, &out->map, err);
    if (rc || !out->map)
        return rc;
    rc = dw_state_position_load(state, out->map->source_system, &position, err);
    if (rc)
        return rc;
    out->epoch = position.known ? position.epoch : 0;
    return dw_state_system_incarnation(state, out->map->target_system, arena, &out->incarnation,
                                       err);
}
