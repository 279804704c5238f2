/* check_target.h - can rows be merged into the target table, and progress be kept beside them?
 *
 * Only for reconciler/maps.
 */
#ifndef DW_MAPS_CHECK_TARGET_H
#define DW_MAPS_CHECK_TARGET_H
#include "reconciler/maps/check_context.h"

/* The table: kind, unique index on the key, privileges, from what the catalogue said. */
void dw_check_target_table(struct dw_check_context *context, struct dw_check_map *map);

/* What asks the server more: kind of storage, schemas. */
void dw_check_target_server(struct dw_check_context *context, struct dw_check_map *map);

#endif
