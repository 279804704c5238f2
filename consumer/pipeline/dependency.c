/* dependency.c - see dependency.h. */
#include "consumer/pipeline/dependency.h"

#include "common/base/clock.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    PASSED_QUESTIONS_MAX = 50,
    PAUSE_MS = 10,
    PAUSE_FACTOR = 4,
    ROUND_MIN_MS = 50,
    REREAD_AGAIN_MS = 30000,
};

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

struct passed { /* what one round has learned of a parent's topic */
    struct passed *next;
    char topic[256];
    bool has_passed, has_not_passed;
    struct dw_version highest_passed, lowest_not_passed;
};

struct round {
    struct dw_lane *lane;
    struct passed *topics; /* in the lane's arena */
    int questions;
};

static struct passed *passed_of(struct round *round, const char *topic)
{
    for (struct passed *passed = round->topics; passed; passed = passed->next)
        if (strcmp(passed->topic, topic) == 0)
            return passed;
    struct passed *passed = DW_ARENA_NEW(&round->lane->arena, struct passed);
    (void)snprintf(passed->topic, sizeof passed->topic, "%s", topic);
    passed->next = round->topics;
    round->topics = passed;
    return passed;
}

static bool ask(struct round *round, const struct dw_registry_map *parent,
                const struct dw_version *version)
{
    struct passed *passed = passed_of(round, parent->topic);
    if (passed->has_passed && dw_version_compare(version, &passed->highest_passed) <= 0)
        return true;
    if (passed->has_not_passed && dw_version_compare(version, &passed->lowest_not_passed) >= 0)
        return false;
    bool answer = false;
    struct dw_err err = DW_ERR_INIT;
    if (round->questions++ >= PASSED_QUESTIONS_MAX ||
        dw_writer_passed(round->lane->writer, parent->topic,
                         dw_registry_partitions_at(parent, version), version, &answer,
                         &err) != DW_OK)
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

/* Whether every map that may still bring the parent has passed the version. *out_any: there is one.
 */
static bool all_passed(struct round *round, const struct dw_partition *partition,
                       const struct dw_waiting *row, bool *out_any)
{
    size_t count = 0;
    struct dw_registry_map **parents = NULL;
    if (row->parent_table.len)
        parents = dw_registry_parents(round->lane->context->registry, round->lane->system->name,
                                      row->parent_schema, row->parent_table,
                                      partition->entry->map->source.system, &count);
    bool passed = true;
    for (size_t i = 0; i < count; i++) {
        passed = passed && ask(round, parents[i], &row->version);
        dw_registry_release(parents[i]);
    }
    free((void *)parents);
    *out_any = count > 0;
    return passed;
}

/* The clock of an event starts when it came, or when the maps of its parent had passed it. */
static void start_clock(struct round *round, const struct dw_partition *partition,
                        struct dw_waiting_entry *entry, int64_t now_ms)
{
    bool any = false;
    bool passed = all_passed(round, partition, &entry->row, &any);
    int64_t age_ms = (dw_clock_wall_us() - entry->row.since_us) / 1000;
    if (!any)
        entry->passed_ms = now_ms - (age_ms > 0 ? age_ms : 0);
    else if (passed)
        entry->passed_ms = now_ms;
}

static bool is_incomplete(const struct dw_waiting *row)
{
    return dw_str_is(row->code, DW_WRITER_INCOMPLETE);
}

/* Asks for the row of a key whose event is not all of it. */
static void ask_for_row(struct dw_lane *lane, const struct dw_partition *partition,
                        struct dw_waiting_key *key, int64_t now_ms)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_lane_map *map = NULL;
    struct dw_event event = {0};
    struct dw_waiting_entry *entry = key->first;
    if (entry->reread_ms && now_ms - entry->reread_ms < REREAD_AGAIN_MS)
        return;
    if (dw_lane_map_get(lane, partition->entry, &map, &err) != DW_OK ||
        !dw_batch_event(entry->row.record_value, &lane->arena, &event))
        return;
    size_t count = map->entry->map->source.key_count;
    struct dw_str *texts = DW_ARENA_ARRAY(&lane->arena, struct dw_str, count);
    if (dw_transform_source_key(map->transform, &event.after, &lane->arena, texts, &err) != DW_OK)
        return; /* the event itself will be refused for it */
    uint64_t ticket = dw_reread_want(&lane->context->reread, map->entry->name, texts, count);
    if (!ticket)
        return;
    entry->reread_ms = now_ms;
    entry->reread_ticket = ticket;
}

void dw_dependency_round(struct dw_lane *lane, struct dw_partition *partition, int64_t now_ms)
{
    if (!partition->waiting.entries || now_ms < partition->waiting_at_ms)
        return;
    struct round round = {.lane = lane};
    dw_arena_reset(&lane->arena); /* between two batches */
    for (struct dw_waiting_key *key = partition->waiting.first; key; key = key->next) {
        if (!key->first->passed_ms)
            start_clock(&round, partition, key->first, now_ms);
        if (is_incomplete(&key->first->row))
            ask_for_row(lane, partition, key, now_ms);
    }
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

static bool is_late(const struct dw_lane *lane, const struct dw_waiting_entry *entry,
                    int64_t now_ms)
{
    return entry && entry->passed_ms &&
           now_ms - entry->passed_ms >= lane->context->settings->consumer.dependency_wait_ms;
}

/* Only the first of a key waits by itself; those behind it get their own attempt once it has ended.
 */
void dw_dependency_expire(const struct dw_lane *lane, const struct dw_partition *partition,
                          struct dw_batch *batch, int64_t now_ms)
{
    bool crowded =
        dw_partition_crowded(partition, lane->context->settings->consumer.waiting_rows_max);
    for (size_t i = 0; i < batch->count; i++) {
        struct dw_batch_item *item = batch->items[i];
        const struct dw_waiting_entry *entry = item->entry;
        if (item->outcome != DW_OUTCOME_WAITING || (entry && entry->key->first != entry))
            continue;
        bool incomplete = item->err && strcmp(item->err->id, DW_WRITER_INCOMPLETE) == 0;
        if (is_late(lane, entry, now_ms)) {
            item->outcome = DW_OUTCOME_DEAD;
            item->failure_class = incomplete ? "incomplete" : "dependency";
        } else if (crowded && incomplete && entry &&
                   dw_reread_is_stored(&lane->context->reread, entry->reread_ticket)) {
            item->outcome = DW_OUTCOME_SUPERSEDED;
            item->err = NULL;
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

/* It waited for a parent, and is not the whole row by the revision that has come meanwhile. */
static void note_incomplete(struct dw_waiting_entry *entry, const struct dw_batch_item *item,
                            int64_t now_ms)
{
    if (is_incomplete(&entry->row) || !item->err ||
        strcmp(item->err->id, DW_WRITER_INCOMPLETE) != 0)
        return;
    entry->row.code = DW_STR_LIT(DW_WRITER_INCOMPLETE);
    entry->passed_ms = now_ms; /* the wait for its row begins now */
}

void dw_dependency_settle(struct dw_lane *lane, struct dw_partition *partition,
                          struct dw_batch *batch, int64_t spent_ms)
{
    size_t before = partition->waiting.entries;
    int64_t now_ms = dw_clock_mono_ms();
    bool tried = false;
    bool settled = false;
    for (size_t i = 0; i < batch->count; i++) {
        struct dw_batch_item *item = batch->items[i];
        if (!item->entry)
            continue;
        tried = true;
        if (item->outcome == DW_OUTCOME_WAITING) {
            note_incomplete(item->entry, item, now_ms);
        } else {
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
    if (tried)
        partition->waiting_not_before = now_ms + PAUSE_MS + PAUSE_FACTOR * spent_ms;
    if (settled || before == 0) {
        dw_retry_reset(&partition->waiting_retry);
        partition->waiting_at_ms = now_ms + ROUND_MIN_MS;
    }
    (void)atomic_fetch_add(&lane->context->waiting,
                           (int64_t)partition->waiting.entries - (int64_t)before);
}
