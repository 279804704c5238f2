/* topic_watch.c - see topic_watch.h. */
#include "reconciler/alerts/topic_watch.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/kafka/kafka_admin.h"
#include "common/service/lifecycle.h"
#include "common/state/state.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define INTERVAL_MS  10000
#define REST_FROM_MS 30000 /* between looks: less often, and no client waits for the next one */
#define TOPICS       200 /* with so many more, it takes INTERVAL_MS more: each is described anew */
#define BACKOFF_MS   5000
#define TIMEOUT_MS   10000
#define ARENA_BYTES  16384

struct dw_topic_watch {
    const struct dw_settings *settings;
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t lock; /* of the list */
    struct dw_arena list_arena;
    struct dw_topic_list list;
    /* the thread's own */
    struct dw_state *state;
    struct dw_kafka_admin *admin;
    struct dw_arena arena;
    char logged[DW_ERR_MESSAGE_MAX];
};

/* --- asking ------------------------------------------------------------------------------------
 */

/* A partition of which nothing was removed yet says nothing about when that begins. */
static enum dw_rc ask_partition(struct dw_topic_watch *watch, const char *topic, int32_t partition,
                                double *share, struct dw_err *err)
{
    int64_t low = 0;
    int64_t high = 0;
    int64_t committed = -1;
    enum dw_rc rc =
        dw_kafka_admin_offsets(watch->admin, topic, partition, TIMEOUT_MS, &low, &high, err);
    if (rc == DW_OK && low > 0 && high > low)
        rc = dw_kafka_admin_committed(watch->admin, watch->settings->kafka.group, topic, partition,
                                      TIMEOUT_MS, &committed, err);
    if (rc != DW_OK || committed < 0)
        return rc;
    double unapplied = committed < low ? 1 : (double)(high - committed) / (double)(high - low);
    if (unapplied > *share)
        *share = unapplied;
    return DW_OK;
}

static enum dw_rc ask_topic(struct dw_topic_watch *watch, const struct dw_map_record *map,
                            struct dw_topic_limit *limit, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    for (int32_t i = 0; limit->retention_bytes >= 0 && rc == DW_OK && i < map->partitions; i++)
        rc = ask_partition(watch, map->topic, i, &limit->unapplied_share, err);
    return rc;
}

static enum dw_rc ask_all(struct dw_topic_watch *watch, const struct dw_map_record *maps,
                          size_t count, struct dw_topic_limit *limits, size_t *out_count,
                          struct dw_err *err)
{
    const char **topics = DW_ARENA_ARRAY(&watch->arena, const char *, count);
    struct dw_kafka_retention *kept =
        DW_ARENA_ARRAY(&watch->arena, struct dw_kafka_retention, count);
    for (size_t i = 0; i < count; i++)
        topics[i] = maps[i].topic;
    *out_count = 0;
    enum dw_rc rc = dw_kafka_admin_retention(watch->admin, topics, count, TIMEOUT_MS, kept, err);
    for (size_t i = 0; rc == DW_OK && i < count && !atomic_load(&watch->stopping); i++) {
        struct dw_topic_limit *limit = &limits[*out_count];
        if (!kept[i].known || maps[i].state == DW_MAP_STOPPED)
            continue;
        *limit = (struct dw_topic_limit){
            .topic = topics[i], .retention_ms = kept[i].ms, .retention_bytes = kept[i].bytes};
        rc = ask_topic(watch, &maps[i], limit, err);
        (*out_count)++;
    }
    return rc;
}

static void publish(struct dw_topic_watch *watch, const struct dw_topic_limit *limits, size_t count)
{
    pthread_mutex_lock(&watch->lock);
    dw_arena_reset(&watch->list_arena);
    struct dw_topic_limit *items = DW_ARENA_ARRAY(&watch->list_arena, struct dw_topic_limit, count);
    for (size_t i = 0; i < count; i++) {
        items[i] = limits[i];
        items[i].topic = dw_arena_printf(&watch->list_arena, "%s", limits[i].topic);
    }
    watch->list = (struct dw_topic_list){items, count};
    pthread_mutex_unlock(&watch->lock);
}

static enum dw_rc look(struct dw_topic_watch *watch, struct dw_err *err)
{
    const struct dw_map_record *maps = NULL;
    size_t count = 0;
    size_t known = 0;
    enum dw_rc rc = DW_OK;
    dw_arena_reset(&watch->arena);
    if (!watch->state)
        rc = dw_state_open(&watch->state, &watch->settings->state, "dualwrite-reconciler-topics",
                           err);
    if (rc == DW_OK && !watch->admin)
        rc = dw_kafka_admin_open(&watch->admin, &watch->settings->kafka, "dualwrite-reconciler",
                                 err);
    if (rc == DW_OK)
        rc = dw_state_maps_load(watch->state, &watch->arena, &maps, &count, err);
    if (rc != DW_OK)
        return rc;
    struct dw_topic_limit *limits = DW_ARENA_ARRAY(&watch->arena, struct dw_topic_limit, count);
    rc = ask_all(watch, maps, count, limits, &known, err);
    if (rc == DW_OK)
        publish(watch, limits, known);
    return rc;
}

/* --- the thread --------------------------------------------------------------------------------
 */

static void log_once(struct dw_topic_watch *watch, const struct dw_err *err)
{
    if (strcmp(watch->logged, err->message) == 0)
        return;
    (void)snprintf(watch->logged, sizeof watch->logged, "%s", err->message);
    dw_log_err(DW_LOG_WARN, "topics.unread", err);
}

static int64_t interval_ms(const struct dw_topic_watch *watch)
{
    return INTERVAL_MS * (1 + (int64_t)watch->list.count / TOPICS); /* written by this thread */
}

static void rest(struct dw_topic_watch *watch)
{
    if (interval_ms(watch) < REST_FROM_MS)
        return;
    dw_kafka_admin_close(watch->admin);
    watch->admin = NULL;
}

static void *run(void *argument)
{
    struct dw_topic_watch *watch = argument;
    while (!atomic_load(&watch->stopping)) {
        struct dw_err err = DW_ERR_INIT;
        enum dw_rc rc = look(watch, &err);
        if (rc != DW_OK)
            log_once(watch, &err);
        else
            watch->logged[0] = '\0';
        rest(watch);
        dw_lifecycle_sleep(&watch->stopping, rc == DW_OK ? interval_ms(watch) : BACKOFF_MS);
    }
    return NULL;
}

enum dw_rc dw_topic_watch_start(struct dw_topic_watch **out, const struct dw_settings *settings,
                                struct dw_err *err)
{
    struct dw_topic_watch *watch = DW_MEM_NEW(struct dw_topic_watch);
    watch->settings = settings;
    (void)pthread_mutex_init(&watch->lock, NULL);
    dw_arena_init(&watch->arena, ARENA_BYTES);
    dw_arena_init(&watch->list_arena, ARENA_BYTES);
    if (pthread_create(&watch->thread, NULL, run, watch) == 0) {
        *out = watch;
        return DW_OK;
    }
    atomic_store(&watch->stopping, true);
    dw_arena_done(&watch->arena);
    dw_arena_done(&watch->list_arena);
    (void)pthread_mutex_destroy(&watch->lock);
    free(watch);
    return dw_err_set(err, DW_FATAL, "DW-API-003", "cannot start a thread for Kafka's topics");
}

void dw_topic_watch_stop(struct dw_topic_watch *watch)
{
    if (!watch)
        return;
    atomic_store(&watch->stopping, true);
    (void)pthread_join(watch->thread, NULL);
    dw_kafka_admin_close(watch->admin);
    dw_state_close(watch->state);
    dw_arena_done(&watch->arena);
    dw_arena_done(&watch->list_arena);
    (void)pthread_mutex_destroy(&watch->lock);
    free(watch);
}

void dw_topic_watch_read(struct dw_topic_watch *watch, struct dw_arena *arena,
                         struct dw_topic_list *out)
{
    *out = (struct dw_topic_list){NULL, 0};
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    size_t count = watch->list.count;
    struct dw_topic_limit *items = DW_ARENA_ARRAY(arena, struct dw_topic_limit, count);
    for (size_t i = 0; i < count; i++) {
        items[i] = watch->list.items[i];
        items[i].topic = dw_arena_printf(arena, "%s", watch->list.items[i].topic);
    }
    pthread_mutex_unlock(&watch->lock);
    *out = (struct dw_topic_list){items, count};
}
