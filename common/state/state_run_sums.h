/* state_run_sums.h - what a comparison found, summed up for its report. Threads and errors: as
 * state.h.
 */
#ifndef DW_STATE_STATE_RUN_SUMS_H
#define DW_STATE_STATE_RUN_SUMS_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include <stdint.h>

struct dw_state;

struct dw_run_sum {
    const char *name; /* the column, or the code of the cause */
    int64_t count;
};

struct dw_run_sums {
    const struct dw_run_sum *columns; /* that differ, the most frequent first */
    size_t column_count;
    const struct dw_run_sum *causes; /* "" unknown */
    size_t cause_count;
};

enum dw_rc dw_state_run_sums(struct dw_state *state, int64_t run, struct dw_arena *arena,
                             struct dw_run_sums *out, struct dw_err *err) DW_MUST_CHECK;

#endif
