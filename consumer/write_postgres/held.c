/* held.c - see held.h. */
#include "consumer/write_postgres/held.h"

#include "common/postgres/pg.h"
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- parameters ---- */

static void put_number(struct dw_buf *column, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    dw_rows_array_put(column, dw_str_from(text));
}

static void put_lsn(struct dw_buf *column, uint64_t lsn)
{
    char text[24];
    dw_rows_array_put(column, dw_str_from(dw_pg_format_lsn(lsn, text)));
}

static void put_bool(struct dw_buf *column, bool value)
{
    dw_rows_array_put(column, value ? DW_STR_LIT("t") : DW_STR_LIT("f"));
}

static void put_text(struct dw_buf *column, const char *text)
{
    if (text)
        dw_rows_array_put(column, dw_str_from(text));
    else
        dw_rows_array_put_null(column);
}

/* A bigint[] as text. */
static void put_lacks(struct dw_buf *column, const struct dw_held_lacks *lacks)
{
    struct dw_buf text;
    dw_buf_init(&text, 2 + lacks->count * 24);
    dw_buf_append_char(&text, '{');
    for (size_t i = 0; i < lacks->count; i++) {
        if (i)
            dw_buf_append_char(&text, ',');
        dw_buf_append_i64(&text, (int64_t)lacks->columns[i]);
    }
    dw_buf_append_char(&text, '}');
    dw_rows_array_put(column, dw_buf_str(&text));
    dw_buf_done(&text);
}

/* $1 topic, $2 partition. */
static void put_partition(struct dw_rows_array *arrays, const struct dw_partition_id *id)
{
    char partition[16];
    (void)snprintf(partition, sizeof partition, "%d", id->partition);
    dw_rows_array_reset(arrays);
    dw_rows_array_text(arrays, dw_str_from(id->topic));
    dw_rows_array_text(arrays, dw_str_from(partition));
}

#define COLUMNS_MAX 10

/* Opens `count` columns for `rows`; their buffers stay where they are until all are filled. */
static void open_columns(struct dw_rows_array *arrays, size_t count, size_t rows,
                         struct dw_buf *columns[COLUMNS_MAX])
{
    for (size_t i = 0; i < count; i++)
        (void)dw_rows_array_open(arrays, rows);
    for (size_t i = 0; i < count; i++)
        columns[i] = &arrays->buffers[arrays->count - count + i];
}

static void send(struct dw_exchange *exchange, struct dw_rows_array *arrays, const char *sql)
{
    struct dw_exchange_params params = dw_rows_array_params(arrays);
    dw_exchange_send(exchange, 0, sql, &params);
}

/* ---- new letters ---- */

/* The same record may have failed before: in an earlier life of the target, or of its topic. */
static const char letters_sql[] =
    "INSERT INTO dualwrite.held (topic, partition, map, record_offset, epoch, commit_lsn, ordinal,"
    " key, code, source_key, key_hash, lacks) SELECT $1::text, $2::text::int, $3::text, o::bigint,"
    " e::bigint, l::pg_lsn, n::bigint, k, c, s, h::bigint, m::bigint[]"
    " FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],"
    " $10::text[], $11::text[], $12::text[]) AS f(o, e, l, n, k, c, s, h, m)"
    " ON CONFLICT (topic, partition, record_offset) DO UPDATE SET epoch = EXCLUDED.epoch,"
    " commit_lsn = EXCLUDED.commit_lsn, ordinal = EXCLUDED.ordinal, key = EXCLUDED.key,"
    " code = EXCLUDED.code, source_key = EXCLUDED.source_key, key_hash = EXCLUDED.key_hash,"
    " lacks = EXCLUDED.lacks, held_at = now(), later_epoch = NULL, later_lsn = NULL,"
    " later_ordinal = NULL, later_gone = NULL, attempts = 1, outcome = NULL, ended_at = NULL,"
    " wants_row = false";

static void send_letters(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                         const struct dw_partition_id *id, const struct dw_held_news *news)
{
    struct dw_buf *columns[COLUMNS_MAX];
    put_partition(arrays, id);
    dw_rows_array_text(arrays, dw_str_from(id->map));
    open_columns(arrays, 9, news->letter_count, columns);
    for (size_t i = 0; i < news->letter_count; i++) {
        const struct dw_held *letter = &news->letters[i];
        put_number(columns[0], letter->offset);
        put_number(columns[1], letter->version.epoch);
        put_lsn(columns[2], letter->version.commit_lsn);
        put_number(columns[3], (int64_t)letter->version.ordinal);
        dw_rows_array_put(columns[4], letter->key_text);
        put_text(columns[5], letter->code);
        dw_rows_array_put(columns[6], letter->key.text);
        put_number(columns[7], (int64_t)letter->key.hash);
        put_lacks(columns[8], &letter->lacks);
    }
    send(exchange, arrays, letters_sql);
}

/* ---- later events ---- */

#define COUNT_SUPERSEDED                                                                           \
    " INSERT INTO dualwrite.held_end AS e (topic, partition, superseded)"                          \
    " SELECT topic, partition, count(*) FROM ended WHERE outcome IS NOT NULL"                      \
    " GROUP BY topic, partition ON CONFLICT (topic, partition)"                                    \
    " DO UPDATE SET superseded = e.superseded + EXCLUDED.superseded"

/* Of several later events of a key the last one is remembered; any of them may cover the letter. */
static const char touches_sql[] =
    "WITH seen AS MATERIALIZED (SELECT h.topic, h.partition, h.record_offset, t.e::bigint AS e,"
    "  t.l::pg_lsn AS l, t.o::bigint AS o, t.g::bool AS g, t.n,"
    "  t.g::bool OR t.m::bigint[] <@ h.lacks AS covers"
    "  FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],"
    "  $9::text[], $10::text[], $11::text[]) WITH ORDINALITY AS t(h, s, e, l, o, p, f, g, m, n)"
    "  JOIN dualwrite.held h ON h.topic = $1::text AND h.key_hash = t.h::bigint"
    "  AND h.source_key = t.s AND h.outcome IS NULL WHERE $2::text IS NOT NULL"
    "  AND CASE WHEN t.e::bigint > 0 AND h.epoch > 0"
    "   THEN (t.e::bigint, t.l::pg_lsn, t.o::bigint) > (h.epoch, h.commit_lsn, h.ordinal)"
    "   ELSE h.partition = t.p::int AND t.f::bigint > h.record_offset END),"
    " last AS (SELECT DISTINCT ON (topic, partition, record_offset) *, bool_or(covers)"
    "  OVER (PARTITION BY topic, partition, record_offset) AS covered FROM seen"
    "  ORDER BY topic, partition, record_offset, n DESC),"
    " ended AS (UPDATE dualwrite.held h SET later_epoch = l.e, later_lsn = l.l,"
    "  later_ordinal = l.o, later_gone = l.g, outcome = CASE WHEN l.covered THEN 'superseded' END,"
    "  ended_at = CASE WHEN l.covered THEN now() END FROM last l WHERE h.topic = l.topic"
    "  AND h.partition = l.partition AND h.record_offset = l.record_offset AND h.outcome IS NULL"
    "  RETURNING h.topic, h.partition, h.outcome)" COUNT_SUPERSEDED;

static void send_touches(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                         const struct dw_partition_id *id, const struct dw_held_news *news)
{
    struct dw_buf *columns[COLUMNS_MAX];
    put_partition(arrays, id);
    open_columns(arrays, 9, news->touch_count, columns);
    for (size_t i = 0; i < news->touch_count; i++) {
        const struct dw_held_touch *touch = &news->touches[i];
        put_number(columns[0], (int64_t)touch->key.hash);
        dw_rows_array_put(columns[1], touch->key.text);
        put_number(columns[2], touch->version.epoch);
        put_lsn(columns[3], touch->version.commit_lsn);
        put_number(columns[4], (int64_t)touch->version.ordinal);
        put_number(columns[5], touch->partition);
        put_number(columns[6], touch->offset);
        put_bool(columns[7], touch->gone);
        put_lacks(columns[8], &touch->lacks);
    }
    send(exchange, arrays, touches_sql);
}

static const char truncated_sql[] =
    "WITH ended AS (UPDATE dualwrite.held SET later_epoch = $3::text::bigint,"
    "  later_lsn = $4::text::pg_lsn, later_ordinal = $5::text::bigint, later_gone = true,"
    "  outcome = 'superseded', ended_at = now() WHERE topic = $1::text"
    "  AND partition = $2::text::int AND outcome IS NULL AND (epoch, commit_lsn, ordinal)"
    "  < ($3::text::bigint, $4::text::pg_lsn, $5::text::bigint)"
    "  RETURNING topic, partition, outcome)" COUNT_SUPERSEDED;

static void send_truncated(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                           const struct dw_partition_id *id, const struct dw_version *version)
{
    char texts[3][24];
    (void)snprintf(texts[0], sizeof texts[0], "%" PRIu32, version->epoch);
    (void)dw_pg_format_lsn(version->commit_lsn, texts[1]);
    (void)snprintf(texts[2], sizeof texts[2], "%" PRIu64, version->ordinal);
    put_partition(arrays, id);
    for (size_t i = 0; i < 3; i++)
        dw_rows_array_text(arrays, dw_str_from(texts[i]));
    send(exchange, arrays, truncated_sql);
}

/* ---- replays ---- */

static const char settles_sql[] =
    "WITH ended AS (UPDATE dualwrite.held h SET outcome = s.w, attempts = s.a::int,"
    "  code = coalesce(s.c, h.code), wants_row = s.r::bool,"
    "  ended_at = CASE WHEN s.w IS NOT NULL THEN now() END"
    "  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],"
    "  $7::text[]) AS s(t, p, f, w, a, c, r) WHERE h.topic = s.t AND h.partition = s.p::int"
    "  AND h.record_offset = s.f::bigint AND h.outcome IS NULL"
    "  RETURNING h.topic, h.partition, h.outcome)"
    " INSERT INTO dualwrite.held_end AS e (topic, partition, applied, superseded, filtered)"
    " SELECT topic, partition, count(*) FILTER (WHERE outcome = 'applied'),"
    " count(*) FILTER (WHERE outcome = 'superseded'), count(*) FILTER (WHERE outcome = 'filtered')"
    " FROM ended WHERE outcome IS NOT NULL GROUP BY topic, partition"
    " ON CONFLICT (topic, partition) DO UPDATE SET applied = e.applied + EXCLUDED.applied,"
    " superseded = e.superseded + EXCLUDED.superseded, filtered = e.filtered + EXCLUDED.filtered";

static void put_id(struct dw_buf *const *columns, const struct dw_held_id *id)
{
    dw_rows_array_put(columns[0], id->topic);
    put_number(columns[1], id->partition);
    put_number(columns[2], id->offset);
}

static void send_settles(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                         const struct dw_held_news *news)
{
    struct dw_buf *columns[COLUMNS_MAX];
    dw_rows_array_reset(arrays);
    open_columns(arrays, 7, news->settle_count, columns);
    for (size_t i = 0; i < news->settle_count; i++) {
        const struct dw_held_settle *settle = &news->settles[i];
        put_id(columns, &settle->id);
        put_text(columns[3], settle->outcome);
        put_number(columns[4], settle->attempt);
        put_text(columns[5], settle->code);
        put_bool(columns[6], settle->wants_row);
    }
    send(exchange, arrays, settles_sql);
}

void dw_held_send(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                  const struct dw_partition_id *id, const struct dw_held_news *news)
{
    /* What comes behind a letter in its own batch touches it too. */
    if (news->letter_count)
        send_letters(exchange, arrays, id, news);
    if (news->truncated)
        send_truncated(exchange, arrays, id, news->truncated);
    if (news->touch_count)
        send_touches(exchange, arrays, id, news);
    if (news->settle_count)
        send_settles(exchange, arrays, news);
}

void dw_held_send_lock(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                       const struct dw_held_id *ids, size_t count)
{
    static const char sql[] =
        "SELECT i.n, h.outcome IS NOT NULL,"
        " h.later_lsn IS NOT NULL OR h.source_key = '', h.attempts"
        " FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS i(t, p, f, n)"
        " JOIN dualwrite.held h ON h.topic = i.t AND h.partition = i.p::int"
        " AND h.record_offset = i.f::bigint ORDER BY h.topic, h.partition, h.record_offset"
        " FOR UPDATE OF h";
    struct dw_buf *columns[COLUMNS_MAX];
    dw_rows_array_reset(arrays);
    open_columns(arrays, 3, count, columns);
    for (size_t i = 0; i < count; i++)
        put_id(columns, &ids[i]);
    send(exchange, arrays, sql);
}

void dw_held_read_rows(const PGresult *result, struct dw_held_row *out, size_t count)
{
    memset(out, 0, count * sizeof *out);
    for (int row = 0; row < PQntuples(result); row++) {
        size_t at = strtoul(PQgetvalue(result, row, 0), NULL, 10) - 1;
        if (at < count)
            out[at] = (struct dw_held_row){
                .exists = true,
                .ended = PQgetvalue(result, row, 1)[0] == 't',
                .touched = PQgetvalue(result, row, 2)[0] == 't',
                .attempts = strtoll(PQgetvalue(result, row, 3), NULL, 10),
            };
    }
}

enum dw_rc dw_held_look(PGconn *conn, const char *topic, bool *out, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn,
                                "SELECT EXISTS (SELECT FROM dualwrite.held WHERE topic = $1"
                                " AND outcome IS NULL)",
                                1, &topic, &result, err);
    if (rc != DW_OK)
        return rc;
    *out = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return DW_OK;
}
