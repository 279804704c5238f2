/* latency.c - see latency.h. */
#include "reconciler/flow/latency.h"

void dw_latency_add(struct dw_latency *into, const struct dw_latency *from)
{
    for (int i = 0; i < DW_METRIC_BUCKETS; i++)
        into->counts[i] += from->counts[i];
}

int64_t dw_latency_count(const struct dw_latency *latency)
{
    int64_t total = 0;
    for (int i = 0; i < DW_METRIC_BUCKETS; i++)
        total += latency->counts[i];
    return total;
}

int64_t dw_latency_percentile_us(const struct dw_latency *latency, double percent)
{
    int64_t total = dw_latency_count(latency);
    if (total <= 0)
        return -1;
    double wanted = (double)total * percent / 100.0;
    int64_t below = 0;
    for (int i = 0; i < DW_METRIC_BUCKETS; i++) {
        int64_t count = latency->counts[i];
        if (count > 0 && (double)(below + count) >= wanted) {
            int64_t from = i == 0 ? 0 : dw_metrics_bucket_us(i - 1);
            if (i == DW_METRIC_BUCKETS - 1)
                return from;
            double share = (wanted - (double)below) / (double)count;
            return from + (int64_t)((double)(dw_metrics_bucket_us(i) - from) * share);
        }
        below += count;
    }
    return dw_metrics_bucket_us(DW_METRIC_BUCKETS - 2);
}
