/* state_retry.c - see state_retry.h. */
#include "common/state/state_retry.h"

#include "common/base/json_write.h"
#include "common/state/state_db.h"
#include "embed/dw_state.h"

#define JSON_MAX ((size_t)16 << 20)

/* --- maps that were mended ----------------------------------------------------------------------
 */

enum dw_rc dw_state_retry_mended(struct dw_state *state, const char *map, int64_t revision,
                                 struct dw_err *err)
{
    char number[24];
    const char *params[] = {map, dw_state_db_i64(revision, number)};
    return dw_state_db_query(
        state,
        "INSERT INTO dualwrite.letter_retry AS r (map, revision, since, last_id)"
        " SELECT $1, $2::bigint, now(), coalesce(max(d.id), 0) FROM dualwrite.dead_letter d"
        "  WHERE d.map = $1 AND d.state = 'open' ON CONFLICT (map) DO UPDATE SET since = "
        "excluded.since,"
        "  revision = greatest(r.revision, excluded.revision), at_id = 0,"
        "  last_id = excluded.last_id",
        2, params, NULL, err);
}

enum dw_rc dw_state_retry_revisions(struct dw_state *state, const char *target_system,
                                    struct dw_arena *arena, const struct dw_retry_revision **out,
                                    size_t *out_count, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT m.name, m.revision, m.partitions FROM dualwrite.map m"
        " LEFT JOIN dualwrite.letter_retry r ON r.map = m.name WHERE m.target_system = $1"
        " AND m.revision > 1 AND m.revision > coalesce(r.revision, 0)",
        1, &target_system, &result, err);
    if (rc)
        return rc;
    size_t rows = (size_t)PQntuples(result);
    struct dw_retry_revision *maps = DW_ARENA_ARRAY(arena, struct dw_retry_revision, rows);
    for (size_t i = 0; i < rows; i++)
        maps[i] = (struct dw_retry_revision){
            .map = dw_state_db_text(result, (int)i, 0, arena),
            .revision = dw_state_db_number(result, (int)i, 1),
            .partitions = (int32_t)dw_state_db_number(result, (int)i, 2),
        };
    PQclear(result);
    *out = maps;
    *out_count = rows;
    return DW_OK;
}

/* --- letters that are due -----------------------------------------------------------------------
 */

enum dw_rc dw_state_retry_due(struct dw_state *state, const struct dw_retry_rules *rules,
                              struct dw_arena *arena, struct dw_retry_due *out, struct dw_err *err)
{
    char limit[24];
    const char *params[] = {rules->mode, dw_state_db_i64(rules->limit, limit)};
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_state_db_query(state, (const char *)dw_embed_letters_due_sql, 2, params, &result, err);
    if (rc)
        return rc;
    int rows = PQgetisnull(result, 0, 0) ? 0 : PQntuples(result); /* one row says that none is */
    struct dw_retry_letter *letters = DW_ARENA_ARRAY(arena, struct dw_retry_letter, (size_t)rows);
    for (int i = 0; i < rows; i++)
        letters[i] = (struct dw_retry_letter){
            .id = dw_state_db_number(result, i, 0),
            .mended = PQgetvalue(result, i, 1)[0] == 't',
        };
    *out = (struct dw_retry_due){
        .letters = letters,
        .count = (size_t)rows,
        .whole = rows < rules->limit,
        .walks = dw_state_db_text(result, 0, 2, arena),
    };
    PQclear(result);
    return DW_OK;
}

/* --- what came of it ----------------------------------------------------------------------------
 */

/* A map that was mended once more since the look begins anew. */
static const char tried_sql[] =
    "WITH given AS (SELECT * FROM json_to_recordset($1) AS g (id bigint, replay boolean,"
    "  verdict text, mended boolean)), walked AS (UPDATE dualwrite.letter_retry r SET"
    "  at_id = CASE WHEN $4::boolean THEN r.last_id ELSE greatest(r.at_id, w.id) END"
    "  FROM json_to_recordset($3) AS s (map text, since timestamptz) LEFT JOIN"
    "   (SELECT d.map, max(d.id) AS id FROM given g JOIN dualwrite.dead_letter d ON d.id = g.id"
    "    WHERE g.mended GROUP BY d.map) w USING (map)"
    "  WHERE r.map = s.map AND r.since = s.since),"
    " sent AS (UPDATE dualwrite.dead_letter d SET state = 'replaying',"
    "  attempt = d.attempts + 1, sent = false, sync = NULL, job = NULL, state_at = now(),"
    "  verdict = '' FROM given g WHERE d.id = g.id AND g.replay AND d.state = 'open')"
    " UPDATE dualwrite.dead_letter d SET verdict = g.verdict, tries = least(d.tries + 1, 6),"
    " try_at = now() + $2::bigint * interval '1 ms' * (1 << least(d.tries, 6))"
    " FROM given g WHERE d.id = g.id AND NOT g.replay AND d.state = 'open'";

enum dw_rc dw_state_retry_tried(struct dw_state *state, const struct dw_retry_rules *rules,
                                const struct dw_retry_due *due,
                                const struct dw_retry_verdict *verdicts, size_t count,
                                struct dw_err *err)
{
    char every[24];
    struct dw_buf json;
    dw_buf_init(&json, JSON_MAX);
    dw_buf_append_char(&json, '[');
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(&json, i ? ",{" : "{");
        dw_json_write_i64(&json, "id", verdicts[i].letter.id);
        dw_json_write_bool(&json, "mended", verdicts[i].letter.mended);
        dw_json_write_bool(&json, "replay", verdicts[i].replay);
        dw_json_write_text(&json, "verdict", verdicts[i].why_not);
        dw_buf_append_char(&json, '}');
    }
    dw_buf_append_char(&json, ']');
    bool whole = due->whole && count == due->count;
    const char *params[] = {json.data, dw_state_db_i64(rules->every_ms, every), due->walks,
                            whole ? "t" : "f"};
    enum dw_rc rc = dw_state_db_query(state, tried_sql, 4, params, NULL, err);
    dw_buf_done(&json);
    return rc;
}
