/* map_expr.h - the expressions of a table map: the columns that they name, and what a column is to
 * them. Threads: pure functions.
 */
#ifndef DW_EXPR_MAP_EXPR_H
#define DW_EXPR_MAP_EXPR_H
#include "common/expr/expr.h"
#include "common/model/table_map.h"

/* The source columns that an event of this map must carry: those of the key, of "columns", of
 * lookups, filter and computed columns, each once, in a stable order. An expression that does not
 * parse names none: the check reports it. Allocates in `arena`. */
const struct dw_str *dw_map_expr_source_columns(const struct dw_table_map *map,
                                                struct dw_arena *arena, size_t *out_count);

/* The columns of a side as expressions see them: side->column_count, in `arena`. */
const struct dw_expr_column *dw_map_expr_columns(const struct dw_resolved_side *side,
                                                 struct dw_arena *arena);

#endif
