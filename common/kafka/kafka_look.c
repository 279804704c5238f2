/* kafka_look.c - see kafka_look.h. */
#include "common/kafka/kafka_look.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/kafka/kafka_config.h"
#include "common/kafka/kafka_offsets.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { REST_MS = 60000 };
#define LOOKS_AGE_MS "1000" /* a topic that was given more partitions is known by then */

struct dw_kafka_looker {
    const struct dw_kafka_settings *settings;
    char *client_id;
    rd_kafka_t *member;
    pthread_mutex_t lock; /* for what follows */
    rd_kafka_t *client;   /* NULL: at rest */
    int users;
    int64_t used_at_ms;
};

/* --- the client -------------------------------------------------------------------------------
 */

static enum dw_rc start_client(struct dw_kafka_looker *looker, struct dw_err *err)
{
    rd_kafka_conf_t *conf = NULL;
    char reason[512];
    enum dw_rc rc =
        dw_kafka_config_new(&conf, looker->settings, DW_KAFKA_READER, looker->client_id, err);
    if (rc != DW_OK)
        return rc;
    rc = dw_kafka_config_fit_sizes(conf, err);
    if (rc == DW_OK)
        rc = dw_kafka_config_default(conf, looker->settings, "metadata.max.age.ms", LOOKS_AGE_MS,
                                     err);
    if (rc == DW_OK)
        looker->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (looker->client)
        return DW_OK;
    rd_kafka_conf_destroy(conf);
    return rc != DW_OK ? rc
                       : dw_err_set(err, DW_CONFIG, "DW-KAFKA-001", "kafka consumer: %s", reason);
}

static enum dw_rc take_client(struct dw_kafka_looker *looker, rd_kafka_t **out, struct dw_err *err)
{
    pthread_mutex_lock(&looker->lock);
    enum dw_rc rc = looker->client ? DW_OK : start_client(looker, err);
    if (rc == DW_OK)
        looker->users++;
    *out = looker->client;
    pthread_mutex_unlock(&looker->lock);
    return rc;
}

static void give_client(struct dw_kafka_looker *looker)
{
    pthread_mutex_lock(&looker->lock);
    looker->users--;
    looker->used_at_ms = dw_clock_mono_ms();
    pthread_mutex_unlock(&looker->lock);
}

void dw_kafka_looker_rest(struct dw_kafka_looker *looker)
{
    rd_kafka_t *unused = NULL;
    pthread_mutex_lock(&looker->lock);
    if (!looker->users && dw_clock_mono_ms() - looker->used_at_ms >= REST_MS) {
        unused = looker->client;
        looker->client = NULL;
    }
    pthread_mutex_unlock(&looker->lock);
    if (unused)
        rd_kafka_destroy(unused);
}

enum dw_rc dw_kafka_looker_open(struct dw_kafka_looker **out,
                                const struct dw_kafka_settings *settings, const char *client_id,
                                rd_kafka_t *member, struct dw_err *err)
{
    char name[160];
    (void)snprintf(name, sizeof name, "%s-looks", client_id);
    struct dw_kafka_looker *looker = DW_MEM_NEW(struct dw_kafka_looker);
    looker->settings = settings;
    looker->client_id = dw_mem_strdup(name);
    looker->member = member;
    looker->used_at_ms = dw_clock_mono_ms();
    (void)pthread_mutex_init(&looker->lock, NULL);
    enum dw_rc rc = start_client(looker, err);
    if (rc != DW_OK) {
        dw_kafka_looker_close(looker);
        return rc;
    }
    *out = looker;
    return DW_OK;
}

void dw_kafka_looker_close(struct dw_kafka_looker *looker)
{
    if (!looker)
        return;
    if (looker->client)
        rd_kafka_destroy(looker->client);
    (void)pthread_mutex_destroy(&looker->lock);
    free(looker->client_id);
    free(looker);
}

/* --- looks ------------------------------------------------------------------------------------
 */

static enum dw_rc look_error(const struct dw_kafka_place *place, rd_kafka_resp_err_t code,
                             struct dw_err *err)
{
    enum dw_rc rc = dw_kafka_classify((int)code);
    return dw_err_set(err, rc == DW_REJECT ? DW_RETRY : rc, "DW-KAFKA-023",
                      "offsets of %s [%d]: %s", place->topic, (int)place->partition,
                      rd_kafka_err2str(code));
}

static rd_kafka_topic_partition_list_t *list_of(const struct dw_kafka_place *places, size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, places[i].topic, places[i].partition);
    return list;
}

static void take_committed(const rd_kafka_topic_partition_t *at, struct dw_kafka_look *look)
{
    if (at->offset < 0)
        return;
    look->committed = at->offset;
    (void)snprintf(look->metadata, sizeof look->metadata, "%.*s", (int)at->metadata_size,
                   at->metadata ? (const char *)at->metadata : "");
}

static enum dw_rc look_committed(const struct dw_kafka_looker *looker,
                                 struct dw_kafka_place *places, size_t count, int timeout_ms,
                                 struct dw_err *err)
{
    size_t failed = 0;
    rd_kafka_topic_partition_list_t *list = list_of(places, count);
    rd_kafka_resp_err_t code = rd_kafka_committed(looker->member, list, timeout_ms);
    for (size_t i = 0; i < count && !code; i++) {
        const rd_kafka_topic_partition_t *at =
            rd_kafka_topic_partition_list_find(list, places[i].topic, places[i].partition);
        code = at->err;
        failed = i;
        if (!code)
            take_committed(at, &places[i].look);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code ? look_error(&places[failed], code, err) : DW_OK;
}

static enum dw_rc look_at_ends(rd_kafka_t *client, struct dw_kafka_place *places, size_t count,
                               int timeout_ms, struct dw_err *err)
{
    rd_kafka_topic_partition_list_t *list = list_of(places, count);
    int64_t *low = dw_mem_calloc(count, sizeof *low);
    int64_t *high = dw_mem_calloc(count, sizeof *high);
    rd_kafka_resp_err_t code = dw_kafka_query_all_offsets(client, list, timeout_ms, low, high);
    for (size_t i = 0; i < count; i++)
        places[i].look = (struct dw_kafka_look){low[i], high[i], .committed = -1};
    free(low);
    free(high);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? look_error(places, code, err) : DW_OK;
}

enum dw_rc dw_kafka_look_at(struct dw_kafka_looker *looker, struct dw_kafka_place *place,
                            bool committed, int timeout_ms, struct dw_err *err)
{
    rd_kafka_t *client = NULL;
    place->look = (struct dw_kafka_look){.committed = -1};
    enum dw_rc rc = take_client(looker, &client, err);
    if (rc != DW_OK)
        return rc;
    rd_kafka_resp_err_t code = dw_kafka_query_offsets(
        client, place->topic, place->partition, timeout_ms, &place->look.low, &place->look.high);
    give_client(looker);
    if (code)
        return look_error(place, code, err);
    return committed ? look_committed(looker, place, 1, timeout_ms, err) : DW_OK;
}

enum dw_rc dw_kafka_look_at_all(struct dw_kafka_looker *looker, struct dw_kafka_place *places,
                                size_t count, int timeout_ms, struct dw_err *err)
{
    rd_kafka_t *client = NULL;
    enum dw_rc rc = take_client(looker, &client, err);
    if (rc != DW_OK)
        return rc;
    rc = look_at_ends(client, places, count, timeout_ms, err);
    give_client(looker);
    return rc == DW_OK ? look_committed(looker, places, count, timeout_ms, err) : rc;
}
