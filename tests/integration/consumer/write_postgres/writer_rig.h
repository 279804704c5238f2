/* writer_rig.h - what the writer's tests share: a target schema of their own, a map, changes. */
#ifndef DW_TESTS_WRITER_RIG_H
#define DW_TESTS_WRITER_RIG_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include "consumer/write_postgres/writer.h"
#include <cmocka.h>

#define RIG_COLUMNS_MAX 40
#define RIG_CHANGES_MAX 20000
#define RIG_ABSENT      ((const char *)-1) /* a cell that the event does not carry */

struct pg_conn;

struct rig {
    struct pg_conn *conn; /* looks at the target from outside */
    struct dw_system_settings system;
    struct dw_arena arena;
    struct dw_writer *writer;
    struct dw_writer_table *table;
    struct dw_table_map map;
    struct dw_map_resolved resolved;
    struct dw_partition_id id;
    struct dw_progress progress;
    struct dw_change *changes[RIG_CHANGES_MAX];
    size_t count;
    struct dw_err err;
};

/* A fresh schema `name` (also the topic), made by `sql`; search_path is that schema. NULL: no
 * server was given (DW_PG_CRM), the test is skipped. */
struct rig *rig_new(const char *name, const char *sql);
void rig_free(struct rig *rig);
/* Another partition's rig in the schema of `first`, for a map of its own. */
struct rig *rig_beside(const struct rig *first, const char *name);
/* The map: table, its columns ("id name …"), of which the first `keys` are the key. */
void rig_map(struct rig *rig, const char *table, const char *columns, size_t keys);
/* A column of the map becomes a lookup: its cells are then keys, as JSON arrays of texts. */
void rig_lookup(struct rig *rig, const char *column, const struct dw_map_lookup *lookup);
/* Opens writer and table, claims the partition. */
void rig_open(struct rig *rig);
void rig_reopen_table(struct rig *rig);

/* Adds a change to the batch; cells in the map's order, NULL is null, RIG_ABSENT is left out. */
struct dw_change *rig_upsert(struct rig *rig, ...);
struct dw_change *rig_create(struct rig *rig, ...);
/* Keys in order. */
struct dw_change *rig_delete(struct rig *rig, ...);
struct dw_change *rig_row(struct rig *rig, bool replaces, const char *const *cells);

/* begin, apply; leaves the transaction open. */
enum dw_rc rig_apply(struct rig *rig);
/* begin, apply, commit with the counts of the outcomes; empties the batch (outcomes stay). */
void rig_flush(struct rig *rig);
enum dw_rc rig_commit(struct rig *rig);

/* First value of a query seen from outside; "" for none, "(null)" for null. */
const char *rig_text(struct rig *rig, const char *sql);
void rig_exec(struct rig *rig, const char *sql);
void rig_assert_outcome(const struct dw_change *change, enum dw_outcome outcome);
void rig_assert_dead(const struct dw_change *change, const char *id);
/* It waits until the row is read again. */
void rig_assert_incomplete(const struct dw_change *change);
#define rig_assert_text(rig, sql, expected) assert_string_equal(rig_text((rig), (sql)), (expected))

#endif
