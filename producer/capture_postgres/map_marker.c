/* map_marker.c - see map_marker.h. */
#include "producer/capture_postgres/map_marker.h"

#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include "common/base/log.h"
#include "common/model/event.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define CONTENT_MAX ((size_t)64 << 20)

static bool is_wanted(const struct dw_capture_map *map, uint32_t epoch)
{
    return map->record.marked_epoch != epoch && map->record.document;
}

bool dw_map_marker_wanted(const struct dw_map_set *set, uint32_t epoch)
{
    for (size_t i = 0; i < set->count; i++)
        if (is_wanted(&set->maps[i], epoch))
            return true;
    return false;
}

void dw_map_marker_format(const struct dw_map_record *record, struct dw_buf *out)
{
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "map", record->name);
    dw_json_write_i64(out, "revision", record->revision);
    dw_json_write_text(out, "document", record->document);
    dw_json_write_text(out, "resolved", record->resolved);
    dw_buf_append_char(out, '}');
}

void dw_map_marker_prepare(struct dw_map_announcement *announcement, const struct dw_map_set *set,
                           uint32_t epoch)
{
    struct dw_buf content;
    *announcement = (struct dw_map_announcement){.count = 0};
    dw_arena_init(&announcement->arena, 4096);
    dw_wal_message_init(&announcement->messages, CONTENT_MAX * 2);
    announcement->marks = DW_ARENA_ARRAY(&announcement->arena, struct dw_map_mark, set->count + 1);
    dw_buf_init(&content, CONTENT_MAX);
    for (size_t i = 0; epoch && i < set->count; i++) {
        const struct dw_map_record *record = &set->maps[i].record;
        if (!is_wanted(&set->maps[i], epoch))
            continue;
        dw_buf_reset(&content, CONTENT_MAX);
        dw_map_marker_format(record, &content);
        dw_wal_message_add(&announcement->messages, dw_buf_str(&content));
        announcement->marks[announcement->count++] = (struct dw_map_mark){
            dw_arena_copy(&announcement->arena, dw_str_from(record->name)).ptr, record->revision};
    }
    dw_buf_done(&content);
}

enum dw_rc dw_map_marker_announce(struct dw_map_announcement *announcement, uint32_t epoch,
                                  PGconn *source, struct dw_state *state, struct dw_err *err)
{
    uint64_t lsn = 0;
    if (!announcement->count)
        return DW_OK;
    enum dw_rc rc = dw_wal_message_send(&announcement->messages, DW_EVENT_MAP, source, &lsn, err);
    if (rc == DW_OK)
        rc = dw_state_maps_mark(state, announcement->marks, announcement->count, epoch, lsn, err);
    for (size_t i = 0; i < announcement->count && rc == DW_OK; i++)
        dw_log(DW_LOG_INFO, "map.announced", "the stream says from where on the revision counts",
               DW_F_TEXT("map", announcement->marks[i].map),
               DW_F_INT("revision", announcement->marks[i].revision), DW_F_LSN("lsn", lsn));
    return rc;
}

void dw_map_marker_done(struct dw_map_announcement *announcement)
{
    dw_wal_message_done(&announcement->messages);
    dw_arena_done(&announcement->arena);
}

bool dw_map_marker_parse(struct dw_str content, struct dw_arena *arena, struct dw_map_record *out)
{
    struct dw_json_pull pull;
    struct dw_str name = {0};
    enum dw_json token;
    *out = (struct dw_map_record){.name = NULL};
    dw_json_pull_init(&pull, content, arena);
    while ((token = dw_json_pull_next(&pull)) > DW_JSON_END) {
        if (token == DW_JSON_NAME)
            name = pull.text;
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "revision"))
            out->revision = strtoll(dw_arena_copy(arena, pull.text).ptr, NULL, 10);
        else if (token == DW_JSON_STRING && dw_str_is(name, "map"))
            out->name = dw_arena_copy(arena, pull.text).ptr;
        else if (token == DW_JSON_STRING && dw_str_is(name, "document"))
            out->document = dw_arena_copy(arena, pull.text).ptr;
        else if (token == DW_JSON_STRING && dw_str_is(name, "resolved"))
            out->resolved = dw_arena_copy(arena, pull.text).ptr;
    }
    return token == DW_JSON_END && out->name && out->document && out->resolved && out->revision > 0;
}
