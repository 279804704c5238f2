/* kafka_bell.h - ends fetches that wait at the brokers.
 *
 * A broker holds a fetch back until one of its partitions has something, and a partition that is
 * resumed or added meanwhile waits until it returns. So that a consumer of thousands of partitions
 * may wait long, it fetches from one partition more on each broker, of the topic PREFIX.fetch.bell,
 * and writes a record there when it has something to change. All workers of a prefix share the
 * topic: a ring ends the waits of all of them, who then ask once more.
 * Threads: one owner.
 */
#ifndef DW_KAFKA_KAFKA_BELL_H
#define DW_KAFKA_KAFKA_BELL_H
#include "common/base/err.h"
#include "common/config/settings.h"
#include <stdint.h>

struct dw_kafka_bell;
struct rd_kafka_s;
struct rd_kafka_message_s;
struct rd_kafka_topic_partition_list_s;

/* Makes the topic where it is missing, with a partition for each broker, and rings once: so it is
 * known that this process may, and where the partitions end. Blocks for a few times `timeout_ms` at
 * most. Errors: DW_RETRY, DW_CONFIG (DW-KAFKA-001 to -004, -024). */
enum dw_rc dw_kafka_bell_open(struct dw_kafka_bell **out, const struct dw_kafka_settings *settings,
                              const char *client_id, int timeout_ms,
                              struct dw_err *err) DW_MUST_CHECK;
/* All that follow accept NULL, where there is no bell. */
void dw_kafka_bell_close(struct dw_kafka_bell *bell);

/* The consumer whose fetches it ends; closed after the bell. */
void dw_kafka_bell_attach(struct dw_kafka_bell *bell, struct rd_kafka_s *consumer);
/* Adds its partitions to what the consumer is going to assign (or no longer), from where they end:
 * from an offset that is known, so that the next fetch has them. */
void dw_kafka_bell_assign(const struct dw_kafka_bell *bell,
                          struct rd_kafka_topic_partition_list_s *list);
/* A record that the consumer fetched and that is nobody else's. */
void dw_kafka_bell_hear(struct dw_kafka_bell *bell, const struct rd_kafka_message_s *message);

/* The fetch under way lacks something: what was ordered before this call has taken effect, and a
 * fetch that was sent without it ends by a record that is written afterwards. */
void dw_kafka_bell_want(struct dw_kafka_bell *bell);
/* Before each poll: rings when it is wanted and the last time is a moment ago; does not wait.
 * Returns how long the poll may wait. A failure is logged (DW-KAFKA-024) and not repeated: the
 * fetch ends by itself, later. */
int dw_kafka_bell_tend(struct dw_kafka_bell *bell, int timeout_ms);

#endif
