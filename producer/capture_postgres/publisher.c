/* publisher.c - see publisher.h. A tag is the map's slot (16 bits) and the transaction's sequence
 * number (48 bits). */
#include "producer/capture_postgres/publisher.h"

#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "producer/capture_postgres/letter.h"
#include <stdio.h>
#include <stdlib.h>

#define BATCH_EVENTS  2000
#define BATCH_BYTES   ((size_t)1 << 20)
#define BATCH_LIMIT   1000000 /* the library's own, of a request */
#define BATCH_SHRINK  8
#define TEXT_KEEP     ((size_t)2 << 20)
#define TEXT_SPARE    ((size_t)8 << 20) /* batch and envelope beside the largest record */
#define EVIDENCE_MS   1000
#define RAISE_LOOK_MS 50 /* an answer takes a few */
#define SLOT_SHIFT    48
#define SLOT_LETTER   UINT16_C(0xffff)
#define SLOT_POSITION UINT16_C(0xfffe)
#define SLOTS_MAX     UINT16_C(0xfff0)

static uint64_t make_tag(uint16_t slot, uint64_t sequence)
{
    return (uint64_t)slot << SLOT_SHIFT | (sequence & ((UINT64_C(1) << SLOT_SHIFT) - 1));
}

void dw_publisher_init(struct dw_publisher *publisher, const struct dw_settings *settings,
                       const struct dw_system_settings *system, const char *instance)
{
    *publisher = (struct dw_publisher){
        .settings = settings,
        .system = system,
        .instance = instance,
        .letter_partitions = 1,
        .batch_bytes = BATCH_LIMIT,
    };
    dw_commit_window_init(&publisher->window);
    dw_buf_init(&publisher->text, (size_t)settings->kafka.message_max_bytes + TEXT_SPARE);
}

void dw_publisher_done(struct dw_publisher *publisher)
{
    static const struct dw_version nowhere = {.epoch = 0};
    dw_publisher_close(publisher);
    dw_publisher_set_maps(publisher, NULL, &nowhere);
    for (size_t i = 0; i < publisher->map_count; i++) {
        free(publisher->maps[i]->name);
        free(publisher->maps[i]->lanes);
        free(publisher->maps[i]);
    }
    free(publisher->maps);
    free(publisher->batch);
    free(publisher->outgoing);
    free(publisher->outgoing_index);
    dw_buf_done(&publisher->text);
    dw_commit_window_done(&publisher->window);
    dw_generation_done(&publisher->generations);
}

/* What failed will be sent again, by another producer. A record behind it that arrived meanwhile
 * would be newer, and the consumer would take the failed one for a duplicate: nothing more leaves.
 */
static void set_fault(struct dw_publisher *publisher, const struct dw_err *err)
{
    if (publisher->fault.rc != DW_OK)
        return;
    publisher->fault = *err;
    if (publisher->producer)
        dw_kafka_producer_halt(publisher->producer);
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum dw_rc open_topics(struct dw_publisher *publisher, struct dw_err *err)
{
    char name[300];
    (void)snprintf(name, sizeof name, "%s.positions", publisher->settings->kafka.topic_prefix);
    enum dw_rc rc =
        dw_kafka_producer_topic(publisher->producer, publisher->settings->kafka.dead_letter_topic,
                                &publisher->letters, err);
    if (rc == DW_OK)
        rc = dw_kafka_producer_topic(publisher->producer, name, &publisher->positions, err);
    for (size_t i = 0; i < publisher->map_count && rc == DW_OK; i++) {
        struct dw_publisher_map *map = publisher->maps[i];
        map->topic = NULL;
        map->in_flight = 0;
        map->probing = false;
        map->evidence = 0;
        for (int32_t lane = 0; lane < map->lane_count; lane++)
            map->lanes[lane] = (struct dw_publisher_lane){.in_flight = 0};
        if (map->map)
            rc = dw_kafka_producer_topic(publisher->producer, map->map->record.topic, &map->topic,
                                         err);
    }
    return rc;
}

enum dw_rc dw_publisher_open(struct dw_publisher *publisher, struct dw_err *err)
{
    dw_publisher_close(publisher);
    const struct dw_producer_settings *settings = &publisher->settings->producer;
    struct dw_kafka_producer_options options = {
        .client_id = publisher->instance,
        .linger_ms = settings->linger_ms,
        .compression = settings->compression,
        .in_order = true,
        .batch_bytes = publisher->batch_bytes,
        .topic_missing_ms = settings->topic_outage_ms,
    };
    enum dw_rc rc =
        dw_kafka_producer_open(&publisher->producer, &publisher->settings->kafka, &options, err);
    if (rc == DW_OK)
        rc = open_topics(publisher, err);
    if (rc != DW_OK)
        dw_publisher_close(publisher);
    return rc;
}

void dw_publisher_close(struct dw_publisher *publisher)
{
    dw_kafka_producer_close(publisher->producer);
    publisher->producer = NULL;
    publisher->batch_count = publisher->batch_paced = 0;
    dw_pace_sent(&publisher->pace);
    dw_buf_reset(&publisher->text, TEXT_KEEP);
    dw_commit_window_reset(&publisher->window);
    dw_err_clear(&publisher->fault);
    publisher->positions_sent = publisher->positions_acknowledged = 0;
}

/* --- maps ------------------------------------------------------------------------------------- */

struct dw_publisher_map *dw_publisher_find(struct dw_publisher *publisher, const char *name)
{
    for (size_t i = 0; i < publisher->map_count; i++)
        if (strcmp(publisher->maps[i]->name, name) == 0)
            return publisher->maps[i];
    return NULL;
}

static struct dw_publisher_map *add_map(struct dw_publisher *publisher, const char *name)
{
    if (publisher->map_count == SLOTS_MAX)
        return NULL;
    struct dw_publisher_map *map = DW_MEM_NEW(struct dw_publisher_map);
    char labels[300];
    (void)snprintf(labels, sizeof labels, "map=\"%.200s\"", name);
    map->name = dw_mem_strdup(name);
    map->slot = (uint16_t)publisher->map_count;
    map->published_total = dw_metrics_series(DW_METRIC_COUNTER, "dw_events_published_total",
                                             "Events acknowledged by Kafka.", labels, 1);
    publisher->maps =
        dw_mem_realloc(publisher->maps, (publisher->map_count + 1) * sizeof *publisher->maps);
    publisher->maps[publisher->map_count++] = map;
    return map;
}

void dw_publisher_make_lanes(struct dw_publisher_map *map, int32_t count)
{
    if (count <= map->lane_count)
        return;
    map->lanes = dw_mem_realloc(map->lanes, (size_t)count * sizeof *map->lanes);
    for (; map->lane_count < count; map->lane_count++)
        map->lanes[map->lane_count] = (struct dw_publisher_lane){.in_flight = 0};
}

void dw_publisher_leave_place(struct dw_publisher *publisher)
{
    for (size_t i = 0; i < publisher->map_count; i++)
        publisher->maps[i]->partitions = 0;
}

static void put_in_service(struct dw_publisher *publisher, struct dw_publisher_map *map)
{
    struct dw_err err = DW_ERR_INIT;
    bool was_out = map->service == DW_PUBLISHER_OUT;
    if (map->map->out_of_service) {
        map->service = DW_PUBLISHER_OUT;
        (void)snprintf(map->reason, sizeof map->reason, "%s", map->map->record.reason);
    } else if (was_out) {
        map->service = DW_PUBLISHER_IN_SERVICE;
        map->reason[0] = '\0';
        map->refused_since_ms = 0;
    }
    if (publisher->producer && dw_kafka_producer_topic(publisher->producer, map->map->record.topic,
                                                       &map->topic, &err) != DW_OK)
        set_fault(publisher, &err);
}

static void find_partitions(const struct dw_publisher *publisher, struct dw_publisher_map *map,
                            const struct dw_version *place)
{
    if (!map->map)
        map->partitions = 0;
    else if (!map->partitions)
        map->partitions = dw_generation_count_at(&publisher->generations, map->name, place->epoch,
                                                 place->commit_lsn, map->map->record.partitions);
    dw_publisher_make_lanes(map, map->partitions);
}

void dw_publisher_set_maps(struct dw_publisher *publisher, const struct dw_map_set *set,
                           const struct dw_version *place)
{
    const struct dw_map_set *old = publisher->set;
    for (size_t i = 0; i < publisher->map_count; i++)
        publisher->maps[i]->map = NULL;
    for (size_t i = 0; set && i < set->count; i++) {
        struct dw_publisher_map *map = dw_publisher_find(publisher, set->maps[i].record.name);
        if (!map)
            map = add_map(publisher, set->maps[i].record.name);
        if (!map)
            continue;
        map->map = &set->maps[i];
        put_in_service(publisher, map);
    }
    for (size_t i = 0; i < publisher->map_count; i++)
        find_partitions(publisher, publisher->maps[i], place);
    publisher->set = set;
    if (old != set && !(set && set->base == old))
        dw_map_set_free((struct dw_map_set *)(uintptr_t)old);
}

/* --- batches ---------------------------------------------------------------------------------- */

static void reserve(struct dw_publisher *publisher)
{
    if (publisher->batch_count < publisher->batch_capacity)
        return;
    size_t capacity = publisher->batch_capacity ? publisher->batch_capacity * 2 : BATCH_EVENTS * 2;
    publisher->batch = dw_mem_realloc(publisher->batch, capacity * sizeof *publisher->batch);
    publisher->outgoing =
        dw_mem_realloc(publisher->outgoing, capacity * sizeof *publisher->outgoing);
    publisher->outgoing_index =
        dw_mem_realloc(publisher->outgoing_index, capacity * sizeof *publisher->outgoing_index);
    publisher->batch_capacity = capacity;
}

static void refuse_part(struct dw_publisher *publisher, struct dw_publisher_map *map,
                        const struct dw_publisher_part *part)
{
    struct dw_publisher_letter letter = {
        .map = map,
        .key = {part->has_key ? publisher->text.data + part->key_at : NULL,
                part->has_key ? part->key_len : 0},
        .version = part->version,
        .code = "DW-KAFKA-005",
        .failure_class = "too_large",
        .message = "the record is larger than kafka.message_max_bytes",
    };
    dw_publisher_send_letter(publisher, &letter, publisher->sequence, false);
    publisher->text.len = part->key_at;
    publisher->text.overflow = false;
}

void dw_publisher_add(struct dw_publisher *publisher, struct dw_publisher_map *map,
                      const struct dw_publisher_part *part)
{
    struct dw_buf *text = &publisher->text;
    size_t value_at = part->key_at + part->key_len;
    if (!dw_buf_ok(text) ||
        text->len - part->key_at > (size_t)publisher->settings->kafka.message_max_bytes) {
        refuse_part(publisher, map, part);
        return;
    }
    reserve(publisher);
    publisher->batch[publisher->batch_count++] = (struct dw_publisher_event){
        .tag = make_tag(map->slot, publisher->sequence),
        .key_at = part->key_at,
        .key_len = part->key_len,
        .value_at = value_at,
        .value_len = text->len - value_at,
        .partition = part->partition,
        .slot = map->slot,
        .has_key = part->has_key,
    };
    dw_commit_window_add(&publisher->window, 1);
    map->in_flight++;
    struct dw_publisher_lane *lane = &map->lanes[part->partition];
    if (!lane->in_flight++)
        lane->progress_ms = dw_clock_mono_ms();
    if (publisher->batch_count >= BATCH_EVENTS || text->len >= BATCH_BYTES)
        dw_publisher_flush(publisher);
}

/* Since when has a partition been silent that something waits for? 0: none. */
static int64_t silent_since(const struct dw_publisher_map *map)
{
    int64_t since = 0;
    for (int32_t i = 0; i < map->lane_count; i++)
        if (map->lanes[i].in_flight && (!since || map->lanes[i].progress_ms < since))
            since = map->lanes[i].progress_ms;
    return since;
}

static void suspect(struct dw_publisher_map *map, const char *reason)
{
    int64_t since = silent_since(map);
    if (!map->refused_since_ms)
        map->refused_since_ms = since ? since : dw_clock_mono_ms();
    if (map->service == DW_PUBLISHER_IN_SERVICE)
        map->service = DW_PUBLISHER_SUSPECT;
    (void)snprintf(map->reason, sizeof map->reason, "topic %.150s: %.90s",
                   map->map ? map->map->record.topic : map->name, reason);
}

/* Kafka's answer that there are fewer is evidence that it is not Kafka that is away. */
bool dw_publisher_may_raise(struct dw_publisher *publisher, struct dw_publisher_map *map,
                            int32_t partitions)
{
    int32_t known = publisher->producer
                        ? dw_kafka_producer_partitions(publisher->producer, map->topic, partitions,
                                                       RAISE_LOOK_MS)
                        : 0;
    if (known >= partitions)
        return true;
    suspect(map, "it does not show the partitions that it was given");
    if (known > 0)
        map->evidence = UINT16_MAX;
    return false;
}

/* One message less under way. */
static void leave(struct dw_publisher_map *map, int32_t partition)
{
    map->in_flight -= map->in_flight ? 1 : 0;
    if (partition >= 0 && partition < map->lane_count && map->lanes[partition].in_flight)
        map->lanes[partition].in_flight--;
}

/* The library itself found the record too large. */
static void refuse_outgoing(struct dw_publisher *publisher, struct dw_publisher_map *map,
                            const struct dw_kafka_outgoing *message)
{
    struct dw_publisher_letter letter = {
        .map = map,
        .key = message->key,
        .code = "DW-KAFKA-005",
        .failure_class = "too_large",
        .message = "the record is larger than kafka.message_max_bytes",
    };
    uint64_t sequence = message->tag & ((UINT64_C(1) << SLOT_SHIFT) - 1);
    leave(map, message->partition);
    if (dw_letter_read_version(message->value, &letter.version))
        dw_publisher_send_letter(publisher, &letter, sequence, true);
    else
        dw_commit_window_acknowledge(&publisher->window, sequence, 1);
}

/* Sends what the batch holds for one map. False when the queue is full or the producer broken. */
static bool send_map(struct dw_publisher *publisher, struct dw_publisher_map *map, size_t from)
{
    struct dw_err err = DW_ERR_INIT;
    const char *text = publisher->text.data;
    size_t count = 0;
    for (size_t i = from; i < publisher->batch_count; i++) {
        const struct dw_publisher_event *event = &publisher->batch[i];
        if (event->gone || event->slot != map->slot)
            continue;
        publisher->outgoing_index[count] = i;
        publisher->outgoing[count++] = (struct dw_kafka_outgoing){
            .key = {event->has_key ? text + event->key_at : NULL, event->key_len},
            .value = {text + event->value_at, event->value_len},
            .partition = event->partition,
            .tag = event->tag,
        };
    }
    enum dw_rc rc =
        dw_kafka_producer_send(publisher->producer, map->topic, publisher->outgoing, count, &err);
    for (size_t i = 0; i < count; i++) {
        publisher->batch[publisher->outgoing_index[i]].gone = !publisher->outgoing[i].not_sent;
        if (publisher->outgoing[i].refused)
            refuse_outgoing(publisher, map, &publisher->outgoing[i]);
    }
    if (rc == DW_CONFIG)
        suspect(map, err.message);
    if (rc != DW_OK && rc != DW_AGAIN)
        set_fault(publisher, &err);
    return rc == DW_OK;
}

void dw_publisher_flush(struct dw_publisher *publisher)
{
    if (!publisher->batch_count || !publisher->producer || publisher->fault.rc != DW_OK)
        return;
    for (size_t i = 0; i < publisher->batch_count; i++)
        if (!publisher->batch[i].gone &&
            !send_map(publisher, publisher->maps[publisher->batch[i].slot], i))
            return;
    publisher->batch_count = publisher->batch_paced = 0;
    dw_pace_sent(&publisher->pace);
    dw_buf_reset(&publisher->text, TEXT_KEEP);
    dw_fault("producer.after_send_before_ack");
}

int64_t dw_publisher_flush_paced(struct dw_publisher *publisher, int64_t now_ms)
{
    dw_pace_add(&publisher->pace, now_ms, publisher->batch_count - publisher->batch_paced);
    publisher->batch_paced = publisher->batch_count;
    int64_t wait = dw_pace_wait_ms(&publisher->pace, now_ms);
    if (wait == 0)
        dw_publisher_flush(publisher);
    return wait;
}

bool dw_publisher_is_full(const struct dw_publisher *publisher)
{
    if (!publisher->producer || publisher->fault.rc != DW_OK)
        return true;
    size_t in_flight = dw_kafka_producer_in_flight(publisher->producer);
    return in_flight >= (size_t)publisher->settings->producer.queue_bytes ||
           publisher->batch_count >= BATCH_EVENTS * 2;
}

/* --- letters and positions -------------------------------------------------------------------- */

void dw_publisher_send_letter(struct dw_publisher *publisher,
                              const struct dw_publisher_letter *letter, uint64_t sequence,
                              bool in_place)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_letter_origin origin = {
        .system = publisher->system->name,
        .instance = publisher->instance,
        .tag = make_tag(SLOT_LETTER, sequence),
        .partitions = publisher->letter_partitions,
    };
    enum dw_rc rc = dw_letter_send(publisher->producer, publisher->letters, letter, &origin, &err);
    if (rc != DW_OK) {
        if (rc == DW_AGAIN)
            (void)dw_err_set(&err, DW_RETRY, "DW-CAPTURE-032",
                             "the queue is full: a dead letter could not be sent");
        set_fault(publisher, &err);
        return;
    }
    if (!in_place)
        dw_commit_window_add(&publisher->window, 1);
    letter->map->letters++;
    dw_log(DW_LOG_WARN, "event.refused", letter->message, DW_F_TEXT("map", letter->map->name),
           DW_F_TEXT("code", letter->code), DW_F_LSN("lsn", letter->version.commit_lsn),
           DW_F_INT("ordinal", letter->version.ordinal));
}

void dw_publisher_send_position(struct dw_publisher *publisher, struct dw_str value)
{
    if (!publisher->producer)
        return;
    struct dw_err err = DW_ERR_INIT;
    struct dw_kafka_outgoing message = {
        .key = dw_str_from(publisher->system->name),
        .value = value,
        .tag = make_tag(SLOT_POSITION, ++publisher->positions_sent),
    };
    enum dw_rc rc =
        dw_kafka_producer_send(publisher->producer, publisher->positions, &message, 1, &err);
    if (rc != DW_OK && rc != DW_AGAIN)
        set_fault(publisher, &err);
}

/* --- reports ---------------------------------------------------------------------------------- */

/* The broker refuses a batch as a whole: a record that may have had others beside it is sent again
 * in smaller ones. One that is not smaller than a batch goes alone, whatever it weighs. */
static bool was_the_batch(struct dw_publisher *publisher, const struct dw_kafka_report *report)
{
    struct dw_err err = DW_ERR_INIT;
    size_t bytes = report->key.len + report->value.len;
    if (publisher->fault.rc != DW_OK)
        return true;
    if (bytes >= (size_t)publisher->batch_bytes)
        return false;
    publisher->batch_bytes =
        publisher->batch_bytes > BATCH_SHRINK ? publisher->batch_bytes / BATCH_SHRINK : 1;
    (void)dw_err_set(&err, DW_RETRY, "DW-CAPTURE-034",
                     "topic %s refused records together: %s; they are sent again, at most %lld "
                     "bytes at a time",
                     report->topic, report->reason, (long long)publisher->batch_bytes);
    set_fault(publisher, &err);
    return true;
}

static void letter_for_report(struct dw_publisher *publisher, struct dw_publisher_map *map,
                              const struct dw_kafka_report *report, uint64_t sequence)
{
    struct dw_publisher_letter letter = {
        .map = map,
        .key = report->key,
        .code = "DW-KAFKA-005",
        .failure_class = "too_large",
        .message = report->reason,
    };
    leave(map, report->partition);
    if (dw_letter_read_version(report->value, &letter.version)) {
        dw_publisher_send_letter(publisher, &letter, sequence, true);
        return;
    }
    struct dw_err err = DW_ERR_INIT;
    (void)dw_err_set(&err, DW_RETRY, "DW-CAPTURE-033", "topic %s refused a record of ours: %s",
                     report->topic, report->reason);
    set_fault(publisher, &err);
}

static void take_failure(struct dw_publisher *publisher, struct dw_publisher_map *map,
                         const struct dw_kafka_report *report)
{
    struct dw_err err = DW_ERR_INIT;
    if (map && report->rc == DW_CONFIG)
        suspect(map, report->reason);
    (void)dw_err_set(&err, DW_RETRY, "DW-CAPTURE-033", "topic %s did not take a record: %s",
                     report->topic, report->reason);
    set_fault(publisher, &err);
}

static void take_report(void *context, const struct dw_kafka_report *report)
{
    struct dw_publisher *publisher = context;
    uint16_t slot = (uint16_t)(report->tag >> SLOT_SHIFT);
    uint64_t sequence = report->tag & ((UINT64_C(1) << SLOT_SHIFT) - 1);
    struct dw_publisher_map *map = slot < publisher->map_count ? publisher->maps[slot] : NULL;
    if (report->rc == DW_AGAIN) { /* what failed before it is told by a report of its own */
        if (map)
            leave(map, report->partition);
    } else if (report->rc == DW_REJECT && map && was_the_batch(publisher, report)) {
        leave(map, report->partition);
    } else if (report->rc == DW_REJECT && map) {
        letter_for_report(publisher, map, report, sequence);
    } else if (report->rc != DW_OK) {
        take_failure(publisher, map, report);
    } else if (map) {
        leave(map, report->partition);
        dw_commit_window_acknowledge(&publisher->window, sequence, 1);
        map->published++;
        map->acknowledged = true;
        if (report->partition < map->lane_count)
            map->lanes[report->partition].progress_ms = publisher->polled_ms;
    } else if (slot == SLOT_LETTER) {
        dw_commit_window_acknowledge(&publisher->window, sequence, 1);
    } else if (slot == SLOT_POSITION && sequence > publisher->positions_acknowledged) {
        publisher->positions_acknowledged = sequence;
    }
}

/* After a poll that brought acknowledgements, of this map or others. One that was acknowledged is
 * well, unless one of its partitions is silent still. */
static void settle_map(struct dw_publisher *publisher, struct dw_publisher_map *map)
{
    int64_t now = publisher->polled_ms;
    int64_t bound = publisher->settings->producer.topic_outage_ms;
    int64_t since = silent_since(map);
    if (map->acknowledged)
        dw_metrics_set(map->published_total, (int64_t)map->published);
    if (map->acknowledged && (!since || now - since < bound)) {
        map->refused_since_ms = 0;
        map->evidence = 0;
        if (map->service == DW_PUBLISHER_SUSPECT) {
            map->service = DW_PUBLISHER_IN_SERVICE;
            map->reason[0] = '\0';
        }
    } else if (since && now - map->evidence_ms >= EVIDENCE_MS) {
        map->evidence_ms = now;
        map->evidence++;
    }
    map->acknowledged = false;
}

void dw_publisher_poll(struct dw_publisher *publisher)
{
    struct dw_err err = DW_ERR_INIT;
    if (!publisher->producer)
        return;
    publisher->polled_ms = dw_clock_mono_ms();
    if (dw_kafka_producer_poll(publisher->producer, take_report, publisher, &err) != DW_OK)
        set_fault(publisher, &err);
    bool any = false;
    for (size_t i = 0; i < publisher->map_count; i++)
        any = any || publisher->maps[i]->acknowledged;
    for (size_t i = 0; any && i < publisher->map_count; i++)
        settle_map(publisher, publisher->maps[i]);
}

void dw_publisher_watch(struct dw_publisher *publisher, int64_t now_ms)
{
    for (size_t i = 0; i < publisher->map_count; i++) {
        struct dw_publisher_map *map = publisher->maps[i];
        int64_t since = silent_since(map);
        if (since && map->service == DW_PUBLISHER_IN_SERVICE &&
            now_ms - since > publisher->settings->producer.topic_outage_ms)
            suspect(map, "no acknowledgement for too long");
    }
}

int64_t dw_publisher_silent_since(const struct dw_publisher *publisher)
{
    int64_t oldest = 0;
    for (size_t i = 0; i < publisher->map_count; i++) {
        int64_t since = silent_since(publisher->maps[i]);
        if (since && (!oldest || since < oldest))
            oldest = since;
    }
    return oldest;
}
