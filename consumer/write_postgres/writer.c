/* writer.c - see writer.h; the inside is writer_session.h. */
#include "consumer/write_postgres/writer.h"

#include "common/base/fault.h"
#include "common/postgres/pg.h"
#include "consumer/write_postgres/apply.h"
#include "consumer/write_postgres/barrier.h"
#include "consumer/write_postgres/held.h"
#include "consumer/write_postgres/progress.h"
#include "consumer/write_postgres/target_schema.h"
#include "consumer/write_postgres/verify.h"
#include "consumer/write_postgres/writer_session.h"
#include "consumer/write_postgres/writer_table.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define BUFFER_MAX               ((size_t)1000 * 1024 * 1024)
#define TRUNCATE_PATIENCE_MAX_MS 6400

static const struct dw_exchange_statement commit_statement = {"dw_commit", "COMMIT", 0, NULL};

enum dw_rc dw_writer_open(struct dw_writer **out, const struct dw_system_settings *system,
                          const char *instance, int idle_ms, struct dw_err *err)
{
    if (system->kind != DW_SYSTEM_POSTGRES)
        return dw_err_set(err, DW_CONFIG, "DW-APPLY-007", "system %s is no PostgreSQL database",
                          system->name);
    struct dw_writer *writer = DW_MEM_NEW(struct dw_writer);
    writer->system = system;
    writer->instance = dw_mem_strdup(instance);
    writer->idle_ms = idle_ms;
    writer->exchange.failed = -1;
    dw_rows_array_init(&writer->arrays);
    dw_buf_init(&writer->sql, BUFFER_MAX);
    dw_buf_init(&writer->copy, BUFFER_MAX);
    dw_table_init(&writer->keys);
    dw_table_init(&writer->blocked);
    *out = writer;
    return DW_OK;
}

void dw_writer_close(struct dw_writer *writer)
{
    if (!writer)
        return;
    dw_writer_session_drop(writer);
    dw_rows_array_done(&writer->arrays);
    dw_buf_done(&writer->sql);
    dw_buf_done(&writer->copy);
    dw_table_done(&writer->keys);
    dw_table_done(&writer->blocked);
    free(writer->instance);
    free(writer);
}

/* A connection that was lost is dropped, so that the next call makes another. */
static enum dw_rc drop_if_lost(struct dw_writer *writer, enum dw_rc rc)
{
    bool lost = writer->conn && PQstatus(writer->conn) != CONNECTION_OK;
    if (rc != DW_OK && (lost || writer->exchange.broken))
        dw_writer_session_drop(writer);
    return rc;
}

static enum dw_rc prepare_target(struct dw_writer *writer, struct dw_err *err)
{
    enum dw_rc rc = dw_writer_session_connect(writer, err);
    if (rc != DW_OK || writer->schema_ready)
        return rc;
    rc = dw_target_schema_ensure(writer->conn, err);
    writer->schema_ready = rc == DW_OK;
    return rc;
}

bool dw_writer_is_utf8(const struct dw_writer *writer)
{
    return writer->utf8;
}

enum dw_rc dw_writer_claim(struct dw_writer *writer, const struct dw_partition_id *id,
                           struct dw_arena *arena, struct dw_progress *out_progress,
                           struct dw_waiting **out_waiting, size_t *out_waiting_count,
                           char *out_incarnation, struct dw_err *err)
{
    dw_writer_session_rollback(writer);
    writer->schema_ready = false; /* somebody may have restored or replaced the database */
    enum dw_rc rc = prepare_target(writer, err);
    if (rc == DW_OK)
        dw_writer_session_evict(writer);
    if (rc == DW_OK)
        rc = dw_target_schema_incarnation(writer->conn, out_incarnation, err);
    if (rc == DW_OK)
        rc = dw_progress_read(writer->conn, id, out_progress, err);
    if (rc == DW_OK)
        rc = dw_progress_read_waiting(writer->conn, id, arena, out_waiting, out_waiting_count, err);
    if (rc != DW_OK)
        dw_err_add_context(err, "system %s", writer->system->name);
    return drop_if_lost(writer, rc);
}

enum dw_rc dw_writer_progress(struct dw_writer *writer, const struct dw_partition_id *id,
                              struct dw_progress *out, struct dw_err *err)
{
    dw_writer_session_rollback(writer);
    enum dw_rc rc = dw_writer_session_connect(writer, err);
    if (rc == DW_OK)
        rc = dw_progress_read(writer->conn, id, out, err);
    if (rc != DW_OK)
        dw_err_add_context(err, "system %s", writer->system->name);
    return drop_if_lost(writer, rc);
}

enum dw_rc dw_writer_version(struct dw_writer *writer, const struct dw_partition_id *id,
                             struct dw_arena *arena, struct dw_writer_version *out, bool *out_found,
                             struct dw_err *err)
{
    enum dw_rc rc = prepare_target(writer, err);
    if (rc == DW_OK)
        rc = dw_progress_read_version(writer->conn, id, arena, out, out_found, err);
    return drop_if_lost(writer, rc);
}

enum dw_rc dw_writer_new_incarnation(struct dw_writer *writer, char *out_incarnation,
                                     struct dw_err *err)
{
    enum dw_rc rc = prepare_target(writer, err);
    if (rc == DW_OK)
        rc = dw_target_schema_new_incarnation(writer->conn, out_incarnation, err);
    return drop_if_lost(writer, rc);
}

enum dw_rc dw_writer_begin(struct dw_writer *writer, const struct dw_partition_id *id,
                           const struct dw_progress *expected, struct dw_err *err)
{
    dw_writer_session_rollback(writer);
    enum dw_rc rc = prepare_target(writer, err);
    if (rc != DW_OK)
        return drop_if_lost(writer, rc);
    writer->id = *id;
    writer->expected = *expected;
    writer->state = DW_SESSION_NOTED;
    return DW_OK;
}

enum dw_rc dw_writer_apply(struct dw_writer *writer, struct dw_writer_table *table,
                           struct dw_change **changes, size_t count, struct dw_arena *arena,
                           struct dw_err *err)
{
    enum dw_rc rc = dw_apply_changes(writer, table, changes, count, arena, err);
    if (rc == DW_OK)
        return DW_OK;
    bool locked_out = rc == DW_RETRY && strcmp(err->sqlstate, "55P03") == 0;
    (void)drop_if_lost(writer, rc);
    dw_writer_session_rollback(writer);
    if (locked_out && writer->conn)
        dw_writer_session_evict(writer);
    return rc;
}

enum dw_rc dw_writer_held(struct dw_writer *writer, const struct dw_held_id *ids, size_t count,
                          struct dw_held_row *out, struct dw_err *err)
{
    dw_writer_session_open(writer);
    dw_held_send_lock(&writer->exchange, &writer->arrays, ids, count);
    enum dw_rc rc = dw_writer_session_finish(writer, err);
    if (rc == DW_OK) {
        dw_held_read_rows(writer->exchange.replies[writer->exchange.count - 1].result, out, count);
        return DW_OK;
    }
    (void)drop_if_lost(writer, rc);
    dw_writer_session_rollback(writer);
    return rc == DW_REJECT ? DW_CONFIG : rc;
}

enum dw_rc dw_writer_holds(struct dw_writer *writer, const char *topic, bool *out,
                           struct dw_err *err)
{
    enum dw_rc rc = prepare_target(writer, err);
    if (rc == DW_OK)
        rc = dw_held_look(writer->conn, topic, out, err);
    return drop_if_lost(writer, rc);
}

enum dw_rc dw_writer_verify(struct dw_writer *writer, struct dw_writer_table *table,
                            const struct dw_writer_questions *questions, struct dw_arena *arena,
                            struct dw_err *err)
{
    enum dw_rc rc = dw_verify_changes(writer, table, questions, arena, err);
    if (rc == DW_OK)
        return DW_OK;
    (void)drop_if_lost(writer, rc);
    dw_writer_session_rollback(writer);
    return rc;
}

static void send_commit(struct dw_writer *writer, const struct dw_partition_id *id,
                        const struct dw_writer_commit *commit)
{
    static const struct dw_exchange_params none = {.count = 0};
    struct dw_progress_values values;
    dw_writer_session_open(writer);
    const struct dw_exchange_params params = dw_progress_params(&values, id, commit->progress);
    dw_held_send(&writer->exchange, &writer->arrays, id, &commit->held);
    dw_progress_send_waiting(&writer->exchange, &writer->arrays, id, commit);
    dw_progress_send_version(&writer->exchange, &writer->arrays, id, commit);
    dw_progress_send_generation(&writer->exchange, &writer->arrays, id, commit);
    dw_exchange_send_prepared(&writer->exchange, DW_SESSION_TAG_OTHER, &dw_progress_update,
                              &writer->prepared[DW_SESSION_PROGRESS], &params);
    dw_exchange_send_prepared(&writer->exchange, DW_SESSION_TAG_COMMIT, &commit_statement,
                              &writer->prepared[DW_SESSION_COMMIT], &none);
}

enum dw_rc dw_writer_commit(struct dw_writer *writer, const struct dw_partition_id *id,
                            const struct dw_writer_commit *commit, struct dw_err *err)
{
    if (writer->state == DW_SESSION_IDLE)
        return dw_err_set(err, DW_RETRY, "DW-APPLY-020", "system %s: no transaction is open",
                          writer->system->name);
    dw_fault("writer_before_commit");
    send_commit(writer, id, commit);
    enum dw_rc rc = dw_writer_session_finish(writer, err);
    if (rc != DW_OK) {
        (void)drop_if_lost(writer, rc);
        dw_writer_session_rollback(writer);
        /* What the server refuses of our own tables is no matter of a row. */
        return rc == DW_REJECT ? DW_CONFIG : rc;
    }
    writer->state = DW_SESSION_IDLE;
    writer->staged = NULL;
    dw_fault("writer_after_commit");
    return DW_OK;
}

void dw_writer_rollback(struct dw_writer *writer)
{
    dw_writer_session_rollback(writer);
}

/* ---- barrier and dependencies ---- */

/* The loop mark of a TRUNCATE, so that the producer on that side does not send it back. */
static enum dw_rc put_truncate_mark(struct dw_writer *writer, const struct dw_writer_table *table,
                                    struct dw_err *err)
{
    const struct dw_merge_group none = {NULL, 0, false};
    struct dw_buf mark;
    dw_buf_init(&mark, DW_ERR_MESSAGE_MAX);
    dw_merge_sql_mark_head(&mark, &table->merge, &none, table->map->source.system, "truncate");
    dw_buf_append_text(&mark, "\"}");
    char *literal = dw_buf_ok(&mark) ? PQescapeLiteral(writer->conn, mark.data, mark.len) : NULL;
    dw_buf_done(&mark);
    if (!literal)
        return dw_writer_session_error(writer, NULL, err);
    dw_buf_printf(&writer->sql, "SELECT pg_logical_emit_message(true, 'dualwrite.mark', %s); ",
                  literal);
    PQfreemem(literal);
    return DW_OK;
}

/* DELETE where TRUNCATE would be refused: a table that others refer to, or no such right. */
static enum dw_rc put_truncate(struct dw_writer *writer, const struct dw_writer_table *table,
                               struct dw_err *err)
{
    bool truncate = table->catalogue->can_truncate && !table->referenced;
    enum dw_rc rc = DW_OK;
    dw_buf_reset(&writer->sql, BUFFER_MAX);
    if (writer->system->capture && truncate)
        rc = put_truncate_mark(writer, table, err);
    dw_stale_put_truncate(table, &writer->sql);
    dw_buf_append_text(&writer->sql, truncate ? "TRUNCATE " : "DELETE FROM ");
    dw_pg_quote_table(&writer->sql, table->merge.schema, table->merge.table);
    return rc;
}

/* The lock of a table in use comes only to who stands in line until all of its transactions have
 * ended: from try to try longer, so that the lane's other maps wait no longer than they must. */
static void note_patience(struct dw_writer_table *table, enum dw_rc rc, bool done)
{
    if (rc == DW_RETRY && table->patience_ms < TRUNCATE_PATIENCE_MAX_MS)
        table->patience_ms *= 2;
    if (rc == DW_OK && done)
        table->patience_ms = DW_SESSION_PATIENCE_MS;
}

enum dw_rc dw_writer_truncate(struct dw_writer *writer, struct dw_writer_table *table,
                              const struct dw_partition_id *id, const struct dw_version *version,
                              int32_t partitions, bool execute, bool *out_done, struct dw_err *err)
{
    *out_done = false;
    dw_writer_session_rollback(writer);
    enum dw_rc rc = prepare_target(writer, err);
    if (rc == DW_OK)
        rc = put_truncate(writer, table, err);
    if (rc == DW_OK)
        rc =
            dw_barrier_arrive(writer->conn, id, version, partitions,
                              execute ? writer->sql.data : NULL, table->patience_ms, out_done, err);
    note_patience(table, rc, *out_done);
    if (rc != DW_OK)
        dw_err_add_context(err, "TRUNCATE of %.*s.%.*s", DW_STR_ARG(table->merge.schema),
                           DW_STR_ARG(table->merge.table));
    return drop_if_lost(writer, rc);
}

enum dw_rc dw_writer_turned(struct dw_writer *writer, const char *topic,
                            const struct dw_progress_generation *generation, bool *out_turned,
                            int64_t *out_initial_sync, struct dw_err *err)
{
    dw_writer_session_rollback(writer);
    enum dw_rc rc = prepare_target(writer, err);
    if (rc == DW_OK)
        rc = dw_barrier_turned(writer->conn, topic, generation, out_turned, out_initial_sync, err);
    return drop_if_lost(writer, rc);
}

enum dw_rc dw_writer_passed(struct dw_writer *writer, const char *topic, int32_t partitions,
                            const struct dw_version *version, bool *out_passed, struct dw_err *err)
{
    dw_writer_session_rollback(writer);
    enum dw_rc rc = prepare_target(writer, err);
    if (rc == DW_OK)
        rc = dw_barrier_passed(writer->conn, topic, partitions, version, out_passed, err);
    return drop_if_lost(writer, rc);
}
