/* rows_copy.c - see rows_copy.h. */
#include "consumer/write_postgres/rows_copy.h"

#include "common/base/bytes.h"
#include "common/base/fault.h"
#include <libpq-fe.h>

#define CHUNK_BYTES  65536
#define SCRATCH_KEEP (1024 * 1024)

static char escape_of(char c)
{
    switch (c) {
    case '\\':
        return '\\';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

/* The first byte from `at` on that has an escape. */
static size_t skip_plain(struct dw_str text, size_t at)
{
    for (; text.len - at >= DW_BYTES_STEP; at += DW_BYTES_STEP) {
        uint64_t word = dw_bytes_load(text.ptr + at);
        uint64_t found = dw_bytes_below(word, '\r' + 1) | dw_bytes_equal(word, '\\');
        if (!found)
            continue;
        at += dw_bytes_before(found);
        break;
    }
    while (at < text.len && !escape_of(text.ptr[at]))
        at++;
    return at;
}

static void put_text(struct dw_buf *out, struct dw_str text)
{
    size_t from = 0;
    size_t at;
    while ((at = skip_plain(text, from)) < text.len) {
        dw_buf_append(out, text.ptr + from, at - from);
        dw_buf_append_char(out, '\\');
        dw_buf_append_char(out, escape_of(text.ptr[at]));
        from = at + 1;
    }
    dw_buf_append(out, text.ptr + from, text.len - from);
}

void dw_rows_copy_line(struct dw_buf *out, const struct dw_rows *rows, size_t row, int64_t number)
{
    if (number)
        dw_buf_append_i64(out, number);
    for (size_t i = 0; i < rows->column_count; i++) {
        const struct dw_value *cell = dw_rows_cell(rows, row, rows->columns[i]);
        if (i || number)
            dw_buf_append_char(out, '\t');
        if (cell->kind == DW_VALUE_STRING)
            put_text(out, cell->text);
        else
            dw_buf_append(out, "\\N", 2);
    }
    dw_buf_append_char(out, '\n');
}

static bool send_rows(PGconn *conn, const struct dw_rows *rows, int64_t number,
                      struct dw_buf *scratch)
{
    for (size_t row = 0; row < rows->count; row++) {
        dw_rows_copy_line(scratch, rows, row, number ? number + (int64_t)row : 0);
        if (scratch->len < CHUNK_BYTES && row + 1 < rows->count)
            continue;
        if (PQputCopyData(conn, scratch->data, (int)scratch->len) != 1)
            return false;
        dw_buf_reset(scratch, SCRATCH_KEEP);
        if (!number) /* rows are numbered only where they are staged */
            dw_fault("writer.copy_half_sent");
    }
    return PQputCopyEnd(conn, NULL) == 1;
}

/* The last result of the command; what comes before it is thrown away. */
static PGresult *last_result(PGconn *conn)
{
    PGresult *last = NULL;
    PGresult *next;
    while ((next = PQgetResult(conn)) != NULL) {
        PQclear(last);
        last = next;
    }
    return last;
}

PGresult *dw_rows_copy_send(PGconn *conn, const char *copy_sql, const struct dw_rows *rows,
                            int64_t first_number, struct dw_buf *scratch, bool *out_broken)
{
    dw_buf_reset(scratch, SCRATCH_KEEP);
    PGresult *result = PQexec(conn, copy_sql);
    if (PQresultStatus(result) == PGRES_COPY_IN) {
        PQclear(result);
        bool sent = send_rows(conn, rows, first_number, scratch);
        result = last_result(conn);
        if (sent && PQresultStatus(result) == PGRES_COMMAND_OK) {
            PQclear(result);
            return NULL;
        }
    }
    *out_broken = PQstatus(conn) == CONNECTION_BAD;
    return result;
}
