/* compare_share.h - target tables that other maps write too: whose rows are extra.
 *
 * Where all of them take their shares of one source table (reconciler/maps/map_share.h), a row is
 * extra when none of them has a source row for it. Beside most rows the target keeps whose they
 * are, and the consumer judges by that; a row that was written before the table was shared has no
 * owner. So that nobody takes the row of a map that is only behind for one, the others have to have
 * applied what the source had committed when the row was seen.
 *
 * Threads: one owner.
 */
#ifndef DW_COMPARE_COMPARE_SHARE_H
#define DW_COMPARE_COMPARE_SHARE_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/table_map.h"
#include "common/state/state.h"
#include "reconciler/compare/compare_link.h"

struct dw_compare_other {
    const struct dw_table_map *map;
    const struct dw_map_record *record;
};

/* Why it cannot be told which rows belong to none of them; "" when it can. Pure. */
const char *dw_compare_share_why_not(const struct dw_table_map *map,
                                     const struct dw_compare_other *others, size_t count,
                                     struct dw_arena *arena);

struct dw_compare_share { /* zeroed but for the first part */
    const char *source_system;
    const struct dw_compare_other *others;
    size_t count;

    /* That the others have to pass; lsn 0: the next call takes where the source is now. */
    struct dw_compare_place place;
};

/* Whether the others have applied all that was committed at the first call. DW_RETRY. */
enum dw_rc dw_compare_share_passed(struct dw_compare_share *share, struct dw_state *state,
                                   struct dw_compare_links *links, bool *out,
                                   struct dw_err *err) DW_MUST_CHECK;

#endif
