/* fetch.h - the thread that talks to Kafka: polls records into the partitions' feeds, carries out
 * the lanes' orders, commits offsets. It never does anything else that blocks.
 *
 * Threads: start, stop and the readers below are for the control thread.
 */
#ifndef DW_PIPELINE_FETCH_H
#define DW_PIPELINE_FETCH_H
#include "consumer/pipeline/context.h"
#include "consumer/pipeline/partition.h"

struct dw_fetch;

/* Opens the consumer (context->consumer) and starts the thread. */
enum dw_rc dw_fetch_start(struct dw_fetch **out, struct dw_context *context,
                          struct dw_err *err) DW_MUST_CHECK;
/* Commits what the lanes have applied, leaves the group, ends the thread. The lanes must have ended
 * (or never end). False when it did not end until `until_ms` (wall clock). */
bool dw_fetch_stop(struct dw_fetch *fetch, int64_t until_ms);
void dw_fetch_free(struct dw_fetch *fetch);

/* The partitions assigned now, as an owned array (free()) of references (dw_partition_release). */
struct dw_partition **dw_fetch_partitions(struct dw_fetch *fetch, size_t *out_count);
/* False while the group has given no answer: joining, rebalancing, brokers away. */
bool dw_fetch_assigned(struct dw_fetch *fetch);
/* Monotonic ms of the thread's last round. */
int64_t dw_fetch_tick_ms(struct dw_fetch *fetch);
/* Set when librdkafka gave up: the process cannot go on. */
bool dw_fetch_fatal(struct dw_fetch *fetch);

#endif
