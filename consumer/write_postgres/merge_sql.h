/* merge_sql.h - the SQL that brings a group of rows into a target table. Pure: text from names.
 *
 * Rows come from one of two carriers, called s in the SQL:
 *   arrays   unnest($1::text[], $2::text[], …): all values text, cast to the column's base type
 *   stage    a temporary table whose columns c0, c1, … have the base types already; $1 and $2 are
 *            the range of its running number
 * The cast is to the base type without a typmod: INSERT and UPDATE then coerce as an assignment,
 * which refuses an over-long varchar; an explicit cast to varchar(n) would cut it.
 * Identifiers come from the catalogue and are quoted here; values are never in the text.
 */
#ifndef DW_WRITE_POSTGRES_MERGE_SQL_H
#define DW_WRITE_POSTGRES_MERGE_SQL_H
#include "common/base/buf.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_merge_column {
    struct dw_str name;
    struct dw_str base_type; /* quoted, without typmod */
    struct dw_str exact_type;
    uint32_t base_oid;
    struct dw_str equals; /* of a key column: "OPERATOR(pg_catalog.=)" */
    bool is_key;
    bool identity_always; /* can be inserted with OVERRIDING SYSTEM VALUE, never updated */
};

struct dw_merge_table {
    struct dw_str schema, table;
    const struct dw_merge_column *columns;
    size_t column_count;
    struct dw_str stage; /* name of the staging table */
    bool utf8;           /* the server's encoding is UTF8 */
};

/* The columns of a group: indexes into table->columns, keys among them. */
struct dw_merge_group {
    const uint16_t *columns;
    size_t count;
    bool staged;
};

/* CREATE TEMP TABLE for all columns, with the running number n. */
void dw_merge_sql_stage(struct dw_buf *out, const struct dw_merge_table *table);
/* COPY of the group's columns into it. */
void dw_merge_sql_copy(struct dw_buf *out, const struct dw_merge_table *table,
                       const struct dw_merge_group *group);
/* COPY of the group's columns straight into the target: rows that are new. */
void dw_merge_sql_copy_straight(struct dw_buf *out, const struct dw_merge_table *table,
                                const struct dw_merge_group *group);
/* INSERT … ON CONFLICT (key) DO UPDATE: rows with all columns. */
void dw_merge_sql_upsert(struct dw_buf *out, const struct dw_merge_table *table,
                         const struct dw_merge_group *group);
/* The same, where there is no row of that key yet. */
void dw_merge_sql_insert(struct dw_buf *out, const struct dw_merge_table *table,
                         const struct dw_merge_group *group);
/* UPDATE … FROM, returning the running number (arrays: 1-based place) of rows that were found. */
void dw_merge_sql_update(struct dw_buf *out, const struct dw_merge_table *table,
                         const struct dw_merge_group *group);
/* DELETE … USING; the group's columns are the keys. */
void dw_merge_sql_delete(struct dw_buf *out, const struct dw_merge_table *table,
                         const struct dw_merge_group *group);
/* The loop mark of the group. The parameter behind the carrier's is the JSON up to the digests;
 * `keys_only`: for a delete. */
void dw_merge_sql_mark(struct dw_buf *out, const struct dw_merge_table *table,
                       const struct dw_merge_group *group);
/* {"origin":…,"table":"schema.table","op":…,"columns":[…],"digests":" */
void dw_merge_sql_mark_head(struct dw_buf *out, const struct dw_merge_table *table,
                            const struct dw_merge_group *group, struct dw_str origin,
                            const char *op);
/* Parameters of the carrier: the mark's own comes behind. */
size_t dw_merge_sql_params(const struct dw_merge_group *group);

#endif
