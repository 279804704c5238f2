/* value_map.c - see value_map.h. */
#include "common/transform/value_map.h"

#include "common/transform/decimal.h"
#include <stdlib.h>

#define QUOTED_MAX 40 /* a value this short is told: one has to know it to act */

struct entry {
    struct dw_str from;
    struct dw_value to;
};

struct dw_value_map {
    struct entry *entries; /* sorted by `from` */
    size_t count;
    const struct dw_value *null; /* points into `null_value`, or NULL */
    struct dw_value null_value;
    bool numbers;
};

static int compare_text(struct dw_str a, struct dw_str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

static int compare_entries(const void *a, const void *b)
{
    return compare_text(((const struct entry *)a)->from, ((const struct entry *)b)->from);
}

static struct dw_str as_number(struct dw_str text, struct dw_arena *arena)
{
    struct dw_decimal number;
    return dw_decimal_parse(text, &number) ? dw_decimal_normalise(&number, arena) : text;
}

static enum dw_rc convert_to(const struct dw_value *to, const struct dw_convert_type *target,
                             struct dw_arena *arena, struct dw_value *out, struct dw_err *err)
{
    if (to->kind == DW_VALUE_NULL) {
        *out = *to;
        return DW_OK;
    }
    out->kind = DW_VALUE_STRING;
    enum dw_rc rc = dw_convert_literal(to, target, arena, &out->text, err);
    if (rc == DW_OK)
        return DW_OK;
    struct dw_err cause = *err;
    return dw_err_set(err, DW_CONFIG, "DW-VALUE-022", "the value map: %s", cause.message);
}

static struct dw_str from_text(const struct dw_value *from)
{
    if (from->kind == DW_VALUE_TRUE)
        return DW_STR_LIT("true");
    return from->kind == DW_VALUE_FALSE ? DW_STR_LIT("false") : from->text;
}

enum dw_rc dw_value_map_new(struct dw_value_map **out, const struct dw_map_column *column,
                            const struct dw_convert_type *source,
                            const struct dw_convert_type *target, struct dw_arena *arena,
                            struct dw_err *err)
{
    struct dw_value_map *map = DW_ARENA_NEW(arena, struct dw_value_map);
    map->entries = DW_ARENA_ARRAY(arena, struct entry, column->value_count);
    map->numbers = source->family == DW_FAMILY_INTEGER || source->family == DW_FAMILY_NUMERIC ||
                   source->family == DW_FAMILY_FLOAT;
    for (size_t i = 0; i < column->value_count; i++) {
        struct dw_value to;
        enum dw_rc rc = convert_to(&column->values[i].to, target, arena, &to, err);
        if (rc != DW_OK)
            return rc;
        if (column->values[i].from.kind == DW_VALUE_NULL) {
            map->null_value = to;
            map->null = &map->null_value;
            continue;
        }
        struct dw_str from = from_text(&column->values[i].from);
        if (map->numbers)
            from = as_number(from, arena);
        map->entries[map->count++] = (struct entry){from, to};
    }
    qsort(map->entries, map->count, sizeof *map->entries, compare_entries);
    *out = map;
    return DW_OK;
}

enum dw_rc dw_value_map_find(const struct dw_value_map *map, struct dw_str text,
                             struct dw_arena *arena, struct dw_value *out, struct dw_err *err)
{
    struct entry wanted = {.from = map->numbers ? as_number(text, arena) : text};
    const struct entry *found =
        bsearch(&wanted, map->entries, map->count, sizeof wanted, compare_entries);
    if (found) {
        *out = found->to;
        return DW_OK;
    }
    if (text.len <= QUOTED_MAX)
        return dw_err_set(err, DW_REJECT, "DW-VALUE-008", "\"%.*s\" is not in the value map",
                          DW_STR_ARG(text));
    return dw_err_set(err, DW_REJECT, "DW-VALUE-008",
                      "a value of %zu bytes is not in the value map", text.len);
}

const struct dw_value *dw_value_map_null(const struct dw_value_map *map)
{
    return map->null;
}
