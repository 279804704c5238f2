/* status.h - what the consumer tells about itself: gauges and the JSON of its beat.
 *
 * Threads: the control thread's.
 */
#ifndef DW_PIPELINE_STATUS_H
#define DW_PIPELINE_STATUS_H
#include "common/base/buf.h"
#include "consumer/pipeline/context.h"
#include "consumer/pipeline/partition.h"

/* What is known of a partition's log before a beat. */
struct dw_status_known {
    int64_t high;           /* where it ended when that was last looked at; -1 never */
    int64_t next_offset;    /* applied up to */
    int64_t fetched;        /* fetched up to */
    int64_t fetched_before; /* … when the end was last looked at */
};

/* Is the end of a log to be looked at? The client looks each up among all topics: of thousands of
 * partitions that nothing comes to, some take their turn at each beat. `index`: of `count`. Pure.
 */
bool dw_status_is_due(const struct dw_status_known *known, size_t index, size_t count,
                      uint64_t beat);

struct dw_status {
    struct dw_partition **partitions; /* owned references; free by dw_status_done */
    size_t count;
};

/* Looks at the assigned partitions, which `partitions` is an owned array of, where it is due;
 * `beat` counts the beats. Asks the brokers for the end of the log where the client does not know
 * it
 * (`timeout_ms` at most, for all of them). */
void dw_status_init(struct dw_status *status, struct dw_context *context,
                    struct dw_partition **partitions, size_t count, uint64_t beat, int timeout_ms);
void dw_status_done(struct dw_status *status);

/* Sets the gauges of all maps. */
void dw_status_gauges(const struct dw_status *status, struct dw_context *context);
/* Appends {"state":…,"assigned":N,"maps":{…}}, without members that are 0 or empty. */
void dw_status_json(const struct dw_status *status, struct dw_context *context, const char *state,
                    struct dw_buf *out);

#endif
