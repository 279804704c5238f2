/* letter_mail.c - see letter_mail.h. */
#include "reconciler/dead_letters/letter_mail.h"

#include "common/base/clock.h"
#include "common/base/json_pull.h"
#include "common/kafka/kafka_producer.h"
#include "common/model/map_resolved.h"
#include "common/model/replay.h"
#include "common/model/route.h"
#include <poll.h>
#include <stdlib.h>

#define CLIENT_ID        "dualwrite-reconciler-replay"
#define VALUE_MAX        ((size_t)512 << 20)
#define VALUE_KEEP       65536
#define LINGER_MS        2
#define TOPIC_MISSING_MS 10000
#define SEND_MS          30000
#define POLL_MS          100

struct dw_letter_mail {
    const struct dw_settings *settings;
    struct dw_kafka_producer *producer;
    struct dw_buf value, scratch;
};

enum dw_rc dw_letter_mail_open(struct dw_letter_mail **out, const struct dw_settings *settings,
                               struct dw_err *err)
{
    const struct dw_kafka_producer_options options = {
        .client_id = CLIENT_ID,
        .linger_ms = LINGER_MS,
        .compression = settings->producer.compression,
        .topic_missing_ms = TOPIC_MISSING_MS,
    };
    struct dw_kafka_producer *producer = NULL;
    enum dw_rc rc = dw_kafka_producer_open(&producer, &settings->kafka, &options, err);
    if (rc)
        return rc;
    struct dw_letter_mail *mail = DW_MEM_NEW(struct dw_letter_mail);
    mail->settings = settings;
    mail->producer = producer;
    dw_buf_init(&mail->value, VALUE_MAX);
    dw_buf_init(&mail->scratch, VALUE_MAX);
    *out = mail;
    return DW_OK;
}

void dw_letter_mail_close(struct dw_letter_mail *mail)
{
    if (!mail)
        return;
    dw_kafka_producer_close(mail->producer);
    dw_buf_done(&mail->value);
    dw_buf_done(&mail->scratch);
    free(mail);
}

/* ---- one parcel ---- */

struct mailing { /* one call of send */
    struct dw_letter_mail *mail;
    const struct dw_letter_parcel *parcels;
    struct dw_arena *arena;
    int64_t *sent;
    size_t sent_count;
    struct dw_letter_landing *returned;
    size_t returned_count;
    size_t under_way;
    enum dw_rc lost;
    struct dw_err *err;
};

static void give_back(struct mailing *mailing, size_t i, const char *why)
{
    mailing->returned[mailing->returned_count++] = (struct dw_letter_landing){
        .id = mailing->parcels[i].id, .state = DW_LETTER_OPEN, .by = why};
}

static const struct dw_map_record *map_of(const struct dw_map_record *maps, size_t count,
                                          const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(maps[i].name, name) == 0)
            return &maps[i];
    return NULL;
}

/* What a worker could not even read would be lost on the way: the letter says so here. */
static bool is_object(struct dw_str event, struct dw_arena *arena)
{
    struct dw_json_pull pull;
    enum dw_json token;
    dw_json_pull_init(&pull, event, arena);
    if (!event.ptr || dw_json_pull_next(&pull) != DW_JSON_OBJECT_OPEN)
        return false;
    while ((token = dw_json_pull_next(&pull)) > DW_JSON_END)
        if (pull.depth > DW_JSON_DEPTH_MAX - 2) /* it comes to lie a level deeper */
            return false;
    return token == DW_JSON_END;
}

static bool find_partition(struct mailing *mailing, const struct dw_map_record *map,
                           struct dw_str key, int32_t *out)
{
    struct dw_map_resolved resolved;
    struct dw_err ignored = DW_ERR_INIT;
    uint32_t hash = 0;
    if (dw_map_resolved_parse(dw_str_from(map->resolved), mailing->arena, &resolved, &ignored) !=
            DW_OK ||
        dw_route_record(key, &resolved.source, &mailing->mail->scratch, &hash, &ignored) != DW_OK)
        return false;
    *out = dw_route_partition(hash, map->partitions);
    return true;
}

static void write_value(struct mailing *mailing, const struct dw_letter_parcel *parcel,
                        const struct dw_map_record *map)
{
    const struct dw_replay replay = {
        .topic = dw_str_from(parcel->place.topic),
        .partition = parcel->place.partition,
        .offset = parcel->place.offset,
        .incarnation = dw_str_from(parcel->incarnation),
        .attempt = parcel->attempt,
        .by = dw_str_from(parcel->by),
        .event = parcel->event,
    };
    dw_buf_reset(&mailing->mail->value, VALUE_KEEP);
    dw_replay_encode(&mailing->mail->value, &replay, map->source_system, dw_clock_wall_us());
}

static void on_report(void *context, const struct dw_kafka_report *report)
{
    struct mailing *mailing = context;
    size_t i = (size_t)report->tag;
    mailing->under_way--;
    if (report->rc == DW_OK)
        mailing->sent[mailing->sent_count++] = mailing->parcels[i].id;
    else if (report->rc == DW_REJECT || report->rc == DW_CONFIG)
        give_back(
            mailing, i,
            dw_arena_printf(mailing->arena, "Kafka does not take its replay: %s", report->reason));
    else
        mailing->lost = report->rc;
}

/* Queues one; waits for room. */
static enum dw_rc post(struct mailing *mailing, size_t i, const struct dw_map_record *map,
                       int32_t partition)
{
    struct dw_kafka_topic *topic = NULL;
    struct dw_kafka_producer *producer = mailing->mail->producer;
    struct dw_kafka_outgoing message = {
        .key = mailing->parcels[i].key,
        .value = dw_buf_str(&mailing->mail->value),
        .partition = partition,
        .tag = i,
    };
    enum dw_rc rc = dw_kafka_producer_topic(producer, map->topic, &topic, mailing->err);
    while (!rc &&
           (rc = dw_kafka_producer_send(producer, topic, &message, 1, mailing->err)) == DW_AGAIN) {
        rc = dw_kafka_producer_poll(producer, on_report, mailing, mailing->err);
        dw_clock_sleep_ms(1);
    }
    if (rc == DW_CONFIG) {
        give_back(mailing, i, dw_arena_printf(mailing->arena, "%s", mailing->err->message));
        dw_err_clear(mailing->err);
        return DW_OK;
    }
    if (!rc && message.refused)
        give_back(mailing, i,
                  "its replay is larger than kafka.message_max_bytes: use the "
                  "source's row");
    else if (!rc)
        mailing->under_way++;
    return rc;
}

static enum dw_rc send_one(struct mailing *mailing, size_t i, const struct dw_map_record *maps,
                           size_t map_count)
{
    const struct dw_letter_parcel *parcel = &mailing->parcels[i];
    const struct dw_map_record *map = map_of(maps, map_count, parcel->map);
    int32_t partition = 0;
    const char *why = NULL;
    if (!map)
        why = "there is no map of its name any more";
    else if (strcmp(map->topic, parcel->place.topic) != 0)
        why = "its map has another topic now: use the source's row";
    else if (!is_object(parcel->event, mailing->arena))
        why = "its event is no JSON object: edit it, or use the source's row";
    else if (!find_partition(mailing, map, parcel->key, &partition))
        why = "its record's key cannot be read";
    if (why) {
        give_back(mailing, i, why);
        return DW_OK;
    }
    write_value(mailing, parcel, map);
    return post(mailing, i, map, partition);
}

static enum dw_rc wait_for(struct mailing *mailing)
{
    struct dw_kafka_producer *producer = mailing->mail->producer;
    int64_t until = dw_clock_mono_ms() + SEND_MS;
    enum dw_rc rc = DW_OK;
    while (!rc && mailing->under_way && dw_clock_mono_ms() < until) {
        struct pollfd news = {.fd = dw_kafka_producer_fd(producer), .events = POLLIN};
        (void)poll(&news, 1, POLL_MS);
        rc = dw_kafka_producer_poll(producer, on_report, mailing, mailing->err);
    }
    if (!rc && (mailing->under_way || mailing->lost))
        rc = dw_err_set(mailing->err, DW_RETRY, "DW-KAFKA-030", "%zu %s not acknowledged by Kafka",
                        mailing->under_way,
                        dw_str_plural((int64_t)mailing->under_way, "replay was", "replays were"));
    return rc;
}

enum dw_rc dw_letter_mail_send(struct dw_letter_mail *mail, const struct dw_letter_parcel *parcels,
                               size_t count, const struct dw_map_record *maps, size_t map_count,
                               struct dw_arena *arena, struct dw_letter_mailing *out,
                               struct dw_err *err)
{
    struct mailing mailing = {
        .mail = mail,
        .parcels = parcels,
        .arena = arena,
        .sent = DW_ARENA_ARRAY(arena, int64_t, count),
        .returned = DW_ARENA_ARRAY(arena, struct dw_letter_landing, count),
        .err = err,
    };
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < count && !rc; i++)
        rc = send_one(&mailing, i, maps, map_count);
    enum dw_rc waited = wait_for(&mailing);
    *out = (struct dw_letter_mailing){mailing.sent, mailing.sent_count, mailing.returned,
                                      mailing.returned_count};
    return rc ? rc : waited;
}
