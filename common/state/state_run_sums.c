/* state_run_sums.c - see state_run_sums.h. */
#include "common/state/state_run_sums.h"

#include "common/state/state_db.h"
#include "common/state/state_reconcile_db.h"

#define AT_MOST "200"

static enum dw_rc load(struct dw_state *state, const char *sql, int64_t run, struct dw_arena *arena,
                       const struct dw_run_sum **out, size_t *out_count, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(run, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, sql, 1, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_run_sum *sums = DW_ARENA_ARRAY(arena, struct dw_run_sum, (size_t)rows);
    for (int i = 0; i < rows; i++)
        sums[i] = (struct dw_run_sum){dw_state_db_text(result, i, 0, arena),
                                      dw_state_db_number(result, i, 1)};
    PQclear(result);
    *out = sums;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_run_sums(struct dw_state *state, int64_t run, struct dw_arena *arena,
                             struct dw_run_sums *out, struct dw_err *err)
{
    enum dw_rc rc = dw_state_reconcile_link_letters(state, run, err);
    if (!rc)
        rc = load(state,
                  "SELECT c->>'column', count(*) FROM dualwrite.reconcile_difference d,"
                  " json_array_elements(d.columns) AS c WHERE d.run = $1::bigint GROUP BY 1"
                  " ORDER BY 2 DESC, 1 LIMIT " AT_MOST,
                  run, arena, &out->columns, &out->column_count, err);
    if (!rc)
        rc = load(state,
                  "SELECT coalesce(nullif(d.code, ''), l.code, ''), count(*)"
                  " FROM dualwrite.reconcile_difference d LEFT JOIN dualwrite.dead_letter l"
                  " ON l.id = d.letter WHERE d.run = $1::bigint GROUP BY 1 ORDER BY 2 DESC, 1"
                  " LIMIT " AT_MOST,
                  run, arena, &out->causes, &out->cause_count, err);
    return rc;
}
