/* api_request.c - see api_request.h. */
#include "reconciler/api/api_request.h"

#include "common/base/json_pull.h"
#include "common/base/utf8.h"
#include <errno.h>
#include <stdlib.h>

#define PREFIX        "/api/v1/"
#define NAME_MAX      249
#define REASON_MAX    1000
#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000

static bool refuse(struct dw_api_refusal *refusal, unsigned status, const char *message)
{
    *refusal = (struct dw_api_refusal){
        .status = status,
        .code = status == 404   ? "DW-API-011"
                : status == 405 ? "DW-API-012"
                                : "DW-API-010",
        .message = message,
    };
    return false;
}

/* --- path --------------------------------------------------------------------------------------
 */

#define SEGMENTS_MAX 4

struct path {
    struct dw_str segments[SEGMENTS_MAX];
    size_t count;
};

/* "/api/v1/maps/customers/start" -> maps, customers, start. False when it is no path of ours. */
static bool split_path(const char *text, struct path *out)
{
    *out = (struct path){.count = 0};
    if (strncmp(text, PREFIX, sizeof PREFIX - 1) != 0)
        return false;
    const char *at = text + sizeof PREFIX - 1;
    while (*at) {
        const char *slash = strchr(at, '/');
        size_t len = slash ? (size_t)(slash - at) : strlen(at);
        if (len == 0 || out->count == SEGMENTS_MAX)
            return false;
        out->segments[out->count++] = (struct dw_str){at, len};
        at += len;
        if (slash)
            at++;
    }
    return out->count > 0;
}

struct route {
    const char *method;
    const char *first;
    size_t segments;
    enum dw_api_route route;
};

static const struct route routes[] = {
    {"GET", "status", 1, DW_API_STATUS},
    {"GET", "maps", 1, DW_API_MAP_LIST},
    {"GET", "maps", 2, DW_API_MAP_SHOW},
    {"PUT", "maps", 2, DW_API_MAP_APPLY},
    {"POST", "maps", 3, DW_API_MAP_ORDER},
    {"GET", "dead-letters", 1, DW_API_LETTER_LIST},
    {"GET", "dead-letters", 2, DW_API_LETTER_SHOW},
};

static bool find_route(const char *method, const struct path *path, struct dw_arena *arena,
                       struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    const char *allowed = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (routes[i].segments != path->count || !dw_str_is(path->segments[0], routes[i].first))
            continue;
        if (strcmp(method, routes[i].method) == 0) {
            out->route = routes[i].route;
            return true;
        }
        allowed = allowed ? dw_arena_printf(arena, "%s, %s", allowed, routes[i].method)
                          : routes[i].method;
    }
    if (allowed)
        return refuse(refusal, 405, dw_arena_printf(arena, "here only %s is possible", allowed));
    return refuse(refusal, 404, "there is nothing at this path");
}

static bool parse_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    long long number = strtoll(text, &end, 10);
    if (errno || *end || number < min || number > max)
        return false;
    *out = number;
    return true;
}

static bool take_name(struct dw_str segment, struct dw_arena *arena, struct dw_api_request *out,
                      struct dw_api_refusal *refusal)
{
    if (segment.len > NAME_MAX || !dw_utf8_valid(segment.ptr, segment.len))
        return refuse(refusal, 404, "there is no such map");
    out->map = dw_arena_copy(arena, segment).ptr;
    return true;
}

static bool take_segments(const struct path *path, struct dw_arena *arena,
                          struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    switch (out->route) {
    case DW_API_MAP_ORDER:
        if (!dw_map_state_event_parse(path->segments[2], &out->event))
            return refuse(refusal, 404, "a map takes start, pause, resume and stop");
        return take_name(path->segments[1], arena, out, refusal);
    case DW_API_MAP_SHOW:
    case DW_API_MAP_APPLY:
        return take_name(path->segments[1], arena, out, refusal);
    case DW_API_LETTER_SHOW:
        if (!parse_number(dw_arena_copy(arena, path->segments[1]).ptr, 1, INT64_MAX, &out->id))
            return refuse(refusal, 400, "the id of a dead letter is a number from 1");
        return true;
    case DW_API_STATUS:
    case DW_API_MAP_LIST:
    case DW_API_LETTER_LIST:
        break;
    }
    return true;
}

/* --- query -------------------------------------------------------------------------------------
 */

static bool take_filter(const struct dw_api_input *input, struct dw_arena *arena,
                        struct dw_letter_filter *out, struct dw_api_refusal *refusal)
{
    int64_t limit = LIMIT_DEFAULT;
    enum dw_letter_state state;
    const char *text;
    out->map = input->query(input->context, "map");
    out->code = input->query(input->context, "code");
    out->state = input->query(input->context, "state");
    if (out->state && strcmp(out->state, "all") != 0 &&
        !dw_state_letters_state_parse(out->state, &state))
        return refuse(refusal, 400, "state is one of open, unconfirmed, void, foreign and all");
    if ((out->map && !dw_utf8_valid(out->map, strlen(out->map))) ||
        (out->code && !dw_utf8_valid(out->code, strlen(out->code))))
        return refuse(refusal, 400, "map and code are UTF-8 text");
    if ((text = input->query(input->context, "limit")) != NULL &&
        !parse_number(text, 1, LIMIT_MAX, &limit))
        return refuse(refusal, 400,
                      dw_arena_printf(arena, "limit is a number from 1 to %d", LIMIT_MAX));
    if ((text = input->query(input->context, "after")) != NULL &&
        !parse_number(text, 1, INT64_MAX, &out->after))
        return refuse(refusal, 400, "after is the id of a dead letter");
    out->limit = (int)limit;
    return true;
}

static bool take_query(const struct dw_api_input *input, struct dw_arena *arena,
                       struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    if (out->route == DW_API_LETTER_LIST)
        return take_filter(input, arena, &out->filter, refusal);
    if (out->route != DW_API_MAP_APPLY)
        return true;
    const char *dry_run = input->query(input->context, "dry_run");
    if (dry_run && strcmp(dry_run, "true") != 0 && strcmp(dry_run, "false") != 0)
        return refuse(refusal, 400, "dry_run is true or false");
    out->dry_run = dry_run && strcmp(dry_run, "true") == 0;
    return true;
}

/* --- body --------------------------------------------------------------------------------------
 */

static bool refuse_json(const struct dw_json_pull *pull, struct dw_arena *arena,
                        struct dw_api_refusal *refusal)
{
    return refuse(refusal, 400,
                  dw_arena_printf(arena, "the body is no JSON object: %s at byte %zu",
                                  pull->fault ? pull->fault : "something else was found",
                                  dw_json_pull_offset(pull)));
}

/* A member that must be a string. */
static bool take_text(struct dw_json_pull *pull, const char *name, size_t max,
                      struct dw_arena *arena, const char **out, struct dw_api_refusal *refusal)
{
    enum dw_json token = dw_json_pull_next(pull);
    if (token == DW_JSON_ERROR)
        return refuse_json(pull, arena, refusal);
    if (token != DW_JSON_STRING || pull->text.len > max)
        return refuse(refusal, 400,
                      dw_arena_printf(arena, "%s is a string of at most %zu bytes", name, max));
    *out = dw_arena_copy(arena, pull->text).ptr;
    return true;
}

/* The map file: its text as a string, so that messages can name lines, or as an object. */
static bool take_document(struct dw_json_pull *pull, struct dw_arena *arena, struct dw_str *out,
                          struct dw_api_refusal *refusal)
{
    struct dw_json_pull ahead = *pull;
    enum dw_json token = dw_json_pull_next(&ahead);
    if (token == DW_JSON_STRING) {
        *out = dw_arena_copy(arena, ahead.text);
        *pull = ahead;
        return true;
    }
    if (token != DW_JSON_OBJECT_OPEN && token != DW_JSON_ERROR)
        return refuse(refusal, 400, "document is a map file: its text, or a JSON object");
    struct dw_str raw;
    if (!dw_json_pull_skip(pull, &raw))
        return refuse_json(pull, arena, refusal);
    *out = dw_arena_copy(arena, raw);
    return true;
}

static bool take_member(struct dw_json_pull *pull, struct dw_arena *arena,
                        struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    struct dw_str name = pull->text;
    if (out->route == DW_API_MAP_APPLY && dw_str_is(name, "document"))
        return take_document(pull, arena, &out->document, refusal);
    if (out->route == DW_API_MAP_APPLY && dw_str_is(name, "file"))
        return take_text(pull, "file", REASON_MAX, arena, &out->file, refusal);
    if (out->route == DW_API_MAP_ORDER && dw_str_is(name, "reason"))
        return take_text(pull, "reason", REASON_MAX, arena, &out->reason, refusal);
    int shown = (int)dw_utf8_valid_prefix(name.ptr, name.len < 64 ? name.len : 64);
    return refuse(refusal, 400,
                  dw_arena_printf(arena, "the body has an unknown member \"%.*s\"; allowed: %s",
                                  shown, name.ptr,
                                  out->route == DW_API_MAP_APPLY ? "document, file" : "reason"));
}

static bool take_body(const struct dw_api_input *input, struct dw_arena *arena,
                      struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    struct dw_json_pull pull;
    enum dw_json token;
    if (out->route != DW_API_MAP_APPLY && out->route != DW_API_MAP_ORDER)
        return true;
    if (input->body.len == 0 && out->route == DW_API_MAP_ORDER)
        return true;
    dw_json_pull_init(&pull, input->body, arena);
    if (dw_json_pull_next(&pull) != DW_JSON_OBJECT_OPEN)
        return refuse_json(&pull, arena, refusal);
    while ((token = dw_json_pull_next(&pull)) == DW_JSON_NAME)
        if (!take_member(&pull, arena, out, refusal))
            return false;
    if (token != DW_JSON_OBJECT_CLOSE || dw_json_pull_next(&pull) != DW_JSON_END)
        return refuse_json(&pull, arena, refusal);
    if (out->route == DW_API_MAP_APPLY && !out->document.ptr)
        return refuse(refusal, 400, "the body lacks \"document\"");
    return true;
}

bool dw_api_request_parse(const struct dw_api_input *input, struct dw_arena *arena,
                          struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    struct path path;
    *out = (struct dw_api_request){.map = "", .reason = "", .file = ""};
    if (!split_path(input->path, &path))
        return refuse(refusal, 404, "there is nothing at this path");
    const char *method = strcmp(input->method, "HEAD") == 0 ? "GET" : input->method;
    return find_route(method, &path, arena, out, refusal) &&
           take_segments(&path, arena, out, refusal) && take_query(input, arena, out, refusal) &&
           take_body(input, arena, out, refusal);
}
