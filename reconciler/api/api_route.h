/* api_route.h - a route of the operator API: who may ask, what may be said, who answers.
 *
 * A route is a row of the table in api_routes.c. The row drives parsing, limits and messages
 * (api_request.h), the roles (api.c) and the description that is served (api_describe.h). A new
 * route is a row there, a handler in a file of its own, and the schema of its answer in
 * schemas.json; then DW_WRITE=1 ctest -R test_api_describe writes openapi.json anew. Static data;
 * threads: any.
 */
#ifndef DW_API_API_ROUTE_H
#define DW_API_API_ROUTE_H
#include "common/config/settings.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dw_api_call;
struct dw_api_request;

enum dw_api_type {
    DW_API_TEXT,    /* UTF-8 of `min` to `max` characters */
    DW_API_INTEGER, /* `min` to `max` */
    DW_API_BOOL,
    DW_API_CHOICE, /* one of `choices` */
    DW_API_DATE,   /* 2026-01-31 */
    /* in bodies alone */
    DW_API_JSON,     /* any value, as it is */
    DW_API_TEXTS,    /* an array of 1 to `max` texts; what stands there twice counts once */
    DW_API_INTEGERS, /* an array of 1 to `max` numbers from 1 */
    DW_API_DOCUMENT, /* a JSON object, or its text as a string so that messages can name lines */
};

/* A name in the path, a parameter of the query, or a member of the body. */
struct dw_api_field {
    const char *name; /* NULL ends an array of fields */
    enum dw_api_type type;
    int64_t min, max;
    const char *const *choices; /* NULL-terminated */
    const char *fallback;       /* as text: what is taken when it is left out; NULL: nothing */
    bool required;              /* of a body; a name in the path always is */
    const char *text;           /* what it is, for the description */
};

struct dw_api_route {
    const char *method; /* GET (HEAD goes with it), PUT, POST, DELETE */
    const char *path;   /* behind /api/v1: "/maps/{map}/history" */
    /* Whose token suffices. A dry run (a field "dry_run" that is true) changes nothing: a viewer's
     * does. */
    enum dw_token_role role;
    void (*answer)(struct dw_api_call *call);
    int value; /* for `answer`, where several routes share one: the order, the action */
    const struct dw_api_field *names, *query, *body; /* NULL: none */
    /* What fields must fulfil together: NULL when they do, else what is wrong. May be NULL. */
    const char *(*check)(const struct dw_api_request *request);
    bool judged;         /* a GET whose query is judged further: 404, 422 */
    const char *summary; /* what it is for, one line */
    const char *schema;  /* of the answer, by its name in schemas.json */
    const char *media;   /* of the answer; NULL: application/json */
};

/* All routes. */
const struct dw_api_route *dw_api_routes(size_t *out_count);

#endif
