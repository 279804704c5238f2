/* letter_trial.c - see letter_trial.h. */
#include "reconciler/dead_letters/letter_trial.h"

#include "common/base/json_pull.h"
#include "common/model/event.h"
#include "common/postgres/pg.h"
#include "common/transform/transform.h"
#include "reconciler/dead_letters/letter_sql.h"
#include "reconciler/maps/sync_keys.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define LOCK_MS     1000
#define TRIAL_BEGIN "BEGIN; SET LOCAL statement_timeout = '10s'"

struct dw_letter_trial {
    const struct dw_settings *settings;
    PGconn **conns; /* of settings->systems */
};

const char *dw_letter_trial_word(enum dw_letter_would would)
{
    static const char *const words[] = {
        [DW_LETTER_WOULD_APPLY] = "apply",       [DW_LETTER_WOULD_FAIL] = "fail",
        [DW_LETTER_WOULD_FILTER] = "filter",     [DW_LETTER_WOULD_SUPERSEDE] = "superseded",
        [DW_LETTER_WOULD_READ_ROW] = "read_row", [DW_LETTER_WOULD_UNKNOWN] = "unknown",
    };
    return words[would];
}

struct dw_letter_trial *dw_letter_trial_open(const struct dw_settings *settings)
{
    struct dw_letter_trial *trial = DW_MEM_NEW(struct dw_letter_trial);
    trial->settings = settings;
    trial->conns = dw_mem_calloc(settings->system_count + 1, sizeof(PGconn *));
    return trial;
}

void dw_letter_trial_close(struct dw_letter_trial *trial)
{
    if (!trial)
        return;
    for (size_t i = 0; i < trial->settings->system_count; i++)
        dw_pg_disconnect(trial->conns[i]);
    free((void *)trial->conns);
    free(trial);
}

static enum dw_rc connect_to(struct dw_letter_trial *trial, const char *system, PGconn **out,
                             struct dw_err *err)
{
    const struct dw_system_settings *settings = dw_settings_system(trial->settings, system);
    if (!settings)
        return dw_err_set(err, DW_RETRY, "DW-API-063",
                          "system %s is not in the settings of this reconciler", system);
    PGconn **conn = &trial->conns[settings - trial->settings->systems];
    if (*conn && PQstatus(*conn) != CONNECTION_OK) {
        dw_pg_disconnect(*conn);
        *conn = NULL;
    }
    enum dw_rc rc = DW_OK;
    if (!*conn) {
        const struct dw_pg_options options = {
            .connection = settings->connection,
            .password = settings->password,
            .application_name = "dualwrite-reconciler-trial",
            .what = system,
            .idle_in_transaction_ms = 10000,
            .lock_timeout_ms = LOCK_MS,
        };
        rc = dw_pg_connect(conn, &options, err);
    }
    *out = *conn;
    return rc;
}

struct run { /* one call of dw_letter_trial_run */
    struct dw_arena *arena;
    const struct dw_letter *letter;
    const struct dw_map_record *record;
    struct dw_letter_tried *out;
    struct dw_err *err; /* of what prevents an answer */
    PGconn *target;
    const struct dw_table_map *map;
    const struct dw_pg_table *table; /* of the target */
    struct dw_map_resolved resolved;
    struct dw_transform *transform;
    struct dw_event event;
    struct dw_value *cells; /* map->column_count */
    struct dw_value *keys;
};

/* The letter gets this answer. Returns DW_END: nothing more is to be tried. */
static enum dw_rc answer(struct run *run, enum dw_letter_would would, const char *code,
                         const char *message)
{
    run->out->would = would;
    run->out->code = dw_arena_printf(run->arena, "%s", code);
    run->out->message = dw_arena_printf(run->arena, "%s", message);
    return DW_END;
}

static enum dw_rc answer_err(struct run *run, enum dw_letter_would would, const struct dw_err *err)
{
    return answer(run, would, err->id, err->message);
}

/* ---- the held row ---- */

static enum dw_rc look_at_held(struct run *run)
{
    const struct dw_letter *letter = run->letter;
    char partition[16];
    char offset[24];
    const char *params[] = {letter->topic, partition, offset};
    PGresult *result = NULL;
    struct dw_err err = DW_ERR_INIT;
    if (letter->kind != DW_LETTER_EVENT || letter->archived)
        return answer(run, DW_LETTER_WOULD_READ_ROW, "", "only the source's row of now can be had");
    (void)snprintf(partition, sizeof partition, "%d", letter->partition);
    (void)snprintf(offset, sizeof offset, "%lld", (long long)letter->offset);
    enum dw_rc rc = dw_pg_query(
        run->target,
        "SELECT coalesce(outcome, ''), later_lsn IS NOT NULL, CASE WHEN later_lsn IS NULL THEN ''"
        " ELSE CASE WHEN later_gone THEN 'the delete ' ELSE 'the event ' END || later_epoch || '/'"
        " || later_lsn || '/' || later_ordinal END FROM dualwrite.held WHERE topic = $1"
        " AND partition = $2::int AND record_offset = $3::bigint",
        3, params, &result, &err);
    if (rc)
        return answer_err(run, DW_LETTER_WOULD_UNKNOWN, &err);
    bool held = PQntuples(result) == 1;
    const char *outcome = held ? dw_arena_printf(run->arena, "%s", PQgetvalue(result, 0, 0)) : "";
    bool touched = held && PQgetvalue(result, 0, 1)[0] == 't';
    const char *later = held ? dw_arena_printf(run->arena, "%s", PQgetvalue(result, 0, 2)) : "";
    PQclear(result);
    if (!held)
        return answer(run, DW_LETTER_WOULD_SUPERSEDE, "", "the target does not hold it any more");
    if (*outcome)
        return answer(run, DW_LETTER_WOULD_SUPERSEDE, "",
                      dw_arena_printf(run->arena, "it has ended: %s%s%s", outcome,
                                      *later ? " by " : "", later));
    if (touched)
        return answer(
            run, DW_LETTER_WOULD_READ_ROW, "",
            dw_arena_printf(run->arena, "%s of its key came later and lacks columns of it", later));
    return DW_OK;
}

/* ---- the map ---- */

static struct dw_resolved_side side_of(const struct dw_pg_table *table, struct dw_arena *arena)
{
    struct dw_resolved_column *columns =
        DW_ARENA_ARRAY(arena, struct dw_resolved_column, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        columns[i] = (struct dw_resolved_column){
            .name = table->columns[i].name,
            .type = table->columns[i].type,
            .oid = table->columns[i].type_oid,
            .base_oid = table->columns[i].base_oid,
            .typmod = table->columns[i].typmod,
            .not_null = table->columns[i].not_null,
        };
    return (struct dw_resolved_side){.columns = columns, .column_count = table->column_count};
}

static enum dw_rc add_lookup_table(struct run *run, const struct dw_map_lookup *lookup,
                                   struct dw_resolved_lookup *tables, size_t *count,
                                   struct dw_err *err)
{
    const struct dw_pg_table *table = NULL;
    enum dw_rc rc =
        dw_pg_table_load(run->target, lookup->schema, lookup->table, run->arena, &table, err);
    if (rc)
        return rc;
    tables[(*count)++] = (struct dw_resolved_lookup){
        .schema = lookup->schema, .table = lookup->table, .side = side_of(table, run->arena)};
    for (size_t i = 0; i < lookup->key_count && !rc; i++)
        if (lookup->keys[i].lookup)
            rc = add_lookup_table(run, lookup->keys[i].lookup, tables, count, err);
    return rc;
}

static size_t lookups_in(const struct dw_map_lookup *lookup)
{
    size_t count = 1;
    for (size_t i = 0; i < lookup->key_count; i++)
        if (lookup->keys[i].lookup)
            count += lookups_in(lookup->keys[i].lookup);
    return count;
}

static enum dw_rc add_lookups(struct run *run, struct dw_err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < run->map->column_count; i++)
        if (run->map->columns[i].lookup)
            count += lookups_in(run->map->columns[i].lookup);
    struct dw_resolved_lookup *tables =
        DW_ARENA_ARRAY(run->arena, struct dw_resolved_lookup, count + 1);
    enum dw_rc rc = DW_OK;
    count = 0;
    for (size_t i = 0; i < run->map->column_count && !rc; i++)
        if (run->map->columns[i].lookup)
            rc = add_lookup_table(run, run->map->columns[i].lookup, tables, &count, err);
    run->resolved.lookups = tables;
    run->resolved.lookup_count = count;
    return rc;
}

static enum dw_rc load_map(struct run *run)
{
    struct dw_map_problems ignored;
    struct dw_err err = DW_ERR_INIT;
    dw_map_problems_init(&ignored, run->arena);
    run->map = dw_table_map_parse(dw_str_from(run->record->document), run->record->name, run->arena,
                                  &ignored);
    if (!run->map)
        return answer(run, DW_LETTER_WOULD_UNKNOWN, "DW-API-014",
                      "the map's document does not parse: apply it again");
    enum dw_rc rc =
        dw_map_resolved_parse(dw_str_from(run->record->resolved), run->arena, &run->resolved, &err);
    if (!rc)
        rc = dw_pg_table_load(run->target, run->map->target.schema, run->map->target.table,
                              run->arena, &run->table, &err);
    if (rc)
        return answer_err(run, DW_LETTER_WOULD_UNKNOWN, &err);
    run->resolved.target = side_of(run->table, run->arena);
    for (size_t i = 0; i < run->map->column_count; i++)
        if (!dw_pg_table_column(run->table, run->map->columns[i].target))
            return answer(run, DW_LETTER_WOULD_FAIL, "DW-APPLY-001",
                          dw_arena_printf(run->arena, "the target table has no column %.*s",
                                          DW_STR_ARG(run->map->columns[i].target)));
    rc = add_lookups(run, &err);
    if (!rc)
        rc = dw_transform_new(&run->transform, run->map, &run->resolved, run->arena, &err);
    return rc ? answer_err(run, DW_LETTER_WOULD_FAIL, &err) : DW_OK;
}

/* ---- the event through the map ---- */

static void mark_failed(struct run *run, struct dw_str column)
{
    run->out->column = dw_arena_copy(run->arena, column).ptr;
    for (size_t i = 0; i < run->out->cell_count; i++)
        if (dw_str_equal(run->out->cells[i].target, column))
            run->out->cells[i].failed = true;
}

static const struct dw_event_row *row_of(const struct run *run)
{
    return run->event.op == DW_EVENT_DELETE ? &run->event.before : &run->event.after;
}

static struct dw_str text_of(const struct dw_value *value)
{
    static const struct dw_str none = {NULL, 0};
    switch (value->kind) {
    case DW_VALUE_STRING:
    case DW_VALUE_NUMBER:
    case DW_VALUE_NESTED:
        return value->text;
    case DW_VALUE_TRUE:
        return DW_STR_LIT("true");
    case DW_VALUE_FALSE:
        return DW_STR_LIT("false");
    case DW_VALUE_ABSENT:
    case DW_VALUE_NULL:
        break;
    }
    return none;
}

static void show_event(struct run *run)
{
    const struct dw_event_row *row = row_of(run);
    for (size_t i = 0; i < run->out->cell_count; i++)
        for (size_t f = 0; f < row->count && run->out->cells[i].source.ptr; f++)
            if (dw_str_equal(row->fields[f].name, run->out->cells[i].source))
                run->out->cells[i].event = text_of(&row->fields[f].value);
}

static enum dw_rc transform(struct run *run)
{
    struct dw_err err = DW_ERR_INIT;
    bool matches = true;
    int column = -1;
    struct dw_str event = run->letter->edited.ptr ? run->letter->edited : run->letter->value;
    if (!event.ptr)
        return answer(run, DW_LETTER_WOULD_READ_ROW, "", "it has no value");
    if (dw_event_decode(event, run->arena, &run->event, &err) != DW_OK)
        return answer_err(run, DW_LETTER_WOULD_FAIL, &err);
    const struct dw_event_row *row = row_of(run);
    if (run->event.op == DW_EVENT_MESSAGE || run->event.op == DW_EVENT_TRUNCATE || !row->fields)
        return answer(run, DW_LETTER_WOULD_FAIL, "DW-APPLY-211",
                      "only the change of a row can be replayed");
    show_event(run);
    run->keys = DW_ARENA_ARRAY(run->arena, struct dw_value, run->map->target.key_count);
    run->cells = DW_ARENA_ARRAY(run->arena, struct dw_value, run->map->column_count);
    bool removes = run->event.op == DW_EVENT_DELETE;
    if (!removes && dw_transform_match(run->transform, row, run->arena, &matches, &err) != DW_OK)
        return answer_err(run, DW_LETTER_WOULD_FAIL, &err);
    if (!matches || (removes && run->map->on_delete == DW_ON_DELETE_IGNORE))
        return answer(run, DW_LETTER_WOULD_FILTER, "",
                      removes ? "the map ignores deletes"
                              : "the row is outside of the map's filter");
    if (dw_transform_key(run->transform, row, run->arena, run->keys, &err) != DW_OK ||
        (!removes &&
         dw_transform_row(run->transform, row, run->arena, run->cells, &column, &err) != DW_OK)) {
        for (int i = 0; i < column; i++)
            run->out->cells[i].mapped = text_of(&run->cells[i]);
        if (column >= 0)
            mark_failed(run, run->map->columns[column].target);
        return answer_err(run, DW_LETTER_WOULD_FAIL, &err);
    }
    for (size_t i = 0; i < run->out->cell_count && !removes; i++)
        run->out->cells[i].mapped = text_of(&run->cells[i]);
    return DW_OK;
}

/* ---- the write ---- */

/* What the worker would call it. */
static const char *code_of(const char *sqlstate)
{
    static const struct {
        const char *prefix, *code;
    } codes[] = {{"22", "DW-APPLY-011"},    {"23503", "DW-APPLY-013"}, {"23505", "DW-APPLY-014"},
                 {"23P01", "DW-APPLY-014"}, {"23", "DW-APPLY-012"},    {"44", "DW-APPLY-012"},
                 {"54", "DW-APPLY-018"},    {"42501", "DW-APPLY-003"}, {"42", "DW-APPLY-021"}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strncmp(sqlstate, codes[i].prefix, strlen(codes[i].prefix)) == 0)
            return codes[i].code;
    return "DW-APPLY-017"; /* the application's own */
}

static enum dw_rc answer_refusal(struct run *run, const PGresult *result)
{
    struct dw_err err = DW_ERR_INIT;
    enum dw_rc rc = dw_pg_error(run->target, result, "DW-APPLY-011", &err);
    if (rc == DW_RETRY)
        return answer(run, DW_LETTER_WOULD_UNKNOWN, "DW-APPLY-020", err.message);
    const char *column = PQresultErrorField(result, PG_DIAG_COLUMN_NAME);
    if (column)
        mark_failed(run, dw_str_from(column));
    return answer(run, DW_LETTER_WOULD_FAIL, code_of(err.sqlstate), err.message);
}

static enum dw_rc run_sql(struct run *run, const struct dw_letter_sql *sql, PGresult **out)
{
    PGresult *result = PQexecParams(run->target, sql->text.data, (int)sql->count, NULL, sql->values,
                                    NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        *out = result;
        return DW_OK;
    }
    enum dw_rc rc = answer_refusal(run, result);
    PQclear(result);
    return rc;
}

static enum dw_rc resolve_lookup(struct run *run, size_t column)
{
    const struct dw_map_lookup *lookup = run->map->columns[column].lookup;
    struct dw_letter_sql sql;
    PGresult *result = NULL;
    dw_letter_sql_init(&sql, run->arena);
    enum dw_rc rc =
        dw_letter_sql_lookup(&sql, lookup, run->target, run->cells[column].text, run->err)
            ? run_sql(run, &sql, &result)
            : answer_err(run, DW_LETTER_WOULD_UNKNOWN, run->err);
    dw_letter_sql_done(&sql);
    if (rc)
        return rc;
    bool found = PQntuples(result) > 0;
    bool null = found && PQgetisnull(result, 0, 0);
    if (found && !null)
        run->cells[column] = (struct dw_value){
            DW_VALUE_STRING, dw_arena_copy(run->arena, dw_str_from(PQgetvalue(result, 0, 0)))};
    else if (null || lookup->on_missing == DW_ON_MISSING_NULL)
        run->cells[column] = (struct dw_value){DW_VALUE_NULL, {NULL, 0}};
    PQclear(result);
    run->out->cells[column].mapped = text_of(&run->cells[column]);
    if (found || lookup->on_missing == DW_ON_MISSING_NULL)
        return DW_OK;
    mark_failed(run, run->map->columns[column].target);
    return answer(run, DW_LETTER_WOULD_FAIL, "DW-APPLY-023",
                  dw_arena_printf(run->arena, "no row of %.*s.%.*s has the key %.*s",
                                  DW_STR_ARG(lookup->schema), DW_STR_ARG(lookup->table),
                                  DW_STR_ARG(run->cells[column].text)));
}

static enum dw_rc resolve_lookups(struct run *run)
{
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < run->map->column_count && !rc; i++)
        if (run->map->columns[i].lookup && run->cells[i].kind == DW_VALUE_NESTED)
            rc = resolve_lookup(run, i);
    return rc;
}

static enum dw_rc write_row(struct run *run)
{
    struct dw_letter_sql sql;
    struct dw_err err = DW_ERR_INIT;
    PGresult *result = NULL;
    const struct dw_letter_write write = {
        run->map, run->table, run->event.op == DW_EVENT_DELETE ? NULL : run->cells, run->keys};
    dw_letter_sql_init(&sql, run->arena);
    enum dw_letter_sql_kind kind = dw_letter_sql_write(&sql, &write);
    enum dw_rc rc = kind == DW_LETTER_SQL_NONE ? DW_OK : run_sql(run, &sql, &result);
    bool none = !rc && kind == DW_LETTER_SQL_UPDATE && strcmp(PQcmdTuples(result), "0") == 0;
    PQclear(result);
    dw_letter_sql_done(&sql);
    if (none)
        return answer(run, DW_LETTER_WOULD_READ_ROW, "DW-APPLY-015",
                      "its event is not the whole row, and the target has none of its key");
    if (rc)
        return rc;
    rc = dw_pg_exec(run->target, "SET CONSTRAINTS ALL IMMEDIATE", &err);
    return rc ? answer(run, DW_LETTER_WOULD_FAIL, code_of(err.sqlstate), err.message) : DW_OK;
}

static enum dw_rc try_write(struct run *run)
{
    struct dw_err ignored = DW_ERR_INIT;
    enum dw_rc rc = dw_pg_exec(run->target, TRIAL_BEGIN, run->err);
    if (rc)
        return answer_err(run, DW_LETTER_WOULD_UNKNOWN, run->err);
    if (run->event.op != DW_EVENT_DELETE)
        rc = resolve_lookups(run);
    if (!rc)
        rc = write_row(run);
    if (dw_pg_exec(run->target, "ROLLBACK", &ignored) != DW_OK)
        dw_err_clear(&ignored); /* a lost connection has rolled back */
    return rc;
}

/* ---- both sides' rows of now ---- */

/* `key_texts`: of the side's key columns. Fills cells by `is_source`. */
static const char *read_side(struct run *run, PGconn *conn, bool is_source,
                             const struct dw_str *key_texts)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_letter_sql sql;
    const struct dw_pg_table *table = NULL;
    const struct dw_map_side *side = is_source ? &run->map->source : &run->map->target;
    if (dw_pg_table_load(conn, side->schema, side->table, run->arena, &table, &err) != DW_OK)
        return dw_arena_printf(run->arena, "%s", err.message);
    dw_letter_sql_init(&sql, run->arena);
    const char *state = "it has no key here";
    PGresult *result = NULL;
    if (dw_letter_sql_row(&sql, table, side, run->out->cells, run->out->cell_count, is_source,
                          key_texts)) {
        result = PQexecParams(conn, sql.text.data, (int)sql.count, NULL, sql.values, NULL, NULL, 0);
        if (PQresultStatus(result) != PGRES_TUPLES_OK) {
            (void)dw_pg_error(conn, result, "DW-PG-003", &err);
            state = dw_arena_printf(run->arena, "%s", err.message);
        } else {
            state = PQntuples(result) ? "there" : "missing";
        }
    }
    bool there = strcmp(state, "there") == 0;
    int at = 0;
    for (size_t i = 0; there && i < run->out->cell_count; i++) {
        struct dw_letter_cell *cell = &run->out->cells[i];
        struct dw_str name = is_source ? cell->source : cell->target;
        if (!name.ptr || !dw_pg_table_column(table, name))
            continue;
        if (!PQgetisnull(result, 0, at)) {
            struct dw_str text = dw_arena_copy(run->arena, dw_str_from(PQgetvalue(result, 0, at)));
            if (is_source)
                cell->source_now = text;
            else
                cell->target_now = text;
        }
        at++;
    }
    PQclear(result);
    dw_letter_sql_done(&sql);
    return state;
}

/* The source key as texts, from the record's key. */
static bool source_key(struct run *run, struct dw_str *texts)
{
    const char *key = NULL;
    struct dw_err ignored = DW_ERR_INIT;
    struct dw_json_pull pull;
    if (!run->letter->key.ptr || dw_sync_keys_parse_one(run->letter->key, &run->map->source,
                                                        run->arena, &key, &ignored) != DW_OK)
        return false;
    dw_json_pull_init(&pull, dw_str_from(key), run->arena);
    (void)dw_json_pull_next(&pull); /* [ */
    for (size_t i = 0; i < run->map->source.key_count; i++) {
        if (dw_json_pull_next(&pull) != DW_JSON_STRING)
            return false;
        texts[i] = pull.text;
    }
    return true;
}

/* The target's key follows from the source's where that can be told without the event. */
static bool target_key(struct run *run, const struct dw_str *source, struct dw_str *texts)
{
    const struct dw_table_map *map = run->map;
    for (size_t i = 0; i < map->target.key_count; i++) {
        texts[i] = run->keys ? text_of(&run->keys[i]) : (struct dw_str){NULL, 0};
        for (size_t c = 0; c < map->column_count && !texts[i].ptr; c++) {
            if (map->columns[c].key_index != (int)i)
                continue;
            for (size_t k = 0; k < map->source.key_count && map->columns[c].source.ptr; k++)
                if (dw_str_equal(map->source.key[k], map->columns[c].source))
                    texts[i] = source[k];
            if (!map->columns[c].source.ptr)
                texts[i] = text_of(&map->columns[c].constant);
        }
        if (!texts[i].ptr)
            return false;
    }
    return true;
}

static void read_rows(struct dw_letter_trial *trial, struct run *run)
{
    PGconn *source = NULL;
    struct dw_err err = DW_ERR_INIT;
    struct dw_str source_texts[DW_TABLE_MAP_KEY_MAX];
    struct dw_str target_texts[DW_TABLE_MAP_KEY_MAX];
    if (!source_key(run, source_texts)) {
        run->out->source_row = run->out->target_row = "its record's key is not one of the map's";
        return;
    }
    if (connect_to(trial, run->record->source_system, &source, &err) != DW_OK)
        run->out->source_row = dw_arena_printf(run->arena, "%s", err.message);
    else
        run->out->source_row = read_side(run, source, true, source_texts);
    run->out->target_row = target_key(run, source_texts, target_texts)
                               ? read_side(run, run->target, false, target_texts)
                               : "its key in the target is not known";
}

static void init_cells(struct run *run)
{
    size_t count = run->map->column_count;
    run->out->cells = DW_ARENA_ARRAY(run->arena, struct dw_letter_cell, count);
    run->out->cell_count = count;
    for (size_t i = 0; i < count; i++)
        run->out->cells[i] = (struct dw_letter_cell){.source = run->map->columns[i].source,
                                                     .target = run->map->columns[i].target};
}

enum dw_rc dw_letter_trial_run(struct dw_letter_trial *trial, const struct dw_map_record *map,
                               const struct dw_letter *letter, bool rows, struct dw_arena *arena,
                               struct dw_letter_tried *out, struct dw_err *err)
{
    struct run run = {.arena = arena, .letter = letter, .record = map, .out = out, .err = err};
    *out = (struct dw_letter_tried){.would = DW_LETTER_WOULD_APPLY,
                                    .code = "",
                                    .message = "",
                                    .column = "",
                                    .source_row = "",
                                    .target_row = ""};
    enum dw_rc rc = connect_to(trial, map->target_system, &run.target, err);
    if (rc)
        return DW_RETRY;
    rc = load_map(&run);
    if (run.map)
        init_cells(&run);
    if (!rc)
        rc = transform(&run);
    if (!rc)
        (void)try_write(&run); /* its answer is in *out */
    /* What came later decides, whatever the event would do. */
    struct dw_letter_tried tried = *out;
    if (look_at_held(&run) == DW_END && out->would == DW_LETTER_WOULD_UNKNOWN)
        *out = tried;
    if (rows && run.map)
        read_rows(trial, &run);
    dw_err_clear(err);
    return DW_OK;
}
