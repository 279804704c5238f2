/* pg_compare.h - when two values of a column count as equal, as SQL, and rows compared with a
 * table.
 *
 * Values are equal when their type says so, for the built-in types whose equality means the same
 * value (numeric: 1.5 and 1.50, float: 0 and -0); text is compared byte by byte, whatever its
 * collation says; every other type (json, interval, enums, extensions' types, arrays) by its text.
 * The same rule serves hashes, so that values that are equal have equal hashes.
 * Pure: text from names of the catalogue. Values are parameters.
 */
#ifndef DW_POSTGRES_PG_COMPARE_H
#define DW_POSTGRES_PG_COMPARE_H
#include "common/base/buf.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dw_compare_by {
    DW_COMPARE_VALUE, /* the type's own equality and hash */
    DW_COMPARE_BYTES, /* text, in collation "C" */
    DW_COMPARE_TEXT,  /* what it prints as */
};

enum dw_compare_by dw_pg_compare_by(uint32_t base_oid);
/* Appends `expression` as it is to be compared: as it is, with COLLATE "C", or as text with it. */
void dw_pg_compare_put(struct dw_buf *out, enum dw_compare_by by, const char *expression);

struct dw_compare_column {
    struct dw_str name;
    struct dw_str base_type; /* quoted, without typmod */
    uint32_t base_oid;
    bool is_key;
    struct dw_str equals; /* of a key column: the operator of its index */
};

struct dw_compare_table {
    struct dw_str schema, table;
    const struct dw_compare_column *columns;
    size_t column_count;
};

/* SELECT of the given rows that the table has not, or has with other values. Parameters: a text[]
 * for each column of the list, all of one length. Result: number of the row from 1; whether the
 * table has it; JSON arrays with an element for each column of the list: differs (booleans), given
 * and found (texts, at most 1000 characters of each). `columns`: indexes into table->columns, keys
 * among them. */
void dw_pg_compare_sql(struct dw_buf *out, const struct dw_compare_table *table,
                       const uint16_t *columns, size_t count);

#endif
