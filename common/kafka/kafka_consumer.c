/* kafka_consumer.c - see kafka_consumer.h. */
#include "common/kafka/kafka_consumer.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/kafka/kafka_bell.h"
#include "common/kafka/kafka_config.h"
#include "common/kafka/kafka_look.h"
#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cooperative rebalancing loses assignments and hangs in versions before this (kafka.md). */
#define COOPERATIVE_SINCE   0x020b0000
#define QUEUE_BACKOFF_SINCE 0x02020000
enum {
    ORDER_TIMEOUT_MS = 500,
    START_AGAIN_MS = 20,
    GATHER_MS = 300, /* starts with a bell: each ends a fetch of hundreds of partitions, and a
                        worker that takes thousands over starts them one by one */
    CLOSE_TIMEOUT_MS = 5000,
    NUDGE_MS = 1,
    PACKED = 4, /* what a fetch may weigh, of what may be held unpacked */
    QUEUED_MAX_KBYTES = 65536,
    QUEUED_MIN_MESSAGES = 10000000,
};

struct member {
    struct dw_kafka_partition partition; /* first: what the owner sees */
    rd_kafka_topic_t *topic;
    int64_t start_offset; /* -1: nothing to start */
    int64_t next_offset;  /* the one behind the last record that the owner was given */
    bool paused;
    bool sought; /* the last seek has come to start_offset */
    bool ended;  /* its offset was outside the log: librdkafka fetches no more, and seeks no more */
};

struct dw_kafka_consumer {
    rd_kafka_t *client;
    struct dw_kafka_looker *looker;
    rd_kafka_queue_t *queue;
    struct dw_kafka_consumer_options options;
    struct member **members;
    size_t member_count;
    size_t starting;      /* members with a start_offset */
    int64_t starts_at_ms; /* when they are started, all at once */
    struct member *last;
    rd_kafka_message_t *message; /* of the last poll */
    bool bell_assigned;
};

static struct member *find(struct dw_kafka_consumer *consumer, const char *topic, int32_t number)
{
    for (size_t i = 0; i < consumer->member_count; i++) {
        struct dw_kafka_partition *partition = &consumer->members[i]->partition;
        if (partition->number == number && strcmp(partition->topic, topic) == 0)
            return consumer->members[i];
    }
    return NULL;
}

static struct member *add(struct dw_kafka_consumer *consumer, const char *topic, int32_t number)
{
    struct member *member = DW_MEM_NEW(struct member);
    member->topic = rd_kafka_topic_new(consumer->client, topic, NULL);
    member->partition.topic = dw_mem_strdup(topic);
    member->partition.number = number;
    member->start_offset = -1;
    consumer->members =
        dw_mem_realloc(consumer->members, (consumer->member_count + 1) * sizeof *consumer->members);
    consumer->members[consumer->member_count++] = member;
    return member;
}

static void drop(struct dw_kafka_consumer *consumer, struct member *member)
{
    assert(member);
    for (size_t i = 0; i < consumer->member_count; i++)
        if (consumer->members[i] == member)
            consumer->members[i] = consumer->members[--consumer->member_count];
    if (consumer->last == member)
        consumer->last = NULL;
    if (member->start_offset >= 0)
        consumer->starting--;
    if (member->topic)
        rd_kafka_topic_destroy(member->topic);
    char *topic = NULL;
    memcpy(&topic, &member->partition.topic, sizeof topic); /* owned, const for the owner only */
    free(topic);
    free(member);
}

/* --- pause, resume, start ----------------------------------------------------------------------
 */

/* With nothing to fetch, librdkafka's broker thread sleeps up to a second, and neither a resumed
 * partition nor a drained queue wakes it: under load that stall was most of a worker's time. Any
 * request to a partition's leader does wake it; the answer is of no interest. */
static void nudge(struct dw_kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_copy(list);
    for (int i = 0; i < asked->cnt; i++)
        asked->elems[i].offset = RD_KAFKA_OFFSET_END;
    (void)rd_kafka_offsets_for_times(consumer->client, asked, NUDGE_MS);
    rd_kafka_topic_partition_list_destroy(asked);
}

static rd_kafka_topic_partition_list_t *list_of(struct member *const *members, size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, members[i]->partition.topic,
                                          members[i]->partition.number);
    return list;
}

static void pause_member(struct dw_kafka_consumer *consumer, struct member *member)
{
    rd_kafka_topic_partition_list_t *list = list_of(&member, 1);
    if (!rd_kafka_pause_partitions(consumer->client, list) && !list->elems[0].err)
        member->paused = true;
    rd_kafka_topic_partition_list_destroy(list);
}

/* Those that could not be are paused afterwards. A resumed one has to be fetched from, and the
 * thread of each leader be woken. */
static void resume(struct dw_kafka_consumer *consumer, struct member *const *members, size_t count)
{
    rd_kafka_topic_partition_list_t *list = list_of(members, count);
    if (count && !rd_kafka_resume_partitions(consumer->client, list)) {
        for (size_t i = 0; i < count; i++)
            members[i]->paused = list->elems[i].err != 0;
        nudge(consumer, list);
        dw_kafka_bell_want(consumer->options.bell);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static bool is_cooperative(rd_kafka_t *client)
{
    const char *protocol = rd_kafka_rebalance_protocol(client);
    return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

static void log_failure(const char *event, rd_kafka_error_t *error, rd_kafka_resp_err_t code)
{
    if (error) {
        dw_log(DW_LOG_WARN, event, rd_kafka_error_string(error),
               DW_F_TEXT("error", rd_kafka_error_name(error)));
        rd_kafka_error_destroy(error);
    } else if (code) {
        dw_log(DW_LOG_WARN, event, rd_kafka_err2str(code),
               DW_F_TEXT("error", rd_kafka_err2name(code)));
    }
}

/* Where a partition has ended only an assignment makes librdkafka fetch again: of that partition,
 * or eagerly of all, each where it stands. */
static void assign_again(struct dw_kafka_consumer *consumer, struct member *ended)
{
    bool cooperative = is_cooperative(consumer->client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    for (size_t i = 0; i < consumer->member_count; i++) {
        struct member *member = consumer->members[i];
        if (cooperative && member != ended)
            continue;
        rd_kafka_topic_partition_list_add(list, member->partition.topic, member->partition.number)
            ->offset = member->start_offset >= 0 ? member->start_offset : member->next_offset;
        member->ended = false;
    }
    if (cooperative) {
        log_failure("kafka.unassign", rd_kafka_incremental_unassign(consumer->client, list), 0);
        log_failure("kafka.assign", rd_kafka_incremental_assign(consumer->client, list), 0);
    } else {
        dw_kafka_bell_assign(consumer->options.bell, list);
        log_failure("kafka.assign", NULL, rd_kafka_assign(consumer->client, list));
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* The places are sought while the partitions are paused, so that nothing is fetched from a stale
 * one in between. One that was just assigned may not be fetching yet; then the seek is refused and
 * tried again. */
static void seek(struct dw_kafka_consumer *consumer, struct member *const *members, size_t count)
{
    rd_kafka_topic_partition_list_t *list = list_of(members, count);
    for (size_t i = 0; i < count; i++)
        list->elems[i].offset = members[i]->start_offset;
    rd_kafka_error_t *error = rd_kafka_seek_partitions(consumer->client, list, ORDER_TIMEOUT_MS);
    for (size_t i = 0; i < count; i++)
        members[i]->sought = !error && !list->elems[i].err;
    rd_kafka_topic_partition_list_destroy(list);
    if (error)
        rd_kafka_error_destroy(error);
}

static void start(struct dw_kafka_consumer *consumer, struct member **members, size_t count)
{
    seek(consumer, members, count);
    size_t sought = 0;
    for (size_t i = 0; i < count; i++) {
        if (members[i]->sought)
            members[sought++] = members[i];
    }
    resume(consumer, members, sought);
    for (size_t i = 0; i < sought; i++) {
        if (members[i]->paused)
            continue;
        members[i]->start_offset = -1;
        consumer->starting--;
    }
}

static void start_pending(struct dw_kafka_consumer *consumer)
{
    struct member **members = dw_mem_calloc(consumer->starting, sizeof *members);
    size_t count = 0;
    for (size_t i = 0; i < consumer->member_count && count < consumer->starting; i++)
        if (consumer->members[i]->start_offset >= 0)
            members[count++] = consumer->members[i];
    for (size_t i = 0; i < count; i++)
        if (members[i]->ended)
            assign_again(consumer, members[i]);
    start(consumer, members, count);
    free((void *)members);
    consumer->starts_at_ms = dw_clock_mono_ms() + START_AGAIN_MS;
}

/* Returns how long a poll may wait. */
static int tend_starts(struct dw_kafka_consumer *consumer, int timeout_ms)
{
    if (consumer->starting && dw_clock_mono_ms() >= consumer->starts_at_ms)
        start_pending(consumer);
    if (!consumer->starting)
        return timeout_ms;
    int64_t left = consumer->starts_at_ms - dw_clock_mono_ms();
    return left < 0 ? 0 : left < timeout_ms ? (int)left : timeout_ms;
}

static struct member *member_of(struct dw_kafka_partition *partition)
{
    return (struct member *)(void *)partition;
}

void dw_kafka_consumer_start(struct dw_kafka_consumer *consumer,
                             struct dw_kafka_partition *partition, int64_t offset)
{
    struct member *member = member_of(partition);
    if (!consumer->starting)
        consumer->starts_at_ms = dw_clock_mono_ms() + (consumer->options.bell ? GATHER_MS : 0);
    if (member->start_offset < 0)
        consumer->starting++;
    if (!member->paused)
        pause_member(consumer, member);
    member->start_offset = member->next_offset = offset;
}

void dw_kafka_consumer_pause(struct dw_kafka_consumer *consumer,
                             struct dw_kafka_partition *partition)
{
    struct member *member = member_of(partition);
    if (member->start_offset >= 0) {
        member->start_offset = -1;
        consumer->starting--;
    }
    if (!member->paused)
        pause_member(consumer, member);
}

void dw_kafka_consumer_resume(struct dw_kafka_consumer *consumer,
                              struct dw_kafka_partition *partition, int64_t offset)
{
    struct member *member = member_of(partition);
    if (!member->paused || member->start_offset >= 0)
        return;
    member->next_offset = offset;
    resume(consumer, &member, 1);
    if (member->paused)
        dw_kafka_consumer_start(consumer, partition, offset);
}

/* --- the group --------------------------------------------------------------------------------
 */

static void assign(struct dw_kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
    bool cooperative = is_cooperative(consumer->client);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_copy(list);
    if (list->cnt && (!cooperative || !consumer->bell_assigned)) {
        dw_kafka_bell_assign(consumer->options.bell, all);
        consumer->bell_assigned = true;
    }
    if (cooperative)
        log_failure("kafka.assign", rd_kafka_incremental_assign(consumer->client, all), 0);
    else
        log_failure("kafka.assign", NULL, rd_kafka_assign(consumer->client, all));
    rd_kafka_topic_partition_list_destroy(all);
}

/* Paused before they are assigned, partitions fetch nothing: not from their place either, which is
 * of no interest. It must not be a logical one: librdkafka looks that up, later once more when
 * something was ordered meanwhile, and goes there, over a place that was sought before the answer
 * came. The second pause is for partitions that the client did not know before. */
static void on_assigned(struct dw_kafka_consumer *consumer, rd_kafka_topic_partition_list_t *list)
{
    struct dw_kafka_partition **partitions =
        dw_mem_calloc((size_t)list->cnt + 1, sizeof(struct dw_kafka_partition *));
    for (int i = 0; i < list->cnt; i++) {
        struct member *member = add(consumer, list->elems[i].topic, list->elems[i].partition);
        member->paused = true;
        partitions[i] = &member->partition;
        list->elems[i].offset = 0;
    }
    (void)rd_kafka_pause_partitions(consumer->client, list);
    assign(consumer, list);
    log_failure("kafka.assign", NULL, rd_kafka_pause_partitions(consumer->client, list));
    consumer->options.assigned(consumer->options.context, partitions, (size_t)list->cnt);
    free((void *)partitions);
}

static void unassign(struct dw_kafka_consumer *consumer,
                     const rd_kafka_topic_partition_list_t *list, bool last)
{
    if (!is_cooperative(consumer->client)) {
        log_failure("kafka.unassign", NULL, rd_kafka_assign(consumer->client, NULL));
        return;
    }
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_copy(list);
    if (last && consumer->bell_assigned) {
        dw_kafka_bell_assign(consumer->options.bell, all);
        consumer->bell_assigned = false;
    }
    log_failure("kafka.unassign", rd_kafka_incremental_unassign(consumer->client, all), 0);
    rd_kafka_topic_partition_list_destroy(all);
}

static void on_revoked(struct dw_kafka_consumer *consumer, rd_kafka_topic_partition_list_t *list)
{
    struct dw_kafka_partition **partitions =
        dw_mem_calloc((size_t)list->cnt + 1, sizeof(struct dw_kafka_partition *));
    size_t count = 0;
    for (int i = 0; i < list->cnt; i++) {
        struct member *member = find(consumer, list->elems[i].topic, list->elems[i].partition);
        if (member)
            partitions[count++] = &member->partition;
    }
    consumer->options.revoked(consumer->options.context, partitions, count,
                              rd_kafka_assignment_lost(consumer->client) != 0);
    unassign(consumer, list, count == consumer->member_count);
    dw_kafka_bell_want(
        consumer->options.bell); /* what the group asks the brokers next is behind the fetch */
    for (size_t i = 0; i < count; i++)
        drop(consumer, member_of(partitions[i]));
    free((void *)partitions);
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *context)
{
    struct dw_kafka_consumer *consumer = context;
    (void)client;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        on_assigned(consumer, list);
        return;
    }
    if (code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        log_failure("kafka.rebalance", NULL, code);
    on_revoked(consumer, list);
}

/* --- open and close ---------------------------------------------------------------------------
 */

static enum dw_rc set_number(rd_kafka_conf_t *conf, const struct dw_kafka_settings *settings,
                             const char *name, int64_t value, struct dw_err *err)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    return dw_kafka_config_default(conf, settings, name, text, err);
}

/* Small fetches: what is fetched ahead counts into the process's memory, and unpacked it is ten
 * times as large and more: records of one table are alike. The broker always returns the first
 * batch of a fetch whole, however large it is. The client's own queue is drained at once by the
 * fetch thread, which pauses what it has no room for, so its limits are out of the way: reaching
 * one of them stalls the client (see nudge). */
static enum dw_rc configure(rd_kafka_conf_t *conf, const struct dw_kafka_settings *settings,
                            const struct dw_kafka_consumer_options *options, struct dw_err *err)
{
    int64_t unpacked = options->prefetch_bytes < 262144 ? 262144 : options->prefetch_bytes;
    int64_t prefetch = unpacked / PACKED;
    int64_t fetch = prefetch / 4;
    const char *strategy =
        rd_kafka_version() >= COOPERATIVE_SINCE ? "cooperative-sticky" : "range,roundrobin";
    enum dw_rc rc =
        dw_kafka_config_default(conf, settings, "partition.assignment.strategy", strategy, err);
    if (rc == DW_OK)
        rc = set_number(conf, settings, "session.timeout.ms", options->session_timeout_ms, err);
    if (rc == DW_OK)
        rc = set_number(conf, settings, "heartbeat.interval.ms",
                        options->session_timeout_ms < 9000 ? options->session_timeout_ms / 3 : 3000,
                        err);
    if (rc == DW_OK)
        rc = set_number(conf, settings, "max.poll.interval.ms",
                        options->session_timeout_ms < 60000 ? 60000 : options->session_timeout_ms,
                        err);
    if (rc == DW_OK)
        rc = set_number(conf, settings, "fetch.wait.max.ms", options->fetch_wait_ms, err);
    if (rc == DW_OK)
        rc = set_number(conf, settings, "queued.max.messages.kbytes", QUEUED_MAX_KBYTES, err);
    if (rc == DW_OK)
        rc = set_number(conf, settings, "fetch.message.max.bytes", fetch, err);
    if (rc == DW_OK)
        rc = set_number(conf, settings, "fetch.max.bytes", prefetch, err);
    if (rc == DW_OK)
        rc = set_number(conf, settings, "queued.min.messages", QUEUED_MIN_MESSAGES, err);
    /* Since then the time after a full queue is ours to say; before it is up to a second. */
    if (rc == DW_OK && rd_kafka_version() >= QUEUE_BACKOFF_SINCE)
        rc = set_number(conf, settings, "fetch.queue.backoff.ms", 10, err);
    if (rc == DW_OK)
        rc = set_number(conf, settings, "topic.metadata.refresh.interval.ms", options->refresh_ms,
                        err);
    return rc == DW_OK ? dw_kafka_config_fit_sizes(conf, err) : rc;
}

enum dw_rc dw_kafka_consumer_open(struct dw_kafka_consumer **out,
                                  const struct dw_kafka_settings *settings,
                                  const struct dw_kafka_consumer_options *options,
                                  struct dw_err *err)
{
    rd_kafka_conf_t *conf = NULL;
    enum dw_rc rc =
        dw_kafka_config_new(&conf, settings, DW_KAFKA_CONSUMER, options->client_id, err);
    if (rc != DW_OK)
        return rc;
    rc = configure(conf, settings, options, err);
    if (rc != DW_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    struct dw_kafka_consumer *consumer = DW_MEM_NEW(struct dw_kafka_consumer);
    consumer->options = *options;
    rd_kafka_conf_set_opaque(conf, consumer);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    char reason[512];
    consumer->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (!consumer->client) {
        rd_kafka_conf_destroy(conf);
        free(consumer);
        return dw_err_set(err, DW_CONFIG, "DW-KAFKA-001", "kafka consumer: %s", reason);
    }
    rc = dw_kafka_looker_open(&consumer->looker, settings, options->client_id, consumer->client,
                              err);
    if (rc != DW_OK) {
        rd_kafka_destroy(consumer->client);
        free(consumer);
        return rc;
    }
    dw_kafka_bell_attach(consumer->options.bell, consumer->client);
    (void)rd_kafka_poll_set_consumer(consumer->client);
    consumer->queue = rd_kafka_queue_get_consumer(consumer->client);
    *out = consumer;
    return DW_OK;
}

static void release_message(struct dw_kafka_consumer *consumer)
{
    if (consumer->message)
        rd_kafka_message_destroy(consumer->message);
    consumer->message = NULL;
}

/* Closing through a queue of our own bounds the time: rd_kafka_consumer_close() has none, and a
 * coordinator that is away would hold the process. */
void dw_kafka_consumer_close(struct dw_kafka_consumer *consumer)
{
    if (!consumer)
        return;
    release_message(consumer);
    rd_kafka_queue_destroy(consumer->queue);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer->client);
    int64_t until = dw_clock_mono_ms() + CLOSE_TIMEOUT_MS;
    log_failure("kafka.close", rd_kafka_consumer_close_queue(consumer->client, queue), 0);
    while (!rd_kafka_consumer_closed(consumer->client) && dw_clock_mono_ms() < until) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 50);
        if (!event)
            continue;
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
            on_rebalance(consumer->client, rd_kafka_event_error(event),
                         rd_kafka_event_topic_partition_list(event), consumer);
        rd_kafka_event_destroy(event);
    }
    while (consumer->member_count)
        drop(consumer, consumer->members[0]);
    rd_kafka_queue_destroy(queue);
    dw_kafka_bell_close(consumer->options.bell);
    dw_kafka_looker_close(consumer->looker);
    rd_kafka_destroy_flags(consumer->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free((void *)consumer->members);
    free(consumer);
}

enum dw_rc dw_kafka_consumer_subscribe(struct dw_kafka_consumer *consumer,
                                       const char *const *topics, size_t count, struct dw_err *err)
{
    rd_kafka_resp_err_t code;
    if (count == 0) {
        code = rd_kafka_unsubscribe(consumer->client);
    } else {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
        for (size_t i = 0; i < count; i++)
            rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
        code = rd_kafka_subscribe(consumer->client, list);
        rd_kafka_topic_partition_list_destroy(list);
    }
    dw_kafka_bell_want(consumer->options.bell); /* it is looked for now, behind the fetch */
    if (!code)
        return DW_OK;
    return dw_err_set(err, dw_kafka_classify((int)code), "DW-KAFKA-020", "subscribe: %s",
                      rd_kafka_err2str(code));
}

/* --- poll -------------------------------------------------------------------------------------
 */

static struct member *member_of_message(struct dw_kafka_consumer *consumer,
                                        const rd_kafka_message_t *message)
{
    struct member *last = consumer->last;
    if (last && last->topic == message->rkt && last->partition.number == message->partition)
        return last;
    if (!message->rkt)
        return NULL;
    struct member *member = find(consumer, rd_kafka_topic_name(message->rkt), message->partition);
    if (member)
        consumer->last = member;
    return member;
}

static bool is_out_of_range(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
           code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE || code == RD_KAFKA_RESP_ERR__NO_OFFSET;
}

static enum dw_rc poll_error(struct dw_kafka_consumer *consumer, const rd_kafka_message_t *message,
                             struct dw_kafka_message *out, struct dw_err *err)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return DW_AGAIN;
    struct member *member = member_of_message(consumer, message);
    if (member && is_out_of_range(message->err)) {
        member->ended = true;
        out->partition = &member->partition;
        return DW_END;
    }
    enum dw_rc rc = dw_kafka_classify((int)message->err);
    const char *id = rc == DW_FATAL    ? "DW-KAFKA-022"
                     : rc == DW_CONFIG ? "DW-KAFKA-021"
                                       : "DW-KAFKA-020";
    const char *text = rd_kafka_message_errstr(message);
    return dw_err_set(err, rc == DW_REJECT ? DW_RETRY : rc, id, "consumer: %s",
                      text ? text : rd_kafka_err2str(message->err));
}

static struct dw_str bytes_of(const void *bytes, size_t len)
{
    return (struct dw_str){bytes, bytes ? len : 0};
}

enum dw_rc dw_kafka_consumer_poll(struct dw_kafka_consumer *consumer, int timeout_ms,
                                  struct dw_kafka_message *out, struct dw_err *err)
{
    release_message(consumer);
    timeout_ms = tend_starts(consumer, timeout_ms);
    timeout_ms = dw_kafka_bell_tend(consumer->options.bell, timeout_ms);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->client, timeout_ms);
    if (!message)
        return DW_AGAIN;
    consumer->message = message;
    *out = (struct dw_kafka_message){0};
    if (message->err)
        return poll_error(consumer, message, out, err);
    struct member *member = member_of_message(consumer, message);
    if (!member)
        dw_kafka_bell_hear(consumer->options.bell, message);
    if (!member || member->start_offset >= 0 || member->paused)
        return DW_AGAIN; /* fetched before a revocation, pause or start took effect */
    member->next_offset = message->offset + 1;
    out->partition = &member->partition;
    out->offset = message->offset;
    out->key = bytes_of(message->key, message->key_len);
    out->value = bytes_of(message->payload, message->len);
    return DW_OK;
}

void dw_kafka_consumer_wake(struct dw_kafka_consumer *consumer)
{
    rd_kafka_queue_yield(consumer->queue);
}

/* --- offsets ----------------------------------------------------------------------------------
 */

enum dw_rc dw_kafka_consumer_commit(struct dw_kafka_consumer *consumer,
                                    const struct dw_kafka_commit *commits, size_t count, bool wait,
                                    struct dw_err *err)
{
    if (count == 0)
        return DW_OK;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_add(
            list, commits[i].partition->topic, commits[i].partition->number);
        at->offset = commits[i].offset;
        if (commits[i].metadata) {
            at->metadata = dw_mem_strdup(commits[i].metadata); /* the list frees it */
            at->metadata_size = strlen(commits[i].metadata);
        }
    }
    rd_kafka_resp_err_t code = rd_kafka_commit(consumer->client, list, !wait);
    rd_kafka_topic_partition_list_destroy(list);
    if (!code)
        return DW_OK;
    return dw_err_set(err, dw_kafka_classify((int)code), "DW-KAFKA-020", "offset commit: %s",
                      rd_kafka_err2str(code));
}

int64_t dw_kafka_consumer_high(struct dw_kafka_consumer *consumer, const char *topic,
                               int32_t partition)
{
    int64_t low = -1;
    int64_t high = -1;
    if (rd_kafka_get_watermark_offsets(consumer->client, topic, partition, &low, &high))
        return -1;
    return high;
}

enum dw_rc dw_kafka_consumer_look(struct dw_kafka_consumer *consumer, const char *topic,
                                  int32_t partition, bool committed, int timeout_ms,
                                  struct dw_kafka_look *out, struct dw_err *err)
{
    struct dw_kafka_place place = {.topic = topic, .partition = partition};
    enum dw_rc rc = dw_kafka_look_at(consumer->looker, &place, committed, timeout_ms, err);
    *out = place.look;
    return rc;
}

enum dw_rc dw_kafka_consumer_look_at_all(struct dw_kafka_consumer *consumer,
                                         struct dw_kafka_place *places, size_t count,
                                         int timeout_ms, struct dw_err *err)
{
    return count ? dw_kafka_look_at_all(consumer->looker, places, count, timeout_ms, err) : DW_OK;
}

void dw_kafka_consumer_rest(struct dw_kafka_consumer *consumer)
{
    dw_kafka_looker_rest(consumer->looker);
}
