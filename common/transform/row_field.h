/* row_field.h - finds a column in the rows of events.
 *
 * Events of one producer hold their columns in the same order, so each column remembers the
 * position it was found at; the memory is a relaxed atomic, because lanes share it and a stale hint
 * costs a search, not an error. Threads: any, once made.
 */
#ifndef DW_TRANSFORM_ROW_FIELD_H
#define DW_TRANSFORM_ROW_FIELD_H
#include "common/base/arena.h"
#include "common/model/event.h"
#include <stdatomic.h>

struct dw_row_field {
    struct dw_str name;
    _Atomic unsigned *hint;
};

/* Borrows `name`. */
struct dw_row_field dw_row_field_new(struct dw_str name, struct dw_arena *arena);
/* NULL when the row lacks it. `*previous`: where the column before was found (SIZE_MAX: none); a
 * row that lacks columns is only shifted. */
const struct dw_event_field *dw_row_field_find(const struct dw_row_field *field,
                                               const struct dw_event_row *row, size_t *previous);

#endif
