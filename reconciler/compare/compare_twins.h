/* compare_twins.h - source rows whose keys are one key in the target: whichever was written last is
 * what the target has.
 *
 * The map check refuses keys that fold so, but for those that differ in blanks at the end alone,
 * where the target's key is a char(n): it warns, since most tables have none. There the source is
 * asked by index for every spelling that folds to a key. Threads: one owner.
 */
#ifndef DW_COMPARE_COMPARE_TWINS_H
#define DW_COMPARE_COMPARE_TWINS_H
#include "reconciler/compare/compare_link.h"

/* Whether source keys of the map may be one in the target. */
bool dw_compare_twins_possible(const struct dw_compare_plan *plan);

/* For each key (JSON arrays in the map's order) another source row's that the target takes for the
 * same, NULL: there is none. */
enum dw_rc dw_compare_twins_find(const struct dw_compare_plan *plan, struct pg_conn *source,
                                 const char *const *keys, size_t count, struct dw_arena *arena,
                                 const char **out, struct dw_err *err) DW_MUST_CHECK;

/* Appends " FROM … t WHERE …": rows of the source that the target takes for the key k.k0, k.k1, …
 * (in the plan's order). Pure. */
void dw_compare_twins_put_same(const struct dw_compare_plan *plan, struct dw_buf *out);

/* The statement: number of a key, from 1, and the texts of its twin in the plan's order.
 * Parameters: the source filter's, then a text[] per key column. Pure. */
void dw_compare_twins_sql(const struct dw_compare_plan *plan, struct dw_buf *out);

#endif
