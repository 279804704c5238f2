/* expr_rig.h - what the tests of common/expr share: one table's columns, compiling, rows. */
#ifndef DW_TESTS_EXPR_RIG_H
#define DW_TESTS_EXPR_RIG_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include "common/expr/expr.h"
#include <cmocka.h>
#include <string.h>

static const struct dw_expr_column rig_columns[] = {
    {{"name", 4}, 25, 'S', true},     {{"code", 4}, 1042, 'S', true},
    {{"amount", 6}, 1700, 'N', true}, {{"count", 5}, 23, 'N', true},
    {{"big", 3}, 20, 'N', true},      {{"rate", 4}, 701, 'N', true},
    {{"blocked", 7}, 16, 'B', true},  {{"born", 4}, 1082, 'D', true},
    {{"opens", 5}, 1083, 'D', true},  {{"changed", 7}, 1184, 'D', true},
    {{"local", 5}, 1114, 'D', true},  {{"id", 2}, 2950, 'U', true},
    {{"doc", 3}, 3802, 'U', true},    {{"mood", 4}, 70000, 'E', true},
    {{"Größe", 7}, 25, 'S', false},   {{"Order \"No\"", 10}, 25, 'S', true},
    {{"and", 3}, 16, 'B', true},      {{"year", 4}, 23, 'N', true},
};
#define RIG_COLUMNS (sizeof rig_columns / sizeof *rig_columns)

struct rig {
    struct dw_arena arena;
    struct dw_expr *expr;
    size_t offset;
    struct dw_err err;
    struct dw_value cells[RIG_COLUMNS];
};

/* The values that test rows have; NULL is null. */
static const char *const rig_row[RIG_COLUMNS] = {"Müller & Söhne",
                                                 "AB  ",
                                                 "12.50",
                                                 "7",
                                                 "9223372036854775807",
                                                 "0.1",
                                                 "f",
                                                 "2024-02-29",
                                                 "08:30:00.5",
                                                 "2024-01-31 23:59:59.25+00",
                                                 "2024-01-31 12:00:00",
                                                 "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                                                 "{\"a\": 1}",
                                                 "ok",
                                                 "10",
                                                 "X-1",
                                                 "t",
                                                 NULL};

static inline int rig_setup(void **state)
{
    static struct rig rig;
    rig = (struct rig){.offset = 0};
    dw_arena_init(&rig.arena, 65536);
    *state = &rig;
    return 0;
}

static inline int rig_teardown(void **state)
{
    struct rig *rig = *state;
    dw_arena_done(&rig->arena);
    return 0;
}

static inline enum dw_rc rig_compile(struct rig *rig, const char *text, enum dw_expr_use use)
{
    struct dw_expr_source source = {
        .text = dw_str_from(text), .use = use, .columns = rig_columns, .column_count = RIG_COLUMNS};
    rig->err = (struct dw_err)DW_ERR_INIT;
    return dw_expr_compile(&rig->expr, &source, &rig->arena, &rig->offset, &rig->err);
}

/* The cells of rig_row that the expression uses. */
static inline const struct dw_value *rig_cells(struct rig *rig)
{
    size_t count;
    const size_t *used = dw_expr_columns(rig->expr, &count);
    for (size_t i = 0; i < count; i++) {
        const char *text = rig_row[used[i]];
        rig->cells[i] =
            (struct dw_value){text ? DW_VALUE_STRING : DW_VALUE_NULL, dw_str_from(text)};
    }
    return rig->cells;
}

/* Its value for rig_row: "(null)" for null, the error's id when it fails. */
static inline const char *rig_value(struct rig *rig, const char *text)
{
    struct dw_value value;
    if (rig_compile(rig, text, DW_EXPR_COMPUTE) != DW_OK)
        return rig->err.id;
    if (dw_expr_compute(rig->expr, rig_cells(rig), &rig->arena, &value, &rig->err) != DW_OK)
        return rig->err.id;
    if (value.kind == DW_VALUE_NULL)
        return "(null)";
    return dw_arena_copy(&rig->arena, value.text).ptr;
}

static inline const char *rig_type(struct rig *rig, const char *text)
{
    struct dw_resolved_column column;
    if (rig_compile(rig, text, DW_EXPR_COMPUTE) != DW_OK)
        return rig->err.id;
    dw_expr_result(rig->expr, &column);
    return column.type.ptr;
}

#endif
