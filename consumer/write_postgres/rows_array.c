/* rows_array.c - see rows_array.h. The layout is that of PostgreSQL's array_send. */
#include "consumer/write_postgres/rows_array.h"

#include <stdlib.h>

#define TEXT_OID       25
#define TEXT_ARRAY_OID 1009
#define BUFFER_KEEP    (256 * 1024)
#define BUFFER_MAX     ((size_t)1000 * 1024 * 1024)

void dw_rows_array_init(struct dw_rows_array *array)
{
    *array = (struct dw_rows_array){.count = 0};
}

void dw_rows_array_done(struct dw_rows_array *array)
{
    for (size_t i = 0; i < array->capacity; i++)
        dw_buf_done(&array->buffers[i]);
    free(array->buffers);
    free(array->values);
    free(array->lengths);
    free(array->formats);
    free(array->types);
    *array = (struct dw_rows_array){.count = 0};
}

void dw_rows_array_reset(struct dw_rows_array *array)
{
    array->count = 0;
}

static void grow(struct dw_rows_array *array)
{
    size_t capacity = array->capacity ? array->capacity * 2 : 32;
    array->buffers = dw_mem_realloc(array->buffers, capacity * sizeof *array->buffers);
    array->values = dw_mem_realloc(array->values, capacity * sizeof *array->values);
    array->lengths = dw_mem_realloc(array->lengths, capacity * sizeof *array->lengths);
    array->formats = dw_mem_realloc(array->formats, capacity * sizeof *array->formats);
    array->types = dw_mem_realloc(array->types, capacity * sizeof *array->types);
    for (size_t i = array->capacity; i < capacity; i++)
        dw_buf_init(&array->buffers[i], BUFFER_MAX);
    array->capacity = capacity;
}

static struct dw_buf *next_buffer(struct dw_rows_array *array, int format, uint32_t type)
{
    if (array->count == array->capacity)
        grow(array);
    array->formats[array->count] = format;
    array->types[array->count] = type;
    struct dw_buf *buffer = &array->buffers[array->count++];
    dw_buf_reset(buffer, BUFFER_KEEP);
    return buffer;
}

static char *put_u32(char *to, uint32_t number)
{
    to[0] = (char)(number >> 24);
    to[1] = (char)(number >> 16 & 0xff);
    to[2] = (char)(number >> 8 & 0xff);
    to[3] = (char)(number & 0xff);
    return to + 4;
}

struct dw_buf *dw_rows_array_open(struct dw_rows_array *array, size_t count)
{
    struct dw_buf *buffer = next_buffer(array, 1, TEXT_ARRAY_OID);
    char head[20];
    char *to = put_u32(head, count ? 1 : 0); /* dimensions */
    to = put_u32(to, 1);                     /* may hold nulls */
    to = put_u32(to, TEXT_OID);
    to = put_u32(to, (uint32_t)count);
    (void)put_u32(to, 1); /* lower bound */
    dw_buf_append(buffer, head, count ? sizeof head : 12);
    return buffer;
}

void dw_rows_array_put(struct dw_buf *buffer, struct dw_str text)
{
    char length[4];
    (void)put_u32(length, (uint32_t)text.len);
    dw_buf_append(buffer, length, sizeof length);
    dw_buf_append_str(buffer, text);
}

void dw_rows_array_put_null(struct dw_buf *buffer)
{
    dw_buf_append(buffer, "\xff\xff\xff\xff", 4);
}

void dw_rows_array_fill(struct dw_rows_array *array, const struct dw_rows *rows)
{
    for (size_t i = 0; i < rows->column_count; i++) {
        struct dw_buf *buffer = dw_rows_array_open(array, rows->count);
        for (size_t row = 0; row < rows->count; row++) {
            const struct dw_value *cell = dw_rows_cell(rows, row, rows->columns[i]);
            if (cell->kind == DW_VALUE_STRING)
                dw_rows_array_put(buffer, cell->text);
            else
                dw_rows_array_put_null(buffer);
        }
    }
}

void dw_rows_array_text(struct dw_rows_array *array, struct dw_str text)
{
    struct dw_buf *buffer = next_buffer(array, 0, TEXT_OID);
    dw_buf_append_str(buffer, text);
    if (!text.ptr)
        array->formats[array->count - 1] = -1; /* null: resolved in params */
}

struct dw_exchange_params dw_rows_array_params(struct dw_rows_array *array)
{
    for (size_t i = 0; i < array->count; i++) {
        bool null = array->formats[i] < 0;
        array->formats[i] = array->formats[i] > 0;
        array->values[i] = null ? NULL : array->buffers[i].data ? array->buffers[i].data : "";
        array->lengths[i] = (int)array->buffers[i].len;
    }
    return (struct dw_exchange_params){(int)array->count, array->types, array->values,
                                       array->lengths, array->formats};
}
