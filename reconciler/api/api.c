/* api.c - see api.h: from a request to the function that answers it. */
#include "reconciler/api/api.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/utf8.h"
#include "reconciler/api/api_answer.h"
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

void dw_api_answer_error(struct dw_api_call *call, const struct dw_err *err)
{
    unsigned status = 500;
    if (err->rc == DW_RETRY)
        status = 503;
    else if (err->rc == DW_CONFLICT)
        status = 409;
    else if (strcmp(err->id, "DW-STATE-004") == 0 || strcmp(err->id, "DW-STATE-011") == 0)
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

void dw_api_answer_open(struct dw_buf *out, char bracket)
{
    char last = out->len ? out->data[out->len - 1] : '[';
    if (last != '{' && last != '[' && last != ',' && last != ':')
        dw_buf_append_char(out, ',');
    dw_buf_append_char(out, bracket);
}

/* Who asks: the command names its user. A name, not a proof: the token is what was checked. */
static const char *who_asks(const struct dw_http_request *request)
{
    const char *name = dw_http_header(request, "X-Dualwrite-User");
    if (!name || !*name || strlen(name) > WHO_MAX || !dw_utf8_valid(name, strlen(name)))
        return "operator";
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return "operator";
    return name;
}

static void answer(struct dw_api_call *call)
{
    static void (*const answers[])(struct dw_api_call *) = {
        [DW_API_STATUS] = dw_api_status_show,       [DW_API_MAP_LIST] = dw_api_maps_list,
        [DW_API_MAP_SHOW] = dw_api_maps_show,       [DW_API_MAP_APPLY] = dw_api_maps_apply,
        [DW_API_MAP_ORDER] = dw_api_maps_order,     [DW_API_LETTER_LIST] = dw_api_letters_list,
        [DW_API_LETTER_SHOW] = dw_api_letters_show, [DW_API_START] = dw_api_start_run,
        [DW_API_SYNC_LIST] = dw_api_syncs_list,     [DW_API_SYNC_SHOW] = dw_api_syncs_show,
        [DW_API_SYNC_ORDER] = dw_api_start_resync,  [DW_API_SYNC_ACT] = dw_api_syncs_act,
        [DW_API_MAP_HISTORY] = dw_api_history_show, [DW_API_MAP_ROLLBACK] = dw_api_maps_rollback,
        [DW_API_AUDIT] = dw_api_history_audit,
    };
    answers[call->request.route](call);
}

static const char *query_of(void *context, const char *name)
{
    return dw_http_query(context, name);
}

static void handle_active(struct dw_api *api, struct dw_api_call *call)
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
    answer(call);
    return_state(api, call->state);
}

void dw_api_handle(void *context, const struct dw_http_request *request,
                   struct dw_http_response *response)
{
    struct dw_api *api = context;
    /* dw_http_query reads the request; the callback's context is not const. */
    struct dw_http_request copy = *request;
    struct dw_api_input input = {
        .method = request->method,
        .path = request->path,
        .body = request->body,
        .query = query_of,
        .context = &copy,
    };
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
        return;
    }
    pthread_rwlock_rdlock(&api->active_lock);
    handle_active(api, &call);
    pthread_rwlock_unlock(&api->active_lock);
}
