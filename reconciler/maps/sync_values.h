/* sync_values.h - whether the keys of a re-sync can be keys of the source's table at all.
 *
 * A text that is no number, date or GUID would only be found by the producer, and its sync could
 * never go on. Threads: blocks; any one thread.
 */
#ifndef DW_MAPS_SYNC_VALUES_H
#define DW_MAPS_SYNC_VALUES_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"

struct dw_table_map;

/* `keys`: a JSON array of keys, as sync_keys.h makes them. While the source cannot be asked they
 * pass. Errors: DW_CONFLICT DW-SYNC-003. */
enum dw_rc dw_sync_values_check(const struct dw_settings *settings, const struct dw_table_map *map,
                                const char *keys, struct dw_arena *arena,
                                struct dw_err *err) DW_MUST_CHECK;

#endif
