/* expr.h - OData's expression language over the columns of one table: compiled once, evaluated on
 * rows here or written as SQL for the server that has the rows; both give the same result.
 *
 * Used for a map's "filter" (DW_EXPR_FILTER: true or false) and for its computed columns
 * (DW_EXPR_COMPUTE: a value, which the matrix of conversions then takes to the target column's
 * type). The language, as its users see it, is described in README.md beside this file.
 *
 * Life: dw_expr_compile, then any number of dw_expr_match or dw_expr_compute. A compiled expression
 * lives in the arena it was compiled in and is freed with it. Threads: read-only after compile;
 * several threads may evaluate it, each with an arena of its own.
 */
#ifndef DW_EXPR_EXPR_H
#define DW_EXPR_EXPR_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/map_resolved.h"
#include "common/model/value.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_expr;

enum dw_expr_use { DW_EXPR_FILTER, DW_EXPR_COMPUTE };

/* A column that expressions may name. */
struct dw_expr_column {
    struct dw_str name; /* as the catalogue has it */
    uint32_t base_oid;  /* of its type, domains resolved */
    char category;      /* pg_type.typcategory of the base type; 0: not known. Enums ('E') and
                           strings of extensions ('S') are strings only where it is known */
    bool deterministic; /* its collation calls only equal bytes equal: SQL may use its index */
};

/* What is compiled. Borrowed for the call, except names and text, which the expression keeps. */
struct dw_expr_source {
    struct dw_str text; /* UTF-8 */
    enum dw_expr_use use;
    const struct dw_expr_column *columns;
    size_t column_count;
};

/* Parses, checks types, and computes what is constant. `out_offset` (may be NULL): the byte of the
 * text that the error is about. Errors: DW_CONFIG DW-EXPR-001 to 009; the message has the position
 * (in characters, from 1), what was found and what is allowed. */
enum dw_rc dw_expr_compile(struct dw_expr **out, const struct dw_expr_source *source,
                           struct dw_arena *arena, size_t *out_offset,
                           struct dw_err *err) DW_MUST_CHECK;

/* The columns it uses, as indexes into source.columns, in the order of their first use: the order
 * of the cells of a row. A column that can be TOASTed needs REPLICA IDENTITY FULL in the source. */
const size_t *dw_expr_columns(const struct dw_expr *expr, size_t *out_count);

/* The type of its value, as a column without name: boolean, bigint, numeric, text, date, time,
 * timestamp with time zone or uuid. */
void dw_expr_result(const struct dw_expr *expr, struct dw_resolved_column *out);

/* False: no row can make it fail, neither here nor in SQL. One that can fail is better evaluated
 * here, where it costs one row and not the whole query. */
bool dw_expr_can_fail(const struct dw_expr *expr);

/* Does the row match (null does not)? `cells`: one per used column, kind STRING (PostgreSQL's text
 * output under the sessions' settings of pg.h), NULL or ABSENT. Temporary memory comes from
 * `arena`, which the caller resets. Errors: DW_REJECT DW-EXPR-020 to 024. */
enum dw_rc dw_expr_match(const struct dw_expr *expr, const struct dw_value *cells,
                         struct dw_arena *arena, bool *out, struct dw_err *err) DW_MUST_CHECK;

/* The value for a row: STRING in PostgreSQL's text output of the result's type, or NULL. The text
 * points into `arena` or into a cell. Errors: as dw_expr_match. */
enum dw_rc dw_expr_compute(const struct dw_expr *expr, const struct dw_value *cells,
                           struct dw_arena *arena, struct dw_value *out,
                           struct dw_err *err) DW_MUST_CHECK;

struct dw_expr_sql {
    struct dw_str qualifier;     /* SQL put before each column: `t.`; may be empty */
    size_t first_param;          /* number of the first parameter, from 1 */
    const char *setting;         /* NULL: parameters are $1, $2, …. Else current_setting() of this
                                    name with the number behind it, for COPY; a plain identifier */
    const struct dw_str *params; /* out: values in text form, in order; in the arena, each with a
                                    NUL behind it */
    size_t param_count;          /* out */
};

/* Appends the expression as SQL for PostgreSQL 14 to 18, to be run under the sessions' settings of
 * pg.h. A filter is written for WHERE (null and false are the same there), a computed value for a
 * list of columns. Errors: DW_CONFIG DW-EXPR-007 when `out` overflows. */
enum dw_rc dw_expr_write_sql(const struct dw_expr *expr, struct dw_expr_sql *sql,
                             struct dw_arena *arena, struct dw_buf *out,
                             struct dw_err *err) DW_MUST_CHECK;

#endif
