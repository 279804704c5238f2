/* run_report.c - see run_report.h. The page is in run_page.c. */
#include "reconciler/report/run_report.h"

#include "common/base/clock.h"

int64_t dw_run_report_found(const struct dw_reconcile_run *run)
{
    int64_t sum = run->beyond;
    for (int kind = 0; kind < DW_DIFFERENCE_KINDS; kind++)
        sum += run->counts.by_kind[kind];
    return sum;
}

int64_t dw_run_report_left(const struct dw_reconcile_run *run)
{
    return dw_run_report_found(run) - run->counts.repaired;
}

static enum dw_rc read_run(struct dw_state *state, int64_t id, struct dw_arena *arena,
                           struct dw_reconcile_run *out, struct dw_err *err)
{
    const struct dw_reconcile_filter filter = {.id = id};
    const struct dw_reconcile_run *runs = NULL;
    size_t count = 0;
    enum dw_rc rc = dw_state_reconcile_load(state, &filter, arena, &runs, &count, err);
    if (!rc && count == 0)
        rc = dw_err_set(err, DW_CONFIG, "DW-STATE-021", "there is no comparison %lld",
                        (long long)id);
    if (!rc)
        *out = runs[0];
    return rc;
}

enum dw_rc dw_run_report_read(struct dw_state *state, int64_t run, struct dw_arena *arena,
                              struct dw_run_report *out, struct dw_err *err)
{
    *out = (struct dw_run_report){.made_us = dw_clock_wall_us()};
    enum dw_rc rc = read_run(state, run, arena, &out->run, err);
    const struct dw_reconcile_filter same = {
        .map = out->run.map, .before = run + 1, .limit = DW_RUN_REPORT_RUNS};
    const struct dw_difference_filter all = {.run = run, .kind = -1, .limit = DW_RUN_REPORT_ROWS};
    if (!rc)
        rc = dw_state_run_sums(state, run, arena, &out->sums, err);
    if (!rc)
        rc = dw_state_reconcile_load(state, &same, arena, &out->history, &out->history_count, err);
    if (!rc)
        rc = dw_state_differences_load(state, &all, arena, &out->rows, &out->row_count, err);
    if (!rc)
        out->left_out = dw_run_report_found(&out->run) - (int64_t)out->row_count;
    return rc;
}
