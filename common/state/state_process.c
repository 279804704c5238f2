/* state_process.c - which processes live and how they go; see state.h. */
#include "common/state/state.h"

#include "common/state/state_db.h"

enum dw_rc dw_state_process_beat(struct dw_state *state, const char *kind, const char *instance,
                                 const char *process_state, const char *stats, struct dw_err *err)
{
    const char *params[] = {kind, instance, process_state, stats};
    return dw_state_db_query(state,
                             "INSERT INTO dualwrite.process (kind, instance, state, stats)"
                             " VALUES ($1, $2, $3, $4)"
                             " ON CONFLICT (kind, instance) DO UPDATE SET state = EXCLUDED.state,"
                             " stats = EXCLUDED.stats, beat_at = now()",
                             4, params, NULL, err);
}

enum dw_rc dw_state_process_leave(struct dw_state *state, const char *kind, const char *instance,
                                  struct dw_err *err)
{
    const char *params[] = {kind, instance};
    return dw_state_db_query(state,
                             "DELETE FROM dualwrite.process WHERE kind = $1 AND instance = $2", 2,
                             params, NULL, err);
}

enum dw_rc dw_state_processes_load(struct dw_state *state, struct dw_arena *arena,
                                   const struct dw_state_process **out, size_t *out_count,
                                   struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_state_db_query(state,
                          "SELECT kind, instance, state, stats,"
                          " (extract(epoch FROM started_at) * 1000000)::bigint,"
                          " (extract(epoch FROM beat_at) * 1000000)::bigint,"
                          " (extract(epoch FROM clock_timestamp() - beat_at) * 1000)::bigint"
                          " FROM dualwrite.process ORDER BY kind, instance",
                          0, NULL, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_state_process *processes =
        DW_ARENA_ARRAY(arena, struct dw_state_process, (size_t)rows);
    for (int i = 0; i < rows; i++)
        processes[i] = (struct dw_state_process){
            .kind = dw_state_db_text(result, i, 0, arena),
            .instance = dw_state_db_text(result, i, 1, arena),
            .state = dw_state_db_text(result, i, 2, arena),
            .stats = dw_state_db_text(result, i, 3, arena),
            .started_us = dw_state_db_number(result, i, 4),
            .beat_us = dw_state_db_number(result, i, 5),
            .beat_age_ms = dw_state_db_number(result, i, 6),
        };
    PQclear(result);
    *out = processes;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_processes_clean(struct dw_state *state, int64_t older_ms, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(older_ms, number)};
    return dw_state_db_query(
        state,
        "DELETE FROM dualwrite.process"
        " WHERE beat_at < clock_timestamp() - $1::bigint * interval '1 millisecond'",
        1, params, NULL, err);
}
