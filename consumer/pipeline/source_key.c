/* source_key.c - see source_key.h. */
#include "consumer/pipeline/source_key.h"

#include "common/base/hash.h"
#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include "common/model/event_encode.h"

#define KEEP_BYTES  65536
#define NUMERIC_OID 1700

static bool take_value(enum dw_json token, const struct dw_json_pull *pull, struct dw_str *out)
{
    *out = token == DW_JSON_TRUE    ? DW_STR_LIT("true")
           : token == DW_JSON_FALSE ? DW_STR_LIT("false")
                                    : pull->text;
    return token == DW_JSON_STRING || token == DW_JSON_NUMBER || token == DW_JSON_TRUE ||
           token == DW_JSON_FALSE;
}

/* {"dataareaid":"dat","accountnum":"C-1"}, in any order; true when all columns were there. */
static bool read_columns(const struct dw_source_key *reader, struct dw_str record_key,
                         struct dw_str values[DW_TABLE_MAP_KEY_MAX])
{
    const struct dw_map_side *side = &reader->map->source;
    struct dw_json_pull pull;
    enum dw_json token;
    size_t found = 0;
    dw_json_pull_init(&pull, record_key, reader->arena);
    if (!record_key.ptr || dw_json_pull_next(&pull) != DW_JSON_OBJECT_OPEN)
        return false;
    while ((token = dw_json_pull_next(&pull)) == DW_JSON_NAME) {
        size_t column = 0;
        while (column < side->key_count && !dw_str_equal(side->key[column], pull.text))
            column++;
        if (column == side->key_count || values[column].ptr ||
            !take_value(dw_json_pull_next(&pull), &pull, &values[column]))
            return false;
        found++;
    }
    return token == DW_JSON_OBJECT_CLOSE && found == side->key_count;
}

static bool is_numeric(const struct dw_source_key *reader, size_t column)
{
    const struct dw_resolved_column *resolved =
        dw_map_resolved_find(reader->source, reader->map->source.key[column]);
    return resolved && resolved->base_oid == NUMERIC_OID;
}

struct dw_held_key dw_source_key_read(const struct dw_source_key *reader, struct dw_str record_key)
{
    struct dw_str values[DW_TABLE_MAP_KEY_MAX] = {{NULL, 0}};
    struct dw_buf *text = reader->text;
    if (!read_columns(reader, record_key, values))
        return (struct dw_held_key){{NULL, 0}, 0};
    dw_buf_reset(text, KEEP_BYTES);
    for (size_t i = 0; i < reader->map->source.key_count; i++) {
        struct dw_str value =
            is_numeric(reader, i) ? dw_event_encode_unscaled(values[i]) : values[i];
        dw_buf_append_char(text, i ? ',' : '[');
        if (reader->ascii)
            dw_json_write_ascii(text, value);
        else
            dw_json_write_string(text, value);
    }
    dw_buf_append_char(text, ']');
    struct dw_str key = dw_arena_copy(reader->arena, dw_buf_str(text));
    return (struct dw_held_key){key, dw_hash_bytes(key.ptr, key.len, 0)};
}

static bool has_value(const struct dw_event_row *row, struct dw_str name, size_t *at)
{
    /* Columns come in the table's order, as the map's mostly do. */
    for (size_t tried = 0; tried < row->count; tried++) {
        const struct dw_event_field *field = &row->fields[(*at + tried) % row->count];
        if (!dw_str_equal(field->name, name))
            continue;
        *at = (*at + tried + 1) % row->count;
        return field->value.kind != DW_VALUE_ABSENT;
    }
    return false;
}

struct dw_held_lacks dw_source_key_lacks(const struct dw_source_key *reader,
                                         const struct dw_event_row *row)
{
    const struct dw_table_map *map = reader->map;
    uint64_t *columns = NULL;
    size_t count = 0;
    size_t at = 0;
    for (size_t i = 0; i < map->column_count; i++) {
        struct dw_str name = map->columns[i].source;
        if (!name.ptr || has_value(row, name, &at))
            continue;
        if (!columns)
            columns = DW_ARENA_ARRAY(reader->arena, uint64_t, map->column_count);
        columns[count++] = dw_hash_bytes(name.ptr, name.len, 0);
    }
    return (struct dw_held_lacks){columns, count};
}
