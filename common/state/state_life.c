/* state_life.c - see state_life.h. */
#include "common/state/state_life.h"

#include "common/state/state_db.h"
#include "common/state/state_maps.h"

/* --- starting --------------------------------------------------------------------------------- */

static enum dw_rc start_one(struct dw_state *state, const struct dw_life_start *start,
                            const char *map, struct dw_map_outcome *out, struct dw_err *err)
{
    const struct dw_map_order order = {
        .map = map,
        .event = start->syncs ? DW_MAP_START_SYNC : DW_MAP_START,
        .reason = start->reason,
        .by = start->by,
    };
    enum dw_rc rc = dw_state_maps_order(state, &order, out, err);
    if (!rc && !out->changed)
        rc = dw_err_set(err, DW_CONFLICT, "DW-STATE-005", "map %s is %s already", map,
                        dw_map_state_name(out->state));
    return rc;
}

enum dw_rc dw_state_life_start(struct dw_state *state, const struct dw_life_start *start,
                               struct dw_map_outcome *out, int64_t *out_syncs, struct dw_err *err)
{
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < start->count && !rc; i++)
        rc = start_one(state, start, start->maps[i], &out[i], err);
    if (!rc && start->syncs)
        rc = dw_state_sync_insert(state, start->syncs, start->count, start->by, out_syncs, err);
    return dw_state_db_end(state, rc, err);
}

/* --- catching up ------------------------------------------------------------------------------ */

enum dw_rc dw_state_life_behind(struct dw_state *state, const char *target_system,
                                struct dw_arena *arena, const struct dw_life_behind **out,
                                size_t *out_count, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT m.name, m.partitions, coalesce(p.published_commit_us, 0) FROM dualwrite.map m"
        " LEFT JOIN dualwrite.position p ON p.system = m.source_system"
        " WHERE m.state = 'catching_up' AND m.target_system = $1",
        1, &target_system, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_life_behind *maps = DW_ARENA_ARRAY(arena, struct dw_life_behind, (size_t)rows);
    for (int i = 0; i < rows; i++)
        maps[i] = (struct dw_life_behind){
            .map = dw_state_db_text(result, i, 0, arena),
            .partitions = (int32_t)dw_state_db_number(result, i, 1),
            .published_us = dw_state_db_number(result, i, 2),
        };
    PQclear(result);
    *out = maps;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_life_caught_up(struct dw_state *state, const char *map, struct dw_err *err)
{
    const struct dw_state_event event = {
        .map = map, .event = DW_MAP_CAUGHT_UP, .code = "", .reason = "", .by = "dualwrite"};
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = dw_state_maps_settle(state, &event, err);
    return dw_state_db_end(state, rc, err);
}

/* --- revisions and the audit log ---------------------------------------------------------------
 */

#define MICROSECONDS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

enum dw_rc dw_state_life_revision(struct dw_state *state, const char *map, int64_t revision,
                                  struct dw_arena *arena, const struct dw_life_revision **out,
                                  struct dw_err *err)
{
    char number[24];
    const char *params[] = {map, dw_state_db_i64(revision, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT r.revision, r.version, r.document, r.applied_by, " MICROSECONDS(
            "r.applied_at") ", r.revision = m.revision FROM dualwrite.map m"
                            " JOIN dualwrite.map_revision r ON r.map = m.name WHERE m.name = $1"
                            " AND CASE $2::bigint WHEN 0 THEN r.revision < m.revision"
                            " ELSE r.revision = $2::bigint END ORDER BY r.revision DESC LIMIT 1",
        2, params, &result, err);
    if (rc)
        return rc;
    *out = NULL;
    if (PQntuples(result)) {
        struct dw_life_revision *found = DW_ARENA_NEW(arena, struct dw_life_revision);
        *found = (struct dw_life_revision){
            .revision = dw_state_db_number(result, 0, 0),
            .version = dw_state_db_text(result, 0, 1, arena),
            .document = dw_state_db_text(result, 0, 2, arena),
            .by = dw_state_db_text(result, 0, 3, arena),
            .at_us = dw_state_db_number(result, 0, 4),
            .current = PQgetvalue(result, 0, 5)[0] == 't',
        };
        *out = found;
    }
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_life_audit(struct dw_state *state, const struct dw_life_audit_filter *filter,
                               struct dw_arena *arena, const struct dw_life_audit **out,
                               size_t *out_count, struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {filter->object, dw_state_db_i64(filter->before, numbers[0]),
                            dw_state_db_i64(filter->limit, numbers[1])};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT id, " MICROSECONDS(
            "at") ", by, action, object, detail FROM dualwrite.audit_log"
                  " WHERE ($1::text IS NULL OR object = $1)"
                  " AND ($2::bigint = 0 OR id < $2::bigint) ORDER BY id DESC LIMIT $3::bigint",
        3, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_life_audit *items = DW_ARENA_ARRAY(arena, struct dw_life_audit, (size_t)rows);
    for (int i = 0; i < rows; i++)
        items[i] = (struct dw_life_audit){
            .id = dw_state_db_number(result, i, 0),
            .at_us = dw_state_db_number(result, i, 1),
            .by = dw_state_db_text(result, i, 2, arena),
            .action = dw_state_db_text(result, i, 3, arena),
            .object = dw_state_db_text(result, i, 4, arena),
            .detail = dw_state_db_text(result, i, 5, arena),
        };
    PQclear(result);
    *out = items;
    *out_count = (size_t)rows;
    return DW_OK;
}
