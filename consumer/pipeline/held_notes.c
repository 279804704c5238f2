/* held_notes.c - see held_notes.h. */
#include "consumer/pipeline/held_notes.h"

/* ---- replays ---- */

/* It waits behind others of its key: its turn comes when they are settled. */
static bool is_behind(const struct dw_batch_item *item)
{
    return item->change && item->change->outcome == DW_OUTCOME_WAITING;
}

static void leave_out(struct dw_batch *batch, struct dw_batch_item *item)
{
    size_t left = 0;
    for (size_t i = 0; i < batch->change_count; i++)
        if (batch->changes[i] != item->change)
            batch->changes[left++] = batch->changes[i];
    batch->change_count = left;
    item->change = NULL;
    item->outcome = DW_OUTCOME_CONTROL;
}

enum dw_rc dw_held_notes_decide(struct dw_batch *batch, struct dw_writer *writer,
                                struct dw_err *err)
{
    struct dw_held_id *ids = DW_ARENA_ARRAY(batch->arena, struct dw_held_id, batch->replay_count);
    struct dw_held_row *rows =
        DW_ARENA_ARRAY(batch->arena, struct dw_held_row, batch->replay_count);
    struct dw_batch_item **items =
        DW_ARENA_ARRAY(batch->arena, struct dw_batch_item *, batch->replay_count);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct dw_batch_item *item = batch->items[i];
        if (!item->replay || is_behind(item))
            continue;
        items[count] = item;
        ids[count++] =
            (struct dw_held_id){item->replay->topic, item->replay->partition, item->replay->offset};
    }
    if (!count)
        return DW_OK;
    enum dw_rc rc = dw_writer_held(writer, ids, count, rows, err);
    if (rc != DW_OK)
        return rc;
    for (size_t i = 0; i < count; i++) {
        items[i]->verdict =
            dw_replay_judge(&rows[i], items[i]->replay->attempt, items[i]->elsewhere);
        if (items[i]->verdict != DW_REPLAY_APPLY)
            leave_out(batch, items[i]);
    }
    return DW_OK;
}

void dw_held_notes_settle(struct dw_batch *batch, struct dw_held_news *out)
{
    if (!batch->replay_count)
        return;
    struct dw_held_settle *settles =
        DW_ARENA_ARRAY(batch->arena, struct dw_held_settle, batch->replay_count);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct dw_batch_item *item = batch->items[i];
        if (!item->replay || item->outcome == DW_OUTCOME_WAITING ||
            item->verdict == DW_REPLAY_NOTHING)
            continue;
        settles[count] =
            dw_replay_judge_settle(item->replay, item->outcome, item->err ? item->err->id : "");
        if (item->verdict == DW_REPLAY_READ_ROW) {
            settles[count].outcome = NULL;
            settles[count].wants_row = true;
        }
        count++;
        item->again = item->outcome == DW_OUTCOME_DEAD;
        item->outcome = DW_OUTCOME_CONTROL;
    }
    out->settles = settles;
    out->settle_count = count;
}

/* ---- letters and what comes behind them ---- */

static struct dw_source_key reader_of(const struct dw_batch *batch)
{
    const struct dw_batch_rules *rules = &batch->rules;
    return (struct dw_source_key){rules->map, rules->source, rules->ascii_keys, rules->text,
                                  batch->arena};
}

static struct dw_held_lacks lacks_of(const struct dw_source_key *reader,
                                     const struct dw_batch_item *item)
{
    return item->after.fields ? dw_source_key_lacks(reader, &item->after)
                              : (struct dw_held_lacks){NULL, 0};
}

void dw_held_notes_describe(const struct dw_batch *batch, const struct dw_batch_item *item,
                            struct dw_held *out)
{
    const struct dw_source_key reader = reader_of(batch);
    out->key = dw_source_key_read(&reader, item->key);
    out->lacks = lacks_of(&reader, item);
}

/* Whether it had its effect, be it within that of a later one of its key. */
static bool took_effect(const struct dw_batch_item *item)
{
    if (!item->change || item->question || item->change->outcome == DW_OUTCOME_PENDING)
        return false;
    return item->change->outcome == DW_OUTCOME_APPLIED ||
           item->change->outcome == DW_OUTCOME_SUPERSEDED;
}

/* A row that was read again and dies says all that an older letter of its key does, and is younger:
 * it takes that one's place, so that one row has one letter however often it is read. */
static bool takes_place(const struct dw_batch_item *item)
{
    return item->outcome == DW_OUTCOME_DEAD && item->whole_row && item->after.fields &&
           !item->replay && !item->question;
}

void dw_held_notes_touch(const struct dw_batch *batch, int32_t partition, struct dw_held_news *out)
{
    const struct dw_source_key reader = reader_of(batch);
    struct dw_held_touch *touches =
        DW_ARENA_ARRAY(batch->arena, struct dw_held_touch, batch->count);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct dw_batch_item *item = batch->items[i];
        if (item->truncate)
            out->truncated = &item->version;
        if (!took_effect(item) && !takes_place(item))
            continue;
        const struct dw_held_key key = dw_source_key_read(&reader, item->key);
        if (!key.text.ptr)
            continue;
        bool gone = item->change && item->change->kind == DW_CHANGE_DELETE;
        touches[count++] = (struct dw_held_touch){
            .key = key,
            .lacks = gone ? (struct dw_held_lacks){NULL, 0} : lacks_of(&reader, item),
            .version = item->version,
            .partition = item->replay ? item->replay->partition : partition,
            .offset = item->replay ? item->replay->offset : item->offset,
            .gone = gone,
        };
    }
    out->touches = touches;
    out->touch_count = count;
}
