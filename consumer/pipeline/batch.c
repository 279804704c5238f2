/* batch.c - see batch.h. */
#include "consumer/pipeline/batch_parts.h"

#include "common/base/hash.h"

enum { ITEMS_FIRST = 256 };

uint64_t dw_batch_hash(struct dw_str key, struct dw_str value)
{
    return dw_hash_bytes(value.ptr, value.len, dw_hash_bytes(key.ptr, key.len, 0));
}

void dw_batch_init(struct dw_batch *batch, struct dw_arena *arena,
                   const struct dw_batch_rules *rules, const struct dw_progress *progress,
                   uint64_t number)
{
    *batch = (struct dw_batch){.arena = arena,
                               .rules = *rules,
                               .number = number,
                               .version = progress->version,
                               .heartbeat_us = progress->heartbeat_us,
                               .initial_sync = progress->initial_sync};
}

static struct dw_batch_item *new_item(struct dw_batch *batch, int64_t offset, struct dw_str key,
                                      struct dw_str value)
{
    struct dw_batch_item *item = DW_ARENA_NEW(batch->arena, struct dw_batch_item);
    item->offset = offset;
    item->key = key;
    item->value = value;
    return item;
}

static void grow(struct dw_batch *batch)
{
    size_t capacity = batch->capacity ? batch->capacity * 2 : ITEMS_FIRST;
    struct dw_batch_item **items = DW_ARENA_ARRAY(batch->arena, struct dw_batch_item *, capacity);
    struct dw_change **changes = DW_ARENA_ARRAY(batch->arena, struct dw_change *, capacity);
    struct dw_verdict **verdicts = DW_ARENA_ARRAY(batch->arena, struct dw_verdict *, capacity);
    for (size_t i = 0; i < batch->count; i++)
        items[i] = batch->items[i];
    for (size_t i = 0; i < batch->change_count; i++)
        changes[i] = batch->changes[i];
    for (size_t i = 0; i < batch->verdict_count; i++)
        verdicts[i] = batch->verdicts[i];
    batch->verdicts = verdicts;
    batch->items = items;
    batch->changes = changes;
    batch->capacity = capacity;
}

static void push(struct dw_batch *batch, struct dw_batch_item *item)
{
    if (batch->count == batch->capacity)
        grow(batch);
    batch->items[batch->count++] = item;
    if (item->change && item->change->outcome == DW_OUTCOME_PENDING)
        batch->changes[batch->change_count++] = item->change;
    batch->replay_count += item->replay != NULL;
    if (item->question)
        batch->verdicts[batch->verdict_count++] = item->question;
    batch->bytes += item->key.len + item->value.len;
}

/* The item dies of batch->err, which is kept with it. */
void dw_batch_die(struct dw_batch *batch, struct dw_batch_item *item, const char *failure_class,
                  enum dw_dead_letter_stage stage)
{
    struct dw_err *err = DW_ARENA_NEW(batch->arena, struct dw_err);
    *err = batch->err;
    dw_err_clear(&batch->err);
    item->outcome = DW_OUTCOME_DEAD;
    item->err = err;
    item->failure_class = failure_class;
    item->stage = stage;
}

void dw_batch_die_format(struct dw_batch *batch, struct dw_batch_item *item, const char *id,
                         const char *message)
{
    (void)dw_err_set(&batch->err, DW_REJECT, id, "%s", message);
    dw_batch_die(batch, item, "format", DW_DEAD_LETTER_VALUE_CONVERTER);
}

/* --- events ------------------------------------------------------------------------------------
 */

void dw_batch_take_event(struct dw_batch_item *item, const struct dw_event *event)
{
    item->has_version = event->has_version;
    item->version = event->version;
    item->commit_us = event->commit_us;
    item->after = event->after;
    item->whole_row = event->op == DW_EVENT_READ && !event->keep;
}

bool dw_batch_is_row(const struct dw_event *event)
{
    return event->op != DW_EVENT_MESSAGE && event->op != DW_EVENT_TRUNCATE;
}

static bool is_of_another_table(const struct dw_map_side *source, const struct dw_event *event)
{
    return event->table.ptr && event->schema.ptr &&
           (!dw_str_equal(event->table, source->table) ||
            !dw_str_equal(event->schema, source->schema));
}

/* A version is one system's: another's, however high, must neither be compared with ours nor become
 * the partition's, which would make duplicates of all that comes. Debezium's events have none. */
bool dw_batch_is_foreign(const struct dw_batch *batch, const struct dw_event *event)
{
    const struct dw_map_side *source = &batch->rules.map->source;
    return event->has_version &&
           (!dw_str_equal(event->system, source->system) || is_of_another_table(source, event));
}

void dw_batch_die_foreign(struct dw_batch *batch, struct dw_batch_item *item,
                          const struct dw_event *event)
{
    const struct dw_map_side *source = &batch->rules.map->source;
    if (dw_str_equal(event->system, source->system)) {
        (void)dw_err_set(&batch->err, DW_REJECT, "DW-APPLY-212",
                         "the record is of table %.*s.%.*s, and the map reads %.*s.%.*s",
                         DW_STR_ARG(event->schema), DW_STR_ARG(event->table),
                         DW_STR_ARG(source->schema), DW_STR_ARG(source->table));
        dw_batch_die(batch, item, "format", DW_DEAD_LETTER_VALUE_CONVERTER);
    } else {
        dw_batch_die_format(batch, item, "DW-APPLY-210",
                            "the record comes from another system than the map's source");
    }
    item->has_version = false;
    item->version = (struct dw_version){0, 0, 0};
}

/* --- adding -----------------------------------------------------------------------------------
 */

static bool decode(struct dw_batch *batch, struct dw_batch_item *item, struct dw_event *event)
{
    if (!item->value.ptr) {
        item->outcome = DW_OUTCOME_FILTERED; /* a tombstone: its delete came before it */
        return false;
    }
    if (dw_event_decode(item->value, batch->arena, event, &batch->err) != DW_OK) {
        dw_batch_die(batch, item, "format", DW_DEAD_LETTER_VALUE_CONVERTER);
        return false;
    }
    dw_batch_take_event(item, event);
    return true;
}

static bool is_schema(const struct dw_event *event)
{
    return event->op == DW_EVENT_MESSAGE && dw_str_is(event->message_prefix, DW_EVENT_SCHEMA);
}

/* Trap 1: what is not newer than the partition's last version was published twice. */
static enum dw_batch_add judge(struct dw_batch *batch, struct dw_batch_item *item,
                               const struct dw_event *event)
{
    if (dw_batch_is_foreign(batch, event)) {
        dw_batch_die_foreign(batch, item, event);
        return DW_BATCH_ADDED;
    }
    if (is_schema(event))
        return dw_batch_judge_schema(batch, item, event);
    if (event->has_version && dw_version_compare(&event->version, &batch->version) <= 0) {
        item->outcome = DW_OUTCOME_DUPLICATE;
        return DW_BATCH_ADDED;
    }
    enum dw_batch_add added = DW_BATCH_ADDED;
    if (dw_batch_is_row(event) && batch->replay_count)
        return DW_BATCH_REPLAY;
    if (event->op == DW_EVENT_MESSAGE)
        added = dw_batch_judge_message(batch, item, event);
    else if (event->verify > 0)
        added = dw_batch_judge_question(batch, item, event);
    else if (batch->verifying)
        added = DW_BATCH_VERIFY;
    else if (event->op == DW_EVENT_TRUNCATE)
        added = dw_batch_judge_truncate(batch, item, event);
    else
        dw_batch_judge_row(batch, item, event);
    if (added != DW_BATCH_ADDED)
        return added;
    batch->event_count += event->op != DW_EVENT_MESSAGE;
    if (event->has_version)
        batch->version = event->version;
    return added;
}

/* A replay that waits is looked at only as the first of its key. */
static void judge_waiting(struct dw_batch *batch, struct dw_batch_item *item)
{
    struct dw_event event = {0};
    if (!decode(batch, item, &event))
        return;
    if (event.op != DW_EVENT_MESSAGE) {
        dw_batch_judge_row(batch, item, &event);
        return;
    }
    item->replay = dw_batch_read_replay(batch, &event);
    if (!item->replay) {
        item->outcome = DW_OUTCOME_FILTERED;
        return;
    }
    item->elsewhere = dw_batch_is_elsewhere(batch, item->key);
    dw_batch_judge_letter(batch, item);
    if (item->change && item->entry != item->entry->key->first)
        dw_batch_wait_behind(batch, item);
}

void dw_batch_add_waiting(struct dw_batch *batch, struct dw_waiting_key *key)
{
    if (key->batch == batch->number)
        return;
    key->batch = batch->number;
    for (struct dw_waiting_entry *entry = key->first; entry; entry = entry->next) {
        struct dw_batch_item *item =
            new_item(batch, entry->row.offset, entry->row.record_key, entry->row.record_value);
        item->entry = entry;
        judge_waiting(batch, item);
        push(batch, item);
    }
}

enum dw_batch_add dw_batch_add_record(struct dw_batch *batch, const struct dw_feed_record *record)
{
    struct dw_batch_item *item = new_item(batch, record->offset, record->key, record->value);
    struct dw_event event = {0};
    enum dw_batch_add added = DW_BATCH_ADDED;
    item->syncing = batch->initial_sync != 0;
    if (decode(batch, item, &event))
        added = judge(batch, item, &event);
    if (added != DW_BATCH_ADDED)
        return added;
    if (item->outside)
        dw_batch_add_waiting(batch, item->outside);
    if (item->change && !item->question && batch->rules.waiting->entries) {
        struct dw_waiting_key *key = dw_waiting_find(batch->rules.waiting, item->change->key_text);
        if (key && item->replay)
            dw_batch_wait_behind(batch, item);
        else if (key)
            dw_batch_add_waiting(batch, key);
    }
    push(batch, item);
    batch->new_count++;
    batch->tail = (struct dw_feed_record){record->offset, record->key, record->value};
    return DW_BATCH_ADDED;
}

/* --- outcomes ---------------------------------------------------------------------------------
 */

static void take_outcome(struct dw_batch_item *item)
{
    const struct dw_change *change = item->change;
    item->outcome = change->outcome;
    if (change->outcome != DW_OUTCOME_DEAD && change->outcome != DW_OUTCOME_WAITING)
        return;
    /* Not a create: its key may lie where the sync has read already. */
    if (item->syncing && !item->replay && !change->replaces &&
        strcmp(change->err->id, DW_WRITER_INCOMPLETE) == 0) {
        item->outcome = DW_OUTCOME_SUPERSEDED;
        return;
    }
    item->err = change->err;
    item->failure_class = change->failure_class ? change->failure_class : "data";
    item->stage = DW_DEAD_LETTER_TASK_PUT;
    if (change->column.ptr)
        item->column = change->column;
}

static bool waits_for_its_row(const struct dw_batch_item *item)
{
    return item->outcome == DW_OUTCOME_WAITING &&
           (item->lacks_row || (item->err && strcmp(item->err->id, DW_WRITER_INCOMPLETE) == 0));
}

/* Of those before `end` under the key. */
static void filter_waiting(struct dw_batch *batch, size_t end, const struct dw_waiting_key *key)
{
    for (size_t i = 0; i < end; i++) {
        struct dw_batch_item *item = batch->items[i];
        if (!item->entry || item->entry->key != key || !waits_for_its_row(item))
            continue;
        item->outcome = DW_OUTCOME_FILTERED;
        item->err = NULL;
    }
}

void dw_batch_collect(struct dw_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i]->change && !batch->items[i]->question)
            take_outcome(batch->items[i]);
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i]->outside)
            filter_waiting(batch, i, batch->items[i]->outside);
}

struct dw_waiting dw_batch_waiting_row(const struct dw_batch_item *item, int64_t since_us)
{
    return (struct dw_waiting){
        .offset = item->offset,
        .record_key = item->key,
        .record_value = item->value,
        .key_text = item->change->key_text,
        .version = item->version,
        .since_us = since_us,
        .code = dw_str_from(item->err ? item->err->id : ""),
        .reason = dw_str_from(item->err ? item->err->message : ""),
        .parent_schema = item->change->parent_schema,
        .parent_table = item->change->parent_table,
    };
}
