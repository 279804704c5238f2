/* failure.c - see failure.h. */
#include "consumer/write_postgres/failure.h"

#include "common/postgres/pg.h"
#include "consumer/write_postgres/parents.h"
#include "consumer/write_postgres/writer_session.h"
#include <libpq-fe.h>
#include <stdio.h>

struct meaning {
    const char *prefix; /* of the SQLSTATE */
    enum dw_outcome outcome;
    const char *id;
    const char *failure_class;
};

static const struct meaning meanings[] = {
    {"22", DW_OUTCOME_DEAD, "DW-APPLY-011", "data"},
    {"23503", DW_OUTCOME_WAITING, DW_PARENTS_MISSING, "dependency"},
    {"23505", DW_OUTCOME_WAITING, "DW-APPLY-014", "constraint"},
    {"23P01", DW_OUTCOME_WAITING, "DW-APPLY-014", "constraint"},
    {"23", DW_OUTCOME_DEAD, "DW-APPLY-012", "constraint"},
    {"44", DW_OUTCOME_DEAD, "DW-APPLY-012", "constraint"},
    {"54", DW_OUTCOME_DEAD, "DW-APPLY-018", "data"},
    {"", DW_OUTCOME_DEAD, "DW-APPLY-017", "constraint"}, /* the application's own */
};

static const struct meaning *meaning_of(const char *sqlstate)
{
    const struct meaning *meaning = meanings;
    while (strncmp(sqlstate, meaning->prefix, strlen(meaning->prefix)) != 0)
        meaning++;
    return meaning;
}

void dw_failure_redact(struct dw_buf *out, const char *message)
{
    bool quoted = false;
    for (; *message; message++) {
        if (*message == '"') {
            quoted = !quoted;
            if (quoted)
                dw_buf_append_text(out, "\"…\"");
            continue;
        }
        if (!quoted)
            dw_buf_append_char(out, *message);
    }
}

static void redact(struct dw_err *err)
{
    struct dw_buf text;
    dw_buf_init(&text, DW_ERR_MESSAGE_MAX * 2);
    dw_failure_redact(&text, err->message);
    (void)snprintf(err->message, sizeof err->message, "%s", text.data ? text.data : "");
    dw_buf_done(&text);
}

void dw_failure_settle(struct dw_change *change, const struct dw_writer_table *table,
                       const PGresult *result, struct dw_arena *arena)
{
    change->err = DW_ARENA_NEW(arena, struct dw_err);
    (void)dw_pg_error(table->writer->conn, result, "DW-APPLY-011", change->err);
    const struct meaning *meaning = meaning_of(change->err->sqlstate);
    (void)snprintf(change->err->id, sizeof change->err->id, "%s", meaning->id);
    change->outcome = meaning->outcome;
    change->failure_class = meaning->failure_class;
    if (strcmp(meaning->prefix, "22") == 0)
        redact(change->err);
    const char *column = PQresultErrorField(result, PG_DIAG_COLUMN_NAME);
    if (column)
        change->column = dw_arena_copy(arena, dw_str_from(column));
    if (strcmp(meaning->prefix, "23503") == 0) {
        dw_writer_table_parent(table, result, arena, &change->parent_schema, &change->parent_table);
        dw_err_add_context(change->err, "waits for rows of %.*s.%.*s",
                           DW_STR_ARG(change->parent_schema), DW_STR_ARG(change->parent_table));
    }
    dw_err_add_context(change->err, "table %.*s.%.*s", DW_STR_ARG(table->merge.schema),
                       DW_STR_ARG(table->merge.table));
}

bool dw_failure_is_incomplete(const struct dw_change *change)
{
    return change->outcome == DW_OUTCOME_WAITING && change->err &&
           strcmp(change->err->id, DW_WRITER_INCOMPLETE) == 0;
}

void dw_failure_incomplete(struct dw_change *change, const char *why, struct dw_arena *arena)
{
    change->err = DW_ARENA_NEW(arena, struct dw_err);
    change->outcome = DW_OUTCOME_WAITING;
    change->failure_class = "incomplete";
    (void)dw_err_set(change->err, DW_REJECT, DW_WRITER_INCOMPLETE, "%s", why);
}

void dw_failure_behind(struct dw_change *change, struct dw_arena *arena)
{
    change->err = DW_ARENA_NEW(arena, struct dw_err);
    change->outcome = DW_OUTCOME_WAITING;
    change->failure_class = "dependency";
    (void)dw_err_set(change->err, DW_REJECT, "DW-APPLY-016",
                     "waits behind an earlier event of its key");
}

/* ---- the column at fault ---- */

static bool is_refused(PGconn *conn, const struct dw_merge_column *column, struct dw_str text,
                       struct dw_arena *arena)
{
    const char *sql =
        dw_arena_printf(arena, "SELECT $1::text::%.*s::%.*s", DW_STR_ARG(column->base_type),
                        DW_STR_ARG(column->exact_type));
    const char *const values[] = {dw_arena_copy(arena, text).ptr};
    PGresult *result = PQexecParams(conn, sql, 1, NULL, values, NULL, NULL, 0);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool refused = sqlstate && strncmp(sqlstate, "22", 2) == 0;
    PQclear(result);
    return refused;
}

static const struct dw_value *cell_of(const struct dw_change *change,
                                      const struct dw_writer_table *table, size_t column)
{
    if (change->kind == DW_CHANGE_UPSERT)
        return column < table->map->column_count ? &change->cells[column] : NULL;
    return table->key_of[column] >= 0 ? &change->keys[table->key_of[column]] : NULL;
}

void dw_failure_find_column(struct dw_change *change, const struct dw_writer_table *table,
                            struct dw_arena *arena)
{
    PGconn *conn = table->writer->conn;
    bool inside = PQtransactionStatus(conn) == PQTRANS_INTRANS;
    for (size_t i = 0; i < table->merge.column_count; i++) {
        const struct dw_value *cell = cell_of(change, table, i);
        if (!cell || cell->kind != DW_VALUE_STRING)
            continue;
        struct dw_err ignored; /* the reason is known; only its place is looked for */
        if (inside && dw_pg_exec(conn, "SAVEPOINT dw_probe", &ignored) != DW_OK)
            return;
        bool refused = is_refused(conn, &table->merge.columns[i], cell->text, arena);
        if (inside && dw_pg_exec(conn, "ROLLBACK TO dw_probe; RELEASE dw_probe", &ignored) != DW_OK)
            return;
        if (refused) {
            change->column = table->merge.columns[i].name;
            dw_err_add_context(change->err, "column %.*s", DW_STR_ARG(change->column));
            return;
        }
    }
}
