/* kafka_producer.h - an idempotent producer whose reports come through a descriptor, never by
 * callback, and that never blocks.
 *
 * Messages go to explicit partitions, are copied at once and are never given up locally
 * (message.timeout.ms=0): each one ends in exactly one report, or with the producer itself. A
 * producer that reports a fatal error takes nothing more: close it, open another, and send again
 * from the last confirmed commit. Threads: one owner.
 */
#ifndef DW_KAFKA_KAFKA_PRODUCER_H
#define DW_KAFKA_KAFKA_PRODUCER_H
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/config/settings.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dw_kafka_producer;
struct dw_kafka_topic; /* belongs to its producer, lives as long */

struct dw_kafka_producer_options {
    const char *client_id;
    int64_t linger_ms;
    const char *compression; /* codec name */
    bool in_order;       /* it halts by itself where a message fails that must not be overtaken */
    int64_t batch_bytes; /* of a request's records of one partition, but for a single larger one;
                            0: the library's own limit */
    int64_t topic_missing_ms; /* how long a topic may be unknown before its messages fail */
};

enum dw_rc dw_kafka_producer_open(struct dw_kafka_producer **out,
                                  const struct dw_kafka_settings *settings,
                                  const struct dw_kafka_producer_options *options,
                                  struct dw_err *err) DW_MUST_CHECK;
/* Throws away what was not sent, without reports. Accepts NULL. */
void dw_kafka_producer_close(struct dw_kafka_producer *producer);

/* The topic's handle; made at the first call. Errors: DW_CONFIG DW-KAFKA-004 for a bad name. */
enum dw_rc dw_kafka_producer_topic(struct dw_kafka_producer *producer, const char *name,
                                   struct dw_kafka_topic **out, struct dw_err *err) DW_MUST_CHECK;

/* The partitions of a topic that messages may go to: at least `wanted` when the library knows so
 * many already; else the brokers are asked, waiting up to `timeout_ms`. 0: no answer yet. For a
 * topic that was given more of them: the library would refuse some until it looks by itself, and
 * take those behind them. */
int32_t dw_kafka_producer_partitions(struct dw_kafka_producer *producer,
                                     struct dw_kafka_topic *topic, int32_t wanted, int timeout_ms);

struct dw_kafka_outgoing {
    struct dw_str key;   /* .ptr NULL: null */
    struct dw_str value; /* .ptr NULL: null */
    int32_t partition;
    uint64_t tag;  /* comes back in the report */
    bool refused;  /* out: the record is larger than we may send: it will get no report */
    bool not_sent; /* out: the queue is full: send it again later; it will get no report */
};

/* Queues up to `count` messages of one topic, in order, copying their bytes. Bytes of those queued
 * count as in flight until reported. DW_OK; DW_AGAIN when some were not sent: all from the first
 * such on, because the queue is full or the producer has halted. DW_CONFIG DW-KAFKA-004: there is
 * no such topic or partition. DW_FATAL: the producer is broken. */
enum dw_rc dw_kafka_producer_send(struct dw_kafka_producer *producer, struct dw_kafka_topic *topic,
                                  struct dw_kafka_outgoing *messages, size_t count,
                                  struct dw_err *err) DW_MUST_CHECK;

/* Gives up what is queued, at once: nothing more leaves, reports come with DW_AGAIN. Afterwards it
 * has to be closed and opened anew. */
void dw_kafka_producer_halt(struct dw_kafka_producer *producer);

struct dw_kafka_header {
    const char *name;
    struct dw_str value;
};

/* Queues one message with headers (dead letters). DW_OK, DW_AGAIN (queue full), DW_REJECT (too
 * large), DW_FATAL. */
enum dw_rc dw_kafka_producer_send_headers(struct dw_kafka_producer *producer,
                                          struct dw_kafka_topic *topic,
                                          const struct dw_kafka_outgoing *message,
                                          const struct dw_kafka_header *headers, size_t count,
                                          struct dw_err *err) DW_MUST_CHECK;

/* The end of a message. */
struct dw_kafka_report {
    enum dw_rc rc;      /* DW_OK: acknowledged; DW_REJECT: this record is refused; DW_CONFIG: topic
                           unknown or not allowed; DW_RETRY, DW_FATAL: lost with the producer;
                           DW_AGAIN: given up when it halted, for a failure that is reported too,
                           before this or behind it */
    const char *reason; /* "" when acknowledged */
    const char *topic;
    int32_t partition;
    struct dw_str key, value; /* as they were queued */
    uint64_t tag;
};

typedef void (*dw_kafka_report_fn)(void *context, const struct dw_kafka_report *report);

/* Hands out all reports there are; does not wait. DW_FATAL DW-KAFKA-006 after a fatal error. */
enum dw_rc dw_kafka_producer_poll(struct dw_kafka_producer *producer, dw_kafka_report_fn on_report,
                                  void *context, struct dw_err *err) DW_MUST_CHECK;
/* Readable when there may be reports; for poll(2). */
int dw_kafka_producer_fd(const struct dw_kafka_producer *producer);

/* Bytes queued and not reported, with an allowance for the library's own. */
size_t dw_kafka_producer_in_flight(const struct dw_kafka_producer *producer);
size_t dw_kafka_producer_messages(const struct dw_kafka_producer *producer);

#endif
