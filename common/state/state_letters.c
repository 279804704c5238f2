/* state_letters.c - see state_letters.h. */
#include "common/state/state_letters.h"

#include "common/base/buf.h"
#include "common/base/fault.h"
#include "common/state/state.h"
#include "common/state/state_db.h"
#include "common/state/state_letters_sql.h"
#include <stdlib.h>

static const char *const state_names[DW_LETTER_STATE_COUNT] = {
    [DW_LETTER_OPEN] = "open",           [DW_LETTER_UNCONFIRMED] = "unconfirmed",
    [DW_LETTER_VOID] = "void",           [DW_LETTER_IS_FOREIGN] = "foreign",
    [DW_LETTER_REPLAYING] = "replaying", [DW_LETTER_DISCARDING] = "discarding",
    [DW_LETTER_APPLIED] = "applied",     [DW_LETTER_SUPERSEDED] = "superseded",
    [DW_LETTER_FILTERED] = "filtered",   [DW_LETTER_DISCARDED] = "discarded",
};

const char *dw_state_letters_state_name(enum dw_letter_state state)
{
    return (unsigned)state < DW_LETTER_STATE_COUNT ? state_names[state] : "unknown";
}

bool dw_state_letters_state_parse(const char *name, enum dw_letter_state *out)
{
    for (unsigned i = 0; i < DW_LETTER_STATE_COUNT; i++)
        if (strcmp(state_names[i], name) == 0) {
            *out = (enum dw_letter_state)i;
            return true;
        }
    return false;
}

const char *dw_state_letters_kind_name(enum dw_letter_kind kind)
{
    switch (kind) {
    case DW_LETTER_EVENT:
        return "event";
    case DW_LETTER_REFERENCE:
        return "reference";
    case DW_LETTER_FOREIGN:
        break;
    }
    return "foreign";
}

enum dw_rc dw_state_letters_position(struct dw_state *state, const char *letter_topic,
                                     int32_t partition, struct dw_letter_position *out,
                                     struct dw_err *err)
{
    char number[24];
    const char *params[] = {letter_topic, dw_state_db_i64(partition, number)};
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_state_db_query(state,
                          "SELECT next_offset, tail_hash FROM dualwrite.dead_letter_offset"
                          " WHERE topic = $1 AND partition = $2",
                          2, params, &result, err);
    if (rc)
        return rc;
    *out = (struct dw_letter_position){.next = -1};
    if (PQntuples(result)) {
        out->next = dw_state_db_number(result, 0, 0);
        out->tail_hash = (uint64_t)dw_state_db_number(result, 0, 1);
    }
    PQclear(result);
    return DW_OK;
}

/* --- indexing --------------------------------------------------------------------------------- */

#define INSERT_LETTER                                                                              \
    "INSERT INTO dualwrite.dead_letter AS d (kind, state, letter_topic, letter_partition,"         \
    " letter_offset, topic, partition, record_offset, incarnation, map, revision, system,"         \
    " version, code, class, stage, message, sqlstate, column_name, instance, attempts,"            \
    " first_failed_us, failed_us, headers, key, value)"                                            \
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,"    \
    " $19, $20, $21, $22, $23, $24, $25, $26)"

/* The same letter again: a worker that was killed before its commit wrote it, and its successor did
 * so too. The later one tells the reason that the target holds. */
#define LETTER_AGAIN                                                                               \
    " DO UPDATE SET copies = d.copies + 1, letter_partition = EXCLUDED.letter_partition,"          \
    " letter_offset = EXCLUDED.letter_offset, code = EXCLUDED.code, class = EXCLUDED.class,"       \
    " stage = EXCLUDED.stage, message = EXCLUDED.message, sqlstate = EXCLUDED.sqlstate,"           \
    " column_name = EXCLUDED.column_name, instance = EXCLUDED.instance,"                           \
    " attempts = EXCLUDED.attempts, failed_us = EXCLUDED.failed_us, headers = EXCLUDED.headers,"   \
    " state = CASE d.state WHEN 'void' THEN EXCLUDED.state ELSE d.state END"

static const char *const insert_letter[] = {
    [DW_LETTER_EVENT] = INSERT_LETTER " ON CONFLICT (topic, partition, record_offset, incarnation)"
                                      " WHERE kind = 'event'" LETTER_AGAIN " RETURNING copies",
    [DW_LETTER_REFERENCE] = INSERT_LETTER
    " ON CONFLICT (map, version) WHERE kind = 'reference'" LETTER_AGAIN " RETURNING copies",
    [DW_LETTER_FOREIGN] = INSERT_LETTER " RETURNING copies",
};

static enum dw_rc insert_one(struct dw_state *state, const char *letter_topic,
                             const struct dw_letter *letter, bool *out_new, struct dw_err *err)
{
    char numbers[8][24];
#define TEXT(text)                                                                                 \
    {                                                                                              \
        .value = (text)                                                                            \
    }
#define NUMBER(n, at)                                                                              \
    {                                                                                              \
        .value = dw_state_db_i64((n), numbers[at])                                                 \
    }
#define BYTES(str)                                                                                 \
    {                                                                                              \
        .value = (str).ptr, .len = (str).len, .binary = true                                       \
    }
    const struct dw_state_db_param params[] = {
        TEXT(dw_state_letters_kind_name(letter->kind)),
        TEXT(dw_state_letters_state_name(letter->state)),
        TEXT(letter_topic),
        NUMBER(letter->letter_partition, 0),
        NUMBER(letter->letter_offset, 1),
        TEXT(letter->topic),
        NUMBER(letter->partition, 2),
        NUMBER(letter->offset, 3),
        TEXT(letter->incarnation),
        TEXT(letter->map),
        NUMBER(letter->revision, 4),
        TEXT(letter->system),
        TEXT(letter->version),
        TEXT(letter->code),
        TEXT(letter->class_name),
        TEXT(letter->stage),
        TEXT(letter->message),
        TEXT(letter->sqlstate),
        TEXT(letter->column),
        TEXT(letter->instance),
        NUMBER(letter->attempts, 5),
        NUMBER(letter->first_failed_us, 6),
        NUMBER(letter->failed_us, 7),
        TEXT(letter->headers),
        BYTES(letter->key),
        BYTES(letter->value),
    };
#undef TEXT
#undef NUMBER
#undef BYTES
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_state_db_query_binary(state, insert_letter[letter->kind],
                                 (int)(sizeof params / sizeof *params), params, &result, err);
    if (rc)
        return rc;
    *out_new = dw_state_db_number(result, 0, 0) == 1;
    PQclear(result);
    return DW_OK;
}

/* Moves the stored offset from what we think it is: the fence against a second reconciler. */
static enum dw_rc move_offset(struct dw_state *state, const struct dw_letter_batch *batch,
                              struct dw_err *err)
{
    char partition[24];
    char from[24];
    char next[24];
    char hash[24];
    const char *params[] = {batch->letter_topic, dw_state_db_i64(batch->partition, partition),
                            dw_state_db_i64(batch->from, from),
                            dw_state_db_i64(batch->to.next, next),
                            dw_state_db_i64((int64_t)batch->to.tail_hash, hash)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "INSERT INTO dualwrite.dead_letter_offset AS o (topic, partition, next_offset, tail_hash)"
        " SELECT $1, $2, $4, $5 WHERE $3::bigint = -1 OR EXISTS (SELECT FROM"
        "  dualwrite.dead_letter_offset WHERE topic = $1 AND partition = $2)"
        " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = EXCLUDED.next_offset,"
        " tail_hash = EXCLUDED.tail_hash, saved_at = now()"
        " WHERE o.next_offset = $3::bigint RETURNING 1",
        5, params, &result, err);
    if (rc)
        return rc;
    bool moved = PQntuples(result) == 1;
    PQclear(result);
    if (moved)
        return DW_OK;
    return dw_err_set(err, DW_RETRY, "DW-STATE-008",
                      "partition %s of topic %s: the stored offset is not %s any more", partition,
                      batch->letter_topic, from);
}

/* The target was restored and the record failed again: now that letter stands for it. */
static enum dw_rc outdate_others(struct dw_state *state, const struct dw_letter *letter,
                                 struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {letter->topic, dw_state_db_i64(letter->partition, numbers[0]),
                            dw_state_db_i64(letter->offset, numbers[1]), letter->incarnation};
    return dw_state_db_query(
        state,
        "UPDATE dualwrite.dead_letter SET state = 'unconfirmed', state_at = now()"
        " WHERE kind = 'event' AND topic = $1 AND partition = $2 AND record_offset = $3"
        " AND incarnation <> $4 AND state = 'open'",
        4, params, NULL, err);
}

enum dw_rc dw_state_letters_index(struct dw_state *state, const struct dw_letter_batch *batch,
                                  size_t *out_new, struct dw_err *err)
{
    size_t found = 0;
    enum dw_rc rc = dw_state_db_begin(state, err);
    if (rc)
        return rc;
    rc = move_offset(state, batch, err); /* first, so that a second one waits here or fails */
    for (size_t i = 0; i < batch->count && !rc; i++) {
        bool is_new = false;
        rc = insert_one(state, batch->letter_topic, &batch->letters[i], &is_new, err);
        if (!rc && is_new && batch->letters[i].kind == DW_LETTER_EVENT)
            rc = outdate_others(state, &batch->letters[i], err);
        found += is_new;
    }
    dw_fault("reconciler.before_commit");
    rc = dw_state_db_end(state, rc, err);
    if (!rc)
        *out_new = found;
    return rc;
}

/* --- confirming ------------------------------------------------------------------------------- */

enum dw_rc dw_state_letters_unconfirmed(struct dw_state *state,
                                        const struct dw_letter_question *question,
                                        struct dw_arena *arena, struct dw_letter_list *out,
                                        struct dw_err *err)
{
    char numbers[2][24];
    const char *params[] = {question->system, dw_state_db_i64(question->after, numbers[0]),
                            dw_state_db_i64(question->limit, numbers[1]), question->incarnation};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "SELECT d.id, d.topic, d.partition, d.record_offset, d.incarnation,"
        " d.incarnation <> $4 AND EXISTS (SELECT FROM dualwrite.dead_letter o"
        "  WHERE o.kind = 'event' AND o.topic = d.topic AND o.partition = d.partition"
        "  AND o.record_offset = d.record_offset AND o.incarnation = $4)"
        " FROM dualwrite.dead_letter d WHERE d.state = 'unconfirmed' AND d.system = $1"
        " AND d.id > $2 ORDER BY d.id LIMIT $3",
        4, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_letter *letters = DW_ARENA_ARRAY(arena, struct dw_letter, (size_t)rows);
    for (int i = 0; i < rows; i++) {
        letters[i].id = dw_state_db_number(result, i, 0);
        letters[i].topic = dw_state_db_text(result, i, 1, arena);
        letters[i].partition = (int32_t)dw_state_db_number(result, i, 2);
        letters[i].offset = dw_state_db_number(result, i, 3);
        letters[i].incarnation = dw_state_db_text(result, i, 4, arena);
        letters[i].outdated = PQgetvalue(result, i, 5)[0] == 't';
        letters[i].state = DW_LETTER_UNCONFIRMED;
    }
    PQclear(result);
    *out = (struct dw_letter_list){letters, (size_t)rows};
    return DW_OK;
}

/* {1,2}: a bigint[] as text. */
static void write_ids(struct dw_buf *out, const int64_t *ids, size_t count)
{
    dw_buf_init(out, 32 + count * 24);
    dw_buf_append_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            dw_buf_append_char(out, ',');
        dw_buf_append_i64(out, ids[i]);
    }
    dw_buf_append_char(out, '}');
}

enum dw_rc dw_state_letters_settle(struct dw_state *state, const int64_t *ids, size_t count,
                                   enum dw_letter_state to, struct dw_err *err)
{
    struct dw_buf list;
    write_ids(&list, ids, count);
    const char *params[] = {list.data, dw_state_letters_state_name(to)};
    enum dw_rc rc =
        dw_state_db_query(state,
                          "UPDATE dualwrite.dead_letter SET state_at = now(), state = CASE"
                          " WHEN $2 = 'open' AND ended_as = 'discarded' THEN 'discarding'"
                          " WHEN $2 = 'void' AND ended_as <> '' THEN ended_as ELSE $2 END"
                          " WHERE id = ANY ($1::bigint[]) AND state = 'unconfirmed'",
                          2, params, NULL, err);
    dw_buf_done(&list);
    return rc;
}

/* --- looking ---------------------------------------------------------------------------------- */

#define LETTER_COLUMNS                                                                             \
    "SELECT id, kind, state, letter_topic, letter_partition, letter_offset, copies, topic,"        \
    " partition, record_offset, incarnation, map, revision, system, version, code, class, stage,"  \
    " message, sqlstate, column_name, instance, attempts, first_failed_us, failed_us,"             \
    " (extract(epoch FROM indexed_at) * 1000000)::bigint, coalesce(length(value), -1),"            \
    " edited_by, (extract(epoch FROM edited_at) * 1000000)::bigint, archived, attempt, sync, job," \
    " ended_by, verdict, (extract(epoch FROM state_at) * 1000000)::bigint, key"
#define KEY_COLUMN 36

struct dw_str dw_state_letters_bytes(const PGresult *result, int row, int column,
                                     struct dw_arena *arena)
{
    if (PQgetisnull(result, row, column))
        return (struct dw_str){NULL, 0};
    size_t len = 0;
    unsigned char *bytes =
        PQunescapeBytea((const unsigned char *)PQgetvalue(result, row, column), &len);
    struct dw_str copy = dw_arena_copy(arena, (struct dw_str){(const char *)bytes, len});
    PQfreemem(bytes);
    return copy;
}

static enum dw_letter_kind parse_kind(const char *name)
{
    if (strcmp(name, "event") == 0)
        return DW_LETTER_EVENT;
    return strcmp(name, "reference") == 0 ? DW_LETTER_REFERENCE : DW_LETTER_FOREIGN;
}

static void read_letter(const PGresult *result, int row, struct dw_arena *arena,
                        struct dw_letter *out)
{
#define TEXT(column)   dw_state_db_text(result, row, column, arena)
#define NUMBER(column) dw_state_db_number(result, row, column)
    *out = (struct dw_letter){
        .id = NUMBER(0),
        .kind = parse_kind(PQgetvalue(result, row, 1)),
        .letter_topic = TEXT(3),
        .letter_partition = (int32_t)NUMBER(4),
        .letter_offset = NUMBER(5),
        .copies = NUMBER(6),
        .topic = TEXT(7),
        .partition = (int32_t)NUMBER(8),
        .offset = NUMBER(9),
        .incarnation = TEXT(10),
        .map = TEXT(11),
        .revision = NUMBER(12),
        .system = TEXT(13),
        .version = TEXT(14),
        .code = TEXT(15),
        .class_name = TEXT(16),
        .stage = TEXT(17),
        .message = TEXT(18),
        .sqlstate = TEXT(19),
        .column = TEXT(20),
        .instance = TEXT(21),
        .attempts = NUMBER(22),
        .first_failed_us = NUMBER(23),
        .failed_us = NUMBER(24),
        .indexed_us = NUMBER(25),
        .value_bytes = NUMBER(26),
        .edited_by = TEXT(27),
        .edited_us = NUMBER(28),
        .archived = PQgetvalue(result, row, 29)[0] == 't',
        .attempt = NUMBER(30),
        .sync = NUMBER(31),
        .job = NUMBER(32),
        .ended_by = TEXT(33),
        .verdict = TEXT(34),
        .state_us = NUMBER(35),
        .key = dw_state_letters_bytes(result, row, KEY_COLUMN, arena),
        .headers = "[]",
    };
#undef TEXT
#undef NUMBER
    if (!dw_state_letters_state_parse(PQgetvalue(result, row, 2), &out->state))
        out->state = DW_LETTER_UNCONFIRMED; /* the table's check allows no other */
}

void dw_state_letters_params(const struct dw_letter_filter *filter, struct dw_arena *arena,
                             const char *params[DW_LETTER_FILTER_PARAMS])
{
    const char *states = filter->state;
    struct dw_buf ids;
    if (!states)
        states = "open,unconfirmed,replaying,discarding";
    write_ids(&ids, filter->ids, filter->id_count);
    params[0] = filter->map;
    params[1] = strcmp(states, "all") == 0 ? NULL : dw_arena_printf(arena, "{%s}", states);
    params[2] = filter->code;
    params[3] = filter->class_name;
    params[4] = filter->column;
    params[5] = filter->text;
    params[6] = filter->key;
    params[7] = dw_arena_printf(arena, "%lld", (long long)filter->before_us);
    params[8] = dw_arena_printf(arena, "%lld", (long long)filter->since_us);
    params[9] = filter->ids ? dw_arena_copy(arena, dw_buf_str(&ids)).ptr : NULL;
    dw_buf_done(&ids);
}

static enum dw_rc read_list(struct dw_state *state, const char *sql, int count,
                            const char *const *params, struct dw_arena *arena,
                            struct dw_letter_list *out, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, sql, count, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_letter *letters = DW_ARENA_ARRAY(arena, struct dw_letter, (size_t)rows);
    for (int i = 0; i < rows; i++)
        read_letter(result, i, arena, &letters[i]);
    PQclear(result);
    *out = (struct dw_letter_list){letters, (size_t)rows};
    return DW_OK;
}

enum dw_rc dw_state_letters_list(struct dw_state *state, const struct dw_letter_filter *filter,
                                 struct dw_arena *arena, struct dw_letter_list *out,
                                 struct dw_err *err)
{
    char numbers[2][24];
    const char *params[DW_LETTER_FILTER_PARAMS + 2];
    dw_state_letters_params(filter, arena, params);
    params[DW_LETTER_FILTER_PARAMS] = dw_state_db_i64(filter->after, numbers[0]);
    params[DW_LETTER_FILTER_PARAMS + 1] = dw_state_db_i64(filter->limit, numbers[1]);
    return read_list(state,
                     LETTER_COLUMNS " FROM dualwrite.dead_letter WHERE " DW_LETTER_FILTER
                                    " AND ($11::bigint = 0 OR id < $11::bigint)"
                                    " ORDER BY id DESC LIMIT $12",
                     DW_LETTER_FILTER_PARAMS + 2, params, arena, out, err);
}

enum dw_rc dw_state_letters_total(struct dw_state *state, const struct dw_letter_filter *filter,
                                  int64_t *out, struct dw_err *err)
{
    const char *params[DW_LETTER_FILTER_PARAMS];
    struct dw_arena arena;
    PGresult *result = NULL;
    dw_arena_init(&arena, 4096);
    dw_state_letters_params(filter, &arena, params);
    enum dw_rc rc = dw_state_db_query(
        state, "SELECT count(*) FROM dualwrite.dead_letter WHERE " DW_LETTER_FILTER,
        DW_LETTER_FILTER_PARAMS, params, &result, err);
    dw_arena_done(&arena);
    if (rc)
        return rc;
    *out = dw_state_db_number(result, 0, 0);
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_letters_unknown(struct dw_state *state, const int64_t *ids, size_t count,
                                    int64_t *out, struct dw_err *err)
{
    struct dw_buf list;
    PGresult *result = NULL;
    write_ids(&list, ids, count);
    const char *params[] = {list.data};
    enum dw_rc rc =
        dw_state_db_query(state,
                          "SELECT coalesce(min(i), 0) FROM unnest($1::bigint[]) AS u (i) WHERE NOT"
                          " EXISTS (SELECT FROM dualwrite.dead_letter d WHERE d.id = u.i)",
                          1, params, &result, err);
    dw_buf_done(&list);
    if (!rc)
        *out = dw_state_db_number(result, 0, 0);
    PQclear(result);
    return rc;
}

enum dw_rc dw_state_letters_walk(struct dw_state *state,
                                 const char *const params[DW_LETTER_FILTER_PARAMS],
                                 const struct dw_letter_walk *walk, struct dw_arena *arena,
                                 struct dw_letter_list *out, struct dw_err *err)
{
    char numbers[3][24];
    const char *all[DW_LETTER_FILTER_PARAMS + 3];
    for (size_t i = 0; i < DW_LETTER_FILTER_PARAMS; i++)
        all[i] = params[i];
    all[DW_LETTER_FILTER_PARAMS] = dw_state_db_i64(walk->after, numbers[0]);
    all[DW_LETTER_FILTER_PARAMS + 1] = dw_state_db_i64(walk->last, numbers[1]);
    all[DW_LETTER_FILTER_PARAMS + 2] = dw_state_db_i64(walk->limit, numbers[2]);
    return read_list(state,
                     LETTER_COLUMNS " FROM dualwrite.dead_letter WHERE " DW_LETTER_FILTER
                                    " AND id > $11::bigint AND id <= $12::bigint"
                                    " ORDER BY id LIMIT $13",
                     DW_LETTER_FILTER_PARAMS + 3, all, arena, out, err);
}

enum dw_rc dw_state_letters_groups(struct dw_state *state, const struct dw_letter_filter *filter,
                                   struct dw_arena *arena, const struct dw_letter_group **out,
                                   size_t *out_count, struct dw_err *err)
{
    char limit[24];
    const char *params[DW_LETTER_FILTER_PARAMS + 1];
    dw_state_letters_params(filter, arena, params);
    params[DW_LETTER_FILTER_PARAMS] = dw_state_db_i64(filter->limit, limit);
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state,
        "WITH g AS (SELECT map, state, code, class, column_name, count(*) AS n,"
        "  min(failed_us) AS first, max(failed_us) AS last, max(id) AS id"
        "  FROM dualwrite.dead_letter WHERE " DW_LETTER_FILTER
        "  GROUP BY map, state, code, class, column_name ORDER BY n DESC, id DESC LIMIT $11)"
        " SELECT g.map, g.state, g.code, g.class, g.column_name, g.n, g.first, g.last, g.id,"
        " d.message FROM g JOIN dualwrite.dead_letter d ON d.id = g.id ORDER BY g.n DESC, g.id "
        "DESC",
        DW_LETTER_FILTER_PARAMS + 1, params, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_letter_group *groups = DW_ARENA_ARRAY(arena, struct dw_letter_group, (size_t)rows);
    for (int i = 0; i < rows; i++) {
        groups[i] = (struct dw_letter_group){
            .map = dw_state_db_text(result, i, 0, arena),
            .code = dw_state_db_text(result, i, 2, arena),
            .class_name = dw_state_db_text(result, i, 3, arena),
            .column = dw_state_db_text(result, i, 4, arena),
            .count = dw_state_db_number(result, i, 5),
            .first_us = dw_state_db_number(result, i, 6),
            .last_us = dw_state_db_number(result, i, 7),
            .id = dw_state_db_number(result, i, 8),
            .message = dw_state_db_text(result, i, 9, arena),
        };
        if (!dw_state_letters_state_parse(PQgetvalue(result, i, 1), &groups[i].state))
            groups[i].state = DW_LETTER_UNCONFIRMED; /* the table's check allows no other */
    }
    PQclear(result);
    *out = groups;
    *out_count = (size_t)rows;
    return DW_OK;
}

enum dw_rc dw_state_letters_load(struct dw_state *state, int64_t id, struct dw_arena *arena,
                                 const struct dw_letter **out, struct dw_err *err)
{
    char number[24];
    const char *params[] = {dw_state_db_i64(id, number)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state, LETTER_COLUMNS ", headers, value, edited FROM dualwrite.dead_letter WHERE id = $1",
        1, params, &result, err);
    if (rc)
        return rc;
    struct dw_letter *letter = NULL;
    if (PQntuples(result)) {
        letter = DW_ARENA_NEW(arena, struct dw_letter);
        read_letter(result, 0, arena, letter);
        letter->headers = dw_state_db_text(result, 0, KEY_COLUMN + 1, arena);
        letter->value = dw_state_letters_bytes(result, 0, KEY_COLUMN + 2, arena);
        letter->edited = dw_state_letters_bytes(result, 0, KEY_COLUMN + 3, arena);
    }
    PQclear(result);
    *out = letter;
    return DW_OK;
}

enum dw_rc dw_state_letters_edit(struct dw_state *state, int64_t id, const struct dw_str *event,
                                 const char *by, struct dw_err *err)
{
    char number[24];
    const struct dw_state_db_param params[] = {
        {.value = dw_state_db_i64(id, number)},
        {.value = event ? event->ptr : NULL, .len = event ? event->len : 0, .binary = true},
        {.value = by},
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query_binary(
        state,
        "WITH edited AS (UPDATE dualwrite.dead_letter SET edited = $2::bytea,"
        "  edited_by = CASE WHEN $2::bytea IS NULL THEN '' ELSE $3 END,"
        "  edited_at = CASE WHEN $2::bytea IS NULL THEN NULL ELSE now() END, tries = 0,"
        "  try_at = now() WHERE id = $1::bigint AND state = 'open' RETURNING map, $2::bytea IS NULL"
        "  AS taken_back), logged AS (INSERT INTO dualwrite.audit_log (by, action, object, detail)"
        "  SELECT $3, 'letters.edit', map, json_build_object('letter', $1::bigint, 'taken_back',"
        "  taken_back) FROM edited) SELECT count(*) FROM edited",
        3, params, &result, err);
    if (rc)
        return rc;
    bool edited = dw_state_db_number(result, 0, 0) == 1;
    PQclear(result);
    return edited
               ? DW_OK
               : dw_err_set(err, DW_CONFLICT, "DW-STATE-032", "dead letter %s is not open", number);
}

enum dw_rc dw_state_letters_count(struct dw_state *state, struct dw_arena *arena,
                                  const struct dw_letter_count **out, size_t *out_count,
                                  struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_state_db_query(state,
                          "SELECT map, state, count(*), min(coalesce(nullif(failed_us, 0),"
                          " (extract(epoch FROM indexed_at) * 1000000)::bigint))"
                          " FROM dualwrite.dead_letter GROUP BY map, state ORDER BY map, state",
                          0, NULL, &result, err);
    if (rc)
        return rc;
    int rows = PQntuples(result);
    struct dw_letter_count *counts = DW_ARENA_ARRAY(arena, struct dw_letter_count, (size_t)rows);
    for (int i = 0; i < rows; i++) {
        counts[i].map = dw_state_db_text(result, i, 0, arena);
        counts[i].count = dw_state_db_number(result, i, 2);
        counts[i].oldest_us = dw_state_db_number(result, i, 3);
        if (!dw_state_letters_state_parse(PQgetvalue(result, i, 1), &counts[i].state))
            counts[i].state = DW_LETTER_UNCONFIRMED; /* the table's check allows no other */
    }
    PQclear(result);
    *out = counts;
    *out_count = (size_t)rows;
    return DW_OK;
}
