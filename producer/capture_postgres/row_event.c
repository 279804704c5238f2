/* row_event.c - see row_event.h. */
#include "producer/capture_postgres/row_event.h"

#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "common/base/log.h"
#include "common/model/heartbeat.h"
#include "common/model/route.h"
#include <stdio.h>
#include <stdlib.h>

#define ORDINALS_PER_ROW   3
#define KEY_MAX            ((size_t)1 << 20)
#define KEY_KEEP           4096
#define MARKER_MAX         ((size_t)64 << 20)
#define ENVELOPE_BYTES_MAX 2048 /* of a question, without key and row */

void dw_row_event_init(struct dw_row_event *row_event, struct dw_publisher *publisher,
                       struct dw_tap *tap)
{
    *row_event = (struct dw_row_event){.publisher = publisher, .tap = tap};
    dw_relation_init(&row_event->relations);
    dw_loop_mark_init(&row_event->marks);
    dw_event_encode_init(&row_event->transaction);
    dw_buf_init(&row_event->scratch, KEY_MAX);
    dw_buf_init(&row_event->marker, MARKER_MAX);
}

void dw_row_event_done(struct dw_row_event *row_event)
{
    dw_relation_done(&row_event->relations);
    dw_loop_mark_done(&row_event->marks);
    dw_event_encode_done(&row_event->transaction);
    dw_buf_done(&row_event->scratch);
    dw_buf_done(&row_event->marker);
    while (row_event->notices) {
        struct dw_row_event_notice *notice = row_event->notices;
        row_event->notices = notice->next;
        free(notice);
    }
}

void dw_row_event_begin(struct dw_row_event *row_event, const struct dw_pgoutput_message *message,
                        uint32_t epoch, struct dw_str database)
{
    struct dw_event_transaction *transaction = &row_event->transaction;
    transaction->version = (struct dw_version){.epoch = epoch, .commit_lsn = message->commit_lsn};
    row_event->database = database;
    transaction->xid = message->xid;
    transaction->commit_us = message->commit_us;
    transaction->reads = false;
    dw_event_encode_begin(transaction, dw_str_from(row_event->publisher->system->name), database,
                          dw_clock_wall_us());
    row_event->row_index = 0;
    row_event->streamed = false;
    dw_loop_mark_reset(&row_event->marks);
}

void dw_row_event_end(struct dw_row_event *row_event)
{
    row_event->answer = (struct dw_tap_answer){.kind = DW_TAP_NOTHING};
    dw_buf_reset(&row_event->marker, KEY_KEEP);
    dw_loop_mark_reset(&row_event->marks);
}

/* --- JSON of rows ----------------------------------------------------------------------------- */

/* A row image: an unchanged TOAST value is taken from the old row where there is one. */
struct image {
    const struct dw_pgoutput_value *values;
    const struct dw_pgoutput_value *old; /* whole old row or key; NULL: none */
};

static const struct dw_pgoutput_value *value_of(const struct image *image, size_t index)
{
    const struct dw_pgoutput_value *value = &image->values[index];
    if (value->presence == DW_PGOUTPUT_UNCHANGED && image->old)
        return &image->old[index];
    return value;
}

/* {"name":value,…}; columns that are unchanged are left out, with `keys_only` all but key columns
 * (an old key tuple has nulls in their places). */
static void append_row(struct dw_buf *out, const struct dw_relation *relation,
                       const struct dw_relation_feed *feed, const struct image *image,
                       bool keys_only)
{
    bool first = true;
    dw_buf_append_char(out, '{');
    for (size_t i = 0; i < feed->column_count; i++) {
        const struct dw_relation_column *column = &feed->columns[i];
        const struct dw_pgoutput_value *value = value_of(image, column->index);
        if (value->presence == DW_PGOUTPUT_UNCHANGED ||
            (keys_only && !relation->columns[column->index].is_key))
            continue;
        dw_buf_append(out, column->prefix.ptr + first, column->prefix.len - first);
        first = false;
        if (value->presence == DW_PGOUTPUT_NULL)
            dw_buf_append(out, "null", 4);
        else
            dw_event_encode_value(out, column->encoding, value->text);
    }
    dw_buf_append_char(out, '}');
}

/* False when a key column has no value here. `scaled`: as it is written; else all ways of writing
 * one key come out the same. */
static bool append_key(struct dw_buf *out, const struct dw_relation_feed *feed,
                       const struct image *image, bool scaled)
{
    if (!feed->keys)
        return false;
    char open = '{';
    for (size_t i = 0; i < feed->key_count; i++) {
        const struct dw_relation_column *column = &feed->keys[i];
        const struct dw_pgoutput_value *value = value_of(image, column->index);
        if (value->presence == DW_PGOUTPUT_UNCHANGED)
            return false;
        dw_buf_append_char(out, open);
        dw_buf_append(out, column->prefix.ptr + 1, column->prefix.len - 1);
        open = ',';
        if (value->presence == DW_PGOUTPUT_NULL)
            dw_buf_append(out, "null", 4);
        else if (column->numeric && !scaled)
            dw_event_encode_value(out, column->encoding, dw_event_encode_unscaled(value->text));
        else
            dw_event_encode_value(out, column->encoding, value->text);
    }
    dw_buf_append_char(out, '}');
    return true;
}

/* --- events ----------------------------------------------------------------------------------- */

/* A row change on its way to one map. */
struct change {
    const struct dw_pgoutput_message *message;
    const struct dw_relation *relation;
    const struct dw_relation_feed *feed;
    struct dw_publisher_map *map;
    struct dw_publisher_part part;
    uint64_t ordinal;
};

static void start(struct dw_row_event *row_event, struct change *change, uint64_t ordinal)
{
    change->part = (struct dw_publisher_part){.key_at = row_event->publisher->text.len,
                                              .version = row_event->transaction.version};
    change->part.version.ordinal = ordinal;
}

static int32_t partition_of(const struct dw_publisher_map *map, uint32_t hash)
{
    return dw_route_partition(hash, map->partitions);
}

/* Keeps the key that was appended last, and chooses its partition. Numeric 1.0 and 1.00 are one key
 * for the target: their events must stay in one order, so they go to one partition. */
static void set_key(struct dw_row_event *row_event, struct change *change,
                    const struct image *image)
{
    const struct dw_buf *text = &row_event->publisher->text;
    change->part.has_key = dw_buf_ok(text);
    change->part.key_len = text->len - change->part.key_at;
    struct dw_str key = {text->data + change->part.key_at, change->part.key_len};
    if (change->feed->numeric_key) {
        struct dw_buf *trimmed = &row_event->scratch;
        dw_buf_reset(trimmed, KEY_KEEP);
        if (append_key(trimmed, change->feed, image, false) && dw_buf_ok(trimmed))
            key = dw_buf_str(trimmed);
    }
    change->part.partition = partition_of(change->map, dw_route_hash(key));
}

static void finish(struct dw_row_event *row_event, struct change *change)
{
    dw_event_encode_close(&row_event->publisher->text);
    change->map->last_commit_us = row_event->transaction.commit_us;
    dw_publisher_add(row_event->publisher, change->map, &change->part);
}

static void refuse(struct dw_row_event *row_event, struct change *change, uint64_t ordinal,
                   const char *message)
{
    struct dw_publisher *publisher = row_event->publisher;
    struct dw_publisher_letter letter = {
        .map = change->map,
        .version = row_event->transaction.version,
        .code = "DW-CAPTURE-013",
        .failure_class = "incomplete",
        .message = message,
    };
    letter.version.ordinal = ordinal;
    publisher->text.len = change->part.key_at;
    dw_publisher_send_letter(publisher, &letter, publisher->sequence, false);
}

/* A delete by the old tuple. */
static void add_delete(struct dw_row_event *row_event, struct change *change, uint64_t ordinal)
{
    struct dw_buf *out = &row_event->publisher->text;
    const struct dw_pgoutput_tuple *old = &change->message->old;
    struct image image = {.values = old->values};
    start(row_event, change, ordinal);
    if (!change->feed->key_in_old || !append_key(out, change->feed, &image, true)) {
        refuse(row_event, change, ordinal,
               "the deleted row's key is not in the stream: it is not "
               "part of the table's replica identity");
        return;
    }
    set_key(row_event, change, &image);
    dw_event_encode_open(out, DW_EVENT_DELETE, &row_event->transaction,
                         change->map->map->table_json, ordinal);
    dw_buf_append(out, ",\"before\":", 10);
    append_row(out, change->relation, change->feed, &image, old->kind == 'K');
    dw_buf_append(out, ",\"after\":null", 13);
    finish(row_event, change);
}

/* A create or update by the new tuple. */
static void add_upsert(struct dw_row_event *row_event, struct change *change, enum dw_event_op op,
                       uint64_t ordinal)
{
    struct dw_buf *out = &row_event->publisher->text;
    const struct dw_pgoutput_message *message = change->message;
    struct image image = {.values = message->row.values, .old = message->old.values};
    start(row_event, change, ordinal);
    if (!append_key(out, change->feed, &image, true)) {
        refuse(row_event, change, ordinal, "the row's key is not in the stream");
        return;
    }
    set_key(row_event, change, &image);
    dw_event_encode_open(out, op, &row_event->transaction, change->map->map->table_json, ordinal);
    if (op == DW_EVENT_UPDATE && message->old.kind == 'O') {
        struct image before = {.values = message->old.values};
        dw_buf_append(out, ",\"before\":", 10);
        append_row(out, change->relation, change->feed, &before, false);
    } else {
        dw_buf_append(out, ",\"before\":null", 14);
    }
    dw_buf_append(out, ",\"after\":", 9);
    /* A key tuple's nulls are no values: only a whole old row fills the gaps. */
    if (message->old.kind != 'O')
        image.old = NULL;
    append_row(out, change->relation, change->feed, &image, false);
    finish(row_event, change);
}

/* Whether the old tuple shows another key of the map than the new one. */
static bool key_changed(struct dw_row_event *row_event, const struct change *change)
{
    const struct dw_pgoutput_message *message = change->message;
    if (!message->old.kind || !change->feed->key_in_old)
        return false;
    struct image old = {.values = message->old.values};
    struct image row = {.values = message->row.values, .old = message->old.values};
    struct dw_buf *keys = &row_event->scratch;
    dw_buf_reset(keys, KEY_KEEP);
    if (!append_key(keys, change->feed, &old, true))
        return false;
    size_t split = keys->len;
    if (!append_key(keys, change->feed, &row, true))
        return false;
    return !dw_buf_ok(keys) || keys->len != 2 * split ||
           memcmp(keys->data, keys->data + split, split) != 0;
}

void dw_row_event_add_control(struct dw_row_event *row_event, struct dw_publisher_map *map,
                              const struct dw_row_event_control *control)
{
    struct dw_buf *out = &row_event->publisher->text;
    for (int32_t partition = control->from; partition < control->to; partition++) {
        struct dw_publisher_part part = {
            .key_at = out->len, .partition = partition, .version = row_event->transaction.version};
        part.version.ordinal = control->ordinal;
        dw_event_encode_control(out, &row_event->transaction, map->map->table_json,
                                control->ordinal, control->prefix, control->content);
        dw_publisher_add(row_event->publisher, map, &part);
    }
}

uint64_t dw_row_event_next_ordinal(struct dw_row_event *row_event)
{
    return row_event->row_index++ * ORDINALS_PER_ROW;
}

/* To every partition of the map. */
static void add_control(struct dw_row_event *row_event, struct dw_publisher_map *map,
                        uint64_t ordinal, const char *prefix, struct dw_str content)
{
    const struct dw_row_event_control control = {
        .to = map->partitions, .ordinal = ordinal, .prefix = prefix, .content = content};
    dw_row_event_add_control(row_event, map, &control);
}

/* --- schema changes --------------------------------------------------------------------------- */

static void add_schema(struct dw_row_event *row_event, const struct change *change)
{
    struct dw_publisher_map *map = change->map;
    const struct dw_map_record *record = &map->map->record;
    const struct dw_relation_feed *feed = change->feed;
    bool known = record->state == DW_MAP_ERROR && strncmp(record->code, "DW-CAPTURE-01", 13) == 0;
    bool told = feed->renamed ? map->renamed_change == record->change
                              : map->schema_revision == record->revision;
    if (known || told)
        return;
    if (feed->renamed)
        map->renamed_change = record->change;
    else
        map->schema_revision = record->revision;
    struct dw_row_event_notice *notice = DW_MEM_NEW(struct dw_row_event_notice);
    notice->sequence = row_event->publisher->sequence;
    notice->change = record->change;
    notice->code = feed->code;
    notice->from_lsn = feed->misses ? row_event->transaction.version.commit_lsn : 0;
    (void)snprintf(notice->map, sizeof notice->map, "%s", map->name);
    (void)snprintf(notice->reason, sizeof notice->reason, "%s", feed->reason);
    notice->next = row_event->notices;
    row_event->notices = notice;

    struct dw_buf content;
    dw_buf_init(&content, 65536);
    dw_buf_append_char(&content, '{');
    dw_json_write_text(&content, "map", map->name);
    dw_json_write_i64(&content, "revision", record->revision);
    dw_json_write_text(&content, "code", notice->code);
    dw_json_write_text(&content, "reason", notice->reason);
    if (feed->misses)
        dw_json_write_i64(&content, "gap", 1);
    dw_buf_append_char(&content, '}');
    add_control(row_event, map, row_event->row_index * ORDINALS_PER_ROW, DW_EVENT_SCHEMA,
                dw_buf_str(&content));
    dw_buf_done(&content);
    dw_log(DW_LOG_WARN, "map.schema_changed", notice->reason, DW_F_TEXT("map", map->name),
           DW_F_TEXT("code", notice->code));
}

void dw_row_event_restart(struct dw_row_event *row_event)
{
    struct dw_row_event_notice **link = &row_event->notices;
    while (*link) {
        struct dw_row_event_notice *notice = *link;
        if (notice->sequence < row_event->publisher->window.first) {
            link = &notice->next;
            continue;
        }
        struct dw_publisher_map *map = dw_publisher_find(row_event->publisher, notice->map);
        if (map)
            map->schema_revision = map->renamed_change = 0;
        *link = notice->next;
        free(notice);
    }
}

/* --- maps ------------------------------------------------------------------------------------- */

static struct dw_publisher_map *map_of(struct dw_row_event *row_event,
                                       const struct dw_capture_map *map)
{
    struct dw_publisher *publisher = row_event->publisher;
    /* The set's order is that of the slots unless maps came and went. */
    size_t guess = (size_t)(map - publisher->set->maps);
    if (guess < publisher->map_count && publisher->maps[guess]->map == map)
        return publisher->maps[guess];
    return dw_publisher_find(publisher, map->record.name);
}

static bool is_echo(struct dw_row_event *row_event, const struct change *change)
{
    const struct dw_relation *relation = change->relation;
    const struct dw_pgoutput_message *message = change->message;
    if (!row_event->marks.first)
        return false;
    enum dw_loop_mark_op op = DW_LOOP_MARK_UPSERT;
    const struct dw_pgoutput_value *values = message->row.values;
    if (message->kind == DW_PGOUTPUT_DELETE) {
        op = DW_LOOP_MARK_DELETE;
        values = message->old.values;
    } else if (message->kind == DW_PGOUTPUT_TRUNCATE) {
        op = DW_LOOP_MARK_TRUNCATE;
        values = NULL;
    }
    struct dw_loop_mark_row row = {
        .schema = relation->schema,
        .table = relation->table,
        .relation_oid = relation->oid,
        .columns = relation->columns,
        .values = values,
        .count = relation->column_count,
    };
    return dw_loop_mark_matches(&row_event->marks, change->map->map->map->target.system, op, &row);
}

static void add_change(struct dw_row_event *row_event, struct change *change)
{
    uint64_t ordinal = row_event->row_index * ORDINALS_PER_ROW + 1;
    switch (change->message->kind) {
    case DW_PGOUTPUT_INSERT:
        add_upsert(row_event, change, DW_EVENT_CREATE, ordinal);
        return;
    case DW_PGOUTPUT_DELETE:
        add_delete(row_event, change, ordinal);
        return;
    case DW_PGOUTPUT_TRUNCATE:
        add_control(row_event, change->map, ordinal, NULL, (struct dw_str){NULL, 0});
        return;
    case DW_PGOUTPUT_UPDATE:
        if (key_changed(row_event, change)) {
            add_delete(row_event, change, ordinal);
            add_upsert(row_event, change, DW_EVENT_CREATE, ordinal + 1);
        } else {
            add_upsert(row_event, change, DW_EVENT_UPDATE, ordinal);
        }
        return;
    case DW_PGOUTPUT_BEGIN:
    case DW_PGOUTPUT_COMMIT:
    case DW_PGOUTPUT_ORIGIN:
    case DW_PGOUTPUT_RELATION:
    case DW_PGOUTPUT_TYPE:
    case DW_PGOUTPUT_MESSAGE:
        return;
    }
}

/* --- the tap ---------------------------------------------------------------------------------- */

static void touch_image(struct dw_row_event *row_event, const struct change *change,
                        const struct image *image, bool complete)
{
    struct dw_tap_touch touch = {.map = change->map->name, .complete = complete};
    struct dw_buf *key = &row_event->scratch;
    dw_buf_reset(key, KEY_KEEP);
    if (append_key(key, change->feed, image, true) && dw_buf_ok(key))
        touch.key = dw_buf_str(key);
    row_event->tap->ops->touch(row_event->tap, &touch);
}

/* Does the new row's event carry every column? */
static bool is_complete(const struct change *change, const struct image *image)
{
    for (size_t i = 0; i < change->feed->column_count; i++)
        if (value_of(image, change->feed->columns[i].index)->presence == DW_PGOUTPUT_UNCHANGED)
            return false;
    return true;
}

/* Whatever becomes of the change: its keys leave the open chunks (trap 18). */
static void touch_keys(struct dw_row_event *row_event, const struct change *change)
{
    struct dw_tap *tap = row_event->tap;
    const struct dw_pgoutput_message *message = change->message;
    if (!tap || !tap->ops->watches(tap, change->map->name))
        return;
    if (message->kind == DW_PGOUTPUT_TRUNCATE) {
        tap->ops->truncate(tap, change->map->name);
        return;
    }
    struct image old = {.values = message->old.values};
    bool has_old = message->old.kind && change->feed->key_in_old;
    if (has_old || message->kind == DW_PGOUTPUT_DELETE)
        touch_image(row_event, change, has_old ? &old : &(struct image){0}, true);
    if (message->kind == DW_PGOUTPUT_DELETE)
        return;
    struct image row = {.values = message->row.values,
                        .old = message->old.kind == 'O' ? message->old.values : NULL};
    touch_image(row_event, change, &row, is_complete(change, &row));
}

static void tell_streamed(struct dw_row_event *row_event)
{
    if (!row_event->tap || row_event->streamed)
        return;
    row_event->streamed = true;
    row_event->tap->ops->streamed(row_event->tap, row_event->transaction.xid);
}

static void append_read(struct dw_buf *out, const struct dw_tap_row *row)
{
    const struct dw_str none = DW_STR_LIT("null");
    bool has_key = !row->after.ptr || row->too_large;
    dw_buf_append(out, ",\"before\":", 10);
    dw_buf_append_str(out, has_key ? row->key : none);
    dw_buf_append(out, ",\"after\":", 9);
    dw_buf_append_str(out, has_key ? none : row->after);
}

static void add_read(struct dw_row_event *row_event, struct dw_publisher_map *map,
                     const struct dw_tap_row *row)
{
    struct dw_publisher *publisher = row_event->publisher;
    struct dw_buf *out = &publisher->text;
    uint64_t ordinal = row_event->row_index++ * ORDINALS_PER_ROW + 1;
    struct dw_publisher_part part = {
        .key_at = out->len,
        .key_len = row->key.len,
        .has_key = true,
        .partition = partition_of(map, row->route),
        .version = row_event->transaction.version,
    };
    const struct dw_event_read read = {
        .gone = !row->after.ptr && !row->too_large,
        .keep = row->keep,
        .unclaimed = row->unclaimed,
        .verify = row->verify,
    };
    part.version.ordinal = ordinal;
    dw_buf_append_str(out, row->key);
    dw_event_encode_open_read(out, &row_event->transaction, map->map->table_json, ordinal, &read);
    append_read(out, row);
    dw_event_encode_close(out);
    dw_publisher_add(publisher, map, &part);
}

static void refuse_read(struct dw_row_event *row_event, struct dw_publisher_map *map,
                        const struct dw_tap_row *row)
{
    struct dw_publisher_letter letter = {
        .map = map,
        .key = row->key,
        .version = row_event->transaction.version,
        .code = "DW-KAFKA-005",
        .failure_class = "too_large",
        .message = "the row is larger than kafka.message_max_bytes",
    };
    letter.version.ordinal = row_event->row_index++ * ORDINALS_PER_ROW + 1;
    dw_publisher_send_letter(row_event->publisher, &letter, row_event->publisher->sequence, false);
}

static bool publish_rows(struct dw_row_event *row_event, struct dw_publisher_map *map)
{
    struct dw_tap_row row;
    while (!dw_publisher_is_full(row_event->publisher)) {
        if (!row_event->tap->ops->next(row_event->tap, &row))
            return true;
        size_t bytes = row.key.len * 2 + row.after.len + ENVELOPE_BYTES_MAX;
        if (row.verify && bytes > (size_t)row_event->publisher->settings->kafka.message_max_bytes)
            row.too_large = true;
        if (row.too_large && !row.verify)
            refuse_read(row_event, map, &row);
        else
            add_read(row_event, map, &row);
    }
    return false;
}

bool dw_row_event_publish_answer(struct dw_row_event *row_event)
{
    struct dw_tap_answer *answer = &row_event->answer;
    struct dw_tap *tap = row_event->tap;
    if (answer->kind == DW_TAP_NOTHING)
        return true;
    struct dw_publisher_map *map = dw_publisher_find(row_event->publisher, answer->map);
    bool serves = map && map->map && map->service != DW_PUBLISHER_OUT;
    bool rows = answer->kind == DW_TAP_ROWS;
    if (!serves || (rows && map->map->record.revision != answer->revision)) {
        answer->kind = DW_TAP_NOTHING;
        tap->ops->refused(tap);
        return true;
    }
    if (rows && !publish_rows(row_event, map))
        return false;
    if (!rows)
        add_control(row_event, map, row_event->row_index++ * ORDINALS_PER_ROW, DW_EVENT_SYNC,
                    answer->mark);
    answer->kind = DW_TAP_NOTHING;
    tap->ops->published(tap, row_event->publisher->sequence);
    return true;
}

void dw_row_event_publish_marker(struct dw_row_event *row_event, const char *name)
{
    uint64_t ordinal = dw_row_event_next_ordinal(row_event);
    struct dw_publisher_map *map = dw_publisher_find(row_event->publisher, name);
    if (map && map->map && map->service != DW_PUBLISHER_OUT)
        add_control(row_event, map, ordinal, DW_EVENT_MAP, dw_buf_str(&row_event->marker));
    dw_buf_reset(&row_event->marker, KEY_KEEP);
}

/* Rows of a chunk are rendered with a head of their own: nothing else is in such a transaction. */
static void take_watermark(struct dw_row_event *row_event, struct dw_str content)
{
    struct dw_event_transaction *transaction = &row_event->transaction;
    if (!row_event->tap)
        return;
    row_event->answer =
        row_event->tap->ops->message(row_event->tap, content, transaction->version.commit_lsn);
    if (row_event->answer.kind != DW_TAP_ROWS)
        return;
    transaction->reads = true;
    dw_event_encode_begin(transaction, dw_str_from(row_event->publisher->system->name),
                          row_event->database, dw_clock_wall_us());
}

/* --- messages ----------------------------------------------------------------------------------
 */

static void feed_maps(struct dw_row_event *row_event, const struct dw_relation *relation,
                      const struct dw_pgoutput_message *message)
{
    for (size_t i = 0; i < relation->feed_count; i++) {
        struct change change = {
            .message = message,
            .relation = relation,
            .feed = &relation->feeds[i],
            .map = map_of(row_event, relation->feeds[i].map),
        };
        if (!change.map)
            continue;
        change.map->rows_in++;
        tell_streamed(row_event);
        if (!change.feed->renamed)
            touch_keys(row_event, &change);
        if (change.map->service == DW_PUBLISHER_OUT) {
            change.map->dropped_out++;
            continue;
        }
        if (is_echo(row_event, &change)) {
            change.map->dropped_marked++;
            continue;
        }
        if (change.feed->code)
            add_schema(row_event, &change);
        if (!change.feed->renamed)
            add_change(row_event, &change);
    }
    row_event->row_index++;
}

/* A map that is not idle hears each; so does one that has still to catch up, which is waited for.
 */
static struct dw_heartbeat_turn turn_of(const struct dw_row_event *row_event,
                                        struct dw_publisher_map *map)
{
    bool active =
        map->rows_in != map->rows_at_heartbeat || map->map->record.state != DW_MAP_RUNNING;
    map->rows_at_heartbeat = map->rows_in;
    if (active)
        return (struct dw_heartbeat_turn){0, map->partitions};
    return dw_heartbeat_turn(row_event->publisher->map_count, map->slot, row_event->heartbeats,
                             map->partitions);
}

static void add_heartbeat(struct dw_row_event *row_event, struct dw_str content)
{
    struct dw_publisher *publisher = row_event->publisher;
    row_event->heartbeats++;
    for (size_t i = 0; i < publisher->map_count; i++) {
        struct dw_publisher_map *map = publisher->maps[i];
        if (!map->map || map->service == DW_PUBLISHER_OUT)
            continue;
        struct dw_heartbeat_turn turn = turn_of(row_event, map);
        const struct dw_row_event_control control = {
            .from = turn.from,
            .to = turn.to,
            .ordinal = row_event->row_index * ORDINALS_PER_ROW,
            .prefix = DW_EVENT_HEARTBEAT,
            .content = content,
        };
        dw_row_event_add_control(row_event, map, &control);
    }
    row_event->row_index++;
}

/* The owner of the stream takes it before it goes on. */
static void hold_marker(struct dw_row_event *row_event, const char *prefix, struct dw_str content)
{
    row_event->marker_prefix = prefix;
    dw_buf_append_str(&row_event->marker, content);
}

static void add_message(struct dw_row_event *row_event, const struct dw_pgoutput_message *message)
{
    struct dw_err err = DW_ERR_INIT;
    if (!message->transactional)
        return;
    if (dw_str_is(message->prefix, DW_EVENT_HEARTBEAT))
        add_heartbeat(row_event, message->content);
    else if (dw_str_is(message->prefix, DW_EVENT_MAP))
        hold_marker(row_event, DW_EVENT_MAP, message->content);
    else if (dw_str_is(message->prefix, DW_EVENT_GENERATION))
        hold_marker(row_event, DW_EVENT_GENERATION, message->content);
    else if (dw_str_is(message->prefix, DW_TAP_MESSAGE))
        take_watermark(row_event, message->content);
    else if (dw_str_is(message->prefix, DW_LOOP_MARK_PREFIX) &&
             dw_loop_mark_add(&row_event->marks, message->content, &err) != DW_OK)
        dw_log_err(DW_LOG_WARN, "mark.malformed", &err);
}

static enum dw_rc check_row(const struct dw_relation *relation,
                            const struct dw_pgoutput_message *message, uint32_t oid,
                            struct dw_err *err)
{
    if (!relation)
        return dw_err_set(err, DW_FATAL, "DW-CAPTURE-003",
                          "a row of relation %u, which was never described", oid);
    if ((message->row.kind && message->row.count != relation->column_count) ||
        (message->old.kind && message->old.count != relation->column_count))
        return dw_err_set(err, DW_FATAL, "DW-CAPTURE-003",
                          "a row of %.*s.%.*s with another number of columns than described",
                          DW_STR_ARG(relation->schema), DW_STR_ARG(relation->table));
    return DW_OK;
}

enum dw_rc dw_row_event_add(struct dw_row_event *row_event,
                            const struct dw_pgoutput_message *message, struct dw_err *err)
{
    if (message->kind == DW_PGOUTPUT_MESSAGE) {
        add_message(row_event, message);
        return DW_OK;
    }
    if (message->kind != DW_PGOUTPUT_TRUNCATE) {
        const struct dw_relation *relation = dw_relation_find(&row_event->relations, message->oid);
        enum dw_rc rc = check_row(relation, message, message->oid, err);
        if (rc == DW_OK)
            feed_maps(row_event, relation, message);
        return rc;
    }
    for (size_t i = 0; i < message->relation_count; i++) {
        uint32_t oid = dw_pgoutput_truncated(message, i);
        const struct dw_relation *relation = dw_relation_find(&row_event->relations, oid);
        enum dw_rc rc = check_row(relation, message, oid, err);
        if (rc != DW_OK)
            return rc;
        feed_maps(row_event, relation, message);
    }
    return DW_OK;
}
