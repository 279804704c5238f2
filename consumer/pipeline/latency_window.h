/* latency_window.h - how long events took from source commit to target commit, over the last
 * minute. Pure.
 *
 * Buckets are those of dw_metrics_bucket_us. Threads: the owner locks.
 */
#ifndef DW_PIPELINE_LATENCY_WINDOW_H
#define DW_PIPELINE_LATENCY_WINDOW_H
#include "common/service/metrics.h"
#include <stdint.h>

#define DW_LATENCY_WINDOW_SLICES 12
#define DW_LATENCY_WINDOW_MS     60000

struct dw_latency_window {
    int64_t numbers[DW_LATENCY_WINDOW_SLICES]; /* slice number + 1; 0 unused */
    int64_t counts[DW_LATENCY_WINDOW_SLICES][DW_METRIC_BUCKETS];
};

/* Index of the bucket that holds `us`. */
int dw_latency_window_bucket(int64_t us);
/* Adds buckets[i] events to bucket i at `now_ms` (monotonic). */
void dw_latency_window_add(struct dw_latency_window *latency, int64_t now_ms,
                           const int64_t buckets[DW_METRIC_BUCKETS]);
/* What the window holds at `now_ms`. */
void dw_latency_window_sum(const struct dw_latency_window *latency, int64_t now_ms,
                           int64_t out_buckets[DW_METRIC_BUCKETS]);

#endif
