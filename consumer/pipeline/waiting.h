/* waiting.h - the events of one partition that wait for a parent row or a unique value. Pure core.
 *
 * Per key a queue in order of offset: the first waits for something, the later ones behind it. A
 * key's events are always tried together, so that a queued delete settles those before it (trap 3).
 * The rows are also in the target (dualwrite.waiting), written in the progress transaction; this is
 * their image in memory, reloaded at each claim.
 * Ownership: entries own copies of their bytes. Threads: one owner, the partition's lane.
 */
#ifndef DW_PIPELINE_WAITING_H
#define DW_PIPELINE_WAITING_H
#include "common/base/table.h"
#include "consumer/write_postgres/writer.h"
#include <stdbool.h>

struct dw_waiting_entry {
    struct dw_waiting row;         /* slices point into `bytes` */
    struct dw_waiting_entry *next; /* of the same key, rising offset */
    struct dw_waiting_key *key;
    int64_t commit_us;
    int64_t passed_ms;      /* monotonic: when the parent's map had passed it; 0 not yet */
    int64_t reread_ms;      /* monotonic: when its row was asked for; 0 never */
    uint64_t reread_ticket; /* … the request */
    size_t bytes_len;
    char bytes[];
};

struct dw_waiting_key {
    struct dw_str text; /* of the first entry ever; owned */
    struct dw_waiting_entry *first, *last;
    struct dw_waiting_key *next, *previous; /* all keys, oldest first */
    uint64_t batch;                         /* last batch that took it up */
    uint64_t round;                         /* of the timer, at its last attempt */
    uint64_t tick;                          /* of the parent's table, at its last attempt */
};

struct dw_waiting_set {
    struct dw_table keys;                /* key text -> dw_waiting_key, emptied ones too */
    struct dw_waiting_key *first, *last; /* those that have entries */
    struct dw_waiting_key *emptied;      /* by `next`; freed when they are the majority */
    size_t entries;
    size_t bytes;
    size_t key_count;
    size_t emptied_count;
};

void dw_waiting_init(struct dw_waiting_set *set);
void dw_waiting_done(struct dw_waiting_set *set);
/* Drops all entries. */
void dw_waiting_clear(struct dw_waiting_set *set);

/* Copies `row`; it goes behind its key's others. `commit_us`: of the event, 0 unknown. */
struct dw_waiting_entry *dw_waiting_add(struct dw_waiting_set *set, const struct dw_waiting *row,
                                        int64_t commit_us);
/* NULL when nothing waits under this key. */
struct dw_waiting_key *dw_waiting_find(const struct dw_waiting_set *set, struct dw_str key_text);
/* At least half of either bound is taken. */
bool dw_waiting_is_crowded(const struct dw_waiting_set *set, size_t rows_max, size_t bytes_max);
/* Rows that may still be added under the bounds; 0 when either is reached. */
size_t dw_waiting_room(const struct dw_waiting_set *set, size_t rows_max, size_t bytes_max);
/* Removes an entry. Its key must not be used afterwards when it was the last one. */
void dw_waiting_remove(struct dw_waiting_set *set, struct dw_waiting_entry *entry);

#endif
