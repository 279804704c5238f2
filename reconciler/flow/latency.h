/* latency.h - percentiles from the histograms that consumers report (buckets: metrics.h). Pure. */
#ifndef DW_FLOW_LATENCY_H
#define DW_FLOW_LATENCY_H
#include "common/service/metrics.h"
#include <stdint.h>

struct dw_latency {
    int64_t counts[DW_METRIC_BUCKETS];
};

/* Adds the counts of `from`. */
void dw_latency_add(struct dw_latency *into, const struct dw_latency *from);

int64_t dw_latency_count(const struct dw_latency *latency);

/* The duration below which `percent` (0-100) of the observations lie, interpolated in its bucket;
 * what is above the last bound is given as that bound. -1 when there are none. */
int64_t dw_latency_percentile_us(const struct dw_latency *latency, double percent);

#endif
