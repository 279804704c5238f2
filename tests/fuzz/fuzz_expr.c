/* fuzz_expr.c - any bytes as an expression: no crash; an error with a position inside the text, or
 * an expression that evaluates, and writes SQL, without touching what it does not use.
 *
 * Before a first 0xff stands the expression, behind it the texts of the row's cells, each ended by
 * 0xff. 0xff never stands in UTF-8.
 */
#include "common/expr/expr.h"

#include <stdint.h>
#include <stdlib.h>

#define COLUMNS 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dw_expr_column columns[COLUMNS] = {
    {{"s", 1}, 25, 'S', true},   {{"c", 1}, 1042, 'S', true}, {{"n", 1}, 1700, 'N', true},
    {{"i", 1}, 20, 'N', true},   {{"f", 1}, 701, 'N', true},  {{"b", 1}, 16, 'B', true},
    {{"d", 1}, 1082, 'D', true}, {{"t", 1}, 1083, 'D', true}, {{"m", 1}, 1184, 'D', true},
    {{"l", 1}, 1114, 'D', true}, {{"u", 1}, 2950, 'U', true}, {{"o", 1}, 3802, 'U', true}};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static struct dw_str take(struct dw_str *rest)
{
    const char *end = rest->len ? memchr(rest->ptr, 0xff, rest->len) : NULL;
    struct dw_str part = {rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len};
    size_t taken = part.len + (end != NULL);
    *rest = (struct dw_str){rest->ptr + taken, rest->len - taken};
    return part;
}

static void evaluate(const struct dw_expr *expr, struct dw_str texts, struct dw_arena *arena)
{
    struct dw_value cells[COLUMNS];
    struct dw_value value;
    struct dw_err err = DW_ERR_INIT;
    size_t count;
    (void)dw_expr_columns(expr, &count);
    require(count <= COLUMNS);
    for (size_t i = 0; i < count; i++) {
        bool is_null = texts.len == 0;
        cells[i] = (struct dw_value){is_null ? DW_VALUE_NULL : DW_VALUE_STRING, take(&texts)};
    }
    enum dw_rc rc = dw_expr_compute(expr, cells, arena, &value, &err);
    require(rc == DW_OK || (rc == DW_REJECT && err.id[0] && err.message[0]));
    bool bad_text = strcmp(err.id, "DW-EXPR-024") == 0;
    require(rc == DW_OK || bad_text || dw_expr_can_fail(expr));
    require(rc != DW_OK || value.kind == DW_VALUE_NULL || value.kind == DW_VALUE_STRING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dw_str rest = {(const char *)data, size};
    struct dw_arena arena;
    struct dw_expr *expr;
    struct dw_err err = DW_ERR_INIT;
    size_t offset = 0;
    dw_arena_init(&arena, (size_t)64 << 10);
    struct dw_expr_source source = {
        .text = take(&rest), .use = DW_EXPR_COMPUTE, .columns = columns, .column_count = COLUMNS};
    if (dw_expr_compile(&expr, &source, &arena, &offset, &err) == DW_OK) {
        struct dw_expr_sql sql = {.first_param = 1};
        struct dw_buf out;
        dw_buf_init(&out, (size_t)1 << 22);
        enum dw_rc rc = dw_expr_write_sql(expr, &sql, &arena, &out, &err);
        require(rc == DW_OK && out.len > 0);
        dw_buf_done(&out);
        evaluate(expr, rest, &arena);
    } else {
        require(err.rc == DW_CONFIG && err.message[0] && offset <= source.text.len);
    }
    dw_arena_done(&arena);
    return 0;
}
