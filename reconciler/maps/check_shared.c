/* check_shared.c - see check_shared.h.
 *
 * Trap 8: two maps may write one target table, but a delete that comes by one of them must not hit
 * a row of the other. That is certain when a key column is a constant that differs; or when both
 * split one source table by filters, since the writer then keeps beside each row whose it is
 * (consumer/write_postgres/owner.h).
 */
#include "reconciler/maps/check_shared.h"

#include "reconciler/maps/check_lookup.h"
#include "reconciler/maps/map_share.h"

/* --- two maps, one target table -------------------------------------------------------------- */

static const struct dw_map_column *constant_of(const struct dw_table_map *map, struct dw_str target)
{
    for (size_t i = 0; i < map->column_count; i++)
        if (dw_str_equal(map->columns[i].target, target) && !map->columns[i].source.ptr)
            return &map->columns[i];
    return NULL;
}

static const char *constant_text(struct dw_check_context *context, const struct dw_value *value)
{
    if (value->kind == DW_VALUE_TRUE || value->kind == DW_VALUE_FALSE)
        return value->kind == DW_VALUE_TRUE ? "true" : "false";
    return value->text.ptr ? dw_arena_copy(context->arena, value->text).ptr : NULL;
}

/* The server decides whether both constants differ in the column's type ("1" and "01"). */
static bool differ(struct dw_check_context *context, const struct dw_check_map *map,
                   const struct dw_pg_column *column, const struct dw_value *a,
                   const struct dw_value *b)
{
    const char *params[] = {constant_text(context, a), constant_text(context, b)};
    const char **fields;
    struct dw_err err = DW_ERR_INIT;
    if (!params[0] || !params[1] || !column->deterministic)
        return false;
    const char *sql = dw_arena_printf(context->arena, "SELECT ($1::text)::%s <> ($2::text)::%s",
                                      column->type.ptr, column->type.ptr);
    return dw_check_context_row(context, map->target_system->conn,
                                &(struct dw_check_query){sql, 2, params}, &fields, &err) == DW_OK &&
           fields[0] && *fields[0] == 't';
}

static bool are_disjoint(struct dw_check_context *context, const struct dw_check_map *map,
                         const struct dw_table_map *other)
{
    for (size_t i = 0; map->target && i < map->map->target.key_count; i++) {
        struct dw_str name = map->map->target.key[i];
        const struct dw_map_column *mine = constant_of(map->map, name);
        const struct dw_map_column *theirs = constant_of(other, name);
        const struct dw_pg_column *column = dw_pg_table_column(map->target, name);
        if (mine && theirs && column &&
            differ(context, map, column, &mine->constant, &theirs->constant))
            return true;
    }
    return false;
}

/* An owner can tell only rows that it had: events must show what they were before. */
static void check_shares(struct dw_check_context *context, struct dw_check_map *map,
                         const struct dw_table_map *other)
{
    if (!map->source || map->source->replica_identity == 'f')
        return;
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){
            .code = "DW-MAP-039",
            .path = "target.table",
            .remedy = dw_arena_printf(context->arena, "ALTER TABLE %s REPLICA IDENTITY FULL;",
                                      dw_check_context_table_sql(context, map->source))},
        "map %.*s writes table %.*s.%.*s too, by another filter; to tell whose row leaves, the "
        "source table needs REPLICA IDENTITY FULL",
        DW_STR_ARG(other->name), DW_STR_ARG(other->target.schema), DW_STR_ARG(other->target.table));
}

static void check_pair(struct dw_check_context *context, struct dw_check_map *map,
                       const struct dw_table_map *other)
{
    if (!dw_map_share_same_side(&map->map->target, &other->target))
        return;
    bool truncates = map->map->on_truncate == DW_ON_TRUNCATE_TRUNCATE ||
                     other->on_truncate == DW_ON_TRUNCATE_TRUNCATE;
    bool deletes = dw_table_map_deletes(map->map) || dw_table_map_deletes(other) ||
                   dw_map_share_flags(map->map) || dw_map_share_flags(other);
    bool shares = dw_map_share_are_shares(map->map, other);
    struct dw_check_fault fault = {.code = "DW-MAP-039", .path = "target.table"};
    if (deletes && shares)
        check_shares(context, map, other);
    if (deletes && !shares && !are_disjoint(context, map, other)) {
        dw_check_context_report(context, map, &fault,
                                "map %.*s writes table %.*s.%.*s too, and one of both deletes; "
                                "nothing proves that they never mean the same row",
                                DW_STR_ARG(other->name), DW_STR_ARG(other->target.schema),
                                DW_STR_ARG(other->target.table));
    } else if (truncates) {
        fault.path = "target.table";
        fault.remedy = "Set \"on_truncate\" to \"ignore\" in both maps.";
        dw_check_context_report(context, map, &fault,
                                "map %.*s writes table %.*s.%.*s too; a TRUNCATE that comes by one "
                                "of both would remove the rows of the other",
                                DW_STR_ARG(other->name), DW_STR_ARG(other->target.schema),
                                DW_STR_ARG(other->target.table));
    }
}

/* --- parents --------------------------------------------------------------------------------- */

static bool is_fed(const struct dw_check_map *maps, size_t count, const struct dw_check_map *map,
                   const struct dw_pg_reference *reference)
{
    const struct dw_map_side parent = {
        .system = map->map->target.system, .schema = reference->schema, .table = reference->table};
    for (size_t i = 0; i < count; i++)
        if (dw_map_share_same_side(&maps[i].map->target, &parent))
            return true;
    return false;
}

static void check_parents(struct dw_check_context *context, struct dw_check_map *maps, size_t count,
                          struct dw_check_map *map)
{
    for (size_t i = 0; map->target && i < map->target->reference_count; i++) {
        const struct dw_pg_reference *reference = &map->target->references[i];
        if (is_fed(maps, count, map, reference))
            continue;
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){.code = "DW-MAP-052", .path = "target.table", .warning = true},
            "foreign key \"%.*s\" names table %.*s.%.*s, which no map writes",
            DW_STR_ARG(reference->name), DW_STR_ARG(reference->schema),
            DW_STR_ARG(reference->table));
    }
}

/* --- chains of systems ----------------------------------------------------------------------- */

/* What is written into a system that is also captured comes back in its stream; only loop marks
 * tell it from the system's own changes. */
static void check_chain(struct dw_check_context *context, struct dw_check_map *maps, size_t count,
                        struct dw_check_map *map)
{
    const struct dw_check_system *system = map->target_system;
    if (!system || system->settings->capture)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!dw_str_equal(maps[i].map->source.system, map->map->target.system))
            continue;
        dw_check_context_report(
            context, map, &(struct dw_check_fault){.code = "DW-MAP-058", .path = "target.system"},
            "map %.*s captures system %s, into which this map writes, but systems.%s.capture is "
            "not true",
            DW_STR_ARG(maps[i].map->name), system->settings->name, system->settings->name);
        return;
    }
}

static void check_name(struct dw_check_context *context, const struct dw_check_map *maps,
                       size_t index, struct dw_check_map *map)
{
    for (size_t i = 0; i < index; i++)
        if (!maps[i].item->applied && dw_str_equal(maps[i].map->name, map->map->name))
            dw_check_context_report(context, map,
                                    &(struct dw_check_fault){.code = "DW-MAP-019", .path = "map"},
                                    "%.*s also holds a map \"%.*s\"",
                                    DW_STR_ARG(maps[i].item->file), DW_STR_ARG(map->map->name));
}

void dw_check_shared(struct dw_check_context *context, struct dw_check_map *maps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct dw_check_map *map = &maps[i];
        if (map->item->applied)
            continue;
        check_name(context, maps, i, map);
        for (size_t j = 0; j < count; j++) /* each pair once; with an applied map at any place */
            if (j < i || maps[j].item->applied)
                if (!dw_str_equal(maps[j].map->name, map->map->name))
                    check_pair(context, map, maps[j].map);
        check_parents(context, maps, count, map);
        dw_check_lookup_shared(context, maps, count, i);
        check_chain(context, maps, count, map);
    }
}
