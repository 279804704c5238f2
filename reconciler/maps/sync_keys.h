/* sync_keys.h - keys of a re-sync as a person gives them, made what the producer reads: JSON arrays
 * of texts in the order of the map's source key. Pure. Threads: any.
 */
#ifndef DW_MAPS_SYNC_KEYS_H
#define DW_MAPS_SYNC_KEYS_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include <stddef.h>

struct dw_map_side;

/* One key: {"company": "dat", "id": 7} or ["dat", 7], for a key of one column also 7 or "7".
 * Errors: DW_CONFLICT DW-SYNC-003. */
enum dw_rc dw_sync_keys_parse_one(struct dw_str text, const struct dw_map_side *side,
                                  struct dw_arena *arena, const char **out,
                                  struct dw_err *err) DW_MUST_CHECK;
/* A JSON array of such keys; *out is one of arrays, *out_count their number (from 1). */
enum dw_rc dw_sync_keys_parse(struct dw_str text, const struct dw_map_side *side,
                              struct dw_arena *arena, const char **out, size_t *out_count,
                              struct dw_err *err) DW_MUST_CHECK;

#endif
