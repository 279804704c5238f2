/* compare_types.h - columns of a catalogue as conversions see them. Pure. */
#ifndef DW_COMPARE_COMPARE_TYPES_H
#define DW_COMPARE_COMPARE_TYPES_H
#include "common/postgres/pg_table.h"
#include "common/transform/convert_type.h"

void dw_compare_types_of(const struct dw_pg_column *column, struct dw_convert_type *out);
/* All columns of a table, in `arena`. */
void dw_compare_types_side(const struct dw_pg_table *table, struct dw_arena *arena,
                           struct dw_resolved_side *out);

#endif
