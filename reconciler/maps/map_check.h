/* map_check.h - finds, without starting anything, every mistake in maps that can be known from the
 * catalogues of both systems.
 *
 * Reads only (its sessions are read-only); needs no more privilege than the programs themselves.
 * All mistakes of all maps are collected, each with code, place and remedy. Rooms: check_context
 * (sessions, reporting), check_columns, check_source, check_target, check_shared (maps beside each
 * other). Threads: blocks; any one thread.
 */
#ifndef DW_MAPS_MAP_CHECK_H
#define DW_MAPS_MAP_CHECK_H
#include "common/config/settings.h"
#include "common/model/map_problems.h"
#include "common/model/map_resolved.h"
#include "common/model/table_map.h"

struct dw_map_check_item {
    const struct dw_table_map *map;
    struct dw_str file; /* for messages */
    struct dw_str text; /* the file's text, which gives the lines; empty: messages have none */
    bool applied;       /* known already, not checked itself: only looked at beside the others. One
                           with the name of a map that is checked is passed over. */
    bool runs;          /* applied, and not stopped: a map of its name that is checked must keep its
                           systems, tables and keys. Not set: nobody asks for that */
    /* out */
    size_t errors;                   /* problems of this map that are no warnings */
    struct dw_map_resolved resolved; /* set when errors is 0; lives in the problems' arena */
};

/* Checks `items` that are not `applied`, adds to `problems`. Borrows everything for the call. */
void dw_map_check(const struct dw_settings *settings, struct dw_map_check_item *items, size_t count,
                  struct dw_map_problems *problems);

/* The side on which systems, tables or keys are others, "source" or "target"; NULL: none. Events
 * already on the topic are keyed by the old key and come from the old table, so that is for a map
 * that is stopped. */
const char *dw_map_check_moved(const struct dw_table_map *before, const struct dw_table_map *after);

#endif
