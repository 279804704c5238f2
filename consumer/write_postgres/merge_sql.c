/* merge_sql.c - see merge_sql.h. */
#include "consumer/write_postgres/merge_sql.h"

#include "common/base/json_write.h"
#include "common/postgres/pg.h"

static const struct dw_merge_column *column_at(const struct dw_merge_table *table,
                                               const struct dw_merge_group *group, size_t i)
{
    return &table->columns[group->columns[i]];
}

static void put_comma(struct dw_buf *out, size_t i)
{
    if (i)
        dw_buf_append_text(out, ", ");
}

/* s.c3, cast when it comes as text. */
static void put_value(struct dw_buf *out, const struct dw_merge_table *table,
                      const struct dw_merge_group *group, size_t i)
{
    dw_buf_printf(out, "s.c%u", (unsigned)group->columns[i]);
    if (!group->staged) {
        dw_buf_append_text(out, "::");
        dw_buf_append_str(out, column_at(table, group, i)->base_type);
    }
}

static void put_carrier(struct dw_buf *out, const struct dw_merge_table *table,
                        const struct dw_merge_group *group)
{
    if (group->staged) {
        dw_buf_append_text(out, "pg_temp.");
        dw_pg_quote_name(out, table->stage);
        dw_buf_append_text(out, " AS s");
        return;
    }
    dw_buf_append_text(out, "unnest(");
    for (size_t i = 0; i < group->count; i++) {
        put_comma(out, i);
        dw_buf_printf(out, "$%zu::text[]", i + 1);
    }
    dw_buf_append_text(out, ") WITH ORDINALITY AS s(");
    for (size_t i = 0; i < group->count; i++)
        dw_buf_printf(out, "c%u, ", (unsigned)group->columns[i]);
    dw_buf_append_text(out, "n)");
}

static void put_range(struct dw_buf *out, const struct dw_merge_group *group, const char *word)
{
    if (group->staged)
        dw_buf_printf(out, " %s s.n BETWEEN $1::bigint AND $2::bigint", word);
}

/* t.key = s.key for all keys, and the stage's range. */
static void put_match(struct dw_buf *out, const struct dw_merge_table *table,
                      const struct dw_merge_group *group)
{
    const char *word = " WHERE ";
    for (size_t i = 0; i < group->count; i++) {
        const struct dw_merge_column *column = column_at(table, group, i);
        if (!column->is_key)
            continue;
        dw_buf_append_text(out, word);
        dw_buf_append_text(out, "t.");
        dw_pg_quote_name(out, column->name);
        dw_buf_append_char(out, ' ');
        dw_buf_append_str(out, column->equals);
        dw_buf_append_char(out, ' ');
        put_value(out, table, group, i);
        word = " AND ";
    }
    put_range(out, group, "AND");
}

void dw_merge_sql_stage(struct dw_buf *out, const struct dw_merge_table *table)
{
    dw_buf_append_text(out, "CREATE TEMP TABLE ");
    dw_pg_quote_name(out, table->stage);
    dw_buf_append_text(out, " (n bigint");
    for (size_t i = 0; i < table->column_count; i++) {
        dw_buf_printf(out, ", c%zu ", i);
        dw_buf_append_str(out, table->columns[i].base_type);
    }
    dw_buf_append_text(out, ") ON COMMIT DELETE ROWS");
}

void dw_merge_sql_copy(struct dw_buf *out, const struct dw_merge_table *table,
                       const struct dw_merge_group *group)
{
    dw_buf_append_text(out, "COPY pg_temp.");
    dw_pg_quote_name(out, table->stage);
    dw_buf_append_text(out, " (n");
    for (size_t i = 0; i < group->count; i++)
        dw_buf_printf(out, ", c%u", (unsigned)group->columns[i]);
    dw_buf_append_text(out, ") FROM STDIN");
}

void dw_merge_sql_copy_straight(struct dw_buf *out, const struct dw_merge_table *table,
                                const struct dw_merge_group *group)
{
    dw_buf_append_text(out, "COPY ");
    dw_pg_quote_table(out, table->schema, table->table);
    dw_buf_append_text(out, " (");
    for (size_t i = 0; i < group->count; i++) {
        put_comma(out, i);
        dw_pg_quote_name(out, column_at(table, group, i)->name);
    }
    dw_buf_append_text(out, ") FROM STDIN");
}

static bool has_identity(const struct dw_merge_table *table, const struct dw_merge_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        if (column_at(table, group, i)->identity_always)
            return true;
    return false;
}

static void put_conflict(struct dw_buf *out, const struct dw_merge_table *table,
                         const struct dw_merge_group *group, bool overwrite)
{
    dw_buf_append_text(out, " ON CONFLICT (");
    size_t keys = 0;
    for (size_t i = 0; i < group->count; i++)
        if (column_at(table, group, i)->is_key) {
            put_comma(out, keys++);
            dw_pg_quote_name(out, column_at(table, group, i)->name);
        }
    size_t sets = 0;
    for (size_t i = 0; overwrite && i < group->count; i++) {
        const struct dw_merge_column *column = column_at(table, group, i);
        if (column->is_key)
            continue;
        dw_buf_append_text(out, sets++ ? ", " : ") DO UPDATE SET ");
        dw_pg_quote_name(out, column->name);
        dw_buf_append_text(out, " = EXCLUDED.");
        dw_pg_quote_name(out, column->name);
    }
    if (!sets)
        dw_buf_append_text(out, ") DO NOTHING");
}

static void put_insert(struct dw_buf *out, const struct dw_merge_table *table,
                       const struct dw_merge_group *group, bool overwrite)
{
    dw_buf_append_text(out, "INSERT INTO ");
    dw_pg_quote_table(out, table->schema, table->table);
    dw_buf_append_text(out, " (");
    for (size_t i = 0; i < group->count; i++) {
        put_comma(out, i);
        dw_pg_quote_name(out, column_at(table, group, i)->name);
    }
    dw_buf_append_char(out, ')');
    if (has_identity(table, group))
        dw_buf_append_text(out, " OVERRIDING SYSTEM VALUE");
    dw_buf_append_text(out, " SELECT ");
    for (size_t i = 0; i < group->count; i++) {
        put_comma(out, i);
        put_value(out, table, group, i);
    }
    dw_buf_append_text(out, " FROM ");
    put_carrier(out, table, group);
    if (group->staged)
        put_range(out, group, "WHERE");
    else
        dw_buf_append_text(out, " WHERE true"); /* else ON would read as a join's */
    put_conflict(out, table, group, overwrite);
}

void dw_merge_sql_upsert(struct dw_buf *out, const struct dw_merge_table *table,
                         const struct dw_merge_group *group)
{
    put_insert(out, table, group, true);
}

void dw_merge_sql_insert(struct dw_buf *out, const struct dw_merge_table *table,
                         const struct dw_merge_group *group)
{
    put_insert(out, table, group, false);
}

static struct dw_str first_key(const struct dw_merge_table *table,
                               const struct dw_merge_group *group)
{
    size_t i = 0;
    while (!column_at(table, group, i)->is_key)
        i++;
    return column_at(table, group, i)->name;
}

void dw_merge_sql_update(struct dw_buf *out, const struct dw_merge_table *table,
                         const struct dw_merge_group *group)
{
    dw_buf_append_text(out, "UPDATE ");
    dw_pg_quote_table(out, table->schema, table->table);
    dw_buf_append_text(out, " AS t SET ");
    size_t sets = 0;
    for (size_t i = 0; i < group->count; i++) {
        const struct dw_merge_column *column = column_at(table, group, i);
        if (column->is_key)
            continue;
        put_comma(out, sets++);
        dw_pg_quote_name(out, column->name);
        dw_buf_append_text(out, " = ");
        put_value(out, table, group, i);
    }
    if (!sets) { /* only the key came: all there is to learn is whether the row exists */
        dw_pg_quote_name(out, first_key(table, group));
        dw_buf_append_text(out, " = t.");
        dw_pg_quote_name(out, first_key(table, group));
    }
    dw_buf_append_text(out, " FROM ");
    put_carrier(out, table, group);
    put_match(out, table, group);
    dw_buf_append_text(out, " RETURNING s.n");
}

void dw_merge_sql_delete(struct dw_buf *out, const struct dw_merge_table *table,
                         const struct dw_merge_group *group)
{
    dw_buf_append_text(out, "DELETE FROM ");
    dw_pg_quote_table(out, table->schema, table->table);
    dw_buf_append_text(out, " AS t USING ");
    put_carrier(out, table, group);
    put_match(out, table, group);
}

/* One column of the digest's input. concat() prints by the type's output function, as the stream
 * does; a cast to text would turn true into "true" and drop the blanks of a char(n). */
static void put_digest_part(struct dw_buf *out, const struct dw_merge_table *table,
                            const struct dw_merge_group *group, size_t i)
{
    const char *length = table->utf8 ? "octet_length(" : "octet_length(convert_to(";
    const char *end = table->utf8 ? ")" : ", 'UTF8'))";
    unsigned column = group->columns[i];
    dw_buf_printf(out, "CASE WHEN s.c%u IS NULL THEN 'n' ELSE 'v' || %sv.v%u%s || ':' || v.v%u END",
                  column, length, column, end, column);
}

void dw_merge_sql_mark(struct dw_buf *out, const struct dw_merge_table *table,
                       const struct dw_merge_group *group)
{
    dw_buf_append_text(out, "SELECT pg_logical_emit_message(true, 'dualwrite.mark', $");
    dw_buf_append_u64(out, dw_merge_sql_params(group) + 1);
    dw_buf_append_text(out, "::text || translate(encode(string_agg(substr(sha256(convert_to(");
    for (size_t i = 0; i < group->count; i++) {
        if (i)
            dw_buf_append_text(out, " || ");
        put_digest_part(out, table, group, i);
    }
    dw_buf_append_text(out,
                       ", 'UTF8')), 1, 8), ''::bytea), 'base64'), E'\\n', '') || '\"}') FROM ");
    put_carrier(out, table, group);
    dw_buf_append_text(out, " CROSS JOIN LATERAL (SELECT ");
    for (size_t i = 0; i < group->count; i++) {
        put_comma(out, i);
        dw_buf_append_text(out, "concat(");
        put_value(out, table, group, i);
        dw_buf_append_text(out, "::");
        dw_buf_append_str(out, column_at(table, group, i)->exact_type);
        dw_buf_printf(out, ") AS v%u", (unsigned)group->columns[i]);
    }
    dw_buf_append_text(out, ") AS v");
    put_range(out, group, "WHERE");
}

void dw_merge_sql_mark_head(struct dw_buf *out, const struct dw_merge_table *table,
                            const struct dw_merge_group *group, struct dw_str origin,
                            const char *op)
{
    dw_buf_append_char(out, '{');
    dw_json_write_str(out, "origin", origin);
    dw_json_write_name(out, "table");
    dw_buf_append_char(out, '"');
    dw_json_write_escaped(out, table->schema);
    dw_buf_append_char(out, '.');
    dw_json_write_escaped(out, table->table);
    dw_buf_append_char(out, '"');
    dw_json_write_text(out, "op", op);
    dw_json_write_name(out, "columns");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < group->count; i++) {
        if (i)
            dw_buf_append_char(out, ',');
        dw_json_write_string(out, column_at(table, group, i)->name);
    }
    dw_buf_append_char(out, ']');
    dw_json_write_name(out, "digests");
    dw_buf_append_char(out, '"');
}

size_t dw_merge_sql_params(const struct dw_merge_group *group)
{
    return group->staged ? 2 : group->count;
}
