/* map_columns.h - "columns" of a map file: parsing them, and binding the key pairs to them.
 *
 * Only for table_map.c.
 */
#ifndef DW_MODEL_MAP_COLUMNS_H
#define DW_MODEL_MAP_COLUMNS_H
#include "common/model/map_reader.h"
#include "common/model/table_map.h"

/* A map's columns while they are put together. */
struct dw_map_columns {
    struct dw_map_column *items;
    const struct dw_node **nodes; /* where each stands in the file; NULL for implied ones */
    size_t count;
};

/* Parses "columns" (`node` may be NULL: none) with room for DW_TABLE_MAP_KEY_MAX implied ones. What
 * is refused is reported and left out. */
void dw_map_columns_parse(struct dw_map_reader *reader, const struct dw_node *node,
                          struct dw_map_columns *out);

/* Pairs the keys of both sides (see table_map.h), marks key columns, adds implied ones. `target`
 * is that side's object in the file. */
void dw_map_columns_bind_keys(struct dw_map_reader *reader, const struct dw_table_map *map,
                              const struct dw_node *target, struct dw_map_columns *columns);

#endif
