/* progress.c - see progress.h. */
#include "consumer/write_postgres/progress.h"

#include "common/base/base64.h"
#include "common/postgres/pg.h"
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES_MAX ((size_t)512 * 1024 * 1024)

#define INT4_OID 23
#define INT8_OID 20
#define TEXT_OID 25
#define LSN_OID  3220

/* $1 topic, 2 partition, 3 map, 4 revision, 5 next_offset, 6 tail_hash, 7 epoch, 8 commit_lsn,
 * 9 ordinal, 10 heartbeat_us, 11 commit_us, 12… counts, 19 first_offset, 20 initial_sync */
static const uint32_t types[DW_PROGRESS_PARAMS] = {
    TEXT_OID, INT4_OID, TEXT_OID, INT8_OID, INT8_OID, INT8_OID, INT8_OID,
    LSN_OID,  INT8_OID, INT8_OID, INT8_OID, INT8_OID, INT8_OID, INT8_OID,
    INT8_OID, INT8_OID, INT8_OID, INT8_OID, INT8_OID, INT8_OID};

/* A fence that does not hold divides by zero, so that the server skips all that was sent behind it.
 * The counts are compared too: settling a waiting row moves no offset. */
const struct dw_exchange_statement dw_progress_fence = {
    "dw_fence",
    "SELECT 1 / (SELECT count(*) FROM (SELECT FROM dualwrite.progress"
    " WHERE topic = $1 AND partition = $2 AND next_offset = $5 AND tail_hash = $6 AND epoch = $7"
    " AND commit_lsn = $8 AND ordinal = $9 AND heartbeat_us = $10 AND commit_us = $11"
    " AND applied = $12 AND superseded = $13 AND duplicate = $14 AND filtered = $15"
    " AND dead = $16 AND waiting = $17 AND control = $18 FOR UPDATE) AS fence)",
    DW_PROGRESS_PARAMS, types};

const struct dw_exchange_statement dw_progress_first = {
    "dw_first",
    "INSERT INTO dualwrite.progress (topic, partition, map, revision, next_offset, tail_hash,"
    " epoch, commit_lsn, ordinal, heartbeat_us, commit_us, applied, superseded, duplicate,"
    " filtered, dead, waiting, control, first_offset, initial_sync) VALUES ($1, $2, $3, $4, $5, $6,"
    " $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
    DW_PROGRESS_PARAMS, types};

const struct dw_exchange_statement dw_progress_update = {
    "dw_progress",
    "UPDATE dualwrite.progress SET map = $3, revision = $4, next_offset = $5, tail_hash = $6,"
    " epoch = $7, commit_lsn = $8, ordinal = $9, heartbeat_us = $10, commit_us = $11,"
    " applied = $12, superseded = $13, duplicate = $14, filtered = $15, dead = $16, waiting = $17,"
    " control = $18, first_offset = $19, initial_sync = $20, updated_at = now() WHERE topic = $1 "
    "AND partition = $2",
    DW_PROGRESS_PARAMS, types};

static void put_i64(char text[24], int64_t number)
{
    (void)snprintf(text, 24, "%" PRId64, number);
}

struct dw_exchange_params dw_progress_params(struct dw_progress_values *values,
                                             const struct dw_partition_id *id,
                                             const struct dw_progress *progress)
{
    char(*texts)[24] = values->texts;
    for (size_t i = 0; i < DW_PROGRESS_PARAMS; i++)
        values->values[i] = texts[i];
    values->values[0] = id->topic;
    values->values[2] = id->map;
    put_i64(texts[1], id->partition);
    put_i64(texts[3], id->revision);
    put_i64(texts[4], progress->next_offset);
    put_i64(texts[5], (int64_t)progress->tail_hash);
    put_i64(texts[6], progress->version.epoch);
    (void)dw_pg_format_lsn(progress->version.commit_lsn, texts[7]);
    put_i64(texts[8], (int64_t)progress->version.ordinal);
    put_i64(texts[9], progress->heartbeat_us);
    put_i64(texts[10], progress->commit_us);
    for (size_t i = DW_OUTCOME_APPLIED; i < DW_OUTCOME_COUNT; i++)
        put_i64(texts[10 + i], progress->counts[i]);
    put_i64(texts[18], progress->first_offset);
    put_i64(texts[19], progress->initial_sync);
    return (struct dw_exchange_params){DW_PROGRESS_PARAMS, NULL, values->values, NULL, NULL};
}

/* ---- reading ---- */

static int64_t i64_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static struct dw_version version_at(const PGresult *result, int row, int column)
{
    struct dw_version version = {.epoch = (uint32_t)i64_at(result, row, column)};
    (void)dw_pg_parse_lsn(PQgetvalue(result, row, column + 1), &version.commit_lsn);
    version.ordinal = (uint64_t)i64_at(result, row, column + 2);
    return version;
}

static void read_row(const PGresult *result, struct dw_progress *out)
{
    out->exists = true;
    out->revision = i64_at(result, 0, 0);
    out->next_offset = i64_at(result, 0, 1);
    out->tail_hash = (uint64_t)i64_at(result, 0, 2);
    out->version = version_at(result, 0, 3);
    out->heartbeat_us = i64_at(result, 0, 6);
    out->commit_us = i64_at(result, 0, 7);
    for (int i = DW_OUTCOME_APPLIED; i < DW_OUTCOME_COUNT; i++)
        out->counts[i] = i64_at(result, 0, 7 + i);
    out->first_offset = i64_at(result, 0, 15);
    out->initial_sync = i64_at(result, 0, 16);
    if (PQgetisnull(result, 0, 17))
        return;
    out->generation = (struct dw_progress_generation){
        .version = version_at(result, 0, 17),
        .before = (int32_t)i64_at(result, 0, 20),
        .partitions = (int32_t)i64_at(result, 0, 21),
        .reach = (int32_t)i64_at(result, 0, 22),
    };
}

static enum dw_rc query_partition(PGconn *conn, const char *sql, const struct dw_partition_id *id,
                                  PGresult **out, struct dw_err *err)
{
    char partition[16];
    (void)snprintf(partition, sizeof partition, "%d", id->partition);
    const char *const params[] = {id->topic, partition};
    return dw_pg_query(conn, sql, 2, params, out, err);
}

enum dw_rc dw_progress_read(PGconn *conn, const struct dw_partition_id *id, struct dw_progress *out,
                            struct dw_err *err)
{
    static const char sql[] =
        "SELECT p.revision, p.next_offset, p.tail_hash, p.epoch, p.commit_lsn, p.ordinal,"
        " p.heartbeat_us, p.commit_us, p.applied, p.superseded, p.duplicate, p.filtered, p.dead,"
        " p.waiting, p.control, p.first_offset, p.initial_sync, g.epoch, g.commit_lsn, g.ordinal,"
        " g.before, g.partitions, g.reach FROM dualwrite.progress p LEFT JOIN LATERAL (SELECT *"
        "  FROM dualwrite.generation WHERE topic = p.topic"
        "  AND (epoch, commit_lsn, ordinal) <= (p.epoch, p.commit_lsn, p.ordinal)"
        "  ORDER BY epoch DESC, commit_lsn DESC, ordinal DESC LIMIT 1) g ON true"
        " WHERE p.topic = $1 AND p.partition = $2";
    PGresult *result = NULL;
    enum dw_rc rc = query_partition(conn, sql, id, &result, err);
    if (rc != DW_OK)
        return rc;
    *out = (struct dw_progress){.exists = false};
    if (PQntuples(result))
        read_row(result, out);
    PQclear(result);
    return DW_OK;
}

static struct dw_str text_at(const PGresult *result, int row, int column, struct dw_arena *arena)
{
    if (PQgetisnull(result, row, column))
        return (struct dw_str){NULL, 0};
    struct dw_str text = {PQgetvalue(result, row, column),
                          (size_t)PQgetlength(result, row, column)};
    return dw_arena_copy(arena, text);
}

/* bytea as base64: shorter than hexadecimal on the way. */
static struct dw_str bytes_at(const PGresult *result, int row, int column, struct dw_arena *arena)
{
    if (PQgetisnull(result, row, column))
        return (struct dw_str){NULL, 0};
    struct dw_buf bytes;
    dw_buf_init(&bytes, BYTES_MAX);
    struct dw_str text = {PQgetvalue(result, row, column),
                          (size_t)PQgetlength(result, row, column)};
    (void)dw_base64_decode(&bytes, text); /* the server wrote it */
    struct dw_str copy = dw_arena_copy(arena, dw_buf_str(&bytes));
    dw_buf_done(&bytes);
    return copy;
}

enum dw_rc dw_progress_read_waiting(PGconn *conn, const struct dw_partition_id *id,
                                    struct dw_arena *arena, struct dw_waiting **out,
                                    size_t *out_count, struct dw_err *err)
{
    static const char sql[] =
        "SELECT record_offset, epoch, commit_lsn, ordinal,"
        " (extract(epoch FROM since) * 1000000)::bigint, key, code, reason, parent_schema,"
        " parent_table, translate(encode(record_key, 'base64'), E'\\n', ''),"
        " translate(encode(event, 'base64'), E'\\n', '')"
        " FROM dualwrite.waiting WHERE topic = $1 AND partition = $2 ORDER BY record_offset";
    PGresult *result = NULL;
    enum dw_rc rc = query_partition(conn, sql, id, &result, err);
    if (rc != DW_OK)
        return rc;
    size_t count = (size_t)PQntuples(result);
    struct dw_waiting *rows = DW_ARENA_ARRAY(arena, struct dw_waiting, count);
    for (int i = 0; i < (int)count; i++)
        rows[i] = (struct dw_waiting){
            .offset = i64_at(result, i, 0),
            .version = version_at(result, i, 1),
            .since_us = i64_at(result, i, 4),
            .key_text = text_at(result, i, 5, arena),
            .code = text_at(result, i, 6, arena),
            .reason = text_at(result, i, 7, arena),
            .parent_schema = text_at(result, i, 8, arena),
            .parent_table = text_at(result, i, 9, arena),
            .record_key = bytes_at(result, i, 10, arena),
            .record_value = bytes_at(result, i, 11, arena),
        };
    PQclear(result);
    *out = rows;
    *out_count = count;
    return DW_OK;
}

/* ---- writing waiting rows ---- */

static void put_number(struct dw_buf *column, int64_t number)
{
    char text[24];
    put_i64(text, number);
    dw_rows_array_put(column, dw_str_from(text));
}

static void put_lsn(struct dw_buf *column, uint64_t lsn)
{
    char text[24];
    dw_rows_array_put(column, dw_str_from(dw_pg_format_lsn(lsn, text)));
}

static void put_text(struct dw_buf *column, struct dw_str text)
{
    if (text.ptr)
        dw_rows_array_put(column, text);
    else
        dw_rows_array_put_null(column);
}

static void put_bytes(struct dw_buf *column, struct dw_str bytes)
{
    if (!bytes.ptr) {
        dw_rows_array_put_null(column);
        return;
    }
    struct dw_buf base64;
    dw_buf_init(&base64, BYTES_MAX * 2);
    dw_base64_encode(&base64, bytes.ptr, bytes.len);
    dw_rows_array_put(column, dw_buf_str(&base64));
    dw_buf_done(&base64);
}

/* The parameters that all rows share: $1 topic, $2 partition, $3 map. */
static void put_partition(struct dw_rows_array *arrays, const struct dw_partition_id *id)
{
    char partition[24];
    put_i64(partition, id->partition);
    dw_rows_array_reset(arrays);
    dw_rows_array_text(arrays, dw_str_from(id->topic));
    dw_rows_array_text(arrays, dw_str_from(partition));
    dw_rows_array_text(arrays, dw_str_from(id->map));
}

static void send_removed(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                         const struct dw_partition_id *id, const struct dw_writer_commit *commit)
{
    static const char sql[] =
        "DELETE FROM dualwrite.waiting WHERE topic = $1::text AND partition = $2::text::int"
        " AND $3::text IS NOT NULL AND record_offset = ANY ($4::text[]::bigint[])";
    put_partition(arrays, id);
    struct dw_buf *column = dw_rows_array_open(arrays, commit->waiting_removed_count);
    for (size_t i = 0; i < commit->waiting_removed_count; i++)
        put_number(column, commit->waiting_removed[i]);
    struct dw_exchange_params params = dw_rows_array_params(arrays);
    dw_exchange_send(exchange, 0, sql, &params);
}

/* The columns of dualwrite.waiting, in the order of the statement below. */
static void put_waiting(struct dw_rows_array *arrays, const struct dw_waiting *rows, size_t count)
{
    struct dw_buf *columns[12];
    const size_t column_count = sizeof columns / sizeof *columns;
    /* the pointers stay valid: all parameters are made before any is filled */
    for (size_t i = 0; i < column_count; i++)
        (void)dw_rows_array_open(arrays, count);
    for (size_t i = 0; i < column_count; i++)
        columns[i] = &arrays->buffers[arrays->count - column_count + i];
    for (size_t i = 0; i < count; i++) {
        put_number(columns[0], rows[i].offset);
        put_number(columns[1], rows[i].version.epoch);
        put_lsn(columns[2], rows[i].version.commit_lsn);
        put_number(columns[3], (int64_t)rows[i].version.ordinal);
        put_number(columns[4], rows[i].since_us);
        dw_rows_array_put(columns[5], rows[i].key_text);
        dw_rows_array_put(columns[6], rows[i].code);
        dw_rows_array_put(columns[7], rows[i].reason);
        put_text(columns[8], rows[i].parent_schema);
        put_text(columns[9], rows[i].parent_table);
        put_bytes(columns[10], rows[i].record_key);
        put_bytes(columns[11], rows[i].record_value);
    }
}

void dw_progress_send_waiting(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                              const struct dw_partition_id *id,
                              const struct dw_writer_commit *commit)
{
    static const char sql[] =
        "INSERT INTO dualwrite.waiting (topic, partition, map, record_offset, epoch, commit_lsn,"
        " ordinal, since, key, code, reason, parent_schema, parent_table, record_key, event)"
        " SELECT $1::text, $2::text::int, $3::text, o::bigint, e::bigint, l::pg_lsn, n::bigint,"
        " to_timestamp(0) + u::bigint * interval '1 microsecond', k, c, r, s, t,"
        " decode(rk, 'base64'), decode(rv, 'base64') FROM unnest($4::text[], $5::text[],"
        " $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],"
        " $13::text[], $14::text[], $15::text[]) AS w(o, e, l, n, u, k, c, r, s, t, rk, rv)"
        " ON CONFLICT (topic, partition, record_offset) DO UPDATE SET code = EXCLUDED.code,"
        " reason = EXCLUDED.reason, parent_schema = EXCLUDED.parent_schema,"
        " parent_table = EXCLUDED.parent_table, since = EXCLUDED.since";
    if (commit->waiting_removed_count)
        send_removed(exchange, arrays, id, commit);
    if (!commit->waiting_added_count)
        return;
    put_partition(arrays, id);
    put_waiting(arrays, commit->waiting_added, commit->waiting_added_count);
    struct dw_exchange_params params = dw_rows_array_params(arrays);
    dw_exchange_send(exchange, 0, sql, &params);
}

/* ---- revisions of maps ---- */

enum dw_rc dw_progress_read_version(PGconn *conn, const struct dw_partition_id *id,
                                    struct dw_arena *arena, struct dw_writer_version *out,
                                    bool *out_found, struct dw_err *err)
{
    static const char sql[] = "SELECT translate(encode(document, 'base64'), E'\\n', ''),"
                              " translate(encode(resolved, 'base64'), E'\\n', '')"
                              " FROM dualwrite.map_version WHERE topic = $1 AND revision = $2";
    char revision[24];
    put_i64(revision, id->revision);
    const char *const params[] = {id->topic, revision};
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, sql, 2, params, &result, err);
    if (rc != DW_OK)
        return rc;
    *out_found = PQntuples(result) == 1;
    if (*out_found) {
        out->document = bytes_at(result, 0, 0, arena);
        out->resolved = bytes_at(result, 0, 1, arena);
    }
    PQclear(result);
    return DW_OK;
}

void dw_progress_send_version(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                              const struct dw_partition_id *id,
                              const struct dw_writer_commit *commit)
{
    static const char keep[] =
        "INSERT INTO dualwrite.map_version (topic, revision, document, resolved)"
        " SELECT $1::text, $2::bigint, decode(d, 'base64'), decode(r, 'base64')"
        " FROM unnest($3::text[], $4::text[]) AS v(d, r)"
        " ON CONFLICT (topic, revision) DO NOTHING";
    /* A partition that has no row yet begins with what its first marker brings. */
    static const char drop[] =
        "DELETE FROM dualwrite.map_version WHERE topic = $1::text AND revision < $2::bigint"
        " AND revision < (SELECT min(revision) FROM dualwrite.progress WHERE topic = $1::text)";
    char revision[24];
    if (!commit->version)
        return;
    put_i64(revision, commit->progress->revision);
    dw_rows_array_reset(arrays);
    dw_rows_array_text(arrays, dw_str_from(id->topic));
    dw_rows_array_text(arrays, dw_str_from(revision));
    put_bytes(dw_rows_array_open(arrays, 1), commit->version->document);
    put_bytes(dw_rows_array_open(arrays, 1), commit->version->resolved);
    struct dw_exchange_params params = dw_rows_array_params(arrays);
    dw_exchange_send(exchange, 0, keep, &params);
    dw_rows_array_reset(arrays);
    dw_rows_array_text(arrays, dw_str_from(id->topic));
    dw_rows_array_text(arrays, dw_str_from(revision));
    params = dw_rows_array_params(arrays);
    dw_exchange_send(exchange, 0, drop, &params);
}

/* ---- generations ---- */

void dw_progress_send_generation(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                                 const struct dw_partition_id *id,
                                 const struct dw_writer_commit *commit)
{
    static const char keep[] =
        "INSERT INTO dualwrite.generation AS g (topic, epoch, commit_lsn, ordinal, generation,"
        " before, partitions, reach, initial_sync) SELECT $1::text, $2::bigint, $3::pg_lsn,"
        " $4::bigint, $5::bigint, $6::int, $7::int, $8::int, nullif($9::bigint, -1)"
        " ON CONFLICT (topic, epoch, commit_lsn, ordinal)"
        " DO UPDATE SET initial_sync = coalesce(g.initial_sync, EXCLUDED.initial_sync)";
    char texts[8][24];
    const struct dw_writer_generation *generation = commit->generation;
    if (!generation)
        return;
    const struct dw_progress_generation *place = generation->place;
    put_i64(texts[0], place->version.epoch);
    (void)dw_pg_format_lsn(place->version.commit_lsn, texts[1]);
    put_i64(texts[2], (int64_t)place->version.ordinal);
    put_i64(texts[3], generation->number);
    put_i64(texts[4], place->before);
    put_i64(texts[5], place->partitions);
    put_i64(texts[6], place->reach);
    put_i64(texts[7], generation->initial_sync);
    dw_rows_array_reset(arrays);
    dw_rows_array_text(arrays, dw_str_from(id->topic));
    for (size_t i = 0; i < 8; i++)
        dw_rows_array_text(arrays, dw_str_from(texts[i]));
    struct dw_exchange_params params = dw_rows_array_params(arrays);
    dw_exchange_send(exchange, 0, keep, &params);
}
