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

struct query {
    const char *lines[16]; /* "name=value" */
    size_t count;
};

static const char *find_value(void *context, const char *name)
{
    const struct query *query = context;
    size_t len = strlen(name);
    for (size_t i = 0; i < query->count; i++)
        if (strncmp(query->lines[i], name, len) == 0 && query->lines[i][len] == '=')
            return query->lines[i] + len + 1;
    return NULL;
}

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

/* What an accepted request promises to those who answer it. */
static void check_promises(const struct dw_api_request *request)
{
    if (!request->map || !request->reason || !request->file ||
        !dw_utf8_valid(request->map, strlen(request->map)) ||
        !dw_utf8_valid(request->reason, strlen(request->reason)))
        abort();
    if (request->route == DW_API_MAP_ORDER && request->event == DW_MAP_FAIL)
        abort();
    if (request->route == DW_API_MAP_APPLY && !request->document.ptr)
        abort();
    if (request->route == DW_API_LETTER_SHOW && request->id < 1)
        abort();
    if (request->route == DW_API_LETTER_LIST &&
        (request->filter.limit < 1 || request->filter.limit > 1000 || request->filter.after < 0))
        abort();
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
    struct query query = {.count = 0};
    char *line;
    while (blank && query.count < 16 && (line = take_line(&at, end)) != NULL && *line)
        query.lines[query.count++] = line;
    if (blank) {
        struct dw_arena arena;
        struct dw_api_request request;
        struct dw_api_refusal refusal = {.status = 0};
        *blank = '\0';
        struct dw_api_input input = {
            .method = first,
            .path = blank + 1,
            .body = {at, (size_t)(end - at)},
            .query = find_value,
            .context = &query,
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
