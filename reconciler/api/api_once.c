/* api_once.c - see api_once.h. */
#include "reconciler/api/api_once.h"

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/state/state_request.h"
#include "reconciler/api/api_answer.h"

#define KEY_MAX 255

static bool is_key(const char *key)
{
    for (const char *c = key; *c; c++)
        if (*c < 0x21 || *c > 0x7e)
            return false;
    return *key && strlen(key) <= KEY_MAX;
}

/* What makes two requests the same. Lengths go with the texts, so that nothing runs together. */
static void digest_of(const struct dw_http_request *request, unsigned char out[32])
{
    struct dw_buf text;
    size_t count = 0;
    const struct dw_http_pair *query = dw_http_query(request, &count);
    dw_buf_init(&text, request->body.len + (1u << 20));
    dw_buf_printf(&text, "%s %s\n", request->method, request->path);
    for (size_t i = 0; i < count; i++)
        dw_buf_printf(&text, "%zu %s=%s\n", strlen(query[i].name), query[i].name,
                      query[i].value ? query[i].value : "");
    dw_buf_printf(&text, "%zu\n", request->body.len);
    dw_buf_append_str(&text, request->body);
    dw_hash_sha256(text.data, text.len, out);
    dw_buf_done(&text);
}

static void answer_again(struct dw_api_call *call, const struct dw_request_claim *claim)
{
    switch (claim->fate) {
    case DW_REQUEST_DONE:
        call->response->status = claim->status;
        dw_buf_append_str(&call->response->body, claim->answer);
        return;
    case DW_REQUEST_DIFFERENT:
        dw_http_error(call->response, 422, "DW-API-029",
                      "this Idempotency-Key was used for another request");
        return;
    case DW_REQUEST_CUT_OFF:
        dw_http_error(call->response, 409, "DW-API-031",
                      "the process that did this request was cut off: how far it came is not "
                      "known");
        return;
    case DW_REQUEST_BUSY:
    case DW_REQUEST_NEW:
        break;
    }
    dw_http_error(call->response, 409, "DW-API-030", "the same request is under way");
    call->response->retry_after_s = 1;
}

static void do_once(struct dw_api_call *call, const struct dw_request_id *id)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_request_claim claim;
    if (dw_state_request_claim(call->state, id, call->arena, &claim, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    if (claim.fate != DW_REQUEST_NEW) {
        answer_again(call, &claim);
        return;
    }
    call->request.route->answer(call);
    unsigned status = call->response->status;
    bool done = status >= 200 && status < 300;
    if (dw_state_request_settle(call->state, id, done ? status : 0,
                                dw_buf_str(&call->response->body), &err))
        dw_log_err(DW_LOG_WARN, "api.answer_not_kept", &err); /* it was done all the same */
}

void dw_api_once_answer(struct dw_api_call *call, const struct dw_http_request *request)
{
    const char *key = dw_http_header(request, "Idempotency-Key");
    struct dw_request_id id = {.token = request->token, .key = key};
    if (strcmp(request->method, "POST") != 0 || !key) {
        call->request.route->answer(call);
        return;
    }
    if (!is_key(key)) {
        dw_http_error(call->response, 400, "DW-API-010",
                      "Idempotency-Key is 1 to %d visible ASCII characters", KEY_MAX);
        return;
    }
    digest_of(request, id.digest);
    do_once(call, &id);
}
