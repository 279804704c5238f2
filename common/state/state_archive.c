/* state_archive.c - see state_archive.h. */
#include "common/state/state_archive.h"

#include "common/base/buf.h"
#include "common/state/state.h"
#include "common/state/state_letters_sql.h"
#include <stdio.h>

#define PAGE_BYTES "8000000"

#define BASE64(column) "translate(encode(" column ", 'base64'), E'\\n', '') AS " column

/* What a line has beside the three that are bytes. */
#define PLAIN_COLUMNS                                                                              \
    "kind, state, letter_topic, letter_partition, letter_offset, copies, topic, partition,"        \
    " record_offset, incarnation, map, revision, system, version, code, class, stage, message,"    \
    " sqlstate, column_name, instance, attempts, first_failed_us, failed_us, headers, indexed_at," \
    " state_at, ended_as, ended_by, edited_by, edited_at"

static const char export_sql[] =
    "SELECT id, (SELECT row_to_json(l)::text FROM (SELECT " PLAIN_COLUMNS
    ", " BASE64("key") ", " BASE64("value") ", " BASE64(
        "edited") ") l) FROM (SELECT *,"
                  " sum(coalesce(octet_length(value), 0))"
                  " OVER (ORDER BY id) AS bytes,"
                  " row_number() OVER (ORDER BY id) AS n"
                  " FROM (SELECT * FROM"
                  " dualwrite.dead_letter"
                  " WHERE " DW_LETTER_FILTER " AND id > $11::bigint"
                  " AND ($12::bigint = 0 OR state_at <"
                  "  to_timestamp($12::bigint / 1000000.0))"
                  " ORDER BY id LIMIT $13) d) p"
                  " WHERE n = 1 OR bytes <= " PAGE_BYTES " ORDER BY id";

enum dw_rc dw_state_archive_export(struct dw_state *state, const struct dw_letter_filter *filter,
                                   int64_t before_us, struct dw_arena *arena,
                                   const struct dw_letter_line **out, size_t *out_count,
                                   struct dw_err *err)
{
    char numbers[3][24];
    const char *params[DW_LETTER_FILTER_PARAMS + 3];
    PGresult *result = NULL;
    dw_state_letters_params(filter, arena, params);
    params[DW_LETTER_FILTER_PARAMS] = dw_state_db_i64(filter->after, numbers[0]);
    params[DW_LETTER_FILTER_PARAMS + 1] = dw_state_db_i64(before_us, numbers[1]);
    params[DW_LETTER_FILTER_PARAMS + 2] = dw_state_db_i64(filter->limit, numbers[2]);
    enum dw_rc rc =
        dw_state_db_query(state, export_sql, DW_LETTER_FILTER_PARAMS + 3, params, &result, err);
    if (rc)
        return rc;
    size_t rows = (size_t)PQntuples(result);
    struct dw_letter_line *lines = DW_ARENA_ARRAY(arena, struct dw_letter_line, rows);
    for (size_t i = 0; i < rows; i++)
        lines[i] = (struct dw_letter_line){dw_state_db_number(result, (int)i, 0),
                                           dw_state_db_text(result, (int)i, 1, arena)};
    PQclear(result);
    *out = lines;
    *out_count = rows;
    return DW_OK;
}

static const char import_sql[] =
    "WITH given AS (SELECT * FROM json_to_recordset($1::json) AS g (kind text, state text,"
    "  letter_topic text, letter_partition int, letter_offset bigint, copies int, topic text,"
    "  partition int, record_offset bigint, incarnation text, map text, revision bigint,"
    "  system text, version text, code text, class text, stage text, message text, sqlstate text,"
    "  column_name text, instance text, attempts bigint, first_failed_us bigint, failed_us bigint,"
    "  headers json, indexed_at timestamptz, state_at timestamptz, ended_as text, ended_by text,"
    "  edited_by text, edited_at timestamptz, key text, value text, edited text)),"
    " loaded AS (INSERT INTO dualwrite.dead_letter (" PLAIN_COLUMNS ", key, value, edited,"
    "  archived) SELECT kind, CASE WHEN state IN ('unconfirmed', 'replaying', 'discarding')"
    "   THEN 'open' ELSE state END, letter_topic, letter_partition, letter_offset, copies, topic,"
    "  partition, record_offset, incarnation, map, revision, system, version, code, class, stage,"
    "  message, sqlstate, column_name, instance, attempts, first_failed_us, failed_us, headers,"
    "  indexed_at, state_at, ended_as, ended_by, edited_by, edited_at, decode(key, 'base64'),"
    "  decode(value, 'base64'), decode(edited, 'base64'), true FROM given g"
    "  WHERE g.kind <> 'foreign' OR NOT EXISTS (SELECT FROM dualwrite.dead_letter d"
    "   WHERE d.kind = 'foreign' AND d.letter_topic = g.letter_topic"
    "   AND d.letter_partition = g.letter_partition AND d.letter_offset = g.letter_offset)"
    "  ON CONFLICT DO NOTHING RETURNING 1), logged AS (INSERT INTO dualwrite.audit_log"
    "  (by, action, object, detail) SELECT $2, 'letters.import', '', json_build_object('letters',"
    "  (SELECT count(*) FROM loaded)) WHERE EXISTS (SELECT FROM loaded))"
    " SELECT (SELECT count(*) FROM loaded), (SELECT count(*) FROM given)";

enum dw_rc dw_state_archive_import(struct dw_state *state, const char *lines, const char *by,
                                   int64_t *out_loaded, int64_t *out_known, struct dw_err *err)
{
    const char *params[] = {lines, by};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, import_sql, 2, params, &result, err);
    if (rc == DW_REJECT) {
        char copy[400];
        (void)snprintf(copy, sizeof copy, "%.390s", err->message);
        return dw_err_set(err, DW_REJECT, "DW-STATE-033",
                          "not all of these are lines of an archive: %s", copy);
    }
    if (rc)
        return rc;
    *out_loaded = dw_state_db_number(result, 0, 0);
    *out_known = dw_state_db_number(result, 0, 1) - *out_loaded;
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_archive_remove(struct dw_state *state, const int64_t *ids, size_t count,
                                   int64_t *out_removed, struct dw_err *err)
{
    struct dw_buf list;
    dw_buf_init(&list, 32 + count * 24);
    dw_buf_append_char(&list, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            dw_buf_append_char(&list, ',');
        dw_buf_append_i64(&list, ids[i]);
    }
    dw_buf_append_char(&list, '}');
    const char *params[] = {list.data};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH removed AS (DELETE FROM dualwrite.dead_letter WHERE id = ANY ($1::bigint[])"
        " AND state IN ('void', 'applied', 'superseded', 'filtered', 'discarded') RETURNING 1)"
        " SELECT count(*) FROM removed",
        1, params, &result, err);
    dw_buf_done(&list);
    if (rc)
        return rc;
    *out_removed = dw_state_db_number(result, 0, 0);
    PQclear(result);
    return DW_OK;
}
