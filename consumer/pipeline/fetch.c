/* fetch.c - see fetch.h. */
#include "consumer/pipeline/fetch.h"

#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/kafka/kafka_bell.h"
#include "consumer/pipeline/fetch_pace.h"
#include "consumer/pipeline/lane.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    POLL_MS = 100,
    COMMIT_MS = 250,
    ORDERS_MS = 2000, /* longest time that nobody looks at the orders of all partitions */
    RECORDS_PER_ROUND = 1000,
    WAITING_MIN_BYTES = 256 * 1024,
    PREFETCH_MAX_BYTES = 4 * 1024 * 1024,
    AGAIN_MS = 1000,  /* subscribing after an error */
    HOMES_MS = 10000, /* looking again for lanes that could not be started */
    LEAVE_MS = 300,
    BELL_TIMEOUT_MS = 10000, /* a cluster that is making hundreds of partitions takes its time */
};

/* An assigned partition as this thread sees it. */
struct slot {
    struct dw_kafka_partition *kafka; /* NULL: revoked */
    struct dw_partition *partition;   /* NULL: no lane yet (map unknown or stopped) */
    struct dw_lane *lane;
    uint32_t generation; /* of the feed, as carried out */
    bool running;
    bool full;
    int64_t gap_offset; /* a record at this offset was refused once; -1 none */
    int64_t committed;
    int64_t to_commit; /* -1 nothing */
    char metadata[64];
};

struct dw_fetch {
    struct dw_context *context;
    pthread_t thread;
    _Atomic bool stopping;
    _Atomic bool assigned;
    _Atomic bool fatal;
    _Atomic int64_t tick_ms;
    uint64_t generation; /* of the registry, when topics were last looked at */
    char **topics;       /* subscribed, sorted as the registry gave them */
    size_t topic_count;
    int64_t subscribe_at_ms;
    int64_t homes_at_ms;
    bool bell;                 /* the fetch can be ended */
    struct dw_fetch_pace pace; /* chosen at the start */
    bool pace_told;            /* that another one would fit */
    int64_t commit_at_ms;
    int64_t orders_at_ms;
    bool commits; /* offsets may have been noted since the last commit */
    bool full;    /* a feed is, or was at the last look: others may give it room */
    struct slot **slots;
    size_t slot_count;
    pthread_mutex_t lock; /* for `slots` and `slot->partition` as others read them */
    struct dw_metric_series *rebalances;
    struct dw_metric_series *partitions;
    struct dw_metric_series *errors;
};

/* --- homes ------------------------------------------------------------------------------------
 */

static struct dw_lane *find_lane(struct dw_context *context, const char *system, unsigned index)
{
    for (size_t i = 0; i < context->lane_count; i++)
        if (context->lanes[i]->index == index &&
            strcmp(context->lanes[i]->system->name, system) == 0)
            return context->lanes[i];
    return NULL;
}

static struct dw_lane *start_lane(struct dw_context *context,
                                  const struct dw_system_settings *system, unsigned index)
{
    struct dw_lane *lane = NULL;
    struct dw_err err = DW_ERR_INIT;
    if (dw_lane_start(&lane, context, system, index, &err) != DW_OK) {
        dw_log_err(DW_LOG_ERROR, "lane.start", &err);
        return NULL;
    }
    context->lanes =
        dw_mem_realloc((void *)context->lanes, (context->lane_count + 1) * sizeof *context->lanes);
    context->lanes[context->lane_count++] = lane;
    return lane;
}

/* The lane of a partition: by hash among the lanes of its map's target system. */
static struct dw_lane *lane_for(struct dw_fetch *fetch, const struct dw_registry_map *entry,
                                const struct dw_kafka_partition *kafka)
{
    struct dw_context *context = fetch->context;
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s", DW_STR_ARG(entry->map->target.system));
    const struct dw_system_settings *system = dw_settings_system(context->settings, name);
    if (!system) {
        char reason[256];
        (void)snprintf(reason, sizeof reason,
                       "the map's target system \"%s\" is not in this consumer's settings", name);
        if (dw_registry_fail(context->registry, entry, "DW-APPLY-207", reason, NULL))
            dw_log(DW_LOG_ERROR, "map.failed", reason, DW_F_TEXT("map", entry->name));
        return NULL;
    }
    int64_t lanes = context->settings->consumer.lanes;
    uint64_t hash = dw_hash_bytes(kafka->topic, strlen(kafka->topic), 0);
    unsigned index =
        (unsigned)((hash + (uint64_t)kafka->number) % (uint64_t)(lanes > 0 ? lanes : 1));
    pthread_mutex_lock(&context->lanes_lock);
    struct dw_lane *lane = find_lane(context, name, index);
    if (!lane && !atomic_load(&context->draining))
        lane = start_lane(context, system, index);
    pthread_mutex_unlock(&context->lanes_lock);
    return lane;
}

static size_t waiting_bytes_of(const struct dw_fetch *fetch)
{
    int64_t total = fetch->context->settings->consumer.queue_bytes;
    int64_t share = total / (int64_t)(fetch->slot_count ? fetch->slot_count : 1);
    return share < WAITING_MIN_BYTES ? WAITING_MIN_BYTES : (size_t)share;
}

static void set_partition(struct dw_fetch *fetch, struct slot *slot, struct dw_partition *partition)
{
    pthread_mutex_lock(&fetch->lock);
    slot->partition = partition;
    pthread_mutex_unlock(&fetch->lock);
}

static void leave_home(struct dw_fetch *fetch, struct slot *slot)
{
    struct dw_partition *partition = slot->partition;
    if (!partition)
        return;
    set_partition(fetch, slot, NULL);
    atomic_store(&partition->revoked, true);
    dw_lane_wake(slot->lane, NULL);
    dw_partition_release(partition);
    slot->lane = NULL;
}

/* Gives a slot a partition object and a lane, when its map is known. */
static void find_home(struct dw_fetch *fetch, struct slot *slot)
{
    struct dw_context *context = fetch->context;
    struct dw_registry_map *entry = dw_registry_find(context->registry, slot->kafka->topic);
    if (entry && entry->map) {
        struct dw_lane *lane = lane_for(fetch, entry, slot->kafka);
        if (lane) {
            struct dw_partition *partition = dw_partition_new(
                slot->kafka->topic, slot->kafka->number, entry->name, &context->pool,
                waiting_bytes_of(fetch), context->settings->consumer.retry_max_ms);
            slot->lane = lane;
            slot->running = false;
            slot->full = false;
            slot->generation = 0;
            slot->gap_offset = -1;
            set_partition(fetch, slot, partition);
            dw_lane_add(lane, partition);
        }
    }
    dw_registry_release(entry);
}

/* --- the group --------------------------------------------------------------------------------
 */

static void on_assigned(void *context, struct dw_kafka_partition *const *partitions, size_t count)
{
    struct dw_fetch *fetch = context;
    pthread_mutex_lock(&fetch->lock);
    fetch->slots = dw_mem_realloc((void *)fetch->slots,
                                  (fetch->slot_count + count + 1) * sizeof *fetch->slots);
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = DW_MEM_NEW(struct slot);
        slot->kafka = partitions[i];
        slot->committed = slot->to_commit = -1;
        partitions[i]->owner = slot;
        fetch->slots[fetch->slot_count++] = slot;
    }
    pthread_mutex_unlock(&fetch->lock);
    for (size_t i = 0; i < count; i++)
        find_home(fetch, partitions[i]->owner);
    atomic_store(&fetch->assigned, true);
    dw_metrics_add(fetch->rebalances, 1);
    dw_metrics_set(fetch->partitions, (int64_t)fetch->slot_count);
    dw_log(DW_LOG_INFO, "group.assigned", "partitions assigned to this worker",
           DW_F_INT("count", count), DW_F_INT("total", fetch->slot_count));
}

static void read_order(struct dw_fetch *fetch, struct slot *slot);
static void commit_offsets(struct dw_fetch *fetch, bool wait);

static void on_revoked(void *context, struct dw_kafka_partition *const *partitions, size_t count,
                       bool lost)
{
    struct dw_fetch *fetch = context;
    /* What was applied is worth committing, unless others own the partitions already. The lanes are
     * not waited for: a batch of theirs that is under way is fenced or whole. */
    if (!lost) {
        for (size_t i = 0; i < fetch->slot_count; i++)
            read_order(fetch, fetch->slots[i]);
        commit_offsets(fetch, false);
    }
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = partitions[i]->owner;
        leave_home(fetch, slot);
        pthread_mutex_lock(&fetch->lock);
        for (size_t at = 0; at < fetch->slot_count; at++)
            if (fetch->slots[at] == slot)
                fetch->slots[at] = fetch->slots[--fetch->slot_count];
        pthread_mutex_unlock(&fetch->lock);
        free(slot);
    }
    if (fetch->slot_count == 0)
        atomic_store(&fetch->assigned, false);
    dw_metrics_add(fetch->rebalances, 1);
    dw_metrics_set(fetch->partitions, (int64_t)fetch->slot_count);
    dw_log(lost ? DW_LOG_WARN : DW_LOG_INFO, "group.revoked",
           lost ? "partitions were lost: this worker was silent too long" : "partitions given back",
           DW_F_INT("count", count));
}

static bool same_topics(const struct dw_fetch *fetch, struct dw_registry_map *const *entries,
                        size_t count)
{
    if (count != fetch->topic_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(fetch->topics[i], entries[i]->topic) != 0)
            return false;
    return true;
}

static void forget_topics(struct dw_fetch *fetch)
{
    for (size_t i = 0; i < fetch->topic_count; i++)
        free(fetch->topics[i]);
    free((void *)fetch->topics);
    fetch->topics = NULL;
    fetch->topic_count = 0;
}

static int64_t partitions_of(struct dw_registry_map *const *entries, size_t count)
{
    int64_t partitions = 0;
    for (size_t i = 0; i < count; i++)
        partitions += entries[i]->partitions;
    return partitions;
}

/* librdkafka takes no other pace once it runs. */
static void look_at_pace(struct dw_fetch *fetch, struct dw_registry_map *const *entries,
                         size_t count)
{
    int64_t partitions = partitions_of(entries, count);
    const struct dw_fetch_pace pace = dw_fetch_pace_of(partitions, fetch->bell);
    if (fetch->pace_told || !dw_fetch_pace_differs(&pace, &fetch->pace))
        return;
    fetch->pace_told = true;
    dw_log(DW_LOG_INFO, "fetch.pace",
           "maps came or went since this worker started, which chose by their number how often it "
           "asks the brokers: a restart fits it anew",
           DW_F_INT("partitions", partitions), DW_F_INT("wait_ms", fetch->pace.wait_ms),
           DW_F_INT("fitting_wait_ms", pace.wait_ms));
}

static void find_homes(struct dw_fetch *fetch, int64_t now)
{
    fetch->homes_at_ms = now + HOMES_MS;
    for (size_t i = 0; i < fetch->slot_count; i++)
        if (!fetch->slots[i]->partition)
            find_home(fetch, fetch->slots[i]);
}

/* Subscribes to the topics of all maps that are not stopped, when they have changed. */
static void follow_registry(struct dw_fetch *fetch, int64_t now)
{
    uint64_t generation = dw_registry_generation(fetch->context->registry);
    if (generation == fetch->generation && now >= fetch->homes_at_ms)
        find_homes(fetch, now);
    if (generation == fetch->generation || now < fetch->subscribe_at_ms)
        return;
    size_t count = 0;
    struct dw_registry_map **entries = dw_registry_all(fetch->context->registry, &count);
    struct dw_err err = DW_ERR_INIT;
    enum dw_rc rc = DW_OK;
    if (!same_topics(fetch, entries, count)) {
        forget_topics(fetch);
        fetch->topics = dw_mem_calloc(count + 1, sizeof(char *));
        for (size_t i = 0; i < count; i++)
            fetch->topics[fetch->topic_count++] = dw_mem_strdup(entries[i]->topic);
        rc = dw_kafka_consumer_subscribe(fetch->context->consumer,
                                         (const char *const *)fetch->topics, count, &err);
    }
    if (rc == DW_OK) {
        fetch->generation = generation;
    } else {
        dw_log_err(DW_LOG_WARN, "group.subscribe", &err);
        forget_topics(fetch);
        fetch->subscribe_at_ms = now + AGAIN_MS;
    }
    look_at_pace(fetch, entries, count);
    for (size_t i = 0; i < count; i++)
        dw_registry_release(entries[i]);
    free((void *)entries);
    find_homes(fetch, now);
}

/* --- orders of the lanes ----------------------------------------------------------------------
 */

static void note_commit(struct slot *slot, const struct dw_feed_order *order)
{
    if (order->commit_offset < 0)
        return;
    slot->to_commit = order->commit_offset;
    (void)snprintf(slot->metadata, sizeof slot->metadata, "dualwrite %s", order->incarnation);
}

static void read_order(struct dw_fetch *fetch, struct slot *slot)
{
    struct dw_kafka_consumer *consumer = fetch->context->consumer;
    if (!slot->partition)
        return;
    if (atomic_load(&slot->partition->rehome)) {
        dw_kafka_consumer_pause(consumer, slot->kafka);
        leave_home(fetch, slot);
        find_home(fetch, slot);
        return;
    }
    struct dw_feed_order order;
    dw_feed_order(&slot->partition->feed, &order);
    note_commit(slot, &order);
    if (!order.running) {
        if (slot->running)
            dw_kafka_consumer_pause(consumer, slot->kafka);
        slot->running = false;
    } else if (order.generation != slot->generation || !slot->running) {
        slot->generation = order.generation;
        slot->running = true;
        slot->full = false;
        slot->gap_offset = -1;
        dw_kafka_consumer_start(consumer, slot->kafka, order.start_offset);
    } else if (slot->full && order.room) {
        slot->full = false;
        dw_kafka_consumer_resume(consumer, slot->kafka, dw_feed_expected(&slot->partition->feed));
    }
}

static void commit_offsets(struct dw_fetch *fetch, bool wait)
{
    struct dw_kafka_commit *commits = dw_mem_calloc(fetch->slot_count + 1, sizeof *commits);
    size_t count = 0;
    for (size_t i = 0; i < fetch->slot_count; i++) {
        struct slot *slot = fetch->slots[i];
        if (slot->to_commit < 0 || slot->to_commit == slot->committed)
            continue;
        commits[count++] = (struct dw_kafka_commit){slot->kafka, slot->to_commit, slot->metadata};
        slot->committed = slot->to_commit;
        slot->to_commit = -1;
    }
    struct dw_err err = DW_ERR_INIT;
    /* The target's progress row is what counts; a commit that fails is made up for by the next. */
    if (dw_kafka_consumer_commit(fetch->context->consumer, commits, count, wait, &err) != DW_OK)
        dw_log_err(DW_LOG_WARN, "group.commit", &err);
    free(commits);
}

/* --- records ----------------------------------------------------------------------------------
 */

/* An offset that was left out may be one that the client lost: it is asked for once more. Left out
 * again, there is none (a transaction's marker, compaction). */
static void take(struct dw_fetch *fetch, struct slot *slot, const struct dw_feed_record *record)
{
    bool known_gap = slot->gap_offset == record->offset;
    switch (dw_feed_append(&slot->partition->feed, slot->generation, record, known_gap)) {
    case DW_FEED_FIRST:
        dw_lane_wake(slot->lane, slot->partition);
        break;
    case DW_FEED_FULL:
        slot->full = fetch->full = true;
        dw_kafka_consumer_pause(fetch->context->consumer, slot->kafka);
        dw_lane_wake(slot->lane, slot->partition);
        break;
    case DW_FEED_GAP:
        slot->gap_offset = record->offset;
        dw_kafka_consumer_start(fetch->context->consumer, slot->kafka,
                                dw_feed_expected(&slot->partition->feed));
        break;
    case DW_FEED_TAKEN:
    case DW_FEED_STALE:
        break;
    }
}

static void out_of_range(struct slot *slot)
{
    if (!slot->partition)
        return;
    dw_feed_set_out_of_range(&slot->partition->feed, slot->generation);
    dw_lane_wake(slot->lane, slot->partition);
}

static void report(struct dw_fetch *fetch, enum dw_rc rc, const struct dw_err *err)
{
    dw_metrics_add(fetch->errors, 1);
    dw_log_err(rc == DW_FATAL ? DW_LOG_FATAL : DW_LOG_WARN, "kafka.consumer", err);
    if (rc == DW_FATAL)
        atomic_store(&fetch->fatal, true);
}

/* Polls one record, waiting for it up to `timeout_ms`. False: there was none. */
static bool poll_one(struct dw_fetch *fetch, int timeout_ms)
{
    struct dw_kafka_message message = {0};
    struct dw_err err = DW_ERR_INIT;
    enum dw_rc rc = dw_kafka_consumer_poll(fetch->context->consumer, timeout_ms, &message, &err);
    struct slot *slot = message.partition ? message.partition->owner : NULL;
    if (rc == DW_OK) {
        if (slot && slot->partition && slot->running)
            take(fetch, slot, &(struct dw_feed_record){message.offset, message.key, message.value});
        return true;
    }
    if (rc == DW_END && slot)
        out_of_range(slot);
    else if (rc != DW_AGAIN && rc != DW_END)
        report(fetch, rc, &err);
    return false;
}

/* Of thousands of partitions most have neither orders nor offsets at a time: they are looked at
 * when one of them has. */
static void read_orders(struct dw_fetch *fetch, int64_t now)
{
    bool commit = now >= fetch->commit_at_ms;
    bool commits = commit && atomic_exchange(&fetch->context->commits, false);
    bool look = atomic_exchange(&fetch->context->attention, false) || commits ||
                (commit && fetch->full) || now >= fetch->orders_at_ms;
    if (look) {
        fetch->orders_at_ms = now + ORDERS_MS;
        fetch->full = false;
        for (size_t i = 0; i < fetch->slot_count; i++) {
            read_order(fetch, fetch->slots[i]);
            fetch->full = fetch->full || fetch->slots[i]->full;
        }
        fetch->commits = true;
    }
    if (!commit)
        return;
    if (fetch->commits)
        commit_offsets(fetch, false);
    fetch->commits = false;
    fetch->commit_at_ms = now + COMMIT_MS;
}

static void round_trip(struct dw_fetch *fetch)
{
    int64_t now = dw_clock_mono_ms();
    atomic_store(&fetch->tick_ms, now);
    follow_registry(fetch, now);
    read_orders(fetch, now);
    if (!poll_one(fetch, POLL_MS))
        return;
    for (int i = 1; i < RECORDS_PER_ROUND && !atomic_load(&fetch->context->attention); i++)
        if (!poll_one(fetch, 0))
            return;
}

/* A lane that did not end in time may still use the consumer: leave the group, keep the object; the
 * process ends anyway. */
static void leave_only(struct dw_fetch *fetch)
{
    struct dw_kafka_message message = {0};
    struct dw_err err = DW_ERR_INIT;
    enum dw_rc rc = dw_kafka_consumer_subscribe(fetch->context->consumer, NULL, 0, &err);
    int64_t until = dw_clock_mono_ms() + LEAVE_MS;
    while (rc >= DW_OK && dw_clock_mono_ms() < until)
        rc = dw_kafka_consumer_poll(fetch->context->consumer, POLL_MS, &message, &err);
}

static void *run(void *argument)
{
    struct dw_fetch *fetch = argument;
    while (!atomic_load(&fetch->stopping) && !atomic_load(&fetch->fatal))
        round_trip(fetch);
    for (size_t i = 0; i < fetch->slot_count; i++)
        read_order(fetch, fetch->slots[i]);
    dw_fault("consumer.before_leave");
    commit_offsets(fetch, true);
    if (atomic_load(&fetch->context->lanes_ended))
        dw_kafka_consumer_close(fetch->context->consumer);
    else
        leave_only(fetch);
    return NULL;
}

/* --- start and stop ---------------------------------------------------------------------------
 */

static void add_metrics(struct dw_fetch *fetch)
{
    fetch->rebalances = dw_metrics_series(DW_METRIC_COUNTER, "dw_rebalances_total",
                                          "Assignments and revocations of partitions.", "", 1);
    fetch->partitions = dw_metrics_series(DW_METRIC_GAUGE, "dw_consumer_assigned_partitions",
                                          "Partitions assigned to this process.", "", 1);
    fetch->errors = dw_metrics_series(DW_METRIC_COUNTER, "dw_consumer_errors_total",
                                      "Errors reported by the Kafka client.", "", 1);
}

static int64_t partitions_at_start(struct dw_registry *registry)
{
    size_t count = 0;
    struct dw_registry_map **entries = dw_registry_all(registry, &count);
    int64_t partitions = partitions_of(entries, count);
    for (size_t i = 0; i < count; i++)
        dw_registry_release(entries[i]);
    free((void *)entries);
    return partitions;
}

/* NULL: few partitions, or it is refused, or no broker answers. */
static struct dw_kafka_bell *open_bell(const struct dw_kafka_settings *settings,
                                       const char *client_id, int64_t partitions)
{
    struct dw_kafka_bell *bell = NULL;
    struct dw_err err = DW_ERR_INIT;
    if (!dw_fetch_pace_wants_bell(partitions))
        return NULL;
    if (dw_kafka_bell_open(&bell, settings, client_id, BELL_TIMEOUT_MS, &err) == DW_OK)
        return bell;
    dw_log_err(DW_LOG_WARN, "fetch.bell", &err);
    dw_log(DW_LOG_WARN, "fetch.bell",
           "without it this worker asks the brokers the more often until it is started again",
           DW_F_INT("partitions", partitions));
    return NULL;
}

static int64_t prefetch_of(const struct dw_settings *settings)
{
    int64_t quarter = settings->consumer.queue_bytes / 4;
    return quarter < PREFETCH_MAX_BYTES ? quarter : PREFETCH_MAX_BYTES;
}

enum dw_rc dw_fetch_start(struct dw_fetch **out, struct dw_context *context, struct dw_err *err)
{
    struct dw_fetch *fetch = DW_MEM_NEW(struct dw_fetch);
    char client_id[128];
    (void)snprintf(client_id, sizeof client_id, "dualwrite-consumer-%s", context->instance);
    fetch->context = context;
    fetch->tick_ms = dw_clock_mono_ms();
    int64_t partitions = partitions_at_start(context->registry);
    struct dw_kafka_bell *bell = open_bell(&context->settings->kafka, client_id, partitions);
    fetch->bell = bell != NULL;
    fetch->pace = dw_fetch_pace_of(partitions, fetch->bell);
    (void)pthread_mutex_init(&fetch->lock, NULL);
    add_metrics(fetch);
    const struct dw_kafka_consumer_options options = {
        .client_id = client_id,
        .session_timeout_ms = context->settings->consumer.session_timeout_ms,
        .prefetch_bytes = prefetch_of(context->settings),
        .fetch_wait_ms = fetch->pace.wait_ms,
        .bell = bell,
        .refresh_ms = fetch->pace.refresh_ms,
        .context = fetch,
        .assigned = on_assigned,
        .revoked = on_revoked,
    };
    enum dw_rc rc =
        dw_kafka_consumer_open(&context->consumer, &context->settings->kafka, &options, err);
    if (rc != DW_OK)
        dw_kafka_bell_close(bell);
    if (rc == DW_OK && pthread_create(&fetch->thread, NULL, run, fetch) != 0) {
        dw_kafka_consumer_close(context->consumer);
        rc = dw_err_set(err, DW_FATAL, "DW-APPLY-206", "no thread to fetch with");
    }
    if (rc != DW_OK) {
        (void)pthread_mutex_destroy(&fetch->lock);
        free(fetch);
        return rc;
    }
    *out = fetch;
    return DW_OK;
}

bool dw_fetch_stop(struct dw_fetch *fetch, int64_t until_ms)
{
    atomic_store(&fetch->stopping, true);
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    return pthread_timedjoin_np(fetch->thread, NULL, &until) == 0;
}

void dw_fetch_free(struct dw_fetch *fetch)
{
    forget_topics(fetch);
    for (size_t i = 0; i < fetch->slot_count; i++) {
        if (fetch->slots[i]->partition)
            dw_partition_release(fetch->slots[i]->partition);
        free(fetch->slots[i]);
    }
    free((void *)fetch->slots);
    (void)pthread_mutex_destroy(&fetch->lock);
    free(fetch);
}

struct dw_partition **dw_fetch_partitions(struct dw_fetch *fetch, size_t *out_count)
{
    pthread_mutex_lock(&fetch->lock);
    struct dw_partition **all = dw_mem_calloc(fetch->slot_count + 1, sizeof(struct dw_partition *));
    size_t count = 0;
    for (size_t i = 0; i < fetch->slot_count; i++)
        if (fetch->slots[i]->partition) {
            all[count++] = fetch->slots[i]->partition;
            (void)atomic_fetch_add(&fetch->slots[i]->partition->references, 1);
        }
    pthread_mutex_unlock(&fetch->lock);
    *out_count = count;
    return all;
}

bool dw_fetch_assigned(struct dw_fetch *fetch)
{
    return atomic_load(&fetch->assigned);
}

int64_t dw_fetch_tick_ms(struct dw_fetch *fetch)
{
    return atomic_load(&fetch->tick_ms);
}

bool dw_fetch_fatal(struct dw_fetch *fetch)
{
    return atomic_load(&fetch->fatal);
}
