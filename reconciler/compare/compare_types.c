/* compare_types.c - see compare_types.h. */
#include "reconciler/compare/compare_types.h"

void dw_compare_types_of(const struct dw_pg_column *column, struct dw_convert_type *out)
{
    struct dw_resolved_column resolved = dw_pg_table_resolve(column);
    dw_convert_type_of(&resolved, out);
}

void dw_compare_types_side(const struct dw_pg_table *table, struct dw_arena *arena,
                           struct dw_resolved_side *out)
{
    struct dw_resolved_column *columns =
        DW_ARENA_ARRAY(arena, struct dw_resolved_column, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        columns[i] = dw_pg_table_resolve(&table->columns[i]);
    *out = (struct dw_resolved_side){columns, table->column_count, table->replica_identity};
}
