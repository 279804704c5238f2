/* kafka_dead_letter.c - see kafka_dead_letter.h. */
#include "common/kafka/kafka_dead_letter.h"

#include "common/base/arena.h"
#include "common/kafka/kafka_config.h"
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct dw_kafka_dead_letters {
    rd_kafka_t *client;
    char *topic;
};

/* One letter on its way; the delivery report finds it by the message's opaque. */
struct flight {
    _Atomic int state; /* librdkafka's error, or PENDING */
};
enum { PENDING = INT32_MAX, POLL_MS = 20, HEADERS_MAX = 32 };

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
    (void)client;
    (void)context;
    struct flight *flight = message->_private;
    atomic_store_explicit(&flight->state, (int)message->err, memory_order_release);
}

enum dw_rc dw_kafka_dead_letter_open(struct dw_kafka_dead_letters **out,
                                     const struct dw_kafka_settings *settings,
                                     const char *client_id, int timeout_ms, struct dw_err *err)
{
    rd_kafka_conf_t *conf = NULL;
    enum dw_rc rc = dw_kafka_config_new(&conf, settings, DW_KAFKA_PRODUCER, client_id, err);
    if (rc != DW_OK)
        return rc;
    /* Here a letter may be given up locally: the caller rolls back and sends all again. Without
     * idempotence, which after a timeout would be a fatal gap; a double is the same letter. */
    char timeout[16];
    (void)snprintf(timeout, sizeof timeout, "%d", timeout_ms);
    if ((rc = dw_kafka_config_set(conf, "enable.idempotence", "false", err)) != DW_OK ||
        (rc = dw_kafka_config_set(conf, "message.timeout.ms", timeout, err)) != DW_OK ||
        (rc = dw_kafka_config_set(conf, "linger.ms", "1", err)) != DW_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    char reason[512];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        return dw_err_set(err, DW_CONFIG, "DW-KAFKA-001", "dead-letter producer: %s", reason);
    }
    *out = DW_MEM_NEW(struct dw_kafka_dead_letters);
    (*out)->client = client;
    (*out)->topic = dw_mem_strdup(settings->dead_letter_topic);
    return DW_OK;
}

void dw_kafka_dead_letter_close(struct dw_kafka_dead_letters *letters)
{
    if (!letters)
        return;
    rd_kafka_destroy(letters->client);
    free(letters->topic);
    free(letters);
}

/* --- headers ----------------------------------------------------------------------------------
 */

static void add_text(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    if (value && *value)
        (void)rd_kafka_header_add(headers, name, -1, value, (ssize_t)strlen(value));
}

static void add_number(rd_kafka_headers_t *headers, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    add_text(headers, name, text);
}

static const char *stage_name(enum dw_dead_letter_stage stage)
{
    static const char *const names[] = {
        [DW_DEAD_LETTER_VALUE_CONVERTER] = "VALUE_CONVERTER",
        [DW_DEAD_LETTER_TRANSFORMATION] = "TRANSFORMATION",
        [DW_DEAD_LETTER_TASK_PUT] = "TASK_PUT",
        [DW_DEAD_LETTER_KAFKA_PRODUCE] = "KAFKA_PRODUCE",
    };
    return names[stage];
}

static const char *stage_class(enum dw_dead_letter_stage stage)
{
    static const char *const names[] = {
        [DW_DEAD_LETTER_VALUE_CONVERTER] = "dualwrite.event_decode",
        [DW_DEAD_LETTER_TRANSFORMATION] = "dualwrite.transform",
        [DW_DEAD_LETTER_TASK_PUT] = "dualwrite.writer",
        [DW_DEAD_LETTER_KAFKA_PRODUCE] = "dualwrite.kafka_producer",
    };
    return names[stage];
}

static void add_connect_headers(rd_kafka_headers_t *headers,
                                const struct dw_kafka_dead_letter *letter)
{
    add_text(headers, "__connect.errors.topic", letter->topic);
    if (letter->partition >= 0) {
        add_number(headers, "__connect.errors.partition", letter->partition);
        add_number(headers, "__connect.errors.offset", letter->offset);
    }
    add_text(headers, "__connect.errors.connector.name", "dualwrite");
    add_text(headers, "__connect.errors.task.id", letter->instance);
    add_text(headers, "__connect.errors.stage", stage_name(letter->stage));
    add_text(headers, "__connect.errors.class.name", stage_class(letter->stage));
    add_text(headers, "__connect.errors.exception.class.name", letter->code);
    add_text(headers, "__connect.errors.exception.message", letter->message);
}

static rd_kafka_headers_t *headers_of(const struct dw_kafka_dead_letter *letter)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(HEADERS_MAX);
    add_connect_headers(headers, letter);
    add_text(headers, "dualwrite.map", letter->map);
    add_number(headers, "dualwrite.revision", letter->revision);
    add_text(headers, "dualwrite.code", letter->code);
    add_text(headers, "dualwrite.class", letter->failure_class);
    add_text(headers, "dualwrite.sqlstate", letter->sqlstate);
    add_text(headers, "dualwrite.column", letter->column);
    add_text(headers, "dualwrite.system", letter->system);
    add_text(headers, "dualwrite.incarnation", letter->incarnation);
    if (letter->version) {
        char text[64];
        (void)snprintf(text, sizeof text, "%u/%X/%X/%llu", letter->version->epoch,
                       (unsigned)(letter->version->commit_lsn >> 32),
                       (unsigned)letter->version->commit_lsn,
                       (unsigned long long)letter->version->ordinal);
        add_text(headers, "dualwrite.version", text);
    }
    add_number(headers, "dualwrite.attempts", letter->attempts);
    add_number(headers, "dualwrite.first_failed_us", letter->first_failed_us);
    add_number(headers, "dualwrite.failed_us", letter->failed_us);
    add_text(headers, "dualwrite.instance", letter->instance);
    return headers;
}

/* --- send -------------------------------------------------------------------------------------
 */

static void *untyped(struct dw_str bytes)
{
    void *pointer = NULL;
    memcpy(&pointer, &bytes.ptr, sizeof pointer); /* copied by librdkafka, never written to */
    return pointer;
}

/* Waits for room when the producer's queue is full. */
static rd_kafka_resp_err_t produce(struct dw_kafka_dead_letters *letters,
                                   const struct dw_kafka_dead_letter *letter, bool with_value,
                                   struct flight *flight)
{
    for (;;) {
        rd_kafka_headers_t *headers = headers_of(letter);
        /* The type tags as they are: the macros around them are not ISO C. */
        rd_kafka_resp_err_t code = rd_kafka_producev(
            letters->client, RD_KAFKA_VTYPE_TOPIC, letters->topic, RD_KAFKA_VTYPE_MSGFLAGS,
            (int)RD_KAFKA_MSG_F_COPY, RD_KAFKA_VTYPE_KEY, (const void *)letter->key.ptr,
            letter->key.len, RD_KAFKA_VTYPE_VALUE, with_value ? untyped(letter->value) : NULL,
            with_value ? letter->value.len : (size_t)0, RD_KAFKA_VTYPE_HEADERS, headers,
            RD_KAFKA_VTYPE_OPAQUE, (void *)flight, RD_KAFKA_VTYPE_END);
        if (!code)
            return code;
        rd_kafka_headers_destroy(headers); /* still ours on failure */
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return code;
        (void)rd_kafka_poll(letters->client, POLL_MS);
    }
}

static bool is_too_large(int code)
{
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
           code == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE;
}

/* Sends one letter and, when it is refused for its size, its reference. */
static void send_one(struct dw_kafka_dead_letters *letters,
                     const struct dw_kafka_dead_letter *letter, bool with_value,
                     struct flight *flight)
{
    atomic_store(&flight->state, PENDING);
    rd_kafka_resp_err_t code = produce(letters, letter, with_value, flight);
    if (is_too_large((int)code) && with_value)
        code = produce(letters, letter, false, flight);
    if (code)
        atomic_store(&flight->state, (int)code);
}

/* Every letter gets its report: message.timeout.ms bounds the wait. Another thread's poll may have
 * served a report of ours, so the state is looked at, not the number of events. */
static void wait_for(struct dw_kafka_dead_letters *letters, struct flight *flights, size_t count)
{
    for (size_t i = 0; i < count; i++)
        while (atomic_load_explicit(&flights[i].state, memory_order_acquire) == PENDING)
            (void)rd_kafka_poll(letters->client, POLL_MS);
}

static enum dw_rc send_error(const struct dw_kafka_dead_letters *letters, int code, size_t failed,
                             size_t count, struct dw_err *err)
{
    enum dw_rc rc = dw_kafka_classify(code);
    /* A topic that is unknown may be on its way: somebody makes it at start. */
    bool unknown =
        code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    bool config = !unknown && (rc == DW_CONFIG || rc == DW_REJECT);
    return dw_err_set(err, config ? DW_CONFIG : DW_RETRY, config ? "DW-KAFKA-031" : "DW-KAFKA-030",
                      "%zu of %zu dead letters were not acknowledged by topic %s: %s", failed,
                      count, letters->topic, rd_kafka_err2str((rd_kafka_resp_err_t)code));
}

enum dw_rc dw_kafka_dead_letter_send(struct dw_kafka_dead_letters *letters,
                                     const struct dw_kafka_dead_letter *items, size_t count,
                                     struct dw_err *err)
{
    struct flight *flights = dw_mem_calloc(count, sizeof *flights);
    for (size_t i = 0; i < count; i++)
        send_one(letters, &items[i], true, &flights[i]);
    wait_for(letters, flights, count);
    size_t failed = 0;
    int code = 0;
    for (size_t i = 0; i < count; i++) {
        /* It may have been the batch: alone first, then by reference. */
        for (int with_value = 1; with_value >= 0 && is_too_large(flights[i].state); with_value--) {
            send_one(letters, &items[i], with_value, &flights[i]);
            wait_for(letters, &flights[i], 1);
        }
        if (flights[i].state) {
            code = flights[i].state;
            failed++;
        }
    }
    free(flights);
    return failed ? send_error(letters, code, failed, count, err) : DW_OK;
}
