/* check_shared.h - maps beside each other: one target table, parents, chains of systems.
 *
 * Only for reconciler/maps.
 */
#ifndef DW_MAPS_CHECK_SHARED_H
#define DW_MAPS_CHECK_SHARED_H
#include "reconciler/maps/check_context.h"

/* `maps`: all, the applied ones too (their systems and tables are not looked up). */
void dw_check_shared(struct dw_check_context *context, struct dw_check_map *maps, size_t count);

#endif
