/* heartbeat.h - which partitions of a map a heartbeat of its source goes through. Pure.
 *
 * It costs a record and a transaction of the target for each partition. Of more than a few maps the
 * idle ones take turns; of hundreds they take them with one partition at a time, at some heartbeats
 * only. Who judges how old a map is has to know for how long an idle one may hear nothing.
 */
#ifndef DW_MODEL_HEARTBEAT_H
#define DW_MODEL_HEARTBEAT_H
#include <stddef.h>
#include <stdint.h>

struct dw_heartbeat_turn {
    int32_t from, to; /* partitions, `to` not; equal: none */
};

/* Of an idle map among `maps` of its source, which `slot` tells apart, at the `beat`-th heartbeat.
 */
struct dw_heartbeat_turn dw_heartbeat_turn(size_t maps, uint64_t slot, uint64_t beat,
                                           int32_t partitions);

/* For how long an idle map, and each of its partitions, hears nothing because others have their
 * turn; 0 where every heartbeat goes through all. */
int64_t dw_heartbeat_map_ms(size_t maps, int64_t heartbeat_ms);
int64_t dw_heartbeat_partition_ms(size_t maps, int32_t partitions, int64_t heartbeat_ms);

#endif
