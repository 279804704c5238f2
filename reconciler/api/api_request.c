/* api_request.c - see api_request.h. */
#include "reconciler/api/api_request.h"

#include "common/base/json_pull.h"
#include "common/base/utf8.h"
#include "reconciler/report/digest_read.h"
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#define PREFIX       "/api/v1"
#define SEGMENTS_MAX 6
#define WHOLE_MAX    9007199254740992.0 /* a double is exact below */

struct reader {
    const struct dw_api_input *input;
    struct dw_arena *arena;
    struct dw_api_request *out;
    struct dw_api_refusal *refusal;
};

static bool refuse(struct reader *reader, unsigned status, const char *message)
{
    *reader->refusal = (struct dw_api_refusal){
        .status = status,
        .code = status == 404   ? "DW-API-011"
                : status == 405 ? "DW-API-012"
                                : "DW-API-010",
        .message = message,
    };
    return false;
}

/* What a message may show of a name that somebody made up. */
static const char *shown(struct reader *reader, struct dw_str name)
{
    size_t len = dw_utf8_valid_prefix(name.ptr, name.len < 64 ? name.len : 64);
    return dw_arena_printf(reader->arena, "%.*s", (int)len, name.ptr);
}

/* "map, limit, after" */
static const char *names_of(struct reader *reader, const struct dw_api_field *fields)
{
    const char *text = "";
    for (; fields && fields->name; fields++)
        text = dw_arena_printf(reader->arena, "%s%s%s", text, *text ? ", " : "", fields->name);
    return *text ? text : "none";
}

/* --- values ------------------------------------------------------------------------------------
 */

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

static const char *allowed_of(struct reader *reader, const struct dw_api_field *field)
{
    struct dw_arena *arena = reader->arena;
    const char *text = "";
    switch (field->type) {
    case DW_API_TEXT:
        return field->min ? dw_arena_printf(arena, "text of %lld to %lld characters",
                                            (long long)field->min, (long long)field->max)
                          : dw_arena_printf(arena, "text of at most %lld characters",
                                            (long long)field->max);
    case DW_API_INTEGER:
        return field->max == INT64_MAX
                   ? dw_arena_printf(arena, "a number from %lld", (long long)field->min)
                   : dw_arena_printf(arena, "a number from %lld to %lld", (long long)field->min,
                                     (long long)field->max);
    case DW_API_BOOL:
        return "true or false";
    case DW_API_CHOICE:
        for (size_t i = 0; field->choices[i]; i++)
            text = dw_arena_printf(arena, "%s%s%s", text, i ? ", " : "", field->choices[i]);
        return dw_arena_printf(arena, "one of %s", text);
    case DW_API_DATE:
        return "a day such as 2026-01-31";
    case DW_API_JSON:
        return "JSON";
    case DW_API_TEXTS:
        return dw_arena_printf(arena, "an array of 1 to %lld names", (long long)field->max);
    case DW_API_INTEGERS:
        return dw_arena_printf(arena, "an array of 1 to %lld numbers from 1",
                               (long long)field->max);
    case DW_API_DOCUMENT:
        return "a JSON object, or its text";
    }
    return "";
}

static bool refuse_value(struct reader *reader, const struct dw_api_field *field)
{
    return refuse(
        reader, 400,
        dw_arena_printf(reader->arena, "%s is %s", field->name, allowed_of(reader, field)));
}

static int64_t count_characters(const char *text)
{
    int64_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* A value that came as text: of the path, of the query, a fallback. */
static bool set_text(const struct dw_api_field *field, const char *text, struct dw_api_value *out)
{
    size_t len = strlen(text);
    out->text = text;
    switch (field->type) {
    case DW_API_TEXT:
        return dw_utf8_valid(text, len) && count_characters(text) >= field->min &&
               count_characters(text) <= field->max;
    case DW_API_INTEGER:
        return parse_number(text, field->min, field->max, &out->number);
    case DW_API_BOOL:
        out->flag = strcmp(text, "true") == 0;
        return out->flag || strcmp(text, "false") == 0;
    case DW_API_CHOICE:
        for (size_t i = 0; field->choices[i]; i++)
            if (strcmp(text, field->choices[i]) == 0)
                return true;
        return false;
    case DW_API_DATE:
        return dw_digest_read_is_date(text);
    case DW_API_JSON:
    case DW_API_TEXTS:
    case DW_API_INTEGERS:
    case DW_API_DOCUMENT:
        break;
    }
    return false;
}

static struct dw_api_value *value_of(const struct dw_api_request *request,
                                     const struct dw_api_field *fields, struct dw_str name)
{
    for (; fields && fields->name; fields++)
        for (size_t i = 0; i < request->value_count && dw_str_is(name, fields->name); i++)
            if (request->values[i].field == fields)
                return &request->values[i];
    return NULL;
}

static void add_fields(struct dw_api_request *out, const struct dw_api_field *fields)
{
    for (; fields && fields->name; fields++) {
        struct dw_api_value *value = &out->values[out->value_count++];
        *value = (struct dw_api_value){.field = fields};
        if (fields->fallback)
            (void)set_text(fields, fields->fallback, value); /* a test looks at all of them */
    }
}

static size_t count_fields(const struct dw_api_field *fields)
{
    size_t count = 0;
    while (fields && fields[count].name)
        count++;
    return count;
}

/* --- path --------------------------------------------------------------------------------------
 */

struct path {
    struct dw_str segments[SEGMENTS_MAX];
    size_t count;
};

/* "/maps/{map}/start" -> maps, {map}, start. False: an empty segment, or too many. */
static bool split_path(const char *at, struct path *out)
{
    *out = (struct path){.count = 0};
    while (*at == '/') {
        const char *slash = strchr(++at, '/');
        size_t len = slash ? (size_t)(slash - at) : strlen(at);
        if (len == 0 || out->count == SEGMENTS_MAX)
            return false;
        out->segments[out->count++] = (struct dw_str){at, len};
        at += len;
    }
    return !*at && out->count > 0;
}

static bool is_name(struct dw_str segment)
{
    return segment.ptr[0] == '{';
}

static bool fits(const struct path *wanted, const struct path *given)
{
    if (wanted->count != given->count)
        return false;
    for (size_t i = 0; i < wanted->count; i++)
        if (!is_name(wanted->segments[i]) && !dw_str_equal(wanted->segments[i], given->segments[i]))
            return false;
    return true;
}

static size_t count_names(const struct path *path)
{
    size_t count = 0;
    for (size_t i = 0; i < path->count; i++)
        count += is_name(path->segments[i]);
    return count;
}

/* Of the paths of the table that fit, the one that says most literally what was asked for:
 * /dead-letters/replay is not /dead-letters/{id}. NULL: none fits. */
static const char *find_path(const struct path *path)
{
    size_t count = 0;
    size_t fewest = SIZE_MAX;
    const char *found = NULL;
    const struct dw_api_route *routes = dw_api_routes(&count);
    for (size_t i = 0; i < count; i++) {
        struct path wanted;
        if (!split_path(routes[i].path, &wanted) || !fits(&wanted, path) ||
            count_names(&wanted) >= fewest)
            continue;
        fewest = count_names(&wanted);
        found = routes[i].path;
    }
    return found;
}

static bool find_route(struct reader *reader, const struct path *path)
{
    const char *method = reader->input->method;
    const char *allowed = NULL;
    const char *wanted = find_path(path);
    size_t count = 0;
    const struct dw_api_route *routes = dw_api_routes(&count);
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (size_t i = 0; wanted && i < count; i++) {
        if (strcmp(routes[i].path, wanted) != 0)
            continue;
        if (strcmp(method, routes[i].method) == 0) {
            reader->out->route = &routes[i];
            return true;
        }
        allowed = allowed ? dw_arena_printf(reader->arena, "%s, %s", allowed, routes[i].method)
                          : routes[i].method;
    }
    if (allowed) {
        (void)refuse(reader, 405,
                     dw_arena_printf(reader->arena, "here only %s is possible", allowed));
        reader->refusal->allowed = allowed;
        return false;
    }
    return refuse(reader, 404, "there is nothing at this path");
}

/* A text that cannot be is the name of nothing. */
static bool take_names(struct reader *reader, const struct path *path)
{
    const struct dw_api_route *route = reader->out->route;
    struct path wanted;
    (void)split_path(route->path, &wanted); /* it was found by it */
    for (size_t i = 0; i < wanted.count; i++) {
        if (!is_name(wanted.segments[i]))
            continue;
        struct dw_str name = {wanted.segments[i].ptr + 1, wanted.segments[i].len - 2};
        struct dw_api_value *value = value_of(reader->out, route->names, name);
        const char *text = dw_arena_copy(reader->arena, path->segments[i]).ptr;
        value->given = true;
        if (set_text(value->field, text, value))
            continue;
        if (value->field->type == DW_API_TEXT)
            return refuse(
                reader, 404,
                dw_arena_printf(reader->arena, "there is no such %s", value->field->name));
        return refuse_value(reader, value->field);
    }
    return true;
}

/* --- query -------------------------------------------------------------------------------------
 */

static bool take_query(struct reader *reader)
{
    const struct dw_api_field *fields = reader->out->route->query;
    for (size_t i = 0; i < reader->input->query_count; i++) {
        const struct dw_http_pair *pair = &reader->input->query[i];
        struct dw_str name = dw_str_from(pair->name);
        struct dw_api_value *value = value_of(reader->out, fields, name);
        if (!value)
            return refuse(reader, 400,
                          dw_arena_printf(reader->arena, "unknown parameter \"%s\"; allowed: %s",
                                          shown(reader, name), names_of(reader, fields)));
        if (value->given)
            return refuse(reader, 400,
                          dw_arena_printf(reader->arena, "%s is given twice", pair->name));
        value->given = true;
        if (!set_text(value->field, pair->value ? pair->value : "", value))
            return refuse_value(reader, value->field);
    }
    return true;
}

/* --- body --------------------------------------------------------------------------------------
 */

static bool refuse_json(struct reader *reader, const struct dw_json_pull *pull)
{
    return refuse(reader, 400,
                  dw_arena_printf(reader->arena, "the body is no JSON object: %s at byte %zu",
                                  pull->fault ? pull->fault : "something else was found",
                                  dw_json_pull_offset(pull)));
}

static bool take_document(struct reader *reader, struct dw_json_pull *pull,
                          struct dw_api_value *out)
{
    struct dw_json_pull ahead = *pull;
    enum dw_json token = dw_json_pull_next(&ahead);
    if (token == DW_JSON_STRING) {
        out->json = dw_arena_copy(reader->arena, ahead.text);
        *pull = ahead;
        return true;
    }
    if (token != DW_JSON_OBJECT_OPEN && token != DW_JSON_ERROR)
        return refuse_value(reader, out->field);
    struct dw_str raw;
    if (!dw_json_pull_skip(pull, &raw))
        return refuse_json(reader, pull);
    out->json = dw_arena_copy(reader->arena, raw);
    return true;
}

static bool take_json(struct reader *reader, struct dw_json_pull *pull, struct dw_api_value *out)
{
    struct dw_str raw;
    if (!dw_json_pull_skip(pull, &raw))
        return refuse_json(reader, pull);
    out->json = dw_arena_copy(reader->arena, raw);
    return true;
}

/* JSON knows no integers: 7.0 and 7e0 are 7. What is no whole number stays as it is. */
static const char *whole(struct reader *reader, struct dw_str number)
{
    const char *text = dw_arena_copy(reader->arena, number).ptr;
    if (!strpbrk(text, ".eE"))
        return text;
    double value = strtod(text, NULL);
    bool is_whole = value >= 0 && value < WHOLE_MAX && value == (double)(int64_t)value;
    return is_whole ? dw_arena_printf(reader->arena, "%.0f", value) : text;
}

static bool is_listed(const struct dw_api_value *value, const char *text)
{
    for (size_t i = 0; i < value->count; i++)
        if (strcmp(value->texts[i], text) == 0)
            return true;
    return false;
}

static bool take_list(struct reader *reader, struct dw_json_pull *pull, struct dw_api_value *out)
{
    bool texts = out->field->type == DW_API_TEXTS;
    size_t max = (size_t)out->field->max;
    enum dw_json wanted = texts ? DW_JSON_STRING : DW_JSON_NUMBER;
    enum dw_json token = dw_json_pull_next(pull);
    if (token != DW_JSON_ARRAY_OPEN)
        return token == DW_JSON_ERROR ? refuse_json(reader, pull)
                                      : refuse_value(reader, out->field);
    const char **names = DW_ARENA_ARRAY(reader->arena, const char *, texts ? max : 0);
    int64_t *numbers = DW_ARENA_ARRAY(reader->arena, int64_t, texts ? 0 : max);
    out->texts = names;
    out->numbers = numbers;
    while ((token = dw_json_pull_next(pull)) == wanted && out->count < max) {
        const char *text =
            texts ? dw_arena_copy(reader->arena, pull->text).ptr : whole(reader, pull->text);
        if (texts ? !*text : !parse_number(text, 1, INT64_MAX, &numbers[out->count]))
            return refuse_value(reader, out->field);
        if (!texts)
            out->count++;
        else if (!is_listed(out, text))
            names[out->count++] = text;
    }
    if (token == DW_JSON_ERROR)
        return refuse_json(reader, pull);
    return (token == DW_JSON_ARRAY_CLOSE && out->count) || refuse_value(reader, out->field);
}

static bool take_scalar(struct reader *reader, struct dw_json_pull *pull, struct dw_api_value *out)
{
    const struct dw_api_field *field = out->field;
    enum dw_json token = dw_json_pull_next(pull);
    if (token == DW_JSON_ERROR)
        return refuse_json(reader, pull);
    if (field->type == DW_API_BOOL) {
        out->flag = token == DW_JSON_TRUE;
        return token == DW_JSON_TRUE || token == DW_JSON_FALSE || refuse_value(reader, field);
    }
    enum dw_json wanted = field->type == DW_API_INTEGER ? DW_JSON_NUMBER : DW_JSON_STRING;
    if (token != wanted)
        return refuse_value(reader, field);
    const char *text = token == DW_JSON_NUMBER ? whole(reader, pull->text)
                                               : dw_arena_copy(reader->arena, pull->text).ptr;
    return set_text(field, text, out) || refuse_value(reader, field);
}

static bool take_member(struct reader *reader, struct dw_json_pull *pull)
{
    const struct dw_api_field *fields = reader->out->route->body;
    struct dw_api_value *value = value_of(reader->out, fields, pull->text);
    if (!value)
        return refuse(reader, 400,
                      dw_arena_printf(reader->arena,
                                      "the body has an unknown member \"%s\"; allowed: %s",
                                      shown(reader, pull->text), names_of(reader, fields)));
    if (value->given)
        return refuse(reader, 400,
                      dw_arena_printf(reader->arena, "the body has %s twice", value->field->name));
    value->given = true;
    switch (value->field->type) {
    case DW_API_JSON:
        return take_json(reader, pull, value);
    case DW_API_DOCUMENT:
        return take_document(reader, pull, value);
    case DW_API_TEXTS:
    case DW_API_INTEGERS:
        return take_list(reader, pull, value);
    case DW_API_TEXT:
    case DW_API_INTEGER:
    case DW_API_BOOL:
    case DW_API_CHOICE:
    case DW_API_DATE:
        break;
    }
    return take_scalar(reader, pull, value);
}

/* The first required member that is missing; NULL: none. */
static const char *find_missing(const struct dw_api_request *request)
{
    const struct dw_api_field *field = request->route->body;
    for (; field && field->name; field++)
        if (field->required && !value_of(request, field, dw_str_from(field->name))->given)
            return field->name;
    return NULL;
}

/* "application/json; charset=utf-8". What says nothing, and what curl says by itself, is taken for
 * JSON; what says that it is something else is not. */
static bool says_json(const char *content_type)
{
    static const char *const taken[] = {"application/json", "application/x-www-form-urlencoded"};
    size_t len = content_type ? strcspn(content_type, "; \t") : 0;
    for (size_t i = 0; len && i < sizeof taken / sizeof *taken; i++)
        if (len == strlen(taken[i]) && strncasecmp(content_type, taken[i], len) == 0)
            return true;
    return len == 0;
}

static bool take_body(struct reader *reader)
{
    struct dw_json_pull pull;
    enum dw_json token;
    bool reads = strcmp(reader->out->route->method, "GET") == 0;
    if (reads || (reader->input->body.len == 0 && !find_missing(reader->out)))
        return true;
    if (reader->input->body.len && !says_json(reader->input->content_type)) {
        (void)refuse(reader, 415, "a body is application/json here");
        reader->refusal->code = "DW-API-032";
        return false;
    }
    dw_json_pull_init(&pull, reader->input->body, reader->arena);
    if (dw_json_pull_next(&pull) != DW_JSON_OBJECT_OPEN)
        return refuse_json(reader, &pull);
    while ((token = dw_json_pull_next(&pull)) == DW_JSON_NAME)
        if (!take_member(reader, &pull))
            return false;
    if (token != DW_JSON_OBJECT_CLOSE || dw_json_pull_next(&pull) != DW_JSON_END)
        return refuse_json(reader, &pull);
    const char *missing = find_missing(reader->out);
    return !missing ||
           refuse(reader, 400, dw_arena_printf(reader->arena, "the body lacks \"%s\"", missing));
}

static bool check_together(struct reader *reader)
{
    const struct dw_api_route *route = reader->out->route;
    const char *wrong = route->check ? route->check(reader->out) : NULL;
    return !wrong || refuse(reader, 400, wrong);
}

bool dw_api_request_parse(const struct dw_api_input *input, struct dw_arena *arena,
                          struct dw_api_request *out, struct dw_api_refusal *refusal)
{
    struct path path;
    struct reader reader = {.input = input, .arena = arena, .out = out, .refusal = refusal};
    *out = (struct dw_api_request){.route = NULL};
    if (strncmp(input->path, PREFIX, sizeof PREFIX - 1) != 0 ||
        !split_path(input->path + sizeof PREFIX - 1, &path))
        return refuse(&reader, 404, "there is nothing at this path");
    if (!find_route(&reader, &path))
        return false;
    const struct dw_api_route *route = out->route;
    out->values = DW_ARENA_ARRAY(arena, struct dw_api_value,
                                 count_fields(route->names) + count_fields(route->query) +
                                     count_fields(route->body));
    add_fields(out, route->names);
    add_fields(out, route->query);
    add_fields(out, route->body);
    return take_names(&reader, &path) && take_query(&reader) && take_body(&reader) &&
           check_together(&reader);
}

/* --- what was taken ----------------------------------------------------------------------------
 */

static const struct dw_api_value *find_value(const struct dw_api_request *request, const char *name)
{
    static const struct dw_api_value nothing;
    for (size_t i = 0; i < request->value_count; i++)
        if (strcmp(request->values[i].field->name, name) == 0)
            return &request->values[i];
    return &nothing;
}

bool dw_api_request_given(const struct dw_api_request *request, const char *name)
{
    return find_value(request, name)->given;
}

const char *dw_api_request_text(const struct dw_api_request *request, const char *name)
{
    return find_value(request, name)->text;
}

int64_t dw_api_request_number(const struct dw_api_request *request, const char *name)
{
    return find_value(request, name)->number;
}

bool dw_api_request_flag(const struct dw_api_request *request, const char *name)
{
    return find_value(request, name)->flag;
}

struct dw_str dw_api_request_json(const struct dw_api_request *request, const char *name)
{
    return find_value(request, name)->json;
}

const char *const *dw_api_request_texts(const struct dw_api_request *request, const char *name,
                                        size_t *out_count)
{
    const struct dw_api_value *value = find_value(request, name);
    *out_count = value->count;
    return value->texts;
}

const int64_t *dw_api_request_numbers(const struct dw_api_request *request, const char *name,
                                      size_t *out_count)
{
    const struct dw_api_value *value = find_value(request, name);
    *out_count = value->count;
    return value->numbers;
}
