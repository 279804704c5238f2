/* state_generation.c - see state_generation.h. */
#include "common/state/state_generation.h"

#include "common/state/state_db.h"

enum dw_rc dw_state_generation_load(struct dw_state *state, const char *system,
                                    struct dw_generations *list, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT m.name, " DW_STATE_GENERATIONS_OF " FROM dualwrite.map m"
        " WHERE m.source_system = $1"
        " AND EXISTS (SELECT FROM dualwrite.map_generation g WHERE g.map = m.name)",
        1, &system, &result, err);
    if (rc)
        return rc;
    for (int i = 0; i < PQntuples(result) && !rc; i++)
        if (!dw_generation_parse(dw_str_from(PQgetvalue(result, i, 1)), list))
            rc = dw_err_set(err, DW_CONFIG, "DW-STATE-006",
                            "the generations of map %s cannot be read", PQgetvalue(result, i, 0));
    PQclear(result);
    return rc;
}

enum dw_rc dw_state_generation_note(struct dw_state *state, struct dw_str json, const char *by,
                                    struct dw_err *err)
{
    const char *params[] = {json.ptr, by};
    return dw_state_db_query(
        state,
        "WITH listed AS (SELECT l.* FROM json_to_recordset($1::json) AS l(map text,"
        "  generation bigint, before int, partitions int, epoch bigint, lsn numeric)"
        "  JOIN dualwrite.map m ON m.name = l.map),"
        " added AS (INSERT INTO dualwrite.map_generation"
        "  (map, generation, before, partitions, epoch, lsn)"
        "  SELECT map, generation, before, partitions, epoch, '0/0'::pg_lsn + lsn FROM listed"
        "  ON CONFLICT DO NOTHING RETURNING map, generation, before, partitions),"
        " audited AS (INSERT INTO dualwrite.audit_log (by, action, object, detail)"
        "  SELECT $2, 'map.generation', map, json_build_object('generation', generation,"
        "  'before', before, 'partitions', partitions) FROM added)"
        " UPDATE dualwrite.map m SET partitions = n.partitions FROM (SELECT DISTINCT ON (map)"
        "  map, partitions FROM listed ORDER BY map, generation DESC) n"
        " WHERE m.name = n.map AND m.partitions <> n.partitions",
        2, params, NULL, err);
}

enum dw_rc dw_state_generation_ask(struct dw_state *state, const char *map, int32_t partitions,
                                   const char *by, struct dw_err *err)
{
    char number[24];
    const char *params[] = {map, dw_state_db_i64(partitions, number), by};
    return dw_state_db_query(state,
                             "WITH audited AS (INSERT INTO dualwrite.audit_log"
                             " (by, action, object, detail) VALUES ($3, 'map.partitions', $1,"
                             " json_build_object('partitions', $2::int)))"
                             " SELECT pg_notify('" DW_STATE_DB_CHANNEL "', 'map')",
                             3, params, NULL, err);
}
