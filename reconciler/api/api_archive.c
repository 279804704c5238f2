/* api_archive.c - dead letters as lines of JSON: export and import. */
#include "common/state/state_archive.h"
#include "reconciler/api/api_answer.h"

void dw_api_archive_export(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_letter_line *lines = NULL;
    size_t count = 0;
    struct dw_letter_filter filter;
    struct dw_buf *out = &call->response->body;
    if (!dw_api_letters_filter(call, &filter))
        return;
    filter.limit = (int)dw_api_request_number(&call->request, "limit");
    if (!filter.state)
        filter.state = "all";
    if (dw_state_archive_export(call->state, &filter, 0, call->arena, &lines, &count, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_text(out, "{\"letters\":[");
    for (size_t i = 0; i < count; i++) {
        if (i)
            dw_buf_append_char(out, ',');
        dw_buf_append_text(out, lines[i].text);
    }
    dw_buf_append_char(out, ']');
    dw_api_answer_next(out, count > 0, count ? lines[count - 1].id : 0);
    dw_buf_append_text(out, "}\n");
}

void dw_api_archive_import(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    int64_t loaded = 0;
    int64_t known = 0;
    struct dw_buf *out = &call->response->body;
    const char *lines = dw_api_request_json(&call->request, "letters").ptr;
    enum dw_rc rc =
        lines[0] == '['
            ? dw_state_archive_import(call->state, lines, call->by, &loaded, &known, &err)
            : dw_err_set(&err, DW_REJECT, "DW-STATE-033", "\"letters\" is an array");
    if (rc == DW_REJECT) {
        dw_http_error(call->response, 422, err.id, "%s", err.message);
        return;
    }
    if (rc) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_char(out, '{');
    dw_json_write_i64(out, "loaded", loaded);
    dw_json_write_i64(out, "known", known);
    dw_buf_append_text(out, "}\n");
}
