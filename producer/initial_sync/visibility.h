/* visibility.h - transactions that were streamed but may not be visible to other sessions yet
 * (trap 17). Pure.
 *
 * A commit record is decoded before the transaction leaves the server's list of running ones: for a
 * moment normally, for long while it waits for a synchronous standby. A chunk that was read
 * meanwhile is older than events before it. Each streamed transaction stays here, with the order in
 * which it came, until some snapshot has seen it; later snapshots see it too. Threads: one owner.
 */
#ifndef DW_INITIAL_SYNC_VISIBILITY_H
#define DW_INITIAL_SYNC_VISIBILITY_H
#include "common/base/str.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* pg_current_snapshot(): what is below xmax and not in the list is visible. */
struct dw_snapshot {
    uint64_t xmin, xmax;
    uint64_t *running; /* rising; owned, free() */
    size_t running_count;
};

/* "10:20:10,14,15"; false when it is not of that form. */
bool dw_visibility_parse(struct dw_str text, struct dw_snapshot *out);
/* An xid of 32 bits is taken as the one next to the snapshot's xmax. */
bool dw_visibility_sees(const struct dw_snapshot *snapshot, uint32_t xid);

struct dw_streamed {
    uint32_t xid;
    uint64_t order;
};

struct dw_visibility {
    struct dw_streamed *items; /* by rising order */
    size_t count, capacity;
    uint64_t order; /* of the next one */
};

void dw_visibility_init(struct dw_visibility *visibility);
void dw_visibility_done(struct dw_visibility *visibility);

/* A transaction was streamed. One that is there already (a suspect) moves to the end. */
void dw_visibility_add(struct dw_visibility *visibility, uint32_t xid);
/* Before a stream's first chunk: transactions that were running then may have been streamed before
 * it began. */
void dw_visibility_suspect(struct dw_visibility *visibility, const struct dw_snapshot *snapshot);
/* Forgets what the snapshot sees. */
void dw_visibility_prune(struct dw_visibility *visibility, const struct dw_snapshot *snapshot);
/* Does the snapshot see everything that was added before `order`? If not, *out_xid is one of
 * those that it does not see. */
bool dw_visibility_covers(const struct dw_visibility *visibility,
                          const struct dw_snapshot *snapshot, uint64_t order, uint32_t *out_xid);

#endif
