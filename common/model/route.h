/* route.h - to which partition of a map's topic a key goes.
 *
 *   partition = Kafka's hash of the key's text on the topic, by the count in force (generation.h)
 *
 * Numeric 1.0 and 1.00 are one key for the target, so their events must stay in one order: such
 * columns count without the zeros of their scale. The producer (live events, rows of a sync) and
 * whoever else sends a record of a key (a replay) route by these functions alone. The count now in
 * force is dw_map_record.partitions. The state database learns of another one a moment after the
 * stream has come to it: a record that was routed by the old count then goes where the key's
 * older events went, and nothing but a lock on the key's rows orders it against newer ones.
 */
#ifndef DW_MODEL_ROUTE_H
#define DW_MODEL_ROUTE_H
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/map_resolved.h"

/* The hash of a key as it is written on the topic, numeric columns without trailing zeros. */
uint32_t dw_route_hash(struct dw_str key);

/* `count` > 0. */
int32_t dw_route_partition(uint32_t hash, int32_t count);

/* The hash of a record's key: a JSON object of the map's source key columns, as on the topic.
 * `source`: the columns' types as the map's revision has them; `scratch` is overwritten. DW_REJECT
 * DW-EVENT-002: it is no such object. */
enum dw_rc dw_route_record(struct dw_str key, const struct dw_resolved_side *source,
                           struct dw_buf *scratch, uint32_t *out_hash,
                           struct dw_err *err) DW_MUST_CHECK;

#endif
