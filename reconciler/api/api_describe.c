/* api_describe.c - see api_describe.h. */
#include "reconciler/api/api_describe.h"

#include "common/base/json_write.h"
#include "embed/dw_api.h"
#include "reconciler/api/api_answer.h"
#include <ctype.h>

#define PREFIX "/api/v1"

static void write_open(struct dw_buf *out, const char *name, const char *bracket)
{
    dw_json_write_name(out, name);
    dw_buf_append_text(out, bracket);
}

/* --- fields ------------------------------------------------------------------------------------
 */

static void write_choices(struct dw_buf *out, const char *const *choices)
{
    write_open(out, "enum", "[");
    for (size_t i = 0; choices[i]; i++) {
        dw_buf_append_text(out, i ? "," : "");
        dw_json_write_string(out, dw_str_from(choices[i]));
    }
    dw_buf_append_char(out, ']');
}

static void write_fallback(struct dw_buf *out, const struct dw_api_field *field)
{
    if (!field->fallback)
        return;
    dw_json_write_name(out, "default");
    if (field->type == DW_API_TEXT || field->type == DW_API_CHOICE)
        dw_json_write_string(out, dw_str_from(field->fallback));
    else
        dw_buf_append_text(out, field->fallback);
}

static void write_list(struct dw_buf *out, const struct dw_api_field *field, const char *items)
{
    dw_json_write_text(out, "type", "array");
    dw_json_write_i64(out, "minItems", 1);
    dw_json_write_i64(out, "maxItems", field->max);
    dw_json_write_name(out, "items");
    dw_buf_append_text(out, items);
}

static void write_schema(struct dw_buf *out, const struct dw_api_field *field)
{
    dw_buf_append_char(out, '{');
    switch (field->type) {
    case DW_API_TEXT:
        dw_json_write_text(out, "type", "string");
        if (field->min)
            dw_json_write_i64(out, "minLength", field->min);
        dw_json_write_i64(out, "maxLength", field->max);
        dw_json_write_text(out, "pattern", "^[^\\u0000]*$");
        break;
    case DW_API_INTEGER:
        dw_json_write_text(out, "type", "integer");
        dw_json_write_text(out, "format", "int64");
        dw_json_write_i64(out, "minimum", field->min);
        dw_json_write_i64(out, "maximum", field->max);
        break;
    case DW_API_BOOL:
        dw_json_write_text(out, "type", "boolean");
        break;
    case DW_API_CHOICE:
        dw_json_write_text(out, "type", "string");
        write_choices(out, field->choices);
        break;
    case DW_API_DATE:
        dw_json_write_text(out, "type", "string");
        dw_json_write_text(out, "format", "date");
        break;
    case DW_API_JSON:
        break;
    case DW_API_TEXTS:
        write_list(out, field,
                   "{\"type\":\"string\",\"minLength\":1,\"pattern\":\"^[^\\\\u0000]*$\"}");
        break;
    case DW_API_INTEGERS:
        write_list(out, field, "{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":1}");
        break;
    case DW_API_DOCUMENT:
        dw_buf_append_text(out, "\"type\":[\"object\",\"string\"]");
        break;
    }
    write_fallback(out, field);
}

static void write_parameters(struct dw_buf *out, const struct dw_api_field *fields,
                             const char *place)
{
    for (; fields && fields->name; fields++) {
        dw_api_answer_open(out, '{');
        dw_json_write_text(out, "name", fields->name);
        dw_json_write_text(out, "in", place);
        dw_json_write_bool(out, "required", strcmp(place, "path") == 0);
        dw_json_write_text(out, "description", fields->text);
        dw_json_write_name(out, "schema");
        write_schema(out, fields);
        dw_buf_append_text(out, "}}");
    }
}

static bool needs_body(const struct dw_api_field *fields)
{
    for (; fields->name; fields++)
        if (fields->required)
            return true;
    return false;
}

static void write_body(struct dw_buf *out, const struct dw_api_field *fields)
{
    write_open(out, "requestBody", "{");
    dw_json_write_bool(out, "required", needs_body(fields));
    dw_buf_append_text(out, ",\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\","
                            "\"additionalProperties\":false,\"required\":[");
    bool first = true;
    for (const struct dw_api_field *field = fields; field->name; field++) {
        if (!field->required)
            continue;
        dw_buf_append_text(out, first ? "" : ",");
        dw_json_write_string(out, dw_str_from(field->name));
        first = false;
    }
    dw_buf_append_text(out, "],\"properties\":{");
    for (const struct dw_api_field *field = fields; field->name; field++) {
        dw_json_write_name(out, field->name);
        write_schema(out, field);
        dw_json_write_text(out, "description", field->text);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_text(out, "}}}}}");
}

/* --- routes ------------------------------------------------------------------------------------
 */

static void write_ok(struct dw_buf *out, const struct dw_api_route *route)
{
    write_open(out, "200", "{");
    dw_json_write_text(out, "description", "Done.");
    write_open(out, "content", "{");
    dw_json_write_name(out, route->media ? route->media : "application/json");
    if (route->media)
        dw_buf_append_text(out, "{\"schema\":{\"type\":\"string\"}}}}");
    else
        dw_buf_printf(out, "{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}}", route->schema);
}

static void write_answers(struct dw_buf *out, const struct dw_api_route *route)
{
    bool reads = strcmp(route->method, "GET") == 0;
    const struct {
        int status;
        bool possible;
    } errors[] = {
        {400, true},
        {401, true},
        {403, route->role > DW_TOKEN_VIEWER},
        {404, !reads || route->names || route->judged},
        {409, !reads},
        {413, !reads},
        {415, !reads},
        {422, !reads || route->judged},
        {429, true},
        {503, true},
    };
    write_open(out, "responses", "{");
    write_ok(out, route);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].possible)
            dw_buf_printf(out, ",\"%d\":{\"$ref\":\"#/components/responses/Error\"}",
                          errors[i].status);
    dw_buf_append_char(out, '}');
}

/* GET /maps/{map}/history -> get_maps_map_history */
static void write_id(struct dw_buf *out, const struct dw_api_route *route)
{
    write_open(out, "operationId", "\"");
    for (const char *c = route->method; *c; c++)
        dw_buf_append_char(out, (char)tolower((unsigned char)*c));
    for (const char *c = route->path; *c; c++)
        if (*c == '/' || *c == '-' || *c == '.')
            dw_buf_append_char(out, '_');
        else if (*c != '{' && *c != '}')
            dw_buf_append_char(out, *c);
    dw_buf_append_char(out, '"');
}

static void write_route(struct dw_buf *out, const struct dw_api_route *route)
{
    static const char *const roles[] = {"viewer", "operator", "admin"};
    static const char key[] =
        "{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":false,\"description\":"
        "\"The same request with the same key is done once in a day.\",\"schema\":{\"type\":"
        "\"string\",\"minLength\":1,\"maxLength\":255,\"pattern\":\"^[!-~]+$\"}}";
    char method[16] = "";
    for (size_t i = 0; route->method[i] && i < sizeof method - 1; i++)
        method[i] = (char)tolower((unsigned char)route->method[i]);
    dw_buf_printf(out, "\n   \"%s\":{", method);
    write_id(out, route);
    dw_json_write_text(out, "summary", route->summary);
    dw_json_write_text(out, "x-role", roles[route->role]);
    write_open(out, "parameters", "[");
    write_parameters(out, route->names, "path");
    write_parameters(out, route->query, "query");
    if (strcmp(route->method, "POST") == 0)
        dw_buf_printf(out, "%s%s", out->data[out->len - 1] == '[' ? "" : ",", key);
    dw_buf_append_char(out, ']');
    if (route->body)
        write_body(out, route->body);
    write_answers(out, route);
    dw_buf_append_char(out, '}');
}

static bool comes_first(const struct dw_api_route *routes, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(routes[i].path, routes[at].path) == 0)
            return false;
    return true;
}

static void write_paths(struct dw_buf *out)
{
    size_t count = 0;
    const struct dw_api_route *routes = dw_api_routes(&count);
    dw_buf_append_text(out, ",\n \"paths\":{");
    for (size_t i = 0; i < count; i++) {
        if (!comes_first(routes, i))
            continue;
        dw_buf_printf(out, "%s\n  \"" PREFIX "%s\":{", i ? "," : "", routes[i].path);
        bool first = true;
        for (size_t j = i; j < count; j++) {
            if (strcmp(routes[j].path, routes[i].path) != 0)
                continue;
            dw_buf_append_text(out, first ? "" : ",");
            write_route(out, &routes[j]);
            first = false;
        }
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_text(out, "\n }");
}

void dw_api_describe_write(struct dw_buf *out)
{
    dw_buf_append_text(
        out,
        "{\n \"openapi\":\"3.1.0\",\n \"info\":{\"title\":\"dualwrite operator API\","
        "\"version\":\"1\",\"description\":\"Everything that the dualwrite command does. Lists "
        "come in pages: limit, after, next. Times are RFC 3339 in UTC. What nobody knows at the "
        "moment is null. A token that asks too often gets 429 with Retry-After. x-role is the role "
        "that a token needs; for a dry run viewer is enough.\"},\n \"security\":[{\"bearer\":[]}]");
    write_paths(out);
    dw_buf_append_text(out,
                       ",\n \"components\":{\n  \"securitySchemes\":{\"bearer\":{\"type\":\"http\","
                       "\"scheme\":\"bearer\"}},\n  \"responses\":{\"Error\":{\"description\":"
                       "\"Refused or failed.\",\"content\":{\"application/json\":{\"schema\":"
                       "{\"$ref\":\"#/components/schemas/Error\"}}}}},\n  \"schemas\":");
    dw_buf_append(out, dw_embed_schemas_json, sizeof dw_embed_schemas_json - 2); /* \n, NUL */
    dw_buf_append_text(out, "}\n}\n");
}

void dw_api_describe_show(struct dw_api_call *call)
{
    dw_api_describe_write(&call->response->body);
}
