/* batch.c - see batch.h. */
#include "consumer/pipeline/batch.h"

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include "common/model/route.h"
#include <stdlib.h>

enum { ITEMS_FIRST = 256, TEXT_KEEP_BYTES = 65536 };

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
static void die(struct dw_batch *batch, struct dw_batch_item *item, const char *failure_class,
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

static void die_format(struct dw_batch *batch, struct dw_batch_item *item, const char *id,
                       const char *message)
{
    (void)dw_err_set(&batch->err, DW_REJECT, id, "%s", message);
    die(batch, item, "format", DW_DEAD_LETTER_VALUE_CONVERTER);
}

/* --- control records --------------------------------------------------------------------------
 */

struct control {
    int64_t sync;
    struct dw_str edge;
    int64_t sent_us;
    int64_t revision;
    struct dw_str code;
    struct dw_str reason;
    bool gap;
    struct dw_str document, resolved;
    int64_t generation, before, partitions, reach;
};

static int64_t number_of(struct dw_str text)
{
    char digits[24] = {0};
    if (text.len >= sizeof digits)
        return 0;
    memcpy(digits, text.ptr, text.len);
    return strtoll(digits, NULL, 10);
}

/* The members of a control record's content that we know; what is malformed stays zero. */
static struct control control_of(struct dw_batch *batch, struct dw_str content)
{
    struct control control = {0};
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, content, batch->arena);
    struct dw_str name = {0};
    enum dw_json token;
    while ((token = dw_json_pull_next(&pull)) > DW_JSON_END) {
        if (token == DW_JSON_NAME)
            name = pull.text;
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "sent_us"))
            control.sent_us = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "sync"))
            control.sync = number_of(pull.text);
        else if (token == DW_JSON_STRING && dw_str_is(name, "edge"))
            control.edge = pull.text;
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "revision"))
            control.revision = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "generation"))
            control.generation = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "before"))
            control.before = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "partitions"))
            control.partitions = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "reach"))
            control.reach = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "gap"))
            control.gap = number_of(pull.text) != 0;
        else if (token == DW_JSON_STRING && dw_str_is(name, "code"))
            control.code = pull.text;
        else if (token == DW_JSON_STRING && dw_str_is(name, "reason"))
            control.reason = pull.text;
        else if (token == DW_JSON_STRING && dw_str_is(name, "document"))
            control.document = pull.text;
        else if (token == DW_JSON_STRING && dw_str_is(name, "resolved"))
            control.resolved = pull.text;
    }
    return control;
}

/* A schema record does not raise the version: the row that it announces may share it. */
static enum dw_batch_add judge_schema(struct dw_batch *batch, struct dw_batch_item *item,
                                      const struct dw_event *event)
{
    struct control control = control_of(batch, event->message_content);
    const char *code = dw_arena_copy(batch->arena, control.code).ptr;
    if (control.revision >= batch->rules.revision &&
        !batch->rules.schema_passes(batch->rules.context, control.revision, code)) {
        batch->stop_code = code;
        batch->stop_reason = dw_arena_copy(batch->arena, control.reason).ptr;
        batch->stop_version = event->version;
        batch->stop_gap = control.gap;
        return DW_BATCH_SCHEMA;
    }
    /* Somebody has mended the map by a newer revision: that one is for what comes behind. */
    if (batch->rules.marked && control.revision >= batch->rules.revision &&
        batch->rules.newest > control.revision)
        return DW_BATCH_NEWER;
    item->outcome = DW_OUTCOME_CONTROL;
    return DW_BATCH_ADDED;
}

/* Another revision of the map begins here (trap 21). One that is in force already, or was passed
 * over by an operator, is only a control record. */
static enum dw_batch_add judge_marker(struct dw_batch *batch, struct dw_batch_item *item,
                                      const struct dw_event *event)
{
    const struct dw_batch_rules *rules = &batch->rules;
    struct control control = control_of(batch, event->message_content);
    bool news = control.document.len && control.revision >= rules->forced &&
                (!rules->marked || control.revision > rules->revision);
    item->outcome = DW_OUTCOME_CONTROL;
    if (!news)
        return DW_BATCH_ADDED;
    if (batch->count)
        return DW_BATCH_MARKER;
    batch->marker_revision = control.revision;
    batch->marker_document = control.document;
    batch->marker_resolved = control.resolved;
    return DW_BATCH_ADDED;
}

/* The map is published by more partitions from here on (trap 20). */
static void take_generation(struct dw_batch *batch, struct dw_batch_item *item,
                            const struct dw_event *event)
{
    struct control control = control_of(batch, event->message_content);
    item->outcome = DW_OUTCOME_CONTROL;
    if (!event->has_version || control.before <= 0 || control.before > INT32_MAX ||
        control.partitions <= 0 || control.partitions > INT32_MAX || control.reach <= 0 ||
        control.reach > INT32_MAX)
        return;
    batch->generation_number = control.generation;
    batch->generation = (struct dw_progress_generation){
        .version = event->version,
        .before = (int32_t)control.before,
        .partitions = (int32_t)control.partitions,
        .reach = (int32_t)control.reach,
    };
}

/* Marks of an initial sync: between them rows may be on their way that the target has not. */
static void take_sync(struct dw_batch *batch, struct dw_batch_item *item,
                      const struct dw_event *event)
{
    struct control control = control_of(batch, event->message_content);
    if (dw_str_is(control.edge, "begin"))
        batch->initial_sync = control.sync;
    else if (control.sync == batch->initial_sync)
        batch->initial_sync = 0;
    item->outcome = DW_OUTCOME_CONTROL;
}

static enum dw_batch_add judge_replay(struct dw_batch *batch, struct dw_batch_item *item,
                                      const struct dw_event *event);

static enum dw_batch_add judge_message(struct dw_batch *batch, struct dw_batch_item *item,
                                       const struct dw_event *event)
{
    if (dw_str_is(event->message_prefix, DW_EVENT_REPLAY))
        return judge_replay(batch, item, event);
    if (dw_str_is(event->message_prefix, DW_EVENT_SCHEMA))
        return judge_schema(batch, item, event);
    if (dw_str_is(event->message_prefix, DW_EVENT_MAP))
        return judge_marker(batch, item, event);
    if (dw_str_is(event->message_prefix, DW_EVENT_GENERATION)) {
        take_generation(batch, item, event);
        return DW_BATCH_ADDED;
    }
    if (dw_str_is(event->message_prefix, DW_EVENT_SYNC)) {
        take_sync(batch, item, event);
        return DW_BATCH_ADDED;
    }
    if (!dw_str_is(event->message_prefix, DW_EVENT_HEARTBEAT)) {
        item->outcome = DW_OUTCOME_FILTERED;
        return DW_BATCH_ADDED;
    }
    int64_t sent_us = control_of(batch, event->message_content).sent_us;
    if (sent_us > batch->heartbeat_us)
        batch->heartbeat_us = sent_us;
    item->outcome = DW_OUTCOME_CONTROL;
    return DW_BATCH_ADDED;
}

static enum dw_batch_add judge_truncate(struct dw_batch *batch, struct dw_batch_item *item,
                                        const struct dw_event *event)
{
    if (batch->rules.map->on_truncate == DW_ON_TRUNCATE_IGNORE) {
        item->outcome = DW_OUTCOME_FILTERED;
        return DW_BATCH_ADDED;
    }
    if (!event->has_version) {
        /* Without one the partitions cannot know whether they stand at the same truncate. */
        die_format(batch, item, "DW-APPLY-204", "a truncate without a version cannot be ordered");
        item->failure_class = "incomplete";
        return DW_BATCH_ADDED;
    }
    if (!batch->rules.has_released ||
        dw_version_compare(&batch->rules.released, &event->version) != 0) {
        batch->stop_version = event->version;
        return DW_BATCH_TRUNCATE;
    }
    item->outcome = DW_OUTCOME_APPLIED;
    item->truncate = true;
    batch->truncated = true;
    return DW_BATCH_ADDED;
}

/* --- rows -------------------------------------------------------------------------------------
 */

/* Texts as a JSON array of strings: readable, and equal if and only if the texts are. */
static struct dw_str text_list_of(struct dw_batch *batch, const struct dw_str *texts, size_t count)
{
    struct dw_buf *text = batch->rules.text;
    dw_buf_reset(text, TEXT_KEEP_BYTES);
    dw_buf_append_char(text, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            dw_buf_append_char(text, ',');
        if (batch->rules.ascii_keys)
            dw_json_write_ascii(text, texts[i]);
        else
            dw_json_write_string(text, texts[i]);
    }
    dw_buf_append_char(text, ']');
    return dw_arena_copy(batch->arena, dw_buf_str(text));
}

static struct dw_str key_text_of(struct dw_batch *batch, const struct dw_value *keys, size_t count)
{
    struct dw_str texts[DW_TABLE_MAP_KEY_MAX];
    for (size_t i = 0; i < count; i++)
        texts[i] = keys[i].text;
    return text_list_of(batch, texts, count);
}

static void die_transform(struct dw_batch *batch, struct dw_batch_item *item, int column)
{
    die(batch, item, "data", DW_DEAD_LETTER_TRANSFORMATION);
    if (column >= 0 && (size_t)column < batch->rules.map->column_count)
        item->column = batch->rules.map->columns[column].target;
}

/* What a row event does to the target, by the map's filter. */
enum passage {
    PASSAGE_UPSERT,
    PASSAGE_ENTER, /* an update that is the row's first: as a create */
    PASSAGE_DELETE,
    PASSAGE_EXIT,
    PASSAGE_UNSURE_EXIT, /* it may have been outside all along */
    PASSAGE_OUTSIDE,     /* nothing: it was not in the filter, and is not */
};

/* Whether the row was in the filter before the event, as far as this shows. */
enum past { PAST_UNKNOWN, PAST_INSIDE, PAST_OUTSIDE };

static enum past past_of(const struct dw_batch *batch, const struct dw_event *event)
{
    struct dw_err ignored = DW_ERR_INIT; /* without REPLICA IDENTITY FULL it may lack columns */
    bool matched = true;
    if (!event->before.fields || dw_transform_match(batch->rules.transform, &event->before,
                                                    batch->arena, &matched, &ignored) != DW_OK)
        return PAST_UNKNOWN;
    return matched ? PAST_INSIDE : PAST_OUTSIDE;
}

/* A row whose values before are not known may have been in the target. */
static enum passage passage_out(const struct dw_batch *batch, const struct dw_event *event)
{
    bool stays = batch->rules.map->on_filter_exit == DW_ON_FILTER_EXIT_KEEP;
    bool is_new = event->op == DW_EVENT_CREATE || (event->op == DW_EVENT_READ && event->keep);
    enum past past = stays || is_new ? PAST_OUTSIDE : past_of(batch, event);
    if (past == PAST_OUTSIDE)
        return PASSAGE_OUTSIDE;
    return past == PAST_INSIDE ? PASSAGE_EXIT : PASSAGE_UNSURE_EXIT;
}

static enum dw_rc judge_passage(struct dw_batch *batch, const struct dw_event *event,
                                enum passage *out)
{
    const struct dw_table_map *map = batch->rules.map;
    bool is_delete = event->op == DW_EVENT_DELETE;
    *out = is_delete ? PASSAGE_DELETE : PASSAGE_UPSERT;
    if (!map->filter.ptr)
        return DW_OK;
    if (is_delete) { /* a row that left may still be there, unless leaving deletes it */
        if (map->on_filter_exit == DW_ON_FILTER_EXIT_DELETE &&
            past_of(batch, event) == PAST_OUTSIDE)
            *out = PASSAGE_OUTSIDE;
        return DW_OK;
    }
    bool matches;
    enum dw_rc rc = dw_transform_match(batch->rules.transform, &event->after, batch->arena,
                                       &matches, &batch->err);
    if (rc != DW_OK)
        return rc;
    if (!matches)
        *out = passage_out(batch, event);
    else if (event->op == DW_EVENT_UPDATE && past_of(batch, event) == PAST_OUTSIDE)
        *out = PASSAGE_ENTER;
    return DW_OK;
}

/* A change with its keys; NULL: the item died of them. */
static struct dw_change *new_change(struct dw_batch *batch, struct dw_batch_item *item,
                                    const struct dw_event *event, const struct dw_event_row *row)
{
    const struct dw_table_map *map = batch->rules.map;
    struct dw_change *change = DW_ARENA_NEW(batch->arena, struct dw_change);
    change->keys = DW_ARENA_ARRAY(batch->arena, struct dw_value, map->target.key_count);
    if (dw_transform_key(batch->rules.transform, row, batch->arena, change->keys, &batch->err) !=
        DW_OK) {
        die_transform(batch, item, -1);
        return NULL;
    }
    change->keep = event->keep;
    change->offset = item->offset;
    change->version = event->version;
    change->commit_us = event->commit_us;
    change->origin = event->system;
    change->key_text = key_text_of(batch, change->keys, map->target.key_count);
    return change;
}

/* The event lacks a column that an expression uses: it waited while another revision came, or the
 * column's value is stored apart and did not change. Without any cell it waits until its row was
 * read again. True: so it is. */
static bool is_to_be_completed(const struct dw_batch *batch, const struct dw_event *event)
{
    return event->op != DW_EVENT_DELETE && strcmp(batch->err.id, "DW-EXPR-023") == 0;
}

static void complete_later(const struct dw_batch *batch, struct dw_batch_item *item,
                           struct dw_change *change)
{
    item->lacks_row = true;
    change->cells = DW_ARENA_ARRAY(batch->arena, struct dw_value, batch->rules.map->column_count);
    for (size_t i = 0; i < batch->rules.map->column_count; i++)
        change->cells[i].kind = DW_VALUE_ABSENT;
    change->kind = DW_CHANGE_UPSERT;
    change->replaces = true;
}

/* The cells of an upsert. False: the item died. */
static bool fill_cells(struct dw_batch *batch, struct dw_batch_item *item,
                       const struct dw_event *event, struct dw_change *change)
{
    int column = -1;
    change->cells = DW_ARENA_ARRAY(batch->arena, struct dw_value, batch->rules.map->column_count);
    if (dw_transform_row(batch->rules.transform, &event->after, batch->arena, change->cells,
                         &column, &batch->err) == DW_OK)
        return true;
    if (is_to_be_completed(batch, event)) {
        complete_later(batch, item, change);
        return true;
    }
    die_transform(batch, item, column);
    return false;
}

/* Nothing is written of a row that the filter leaves out; but where it was read again, what waits
 * for it learns that. */
static void take_outside(struct dw_batch *batch, struct dw_batch_item *item,
                         const struct dw_event *event)
{
    size_t key_count = batch->rules.map->target.key_count;
    struct dw_err ignored = DW_ERR_INIT; /* without its key the row is nobody's */
    item->outcome = DW_OUTCOME_FILTERED;
    if (event->op != DW_EVENT_READ || item->entry || item->question ||
        !batch->rules.waiting->entries)
        return;
    struct dw_value *keys = DW_ARENA_ARRAY(batch->arena, struct dw_value, key_count);
    if (dw_transform_key(batch->rules.transform, &event->after, batch->arena, keys, &ignored) ==
        DW_OK)
        item->outside = dw_waiting_find(batch->rules.waiting, key_text_of(batch, keys, key_count));
}

/* Makes the change of a row event; the item dies when that cannot be. */
static void judge_row(struct dw_batch *batch, struct dw_batch_item *item,
                      const struct dw_event *event)
{
    bool is_delete = event->op == DW_EVENT_DELETE;
    const struct dw_event_row *row = is_delete ? &event->before : &event->after;
    if (!row->fields) {
        die_format(batch, item, "DW-APPLY-205",
                   is_delete ? "a delete without \"before\"" : "a row event without \"after\"");
        return;
    }
    enum passage passage = PASSAGE_UPSERT;
    bool known = judge_passage(batch, event, &passage) == DW_OK;
    if (!known && !is_to_be_completed(batch, event)) {
        die_transform(batch, item, -1);
        return;
    }
    if (known && passage == PASSAGE_OUTSIDE) {
        take_outside(batch, item, event);
        return;
    }
    struct dw_change *change = new_change(batch, item, event, row);
    if (!change)
        return;
    bool exits = passage == PASSAGE_EXIT || passage == PASSAGE_UNSURE_EXIT;
    bool removes = passage == PASSAGE_DELETE || exits;
    change->kind = removes ? DW_CHANGE_DELETE : DW_CHANGE_UPSERT;
    change->exits = exits;
    change->unsure = passage == PASSAGE_UNSURE_EXIT;
    change->replaces =
        event->op == DW_EVENT_CREATE || event->op == DW_EVENT_READ || passage == PASSAGE_ENTER;
    if (!known)
        complete_later(batch, item, change);
    else if (!removes && !fill_cells(batch, item, event, change))
        return;
    item->change = change;
}

/* --- dead letters that come back ---------------------------------------------------------------
 */

static void take_event(struct dw_batch_item *item, const struct dw_event *event)
{
    item->has_version = event->has_version;
    item->version = event->version;
    item->commit_us = event->commit_us;
    item->after = event->after;
}

static bool is_row(const struct dw_event *event)
{
    return event->op != DW_EVENT_MESSAGE && event->op != DW_EVENT_TRUNCATE;
}

static bool is_foreign(const struct dw_batch *batch, const struct dw_event *event);
static void die_foreign(struct dw_batch *batch, struct dw_batch_item *item,
                        const struct dw_event *event);

/* The event of a replay, by the map in force now. */
static void judge_letter(struct dw_batch *batch, struct dw_batch_item *item)
{
    struct dw_event event = {0};
    if (dw_event_decode(item->replay->event, batch->arena, &event, &batch->err) != DW_OK) {
        die(batch, item, "format", DW_DEAD_LETTER_VALUE_CONVERTER);
        return;
    }
    take_event(item, &event);
    if (is_foreign(batch, &event))
        die_foreign(batch, item, &event);
    else if (is_row(&event))
        judge_row(batch, item, &event);
    else
        die_format(batch, item, "DW-APPLY-211", "only the change of a row can be replayed");
}

static const struct dw_replay *read_replay(struct dw_batch *batch, const struct dw_event *event)
{
    struct dw_replay *replay = DW_ARENA_NEW(batch->arena, struct dw_replay);
    if (!dw_replay_decode(event->message_content, batch->arena, replay) ||
        !dw_str_is(replay->topic, batch->rules.topic))
        return NULL;
    return replay;
}

static struct dw_held_key source_key_of(const struct dw_batch *batch, struct dw_str record_key)
{
    const struct dw_batch_rules *rules = &batch->rules;
    const struct dw_source_key reader = {rules->map, rules->source, rules->ascii_keys, rules->text,
                                         batch->arena};
    return dw_source_key_read(&reader, record_key);
}

/* It was sent by a count of partitions that is no longer in force: newer events of its key are
 * applied by another worker, which nothing would order with it. */
static bool is_elsewhere(const struct dw_batch *batch, struct dw_str key)
{
    const struct dw_batch_rules *rules = &batch->rules;
    struct dw_err ignored = DW_ERR_INIT;
    uint32_t hash = 0;
    return rules->partitions &&
           dw_route_record(key, rules->source, rules->text, &hash, &ignored) == DW_OK &&
           dw_route_partition(hash, rules->partitions) != rules->partition;
}

/* Another replay of the same key stands in the batch already. */
static bool is_taken(const struct dw_batch *batch, const struct dw_held_key *key)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct dw_batch_item *item = batch->items[i];
        if (item->replay && item->source_key.hash == key->hash &&
            dw_str_equal(item->source_key.text, key->text))
            return true;
    }
    return false;
}

static enum dw_batch_add judge_replay(struct dw_batch *batch, struct dw_batch_item *item,
                                      const struct dw_event *event)
{
    const struct dw_replay *replay = read_replay(batch, event);
    if (!replay) {
        item->outcome = DW_OUTCOME_FILTERED; /* as every message that means nothing here */
        return DW_BATCH_ADDED;
    }
    item->source_key = source_key_of(batch, item->key);
    if (batch->event_count || (batch->replay_count && is_taken(batch, &item->source_key)))
        return DW_BATCH_REPLAY;
    item->replay = replay;
    item->elsewhere = is_elsewhere(batch, item->key);
    judge_letter(batch, item);
    return DW_BATCH_ADDED;
}

/* What waits under its key is older, or says more: it is looked at again once that is settled. */
static void wait_behind(struct dw_batch *batch, struct dw_batch_item *item)
{
    struct dw_change *change = item->change;
    change->err = DW_ARENA_NEW(batch->arena, struct dw_err);
    change->outcome = DW_OUTCOME_WAITING;
    change->failure_class = "dependency";
    (void)dw_err_set(change->err, DW_REJECT, "DW-APPLY-016",
                     "waits behind an earlier event of its key");
}

bool dw_batch_event(struct dw_str value, struct dw_arena *arena, struct dw_event *out)
{
    struct dw_err ignored = DW_ERR_INIT;
    struct dw_replay replay;
    if (dw_event_decode(value, arena, out, &ignored) != DW_OK)
        return false;
    if (out->op != DW_EVENT_MESSAGE || !dw_str_is(out->message_prefix, DW_EVENT_REPLAY))
        return true;
    return dw_replay_decode(out->message_content, arena, &replay) &&
           dw_event_decode(replay.event, arena, out, &ignored) == DW_OK;
}

/* --- questions --------------------------------------------------------------------------------
 */

static struct dw_str question_key_of(struct dw_batch *batch, const struct dw_event_row *row)
{
    struct dw_str texts[DW_TABLE_MAP_KEY_MAX];
    struct dw_err ignored = DW_ERR_INIT; /* our own producer's events have their keys */
    if (dw_transform_source_key(batch->rules.transform, row, batch->arena, texts, &ignored) !=
        DW_OK)
        return DW_STR_LIT("[]");
    return text_list_of(batch, texts, batch->rules.map->source.key_count);
}

/* A row that could not be written: whether the target has one of its key is still asked. */
static void ask_for_refused(struct dw_batch *batch, struct dw_batch_item *item,
                            const struct dw_event_row *row)
{
    struct dw_verdict *verdict = item->question;
    size_t key_count = batch->rules.map->target.key_count;
    verdict->code = dw_arena_copy(batch->arena, dw_str_from(item->err->id));
    verdict->reason = dw_arena_copy(batch->arena, dw_str_from(item->err->message));
    verdict->kind = DW_VERDICT_MISSING;
    item->err = NULL;
    struct dw_change *change = DW_ARENA_NEW(batch->arena, struct dw_change);
    change->keys = DW_ARENA_ARRAY(batch->arena, struct dw_value, key_count);
    struct dw_err ignored = DW_ERR_INIT; /* the first error is the one to tell */
    if (dw_transform_key(batch->rules.transform, row, batch->arena, change->keys, &ignored) !=
        DW_OK)
        return;
    change->kind = DW_CHANGE_UPSERT;
    change->key_text = key_text_of(batch, change->keys, key_count);
    change->version = item->version;
    item->change = change;
}

/* An event of the row waits: what the target has cannot be what it will be. */
static bool waits(struct dw_batch *batch, struct dw_batch_item *item)
{
    struct dw_verdict *verdict = item->question;
    const struct dw_waiting_key *key =
        item->change ? dw_waiting_find(batch->rules.waiting, item->change->key_text) : NULL;
    if (!key)
        return false;
    verdict->kind = DW_VERDICT_WAITING;
    verdict->code = dw_arena_copy(batch->arena, key->first->row.code);
    verdict->reason = dw_arena_copy(batch->arena, key->first->row.reason);
    verdict->target_key = item->change->key_text;
    return true;
}

/* A question (trap 25): judged as the event would be, but nothing comes of it but a verdict. */
static enum dw_batch_add judge_question(struct dw_batch *batch, struct dw_batch_item *item,
                                        const struct dw_event *event)
{
    if (batch->change_count && !batch->verifying)
        return DW_BATCH_VERIFY;
    batch->verifying = true;
    const struct dw_event_row *row = event->after.fields ? &event->after : &event->before;
    struct dw_verdict *verdict = DW_ARENA_NEW(batch->arena, struct dw_verdict);
    verdict->run = event->verify;
    verdict->version = event->version;
    verdict->source_key = question_key_of(batch, row);
    item->question = verdict;
    if (event->op == DW_EVENT_READ && !event->after.fields) {
        verdict->kind = DW_VERDICT_UNKNOWN;
        verdict->code = DW_STR_LIT("DW-KAFKA-005");
        verdict->reason = DW_STR_LIT("the row is larger than kafka.message_max_bytes");
    } else {
        judge_row(batch, item, event);
        if (item->outcome == DW_OUTCOME_DEAD)
            ask_for_refused(batch, item, row);
    }
    if (waits(batch, item))
        item->change = NULL;
    if (item->change) {
        verdict->target_key = item->change->key_text;
        item->change->verdict = verdict;
    }
    item->outcome = DW_OUTCOME_CONTROL;
    return DW_BATCH_ADDED;
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
        die(batch, item, "format", DW_DEAD_LETTER_VALUE_CONVERTER);
        return false;
    }
    take_event(item, event);
    return true;
}

static bool is_schema(const struct dw_event *event)
{
    return event->op == DW_EVENT_MESSAGE && dw_str_is(event->message_prefix, DW_EVENT_SCHEMA);
}

static bool is_of_another_table(const struct dw_map_side *source, const struct dw_event *event)
{
    return event->table.ptr && event->schema.ptr &&
           (!dw_str_equal(event->table, source->table) ||
            !dw_str_equal(event->schema, source->schema));
}

/* A version is one system's: another's, however high, must neither be compared with ours nor become
 * the partition's, which would make duplicates of all that comes. Debezium's events have none. */
static bool is_foreign(const struct dw_batch *batch, const struct dw_event *event)
{
    const struct dw_map_side *source = &batch->rules.map->source;
    return event->has_version &&
           (!dw_str_equal(event->system, source->system) || is_of_another_table(source, event));
}

static void die_foreign(struct dw_batch *batch, struct dw_batch_item *item,
                        const struct dw_event *event)
{
    const struct dw_map_side *source = &batch->rules.map->source;
    if (dw_str_equal(event->system, source->system)) {
        (void)dw_err_set(&batch->err, DW_REJECT, "DW-APPLY-212",
                         "the record is of table %.*s.%.*s, and the map reads %.*s.%.*s",
                         DW_STR_ARG(event->schema), DW_STR_ARG(event->table),
                         DW_STR_ARG(source->schema), DW_STR_ARG(source->table));
        die(batch, item, "format", DW_DEAD_LETTER_VALUE_CONVERTER);
    } else {
        die_format(batch, item, "DW-APPLY-210",
                   "the record comes from another system than the map's source");
    }
    item->has_version = false;
    item->version = (struct dw_version){0, 0, 0};
}

/* Trap 1: what is not newer than the partition's last version was published twice. */
static enum dw_batch_add judge(struct dw_batch *batch, struct dw_batch_item *item,
                               const struct dw_event *event)
{
    if (is_foreign(batch, event)) {
        die_foreign(batch, item, event);
        return DW_BATCH_ADDED;
    }
    if (is_schema(event))
        return judge_schema(batch, item, event);
    if (event->has_version && dw_version_compare(&event->version, &batch->version) <= 0) {
        item->outcome = DW_OUTCOME_DUPLICATE;
        return DW_BATCH_ADDED;
    }
    enum dw_batch_add added = DW_BATCH_ADDED;
    if (is_row(event) && batch->replay_count)
        return DW_BATCH_REPLAY;
    if (event->op == DW_EVENT_MESSAGE)
        added = judge_message(batch, item, event);
    else if (event->verify > 0)
        added = judge_question(batch, item, event);
    else if (batch->verifying)
        added = DW_BATCH_VERIFY;
    else if (event->op == DW_EVENT_TRUNCATE)
        added = judge_truncate(batch, item, event);
    else
        judge_row(batch, item, event);
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
        judge_row(batch, item, &event);
        return;
    }
    item->replay = read_replay(batch, &event);
    if (!item->replay) {
        item->outcome = DW_OUTCOME_FILTERED;
        return;
    }
    item->elsewhere = is_elsewhere(batch, item->key);
    judge_letter(batch, item);
    if (item->change && item->entry != item->entry->key->first)
        wait_behind(batch, item);
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
            wait_behind(batch, item);
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
