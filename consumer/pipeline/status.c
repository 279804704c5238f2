/* status.c - see status.h. */
#include "consumer/pipeline/status.h"

#include "common/base/clock.h"
#include "common/base/json_write.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    LOOKS_PER_BEAT = 200, /* at partitions that nothing came to */
    LOOK_BEATS = 4,       /* … of more than that in one beat of so many only */
};

struct sum { /* of one map's partitions here */
    size_t partitions;
    int64_t lag;
    int64_t counts[DW_OUTCOME_COUNT];
    int64_t position_us;  /* oldest of the newest positions; 0 unknown */
    int64_t heartbeat_us; /* the same of heartbeats */
};

static int64_t load(const _Atomic int64_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

/* A partition that is not fetched from (paused, retrying) does not learn where the log ends. */
static bool fetches(const struct dw_partition *partition)
{
    enum dw_partition_state state = dw_partition_in(partition);
    return state == DW_PARTITION_RUNNING || state == DW_PARTITION_BARRIER ||
           state == DW_PARTITION_TURNING;
}

static int by_map(const void *left, const void *right)
{
    const struct dw_partition *a = *(struct dw_partition *const *)left;
    const struct dw_partition *b = *(struct dw_partition *const *)right;
    int order = strcmp(a->map, b->map);
    return order ? order : (a->number > b->number) - (a->number < b->number);
}

/* The partitions of one map, which lie side by side: a scan for each of a thousand maps would be a
 * million comparisons each time. */
static size_t partitions_of(const struct dw_status *status, const char *map,
                            struct dw_partition *const **out_first)
{
    size_t low = 0;
    size_t high = status->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(status->partitions[middle]->map, map) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < status->count && strcmp(status->partitions[end]->map, map) == 0)
        end++;
    *out_first = status->partitions + low;
    return end - low;
}

static bool moves_or_lags(const struct dw_status_known *known)
{
    return known->high < 0 || known->high > known->next_offset ||
           known->fetched != known->fetched_before;
}

bool dw_status_is_due(const struct dw_status_known *known, size_t index, size_t count,
                      uint64_t beat)
{
    return moves_or_lags(known) || (index + beat) % (1 + count / LOOKS_PER_BEAT) == 0;
}

/* Asks the brokers. False when they do not answer. */
static bool ask(struct dw_context *context, struct dw_partition *partition, int timeout_ms,
                int64_t *out_high)
{
    struct dw_kafka_look look;
    struct dw_err err = DW_ERR_INIT;
    bool committed = load(&partition->next_offset) < 0;
    if (dw_kafka_consumer_look(context->consumer, partition->topic, partition->number, committed,
                               timeout_ms, &look, &err) != DW_OK)
        return false;
    *out_high = look.high;
    if (committed)
        atomic_store(&partition->next_offset, look.committed >= 0 ? look.committed : look.low);
    return true;
}

/* The group assigns them by topic: mostly they are in order already. */
static void sort(struct dw_partition **partitions, size_t count)
{
    size_t sorted = count ? 1 : 0;
    while (sorted < count && by_map(&partitions[sorted - 1], &partitions[sorted]) <= 0)
        sorted++;
    if (sorted < count)
        qsort((void *)partitions, count, sizeof(struct dw_partition *), by_map);
}

void dw_status_init(struct dw_status *status, struct dw_context *context,
                    struct dw_partition **partitions, size_t count, uint64_t beat, int timeout_ms)
{
    *status = (struct dw_status){.partitions = partitions, .count = count};
    sort(partitions, count);
    int64_t until_ms = dw_clock_mono_ms() + timeout_ms;
    bool many = count > LOOKS_PER_BEAT;
    bool idle_ones = !many || beat % LOOK_BEATS == 0;
    uint64_t turn = many ? beat / LOOK_BEATS : beat;
    bool reachable = true;
    for (size_t i = 0; i < count; i++) {
        struct dw_partition *partition = partitions[i];
        const struct dw_status_known known = {
            .high = load(&partition->high),
            .next_offset = load(&partition->next_offset),
            .fetched = dw_feed_expected(&partition->feed),
            .fetched_before = partition->fetched_at_look,
        };
        bool due = idle_ones ? dw_status_is_due(&known, i, count, turn) : moves_or_lags(&known);
        if (fetches(partition) && !due)
            continue;
        partition->fetched_at_look = known.fetched;
        int64_t high =
            dw_kafka_consumer_high(context->consumer, partition->topic, partition->number);
        if ((high < 0 || !fetches(partition)) && reachable && dw_clock_mono_ms() < until_ms)
            reachable = ask(context, partition, timeout_ms, &high);
        if (high >= 0)
            atomic_store(&partition->high, high);
    }
}

void dw_status_done(struct dw_status *status)
{
    for (size_t i = 0; i < status->count; i++)
        dw_partition_release(status->partitions[i]);
    free((void *)status->partitions);
}

static void oldest(int64_t *sum, int64_t value)
{
    if (value && (!*sum || value < *sum))
        *sum = value;
}

static struct sum sum_of(const struct dw_status *status, const char *map)
{
    struct sum sum = {0};
    struct dw_partition *const *first;
    size_t count = partitions_of(status, map, &first);
    for (size_t i = 0; i < count; i++) {
        const struct dw_partition *partition = first[i];
        int64_t next = load(&partition->next_offset);
        int64_t high = load(&partition->high);
        sum.partitions++;
        if (next >= 0 && high > next)
            sum.lag += high - next;
        for (int outcome = 0; outcome < DW_OUTCOME_COUNT; outcome++)
            sum.counts[outcome] += load(&partition->counts[outcome]);
        oldest(&sum.position_us, load(&partition->position_us));
        oldest(&sum.heartbeat_us, load(&partition->heartbeat_us));
    }
    return sum;
}

static int64_t age_us(int64_t moment_us)
{
    int64_t age = dw_clock_wall_us() - moment_us;
    return moment_us > 0 && age > 0 ? age : 0;
}

void dw_status_gauges(const struct dw_status *status, struct dw_context *context)
{
    size_t count = 0;
    struct dw_registry_map **entries = dw_registry_all(context->registry, &count);
    for (size_t i = 0; i < count; i++) {
        struct dw_registry_track *track = entries[i]->track;
        struct sum sum = sum_of(status, entries[i]->name);
        dw_metrics_set(track->lag_records, sum.lag);
        dw_metrics_set(track->lag_us, sum.lag ? age_us(sum.position_us) : 0);
        dw_metrics_set(track->heartbeat_age_us, age_us(sum.heartbeat_us));
        dw_metrics_set(track->parked, sum.counts[DW_OUTCOME_WAITING]);
        dw_registry_release(entries[i]);
    }
    free((void *)entries);
}

static void write_count(struct dw_buf *out, const char *name, int64_t value)
{
    if (value)
        dw_json_write_i64(out, name, value);
}

static void write_latency(struct dw_registry_track *track, struct dw_buf *out)
{
    int64_t buckets[DW_METRIC_BUCKETS];
    int64_t all = 0;
    pthread_mutex_lock(&track->lock);
    dw_latency_window_sum(&track->latency, dw_clock_mono_ms(), buckets);
    pthread_mutex_unlock(&track->lock);
    for (int i = 0; i < DW_METRIC_BUCKETS; i++)
        all += buckets[i];
    if (!all)
        return;
    dw_json_write_name(out, "latency");
    for (int i = 0; i < DW_METRIC_BUCKETS; i++) {
        dw_buf_append_char(out, i ? ',' : '[');
        dw_buf_append_i64(out, buckets[i]);
    }
    dw_buf_append_char(out, ']');
}

static void write_partitions(const struct dw_status *status, const char *map, struct dw_buf *out)
{
    char separator = '[';
    struct dw_partition *const *first;
    size_t count = partitions_of(status, map, &first);
    dw_json_write_name(out, "partitions");
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_char(out, separator);
        dw_buf_append_i64(out, first[i]->number);
        separator = ',';
    }
    dw_buf_append_text(out, separator == '[' ? "[]" : "]");
}

/* What its partitions do, where that is not to run; else `reason`. NULL: one of them tries again.
 */
static const char *partitions_reason(const struct dw_status *status, const char *map,
                                     const char *reason)
{
    struct dw_partition *const *first;
    size_t count = partitions_of(status, map, &first);
    for (size_t i = 0; i < count; i++) {
        enum dw_partition_state state = dw_partition_in(first[i]);
        if (atomic_load(&first[i]->in_trouble))
            return NULL;
        if (state != DW_PARTITION_RUNNING && state != DW_PARTITION_GONE)
            reason = dw_partition_state_name(state);
    }
    return reason;
}

/* Why the map stands still here: its own state, or what its partitions do. */
static void write_reason(const struct dw_status *status, const struct dw_registry_map *entry,
                         struct dw_buf *out)
{
    bool runs = dw_registry_runs(entry);
    const char *reason = "";
    char failed[DW_ERR_MESSAGE_MAX];
    char trouble[DW_ERR_MESSAGE_MAX + sizeof "retrying: "];
    pthread_mutex_lock(&entry->track->lock);
    bool failed_here = entry->track->failed_change >= entry->change;
    if (failed_here) {
        memcpy(failed, entry->track->failed_reason, sizeof failed);
        reason = failed;
    } else if (!runs) {
        reason = entry->reason;
    }
    if (runs)
        reason = partitions_reason(status, entry->name, reason);
    if (!reason) {
        (void)snprintf(trouble, sizeof trouble, "retrying: %s", entry->track->trouble);
        reason = trouble;
    }
    pthread_mutex_unlock(&entry->track->lock);
    dw_json_write_bool(out, "paused", !runs);
    if (*reason)
        dw_json_write_text(out, "reason", reason);
}

static void write_map(const struct dw_status *status, const struct dw_registry_map *entry,
                      const struct sum *sum, struct dw_buf *out)
{
    dw_json_write_name(out, entry->name);
    dw_buf_append_char(out, '{');
    write_partitions(status, entry->name, out);
    write_count(out, "lag", sum->lag);
    write_count(out, "lag_us", sum->lag ? age_us(sum->position_us) : 0);
    write_count(out, "applied", sum->counts[DW_OUTCOME_APPLIED]);
    write_count(out, "dead", sum->counts[DW_OUTCOME_DEAD]);
    write_count(out, "waiting", sum->counts[DW_OUTCOME_WAITING]);
    write_count(out, "heartbeat_us", sum->heartbeat_us);
    write_reason(status, entry, out);
    write_latency(entry->track, out);
    dw_buf_append_char(out, '}');
}

void dw_status_json(const struct dw_status *status, struct dw_context *context, const char *state,
                    struct dw_buf *out)
{
    size_t count = 0;
    struct dw_registry_map **entries = dw_registry_all(context->registry, &count);
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "state", state);
    dw_json_write_u64(out, "assigned", status->count);
    dw_json_write_name(out, "maps");
    dw_buf_append_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        const struct sum sum = sum_of(status, entries[i]->name);
        if (sum.partitions)
            write_map(status, entries[i], &sum, out);
        dw_registry_release(entries[i]);
    }
    dw_buf_append_text(out, "}}");
    free((void *)entries);
}
