/* state_repair.c - see state_reconcile.h: the repair of what a comparison found. */
#include "common/base/buf.h"
#include "common/state/state_db.h"
#include "common/state/state_reconcile_db.h"
#include "common/state/state_sync.h"
#include <stdio.h>

#define LIST_MAX ((size_t)64 << 20)

/* An open dead letter holds the row: to read the row again would only make a second letter of the
 * same cause. One that was not indexed yet is open. */
#define IS_HELD                                                                                    \
    "(d.kind = 'held' AND (d.letter IS NULL OR EXISTS (SELECT FROM dualwrite.dead_letter l WHERE"  \
    " l.id = d.letter AND l.state IN ('open', 'unconfirmed', 'replaying', 'discarding'))))"

/* Mended by reading the source's row again, of some kinds. */
#define IS_ROW(kinds) "(d.kind = ANY (" kinds ") AND NOT " IS_HELD ")"
/* All that can be. Of duplicates, that would only put the one row in the other's place. */
#define ROW_KINDS "{missing,different,held}"

static enum dw_rc refuse_unfinished(const struct dw_reconcile_run *run, struct dw_err *err)
{
    if (run->state != DW_RECONCILE_DONE)
        return dw_err_set(err, DW_CONFLICT, "DW-STATE-023", "comparison %lld is %s, not done",
                          (long long)run->id, dw_state_reconcile_state_name(run->state));
    if (run->repair == DW_REPAIR_WAITING || run->repair == DW_REPAIR_RUNNING)
        return dw_err_set(err, DW_CONFLICT, "DW-STATE-026",
                          "a repair of comparison %lld is under way", (long long)run->id);
    return DW_OK;
}

static enum dw_rc check_revision(struct dw_state *state, const struct dw_reconcile_run *run,
                                 struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, "SELECT revision FROM dualwrite.map WHERE name = $1",
                                      1, &run->map, &result, err);
    if (rc)
        return rc;
    int64_t revision = PQntuples(result) ? dw_state_db_number(result, 0, 0) : 0;
    PQclear(result);
    if (revision == run->revision)
        return DW_OK;
    return dw_err_set(err, DW_CONFLICT, "DW-STATE-024",
                      "map %s is at revision %lld now, revision %lld was compared: nothing is "
                      "repaired",
                      run->map, (long long)revision, (long long)run->revision);
}

static enum dw_rc count_work(struct dw_state *state, const struct dw_repair_order *order,
                             struct dw_repair_plan *out, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(order->run, number),
                            order->kinds ? order->kinds : ROW_KINDS};
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_state_db_query(state,
                          "SELECT count(*) FILTER (WHERE " IS_ROW(
                              "$2::text[]") "), count(*) FILTER (WHERE d.kind = 'extra'),"
                                            " count(*) FILTER (WHERE " IS_HELD
                                            ") FROM dualwrite.reconcile_difference d"
                                            " WHERE d.run = $1 AND d.repair <> 'gone'",
                          2, params, &result, err);
    if (rc)
        return rc;
    out->rows = dw_state_db_number(result, 0, 0);
    out->extra = dw_state_db_number(result, 0, 1);
    out->held = dw_state_db_number(result, 0, 2);
    PQclear(result);
    return DW_OK;
}

static enum dw_rc write_order(struct dw_state *state, const struct dw_repair_order *order,
                              const struct dw_reconcile_run *run, struct dw_err *err)
{
    char numbers[2][24];
    char detail[96];
    const char *params[] = {dw_state_db_i64(order->run, numbers[0]),
                            dw_state_db_i64(order->extra, numbers[1]), order->by,
                            order->kinds ? order->kinds : ROW_KINDS};
    enum dw_rc rc =
        dw_state_db_query(state,
                          "UPDATE dualwrite.reconcile_difference SET repair = 'none' WHERE run = $1"
                          " AND repair IN ('ordered', 'left')",
                          1, params, NULL, err);
    if (!rc)
        rc = dw_state_db_query(state,
                               "UPDATE dualwrite.reconcile_run SET repair_state = 'waiting',"
                               " repair_extra = $2, repair_by = $3, repair_code = '',"
                               " repair_reason = '', repair_asked_at = now(),"
                               " repair_ended_at = NULL, repair_kinds = $4 WHERE id = $1",
                               4, params, NULL, err);
    (void)snprintf(detail, sizeof detail, "{\"run\":%s,\"delete_extra\":%s}", numbers[0],
                   numbers[1]);
    return rc ? rc
              : dw_state_reconcile_audit(state, order->by, "reconcile.repair", run->map,
                                         dw_str_from(detail), err);
}

static enum dw_rc order_repair(struct dw_state *state, const struct dw_repair_order *order,
                               struct dw_repair_plan *out, struct dw_err *err)
{
    struct dw_arena arena;
    const struct dw_reconcile_run *run = NULL;
    dw_arena_init(&arena, 4096);
    enum dw_rc rc = dw_state_reconcile_find(state, order->run, &arena, &run, err);
    if (!rc)
        rc = refuse_unfinished(run, err);
    if (!rc)
        rc = check_revision(state, run, err);
    if (!rc)
        rc = dw_state_reconcile_link_letters(state, run->id, err);
    if (!rc)
        rc = count_work(state, order, out, err);
    if (!rc && order->extra && out->extra > order->extra)
        rc = dw_err_set(err, DW_CONFLICT, "DW-STATE-025",
                        "%lld rows of the target are extra, more than the %lld that may be deleted",
                        (long long)out->extra, (long long)order->extra);
    if (!rc && !order->dry_run)
        rc = write_order(state, order, run, err);
    dw_arena_done(&arena);
    return rc;
}

enum dw_rc dw_state_repair_order(struct dw_state *state, const struct dw_repair_order *order,
                                 struct dw_repair_plan *out, struct dw_err *err)
{
    *out = (struct dw_repair_plan){0};
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = order_repair(state, order, out, err);
    return dw_state_db_end(state, rc, err);
}

/* --- without a person ----------------------------------------------------------------------------
 */

static const char *too_much(const struct dw_reconcile_run *run,
                            const struct dw_repair_policy *policy, int64_t rows,
                            struct dw_arena *arena)
{
    int64_t compared = run->rows_source > rows ? run->rows_source : rows;
    if (rows > policy->max_rows)
        return dw_arena_printf(arena,
                               "%lld rows are to be mended, more than the %lld that are without a "
                               "person: none is",
                               (long long)rows, (long long)policy->max_rows);
    if (rows * 100 > policy->max_percent * compared)
        return dw_arena_printf(arena,
                               "%lld of %lld rows are to be mended, more than the %lld %% that are "
                               "without a person: none is",
                               (long long)rows, (long long)compared,
                               (long long)policy->max_percent);
    return NULL;
}

static enum dw_rc note_too_much(struct dw_state *state, int64_t run, const char *reason,
                                struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(run, number), "DW-COMPARE-011", reason};
    return dw_state_db_query(state,
                             "UPDATE dualwrite.reconcile_run SET repair_code = $2,"
                             " repair_reason = $3 WHERE id = $1",
                             3, params, NULL, err);
}

/* What was only counted is to be mended, too. */
static enum dw_rc judge_policy(struct dw_state *state, const struct dw_repair_order *order,
                               const struct dw_repair_policy *policy, int64_t rows, bool *out,
                               struct dw_err *err)
{
    struct dw_arena arena;
    const struct dw_reconcile_run *run = NULL;
    dw_arena_init(&arena, 4096);
    enum dw_rc rc = dw_state_reconcile_find(state, order->run, &arena, &run, err);
    const char *reason = rc ? NULL : too_much(run, policy, rows + run->beyond, &arena);
    if (reason)
        rc = note_too_much(state, order->run, reason, err);
    *out = !reason;
    dw_arena_done(&arena);
    return rc;
}

enum dw_rc dw_state_repair_by_itself(struct dw_state *state, int64_t run,
                                     const struct dw_repair_policy *policy, struct dw_err *err)
{
    struct dw_repair_plan plan = {0};
    struct dw_repair_order order = {
        .run = run, .kinds = policy->kinds, .dry_run = true, .by = "schedule"};
    bool allowed = false;
    enum dw_rc rc = order_repair(state, &order, &plan, err);
    if (!rc && plan.rows)
        rc = judge_policy(state, &order, policy, plan.rows, &allowed, err);
    if (!rc && allowed) {
        order.dry_run = false;
        rc = order_repair(state, &order, &plan, err);
    }
    if (rc != DW_CONFLICT)
        return rc;
    dw_err_clear(err);
    return DW_OK;
}

/* --- the work ------------------------------------------------------------------------------------
 */

static enum dw_rc mark_next(struct dw_state *state, const struct dw_reconcile_run *run,
                            int64_t limit, struct dw_arena *arena, const char **out_keys,
                            struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {dw_state_db_i64(run->id, numbers[0]),
                            dw_state_db_i64(limit, numbers[1]), run->repair_extra ? "t" : "f"};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH chosen AS (UPDATE dualwrite.reconcile_difference SET repair = 'ordered'"
        "  WHERE id IN (SELECT d.id FROM dualwrite.reconcile_difference d"
        "   JOIN dualwrite.reconcile_run r ON r.id = d.run WHERE d.run = $1"
        "   AND d.repair = 'none' AND (" IS_ROW(
            "r.repair_kinds") " OR (d.kind = 'extra'"
                              "    AND $3::boolean AND d.code = '')) ORDER BY d.id LIMIT "
                              "$2::bigint) RETURNING key)"
                              " SELECT json_agg(key::json)::text FROM chosen",
        3, params, &result, err);
    if (rc)
        return rc;
    *out_keys = PQgetisnull(result, 0, 0) ? NULL : dw_state_db_text(result, 0, 0, arena);
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_repair_next(struct dw_state *state, const struct dw_reconcile_run *run,
                                int64_t limit, int64_t *out_sync, struct dw_err *err)
{
    struct dw_arena arena;
    const char *keys = NULL;
    *out_sync = 0;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    dw_arena_init(&arena, 65536);
    rc = mark_next(state, run, limit, &arena, &keys, err);
    const struct dw_sync_order order = {.map = run->map, .keys = keys};
    if (!rc && keys)
        rc = dw_state_sync_insert(state, &order, 1, run->repair_by, out_sync, err);
    dw_arena_done(&arena);
    return dw_state_db_end(state, rc, err);
}

enum dw_rc dw_state_repair_unclaimed_load(struct dw_state *state, int64_t run, int64_t limit,
                                          struct dw_arena *arena, struct dw_repair_unclaimed *rows,
                                          struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {dw_state_db_i64(run, numbers[0]), rows->code,
                            dw_state_db_i64(limit, numbers[1])};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state,
                                      "SELECT key, target_key FROM dualwrite.reconcile_difference"
                                      " WHERE run = $1 AND kind = 'extra' AND code = $2"
                                      " AND repair = 'none' ORDER BY id LIMIT $3::bigint",
                                      3, params, &result, err);
    if (rc)
        return rc;
    rows->count = (size_t)PQntuples(result);
    rows->keys = DW_ARENA_ARRAY(arena, const char *, rows->count);
    rows->target_keys = DW_ARENA_ARRAY(arena, const char *, rows->count);
    for (size_t i = 0; i < rows->count; i++) {
        rows->keys[i] = dw_state_db_text(result, (int)i, 0, arena);
        rows->target_keys[i] = dw_state_db_text(result, (int)i, 1, arena);
    }
    PQclear(result);
    return DW_OK;
}

/* Keys are JSON: a list of them is. */
static void write_keys(struct dw_buf *out, const struct dw_repair_unclaimed *rows,
                       const bool *chosen)
{
    dw_buf_init(out, LIST_MAX);
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < rows->count; i++)
        if (!chosen || chosen[i])
            dw_buf_printf(out, "%s%s", out->len > 1 ? "," : "", rows->keys[i]);
    dw_buf_append_char(out, ']');
}

enum dw_rc dw_state_repair_unclaimed_order(struct dw_state *state,
                                           const struct dw_reconcile_run *run,
                                           const struct dw_repair_unclaimed *rows,
                                           const bool *chosen, int64_t *out_sync,
                                           struct dw_err *err)
{
    char number[24];
    struct dw_buf all;
    struct dw_buf some;
    *out_sync = 0;
    write_keys(&all, rows, NULL);
    write_keys(&some, rows, chosen);
    const char *params[] = {dw_state_db_i64(run->id, number), all.data};
    const struct dw_sync_order order = {.map = run->map, .keys = some.data, .unclaimed = true};
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (!rc) {
        rc = dw_state_db_query(state,
                               "UPDATE dualwrite.reconcile_difference SET repair = 'ordered'"
                               " WHERE run = $1 AND repair = 'none' AND key IN"
                               " (SELECT e::text FROM json_array_elements($2::json) AS e)",
                               2, params, NULL, err);
        if (!rc && some.len > 2)
            rc = dw_state_sync_insert(state, &order, 1, run->repair_by, out_sync, err);
        rc = dw_state_db_end(state, rc, err);
    }
    dw_buf_done(&all);
    dw_buf_done(&some);
    return rc;
}

enum dw_rc dw_state_repair_check(struct dw_state *state, int64_t run, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(run, number)};
    return dw_state_db_query(state,
                             "INSERT INTO dualwrite.reconcile_suspect (run, key) SELECT run, key"
                             " FROM dualwrite.reconcile_difference WHERE run = $1"
                             " AND repair = 'ordered' ON CONFLICT DO NOTHING",
                             1, params, NULL, err);
}

enum dw_rc dw_state_repair_move(struct dw_state *state, int64_t run, enum dw_repair_state to,
                                const char *code, const char *reason, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(run, number), dw_state_repair_state_name(to), code,
                            reason};
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = dw_state_db_query(state,
                           "UPDATE dualwrite.reconcile_run SET repair_state = $2, repair_code = $3,"
                           " repair_reason = $4, repair_ended_at = CASE WHEN $2 IN ('done', "
                           "'failed') THEN now() END"
                           " WHERE id = $1 AND repair_state IN ('waiting', 'running')",
                           4, params, NULL, err);
    if (!rc && (to == DW_REPAIR_DONE || to == DW_REPAIR_FAILED))
        rc = dw_state_reconcile_forget(state, run, err);
    return dw_state_db_end(state, rc, err);
}
