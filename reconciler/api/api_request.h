/* api_request.h - a request to the operator API, understood by the table of routes.
 *
 * Path, query and body are read after the fields of the route (api_route.h); what is not understood
 * (unknown, malformed, out of its limits, given twice) is refused with a status and a reason that
 * names what is allowed. Pure: no socket, no database.
 */
#ifndef DW_API_API_REQUEST_H
#define DW_API_API_REQUEST_H
#include "common/base/arena.h"
#include "common/base/str.h"
#include "common/service/http_server.h"
#include "reconciler/api/api_route.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_api_input {
    const char *method;
    const char *path;
    struct dw_str body;
    const char *content_type; /* of the body; NULL: not said */
    const struct dw_http_pair *query;
    size_t query_count;
};

struct dw_api_value {
    const struct dw_api_field *field;
    bool given; /* else what follows is the fallback, or nothing */
    const char *text;
    int64_t number;
    bool flag;
    struct dw_str json; /* .ptr NULL: none */
    const char *const *texts;
    const int64_t *numbers;
    size_t count; /* of texts or numbers */
};

struct dw_api_request {
    const struct dw_api_route *route;
    struct dw_api_value *values;
    size_t value_count;
};

struct dw_api_refusal {
    unsigned status; /* 400, 404, 405, 415 */
    const char *code;
    const char *message; /* in the arena */
    const char *allowed; /* of 405: "GET, PUT" */
};

/* True: *out is filled, slices point into the input or `arena`. False: *refusal is. */
bool dw_api_request_parse(const struct dw_api_input *input, struct dw_arena *arena,
                          struct dw_api_request *out, struct dw_api_refusal *refusal);

/* What a field holds. A field that the route does not have is as one that was not given. */
bool dw_api_request_given(const struct dw_api_request *request, const char *name);
/* NULL when not given and without a fallback. */
const char *dw_api_request_text(const struct dw_api_request *request, const char *name);
int64_t dw_api_request_number(const struct dw_api_request *request, const char *name); /* 0 */
bool dw_api_request_flag(const struct dw_api_request *request, const char *name);      /* false */
/* Of JSON and DOCUMENT: NUL-terminated; .ptr NULL when not given. */
struct dw_str dw_api_request_json(const struct dw_api_request *request, const char *name);
/* NULL with 0 when not given. */
const char *const *dw_api_request_texts(const struct dw_api_request *request, const char *name,
                                        size_t *out_count);
const int64_t *dw_api_request_numbers(const struct dw_api_request *request, const char *name,
                                      size_t *out_count);

#endif
