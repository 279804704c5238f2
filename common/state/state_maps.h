/* state_maps.h - changes of a map's state within a transaction; for the files of this folder only.
 */
#ifndef DW_STATE_STATE_MAPS_H
#define DW_STATE_STATE_MAPS_H
#include "common/state/state.h"

/* An order as in dw_state_map_order, and DW_MAP_START_SYNC besides. DW_MAP_RESUME goes on with an
 * initial sync that is not over; DW_MAP_STOP cancels the map's syncs. */
enum dw_rc dw_state_maps_order(struct dw_state *state, const struct dw_map_order *order,
                               struct dw_map_outcome *out, struct dw_err *err) DW_MUST_CHECK;

struct dw_state_event { /* what a process found, or what follows from an order on a sync */
    const char *map;
    enum dw_map_event event;
    const char *code, *reason; /* "" none */
    const char *by;
};

/* No effect where the table says that the map stays as it is. Does not raise its `change`. */
enum dw_rc dw_state_maps_settle(struct dw_state *state, const struct dw_state_event *event,
                                struct dw_err *err) DW_MUST_CHECK;

#endif
