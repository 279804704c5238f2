/* target_schema.c - see target_schema.h. */
#include "consumer/write_postgres/target_schema.h"

#include "common/postgres/pg.h"
#include "embed/dw_write_postgres.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

/* Names the advisory lock that keeps two workers from making the schema at once. */
#define LOCK_SQL "SELECT pg_advisory_xact_lock(hashtextextended('dualwrite.target_schema', 0))"

static enum dw_rc query_text(PGconn *conn, const char *sql, char *out, size_t size,
                             struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, sql, 0, NULL, &result, err);
    if (rc != DW_OK)
        return rc;
    (void)snprintf(out, size, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return DW_OK;
}

static enum dw_rc create(PGconn *conn, struct dw_err *err)
{
    enum dw_rc rc = dw_pg_exec(conn, "BEGIN; " LOCK_SQL, err);
    if (rc == DW_OK)
        rc = dw_pg_exec(conn, (const char *)dw_embed_target_schema_sql, err);
    if (rc == DW_OK)
        return dw_pg_exec(conn, "COMMIT", err);
    struct dw_err cause = *err;
    struct dw_err ignored; /* the first error counts */
    if (dw_pg_exec(conn, "ROLLBACK", &ignored) != DW_OK || strcmp(cause.sqlstate, "42501") != 0)
        return rc;
    return dw_err_set(err, DW_CONFIG, "DW-APPLY-005",
                      "the schema \"dualwrite\" is missing and may not be created; as the "
                      "database's owner run: GRANT CREATE ON DATABASE \"%s\" TO \"%s\"",
                      PQdb(conn), PQuser(conn));
}

enum dw_rc dw_target_schema_ensure(PGconn *conn, struct dw_err *err)
{
    char version[16];
    enum dw_rc rc = query_text(conn,
                               "SELECT to_regclass('dualwrite.missed') IS NOT NULL"
                               " AND to_regclass('dualwrite.generation') IS NOT NULL"
                               " AND to_regclass('dualwrite.held_end') IS NOT NULL"
                               " AND to_regclass('dualwrite.verdict') IS NOT NULL",
                               version, sizeof version, err);
    if (rc == DW_OK && version[0] != 't')
        rc = create(conn, err);
    if (rc == DW_OK)
        rc = query_text(conn, "SELECT schema_version FROM dualwrite.target", version,
                        sizeof version, err);
    if (rc != DW_OK)
        return rc;
    if (atoi(version) > DW_TARGET_SCHEMA_VERSION)
        return dw_err_set(err, DW_CONFIG, "DW-APPLY-006",
                          "the schema \"dualwrite\" has version %s, this worker knows %d", version,
                          DW_TARGET_SCHEMA_VERSION);
    return DW_OK;
}

enum dw_rc dw_target_schema_incarnation(PGconn *conn, char *out_incarnation, struct dw_err *err)
{
    return query_text(conn, "SELECT incarnation FROM dualwrite.target", out_incarnation, 37, err);
}

enum dw_rc dw_target_schema_new_incarnation(PGconn *conn, char *out_incarnation, struct dw_err *err)
{
    return query_text(conn,
                      "UPDATE dualwrite.target SET incarnation = gen_random_uuid()"
                      " RETURNING incarnation",
                      out_incarnation, 37, err);
}
