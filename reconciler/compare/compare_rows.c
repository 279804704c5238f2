/* compare_rows.c - the rows way; see compare_step.h.
 *
 * A page of the source's rows is transformed here as the consumer does it, its lookups are found in
 * the target, and the target tells which of its rows are not like that. Nothing is judged here:
 * what a value map or a conversion refuses is a suspect like any other.
 */
#include "common/base/hash.h"
#include "common/base/json_pull.h"
#include "common/base/table.h"
#include "common/expr/map_expr.h"
#include "common/model/event_encode.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_compare.h"
#include "common/postgres/pg_lookup.h"
#include "common/transform/transform.h"
#include "reconciler/compare/compare_sql.h"
#include "reconciler/compare/compare_step.h"
#include "reconciler/compare/compare_twins.h"
#include "reconciler/compare/compare_types.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define SQL_MAX ((size_t)32 << 20)
#define ROW_MAX ((size_t)1 << 30)

struct lookup {
    size_t column;
    const struct dw_map_lookup *spec;
    const char *sql;
};

struct dw_compare_rows {
    struct dw_arena arena;
    const struct dw_compare_plan *plan;
    struct dw_transform *transform;
    const struct dw_str *columns; /* of the source, as events have them */
    size_t column_count;
    enum dw_encoding *encodings;
    struct lookup *lookups;
    size_t lookup_count;
    struct dw_compare_table compare; /* the map's columns, then those of flags */
    uint16_t *all;
    struct dw_value *live; /* of the columns of flags */
};

/* --- making --------------------------------------------------------------------------------------
 */

static enum dw_rc load_lookups(struct dw_compare_rows *rows, struct dw_compare_links *links,
                               struct dw_map_resolved *resolved, struct dw_err *err)
{
    const struct dw_table_map *map = rows->plan->map;
    struct dw_pg_lookups lookups = {.conn = links->target, .arena = &rows->arena};
    enum dw_rc rc = DW_OK;
    rows->lookups = DW_ARENA_ARRAY(&rows->arena, struct lookup, map->column_count);
    for (size_t i = 0; i < map->column_count && rc == DW_OK; i++) {
        if (!map->columns[i].lookup)
            continue;
        struct lookup *lookup = &rows->lookups[rows->lookup_count++];
        *lookup = (struct lookup){i, map->columns[i].lookup, NULL};
        rc = dw_pg_lookup_sql(&lookups, lookup->spec, &lookup->sql, err);
    }
    resolved->lookups = lookups.tables;
    resolved->lookup_count = lookups.count;
    return rc;
}

static enum dw_rc load_columns(struct dw_compare_rows *rows, struct dw_err *err)
{
    const struct dw_pg_table *table = rows->plan->source.table;
    rows->columns = dw_map_expr_source_columns(rows->plan->map, &rows->arena, &rows->column_count);
    rows->encodings = DW_ARENA_ARRAY(&rows->arena, enum dw_encoding, rows->column_count);
    for (size_t i = 0; i < rows->column_count; i++) {
        const struct dw_pg_column *column = dw_pg_table_column(table, rows->columns[i]);
        if (!column || !column->can_select)
            return dw_err_set(err, DW_CONFIG, "DW-COMPARE-002", "%s column %.*s of %.*s.%.*s",
                              column ? "no right to SELECT" : "there is no",
                              DW_STR_ARG(rows->columns[i]), DW_STR_ARG(table->schema),
                              DW_STR_ARG(table->table));
        rows->encodings[i] = dw_event_encode_kind(column->base_oid);
    }
    return DW_OK;
}

static enum dw_rc add_column(struct dw_compare_rows *rows, struct dw_str name, bool is_key,
                             struct dw_compare_column *out, struct dw_err *err)
{
    const struct dw_pg_column *column = dw_pg_table_column(rows->plan->target.table, name);
    if (!column)
        return dw_err_set(err, DW_CONFIG, "DW-COMPARE-002", "there is no column %.*s in the target",
                          DW_STR_ARG(name));
    *out = (struct dw_compare_column){
        .name = column->name,
        .base_type = column->base_type_sql,
        .base_oid = column->base_oid,
        .is_key = is_key,
        .equals = DW_STR_LIT("="),
    };
    rows->all[rows->compare.column_count] = (uint16_t)rows->compare.column_count;
    rows->compare.column_count++;
    return DW_OK;
}

static enum dw_rc add_flag(struct dw_compare_rows *rows, const struct dw_map_flag *flag,
                           struct dw_compare_column *columns, struct dw_err *err)
{
    size_t at = rows->compare.column_count;
    enum dw_rc rc = add_column(rows, flag->column, false, &columns[at], err);
    if (rc != DW_OK)
        return rc;
    struct dw_resolved_column resolved =
        dw_pg_table_resolve(dw_pg_table_column(rows->plan->target.table, flag->column));
    return dw_transform_literal(&flag->live, &resolved, &rows->arena,
                                &rows->live[at - rows->plan->map->column_count], err);
}

static enum dw_rc load_compare(struct dw_compare_rows *rows, struct dw_err *err)
{
    const struct dw_table_map *map = rows->plan->map;
    const struct dw_map_flag deleted = {map->delete_column, map->delete_value, map->live_value};
    struct dw_compare_column *columns =
        DW_ARENA_ARRAY(&rows->arena, struct dw_compare_column, map->column_count + 2);
    enum dw_rc rc = DW_OK;
    rows->all = DW_ARENA_ARRAY(&rows->arena, uint16_t, map->column_count + 2);
    rows->live = DW_ARENA_ARRAY(&rows->arena, struct dw_value, 2);
    rows->compare = (struct dw_compare_table){rows->plan->target.table->schema,
                                              rows->plan->target.table->table, columns, 0};
    for (size_t i = 0; i < map->column_count && rc == DW_OK; i++)
        rc = add_column(rows, map->columns[i].target, map->columns[i].key_index >= 0, &columns[i],
                        err);
    if (rc == DW_OK && map->on_delete == DW_ON_DELETE_SET)
        rc = add_flag(rows, &deleted, columns, err);
    if (rc == DW_OK && map->filter.ptr && map->on_filter_exit == DW_ON_FILTER_EXIT_SET)
        rc = add_flag(rows, &map->exit, columns, err);
    return rc;
}

enum dw_rc dw_compare_rows_new(struct dw_compare_rows **out, const struct dw_compare_plan *plan,
                               struct dw_compare_links *links, struct dw_err *err)
{
    struct dw_compare_rows *rows = DW_MEM_NEW(struct dw_compare_rows);
    struct dw_map_resolved resolved = {.lookups = NULL};
    dw_arena_init(&rows->arena, 65536);
    rows->plan = plan;
    dw_compare_types_side(plan->source.table, &rows->arena, &resolved.source);
    dw_compare_types_side(plan->target.table, &rows->arena, &resolved.target);
    enum dw_rc rc = load_lookups(rows, links, &resolved, err);
    if (rc == DW_OK)
        rc = load_columns(rows, err);
    if (rc == DW_OK)
        rc = load_compare(rows, err);
    struct dw_map_resolved *kept = DW_ARENA_NEW(&rows->arena, struct dw_map_resolved);
    *kept = resolved;
    if (rc == DW_OK)
        rc = dw_transform_new(&rows->transform, plan->map, kept, &rows->arena, err);
    if (rc != DW_OK) {
        dw_compare_rows_free(rows);
        return rc;
    }
    *out = rows;
    return DW_OK;
}

void dw_compare_rows_free(struct dw_compare_rows *rows)
{
    if (!rows)
        return;
    dw_arena_done(&rows->arena);
    free(rows);
}

const struct dw_transform *dw_compare_rows_transform(const struct dw_compare_rows *rows)
{
    return rows->transform;
}

/* --- a page --------------------------------------------------------------------------------------
 */

struct row {
    const char *key; /* of the source, JSON */
    struct dw_value *cells;
    bool settled; /* it is a suspect already, or outside of the filter */
};

struct page {
    struct dw_compare_rows *rows;
    const struct dw_compare_order *order;
    struct dw_compare_brought *brought;
    struct dw_arena *arena;
    struct dw_err *err;
    struct row *list;
    size_t count;
};

static void suspect(struct page *page, struct row *row)
{
    if (!row->settled)
        dw_compare_brought_suspect(page->brought, row->key);
    row->settled = true;
}

/* The row as the decoder of events gives it. */
static bool read_fields(struct page *page, const PGresult *result, int number,
                        struct dw_event_field *fields)
{
    struct dw_compare_rows *rows = page->rows;
    for (size_t i = 0; i < rows->column_count; i++) {
        struct dw_buf text;
        struct dw_json_pull pull;
        fields[i] = (struct dw_event_field){rows->columns[i], {DW_VALUE_NULL, {NULL, 0}}};
        if (PQgetisnull(result, number, (int)i))
            continue;
        const struct dw_str value = {PQgetvalue(result, number, (int)i),
                                     (size_t)PQgetlength(result, number, (int)i)};
        page->brought->bytes += value.len;
        dw_buf_init(&text, ROW_MAX);
        dw_event_encode_value(&text, rows->encodings[i], value);
        dw_json_pull_init(&pull, dw_arena_copy(page->arena, dw_buf_str(&text)), page->arena);
        enum dw_json token = dw_json_pull_next(&pull);
        dw_buf_done(&text);
        static const enum dw_value_kind kinds[] = {
            [DW_JSON_STRING] = DW_VALUE_STRING,
            [DW_JSON_NUMBER] = DW_VALUE_NUMBER,
            [DW_JSON_TRUE] = DW_VALUE_TRUE,
            [DW_JSON_FALSE] = DW_VALUE_FALSE,
        };
        if (token < DW_JSON_STRING || token > DW_JSON_FALSE)
            return false;
        fields[i].value = (struct dw_value){kinds[token], pull.text};
    }
    return true;
}

/* Whatever the transform refuses is for the consumer to judge. */
static void take_row(struct page *page, const PGresult *result, int number)
{
    struct dw_compare_rows *rows = page->rows;
    const struct dw_compare_plan *plan = rows->plan;
    struct row *row = &page->list[page->count++];
    struct dw_str key[DW_TABLE_MAP_KEY_MAX];
    struct dw_event_field *fields =
        DW_ARENA_ARRAY(page->arena, struct dw_event_field, rows->column_count);
    struct dw_err refusal = DW_ERR_INIT;
    bool matches = true;
    for (size_t i = 0; i < plan->key_count; i++)
        key[i] = dw_str_from(PQgetvalue(result, number, (int)(rows->column_count + i)));
    row->key = dw_compare_key_of_plan(plan, key, page->brought->arena);
    row->cells = DW_ARENA_ARRAY(page->arena, struct dw_value, rows->compare.column_count);
    bool good = read_fields(page, result, number, fields);
    const struct dw_event_row event = {fields, rows->column_count};
    good = good &&
           dw_transform_match(rows->transform, &event, page->arena, &matches, &refusal) == DW_OK;
    if (good && !matches) {
        row->settled = true;
        return;
    }
    good = good && dw_transform_row(rows->transform, &event, page->arena, row->cells, NULL,
                                    &refusal) == DW_OK;
    for (size_t i = plan->map->column_count; i < rows->compare.column_count; i++)
        row->cells[i] = rows->live[i - plan->map->column_count];
    page->brought->rows_source++;
    if (!good)
        suspect(page, row);
}

/* --- lookups -------------------------------------------------------------------------------------
 */

struct found {
    size_t number;
    struct dw_value value; /* ABSENT: no row */
};

static enum dw_rc ask_lookup(struct page *page, const struct lookup *lookup,
                             const struct dw_str *texts, struct found **found, size_t count)
{
    struct dw_compare_params params;
    PGresult *result = NULL;
    dw_compare_params_init(&params, page->arena);
    dw_compare_params_add_list(&params, texts, count, 1);
    enum dw_rc rc =
        dw_compare_ask(page->order->links->target, lookup->sql, &params, &result, page->err);
    for (int i = 0; rc == DW_OK && i < PQntuples(result); i++) {
        size_t at = strtoul(PQgetvalue(result, i, 0), NULL, 10) - 1;
        bool null = PQgetisnull(result, i, 1);
        if (at >= count)
            continue;
        found[at]->value.kind = null ? DW_VALUE_NULL : DW_VALUE_STRING;
        if (!null)
            found[at]->value.text =
                dw_arena_copy(page->arena, dw_str_from(PQgetvalue(result, i, 1)));
    }
    PQclear(result);
    return rc;
}

static void fill_lookup(struct page *page, const struct lookup *lookup, const struct dw_table *all)
{
    for (size_t i = 0; i < page->count; i++) {
        struct row *row = &page->list[i];
        struct dw_value *cell = &row->cells[lookup->column];
        if (row->settled || cell->kind != DW_VALUE_NESTED)
            continue;
        const struct found *found = dw_table_find(all, cell->text);
        if (found->value.kind != DW_VALUE_ABSENT)
            *cell = found->value;
        else if (lookup->spec->on_missing == DW_ON_MISSING_NULL)
            *cell = (struct dw_value){DW_VALUE_NULL, {NULL, 0}};
        else
            suspect(page, row);
    }
}

/* A key that the server refuses makes suspects of all that look something up. */
static enum dw_rc find_lookup(struct page *page, const struct lookup *lookup)
{
    struct dw_table all;
    struct dw_str *texts = DW_ARENA_ARRAY(page->arena, struct dw_str, page->count);
    struct found **found = DW_ARENA_ARRAY(page->arena, struct found *, page->count);
    size_t count = 0;
    enum dw_rc rc = DW_OK;
    dw_table_init(&all);
    for (size_t i = 0; i < page->count; i++) {
        const struct row *row = &page->list[i];
        if (row->settled || row->cells[lookup->column].kind != DW_VALUE_NESTED)
            continue;
        void **place = dw_table_place(&all, row->cells[lookup->column].text);
        if (*place)
            continue;
        found[count] = DW_ARENA_NEW(page->arena, struct found);
        *place = found[count];
        texts[count++] = row->cells[lookup->column].text;
    }
    if (count)
        rc = ask_lookup(page, lookup, texts, found, count);
    if (rc == DW_REJECT) {
        dw_err_clear(page->err);
        rc = DW_OK;
    }
    if (rc == DW_OK)
        fill_lookup(page, lookup, &all);
    dw_table_done(&all);
    return rc;
}

/* --- comparing -----------------------------------------------------------------------------------
 */

static void add_cells(struct page *page, struct row *const *list, size_t count,
                      struct dw_compare_params *params)
{
    struct dw_str *texts = DW_ARENA_ARRAY(page->arena, struct dw_str, count);
    for (size_t column = 0; column < page->rows->compare.column_count; column++) {
        for (size_t i = 0; i < count; i++) {
            const struct dw_value *cell = &list[i]->cells[column];
            texts[i] = cell->kind == DW_VALUE_STRING ? cell->text : (struct dw_str){NULL, 0};
        }
        dw_compare_params_add_list(params, texts, count, 1);
    }
}

/* Halves what the server refuses; a row that it refuses alone is a suspect. */
static enum dw_rc compare(struct page *page, struct row **list, size_t count)
{
    struct dw_compare_params params;
    struct dw_buf sql;
    PGresult *result = NULL;
    if (!count)
        return DW_OK;
    dw_compare_params_init(&params, page->arena);
    add_cells(page, list, count, &params);
    dw_buf_init(&sql, SQL_MAX);
    dw_pg_compare_sql(&sql, &page->rows->compare, page->rows->all,
                      page->rows->compare.column_count);
    enum dw_rc rc =
        dw_compare_ask(page->order->links->target, sql.data, &params, &result, page->err);
    dw_buf_done(&sql);
    for (int i = 0; rc == DW_OK && i < PQntuples(result); i++) {
        size_t number = strtoul(PQgetvalue(result, i, 0), NULL, 10);
        if (number >= 1 && number <= count)
            suspect(page, list[number - 1]);
    }
    PQclear(result);
    if (rc != DW_REJECT)
        return rc;
    dw_err_clear(page->err);
    if (count == 1) {
        suspect(page, list[0]);
        return DW_OK;
    }
    rc = compare(page, list, count / 2);
    return rc == DW_OK ? compare(page, list + count / 2, count - count / 2) : rc;
}

static enum dw_rc compare_page(struct page *page)
{
    struct row **list = DW_ARENA_ARRAY(page->arena, struct row *, page->count);
    size_t count = 0;
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < page->rows->lookup_count && rc == DW_OK; i++)
        rc = find_lookup(page, &page->rows->lookups[i]);
    for (size_t i = 0; i < page->count; i++)
        if (!page->list[i].settled)
            list[count++] = &page->list[i];
    return rc == DW_OK ? compare(page, list, count) : rc;
}

/* Of keys that are one in the target, the row that was written last looks equal. */
static enum dw_rc find_twins(struct page *page)
{
    const struct dw_compare_plan *plan = page->rows->plan;
    const char **keys = DW_ARENA_ARRAY(page->arena, const char *, page->count);
    const char **twins = DW_ARENA_ARRAY(page->arena, const char *, page->count);
    struct row **asked = DW_ARENA_ARRAY(page->arena, struct row *, page->count);
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++)
        if (!page->list[i].settled) {
            keys[count] = page->list[i].key;
            asked[count++] = &page->list[i];
        }
    enum dw_rc rc = dw_compare_twins_find(plan, page->order->links->source, keys, count,
                                          page->arena, twins, page->err);
    for (size_t i = 0; rc == DW_OK && i < count; i++)
        if (twins[i])
            suspect(page, asked[i]);
    return rc;
}

/* --- steps ---------------------------------------------------------------------------------------
 */

static enum dw_rc add_cursor(const struct dw_compare_order *order, struct dw_compare_params *params,
                             struct dw_err *err)
{
    struct dw_str key[DW_TABLE_MAP_KEY_MAX];
    if (!order->cursor)
        return DW_OK;
    enum dw_rc rc =
        dw_compare_key_parse(order->cursor, order->plan->key_count, params->arena, key, err);
    for (size_t i = 0; rc == DW_OK && i < order->plan->key_count; i++)
        dw_compare_params_add(params, key[i].ptr);
    return rc;
}

/* The cursor behind a page's last row, whose key begins at column `first`. */
static const char *cursor_of(const struct dw_compare_order *order, const PGresult *result,
                             size_t first, struct dw_arena *arena)
{
    struct dw_str key[DW_TABLE_MAP_KEY_MAX];
    int last = PQntuples(result) - 1;
    if (last + 1 < order->rows)
        return NULL;
    for (size_t i = 0; i < order->plan->key_count; i++)
        key[i] = dw_str_from(PQgetvalue(result, last, (int)(first + i)));
    return dw_compare_key_format(key, order->plan->key_count, arena);
}

/* The first page is in every sample, as the first range is. */
static bool is_sampled(const struct dw_compare_order *order)
{
    if (order->sample <= 0 || !order->cursor)
        return true;
    const struct dw_str cursor = dw_str_from(order->cursor);
    uint64_t hash = dw_hash_bytes(cursor.ptr, cursor.len, order->sample_seed);
    return (double)(hash % 100000) < order->sample * 1000;
}

enum dw_rc dw_compare_rows_step(struct dw_compare_rows *rows, const struct dw_compare_order *order,
                                struct dw_compare_brought *brought, struct dw_err *err)
{
    struct dw_arena arena;
    struct dw_compare_params params;
    struct dw_buf sql;
    PGresult *result = NULL;
    struct page page = {
        .rows = rows, .order = order, .brought = brought, .arena = &arena, .err = err};
    dw_arena_init(&arena, 262144);
    dw_buf_init(&sql, SQL_MAX);
    dw_compare_params_init(&params, &arena);
    dw_compare_params_add_side(&params, &rows->plan->source, rows->plan->source.filter_param_count);
    enum dw_rc rc = add_cursor(order, &params, err);
    dw_compare_sql_source_page(rows->plan, rows->columns, rows->column_count, order->cursor != NULL,
                               order->rows, &sql);
    if (rc == DW_OK)
        rc = dw_compare_ask(order->links->source, sql.data, &params, &result, err);
    if (rc == DW_OK && is_sampled(order)) {
        page.list = DW_ARENA_ARRAY(&arena, struct row, (size_t)PQntuples(result));
        for (int i = 0; i < PQntuples(result); i++)
            take_row(&page, result, i);
        rc = compare_page(&page);
        if (rc == DW_OK)
            rc = find_twins(&page);
        brought->segments++;
    }
    if (rc == DW_OK)
        brought->cursor = cursor_of(order, result, rows->column_count, brought->arena);
    PQclear(result);
    dw_buf_done(&sql);
    dw_arena_done(&arena);
    return rc;
}

/* --- extra rows ----------------------------------------------------------------------------------
 */

struct extra {
    const struct dw_compare_order *order;
    struct dw_compare_brought *brought;
    struct dw_arena *arena;
    struct dw_err *err;
    const char *sql;
    struct dw_str *keys; /* key_count texts for each, in the plan's order */
};

static enum dw_rc ask_absent(struct extra *extra, size_t from, size_t count, PGresult **out)
{
    const struct dw_compare_plan *plan = extra->order->plan;
    struct dw_compare_params params;
    dw_compare_params_init(&params, extra->arena);
    dw_compare_params_add_side(&params, &plan->owned, plan->owned.param_count);
    for (size_t i = 0; i < plan->key_count; i++)
        dw_compare_params_add_list(&params, extra->keys + from * plan->key_count + i, count,
                                   plan->key_count);
    return dw_compare_ask(extra->order->links->source, extra->sql, &params, out, extra->err);
}

static const char *key_at(struct extra *extra, size_t number)
{
    const struct dw_compare_plan *plan = extra->order->plan;
    return dw_compare_key_of_plan(plan, extra->keys + number * plan->key_count,
                                  extra->brought->arena);
}

/* A key that is no value of the source's type belongs to no row of it, whenever one looks. */
static enum dw_rc find_absent(struct extra *extra, size_t from, size_t count)
{
    PGresult *result = NULL;
    if (!count)
        return DW_OK;
    enum dw_rc rc = ask_absent(extra, from, count, &result);
    for (int i = 0; rc == DW_OK && i < PQntuples(result); i++) {
        size_t number = strtoul(PQgetvalue(result, i, 0), NULL, 10);
        if (number >= 1 && number <= count)
            dw_compare_brought_suspect(extra->brought, key_at(extra, from + number - 1));
    }
    PQclear(result);
    if (rc != DW_REJECT)
        return rc;
    dw_err_clear(extra->err);
    if (count == 1) {
        dw_compare_brought_certain(extra->brought, key_at(extra, from));
        return DW_OK;
    }
    rc = find_absent(extra, from, count / 2);
    return rc == DW_OK ? find_absent(extra, from + count / 2, count - count / 2) : rc;
}

enum dw_rc dw_compare_extra_step(const struct dw_compare_order *order,
                                 struct dw_compare_brought *brought, struct dw_err *err)
{
    const struct dw_compare_plan *plan = order->plan;
    struct dw_arena arena;
    struct dw_compare_params params;
    struct dw_buf sql;
    PGresult *result = NULL;
    struct extra extra = {.order = order, .brought = brought, .arena = &arena, .err = err};
    dw_arena_init(&arena, 262144);
    dw_buf_init(&sql, SQL_MAX);
    dw_compare_params_init(&params, &arena);
    dw_compare_params_add_side(&params, &plan->target, plan->target.param_count);
    enum dw_rc rc = add_cursor(order, &params, err);
    dw_compare_sql_target_page(plan, order->cursor != NULL, order->rows, &sql);
    if (rc == DW_OK)
        rc = dw_compare_ask(order->links->target, sql.data, &params, &result, err);
    if (rc == DW_OK && is_sampled(order)) {
        size_t count = (size_t)PQntuples(result);
        extra.keys = DW_ARENA_ARRAY(&arena, struct dw_str, count * plan->key_count);
        for (size_t i = 0; i < count * plan->key_count; i++)
            extra.keys[i] = dw_str_from(
                PQgetvalue(result, (int)(i / plan->key_count), 1 + (int)(i % plan->key_count)));
        dw_buf_reset(&sql, SQL_MAX);
        dw_compare_sql_absent(plan, &sql);
        extra.sql = sql.data;
        rc = find_absent(&extra, 0, count);
        brought->rows_target += (int64_t)count;
    }
    if (rc == DW_OK)
        brought->cursor = cursor_of(order, result, 1, brought->arena);
    PQclear(result);
    dw_buf_done(&sql);
    dw_arena_done(&arena);
    return rc;
}
