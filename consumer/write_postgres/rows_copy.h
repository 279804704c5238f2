/* rows_copy.h - rows as COPY text, into a staging table or the target itself. The carrier of large
 * groups. */
#ifndef DW_WRITE_POSTGRES_ROWS_COPY_H
#define DW_WRITE_POSTGRES_ROWS_COPY_H
#include "common/base/buf.h"
#include "consumer/write_postgres/rows.h"

struct pg_conn;
struct pg_result;

/* Runs `copy_sql` and sends the rows, numbered from `first_number` (0: they have no number).
 * `scratch` is emptied. Returns
 * NULL when all went well, else the failed result (the caller clears it), or when the connection
 * was lost *out_broken. */
struct pg_result *dw_rows_copy_send(struct pg_conn *conn, const char *copy_sql,
                                    const struct dw_rows *rows, int64_t first_number,
                                    struct dw_buf *scratch, bool *out_broken);

/* One line of COPY text; `number` 0: without. */
void dw_rows_copy_line(struct dw_buf *out, const struct dw_rows *rows, size_t row, int64_t number);

#endif
