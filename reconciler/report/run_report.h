/* run_report.h - what a comparison found, for a person who was not there: the run, sums, the runs
 * of the same map before it, and the rows themselves.
 */
#ifndef DW_REPORT_RUN_REPORT_H
#define DW_REPORT_RUN_REPORT_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/state/state_reconcile.h"
#include "common/state/state_run_sums.h"

#define DW_RUN_REPORT_ROWS 5000 /* of one report; the others are counted */
#define DW_RUN_REPORT_RUNS 30   /* in the plot */

struct dw_run_report {
    struct dw_reconcile_run run;
    struct dw_run_sums sums;
    const struct dw_reconcile_run *history; /* of the map, this one too; newest first */
    size_t history_count;
    const struct dw_difference *rows;
    size_t row_count;
    int64_t left_out; /* rows that the report does not show */
    int64_t made_us;
};

/* Everything in `arena`. Errors: DW_CONFIG DW-STATE-021 no such run. */
enum dw_rc dw_run_report_read(struct dw_state *state, int64_t run, struct dw_arena *arena,
                              struct dw_run_report *out, struct dw_err *err) DW_MUST_CHECK;

/* Differences of all kinds that were found, counted ones too; and those that nobody mended. Pure.
 */
int64_t dw_run_report_found(const struct dw_reconcile_run *run);
int64_t dw_run_report_left(const struct dw_reconcile_run *run);

/* As one HTML page. Pure. */
void dw_run_report_page(const struct dw_run_report *report, struct dw_buf *out);

#endif
