/* loop_mark.c - see loop_mark.h. */
#include "producer/capture_postgres/loop_mark.h"

#include "common/base/base64.h"
#include "common/base/hash.h"
#include "common/base/json_pull.h"
#include <stdlib.h>

#define DIGEST_BYTES 8
#define MARKS_MAX    ((size_t)32 << 20) /* of one transaction; a consumer's are far smaller */
#define SCRATCH_MAX  ((size_t)64 << 20)
#define SCRATCH_KEEP 65536
#define NO_COLUMN    SIZE_MAX

struct dw_loop_mark {
    struct dw_loop_mark *next;
    struct dw_str origin, table;
    enum dw_loop_mark_op op;
    const struct dw_str *columns;
    size_t column_count;
    uint64_t *digests; /* sorted */
    size_t digest_count;
    /* where the columns stand in the relation seen last */
    uint32_t indexed_oid;
    size_t *index;
};

void dw_loop_mark_init(struct dw_loop_marks *marks)
{
    *marks = (struct dw_loop_marks){.first = NULL};
    dw_arena_init(&marks->arena, 16384);
    dw_buf_init(&marks->scratch, SCRATCH_MAX);
}

void dw_loop_mark_done(struct dw_loop_marks *marks)
{
    dw_arena_done(&marks->arena);
    dw_buf_done(&marks->scratch);
    marks->first = NULL;
}

void dw_loop_mark_reset(struct dw_loop_marks *marks)
{
    if (!marks->arena.used_bytes) /* malformed marks leave something behind too */
        return;
    marks->first = NULL;
    dw_arena_reset(&marks->arena);
    dw_buf_reset(&marks->scratch, SCRATCH_KEEP);
}

static int compare_digests(const void *a, const void *b)
{
    uint64_t left;
    uint64_t right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left < right ? -1 : left > right;
}

static bool take_digests(struct dw_loop_marks *marks, struct dw_str text, struct dw_loop_mark *mark)
{
    struct dw_buf *bytes = &marks->scratch;
    bytes->len = 0;
    bytes->overflow = false;
    if (!dw_base64_decode(bytes, text) || bytes->len % DIGEST_BYTES != 0)
        return false;
    mark->digest_count = bytes->len / DIGEST_BYTES;
    mark->digests = DW_ARENA_ARRAY(&marks->arena, uint64_t, mark->digest_count + 1);
    if (bytes->len)
        memcpy(mark->digests, bytes->data, bytes->len);
    qsort(mark->digests, mark->digest_count, sizeof *mark->digests, compare_digests);
    return true;
}

static bool take_columns(struct dw_json_pull *pull, struct dw_arena *arena,
                         struct dw_loop_mark *mark)
{
    if (dw_json_pull_next(pull) != DW_JSON_ARRAY_OPEN)
        return false;
    size_t capacity = 16;
    struct dw_str *columns = DW_ARENA_ARRAY(arena, struct dw_str, capacity);
    enum dw_json token;
    while ((token = dw_json_pull_next(pull)) == DW_JSON_STRING) {
        if (mark->column_count == capacity) {
            struct dw_str *larger = DW_ARENA_ARRAY(arena, struct dw_str, capacity * 2);
            memcpy(larger, columns, capacity * sizeof *columns);
            columns = larger;
            capacity *= 2;
        }
        columns[mark->column_count++] = dw_arena_copy(arena, pull->text);
    }
    mark->columns = columns;
    return token == DW_JSON_ARRAY_CLOSE && mark->column_count <= DW_PGOUTPUT_COLUMNS_MAX;
}

static bool take_op(struct dw_str text, enum dw_loop_mark_op *out)
{
    static const char *const names[] = {"upsert", "delete", "truncate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (dw_str_is(text, names[i])) {
            *out = (enum dw_loop_mark_op)i;
            return true;
        }
    return false;
}

/* A member with text as its value. */
static bool take_text(struct dw_loop_marks *marks, struct dw_str name, struct dw_str text,
                      struct dw_loop_mark *mark, bool *has_op)
{
    if (dw_str_is(name, "origin"))
        mark->origin = dw_arena_copy(&marks->arena, text);
    else if (dw_str_is(name, "table"))
        mark->table = dw_arena_copy(&marks->arena, text);
    else if (dw_str_is(name, "digests"))
        return take_digests(marks, text, mark);
    else if (dw_str_is(name, "op"))
        return *has_op = take_op(text, &mark->op);
    return true;
}

static bool parse(struct dw_loop_marks *marks, struct dw_json_pull *pull, struct dw_loop_mark *mark)
{
    bool has_op = false;
    if (dw_json_pull_next(pull) != DW_JSON_OBJECT_OPEN)
        return false;
    enum dw_json token;
    while ((token = dw_json_pull_next(pull)) == DW_JSON_NAME) {
        struct dw_str name = pull->text;
        if (dw_str_is(name, "columns")) {
            if (!take_columns(pull, &marks->arena, mark))
                return false;
            continue;
        }
        token = dw_json_pull_next(pull);
        if (token != DW_JSON_STRING) {
            if (!dw_json_pull_finish(pull, token))
                return false;
        } else if (!take_text(marks, name, pull->text, mark, &has_op)) {
            return false;
        }
    }
    return token == DW_JSON_OBJECT_CLOSE && dw_json_pull_next(pull) == DW_JSON_END && has_op &&
           mark->origin.len && mark->table.len &&
           (mark->op == DW_LOOP_MARK_TRUNCATE || mark->column_count);
}

enum dw_rc dw_loop_mark_add(struct dw_loop_marks *marks, struct dw_str content, struct dw_err *err)
{
    if (content.len > MARKS_MAX || marks->arena.used_bytes > MARKS_MAX - content.len)
        return dw_err_set(
            err, DW_REJECT, "DW-CAPTURE-010",
            "loop marks of one transaction take more than %zu bytes: one of %zu bytes "
            "is not taken in",
            MARKS_MAX, content.len);
    struct dw_loop_mark *mark = DW_ARENA_NEW(&marks->arena, struct dw_loop_mark);
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, content, &marks->arena);
    if (!parse(marks, &pull, mark))
        return dw_err_set(err, DW_REJECT, "DW-CAPTURE-010",
                          "loop mark malformed near byte %zu of %zu", dw_json_pull_offset(&pull),
                          content.len);
    mark->index = DW_ARENA_ARRAY(&marks->arena, size_t, mark->column_count + 1);
    mark->next = marks->first;
    marks->first = mark;
    return DW_OK;
}

/* "schema.table" */
static bool is_table(struct dw_str name, const struct dw_loop_mark_row *row)
{
    return name.len == row->schema.len + 1 + row->table.len &&
           memcmp(name.ptr, row->schema.ptr, row->schema.len) == 0 &&
           name.ptr[row->schema.len] == '.' &&
           memcmp(name.ptr + row->schema.len + 1, row->table.ptr, row->table.len) == 0;
}

static void index_columns(struct dw_loop_mark *mark, const struct dw_loop_mark_row *row)
{
    for (size_t i = 0; i < mark->column_count; i++) {
        mark->index[i] = NO_COLUMN;
        for (size_t j = 0; j < row->count; j++)
            if (dw_str_equal(row->columns[j].name, mark->columns[i]))
                mark->index[i] = j;
    }
    mark->indexed_oid = row->relation_oid;
}

/* What the consumer hashed: per column n, or v, the text's length, a colon, the text. False when a
 * column is not in the row. */
static bool digest_row(struct dw_loop_mark *mark, const struct dw_loop_mark_row *row,
                       struct dw_buf *scratch, uint64_t *out_digest)
{
    if (mark->indexed_oid != row->relation_oid)
        index_columns(mark, row);
    scratch->len = 0;
    scratch->overflow = false;
    for (size_t i = 0; i < mark->column_count; i++) {
        if (mark->index[i] == NO_COLUMN)
            return false;
        const struct dw_pgoutput_value *value = &row->values[mark->index[i]];
        if (value->presence == DW_PGOUTPUT_UNCHANGED)
            return false;
        if (value->presence == DW_PGOUTPUT_NULL) {
            dw_buf_append_char(scratch, 'n');
            continue;
        }
        dw_buf_append_char(scratch, 'v');
        dw_buf_append_u64(scratch, value->text.len);
        dw_buf_append_char(scratch, ':');
        dw_buf_append_str(scratch, value->text);
    }
    unsigned char digest[32];
    dw_hash_sha256(scratch->data, scratch->len, digest);
    memcpy(out_digest, digest, sizeof *out_digest);
    return dw_buf_ok(scratch);
}

bool dw_loop_mark_matches(struct dw_loop_marks *marks, struct dw_str origin,
                          enum dw_loop_mark_op op, const struct dw_loop_mark_row *row)
{
    for (struct dw_loop_mark *mark = marks->first; mark; mark = mark->next) {
        uint64_t digest;
        if (mark->op != op || !dw_str_equal(mark->origin, origin) || !is_table(mark->table, row))
            continue;
        if (op == DW_LOOP_MARK_TRUNCATE)
            return true;
        if (digest_row(mark, row, &marks->scratch, &digest) &&
            bsearch(&digest, mark->digests, mark->digest_count, sizeof digest, compare_digests))
            return true;
    }
    return false;
}
