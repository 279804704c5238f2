/* barrier.c - see barrier.h. */
#include "consumer/write_postgres/barrier.h"

#include "common/model/generation.h"
#include "common/postgres/pg.h"
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

struct place { /* $1 topic, $2 epoch, $3 commit_lsn, $4 ordinal, $5 partition or count */
    char texts[4][24];
    const char *values[5];
};

static void put_place(struct place *place, const char *topic, const struct dw_version *version,
                      int32_t number)
{
    (void)snprintf(place->texts[0], 24, "%u", version->epoch);
    (void)dw_pg_format_lsn(version->commit_lsn, place->texts[1]);
    (void)snprintf(place->texts[2], 24, "%" PRIu64, version->ordinal);
    (void)snprintf(place->texts[3], 24, "%d", number);
    place->values[0] = topic;
    for (size_t i = 0; i < 4; i++)
        place->values[i + 1] = place->texts[i];
}

static enum dw_rc run(PGconn *conn, const char *sql, int count, const struct place *place,
                      struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, sql, count, place->values, &result, err);
    if (rc == DW_OK)
        PQclear(result);
    return rc;
}

/* The arrivals at this TRUNCATE and whether it has run. */
static enum dw_rc count_arrivals(PGconn *conn, const struct place *place, int *out_count,
                                 bool *out_done, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_pg_query(conn,
                    "SELECT count(*), coalesce(bool_or(done), false) FROM dualwrite.barrier"
                    " WHERE topic = $1 AND epoch = $2::bigint AND commit_lsn = $3::pg_lsn"
                    " AND ordinal = $4::bigint",
                    4, place->values, &result, err);
    if (rc != DW_OK)
        return rc;
    *out_count = atoi(PQgetvalue(result, 0, 0));
    *out_done = PQgetvalue(result, 0, 1)[0] == 't';
    PQclear(result);
    return DW_OK;
}

/* All have come: truncates, and forgets the barriers before this one, which all have passed. */
static enum dw_rc complete(PGconn *conn, const struct place *place, const char *truncate_sql,
                           struct dw_err *err)
{
    enum dw_rc rc = truncate_sql ? dw_pg_exec(conn, truncate_sql, err) : DW_OK;
    if (rc == DW_OK)
        rc = run(conn,
                 "UPDATE dualwrite.barrier SET done = true WHERE topic = $1 AND epoch = $2::bigint"
                 " AND commit_lsn = $3::pg_lsn AND ordinal = $4::bigint",
                 4, place, err);
    if (rc == DW_OK)
        rc = run(conn,
                 "DELETE FROM dualwrite.barrier WHERE topic = $1 AND (epoch, commit_lsn, ordinal)"
                 " < ($2::bigint, $3::pg_lsn, $4::bigint)",
                 4, place, err);
    return rc;
}

/* Whoever waits for the table holds this lock meanwhile. */
static enum dw_rc take_turn(PGconn *conn, const struct place *place, bool *out, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(
        conn, "SELECT pg_try_advisory_xact_lock(hashtextextended('dualwrite.barrier.' || $1, 0))",
        1, place->values, &result, err);
    if (rc != DW_OK)
        return rc;
    *out = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return DW_OK;
}

static enum dw_rc arrive(PGconn *conn, const struct place *place, int32_t partitions,
                         const char *truncate_sql, bool *out_done, struct dw_err *err)
{
    int count = 0;
    bool turn = false;
    enum dw_rc rc = take_turn(conn, place, &turn, err);
    if (rc == DW_OK && !turn)
        return DW_OK;
    if (rc == DW_OK)
        rc = run(conn,
                 "INSERT INTO dualwrite.barrier (topic, epoch, commit_lsn, ordinal, partition)"
                 " VALUES ($1, $2::bigint, $3::pg_lsn, $4::bigint, $5::int) ON CONFLICT DO NOTHING",
                 5, place, err);
    if (rc == DW_OK)
        rc = count_arrivals(conn, place, &count, out_done, err);
    if (rc == DW_OK && !*out_done && count >= partitions) {
        rc = complete(conn, place, truncate_sql, err);
        *out_done = rc == DW_OK;
    }
    return rc;
}

enum dw_rc dw_barrier_arrive(PGconn *conn, const struct dw_partition_id *id,
                             const struct dw_version *version, int32_t partitions,
                             const char *truncate_sql, int64_t patience_ms, bool *out_done,
                             struct dw_err *err)
{
    struct place place;
    char begin[80];
    bool done = false;
    put_place(&place, id->topic, version, id->partition);
    (void)snprintf(begin, sizeof begin, "BEGIN; SET LOCAL lock_timeout = %lld",
                   (long long)patience_ms);
    enum dw_rc rc = dw_pg_exec(conn, begin, err);
    if (rc == DW_OK)
        rc = arrive(conn, &place, partitions, truncate_sql, &done, err);
    if (rc == DW_OK)
        rc = dw_pg_exec(conn, "COMMIT", err);
    if (rc != DW_OK) {
        PQclear(PQexec(conn, "ROLLBACK")); /* the first error counts */
        return rc;
    }
    *out_done = done;
    return DW_OK;
}

enum dw_rc dw_barrier_passed(PGconn *conn, const char *topic, int32_t partitions,
                             const struct dw_version *version, bool *out_passed, struct dw_err *err)
{
    struct place place;
    put_place(&place, topic, version, partitions);
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(
        conn,
        "WITH topic AS (SELECT " DW_GENERATION_SQL_COUNT " AS partitions)"
        " SELECT (SELECT count(*) FROM dualwrite.progress WHERE topic = $1"
        "  AND partition < topic.partitions AND (epoch, commit_lsn, ordinal)"
        "  >= ($2::bigint, $3::pg_lsn, $4::bigint)) >= topic.partitions"
        " AND NOT EXISTS (SELECT FROM dualwrite.waiting WHERE topic = $1"
        "  AND (epoch, commit_lsn, ordinal) < ($2::bigint, $3::pg_lsn, $4::bigint)) FROM topic",
        5, place.values, &result, err);
    if (rc != DW_OK)
        return rc;
    *out_passed = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_barrier_turned(PGconn *conn, const char *topic,
                             const struct dw_progress_generation *generation, bool *out_turned,
                             int64_t *out_initial_sync, struct dw_err *err)
{
    struct place place;
    put_place(&place, topic, &generation->version, generation->reach);
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(
        conn,
        "SELECT (SELECT count(*) FROM dualwrite.progress WHERE topic = $1 AND partition < $5::int"
        "  AND (epoch, commit_lsn, ordinal) >= ($2::bigint, $3::pg_lsn, $4::bigint)) >= $5::int"
        " AND NOT EXISTS (SELECT FROM dualwrite.waiting WHERE topic = $1 AND partition < $5::int"
        "  AND (epoch, commit_lsn, ordinal) < ($2::bigint, $3::pg_lsn, $4::bigint)),"
        " (SELECT initial_sync FROM dualwrite.generation WHERE topic = $1 AND epoch = $2::bigint"
        "  AND commit_lsn = $3::pg_lsn AND ordinal = $4::bigint)",
        5, place.values, &result, err);
    if (rc != DW_OK)
        return rc;
    *out_turned = PQgetvalue(result, 0, 0)[0] == 't';
    *out_initial_sync = strtoll(PQgetvalue(result, 0, 1), NULL, 10);
    PQclear(result);
    return DW_OK;
}
