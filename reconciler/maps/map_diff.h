/* map_diff.h - what a new version of a map changes, and what that means for rows already there.
 *
 * Compares the documents as JSON, member by member: what this file does not know of counts as a
 * change that holds from now on. Pure. Threads: any.
 */
#ifndef DW_MAPS_MAP_DIFF_H
#define DW_MAPS_MAP_DIFF_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/model/map_resolved.h"
#include <stdbool.h>
#include <stddef.h>

enum dw_map_diff_effect { /* bits */
                          DW_MAP_DIFF_BACKFILL =
                              1, /* rows already there are right only after they are copied again */
                          DW_MAP_DIFF_REMOVALS = 2, /* … and some of them have to go */
                          DW_MAP_DIFF_STOP = 4,     /* only while the map is stopped */
};

struct dw_map_diff_change {
    const char *path;   /* "columns.note", "source.filter" */
    const char *change; /* "new", "gone", "was … is …" */
    const char *means;
    unsigned effects;
};

struct dw_map_diff {
    const struct dw_map_diff_change *changes;
    size_t count;
    unsigned effects; /* of all */
};

/* In `arena`. A document that is no JSON object counts as empty. */
void dw_map_diff_make(struct dw_str before, struct dw_str after, struct dw_arena *arena,
                      struct dw_map_diff *out);
/* Adds the columns whose types in the catalogues are others than when the revision before was
 * applied: to apply the map makes a new revision for them, whatever its document says. */
void dw_map_diff_retyped(struct dw_map_diff *diff, const struct dw_map_resolved *before,
                         const struct dw_map_resolved *after, struct dw_arena *arena);
/* Members "changes", "backfill", "removals", "stop" of an object. */
void dw_map_diff_write(const struct dw_map_diff *diff, struct dw_buf *out);

#endif
