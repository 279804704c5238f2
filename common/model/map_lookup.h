/* map_lookup.h - a column's "lookup": a value of another target table, found by a key.
 *
 * Only for the files that parse a map.
 */
#ifndef DW_MODEL_MAP_LOOKUP_H
#define DW_MODEL_MAP_LOOKUP_H
#include "common/model/map_reader.h"
#include "common/model/table_map.h"

/* `source`: what stands beside it, for a key given as a name; .ptr NULL: nothing. NULL when it
 * cannot be used (reported). */
const struct dw_map_lookup *dw_map_lookup_parse(struct dw_map_reader *reader,
                                                const struct dw_node *node, struct dw_str source);

#endif
