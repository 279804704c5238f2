/* context.c - see context.h. */
#include "consumer/pipeline/context.h"

#include "common/base/arena.h"
#include "common/base/hash.h"
#include "consumer/pipeline/lane.h"
#include <stdio.h>
#include <stdlib.h>

void dw_context_init(struct dw_context *context, const struct dw_settings *settings,
                     const char *instance, struct dw_registry *registry)
{
    *context =
        (struct dw_context){.settings = settings, .instance = instance, .registry = registry};
    context->pool.limit = (size_t)settings->consumer.queue_bytes;
    (void)pthread_mutex_init(&context->letters_lock, NULL);
    (void)pthread_mutex_init(&context->incarnation_lock, NULL);
    dw_reread_init(&context->reread);
    (void)pthread_mutex_init(&context->lanes_lock, NULL);
}

void dw_context_done(struct dw_context *context)
{
    dw_kafka_dead_letter_close(context->letters);
    (void)pthread_mutex_destroy(&context->letters_lock);
    (void)pthread_mutex_destroy(&context->incarnation_lock);
    dw_reread_done(&context->reread);
    (void)pthread_mutex_destroy(&context->lanes_lock);
    free((void *)context->lanes);
}

void dw_context_attention(struct dw_context *context)
{
    if (!atomic_exchange(&context->attention, true))
        dw_kafka_consumer_wake(context->consumer);
}

_Atomic uint64_t *dw_context_tick(struct dw_context *context, const char *system,
                                  struct dw_str schema, struct dw_str table)
{
    uint64_t hash = dw_hash_bytes(system, strlen(system), 0);
    hash = dw_hash_bytes(schema.ptr, schema.len, hash);
    hash = dw_hash_bytes(table.ptr, table.len, hash);
    return &context->ticks[hash % DW_CONTEXT_TICKS];
}

void dw_context_applied(struct dw_context *context, const char *system, struct dw_str schema,
                        struct dw_str table)
{
    (void)atomic_fetch_add(dw_context_tick(context, system, schema, table), 1);
    (void)atomic_fetch_add(&context->tick_total, 1);
    if (atomic_load(&context->waiting) == 0)
        return;
    pthread_mutex_lock(&context->lanes_lock);
    for (size_t i = 0; i < context->lane_count; i++)
        dw_lane_wake(context->lanes[i], NULL);
    pthread_mutex_unlock(&context->lanes_lock);
}

int dw_context_idle_ms(const struct dw_settings *settings)
{
    return (int)(settings->consumer.session_timeout_ms * 2 / 3);
}

static enum dw_rc letters_of(struct dw_context *context, struct dw_kafka_dead_letters **out,
                             struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    pthread_mutex_lock(&context->letters_lock);
    if (!context->letters) {
        char client_id[128];
        (void)snprintf(client_id, sizeof client_id, "dualwrite-consumer-%s-dead-letters",
                       context->instance);
        rc = dw_kafka_dead_letter_open(&context->letters, &context->settings->kafka, client_id,
                                       dw_context_idle_ms(context->settings) / 2, err);
    }
    *out = context->letters;
    pthread_mutex_unlock(&context->letters_lock);
    return rc;
}

enum dw_rc dw_context_send_letters(struct dw_context *context,
                                   const struct dw_kafka_dead_letter *letters, size_t count,
                                   struct dw_err *err)
{
    struct dw_kafka_dead_letters *producer = NULL;
    enum dw_rc rc = letters_of(context, &producer, err);
    return rc == DW_OK ? dw_kafka_dead_letter_send(producer, letters, count, err) : rc;
}
