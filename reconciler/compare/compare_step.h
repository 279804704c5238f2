/* compare_step.h - one step of a comparison's walk, and what it brings.
 *
 * A step is a few short statements on each side. Everything it brings lives in the arena given.
 */
#ifndef DW_COMPARE_COMPARE_STEP_H
#define DW_COMPARE_COMPARE_STEP_H
#include "reconciler/compare/compare_link.h"
#include "reconciler/compare/compare_plan.h"

/* The cuts of the next step, asked for while this one's rows are hashed: that costs a fifth of the
 * time else. */
struct dw_compare_ahead {
    char *cursor; /* owned; behind which they are; NULL: none were asked for */
    int wanted;
};
void dw_compare_ahead_done(struct dw_compare_ahead *ahead);

struct dw_compare_order { /* of a step */
    const struct dw_compare_plan *plan;
    struct dw_compare_links *links;
    struct dw_compare_ahead *ahead; /* of the hash way; lives as long as the links */
    const char *cursor; /* NULL: from the beginning; a JSON array in the plan's order of keys */
    int64_t rows;       /* about so many of the source's */
    double sample;      /* percent of the ranges that are compared; 0: all */
    uint64_t sample_seed;
};

struct dw_compare_brought {
    struct dw_arena *arena;
    const char *cursor; /* NULL: that was all of the phase */
    int64_t rows_source, rows_target, segments;
    size_t bytes;          /* of the rows that were read here */
    const char **suspects; /* keys of the source, as JSON arrays in the map's order */
    size_t suspect_count, suspect_capacity;
    const char **certain; /* keys of the target that are no value of the source's key type */
    size_t certain_count, certain_capacity;
};

void dw_compare_brought_init(struct dw_compare_brought *brought, struct dw_arena *arena);
void dw_compare_brought_suspect(struct dw_compare_brought *brought, const char *key);
void dw_compare_brought_certain(struct dw_compare_brought *brought, const char *key);

/* The hash way. */
enum dw_rc dw_compare_hashes_step(const struct dw_compare_order *order,
                                  struct dw_compare_brought *brought,
                                  struct dw_err *err) DW_MUST_CHECK;
/* Do both servers hash alike? */
enum dw_rc dw_compare_hashes_probe(struct dw_compare_links *links, bool *out_alike,
                                   struct dw_err *err) DW_MUST_CHECK;

/* The rows way: what it needs besides the plan. */
struct dw_compare_rows;
struct dw_transform;
enum dw_rc dw_compare_rows_new(struct dw_compare_rows **out, const struct dw_compare_plan *plan,
                               struct dw_compare_links *links, struct dw_err *err) DW_MUST_CHECK;
void dw_compare_rows_free(struct dw_compare_rows *rows); /* accepts NULL */
/* Lives as long as they. */
const struct dw_transform *dw_compare_rows_transform(const struct dw_compare_rows *rows);
enum dw_rc dw_compare_rows_step(struct dw_compare_rows *rows, const struct dw_compare_order *order,
                                struct dw_compare_brought *brought,
                                struct dw_err *err) DW_MUST_CHECK;
/* The target's keys: those that should have no row there. */
enum dw_rc dw_compare_extra_step(const struct dw_compare_order *order,
                                 struct dw_compare_brought *brought,
                                 struct dw_err *err) DW_MUST_CHECK;

#endif
