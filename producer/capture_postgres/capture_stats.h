/* capture_stats.h - figures of a running capture: the process's beat (JSON) and its metrics. */
#ifndef DW_CAPTURE_POSTGRES_CAPTURE_STATS_H
#define DW_CAPTURE_POSTGRES_CAPTURE_STATS_H
#include "common/base/buf.h"
#include "common/service/metrics.h"
#include "producer/capture_postgres/publisher.h"

struct dw_capture_stats {
    uint64_t messages; /* rows and WAL messages taken in */
    uint64_t commits;
    int64_t last_commit_us;
    struct dw_metric_series *connected, *confirmed_lsn, *retained_bytes, *last_commit;
    struct dw_metric_series *wal_safe;
    struct dw_metric_series *in_flight, *messages_total, *commits_total, *epoch;
};

struct dw_capture_stats_view {
    const char *system, *state, *reason;
    uint32_t epoch;
    uint64_t confirmed_lsn, received_lsn, retained_bytes;
    int64_t wal_safe_bytes, wal_limit_bytes; /* -1 none or unknown */
    const struct dw_publisher *publisher;
};

void dw_capture_stats_init(struct dw_capture_stats *stats, const char *system);
/* Writes the beat's JSON and sets the metrics. */
void dw_capture_stats_format(struct dw_capture_stats *stats,
                             const struct dw_capture_stats_view *view, struct dw_buf *out);

#endif
