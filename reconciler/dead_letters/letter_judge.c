/* letter_judge.c - see letter_judge.h. */
#include "reconciler/dead_letters/letter_judge.h"

#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/postgres/pg.h"
#include <libpq-fe.h>
#include <stdlib.h>

enum dw_letter_state dw_letter_judge_state(int64_t offset,
                                           const struct dw_letter_evidence *evidence)
{
    if (evidence->held)
        return evidence->outdated ? DW_LETTER_VOID : DW_LETTER_OPEN;
    if (evidence->waiting)
        return DW_LETTER_UNCONFIRMED;
    if (evidence->has_progress && evidence->next_offset > offset)
        return DW_LETTER_VOID;
    return DW_LETTER_UNCONFIRMED;
}

/* The letters as JSON: names from headers never become SQL. */
static void write_letters(const struct dw_letter *letters, size_t count, struct dw_buf *out)
{
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(out, i ? ",{" : "{");
        dw_json_write_u64(out, "n", i);
        dw_json_write_text(out, "topic", letters[i].topic);
        dw_json_write_i64(out, "partition", letters[i].partition);
        dw_json_write_i64(out, "record_offset", letters[i].offset);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

static const char evidence_query[] =
    "SELECT l.n, h.topic IS NOT NULL, w.topic IS NOT NULL, p.next_offset"
    " FROM json_to_recordset($1) AS l (n int, topic text, partition int, record_offset bigint)"
    " LEFT JOIN dualwrite.held h USING (topic, partition, record_offset)"
    " LEFT JOIN dualwrite.waiting w USING (topic, partition, record_offset)"
    " LEFT JOIN dualwrite.progress p ON p.topic = l.topic AND p.partition = l.partition";

static bool has_no_tables(const struct dw_err *err)
{
    return strcmp(err->sqlstate, "42P01") == 0 || strcmp(err->sqlstate, "3F000") == 0;
}

enum dw_rc dw_letter_judge_ask(PGconn *target, const struct dw_letter *letters, size_t count,
                               struct dw_letter_evidence *out, struct dw_err *err)
{
    struct dw_buf json;
    dw_buf_init(&json, 64 + count * 4096);
    write_letters(letters, count, &json);
    const char *params[] = {json.data};
    PGresult *result = NULL;
    struct dw_err problem = DW_ERR_INIT;
    enum dw_rc rc = dw_pg_query(target, evidence_query, 1, params, &result, &problem);
    dw_buf_done(&json);
    memset(out, 0, count * sizeof *out);
    if (rc && has_no_tables(&problem))
        return DW_OK;
    if (rc) {
        if (err)
            *err = problem;
        return rc;
    }
    for (int row = 0; row < PQntuples(result); row++) {
        struct dw_letter_evidence *evidence = &out[atoi(PQgetvalue(result, row, 0))];
        evidence->held = PQgetvalue(result, row, 1)[0] == 't';
        evidence->waiting = PQgetvalue(result, row, 2)[0] == 't';
        evidence->has_progress = !PQgetisnull(result, row, 3);
        evidence->next_offset = strtoll(PQgetvalue(result, row, 3), NULL, 10);
    }
    PQclear(result);
    return DW_OK;
}
