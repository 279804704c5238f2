/* slot.c - see slot.h. */
#include "producer/capture_postgres/slot.h"

#include "common/base/buf.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_table.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

/* A slot waits for every transaction that runs when it is made. */
#define CREATE_TIMEOUT "60s"

static bool flag(const PGresult *result, int column)
{
    return PQgetvalue(result, 0, column)[0] == 't';
}

static uint64_t lsn(const PGresult *result, int column)
{
    uint64_t value = 0;
    (void)dw_pg_parse_lsn(PQgetvalue(result, 0, column), &value); /* a null is 0 */
    return value;
}

enum dw_rc dw_slot_identify(PGconn *replication, struct dw_slot_server *out, struct dw_err *err)
{
    PGresult *result = PQexec(replication, "IDENTIFY_SYSTEM");
    enum dw_rc rc = DW_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
        rc = dw_pg_error(replication, result, "DW-CAPTURE-044", err);
    } else {
        (void)snprintf(out->system_identifier, sizeof out->system_identifier, "%s",
                       PQgetvalue(result, 0, 0));
        out->timeline = (uint32_t)strtoul(PQgetvalue(result, 0, 1), NULL, 10);
        out->lsn = lsn(result, 2);
        (void)snprintf(out->database, sizeof out->database, "%s", PQgetvalue(result, 0, 3));
    }
    PQclear(result);
    return rc;
}

enum dw_rc dw_slot_look(PGconn *conn, const char *slot, struct dw_slot_state *out,
                        struct dw_err *err)
{
    /* invalidation_reason came with PostgreSQL 17: to_jsonb finds it where it is. */
    static const char sql[] =
        "SELECT plugin = 'pgoutput' AND database = current_database(), active,"
        " coalesce(wal_status = 'lost', false)"
        "  OR to_jsonb(s) ->> 'invalidation_reason' IS NOT NULL,"
        " confirmed_flush_lsn, greatest(0, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)),"
        " pg_current_wal_flush_lsn(), slot_name IS NOT NULL, coalesce(safe_wal_size, -1),"
        " (SELECT CASE WHEN setting::bigint < 0 THEN -1 ELSE setting::bigint * 1048576 END"
        "  FROM pg_settings WHERE name = 'max_slot_wal_keep_size')"
        " FROM (SELECT) one LEFT JOIN pg_replication_slots s ON slot_name = $1";
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, sql, 1, &slot, &result, err);
    if (rc != DW_OK)
        return rc;
    *out = (struct dw_slot_state){.exists = flag(result, 6), .server_lsn = lsn(result, 5)};
    if (out->exists) {
        out->active = flag(result, 1);
        out->lost = flag(result, 2);
        out->confirmed_lsn = lsn(result, 3);
        out->retained_bytes = strtoull(PQgetvalue(result, 0, 4), NULL, 10);
        out->wal_safe_bytes = strtoll(PQgetvalue(result, 0, 7), NULL, 10);
        out->wal_limit_bytes = strtoll(PQgetvalue(result, 0, 8), NULL, 10);
        if (!flag(result, 0))
            rc = dw_err_set(err, DW_CONFIG, "DW-CAPTURE-040",
                            "the replication slot \"%s\" is not one of pgoutput in this database; "
                            "choose another name or drop it",
                            slot);
    }
    PQclear(result);
    return rc;
}

/* Who holds up the slot: the oldest transactions. */
static enum dw_rc blocked(PGconn *conn, const char *slot, struct dw_err *err)
{
    static const char sql[] =
        "SELECT string_agg(format('pid %s (%s, %s, since %s)', pid, usename, state, xact_start),"
        " ', ' ORDER BY xact_start) FROM (SELECT * FROM pg_stat_activity WHERE backend_xid IS NOT "
        "NULL AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 3) a";
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, sql, 0, NULL, &result, err);
    if (rc != DW_OK)
        return rc;
    rc = dw_err_set(err, DW_RETRY, "DW-CAPTURE-041",
                    "the replication slot \"%s\" waits for running transactions: %s", slot,
                    PQgetisnull(result, 0, 0) ? "(ended by now)" : PQgetvalue(result, 0, 0));
    PQclear(result);
    return rc;
}

enum dw_rc dw_slot_create(PGconn *conn, const char *slot, struct dw_err *err)
{
    enum dw_rc rc = dw_pg_exec(conn, "SET statement_timeout = '" CREATE_TIMEOUT "'", err);
    if (rc != DW_OK)
        return rc;
    PGresult *result = NULL;
    rc = dw_pg_query(conn, "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", 1, &slot,
                     &result, err);
    PQclear(result);
    if (rc != DW_OK && err && strcmp(err->sqlstate, "57014") == 0)
        rc = blocked(conn, slot, err);
    else if (rc == DW_CONFIG)
        dw_err_add_context(err, "SELECT pg_create_logical_replication_slot('%s', 'pgoutput')",
                           slot);
    struct dw_err ignored = DW_ERR_INIT; /* a connection that is gone shows at the next statement */
    if (dw_pg_exec(conn, "RESET statement_timeout", &ignored) != DW_OK)
        return rc;
    return rc;
}

enum dw_rc dw_slot_drop(PGconn *conn, const char *slot, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc =
        dw_pg_query(conn, "SELECT pg_drop_replication_slot($1)", 1, &slot, &result, err);
    PQclear(result);
    return rc;
}

/* Runs DDL; a refusal tells what somebody with the privilege has to run. */
static enum dw_rc run_ddl(PGconn *conn, const struct dw_buf *sql, const char *id,
                          struct dw_err *err)
{
    enum dw_rc rc = dw_pg_exec(conn, sql->data, err);
    if (rc == DW_CONFIG) {
        struct dw_err cause = *err;
        (void)dw_err_set(err, DW_CONFIG, id, "%s; run it as the owner: %s", cause.message,
                         sql->data);
        memcpy(err->sqlstate, cause.sqlstate, sizeof err->sqlstate);
    }
    return rc;
}

static enum dw_rc create_publication(PGconn *conn, const char *publication, struct dw_err *err)
{
    struct dw_buf sql;
    dw_buf_init(&sql, 4096);
    dw_buf_append_text(&sql, "CREATE PUBLICATION ");
    dw_pg_quote_name(&sql, dw_str_from(publication));
    dw_buf_append_text(&sql, " WITH (publish = 'insert, update, delete, truncate',"
                             " publish_via_partition_root = true)");
    enum dw_rc rc = run_ddl(conn, &sql, "DW-CAPTURE-042", err);
    /* Another producer may have been faster. */
    if (rc == DW_CONFIG && strcmp(err->sqlstate, "42710") == 0)
        rc = DW_OK;
    dw_buf_done(&sql);
    return rc;
}

enum dw_rc dw_slot_ensure_publication(PGconn *conn, const char *publication, bool *out_created,
                                      struct dw_err *err)
{
    /* Without publish_via_partition_root a partition's changes come under its own name, not its
     * root's; where nothing is partitioned it does not matter. */
    static const char sql[] =
        "SELECT p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate,"
        " p.pubviaroot OR NOT EXISTS (SELECT FROM pg_publication_tables t"
        "  JOIN pg_namespace n ON n.nspname = t.schemaname"
        "  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename"
        "  WHERE t.pubname = p.pubname AND c.relispartition)"
        " FROM pg_publication p WHERE p.pubname = $1";
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, sql, 1, &publication, &result, err);
    if (rc != DW_OK)
        return rc;
    *out_created = PQntuples(result) == 0;
    if (*out_created)
        rc = create_publication(conn, publication, err);
    else if (!flag(result, 0) || !flag(result, 1))
        rc = dw_err_set(err, DW_CONFIG, "DW-CAPTURE-042",
                        "the publication \"%s\" hides changes; run: ALTER PUBLICATION \"%s\" SET "
                        "(publish = 'insert, update, delete, truncate', "
                        "publish_via_partition_root = true)",
                        publication, publication);
    PQclear(result);
    return rc;
}

static enum dw_rc check_identity(PGconn *conn, const char *publication, struct dw_str schema,
                                 struct dw_str table, struct dw_err *err)
{
    struct dw_arena arena;
    const struct dw_pg_table *found = NULL;
    dw_arena_init(&arena, 16384);
    enum dw_rc rc = dw_pg_table_load(conn, schema, table, &arena, &found, err);
    bool identified = false;
    for (size_t i = 0; rc == DW_OK && i < found->index_count; i++)
        identified = identified || (found->replica_identity == 'd' && found->indexes[i].primary) ||
                     (found->replica_identity == 'i' && found->indexes[i].replica_identity);
    if (rc == DW_OK && found->replica_identity != 'f' && !identified)
        rc = dw_err_set(err, DW_CONFIG, "DW-CAPTURE-043",
                        "table %.*s.%.*s has no replica identity: in the publication \"%s\" the "
                        "application's own updates and deletes would fail; add a primary key or "
                        "run: ALTER TABLE … REPLICA IDENTITY FULL",
                        DW_STR_ARG(schema), DW_STR_ARG(table), publication);
    dw_arena_done(&arena);
    return rc;
}

enum dw_rc dw_slot_add_table(PGconn *conn, const char *publication, struct dw_str schema,
                             struct dw_str table, struct dw_err *err)
{
    enum dw_rc rc = check_identity(conn, publication, schema, table, err);
    if (rc != DW_OK)
        return rc;
    struct dw_buf sql;
    dw_buf_init(&sql, 4096);
    dw_buf_append_text(&sql, "ALTER PUBLICATION ");
    dw_pg_quote_name(&sql, dw_str_from(publication));
    dw_buf_append_text(&sql, " ADD TABLE ");
    dw_pg_quote_table(&sql, schema, table);
    rc = run_ddl(conn, &sql, "DW-CAPTURE-043", err);
    if (rc == DW_CONFIG && strcmp(err->sqlstate, "42710") == 0)
        rc = DW_OK;
    dw_buf_done(&sql);
    return rc;
}

static int compare_text(struct dw_str a, struct dw_str b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return memcmp(a.ptr, b.ptr, a.len);
}

static int compare_tables(const void *left, const void *right)
{
    const struct dw_slot_table *a = left;
    const struct dw_slot_table *b = right;
    int order = compare_text(a->table, b->table);
    return order ? order : compare_text(a->schema, b->schema);
}

enum dw_rc dw_slot_tables(PGconn *conn, const char *publication, struct dw_arena *arena,
                          struct dw_slot_tables *out, struct dw_err *err)
{
    static const char sql[] = "SELECT t.schemaname, t.tablename, c.oid"
                              " FROM pg_publication_tables t"
                              " JOIN pg_namespace n ON n.nspname = t.schemaname"
                              " JOIN pg_class c ON c.relnamespace = n.oid"
                              "  AND c.relname = t.tablename WHERE t.pubname = $1";
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, sql, 1, &publication, &result, err);
    if (rc != DW_OK)
        return rc;
    out->count = (size_t)PQntuples(result);
    out->items = DW_ARENA_ARRAY(arena, struct dw_slot_table, out->count + 1);
    for (size_t i = 0; i < out->count; i++) {
        struct dw_slot_table *table = &out->items[i];
        table->schema = dw_arena_copy(arena, dw_str_from(PQgetvalue(result, (int)i, 0)));
        table->table = dw_arena_copy(arena, dw_str_from(PQgetvalue(result, (int)i, 1)));
        table->oid = (uint32_t)strtoul(PQgetvalue(result, (int)i, 2), NULL, 10);
    }
    PQclear(result);
    qsort(out->items, out->count, sizeof *out->items, compare_tables);
    return DW_OK;
}

uint32_t dw_slot_table_oid(const struct dw_slot_tables *tables, struct dw_str schema,
                           struct dw_str table)
{
    struct dw_slot_table key = {.schema = schema, .table = table};
    const struct dw_slot_table *found =
        tables->count ? bsearch(&key, tables->items, tables->count, sizeof key, compare_tables)
                      : NULL;
    return found ? found->oid : 0;
}

enum dw_rc dw_slot_start(PGconn *replication, const char *slot, const char *publication,
                         struct dw_err *err)
{
    struct dw_buf sql;
    dw_buf_init(&sql, 4096);
    dw_buf_append_text(&sql, "START_REPLICATION SLOT ");
    dw_pg_quote_name(&sql, dw_str_from(slot));
    dw_buf_append_text(&sql,
                       " LOGICAL 0/0 (proto_version '1', messages 'true', publication_names ");
    /* The list holds identifiers, within a literal. */
    struct dw_buf name;
    dw_buf_init(&name, 1024);
    dw_pg_quote_name(&name, dw_str_from(publication));
    char *literal = PQescapeLiteral(replication, name.data, name.len);
    dw_buf_append_text(&sql, literal ? literal : "''");
    dw_buf_append_char(&sql, ')');
    PGresult *result = PQexec(replication, sql.data);
    enum dw_rc rc = DW_OK;
    if (PQresultStatus(result) != PGRES_COPY_BOTH)
        rc = dw_pg_error(replication, result, "DW-CAPTURE-045", err);
    PQclear(result);
    PQfreemem(literal);
    dw_buf_done(&name);
    dw_buf_done(&sql);
    return rc;
}
