/* state_life.h - the life of maps in the state database, beyond single orders: starting several
 * with a copy of their rows, catching up, earlier revisions, and who did what. Threads, errors:
 * state.h.
 */
#ifndef DW_STATE_STATE_LIFE_H
#define DW_STATE_STATE_LIFE_H
#include "common/state/state.h"
#include "common/state/state_sync.h"

struct dw_life_start {
    const char *const *maps; /* in the order of `syncs` */
    size_t count;
    const struct dw_sync_order *syncs; /* one for each map; NULL: live changes only */
    const char *reason;                /* "" none */
    const char *by;
};

/* Starts stopped maps and orders their initial syncs, all or none, as one batch. Both arrays have
 * `count` places; out_syncs is filled only with `syncs`. Errors: as dw_state_map_order and
 * dw_state_sync_create; DW_CONFLICT DW-STATE-005 also for a map that is not stopped. */
enum dw_rc dw_state_life_start(struct dw_state *state, const struct dw_life_start *start,
                               struct dw_map_outcome *out, int64_t *out_syncs,
                               struct dw_err *err) DW_MUST_CHECK;

struct dw_life_behind { /* a map in DW_MAP_CATCHING_UP */
    const char *map;
    int32_t partitions;
    int64_t published_us; /* the source's time up to which Kafka has its changes; 0 unknown */
};

/* Maps that write into `target_system` and catch up. */
enum dw_rc dw_state_life_behind(struct dw_state *state, const char *target_system,
                                struct dw_arena *arena, const struct dw_life_behind **out,
                                size_t *out_count, struct dw_err *err) DW_MUST_CHECK;
/* The target has caught up; no effect on a map that is in another state by now. */
enum dw_rc dw_state_life_caught_up(struct dw_state *state, const char *map,
                                   struct dw_err *err) DW_MUST_CHECK;

struct dw_life_revision {
    int64_t revision;
    const char *version;
    const char *document;
    const char *by;
    int64_t at_us;
    bool current;
};

/* One revision of a map, 0: the one before the current. *out is NULL when there is none. */
enum dw_rc dw_state_life_revision(struct dw_state *state, const char *map, int64_t revision,
                                  struct dw_arena *arena, const struct dw_life_revision **out,
                                  struct dw_err *err) DW_MUST_CHECK;

struct dw_life_audit {
    int64_t id;
    int64_t at_us;
    const char *by, *action, *object;
    const char *detail; /* a JSON object */
};

struct dw_life_audit_filter {
    const char *object; /* a map; NULL: all */
    int64_t before;     /* only older than this id; 0: from the newest */
    int limit;
};

/* Who did what, newest first. */
enum dw_rc dw_state_life_audit(struct dw_state *state, const struct dw_life_audit_filter *filter,
                               struct dw_arena *arena, const struct dw_life_audit **out,
                               size_t *out_count, struct dw_err *err) DW_MUST_CHECK;

#endif
