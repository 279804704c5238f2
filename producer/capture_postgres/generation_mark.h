/* generation_mark.h - where in the stream a map begins to be published by more partitions (trap
 * 20).
 *
 * Whoever gives the topic of a map more partitions (Kafka's own tools, `dualwrite map partitions`)
 * changes nothing yet: keys are routed by the count in force, which the stream alone changes.
 *
 *   control thread ── sees more partitions than are in force: WAL message dualwrite.generation
 *   stream thread  ◄── the message ──┘ raises the count, and sends the mark at this place to every
 *                                      partition, old and new; new ones also get the map's revision
 *   consumer          goes on behind the mark in any partition only when all old partitions have
 *                     come to it, and nothing waits from before it
 *
 * Since it is in the WAL, the mark comes again at the same place, under the same version. What is
 * in force at a position is part of the position (generation.h); the marks behind it come by again.
 * A message that asks for what is in force already, or for a map that is not published now, changes
 * nothing; the control thread asks again as long as the topic has more.
 * A new epoch begins where nobody knows what the old one had sent last: a raise may be in some
 * partitions and not in others. So it begins with a mark that all partitions of the topic have to
 * come to.
 */
#ifndef DW_CAPTURE_POSTGRES_GENERATION_MARK_H
#define DW_CAPTURE_POSTGRES_GENERATION_MARK_H
#include "common/model/version.h"
#include "producer/capture_postgres/map_set.h"
#include "producer/capture_postgres/row_event.h"

struct pg_conn;

/* --- the control thread's side --- */

/* What was asked for lately; zeroed: nothing. */
struct dw_generation_asked {
    char *map; /* owned */
    int32_t partitions;
    int64_t at_ms;
};
struct dw_generation_asks {
    struct dw_generation_asked *items; /* owned */
    size_t count;
};
void dw_generation_mark_done(struct dw_generation_asks *asks);

/* Is there a map whose topic has more partitions than are in force? Then the set is to be asked
 * for.
 */
bool dw_generation_mark_wanted(const struct dw_map_set *set);
/* Asks for those that were not asked for within the last seconds. Blocks. */
enum dw_rc dw_generation_mark_ask(struct dw_generation_asks *asks, const struct dw_map_set *set,
                                  struct pg_conn *source, int64_t now_ms,
                                  struct dw_err *err) DW_MUST_CHECK;

/* --- the stream thread's side --- */

struct dw_generation_mark_place {
    struct dw_version version; /* of the open transaction */
    bool skipping;             /* it was published before */
};
enum dw_generation_mark_taken {
    DW_GENERATION_MARK_PASSED,  /* nothing new */
    DW_GENERATION_MARK_RAISED,  /* publisher->generations has one more, or had it already */
    DW_GENERATION_MARK_NOT_YET, /* Kafka does not show the partitions yet: call again */
};
/* Takes the marker that the row event holds, a DW_EVENT_GENERATION, and lets go of it unless
 * NOT_YET. */
enum dw_generation_mark_taken dw_generation_mark_take(struct dw_row_event *row_event,
                                                      const struct dw_generation_mark_place *place);

/* Begins an epoch: marks for the maps of which a raise may have been under way. The row event has
 * an open transaction before all others of the epoch. */
void dw_generation_mark_begin_epoch(struct dw_row_event *row_event);

#endif
