/* rows.h - the rows of a merge group, as the carriers (rows_array, rows_copy) read them. */
#ifndef DW_WRITE_POSTGRES_ROWS_H
#define DW_WRITE_POSTGRES_ROWS_H
#include "consumer/write_postgres/coalesce.h"

struct dw_rows {
    struct dw_coalesce_op *const *ops;
    size_t count;
    const uint16_t *columns; /* of the group */
    size_t column_count;
    const int16_t *key_of;        /* per column: its place in the keys, -1 none */
    bool from_keys;               /* deletes: cells come from the keys */
    size_t mapped;                /* columns behind these are extra ones */
    const struct dw_value *extra; /* their values, one for all rows */
};

static inline const struct dw_value *dw_rows_cell(const struct dw_rows *rows, size_t row,
                                                  uint16_t column)
{
    const struct dw_coalesce_op *op = rows->ops[row];
    if (rows->from_keys)
        return rows->key_of[column] >= 0 ? &op->keys[rows->key_of[column]]
                                         : &rows->extra[column - rows->mapped];
    return column < rows->mapped ? &op->cells[column] : &rows->extra[column - rows->mapped];
}

#endif
