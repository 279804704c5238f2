/* compare_load.h - a map as a comparison needs it: document, both catalogues, the plan.
 * Everything lives in the arena. Calls block. Threads: one owner. */
#ifndef DW_COMPARE_COMPARE_LOAD_H
#define DW_COMPARE_COMPARE_LOAD_H
#include "common/config/settings.h"
#include "common/state/state.h"
#include "common/state/state_reconcile.h"
#include "reconciler/compare/compare_link.h"
#include "reconciler/compare/compare_plan.h"
#include "reconciler/compare/compare_share.h"

struct dw_compare_loaded {
    const struct dw_map_record *record;
    const struct dw_table_map *map;
    const struct dw_compare_other *others; /* maps that write the target table too */
    size_t other_count;
    struct dw_compare_plan plan;
    int64_t rows_estimated;
};

/* Opens the links, too. Errors: DW_CONFIG DW-STATE-004 the map is gone; DW-COMPARE-nnn. */
enum dw_rc dw_compare_load(struct dw_compare_loaded *out, const struct dw_reconcile_run *run,
                           struct dw_state *state, const struct dw_settings *settings,
                           struct dw_compare_links *links, struct dw_arena *arena,
                           struct dw_err *err) DW_MUST_CHECK;

#endif
