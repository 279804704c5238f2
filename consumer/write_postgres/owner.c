/* owner.c - see owner.h. */
#include "consumer/write_postgres/owner.h"

#include "common/postgres/pg.h"
#include "consumer/write_postgres/writer_table.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define STAGED_CLAIMS                                                                              \
    20 /* from here on: what is sent behind the fence has to stay small (trap 9) */

struct owner { /* of a key, as the batch goes on */
    struct dw_str map;
    struct dw_version version;
};

/* ---- looking ---- */

static enum dw_rc query(struct dw_writer *writer, const char *sql, PGresult **out,
                        struct dw_err *err)
{
    const struct dw_exchange_params params = dw_rows_array_params(&writer->arrays);
    PGresult *result = PQexecParams(writer->conn, sql, params.count, params.types, params.values,
                                    params.lengths, params.formats, 0);
    if (PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK) {
        *out = result;
        return DW_OK;
    }
    enum dw_rc rc = dw_writer_session_error(writer, result, err);
    PQclear(result);
    return rc == DW_REJECT ? DW_CONFIG : rc; /* our own table: no matter of a row */
}

static void put_relation(struct dw_writer_table *table)
{
    dw_rows_array_reset(&table->writer->arrays);
    dw_rows_array_text(&table->writer->arrays, table->relation);
}

/* The first field of a query about the table. */
static enum dw_rc ask(struct dw_writer_table *table, const char *sql, bool *out, struct dw_err *err)
{
    PGresult *result = NULL;
    put_relation(table);
    enum dw_rc rc = query(table->writer, sql, &result, err);
    if (rc == DW_OK)
        *out = PQntuples(result) > 0 && *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    return rc;
}

enum dw_rc dw_owner_known(struct dw_writer_table *table, bool *out_known, struct dw_err *err)
{
    bool exists = false; /* the first claim of a partition makes it */
    bool ignored;
    enum dw_rc rc =
        ask(table, "SELECT to_regclass('dualwrite.owner') IS NOT NULL AND $1::text <> ''", &exists,
            err);
    if (rc != DW_OK || !exists)
        return rc;
    rc = ask(table,
             "DELETE FROM dualwrite.owner WHERE relation = $1::text AND gone > 0"
             " AND at < now() - interval '1 day'",
             &ignored, err);
    return rc == DW_OK
               ? ask(table, "SELECT EXISTS (SELECT FROM dualwrite.owner WHERE relation = $1::text)",
                     out_known, err)
               : rc;
}

static bool read_owner(const PGresult *result, int row, struct dw_arena *arena, struct owner *out)
{
    out->map = dw_arena_copy(arena, dw_str_from(PQgetvalue(result, row, 1)));
    out->version.epoch = (uint32_t)strtoul(PQgetvalue(result, row, 2), NULL, 10);
    out->version.ordinal = strtoull(PQgetvalue(result, row, 4), NULL, 10);
    return dw_pg_parse_lsn(PQgetvalue(result, row, 3), &out->version.commit_lsn);
}

/* Fills `owners` with those of the changes' keys. */
static enum dw_rc look(struct dw_writer_table *table, struct dw_change *const *changes,
                       size_t count, struct dw_arena *arena, struct dw_table *owners,
                       struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    PGresult *result = NULL;
    put_relation(table);
    struct dw_buf *keys = dw_rows_array_open(&writer->arrays, count);
    for (size_t i = 0; i < count; i++)
        dw_rows_array_put(keys, changes[i]->key_text);
    enum dw_rc rc =
        query(writer,
              "SELECT k.n, o.map, o.epoch, o.commit_lsn, o.ordinal FROM unnest($2::text[])"
              " WITH ORDINALITY AS k(key, n) JOIN dualwrite.owner o ON o.relation = $1::text"
              " AND o.key = sha256(convert_to(k.key, 'UTF8'))",
              &result, err);
    for (int row = 0; rc == DW_OK && row < PQntuples(result); row++) {
        size_t at = strtoul(PQgetvalue(result, row, 0), NULL, 10);
        struct owner *owner = DW_ARENA_NEW(arena, struct owner);
        if (!read_owner(result, row, arena, owner) || at < 1 || at > count)
            rc = dw_err_set(err, DW_FATAL, "DW-APPLY-021", "an unreadable row of dualwrite.owner");
        else
            *dw_table_place(owners, changes[at - 1]->key_text) = owner;
    }
    PQclear(result);
    return rc;
}

/* ---- sifting ---- */

/* May the change of this map be made, as the row's owner stands? */
static bool is_ours(const struct dw_change *change, const struct owner *owner, struct dw_str map)
{
    if (!owner)
        return !change->unsure;
    if (dw_str_equal(owner->map, map))
        return true;
    return change->kind == DW_CHANGE_UPSERT &&
           dw_version_compare(&owner->version, &change->version) <= 0;
}

static void take_over(struct dw_table *owners, const struct dw_change *change, struct dw_str map,
                      struct dw_arena *arena)
{
    void **place = dw_table_place(owners, change->key_text);
    struct owner *owner = DW_ARENA_NEW(arena, struct owner);
    *owner = (struct owner){map, change->version};
    *place = owner;
}

enum dw_rc dw_owner_sift(struct dw_writer_table *table, struct dw_change *const *changes,
                         size_t count, struct dw_change **out, size_t *out_count,
                         struct dw_err *err)
{
    struct dw_arena arena;
    struct dw_table owners;
    struct dw_str map = table->map->name;
    dw_arena_init(&arena, 16384);
    dw_table_init(&owners);
    *out_count = 0;
    enum dw_rc rc = look(table, changes, count, &arena, &owners, err);
    for (size_t i = 0; rc == DW_OK && i < count; i++) {
        struct dw_change *change = changes[i];
        if (is_ours(change, dw_table_find(&owners, change->key_text), map)) {
            take_over(&owners, change, map, &arena);
            out[(*out_count)++] = change;
        } else {
            change->outcome =
                change->kind == DW_CHANGE_UPSERT ? DW_OUTCOME_SUPERSEDED : DW_OUTCOME_FILTERED;
        }
    }
    dw_table_done(&owners);
    dw_arena_done(&arena);
    return rc;
}

/* ---- claiming ---- */

#define CARRIER_COLUMNS "key, epoch, commit_lsn, ordinal, gone"

bool dw_owner_wants_stage(const struct dw_writer_table *table, const struct dw_coalesce_plan *plan)
{
    return table->shared && !table->writer->no_stage && plan->op_count >= STAGED_CLAIMS;
}

/* The version of a row that was only seen to be outside says nothing of when it left: as a claim it
 * would outrank the event by which it came into another map's filter before. */
static struct dw_version claim_of(const struct dw_coalesce_op *op)
{
    bool undated = op->kind == DW_COALESCE_DELETE && !op->written && op->last->undated;
    return undated ? (struct dw_version){0} : op->last->version;
}

/* Only an owner removes a row; one that wrote it in the same batch is. */
static const char *gone_of(const struct dw_coalesce_op *op)
{
    if (op->kind != DW_COALESCE_DELETE)
        return "0";
    return op->written ? "2" : "1";
}

static void put_copied(struct dw_buf *out, struct dw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i]; /* JSON: control characters are escaped already */
        if (c == '\\')
            dw_buf_append_char(out, '\\');
        dw_buf_append_char(out, c);
    }
}

static void put_line(struct dw_buf *out, const struct dw_coalesce_op *op)
{
    char lsn[24];
    const struct dw_version version = claim_of(op);
    put_copied(out, op->last->key_text);
    dw_buf_printf(out, "\t%lu\t%s\t%llu\t%s\n", (unsigned long)version.epoch,
                  dw_pg_format_lsn(version.commit_lsn, lsn), (unsigned long long)version.ordinal,
                  gone_of(op));
}

enum dw_rc dw_owner_stage(struct dw_writer_table *table, const struct dw_coalesce_plan *plan,
                          struct dw_err *err)
{
    static const char sql[] =
        "SET LOCAL client_min_messages = warning; CREATE TEMP TABLE IF NOT EXISTS dw_owner"
        " (key text, epoch bigint, commit_lsn pg_lsn, ordinal bigint, gone smallint) ON COMMIT"
        " DELETE ROWS; COPY pg_temp.dw_owner (" CARRIER_COLUMNS ") FROM STDIN";
    struct dw_writer *writer = table->writer;
    PGresult *result = PQexec(writer->conn, sql);
    if (PQresultStatus(result) == PGRES_COPY_IN) {
        PQclear(result);
        dw_buf_reset(&writer->copy, 65536);
        for (size_t i = 0; i < plan->op_count; i++)
            put_line(&writer->copy, &plan->ops[i]);
        (void)PQputCopyData(writer->conn, writer->copy.data, (int)writer->copy.len);
        (void)PQputCopyEnd(writer->conn, NULL); /* the result tells both */
        result = NULL;
        for (PGresult *next; (next = PQgetResult(writer->conn)); result = next)
            PQclear(result);
    }
    enum dw_rc rc = PQresultStatus(result) == PGRES_COMMAND_OK
                        ? DW_OK
                        : dw_writer_session_error(writer, result, err);
    PQclear(result);
    return rc == DW_REJECT ? DW_CONFIG : rc;
}

static void put_claims(struct dw_rows_array *arrays, const struct dw_coalesce_plan *plan)
{
    struct dw_buf *columns[5];
    const size_t column_count = sizeof columns / sizeof *columns;
    char text[24];
    for (size_t i = 0; i < column_count; i++)
        (void)dw_rows_array_open(arrays, plan->op_count);
    for (size_t i = 0; i < column_count; i++)
        columns[i] = &arrays->buffers[arrays->count - column_count + i];
    for (size_t i = 0; i < plan->op_count; i++) {
        const struct dw_coalesce_op *op = &plan->ops[i];
        const struct dw_version version = claim_of(op);
        dw_rows_array_put(columns[0], op->last->key_text);
        (void)snprintf(text, sizeof text, "%lu", (unsigned long)version.epoch);
        dw_rows_array_put(columns[1], dw_str_from(text));
        dw_rows_array_put(columns[2], dw_str_from(dw_pg_format_lsn(version.commit_lsn, text)));
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)version.ordinal);
        dw_rows_array_put(columns[3], dw_str_from(text));
        dw_rows_array_put(columns[4], dw_str_from(gone_of(op)));
    }
}

void dw_owner_send(struct dw_writer_table *table, const struct dw_coalesce_plan *plan, bool staged)
{
    struct dw_writer *writer = table->writer;
    char count[24];
    if (!table->shared || !plan->op_count)
        return;
    (void)snprintf(count, sizeof count, "%zu", plan->op_count);
    put_relation(table);
    dw_rows_array_text(&writer->arrays, table->map->name);
    dw_rows_array_text(&writer->arrays, dw_str_from(count));
    if (!staged)
        put_claims(&writer->arrays, plan);
    dw_buf_reset(&writer->sql, 65536);
    dw_buf_printf(
        &writer->sql,
        "WITH claimed AS (INSERT INTO dualwrite.owner AS o (relation, map, " CARRIER_COLUMNS ")"
        " SELECT $1::text, $2::text, sha256(convert_to(c.key, 'UTF8')), c.epoch::bigint,"
        " c.commit_lsn::pg_lsn, c.ordinal::bigint, c.gone::smallint FROM %s ORDER BY 3"
        " ON CONFLICT (relation, key) DO UPDATE SET map = EXCLUDED.map,"
        /* what is undated leaves the owner's version as it is */
        " epoch = CASE WHEN EXCLUDED.epoch > 0 THEN EXCLUDED.epoch ELSE o.epoch END,"
        " commit_lsn = CASE WHEN EXCLUDED.epoch > 0 THEN EXCLUDED.commit_lsn ELSE o.commit_lsn END,"
        " ordinal = CASE WHEN EXCLUDED.epoch > 0 THEN EXCLUDED.ordinal ELSE o.ordinal END,"
        " gone = EXCLUDED.gone, at = now() WHERE o.map = EXCLUDED.map OR (EXCLUDED.gone = 0 AND"
        " (o.epoch, o.commit_lsn, o.ordinal) <="
        " (EXCLUDED.epoch, EXCLUDED.commit_lsn, EXCLUDED.ordinal)) OR (EXCLUDED.gone = 2 AND"
        " (o.epoch, o.commit_lsn, o.ordinal) <" /* at equal version the create wins */
        " (EXCLUDED.epoch, EXCLUDED.commit_lsn, EXCLUDED.ordinal)) RETURNING 1)"
        " SELECT 1 / (count(*) = $3::bigint)::int FROM claimed",
        staged ? "pg_temp.dw_owner AS c"
               : "unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[])"
                 " AS c(" CARRIER_COLUMNS ")");
    const struct dw_exchange_params params = dw_rows_array_params(&writer->arrays);
    dw_exchange_send(&writer->exchange, DW_SESSION_TAG_OWNER, writer->sql.data, &params);
}
