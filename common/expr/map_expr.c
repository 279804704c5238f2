/* map_expr.c - see map_expr.h. */
#include "common/expr/map_expr.h"

#include "common/base/table.h"
#include "common/expr/expr_parser.h"

struct names {
    struct dw_arena *arena;
    struct dw_table seen;
    struct dw_str *items;
    size_t count, capacity;
};

static void add(struct names *names, struct dw_str name)
{
    void **place = dw_table_place(&names->seen, name);
    if (*place)
        return;
    *place = names;
    if (names->count == names->capacity) {
        names->capacity = names->capacity ? names->capacity * 2 : 16;
        struct dw_str *grown = DW_ARENA_ARRAY(names->arena, struct dw_str, names->capacity);
        for (size_t i = 0; i < names->count; i++)
            grown[i] = names->items[i];
        names->items = grown;
    }
    names->items[names->count++] = name;
}

/* As deep as the parser lets a tree be. */
static void add_tree(struct names *names, const struct dw_expr_node *node)
{
    if (node->op == DW_EXPR_COLUMN)
        add(names, node->name);
    for (size_t i = 0; i < node->count; i++)
        add_tree(names, node->args[i]);
}

static void add_expression(struct names *names, struct dw_str text)
{
    struct dw_expr_node *root;
    struct dw_err ignored; /* what it is worth to whom is the check's matter */
    size_t at;
    if (text.ptr && dw_expr_parser_parse(text, names->arena, &root, &at, &ignored) == DW_OK)
        add_tree(names, root);
}

/* As deep as the parser lets lookups be. */
static void add_lookup(struct names *names, const struct dw_map_lookup *lookup)
{
    for (size_t i = 0; lookup && i < lookup->key_count; i++) {
        if (lookup->keys[i].source.ptr)
            add(names, lookup->keys[i].source);
        add_lookup(names, lookup->keys[i].lookup);
    }
}

const struct dw_str *dw_map_expr_source_columns(const struct dw_table_map *map,
                                                struct dw_arena *arena, size_t *out_count)
{
    struct names names = {.arena = arena};
    dw_table_init(&names.seen);
    for (size_t i = 0; i < map->source.key_count; i++)
        add(&names, map->source.key[i]);
    for (size_t i = 0; i < map->column_count; i++)
        if (map->columns[i].source.ptr)
            add(&names, map->columns[i].source);
    for (size_t i = 0; i < map->column_count; i++)
        add_lookup(&names, map->columns[i].lookup);
    add_expression(&names, map->filter);
    for (size_t i = 0; i < map->column_count; i++)
        add_expression(&names, map->columns[i].compute);
    dw_table_done(&names.seen);
    *out_count = names.count;
    return names.items;
}

const struct dw_expr_column *dw_map_expr_columns(const struct dw_resolved_side *side,
                                                 struct dw_arena *arena)
{
    struct dw_expr_column *columns =
        DW_ARENA_ARRAY(arena, struct dw_expr_column, side->column_count);
    for (size_t i = 0; i < side->column_count; i++)
        columns[i] = (struct dw_expr_column){
            .name = side->columns[i].name,
            .base_oid = side->columns[i].base_oid,
            .category = side->columns[i].category,
            .deterministic = side->columns[i].deterministic,
        };
    return columns;
}
