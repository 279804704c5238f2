/* letter_sql.c - see letter_sql.h. */
#include "reconciler/dead_letters/letter_sql.h"

#include "common/base/json_pull.h"
#include "common/postgres/pg.h"
#include "reconciler/dead_letters/letter_trial.h"

#define TEXT_MAX ((size_t)4 << 20)
#define CUT_AT   "2000" /* characters of a value that is shown */

void dw_letter_sql_init(struct dw_letter_sql *sql, struct dw_arena *arena)
{
    *sql = (struct dw_letter_sql){.arena = arena};
    dw_buf_init(&sql->text, TEXT_MAX);
}

void dw_letter_sql_done(struct dw_letter_sql *sql)
{
    dw_buf_done(&sql->text);
}

/* The next parameter, cast to the column's type without a typmod: an assignment then refuses what
 * is too long, where a cast would cut it. */
static void put_value(struct dw_letter_sql *sql, const struct dw_pg_column *column,
                      const struct dw_value *value)
{
    if (sql->count == sql->capacity) {
        size_t capacity = sql->capacity ? sql->capacity * 2 : 16;
        const char **grown = DW_ARENA_ARRAY(sql->arena, const char *, capacity);
        for (size_t i = 0; i < sql->count; i++)
            grown[i] = sql->values[i];
        sql->values = grown;
        sql->capacity = capacity;
    }
    sql->values[sql->count++] =
        value->kind == DW_VALUE_NULL ? NULL : dw_arena_copy(sql->arena, value->text).ptr;
    dw_buf_printf(&sql->text, "$%zu::text::%.*s", sql->count, DW_STR_ARG(column->base_type_sql));
}

static void put_text(struct dw_letter_sql *sql, const struct dw_pg_column *column,
                     struct dw_str text)
{
    const struct dw_value value = {DW_VALUE_STRING, text};
    put_value(sql, column, &value);
}

/* ---- lookups ---- */

struct lookup {
    struct dw_letter_sql *sql;
    struct pg_conn *target;
    struct dw_json_pull pull; /* over the key's parts */
    struct dw_err *err;
};

static bool put_lookup(struct lookup *lookup, const struct dw_map_lookup *spec);

static bool put_key(struct lookup *lookup, const struct dw_map_lookup_key *key,
                    const struct dw_pg_table *table)
{
    struct dw_letter_sql *sql = lookup->sql;
    const struct dw_pg_column *column = dw_pg_table_column(table, key->column);
    if (!column) {
        (void)dw_err_set(lookup->err, DW_CONFIG, "DW-APPLY-001",
                         "looked-up table %.*s has no column %.*s", DW_STR_ARG(table->table),
                         DW_STR_ARG(key->column));
        return false;
    }
    dw_pg_quote_name(&sql->text, key->column);
    dw_buf_append_text(&sql->text, " = ");
    if (key->lookup) {
        dw_buf_append_char(&sql->text, '(');
        bool good = put_lookup(lookup, key->lookup);
        dw_buf_printf(&sql->text, ")::text::%.*s", DW_STR_ARG(column->base_type_sql));
        return good;
    }
    if (dw_json_pull_next(&lookup->pull) != DW_JSON_STRING) {
        (void)dw_err_set(lookup->err, DW_CONFIG, "DW-APPLY-023", "the key of a lookup is short");
        return false;
    }
    put_text(sql, column, lookup->pull.text);
    return true;
}

static bool put_lookup(struct lookup *lookup, const struct dw_map_lookup *spec)
{
    struct dw_letter_sql *sql = lookup->sql;
    const struct dw_pg_table *table = NULL;
    if (dw_pg_table_load(lookup->target, spec->schema, spec->table, sql->arena, &table,
                         lookup->err) != DW_OK)
        return false;
    dw_buf_append_text(&sql->text, "SELECT ");
    dw_pg_quote_name(&sql->text, spec->column);
    dw_buf_append_text(&sql->text, "::text FROM ");
    dw_pg_quote_table(&sql->text, spec->schema, spec->table);
    for (size_t i = 0; i < spec->key_count; i++) {
        dw_buf_append_text(&sql->text, i ? " AND " : " WHERE ");
        if (!put_key(lookup, &spec->keys[i], table))
            return false;
    }
    return true;
}

bool dw_letter_sql_lookup(struct dw_letter_sql *sql, const struct dw_map_lookup *spec,
                          struct pg_conn *target, struct dw_str key, struct dw_err *err)
{
    struct lookup lookup = {.sql = sql, .target = target, .err = err};
    dw_json_pull_init(&lookup.pull, key, sql->arena);
    (void)dw_json_pull_next(&lookup.pull); /* [ */
    return put_lookup(&lookup, spec);
}

/* ---- writing ---- */

static void put_where(struct dw_letter_sql *sql, const struct dw_letter_write *write)
{
    for (size_t i = 0; i < write->map->target.key_count; i++) {
        dw_buf_append_text(&sql->text, i ? " AND " : " WHERE ");
        dw_pg_quote_name(&sql->text, write->map->target.key[i]);
        dw_buf_append_text(&sql->text, " = ");
        put_value(sql, dw_pg_table_column(write->table, write->map->target.key[i]),
                  &write->keys[i]);
    }
}

static bool is_key(const struct dw_letter_write *write, size_t column)
{
    return write->map->columns[column].key_index >= 0;
}

static void put_insert(struct dw_letter_sql *sql, const struct dw_letter_write *write)
{
    const struct dw_table_map *map = write->map;
    bool identity = false;
    const char *separator = " (";
    dw_buf_append_text(&sql->text, "INSERT INTO ");
    dw_pg_quote_table(&sql->text, map->target.schema, map->target.table);
    for (size_t i = 0; i < map->column_count; i++, separator = ", ") {
        const struct dw_pg_column *column =
            dw_pg_table_column(write->table, map->columns[i].target);
        identity = identity || column->identity_always;
        dw_buf_append_text(&sql->text, separator);
        dw_pg_quote_name(&sql->text, column->name);
    }
    dw_buf_append_text(&sql->text, identity ? ") OVERRIDING SYSTEM VALUE VALUES (" : ") VALUES (");
    for (size_t i = 0; i < map->column_count; i++) {
        dw_buf_append_text(&sql->text, i ? ", " : "");
        put_value(sql, dw_pg_table_column(write->table, map->columns[i].target), &write->cells[i]);
    }
    dw_buf_append_text(&sql->text, ") ON CONFLICT (");
    for (size_t i = 0; i < map->target.key_count; i++) {
        dw_buf_append_text(&sql->text, i ? ", " : "");
        dw_pg_quote_name(&sql->text, map->target.key[i]);
    }
    separator = ") DO UPDATE SET ";
    for (size_t i = 0; i < map->column_count; i++) {
        if (is_key(write, i) ||
            dw_pg_table_column(write->table, map->columns[i].target)->identity_always)
            continue;
        dw_buf_append_text(&sql->text, separator);
        dw_pg_quote_name(&sql->text, map->columns[i].target);
        dw_buf_append_text(&sql->text, " = EXCLUDED.");
        dw_pg_quote_name(&sql->text, map->columns[i].target);
        separator = ", ";
    }
    if (*separator == ')')
        dw_buf_append_text(&sql->text, ") DO NOTHING");
}

/* Columns that the event leaves out stay as they are. */
static enum dw_letter_sql_kind put_update(struct dw_letter_sql *sql,
                                          const struct dw_letter_write *write)
{
    const char *separator = " SET ";
    dw_buf_append_text(&sql->text, "UPDATE ");
    dw_pg_quote_table(&sql->text, write->map->target.schema, write->map->target.table);
    for (size_t i = 0; i < write->map->column_count; i++) {
        const struct dw_pg_column *column =
            dw_pg_table_column(write->table, write->map->columns[i].target);
        if (is_key(write, i) || write->cells[i].kind == DW_VALUE_ABSENT || column->identity_always)
            continue;
        dw_buf_append_text(&sql->text, separator);
        dw_pg_quote_name(&sql->text, column->name);
        dw_buf_append_text(&sql->text, " = ");
        put_value(sql, column, &write->cells[i]);
        separator = ", ";
    }
    if (*separator == ' ' && separator[1] == 'S')
        return DW_LETTER_SQL_NONE;
    put_where(sql, write);
    return DW_LETTER_SQL_UPDATE;
}

enum dw_letter_sql_kind dw_letter_sql_write(struct dw_letter_sql *sql,
                                            const struct dw_letter_write *write)
{
    const struct dw_table_map *map = write->map;
    if (!write->cells) {
        if (map->on_delete != DW_ON_DELETE_DELETE)
            return DW_LETTER_SQL_NONE; /* a flag of the map's own is set */
        dw_buf_append_text(&sql->text, "DELETE FROM ");
        dw_pg_quote_table(&sql->text, map->target.schema, map->target.table);
        put_where(sql, write);
        return DW_LETTER_SQL_UPSERT;
    }
    for (size_t i = 0; i < map->column_count; i++)
        if (write->cells[i].kind == DW_VALUE_ABSENT)
            return put_update(sql, write);
    put_insert(sql, write);
    return DW_LETTER_SQL_UPSERT;
}

/* ---- reading ---- */

bool dw_letter_sql_row(struct dw_letter_sql *sql, const struct dw_pg_table *table,
                       const struct dw_map_side *side, const struct dw_letter_cell *cells,
                       size_t count, bool is_source, const struct dw_str *keys)
{
    const char *separator = "SELECT ";
    for (size_t i = 0; i < count; i++) {
        struct dw_str name = is_source ? cells[i].source : cells[i].target;
        if (!name.ptr || !dw_pg_table_column(table, name))
            continue;
        dw_buf_append_text(&sql->text, separator);
        dw_buf_append_text(&sql->text, "left(");
        dw_pg_quote_name(&sql->text, name);
        dw_buf_append_text(&sql->text, "::text, " CUT_AT ")");
        separator = ", ";
    }
    dw_buf_append_text(&sql->text, " FROM ");
    dw_pg_quote_table(&sql->text, side->schema, side->table);
    for (size_t i = 0; i < side->key_count; i++) {
        const struct dw_pg_column *column = dw_pg_table_column(table, side->key[i]);
        if (!column)
            return false;
        dw_buf_append_text(&sql->text, i ? " AND " : " WHERE ");
        dw_pg_quote_name(&sql->text, column->name);
        dw_buf_append_text(&sql->text, " = ");
        put_text(sql, column, keys[i]);
    }
    return *separator == ',';
}
