/* cli_json.c - see cli_json.h. */
#include "reconciler/cli/cli_json.h"

#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include <stdlib.h>

#define ARENA_BYTES 4096

struct dw_str dw_cli_json_member(struct dw_str object, const char *name)
{
    struct dw_str found = {NULL, 0};
    struct dw_json_pull pull;
    struct dw_arena arena;
    dw_arena_init(&arena, ARENA_BYTES);
    dw_json_pull_init(&pull, object, &arena);
    if (object.ptr && dw_json_pull_next(&pull) == DW_JSON_OBJECT_OPEN)
        while (dw_json_pull_next(&pull) == DW_JSON_NAME) {
            bool wanted = dw_str_is(pull.text, name);
            struct dw_str raw;
            if (!dw_json_pull_skip(&pull, &raw))
                break;
            if (wanted) {
                found = raw;
                break;
            }
        }
    dw_arena_done(&arena);
    return found;
}

const struct dw_str *dw_cli_json_elements(struct dw_str array, struct dw_arena *arena,
                                          size_t *out_count)
{
    struct dw_json_pull pull;
    struct dw_str *items = NULL;
    size_t count = 0;
    size_t capacity = 0;
    dw_json_pull_init(&pull, array, arena);
    *out_count = 0;
    if (!array.ptr || dw_json_pull_next(&pull) != DW_JSON_ARRAY_OPEN)
        return NULL;
    for (;;) {
        struct dw_json_pull ahead = pull;
        struct dw_str raw;
        if (dw_json_pull_next(&ahead) == DW_JSON_ARRAY_CLOSE || !dw_json_pull_skip(&pull, &raw))
            break;
        if (count == capacity) {
            size_t grown = capacity ? capacity * 2 : 64;
            struct dw_str *larger = DW_ARENA_ARRAY(arena, struct dw_str, grown);
            if (count)
                memcpy(larger, items, count * sizeof *items);
            items = larger;
            capacity = grown;
        }
        items[count++] = raw;
    }
    *out_count = count;
    return items;
}

bool dw_cli_json_is_null(struct dw_str value)
{
    return !value.ptr || dw_str_is(value, "null");
}

const char *dw_cli_json_text(struct dw_str object, const char *name, struct dw_arena *arena)
{
    struct dw_str raw = dw_cli_json_member(object, name);
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, raw, arena);
    if (!raw.ptr || dw_json_pull_next(&pull) != DW_JSON_STRING)
        return "";
    return dw_arena_copy(arena, pull.text).ptr;
}

/* The raw number with a NUL behind it. */
static const char *number_text(struct dw_str object, const char *name, char *out, size_t size)
{
    struct dw_str raw = dw_cli_json_member(object, name);
    size_t len = raw.ptr && raw.len < size ? raw.len : 0;
    if (len)
        memcpy(out, raw.ptr, len);
    out[len] = '\0';
    return out;
}

int64_t dw_cli_json_number(struct dw_str object, const char *name)
{
    char text[40];
    return strtoll(number_text(object, name, text, sizeof text), NULL, 10);
}

double dw_cli_json_real(struct dw_str object, const char *name)
{
    char text[40];
    return strtod(number_text(object, name, text, sizeof text), NULL);
}

bool dw_cli_json_true(struct dw_str object, const char *name)
{
    return dw_str_is(dw_cli_json_member(object, name), "true");
}

static void new_line(struct dw_buf *out, int level)
{
    dw_buf_append_char(out, '\n');
    for (int i = 0; i < level; i++)
        dw_buf_append(out, "  ", 2);
}

/* What stands for a token that opens or closes nothing. */
static void write_scalar(struct dw_buf *out, enum dw_json token, struct dw_str text)
{
    if (token == DW_JSON_STRING)
        dw_json_write_string(out, text);
    else if (token == DW_JSON_NUMBER)
        dw_buf_append_str(out, text);
    else
        dw_buf_append_text(out, token == DW_JSON_TRUE    ? "true"
                                : token == DW_JSON_FALSE ? "false"
                                                         : "null");
}

void dw_cli_json_pretty(struct dw_buf *out, struct dw_str value, int level)
{
    struct dw_json_pull pull;
    struct dw_arena arena;
    enum dw_json token;
    enum dw_json before = DW_JSON_NAME;
    dw_arena_init(&arena, ARENA_BYTES);
    dw_json_pull_init(&pull, value, &arena);
    while ((token = dw_json_pull_next(&pull)) > DW_JSON_END) {
        bool opens = token == DW_JSON_OBJECT_OPEN || token == DW_JSON_ARRAY_OPEN;
        bool closes = token == DW_JSON_OBJECT_CLOSE || token == DW_JSON_ARRAY_CLOSE;
        bool first = before == DW_JSON_OBJECT_OPEN || before == DW_JSON_ARRAY_OPEN;
        level -= closes;
        if (!closes && !first && before != DW_JSON_NAME)
            dw_buf_append_char(out, ',');
        if (closes ? !first : before != DW_JSON_NAME)
            new_line(out, level);
        if (opens || closes)
            dw_buf_append_char(out, token == DW_JSON_OBJECT_OPEN    ? '{'
                                    : token == DW_JSON_OBJECT_CLOSE ? '}'
                                    : token == DW_JSON_ARRAY_OPEN   ? '['
                                                                    : ']');
        else
            write_scalar(out, token == DW_JSON_NAME ? DW_JSON_STRING : token, pull.text);
        if (token == DW_JSON_NAME)
            dw_buf_append(out, ": ", 2);
        level += opens;
        before = token;
    }
    dw_arena_done(&arena);
}
