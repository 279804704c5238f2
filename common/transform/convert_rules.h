/* convert_rules.h - the rules of convert.h's matrix. `text` is the value without its wire form,
 * dates and times excepted: their rule takes both forms. */
#ifndef DW_TRANSFORM_CONVERT_RULES_H
#define DW_TRANSFORM_CONVERT_RULES_H
#include "common/transform/convert.h"

/* NULL: never. */
dw_convert_fn dw_convert_rules_find(enum dw_family source, enum dw_family target);
/* Does the rule leave the decision to the server's input function? */
bool dw_convert_rules_is_servers(dw_convert_fn rule);

/* Dates and times of the source family as PostgreSQL prints them. */
enum dw_rc dw_convert_rules_moment_text(const struct dw_convert *convert, struct dw_str text,
                                        struct dw_arena *arena, struct dw_str *out,
                                        struct dw_err *err) DW_MUST_CHECK;

#endif
