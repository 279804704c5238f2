/* check_expr.h - the expressions of a map: the filter and computed columns, against the catalogue.
 *
 * Only for reconciler/maps. Threads: one.
 */
#ifndef DW_MAPS_CHECK_EXPR_H
#define DW_MAPS_CHECK_EXPR_H
#include "reconciler/maps/check_context.h"

/* source.filter and on_filter_exit; `map->source` was found. */
void dw_check_expr_filter(struct dw_check_context *context, struct dw_check_map *map);
/* columns[index].compute. `target`: NULL when it was not found (reported). */
void dw_check_expr_column(struct dw_check_context *context, struct dw_check_map *map, size_t index,
                          const struct dw_pg_column *target);
/* A source column that an expression or a lookup at `path` needs in every event. */
void dw_check_expr_used(struct dw_check_context *context, struct dw_check_map *map,
                        const struct dw_pg_column *column, const char *path);

#endif
