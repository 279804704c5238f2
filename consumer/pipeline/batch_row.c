/* batch_row.c - rows, by the map's filter and columns; see batch_parts.h. */
#include "consumer/pipeline/batch_parts.h"

#include "common/base/json_write.h"

enum { TEXT_KEEP_BYTES = 65536 };

/* Texts as a JSON array of strings: readable, and equal if and only if the texts are. */
struct dw_str dw_batch_text_list(struct dw_batch *batch, const struct dw_str *texts, size_t count)
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

struct dw_str dw_batch_key_text(struct dw_batch *batch, const struct dw_value *keys, size_t count)
{
    struct dw_str texts[DW_TABLE_MAP_KEY_MAX];
    for (size_t i = 0; i < count; i++)
        texts[i] = keys[i].text;
    return dw_batch_text_list(batch, texts, count);
}

static void die_transform(struct dw_batch *batch, struct dw_batch_item *item, int column)
{
    dw_batch_die(batch, item, "data", DW_DEAD_LETTER_TRANSFORMATION);
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
    return past == PAST_INSIDE || event->unclaimed ? PASSAGE_EXIT : PASSAGE_UNSURE_EXIT;
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
    change->key_text = dw_batch_key_text(batch, change->keys, map->target.key_count);
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
        item->outside =
            dw_waiting_find(batch->rules.waiting, dw_batch_key_text(batch, keys, key_count));
}

/* Makes the change of a row event; the item dies when that cannot be. */
void dw_batch_judge_row(struct dw_batch *batch, struct dw_batch_item *item,
                        const struct dw_event *event)
{
    bool is_delete = event->op == DW_EVENT_DELETE;
    const struct dw_event_row *row = is_delete ? &event->before : &event->after;
    if (!row->fields) {
        dw_batch_die_format(batch, item, "DW-APPLY-205",
                            is_delete ? "a delete without \"before\""
                                      : "a row event without \"after\"");
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
    change->undated = exits && event->op == DW_EVENT_READ;
    change->replaces =
        event->op == DW_EVENT_CREATE || event->op == DW_EVENT_READ || passage == PASSAGE_ENTER;
    if (!known)
        complete_later(batch, item, change);
    else if (!removes && !fill_cells(batch, item, event, change))
        return;
    item->change = change;
}
