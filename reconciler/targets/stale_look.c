/* stale_look.c - see stale_look.h. */
#include "reconciler/targets/stale_look.h"

#include "common/base/log.h"
#include "common/postgres/pg.h"
#include "common/state/state.h"
#include "common/state/state_sync.h"
#include <libpq-fe.h>
#include <string.h>

/* One map's share, at most 1000 rows of it. */
static const char look_sql[] =
    "SELECT s.map, json_agg(s.key::json)::text, max(s.at)::text, count(*) FROM"
    " (SELECT map, key, at FROM dualwrite.stale WHERE map = (SELECT map FROM dualwrite.stale"
    "  ORDER BY at LIMIT 1) ORDER BY at LIMIT 1000) s GROUP BY s.map";
static const char done_sql[] =
    "DELETE FROM dualwrite.stale WHERE map = $1 AND at <= $2::timestamptz";

/* A map that is not there any more has nothing to be read again. */
static enum dw_rc order(struct dw_state *state, const char *map, const char *keys,
                        struct dw_err *err)
{
    const struct dw_sync_order sync = {.map = map, .keys = keys};
    int64_t id = 0;
    enum dw_rc rc = dw_state_sync_create(state, &sync, 1, "lookup", &id, err);
    if (rc != DW_CONFIG || strcmp(err->id, "DW-STATE-004") != 0)
        return rc;
    dw_err_clear(err);
    return DW_OK;
}

enum dw_rc dw_stale_look(struct dw_state *state, PGconn *conn, struct dw_arena *arena,
                         struct dw_err *err)
{
    PGresult *result = NULL;
    dw_arena_reset(arena);
    enum dw_rc rc = dw_pg_query(conn, "SELECT to_regclass('dualwrite.stale') IS NOT NULL", 0, NULL,
                                &result, err);
    bool exists = rc == DW_OK && *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    while (rc == DW_OK && exists) {
        result = NULL;
        rc = dw_pg_query(conn, look_sql, 0, NULL, &result, err);
        if (rc != DW_OK || PQntuples(result) == 0) {
            PQclear(result);
            return rc;
        }
        const char *map = dw_arena_printf(arena, "%s", PQgetvalue(result, 0, 0));
        const char *params[] = {map, dw_arena_printf(arena, "%s", PQgetvalue(result, 0, 2))};
        rc = order(state, map, PQgetvalue(result, 0, 1), err);
        if (rc == DW_OK)
            dw_log(DW_LOG_INFO, "lookup.stale", "looked-up rows changed: rows are read again",
                   DW_F_TEXT("map", map), DW_F_TEXT("rows", PQgetvalue(result, 0, 3)));
        PQclear(result);
        result = NULL;
        if (rc == DW_OK)
            rc = dw_pg_query(conn, done_sql, 2, params, &result, err);
        PQclear(result);
    }
    return rc;
}
