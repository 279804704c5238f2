/* check_lookup.h - lookups of a map: tables, keys and types; and maps that wait for each other.
 *
 * Only for reconciler/maps. Threads: one.
 */
#ifndef DW_MAPS_CHECK_LOOKUP_H
#define DW_MAPS_CHECK_LOOKUP_H
#include "reconciler/maps/check_context.h"

/* columns[index].lookup. `target`: NULL when it was not found (reported). */
void dw_check_lookup_column(struct dw_check_context *context, struct dw_check_map *map,
                            size_t index, const struct dw_pg_column *target);

/* A circle of lookups that goes through maps[index]; tables that no map writes. */
void dw_check_lookup_shared(struct dw_check_context *context, struct dw_check_map *maps,
                            size_t count, size_t index);

#endif
