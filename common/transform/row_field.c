/* row_field.c - see row_field.h. */
#include "common/transform/row_field.h"

struct dw_row_field dw_row_field_new(struct dw_str name, struct dw_arena *arena)
{
    return (struct dw_row_field){name, DW_ARENA_NEW(arena, _Atomic unsigned)};
}

static bool is_at(const struct dw_event_row *row, size_t position, struct dw_str name)
{
    return position < row->count && dw_str_equal(row->fields[position].name, name);
}

const struct dw_event_field *dw_row_field_find(const struct dw_row_field *field,
                                               const struct dw_event_row *row, size_t *previous)
{
    size_t at = atomic_load_explicit(field->hint, memory_order_relaxed);
    if (!is_at(row, at, field->name)) {
        at = *previous + 1;
        if (!is_at(row, at, field->name)) {
            at = 0;
            while (at < row->count && !is_at(row, at, field->name))
                at++;
        }
        if (at == row->count)
            return NULL;
        atomic_store_explicit(field->hint, (unsigned)at, memory_order_relaxed);
    }
    *previous = at;
    return &row->fields[at];
}
