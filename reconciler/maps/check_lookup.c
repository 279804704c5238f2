/* check_lookup.c - see check_lookup.h. */
#include "reconciler/maps/check_lookup.h"

#include "common/transform/transform.h"
#include "reconciler/maps/check_expr.h"

static struct dw_resolved_column resolve(const struct dw_pg_column *column)
{
    return (struct dw_resolved_column){.name = column->name,
                                       .type = column->type,
                                       .oid = column->type_oid,
                                       .base_oid = column->base_oid,
                                       .typmod = column->typmod};
}

static const struct dw_pg_column *find(struct dw_check_context *context, struct dw_check_map *map,
                                       const struct dw_pg_table *table, struct dw_str name,
                                       const char *path)
{
    const struct dw_pg_column *column = dw_pg_table_column(table, name);
    if (!column)
        dw_check_context_report(context, map,
                                &(struct dw_check_fault){.code = "DW-MAP-026", .path = path},
                                "table %.*s.%.*s has no column \"%.*s\"", DW_STR_ARG(table->schema),
                                DW_STR_ARG(table->table), DW_STR_ARG(name));
    return column;
}

static void check_conversion(struct dw_check_context *context, struct dw_check_map *map,
                             const struct dw_pg_column *from, const struct dw_pg_column *to,
                             const char *path)
{
    const struct dw_resolved_column source = resolve(from);
    const struct dw_resolved_column target = resolve(to);
    struct dw_err err = DW_ERR_INIT;
    enum dw_rc rc = dw_transform_can_convert(&source, &target, &err);
    if (rc != DW_OK)
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){.code = rc == DW_REJECT ? "DW-MAP-029" : "DW-MAP-028",
                                     .path = path,
                                     .warning = rc == DW_REJECT},
            "column \"%.*s\" to column \"%.*s\": %s", DW_STR_ARG(from->name), DW_STR_ARG(to->name),
            err.message);
}

static const struct dw_pg_table *load(struct dw_check_context *context, struct dw_check_map *map,
                                      const struct dw_map_lookup *spec, const char *path)
{
    const struct dw_pg_table *table = NULL;
    struct dw_err err = DW_ERR_INIT;
    path = dw_arena_printf(context->arena, "%s.table", path);
    if (dw_pg_table_load(map->target_system->conn, spec->schema, spec->table, context->arena,
                         &table, &err) == DW_OK)
        return table;
    if (strcmp(err.id, "DW-PG-010") == 0)
        dw_check_context_report(context, map,
                                &(struct dw_check_fault){.code = "DW-MAP-023", .path = path}, "%s",
                                err.message);
    else
        dw_check_context_failed(context, map, path, &err);
    return NULL;
}

static void check_unique(struct dw_check_context *context, struct dw_check_map *map,
                         const struct dw_map_lookup *spec, const struct dw_pg_table *table,
                         const char *path)
{
    struct dw_str *names = DW_ARENA_ARRAY(context->arena, struct dw_str, spec->key_count);
    for (size_t i = 0; i < spec->key_count; i++)
        names[i] = spec->keys[i].column;
    if (dw_pg_table_unique(table, names, spec->key_count))
        return;
    const char *list = dw_check_context_names_sql(context, names, spec->key_count);
    const char *sql = dw_check_context_table_sql(context, table);
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){.code = "DW-MAP-063",
                                 .path = dw_arena_printf(context->arena, "%s.key", path),
                                 .remedy = dw_arena_printf(
                                     context->arena, "CREATE UNIQUE INDEX ON %s (%s);", sql, list)},
        "table %s has no unique index on exactly (%s), so that the row is not certain", sql, list);
}

/* NULL when the table or the value's column is missing (reported). */
static const struct dw_pg_column *check_node(struct dw_check_context *context,
                                             struct dw_check_map *map,
                                             const struct dw_map_lookup *spec, const char *path)
{
    const struct dw_pg_table *table = load(context, map, spec, path);
    if (!table)
        return NULL;
    bool all = true;
    for (size_t i = 0; i < spec->key_count; i++) {
        const struct dw_map_lookup_key *key = &spec->keys[i];
        const char *place = dw_arena_printf(context->arena, "%s.key[%zu]", path, i);
        const struct dw_pg_column *column = find(context, map, table, key->column, place);
        const struct dw_pg_column *from = NULL;
        all = all && column;
        if (key->source.ptr)
            from = find(context, map, map->source, key->source, place);
        if (from)
            dw_check_expr_used(context, map, from, place);
        if (key->lookup)
            from = check_node(context, map, key->lookup,
                              dw_arena_printf(context->arena, "%s.lookup", place));
        if (column && from)
            check_conversion(context, map, from, column, place);
    }
    if (all)
        check_unique(context, map, spec, table, path);
    return find(context, map, table, spec->column,
                dw_arena_printf(context->arena, "%s.column", path));
}

void dw_check_lookup_column(struct dw_check_context *context, struct dw_check_map *map,
                            size_t index, const struct dw_pg_column *target)
{
    const char *path = dw_arena_printf(context->arena, "columns[%zu].lookup", index);
    const struct dw_pg_column *value =
        check_node(context, map, map->map->columns[index].lookup, path);
    if (value && target)
        check_conversion(context, map, value, target, path);
}

/* --- maps beside each other ------------------------------------------------------------------ */

static bool goes_into(const struct dw_map_lookup *spec, const struct dw_map_side *side)
{
    if (dw_str_equal(spec->schema, side->schema) && dw_str_equal(spec->table, side->table))
        return true;
    for (size_t i = 0; i < spec->key_count; i++)
        if (spec->keys[i].lookup && goes_into(spec->keys[i].lookup, side))
            return true;
    return false;
}

/* Rows of `map` need rows of `other`; those of the same table do not count: they have an order. */
static bool waits_for(const struct dw_table_map *map, const struct dw_table_map *other)
{
    if (map == other || !dw_str_equal(map->target.system, other->target.system) ||
        (dw_str_equal(map->target.schema, other->target.schema) &&
         dw_str_equal(map->target.table, other->target.table)))
        return false;
    for (size_t i = 0; i < map->column_count; i++) {
        const struct dw_map_lookup *lookup = map->columns[i].lookup;
        if (lookup && lookup->on_missing != DW_ON_MISSING_NULL && goes_into(lookup, &other->target))
            return true;
    }
    return false;
}

struct search {
    struct dw_check_context *context;
    const struct dw_check_map *maps;
    size_t count, from;
    bool *seen;
};

/* The names on the way from maps[at] back to where the search began; NULL: there is none. */
static const char *way_back(struct search *search, size_t at)
{
    for (size_t i = 0; i < search->count; i++) {
        if (!waits_for(search->maps[at].map, search->maps[i].map))
            continue;
        struct dw_str name = search->maps[i].map->name;
        if (i == search->from)
            return dw_arena_printf(search->context->arena, " -> %.*s", DW_STR_ARG(name));
        if (search->seen[i])
            continue;
        search->seen[i] = true;
        const char *rest = way_back(search, i);
        if (rest)
            return dw_arena_printf(search->context->arena, " -> %.*s%s", DW_STR_ARG(name), rest);
    }
    return NULL;
}

static void check_fed(struct dw_check_context *context, struct dw_check_map *maps, size_t count,
                      struct dw_check_map *map, size_t column)
{
    const struct dw_map_lookup *lookup = map->map->columns[column].lookup;
    for (size_t i = 0; i < count; i++)
        if (dw_str_equal(maps[i].map->target.system, map->map->target.system) &&
            dw_str_equal(maps[i].map->target.schema, lookup->schema) &&
            dw_str_equal(maps[i].map->target.table, lookup->table))
            return;
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){
            .code = "DW-MAP-065",
            .path = dw_arena_printf(context->arena, "columns[%zu].lookup.table", column),
            .warning = true},
        "no map writes table %.*s.%.*s: when its rows change, rows that took a value from them "
        "keep "
        "the old one",
        DW_STR_ARG(lookup->schema), DW_STR_ARG(lookup->table));
}

void dw_check_lookup_shared(struct dw_check_context *context, struct dw_check_map *maps,
                            size_t count, size_t index)
{
    struct dw_check_map *map = &maps[index];
    struct search search = {.context = context,
                            .maps = maps,
                            .count = count,
                            .from = index,
                            .seen = DW_ARENA_ARRAY(context->arena, bool, count)};
    const char *way = way_back(&search, index);
    if (way)
        dw_check_context_report(
            context, map, &(struct dw_check_fault){.code = "DW-MAP-064", .path = "columns"},
            "rows wait for each other's: %.*s%s", DW_STR_ARG(map->map->name), way);
    for (size_t i = 0; i < map->map->column_count; i++)
        if (map->map->columns[i].lookup)
            check_fed(context, maps, count, map, i);
}
