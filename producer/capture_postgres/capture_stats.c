/* capture_stats.c - see capture_stats.h. */
#include "producer/capture_postgres/capture_stats.h"

#include "common/base/json_write.h"
#include "common/postgres/pg.h"
#include <stdio.h>

void dw_capture_stats_init(struct dw_capture_stats *stats, const char *system)
{
    char labels[300];
    (void)snprintf(labels, sizeof labels, "system=\"%.200s\"", system);
    const struct {
        struct dw_metric_series **series;
        enum dw_metric_kind kind;
        const char *name;
        const char *help;
        int64_t scale;
    } metrics[] = {
        {&stats->connected, DW_METRIC_GAUGE, "dw_source_connected",
         "1 while the replication stream runs.", 1},
        {&stats->confirmed_lsn, DW_METRIC_GAUGE, "dw_source_confirmed_lsn",
         "Position that the slot was told, as a number.", 1},
        {&stats->retained_bytes, DW_METRIC_GAUGE, "dw_source_slot_retained_bytes",
         "WAL that the slot makes the source keep.", 1},
        {&stats->wal_safe, DW_METRIC_GAUGE, "dw_source_wal_safe_bytes",
         "WAL that may come until the source drops the slot; -1 without a limit.", 1},
        {&stats->last_commit, DW_METRIC_GAUGE, "dw_source_last_commit_timestamp_seconds",
         "Commit time of the last transaction read.", 1000000},
        {&stats->epoch, DW_METRIC_GAUGE, "dw_source_epoch",
         "Epoch of the source's history: rises when a gap is accepted.", 1},
        {&stats->in_flight, DW_METRIC_GAUGE, "dw_producer_in_flight_bytes",
         "Bytes queued for Kafka and not acknowledged.", 1},
        {&stats->messages_total, DW_METRIC_COUNTER, "dw_source_rows_total",
         "Row changes and WAL messages read from the source.", 1},
        {&stats->commits_total, DW_METRIC_COUNTER, "dw_source_commits_total",
         "Transactions read from the source.", 1},
    };
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        *metrics[i].series = dw_metrics_series(metrics[i].kind, metrics[i].name, metrics[i].help,
                                               labels, metrics[i].scale);
}

static void set_metrics(struct dw_capture_stats *stats, const struct dw_capture_stats_view *view)
{
    const struct dw_publisher *publisher = view->publisher;
    size_t in_flight = publisher->producer ? dw_kafka_producer_in_flight(publisher->producer) : 0;
    dw_metrics_set(stats->connected, strcmp(view->state, "streaming") == 0);
    dw_metrics_set(stats->confirmed_lsn, (int64_t)view->confirmed_lsn);
    dw_metrics_set(stats->retained_bytes, (int64_t)view->retained_bytes);
    dw_metrics_set(stats->wal_safe, view->wal_safe_bytes);
    dw_metrics_set(stats->last_commit, stats->last_commit_us);
    dw_metrics_set(stats->epoch, view->epoch);
    dw_metrics_set(stats->in_flight, (int64_t)in_flight);
    dw_metrics_set(stats->messages_total, (int64_t)stats->messages);
    dw_metrics_set(stats->commits_total, (int64_t)stats->commits);
}

static void write_count(struct dw_buf *out, const char *name, uint64_t value)
{
    if (value)
        dw_json_write_u64(out, name, value);
}

/* Without members that are 0 or empty. */
static void format_map(const struct dw_publisher_map *map, struct dw_buf *out)
{
    dw_json_write_name(out, map->name);
    dw_buf_append_char(out, '{');
    write_count(out, "published", map->published);
    write_count(out, "rows_in", map->rows_in);
    write_count(out, "last_commit_us", (uint64_t)map->last_commit_us);
    write_count(out, "dropped_marked", map->dropped_marked);
    write_count(out, "dropped_out_of_service", map->dropped_out);
    write_count(out, "letters", map->letters);
    write_count(out, "in_flight", map->in_flight);
    if (*map->reason)
        dw_json_write_text(out, "reason", map->reason);
    dw_buf_append_char(out, '}');
}

void dw_capture_stats_format(struct dw_capture_stats *stats,
                             const struct dw_capture_stats_view *view, struct dw_buf *out)
{
    char lsn[24];
    set_metrics(stats, view);
    uint64_t lag =
        view->received_lsn > view->confirmed_lsn ? view->received_lsn - view->confirmed_lsn : 0;
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "system", view->system);
    dw_json_write_text(out, "state", view->state);
    dw_json_write_u64(out, "epoch", view->epoch);
    dw_json_write_text(out, "confirmed_lsn", dw_pg_format_lsn(view->confirmed_lsn, lsn));
    dw_json_write_text(out, "received_lsn", dw_pg_format_lsn(view->received_lsn, lsn));
    dw_json_write_u64(out, "slot_lag_bytes", lag);
    dw_json_write_u64(out, "slot_retained_bytes", view->retained_bytes);
    dw_json_write_i64(out, "wal_safe_bytes", view->wal_safe_bytes);
    dw_json_write_i64(out, "wal_limit_bytes", view->wal_limit_bytes);
    dw_json_write_text(out, "reason", view->reason);
    dw_json_write_u64(out, "rows", stats->messages);
    dw_json_write_u64(out, "commits", stats->commits);
    dw_json_write_name(out, "maps");
    dw_buf_append_char(out, '{');
    for (size_t i = 0; i < view->publisher->map_count; i++)
        if (view->publisher->maps[i]->map)
            format_map(view->publisher->maps[i], out);
    dw_buf_append(out, "}}", 2);
}
