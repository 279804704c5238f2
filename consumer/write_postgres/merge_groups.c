/* merge_groups.c - see merge_groups.h. */
#include "consumer/write_postgres/merge_groups.h"

#include "common/base/fault.h"
#include "consumer/write_postgres/owner.h"
#include "consumer/write_postgres/rows.h"
#include "consumer/write_postgres/rows_copy.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define SQL_MAX ((size_t)16 * 1024 * 1024)
/* What is sent behind the fence has to leave in one piece: libpq sends on its own from 8 KiB on,
 * and a worker frozen between two pieces would hold the progress lock with no time-out to end it
 * (trap 9). Larger groups go by COPY, which runs before the fence. */
#define ARRAY_BYTES_MAX    6000
#define REPLIES_OF_A_GROUP 6 /* at most: mark and merge, each prepared first */

/* ---- grouping ---- */

static struct dw_merge_groups_item *add_group(struct dw_merge_groups *groups,
                                              enum dw_merge_groups_kind kind,
                                              const uint16_t *columns, size_t count,
                                              struct dw_arena *arena)
{
    if (groups->count == groups->capacity) {
        size_t capacity = groups->capacity ? groups->capacity * 2 : 4;
        struct dw_merge_groups_item *grown =
            DW_ARENA_ARRAY(arena, struct dw_merge_groups_item, capacity);
        if (groups->count)
            memcpy(grown, groups->items, groups->count * sizeof *grown);
        groups->items = grown;
        groups->capacity = capacity;
    }
    struct dw_merge_groups_item *group = &groups->items[groups->count++];
    *group = (struct dw_merge_groups_item){.kind = kind, .shape = {columns, count, false}};
    return group;
}

bool dw_merge_groups_is_new(const struct dw_coalesce_op *op)
{
    bool whole =
        op->kind == DW_COALESCE_UPSERT || (op->kind == DW_COALESCE_KEEP && op->cells == op->absent);
    return whole && op->fresh && !op->delete_first;
}

/* Whether an operation belongs to a group of this kind: what delete first are rows of two. */
static bool belongs(const struct dw_merge_groups *groups, const struct dw_coalesce_op *op,
                    enum dw_merge_groups_kind kind)
{
    bool is_new = groups->straight && dw_merge_groups_is_new(op);
    bool is_delete = op->kind == DW_COALESCE_DELETE;
    switch (kind) {
    case DW_GROUP_DELETE:
        return (is_delete && op->removal == DW_COALESCE_REMOVE) || op->delete_first;
    case DW_GROUP_FLAG_DELETED:
        return is_delete && op->removal == DW_COALESCE_FLAG_DELETED;
    case DW_GROUP_FLAG_EXITED:
        return is_delete && op->removal == DW_COALESCE_FLAG_EXITED;
    case DW_GROUP_NEW:
        return is_new;
    case DW_GROUP_UPSERT:
        return op->kind == DW_COALESCE_UPSERT && !is_new;
    case DW_GROUP_ABSENT:
        return op->absent && !is_new &&
               (op->kind == DW_COALESCE_KEEP || op->kind == DW_COALESCE_PARTIAL);
    case DW_GROUP_PARTIAL:
        return op->kind == DW_COALESCE_PARTIAL;
    }
    return false;
}

static size_t count_kind(const struct dw_merge_groups *groups, enum dw_merge_groups_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < groups->plan->op_count; i++)
        count += belongs(groups, &groups->plan->ops[i], kind);
    return count;
}

/* All operations of a kind, in one group. */
static void add_kind(struct dw_coalesce_plan *plan, enum dw_merge_groups_kind kind,
                     const struct dw_writer_table_columns *columns, struct dw_arena *arena,
                     struct dw_merge_groups *groups)
{
    size_t count = count_kind(groups, kind);
    if (!count)
        return;
    struct dw_merge_groups_item *group =
        add_group(groups, kind, columns->items, columns->count, arena);
    group->ops = DW_ARENA_ARRAY(arena, struct dw_coalesce_op *, count);
    for (size_t i = 0; i < plan->op_count; i++)
        if (belongs(groups, &plan->ops[i], kind))
            group->ops[group->count++] = &plan->ops[i];
}

static size_t present_columns(const struct dw_writer_table *table, const struct dw_coalesce_op *op,
                              uint16_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < table->merge.column_count; i++)
        if (i >= table->map->column_count || op->cells[i].kind != DW_VALUE_ABSENT)
            out[count++] = (uint16_t)i;
    return count;
}

static struct dw_merge_groups_item *group_with(struct dw_merge_groups *groups,
                                               const uint16_t *columns, size_t count)
{
    for (size_t i = 0; i < groups->count; i++) {
        struct dw_merge_groups_item *group = &groups->items[i];
        if (group->kind == DW_GROUP_PARTIAL && group->shape.count == count &&
            memcmp(group->shape.columns, columns, count * sizeof *columns) == 0)
            return group;
    }
    return NULL;
}

static void add_partial(const struct dw_writer_table *table, struct dw_coalesce_op *op,
                        size_t op_count, struct dw_merge_groups *groups, struct dw_arena *arena)
{
    uint16_t *columns = DW_ARENA_ARRAY(arena, uint16_t, table->merge.column_count);
    size_t count = present_columns(table, op, columns);
    struct dw_merge_groups_item *group = group_with(groups, columns, count);
    if (!group) {
        group = add_group(groups, DW_GROUP_PARTIAL, columns, count, arena);
        group->ops = DW_ARENA_ARRAY(arena, struct dw_coalesce_op *, op_count);
    }
    op->missing = true; /* until the server returns it */
    group->ops[group->count++] = op;
}

/* Rows that go in only where there is none: as operations of their own, with those cells. */
static void add_absent(const struct dw_writer_table *table, const struct dw_coalesce_plan *plan,
                       struct dw_merge_groups *groups, struct dw_arena *arena)
{
    size_t count = count_kind(groups, DW_GROUP_ABSENT);
    if (!count)
        return;
    struct dw_merge_groups_item *group =
        add_group(groups, DW_GROUP_ABSENT, table->all.items, table->all.count, arena);
    struct dw_coalesce_op *ops = DW_ARENA_ARRAY(arena, struct dw_coalesce_op, count);
    group->ops = DW_ARENA_ARRAY(arena, struct dw_coalesce_op *, count);
    for (size_t i = 0; i < plan->op_count; i++) {
        if (!belongs(groups, &plan->ops[i], DW_GROUP_ABSENT))
            continue;
        ops[group->count] = plan->ops[i];
        ops[group->count].cells = plan->ops[i].absent;
        group->ops[group->count] = &ops[group->count];
        group->count++;
    }
}

void dw_merge_groups_build(const struct dw_writer_table *table, struct dw_coalesce_plan *plan,
                           bool straight, struct dw_arena *arena, struct dw_merge_groups *out)
{
    *out = (struct dw_merge_groups){.plan = plan, .straight = straight};
    add_kind(plan, DW_GROUP_NEW, &table->all, arena, out);
    add_kind(plan, DW_GROUP_DELETE, &table->keys, arena, out);
    add_kind(plan, DW_GROUP_FLAG_DELETED, &table->deleted.columns, arena, out);
    add_kind(plan, DW_GROUP_FLAG_EXITED, &table->exited.columns, arena, out);
    add_kind(plan, DW_GROUP_UPSERT, &table->all, arena, out);
    add_absent(table, plan, out, arena);
    size_t partials = count_kind(out, DW_GROUP_PARTIAL);
    for (size_t i = 0; partials && i < plan->op_count; i++)
        if (plan->ops[i].kind == DW_COALESCE_PARTIAL)
            add_partial(table, &plan->ops[i], partials, out, arena);
}

static struct dw_rows rows_of(const struct dw_writer_table *table,
                              const struct dw_merge_groups_item *group)
{
    const struct dw_value *extra = table->live;
    if (group->kind == DW_GROUP_FLAG_DELETED)
        extra = table->deleted.values;
    else if (group->kind == DW_GROUP_FLAG_EXITED)
        extra = table->exited.values;
    return (struct dw_rows){
        .ops = group->ops,
        .count = group->count,
        .columns = group->shape.columns,
        .column_count = group->shape.count,
        .key_of = table->key_of,
        .from_keys = group->kind == DW_GROUP_DELETE || extra != table->live,
        .mapped = table->map->column_count,
        .extra = extra,
    };
}

/* ---- staging ---- */

/* Bytes of the rows' values; stops counting above `limit`. */
static size_t count_bytes(const struct dw_rows *rows, size_t limit)
{
    size_t bytes = 0;
    for (size_t row = 0; row < rows->count && bytes <= limit; row++)
        for (size_t i = 0; i < rows->column_count; i++) {
            const struct dw_value *cell = dw_rows_cell(rows, row, rows->columns[i]);
            bytes += sizeof(int32_t) + (cell->kind == DW_VALUE_STRING ? cell->text.len : 0);
        }
    return bytes;
}

/* Whether a group goes by COPY; *left is what arrays may still hold in this batch. */
static bool wants_stage(const struct dw_writer_table *table,
                        const struct dw_merge_groups_item *group, size_t *left)
{
    if (table->writer->no_stage)
        return false;
    if (group->count >= DW_MERGE_GROUPS_STAGED)
        return true;
    const struct dw_rows rows = rows_of(table, group);
    size_t bytes = count_bytes(&rows, *left);
    if (bytes > *left)
        return true;
    *left -= bytes;
    return false;
}

/* BEGIN where there is none yet. */
static enum dw_rc open_transaction(struct dw_writer *writer, struct dw_err *err)
{
    return writer->state == DW_SESSION_NOTED ? dw_writer_session_stage(writer, err) : DW_OK;
}

/* Straight into the target, before the fence as what is staged (trap 9). DW_AGAIN: the server
 * refuses something in it. */
static enum dw_rc copy_new(struct dw_writer_table *table, const struct dw_merge_groups_item *group,
                           struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    const struct dw_rows rows = rows_of(table, group);
    bool broken = false;
    enum dw_rc rc = open_transaction(writer, err);
    if (rc != DW_OK)
        return rc;
    dw_buf_reset(&writer->sql, SQL_MAX);
    dw_merge_sql_copy_straight(&writer->sql, &table->merge, &group->shape);
    PGresult *failure =
        dw_rows_copy_send(writer->conn, writer->sql.data, &rows, 0, &writer->copy, &broken);
    if (failure || broken)
        rc = dw_writer_session_error(writer, broken ? NULL : failure, err);
    PQclear(failure);
    if (rc == DW_OK) {
        dw_straight_went(&table->straight);
        return DW_OK;
    }
    if (rc == DW_RETRY)
        return rc;
    dw_straight_failed(&table->straight);
    return DW_AGAIN;
}

static enum dw_rc copy_group(struct dw_writer_table *table, struct dw_merge_groups_item *group,
                             struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    const struct dw_rows rows = rows_of(table, group);
    bool broken = false;
    dw_buf_reset(&writer->sql, SQL_MAX);
    dw_merge_sql_copy(&writer->sql, &table->merge, &group->shape);
    PGresult *failure = dw_rows_copy_send(writer->conn, writer->sql.data, &rows,
                                          group->first_number, &writer->copy, &broken);
    if (!failure && !broken) {
        group->shape.staged = true;
        return DW_OK;
    }
    enum dw_rc rc = dw_writer_session_error(writer, broken ? NULL : failure, err);
    PQclear(failure);
    return rc;
}

/* BEGIN, and the table to copy into. DW_AGAIN: see dw_merge_groups_stage. */
static enum dw_rc open_stage(struct dw_writer_table *table, struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    enum dw_rc rc = open_transaction(writer, err);
    if (rc == DW_OK)
        rc = dw_writer_table_stage(table, err);
    if (rc == DW_CONFIG && strcmp(err->sqlstate, "42501") == 0) {
        writer->no_stage = true;
        return DW_AGAIN;
    }
    return rc;
}

static enum dw_rc stage_group(struct dw_writer_table *table, struct dw_merge_groups_item *group,
                              int64_t *number, struct dw_err *err)
{
    enum dw_rc rc = open_stage(table, err);
    group->first_number = *number;
    *number += (int64_t)group->count;
    return rc == DW_OK ? copy_group(table, group, err) : rc;
}

static enum dw_rc stage_claims(struct dw_writer_table *table, struct dw_merge_groups *groups,
                               struct dw_err *err)
{
    if (!dw_owner_wants_stage(table, groups->plan))
        return DW_OK;
    enum dw_rc rc = open_stage(table, err);
    if (rc == DW_OK)
        rc = dw_owner_stage(table, groups->plan, err);
    groups->claims_staged = rc == DW_OK;
    return rc;
}

enum dw_rc dw_merge_groups_stage(struct dw_writer_table *table, struct dw_merge_groups *groups,
                                 struct dw_err *err)
{
    int64_t number = 1;
    size_t left = ARRAY_BYTES_MAX;
    for (size_t i = 0; i < groups->count; i++) {
        struct dw_merge_groups_item *group = &groups->items[i];
        enum dw_rc rc = DW_OK;
        if (group->kind == DW_GROUP_NEW)
            rc = copy_new(table, group, err);
        else if (wants_stage(table, group, &left))
            rc = stage_group(table, group, &number, err);
        if (rc != DW_OK)
            return rc;
    }
    return stage_claims(table, groups, err);
}

/* ---- sending ---- */

static void put_carrier(struct dw_writer_table *table, const struct dw_merge_groups_item *group)
{
    struct dw_rows_array *arrays = &table->writer->arrays;
    dw_rows_array_reset(arrays);
    if (!group->shape.staged) {
        const struct dw_rows rows = rows_of(table, group);
        dw_rows_array_fill(arrays, &rows);
        return;
    }
    char number[24];
    (void)snprintf(number, sizeof number, "%lld", (long long)group->first_number);
    dw_rows_array_text(arrays, dw_str_from(number));
    (void)snprintf(number, sizeof number, "%lld",
                   (long long)(group->first_number + (int64_t)group->count - 1));
    dw_rows_array_text(arrays, dw_str_from(number));
}

static void send_statement(struct dw_writer_table *table, int tag,
                           enum dw_writer_table_statement which)
{
    const struct dw_exchange_params params = dw_rows_array_params(&table->writer->arrays);
    dw_exchange_send_prepared(&table->writer->exchange, tag, &table->statements[which],
                              &table->prepared[which], &params);
}

/* writer->sql as it stands, not prepared: such groups differ, and a join's plan must see how large
 * the table is now. */
static void send_sql(struct dw_writer_table *table, int tag)
{
    const struct dw_exchange_params params = dw_rows_array_params(&table->writer->arrays);
    dw_exchange_send(&table->writer->exchange, tag, table->writer->sql.data, &params);
}

/* The carrier's parameters are in writer->arrays. */
static void send_mark(struct dw_writer_table *table, const struct dw_merge_groups_item *group,
                      struct dw_str origin, int tag)
{
    struct dw_writer *writer = table->writer;
    dw_buf_reset(&writer->sql, SQL_MAX);
    dw_merge_sql_mark_head(&writer->sql, &table->merge, &group->shape, origin,
                           group->kind == DW_GROUP_DELETE ? "delete" : "upsert");
    dw_rows_array_text(&writer->arrays, dw_buf_str(&writer->sql));
    if (group->kind == DW_GROUP_UPSERT) {
        send_statement(table, tag, group->shape.staged ? DW_TABLE_MARK_STAGED : DW_TABLE_MARK);
    } else {
        dw_buf_reset(&writer->sql, SQL_MAX);
        dw_merge_sql_mark(&writer->sql, &table->merge, &group->shape);
        send_sql(table, tag);
    }
    writer->arrays.count--; /* what is left is the carrier again */
}

static void send_group(struct dw_writer_table *table, struct dw_merge_groups_item *group,
                       struct dw_str origin, int tag)
{
    struct dw_writer *writer = table->writer;
    put_carrier(table, group);
    if (writer->system->capture)
        send_mark(table, group, origin, tag);
    if (group->kind == DW_GROUP_UPSERT) {
        send_statement(table, tag, group->shape.staged ? DW_TABLE_UPSERT_STAGED : DW_TABLE_UPSERT);
    } else {
        dw_buf_reset(&writer->sql, SQL_MAX);
        if (group->kind == DW_GROUP_ABSENT)
            dw_merge_sql_insert(&writer->sql, &table->merge, &group->shape);
        else if (group->kind == DW_GROUP_DELETE)
            dw_merge_sql_delete(&writer->sql, &table->merge, &group->shape);
        else
            dw_merge_sql_update(&writer->sql, &table->merge, &group->shape);
        send_sql(table, tag);
    }
    group->reply = writer->exchange.count - 1;
}

/* Rows that an UPDATE returned were there. */
static void note_found(const struct dw_exchange *exchange, struct dw_merge_groups_item *group)
{
    const PGresult *result = exchange->replies[group->reply].result;
    for (int row = 0; row < PQntuples(result); row++) {
        long long number = strtoll(PQgetvalue(result, row, 0), NULL, 10);
        if (group->shape.staged)
            number -= group->first_number - 1;
        if (number >= 1 && number <= (long long)group->count)
            group->ops[number - 1]->missing = false;
    }
}

static enum dw_rc finish(struct dw_writer_table *table, struct dw_merge_groups *groups, size_t from,
                         size_t to, struct dw_err *err)
{
    enum dw_rc rc = dw_writer_session_finish(table->writer, err);
    for (size_t i = from; rc == DW_OK && i < to; i++)
        if (groups->items[i].kind == DW_GROUP_PARTIAL)
            note_found(&table->writer->exchange, &groups->items[i]);
    return rc;
}

enum dw_rc dw_merge_groups_run(struct dw_writer_table *table, struct dw_merge_groups *groups,
                               struct dw_str origin, bool savepoint, struct dw_err *err)
{
    struct dw_writer *writer = table->writer;
    struct dw_exchange *exchange = &writer->exchange;
    size_t from = 0;
    dw_writer_session_open(writer);
    if (savepoint)
        dw_exchange_send(exchange, DW_SESSION_TAG_OTHER, "SAVEPOINT dw_part", NULL);
    for (size_t i = 0; i < groups->count; i++) {
        if (!dw_exchange_has_room(exchange, REPLIES_OF_A_GROUP)) {
            enum dw_rc rc = finish(table, groups, from, i, err);
            if (rc != DW_OK)
                return rc;
            from = i;
            dw_writer_session_open(writer);
        }
        if (groups->items[i].kind != DW_GROUP_NEW) /* it is there */
            send_group(table, &groups->items[i], origin, DW_SESSION_TAG_GROUP + (int)i);
    }
    dw_owner_send(table, groups->plan, groups->claims_staged);
    if (table->deferred) /* else they would fail at COMMIT, where no row can be named */
        dw_exchange_send(exchange, DW_SESSION_TAG_OTHER, "SET CONSTRAINTS ALL IMMEDIATE", NULL);
    if (savepoint)
        dw_exchange_send(exchange, DW_SESSION_TAG_OTHER, "RELEASE SAVEPOINT dw_part", NULL);
    if (savepoint)
        dw_fault("writer.part_half_sent");
    return finish(table, groups, from, groups->count, err);
}
