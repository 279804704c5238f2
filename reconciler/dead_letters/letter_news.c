/* letter_news.c - see letter_news.h. */
#include "reconciler/dead_letters/letter_news.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/json_write.h"
#include "common/base/log.h"
#include "common/postgres/pg.h"
#include "common/state/state.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE     500
#define JSON_MAX ((size_t)16 << 20)
#define ACTOR    "dead letters"

#define YOUNG     "30 s" /* so long the letter that took another's place may take to the index */
#define PASSED_US INT64_C(60000000) /* for clocks that differ, and for what is on its way */

struct look {
    struct dw_state *state;
    PGconn *target;
    const char *system;
    struct dw_arena *arena;
    struct dw_err *err;
    bool busy;
};

static int64_t number_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static const char *text_at(const struct look *look, const PGresult *result, int row, int column)
{
    return dw_arena_printf(look->arena, "%s", PQgetvalue(result, row, column));
}

static void write_places(const struct dw_letter_place *const *places, size_t count,
                         struct dw_buf *out)
{
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(out, i ? ",{" : "{");
        dw_json_write_u64(out, "n", i);
        dw_json_write_text(out, "topic", places[i]->topic);
        dw_json_write_i64(out, "partition", places[i]->partition);
        dw_json_write_i64(out, "record_offset", places[i]->offset);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

/* A statement on held rows by their places, $1. `out` may be NULL. */
static enum dw_rc run(const struct look *look, const char *sql,
                      const struct dw_letter_place *const *places, size_t count, PGresult **out)
{
    struct dw_buf json;
    dw_buf_init(&json, JSON_MAX);
    write_places(places, count, &json);
    const char *params[] = {json.data};
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(look->target, sql, 1, params, &result, look->err);
    dw_buf_done(&json);
    if (out)
        *out = result;
    else
        PQclear(result);
    return rc;
}

#define PLACES "json_to_recordset($1) AS g (n int, topic text, partition int, record_offset bigint)"
#define AT_PLACE                                                                                   \
    "h.topic = g.topic AND h.partition = g.partition AND h.record_offset = g.record_offset"

/* ---- what has ended ---- */

struct news {
    struct dw_letter_place place;
    const char *map, *key, *outcome; /* outcome "": it wants its row */
    const char *by;
    const char *heir; /* version of the letter that took its place; "" */
    bool young;
    int64_t attempts;
};

static const char news_sql[] =
    "SELECT h.topic, h.partition, h.record_offset, h.map, h.source_key, coalesce(h.outcome, ''),"
    " h.attempts, CASE WHEN h.outcome = 'superseded' AND h.later_lsn IS NOT NULL THEN"
    "  CASE WHEN h.later_gone THEN 'the delete ' ELSE 'the event ' END || h.later_epoch || '/'"
    "  || h.later_lsn || '/' || h.later_ordinal ELSE '' END,"
    " CASE WHEN h.outcome = 'superseded' AND EXISTS (SELECT FROM dualwrite.held o"
    "  WHERE o.topic = h.topic AND o.outcome IS NULL AND o.source_key = h.source_key AND "
    "o.key_hash = h.key_hash"
    "  AND (o.epoch, o.commit_lsn, o.ordinal) = (h.later_epoch, h.later_lsn, h.later_ordinal))"
    "  THEN h.later_epoch || '/' || h.later_lsn || '/' || h.later_ordinal ELSE '' END,"
    " coalesce(h.ended_at > now() - interval '" YOUNG "', false) FROM dualwrite.held h"
    " WHERE (h.outcome IS NOT NULL OR h.wants_row)"
    " AND (h.topic, h.partition, h.record_offset) > ($1, $2::int, $3::bigint)"
    " ORDER BY h.topic, h.partition, h.record_offset LIMIT $4";

static enum dw_rc load_news(struct look *look, const struct dw_letter_place *after,
                            struct news **out, size_t *out_count)
{
    char numbers[3][24];
    (void)snprintf(numbers[0], sizeof numbers[0], "%d", (int)after->partition);
    (void)snprintf(numbers[1], sizeof numbers[1], "%lld", (long long)after->offset);
    (void)snprintf(numbers[2], sizeof numbers[2], "%d", PAGE);
    const char *params[] = {after->topic, numbers[0], numbers[1], numbers[2]};
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(look->target, news_sql, 4, params, &result, look->err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct news *news = DW_ARENA_ARRAY(look->arena, struct news, (size_t)rows);
    for (int i = 0; i < rows; i++)
        news[i] = (struct news){
            .place = {text_at(look, result, i, 0), (int32_t)number_at(result, i, 1),
                      number_at(result, i, 2)},
            .map = text_at(look, result, i, 3),
            .key = text_at(look, result, i, 4),
            .outcome = text_at(look, result, i, 5),
            .attempts = number_at(result, i, 6),
            .by = text_at(look, result, i, 7),
            .heir = text_at(look, result, i, 8),
            .young = PQgetvalue(result, i, 9)[0] == 't',
        };
    PQclear(result);
    *out = news;
    *out_count = (size_t)rows;
    return DW_OK;
}

/* A letter that is not indexed yet keeps its row: else it would be taken for one that was never
 * held. */
static enum dw_rc end_letters(struct look *look, const struct news *news, size_t count)
{
    struct dw_letter_end *ends = DW_ARENA_ARRAY(look->arena, struct dw_letter_end, count);
    const struct dw_letter_place **known =
        DW_ARENA_ARRAY(look->arena, const struct dw_letter_place *, count);
    bool *is_known = DW_ARENA_ARRAY(look->arena, bool, count);
    size_t ended = 0;
    size_t gone = 0;
    for (size_t i = 0; i < count; i++) {
        struct dw_letter_end end = {
            .place = news[i].place,
            .by = news[i].by,
            .heir = news[i].heir,
            .young = news[i].young,
            .attempts = news[i].attempts,
        };
        if (*news[i].outcome && dw_state_letters_state_parse(news[i].outcome, &end.state))
            ends[ended++] = end;
    }
    if (!ended)
        return DW_OK;
    dw_fault("reconciler.before_end");
    enum dw_rc rc = dw_state_replay_end(look->state, ends, ended, is_known, look->err);
    dw_fault("reconciler.after_end");
    for (size_t i = 0; i < ended; i++)
        if (is_known[i])
            known[gone++] = &ends[i].place;
    if (rc || !gone)
        return rc;
    return run(look,
               "DELETE FROM dualwrite.held h USING " PLACES " WHERE " AT_PLACE
               " AND h.outcome IS NOT NULL",
               known, gone, NULL);
}

/* ---- what wants its row ---- */

static enum dw_rc order_rows(struct look *look, const struct news *news, size_t count, size_t first,
                             bool *done)
{
    struct dw_letter_place *places = DW_ARENA_ARRAY(look->arena, struct dw_letter_place, count);
    const struct dw_letter_place **pointers =
        DW_ARENA_ARRAY(look->arena, const struct dw_letter_place *, count);
    const char **keys = DW_ARENA_ARRAY(look->arena, const char *, count);
    size_t asked = 0;
    size_t found = 0;
    int64_t sync = 0;
    for (size_t i = first; i < count; i++) {
        if (*news[i].outcome || done[i] || strcmp(news[i].map, news[first].map) != 0)
            continue;
        done[i] = true;
        pointers[asked++] = &news[i].place;
        places[found] = news[i].place;
        keys[found] = news[i].key;
        found += *news[i].key != '\0'; /* one without a key is open again by its attempt */
    }
    enum dw_rc rc = found ? dw_state_replay_read_rows(look->state, news[first].map, places, keys,
                                                      found, ACTOR, &sync, look->err)
                          : DW_OK;
    if (rc == DW_CONFIG && strcmp(look->err->id, "DW-STATE-004") == 0) {
        dw_err_clear(look->err); /* the map is gone: nothing is left to be read */
        rc = DW_OK;
    }
    dw_fault("reconciler.after_row_order");
    if (rc)
        return rc;
    if (found)
        dw_log(DW_LOG_INFO, "letters.rows_read",
               "later events of their keys lack columns of dead letters: the rows are read again",
               DW_F_TEXT("map", news[first].map), DW_F_INT("rows", found), DW_F_INT("sync", sync));
    return run(look,
               "UPDATE dualwrite.held h SET wants_row = false FROM " PLACES " WHERE " AT_PLACE,
               pointers, asked, NULL);
}

static enum dw_rc read_rows(struct look *look, const struct news *news, size_t count)
{
    bool *done = DW_ARENA_ARRAY(look->arena, bool, count);
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < count && !rc; i++)
        if (!*news[i].outcome && !done[i])
            rc = order_rows(look, news, count, i, done);
    return rc;
}

static enum dw_rc take_news(struct look *look)
{
    struct dw_letter_place after = {.topic = "", .partition = -1, .offset = -1};
    char topic[256] = "";
    for (;;) {
        struct news *news = NULL;
        size_t count = 0;
        dw_arena_reset(look->arena);
        enum dw_rc rc = load_news(look, &after, &news, &count);
        if (!rc)
            rc = end_letters(look, news, count);
        if (!rc)
            rc = read_rows(look, news, count);
        if (rc || count < PAGE)
            return rc;
        (void)snprintf(topic, sizeof topic, "%s", news[count - 1].place.topic);
        after = news[count - 1].place;
        after.topic = topic;
    }
}

/* ---- what is in flight ---- */

bool dw_letter_news_judge(const struct dw_letter_flight *flight, const struct dw_letter_held *held,
                          struct dw_letter_landing *out)
{
    *out = (struct dw_letter_landing){.id = flight->id, .state = DW_LETTER_OPEN, .by = ""};
    if (held->exists && (held->ended || held->wants_row))
        return false; /* the news have it */
    if (flight->sync) {
        if (!flight->sync_over)
            return false;
        if (!held->exists && flight->sync_done) {
            out->state = DW_LETTER_SUPERSEDED;
            out->by = "the source's row";
        } else {
            out->by = flight->sync_done
                          ? "its row was read again, and the letter is not superseded by it: the "
                            "row may be a dead letter itself"
                          : "the re-sync that should have read its row was given up";
        }
        return true;
    }
    if (!held->exists) {
        out->state = DW_LETTER_UNCONFIRMED; /* a target that was restored: what does it hold? */
        return true;
    }
    out->attempts = held->attempts;
    if (held->attempts >= flight->attempt)
        return true;
    out->by = "its replay is gone from the topic";
    return held->passed;
}

/* A heartbeat goes through every partition: one that was sent long after a replay, and has been
 * applied, stood behind it. What waits in the target may be the replay itself. */
static enum dw_rc see_passed(struct look *look, const struct dw_letter_flight *flights,
                             size_t count, struct dw_letter_held *held)
{
    PGresult *result = NULL;
    int64_t before_us = dw_clock_wall_us() - PASSED_US;
    bool old = false;
    for (size_t i = 0; i < count; i++)
        old = old || (!flights[i].sync && flights[i].since_us < before_us);
    if (!old)
        return DW_OK;
    enum dw_rc rc = dw_pg_query(look->target,
                                "SELECT topic, min(heartbeat_us) FROM dualwrite.progress"
                                " GROUP BY topic HAVING sum(waiting) = 0",
                                0, NULL, &result, look->err);
    for (size_t i = 0; !rc && i < count; i++)
        for (int row = 0; row < PQntuples(result); row++)
            if (strcmp(PQgetvalue(result, row, 0), flights[i].place.topic) == 0)
                held[i].passed = number_at(result, row, 1) > flights[i].since_us + PASSED_US;
    PQclear(result);
    return rc;
}

static enum dw_rc look_at_held(struct look *look, const struct dw_letter_flight *flights,
                               size_t count, struct dw_letter_held *out)
{
    const struct dw_letter_place **places =
        DW_ARENA_ARRAY(look->arena, const struct dw_letter_place *, count);
    for (size_t i = 0; i < count; i++)
        places[i] = &flights[i].place;
    PGresult *result = NULL;
    enum dw_rc rc = run(look,
                        "SELECT g.n, h.outcome IS NOT NULL, h.wants_row, h.attempts FROM " PLACES
                        " JOIN dualwrite.held h ON " AT_PLACE,
                        places, count, &result);
    if (rc)
        return rc;
    for (int row = 0; row < PQntuples(result); row++)
        out[atoi(PQgetvalue(result, row, 0))] = (struct dw_letter_held){
            .exists = true,
            .ended = PQgetvalue(result, row, 1)[0] == 't',
            .wants_row = PQgetvalue(result, row, 2)[0] == 't',
            .attempts = number_at(result, row, 3),
        };
    PQclear(result);
    return DW_OK;
}

static enum dw_rc land_flights(struct look *look, const struct dw_letter_flight *flights,
                               size_t count)
{
    struct dw_letter_held *held = DW_ARENA_ARRAY(look->arena, struct dw_letter_held, count);
    struct dw_letter_landing *landings =
        DW_ARENA_ARRAY(look->arena, struct dw_letter_landing, count);
    size_t landed = 0;
    enum dw_rc rc = look_at_held(look, flights, count, held);
    if (!rc)
        rc = see_passed(look, flights, count, held);
    for (size_t i = 0; i < count && !rc; i++)
        landed += dw_letter_news_judge(&flights[i], &held[i], &landings[landed]);
    return rc ? rc : dw_state_replay_land(look->state, landings, landed, look->err);
}

/* ---- what is discarded ---- */

static const char discard_sql[] =
    "WITH ended AS (UPDATE dualwrite.held h SET outcome = 'discarded', ended_at = now()"
    "  FROM " PLACES " WHERE " AT_PLACE " AND h.outcome IS NULL RETURNING h.topic, h.partition)"
    " INSERT INTO dualwrite.held_end AS e (topic, partition, discarded)"
    " SELECT topic, partition, count(*) FROM ended GROUP BY topic, partition"
    " ON CONFLICT (topic, partition) DO UPDATE SET discarded = e.discarded + EXCLUDED.discarded";

/* What nobody holds (its worker never committed, or the target lost it) ends at once. */
static enum dw_rc discard(struct look *look, const struct dw_letter_flight *flights, size_t count)
{
    struct dw_letter_held *held = DW_ARENA_ARRAY(look->arena, struct dw_letter_held, count);
    struct dw_letter_landing *landings =
        DW_ARENA_ARRAY(look->arena, struct dw_letter_landing, count);
    const struct dw_letter_place **places =
        DW_ARENA_ARRAY(look->arena, const struct dw_letter_place *, count);
    size_t landed = 0;
    for (size_t i = 0; i < count; i++)
        places[i] = &flights[i].place;
    enum dw_rc rc = run(look, discard_sql, places, count, NULL);
    dw_fault("reconciler.after_discard");
    if (!rc)
        rc = look_at_held(look, flights, count, held);
    for (size_t i = 0; i < count && !rc; i++)
        if (!held[i].exists)
            landings[landed++] = (struct dw_letter_landing){
                .id = flights[i].id, .state = DW_LETTER_DISCARDED, .by = ""};
    return rc ? rc : dw_state_replay_land(look->state, landings, landed, look->err);
}

static enum dw_rc walk(struct look *look, enum dw_letter_state what)
{
    struct dw_letter_flight_filter filter = {.system = look->system, .what = what, .limit = PAGE};
    for (;;) {
        const struct dw_letter_flight *flights = NULL;
        size_t count = 0;
        dw_arena_reset(look->arena);
        enum dw_rc rc =
            dw_state_replay_flights(look->state, &filter, look->arena, &flights, &count, look->err);
        if (rc || !count)
            return rc;
        look->busy = true;
        filter.after = flights[count - 1].id;
        rc = what == DW_LETTER_REPLAYING ? land_flights(look, flights, count)
                                         : discard(look, flights, count);
        if (rc || count < PAGE)
            return rc;
    }
}

enum dw_rc dw_letter_news_look(struct dw_state *state, PGconn *target, const char *system,
                               struct dw_arena *arena, bool *out_busy, struct dw_err *err)
{
    struct look look = {state, target, system, arena, err, false};
    enum dw_rc rc = walk(&look, DW_LETTER_DISCARDING);
    if (!rc)
        rc = take_news(&look);
    if (!rc)
        rc = walk(&look, DW_LETTER_REPLAYING);
    *out_busy = look.busy;
    return rc;
}
