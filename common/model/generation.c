/* generation.c - see generation.h. */
#include "common/model/generation.h"

#include "common/base/arena.h"
#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include <stdlib.h>

#define ARENA_BYTES 4096

void dw_generation_done(struct dw_generations *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].map);
    free(list->items);
    *list = (struct dw_generations){NULL, 0};
}

static bool is_there(const struct dw_generations *list, const struct dw_generation *generation)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].number == generation->number &&
            strcmp(list->items[i].map, generation->map) == 0)
            return true;
    return false;
}

bool dw_generation_add(struct dw_generations *list, const struct dw_generation *generation)
{
    if (is_there(list, generation))
        return false;
    list->items = dw_mem_realloc(list->items, (list->count + 1) * sizeof *list->items);
    list->items[list->count] = *generation;
    list->items[list->count++].map = dw_mem_strdup(generation->map);
    return true;
}

void dw_generation_merge(struct dw_generations *list, const struct dw_generations *other)
{
    for (size_t i = 0; i < other->count; i++)
        (void)dw_generation_add(list, &other->items[i]);
}

static bool has_begun(const struct dw_generation *generation, uint32_t epoch, uint64_t lsn)
{
    return generation->epoch < epoch || (generation->epoch == epoch && generation->lsn <= lsn);
}

const struct dw_generation *dw_generation_at(const struct dw_generations *list, const char *map,
                                             uint32_t epoch, uint64_t lsn)
{
    const struct dw_generation *found = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct dw_generation *item = &list->items[i];
        if ((!found || item->number > found->number) && has_begun(item, epoch, lsn) &&
            strcmp(item->map, map) == 0)
            found = item;
    }
    return found;
}

const struct dw_generation *dw_generation_newest(const struct dw_generations *list, const char *map)
{
    return dw_generation_at(list, map, UINT32_MAX, UINT64_MAX);
}

/* The map's generation of the lowest number; NULL: none. */
static const struct dw_generation *oldest(const struct dw_generations *list, const char *map)
{
    const struct dw_generation *found = NULL;
    for (size_t i = 0; i < list->count; i++)
        if ((!found || list->items[i].number < found->number) &&
            strcmp(list->items[i].map, map) == 0)
            found = &list->items[i];
    return found;
}

int32_t dw_generation_count_at(const struct dw_generations *list, const char *map, uint32_t epoch,
                               uint64_t lsn, int32_t otherwise)
{
    const struct dw_generation *at = dw_generation_at(list, map, epoch, lsn);
    const struct dw_generation *first = at ? NULL : oldest(list, map);
    return at ? at->partitions : first ? first->before : otherwise;
}

/* --- text --------------------------------------------------------------------------------------
 */

void dw_generation_format(const struct dw_generations *list, struct dw_buf *out)
{
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct dw_generation *item = &list->items[i];
        dw_buf_append_text(out, i ? ",{" : "{");
        dw_json_write_text(out, "map", item->map);
        dw_json_write_i64(out, "generation", item->number);
        dw_json_write_i64(out, "before", item->before);
        dw_json_write_i64(out, "partitions", item->partitions);
        dw_json_write_u64(out, "epoch", item->epoch);
        dw_json_write_u64(out, "lsn", item->lsn);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

static void take_number(struct dw_str name, struct dw_str text, struct dw_generation *out)
{
    char digits[24] = "";
    if (text.len < sizeof digits)
        memcpy(digits, text.ptr, text.len);
    uint64_t number = strtoull(digits, NULL, 10);
    if (dw_str_is(name, "generation"))
        out->number = (int64_t)number;
    else if (dw_str_is(name, "before"))
        out->before = (int32_t)number;
    else if (dw_str_is(name, "partitions"))
        out->partitions = (int32_t)number;
    else if (dw_str_is(name, "epoch"))
        out->epoch = (uint32_t)number;
    else if (dw_str_is(name, "lsn"))
        out->lsn = number;
}

/* One object, its opening is behind us. */
static bool parse_item(struct dw_json_pull *pull, struct dw_generations *list)
{
    struct dw_generation item = {.map = NULL};
    enum dw_json token;
    bool good = true;
    while (good && (token = dw_json_pull_next(pull)) == DW_JSON_NAME) {
        struct dw_str name = pull->text;
        token = dw_json_pull_next(pull);
        if (token == DW_JSON_STRING && dw_str_is(name, "map") && !item.map)
            item.map = dw_mem_strndup(pull->text.ptr, pull->text.len);
        else if (token == DW_JSON_NUMBER)
            take_number(name, pull->text, &item);
        else
            good = token > DW_JSON_END && dw_json_pull_finish(pull, token);
    }
    good = good && token == DW_JSON_OBJECT_CLOSE && item.map && item.number > 1 &&
           item.before > 0 && item.partitions > 0;
    if (good)
        (void)dw_generation_add(list, &item);
    free(item.map);
    return good;
}

bool dw_generation_parse(struct dw_str text, struct dw_generations *list)
{
    struct dw_arena arena;
    struct dw_json_pull pull;
    dw_arena_init(&arena, ARENA_BYTES);
    dw_json_pull_init(&pull, text, &arena);
    enum dw_json token = dw_json_pull_next(&pull);
    bool good = token == DW_JSON_ARRAY_OPEN;
    while (good && (token = dw_json_pull_next(&pull)) == DW_JSON_OBJECT_OPEN)
        good = parse_item(&pull, list);
    good = good && token == DW_JSON_ARRAY_CLOSE && dw_json_pull_next(&pull) == DW_JSON_END;
    dw_arena_done(&arena);
    return good;
}
