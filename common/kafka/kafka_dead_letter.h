/* kafka_dead_letter.h - writes dead letters: the original record with the reason in its headers.
 *
 * Synchronous: send returns when every letter is acknowledged by all in-sync replicas, or says that
 * not all were; then all are sent again by the caller. A letter's identity is (topic, partition,
 * offset, incarnation), so one written twice is one. Header names and stages are those of Kafka
 * Connect's errors.deadletterqueue.context.headers, followed by our own.
 * Threads: any may send; each call waits for its own letters.
 */
#ifndef DW_KAFKA_KAFKA_DEAD_LETTER_H
#define DW_KAFKA_KAFKA_DEAD_LETTER_H
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/config/settings.h"
#include "common/model/version.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dw_dead_letter_stage {
    DW_DEAD_LETTER_VALUE_CONVERTER, /* could not be decoded */
    DW_DEAD_LETTER_TRANSFORMATION,  /* could not be mapped */
    DW_DEAD_LETTER_TASK_PUT,        /* the target refused it */
    DW_DEAD_LETTER_KAFKA_PRODUCE,   /* Kafka refused it (trap 10) */
};

/* Borrows everything for the call. Text members that are NULL or empty write no header. */
struct dw_kafka_dead_letter {
    struct dw_str key, value; /* original bytes; .ptr NULL: null */
    const char *topic;
    int32_t partition; /* -1: by reference, no partition and offset */
    int64_t offset;
    const char *map;
    int64_t revision;
    enum dw_dead_letter_stage stage;
    const char *failure_class; /* data, constraint, dependency, format, incomplete, too_large */
    const char *code;          /* DW-APPLY-nnn */
    const char *message;
    const char *sqlstate;
    const char *column;
    const char *system;
    const char *incarnation;
    const struct dw_version *version; /* NULL: none */
    int64_t attempts;
    int64_t first_failed_us;
    int64_t failed_us;
    const char *instance;
};

struct dw_kafka_dead_letters;

/* Does not connect yet. `timeout_ms`: how long one send may take. */
enum dw_rc dw_kafka_dead_letter_open(struct dw_kafka_dead_letters **out,
                                     const struct dw_kafka_settings *settings,
                                     const char *client_id, int timeout_ms,
                                     struct dw_err *err) DW_MUST_CHECK;
void dw_kafka_dead_letter_close(struct dw_kafka_dead_letters *letters); /* accepts NULL */

/* DW_OK: all acknowledged. DW_RETRY DW-KAFKA-030 (outage), DW_CONFIG DW-KAFKA-031 (no such topic,
 * no permission). A letter that is too large for the topic is written without its value. */
enum dw_rc dw_kafka_dead_letter_send(struct dw_kafka_dead_letters *letters,
                                     const struct dw_kafka_dead_letter *items, size_t count,
                                     struct dw_err *err) DW_MUST_CHECK;

#endif
