/* generation_mark.c - see generation_mark.h. */
#include "producer/capture_postgres/generation_mark.h"

#include "common/base/fault.h"
#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include "common/base/log.h"
#include "common/model/event.h"
#include "producer/capture_postgres/map_marker.h"
#include "producer/capture_postgres/wal_message.h"
#include <stdlib.h>

#define CONTENT_MAX  ((size_t)1 << 16)
#define MARKER_MAX   ((size_t)64 << 20)
#define ASK_AGAIN_MS 20000

/* --- asking ------------------------------------------------------------------------------------
 */

void dw_generation_mark_done(struct dw_generation_asks *asks)
{
    for (size_t i = 0; i < asks->count; i++)
        free(asks->items[i].map);
    free(asks->items);
    *asks = (struct dw_generation_asks){NULL, 0};
}

static bool is_wanted(const struct dw_capture_map *map)
{
    return !map->out_of_service && map->topic_partitions > map->record.partitions;
}

bool dw_generation_mark_wanted(const struct dw_map_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (is_wanted(&set->maps[i]))
            return true;
    return false;
}

static struct dw_generation_asked *asked_of(struct dw_generation_asks *asks, const char *map)
{
    for (size_t i = 0; i < asks->count; i++)
        if (strcmp(asks->items[i].map, map) == 0)
            return &asks->items[i];
    asks->items = dw_mem_realloc(asks->items, (asks->count + 1) * sizeof *asks->items);
    asks->items[asks->count] = (struct dw_generation_asked){.map = dw_mem_strdup(map)};
    return &asks->items[asks->count++];
}

static bool is_due(const struct dw_generation_asked *asked, const struct dw_capture_map *map,
                   int64_t now_ms)
{
    return asked->partitions != map->topic_partitions || now_ms - asked->at_ms >= ASK_AGAIN_MS;
}

static void add_question(struct dw_wal_messages *messages, const struct dw_capture_map *map)
{
    struct dw_buf content;
    dw_buf_init(&content, CONTENT_MAX);
    dw_buf_append_char(&content, '{');
    dw_json_write_text(&content, "map", map->record.name);
    dw_json_write_i64(&content, "partitions", map->topic_partitions);
    dw_buf_append_char(&content, '}');
    dw_wal_message_add(messages, dw_buf_str(&content));
    dw_buf_done(&content);
}

static void note_question(struct dw_generation_asks *asks, const struct dw_capture_map *map,
                          uint64_t lsn, int64_t now_ms)
{
    struct dw_generation_asked *asked = asked_of(asks, map->record.name);
    asked->partitions = map->topic_partitions;
    asked->at_ms = now_ms;
    dw_log(DW_LOG_INFO, "map.partitions",
           "the topic has more partitions: the stream says from where on they count",
           DW_F_TEXT("map", map->record.name), DW_F_INT("before", map->record.partitions),
           DW_F_INT("partitions", map->topic_partitions), DW_F_LSN("lsn", lsn));
}

enum dw_rc dw_generation_mark_ask(struct dw_generation_asks *asks, const struct dw_map_set *set,
                                  struct pg_conn *source, int64_t now_ms, struct dw_err *err)
{
    struct dw_wal_messages messages;
    uint64_t lsn = 0;
    dw_wal_message_init(&messages, CONTENT_MAX * 64);
    for (size_t i = 0; i < set->count; i++)
        if (is_wanted(&set->maps[i]) &&
            is_due(asked_of(asks, set->maps[i].record.name), &set->maps[i], now_ms))
            add_question(&messages, &set->maps[i]);
    enum dw_rc rc = messages.count
                        ? dw_wal_message_send(&messages, DW_EVENT_GENERATION, source, &lsn, err)
                        : DW_OK;
    for (size_t i = 0; rc == DW_OK && messages.count && i < set->count; i++)
        if (is_wanted(&set->maps[i]))
            note_question(asks, &set->maps[i], lsn, now_ms);
    dw_wal_message_done(&messages);
    return rc;
}

/* --- taking ------------------------------------------------------------------------------------
 */

/* False: it is not one of ours. */
static bool parse(struct dw_str content, struct dw_arena *arena, const char **out_map,
                  int32_t *out_partitions)
{
    struct dw_json_pull pull;
    struct dw_str name = {NULL, 0};
    enum dw_json token;
    *out_map = NULL;
    *out_partitions = 0;
    dw_json_pull_init(&pull, content, arena);
    while ((token = dw_json_pull_next(&pull)) > DW_JSON_END) {
        if (token == DW_JSON_NAME)
            name = pull.text;
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "partitions"))
            *out_partitions = (int32_t)strtol(dw_arena_copy(arena, pull.text).ptr, NULL, 10);
        else if (token == DW_JSON_STRING && dw_str_is(name, "map"))
            *out_map = dw_arena_copy(arena, pull.text).ptr;
    }
    return token == DW_JSON_END && *out_map && *out_partitions > 0;
}

/* What a mark says. */
struct mark {
    int64_t number;
    int32_t before, partitions;
    int32_t reach; /* partitions that have to come to it */
};

static void write_mark(struct dw_buf *out, const char *map, const struct mark *mark)
{
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "map", map);
    dw_json_write_i64(out, "generation", mark->number);
    dw_json_write_i64(out, "before", mark->before);
    dw_json_write_i64(out, "partitions", mark->partitions);
    dw_json_write_i64(out, "reach", mark->reach);
    dw_buf_append_char(out, '}');
}

/* A partition that begins has passed no marker: it gets the revision that is in force here. */
static void send_revision(struct dw_row_event *row_event, struct dw_publisher_map *map,
                          const struct mark *mark, uint64_t ordinal)
{
    struct dw_buf content;
    dw_buf_init(&content, MARKER_MAX);
    dw_map_marker_format(&map->map->record, &content);
    const struct dw_row_event_control control = {.from = mark->before,
                                                 .to = mark->partitions,
                                                 .ordinal = ordinal,
                                                 .prefix = DW_EVENT_MAP,
                                                 .content = dw_buf_str(&content)};
    dw_row_event_add_control(row_event, map, &control);
    dw_buf_done(&content);
}

static void send_mark(struct dw_row_event *row_event, struct dw_publisher_map *map,
                      const struct mark *mark)
{
    struct dw_buf content;
    uint64_t ordinal = dw_row_event_next_ordinal(row_event);
    int32_t all = mark->reach > mark->partitions ? mark->reach : mark->partitions;
    dw_publisher_make_lanes(map, all);
    dw_buf_init(&content, CONTENT_MAX);
    write_mark(&content, map->name, mark);
    struct dw_row_event_control control = {.to = 1,
                                           .ordinal = ordinal,
                                           .prefix = DW_EVENT_GENERATION,
                                           .content = dw_buf_str(&content)};
    dw_row_event_add_control(row_event, map, &control);
    dw_publisher_flush(row_event->publisher);
    dw_fault("producer.between_marks");
    control.from = 1;
    control.to = all;
    dw_row_event_add_control(row_event, map, &control);
    if (mark->partitions > mark->before)
        send_revision(row_event, map, mark, ordinal + 1);
    dw_buf_done(&content);
}

static void note(struct dw_publisher *publisher, struct dw_publisher_map *map,
                 const struct mark *mark, const struct dw_version *place)
{
    const struct dw_generation generation = {.map = map->name,
                                             .number = mark->number,
                                             .before = mark->before,
                                             .partitions = mark->partitions,
                                             .epoch = place->epoch,
                                             .lsn = place->commit_lsn};
    map->partitions = mark->partitions;
    dw_publisher_make_lanes(map, mark->partitions);
    if (dw_generation_add(&publisher->generations, &generation))
        dw_log(DW_LOG_INFO, "map.generation", "more partitions are in force from here on",
               DW_F_TEXT("map", map->name), DW_F_INT("generation", mark->number),
               DW_F_INT("before", mark->before), DW_F_INT("partitions", mark->partitions),
               DW_F_LSN("lsn", place->commit_lsn));
}

static enum dw_generation_mark_taken take(struct dw_row_event *row_event, const char *name,
                                          int32_t partitions,
                                          const struct dw_generation_mark_place *place)
{
    struct dw_publisher *publisher = row_event->publisher;
    struct dw_publisher_map *map = dw_publisher_find(publisher, name);
    if (!map || !map->map || map->service == DW_PUBLISHER_OUT || partitions <= map->partitions)
        return DW_GENERATION_MARK_PASSED;
    if (!place->skipping && !dw_publisher_may_raise(publisher, map, partitions))
        return DW_GENERATION_MARK_NOT_YET;
    const struct dw_generation *now = dw_generation_at(
        &publisher->generations, name, place->version.epoch, place->version.commit_lsn - 1);
    const struct mark mark = {.number = now ? now->number + 1 : 2,
                              .before = map->partitions,
                              .partitions = partitions,
                              .reach = map->partitions};
    note(publisher, map, &mark, &place->version);
    if (!place->skipping)
        send_mark(row_event, map, &mark);
    return DW_GENERATION_MARK_RAISED;
}

enum dw_generation_mark_taken dw_generation_mark_take(struct dw_row_event *row_event,
                                                      const struct dw_generation_mark_place *place)
{
    struct dw_arena arena;
    const char *name;
    int32_t partitions;
    dw_arena_init(&arena, 4096);
    enum dw_generation_mark_taken taken = DW_GENERATION_MARK_PASSED;
    if (dw_buf_ok(&row_event->marker) &&
        parse(dw_buf_str(&row_event->marker), &arena, &name, &partitions))
        taken = take(row_event, name, partitions, place);
    dw_arena_done(&arena);
    if (taken == DW_GENERATION_MARK_NOT_YET)
        return taken;
    if (taken == DW_GENERATION_MARK_PASSED || place->skipping)
        (void)dw_row_event_next_ordinal(row_event);
    dw_buf_reset(&row_event->marker, 0);
    return taken;
}

/* --- a new epoch -------------------------------------------------------------------------------
 */

void dw_generation_mark_begin_epoch(struct dw_row_event *row_event)
{
    struct dw_publisher *publisher = row_event->publisher;
    for (size_t i = 0; i < publisher->map_count; i++) {
        struct dw_publisher_map *map = publisher->maps[i];
        if (!map->map || map->service == DW_PUBLISHER_OUT)
            continue;
        const struct dw_generation *newest =
            dw_generation_newest(&publisher->generations, map->name);
        const struct mark mark = {.number = newest ? newest->number : 1,
                                  .before = map->partitions,
                                  .partitions = map->partitions,
                                  .reach = map->map->topic_partitions};
        if (newest || mark.reach > mark.partitions)
            send_mark(row_event, map, &mark);
    }
}
