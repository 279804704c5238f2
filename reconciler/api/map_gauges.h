/* map_gauges.h - which state each map is in, and what it is, as metrics. Threads: any. */
#ifndef DW_API_MAP_GAUGES_H
#define DW_API_MAP_GAUGES_H
#include "common/base/arena.h"
#include "common/base/err.h"

struct dw_state;

/* dw_map_state{map,state} is 1 for the state that the map is in, 0 for the others;
 * dw_map_info{map,source,target,topic,revision,partitions} is 1. Allocates in `arena`. */
enum dw_rc dw_map_gauges_refresh(struct dw_state *state, struct dw_arena *arena,
                                 struct dw_err *err) DW_MUST_CHECK;

/* Another instance tells now. */
void dw_map_gauges_clear(void);

#endif
