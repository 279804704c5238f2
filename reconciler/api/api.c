/* api.c - see api.h: from a request to the function that answers it. */
#include "reconciler/api/api.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/utf8.h"
#include "reconciler/api/api_answer.h"
#include "reconciler/api/api_once.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define POOL_SIZE 8
#define WHO_MAX   100

struct dw_api {
    const struct dw_settings *settings;
    const char *instance;
    pthread_rwlock_t active_lock; /* held for reading during a request */
    struct dw_letter_index *index;
    struct dw_target_watch *watch;
    struct dw_sync_meter *meter;
    pthread_mutex_t pool_lock;
    struct dw_state *pool[POOL_SIZE]; /* idle state handles */
    size_t pool_count;
};

struct dw_api *dw_api_new(const struct dw_settings *settings, const char *instance)
{
    struct dw_api *api = DW_MEM_NEW(struct dw_api);
    api->settings = settings;
    api->instance = instance;
    api->meter = dw_sync_meter_new();
    pthread_rwlock_init(&api->active_lock, NULL);
    pthread_mutex_init(&api->pool_lock, NULL);
    return api;
}

void dw_api_free(struct dw_api *api)
{
    if (!api)
        return;
    while (api->pool_count)
        dw_state_close(api->pool[--api->pool_count]);
    pthread_rwlock_destroy(&api->active_lock);
    pthread_mutex_destroy(&api->pool_lock);
    dw_sync_meter_free(api->meter);
    free(api);
}

struct dw_sync_meter *dw_api_meter(struct dw_api *api)
{
    return api->meter;
}

void dw_api_activate(struct dw_api *api, struct dw_letter_index *index,
                     struct dw_target_watch *watch)
{
    pthread_rwlock_wrlock(&api->active_lock);
    api->index = index;
    api->watch = watch;
    pthread_rwlock_unlock(&api->active_lock);
}

/* --- state handles ------------------------------------------------------------------------------
 */

static enum dw_rc borrow_state(struct dw_api *api, struct dw_state **out, struct dw_err *err)
{
    struct dw_state *state = NULL;
    pthread_mutex_lock(&api->pool_lock);
    if (api->pool_count)
        state = api->pool[--api->pool_count];
    pthread_mutex_unlock(&api->pool_lock);
    if (!state)
        return dw_state_open(out, &api->settings->state, "dualwrite-reconciler-api", err);
    (void)dw_state_maps_changed(state); /* takes what was notified meanwhile; sees a lost line */
    *out = state;
    return DW_OK;
}

static void return_state(struct dw_api *api, struct dw_state *state)
{
    pthread_mutex_lock(&api->pool_lock);
    bool kept = api->pool_count < POOL_SIZE;
    if (kept)
        api->pool[api->pool_count++] = state;
    pthread_mutex_unlock(&api->pool_lock);
    if (!kept)
        dw_state_close(state);
}

/* --- answers ------------------------------------------------------------------------------------
 */

/* There is none of what was asked for. */
static bool is_missing(const char *id)
{
    static const char *const ids[] = {"DW-STATE-004", "DW-STATE-011", "DW-STATE-021",
                                      "DW-STATE-030", "DW-STATE-050"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (strcmp(id, ids[i]) == 0)
            return true;
    return false;
}

/* An expression, or keys, that do not fit: of the request, not of how things stand. */
static bool is_unfit(const char *id)
{
    return strncmp(id, "DW-EXPR-", 8) == 0 || strcmp(id, "DW-SYNC-003") == 0;
}

void dw_api_answer_error(struct dw_api_call *call, const struct dw_err *err)
{
    unsigned status = 500;
    if (err->rc == DW_RETRY)
        status = 503;
    else if (err->rc == DW_CONFLICT)
        status = is_unfit(err->id) ? 422 : 409;
    else if (is_missing(err->id))
        status = 404;
    if (status >= 500)
        dw_log_err(status == 503 ? DW_LOG_WARN : DW_LOG_ERROR, "api.failed", err);
    dw_http_error(call->response, status, err->id, "%s", err->message);
}

void dw_api_answer_time(struct dw_buf *out, const char *name, int64_t wall_us)
{
    char text[32];
    dw_json_write_text(out, name, wall_us ? dw_clock_format(wall_us, text) : NULL);
}

void dw_api_answer_next(struct dw_buf *out, bool full, int64_t last)
{
    if (full)
        dw_json_write_i64(out, "next", last);
    else
        dw_json_write_text(out, "next", NULL);
}

const char *dw_api_answer_reason(const struct dw_api_call *call)
{
    const char *reason = dw_api_request_text(&call->request, "reason");
    return reason ? reason : "";
}

bool dw_api_answer_keeps(const struct dw_api_call *call)
{
    const char *what = dw_api_request_text(&call->request, "on_existing");
    return what && strcmp(what, "keep") == 0;
}

void dw_api_answer_open(struct dw_buf *out, char bracket)
{
    char last = out->len ? out->data[out->len - 1] : '[';
    if (last != '{' && last != '[' && last != ',' && last != ':')
        dw_buf_append_char(out, ',');
    dw_buf_append_char(out, bracket);
}

static bool is_printable(const char *name)
{
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return *name && strlen(name) <= WHO_MAX && dw_utf8_valid(name, strlen(name));
}

/* Who asks, for history and audit log: the token, which was checked, and behind it who the command
 * says sits there, which is a name and no proof. */
static const char *who_asks(const struct dw_http_request *request)
{
    const char *user = dw_http_header(request, "X-Dualwrite-User");
    return user && is_printable(user)
               ? dw_arena_printf(request->arena, "%s: %s", request->token, user)
               : request->token;
}

/* A token that the settings do not name is reconciler.token. */
static enum dw_token_role role_of(const struct dw_settings *settings, const char *token)
{
    for (size_t i = 0; i < settings->token_count; i++)
        if (strcmp(settings->tokens[i].name, token) == 0)
            return (enum dw_token_role)settings->tokens[i].role;
    return DW_TOKEN_ADMIN;
}

static bool is_allowed(struct dw_api_call *call, const char *token)
{
    static const char *const names[] = {"viewer", "operator", "admin"};
    const struct dw_api_route *route = call->request.route;
    enum dw_token_role needed =
        dw_api_request_flag(&call->request, "dry_run") ? DW_TOKEN_VIEWER : route->role;
    enum dw_token_role role = role_of(call->settings, token);
    if (role >= needed)
        return true;
    dw_http_error(call->response, 403, "DW-API-027",
                  "token %s has the role %s; %s %s needs the role %s", token, names[role],
                  route->method, route->path, names[needed]);
    return false;
}

static void handle_active(struct dw_api *api, struct dw_api_call *call,
                          const struct dw_http_request *request)
{
    struct dw_err err = DW_ERR_INIT;
    call->index = api->index;
    call->watch = api->watch;
    call->meter = api->meter;
    if (!call->index) {
        dw_http_error(call->response, 503, "DW-API-013",
                      "this reconciler (%s) is on standby: ask the active one", api->instance);
        return;
    }
    enum dw_rc rc = borrow_state(api, &call->state, &err);
    if (rc) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_api_once_answer(call, request);
    return_state(api, call->state);
}

void dw_api_handle(void *context, const struct dw_http_request *request,
                   struct dw_http_response *response)
{
    struct dw_api *api = context;
    struct dw_api_input input = {
        .method = request->method,
        .path = request->path,
        .body = request->body,
        .content_type = dw_http_header(request, "Content-Type"),
    };
    input.query = dw_http_query(request, &input.query_count);
    struct dw_api_refusal refusal;
    struct dw_api_call call = {
        .settings = api->settings,
        .instance = api->instance,
        .arena = request->arena,
        .by = who_asks(request),
        .response = response,
    };
    if (!dw_api_request_parse(&input, request->arena, &call.request, &refusal)) {
        dw_http_error(response, refusal.status, refusal.code, "%s", refusal.message);
        response->allow = refusal.allowed;
        return;
    }
    if (!is_allowed(&call, request->token))
        return;
    pthread_rwlock_rdlock(&api->active_lock);
    handle_active(api, &call, request);
    pthread_rwlock_unlock(&api->active_lock);
}
