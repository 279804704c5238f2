/* check_source.h - can the source table's changes be captured, and do they carry what the map
 * needs?
 *
 * Only for reconciler/maps.
 */
#ifndef DW_MAPS_CHECK_SOURCE_H
#define DW_MAPS_CHECK_SOURCE_H
#include "reconciler/maps/check_context.h"

/* The server: version, wal_level, role, slots. */
void dw_check_source_server(struct dw_check_context *context, struct dw_check_map *map);

/* The table, its key and its replica identity, from what the catalogue said. */
void dw_check_source_table(struct dw_check_context *context, struct dw_check_map *map);

/* What asks the server more: kind of storage, partitions, publication. */
void dw_check_source_published(struct dw_check_context *context, struct dw_check_map *map);

#endif
