/* map_set.h - the maps that a producer publishes for, as the state database has them now.
 *
 * A set is made by the control thread, then handed over; it is immutable and freed in one step.
 * Only maps of the system that are not stopped are in it.
 */
#ifndef DW_CAPTURE_POSTGRES_MAP_SET_H
#define DW_CAPTURE_POSTGRES_MAP_SET_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/map_resolved.h"
#include "common/model/table_map.h"
#include "common/state/state.h"

/* The code of a map whose topic is out of service: nothing is published for it until an operator
 * acts. */
#define DW_MAP_SET_TOPIC_CODE "DW-CAPTURE-031"

struct dw_capture_map {
    struct dw_map_record record;
    const struct dw_table_map *map;
    struct dw_map_resolved resolved; /* columns NULL: nothing to compare with */
    const struct dw_str *columns;    /* source columns that an event carries */
    size_t column_count;
    struct dw_str table_json; /* of dw_event_encode_table */
    uint32_t source_oid;      /* of the table, as published when the set was loaded; 0 unknown */
    int32_t topic_partitions; /* that the topic was seen to have; 0 unknown */
    bool out_of_service;      /* in the set, but nothing is published */
};

struct dw_map_set {
    struct dw_arena arena;
    struct dw_capture_map *maps;
    size_t count;
    struct dw_map_set *base; /* owned; some of the maps live in it */
};

/* Loads the maps of `system`. A map whose document cannot be read is logged and left out. */
enum dw_rc dw_map_set_load(struct dw_map_set **out, struct dw_state *state, const char *system,
                           struct dw_err *err) DW_MUST_CHECK;
void dw_map_set_free(struct dw_map_set *set); /* accepts NULL */

/* --- revisions and the stream (trap 21); see map_marker.h --- */

/* Puts the revisions in force at a place of the stream into a set that was just loaded. */
enum dw_rc dw_map_set_at(struct dw_map_set *set, struct dw_state *state, uint32_t epoch,
                         uint64_t lsn, struct dw_err *err) DW_MUST_CHECK;
/* Maps whose newest revision is announced behind `lsn`, or not yet, stay as `current` has them, as
 * do those that have turned since the set was loaded. Takes `current` (NULL: none) as the set's
 * base then, and returns true. */
bool dw_map_set_hold(struct dw_map_set *set, struct dw_map_set *current, uint32_t epoch,
                     uint64_t lsn);
/* The same maps as `current`, which becomes the base, one of them by another revision. NULL:
 * `current` has no such map, has that revision, or cannot read it; it is not taken then. */
struct dw_map_set *dw_map_set_turn(struct dw_map_set *current, const struct dw_map_record *record);

/* NULL when absent. */
const struct dw_capture_map *dw_map_set_find(const struct dw_map_set *set, const char *name);

#endif
