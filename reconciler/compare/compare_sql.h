/* compare_sql.h - the statements of a comparison. Pure: text from a plan.
 *
 * Keys travel as text, a column each in the order of the plan's keys. Ranges are (lower, upper];
 * both bounds of several ranges are text[] parameters behind the side's own literals. `of_source`
 * chooses the side.
 */
#ifndef DW_COMPARE_COMPARE_SQL_H
#define DW_COMPARE_COMPARE_SQL_H
#include "common/base/buf.h"
#include "reconciler/compare/compare_plan.h"

/* Which bounds the ranges of a statement have. */
struct dw_compare_bounds {
    bool lower, upper;
    size_t equal; /* with both: so many of the first key columns have one value in each range */
};

/* Every $2-th key of the source behind one, $1 of them at most, as texts. Parameters behind these
 * two: the key, if `behind`. */
void dw_compare_sql_cuts(const struct dw_compare_plan *plan, bool behind, struct dw_buf *out);

/* Per range its number from 1, count and sum of the rows' hashes. */
void dw_compare_sql_hashes(const struct dw_compare_plan *plan, bool of_source,
                           struct dw_compare_bounds bounds, struct dw_buf *out);
/* Per row of the ranges: number of the range, hash, key; at most `limit` of each range, in the
 * order of keys. */
void dw_compare_sql_rows(const struct dw_compare_plan *plan, bool of_source,
                         struct dw_compare_bounds bounds, int64_t limit, struct dw_buf *out);

/* A hash of constants of every type that is hashed: the same on both servers, or none counts. */
const char *dw_compare_sql_probe(void);

/* The rows way: `columns` of the source's rows behind a key (if `behind`), `limit` of them, those
 * of the filter; then the key as text. Parameters: the filter's, the key. */
void dw_compare_sql_source_page(const struct dw_compare_plan *plan, const struct dw_str *columns,
                                size_t column_count, bool behind, int64_t limit,
                                struct dw_buf *out);
/* Keys of the target behind one, in the target's order; parameters: the side's, the key. */
void dw_compare_sql_target_page(const struct dw_compare_plan *plan, bool behind, int64_t limit,
                                struct dw_buf *out);
/* "FROM unnest(…) AS k(k0, …, n)": the keys that are asked about, a text[] per key column from
 * parameter `first` on, with their numbers from 1. */
void dw_compare_sql_put_asked(const struct dw_compare_plan *plan, size_t first, struct dw_buf *out);

/* Numbers, from 1, of keys that should have no row in the target: the source has none that is
 * owned. Parameters: those of `owned`, and a text[] per key column. */
void dw_compare_sql_absent(const struct dw_compare_plan *plan, struct dw_buf *out);

#endif
