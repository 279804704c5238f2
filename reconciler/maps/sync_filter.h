/* sync_filter.h - the expression that chooses the rows of a re-sync, against the source's
 * catalogue.
 *
 * Threads: blocks; any one thread.
 */
#ifndef DW_MAPS_SYNC_FILTER_H
#define DW_MAPS_SYNC_FILTER_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"

struct dw_table_map;

/* Any column of the source table may be named, mapped or not. Errors: DW_CONFLICT DW-EXPR-001 to
 * 009 with position, what was found and what is allowed; DW_CONFIG DW-MAP-020 no such system; as
 * dw_pg_connect and dw_pg_table_load. */
enum dw_rc dw_sync_filter_check(const struct dw_settings *settings, const struct dw_table_map *map,
                                const char *filter, struct dw_arena *arena,
                                struct dw_err *err) DW_MUST_CHECK;

#endif
