/* latency_window.c - see latency_window.h. */
#include "consumer/pipeline/latency_window.h"

#include <string.h>

enum { SLICE_MS = DW_LATENCY_WINDOW_MS / DW_LATENCY_WINDOW_SLICES };

int dw_latency_window_bucket(int64_t us)
{
    int index = 0;
    while (index < DW_METRIC_BUCKETS - 1 && us > dw_metrics_bucket_us(index))
        index++;
    return index;
}

void dw_latency_window_add(struct dw_latency_window *latency, int64_t now_ms,
                           const int64_t buckets[DW_METRIC_BUCKETS])
{
    int64_t number = now_ms / SLICE_MS + 1;
    int64_t at = number % DW_LATENCY_WINDOW_SLICES;
    if (latency->numbers[at] != number) {
        memset(latency->counts[at], 0, sizeof latency->counts[at]);
        latency->numbers[at] = number;
    }
    for (int i = 0; i < DW_METRIC_BUCKETS; i++)
        latency->counts[at][i] += buckets[i];
}

void dw_latency_window_sum(const struct dw_latency_window *latency, int64_t now_ms,
                           int64_t out_buckets[DW_METRIC_BUCKETS])
{
    int64_t oldest = now_ms / SLICE_MS + 1 - DW_LATENCY_WINDOW_SLICES + 1;
    memset(out_buckets, 0, DW_METRIC_BUCKETS * sizeof *out_buckets);
    for (int at = 0; at < DW_LATENCY_WINDOW_SLICES; at++)
        if (latency->numbers[at] && latency->numbers[at] >= oldest)
            for (int i = 0; i < DW_METRIC_BUCKETS; i++)
                out_buckets[i] += latency->counts[at][i];
}
