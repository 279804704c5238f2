/* writer_rig.c - see writer_rig.h. */
#include "writer_rig.h"

#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/postgres/pg.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

static void connect_outside(struct rig *rig)
{
    const struct dw_pg_options options = {
        .connection = rig->system.connection, .application_name = "writer_rig", .what = "test"};
    if (dw_pg_connect(&rig->conn, &options, &rig->err) != DW_OK)
        fail_msg("%s", rig->err.message);
}

void rig_exec(struct rig *rig, const char *sql)
{
    if (dw_pg_exec(rig->conn, sql, &rig->err) != DW_OK)
        fail_msg("%s: %s", sql, rig->err.message);
}

static struct rig *new_rig(const char *name, const char *schema, const char *connection)
{
    struct rig *rig = calloc(1, sizeof *rig);
    dw_arena_init(&rig->arena, 65536);
    rig->system = (struct dw_system_settings){.name = "crm", .connection = connection};
    connect_outside(rig);
    rig->id = (struct dw_partition_id){.topic = name, .partition = 0, .map = name, .revision = 1};
    rig->map.name = dw_str_from(name);
    rig->map.target.schema = dw_str_from(schema);
    return rig;
}

struct rig *rig_new(const char *name, const char *sql)
{
    const char *connection = getenv("DW_PG_CRM");
    if (!connection)
        return NULL;
    struct rig *rig = new_rig(name, name, connection);
    rig_exec(rig, dw_arena_printf(&rig->arena,
                                  "DROP SCHEMA IF EXISTS %s CASCADE; CREATE SCHEMA %s;"
                                  " SET search_path TO %s, pg_catalog",
                                  name, name, name));
    rig_exec(rig, sql);
    return rig;
}

struct rig *rig_beside(const struct rig *first, const char *name)
{
    return new_rig(name, first->map.target.schema.ptr, first->system.connection);
}

void rig_free(struct rig *rig)
{
    if (!rig)
        return;
    dw_writer_table_free(rig->table);
    dw_writer_close(rig->writer);
    dw_pg_disconnect(rig->conn);
    dw_arena_done(&rig->arena);
    free(rig);
}

void rig_map(struct rig *rig, const char *table, const char *columns, size_t keys)
{
    struct dw_map_column *list = DW_ARENA_ARRAY(&rig->arena, struct dw_map_column, RIG_COLUMNS_MAX);
    struct dw_str *key = DW_ARENA_ARRAY(&rig->arena, struct dw_str, keys);
    char *text = dw_arena_printf(&rig->arena, "%s", columns);
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        list[count].target = list[count].source = dw_str_from(word);
        list[count].key_index = count < keys ? (int)count : -1;
        if (count < keys)
            key[count] = dw_str_from(word);
        count++;
    }
    rig->map.columns = list;
    rig->map.column_count = count;
    rig->map.target.table = dw_str_from(table);
    rig->map.target.key = key;
    rig->map.target.key_count = keys;
}

void rig_lookup(struct rig *rig, const char *column, const struct dw_map_lookup *lookup)
{
    struct dw_map_column *columns =
        DW_ARENA_ARRAY(&rig->arena, struct dw_map_column, rig->map.column_count);
    for (size_t i = 0; i < rig->map.column_count; i++) {
        columns[i] = rig->map.columns[i];
        if (dw_str_is(columns[i].target, column))
            columns[i].lookup = lookup;
    }
    rig->map.columns = columns;
}

void rig_reopen_table(struct rig *rig)
{
    struct dw_map_resolved source = {.source = {NULL, 0, 'd'}};
    dw_writer_table_free(rig->table);
    rig->table = NULL;
    if (dw_writer_table_new(rig->writer, &rig->map, &source, &rig->arena, &rig->table,
                            &rig->resolved, &rig->err) != DW_OK)
        fail_msg("%s", rig->err.message);
}

static void claim(struct rig *rig)
{
    struct dw_waiting *waiting;
    size_t count;
    char incarnation[37];
    if (dw_writer_claim(rig->writer, &rig->id, &rig->arena, &rig->progress, &waiting, &count,
                        incarnation, &rig->err) != DW_OK)
        fail_msg("%s", rig->err.message);
}

void rig_open(struct rig *rig)
{
    if (dw_writer_open(&rig->writer, &rig->system, "rig", 5000, &rig->err) != DW_OK)
        fail_msg("%s", rig->err.message);
    claim(rig);
    rig_exec(rig, dw_arena_printf(&rig->arena,
                                  "DELETE FROM dualwrite.progress WHERE topic = '%s';"
                                  "DELETE FROM dualwrite.waiting WHERE topic = '%s';"
                                  "DELETE FROM dualwrite.held WHERE topic = '%s';"
                                  "DELETE FROM dualwrite.barrier WHERE topic = '%s';"
                                  "DELETE FROM dualwrite.missed WHERE map = '%s';"
                                  "DELETE FROM dualwrite.stale WHERE map = '%s'",
                                  rig->id.topic, rig->id.topic, rig->id.topic, rig->id.topic,
                                  rig->id.map, rig->id.map));
    claim(rig);
    rig_reopen_table(rig);
}

static struct dw_value value_of(const char *text)
{
    if (text == RIG_ABSENT)
        return (struct dw_value){DW_VALUE_ABSENT, {NULL, 0}};
    if (!text)
        return (struct dw_value){DW_VALUE_NULL, {NULL, 0}};
    return (struct dw_value){DW_VALUE_STRING, dw_str_from(text)};
}

static struct dw_change *add_change(struct rig *rig, enum dw_change_kind kind,
                                    const struct dw_value *keys)
{
    struct dw_change *change = DW_ARENA_NEW(&rig->arena, struct dw_change);
    change->kind = kind;
    change->offset = rig->progress.next_offset + (int64_t)rig->count;
    change->version = (struct dw_version){1, 1000 + (uint64_t)change->offset, 0};
    change->origin = DW_STR_LIT("erp");
    change->keys = DW_ARENA_ARRAY(&rig->arena, struct dw_value, rig->map.target.key_count);
    struct dw_buf text;
    dw_buf_init(&text, 65536);
    for (size_t i = 0; i < rig->map.target.key_count; i++) {
        change->keys[i] = keys[i];
        dw_json_write_string(&text, keys[i].text);
    }
    change->key_text = dw_arena_copy(&rig->arena, dw_buf_str(&text));
    dw_buf_done(&text);
    rig->changes[rig->count++] = change;
    return change;
}

struct dw_change *rig_row(struct rig *rig, bool replaces, const char *const *cells)
{
    struct dw_value *values = DW_ARENA_ARRAY(&rig->arena, struct dw_value, rig->map.column_count);
    for (size_t i = 0; i < rig->map.column_count; i++) {
        values[i] = value_of(cells[i]);
        if (rig->map.columns[i].lookup && values[i].kind == DW_VALUE_STRING)
            values[i].kind = DW_VALUE_NESTED;
    }
    struct dw_change *change = add_change(rig, DW_CHANGE_UPSERT, values);
    change->cells = values;
    change->replaces = replaces;
    return change;
}

static struct dw_change *row_of(struct rig *rig, bool replaces, va_list args)
{
    const char *cells[RIG_COLUMNS_MAX];
    for (size_t i = 0; i < rig->map.column_count; i++)
        cells[i] = va_arg(args, const char *);
    return rig_row(rig, replaces, cells);
}

struct dw_change *rig_upsert(struct rig *rig, ...)
{
    va_list args;
    va_start(args, rig);
    struct dw_change *change = row_of(rig, false, args);
    va_end(args);
    return change;
}

struct dw_change *rig_create(struct rig *rig, ...)
{
    va_list args;
    va_start(args, rig);
    struct dw_change *change = row_of(rig, true, args);
    va_end(args);
    return change;
}

struct dw_change *rig_delete(struct rig *rig, ...)
{
    struct dw_value keys[DW_TABLE_MAP_KEY_MAX];
    va_list args;
    va_start(args, rig);
    for (size_t i = 0; i < rig->map.target.key_count; i++)
        keys[i] = value_of(va_arg(args, const char *));
    va_end(args);
    return add_change(rig, DW_CHANGE_DELETE, keys);
}

enum dw_rc rig_apply(struct rig *rig)
{
    enum dw_rc rc = dw_writer_begin(rig->writer, &rig->id, &rig->progress, &rig->err);
    if (rc == DW_OK)
        rc = dw_writer_apply(rig->writer, rig->table, rig->changes, rig->count, &rig->arena,
                             &rig->err);
    return rc;
}

enum dw_rc rig_commit(struct rig *rig)
{
    struct dw_progress next = rig->progress;
    next.exists = true;
    next.next_offset += (int64_t)rig->count;
    for (size_t i = 0; i < rig->count; i++) {
        next.counts[rig->changes[i]->outcome]++;
        next.version = rig->changes[i]->version;
    }
    const struct dw_writer_commit commit = {.progress = &next};
    enum dw_rc rc = dw_writer_commit(rig->writer, &rig->id, &commit, &rig->err);
    if (rc == DW_OK) {
        rig->progress = next;
        rig->count = 0;
    }
    return rc;
}

void rig_flush(struct rig *rig)
{
    if (rig_apply(rig) != DW_OK)
        fail_msg("apply: %s %s", rig->err.id, rig->err.message);
    if (rig_commit(rig) != DW_OK)
        fail_msg("commit: %s %s", rig->err.id, rig->err.message);
}

const char *rig_text(struct rig *rig, const char *sql)
{
    PGresult *result = NULL;
    if (dw_pg_query(rig->conn, sql, 0, NULL, &result, &rig->err) != DW_OK)
        fail_msg("%s: %s", sql, rig->err.message);
    const char *text = "";
    if (PQntuples(result))
        text = PQgetisnull(result, 0, 0)
                   ? "(null)"
                   : dw_arena_copy(&rig->arena, dw_str_from(PQgetvalue(result, 0, 0))).ptr;
    PQclear(result);
    return text;
}

void rig_assert_outcome(const struct dw_change *change, enum dw_outcome outcome)
{
    if (change->outcome != outcome)
        fail_msg("outcome %d instead of %d: %s", (int)change->outcome, (int)outcome,
                 change->err ? change->err->message : "");
}

void rig_assert_dead(const struct dw_change *change, const char *id)
{
    rig_assert_outcome(change, DW_OUTCOME_DEAD);
    assert_string_equal(change->err->id, id);
}

void rig_assert_incomplete(const struct dw_change *change)
{
    rig_assert_outcome(change, DW_OUTCOME_WAITING);
    assert_string_equal(change->err->id, DW_WRITER_INCOMPLETE);
    assert_string_equal(change->failure_class, "incomplete");
}
