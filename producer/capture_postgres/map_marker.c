/* map_marker.c - see map_marker.h. */
#include "producer/capture_postgres/map_marker.h"

#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include "common/base/log.h"
#include "common/model/event.h"
#include "producer/capture_postgres/wal_message.h"
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

static enum dw_rc emit(const struct dw_map_set *set, uint32_t epoch, PGconn *source,
                       uint64_t *out_lsn, struct dw_err *err)
{
    struct dw_wal_messages messages;
    struct dw_buf content;
    dw_wal_message_init(&messages, CONTENT_MAX * 2);
    dw_buf_init(&content, CONTENT_MAX);
    for (size_t i = 0; i < set->count; i++) {
        if (!is_wanted(&set->maps[i], epoch))
            continue;
        dw_buf_reset(&content, CONTENT_MAX);
        dw_map_marker_format(&set->maps[i].record, &content);
        dw_wal_message_add(&messages, dw_buf_str(&content));
    }
    enum dw_rc rc = dw_wal_message_send(&messages, DW_EVENT_MAP, source, out_lsn, err);
    dw_buf_done(&content);
    dw_wal_message_done(&messages);
    return rc;
}

static enum dw_rc note(struct dw_map_set *set, uint32_t epoch, uint64_t lsn, struct dw_state *state,
                       struct dw_err *err)
{
    struct dw_map_mark *marks = dw_mem_calloc(set->count + 1, sizeof *marks);
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        if (is_wanted(&set->maps[i], epoch))
            marks[count++] =
                (struct dw_map_mark){set->maps[i].record.name, set->maps[i].record.revision};
    enum dw_rc rc = dw_state_maps_mark(state, marks, count, epoch, lsn, err);
    free(marks);
    for (size_t i = 0; i < set->count && rc == DW_OK; i++) {
        struct dw_map_record *record = &set->maps[i].record;
        if (!is_wanted(&set->maps[i], epoch))
            continue;
        dw_log(DW_LOG_INFO, "map.announced", "the stream says from where on the revision counts",
               DW_F_TEXT("map", record->name), DW_F_INT("revision", record->revision),
               DW_F_LSN("lsn", lsn));
        record->marked_epoch = epoch;
        record->marked_lsn = lsn;
    }
    return rc;
}

enum dw_rc dw_map_marker_announce(struct dw_map_set *set, uint32_t epoch, PGconn *source,
                                  struct dw_state *state, struct dw_err *err)
{
    if (!epoch || !dw_map_marker_wanted(set, epoch))
        return DW_OK;
    uint64_t lsn = 0;
    enum dw_rc rc = emit(set, epoch, source, &lsn, err);
    if (rc == DW_OK)
        rc = note(set, epoch, lsn, state, err);
    return rc;
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
