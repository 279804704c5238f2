/* sync_keys.c - see sync_keys.h. */
#include "reconciler/maps/sync_keys.h"

#include "common/base/buf.h"
#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include "common/model/table_map.h"

#define KEYS_BYTES_MAX (8u << 20)

struct reader {
    struct dw_json_pull pull;
    const struct dw_map_side *side;
    struct dw_arena *arena;
    struct dw_str values[DW_TABLE_MAP_KEY_MAX]; /* .ptr NULL: not given */
};

/* "company, id" */
static const char *names_of(const struct reader *reader)
{
    const char *text = "";
    for (size_t i = 0; i < reader->side->key_count; i++)
        text = dw_arena_printf(reader->arena, "%s%s%.*s", text, i ? ", " : "",
                               DW_STR_ARG(reader->side->key[i]));
    return text;
}

static enum dw_rc refuse(const struct reader *reader, struct dw_err *err, const char *what)
{
    return dw_err_set(err, DW_CONFLICT, "DW-SYNC-003", "%s; the map's source key is (%s)", what,
                      names_of(reader));
}

static enum dw_rc take_value(struct reader *reader, enum dw_json token, size_t column,
                             struct dw_err *err)
{
    struct dw_str name = reader->side->key[column];
    switch (token) {
    case DW_JSON_STRING:
    case DW_JSON_NUMBER:
        reader->values[column] = dw_arena_copy(reader->arena, reader->pull.text);
        return DW_OK;
    case DW_JSON_TRUE:
        reader->values[column] = DW_STR_LIT("true");
        return DW_OK;
    case DW_JSON_FALSE:
        reader->values[column] = DW_STR_LIT("false");
        return DW_OK;
    case DW_JSON_ERROR:
    case DW_JSON_END:
    case DW_JSON_OBJECT_OPEN:
    case DW_JSON_OBJECT_CLOSE:
    case DW_JSON_ARRAY_OPEN:
    case DW_JSON_ARRAY_CLOSE:
    case DW_JSON_NAME:
    case DW_JSON_NULL:
        break;
    }
    return refuse(reader, err,
                  dw_arena_printf(reader->arena,
                                  "the value of key column %.*s is no text, number or boolean",
                                  DW_STR_ARG(name)));
}

static enum dw_rc take_array(struct reader *reader, struct dw_err *err)
{
    size_t count = 0;
    enum dw_json token;
    while ((token = dw_json_pull_next(&reader->pull)) != DW_JSON_ARRAY_CLOSE) {
        if (count == reader->side->key_count)
            return refuse(reader, err, "a key has too many values");
        enum dw_rc rc = take_value(reader, token, count++, err);
        if (rc)
            return rc;
    }
    return DW_OK;
}

static enum dw_rc take_object(struct reader *reader, struct dw_err *err)
{
    enum dw_json token;
    while ((token = dw_json_pull_next(&reader->pull)) == DW_JSON_NAME) {
        size_t column = 0;
        while (column < reader->side->key_count &&
               !dw_str_equal(reader->side->key[column], reader->pull.text))
            column++;
        if (column == reader->side->key_count)
            return refuse(reader, err,
                          dw_arena_printf(reader->arena, "%.*s is no key column",
                                          DW_STR_ARG(reader->pull.text)));
        enum dw_rc rc = take_value(reader, dw_json_pull_next(&reader->pull), column, err);
        if (rc)
            return rc;
    }
    return token == DW_JSON_OBJECT_CLOSE ? DW_OK : refuse(reader, err, "a key is malformed JSON");
}

/* Reads the key whose first token is `token` and appends it as an array of texts. */
static enum dw_rc take_key(struct reader *reader, enum dw_json token, struct dw_buf *out,
                           struct dw_err *err)
{
    enum dw_rc rc;
    memset(reader->values, 0, sizeof reader->values);
    if (token == DW_JSON_ARRAY_OPEN)
        rc = take_array(reader, err);
    else if (token == DW_JSON_OBJECT_OPEN)
        rc = take_object(reader, err);
    else if (token == DW_JSON_ERROR || reader->side->key_count != 1)
        rc = refuse(reader, err, "a key is a JSON object or array");
    else
        rc = take_value(reader, token, 0, err);
    if (rc)
        return rc;
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < reader->side->key_count; i++) {
        if (!reader->values[i].ptr)
            return refuse(reader, err,
                          dw_arena_printf(reader->arena, "a key lacks the column %.*s",
                                          DW_STR_ARG(reader->side->key[i])));
        if (i)
            dw_buf_append_char(out, ',');
        dw_json_write_string(out, reader->values[i]);
    }
    dw_buf_append_char(out, ']');
    return DW_OK;
}

static enum dw_rc finish(struct reader *reader, enum dw_rc rc, struct dw_buf *text,
                         const char **out, struct dw_err *err)
{
    if (!rc && dw_json_pull_next(&reader->pull) != DW_JSON_END)
        rc = refuse(reader, err, "there is something behind the key");
    if (!rc && !dw_buf_ok(text))
        rc = refuse(reader, err, "the keys are too many");
    if (!rc)
        *out = dw_arena_copy(reader->arena, dw_buf_str(text)).ptr;
    dw_buf_done(text);
    return rc;
}

enum dw_rc dw_sync_keys_parse_one(struct dw_str text, const struct dw_map_side *side,
                                  struct dw_arena *arena, const char **out, struct dw_err *err)
{
    struct reader reader = {.side = side, .arena = arena};
    struct dw_buf key;
    dw_buf_init(&key, KEYS_BYTES_MAX);
    dw_json_pull_init(&reader.pull, text, arena);
    enum dw_rc rc = take_key(&reader, dw_json_pull_next(&reader.pull), &key, err);
    return finish(&reader, rc, &key, out, err);
}

enum dw_rc dw_sync_keys_parse(struct dw_str text, const struct dw_map_side *side,
                              struct dw_arena *arena, const char **out, size_t *out_count,
                              struct dw_err *err)
{
    struct reader reader = {.side = side, .arena = arena};
    struct dw_buf keys;
    enum dw_json token;
    enum dw_rc rc = DW_OK;
    size_t count = 0;
    dw_buf_init(&keys, KEYS_BYTES_MAX);
    dw_json_pull_init(&reader.pull, text, arena);
    if (dw_json_pull_next(&reader.pull) != DW_JSON_ARRAY_OPEN)
        rc = refuse(&reader, err, "keys are a JSON array");
    dw_buf_append_char(&keys, '[');
    while (!rc && (token = dw_json_pull_next(&reader.pull)) != DW_JSON_ARRAY_CLOSE) {
        if (count++)
            dw_buf_append_char(&keys, ',');
        rc = take_key(&reader, token, &keys, err);
    }
    dw_buf_append_char(&keys, ']');
    if (!rc && count == 0)
        rc = refuse(&reader, err, "no key was given");
    if (!rc)
        *out_count = count;
    return finish(&reader, rc, &keys, out, err);
}
