/* map_resolved.h - what the check saw of a map's columns in both catalogues, kept with a revision.
 *
 * JSON: {"source":{"replica_identity":"d","columns":{"name":{"type":"numeric(18,2)","oid":1700,
 * "typmod":1179654,"not_null":true,"toastable":false,"category":"N","deterministic":true}}},
 * "target":{…}}. The producer compares what the stream says with it; the consumer takes the
 * source's types from it. What was written before there were category and deterministic is read
 * too.
 */
#ifndef DW_MODEL_MAP_RESOLVED_H
#define DW_MODEL_MAP_RESOLVED_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_resolved_column {
    struct dw_str name;
    struct dw_str type; /* as format_type() shows it */
    uint32_t oid;       /* as declared: may be a domain's or an enum's */
    uint32_t base_oid;  /* domain resolved */
    int32_t typmod;
    bool not_null;
    bool toastable;
    char category;      /* pg_type.typcategory of the base type; 0: not known */
    bool deterministic; /* its collation calls only equal bytes equal; false: not known */
};

struct dw_resolved_side {
    const struct dw_resolved_column *columns; /* those that the map names */
    size_t column_count;
    char replica_identity;
};

/* A table that the map looks values up in, as the target's catalogue has it. */
struct dw_resolved_lookup {
    struct dw_str schema, table;
    struct dw_resolved_side side;
};

struct dw_map_resolved {
    struct dw_resolved_side source;
    struct dw_resolved_side target;
    const struct dw_resolved_lookup *lookups; /* not kept with a revision: the writer adds them */
    size_t lookup_count;
};

/* Errors: DW_CONFIG DW-MAP-090 when the text is not what dw_map_resolved_format wrote. */
enum dw_rc dw_map_resolved_parse(struct dw_str text, struct dw_arena *arena,
                                 struct dw_map_resolved *out, struct dw_err *err) DW_MUST_CHECK;
void dw_map_resolved_format(const struct dw_map_resolved *resolved, struct dw_buf *out);
/* NULL when absent. */
const struct dw_resolved_column *dw_map_resolved_find(const struct dw_resolved_side *side,
                                                      struct dw_str name);

#endif
