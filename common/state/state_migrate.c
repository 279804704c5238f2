/* state_migrate.c - brings the schema of the state database up to this program's.
 *
 * Every process does it at connect: a look without a lock when nothing is to be done, else one by
 * one under an advisory lock, each migration and its row in one transaction.
 */
#include "common/state/state_migrate.h"

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/postgres/pg.h"
#include "common/state/state_db.h"
#include "embed/dw_state.h"
#include <stdio.h>
#include <stdlib.h>

/* Session locks of this product: 0x6477 is "dw". */
#define MIGRATION_LOCK "SELECT pg_advisory_lock(25719, 1)"
#define MIGRATION_FREE "SELECT pg_advisory_unlock(25719, 1)"

#define MIGRATION(number, name, bytes)                                                             \
    {                                                                                              \
        number, name,                                                                              \
        {                                                                                          \
            (const char *)(bytes), sizeof(bytes) - 1                                               \
        }                                                                                          \
    }

static const struct dw_state_migration migrations[] = {
    MIGRATION(1, "maps", dw_embed_001_maps_sql),
    MIGRATION(2, "positions", dw_embed_002_positions_sql),
    MIGRATION(3, "dead_letters", dw_embed_003_dead_letters_sql),
    MIGRATION(4, "sync", dw_embed_004_sync_sql),
    MIGRATION(5, "life", dw_embed_005_life_sql),
    MIGRATION(7, "stream", dw_embed_007_stream_sql),
    MIGRATION(8, "generations", dw_embed_008_generations_sql),
    MIGRATION(9, "sync_filter", dw_embed_009_sync_filter_sql),
    MIGRATION(10, "letters", dw_embed_010_letters_sql),
    MIGRATION(11, "reconcile", dw_embed_011_reconcile_sql),
    MIGRATION(12, "requests", dw_embed_012_requests_sql),
    MIGRATION(13, "alerts", dw_embed_013_alerts_sql),
    MIGRATION(14, "digest", dw_embed_014_digest_sql),
    MIGRATION(15, "gap_accept", dw_embed_015_gap_accept_sql),
    MIGRATION(16, "compare_since", dw_embed_016_compare_since_sql),
    MIGRATION(17, "letter_retry", dw_embed_017_letter_retry_sql),
    MIGRATION(18, "digest_died", dw_embed_018_digest_died_sql),
    MIGRATION(19, "compare_policy", dw_embed_019_compare_policy_sql),
    MIGRATION(20, "alert_standing", dw_embed_020_alert_standing_sql),
    MIGRATION(21, "sync_applied", dw_embed_021_sync_applied_sql),
    MIGRATION(22, "difference_letter", dw_embed_022_difference_letter_sql),
    MIGRATION(23, "alert_told", dw_embed_023_alert_told_sql),
    MIGRATION(24, "letter_version", dw_embed_024_letter_version_sql),
    MIGRATION(25, "sync_unclaimed", dw_embed_025_sync_unclaimed_sql),
};
#define MIGRATION_COUNT (sizeof migrations / sizeof *migrations)

const struct dw_state_migration *dw_state_migrate_list(size_t *out_count)
{
    *out_count = MIGRATION_COUNT;
    return migrations;
}

const char *dw_state_migrate_checksum(const struct dw_state_migration *migration, char out[65])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[32];
    dw_hash_sha256(migration->sql.ptr, migration->sql.len, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[64] = '\0';
    return out;
}

/* Compares what was applied with what we have; *out_next: index of the first one missing. */
static enum dw_rc compare_applied(const PGresult *applied, size_t *out_next, struct dw_err *err)
{
    int rows = PQntuples(applied);
    for (int i = 0; i < rows; i++) {
        int number = atoi(PQgetvalue(applied, i, 0));
        if ((size_t)i >= MIGRATION_COUNT || number != migrations[i].number)
            return dw_err_set(err, DW_CONFIG, "DW-STATE-001",
                              "the state database is at migration %d (%s), this program knows %zu",
                              number, PQgetvalue(applied, i, 1), MIGRATION_COUNT);
        char checksum[65];
        if (strcmp(PQgetvalue(applied, i, 2),
                   dw_state_migrate_checksum(&migrations[i], checksum)) != 0)
            return dw_err_set(err, DW_CONFIG, "DW-STATE-002",
                              "migration %d (%s) was applied to the state database in another form",
                              number, migrations[i].name);
    }
    *out_next = (size_t)rows;
    return DW_OK;
}

static enum dw_rc find_next(PGconn *conn, size_t *out_next, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(conn, "SELECT to_regclass('dualwrite.migration') IS NOT NULL", 0,
                                NULL, &result, err);
    if (rc)
        return rc;
    bool exists = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    if (!exists) {
        *out_next = 0;
        return DW_OK;
    }
    rc = dw_pg_query(conn, "SELECT number, name, checksum FROM dualwrite.migration ORDER BY number",
                     0, NULL, &result, err);
    if (rc)
        return rc;
    rc = compare_applied(result, out_next, err);
    PQclear(result);
    return rc;
}

static enum dw_rc apply_one(PGconn *conn, const struct dw_state_migration *migration,
                            struct dw_err *err)
{
    char number[24];
    char checksum[65];
    const char *params[] = {dw_state_db_i64(migration->number, number), migration->name,
                            dw_state_migrate_checksum(migration, checksum)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_exec(conn, "BEGIN", err);
    if (!rc)
        rc = dw_pg_exec(conn, migration->sql.ptr, err);
    if (!rc)
        rc = dw_pg_query(conn,
                         "INSERT INTO dualwrite.migration (number, name, checksum)"
                         " VALUES ($1, $2, $3)",
                         3, params, &result, err);
    PQclear(result);
    if (!rc)
        rc = dw_pg_exec(conn, "COMMIT", err);
    if (rc) {
        PQclear(PQexec(conn, "ROLLBACK")); /* the first error is the one to tell */
        dw_err_add_context(err, "migration %d (%s) of the state database", migration->number,
                           migration->name);
    }
    return rc;
}

enum dw_rc dw_state_migrate_run(PGconn *conn, struct dw_err *err)
{
    size_t next = 0;
    enum dw_rc rc = find_next(conn, &next, err);
    if (rc || next == MIGRATION_COUNT)
        return rc;
    rc = dw_pg_exec(conn, MIGRATION_LOCK, err);
    if (rc)
        return rc;
    rc = find_next(conn, &next, err); /* somebody may have done it while we waited */
    while (!rc && next < MIGRATION_COUNT)
        rc = apply_one(conn, &migrations[next++], err);
    PQclear(PQexec(conn, MIGRATION_FREE)); /* a lost connection has freed it already */
    return rc;
}
