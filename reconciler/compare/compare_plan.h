/* compare_plan.h - how a map's sides are to be compared, decided once per run from the map and both
 * catalogues.
 *
 *   hash   every mapped column can be written as SQL on both sides, to a type in which equal means
 *          that the consumer would change nothing (compare_pair.h), and both tables are walked by
 *          their keys in the same order: ranges of keys are hashed in the databases
 *   rows   else: rows are read, transformed here, and compared in the target; then the target's
 * keys are walked for those that the source has not
 *
 * Pure. Allocates in the arena given; borrows map and tables. Threads: read-only once made.
 */
#ifndef DW_COMPARE_COMPARE_PLAN_H
#define DW_COMPARE_COMPARE_PLAN_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/table_map.h"
#include "common/postgres/pg_table.h"

struct dw_compare_other;

/* SQL of one side. Literals are $1 to $param_count of its statements. */
struct dw_compare_side {
    const struct dw_pg_table *table;
    const char *hash;   /* of a row t, a bigint */
    const char *filter; /* condition over t; "" none */
    const char **params;
    int param_count;
    int filter_param_count; /* of the source: those that the filter alone uses, the first ones */
};

struct dw_compare_key {  /* of the source's key, in the order of its index */
    size_t source_index; /* into map->source.key */
    const struct dw_pg_column *source;
    const struct dw_pg_column *target; /* that it is copied to; NULL: it is not copied as it is */
    bool folds;     /* keys that differ in blanks at the end are one to the target */
    int32_t length; /* folds: characters that the target's type holds; 0 any number */
};

struct dw_compare_plan {
    const struct dw_table_map *map;
    bool by_hash;
    const char *why_rows;     /* "" when by_hash */
    bool finds_extra;         /* rows of the target that should not be are looked for */
    const char *why_no_extra; /* "" when they are */
    struct dw_compare_side source, target;
    /* Of the source, condition and literals alone: rows that the target may have a row for. */
    struct dw_compare_side owned;
    struct dw_compare_key *keys;
    size_t key_count;
    size_t *walk;      /* the order in which the target's index has them: indexes into keys */
    bool target_order; /* it is the same */
};

struct dw_compare_question {
    const struct dw_table_map *map;
    const struct dw_pg_table *source, *target;
    const char *const *source_collations;  /* of the source's key columns, in the map's order */
    const char *const *target_collations;  /* of the columns that they are copied to */
    const char *filter;                    /* of the run; NULL none */
    const char *forced_way;                /* "", "hash", "rows" */
    const struct dw_compare_other *others; /* maps that write the target table too */
    size_t other_count;
};

/* Errors: DW_CONFIG DW-COMPARE-001 no usable key; -002 a column is not there or cannot be read;
 * -003 the run's filter; -004 "hash" was asked for and cannot be. */
enum dw_rc dw_compare_plan_make(struct dw_compare_plan *out,
                                const struct dw_compare_question *asked, struct dw_arena *arena,
                                struct dw_err *err) DW_MUST_CHECK;

#endif
