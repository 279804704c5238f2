/* coalesce.c - see coalesce.h. */
#include "consumer/write_postgres/coalesce.h"

struct walk {
    const struct dw_table_map *map;
    struct dw_arena *arena;
};

static bool is_full(const struct dw_value *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (cells[i].kind == DW_VALUE_ABSENT)
            return false;
    return true;
}

/* The earlier cells with those of a later update over them. */
static const struct dw_value *overlay(const struct dw_value *earlier, const struct dw_value *later,
                                      size_t count, struct dw_arena *arena)
{
    struct dw_value *cells = dw_arena_alloc(arena, count * sizeof *cells);
    for (size_t i = 0; i < count; i++)
        cells[i] = later[i].kind == DW_VALUE_ABSENT ? earlier[i] : later[i];
    return cells;
}

static void become(struct dw_coalesce_op *op, enum dw_coalesce_kind kind,
                   const struct dw_change *change, const struct dw_value *cells)
{
    op->kind = kind;
    op->cells = cells;
    op->keys = change->keys;
    op->last = change;
}

/* An event before has removed the row, and none has made it anew. */
static bool is_gone(const struct dw_coalesce_op *op)
{
    return op->last && op->kind == DW_COALESCE_DELETE && op->removal == DW_COALESCE_REMOVE;
}

/* A full row that may not overwrite. */
static void add_kept(struct dw_coalesce_op *op, const struct dw_change *change)
{
    if (!op->last || op->kind == DW_COALESCE_KEEP)
        become(op, DW_COALESCE_KEEP, change, change->cells);
    else
        op->last = change;
    if (!op->absent)
        op->absent = change->cells;
}

/* `op->last` NULL: nothing of this key yet. */
static enum dw_coalesce_part add_upsert(const struct walk *walk, struct dw_coalesce_op *op,
                                        const struct dw_change *change)
{
    const size_t count = walk->map->column_count;
    bool row_gone = is_gone(op);
    op->fresh = op->last ? op->fresh : change->replaces;
    op->written = true;
    bool full = is_full(change->cells, count);
    if (full && change->keep && !row_gone) {
        add_kept(op, change);
        return DW_COALESCE_IN_OP;
    }
    if (full) {
        op->delete_first = op->delete_first || row_gone;
        become(op, DW_COALESCE_UPSERT, change, change->cells);
        return DW_COALESCE_IN_OP;
    }
    if (row_gone || change->replaces)
        return DW_COALESCE_INCOMPLETE;
    bool on_earlier = op->last && op->kind != DW_COALESCE_DELETE && op->kind != DW_COALESCE_KEEP;
    const struct dw_value *cells =
        on_earlier ? overlay(op->cells, change->cells, count, walk->arena) : change->cells;
    full = on_earlier && (op->kind == DW_COALESCE_UPSERT || is_full(cells, count));
    become(op, full ? DW_COALESCE_UPSERT : DW_COALESCE_PARTIAL, change, cells);
    return DW_COALESCE_IN_OP;
}

static enum dw_coalesce_part add_delete(const struct walk *walk, struct dw_coalesce_op *op,
                                        const struct dw_change *change)
{
    const struct dw_table_map *map = walk->map;
    if (!change->exits && map->on_delete == DW_ON_DELETE_IGNORE)
        return DW_COALESCE_IGNORED;
    bool gone = is_gone(op) || op->delete_first;
    if (!gone && change->exits && map->on_filter_exit == DW_ON_FILTER_EXIT_SET)
        op->removal = DW_COALESCE_FLAG_EXITED;
    else if (!gone && !change->exits && map->on_delete == DW_ON_DELETE_SET)
        op->removal = DW_COALESCE_FLAG_DELETED;
    else
        op->removal = DW_COALESCE_REMOVE;
    op->delete_first = false;
    become(op, DW_COALESCE_DELETE, change, NULL);
    return DW_COALESCE_IN_OP;
}

/* What could not be built is no loss where a later event of its key says it all. */
static void settle_incomplete(struct dw_change *const *changes, size_t count,
                              const struct dw_table *keys, struct dw_coalesce_plan *plan)
{
    for (size_t i = 0; i < count; i++) {
        if (plan->parts[i] != DW_COALESCE_INCOMPLETE)
            continue;
        struct dw_coalesce_op *op = dw_table_find(keys, changes[i]->key_text);
        if (!op || op->last->offset <= changes[i]->offset ||
            (op->kind != DW_COALESCE_UPSERT && op->kind != DW_COALESCE_DELETE))
            continue;
        plan->parts[i] = DW_COALESCE_IN_OP;
        plan->op_of[i] = (size_t)(op - plan->ops);
    }
}

void dw_coalesce_plan(struct dw_change *const *changes, size_t count,
                      const struct dw_table_map *map, struct dw_table *keys, struct dw_arena *arena,
                      struct dw_coalesce_plan *out)
{
    *out = (struct dw_coalesce_plan){
        .ops = DW_ARENA_ARRAY(arena, struct dw_coalesce_op, count),
        .op_of = DW_ARENA_ARRAY(arena, size_t, count),
        .parts = DW_ARENA_ARRAY(arena, enum dw_coalesce_part, count),
    };
    struct walk walk = {map, arena};
    bool incomplete = false;
    dw_table_reset(keys);
    for (size_t i = 0; i < count; i++) {
        struct dw_coalesce_op *op = dw_table_find(keys, changes[i]->key_text);
        bool first = !op;
        if (first)
            op = &out->ops[out->op_count];
        out->parts[i] = changes[i]->kind == DW_CHANGE_DELETE ? add_delete(&walk, op, changes[i])
                                                             : add_upsert(&walk, op, changes[i]);
        out->op_of[i] = (size_t)(op - out->ops);
        if (first && out->parts[i] == DW_COALESCE_IN_OP) {
            *dw_table_place(keys, changes[i]->key_text) = op;
            out->op_count++;
        } else if (out->parts[i] == DW_COALESCE_INCOMPLETE) {
            incomplete = true;
        }
    }
    if (incomplete)
        settle_incomplete(changes, count, keys, out);
}
