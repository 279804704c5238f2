/* row_lookup.h - the key of a lookup, from an event's row. The writer finds the value by it.
 * Threads: read-only once made. */
#ifndef DW_TRANSFORM_ROW_LOOKUP_H
#define DW_TRANSFORM_ROW_LOOKUP_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/event.h"
#include "common/model/map_resolved.h"
#include "common/model/table_map.h"

struct dw_row_lookup;

/* Allocates in `arena`; borrows the rest. Errors: DW_CONFIG DW-VALUE-nnn when a key column's type
 * takes no such value, or its table is not among resolved->lookups. */
enum dw_rc dw_row_lookup_new(struct dw_row_lookup **out, const struct dw_map_lookup *lookup,
                             const struct dw_map_resolved *resolved, struct dw_arena *arena,
                             struct dw_err *err) DW_MUST_CHECK;

/* NESTED: a JSON array of texts, one for each source column and constant of the lookup and those in
 * it, in their order (a nested lookup's stand together), each for the input function of its key
 * column's type. NULL when a part is null, which finds nothing; ABSENT when one is. DW_REJECT
 * DW-VALUE-nnn. */
enum dw_rc dw_row_lookup_key(const struct dw_row_lookup *lookup, const struct dw_event_row *row,
                             struct dw_arena *arena, struct dw_value *out,
                             struct dw_err *err) DW_MUST_CHECK;

#endif
