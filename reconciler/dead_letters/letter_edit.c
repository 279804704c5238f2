/* letter_edit.c - see letter_edit.h. */
#include "reconciler/dead_letters/letter_edit.h"

#include "common/base/json_write.h"
#include "common/model/event.h"
#include "common/model/map_resolved.h"
#include "common/model/table_map.h"
#include "reconciler/maps/sync_keys.h"

/* `event` as the letter has it; what is foreign has no version. */
static bool same_place(const struct dw_event *event, const struct dw_letter *letter,
                       struct dw_arena *arena)
{
    if (!event->has_version)
        return !*letter->version;
    const char *text = dw_arena_printf(
        arena, "%u/%X/%X/%llu", event->version.epoch, (unsigned)(event->version.commit_lsn >> 32),
        (unsigned)event->version.commit_lsn, (unsigned long long)event->version.ordinal);
    return strcmp(text, letter->version) == 0;
}

/* The key of a row image, as the map's source has it, is that of the record. */
static const char *check_key(const struct dw_letter *letter, const struct dw_table_map *map,
                             const struct dw_event_row *row, struct dw_arena *arena)
{
    struct dw_err err = DW_ERR_INIT;
    const char *key = NULL;
    if (dw_sync_keys_parse_one(letter->key, &map->source, arena, &key, &err) != DW_OK)
        return "its record's key is not one of the map's source";
    struct dw_buf json;
    dw_buf_init(&json, 1u << 20);
    for (size_t i = 0; i < map->source.key_count; i++) {
        const struct dw_event_field *field = NULL;
        for (size_t f = 0; f < row->count; f++)
            if (dw_str_equal(row->fields[f].name, map->source.key[i]))
                field = &row->fields[f];
        dw_buf_append_char(&json, i ? ',' : '[');
        if (field && field->value.kind == DW_VALUE_STRING)
            dw_json_write_string(&json, field->value.text);
        else if (field && field->value.kind == DW_VALUE_NUMBER)
            dw_buf_printf(&json, "\"%.*s\"", DW_STR_ARG(field->value.text));
        else if (field && field->value.kind == DW_VALUE_TRUE)
            dw_buf_append_text(&json, "\"true\"");
        else if (field && field->value.kind == DW_VALUE_FALSE)
            dw_buf_append_text(&json, "\"false\"");
        else
            dw_buf_append_text(&json, "null");
    }
    dw_buf_append_char(&json, ']');
    bool same = dw_str_is(dw_buf_str(&json), key);
    const char *found = dw_arena_copy(arena, dw_buf_str(&json)).ptr;
    dw_buf_done(&json);
    return same ? NULL
                : dw_arena_printf(arena, "the event is of the row %.200s, the letter of %.200s",
                                  found, key);
}

static bool has_field(const struct dw_event_row *row, struct dw_str name)
{
    for (size_t i = 0; i < row->count; i++)
        if (dw_str_equal(row->fields[i].name, name))
            return true;
    return false;
}

/* A column that neither the letter's own event has nor the map reads is a slip: nothing would come
 * of it. What the own event leaves out may be added, an unchanged TOAST value. */
static const char *check_columns(const struct dw_letter *letter, const struct dw_map_record *map,
                                 const struct dw_event_row *row, struct dw_arena *arena)
{
    struct dw_event own = {0};
    struct dw_map_resolved resolved = {0};
    struct dw_err ignored = DW_ERR_INIT;
    if (!letter->value.ptr || !map->resolved ||
        dw_event_decode(letter->value, arena, &own, &ignored) != DW_OK ||
        dw_map_resolved_parse(dw_str_from(map->resolved), arena, &resolved, &ignored) != DW_OK)
        return NULL;
    for (size_t i = 0; i < row->count; i++) {
        struct dw_str name = row->fields[i].name;
        if (!has_field(&own.before, name) && !has_field(&own.after, name) &&
            !dw_map_resolved_find(&resolved.source, name))
            return dw_arena_printf(arena,
                                   "the row has a column \"%.*s\", which neither its own event has "
                                   "nor the map reads",
                                   DW_STR_ARG(name));
    }
    return NULL;
}

const char *dw_letter_edit_check(const struct dw_letter *letter,
                                 const struct dw_letter_facts *facts, const struct dw_str *event,
                                 struct dw_arena *arena)
{
    struct dw_event decoded = {0};
    struct dw_err err = DW_ERR_INIT;
    struct dw_map_problems ignored;
    if (letter->state != DW_LETTER_OPEN)
        return dw_arena_printf(arena, "it is %s", dw_state_letters_state_name(letter->state));
    if (letter->kind != DW_LETTER_EVENT || letter->archived)
        return "only the source's row of now can take its place: there is no event to be edited";
    if (!event)
        return NULL;
    if (!facts->map)
        return "there is no map of its name any more";
    dw_map_problems_init(&ignored, arena);
    const struct dw_table_map *map =
        dw_table_map_parse(dw_str_from(facts->map->document), facts->map->name, arena, &ignored);
    if (!map)
        return "the map's document does not parse: apply it again";
    if (dw_event_decode(*event, arena, &decoded, &err) != DW_OK)
        return dw_arena_printf(arena, "%s", err.message);
    if (decoded.op == DW_EVENT_MESSAGE || decoded.op == DW_EVENT_TRUNCATE)
        return "\"op\" has to be c, u, r or d: only the change of a row can be replayed";
    const struct dw_event_row *row =
        decoded.op == DW_EVENT_DELETE ? &decoded.before : &decoded.after;
    if (!row->fields)
        return decoded.op == DW_EVENT_DELETE ? "a delete needs \"before\""
                                             : "an event other than a delete needs \"after\"";
    if (decoded.has_version && !dw_str_is(decoded.system, facts->map->source_system))
        return dw_arena_printf(arena, "source.name has to be %s", facts->map->source_system);
    if (!same_place(&decoded, letter, arena))
        return dw_arena_printf(arena,
                               "source.epoch, lsn and ordinal are the letter's version %s and "
                               "cannot be changed",
                               letter->version);
    const char *why = check_key(letter, map, row, arena);
    return why ? why : check_columns(letter, facts->map, row, arena);
}
