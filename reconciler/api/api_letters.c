/* api_letters.c - dead letters: list and show. */
#include "common/base/base64.h"
#include "common/base/json_pull.h"
#include "common/base/utf8.h"
#include "common/state/state_letters.h"
#include "reconciler/api/api_answer.h"
#include <inttypes.h>

#define EMBED_DEPTH 56 /* so that the answer around it stays within DW_JSON_DEPTH_MAX */

static bool is_json(struct dw_str bytes, struct dw_arena *arena)
{
    struct dw_json_pull pull;
    enum dw_json token;
    dw_json_pull_init(&pull, bytes, arena);
    while ((token = dw_json_pull_next(&pull)) != DW_JSON_END)
        if (token == DW_JSON_ERROR || pull.depth > EMBED_DEPTH)
            return false;
    return true;
}

/* Bytes that are JSON as JSON (numbers keep their text), other text as a string, else as
 * {"base64":…}. */
static void write_bytes(struct dw_buf *out, const char *name, struct dw_str bytes,
                        struct dw_arena *arena)
{
    dw_json_write_name(out, name);
    if (!bytes.ptr) {
        dw_buf_append_text(out, "null");
    } else if (is_json(bytes, arena)) {
        dw_buf_append_str(out, bytes);
    } else if (dw_utf8_valid(bytes.ptr, bytes.len) &&
               (!bytes.len || !memchr(bytes.ptr, 0, bytes.len))) {
        dw_json_write_string(out, bytes);
    } else {
        dw_buf_append_text(out, "{\"base64\":\"");
        dw_base64_encode(out, bytes.ptr, bytes.len);
        dw_buf_append_text(out, "\"}");
    }
}

static void write_letter(struct dw_buf *out, const struct dw_letter *letter, struct dw_arena *arena)
{
    dw_json_write_i64(out, "id", letter->id);
    dw_json_write_text(out, "kind", dw_state_letters_kind_name(letter->kind));
    dw_json_write_text(out, "state", dw_state_letters_state_name(letter->state));
    dw_json_write_text(out, "map", letter->map);
    dw_json_write_i64(out, "revision", letter->revision);
    dw_json_write_text(out, "code", letter->code);
    dw_json_write_text(out, "class", letter->class_name);
    dw_json_write_text(out, "stage", letter->stage);
    dw_json_write_text(out, "message", letter->message);
    dw_json_write_text(out, "sqlstate", letter->sqlstate);
    dw_json_write_text(out, "column", letter->column);
    dw_json_write_text(out, "system", letter->system);
    dw_json_write_text(out, "version", letter->version);
    dw_json_write_text(out, "topic", letter->topic);
    dw_json_write_i64(out, "partition", letter->partition);
    dw_json_write_i64(out, "offset", letter->offset);
    dw_json_write_text(out, "incarnation", letter->incarnation);
    dw_json_write_i64(out, "attempts", letter->attempts);
    dw_api_answer_time(out, "first_failed_at", letter->first_failed_us);
    dw_api_answer_time(out, "failed_at", letter->failed_us);
    dw_api_answer_time(out, "indexed_at", letter->indexed_us);
    dw_json_write_text(out, "instance", letter->instance);
    dw_json_write_i64(out, "copies", letter->copies);
    dw_json_write_i64(out, "value_bytes", letter->value_bytes);
    write_bytes(out, "key", letter->key, arena);
}

void dw_api_letters_list(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_letter_list letters;
    size_t limit = (size_t)dw_api_request_number(&call->request, "limit");
    const struct dw_letter_filter filter = {
        .map = dw_api_request_text(&call->request, "map"),
        .state = dw_api_request_text(&call->request, "state"),
        .code = dw_api_request_text(&call->request, "code"),
        .after = dw_api_request_number(&call->request, "after"),
        .limit = (int)limit + 1, /* to know whether there are more */
    };
    struct dw_buf *out = &call->response->body;
    if (dw_state_letters_list(call->state, &filter, call->arena, &letters, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    size_t shown = letters.count < limit ? letters.count : limit;
    dw_buf_append_text(out, "{\"dead_letters\":[");
    for (size_t i = 0; i < shown; i++) {
        dw_api_answer_open(out, '{');
        write_letter(out, &letters.items[i], call->arena);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
    dw_api_answer_next(out, letters.count > limit, shown ? letters.items[shown - 1].id : 0);
    dw_buf_append_text(out, "}\n");
}

void dw_api_letters_show(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_letter *letter = NULL;
    struct dw_buf *out = &call->response->body;
    int64_t id = dw_api_request_number(&call->request, "id");
    if (dw_state_letters_load(call->state, id, call->arena, &letter, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    if (!letter) {
        dw_http_error(call->response, 404, "DW-API-017", "there is no dead letter %" PRId64, id);
        return;
    }
    dw_buf_append_char(out, '{');
    write_letter(out, letter, call->arena);
    dw_json_write_text(out, "letter_topic", letter->letter_topic);
    dw_json_write_i64(out, "letter_partition", letter->letter_partition);
    dw_json_write_i64(out, "letter_offset", letter->letter_offset);
    dw_json_write_name(out, "headers");
    dw_buf_append_text(out, letter->headers);
    write_bytes(out, "value", letter->value, call->arena);
    dw_buf_append_text(out, "}\n");
}
