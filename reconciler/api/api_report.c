/* api_report.c - the report of a comparison: as JSON, as a page. */
#include "common/base/json_write.h"
#include "reconciler/api/api_answer.h"
#include "reconciler/report/run_report.h"

static bool read_report(struct dw_api_call *call, struct dw_run_report *out)
{
    struct dw_err err = DW_ERR_INIT;
    int64_t id = dw_api_request_number(&call->request, "id");
    if (dw_run_report_read(call->state, id, call->arena, out, &err) == DW_OK)
        return true;
    dw_api_answer_error(call, &err);
    return false;
}

static void write_sums(struct dw_buf *out, const char *name, const char *member,
                       const struct dw_run_sum *sums, size_t count)
{
    dw_json_write_name(out, name);
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        dw_api_answer_open(out, '{');
        dw_json_write_text(out, member, sums[i].name);
        dw_json_write_i64(out, "rows", sums[i].count);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

static void write_history(struct dw_buf *out, const struct dw_run_report *report)
{
    dw_json_write_name(out, "history");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < report->history_count; i++) {
        const struct dw_reconcile_run *run = &report->history[i];
        dw_api_answer_open(out, '{');
        dw_json_write_i64(out, "run", run->id);
        dw_json_write_text(out, "state", dw_state_reconcile_state_name(run->state));
        dw_api_answer_time(out, "ended_at", run->ended_us);
        dw_json_write_i64(out, "differences", dw_run_report_found(run));
        dw_json_write_i64(out, "left", dw_run_report_left(run));
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

void dw_api_report_show(struct dw_api_call *call)
{
    struct dw_run_report report;
    struct dw_buf *out = &call->response->body;
    if (!read_report(call, &report))
        return;
    dw_buf_append_char(out, '{');
    dw_json_write_name(out, "run");
    dw_api_reconcile_write_run(out, &report.run);
    write_sums(out, "by_column", "column", report.sums.columns, report.sums.column_count);
    write_sums(out, "by_cause", "code", report.sums.causes, report.sums.cause_count);
    write_history(out, &report);
    dw_json_write_name(out, "differences");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < report.row_count; i++)
        dw_api_reconcile_write_difference(out, &report.rows[i]);
    dw_buf_append_char(out, ']');
    dw_json_write_i64(out, "left_out", report.left_out);
    dw_buf_append_text(out, "}\n");
}

void dw_api_report_page(struct dw_api_call *call)
{
    struct dw_run_report report;
    if (!read_report(call, &report))
        return;
    call->response->content_type = "text/html; charset=utf-8";
    dw_run_report_page(&report, &call->response->body);
}
