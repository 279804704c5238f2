/* expr_random.h - random typed expressions, and random rows for the table they are about. */
#ifndef DW_TESTS_EXPR_RANDOM_H
#define DW_TESTS_EXPR_RANDOM_H
#include "common/base/buf.h"
#include "common/expr/expr.h"

/* The table's columns; `sql_type` is for CREATE TABLE. */
struct expr_random_column {
    const char *name;
    const char *sql_type;
    uint32_t oid;
    char category;
    bool not_null;
    const char *const *values; /* candidates, NULL-terminated */
};

extern const struct expr_random_column expr_random_columns[];
extern const size_t expr_random_column_count;

struct expr_random {
    uint64_t state;
    struct dw_buf *out;
};

uint64_t expr_random_next(struct expr_random *random);
size_t expr_random_below(struct expr_random *random, size_t limit);

/* A value for a column, NULL for null. */
const char *expr_random_cell(struct expr_random *random, const struct expr_random_column *column);
/* Appends an expression of some type. */
void expr_random_write(struct expr_random *random);

#endif
