/* api_digest.c - the digest of a day: as JSON, as a page. */
#include "reconciler/api/api_answer.h"
#include "reconciler/report/digest_read.h"

static bool read_digest(struct dw_api_call *call, struct dw_digest *out)
{
    struct dw_err err = DW_ERR_INIT;
    const char *date = dw_api_request_text(&call->request, "date");
    const char *today = dw_digest_read_today(call->arena);
    if (!date)
        date = today;
    if (strcmp(date, today) > 0) {
        dw_http_error(call->response, 422, "DW-API-034", "%s is yet to come: today is %s (UTC)",
                      date, today);
        return false;
    }
    if (dw_digest_read(call->state, date, call->arena, out, &err) == DW_OK)
        return true;
    dw_api_answer_error(call, &err);
    return false;
}

void dw_api_digest_show(struct dw_api_call *call)
{
    struct dw_digest digest;
    if (read_digest(call, &digest))
        dw_digest_write(&digest, NULL, &call->response->body);
}

void dw_api_digest_page(struct dw_api_call *call)
{
    struct dw_digest digest;
    if (!read_digest(call, &digest))
        return;
    call->response->content_type = "text/html; charset=utf-8";
    dw_digest_page(&digest, &call->response->body);
}
