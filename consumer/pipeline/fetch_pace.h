/* fetch_pace.h - how often a worker asks the brokers, by how many partitions there are. Pure.
 *
 * librdkafka names each partition in each fetch and looks its topic up among all topics in each
 * answer; it takes in all topics at each refresh. With few partitions that costs nothing, and with
 * thousands it is most of what an idle worker costs. A record that comes is answered at once,
 * however long a fetch waits; what waits is a partition that is started or resumed meanwhile, and a
 * topic that is made or given partitions: with many of them the worker has a bell (kafka_bell.h) to
 * end a fetch that waits for seconds. Where it may have none, fetches are as long as a partition
 * may wait.
 */
#ifndef DW_PIPELINE_FETCH_PACE_H
#define DW_PIPELINE_FETCH_PACE_H
#include <stdbool.h>
#include <stdint.h>

struct dw_fetch_pace {
    int64_t wait_ms;    /* of a fetch, for any of its partitions to have something */
    int64_t refresh_ms; /* between looks at what topics and partitions there are */
};

/* `partitions`: of all maps. `bell`: the fetch can be ended. */
struct dw_fetch_pace dw_fetch_pace_of(int64_t partitions, bool bell);

/* Do so many partitions ask for a bell? */
bool dw_fetch_pace_wants_bell(int64_t partitions);

/* Is the one twice the other or more, in any of its times? */
bool dw_fetch_pace_differs(const struct dw_fetch_pace *pace, const struct dw_fetch_pace *other);

#endif
