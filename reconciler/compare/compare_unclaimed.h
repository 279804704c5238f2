/* compare_unclaimed.h - rows of a table that several maps share which belong to none of them.
 *
 * Beside each row that a map of such a table wrote the target keeps whose it is; one that was there
 * before, or that somebody else put there, has no owner, so that no map's worker can tell whether
 * it is another's (consumer/write_postgres/owner.h). Such a row is extra when the source's row is
 * in no map's filter: whoever had a row of that key has removed it by the place that all of them
 * have passed since, and whoever wrote it later owns it. Threads: one owner.
 */
#ifndef DW_COMPARE_COMPARE_UNCLAIMED_H
#define DW_COMPARE_COMPARE_UNCLAIMED_H
#include "reconciler/compare/compare_link.h"

#define DW_COMPARE_UNCLAIMED_CODE "DW-COMPARE-012"

/* out[i]: the target has a row of keys[i] (JSON, in the map's order) that has no owner under
 * target_keys[i] (JSON, as the consumer has it), and the source none that is in a map's filter. */
enum dw_rc dw_compare_unclaimed_find(const struct dw_compare_plan *plan,
                                     struct dw_compare_links *links, const char *const *keys,
                                     const char *const *target_keys, size_t count,
                                     struct dw_arena *arena, bool *out,
                                     struct dw_err *err) DW_MUST_CHECK;

#endif
