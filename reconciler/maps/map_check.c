/* map_check.c - see map_check.h: one map after the other, then all beside each other. */
#include "reconciler/maps/map_check.h"

#include "common/config/document.h"
#include "reconciler/maps/check_columns.h"
#include "reconciler/maps/check_context.h"
#include "reconciler/maps/check_shared.h"
#include "reconciler/maps/check_source.h"
#include "reconciler/maps/check_target.h"

/* --- systems and tables ---------------------------------------------------------------------- */

static struct dw_check_system *find_system(const struct dw_check_context *context,
                                           struct dw_str name)
{
    for (size_t i = 0; i < context->settings->system_count; i++)
        if (dw_str_is(name, context->settings->systems[i].name))
            return &context->systems[i];
    return NULL;
}

static void report_unknown_system(struct dw_check_context *context, struct dw_check_map *map,
                                  struct dw_str name, const char *path)
{
    const char *known = "";
    for (size_t i = 0; i < context->settings->system_count; i++)
        known = dw_arena_printf(context->arena, "%s%s\"%s\"", known, i ? ", " : "",
                                context->settings->systems[i].name);
    dw_check_context_report(
        context, map, &(struct dw_check_fault){.code = "DW-MAP-020", .path = path},
        "found \"%.*s\", allowed: the systems of %s: %s", DW_STR_ARG(name),
        context->settings->file ? context->settings->file : "dualwrite.json", known);
}

/* The system, connected; NULL when it is unknown or cannot be reached (reported). */
static struct dw_check_system *use_system(struct dw_check_context *context,
                                          struct dw_check_map *map, struct dw_str name,
                                          const char *path)
{
    struct dw_check_system *system = find_system(context, name);
    if (!system) {
        report_unknown_system(context, map, name, path);
        return NULL;
    }
    enum dw_rc rc = dw_check_context_connect(context, system);
    if (rc == DW_OK)
        return system;
    dw_check_context_report(context, map,
                            &(struct dw_check_fault){
                                .code = rc == DW_RETRY ? "DW-MAP-021" : "DW-MAP-022", .path = path},
                            "%s", system->err.message);
    return NULL;
}

static const struct dw_pg_table *use_table(struct dw_check_context *context,
                                           struct dw_check_map *map,
                                           const struct dw_check_system *system,
                                           const struct dw_map_side *side, const char *path)
{
    const struct dw_pg_table *table = NULL;
    struct dw_err err = DW_ERR_INIT;
    if (dw_pg_table_load(system->conn, side->schema, side->table, context->arena, &table, &err) ==
        DW_OK)
        return table;
    if (strcmp(err.id, "DW-PG-010") == 0)
        dw_check_context_report(context, map,
                                &(struct dw_check_fault){.code = "DW-MAP-023", .path = path},
                                "system %s: %s", system->settings->name, err.message);
    else
        dw_check_context_failed(context, map, path, &err);
    return NULL;
}

/* --- one map --------------------------------------------------------------------------------- */

static void check_self(struct dw_check_context *context, struct dw_check_map *map)
{
    const struct dw_map_side *source = &map->map->source;
    const struct dw_map_side *target = &map->map->target;
    if (!dw_str_equal(source->system, target->system) ||
        !dw_str_equal(source->schema, target->schema) ||
        !dw_str_equal(source->table, target->table))
        return;
    dw_check_context_report(context, map,
                            &(struct dw_check_fault){.code = "DW-MAP-053", .path = "target.table"},
                            "found the source's own table %.*s.%.*s", DW_STR_ARG(target->schema),
                            DW_STR_ARG(target->table));
}

/* Sets the lines of messages; a text that is no JSON never came through the parser. */
static const struct dw_node *parse_places(struct dw_check_context *context, struct dw_str text)
{
    const struct dw_node *root = NULL;
    struct dw_document_fault fault;
    if (!text.len || dw_document_parse(text, context->arena, &root, &fault) != DW_OK)
        return NULL;
    return root;
}

static void check_one(struct dw_check_context *context, struct dw_check_map *map)
{
    const struct dw_table_map *spec = map->map;
    map->root = parse_places(context, map->item->text);
    check_self(context, map);
    map->source_system = use_system(context, map, spec->source.system, "source.system");
    map->target_system = use_system(context, map, spec->target.system, "target.system");
    if (map->source_system) {
        dw_check_source_server(context, map);
        map->source = use_table(context, map, map->source_system, &spec->source, "source.table");
    }
    if (map->target_system)
        map->target = use_table(context, map, map->target_system, &spec->target, "target.table");
    if (map->source) {
        dw_check_source_table(context, map);
        dw_check_source_published(context, map);
    }
    if (map->target) {
        dw_check_target_table(context, map);
        dw_check_target_server(context, map);
    }
    if (map->source && map->target)
        dw_check_columns(context, map);
}

/* --- all ------------------------------------------------------------------------------------- */

static bool same_side(const struct dw_map_side *a, const struct dw_map_side *b)
{
    bool same = dw_str_equal(a->system, b->system) && dw_str_equal(a->schema, b->schema) &&
                dw_str_equal(a->table, b->table) && a->key_count == b->key_count;
    for (size_t i = 0; same && i < a->key_count; i++)
        same = dw_str_equal(a->key[i], b->key[i]);
    return same;
}

const char *dw_map_check_moved(const struct dw_table_map *before, const struct dw_table_map *after)
{
    if (!same_side(&before->source, &after->source))
        return "source";
    return same_side(&before->target, &after->target) ? NULL : "target";
}

static void check_moved(struct dw_check_context *context, struct dw_check_map *map,
                        const struct dw_map_check_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *side = NULL;
        if (items[i].runs && dw_str_equal(items[i].map->name, map->map->name))
            side = dw_map_check_moved(items[i].map, map->map);
        if (side)
            dw_check_context_report(
                context, map, &(struct dw_check_fault){.code = "DW-API-016", .path = side},
                "system, table or key is another than in force, and the map is not stopped");
    }
}

static bool is_replaced(const struct dw_map_check_item *items, size_t count, size_t index)
{
    for (size_t i = 0; i < count; i++)
        if (!items[i].applied && dw_str_equal(items[i].map->name, items[index].map->name))
            return items[index].applied;
    return false;
}

void dw_map_check(const struct dw_settings *settings, struct dw_map_check_item *items, size_t count,
                  struct dw_map_problems *problems)
{
    struct dw_check_context context = {
        .settings = settings, .problems = problems, .arena = problems->arena};
    context.systems = DW_ARENA_ARRAY(context.arena, struct dw_check_system, settings->system_count);
    for (size_t i = 0; i < settings->system_count; i++)
        context.systems[i].settings = &settings->systems[i];
    struct dw_check_map *maps = DW_ARENA_ARRAY(context.arena, struct dw_check_map, count);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        items[i].errors = 0;
        if (!is_replaced(items, count, i))
            maps[used++] = (struct dw_check_map){.item = &items[i], .map = items[i].map};
    }
    for (size_t i = 0; i < used; i++)
        if (!maps[i].item->applied) {
            check_one(&context, &maps[i]);
            check_moved(&context, &maps[i], items, count);
        }
    dw_check_shared(&context, maps, used);
    for (size_t i = 0; i < used; i++)
        if (!maps[i].item->applied && !maps[i].item->errors)
            dw_check_columns_resolve(&context, &maps[i], &maps[i].item->resolved);
    dw_check_context_close(&context);
}
