/* letter_sql.h - the statements that try a dead letter and read its rows. Values are parameters,
 * names come from the catalogue. Pure but for the looked-up tables' catalogue. Threads: one owner.
 */
#ifndef DW_DEAD_LETTERS_LETTER_SQL_H
#define DW_DEAD_LETTERS_LETTER_SQL_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/table_map.h"
#include "common/postgres/pg_table.h"

struct pg_conn;
struct dw_letter_cell;

struct dw_letter_sql {
    struct dw_buf text;
    const char **values; /* text parameters, in the arena */
    size_t count, capacity;
    struct dw_arena *arena;
};

void dw_letter_sql_init(struct dw_letter_sql *sql, struct dw_arena *arena);
void dw_letter_sql_done(struct dw_letter_sql *sql);

/* A statement that gives the value that a lookup finds; no row: there is none. `key`: as
 * row_lookup.h has it. False with err: a table or column is missing. */
bool dw_letter_sql_lookup(struct dw_letter_sql *sql, const struct dw_map_lookup *lookup,
                          struct pg_conn *target, struct dw_str key,
                          struct dw_err *err) DW_MUST_CHECK;

struct dw_letter_write {
    const struct dw_table_map *map;
    const struct dw_pg_table *table; /* of the target */
    const struct dw_value *cells;    /* NULL: a delete */
    const struct dw_value *keys;
};
enum dw_letter_sql_kind {
    DW_LETTER_SQL_NONE,   /* nothing is written */
    DW_LETTER_SQL_UPSERT, /* all columns, a delete, or a flag */
    DW_LETTER_SQL_UPDATE, /* some columns: the row has to be there */
};
enum dw_letter_sql_kind dw_letter_sql_write(struct dw_letter_sql *sql,
                                            const struct dw_letter_write *write);

/* The row of a key: the cells' columns of that side which the table has, as texts that are cut.
 * False: the table lacks a key column. */
bool dw_letter_sql_row(struct dw_letter_sql *sql, const struct dw_pg_table *table,
                       const struct dw_map_side *side, const struct dw_letter_cell *cells,
                       size_t count, bool is_source, const struct dw_str *keys);

#endif
