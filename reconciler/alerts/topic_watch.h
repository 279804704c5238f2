/* topic_watch.h - how long Kafka keeps what the topics of maps hold: for the alert before changes
 * that a map has not applied are removed.
 *
 * The brokers say it, not our settings: a topic may have been made, or changed, by somebody else. A
 * thread asks now and then. Where bytes bound a topic too, and it has begun to remove records, it
 * also looks how much of what is kept is still to be applied.
 * Threads: start, read and stop from any; reading does not block.
 */
#ifndef DW_ALERTS_TOPIC_WATCH_H
#define DW_ALERTS_TOPIC_WATCH_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"

struct dw_topic_watch;

struct dw_topic_limit {
    const char *topic;
    int64_t retention_ms;    /* -1: for ever */
    int64_t retention_bytes; /* of a partition; -1: without bound */
    /* Of the records that are kept, the share that the consumers have not passed, in the partition
     * where it is largest; 1: some are lost. 0: nothing was removed yet, or bytes are no bound. */
    double unapplied_share;
};

struct dw_topic_list {
    const struct dw_topic_limit *items;
    size_t count;
};

/* Borrows `settings` until stop. */
enum dw_rc dw_topic_watch_start(struct dw_topic_watch **out, const struct dw_settings *settings,
                                struct dw_err *err) DW_MUST_CHECK;
void dw_topic_watch_stop(struct dw_topic_watch *watch); /* accepts NULL */

/* What was seen last, copied into `arena`; none before the brokers have answered. Accepts NULL. */
void dw_topic_watch_read(struct dw_topic_watch *watch, struct dw_arena *arena,
                         struct dw_topic_list *out);

#endif
