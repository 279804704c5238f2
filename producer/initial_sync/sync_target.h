/* sync_target.h - the keys that the target has, for a re-sync that also deletes what the source has
 * not (trap 19). They are looked up in the source afterwards (chunk_read.h), so neither the order
 * nor the collation of the two databases has to be the same.
 *
 * Only for maps whose key columns are plain copies: else a target's key does not tell the source's.
 * Threads: one owner. Calls block.
 */
#ifndef DW_INITIAL_SYNC_SYNC_TARGET_H
#define DW_INITIAL_SYNC_SYNC_TARGET_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "producer/initial_sync/chunk_read.h"

struct pg_conn;
struct dw_sync_span;

struct dw_sync_target {
    const struct dw_settings *settings;
    struct pg_conn *conn;
    const struct dw_system_settings *system; /* of the connection */
};

void dw_sync_target_init(struct dw_sync_target *target, const struct dw_settings *settings);
void dw_sync_target_drop(struct dw_sync_target *target);

/* DW_CONFIG DW-SYNC-007 when the map's keys cannot be turned back. */
enum dw_rc dw_sync_target_check(const struct dw_table_map *map, struct dw_err *err) DW_MUST_CHECK;

struct dw_sync_target_keys { /* a page of them */
    struct dw_arena *arena;
    int64_t limit;
    struct dw_str *keys; /* key_count texts for each, in the map's order */
    size_t count;
    struct dw_buf last; /* the cursor behind it; empty: there was none */
    bool more;
};

/* The next keys of the span, behind its cursor. A sync of given keys has these, whether the target
 * has them or not. `page`: arena and limit are given, `last` is initialised. */
enum dw_rc dw_sync_target_read(struct dw_sync_target *target, const struct dw_sync_span *span,
                               struct dw_sync_target_keys *page, struct dw_err *err) DW_MUST_CHECK;

#endif
