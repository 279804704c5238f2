/* fuzz_table_map.c - any bytes as a map file: no crash, and a map or at least one error. */
#include "common/config/document.h"
#include "common/expr/map_expr.h"
#include "common/model/table_map.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* What a parsed map promises to those who use it. */
static void check_map(const struct dw_table_map *map, struct dw_arena *arena)
{
    size_t count;
    size_t keys = 0;
    (void)dw_map_expr_source_columns(map, arena, &count);
    require(count > 0 && map->name.len > 0 && map->source.table.len > 0);
    for (size_t i = 0; i < map->column_count; i++) {
        const struct dw_map_column *column = &map->columns[i];
        require(column->target.len > 0);
        require((column->source.ptr != NULL) != (column->constant.kind != DW_VALUE_ABSENT));
        require(column->key_index < (int)map->target.key_count);
        keys += column->key_index >= 0;
    }
    require(keys == map->target.key_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dw_arena arena;
    struct dw_map_problems problems;
    dw_arena_init(&arena, (size_t)64 << 10);
    dw_map_problems_init(&problems, &arena);
    struct dw_str text = {(const char *)data, size};
    const struct dw_table_map *map = dw_table_map_parse(text, "fuzz", &arena, &problems);
    require((map != NULL) == (dw_map_problems_errors(&problems) == 0));
    if (map)
        check_map(map, &arena);
    const struct dw_node *root;
    struct dw_document_fault fault;
    bool is_document = dw_document_parse(text, &arena, &root, &fault) == DW_OK;
    for (size_t i = 0; i < problems.count && is_document; i++)
        (void)dw_document_find(root, problems.items[i].path);
    dw_arena_done(&arena);
    return 0;
}
