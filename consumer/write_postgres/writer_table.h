/* writer_table.h - the inside of a writer's table: its columns, its statements, its stage. */
#ifndef DW_WRITE_POSTGRES_WRITER_TABLE_H
#define DW_WRITE_POSTGRES_WRITER_TABLE_H
#include "common/postgres/pg_table.h"
#include "consumer/write_postgres/exchange.h"
#include "consumer/write_postgres/lookup_resolve.h"
#include "consumer/write_postgres/merge_sql.h"
#include "consumer/write_postgres/stale.h"
#include "consumer/write_postgres/straight.h"
#include "consumer/write_postgres/writer.h"

enum dw_writer_table_statement {
    DW_TABLE_UPSERT,
    DW_TABLE_UPSERT_STAGED,
    DW_TABLE_MARK,
    DW_TABLE_MARK_STAGED,
    DW_TABLE_STATEMENTS
};

#define DW_TABLE_EXTRA_MAX 2

struct dw_stale_row;

struct dw_writer_table_columns {
    uint16_t *items; /* indexes into merge.columns */
    size_t count;
};

/* on_delete "set", on_filter_exit "set". */
struct dw_writer_table_flag {
    struct dw_writer_table_columns columns;     /* keys and its column; empty: not used */
    struct dw_value values[DW_TABLE_EXTRA_MAX]; /* of a flagged row, per extra column */
};

struct dw_writer_table {
    struct dw_writer *writer;
    const struct dw_table_map *map; /* borrowed */
    struct dw_arena arena;
    const struct dw_pg_table *catalogue;
    struct dw_merge_table merge; /* the map's columns, then extra ones: those of flags */
    struct dw_writer_table_columns all, keys;
    int16_t *key_of; /* per column: place in target.key, -1 none */
    struct dw_writer_table_flag deleted, exited;
    struct dw_value live[DW_TABLE_EXTRA_MAX]; /* of every other row, per extra column */
    struct dw_arena watch_arena;              /* of what follows */
    struct dw_stale_watch *watches;
    const char *watch_look;
    struct dw_stale_row *watched; /* of the changes in hand, in the batch's arena */
    struct dw_lookup_resolve *lookups;
    size_t lookup_count;
    struct dw_parents_reference *parents; /* foreign keys that have refused a row */
    bool shared;                          /* rows have owners */
    struct dw_str relation;               /* its name in dualwrite.owner */
    bool referenced;                      /* by a foreign key of another table */
    bool acts_on_delete;                  /* such a one changes or deletes that table's rows */
    bool acts_on_update;                  /* … sets them null or to their default */
    bool deferred;                        /* has constraints that are checked at commit */
    bool copyable;                        /* COPY does to it what INSERT does */
    struct dw_straight straight;
    int64_t patience_ms; /* of the next TRUNCATE with locks */
    uint64_t session;    /* of the writer, when the following was made */
    bool stage_exists;
    bool prepared[DW_TABLE_STATEMENTS];
    struct dw_exchange_statement statements[DW_TABLE_STATEMENTS];
};

/* Forgets what belonged to an earlier connection. */
void dw_writer_table_refresh(struct dw_writer_table *table);
/* Makes the staging table when this session has none. In a transaction. */
enum dw_rc dw_writer_table_stage(struct dw_writer_table *table, struct dw_err *err) DW_MUST_CHECK;
/* Schema and table of a constraint's other side: what a row that violates it waits for. */
void dw_writer_table_parent(const struct dw_writer_table *table, const struct pg_result *failure,
                            struct dw_arena *arena, struct dw_str *out_schema,
                            struct dw_str *out_table);

#endif
