/* map_gauges.c - see map_gauges.h. */
#include "reconciler/api/map_gauges.h"

#include "common/service/metrics.h"
#include "common/state/state.h"
#include <stdio.h>

#define STATES       "dw_map_state"
#define INFO         "dw_map_info"
#define LABELS_BYTES 1200

/* A new revision or count is another series: those before it become 0. The parser lets no quote
 * into names. */
static void show_info(const struct dw_map_record *map)
{
    char labels[LABELS_BYTES];
    (void)snprintf(labels, sizeof labels,
                   "map=\"%s\",source=\"%s\",target=\"%s\",topic=\"%s\",revision=\"%lld\","
                   "partitions=\"%d\"",
                   map->name, map->source_system, map->target_system, map->topic,
                   (long long)map->revision, (int)map->partitions);
    dw_metrics_set(dw_metrics_series(DW_METRIC_GAUGE, INFO,
                                     "1 for what a map is now: its systems, topic, revision.",
                                     labels, 1),
                   1);
}

enum dw_rc dw_map_gauges_refresh(struct dw_state *state, struct dw_arena *arena, struct dw_err *err)
{
    const struct dw_map_record *maps = NULL;
    size_t count = 0;
    enum dw_rc rc = dw_state_maps_load(state, arena, &maps, &count, err);
    if (rc)
        return rc;
    dw_metrics_zero(INFO);
    for (size_t i = 0; i < count; i++)
        show_info(&maps[i]);
    for (size_t i = 0; i < count; i++)
        for (unsigned s = 0; s < DW_MAP_STATE_COUNT; s++) {
            char labels[LABELS_BYTES]; /* the parser lets no quote into a map's name */
            (void)snprintf(labels, sizeof labels, "map=\"%s\",state=\"%s\"", maps[i].name,
                           dw_map_state_name((enum dw_map_state)s));
            dw_metrics_set(dw_metrics_series(DW_METRIC_GAUGE, STATES,
                                             "1 for the state that the map is in.", labels, 1),
                           maps[i].state == (enum dw_map_state)s);
        }
    return DW_OK;
}

void dw_map_gauges_clear(void)
{
    dw_metrics_zero(STATES);
    dw_metrics_zero(INFO);
}
