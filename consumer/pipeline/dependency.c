/* dependency.c - see dependency.h. */
#include "consumer/pipeline/dependency.h"

#include "common/base/clock.h"
#include <stdio.h>

enum { PASSED_QUESTIONS_MAX = 50, PAUSE_MS = 10, PAUSE_FACTOR = 4, ROUND_MIN_MS = 50 };

/* What an event waits for: its parent's table, or its own for a unique value. */
static uint64_t tick_of(const struct dw_lane *lane, const struct dw_partition *partition,
                        const struct dw_waiting *row)
{
    struct dw_str schema = row->parent_schema;
    struct dw_str table = row->parent_table;
    if (table.len == 0) {
        schema = partition->entry->map->target.schema;
        table = partition->entry->map->target.table;
    }
    return atomic_load(dw_context_tick(lane->context, lane->system->name, schema, table));
}

int64_t dw_dependency_next_ms(const struct dw_lane *lane, const struct dw_partition *partition)
{
    if (!partition->waiting.entries)
        return INT64_MAX;
    if (atomic_load(&lane->context->tick_total) != partition->waiting_ticks)
        return partition->waiting_not_before;
    return partition->waiting_at_ms;
}

/* --- rounds -----------------------------------------------------------------------------------
 */

struct passed { /* answers of one round, for one parent topic */
    char topic[256];
    bool has_passed, has_not_passed;
    struct dw_version highest_passed, lowest_not_passed;
    int questions;
};

static bool ask(struct dw_lane *lane, struct passed *passed, const struct dw_registry_map *parent,
                const struct dw_version *version)
{
    if (strcmp(passed->topic, parent->topic) != 0) {
        passed->has_passed = passed->has_not_passed = false;
        (void)snprintf(passed->topic, sizeof passed->topic, "%s", parent->topic);
    }
    if (passed->has_passed && dw_version_compare(version, &passed->highest_passed) <= 0)
        return true;
    if (passed->has_not_passed && dw_version_compare(version, &passed->lowest_not_passed) >= 0)
        return false;
    bool answer = false;
    struct dw_err err = DW_ERR_INIT;
    if (passed->questions++ >= PASSED_QUESTIONS_MAX ||
        dw_writer_passed(lane->writer, parent->topic, parent->partitions, version, &answer, &err) !=
            DW_OK)
        return false; /* asked again in the next round */
    if (answer) {
        passed->has_passed = true;
        passed->highest_passed = *version;
    } else {
        passed->has_not_passed = true;
        passed->lowest_not_passed = *version;
    }
    return answer;
}

/* The clock of an event starts when it came, or when the parent's map had passed it. */
static void start_clock(struct dw_lane *lane, const struct dw_partition *partition,
                        struct dw_waiting_entry *entry, struct passed *passed, int64_t now_ms)
{
    struct dw_registry_map *parent = NULL;
    if (entry->row.parent_table.len)
        parent = dw_registry_parent(lane->context->registry, lane->system->name,
                                    entry->row.parent_schema, entry->row.parent_table,
                                    partition->entry->map->source.system);
    int64_t age_ms = (dw_clock_wall_us() - entry->row.since_us) / 1000;
    if (!parent)
        entry->passed_ms = now_ms - (age_ms > 0 ? age_ms : 0);
    else if (ask(lane, passed, parent, &entry->row.version))
        entry->passed_ms = now_ms;
    dw_registry_release(parent);
}

void dw_dependency_round(struct dw_lane *lane, struct dw_partition *partition, int64_t now_ms)
{
    if (!partition->waiting.entries || now_ms < partition->waiting_at_ms)
        return;
    struct passed passed = {0};
    for (struct dw_waiting_key *key = partition->waiting.first; key; key = key->next)
        if (!key->first->passed_ms)
            start_clock(lane, partition, key->first, &passed, now_ms);
    partition->waiting_round++;
    partition->waiting_now = true;
    int64_t wait = dw_retry_next_ms(&partition->waiting_retry, dw_clock_jitter(UINT32_MAX));
    int64_t longest = lane->context->settings->consumer.dependency_wait_ms / 4;
    if (wait > longest)
        wait = longest;
    partition->waiting_at_ms = now_ms + (wait < ROUND_MIN_MS ? ROUND_MIN_MS : wait);
}

void dw_dependency_add_due(struct dw_lane *lane, struct dw_partition *partition,
                           struct dw_batch *batch, size_t max_entries)
{
    if (dw_clock_mono_ms() < dw_dependency_next_ms(lane, partition) && !partition->waiting_now)
        return;
    partition->waiting_now = false;
    bool all = true;
    uint64_t total = atomic_load(&lane->context->tick_total);
    for (struct dw_waiting_key *key = partition->waiting.first; key; key = key->next) {
        uint64_t tick = tick_of(lane, partition, &key->first->row);
        if (key->round == partition->waiting_round && key->tick == tick)
            continue;
        if (batch->count >= max_entries) {
            all = false;
            break;
        }
        key->round = partition->waiting_round;
        key->tick = tick;
        dw_batch_add_waiting(batch, key);
    }
    if (all)
        partition->waiting_ticks = total;
}

/* --- after the attempt ------------------------------------------------------------------------
 */

/* Only the first of a key waits by itself; those behind it get their own attempt once it is dead.
 */
void dw_dependency_expire(const struct dw_lane *lane, struct dw_batch *batch, int64_t now_ms)
{
    int64_t limit_ms = lane->context->settings->consumer.dependency_wait_ms;
    for (size_t i = 0; i < batch->count; i++) {
        struct dw_batch_item *item = batch->items[i];
        struct dw_waiting_entry *entry = item->entry;
        if (!entry || item->outcome != DW_OUTCOME_WAITING || entry->key->first != entry)
            continue;
        if (entry->passed_ms && now_ms - entry->passed_ms >= limit_ms) {
            item->outcome = DW_OUTCOME_DEAD;
            item->failure_class = "dependency";
        }
    }
}

static void wait_for(struct dw_lane *lane, struct dw_partition *partition,
                     const struct dw_batch_item *item)
{
    struct dw_waiting row = dw_batch_waiting_row(item, dw_clock_wall_us());
    struct dw_waiting_entry *entry = dw_waiting_add(&partition->waiting, &row, item->commit_us);
    entry->key->round = partition->waiting_round;
    entry->key->tick = tick_of(lane, partition, &entry->key->first->row);
}

void dw_dependency_settle(struct dw_lane *lane, struct dw_partition *partition,
                          struct dw_batch *batch, int64_t spent_ms)
{
    size_t before = partition->waiting.entries;
    bool tried = false;
    bool settled = false;
    for (size_t i = 0; i < batch->count; i++) {
        struct dw_batch_item *item = batch->items[i];
        if (!item->entry)
            continue;
        tried = true;
        if (item->outcome != DW_OUTCOME_WAITING) {
            dw_waiting_remove(&partition->waiting, item->entry);
            item->entry = NULL;
            settled = true;
        }
    }
    if (batch->truncated)
        dw_waiting_clear(&partition->waiting);
    for (size_t i = 0; i < batch->count; i++)
        if (!batch->items[i]->entry && batch->items[i]->outcome == DW_OUTCOME_WAITING)
            wait_for(lane, partition, batch->items[i]);
    int64_t now_ms = dw_clock_mono_ms();
    if (tried)
        partition->waiting_not_before = now_ms + PAUSE_MS + PAUSE_FACTOR * spent_ms;
    if (settled || before == 0) {
        dw_retry_reset(&partition->waiting_retry);
        partition->waiting_at_ms = now_ms + ROUND_MIN_MS;
    }
    (void)atomic_fetch_add(&lane->context->waiting,
                           (int64_t)partition->waiting.entries - (int64_t)before);
}
