/* letter_gauges.c - see letter_gauges.h. */
#include "reconciler/dead_letters/letter_gauges.h"

#include "common/base/hash.h"
#include "common/service/metrics.h"
#include "common/state/state.h"
#include "common/state/state_letters.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ITEMS        "dw_dlq_items"
#define OLDEST       "dw_dlq_oldest_timestamp_seconds"
#define MAP_NAME_MAX 249
#define LABELS_BYTES 400

/* False: no map of ours has such a name. */
static bool write_labels(const char *map, enum dw_letter_state state, char out[LABELS_BYTES])
{
    if (strlen(map) > MAP_NAME_MAX || strpbrk(map, "\"\\\n"))
        return false;
    (void)snprintf(out, LABELS_BYTES, "map=\"%s\",state=\"%s\"", map,
                   dw_state_letters_state_name(state));
    return true;
}

static struct dw_metric_series *items_of(const char *labels)
{
    return dw_metrics_series(DW_METRIC_GAUGE, ITEMS, "Dead letters in the index.", labels, 1);
}

static struct dw_metric_series *oldest_of(const char *labels)
{
    return dw_metrics_series(DW_METRIC_GAUGE, OLDEST,
                             "When the oldest open dead letter failed; 0: there is none.", labels,
                             1000000);
}

void dw_letter_gauges_know(const char *map)
{
    char labels[LABELS_BYTES];
    for (unsigned s = 0; s < DW_LETTER_STATE_COUNT; s++) {
        if (!write_labels(map, (enum dw_letter_state)s, labels))
            return;
        (void)items_of(labels);
        if (s == DW_LETTER_OPEN)
            (void)oldest_of(labels);
    }
}

/* All states of the map: one that went down to none must not keep its last value. */
static void show_map(const char *map, const struct dw_letter_count totals[DW_LETTER_STATE_COUNT])
{
    char labels[LABELS_BYTES];
    for (unsigned s = 0; s < DW_LETTER_STATE_COUNT; s++) {
        if (!write_labels(map, (enum dw_letter_state)s, labels))
            return;
        dw_metrics_set(items_of(labels), totals[s].count);
        if (s == DW_LETTER_OPEN)
            dw_metrics_set(oldest_of(labels), totals[s].oldest_us);
    }
}

static void add(struct dw_letter_count totals[DW_LETTER_STATE_COUNT],
                const struct dw_letter_count *count)
{
    struct dw_letter_count *total = &totals[count->state];
    if (total->count == 0 || count->oldest_us < total->oldest_us)
        total->oldest_us = count->oldest_us;
    total->count += count->count;
}

static bool is_map(const struct dw_map_record *maps, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(maps[i].name, name) == 0)
            return true;
    return false;
}

static uint64_t hash_of(const struct dw_letter_count *counts, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++) {
        const int64_t numbers[] = {(int64_t)counts[i].state, counts[i].count, counts[i].oldest_us};
        hash = dw_hash_bytes(counts[i].map, strlen(counts[i].map), hash);
        hash = dw_hash_bytes(numbers, sizeof numbers, hash);
    }
    return hash;
}

enum dw_rc dw_letter_gauges_refresh(struct dw_state *state, bool maps_changed,
                                    struct dw_arena *arena, struct dw_err *err)
{
    static uint64_t shown; /* the counts that were shown last */
    const struct dw_map_record *maps = NULL;
    const struct dw_letter_count *counts = NULL;
    struct dw_letter_count others[DW_LETTER_STATE_COUNT] = {{.map = ""}};
    size_t map_count = 0;
    size_t count = 0;
    enum dw_rc rc = dw_state_letters_count(state, arena, &counts, &count, err);
    if (rc || (!maps_changed && hash_of(counts, count) == shown))
        return rc;
    rc = dw_state_maps_load(state, arena, &maps, &map_count, err);
    if (rc)
        return rc;
    shown = hash_of(counts, count);
    for (size_t m = 0; m < map_count; m++) {
        struct dw_letter_count totals[DW_LETTER_STATE_COUNT] = {{.map = maps[m].name}};
        for (size_t i = 0; i < count; i++)
            if (strcmp(counts[i].map, maps[m].name) == 0)
                add(totals, &counts[i]);
        show_map(maps[m].name, totals);
    }
    for (size_t i = 0; i < count; i++)
        if (!is_map(maps, map_count, counts[i].map))
            add(others, &counts[i]);
    show_map("", others);
    return DW_OK;
}

void dw_letter_gauges_clear(void)
{
    dw_metrics_zero(ITEMS);
    dw_metrics_zero(OLDEST);
}
