/* map_order.h - which maps come first when several are copied together: parents before children, by
 * the foreign keys among their target tables and by the lookups in the maps.
 */
#ifndef DW_MAPS_MAP_ORDER_H
#define DW_MAPS_MAP_ORDER_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include <stdbool.h>
#include <stddef.h>

struct dw_table_map;

struct dw_map_order_edge { /* indexes of maps */
    size_t child, parent;
    bool soft; /* the child can do without: counts only where it closes no cycle */
};

struct dw_map_order_item {
    size_t map;          /* its index */
    const size_t *after; /* places in the order, all before this one: what has to be done first */
    size_t after_count;
};

/* Puts `count` maps in order. Those of a cycle have no order among themselves; else the order given
 * is kept. Pure. *out has `count` items, in `arena`. */
void dw_map_order_sort(size_t count, const struct dw_map_order_edge *edges, size_t edge_count,
                       struct dw_arena *arena, const struct dw_map_order_item **out);

/* The edges among maps: lookups, and the foreign keys that each target names. A target that cannot
 * be asked gives none of these: *out_problem says why ("" else). Blocks. */
void dw_map_order_find(const struct dw_settings *settings, const struct dw_table_map *const *maps,
                       size_t count, struct dw_arena *arena, const struct dw_map_order_edge **out,
                       size_t *out_count, const char **out_problem);

#endif
