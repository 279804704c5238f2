/* batch_question.c - questions of a comparison; see batch_parts.h. */
#include "consumer/pipeline/batch_parts.h"

static struct dw_str question_key_of(struct dw_batch *batch, const struct dw_event_row *row)
{
    struct dw_str texts[DW_TABLE_MAP_KEY_MAX];
    struct dw_err ignored = DW_ERR_INIT; /* our own producer's events have their keys */
    if (dw_transform_source_key(batch->rules.transform, row, batch->arena, texts, &ignored) !=
        DW_OK)
        return DW_STR_LIT("[]");
    return dw_batch_text_list(batch, texts, batch->rules.map->source.key_count);
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
    change->key_text = dw_batch_key_text(batch, change->keys, key_count);
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
enum dw_batch_add dw_batch_judge_question(struct dw_batch *batch, struct dw_batch_item *item,
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
        dw_batch_judge_row(batch, item, event);
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
