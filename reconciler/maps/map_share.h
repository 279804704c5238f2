/* map_share.h - maps that share a target table: which of them tell its rows apart, and by what.
 *
 * Two maps are shares when both take rows of one source table by filters, under the same keys: one
 * source row is one target row in both, and the writer keeps beside it whose it is
 * (consumer/write_postgres/owner.h). Pure. Threads: any.
 */
#ifndef DW_MAPS_MAP_SHARE_H
#define DW_MAPS_MAP_SHARE_H
#include "common/model/table_map.h"

/* One table of one system. */
bool dw_map_share_same_side(const struct dw_map_side *a, const struct dw_map_side *b);
/* It sets a column in place of removing rows. */
bool dw_map_share_flags(const struct dw_table_map *map);
/* Both take their share of one source table. What one flags the other would not set back. */
bool dw_map_share_are_shares(const struct dw_table_map *a, const struct dw_table_map *b);

#endif
