/* kafka_producer.c - see kafka_producer.h.
 *
 * Reports and errors come as events of the client's main queue, which writes a byte into a pipe
 * when it turns non-empty; so one poll(2) serves Kafka and the source's socket.
 */
#include "common/kafka/kafka_producer.h"

#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/kafka/kafka_config.h"
#include <errno.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SEND_MAX         512     /* messages in one call to the library */
#define MESSAGE_OVERHEAD 208     /* the library's own bytes per queued message, about */
#define MISSING_MAX_MS   3600000 /* the library's limit */
#define REPORTS_PER_POLL 64      /* events; an event holds a batch of reports */

struct dw_kafka_topic {
    struct dw_kafka_topic *next;
    rd_kafka_topic_t *handle;
    char *name;
    int32_t known; /* partitions that the library was seen to know */
};

struct dw_kafka_producer {
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    int pipe[2];
    struct dw_kafka_topic *topics;
    size_t in_flight;
    size_t messages;
    rd_kafka_message_t outgoing[SEND_MAX];
    int64_t batch_bytes;
    pthread_mutex_t lock; /* of handing messages over, and of throwing them away */
    atomic_bool halted;   /* nothing more is handed over */
    atomic_bool purged;   /* behind a batch that was refused */
};

/* This thread is within the library's produce. */
static _Thread_local bool is_sending;

static enum dw_rc set_number(rd_kafka_conf_t *conf, const char *name, int64_t number,
                             struct dw_err *err)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)number);
    return dw_kafka_config_set(conf, name, text, err);
}

/* The queue is limited by its owner, by bytes: the library's own limits are out of the way. */
static enum dw_rc configure(rd_kafka_conf_t *conf, const struct dw_kafka_producer_options *options,
                            struct dw_err *err)
{
    enum dw_rc rc;
    int64_t missing_ms =
        options->topic_missing_ms < MISSING_MAX_MS ? options->topic_missing_ms : MISSING_MAX_MS;
    if ((rc = set_number(conf, "linger.ms", options->linger_ms, err)) != DW_OK ||
        (rc = dw_kafka_config_set(conf, "compression.codec", options->compression, err)) != DW_OK ||
        (rc = set_number(conf, "queue.buffering.max.kbytes", INT32_MAX / 1024, err)) != DW_OK ||
        (rc = set_number(conf, "topic.metadata.propagation.max.ms", missing_ms, err)) != DW_OK ||
        (options->batch_bytes &&
         (rc = set_number(conf, "batch.size", options->batch_bytes, err)) != DW_OK))
        return rc;
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
    return DW_OK;
}

/* --- gaps --------------------------------------------------------------------------------------
 * A message that fails for good leaves a gap, and the library goes on behind it: what follows would
 * arrive before what is sent again. The report comes to our thread too late to prevent that. So the
 * library's thread that hears of the failure halts the producer before it goes on. (The library's
 * gapless guarantee would end the producer for a record that was refused alone, too.)
 *
 * Behind a batch that a broker refused others wait to be sent: they are thrown away at once, while
 * no message is handed over. What the library gives up by itself (its topic is gone) it gives up as
 * a whole, with its locks held: there we may neither wait nor call it; handing nothing over is
 * enough until our thread hears of it and throws the rest away.
 */

static void halt(struct dw_kafka_producer *producer, rd_kafka_t *client)
{
    (void)pthread_mutex_lock(&producer->lock);
    atomic_store(&producer->halted, true);
    (void)rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                     RD_KAFKA_PURGE_F_NON_BLOCKING);
    (void)pthread_mutex_unlock(&producer->lock);
}

static bool is_purged(const rd_kafka_message_t *message)
{
    return message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
           message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

/* The library notes a broker in a message when it takes in the answer to its batch, without locks;
 * the error alone does not tell: a topic's error is passed on to what never was sent. */
static bool was_refused(const rd_kafka_message_t *message)
{
    return message->err > RD_KAFKA_RESP_ERR_NO_ERROR && rd_kafka_message_broker_id(message) >= 0;
}

/* A record that is not smaller than a batch went alone: its gap is not filled later. */
static bool went_alone(const struct dw_kafka_producer *producer, const rd_kafka_message_t *message)
{
    return producer->batch_bytes &&
           message->len + message->key_len >= (size_t)producer->batch_bytes &&
           dw_kafka_classify((int)message->err) == DW_REJECT;
}

static rd_kafka_resp_err_t on_acknowledgement(rd_kafka_t *client, rd_kafka_message_t *message,
                                              void *context)
{
    struct dw_kafka_producer *producer = context;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || is_purged(message) ||
        is_sending || /* it was not even queued: the call's result tells */
        went_alone(producer, message))
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    atomic_store(&producer->halted, true);
    if (was_refused(message) && !atomic_exchange(&producer->purged, true))
        halt(producer, client);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *client, const rd_kafka_conf_t *conf, void *context,
                                  char *reason, size_t reason_size)
{
    (void)conf;
    (void)reason;
    (void)reason_size;
    return rd_kafka_interceptor_add_on_acknowledgement(client, "gaps", on_acknowledgement, context);
}

/* --- open and close ----------------------------------------------------------------------------
 */

static enum dw_rc open_pipe(int pipe_fds[2], struct dw_err *err)
{
    char text[128];
    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) == 0)
        return DW_OK;
    return dw_err_set(err, DW_FATAL, "DW-KAFKA-007", "pipe: %s",
                      dw_err_errno_text(errno, text, sizeof text));
}

enum dw_rc dw_kafka_producer_open(struct dw_kafka_producer **out,
                                  const struct dw_kafka_settings *settings,
                                  const struct dw_kafka_producer_options *options,
                                  struct dw_err *err)
{
    rd_kafka_conf_t *conf = NULL;
    struct dw_kafka_producer *producer = NULL;
    enum dw_rc rc =
        dw_kafka_config_new(&conf, settings, DW_KAFKA_PRODUCER, options->client_id, err);
    if (rc != DW_OK || (rc = configure(conf, options, err)) != DW_OK)
        goto out;
    producer = DW_MEM_NEW(struct dw_kafka_producer);
    producer->batch_bytes = options->batch_bytes;
    (void)pthread_mutex_init(&producer->lock, NULL);
    if ((rc = open_pipe(producer->pipe, err)) != DW_OK)
        goto out;
    if (options->in_order)
        (void)rd_kafka_conf_interceptor_add_on_new(conf, "gaps", on_new, producer);
    char reason[512];
    producer->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!producer->client) {
        (void)close(producer->pipe[0]);
        (void)close(producer->pipe[1]);
        rc = dw_err_set(err, DW_CONFIG, "DW-KAFKA-001", "kafka producer: %s", reason);
        goto out;
    }
    conf = NULL;
    producer->queue = rd_kafka_queue_get_main(producer->client);
    rd_kafka_queue_io_event_enable(producer->queue, producer->pipe[1], "r", 1);
    *out = producer;
    producer = NULL;
out:
    if (producer)
        (void)pthread_mutex_destroy(&producer->lock);
    free(producer);
    if (conf)
        rd_kafka_conf_destroy(conf);
    return rc;
}

void dw_kafka_producer_halt(struct dw_kafka_producer *producer)
{
    halt(producer, producer->client);
}

void dw_kafka_producer_close(struct dw_kafka_producer *producer)
{
    if (!producer)
        return;
    dw_kafka_producer_halt(producer);
    rd_kafka_queue_io_event_enable(producer->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(producer->queue);
    while (producer->topics) {
        struct dw_kafka_topic *topic = producer->topics;
        producer->topics = topic->next;
        rd_kafka_topic_destroy(topic->handle);
        free(topic->name);
        free(topic);
    }
    rd_kafka_destroy(producer->client);
    (void)close(producer->pipe[0]);
    (void)close(producer->pipe[1]);
    (void)pthread_mutex_destroy(&producer->lock);
    free(producer);
}

enum dw_rc dw_kafka_producer_topic(struct dw_kafka_producer *producer, const char *name,
                                   struct dw_kafka_topic **out, struct dw_err *err)
{
    for (struct dw_kafka_topic *topic = producer->topics; topic; topic = topic->next)
        if (strcmp(topic->name, name) == 0) {
            *out = topic;
            return DW_OK;
        }
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer->client, name, NULL);
    if (!handle)
        return dw_err_set(err, DW_CONFIG, "DW-KAFKA-004", "topic \"%s\": %s", name,
                          rd_kafka_err2str(rd_kafka_last_error()));
    struct dw_kafka_topic *topic = DW_MEM_NEW(struct dw_kafka_topic);
    topic->handle = handle;
    topic->name = dw_mem_strdup(name);
    topic->next = producer->topics;
    producer->topics = topic;
    *out = topic;
    return DW_OK;
}

/* The library takes in an answer before it hands it to us. */
int32_t dw_kafka_producer_partitions(struct dw_kafka_producer *producer,
                                     struct dw_kafka_topic *topic, int32_t wanted, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata = NULL;
    int32_t count = 0;
    if (topic->known >= wanted)
        return topic->known;
    if (rd_kafka_metadata(producer->client, 0, topic->handle, &metadata, timeout_ms))
        return 0;
    if (metadata->topic_cnt == 1 && !metadata->topics[0].err)
        count = topic->known = (int32_t)metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    return count;
}

/* librdkafka takes bytes that it only copies as void *. */
static void *loosen(const char *bytes)
{
    union {
        const char *in;
        void *out;
    } pointer = {.in = bytes};
    return pointer.out;
}

static size_t weight(size_t key_len, size_t value_len)
{
    return key_len + value_len + MESSAGE_OVERHEAD;
}

static enum dw_rc broken(enum dw_rc rc, const char *reason, struct dw_err *err)
{
    return dw_err_set(err, rc, "DW-KAFKA-006", "the producer cannot go on: %s", reason);
}

/* Notes what became of each message handed over; the first one not queued ends it. */
static enum dw_rc settle(struct dw_kafka_producer *producer, struct dw_kafka_outgoing *messages,
                         size_t count, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = producer->outgoing[i].err;
        messages[i].refused = messages[i].not_sent = false;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            producer->in_flight += weight(messages[i].key.len, messages[i].value.len);
            producer->messages++;
        } else if (dw_kafka_classify(code) == DW_REJECT) {
            messages[i].refused = true;
        } else {
            messages[i].not_sent = true;
            if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
                rc = rc == DW_OK ? DW_AGAIN : rc;
            else if (dw_kafka_classify(code) == DW_CONFIG)
                rc = dw_err_set(err, DW_CONFIG, "DW-KAFKA-004", "%s", rd_kafka_err2str(code));
            else
                rc = broken(DW_FATAL, rd_kafka_err2str(code), err);
        }
    }
    return rc;
}

/* False: nothing more may leave. */
static bool begin_sending(struct dw_kafka_producer *producer)
{
    (void)pthread_mutex_lock(&producer->lock);
    if (!atomic_load(&producer->halted)) {
        is_sending = true;
        return true;
    }
    (void)pthread_mutex_unlock(&producer->lock);
    return false;
}

static void end_sending(struct dw_kafka_producer *producer)
{
    is_sending = false;
    (void)pthread_mutex_unlock(&producer->lock);
}

static enum dw_rc send_some(struct dw_kafka_producer *producer, struct dw_kafka_topic *topic,
                            struct dw_kafka_outgoing *messages, size_t count, struct dw_err *err)
{
    for (size_t i = 0; i < count; i++) {
        union {
            uint64_t tag;
            void *pointer;
        } opaque = {.tag = messages[i].tag};
        producer->outgoing[i] = (rd_kafka_message_t){
            .partition = messages[i].partition,
            .payload = loosen(messages[i].value.ptr),
            .len = messages[i].value.len,
            .key = loosen(messages[i].key.ptr),
            .key_len = messages[i].key.len,
            ._private = opaque.pointer,
        };
    }
    if (!begin_sending(producer)) {
        for (size_t i = 0; i < count; i++) {
            messages[i].refused = false;
            messages[i].not_sent = true;
        }
        return DW_AGAIN; /* a report tells why */
    }
    (void)rd_kafka_produce_batch(topic->handle, RD_KAFKA_PARTITION_UA,
                                 RD_KAFKA_MSG_F_PARTITION | RD_KAFKA_MSG_F_COPY, producer->outgoing,
                                 (int)count);
    end_sending(producer);
    return settle(producer, messages, count, err);
}

enum dw_rc dw_kafka_producer_send(struct dw_kafka_producer *producer, struct dw_kafka_topic *topic,
                                  struct dw_kafka_outgoing *messages, size_t count,
                                  struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    for (size_t at = 0; at < count && rc == DW_OK; at += SEND_MAX) {
        size_t some = count - at < SEND_MAX ? count - at : SEND_MAX;
        rc = send_some(producer, topic, messages + at, some, err);
        for (size_t i = at + some; rc != DW_OK && i < count; i++) {
            messages[i].refused = false;
            messages[i].not_sent = true;
        }
    }
    return rc;
}

enum dw_rc dw_kafka_producer_send_headers(struct dw_kafka_producer *producer,
                                          struct dw_kafka_topic *topic,
                                          const struct dw_kafka_outgoing *message,
                                          const struct dw_kafka_header *headers, size_t count,
                                          struct dw_err *err)
{
    union {
        uint64_t tag;
        void *pointer;
    } opaque = {.tag = message->tag};
    rd_kafka_headers_t *list = rd_kafka_headers_new(count);
    for (size_t i = 0; i < count; i++)
        (void)rd_kafka_header_add(list, headers[i].name, -1, headers[i].value.ptr,
                                  (ssize_t)headers[i].value.len);
    if (!begin_sending(producer)) {
        rd_kafka_headers_destroy(list);
        return DW_AGAIN;
    }
    /* The type tags as they are: the macros around them are not ISO C. */
    rd_kafka_resp_err_t code = rd_kafka_producev(
        producer->client, RD_KAFKA_VTYPE_RKT, topic->handle, RD_KAFKA_VTYPE_PARTITION,
        message->partition, RD_KAFKA_VTYPE_MSGFLAGS, (int)RD_KAFKA_MSG_F_COPY, RD_KAFKA_VTYPE_KEY,
        (const void *)message->key.ptr, message->key.len, RD_KAFKA_VTYPE_VALUE,
        loosen(message->value.ptr), message->value.len, RD_KAFKA_VTYPE_OPAQUE, opaque.pointer,
        RD_KAFKA_VTYPE_HEADERS, list, RD_KAFKA_VTYPE_END);
    end_sending(producer);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        producer->in_flight += weight(message->key.len, message->value.len);
        producer->messages++;
        return DW_OK;
    }
    rd_kafka_headers_destroy(list); /* still ours after a failure */
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return DW_AGAIN;
    if (dw_kafka_classify(code) == DW_REJECT)
        return dw_err_set(err, DW_REJECT, "DW-KAFKA-005", "topic %s: %s", topic->name,
                          rd_kafka_err2str(code));
    return broken(DW_FATAL, rd_kafka_err2str(code), err);
}

static void report_message(struct dw_kafka_producer *producer, const rd_kafka_message_t *message,
                           dw_kafka_report_fn on_report, void *context)
{
    union {
        void *pointer;
        uint64_t tag;
    } opaque = {.pointer = message->_private};
    size_t bytes = weight(message->key_len, message->len);
    producer->in_flight -= bytes < producer->in_flight ? bytes : producer->in_flight;
    producer->messages -= producer->messages ? 1 : 0;
    bool failed = message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
    struct dw_kafka_report report = {
        .rc = !failed              ? DW_OK
              : is_purged(message) ? DW_AGAIN
                                   : dw_kafka_classify(message->err),
        .reason = failed ? rd_kafka_err2str(message->err) : "",
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
        .tag = opaque.tag,
    };
    on_report(context, &report);
}

/* Ordinary errors (a broker is away) were logged by the client itself and mend themselves. */
static enum dw_rc take_error(struct dw_kafka_producer *producer, rd_kafka_event_t *event,
                             struct dw_err *err)
{
    char reason[512];
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR__FATAL) {
        dw_log(DW_LOG_DEBUG, "kafka.error", rd_kafka_event_error_string(event),
               DW_F_TEXT("error", rd_kafka_err2name(rd_kafka_event_error(event))));
        return DW_OK;
    }
    (void)rd_kafka_fatal_error(producer->client, reason, sizeof reason);
    return broken(DW_FATAL, reason, err);
}

static void drain_pipe(const struct dw_kafka_producer *producer)
{
    char bytes[256];
    ssize_t got;
    do {
        got = read(producer->pipe[0], bytes, sizeof bytes);
    } while (got == (ssize_t)sizeof bytes);
}

enum dw_rc dw_kafka_producer_poll(struct dw_kafka_producer *producer, dw_kafka_report_fn on_report,
                                  void *context, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    drain_pipe(producer);
    for (int i = 0; i < REPORTS_PER_POLL; i++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(producer->queue, 0);
        if (!event)
            return rc;
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR) {
            const rd_kafka_message_t *message;
            while ((message = rd_kafka_event_message_next(event)) != NULL)
                report_message(producer, message, on_report, context);
        } else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR && rc == DW_OK) {
            rc = take_error(producer, event, err);
        }
        rd_kafka_event_destroy(event);
    }
    /* More may be waiting, and the pipe only tells when the queue turns non-empty. */
    (void)!write(producer->pipe[1], "r", 1);
    return rc;
}

int dw_kafka_producer_fd(const struct dw_kafka_producer *producer)
{
    return producer->pipe[0];
}

size_t dw_kafka_producer_in_flight(const struct dw_kafka_producer *producer)
{
    return producer->in_flight;
}

size_t dw_kafka_producer_messages(const struct dw_kafka_producer *producer)
{
    return producer->messages;
}
