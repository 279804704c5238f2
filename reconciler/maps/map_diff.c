/* map_diff.c - see map_diff.h. */
#include "reconciler/maps/map_diff.h"

#include "common/base/json_write.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_SHOWN_MAX 120

struct differ {
    struct dw_arena *arena;
    struct dw_map_diff_change *changes;
    size_t count, capacity;
};

static void add(struct differ *differ, const struct dw_map_diff_change *change)
{
    if (differ->count == differ->capacity) {
        size_t capacity = differ->capacity * 2 + 16;
        struct dw_map_diff_change *more =
            DW_ARENA_ARRAY(differ->arena, struct dw_map_diff_change, capacity);
        if (differ->count)
            memcpy(more, differ->changes, differ->count * sizeof *more);
        differ->changes = more;
        differ->capacity = capacity;
    }
    differ->changes[differ->count++] = *change;
}

/* A value on one line, cut where it is long. */
static const char *show(struct differ *differ, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    const char *shown = dw_arena_printf(differ->arena, "%.*s%s", VALUE_SHOWN_MAX, text ? text : "?",
                                        text && strlen(text) > VALUE_SHOWN_MAX ? "…" : "");
    free(text);
    return shown;
}

static const char *describe(struct differ *differ, const json_t *before, const json_t *after)
{
    if (!before)
        return dw_arena_printf(differ->arena, "new: %s", show(differ, after));
    if (!after)
        return dw_arena_printf(differ->arena, "gone: %s", show(differ, before));
    return dw_arena_printf(differ->arena, "was %s, is %s", show(differ, before),
                           show(differ, after));
}

/* --- members ---------------------------------------------------------------------------------- */

static const char moved[] = "other rows, or under other keys: stop the map, apply, and start it "
                            "again, which copies all";
static const char filtered[] =
    "rows that match now are missing and rows that match no more stay, until all is copied again "
    "with --delete-extra";
static const char narrowed[] =
    "rows that match no more stay, until all is copied again with --delete-extra";
static const char widened[] = "rows that did not match are missing, until all is copied again";
static const char onward[] = "from now on; rows already there stay as they are";

static const char compared[] = "from the next comparison on; no row is touched by it";

static const char *const objects[] = {"source", "target", "dead_letters", "reconcile"};

static const struct {
    const char *path;
    unsigned effects;
    const char *means;
} members[] = {
    {"source.system", DW_MAP_DIFF_STOP | DW_MAP_DIFF_BACKFILL, moved},
    {"source.table", DW_MAP_DIFF_STOP | DW_MAP_DIFF_BACKFILL, moved},
    {"source.key", DW_MAP_DIFF_STOP | DW_MAP_DIFF_BACKFILL, moved},
    {"target.system", DW_MAP_DIFF_STOP | DW_MAP_DIFF_BACKFILL, moved},
    {"target.table", DW_MAP_DIFF_STOP | DW_MAP_DIFF_BACKFILL, moved},
    {"target.key", DW_MAP_DIFF_STOP | DW_MAP_DIFF_BACKFILL, moved},
    {"filter", DW_MAP_DIFF_REMOVALS | DW_MAP_DIFF_BACKFILL, filtered},
    {"source.filter", DW_MAP_DIFF_REMOVALS | DW_MAP_DIFF_BACKFILL, filtered},
    {"target.filter", DW_MAP_DIFF_REMOVALS | DW_MAP_DIFF_BACKFILL, filtered},
    {"version", 0, "a name for the revision"},
    {"reconcile.every_hours", 0, compared},
    {"reconcile.continuous", 0, compared},
    {"reconcile.rate", 0, compared},
    {"reconcile.repair", 0, compared},
    {"dead_letters.auto_replay", 0, "at once, for letters that are open already, too"},
};

/* A filter that is new only takes rows away, one that is gone only brings some. */
static void judge_filter(struct dw_map_diff_change *change, bool had, bool has)
{
    if (!(change->effects & DW_MAP_DIFF_REMOVALS) || (had && has))
        return;
    change->means = has ? narrowed : widened;
    if (!has)
        change->effects &= ~(unsigned)DW_MAP_DIFF_REMOVALS;
}

/* "public" is meant where a table has no schema. */
static bool is_same(const char *path, const json_t *before, const json_t *after)
{
    const char *a = json_string_value(before);
    const char *b = json_string_value(after);
    const char *dot = strchr(path, '.');
    if (!a || !b || !dot || strcmp(dot, ".table") != 0)
        return json_equal(before, after);
    a += strncmp(a, "public.", 7) == 0 ? 7 : 0;
    b += strncmp(b, "public.", 7) == 0 ? 7 : 0;
    return strcmp(a, b) == 0;
}

static void compare_member(struct differ *differ, const char *path, const json_t *before,
                           const json_t *after)
{
    struct dw_map_diff_change change = {.path = path, .means = onward};
    if ((!before && !after) || (before && after && is_same(path, before, after)))
        return;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp(members[i].path, path) == 0) {
            change.effects = members[i].effects;
            change.means = members[i].means;
        }
    judge_filter(&change, before != NULL, after != NULL);
    change.change = describe(differ, before, after);
    add(differ, &change);
}

/* Compared by what stands in it. */
static bool has_parts(const char *name)
{
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        if (strcmp(objects[i], name) == 0)
            return true;
    return strcmp(name, "columns") == 0;
}

/* Members of one object; `prefix` "" or "source.". Those of either side, each once. */
static void compare_members(struct differ *differ, const char *prefix, json_t *before,
                            json_t *after)
{
    const char *name;
    json_t *value;
    json_object_foreach(after, name, value)
    {
        if (!*prefix && has_parts(name))
            continue;
        compare_member(differ, dw_arena_printf(differ->arena, "%s%s", prefix, name),
                       json_object_get(before, name), value);
    }
    json_object_foreach(before, name, value)
    {
        if (!json_object_get(after, name) && (*prefix || !has_parts(name)))
            compare_member(differ, dw_arena_printf(differ->arena, "%s%s", prefix, name), value,
                           NULL);
    }
}

/* --- columns ---------------------------------------------------------------------------------- */

static const char *name_of(const json_t *column)
{
    const char *target = json_string_value(json_object_get(column, "target"));
    const char *source = json_string_value(json_object_get(column, "source"));
    return target ? target : source ? source : "";
}

static const json_t *find_column(const json_t *document, const char *name)
{
    size_t i;
    json_t *column;
    json_array_foreach(json_object_get(document, "columns"), i, column)
    {
        if (strcmp(name_of(column), name) == 0)
            return column;
    }
    return NULL;
}

/* A key pair that is copied as it is may be left out of "columns". */
static bool is_implied(const json_t *document, const json_t *column)
{
    size_t i;
    json_t *key;
    if (json_object_size(column) != 2 || !json_object_get(column, "source"))
        return false;
    json_array_foreach(json_object_get(json_object_get(document, "target"), "key"), i, key)
    {
        const char *text = json_string_value(key);
        if (text && strcmp(text, name_of(column)) == 0)
            return true;
    }
    return false;
}

static void compare_columns(struct differ *differ, const json_t *before, const json_t *after)
{
    size_t i;
    json_t *column;
    json_array_foreach(json_object_get(after, "columns"), i, column)
    {
        const json_t *old = find_column(before, name_of(column));
        struct dw_map_diff_change change = {
            .path = dw_arena_printf(differ->arena, "columns.%s", name_of(column)),
            .change = describe(differ, old, column),
            .means = old ? "rows already there keep their old value until they are copied again"
                         : "rows already there lack its value until they are copied again",
            .effects = DW_MAP_DIFF_BACKFILL,
        };
        if (old ? !json_equal(old, column) : !is_implied(after, column))
            add(differ, &change);
    }
    json_array_foreach(json_object_get(before, "columns"), i, column)
    {
        struct dw_map_diff_change change = {
            .path = dw_arena_printf(differ->arena, "columns.%s", name_of(column)),
            .change = describe(differ, column, NULL),
            .means = "it is not written any more; its values in the target stay as they are",
        };
        if (!find_column(after, name_of(column)) && !is_implied(before, column))
            add(differ, &change);
    }
}

/* --- whole ------------------------------------------------------------------------------------ */

static json_t *load(struct dw_str text)
{
    json_t *document = json_loadb(text.ptr ? text.ptr : "", text.len, 0, NULL);
    if (json_is_object(document))
        return document;
    json_decref(document);
    return json_object();
}

void dw_map_diff_make(struct dw_str before, struct dw_str after, struct dw_arena *arena,
                      struct dw_map_diff *out)
{
    struct differ differ = {.arena = arena};
    json_t *old = load(before);
    json_t *new = load(after);
    compare_members(&differ, "", old, new);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        compare_members(&differ, dw_arena_printf(arena, "%s.", objects[i]),
                        json_object_get(old, objects[i]), json_object_get(new, objects[i]));
    compare_columns(&differ, old, new);
    json_decref(old);
    json_decref(new);
    *out = (struct dw_map_diff){.changes = differ.changes, .count = differ.count};
    for (size_t i = 0; i < differ.count; i++)
        out->effects |= differ.changes[i].effects;
}

/* --- types in the catalogues -------------------------------------------------------------------
 */

static void compare_types(struct differ *differ, const char *side,
                          const struct dw_resolved_side *before,
                          const struct dw_resolved_side *after)
{
    for (size_t i = 0; i < after->column_count; i++) {
        const struct dw_resolved_column *now = &after->columns[i];
        const struct dw_resolved_column *then = dw_map_resolved_find(before, now->name);
        if (!then || dw_str_equal(then->type, now->type))
            continue;
        struct dw_map_diff_change change = {
            .path = dw_arena_printf(differ->arena, "%s column %.*s", side, DW_STR_ARG(now->name)),
            .change = dw_arena_printf(differ->arena, "was %.*s, is %.*s", DW_STR_ARG(then->type),
                                      DW_STR_ARG(now->type)),
            .means = "its table has changed since the map was applied: from now on by the new type",
        };
        add(differ, &change);
    }
}

void dw_map_diff_retyped(struct dw_map_diff *diff, const struct dw_map_resolved *before,
                         const struct dw_map_resolved *after, struct dw_arena *arena)
{
    struct differ differ = {.arena = arena};
    for (size_t i = 0; i < diff->count; i++)
        add(&differ, &diff->changes[i]);
    compare_types(&differ, "source", &before->source, &after->source);
    compare_types(&differ, "target", &before->target, &after->target);
    diff->changes = differ.changes;
    diff->count = differ.count;
}

void dw_map_diff_write(const struct dw_map_diff *diff, struct dw_buf *out)
{
    dw_json_write_name(out, "changes");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < diff->count; i++) {
        const struct dw_map_diff_change *change = &diff->changes[i];
        dw_buf_append_text(out, i ? ",{" : "{");
        dw_json_write_text(out, "path", change->path);
        dw_json_write_text(out, "change", change->change);
        dw_json_write_text(out, "means", change->means);
        dw_json_write_bool(out, "backfill", change->effects & DW_MAP_DIFF_BACKFILL);
        dw_json_write_bool(out, "removals", change->effects & DW_MAP_DIFF_REMOVALS);
        dw_json_write_bool(out, "stop", change->effects & DW_MAP_DIFF_STOP);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
    dw_json_write_bool(out, "backfill", diff->effects & DW_MAP_DIFF_BACKFILL);
    dw_json_write_bool(out, "removals", diff->effects & DW_MAP_DIFF_REMOVALS);
    dw_json_write_bool(out, "stop", diff->effects & DW_MAP_DIFF_STOP);
}
