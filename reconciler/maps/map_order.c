/* map_order.c - see map_order.h. */
#include "reconciler/maps/map_order.h"

#include "common/model/table_map.h"
#include "common/postgres/pg.h"
#include <libpq-fe.h>
#include <stdint.h>
#include <string.h>

/* --- sorting ---------------------------------------------------------------------------------- */

struct graph {
    size_t count;
    size_t words;    /* of a row */
    uint64_t *reach; /* a row of bits for each map: its parents, and theirs */
};

static bool reaches(const struct graph *graph, size_t from, size_t to)
{
    return graph->reach[from * graph->words + to / 64] >> (to % 64) & 1;
}

static void close_over(struct graph *graph)
{
    for (size_t middle = 0; middle < graph->count; middle++)
        for (size_t from = 0; from < graph->count; from++) {
            if (!reaches(graph, from, middle))
                continue;
            for (size_t w = 0; w < graph->words; w++)
                graph->reach[from * graph->words + w] |= graph->reach[middle * graph->words + w];
        }
}

/* A parent counts unless it is in a cycle with the child. */
static bool comes_after(const struct graph *graph, size_t child, size_t parent)
{
    return child != parent && reaches(graph, child, parent) && !reaches(graph, parent, child);
}

/* Those that come after the child come after the parent too. */
static void add_soft(struct graph *graph, size_t child, size_t parent)
{
    if (child == parent || reaches(graph, parent, child))
        return;
    for (size_t map = 0; map < graph->count; map++) {
        if (map != child && !reaches(graph, map, child))
            continue;
        graph->reach[map * graph->words + parent / 64] |= UINT64_C(1) << (parent % 64);
        for (size_t w = 0; w < graph->words; w++)
            graph->reach[map * graph->words + w] |= graph->reach[parent * graph->words + w];
    }
}

static bool is_free(const struct graph *graph, size_t map, const size_t *place)
{
    for (size_t parent = 0; parent < graph->count; parent++)
        if (place[parent] == SIZE_MAX && comes_after(graph, map, parent))
            return false;
    return true;
}

static void place_map(const struct graph *graph, struct dw_map_order_item *item, size_t map,
                      const size_t *place, struct dw_arena *arena)
{
    size_t *after = DW_ARENA_ARRAY(arena, size_t, graph->count);
    *item = (struct dw_map_order_item){.map = map, .after = after};
    for (size_t parent = 0; parent < graph->count; parent++)
        if (comes_after(graph, map, parent))
            after[item->after_count++] = place[parent];
}

void dw_map_order_sort(size_t count, const struct dw_map_order_edge *edges, size_t edge_count,
                       struct dw_arena *arena, const struct dw_map_order_item **out)
{
    struct graph graph = {.count = count, .words = count / 64 + 1};
    struct dw_map_order_item *items = DW_ARENA_ARRAY(arena, struct dw_map_order_item, count);
    size_t *place = DW_ARENA_ARRAY(arena, size_t, count);
    graph.reach = DW_ARENA_ARRAY(arena, uint64_t, count * graph.words);
    for (size_t i = 0; i < edge_count; i++)
        if (!edges[i].soft)
            graph.reach[edges[i].child * graph.words + edges[i].parent / 64] |=
                UINT64_C(1) << (edges[i].parent % 64);
    close_over(&graph);
    for (size_t i = 0; i < edge_count; i++)
        if (edges[i].soft)
            add_soft(&graph, edges[i].child, edges[i].parent);
    for (size_t i = 0; i < count; i++)
        place[i] = SIZE_MAX;
    for (size_t placed = 0; placed < count; placed++) {
        size_t map = 0;
        while (place[map] != SIZE_MAX || !is_free(&graph, map, place))
            map++; /* there is one: comes_after has no cycles */
        place_map(&graph, &items[placed], map, place, arena);
        place[map] = placed;
    }
    *out = items;
}

/* --- finding ---------------------------------------------------------------------------------- */

struct finder {
    const struct dw_table_map *const *maps;
    size_t count;
    struct dw_map_order_edge *edges;
    size_t edge_count, edge_capacity;
    struct dw_arena *arena;
};

static void add_edge(struct finder *finder, struct dw_map_order_edge edge)
{
    if (finder->edge_count == finder->edge_capacity) {
        size_t capacity = finder->edge_capacity * 2 + 16;
        struct dw_map_order_edge *more =
            DW_ARENA_ARRAY(finder->arena, struct dw_map_order_edge, capacity);
        if (finder->edge_count)
            memcpy(more, finder->edges, finder->edge_count * sizeof *more);
        finder->edges = more;
        finder->edge_capacity = capacity;
    }
    finder->edges[finder->edge_count++] = edge;
}

static bool writes(const struct dw_table_map *map, const struct dw_map_side *side)
{
    return dw_str_equal(map->target.system, side->system) &&
           dw_str_equal(map->target.schema, side->schema) &&
           dw_str_equal(map->target.table, side->table);
}

/* Rows of the table that `child` names come first. */
static void add_parents(struct finder *finder, size_t child, const struct dw_map_side *table,
                        bool soft)
{
    for (size_t parent = 0; parent < finder->count; parent++)
        if (parent != child && writes(finder->maps[parent], table))
            add_edge(finder, (struct dw_map_order_edge){child, parent, soft});
}

/* Where a missing row is written as null, its map may as well come later. */
static void add_lookup(struct finder *finder, size_t child, const struct dw_map_lookup *lookup,
                       bool soft)
{
    const struct dw_map_side table = {.system = finder->maps[child]->target.system,
                                      .schema = lookup->schema,
                                      .table = lookup->table};
    if (!writes(finder->maps[child], &table)) /* one table's rows have an order already */
        add_parents(finder, child, &table, soft);
    for (size_t i = 0; i < lookup->key_count; i++)
        if (lookup->keys[i].lookup)
            add_lookup(finder, child, lookup->keys[i].lookup, soft);
}

static void add_lookups(struct finder *finder, size_t child)
{
    const struct dw_table_map *map = finder->maps[child];
    for (size_t i = 0; i < map->column_count; i++)
        if (map->columns[i].lookup)
            add_lookup(finder, child, map->columns[i].lookup,
                       map->columns[i].lookup->on_missing == DW_ON_MISSING_NULL);
}

static struct dw_map_side side_at(const PGresult *result, int row, int column, const char *system)
{
    return (struct dw_map_side){.system = dw_str_from(system),
                                .schema = dw_str_from(PQgetvalue(result, row, column)),
                                .table = dw_str_from(PQgetvalue(result, row, column + 1))};
}

static void add_reference(struct finder *finder, const char *system, const PGresult *result,
                          int row)
{
    const struct dw_map_side from = side_at(result, row, 0, system);
    const struct dw_map_side to = side_at(result, row, 2, system);
    for (size_t child = 0; child < finder->count; child++)
        if (writes(finder->maps[child], &from))
            add_parents(finder, child, &to, false);
}

static const char references_sql[] =
    "SELECT cn.nspname, c.relname, fn.nspname, f.relname FROM pg_constraint k"
    " JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace"
    " JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace"
    " WHERE k.contype = 'f' AND k.conrelid <> k.confrelid";

static enum dw_rc find_in(struct finder *finder, const struct dw_system_settings *system,
                          struct dw_err *err)
{
    PGconn *conn = NULL;
    PGresult *result = NULL;
    const struct dw_pg_options options = {
        .connection = system->connection,
        .password = system->password,
        .application_name = "dualwrite-reconciler",
        .what = system->name,
        .lock_timeout_ms = 5000,
    };
    enum dw_rc rc = dw_pg_connect(&conn, &options, err);
    if (!rc)
        rc = dw_pg_query(conn, references_sql, 0, NULL, &result, err);
    for (int row = 0; !rc && row < PQntuples(result); row++)
        add_reference(finder, system->name, result, row);
    PQclear(result);
    dw_pg_disconnect(conn);
    return rc;
}

void dw_map_order_find(const struct dw_settings *settings, const struct dw_table_map *const *maps,
                       size_t count, struct dw_arena *arena, const struct dw_map_order_edge **out,
                       size_t *out_count, const char **out_problem)
{
    struct finder finder = {.maps = maps, .count = count, .arena = arena};
    *out_problem = "";
    for (size_t i = 0; i < count; i++)
        add_lookups(&finder, i);
    for (size_t s = 0; s < settings->system_count; s++) {
        const struct dw_system_settings *system = &settings->systems[s];
        struct dw_err err = DW_ERR_INIT;
        size_t targets = 0;
        for (size_t i = 0; i < count; i++)
            targets += dw_str_is(maps[i]->target.system, system->name);
        if (targets > 1 && find_in(&finder, system, &err) != DW_OK)
            *out_problem = dw_arena_printf(arena, "%s", err.message);
    }
    *out = finder.edges;
    *out_count = finder.edge_count;
}
