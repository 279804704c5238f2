/* kafka_consumer.h - a member of a consumer group whose owner decides where each partition starts.
 *
 * A newly assigned partition is paused until the owner has found its place (the progress row in the
 * target) and calls start. Records come one by one (batch consume of librdkafka 2.0.2 may skip
 * offsets); offsets are committed by the owner only; nothing is ever reset by itself. Below
 * librdkafka 2.11 partitions are assigned eagerly (range), from there on cooperatively.
 * Partitions are paused only by this object, which knows which are (resuming a partition that is
 * not paused rewinds it before 2.4.0).
 * Threads: one thread polls and owns the object; dw_kafka_consumer_wake, _rest and the looks may be
 * called by any thread.
 */
#ifndef DW_KAFKA_KAFKA_CONSUMER_H
#define DW_KAFKA_KAFKA_CONSUMER_H
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/config/settings.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dw_kafka_bell;
struct dw_kafka_consumer;

/* An assigned partition; lives from the `assigned` callback to the end of the `revoked` one. */
struct dw_kafka_partition {
    const char *topic;
    int32_t number;
    void *owner; /* the owner's own object, set by it */
};

struct dw_kafka_consumer_options {
    const char *client_id;
    int64_t session_timeout_ms;
    int64_t prefetch_bytes;     /* fetched by the client and not yet polled, about */
    int64_t fetch_wait_ms;      /* how long a fetch waits while there is nothing */
    struct dw_kafka_bell *bell; /* owned once opened; NULL: what is resumed or added waits until the
                                   fetch that is under way returns */
    int64_t refresh_ms;         /* how long a topic or partition that is made stays unnoticed */
    void *context;
    /* Called inside poll and close. Assigned partitions deliver nothing before start. */
    void (*assigned)(void *context, struct dw_kafka_partition *const *partitions, size_t count);
    /* `lost`: the group has already given them to others. */
    void (*revoked)(void *context, struct dw_kafka_partition *const *partitions, size_t count,
                    bool lost);
};

enum dw_rc dw_kafka_consumer_open(struct dw_kafka_consumer **out,
                                  const struct dw_kafka_settings *settings,
                                  const struct dw_kafka_consumer_options *options,
                                  struct dw_err *err) DW_MUST_CHECK;
/* Leaves the group; accepts NULL. Waits at most a few seconds for the coordinator. */
void dw_kafka_consumer_close(struct dw_kafka_consumer *consumer);

/* The topics wanted from now on; an empty list leaves all. */
enum dw_rc dw_kafka_consumer_subscribe(struct dw_kafka_consumer *consumer,
                                       const char *const *topics, size_t count,
                                       struct dw_err *err) DW_MUST_CHECK;

struct dw_kafka_message {
    struct dw_kafka_partition *partition;
    int64_t offset;
    struct dw_str key, value; /* .ptr NULL: null; valid until the next poll */
};

/* DW_OK: *out is a record. DW_AGAIN: nothing. DW_END: the log no longer (or not yet) holds the
 * offset that out->partition was started at. DW_RETRY, DW_CONFIG: an error for the log (DW-KAFKA-
 * 020, -021); polling goes on. DW_FATAL: DW-KAFKA-022. */
enum dw_rc dw_kafka_consumer_poll(struct dw_kafka_consumer *consumer, int timeout_ms,
                                  struct dw_kafka_message *out, struct dw_err *err) DW_MUST_CHECK;

/* Makes a poll that waits return. */
void dw_kafka_consumer_wake(struct dw_kafka_consumer *consumer);

/* Fetches from `offset` on. Takes effect at this or one of the next polls. */
void dw_kafka_consumer_start(struct dw_kafka_consumer *consumer,
                             struct dw_kafka_partition *partition, int64_t offset);
/* Stops delivery; a start or resume goes on. */
void dw_kafka_consumer_pause(struct dw_kafka_consumer *consumer,
                             struct dw_kafka_partition *partition);
/* Goes on at `offset`, the one behind the last record that the owner took. */
void dw_kafka_consumer_resume(struct dw_kafka_consumer *consumer,
                              struct dw_kafka_partition *partition, int64_t offset);

struct dw_kafka_commit {
    const struct dw_kafka_partition *partition;
    int64_t offset;
    const char *metadata;
};
/* Without `wait` a failure is only seen in the next commit being needed. */
enum dw_rc dw_kafka_consumer_commit(struct dw_kafka_consumer *consumer,
                                    const struct dw_kafka_commit *commits, size_t count, bool wait,
                                    struct dw_err *err) DW_MUST_CHECK;

/* The end of the log as the last fetch saw it; -1 unknown. Does not block. */
int64_t dw_kafka_consumer_high(struct dw_kafka_consumer *consumer, const char *topic,
                               int32_t partition);

struct dw_kafka_look {
    int64_t low, high; /* first offset still kept, the one behind the last */
    int64_t committed; /* the group's, -1 none */
    char metadata[64]; /* of the commit */
};
/* Asks the brokers; blocks up to `timeout_ms` (twice). Without `committed` only low and high.
 * Errors: DW_RETRY or DW_CONFIG, DW-KAFKA-023. */
enum dw_rc dw_kafka_consumer_look(struct dw_kafka_consumer *consumer, const char *topic,
                                  int32_t partition, bool committed, int timeout_ms,
                                  struct dw_kafka_look *out, struct dw_err *err) DW_MUST_CHECK;

struct dw_kafka_place {
    const char *topic; /* borrowed */
    int32_t partition;
    struct dw_kafka_look look;
};
/* The same for many places, each only once, with as many requests as for one (blocks up to
 * `timeout_ms` three times). It fails as a whole: who needs them looks at one after the other. */
enum dw_rc dw_kafka_consumer_look_at_all(struct dw_kafka_consumer *consumer,
                                         struct dw_kafka_place *places, size_t count,
                                         int timeout_ms, struct dw_err *err) DW_MUST_CHECK;

/* Now and then: gives up the connections for looks when there were none for a while; the next look
 * makes them anew. */
void dw_kafka_consumer_rest(struct dw_kafka_consumer *consumer);

#endif
