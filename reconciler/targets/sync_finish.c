/* sync_finish.c - see sync_finish.h. */
#include "reconciler/targets/sync_finish.h"

#include "common/base/log.h"
#include "common/model/generation.h"
#include "common/postgres/pg.h"
#include "common/state/state_sync.h"
#include <libpq-fe.h>
#include <stdio.h>

/* Whether the end mark was passed everywhere, and whether rows published before it are not in the
 * target yet, because they wait. */
static const char passed_query[] =
    "WITH topic AS (SELECT " DW_GENERATION_SQL_COUNT " AS partitions)"
    " SELECT count(*) >= max(topic.partitions), bool_or(EXISTS (SELECT FROM dualwrite.waiting w"
    "  WHERE w.topic = p.topic AND w.partition = p.partition"
    "  AND (w.epoch, w.commit_lsn) <= ($2::bigint, $3::pg_lsn)))"
    " FROM dualwrite.progress p, topic"
    " WHERE p.topic = $1 AND p.partition < topic.partitions"
    " AND (p.epoch > $2::bigint OR (p.epoch = $2::bigint AND p.commit_lsn >= $3::pg_lsn))";

static enum dw_rc has_passed(PGconn *conn, const struct dw_sync_drain *drain, bool *out,
                             bool *out_waits, struct dw_err *err)
{
    char epoch[24];
    char lsn[24];
    char partitions[24];
    const char *params[] = {drain->topic, epoch, dw_pg_format_lsn(drain->end_lsn, lsn), "0",
                            partitions};
    PGresult *result = NULL;
    (void)snprintf(epoch, sizeof epoch, "%u", drain->epoch);
    (void)snprintf(partitions, sizeof partitions, "%d", drain->partitions);
    enum dw_rc rc = dw_pg_query(conn, passed_query, 5, params, &result, err);
    if (rc)
        return rc;
    *out = PQgetvalue(result, 0, 0)[0] == 't'; /* null: no partition has */
    *out_waits = PQgetvalue(result, 0, 1)[0] == 't';
    PQclear(result);
    return DW_OK;
}

static enum dw_rc look(struct dw_state *state, PGconn *conn, const struct dw_sync_drain *drain,
                       struct dw_err *err)
{
    bool passed = false;
    bool waits = false;
    enum dw_rc rc = has_passed(conn, drain, &passed, &waits, err);
    if (rc || !passed)
        return rc;
    if (waits)
        return drain->applied ? DW_OK : dw_state_sync_applied(state, drain->id, err);
    rc = dw_state_sync_finish(state, drain->id, err);
    if (!rc)
        dw_log(DW_LOG_INFO, "sync.done", "the target has all rows", DW_F_TEXT("map", drain->map),
               DW_F_INT("sync", drain->id));
    return rc;
}

enum dw_rc dw_sync_finish_look(struct dw_state *state, PGconn *conn, const char *system,
                               struct dw_arena *arena, struct dw_err *err)
{
    const struct dw_sync_drain *drains = NULL;
    size_t count = 0;
    dw_arena_reset(arena);
    enum dw_rc rc = dw_state_sync_drains_load(state, system, arena, &drains, &count, err);
    for (size_t i = 0; i < count && !rc; i++)
        rc = look(state, conn, &drains[i], err);
    return rc;
}
