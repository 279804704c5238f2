/* state_position.c - positions of source systems, gaps, targets; see state.h. */
#include "common/state/state.h"

#include "common/postgres/pg.h"
#include "common/state/state_db.h"
#include <inttypes.h>
#include <stdio.h>

#define POSITION_COLUMNS                                                                           \
    "epoch, published_lsn, confirmed_lsn, published_xid, published_commit_us,"                     \
    " system_identifier, timeline, system, (extract(epoch FROM saved_at) * 1000000)::bigint"

static enum dw_rc read_position(const PGresult *result, int row, struct dw_state_position *out,
                                struct dw_err *err)
{
    struct dw_state_position position = {
        .epoch = (uint32_t)dw_state_db_number(result, row, 0),
        .published_xid = (uint32_t)dw_state_db_number(result, row, 3),
        .published_commit_us = dw_state_db_number(result, row, 4),
        .timeline = (uint32_t)dw_state_db_number(result, row, 6),
        .known = true,
    };
    enum dw_rc rc = dw_state_db_lsn(result, row, 1, &position.published_lsn, err);
    if (!rc)
        rc = dw_state_db_lsn(result, row, 2, &position.confirmed_lsn, err);
    if (rc)
        return rc;
    (void)snprintf(position.system_identifier, sizeof position.system_identifier, "%s",
                   PQgetvalue(result, row, 5));
    *out = position;
    return DW_OK;
}

enum dw_rc dw_state_position_load(struct dw_state *state, const char *system,
                                  struct dw_state_position *out, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state, "SELECT " POSITION_COLUMNS " FROM dualwrite.position WHERE system = $1", 1, &system,
        &result, err);
    if (rc)
        return rc;
    if (PQntuples(result))
        rc = read_position(result, 0, out, err);
    else
        *out = (struct dw_state_position){.known = false};
    PQclear(result);
    return rc;
}

enum dw_rc dw_state_positions_load(struct dw_state *state, struct dw_arena *arena,
                                   const struct dw_state_source **out, size_t *out_count,
                                   struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_state_db_query(state, "SELECT " POSITION_COLUMNS " FROM dualwrite.position ORDER BY 8",
                          0, NULL, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_state_source *sources = DW_ARENA_ARRAY(arena, struct dw_state_source, (size_t)rows);
    for (int i = 0; i < rows && !rc; i++) {
        rc = read_position(result, i, &sources[i].position, err);
        sources[i].system = dw_state_db_text(result, i, 7, arena);
        sources[i].saved_us = dw_state_db_number(result, i, 8);
    }
    PQclear(result);
    if (rc)
        return rc;
    *out = sources;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_position_save(struct dw_state *state, const char *system,
                                  const struct dw_state_position *position, struct dw_err *err)
{
    char numbers[4][24];
    char lsns[2][24];
    const char *params[] = {
        system,
        dw_state_db_i64(position->epoch, numbers[0]),
        dw_pg_format_lsn(position->published_lsn, lsns[0]),
        dw_pg_format_lsn(position->confirmed_lsn, lsns[1]),
        dw_state_db_i64(position->published_xid, numbers[1]),
        dw_state_db_i64(position->published_commit_us, numbers[2]),
        position->system_identifier,
        dw_state_db_i64(position->timeline, numbers[3]),
    };
    /* A late save of a producer that was replaced must not move the position back. */
    return dw_state_db_query(
        state,
        "INSERT INTO dualwrite.position AS p (system, epoch, published_lsn, confirmed_lsn,"
        " published_xid, published_commit_us, system_identifier, timeline)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (system) DO UPDATE SET epoch = EXCLUDED.epoch,"
        " published_lsn = EXCLUDED.published_lsn, confirmed_lsn = EXCLUDED.confirmed_lsn,"
        " published_xid = EXCLUDED.published_xid,"
        " published_commit_us = EXCLUDED.published_commit_us,"
        " system_identifier = EXCLUDED.system_identifier, timeline = EXCLUDED.timeline,"
        " saved_at = now()"
        " WHERE (p.epoch, p.published_lsn, p.confirmed_lsn)"
        " <= (EXCLUDED.epoch, EXCLUDED.published_lsn, EXCLUDED.confirmed_lsn)",
        8, params, NULL, err);
}

enum dw_rc dw_state_gap_add(struct dw_state *state, const char *system, const char *map,
                            const char *code, uint64_t from_lsn, const char *reason,
                            struct dw_err *err)
{
    char lsn[24];
    const char *params[] = {system, map, code, dw_pg_format_lsn(from_lsn, lsn), reason};
    return dw_state_db_query(state,
                             "INSERT INTO dualwrite.gap (system, map, code, from_lsn, reason)"
                             " VALUES ($1, $2, $3, $4, $5)"
                             " ON CONFLICT (system, map, code, from_lsn) DO UPDATE"
                             " SET noted_at = now(), closed_at = NULL, accepted_at = NULL,"
                             " accepted_by = NULL, used_at = NULL WHERE gap.used_at IS NOT NULL",
                             5, params, NULL, err);
}

/* Producers stand at gaps of whole systems only. */
#define STANDS                                                                                     \
    "map = '' AND closed_at IS NULL AND used_at IS NULL AND accepted_at IS NULL"                   \
    " AND code LIKE 'DW-CAPTURE-%'"

enum dw_rc dw_state_gap_accept(struct dw_state *state, const char *system, const char *by,
                               bool dry_run, int64_t *out_count, struct dw_err *err)
{
    const char *params[] = {system, by, dry_run ? "t" : "f"};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH standing AS (SELECT id, code FROM dualwrite.gap WHERE system = $1 AND " STANDS "),"
        " accepted AS (UPDATE dualwrite.gap g SET accepted_at = now(), accepted_by = $2"
        "  FROM standing s WHERE g.id = s.id AND NOT $3::bool RETURNING g.code),"
        " audited AS (INSERT INTO dualwrite.audit_log (by, action, object, detail)"
        "  SELECT $2, 'system.accept_gap', $1, json_build_object('code', code) FROM accepted)"
        " SELECT (SELECT count(*) FROM standing), pg_notify('" DW_STATE_DB_CHANNEL "', 'map')",
        3, params, &result, err);
    if (rc)
        return rc;
    *out_count = dw_state_db_number(result, 0, 0);
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_gap_is_accepted(struct dw_state *state, const char *system, const char *code,
                                    uint64_t from_lsn, bool *out, struct dw_err *err)
{
    char lsn[24];
    const char *params[] = {system, code, dw_pg_format_lsn(from_lsn, lsn)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state,
                                      "SELECT FROM dualwrite.gap WHERE system = $1 AND map = ''"
                                      " AND code = $2 AND from_lsn = $3"
                                      " AND accepted_at IS NOT NULL AND used_at IS NULL",
                                      3, params, &result, err);
    if (rc)
        return rc;
    *out = PQntuples(result) > 0;
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_gap_use(struct dw_state *state, const char *system, const char *code,
                            uint64_t from_lsn, struct dw_err *err)
{
    char lsn[24];
    const char *params[] = {system, code, dw_pg_format_lsn(from_lsn, lsn)};
    return dw_state_db_query(state,
                             "UPDATE dualwrite.gap SET used_at = now() WHERE system = $1"
                             " AND map = '' AND code = $2 AND from_lsn = $3",
                             3, params, NULL, err);
}

enum dw_rc dw_state_gaps_load(struct dw_state *state, struct dw_arena *arena,
                              const struct dw_state_gap **out, size_t *out_count,
                              struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state,
                                      "SELECT system, map, code, reason, from_lsn,"
                                      " (extract(epoch FROM noted_at) * 1000000)::bigint," STANDS
                                      " FROM dualwrite.gap WHERE closed_at IS NULL ORDER BY id",
                                      0, NULL, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_state_gap *gaps = DW_ARENA_ARRAY(arena, struct dw_state_gap, (size_t)rows);
    for (int i = 0; i < rows && !rc; i++) {
        gaps[i] = (struct dw_state_gap){
            .system = dw_state_db_text(result, i, 0, arena),
            .map = dw_state_db_text(result, i, 1, arena),
            .code = dw_state_db_text(result, i, 2, arena),
            .reason = dw_state_db_text(result, i, 3, arena),
            .noted_us = dw_state_db_number(result, i, 5),
            .stands = PQgetvalue(result, i, 6)[0] == 't',
        };
        rc = dw_state_db_lsn(result, i, 4, &gaps[i].from_lsn, err);
    }
    PQclear(result);
    if (rc)
        return rc;
    *out = gaps;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_system_seen(struct dw_state *state, const char *system, const char *incarnation,
                                bool *out_restored, struct dw_err *err)
{
    const char *params[] = {system, incarnation};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = dw_state_db_query(
        state,
        "WITH before AS (SELECT incarnation FROM dualwrite.system WHERE name = $1 FOR UPDATE),"
        " saved AS (INSERT INTO dualwrite.system AS s (name, kind, incarnation)"
        "  VALUES ($1, 'postgres', nullif($2, ''))"
        "  ON CONFLICT (name) DO UPDATE"
        "  SET incarnation = coalesce(EXCLUDED.incarnation, s.incarnation), seen_at = now())"
        " SELECT coalesce((SELECT incarnation <> nullif($2, '') FROM before), false)",
        2, params, &result, err);
    bool restored = !rc && PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    if (restored)
        rc = dw_state_db_query(state,
                               "UPDATE dualwrite.dead_letter"
                               " SET state = 'unconfirmed', state_at = now()"
                               " WHERE system = $1 AND kind = 'event' AND NOT archived"
                               " AND state <> 'unconfirmed'",
                               1, params, NULL, err);
    rc = dw_state_db_end(state, rc, err);
    if (!rc)
        *out_restored = restored;
    return rc;
}

enum dw_rc dw_state_system_incarnation(struct dw_state *state, const char *system,
                                       struct dw_arena *arena, const char **out, struct dw_err *err)
{
    const char *params[] = {system};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state, "SELECT coalesce(max(incarnation), '') FROM dualwrite.system WHERE name = $1", 1,
        params, &result, err);
    if (rc)
        return rc;
    *out = dw_state_db_text(result, 0, 0, arena);
    PQclear(result);
    return DW_OK;
}
