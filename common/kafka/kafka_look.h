/* kafka_look.h - what the brokers say of partitions: their ends, and what the group has committed.
 *
 * The ends are asked for by a client of their own: a member's requests to a broker queue up behind
 * its fetch that waits there. It is given up while nobody looks, because an idle client costs more
 * than to make one anew.
 * For the files of this room; kafka_consumer.h is what others include. Threads: any.
 */
#ifndef DW_KAFKA_KAFKA_LOOK_H
#define DW_KAFKA_KAFKA_LOOK_H
#include "common/kafka/kafka_consumer.h"
#include <librdkafka/rdkafka.h>

struct dw_kafka_looker;

/* `settings` and `member`, which belongs to the group, are borrowed. DW_CONFIG DW-KAFKA-001. */
enum dw_rc dw_kafka_looker_open(struct dw_kafka_looker **out,
                                const struct dw_kafka_settings *settings, const char *client_id,
                                rd_kafka_t *member, struct dw_err *err) DW_MUST_CHECK;
void dw_kafka_looker_close(struct dw_kafka_looker *looker);
/* Gives the client up when there was no look for a while. */
void dw_kafka_looker_rest(struct dw_kafka_looker *looker);

/* Errors as dw_kafka_consumer_look's; the looks are set in any case. */
enum dw_rc dw_kafka_look_at(struct dw_kafka_looker *looker, struct dw_kafka_place *place,
                            bool committed, int timeout_ms, struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_kafka_look_at_all(struct dw_kafka_looker *looker, struct dw_kafka_place *places,
                                size_t count, int timeout_ms, struct dw_err *err) DW_MUST_CHECK;

#endif
