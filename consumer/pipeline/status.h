/* status.h - what the consumer tells about itself: gauges and the JSON of its beat.
 *
 * Threads: the control thread's.
 */
#ifndef DW_PIPELINE_STATUS_H
#define DW_PIPELINE_STATUS_H
#include "common/base/buf.h"
#include "consumer/pipeline/context.h"
#include "consumer/pipeline/partition.h"

struct dw_status {
    struct dw_partition **partitions; /* owned references; free by dw_status_done */
    size_t count;
};

/* Looks at the assigned partitions, which `partitions` is an owned array of. Asks the brokers for
 * the end of the log where the client does not know it (`timeout_ms` at most, for all of them). */
void dw_status_init(struct dw_status *status, struct dw_context *context,
                    struct dw_partition **partitions, size_t count, int timeout_ms);
void dw_status_done(struct dw_status *status);

/* Sets the gauges of all maps. */
void dw_status_gauges(const struct dw_status *status, struct dw_context *context);
/* Appends {"state":…,"assigned":N,"maps":{…}}. */
void dw_status_json(const struct dw_status *status, struct dw_context *context, const char *state,
                    struct dw_buf *out);

#endif
