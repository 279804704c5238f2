/* letter.h - a dead letter by reference: an event that no topic takes (too large) or that cannot be
 * built (its key is unknown), as key, version and reason, without the value. */
#ifndef DW_CAPTURE_POSTGRES_LETTER_H
#define DW_CAPTURE_POSTGRES_LETTER_H
#include "common/kafka/kafka_producer.h"
#include "common/model/version.h"
#include "producer/capture_postgres/publisher.h"

struct dw_letter_origin {
    const char *system;
    const char *instance;
    uint64_t tag;
    int32_t partitions; /* of the dead-letter topic */
};

/* Results as dw_kafka_producer_send_headers. */
enum dw_rc dw_letter_send(struct dw_kafka_producer *producer, struct dw_kafka_topic *topic,
                          const struct dw_publisher_letter *letter,
                          const struct dw_letter_origin *origin, struct dw_err *err) DW_MUST_CHECK;

/* The version in an event that we encoded. False when it is none. */
bool dw_letter_read_version(struct dw_str value, struct dw_version *out);

#endif
