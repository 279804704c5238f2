/* sync_gauges.h - progress of syncs as metrics, and for the API's rates. */
#ifndef DW_API_SYNC_GAUGES_H
#define DW_API_SYNC_GAUGES_H
#include "common/base/arena.h"
#include "common/base/err.h"

struct dw_state;
struct dw_sync_meter;

/* Once every few seconds. Allocates in `arena`. */
enum dw_rc dw_sync_gauges_refresh(struct dw_state *state, struct dw_sync_meter *meter,
                                  struct dw_arena *arena, struct dw_err *err) DW_MUST_CHECK;
/* This instance does not know any more. */
void dw_sync_gauges_clear(void);

#endif
