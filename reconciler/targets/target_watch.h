/* target_watch.h - what the targets say: progress, counts, and which dead letters they hold.
 *
 * One thread per system that is the target of a map, so that one that is away does not hide the
 * others. Each looks about once a second: it reads the progress rows (kept as a snapshot that the
 * API shows), notices a restored target by its incarnation, and settles letters that wait for
 * confirmation. Threads: start, stop by the owner; read by any.
 */
#ifndef DW_TARGETS_TARGET_WATCH_H
#define DW_TARGETS_TARGET_WATCH_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_target_watch;

struct dw_target_progress { /* of one map, summed over its partitions */
    const char *map;
    int64_t partitions;
    int64_t revision; /* lowest in force */
    int64_t applied, superseded, duplicate, filtered, dead, waiting, control;
    int64_t discarded;
    int64_t died;        /* ever became dead letters, ended ones among them */
    int64_t records;     /* taken from the topic since the map came to this target */
    bool balanced;       /* the counts of every partition sum up to its records */
    int64_t position_us; /* the source's time up to which every partition has come */
    int64_t newest_us;   /* … and the partition that is farthest */
};

struct dw_target_snapshot {
    const char *system;
    const char *incarnation; /* "" unknown */
    const char *problem;     /* why the snapshot is old; "" when it is fresh */
    int64_t read_us;         /* when it was taken; 0 never */
    const struct dw_target_progress *maps;
    size_t map_count;
};

/* NULL: the target knows nothing of the map. */
const struct dw_target_progress *dw_target_snapshot_find(const struct dw_target_snapshot *snapshot,
                                                         const char *map);

struct dw_target_list {
    const struct dw_target_snapshot *items;
    size_t count;
};

/* Borrows `settings` until stop. */
enum dw_rc dw_target_watch_start(struct dw_target_watch **out, const struct dw_settings *settings,
                                 struct dw_err *err) DW_MUST_CHECK;
void dw_target_watch_stop(struct dw_target_watch *watch); /* accepts NULL; waits */

/* The snapshots of systems that are targets; copied into `arena`. */
void dw_target_watch_read(struct dw_target_watch *watch, struct dw_arena *arena,
                          struct dw_target_list *out);

#endif
