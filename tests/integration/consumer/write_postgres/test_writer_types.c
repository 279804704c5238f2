/* Every built-in type, byte for byte: printed by the server, encoded as an event, decoded,
 * transformed, merged by both carriers, printed again. */
#include "writer_rig.h"

#include "common/base/json_write.h"
#include "common/model/event_encode.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_table.h"
#include "common/transform/transform.h"
#include <libpq-fe.h>
#include <stdlib.h>

static const char types_sql[] =
    "CREATE TYPE mood AS ENUM ('sad', 'it''s \"ok\"');"
    "CREATE DOMAIN money_text AS numeric(12,4) CHECK (value > -100);"
    "CREATE TYPE pair AS (a int, b text);"
    "CREATE TABLE s (id int PRIMARY KEY, i2 int2, i4 int4, i8 int8, o oid, n numeric,"
    " n2 numeric(12,4), nd money_text, f4 float4, f8 float8, b boolean, t text, v varchar(20),"
    " c char(6), ch \"char\", nm name, by bytea, u uuid, d date, ti time, tz timetz, ts timestamp,"
    " tsz timestamptz(3), iv interval, j json, jb jsonb, bi bit(5), vb varbit(9), ine inet,"
    " ci cidr, ma macaddr, mo money, x xml, e mood, p pair, ia int[], ta text[], na numeric[][],"
    " r int4range, tr tstzrange);"
    "INSERT INTO s (id) VALUES (1);"
    "INSERT INTO s VALUES (2, -32768, 2147483647, -9223372036854775808, 4294967295, 'NaN', 0.1000,"
    " 7, '1e-30', 0.1, true, '', '', '', '', '', '', gen_random_uuid(), '2026-01-31',"
    " '23:59:59.999999', '12:00+05:30', '2026-01-31 12:34:56.5', '2026-01-31 12:34:56.125+02',"
    " '1 year -2 mons 3 days 04:05:06.789', '{\"a\" : 1, \"a\":2}', '{\"b\": [1.10, null]}',"
    " B'10110', B'', '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', -1234.56, '<a>&amp;</a>',"
    " 'sad', ROW(1, 'x,\"y'), '{1,NULL,3}', '{\"\",\"NULL\",\"a,b\",\"q\\\"\\\\\"}',"
    " '{{1.50,2},{3,4}}', '[1,10)', '[\"2026-01-01 00:00+00\",)');"
    "INSERT INTO s VALUES (3, 0, 0, 0, 0, ('1e-16383')::numeric, -99.9999, -0.0001, 'Infinity',"
    " '-Infinity', false, E'tab\\tnew\\nline\\r\\\\N \\\\. quote'' \"dq\" \\\\x41', '\\N', 'ab  ',"
    " 'x', 'name', '\\x00ff5c0a', gen_random_uuid(), 'infinity', '24:00', '00:00:00-15:59',"
    " '-infinity', 'infinity', '-1 day', 'null', 'null', B'00000', B'111111111', '::1', '::/0',"
    " 'ff:ff:ff:ff:ff:ff', '$92,233,720,368,547,758.07', 'plain', 'it''s \"ok\"', ROW(NULL, NULL),"
    " '{}', '{}', '{}', 'empty', '(,)');"
    "INSERT INTO s (id, d, ts, tsz, n, t, f8, f4, jb) VALUES (4, '0044-03-15 BC',"
    " '0044-03-15 12:00 BC', '12026-01-01 00:00+00', 1e131071, 'żółć 漢字 😀',"
    " 1.7976931348623157e308, 16777217, '\"\\\\u0041\"');"
    "CREATE TABLE t (LIKE s INCLUDING ALL);";

static const struct dw_pg_table *load(struct rig *rig, const char *table)
{
    const struct dw_pg_table *loaded = NULL;
    if (dw_pg_table_load(rig->conn, DW_STR_LIT("w_types"), dw_str_from(table), &rig->arena, &loaded,
                         &rig->err) != DW_OK)
        fail_msg("%s", rig->err.message);
    return loaded;
}

/* {"op":"c","source":{…},"after":{…}} of a row of s. */
static struct dw_str event_of(struct rig *rig, const struct dw_pg_table *table, PGresult *rows,
                              int row)
{
    struct dw_buf text;
    dw_buf_init(&text, 1 << 24);
    dw_buf_append_text(&text, "{\"op\":\"c\",\"source\":{\"name\":\"erp\",\"lsn\":5,\"epoch\":1,"
                              "\"ordinal\":0},\"after\":{");
    for (size_t i = 0; i < table->column_count; i++) {
        dw_json_write_name(&text, table->columns[i].name.ptr);
        if (PQgetisnull(rows, row, (int)i))
            dw_buf_append_text(&text, "null");
        else
            dw_event_encode_value(&text, dw_event_encode_kind(table->columns[i].base_oid),
                                  (struct dw_str){PQgetvalue(rows, row, (int)i),
                                                  (size_t)PQgetlength(rows, row, (int)i)});
    }
    dw_buf_append_text(&text, "}}");
    struct dw_str copy = dw_arena_copy(&rig->arena, dw_buf_str(&text));
    dw_buf_done(&text);
    return copy;
}

static void add_event(struct rig *rig, const struct dw_transform *transform, struct dw_str value,
                      int copy)
{
    struct dw_event event;
    struct dw_value *cells = DW_ARENA_ARRAY(&rig->arena, struct dw_value, rig->map.column_count);
    if (dw_event_decode(value, &rig->arena, &event, &rig->err) != DW_OK ||
        dw_transform_row(transform, &event.after, &rig->arena, cells, NULL, &rig->err) != DW_OK)
        fail_msg("%s: %s", rig->err.id, rig->err.message);
    const char *texts[RIG_COLUMNS_MAX];
    for (size_t i = 0; i < rig->map.column_count; i++)
        texts[i] =
            cells[i].kind == DW_VALUE_NULL ? NULL : dw_arena_copy(&rig->arena, cells[i].text).ptr;
    if (copy)
        texts[0] = dw_arena_printf(&rig->arena, "%d", atoi(texts[0]) + copy * 10);
    rig_row(rig, true, texts);
}

static void check_equal(struct rig *rig, const struct dw_pg_table *table)
{
    for (size_t i = 1; i < table->column_count; i++) {
        const char *name = table->columns[i].name.ptr;
        const char *different = rig_text(
            rig,
            dw_arena_printf(&rig->arena,
                            "SELECT concat(t.id, ': ', quote_nullable(concat(s.\"%s\")), ' is ',"
                            " quote_nullable(concat(t.\"%s\"))) FROM t JOIN s ON s.id = t.id %% 10"
                            " WHERE (s.\"%s\" IS NULL) <> (t.\"%s\" IS NULL)"
                            " OR concat(s.\"%s\") <> concat(t.\"%s\") LIMIT 1",
                            name, name, name, name, name, name));
        if (*different)
            fail_msg("column %s, row %s", name, different);
    }
}

static void run(int copies)
{
    struct rig *rig = rig_new("w_types", types_sql);
    if (!rig)
        skip();
    const struct dw_pg_table *source = load(rig, "s");
    struct dw_buf names;
    dw_buf_init(&names, 65536);
    for (size_t i = 0; i < source->column_count; i++)
        dw_buf_printf(&names, "%s ", source->columns[i].name.ptr);
    rig_map(rig, "t", names.data, 1);
    dw_buf_done(&names);
    rig_open(rig);
    rig->resolved.source = rig->resolved.target;
    struct dw_transform *transform = NULL;
    if (dw_transform_new(&transform, &rig->map, &rig->resolved, &rig->arena, &rig->err) != DW_OK)
        fail_msg("%s", rig->err.message);
    PGresult *rows = NULL;
    assert_int_equal(dw_pg_query(rig->conn, "SELECT * FROM s", 0, NULL, &rows, &rig->err), DW_OK);
    for (int copy = 0; copy < copies; copy++)
        for (int row = 0; row < PQntuples(rows); row++)
            add_event(rig, transform, event_of(rig, source, rows, row), copy);
    PQclear(rows);
    size_t count = rig->count;
    rig_flush(rig);
    for (size_t i = 0; i < count; i++)
        rig_assert_outcome(rig->changes[i], DW_OUTCOME_APPLIED);
    check_equal(rig, source);
    rig_free(rig);
}

static void test_all_types_by_arrays(void **state)
{
    (void)state;
    run(1);
}

static void test_all_types_by_copy(void **state)
{
    (void)state;
    run(200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_types_by_arrays),
        cmocka_unit_test(test_all_types_by_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
