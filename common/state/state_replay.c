/* state_replay.c - see state_replay.h. */
#include "common/state/state_replay.h"

#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/state/state.h"
#include "common/state/state_db.h"
#include "common/state/state_letters_sql.h"
#include "common/state/state_sync.h"
#include <stdlib.h>

#define JSON_MAX ((size_t)64 << 20)

static void open_row(struct dw_buf *json, size_t i)
{
    dw_buf_append_text(json, i ? ",{" : "[{");
    dw_json_write_u64(json, "n", i);
}

static void write_place(struct dw_buf *json, const struct dw_letter_place *place)
{
    dw_json_write_text(json, "topic", place->topic);
    dw_json_write_i64(json, "partition", place->partition);
    dw_json_write_i64(json, "record_offset", place->offset);
}

/* Letters that came to an end, or are open again, are counted in the jobs they belong to. */
#define COUNT_IN_JOBS                                                                              \
    " UPDATE dualwrite.letter_job j SET applied = j.applied + c.applied,"                          \
    " superseded = j.superseded + c.superseded, filtered = j.filtered + c.filtered,"               \
    " discarded = j.discarded + c.discarded, failed = j.failed + c.failed FROM (SELECT job,"       \
    " count(*) FILTER (WHERE state = 'applied') AS applied,"                                       \
    " count(*) FILTER (WHERE state = 'superseded' AND heir IS NULL) AS superseded,"                \
    " count(*) FILTER (WHERE state = 'filtered') AS filtered,"                                     \
    " count(*) FILTER (WHERE state = 'discarded') AS discarded,"                                   \
    " count(*) FILTER (WHERE state IN ('open', 'unconfirmed') OR heir IS NOT NULL) AS failed"      \
    " FROM moved GROUP BY job)"                                                                    \
    " c WHERE j.id = c.job"

/* --- what targets tell -------------------------------------------------------------------------
 */

/* Only a letter that was on its way is one of a job. */
static const char end_sql[] =
    "WITH given AS (SELECT * FROM json_to_recordset($1) AS g (n int, topic text, partition int,"
    "  record_offset bigint, state text, by text, heir text, young boolean, attempts bigint)),"
    " found AS (SELECT d.id, g.state, g.attempts, d.attempts AS tried, d.first_failed_us, e.id AS "
    "heir,"
    "  CASE WHEN e.id IS NULL THEN g.by ELSE 'dead letter ' || e.id || ', its row read again' END"
    "  AS by, CASE WHEN d.state IN ('replaying', 'discarding') THEN d.job END AS job"
    "  FROM given g JOIN dualwrite.dead_letter d ON d.kind = 'event' AND d.topic = g.topic"
    "  AND d.partition = g.partition AND d.record_offset = g.record_offset AND NOT d.archived"
    "  AND d.state IN ('open', 'unconfirmed', 'replaying', 'discarding')"
    "  LEFT JOIN dualwrite.dead_letter e ON e.kind = 'event' AND g.heir <> '' AND e.map = d.map"
    "  AND e.version = g.heir AND e.id <> d.id"
    "  WHERE g.heir = '' OR e.id IS NOT NULL OR NOT g.young FOR UPDATE OF d),"
    " inherited AS (UPDATE dualwrite.dead_letter e SET attempts = e.attempts + f.tried,"
    "  first_failed_us = least(e.first_failed_us, f.first_failed_us) FROM (SELECT heir,"
    "   max(tried) AS tried, min(first_failed_us) AS first_failed_us FROM found"
    "   WHERE heir IS NOT NULL GROUP BY heir) f WHERE e.id = f.heir),"
    " moved AS (UPDATE dualwrite.dead_letter d SET state = f.state, ended_as = f.state,"
    "  ended_by = f.by, attempts = greatest(d.attempts, f.attempts), state_at = now(),"
    "  sync = NULL, verdict = '' FROM found f WHERE d.id = f.id RETURNING f.job, d.state,"
    "  f.heir)" COUNT_IN_JOBS;

static const char known_sql[] =
    "SELECT g.n FROM json_to_recordset($1) AS g (n int, topic text, partition int,"
    " record_offset bigint) WHERE EXISTS (SELECT FROM dualwrite.dead_letter d WHERE"
    " d.kind = 'event' AND d.topic = g.topic AND d.partition = g.partition"
    " AND d.record_offset = g.record_offset AND d.ended_as <> '' AND d.state = d.ended_as)";

enum dw_rc dw_state_replay_end(struct dw_state *state, const struct dw_letter_end *ends,
                               size_t count, bool *out_known, struct dw_err *err)
{
    struct dw_buf json;
    dw_buf_init(&json, JSON_MAX);
    for (size_t i = 0; i < count; i++) {
        open_row(&json, i);
        write_place(&json, &ends[i].place);
        dw_json_write_text(&json, "state", dw_state_letters_state_name(ends[i].state));
        dw_json_write_text(&json, "by", ends[i].by);
        dw_json_write_text(&json, "heir", ends[i].heir);
        dw_json_write_bool(&json, "young", ends[i].young);
        dw_json_write_i64(&json, "attempts", ends[i].attempts);
        dw_buf_append_char(&json, '}');
    }
    dw_buf_append_char(&json, ']');
    const char *params[] = {json.data};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, end_sql, 1, params, NULL, err);
    if (!rc)
        rc = dw_state_db_query(state, known_sql, 1, params, &result, err);
    dw_buf_done(&json);
    if (rc)
        return rc;
    memset(out_known, 0, count * sizeof *out_known);
    for (int row = 0; row < PQntuples(result); row++)
        out_known[atoi(PQgetvalue(result, row, 0))] = true;
    PQclear(result);
    return DW_OK;
}

static const char read_rows_sql[] =
    "UPDATE dualwrite.dead_letter d SET state = 'replaying', sync = $2::bigint, state_at = now()"
    " FROM json_to_recordset($1) AS g (topic text, partition int, record_offset bigint)"
    " WHERE d.kind = 'event' AND d.topic = g.topic AND d.partition = g.partition"
    " AND d.record_offset = g.record_offset AND d.state IN ('open', 'unconfirmed', 'replaying')";

enum dw_rc dw_state_replay_read_rows(struct dw_state *state, const char *map,
                                     const struct dw_letter_place *places, const char *const *keys,
                                     size_t count, const char *by, int64_t *out_sync,
                                     struct dw_err *err)
{
    char number[24];
    struct dw_buf json;
    struct dw_buf list;
    dw_buf_init(&json, JSON_MAX);
    dw_buf_init(&list, JSON_MAX);
    for (size_t i = 0; i < count; i++) {
        open_row(&json, i);
        write_place(&json, &places[i]);
        dw_buf_append_char(&json, '}');
        dw_buf_append_char(&list, i ? ',' : '[');
        dw_buf_append_text(&list, keys[i]);
    }
    dw_buf_append_char(&json, ']');
    dw_buf_append_char(&list, ']');
    const struct dw_sync_order order = {.map = map, .keys = list.data};
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (!rc) {
        rc = dw_state_sync_insert(state, &order, 1, by, out_sync, err);
        const char *params[] = {json.data, dw_state_db_i64(rc ? 0 : *out_sync, number)};
        if (!rc)
            rc = dw_state_db_query(state, read_rows_sql, 2, params, NULL, err);
        rc = dw_state_db_end(state, rc, err);
    }
    dw_buf_done(&json);
    dw_buf_done(&list);
    return rc;
}

static struct dw_letter_place read_place(const PGresult *result, int row, int column,
                                         struct dw_arena *arena)
{
    return (struct dw_letter_place){
        .topic = dw_state_db_text(result, row, column, arena),
        .partition = (int32_t)dw_state_db_number(result, row, column + 1),
        .offset = dw_state_db_number(result, row, column + 2),
    };
}

enum dw_rc dw_state_replay_flights(struct dw_state *state,
                                   const struct dw_letter_flight_filter *filter,
                                   struct dw_arena *arena, const struct dw_letter_flight **out,
                                   size_t *out_count, struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {filter->system, dw_state_letters_state_name(filter->what),
                            dw_state_db_i64(filter->after, numbers[0]),
                            dw_state_db_i64(filter->limit, numbers[1])};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT d.id, d.topic, d.partition, d.record_offset, d.attempt, d.sync,"
        " coalesce(s.state IN ('done', 'cancelled', 'failed'), d.sync IS NOT NULL),"
        " coalesce(s.state = 'done', false), (extract(epoch FROM d.state_at) * 1000000)::bigint"
        " FROM dualwrite.dead_letter d"
        " LEFT JOIN dualwrite.sync s ON s.id = d.sync"
        " LEFT JOIN dualwrite.map m ON m.name = d.map"
        " WHERE d.state = $2 AND CASE d.kind WHEN 'event' THEN d.system"
        "  ELSE coalesce(m.target_system, d.system) END = $1 AND d.id > $3::bigint"
        " AND (d.sent OR d.sync IS NOT NULL OR $2 = 'discarding') ORDER BY d.id LIMIT $4",
        4, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_letter_flight *flights = DW_ARENA_ARRAY(arena, struct dw_letter_flight, (size_t)rows);
    for (int i = 0; i < rows; i++)
        flights[i] = (struct dw_letter_flight){
            .id = dw_state_db_number(result, i, 0),
            .place = read_place(result, i, 1, arena),
            .attempt = dw_state_db_number(result, i, 4),
            .sync = dw_state_db_number(result, i, 5),
            .sync_over = PQgetvalue(result, i, 6)[0] == 't',
            .sync_done = PQgetvalue(result, i, 7)[0] == 't',
            .since_us = dw_state_db_number(result, i, 8),
        };
    PQclear(result);
    *out = flights;
    *out_count = (size_t)rows;
    return DW_OK;
}

/* What was sent before its map was mended did not fail for long. */
static const char land_sql[] =
    "WITH moved AS (UPDATE dualwrite.dead_letter d SET state = g.state, state_at = now(),"
    "  sync = NULL, attempts = greatest(d.attempts, g.attempts),"
    "  ended_as = CASE WHEN g.state IN ('superseded', 'discarded') THEN g.state ELSE d.ended_as"
    "   END, ended_by = CASE WHEN g.state IN ('superseded', 'discarded') THEN g.by ELSE '' END,"
    "  verdict = CASE WHEN g.state IN ('superseded', 'discarded') THEN '' ELSE g.by END,"
    "  tries = least(d.tries + 1, 6), try_at = CASE WHEN EXISTS (SELECT FROM"
    "   dualwrite.letter_retry r WHERE r.map = d.map AND r.since > d.state_at) THEN now()"
    "   ELSE now() + interval '10 s' * (1 << least(d.tries, 6)) END"
    "  FROM json_to_recordset($1) AS g (id bigint, state text,"
    "  attempts bigint, by text) WHERE d.id = g.id AND d.state IN ('replaying', 'discarding')"
    "  RETURNING d.job, d.state, NULL::bigint AS heir)" COUNT_IN_JOBS;

enum dw_rc dw_state_replay_land(struct dw_state *state, const struct dw_letter_landing *landings,
                                size_t count, struct dw_err *err)
{
    struct dw_buf json;
    if (!count)
        return DW_OK;
    dw_buf_init(&json, JSON_MAX);
    for (size_t i = 0; i < count; i++) {
        open_row(&json, i);
        dw_json_write_i64(&json, "id", landings[i].id);
        dw_json_write_text(&json, "state", dw_state_letters_state_name(landings[i].state));
        dw_json_write_i64(&json, "attempts", landings[i].attempts);
        dw_json_write_text(&json, "by", landings[i].by);
        dw_buf_append_char(&json, '}');
    }
    dw_buf_append_char(&json, ']');
    const char *params[] = {json.data};
    enum dw_rc rc = dw_state_db_query(state, land_sql, 1, params, NULL, err);
    dw_buf_done(&json);
    return rc;
}

/* --- sending -------------------------------------------------------------------------------------
 */

enum dw_rc dw_state_replay_parcels(struct dw_state *state, int limit, struct dw_arena *arena,
                                   const struct dw_letter_parcel **out, size_t *out_count,
                                   struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(limit, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT d.id, d.topic, d.partition, d.record_offset, d.map, d.incarnation,"
        " coalesce(j.by, 'dualwrite'), d.attempt, d.key, coalesce(d.edited, d.value)"
        " FROM dualwrite.dead_letter d LEFT JOIN dualwrite.letter_job j ON j.id = d.job"
        " WHERE d.state = 'replaying' AND NOT d.sent AND d.sync IS NULL ORDER BY d.id LIMIT $1",
        1, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_letter_parcel *parcels = DW_ARENA_ARRAY(arena, struct dw_letter_parcel, (size_t)rows);
    for (int i = 0; i < rows; i++)
        parcels[i] = (struct dw_letter_parcel){
            .id = dw_state_db_number(result, i, 0),
            .place = read_place(result, i, 1, arena),
            .map = dw_state_db_text(result, i, 4, arena),
            .incarnation = dw_state_db_text(result, i, 5, arena),
            .by = dw_state_db_text(result, i, 6, arena),
            .attempt = dw_state_db_number(result, i, 7),
            .key = dw_state_letters_bytes(result, i, 8, arena),
            .event = dw_state_letters_bytes(result, i, 9, arena),
        };
    PQclear(result);
    *out = parcels;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_replay_sent(struct dw_state *state, const int64_t *ids, size_t count,
                                struct dw_err *err)
{
    struct dw_buf list;
    if (!count)
        return DW_OK;
    dw_buf_init(&list, 32 + count * 24);
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_char(&list, i ? ',' : '{');
        dw_buf_append_i64(&list, ids[i]);
    }
    dw_buf_append_char(&list, '}');
    const char *params[] = {list.data};
    enum dw_rc rc = dw_state_db_query(state,
                                      "UPDATE dualwrite.dead_letter SET sent = true"
                                      " WHERE id = ANY ($1::bigint[])",
                                      1, params, NULL, err);
    dw_buf_done(&list);
    return rc;
}
