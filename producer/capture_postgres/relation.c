/* relation.c - see relation.h. */
#include "producer/capture_postgres/relation.h"

#include "common/base/json_write.h"
#include <stdio.h>
#include <stdlib.h>

#define NUMERIC_OID    1700
#define FIRST_FREE_OID 10000 /* below: pg_type.dat's own; above may be domains */

void dw_relation_init(struct dw_relations *relations)
{
    *relations = (struct dw_relations){.slots = NULL};
}

static void free_relation(struct dw_relation *relation)
{
    dw_arena_done(&relation->columns_arena);
    dw_arena_done(&relation->feeds_arena);
    free(relation);
}

void dw_relation_forget(struct dw_relations *relations)
{
    for (size_t i = 0; i < relations->capacity; i++)
        if (relations->slots[i])
            free_relation(relations->slots[i]);
    free(relations->slots);
    relations->slots = NULL;
    relations->capacity = relations->count = 0;
    relations->last = NULL;
    relations->unknown_count = 0;
}

void dw_relation_done(struct dw_relations *relations)
{
    dw_relation_forget(relations);
    free(relations->types);
    free(relations->unknown);
    dw_relation_init(relations);
}

static struct dw_relation **slot_of(struct dw_relation **slots, size_t capacity, uint32_t oid)
{
    size_t at = (oid * UINT32_C(2654435761)) & (capacity - 1);
    while (slots[at] && slots[at]->oid != oid)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

const struct dw_relation *dw_relation_find(struct dw_relations *relations, uint32_t oid)
{
    if (relations->last && relations->last->oid == oid)
        return relations->last;
    if (!relations->capacity)
        return NULL;
    relations->last = *slot_of(relations->slots, relations->capacity, oid);
    return relations->last;
}

static void grow(struct dw_relations *relations)
{
    if (relations->count * 2 < relations->capacity)
        return;
    size_t capacity = relations->capacity ? relations->capacity * 2 : 64;
    struct dw_relation **slots = dw_mem_calloc(capacity, sizeof *slots);
    for (size_t i = 0; i < relations->capacity; i++)
        if (relations->slots[i])
            *slot_of(slots, capacity, relations->slots[i]->oid) = relations->slots[i];
    free(relations->slots);
    relations->slots = slots;
    relations->capacity = capacity;
}

/* --- types ------------------------------------------------------------------------------------ */

static const struct dw_relation_type *find_type(const struct dw_relations *relations, uint32_t oid)
{
    for (size_t i = 0; i < relations->type_count; i++)
        if (relations->types[i].oid == oid)
            return &relations->types[i];
    return NULL;
}

static void want_type(struct dw_relations *relations, uint32_t oid)
{
    for (size_t i = 0; i < relations->unknown_count; i++)
        if (relations->unknown[i] == oid)
            return;
    relations->unknown = dw_mem_realloc(relations->unknown, (relations->unknown_count + 1) *
                                                                sizeof *relations->unknown);
    relations->unknown[relations->unknown_count++] = oid;
}

static uint32_t base_type(struct dw_relations *relations, const struct dw_resolved_column *resolved,
                          uint32_t oid)
{
    if (oid < FIRST_FREE_OID)
        return oid;
    if (resolved && resolved->oid == oid)
        return resolved->base_oid;
    const struct dw_relation_type *type = find_type(relations, oid);
    if (type)
        return type->base_oid;
    want_type(relations, oid);
    return oid;
}

const uint32_t *dw_relation_unknown_types(const struct dw_relations *relations, size_t *out_count)
{
    *out_count = relations->unknown_count;
    return relations->unknown;
}

/* --- what a relation feeds -------------------------------------------------------------------- */

static size_t find_column(const struct dw_relation *relation, struct dw_str name)
{
    for (size_t i = 0; i < relation->column_count; i++)
        if (dw_str_equal(relation->columns[i].name, name))
            return i;
    return SIZE_MAX;
}

static void mark_broken(struct dw_relation *relation, struct dw_relation_feed *feed,
                        const char *code, struct dw_str column, const char *what)
{
    if (feed->code)
        return;
    feed->code = code;
    feed->reason =
        dw_arena_printf(&relation->feeds_arena, "column %.*s of %.*s.%.*s %s", DW_STR_ARG(column),
                        DW_STR_ARG(relation->schema), DW_STR_ARG(relation->table), what);
}

/* A domain's own modifier is resolved in one place and not in the other: only the oid tells. */
static bool is_retyped(const struct dw_resolved_column *resolved,
                       const struct dw_pgoutput_column *column)
{
    return resolved->oid != column->type_oid ||
           (resolved->oid == resolved->base_oid && resolved->typmod != column->typmod);
}

static void plan_column(struct dw_relations *relations, struct dw_relation *relation,
                        const struct dw_resolved_column *resolved, size_t index,
                        struct dw_relation_column *out)
{
    const struct dw_pgoutput_column *column = &relation->columns[index];
    struct dw_buf prefix;
    dw_buf_init(&prefix, 4096);
    dw_buf_append_char(&prefix, ',');
    dw_json_write_string(&prefix, column->name);
    dw_buf_append_char(&prefix, ':');
    out->index = index;
    uint32_t base = base_type(relations, resolved, column->type_oid);
    out->encoding = dw_event_encode_kind(base);
    out->numeric = base == NUMERIC_OID;
    out->prefix = dw_arena_copy(&relation->feeds_arena, dw_buf_str(&prefix));
    dw_buf_done(&prefix);
}

static void plan_columns(struct dw_relations *relations, struct dw_relation *relation,
                         struct dw_relation_feed *feed)
{
    const struct dw_capture_map *map = feed->map;
    struct dw_relation_column *columns =
        DW_ARENA_ARRAY(&relation->feeds_arena, struct dw_relation_column, map->column_count + 1);
    for (size_t i = 0; i < map->column_count; i++) {
        const struct dw_resolved_column *resolved =
            map->resolved.source.columns
                ? dw_map_resolved_find(&map->resolved.source, map->columns[i])
                : NULL;
        size_t index = find_column(relation, map->columns[i]);
        if (index == SIZE_MAX) {
            mark_broken(relation, feed, "DW-CAPTURE-011", map->columns[i],
                        "is gone (dropped, renamed, or not published)");
            continue;
        }
        if (resolved && is_retyped(resolved, &relation->columns[index]))
            mark_broken(relation, feed, "DW-CAPTURE-012", map->columns[i],
                        "has another type than when the map was applied");
        plan_column(relations, relation, resolved, index, &columns[feed->column_count++]);
    }
    feed->columns = columns;
}

static void plan_key(struct dw_relation *relation, struct dw_relation_feed *feed)
{
    const struct dw_map_side *source = &feed->map->map->source;
    struct dw_relation_column *keys =
        DW_ARENA_ARRAY(&relation->feeds_arena, struct dw_relation_column, source->key_count + 1);
    feed->key_in_old = true;
    for (size_t i = 0; i < source->key_count; i++) {
        size_t index = find_column(relation, source->key[i]);
        for (size_t j = 0; j < feed->column_count && index != SIZE_MAX; j++)
            if (feed->columns[j].index == index)
                keys[feed->key_count++] = feed->columns[j];
        if (feed->key_count && keys[feed->key_count - 1].numeric)
            feed->numeric_key = true;
        if (index == SIZE_MAX || (!relation->columns[index].is_key))
            feed->key_in_old = false;
    }
    if (feed->key_count == source->key_count)
        feed->keys = keys;
    if (relation->replica_identity == 'f')
        feed->key_in_old = true;
    else if (feed->keys && !feed->key_in_old && relation->replica_identity != 'n')
        mark_broken(relation, feed, "DW-CAPTURE-013", source->key[0],
                    "or another key column of the map is not in the table's replica identity, so "
                    "deletes do not tell which row");
    feed->misses = feed->code && strcmp(feed->code, "DW-CAPTURE-013") == 0;
}

/* A table is known by its oid too: under another name its changes would pass in silence. */
static bool is_renamed(const struct dw_relation *relation, const struct dw_capture_map *map)
{
    return map->source_oid == relation->oid && relation->oid != 0;
}

static void mark_renamed(struct dw_relation *relation, struct dw_relation_feed *feed)
{
    const struct dw_map_side *source = &feed->map->map->source;
    feed->renamed = feed->misses = true;
    feed->code = "DW-CAPTURE-014";
    feed->reason = dw_arena_printf(
        &relation->feeds_arena,
        "table %.*s.%.*s was renamed to %.*s.%.*s; what was written under that name is missing",
        DW_STR_ARG(source->schema), DW_STR_ARG(source->table), DW_STR_ARG(relation->schema),
        DW_STR_ARG(relation->table));
}

static void plan(struct dw_relations *relations, struct dw_relation *relation)
{
    const struct dw_map_set *maps = relations->maps;
    dw_arena_reset(&relation->feeds_arena);
    relation->feeds = NULL;
    relation->feed_count = 0;
    if (!maps)
        return;
    struct dw_relation_feed *feeds =
        DW_ARENA_ARRAY(&relation->feeds_arena, struct dw_relation_feed, maps->count + 1);
    for (size_t i = 0; i < maps->count; i++) {
        const struct dw_map_side *source = &maps->maps[i].map->source;
        bool named = dw_str_equal(source->schema, relation->schema) &&
                     dw_str_equal(source->table, relation->table);
        if (!named && !is_renamed(relation, &maps->maps[i]))
            continue;
        struct dw_relation_feed *feed = &feeds[relation->feed_count++];
        feed->map = &maps->maps[i];
        if (!named) {
            mark_renamed(relation, feed);
            continue;
        }
        plan_columns(relations, relation, feed);
        plan_key(relation, feed);
    }
    relation->feeds = feeds;
}

static void plan_all(struct dw_relations *relations)
{
    relations->unknown_count = 0;
    for (size_t i = 0; i < relations->capacity; i++)
        if (relations->slots[i])
            plan(relations, relations->slots[i]);
}

void dw_relation_set_maps(struct dw_relations *relations, const struct dw_map_set *maps)
{
    relations->maps = maps;
    plan_all(relations);
}

void dw_relation_add_types(struct dw_relations *relations, const struct dw_relation_type *types,
                           size_t count)
{
    size_t most = relations->type_count + count + relations->unknown_count;
    relations->types = dw_mem_realloc(relations->types, (most + 1) * sizeof *relations->types);
    for (size_t i = 0; i < count; i++)
        if (!find_type(relations, types[i].oid))
            relations->types[relations->type_count++] = types[i];
    for (size_t i = 0; i < relations->unknown_count; i++) {
        uint32_t oid = relations->unknown[i];
        if (!find_type(relations, oid))
            relations->types[relations->type_count++] = (struct dw_relation_type){oid, oid};
    }
    plan_all(relations);
}

void dw_relation_add(struct dw_relations *relations, const struct dw_pgoutput_message *message)
{
    grow(relations);
    struct dw_relation **slot = slot_of(relations->slots, relations->capacity, message->oid);
    struct dw_relation *relation = *slot;
    if (!relation) {
        relation = *slot = DW_MEM_NEW(struct dw_relation);
        dw_arena_init(&relation->columns_arena, 4096);
        dw_arena_init(&relation->feeds_arena, 4096);
        relations->count++;
    }
    struct dw_arena *arena = &relation->columns_arena;
    dw_arena_reset(arena);
    relation->oid = message->oid;
    relation->schema = dw_arena_copy(arena, message->schema);
    relation->table = dw_arena_copy(arena, message->name);
    relation->replica_identity = message->replica_identity;
    struct dw_pgoutput_column *columns =
        DW_ARENA_ARRAY(arena, struct dw_pgoutput_column, message->column_count + 1);
    for (size_t i = 0; i < message->column_count; i++) {
        columns[i] = message->columns[i];
        columns[i].name = dw_arena_copy(arena, message->columns[i].name);
    }
    relation->columns = columns;
    relation->column_count = message->column_count;
    plan(relations, relation);
}
