/* check_columns.h - the map's columns against both tables: existence, conversion, null, values.
 *
 * Only for reconciler/maps.
 */
#ifndef DW_MAPS_CHECK_COLUMNS_H
#define DW_MAPS_CHECK_COLUMNS_H
#include "reconciler/maps/check_context.h"

/* Reports what is wrong with the columns. Both tables were found. */
void dw_check_columns(struct dw_check_context *context, struct dw_check_map *map);

/* What the map's columns are in both catalogues; columns that do not exist are left out. */
void dw_check_columns_resolve(struct dw_check_context *context, const struct dw_check_map *map,
                              struct dw_map_resolved *out);

/* How different keys may become one when a source column goes to a target column: NULL never, else
 * the reason. *out_certain: not only in odd cases. */
const char *dw_check_columns_folding(const struct dw_pg_column *source,
                                     const struct dw_pg_column *target, bool *out_certain);

#endif
