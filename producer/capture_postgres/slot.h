/* slot.h - publication and replication slot: look, make what is missing, start the stream.
 *
 * The publication has to be there before the slot: decoding looks it up in the catalogue of the
 * moment decoded. Calls block. Errors: DW_RETRY for outages, DW_CONFIG with the SQL to run.
 */
#ifndef DW_CAPTURE_POSTGRES_SLOT_H
#define DW_CAPTURE_POSTGRES_SLOT_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/config/settings.h"
#include <stdbool.h>
#include <stdint.h>

struct pg_conn;

struct dw_slot_server { /* by IDENTIFY_SYSTEM, on a replication connection */
    char system_identifier[24];
    uint32_t timeline;
    uint64_t lsn;
    char database[64];
};

enum dw_rc dw_slot_identify(struct pg_conn *replication, struct dw_slot_server *out,
                            struct dw_err *err) DW_MUST_CHECK;

struct dw_slot_state {
    bool exists;
    bool active; /* somebody streams from it */
    bool lost;
    uint64_t confirmed_lsn;
    uint64_t retained_bytes;
    int64_t wal_safe_bytes;  /* until the server drops the slot; -1 no limit */
    int64_t wal_limit_bytes; /* max_slot_wal_keep_size; -1 none */
    uint64_t server_lsn;     /* end of WAL when we looked, slot or not */
};

/* DW_CONFIG DW-CAPTURE-040 when a slot of that name is not one of pgoutput in this database. */
enum dw_rc dw_slot_look(struct pg_conn *conn, const char *slot, struct dw_slot_state *out,
                        struct dw_err *err) DW_MUST_CHECK;
/* DW_RETRY DW-CAPTURE-041 when running transactions hold it up for too long (they are named). */
enum dw_rc dw_slot_create(struct pg_conn *conn, const char *slot, struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_slot_drop(struct pg_conn *conn, const char *slot, struct dw_err *err) DW_MUST_CHECK;

/* Makes the publication when it is missing; DW_CONFIG DW-CAPTURE-042 when it is one that would hide
 * changes, or may not be made. */
enum dw_rc dw_slot_ensure_publication(struct pg_conn *conn, const char *publication,
                                      bool *out_created, struct dw_err *err) DW_MUST_CHECK;

/* The tables whose changes are published under their own names. */
struct dw_slot_table {
    struct dw_str schema, table;
    uint32_t oid;
};
struct dw_slot_tables {
    struct dw_slot_table *items; /* in an order of our own */
    size_t count;
};
/* Everything in `arena`. */
enum dw_rc dw_slot_tables(struct pg_conn *conn, const char *publication, struct dw_arena *arena,
                          struct dw_slot_tables *out, struct dw_err *err) DW_MUST_CHECK;
/* 0: it is not among them. */
uint32_t dw_slot_table_oid(const struct dw_slot_tables *tables, struct dw_str schema,
                           struct dw_str table);
/* Adds a table to the publication. DW_CONFIG DW-CAPTURE-043 when that is not allowed, would make
 * the application's own updates fail. It may have no effect (a partition of a published table). */
enum dw_rc dw_slot_add_table(struct pg_conn *conn, const char *publication, struct dw_str schema,
                             struct dw_str table, struct dw_err *err) DW_MUST_CHECK;

/* START_REPLICATION from the slot's own position. DW_RETRY with sqlstate 55006: another producer
 * has the slot. */
enum dw_rc dw_slot_start(struct pg_conn *replication, const char *slot, const char *publication,
                         struct dw_err *err) DW_MUST_CHECK;

#endif
