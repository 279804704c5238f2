/* context.h - what the threads of the pipeline share: settings, registry, Kafka, dead letters, and
 * the signs by which lanes tell each other that a table was written.
 *
 * Threads: set up before any of them starts; what changes later is atomic or locked.
 */
#ifndef DW_PIPELINE_CONTEXT_H
#define DW_PIPELINE_CONTEXT_H
#include "common/config/settings.h"
#include "common/kafka/kafka_consumer.h"
#include "common/kafka/kafka_dead_letter.h"
#include "consumer/pipeline/feed.h"
#include "consumer/pipeline/registry.h"
#include "consumer/pipeline/reread.h"
#include <pthread.h>
#include <stdatomic.h>

#define DW_CONTEXT_TICKS 256

struct dw_lane;

struct dw_context {
    const struct dw_settings *settings;
    const char *instance;
    struct dw_registry *registry;
    struct dw_kafka_consumer *consumer;

    pthread_mutex_t letters_lock;
    struct dw_kafka_dead_letters *letters; /* made at the first dead letter */

    struct dw_reread reread;  /* rows that have to be read again */
    struct dw_feed_pool pool; /* what is fetched and not yet applied */

    pthread_mutex_t incarnation_lock; /* one lane at a time names a new one */

    _Atomic uint64_t ticks[DW_CONTEXT_TICKS]; /* by target table: rises when rows were applied */
    _Atomic uint64_t tick_total;
    _Atomic int64_t waiting; /* events that wait, in all partitions */

    pthread_mutex_t lanes_lock;
    struct dw_lane **lanes;
    size_t lane_count;

    _Atomic bool attention;   /* the fetch thread has orders to read */
    _Atomic bool commits;     /* offsets to commit, which have time */
    _Atomic bool draining;    /* no new lanes */
    _Atomic bool lanes_ended; /* at the end: nobody but the fetch thread uses the consumer */
};

void dw_context_init(struct dw_context *context, const struct dw_settings *settings,
                     const char *instance, struct dw_registry *registry);
void dw_context_done(struct dw_context *context);

/* Asks the fetch thread to read the feeds' orders. */
void dw_context_attention(struct dw_context *context);

/* The counter of a target table. Tables that share one only cause a try too many. */
_Atomic uint64_t *dw_context_tick(struct dw_context *context, const char *system,
                                  struct dw_str schema, struct dw_str table);
/* Rows of a table were applied: what waits for them is tried now. */
void dw_context_applied(struct dw_context *context, const char *system, struct dw_str schema,
                        struct dw_str table);

/* As dw_kafka_dead_letter_send, through the producer that all lanes share. */
enum dw_rc dw_context_send_letters(struct dw_context *context,
                                   const struct dw_kafka_dead_letter *letters, size_t count,
                                   struct dw_err *err) DW_MUST_CHECK;

/* How long a target session may stand idle in a transaction: below the group's session timeout, so
 * that a frozen worker does not hold up its successor (trap 9). */
int dw_context_idle_ms(const struct dw_settings *settings);

#endif
