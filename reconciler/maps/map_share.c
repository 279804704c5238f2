/* map_share.c - see map_share.h. */
#include "reconciler/maps/map_share.h"

bool dw_map_share_same_side(const struct dw_map_side *a, const struct dw_map_side *b)
{
    return dw_str_equal(a->system, b->system) && dw_str_equal(a->schema, b->schema) &&
           dw_str_equal(a->table, b->table);
}

static const struct dw_map_column *key_column(const struct dw_table_map *map, size_t key)
{
    for (size_t i = 0; i < map->column_count; i++)
        if (map->columns[i].key_index == (int)key)
            return &map->columns[i];
    return NULL;
}

/* One source row is one target row in both: what they are called by is the same text. */
static bool same_keys(const struct dw_table_map *a, const struct dw_table_map *b)
{
    if (a->target.key_count != b->target.key_count)
        return false;
    for (size_t i = 0; i < a->target.key_count; i++) {
        const struct dw_map_column *mine = key_column(a, i);
        const struct dw_map_column *theirs = key_column(b, i);
        if (!mine || !theirs || mine->values || theirs->values || !mine->source.ptr ||
            !theirs->source.ptr || !dw_str_equal(mine->source, theirs->source) ||
            !dw_str_equal(mine->target, theirs->target))
            return false;
    }
    return true;
}

bool dw_map_share_flags(const struct dw_table_map *map)
{
    return map->on_delete == DW_ON_DELETE_SET || map->on_filter_exit == DW_ON_FILTER_EXIT_SET;
}

bool dw_map_share_are_shares(const struct dw_table_map *a, const struct dw_table_map *b)
{
    return dw_map_share_same_side(&a->source, &b->source) && a->filter.ptr && b->filter.ptr &&
           same_keys(a, b) && !dw_map_share_flags(a) && !dw_map_share_flags(b);
}
