/* rows_array.h - rows as one text[] parameter per column, in the binary format: no quoting, no
 * parsing. The carrier of small groups. Threads: one owner. */
#ifndef DW_WRITE_POSTGRES_ROWS_ARRAY_H
#define DW_WRITE_POSTGRES_ROWS_ARRAY_H
#include "common/base/buf.h"
#include "consumer/write_postgres/exchange.h"
#include "consumer/write_postgres/rows.h"

struct dw_rows_array {
    struct dw_buf *buffers; /* one per parameter, kept */
    size_t capacity;
    size_t count; /* parameters so far */
    const char **values;
    int *lengths;
    int *formats;
    uint32_t *types;
};

void dw_rows_array_init(struct dw_rows_array *array);
void dw_rows_array_done(struct dw_rows_array *array);
void dw_rows_array_reset(struct dw_rows_array *array);

/* Adds one parameter per column of the group. */
void dw_rows_array_fill(struct dw_rows_array *array, const struct dw_rows *rows);
/* Adds one array parameter of `count` elements, to be put one by one. */
struct dw_buf *dw_rows_array_open(struct dw_rows_array *array, size_t count);
void dw_rows_array_put(struct dw_buf *buffer, struct dw_str text);
void dw_rows_array_put_null(struct dw_buf *buffer);
/* Adds one plain text parameter (copied; NULL pointer: null). */
void dw_rows_array_text(struct dw_rows_array *array, struct dw_str text);

/* Valid until the next change of `array`. */
struct dw_exchange_params dw_rows_array_params(struct dw_rows_array *array);

#endif
