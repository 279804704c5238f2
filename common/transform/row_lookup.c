/* row_lookup.c - see row_lookup.h. */
#include "common/transform/row_lookup.h"

#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/transform/convert.h"
#include "common/transform/row_field.h"

#define KEY_BYTES_MAX ((size_t)16 << 20)

struct part {
    struct dw_row_field source; /* no name: the constant */
    struct dw_convert convert;
    struct dw_str constant;
};

struct dw_row_lookup {
    struct part *parts;
    size_t count;
};

struct making {
    struct dw_row_lookup *lookup;
    const struct dw_map_resolved *resolved;
    struct dw_arena *arena;
    struct dw_err *err;
};

static size_t count_parts(const struct dw_map_lookup *lookup)
{
    size_t count = 0;
    for (size_t i = 0; i < lookup->key_count; i++)
        count += lookup->keys[i].lookup ? count_parts(lookup->keys[i].lookup) : 1;
    return count;
}

static const struct dw_resolved_column *find_column(const struct dw_map_resolved *resolved,
                                                    const struct dw_map_lookup *lookup,
                                                    struct dw_str name)
{
    for (size_t i = 0; i < resolved->lookup_count; i++)
        if (dw_str_equal(resolved->lookups[i].schema, lookup->schema) &&
            dw_str_equal(resolved->lookups[i].table, lookup->table))
            return dw_map_resolved_find(&resolved->lookups[i].side, name);
    return NULL;
}

static enum dw_rc add_part(struct making *making, const struct dw_map_lookup *lookup,
                           const struct dw_map_lookup_key *key)
{
    struct part *part = &making->lookup->parts[making->lookup->count++];
    const struct dw_resolved_column *column = find_column(making->resolved, lookup, key->column);
    struct dw_convert_type target;
    if (!column)
        return dw_err_set(making->err, DW_CONFIG, "DW-VALUE-021",
                          "the type of column %.*s of %.*s.%.*s is not known",
                          DW_STR_ARG(key->column), DW_STR_ARG(lookup->schema),
                          DW_STR_ARG(lookup->table));
    dw_convert_type_of(column, &target);
    if (!key->source.ptr)
        return dw_convert_literal(&key->constant, &target, making->arena, &part->constant,
                                  making->err);
    const struct dw_resolved_column *source =
        dw_map_resolved_find(&making->resolved->source, key->source);
    struct dw_convert_type type;
    if (!source)
        return dw_err_set(making->err, DW_CONFIG, "DW-VALUE-021",
                          "the type of source column %.*s is not known", DW_STR_ARG(key->source));
    dw_convert_type_of(source, &type);
    part->source = dw_row_field_new(key->source, making->arena);
    return dw_convert_init(&part->convert, &type, &target, making->arena, making->err);
}

static enum dw_rc add_parts(struct making *making, const struct dw_map_lookup *lookup)
{
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; rc == DW_OK && i < lookup->key_count; i++)
        rc = lookup->keys[i].lookup ? add_parts(making, lookup->keys[i].lookup)
                                    : add_part(making, lookup, &lookup->keys[i]);
    return rc;
}

enum dw_rc dw_row_lookup_new(struct dw_row_lookup **out, const struct dw_map_lookup *lookup,
                             const struct dw_map_resolved *resolved, struct dw_arena *arena,
                             struct dw_err *err)
{
    struct dw_row_lookup *made = DW_ARENA_NEW(arena, struct dw_row_lookup);
    struct making making = {made, resolved, arena, err};
    made->parts = DW_ARENA_ARRAY(arena, struct part, count_parts(lookup));
    enum dw_rc rc = add_parts(&making, lookup);
    if (rc == DW_OK)
        *out = made;
    return rc;
}

/* The part's text; *kind is STRING, NULL or ABSENT. */
static enum dw_rc text_of(const struct part *part, const struct dw_event_row *row, size_t *previous,
                          struct dw_arena *arena, struct dw_value *out, struct dw_err *err)
{
    *out = (struct dw_value){DW_VALUE_STRING, part->constant};
    if (!part->source.name.ptr)
        return DW_OK;
    const struct dw_event_field *field = dw_row_field_find(&part->source, row, previous);
    if (!field || field->value.kind == DW_VALUE_ABSENT || field->value.kind == DW_VALUE_NULL) {
        out->kind = field ? field->value.kind : DW_VALUE_ABSENT;
        return DW_OK;
    }
    enum dw_rc rc = dw_convert_value(&part->convert, &field->value, arena, &out->text, err);
    if (rc != DW_OK)
        dw_err_add_context(err, "source column %.*s", DW_STR_ARG(part->source.name));
    return rc;
}

enum dw_rc dw_row_lookup_key(const struct dw_row_lookup *lookup, const struct dw_event_row *row,
                             struct dw_arena *arena, struct dw_value *out, struct dw_err *err)
{
    struct dw_buf json;
    struct dw_value value = {DW_VALUE_STRING, {NULL, 0}};
    size_t previous = SIZE_MAX;
    enum dw_rc rc = DW_OK;
    dw_buf_init(&json, KEY_BYTES_MAX);
    for (size_t i = 0; i < lookup->count && value.kind == DW_VALUE_STRING; i++) {
        rc = text_of(&lookup->parts[i], row, &previous, arena, &value, err);
        if (rc != DW_OK)
            break;
        dw_buf_append_char(&json, i ? ',' : '[');
        if (value.kind == DW_VALUE_STRING)
            dw_json_write_string(&json, value.text);
    }
    dw_buf_append_char(&json, ']');
    *out = (struct dw_value){value.kind, {NULL, 0}};
    if (rc == DW_OK && value.kind == DW_VALUE_STRING)
        *out = (struct dw_value){DW_VALUE_NESTED, dw_arena_copy(arena, dw_buf_str(&json))};
    dw_buf_done(&json);
    return rc;
}
