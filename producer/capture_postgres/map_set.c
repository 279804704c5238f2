/* map_set.c - see map_set.h. */
#include "producer/capture_postgres/map_set.h"

#include "common/base/log.h"
#include "common/expr/map_expr.h"
#include "common/model/event_encode.h"
#include <stdlib.h>

static const char *copy_text(struct dw_arena *arena, const char *text)
{
    return text ? dw_arena_copy(arena, dw_str_from(text)).ptr : "";
}

static bool read_map(const struct dw_map_record *record, const char *system, struct dw_arena *arena,
                     struct dw_capture_map *out)
{
    struct dw_map_problems problems = {.arena = arena};
    struct dw_str document = dw_arena_copy(arena, dw_str_from(record->document));
    const struct dw_table_map *map = dw_table_map_parse(document, record->name, arena, &problems);
    if (!map) {
        dw_log(DW_LOG_ERROR, "map.unreadable", "the stored map cannot be read; it is not published",
               DW_F_TEXT("map", record->name));
        return false;
    }
    if (!dw_str_is(map->source.system, system))
        return false;
    struct dw_err err = DW_ERR_INIT;
    struct dw_str resolved = dw_arena_copy(arena, dw_str_from(record->resolved));
    *out = (struct dw_capture_map){.record = *record, .map = map};
    if (dw_map_resolved_parse(resolved, arena, &out->resolved, &err) != DW_OK)
        dw_log_err(DW_LOG_WARN, "map.unresolved", &err);
    out->record.document = document.ptr;
    out->record.resolved = resolved.ptr;
    out->record.name = copy_text(arena, record->name);
    out->record.code = copy_text(arena, record->code);
    out->record.reason = copy_text(arena, record->reason);
    out->record.topic = copy_text(arena, record->topic);
    out->record.generations = copy_text(arena, record->generations);
    out->columns = dw_map_expr_source_columns(map, arena, &out->column_count);
    struct dw_buf text;
    dw_buf_init(&text, 65536);
    dw_event_encode_table(&text, map->source.schema, map->source.table);
    out->table_json = dw_arena_copy(arena, dw_buf_str(&text));
    dw_buf_done(&text);
    out->out_of_service = record->state == DW_MAP_ERROR && record->code &&
                          strcmp(record->code, DW_MAP_SET_TOPIC_CODE) == 0;
    return true;
}

enum dw_rc dw_map_set_load(struct dw_map_set **out, struct dw_state *state, const char *system,
                           struct dw_err *err)
{
    struct dw_map_set *set = DW_MEM_NEW(struct dw_map_set);
    struct dw_arena records_arena;
    dw_arena_init(&set->arena, 16384);
    dw_arena_init(&records_arena, 16384);
    const struct dw_map_record *records = NULL;
    size_t count = 0;
    enum dw_rc rc = dw_state_maps_load(state, &records_arena, &records, &count, err);
    if (rc != DW_OK)
        goto out;
    set->maps = DW_ARENA_ARRAY(&set->arena, struct dw_capture_map, count + 1);
    for (size_t i = 0; i < count; i++)
        if (records[i].state != DW_MAP_STOPPED &&
            read_map(&records[i], system, &set->arena, &set->maps[set->count]))
            set->count++;
    *out = set;
    set = NULL;
out:
    dw_arena_done(&records_arena);
    dw_map_set_free(set);
    return rc;
}

void dw_map_set_free(struct dw_map_set *set)
{
    if (!set)
        return;
    dw_map_set_free(set->base);
    dw_arena_done(&set->arena);
    free(set);
}

/* --- revisions and the stream ----------------------------------------------------------------- */

static bool same_table(const struct dw_capture_map *a, const struct dw_capture_map *b)
{
    return dw_str_equal(a->map->source.schema, b->map->source.schema) &&
           dw_str_equal(a->map->source.table, b->map->source.table);
}

/* Reads a record in place of `map`; what is known of the table stays. */
static bool replace(struct dw_arena *arena, const struct dw_map_record *record,
                    struct dw_capture_map *map)
{
    struct dw_capture_map other;
    const char *system =
        dw_arena_copy(arena, map->map->source.system).ptr; /* ends with a null byte */
    if (!read_map(record, system, arena, &other))
        return false;
    if (same_table(map, &other))
        other.source_oid = map->source_oid;
    other.out_of_service = map->out_of_service;
    other.topic_partitions = map->topic_partitions;
    *map = other;
    return true;
}

enum dw_rc dw_map_set_at(struct dw_map_set *set, struct dw_state *state, uint32_t epoch,
                         uint64_t lsn, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < set->count && rc == DW_OK; i++) {
        struct dw_map_record record = set->maps[i].record;
        if (record.marked_epoch != epoch || record.marked_lsn <= lsn)
            continue;
        rc = dw_state_map_at(state, &record, epoch, lsn, &set->arena, err);
        if (rc == DW_OK && record.revision < set->maps[i].record.revision)
            (void)replace(&set->arena, &record, &set->maps[i]);
    }
    return rc;
}

/* As it was, but in the state that it has now. */
static struct dw_capture_map held(const struct dw_capture_map *before,
                                  const struct dw_capture_map *now)
{
    struct dw_capture_map map = *before;
    map.record.state = now->record.state;
    map.record.change = now->record.change;
    map.record.code = now->record.code;
    map.record.reason = now->record.reason;
    map.out_of_service = now->out_of_service;
    map.topic_partitions = now->topic_partitions;
    if (same_table(before, now))
        map.source_oid = now->source_oid;
    return map;
}

bool dw_map_set_hold(struct dw_map_set *set, struct dw_map_set *current, uint32_t epoch,
                     uint64_t lsn)
{
    bool any = false;
    for (size_t i = 0; i < set->count; i++) {
        const struct dw_map_record *record = &set->maps[i].record;
        bool ahead = record->marked_epoch != epoch || record->marked_lsn > lsn;
        const struct dw_capture_map *before = dw_map_set_find(current, record->name);
        if (!before || before->record.revision == record->revision ||
            (before->record.revision < record->revision && !ahead))
            continue;
        set->maps[i] = held(before, &set->maps[i]);
        any = true;
    }
    if (any)
        set->base = current;
    return any;
}

struct dw_map_set *dw_map_set_turn(struct dw_map_set *current, const struct dw_map_record *record)
{
    const struct dw_capture_map *before = dw_map_set_find(current, record->name);
    if (!before || before->record.revision >= record->revision)
        return NULL;
    struct dw_map_set *set = DW_MEM_NEW(struct dw_map_set);
    dw_arena_init(&set->arena, 16384);
    set->count = current->count;
    set->maps = DW_ARENA_ARRAY(&set->arena, struct dw_capture_map, set->count + 1);
    memcpy(set->maps, current->maps, set->count * sizeof *set->maps);
    struct dw_map_record next = before->record;
    next.revision = record->revision;
    next.document = record->document;
    next.resolved = record->resolved;
    if (!replace(&set->arena, &next, &set->maps[before - current->maps])) {
        dw_map_set_free(set);
        return NULL;
    }
    set->base = current;
    return set;
}

const struct dw_capture_map *dw_map_set_find(const struct dw_map_set *set, const char *name)
{
    for (size_t i = 0; set && i < set->count; i++)
        if (strcmp(set->maps[i].record.name, name) == 0)
            return &set->maps[i];
    return NULL;
}
