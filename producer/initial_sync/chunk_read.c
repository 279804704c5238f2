/* chunk_read.c - see chunk_read.h. */
#include "producer/initial_sync/chunk_read.h"

#include "common/base/fault.h"
#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include "common/postgres/pg.h"
#include "producer/capture_postgres/tap.h"
#include "producer/initial_sync/copy_text.h"
#include "producer/initial_sync/watermark.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define SQL_BYTES_MAX  ((size_t)1 << 20)
#define LIST_BYTES_MAX ((size_t)256 << 20)
#define CANCEL_TEXT    256
#define KEYS_FIRST     64

struct run {
    PGconn *conn;
    const struct dw_chunk_read *read;
    struct dw_chunk *chunk;
    struct dw_arena arena;
    struct dw_buf sql;
    struct dw_str *fields;
    size_t field_count;
    struct dw_str *key;
    struct dw_buf scratch;
    bool cut;
};

/* --- keys --------------------------------------------------------------------------------------
 */

/* The texts up to the end of an array whose opening was read. */
static bool read_texts(struct dw_json_pull *pull, size_t count, struct dw_arena *arena,
                       struct dw_str *out)
{
    for (size_t i = 0; i < count; i++) {
        if (dw_json_pull_next(pull) != DW_JSON_STRING)
            return false;
        out[i] = dw_arena_copy(arena, pull->text);
    }
    return dw_json_pull_next(pull) == DW_JSON_ARRAY_CLOSE;
}

bool dw_chunk_read_key(const char *json, size_t count, struct dw_arena *arena, struct dw_str *out)
{
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, dw_str_from(json), arena);
    return dw_json_pull_next(&pull) == DW_JSON_ARRAY_OPEN && read_texts(&pull, count, arena, out) &&
           dw_json_pull_next(&pull) == DW_JSON_END;
}

enum dw_rc dw_chunk_read_keys(const char *json, size_t count, struct dw_arena *arena,
                              struct dw_str **out, size_t *out_keys, struct dw_err *err)
{
    struct dw_json_pull pull;
    size_t capacity = 0;
    struct dw_str *keys = NULL;
    *out_keys = 0;
    dw_json_pull_init(&pull, dw_str_from(json), arena);
    enum dw_json token = dw_json_pull_next(&pull);
    bool good = token == DW_JSON_ARRAY_OPEN;
    while (good && (token = dw_json_pull_next(&pull)) == DW_JSON_ARRAY_OPEN) {
        if (*out_keys == capacity) {
            capacity = capacity ? capacity * 2 : KEYS_FIRST;
            struct dw_str *grown = DW_ARENA_ARRAY(arena, struct dw_str, capacity * count);
            if (keys)
                memcpy(grown, keys, *out_keys * count * sizeof *grown);
            keys = grown;
        }
        good = read_texts(&pull, count, arena, &keys[(*out_keys)++ * count]);
    }
    if (!good || token != DW_JSON_ARRAY_CLOSE || !keys)
        return dw_err_set(err, DW_CONFIG, "DW-SYNC-003",
                          "keys have to be a JSON array of arrays of %zu texts, found %.200s",
                          count, json);
    *out = keys;
    return DW_OK;
}

void dw_chunk_read_format_key(const struct dw_str *texts, size_t count, struct dw_buf *out)
{
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            dw_buf_append_char(out, ',');
        dw_json_write_string(out, texts[i]);
    }
    dw_buf_append_char(out, ']');
}

/* --- statements --------------------------------------------------------------------------------
 */

static enum dw_rc emit(PGconn *conn, const char *token, const struct dw_watermark *mark,
                       struct dw_err *err)
{
    char text[DW_WATERMARK_TEXT_MAX];
    const char *params[] = {DW_TAP_MESSAGE, dw_watermark_format(token, mark, text)};
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_pg_query(conn, "SELECT pg_logical_emit_message(true, $1, $2)", 2, params, &result, err);
    PQclear(result);
    return rc;
}

enum dw_rc dw_chunk_read_mark(PGconn *conn, const char *token, uint64_t number, struct dw_err *err)
{
    return emit(conn, token, &(struct dw_watermark){.chunk = number, .high = true}, err);
}

static enum dw_rc set(struct run *run, enum dw_sync_bound bound, const char *const *values,
                      struct dw_err *err)
{
    PGresult *result = NULL;
    run->sql.len = 0;
    dw_sync_table_sql_set(run->read->table, bound, &run->sql);
    enum dw_rc rc = dw_pg_query(run->conn, run->sql.data, (int)run->read->table->key_count, values,
                                &result, err);
    PQclear(result);
    return rc;
}

static enum dw_rc set_bound(struct run *run, enum dw_sync_bound bound, const char *json,
                            struct dw_err *err)
{
    size_t count = run->read->table->key_count;
    struct dw_str *texts = DW_ARENA_ARRAY(&run->arena, struct dw_str, count);
    const char **values = DW_ARENA_ARRAY(&run->arena, const char *, count);
    if (!json)
        return DW_OK;
    if (!dw_chunk_read_key(json, count, &run->arena, texts))
        return dw_err_set(err, DW_CONFIG, "DW-SYNC-003",
                          "a key has to be a JSON array of %zu texts, found %.200s", count, json);
    for (size_t i = 0; i < count; i++)
        values[i] = texts[i].ptr;
    return set(run, bound, values, err);
}

/* {"a","b"}: an array literal, each element quoted. */
static void format_list(const struct run *run, size_t key, struct dw_buf *out)
{
    const struct dw_chunk_read *read = run->read;
    dw_buf_append_char(out, '{');
    for (size_t i = 0; i < read->keys_count; i++) {
        struct dw_str text = read->keys[i * read->table->key_count + key];
        dw_buf_append_text(out, i ? ",\"" : "\"");
        for (size_t at = 0; at < text.len; at++) {
            if (text.ptr[at] == '"' || text.ptr[at] == '\\')
                dw_buf_append_char(out, '\\');
            dw_buf_append_char(out, text.ptr[at]);
        }
        dw_buf_append_char(out, '"');
    }
    dw_buf_append_char(out, '}');
}

static enum dw_rc set_keys(struct run *run, struct dw_err *err)
{
    size_t count = run->read->table->key_count;
    const char **values = DW_ARENA_ARRAY(&run->arena, const char *, count);
    struct dw_buf *lists = DW_ARENA_ARRAY(&run->arena, struct dw_buf, count);
    for (size_t i = 0; i < count; i++) {
        dw_buf_init(&lists[i], LIST_BYTES_MAX);
        format_list(run, i, &lists[i]);
        values[i] = lists[i].data;
    }
    enum dw_rc rc = set(run, DW_SYNC_KEYS, values, err);
    for (size_t i = 0; i < count; i++)
        dw_buf_done(&lists[i]);
    return rc;
}

/* All that the statement's conditions are compared with. */
static enum dw_rc set_conditions(struct run *run, struct dw_err *err)
{
    const struct dw_chunk_read *read = run->read;
    const char *params[] = {read->table->filter.values, read->table->choice.values};
    PGresult *result = NULL;
    enum dw_rc rc = set_bound(run, DW_SYNC_LOWER, read->lower, err);
    if (rc == DW_OK)
        rc = set_bound(run, DW_SYNC_UPPER, read->upper, err);
    if (rc != DW_OK || (!params[0] && !params[1]))
        return rc;
    run->sql.len = 0;
    dw_sync_table_sql_set_values(&run->sql);
    rc = dw_pg_query(run->conn, run->sql.data, 2, params, &result, err);
    PQclear(result);
    return rc;
}

enum dw_rc dw_chunk_read_conditions(PGconn *conn, const struct dw_chunk_read *read,
                                    struct dw_err *err)
{
    struct run run = {.conn = conn, .read = read};
    dw_arena_init(&run.arena, 4096);
    dw_buf_init(&run.sql, SQL_BYTES_MAX);
    enum dw_rc rc = set_conditions(&run, err);
    dw_arena_done(&run.arena);
    dw_buf_done(&run.sql);
    return rc;
}

static enum dw_rc take_snapshot(struct run *run, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(run->conn, "SELECT pg_current_snapshot()", 0, NULL, &result, err);
    if (rc != DW_OK)
        return rc;
    struct dw_str text = dw_str_from(PQgetvalue(result, 0, 0));
    if (!dw_visibility_parse(text, &run->chunk->snapshot))
        rc = dw_err_set(err, DW_FATAL, "DW-SYNC-004", "an unreadable snapshot: %.*s",
                        DW_STR_ARG(text));
    PQclear(result);
    return rc;
}

/* --- rows --------------------------------------------------------------------------------------
 */

/* A row whose key was appended from `at` on; its texts are in run->key. */
static struct dw_chunk_row *add_row(struct run *run, size_t at)
{
    struct dw_chunk *chunk = run->chunk;
    struct dw_chunk_row *row = dw_chunk_add(chunk, at, chunk->space.text.len - at);
    row->route =
        dw_sync_table_route(run->read->table, dw_chunk_key(chunk, row), run->key, &run->scratch);
    return row;
}

static enum dw_rc take_row(struct run *run, char *line, size_t len, struct dw_err *err)
{
    struct dw_chunk *chunk = run->chunk;
    const struct dw_sync_table *table = run->read->table;
    size_t at = chunk->space.text.len;
    if (!dw_copy_text_split(line, len, run->fields, run->field_count))
        return dw_err_set(err, DW_FATAL, "DW-SYNC-004",
                          "a row of %.*s.%.*s with another number of columns than asked for",
                          DW_STR_ARG(table->schema), DW_STR_ARG(table->table));
    if (chunk->content == DW_CHUNK_ABSENT) {
        memcpy(run->key, run->fields, table->key_count * sizeof *run->key);
        dw_sync_table_encode_key(table, run->key, &chunk->space.text);
        add_row(run, at);
        return DW_OK;
    }
    for (size_t i = 0; i < table->key_count; i++)
        run->key[i] = run->fields[table->keys[i].column];
    dw_sync_table_encode_key(table, run->key, &chunk->space.text);
    struct dw_chunk_row *row = add_row(run, at);
    size_t after_at = chunk->space.text.len;
    dw_sync_table_encode_row(table, run->fields, &chunk->space.text);
    row->after_len = chunk->space.text.len - after_at;
    dw_chunk_read_format_key(run->key, table->key_count, &chunk->space.text);
    row->texts_len = chunk->space.text.len - after_at - row->after_len;
    if (dw_buf_ok(&chunk->space.text))
        return DW_OK;
    chunk->space.text.overflow = false; /* only its key stays, for the dead letter */
    chunk->space.text.len = after_at;
    row->after_len = row->texts_len = 0;
    row->too_large = true;
    return DW_OK;
}

static void cancel(struct run *run)
{
    char text[CANCEL_TEXT];
    PGcancel *request = PQgetCancel(run->conn);
    if (request)
        (void)PQcancel(request, text,
                       sizeof text); /* when it comes too late there is less to cut */
    PQfreeCancel(request);
    run->cut = true;
}

/* Reads the rows that COPY sends; behind a cut the rest is thrown away. */
static enum dw_rc take_rows(struct run *run, struct dw_buf *out_last, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    char *line = NULL;
    int len;
    while ((len = PQgetCopyData(run->conn, &line, 0)) > 0) {
        if (rc == DW_OK && !run->cut) {
            rc = take_row(run, line, (size_t)len, err);
            if (rc == DW_OK && run->chunk->space.text.len >= run->read->bytes &&
                run->read->kind == DW_CHUNK_READ_RANGE) {
                dw_chunk_read_format_key(run->key, run->read->table->key_count, out_last);
                cancel(run);
            }
        }
        /* The fields of the last row are needed behind the end. */
        if (rc == DW_OK && !run->cut && run->read->kind == DW_CHUNK_READ_RANGE &&
            run->chunk->row_count == (size_t)run->read->limit)
            dw_chunk_read_format_key(run->key, run->read->table->key_count, out_last);
        PQfreemem(line);
    }
    return rc;
}

/* The end of COPY; a cut one ends in an error of its own making. */
static enum dw_rc end_copy(struct run *run, enum dw_rc rc, struct dw_err *err)
{
    PGresult *result;
    while ((result = PQgetResult(run->conn)) != NULL) {
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        bool ours = run->cut && sqlstate && strcmp(sqlstate, "57014") == 0;
        if (rc == DW_OK && !ours && PQresultStatus(result) != PGRES_COMMAND_OK)
            rc = dw_pg_error(run->conn, result, "DW-SYNC-005", err);
        PQclear(result);
    }
    return rc;
}

static enum dw_rc copy(struct run *run, struct dw_buf *out_last, struct dw_err *err)
{
    PGresult *result = PQexec(run->conn, run->sql.data);
    if (PQresultStatus(result) != PGRES_COPY_OUT) {
        enum dw_rc rc = dw_pg_error(run->conn, result, "DW-SYNC-005", err);
        PQclear(result);
        return rc;
    }
    PQclear(result);
    enum dw_rc rc = take_rows(run, out_last, err);
    return end_copy(run, rc, err);
}

/* --- a chunk -----------------------------------------------------------------------------------
 */

static enum dw_rc prepare(struct run *run, struct dw_err *err)
{
    const struct dw_chunk_read *read = run->read;
    const struct dw_sync_scope scope = {.has_lower = read->lower != NULL,
                                        .lower_in = read->lower_in,
                                        .has_upper = read->upper != NULL,
                                        .limit = read->limit};
    enum dw_rc rc = set_conditions(run, err);
    if (rc == DW_OK && read->kind != DW_CHUNK_READ_RANGE)
        rc = set_keys(run, err);
    run->sql.len = 0;
    if (read->kind == DW_CHUNK_READ_OUTSIDE)
        dw_sync_table_sql_outside(read->table, &scope, &run->sql);
    else if (read->kind == DW_CHUNK_READ_ABSENT)
        dw_sync_table_sql_absent(read->table, &scope, &run->sql);
    else if (read->kind == DW_CHUNK_READ_KEYS)
        dw_sync_table_sql_keys(read->table, &run->sql);
    else
        dw_sync_table_sql_rows(read->table, &scope, &run->sql);
    return rc;
}

/* Index scans only: a chunk must not read the whole table and sort it. */
static enum dw_rc read_rows(struct run *run, struct dw_buf *out_last, struct dw_err *err)
{
    enum dw_rc rc = dw_pg_exec(run->conn,
                               "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                               " SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off",
                               err);
    if (rc == DW_OK)
        rc = take_snapshot(run, err);
    if (rc == DW_OK)
        rc = copy(run, out_last, err);
    bool good = rc == DW_OK && !run->cut;
    enum dw_rc ended =
        dw_pg_exec(run->conn, good ? "COMMIT" : "ROLLBACK", rc == DW_OK ? err : NULL);
    return rc == DW_OK ? ended : rc;
}

enum dw_rc dw_chunk_read(PGconn *conn, const struct dw_chunk_read *read, struct dw_chunk *chunk,
                         struct dw_buf *out_last, bool *out_more, struct dw_err *err)
{
    struct run run = {.conn = conn, .read = read, .chunk = chunk};
    dw_arena_init(&run.arena, 16384);
    dw_buf_init(&run.sql, SQL_BYTES_MAX);
    dw_buf_init(&run.scratch, SQL_BYTES_MAX);
    run.field_count =
        chunk->content == DW_CHUNK_ABSENT ? read->table->key_count : read->table->column_count;
    run.fields = DW_ARENA_ARRAY(&run.arena, struct dw_str, run.field_count);
    run.key = DW_ARENA_ARRAY(&run.arena, struct dw_str, read->table->key_count);
    out_last->len = 0;
    enum dw_rc rc = prepare(&run, err);
    if (rc == DW_OK)
        rc = emit(conn, read->token, &(struct dw_watermark){.chunk = chunk->number}, err);
    dw_fault("sync.after_low");
    if (rc == DW_OK)
        rc = read_rows(&run, out_last, err);
    *out_more =
        run.cut || (read->kind == DW_CHUNK_READ_RANGE && chunk->row_count == (size_t)read->limit);
    dw_fault("sync.after_rows");
    dw_arena_done(&run.arena);
    dw_buf_done(&run.sql);
    dw_buf_done(&run.scratch);
    return rc;
}
