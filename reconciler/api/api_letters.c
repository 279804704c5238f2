/* api_letters.c - dead letters: list, groups and show. */
#include "common/base/base64.h"
#include "common/base/clock.h"
#include "common/base/json_pull.h"
#include "common/base/utf8.h"
#include "common/state/state_letters.h"
#include "reconciler/api/api_answer.h"
#include "reconciler/dead_letters/letter_edit.h"
#include "reconciler/dead_letters/letter_facts.h"
#include "reconciler/dead_letters/letter_trial.h"
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
    dw_json_write_bool(out, "archived", letter->archived);
    dw_json_write_bool(out, "edited", letter->edited_us != 0);
    dw_json_write_i64(out, "job", letter->job);
    dw_json_write_i64(out, "sync", letter->sync);
    dw_api_answer_time(out, "state_at", letter->state_us);
    dw_json_write_text(out, "ended_by", letter->ended_by);
    dw_json_write_text(out, "verdict", letter->verdict);
    write_bytes(out, "key", letter->key, arena);
}

#define SECOND_US INT64_C(1000000)

static bool refuse(struct dw_api_call *call, unsigned status, const char *code, const char *message)
{
    dw_http_error(call->response, status, code, "%s", message);
    return false;
}

/* Codes are found in any case. */
static bool check_code(struct dw_api_call *call, const char **code)
{
    if (!*code)
        return true;
    char *upper = dw_arena_printf(call->arena, "%s", *code);
    for (char *c = upper; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    *code = upper;
    if (dw_err_find(upper))
        return true;
    return refuse(
        call, 404, "DW-API-010",
        dw_arena_printf(call->arena, "there is no code %s; `dualwrite explain` shows all", upper));
}

/* One that is gone, or stood in an archive, may have letters all the same. */
static bool check_map(struct dw_api_call *call, const char *map)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_map_record *record = NULL;
    const struct dw_letter_filter all = {.map = map, .state = "all"};
    int64_t letters = 0;
    if (!map)
        return true;
    enum dw_rc rc = dw_state_map_load(call->state, map, call->arena, &record, &err);
    if (!rc && !record)
        rc = dw_state_letters_total(call->state, &all, &letters, &err);
    if (rc)
        dw_api_answer_error(call, &err);
    else if (!record && !letters)
        return refuse(
            call, 404, "DW-STATE-004",
            dw_arena_printf(call->arena, "there is no map %s, and no dead letter of one", map));
    return !rc;
}

/* "[" begins an array of values, as comparisons show keys; any other text is looked for as it is.
 */
static bool check_key(struct dw_api_call *call, const char *key)
{
    struct dw_json_pull pull;
    if (!key || key[0] != '[')
        return true;
    dw_json_pull_init(&pull, dw_str_from(key), call->arena);
    enum dw_json token = dw_json_pull_next(&pull);
    while (token > DW_JSON_END && pull.depth <= 1)
        token = dw_json_pull_next(&pull);
    if (token == DW_JSON_END)
        return true;
    return refuse(call, 422, "DW-API-010",
                  "key is a text, or a JSON array of the key's values such as [\"us\",1]");
}

bool dw_api_letters_filter(struct dw_api_call *call, struct dw_letter_filter *out)
{
    const struct dw_api_request *request = &call->request;
    int64_t now_us = dw_clock_wall_us();
    struct dw_letter_filter filter = {
        .map = dw_api_request_text(request, "map"),
        .state = dw_api_request_text(request, "state"),
        .code = dw_api_request_text(request, "code"),
        .class_name = dw_api_request_text(request, "class"),
        .column = dw_api_request_text(request, "column"),
        .text = dw_api_request_text(request, "text"),
        .key = dw_api_request_text(request, "key"),
        .after = dw_api_request_number(request, "after"),
    };
    if (dw_api_request_given(request, "older_seconds"))
        filter.before_us = now_us - dw_api_request_number(request, "older_seconds") * SECOND_US;
    if (dw_api_request_given(request, "newer_seconds"))
        filter.since_us = now_us - dw_api_request_number(request, "newer_seconds") * SECOND_US;
    filter.ids = dw_api_request_numbers(request, "ids", &filter.id_count);
    if (!check_code(call, &filter.code) || !check_map(call, filter.map) ||
        !check_key(call, filter.key))
        return false;
    *out = filter;
    return true;
}

static void write_group(struct dw_buf *out, const struct dw_letter_group *group)
{
    dw_api_answer_open(out, '{');
    dw_json_write_text(out, "map", group->map);
    dw_json_write_text(out, "state", dw_state_letters_state_name(group->state));
    dw_json_write_text(out, "code", group->code);
    dw_json_write_text(out, "class", group->class_name);
    dw_json_write_text(out, "column", group->column);
    dw_json_write_i64(out, "count", group->count);
    dw_api_answer_time(out, "first_failed_at", group->first_us);
    dw_api_answer_time(out, "last_failed_at", group->last_us);
    dw_json_write_i64(out, "newest", group->id);
    dw_json_write_text(out, "message", group->message);
    dw_buf_append_char(out, '}');
}

void dw_api_letters_groups(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_letter_group *groups = NULL;
    size_t count = 0;
    int64_t total = 0;
    struct dw_letter_filter filter;
    struct dw_buf *out = &call->response->body;
    if (!dw_api_letters_filter(call, &filter))
        return;
    filter.limit = (int)dw_api_request_number(&call->request, "limit");
    if (dw_state_letters_groups(call->state, &filter, call->arena, &groups, &count, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_text(out, "{\"groups\":[");
    for (size_t i = 0; i < count; i++) {
        write_group(out, &groups[i]);
        total += groups[i].count;
    }
    dw_buf_append_char(out, ']');
    dw_json_write_i64(out, "letters", total);
    dw_buf_append_text(out, "}\n");
}

void dw_api_letters_list(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_letter_list letters;
    size_t limit = (size_t)dw_api_request_number(&call->request, "limit");
    struct dw_letter_filter filter;
    struct dw_buf *out = &call->response->body;
    if (!dw_api_letters_filter(call, &filter))
        return;
    filter.limit = (int)limit + 1; /* to know whether there are more */
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
    write_bytes(out, "edited_value", letter->edited, call->arena);
    dw_json_write_text(out, "edited_by", letter->edited_by);
    dw_api_answer_time(out, "edited_at", letter->edited_us);
    dw_buf_append_text(out, "}\n");
}

/* ---- side by side ---- */

static void write_side(struct dw_buf *out, const char *name, struct dw_str text)
{
    if (text.ptr)
        dw_json_write_str(out, name, text);
    else
        dw_json_write_text(out, name, NULL);
}

static void write_tried(struct dw_buf *out, int64_t id, const struct dw_letter_tried *tried)
{
    dw_buf_append_char(out, '{');
    dw_json_write_i64(out, "id", id);
    dw_json_write_text(out, "would", dw_letter_trial_word(tried->would));
    dw_json_write_text(out, "code", tried->code);
    dw_json_write_text(out, "message", tried->message);
    dw_json_write_text(out, "column", tried->column);
    dw_json_write_text(out, "source_row", tried->source_row);
    dw_json_write_text(out, "target_row", tried->target_row);
    dw_json_write_name(out, "columns");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < tried->cell_count; i++) {
        const struct dw_letter_cell *cell = &tried->cells[i];
        dw_api_answer_open(out, '{');
        write_side(out, "source", cell->source);
        write_side(out, "target", cell->target);
        write_side(out, "event", cell->event);
        write_side(out, "mapped", cell->mapped);
        write_side(out, "source_now", cell->source_now);
        write_side(out, "target_now", cell->target_now);
        dw_json_write_bool(out, "failed", cell->failed);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_text(out, "]}\n");
}

/* A letter that was asked for by its number; NULL: answered. */
static const struct dw_letter *find_letter(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_letter *letter = NULL;
    int64_t id = dw_api_request_number(&call->request, "id");
    if (dw_state_letters_load(call->state, id, call->arena, &letter, &err))
        dw_api_answer_error(call, &err);
    else if (!letter)
        dw_http_error(call->response, 404, "DW-API-017", "there is no dead letter %" PRId64, id);
    return letter;
}

void dw_api_letters_compare(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_letter_tried tried;
    const struct dw_map_record *map = NULL;
    const struct dw_letter *letter = find_letter(call);
    if (!letter)
        return;
    if (dw_state_map_load(call->state, letter->map, call->arena, &map, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    if (!map) {
        dw_http_error(call->response, 409, "DW-API-060",
                      "dead letter %" PRId64 ": there is no map of its name any more", letter->id);
        return;
    }
    struct dw_letter_trial *trial = dw_letter_trial_open(call->settings);
    if (dw_letter_trial_run(trial, map, letter, true, call->arena, &tried, &err))
        dw_api_answer_error(call, &err);
    else
        write_tried(&call->response->body, letter->id, &tried);
    dw_letter_trial_close(trial);
}

/* ---- editing ---- */

void dw_api_letters_edit(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_letter_facts facts;
    const struct dw_letter *letter = find_letter(call);
    const struct dw_str event = dw_api_request_json(&call->request, "event");
    if (!letter)
        return;
    if (dw_letter_facts_load(call->state, call->settings, letter->map, call->arena, &facts, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    bool drop = dw_str_is(event, "null");
    const char *why = dw_letter_edit_check(letter, &facts, drop ? NULL : &event, call->arena);
    if (why) {
        dw_http_error(call->response, drop || letter->state != DW_LETTER_OPEN ? 409 : 422,
                      "DW-API-064", "dead letter %" PRId64 ": %s", letter->id, why);
        return;
    }
    if (dw_state_letters_edit(call->state, letter->id, drop ? NULL : &event, call->by, &err))
        dw_api_answer_error(call, &err);
    else
        dw_api_letters_show(call);
}
