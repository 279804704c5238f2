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
#define MAPS_MAX      10000

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
    {"GET", "maps", 3, DW_API_MAP_HISTORY},
    {"POST", "start", 1, DW_API_START},
    {"GET", "syncs", 1, DW_API_SYNC_LIST},
    {"POST", "syncs", 1, DW_API_SYNC_ORDER},
    {"GET", "syncs", 2, DW_API_SYNC_SHOW},
    {"POST", "syncs", 3, DW_API_SYNC_ACT},
    {"GET", "audit", 1, DW_API_AUDIT},
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

static bool take_action(struct dw_str word, struct dw_api_request *out,
                        struct dw_api_refusal *refusal)
{
    static const struct {
        const char *word;
        enum dw_sync_action action;
    } actions[] = {{"pause", DW_SYNC_PAUSE},
                   {"resume", DW_SYNC_RESUME},
                   {"cancel", DW_SYNC_CANCEL},
                   {"rate", DW_SYNC_RATE}};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (dw_str_is(word, actions[i].word)) {
            out->action = actions[i].action;
            return true;
        }
    return refuse(refusal, 404, "a sync takes pause, resume, cancel and rate");
}

static bool take_sync_id(const struct path *path, struct dw_arena *arena,
                         struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    if (parse_number(dw_arena_copy(arena, path->segments[1]).ptr, 1, INT64_MAX, &out->id))
        return true;
    return refuse(refusal, 400, "the id of a sync is a number from 1");
}

static bool take_segments(const struct path *path, struct dw_arena *arena,
                          struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    switch (out->route) {
    case DW_API_MAP_ORDER:
        if (dw_str_is(path->segments[2], "rollback"))
            out->route = DW_API_MAP_ROLLBACK;
        else if (!dw_map_state_event_parse(path->segments[2], &out->event))
            return refuse(refusal, 404, "a map takes start, pause, resume, stop and rollback");
        return take_name(path->segments[1], arena, out, refusal);
    case DW_API_MAP_HISTORY:
        if (!dw_str_is(path->segments[2], "history"))
            return refuse(refusal, 404, "there is nothing at this path");
        return take_name(path->segments[1], arena, out, refusal);
    case DW_API_SYNC_SHOW:
        return take_sync_id(path, arena, out, refusal);
    case DW_API_SYNC_ACT:
        return take_sync_id(path, arena, out, refusal) &&
               take_action(path->segments[2], out, refusal);
    case DW_API_MAP_ROLLBACK:
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
    case DW_API_START:
    case DW_API_SYNC_LIST:
    case DW_API_SYNC_ORDER:
    case DW_API_AUDIT:
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

/* map, limit and after of a list. */
static bool take_page(const struct dw_api_input *input, struct dw_arena *arena,
                      struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    int64_t limit = LIMIT_DEFAULT;
    const char *text;
    out->filter.map = input->query(input->context, "map");
    if (out->filter.map && !dw_utf8_valid(out->filter.map, strlen(out->filter.map)))
        return refuse(refusal, 400, "map is UTF-8 text");
    if ((text = input->query(input->context, "limit")) != NULL &&
        !parse_number(text, 1, LIMIT_MAX, &limit))
        return refuse(refusal, 400,
                      dw_arena_printf(arena, "limit is a number from 1 to %d", LIMIT_MAX));
    if ((text = input->query(input->context, "after")) != NULL &&
        !parse_number(text, 1, INT64_MAX, &out->filter.after))
        return refuse(refusal, 400, "after is an id");
    out->filter.limit = (int)limit;
    return true;
}

static bool take_sync_filter(const struct dw_api_input *input, struct dw_arena *arena,
                             struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    const char *all = input->query(input->context, "all");
    const char *batch = input->query(input->context, "batch");
    if (all && strcmp(all, "true") != 0 && strcmp(all, "false") != 0)
        return refuse(refusal, 400, "all is true or false");
    if (batch && !parse_number(batch, 1, INT64_MAX, &out->syncs.batch))
        return refuse(refusal, 400, "batch is the number of a sync");
    if (!take_page(input, arena, out, refusal))
        return false;
    out->syncs.map = out->filter.map;
    out->syncs.limit = out->filter.limit;
    out->syncs.mates = !batch && !(all && strcmp(all, "true") == 0);
    return true;
}

static bool take_query(const struct dw_api_input *input, struct dw_arena *arena,
                       struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    if (out->route == DW_API_LETTER_LIST)
        return take_filter(input, arena, &out->filter, refusal);
    if (out->route == DW_API_SYNC_LIST)
        return take_sync_filter(input, arena, out, refusal);
    if (out->route == DW_API_AUDIT || out->route == DW_API_MAP_HISTORY)
        return take_page(input, arena, out, refusal);
    if (out->route != DW_API_MAP_APPLY && out->route != DW_API_MAP_ROLLBACK)
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

static bool take_bool(struct dw_json_pull *pull, const char *name, struct dw_arena *arena,
                      bool *out, struct dw_api_refusal *refusal)
{
    enum dw_json token = dw_json_pull_next(pull);
    if (token == DW_JSON_ERROR)
        return refuse_json(pull, arena, refusal);
    if (token != DW_JSON_TRUE && token != DW_JSON_FALSE)
        return refuse(refusal, 400, dw_arena_printf(arena, "%s is true or false", name));
    *out = token == DW_JSON_TRUE;
    return true;
}

static bool take_count(struct dw_json_pull *pull, const char *name, struct dw_arena *arena,
                       int64_t *out, struct dw_api_refusal *refusal)
{
    enum dw_json token = dw_json_pull_next(pull);
    if (token == DW_JSON_ERROR)
        return refuse_json(pull, arena, refusal);
    if (token != DW_JSON_NUMBER ||
        !parse_number(dw_arena_copy(arena, pull->text).ptr, 0, INT64_MAX, out))
        return refuse(refusal, 400, dw_arena_printf(arena, "%s is a number from 0", name));
    return true;
}

static bool take_raw(struct dw_json_pull *pull, struct dw_arena *arena, struct dw_str *out,
                     struct dw_api_refusal *refusal)
{
    struct dw_str raw;
    if (!dw_json_pull_skip(pull, &raw))
        return refuse_json(pull, arena, refusal);
    *out = dw_arena_copy(arena, raw);
    return true;
}

static bool take_maps(struct dw_json_pull *pull, struct dw_arena *arena, struct dw_api_copy *out,
                      struct dw_api_refusal *refusal)
{
    const char **maps = DW_ARENA_ARRAY(arena, const char *, MAPS_MAX);
    enum dw_json token = dw_json_pull_next(pull);
    out->map_count = 0;
    out->maps = maps;
    if (token != DW_JSON_ARRAY_OPEN)
        return refuse(refusal, 400, "maps is an array of names");
    while ((token = dw_json_pull_next(pull)) == DW_JSON_STRING && out->map_count < MAPS_MAX) {
        const char *name = dw_arena_copy(arena, pull->text).ptr;
        bool known = false;
        for (size_t i = 0; i < out->map_count; i++)
            known = known || strcmp(maps[i], name) == 0;
        if (!known)
            maps[out->map_count++] = name;
    }
    if (token == DW_JSON_ERROR)
        return refuse_json(pull, arena, refusal);
    return token == DW_JSON_ARRAY_CLOSE ||
           refuse(refusal, 400, "maps is an array of at most 10000 names");
}

static bool take_on_existing(struct dw_json_pull *pull, struct dw_arena *arena,
                             struct dw_api_copy *out, struct dw_api_refusal *refusal)
{
    const char *text = "";
    if (!take_text(pull, "on_existing", REASON_MAX, arena, &text, refusal))
        return false;
    out->keep_existing = strcmp(text, "keep") == 0;
    return out->keep_existing || strcmp(text, "overwrite") == 0 ||
           refuse(refusal, 400, "on_existing is overwrite or keep");
}

/* The members that a body may have. */
static const char *members_of(enum dw_api_route route)
{
    switch ((int)route) {
    case DW_API_MAP_APPLY:
        return "document, file, backfill, on_existing, rate, delete_extra";
    case DW_API_MAP_ORDER:
        return "reason";
    case DW_API_MAP_ROLLBACK:
        return "revision, reason, backfill, on_existing, rate, delete_extra";
    case DW_API_START:
        return "maps, copy, on_existing, rate, delete_extra, dry_run, reason";
    case DW_API_SYNC_ORDER:
        return "maps, system, keys, from, to, on_existing, rate, delete_extra, dry_run";
    case DW_API_SYNC_ACT:
        return "rate";
    default:
        return NULL; /* no body */
    }
}

static bool is_member(const char *members, struct dw_str name)
{
    for (const char *at = members; at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
        if (strncmp(at, name.ptr, name.len) == 0 && (at[name.len] == ',' || !at[name.len]))
            return name.len > 0;
    return false;
}

static bool take_copy_member(struct dw_json_pull *pull, struct dw_str name, struct dw_arena *arena,
                             struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    struct dw_api_copy *copy = &out->copy;
    bool flag = false;
    if (dw_str_is(name, "maps"))
        return take_maps(pull, arena, copy, refusal);
    if (dw_str_is(name, "system"))
        return take_text(pull, "system", NAME_MAX, arena, &copy->system, refusal);
    if (dw_str_is(name, "keys"))
        return take_raw(pull, arena, &copy->keys, refusal);
    if (dw_str_is(name, "from"))
        return take_raw(pull, arena, &copy->from, refusal);
    if (dw_str_is(name, "to"))
        return take_raw(pull, arena, &copy->to, refusal);
    if (dw_str_is(name, "on_existing"))
        return take_on_existing(pull, arena, copy, refusal);
    if (dw_str_is(name, "delete_extra"))
        return take_bool(pull, "delete_extra", arena, &copy->delete_extra, refusal);
    if (dw_str_is(name, "backfill"))
        return take_bool(pull, "backfill", arena, &copy->backfill, refusal);
    if (dw_str_is(name, "dry_run"))
        return take_bool(pull, "dry_run", arena, &out->dry_run, refusal);
    if (dw_str_is(name, "rate"))
        return take_count(pull, "rate", arena, &copy->rate, refusal);
    if (!take_bool(pull, "copy", arena, &flag, refusal))
        return false;
    copy->live_only = !flag;
    return true;
}

static bool take_member(struct dw_json_pull *pull, struct dw_arena *arena,
                        struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    struct dw_str name = pull->text;
    const char *members = members_of(out->route);
    int shown = (int)dw_utf8_valid_prefix(name.ptr, name.len < 64 ? name.len : 64);
    if (!is_member(members, name))
        return refuse(refusal, 400,
                      dw_arena_printf(arena, "the body has an unknown member \"%.*s\"; allowed: %s",
                                      shown, name.ptr, members));
    if (dw_str_is(name, "document"))
        return take_document(pull, arena, &out->document, refusal);
    if (dw_str_is(name, "file"))
        return take_text(pull, "file", REASON_MAX, arena, &out->file, refusal);
    if (dw_str_is(name, "reason"))
        return take_text(pull, "reason", REASON_MAX, arena, &out->reason, refusal);
    if (dw_str_is(name, "revision"))
        return take_count(pull, "revision", arena, &out->revision, refusal);
    return take_copy_member(pull, name, arena, out, refusal);
}

/* What the body must say. */
static bool check_body(const struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    const struct dw_api_copy *copy = &out->copy;
    if (out->route == DW_API_MAP_APPLY && !out->document.ptr)
        return refuse(refusal, 400, "the body lacks \"document\"");
    if (out->route == DW_API_START && !copy->map_count)
        return refuse(refusal, 400, "the body lacks \"maps\"");
    if (out->route != DW_API_SYNC_ORDER)
        return true;
    if (!copy->map_count == !copy->system)
        return refuse(refusal, 400, "the body needs either \"maps\" or \"system\"");
    if (!copy->from.ptr != !copy->to.ptr)
        return refuse(refusal, 400, "\"from\" and \"to\" go together");
    if (copy->keys.ptr && copy->from.ptr)
        return refuse(refusal, 400, "either \"keys\" or \"from\" and \"to\"");
    if ((copy->keys.ptr || copy->from.ptr) && copy->map_count != 1)
        return refuse(refusal, 400, "keys are of one map");
    return true;
}

static bool take_body(const struct dw_api_input *input, struct dw_arena *arena,
                      struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    struct dw_json_pull pull;
    enum dw_json token;
    bool optional = out->route == DW_API_MAP_ORDER || out->route == DW_API_MAP_ROLLBACK ||
                    (out->route == DW_API_SYNC_ACT && out->action != DW_SYNC_RATE);
    if (!members_of(out->route) || (input->body.len == 0 && optional))
        return true;
    dw_json_pull_init(&pull, input->body, arena);
    if (dw_json_pull_next(&pull) != DW_JSON_OBJECT_OPEN)
        return refuse_json(&pull, arena, refusal);
    while ((token = dw_json_pull_next(&pull)) == DW_JSON_NAME)
        if (!take_member(&pull, arena, out, refusal))
            return false;
    if (token != DW_JSON_OBJECT_CLOSE || dw_json_pull_next(&pull) != DW_JSON_END)
        return refuse_json(&pull, arena, refusal);
    return check_body(out, refusal);
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
