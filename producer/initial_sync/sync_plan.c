/* sync_plan.c - see sync_plan.h. */
#include "producer/initial_sync/sync_plan.h"

#include "common/postgres/pg.h"
#include "producer/initial_sync/chunk_read.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define SQL_BYTES_MAX   65536
#define KEY_BYTES_MAX   ((size_t)64 << 20)
#define SAMPLE_ROWS     20000
#define SPANS_MAX       64
#define CHUNKS_PER_SPAN 4
#define PLAN_ROWS       "\"Plan Rows\":"

/* Of a table that was never analysed the size tells about how many rows it may have. */
static enum dw_rc estimate(PGconn *conn, const struct dw_sync_table *table, int64_t *out,
                           struct dw_err *err)
{
    struct dw_buf name;
    PGresult *result = NULL;
    dw_buf_init(&name, SQL_BYTES_MAX);
    dw_pg_quote_table(&name, table->schema, table->table);
    const char *params[] = {name.data};
    enum dw_rc rc = dw_pg_query(conn,
                                "SELECT coalesce(sum(CASE WHEN c.reltuples > 0 THEN c.reltuples"
                                " ELSE pg_relation_size(c.oid) / 100 END), 0)::bigint"
                                " FROM pg_class c WHERE c.relkind <> 'p' AND c.oid IN"
                                " (SELECT $1::regclass UNION ALL"
                                "  SELECT relid FROM pg_partition_tree($1::regclass))",
                                1, params, &result, err);
    dw_buf_done(&name);
    if (rc != DW_OK)
        return rc;
    *out = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return DW_OK;
}

/* About how many rows the server expects of the sync's bounds and conditions. */
static enum dw_rc estimate_matching(const struct dw_sync_plan_order *order, int64_t *out,
                                    struct dw_err *err)
{
    const struct dw_sync_record *record = order->record;
    const struct dw_chunk_read read = {.table = order->table,
                                       .lower = record->from_key,
                                       .lower_in = true,
                                       .upper = record->to_key};
    const struct dw_sync_scope scope = {
        .has_lower = read.lower != NULL, .lower_in = true, .has_upper = read.upper != NULL};
    PGresult *result = NULL;
    struct dw_buf sql;
    enum dw_rc rc = dw_chunk_read_conditions(order->conn, &read, err);
    if (rc != DW_OK)
        return rc;
    dw_buf_init(&sql, SQL_BYTES_MAX);
    dw_sync_table_sql_estimate(order->table, &scope, &sql);
    rc = dw_pg_query(order->conn, sql.data, 0, NULL, &result, err);
    dw_buf_done(&sql);
    if (rc != DW_OK)
        return rc;
    const char *rows = strstr(PQgetvalue(result, 0, 0), PLAN_ROWS); /* the outermost node's */
    *out = rows ? strtoll(rows + sizeof PLAN_ROWS - 1, NULL, 10) : 0;
    PQclear(result);
    return DW_OK;
}

static enum dw_rc find_cuts(const struct dw_sync_plan_order *order, int64_t rows, int64_t spans,
                            PGresult **out, struct dw_err *err)
{
    char percent[32];
    char count[24];
    const char *params[] = {percent, count};
    struct dw_buf sql;
    double share = (double)SAMPLE_ROWS * 100 / (double)rows;
    (void)snprintf(percent, sizeof percent, "%.6f", share > 100 ? 100 : share);
    (void)snprintf(count, sizeof count, "%lld", (long long)spans);
    dw_buf_init(&sql, SQL_BYTES_MAX);
    dw_sync_table_sql_cuts(order->table, &sql);
    enum dw_rc rc = dw_pg_query(order->conn, sql.data, 2, params, out, err);
    dw_buf_done(&sql);
    return rc;
}

/* One cut as a JSON array, in the map's order. */
static const char *read_cut(const PGresult *result, int row, size_t key_count,
                            struct dw_arena *arena)
{
    struct dw_buf json;
    struct dw_str *texts = DW_ARENA_ARRAY(arena, struct dw_str, key_count);
    for (size_t i = 0; i < key_count; i++)
        texts[i] = dw_str_from(PQgetvalue(result, row, (int)i));
    dw_buf_init(&json, KEY_BYTES_MAX);
    dw_chunk_read_format_key(texts, key_count, &json);
    const char *copy = dw_arena_copy(arena, dw_buf_str(&json)).ptr;
    dw_buf_done(&json);
    return copy;
}

static void add(struct dw_sync_plan *plan, struct dw_sync_range range)
{
    range.number = (int)plan->count;
    plan->ranges[plan->count++] = range;
}

static enum dw_rc cut(const struct dw_sync_plan_order *order, struct dw_arena *arena,
                      struct dw_sync_plan *out, struct dw_err *err)
{
    int64_t spans = out->rows_estimated / (order->chunk_rows * CHUNKS_PER_SPAN);
    PGresult *cuts = NULL;
    if (spans > SPANS_MAX)
        spans = SPANS_MAX;
    enum dw_rc rc = spans > 1 ? find_cuts(order, out->rows_estimated, spans, &cuts, err) : DW_OK;
    if (rc != DW_OK)
        return rc;
    int count = cuts ? PQntuples(cuts) : 0;
    const char *lower = NULL;
    out->ranges = DW_ARENA_ARRAY(arena, struct dw_sync_range, (size_t)count + 2);
    for (int i = 0; i < count; i++) {
        const char *upper = read_cut(cuts, i, order->table->key_count, arena);
        add(out, (struct dw_sync_range){.lower = lower, .upper = upper});
        lower = upper;
    }
    add(out, (struct dw_sync_range){.lower = lower});
    PQclear(cuts);
    return DW_OK;
}

static enum dw_rc plan_keys(const struct dw_sync_plan_order *order, struct dw_arena *arena,
                            struct dw_sync_plan *out, struct dw_err *err)
{
    struct dw_str *keys = NULL;
    size_t count = 0;
    enum dw_rc rc =
        dw_chunk_read_keys(order->record->keys, order->table->key_count, arena, &keys, &count, err);
    out->ranges = DW_ARENA_ARRAY(arena, struct dw_sync_range, 2);
    out->rows_estimated = (int64_t)count;
    add(out, (struct dw_sync_range){.part = DW_SYNC_PART_ROWS});
    return rc;
}

static enum dw_rc plan_range(const struct dw_sync_plan_order *order, struct dw_arena *arena,
                             struct dw_sync_plan *out, struct dw_err *err)
{
    out->ranges = DW_ARENA_ARRAY(arena, struct dw_sync_range, 2);
    add(out, (struct dw_sync_range){.lower = order->record->from_key,
                                    .lower_in = true,
                                    .upper = order->record->to_key});
    return estimate_matching(order, &out->rows_estimated, err);
}

static enum dw_rc plan_table(const struct dw_sync_plan_order *order, struct dw_arena *arena,
                             struct dw_sync_plan *out, struct dw_err *err)
{
    bool all = !order->table->filter.sql.ptr && !order->table->choice.sql.ptr;
    enum dw_rc rc = estimate(order->conn, order->table, &out->rows_estimated, err);
    if (rc == DW_OK) /* by all rows: those that do not match are walked too */
        rc = cut(order, arena, out, err);
    return rc == DW_OK && !all ? estimate_matching(order, &out->rows_estimated, err) : rc;
}

enum dw_rc dw_sync_plan_make(const struct dw_sync_plan_order *order, struct dw_arena *arena,
                             struct dw_sync_plan *out, struct dw_err *err)
{
    const struct dw_sync_record *record = order->record;
    *out = (struct dw_sync_plan){0};
    enum dw_rc rc = record->keys       ? plan_keys(order, arena, out, err)
                    : record->from_key ? plan_range(order, arena, out, err)
                                       : plan_table(order, arena, out, err);
    if (rc == DW_OK && (record->delete_extra || record->keys))
        add(out, (struct dw_sync_range){.part = DW_SYNC_PART_EXTRA,
                                        .lower = record->from_key,
                                        .lower_in = record->from_key != NULL,
                                        .upper = record->to_key});
    return rc;
}
