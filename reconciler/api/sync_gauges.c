/* sync_gauges.c - see sync_gauges.h. */
#include "reconciler/api/sync_gauges.h"

#include "common/base/clock.h"
#include "common/service/metrics.h"
#include "common/state/state_sync.h"
#include "reconciler/api/sync_meter.h"
#include <stdio.h>

#define DONE         "dw_sync_rows_done"
#define ESTIMATED    "dw_sync_rows_estimated"
#define RATE         "dw_sync_rows_per_second"
#define STATE        "dw_sync_state"
#define LABELS_BYTES 400

static void set_gauge(const char *name, const char *help, const char *labels, int64_t value)
{
    dw_metrics_set(dw_metrics_series(DW_METRIC_GAUGE, name, help, labels, 1), value);
}

static void show(const struct dw_sync_record *sync, double rate)
{
    char labels[LABELS_BYTES]; /* the parser lets no quote into a map's name */
    (void)snprintf(labels, sizeof labels, "map=\"%s\"", sync->map);
    set_gauge(DONE, "Rows of the map's sync that Kafka has.", labels, sync->rows_done);
    set_gauge(ESTIMATED, "Rows that the map's sync is expected to copy.", labels,
              sync->rows_estimated);
    set_gauge(RATE, "Rows per second of the map's sync.", labels, (int64_t)(rate + 0.5));
    for (unsigned s = 0; s < DW_SYNC_STATE_COUNT; s++) {
        (void)snprintf(labels, sizeof labels, "map=\"%s\",state=\"%s\"", sync->map,
                       dw_state_sync_state_name((enum dw_sync_state)s));
        set_gauge(STATE, "1 for the state that the map's sync is in.", labels,
                  sync->state == (enum dw_sync_state)s);
    }
}

/* The newest of each map alone is shown. */
static bool is_newest(const struct dw_sync_record *syncs, size_t count, size_t i)
{
    for (size_t later = i + 1; later < count; later++)
        if (strcmp(syncs[later].map, syncs[i].map) == 0)
            return false;
    return true;
}

enum dw_rc dw_sync_gauges_refresh(struct dw_state *state, struct dw_sync_meter *meter,
                                  struct dw_arena *arena, struct dw_err *err)
{
    static int64_t shown; /* which were shown last: their sum tells others */
    const struct dw_sync_filter filter = {.mates = true};
    const struct dw_sync_record *syncs = NULL;
    size_t count = 0;
    int64_t sum = 0;
    enum dw_rc rc = dw_state_syncs_load(state, &filter, arena, &syncs, &count, err);
    if (rc)
        return rc;
    int64_t now_us = dw_clock_wall_us();
    for (size_t i = 0; i < count; i++)
        sum += syncs[i].id * (int64_t)(i + 1);
    if (sum != shown)
        dw_sync_gauges_clear();
    shown = sum;
    for (size_t i = 0; i < count; i++) {
        const struct dw_sync_record *sync = &syncs[i];
        dw_sync_meter_note(meter, sync->id, sync->rows_done, now_us);
        double rate = sync->state == DW_SYNC_RUNNING
                          ? dw_sync_meter_pace(meter, sync->id, sync->rows_done,
                                               sync->rows_estimated, sync->started_us, now_us)
                                .rows_per_second
                          : 0;
        if (is_newest(syncs, count, i))
            show(sync, rate);
    }
    dw_sync_meter_forget(meter, now_us);
    return DW_OK;
}

void dw_sync_gauges_clear(void)
{
    dw_metrics_zero(DONE);
    dw_metrics_zero(ESTIMATED);
    dw_metrics_zero(RATE);
    dw_metrics_zero(STATE);
}
