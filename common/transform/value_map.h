/* value_map.h - "values" of a map's column, ready for look-ups.
 *
 * Entries are sorted by what they come from; numbers are compared as numbers (1.0 is 1), all else
 * as text, true and false by these words. Threads: read-only after dw_value_map_new.
 */
#ifndef DW_TRANSFORM_VALUE_MAP_H
#define DW_TRANSFORM_VALUE_MAP_H
#include "common/model/table_map.h"
#include "common/transform/convert.h"

struct dw_value_map;

/* Converts each "to" for the target column. Errors: DW_CONFIG DW-VALUE-022. */
enum dw_rc dw_value_map_new(struct dw_value_map **out, const struct dw_map_column *column,
                            const struct dw_convert_type *source,
                            const struct dw_convert_type *target, struct dw_arena *arena,
                            struct dw_err *err) DW_MUST_CHECK;

/* `text` as dw_convert_source_text gives it. Errors: DW_REJECT DW-VALUE-008. */
enum dw_rc dw_value_map_find(const struct dw_value_map *map, struct dw_str text,
                             struct dw_arena *arena, struct dw_value *out,
                             struct dw_err *err) DW_MUST_CHECK;

/* The entry for null; NULL when there is none. */
const struct dw_value *dw_value_map_null(const struct dw_value_map *map);

#endif
