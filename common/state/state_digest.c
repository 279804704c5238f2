/* state_digest.c - see state_digest.h. */
#include "common/state/state_digest.h"

#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/state/state_db.h"
#include <inttypes.h>
#include <stdlib.h>

#define SAMPLES_MAX          ((size_t)64 << 20)
#define MICROSECONDS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

static void write_latency(struct dw_buf *out, const int64_t *latency)
{
    dw_json_write_name(out, "latency");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < DW_DIGEST_BUCKETS; i++)
        dw_buf_printf(out, "%s%" PRId64, i ? "," : "", latency[i]);
    dw_buf_append_char(out, ']');
}

/* "{1,2,…}" */
static void read_latency(const char *text, int64_t *out)
{
    for (size_t i = 0; i < DW_DIGEST_BUCKETS; i++) {
        char *end;
        text += *text == '{' || *text == ',';
        out[i] = strtoll(text, &end, 10);
        text = end;
    }
}

enum dw_rc dw_state_digest_add(struct dw_state *state, const struct dw_digest_sample *samples,
                               size_t count, struct dw_err *err)
{
    struct dw_buf text;
    dw_buf_init(&text, SAMPLES_MAX);
    dw_buf_append_char(&text, '[');
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(&text, i ? ",{" : "{");
        dw_json_write_text(&text, "map", samples[i].map);
        dw_json_write_i64(&text, "events", samples[i].events);
        dw_json_write_i64(&text, "dead", samples[i].dead);
        dw_json_write_i64(&text, "letters", samples[i].letters);
        dw_json_write_i64(&text, "lag_max_us", samples[i].lag_max_us);
        write_latency(&text, samples[i].latency);
        dw_json_write_i64(&text, "events_total", samples[i].events_total);
        dw_json_write_i64(&text, "dead_total", samples[i].dead_total);
        dw_buf_append_char(&text, '}');
    }
    dw_buf_append_char(&text, ']');
    const char *params[] = {text.data};
    enum dw_rc rc = dw_state_db_query(
        state,
        "INSERT INTO dualwrite.map_sample AS s (map, hour, events, dead, letters, lag_max_us,"
        " latency, events_total, dead_total)"
        " SELECT map, date_trunc('hour', now(), 'UTC'), events, dead, letters, lag_max_us, latency,"
        "  events_total, dead_total FROM json_to_recordset($1::json) AS j (map text, events bigint,"
        "  dead bigint, letters bigint, lag_max_us bigint, latency bigint[], events_total bigint,"
        "  dead_total bigint)"
        " ON CONFLICT (map, hour) DO UPDATE SET events = s.events + excluded.events,"
        " dead = s.dead + excluded.dead, letters = excluded.letters,"
        " lag_max_us = greatest(s.lag_max_us, excluded.lag_max_us),"
        " latency = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0)"
        "  FROM unnest(s.latency, excluded.latency) WITH ORDINALITY AS u (a, b, n) ORDER BY n),"
        " events_total = excluded.events_total, dead_total = excluded.dead_total",
        1, params, NULL, err);
    dw_buf_done(&text);
    return rc;
}

#define SAMPLE                                                                                     \
    "map, " MICROSECONDS("hour") ", events, dead, letters, lag_max_us, latency, events_total,"     \
                                 " dead_total"

static struct dw_digest_sample *read_samples(const PGresult *result, struct dw_arena *arena)
{
    int rows = PQntuples(result);
    struct dw_digest_sample *items = DW_ARENA_ARRAY(arena, struct dw_digest_sample, (size_t)rows);
    for (int i = 0; i < rows; i++) {
        items[i] = (struct dw_digest_sample){
            .map = dw_state_db_text(result, i, 0, arena),
            .hour_us = dw_state_db_number(result, i, 1),
            .events = dw_state_db_number(result, i, 2),
            .dead = dw_state_db_number(result, i, 3),
            .letters = dw_state_db_number(result, i, 4),
            .lag_max_us = dw_state_db_number(result, i, 5),
            .events_total = dw_state_db_number(result, i, 7),
            .dead_total = dw_state_db_number(result, i, 8),
        };
        read_latency(PQgetvalue(result, i, 6), items[i].latency);
    }
    return items;
}

enum dw_rc dw_state_digest_last(struct dw_state *state, struct dw_arena *arena,
                                const struct dw_digest_sample **out, size_t *out_count,
                                struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state,
                                      "SELECT DISTINCT ON (map) " SAMPLE
                                      " FROM dualwrite.map_sample ORDER BY map, hour DESC",
                                      0, NULL, &result, err);
    if (rc)
        return rc;
    *out = read_samples(result, arena);
    *out_count = (size_t)PQntuples(result);
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_digest_load(struct dw_state *state, const char *day, struct dw_arena *arena,
                                const struct dw_digest_sample **out, size_t *out_count,
                                int64_t *out_day_us, struct dw_err *err)
{
    const char *params[] = {day};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, "SELECT " MICROSECONDS("($1::date)::timestamp"), 1,
                                      params, &result, err);
    if (rc)
        return rc;
    *out_day_us = dw_state_db_number(result, 0, 0);
    PQclear(result);
    rc = dw_state_db_query(state,
                           "SELECT " SAMPLE " FROM dualwrite.map_sample"
                           " WHERE hour >= ($1::date - 1)::timestamp AT TIME ZONE 'UTC'"
                           " AND hour < ($1::date + 1)::timestamp AT TIME ZONE 'UTC'"
                           " ORDER BY map COLLATE \"C\", hour",
                           1, params, &result, err);
    if (rc)
        return rc;
    *out = read_samples(result, arena);
    *out_count = (size_t)PQntuples(result);
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_digest_equality(struct dw_state *state, const char *day, struct dw_arena *arena,
                                    const struct dw_digest_equality **out, size_t *out_count,
                                    struct dw_err *err)
{
    const char *params[] = {day};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH last AS (SELECT DISTINCT ON (map) * FROM dualwrite.reconcile_run"
        "  WHERE state = 'done' AND filter IS NULL AND sample IS NULL AND since IS NULL"
        "  AND ended_at < ($1::date + 1)::timestamp AT TIME ZONE 'UTC'"
        "  ORDER BY map, id DESC)"
        " SELECT r.map, r.id, " MICROSECONDS(
            "r.ended_at") ", r.rows_source, count(d.id) + r.beyond,"
                          " count(d.id) FILTER (WHERE d.repair <> 'gone') + r.beyond"
                          " FROM last r LEFT JOIN dualwrite.reconcile_difference d ON d.run = r.id"
                          " GROUP BY r.map, r.id, r.ended_at, r.rows_source, r.beyond"
                          " ORDER BY r.map COLLATE \"C\"",
        1, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_digest_equality *items =
        DW_ARENA_ARRAY(arena, struct dw_digest_equality, (size_t)rows);
    for (int i = 0; i < rows; i++)
        items[i] = (struct dw_digest_equality){
            .map = dw_state_db_text(result, i, 0, arena),
            .run = dw_state_db_number(result, i, 1),
            .ended_us = dw_state_db_number(result, i, 2),
            .rows = dw_state_db_number(result, i, 3),
            .differences = dw_state_db_number(result, i, 4),
            .left = dw_state_db_number(result, i, 5),
        };
    PQclear(result);
    *out = items;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_digest_due(struct dw_state *state, const char *webhook, int64_t hour,
                               struct dw_arena *arena, const char **out, struct dw_err *err)
{
    char number[24];
    const char *params[] = {webhook, dw_state_db_i64(hour, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH y AS (SELECT (now() AT TIME ZONE 'UTC')::date - 1 AS day)"
        " SELECT y.day FROM y WHERE extract(hour FROM now() AT TIME ZONE 'UTC') >= $2::int"
        " AND NOT EXISTS (SELECT FROM dualwrite.digest_delivery d"
        "  WHERE d.day = y.day AND d.webhook = $1)"
        " AND EXISTS (SELECT FROM dualwrite.map_sample s"
        "  WHERE s.hour >= y.day::timestamp AT TIME ZONE 'UTC'"
        "  AND s.hour < (y.day + 1)::timestamp AT TIME ZONE 'UTC')",
        2, params, &result, err);
    if (rc)
        return rc;
    *out = PQntuples(result) ? dw_state_db_text(result, 0, 0, arena) : NULL;
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_digest_delivered(struct dw_state *state, const char *webhook, const char *day,
                                     struct dw_err *err)
{
    const char *params[] = {day, webhook};
    return dw_state_db_query(state,
                             "INSERT INTO dualwrite.digest_delivery (day, webhook)"
                             " VALUES ($1::date, $2) ON CONFLICT DO NOTHING",
                             2, params, NULL, err);
}

enum dw_rc dw_state_digest_clean(struct dw_state *state, int64_t days, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(days, number)};
    return dw_state_db_query(
        state,
        "WITH sent AS (DELETE FROM dualwrite.digest_delivery WHERE day < now()::date - $1::int)"
        " DELETE FROM dualwrite.map_sample WHERE hour < now() - $1::bigint * interval '1 day'",
        1, params, NULL, err);
}
