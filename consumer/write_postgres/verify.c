/* verify.c - see verify.h. */
#include "consumer/write_postgres/verify.h"

#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_compare.h"
#include "consumer/write_postgres/owner.h"
#include "consumer/write_postgres/rows.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define SQL_MAX     ((size_t)16 * 1024 * 1024)
#define COLUMNS_MAX ((size_t)64 * 1024 * 1024)

static const char *const kind_names[DW_VERDICT_COUNT] = {
    [DW_VERDICT_EQUAL] = "equal",         [DW_VERDICT_MISSING] = "missing",
    [DW_VERDICT_DIFFERENT] = "different", [DW_VERDICT_EXTRA] = "extra",
    [DW_VERDICT_WAITING] = "waiting",     [DW_VERDICT_UNKNOWN] = "unknown",
};

const char *dw_verdict_kind_name(enum dw_verdict_kind kind)
{
    return (unsigned)kind < DW_VERDICT_COUNT ? kind_names[kind] : "unknown";
}

/* What the target is asked about a row. */
enum question {
    QUESTION_ROW,     /* its values */
    QUESTION_PRESENT, /* whether it is there: it should not be, or cannot be written */
    QUESTION_DELETED, /* whether it is there without the flag of a deleted row */
    QUESTION_EXITED,
    QUESTION_NONE, /* it may be as it is */
};

struct verify {
    struct dw_writer *writer;
    struct dw_writer_table *table;
    struct dw_compare_table compare;
    struct dw_arena *arena;
    struct dw_err *err;
};

struct answers { /* the differing columns of a row */
    bool *differs;
    struct dw_str *given, *present; /* .ptr NULL: null */
};

/* ---- what is asked ---- */

static enum question question_of(const struct verify *verify, const struct dw_change *change)
{
    const struct dw_table_map *map = verify->table->map;
    if (change->kind == DW_CHANGE_UPSERT)
        return change->verdict->code.len ? QUESTION_PRESENT : QUESTION_ROW;
    if (change->exits)
        return map->on_filter_exit == DW_ON_FILTER_EXIT_SET ? QUESTION_EXITED : QUESTION_PRESENT;
    if (map->on_delete == DW_ON_DELETE_IGNORE)
        return QUESTION_NONE;
    return map->on_delete == DW_ON_DELETE_SET ? QUESTION_DELETED : QUESTION_PRESENT;
}

static const struct dw_writer_table_columns *columns_of(const struct verify *verify,
                                                        enum question question)
{
    const struct dw_writer_table *table = verify->table;
    switch (question) {
    case QUESTION_ROW:
        return &table->all;
    case QUESTION_DELETED:
        return &table->deleted.columns;
    case QUESTION_EXITED:
        return &table->exited.columns;
    case QUESTION_PRESENT:
    case QUESTION_NONE:
        break;
    }
    return &table->keys;
}

static void put_rows(const struct verify *verify, enum question question,
                     struct dw_change *const *changes, size_t count)
{
    const struct dw_writer_table *table = verify->table;
    const struct dw_writer_table_columns *columns = columns_of(verify, question);
    struct dw_coalesce_op *ops = DW_ARENA_ARRAY(verify->arena, struct dw_coalesce_op, count);
    struct dw_coalesce_op **list = DW_ARENA_ARRAY(verify->arena, struct dw_coalesce_op *, count);
    for (size_t i = 0; i < count; i++) {
        ops[i].cells = changes[i]->cells;
        ops[i].keys = changes[i]->keys;
        list[i] = &ops[i];
    }
    const struct dw_rows rows = {
        .ops = list,
        .count = count,
        .columns = columns->items,
        .column_count = columns->count,
        .key_of = table->key_of,
        .from_keys = question != QUESTION_ROW,
        .mapped = table->map->column_count,
        .extra = question == QUESTION_DELETED  ? table->deleted.values
                 : question == QUESTION_EXITED ? table->exited.values
                                               : table->live,
    };
    dw_rows_array_reset(&verify->writer->arrays);
    dw_rows_array_fill(&verify->writer->arrays, &rows);
}

/* ---- answers ---- */

static bool read_flags(const char *json, size_t count, struct dw_arena *arena, bool *out)
{
    struct dw_json_pull pull;
    enum dw_json token = DW_JSON_ERROR;
    dw_json_pull_init(&pull, dw_str_from(json), arena);
    bool good = dw_json_pull_next(&pull) == DW_JSON_ARRAY_OPEN;
    for (size_t i = 0; good && i < count; i++) {
        token = dw_json_pull_next(&pull);
        out[i] = token == DW_JSON_TRUE;
        good = token > DW_JSON_END;
    }
    return good;
}

/* Texts and nulls. */
static bool read_texts(const char *json, size_t count, struct dw_arena *arena, struct dw_str *out)
{
    struct dw_json_pull pull;
    enum dw_json token = DW_JSON_ERROR;
    dw_json_pull_init(&pull, dw_str_from(json), arena);
    bool good = dw_json_pull_next(&pull) == DW_JSON_ARRAY_OPEN;
    for (size_t i = 0; good && i < count; i++) {
        token = dw_json_pull_next(&pull);
        if (token == DW_JSON_STRING)
            out[i] = pull.text;
        good = token > DW_JSON_END;
    }
    return good;
}

static void put_text(const struct verify *verify, struct dw_buf *out, const char *name,
                     struct dw_str text)
{
    dw_json_write_name(out, name);
    if (!text.ptr)
        dw_buf_append_text(out, "null");
    else if (verify->writer->utf8)
        dw_json_write_string(out, text);
    else
        dw_json_write_ascii(out, text);
}

static struct dw_str list_differences(const struct verify *verify,
                                      const struct dw_writer_table_columns *columns,
                                      const struct answers *answers)
{
    struct dw_buf out;
    dw_buf_init(&out, COLUMNS_MAX);
    dw_buf_append_char(&out, '[');
    for (size_t i = 0; i < columns->count; i++) {
        if (!answers->differs[i])
            continue;
        dw_buf_append_text(&out, out.len > 1 ? ",{" : "{");
        put_text(verify, &out, "column", verify->table->merge.columns[columns->items[i]].name);
        put_text(verify, &out, "source", answers->given[i]);
        put_text(verify, &out, "target", answers->present[i]);
        dw_buf_append_char(&out, '}');
    }
    dw_buf_append_char(&out, ']');
    struct dw_str copy = dw_arena_copy(verify->arena, dw_buf_str(&out));
    dw_buf_done(&out);
    return copy;
}

static bool only_keys_differ(const struct verify *verify,
                             const struct dw_writer_table_columns *columns, const bool *differs)
{
    for (size_t i = 0; i < columns->count; i++)
        if (differs[i] && verify->table->key_of[columns->items[i]] < 0)
            return false;
    return true;
}

static enum dw_rc take_answer(struct verify *verify, enum question question,
                              struct dw_change *change, const PGresult *result, int row)
{
    const struct dw_writer_table_columns *columns = columns_of(verify, question);
    struct dw_verdict *verdict = change->verdict;
    struct answers answers = {
        DW_ARENA_ARRAY(verify->arena, bool, columns->count),
        DW_ARENA_ARRAY(verify->arena, struct dw_str, columns->count),
        DW_ARENA_ARRAY(verify->arena, struct dw_str, columns->count),
    };
    if (PQgetvalue(result, row, 1)[0] != 't') {
        verdict->kind = change->kind == DW_CHANGE_UPSERT ? DW_VERDICT_MISSING : DW_VERDICT_EQUAL;
        return DW_OK;
    }
    if (!read_flags(PQgetvalue(result, row, 2), columns->count, verify->arena, answers.differs) ||
        !read_texts(PQgetvalue(result, row, 3), columns->count, verify->arena, answers.given) ||
        !read_texts(PQgetvalue(result, row, 4), columns->count, verify->arena, answers.present))
        return dw_err_set(verify->err, DW_FATAL, "DW-APPLY-021",
                          "the server's answer to a comparison cannot be read");
    if (change->kind == DW_CHANGE_UPSERT && only_keys_differ(verify, columns, answers.differs))
        return DW_OK; /* one key to the target, spelled in two ways: a merge leaves that as it is */
    verdict->kind = change->kind == DW_CHANGE_UPSERT ? DW_VERDICT_DIFFERENT : DW_VERDICT_EXTRA;
    verdict->columns = list_differences(verify, columns, &answers);
    return DW_OK;
}

/* Rows that are not in the result are there and equal. */
static enum dw_rc take_answers(struct verify *verify, enum question question,
                               struct dw_change *const *changes, size_t count,
                               const PGresult *result)
{
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < count; i++) {
        bool should_be = changes[i]->kind == DW_CHANGE_UPSERT;
        changes[i]->verdict->kind = question != QUESTION_PRESENT ? DW_VERDICT_EQUAL
                                    : should_be                  ? DW_VERDICT_DIFFERENT
                                                                 : DW_VERDICT_EXTRA;
    }
    for (int row = 0; rc == DW_OK && row < PQntuples(result); row++) {
        size_t number = strtoul(PQgetvalue(result, row, 0), NULL, 10);
        if (number >= 1 && number <= count)
            rc = take_answer(verify, question, changes[number - 1], result, row);
    }
    return rc;
}

/* ---- asking ---- */

static enum dw_rc ask(struct verify *verify, enum question question,
                      struct dw_change *const *changes, size_t count)
{
    struct dw_writer *writer = verify->writer;
    const struct dw_writer_table_columns *columns = columns_of(verify, question);
    put_rows(verify, question, changes, count);
    dw_buf_reset(&writer->sql, SQL_MAX);
    dw_pg_compare_sql(&writer->sql, &verify->compare, columns->items, columns->count);
    const struct dw_exchange_params params = dw_rows_array_params(&writer->arrays);
    PGresult *result = PQexecParams(writer->conn, writer->sql.data, params.count, params.types,
                                    params.values, params.lengths, params.formats, 0);
    enum dw_rc rc = PQresultStatus(result) == PGRES_TUPLES_OK
                        ? take_answers(verify, question, changes, count, result)
                        : dw_writer_session_error(writer, result, verify->err);
    PQclear(result);
    return rc;
}

static void note_refusal(const struct verify *verify, struct dw_verdict *verdict,
                         const struct dw_err *err)
{
    verdict->code = dw_arena_copy(verify->arena, dw_str_from(err->id));
    verdict->reason = dw_arena_copy(verify->arena, dw_str_from(err->message));
}

/* The one row that the server refuses: it could not be written either. */
static enum dw_rc settle_refused(struct verify *verify, enum question question,
                                 struct dw_change *change)
{
    struct dw_verdict *verdict = change->verdict;
    note_refusal(verify, verdict, verify->err);
    dw_err_clear(verify->err);
    verdict->kind = change->kind == DW_CHANGE_UPSERT ? DW_VERDICT_MISSING : DW_VERDICT_EQUAL;
    if (question == QUESTION_PRESENT)
        return DW_OK; /* its key is none of the target's */
    enum dw_rc rc = dw_pg_exec(verify->writer->conn, "SAVEPOINT dw_verify", verify->err);
    if (rc == DW_OK)
        rc = ask(verify, QUESTION_PRESENT, &change, 1);
    if (rc == DW_REJECT) {
        dw_err_clear(verify->err);
        rc = dw_pg_exec(verify->writer->conn, "ROLLBACK TO dw_verify", verify->err);
    }
    return rc == DW_OK ? dw_pg_exec(verify->writer->conn, "RELEASE dw_verify", verify->err) : rc;
}

/* Halves what the server refuses. */
static enum dw_rc ask_parts(struct verify *verify, enum question question,
                            struct dw_change *const *changes, size_t count)
{
    struct dw_writer *writer = verify->writer;
    if (!count)
        return DW_OK;
    enum dw_rc rc = dw_pg_exec(writer->conn, "SAVEPOINT dw_part", verify->err);
    if (rc == DW_OK)
        rc = ask(verify, question, changes, count);
    if (rc == DW_OK)
        return dw_pg_exec(writer->conn, "RELEASE dw_part", verify->err);
    if (rc != DW_REJECT)
        return rc;
    struct dw_err ignored = DW_ERR_INIT;
    rc = dw_pg_exec(writer->conn, "ROLLBACK TO dw_part; RELEASE dw_part", &ignored);
    if (rc != DW_OK) {
        *verify->err = ignored;
        return rc;
    }
    if (count == 1)
        return settle_refused(verify, question, changes[0]);
    dw_err_clear(verify->err);
    rc = ask_parts(verify, question, changes, count / 2);
    return rc == DW_OK ? ask_parts(verify, question, changes + count / 2, count - count / 2) : rc;
}

static enum dw_rc ask_all(struct verify *verify, struct dw_change *const *changes, size_t count)
{
    static const enum question questions[] = {QUESTION_ROW, QUESTION_PRESENT, QUESTION_DELETED,
                                              QUESTION_EXITED};
    struct dw_change **part = DW_ARENA_ARRAY(verify->arena, struct dw_change *, count);
    enum dw_rc rc = DW_OK;
    for (size_t q = 0; rc == DW_OK && q < sizeof questions / sizeof *questions; q++) {
        size_t part_count = 0;
        for (size_t i = 0; i < count; i++)
            if (question_of(verify, changes[i]) == questions[q])
                part[part_count++] = changes[i];
        rc = ask_parts(verify, questions[q], part, part_count);
    }
    return rc;
}

/* ---- what the merge would see first ---- */

/* A row that belongs to another map is no matter of this one. */
static enum dw_rc sift(struct verify *verify, struct dw_change *const *changes, size_t count,
                       struct dw_change **out, size_t *out_count)
{
    if (verify->table->shared)
        return dw_owner_sift(verify->table, changes, count, out, out_count, verify->err);
    for (size_t i = 0; i < count; i++)
        out[i] = changes[i];
    *out_count = count;
    return DW_OK;
}

/* A looked-up row that is not there: the event would wait for it, or be a dead letter. */
static void note_lookup(const struct verify *verify, struct dw_change *change)
{
    if (change->outcome == DW_OUTCOME_WAITING || change->outcome == DW_OUTCOME_DEAD)
        note_refusal(verify, change->verdict, change->err);
}

/* A question whether there is a row has no cells to look up. */
static enum dw_rc resolve(struct verify *verify, struct dw_change *const *changes, size_t count)
{
    struct dw_change **whole = DW_ARENA_ARRAY(verify->arena, struct dw_change *, count);
    size_t whole_count = 0;
    for (size_t i = 0; verify->table->lookup_count && i < count; i++)
        if (changes[i]->kind != DW_CHANGE_UPSERT || changes[i]->cells)
            whole[whole_count++] = changes[i];
    if (!whole_count)
        return DW_OK;
    enum dw_rc rc =
        dw_lookup_resolve(verify->table, whole, whole_count, verify->arena, verify->err);
    for (size_t i = 0; rc == DW_OK && i < whole_count; i++)
        note_lookup(verify, whole[i]);
    return rc;
}

static void make_compare(struct verify *verify)
{
    const struct dw_merge_table *merge = &verify->table->merge;
    struct dw_compare_column *columns =
        DW_ARENA_ARRAY(verify->arena, struct dw_compare_column, merge->column_count);
    for (size_t i = 0; i < merge->column_count; i++)
        columns[i] = (struct dw_compare_column){
            .name = merge->columns[i].name,
            .base_type = merge->columns[i].base_type,
            .base_oid = merge->columns[i].base_oid,
            .is_key = merge->columns[i].is_key,
            .equals = merge->columns[i].equals,
        };
    verify->compare =
        (struct dw_compare_table){merge->schema, merge->table, columns, merge->column_count};
}

/* ---- keeping ---- */

static void put_number(struct dw_buf *column, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    dw_rows_array_put(column, dw_str_from(text));
}

static void put_verdict(struct dw_buf **columns, const struct dw_verdict *verdict)
{
    char lsn[24];
    put_number(columns[0], (uint64_t)verdict->run);
    dw_rows_array_put(columns[1], verdict->source_key);
    dw_rows_array_put(columns[2], verdict->target_key);
    dw_rows_array_put(columns[3], dw_str_from(dw_verdict_kind_name(verdict->kind)));
    dw_rows_array_put(columns[4], verdict->columns.len ? verdict->columns : DW_STR_LIT("[]"));
    dw_rows_array_put(columns[5], verdict->code);
    dw_rows_array_put(columns[6], verdict->reason);
    put_number(columns[7], verdict->version.epoch);
    dw_rows_array_put(columns[8], dw_str_from(dw_pg_format_lsn(verdict->version.commit_lsn, lsn)));
    put_number(columns[9], verdict->version.ordinal);
}

/* Before the fence: what follows it has to stay small (trap 9). */
static enum dw_rc keep(struct verify *verify, struct dw_verdict *const *verdicts, size_t count)
{
    /* A key that was asked for twice: the later answer counts. */
    static const char sql[] =
        "INSERT INTO dualwrite.verdict (run, map, key, target_key, kind, columns, code, reason,"
        " epoch, commit_lsn, ordinal) SELECT DISTINCT ON (1, 3) r::bigint, $1::text, s, t, k, c, d,"
        " m, e::bigint, l::pg_lsn, o::bigint FROM unnest($2::text[], $3::text[], $4::text[],"
        " $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])"
        " AS u(r, s, t, k, c, d, m, e, l, o) ORDER BY 1, 3, 9 DESC, 10 DESC, 11 DESC"
        " ON CONFLICT (run, key) DO UPDATE SET target_key = EXCLUDED.target_key,"
        " kind = EXCLUDED.kind, columns = EXCLUDED.columns, code = EXCLUDED.code,"
        " reason = EXCLUDED.reason, epoch = EXCLUDED.epoch, commit_lsn = EXCLUDED.commit_lsn,"
        " ordinal = EXCLUDED.ordinal, at = now()";
    struct dw_rows_array *arrays = &verify->writer->arrays;
    struct dw_buf *columns[10];
    const size_t column_count = sizeof columns / sizeof *columns;
    dw_rows_array_reset(arrays);
    dw_rows_array_text(arrays, verify->table->map->name);
    for (size_t i = 0; i < column_count; i++)
        (void)dw_rows_array_open(arrays, count);
    for (size_t i = 0; i < column_count; i++)
        columns[i] = &arrays->buffers[arrays->count - column_count + i];
    for (size_t i = 0; i < count; i++)
        put_verdict(columns, verdicts[i]);
    const struct dw_exchange_params params = dw_rows_array_params(arrays);
    PGresult *result = PQexecParams(verify->writer->conn, sql, params.count, params.types,
                                    params.values, params.lengths, params.formats, 0);
    enum dw_rc rc = PQresultStatus(result) == PGRES_COMMAND_OK
                        ? DW_OK
                        : dw_writer_session_error(verify->writer, result, verify->err);
    PQclear(result);
    return rc == DW_REJECT ? DW_CONFIG : rc;
}

enum dw_rc dw_verify_changes(struct dw_writer *writer, struct dw_writer_table *table,
                             const struct dw_writer_questions *questions, struct dw_arena *arena,
                             struct dw_err *err)
{
    struct verify verify = {.writer = writer, .table = table, .arena = arena, .err = err};
    struct dw_change **ours = DW_ARENA_ARRAY(arena, struct dw_change *, questions->count);
    size_t count = 0;
    dw_writer_table_refresh(table);
    make_compare(&verify);
    enum dw_rc rc = sift(&verify, questions->changes, questions->count, ours, &count);
    if (rc == DW_OK && writer->state == DW_SESSION_NOTED)
        rc = dw_writer_session_stage(writer, err);
    if (rc == DW_OK)
        rc = resolve(&verify, ours, count);
    if (rc == DW_OK)
        rc = ask_all(&verify, ours, count);
    if (rc == DW_OK)
        rc = keep(&verify, questions->verdicts, questions->verdict_count);
    return rc;
}
