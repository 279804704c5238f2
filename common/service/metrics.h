/* metrics.h - counters, gauges and histograms in Prometheus text (names: dw_…, base units).
 *
 * A metric is registered once and lives for ever; a series is a metric with label values. Labels
 * are bounded (map, system, outcome), never keys. Threads: any; a series is updated without a lock.
 */
#ifndef DW_SERVICE_METRICS_H
#define DW_SERVICE_METRICS_H
#include "common/base/buf.h"
#include <stdatomic.h>
#include <stdint.h>

enum dw_metric_kind { DW_METRIC_COUNTER, DW_METRIC_GAUGE, DW_METRIC_HISTOGRAM };

#define DW_METRIC_BUCKETS 28

struct dw_metric_series {
    _Atomic int64_t value;                      /* counter, gauge (in the unit / scale) */
    _Atomic int64_t buckets[DW_METRIC_BUCKETS]; /* histogram: not cumulative */
    _Atomic int64_t sum;                        /* histogram: microseconds */
};

/* `labels`: "map=\"customers\",outcome=\"applied\"" without braces, or "". The same name and labels
 * give the same series. `scale`: divide by this when shown (1000000 turns µs into seconds). */
struct dw_metric_series *dw_metrics_series(enum dw_metric_kind kind, const char *name,
                                           const char *help, const char *labels, int64_t scale);

static inline void dw_metrics_add(struct dw_metric_series *series, int64_t amount)
{
    atomic_fetch_add_explicit(&series->value, amount, memory_order_relaxed);
}

static inline void dw_metrics_set(struct dw_metric_series *series, int64_t value)
{
    atomic_store_explicit(&series->value, value, memory_order_relaxed);
}

/* Sets every series of a counter or gauge to 0. */
void dw_metrics_zero(const char *name);

/* A duration in microseconds; buckets double from 100 µs (index 0: <= 100 µs). */
void dw_metrics_observe_us(struct dw_metric_series *series, int64_t us, int64_t count);

/* Upper bound of bucket `index` in microseconds; INT64_MAX for the last. */
int64_t dw_metrics_bucket_us(int index);

/* Appends all metrics, with the process's own (memory, CPU, descriptors, start time, build). */
void dw_metrics_render(struct dw_buf *out);

#endif
