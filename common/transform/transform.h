/* transform.h - from an event's row to the target's cells, by the map: copy with conversion,
 * constants, defaults, value maps, computed columns; and whether a row is in the map's filter.
 * Never cuts, never rounds: what does not fit is refused.
 *
 * A cell is a dw_value of kind ABSENT (leave alone), NULL or STRING (text for PostgreSQL's input
 * function of the target column's type), or NESTED: the key of a lookup (row_lookup.h). Threads:
 * read-only after dw_transform_new.
 */
#ifndef DW_TRANSFORM_TRANSFORM_H
#define DW_TRANSFORM_TRANSFORM_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/event.h"
#include "common/model/map_resolved.h"
#include "common/model/table_map.h"

struct dw_transform;

/* Allocates in `arena`; borrows `map` and `resolved`. Errors: DW_CONFIG DW-VALUE-nnn when a column
 * has no conversion from its source type to its target type, DW-EXPR-nnn for an expression. */
enum dw_rc dw_transform_new(struct dw_transform **out, const struct dw_table_map *map,
                            const struct dw_map_resolved *resolved, struct dw_arena *arena,
                            struct dw_err *err) DW_MUST_CHECK;

/* Is the row in the map's filter? True when the map has none. DW_REJECT DW-EXPR-nnn when that
 * cannot be told of this row. */
enum dw_rc dw_transform_match(const struct dw_transform *transform, const struct dw_event_row *row,
                              struct dw_arena *arena, bool *out, struct dw_err *err) DW_MUST_CHECK;

/* Fills cells[map->column_count] from a row image. DW_REJECT with DW-VALUE-nnn or DW-EXPR-nnn: the
 * message names the column and why, never the whole value; *out_column (may be NULL) is the
 * column's index. */
enum dw_rc dw_transform_row(const struct dw_transform *transform, const struct dw_event_row *row,
                            struct dw_arena *arena, struct dw_value *cells, int *out_column,
                            struct dw_err *err) DW_MUST_CHECK;

/* Fills keys[map->target.key_count], in the order of target.key; every key column must be there and
 * not null (DW-VALUE-nnn). */
enum dw_rc dw_transform_key(const struct dw_transform *transform, const struct dw_event_row *row,
                            struct dw_arena *arena, struct dw_value *keys,
                            struct dw_err *err) DW_MUST_CHECK;

/* The source key of a row image as PostgreSQL prints it in the source:
 * texts[map->source.key_count], in the map's order. DW_REJECT as dw_transform_key. */
enum dw_rc dw_transform_source_key(const struct dw_transform *transform,
                                   const struct dw_event_row *row, struct dw_arena *arena,
                                   struct dw_str *texts, struct dw_err *err) DW_MUST_CHECK;

/* A literal of the map (constant, default, value of on_delete "set") as a cell for a target column.
 * Errors: DW_CONFIG DW-VALUE-022. */
enum dw_rc dw_transform_literal(const struct dw_value *literal,
                                const struct dw_resolved_column *target, struct dw_arena *arena,
                                struct dw_value *out, struct dw_err *err) DW_MUST_CHECK;

/* Whether a source type can go to a target type, and whether that may lose (the check's question):
 * DW_OK, DW_REJECT = some values would be refused at run time (a warning), DW_CONFIG = never. `err`
 * gets the reason for the last two. */
enum dw_rc dw_transform_can_convert(const struct dw_resolved_column *source,
                                    const struct dw_resolved_column *target,
                                    struct dw_err *err) DW_MUST_CHECK;

#endif
