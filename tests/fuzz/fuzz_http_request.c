/* fuzz_http_request.c - a request to the operator API, from its first line to its body.
 *
 * Input: METHOD blank PATH, a newline, then "name=value" lines of the query up to an empty line,
 * then the body. No socket, no database.
 */
#include "common/base/utf8.h"
#include "reconciler/api/api_request.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAIRS_MAX 16

/* Cuts the next line off; NULL when there is none. */
static char *take_line(char **at, char *end)
{
    char *line = *at;
    char *newline = memchr(line, '\n', (size_t)(end - line));
    if (!newline)
        return NULL;
    *newline = '\0';
    *at = newline + 1;
    return line;
}

/* What an accepted request promises to those who answer it: every value is within its field. */
static void check_value(const struct dw_api_value *value)
{
    const struct dw_api_field *field = value->field;
    bool there = value->given || field->fallback;
    if (!there && (field->required || value->text || value->json.ptr || value->count))
        abort();
    if (!there)
        return;
    if (field->type == DW_API_TEXT &&
        (!value->text || strlen(value->text) > 4 * (size_t)field->max ||
         !dw_utf8_valid(value->text, strlen(value->text))))
        abort();
    if (field->type == DW_API_INTEGER && (value->number < field->min || value->number > field->max))
        abort();
    if ((field->type == DW_API_JSON || field->type == DW_API_DOCUMENT) && !value->json.ptr)
        abort();
    if ((field->type == DW_API_TEXTS || field->type == DW_API_INTEGERS) &&
        (value->count < 1 || value->count > (size_t)field->max))
        abort();
}

static void check_promises(const struct dw_api_request *request)
{
    if (!request->route)
        abort();
    for (size_t i = 0; i < request->value_count; i++)
        check_value(&request->values[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    copy[size] = '\0';
    char *at = copy;
    char *end = copy + size;
    char *first = take_line(&at, end);
    char *blank = first ? strchr(first, ' ') : NULL;
    struct dw_http_pair query[PAIRS_MAX];
    size_t count = 0;
    char *line;
    while (blank && count < PAIRS_MAX && (line = take_line(&at, end)) != NULL && *line) {
        char *equals = strchr(line, '=');
        if (equals)
            *equals = '\0';
        query[count++] = (struct dw_http_pair){line, equals ? equals + 1 : NULL};
    }
    if (blank) {
        struct dw_arena arena;
        struct dw_api_request request;
        struct dw_api_refusal refusal = {.status = 0};
        *blank = '\0';
        struct dw_api_input input = {
            .method = first,
            .path = blank + 1,
            .body = {at, (size_t)(end - at)},
            .query = query,
            .query_count = count,
        };
        dw_arena_init(&arena, 4096);
        if (dw_api_request_parse(&input, &arena, &request, &refusal))
            check_promises(&request);
        else if ((refusal.status != 400 && refusal.status != 404 && refusal.status != 405) ||
                 !dw_utf8_valid(refusal.message, strlen(refusal.message)))
            abort();
        dw_arena_done(&arena);
    }
    free(copy);
    return 0;
}
