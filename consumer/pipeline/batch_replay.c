/* batch_replay.c - dead letters that come back; see batch_parts.h. */
#include "consumer/pipeline/batch_parts.h"

#include "common/model/route.h"

/* The event of a replay, by the map in force now. */
void dw_batch_judge_letter(struct dw_batch *batch, struct dw_batch_item *item)
{
    struct dw_event event = {0};
    if (dw_event_decode(item->replay->event, batch->arena, &event, &batch->err) != DW_OK) {
        dw_batch_die(batch, item, "format", DW_DEAD_LETTER_VALUE_CONVERTER);
        return;
    }
    dw_batch_take_event(item, &event);
    if (dw_batch_is_foreign(batch, &event))
        dw_batch_die_foreign(batch, item, &event);
    else if (dw_batch_is_row(&event))
        dw_batch_judge_row(batch, item, &event);
    else
        dw_batch_die_format(batch, item, "DW-APPLY-211",
                            "only the change of a row can be replayed");
}

const struct dw_replay *dw_batch_read_replay(struct dw_batch *batch, const struct dw_event *event)
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
bool dw_batch_is_elsewhere(const struct dw_batch *batch, struct dw_str key)
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

enum dw_batch_add dw_batch_judge_replay(struct dw_batch *batch, struct dw_batch_item *item,
                                        const struct dw_event *event)
{
    const struct dw_replay *replay = dw_batch_read_replay(batch, event);
    if (!replay) {
        item->outcome = DW_OUTCOME_FILTERED; /* as every message that means nothing here */
        return DW_BATCH_ADDED;
    }
    item->source_key = source_key_of(batch, item->key);
    if (batch->event_count || (batch->replay_count && is_taken(batch, &item->source_key)))
        return DW_BATCH_REPLAY;
    item->replay = replay;
    item->elsewhere = dw_batch_is_elsewhere(batch, item->key);
    dw_batch_judge_letter(batch, item);
    return DW_BATCH_ADDED;
}

/* What waits under its key is older, or says more: it is looked at again once that is settled. */
void dw_batch_wait_behind(struct dw_batch *batch, struct dw_batch_item *item)
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
