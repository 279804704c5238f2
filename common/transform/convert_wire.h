/* convert_wire.h - from an event's JSON value to the text that PostgreSQL printed in the source. */
#ifndef DW_TRANSFORM_CONVERT_WIRE_H
#define DW_TRANSFORM_CONVERT_WIRE_H
#include "common/transform/convert.h"

/* Dates and times keep their wire form: convert_rules.h reads it. Errors: DW_REJECT DW-VALUE-001
 * (the JSON kind does not belong to the type), DW-VALUE-010 (not UTF-8, NUL). */
enum dw_rc dw_convert_wire_undo(const struct dw_convert *convert, const struct dw_value *value,
                                struct dw_arena *arena, struct dw_str *out,
                                struct dw_err *err) DW_MUST_CHECK;

#endif
