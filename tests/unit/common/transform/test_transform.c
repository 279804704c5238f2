/* Rows through a map: copies, constants, defaults, value maps, keys, and encode's inverse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/model/event_encode.h"
#include "common/transform/row_lookup.h"
#include "common/transform/transform.h"
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static struct dw_arena arena;
static struct dw_err err;

static int set_up(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    return 0;
}

static struct dw_value value(enum dw_value_kind kind, const char *text)
{
    return (struct dw_value){kind, dw_str_from(text)};
}

static struct dw_resolved_column column(const char *name, const char *type, uint32_t oid,
                                        int32_t typmod)
{
    return (struct dw_resolved_column){.name = dw_str_from(name),
                                       .type = dw_str_from(type),
                                       .oid = oid,
                                       .base_oid = oid,
                                       .typmod = typmod};
}

/* company (constant), id, code (value map), note (default when null), flag (value map of bools) */
static struct dw_transform *make(void)
{
    static struct dw_map_value codes[] = {
        {{DW_VALUE_NUMBER, {"0", 1}}, {DW_VALUE_STRING, {"none", 4}}},
        {{DW_VALUE_NUMBER, {"1.0", 3}}, {DW_VALUE_STRING, {"some", 4}}},
        {{DW_VALUE_NULL, {NULL, 0}}, {DW_VALUE_STRING, {"unknown", 7}}},
    };
    static struct dw_map_value flags[] = {
        {{DW_VALUE_STRING, {"true", 4}}, {DW_VALUE_NUMBER, {"1", 1}}},
        {{DW_VALUE_FALSE, {NULL, 0}}, {DW_VALUE_NUMBER, {"0", 1}}},
    };
    static struct dw_map_column columns[5];
    static struct dw_str keys[2];
    static struct dw_table_map map;
    static struct dw_map_resolved resolved;
    static struct dw_resolved_column sources[4];
    static struct dw_resolved_column targets[5];
    columns[0] = (struct dw_map_column){
        .target = DW_STR_LIT("company"), .constant = value(DW_VALUE_STRING, "dat"), .key_index = 1};
    columns[1] = (struct dw_map_column){
        .source = DW_STR_LIT("id"), .target = DW_STR_LIT("number"), .key_index = 0};
    columns[2] = (struct dw_map_column){.source = DW_STR_LIT("code"),
                                        .target = DW_STR_LIT("codetext"),
                                        .values = codes,
                                        .value_count = 3,
                                        .key_index = -1};
    columns[3] = (struct dw_map_column){.source = DW_STR_LIT("note"),
                                        .target = DW_STR_LIT("note"),
                                        .default_when_null = value(DW_VALUE_STRING, "-"),
                                        .key_index = -1};
    columns[4] = (struct dw_map_column){.source = DW_STR_LIT("flag"),
                                        .target = DW_STR_LIT("state"),
                                        .values = flags,
                                        .value_count = 2,
                                        .key_index = -1};
    keys[0] = DW_STR_LIT("number");
    keys[1] = DW_STR_LIT("company");
    map = (struct dw_table_map){.columns = columns, .column_count = 5};
    map.target.key = keys;
    map.target.key_count = 2;
    sources[0] = column("id", "integer", 23, -1);
    sources[1] = column("code", "numeric", 1700, -1);
    sources[2] = column("note", "text", 25, -1);
    sources[3] = column("flag", "boolean", 16, -1);
    targets[0] = column("company", "text", 25, -1);
    targets[1] = column("number", "text", 25, -1);
    targets[2] = column("codetext", "character varying(7)", 1043, 11);
    targets[3] = column("note", "character varying(3)", 1043, 7);
    targets[4] = column("state", "smallint", 21, -1);
    resolved = (struct dw_map_resolved){.source = {sources, 4, 'd'}, .target = {targets, 5, 'd'}};
    struct dw_transform *transform = NULL;
    if (dw_transform_new(&transform, &map, &resolved, &arena, &err) != DW_OK)
        fail_msg("%s", err.message);
    return transform;
}

#define FIELD(n, k, t)                                                                             \
    {                                                                                              \
        {n, sizeof(n) - 1},                                                                        \
        {                                                                                          \
            k,                                                                                     \
            {                                                                                      \
                t, sizeof(t) - 1                                                                   \
            }                                                                                      \
        }                                                                                          \
    }

static void test_row(void **state)
{
    (void)state;
    struct dw_transform *transform = make();
    const struct dw_event_field fields[] = {
        FIELD("other", DW_VALUE_NESTED, "{}"), FIELD("flag", DW_VALUE_TRUE, ""),
        FIELD("id", DW_VALUE_NUMBER, "7"), FIELD("code", DW_VALUE_STRING, "1.00"),
        FIELD("note", DW_VALUE_NULL, "")};
    const struct dw_event_row row = {fields, 5};
    struct dw_value cells[5];
    for (int again = 0; again < 2; again++) { /* the second time with hints */
        assert_int_equal(dw_transform_row(transform, &row, &arena, cells, NULL, &err), DW_OK);
        assert_true(dw_str_is(cells[0].text, "dat"));
        assert_true(dw_str_is(cells[1].text, "7"));
        assert_true(dw_str_is(cells[2].text, "some"));
        assert_true(dw_str_is(cells[3].text, "-"));
        assert_true(dw_str_is(cells[4].text, "1"));
    }
    struct dw_value keys[2];
    assert_int_equal(dw_transform_key(transform, &row, &arena, keys, &err), DW_OK);
    assert_true(dw_str_is(keys[0].text, "7"));
    assert_true(dw_str_is(keys[1].text, "dat"));
}

static void test_absent_columns_and_shifted_rows(void **state)
{
    (void)state;
    struct dw_transform *transform = make();
    const struct dw_event_field whole[] = {
        FIELD("id", DW_VALUE_NUMBER, "7"), FIELD("code", DW_VALUE_NULL, ""),
        FIELD("note", DW_VALUE_STRING, "abc"), FIELD("flag", DW_VALUE_FALSE, "")};
    const struct dw_event_field part[] = {FIELD("id", DW_VALUE_NUMBER, "8"),
                                          FIELD("note", DW_VALUE_ABSENT, ""),
                                          FIELD("flag", DW_VALUE_TRUE, "")};
    const struct dw_event_row rows[] = {{whole, 4}, {part, 3}, {whole, 4}};
    struct dw_value cells[5];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(dw_transform_row(transform, &rows[i], &arena, cells, NULL, &err), DW_OK);
        assert_true(dw_str_is(cells[1].text, i == 1 ? "8" : "7"));
        if (i == 1) {
            assert_int_equal(cells[2].kind, DW_VALUE_ABSENT);
            assert_int_equal(cells[3].kind, DW_VALUE_ABSENT);
            assert_true(dw_str_is(cells[4].text, "1"));
        } else {
            assert_true(dw_str_is(cells[2].text, "unknown"));
            assert_true(dw_str_is(cells[3].text, "abc"));
            assert_true(dw_str_is(cells[4].text, "0"));
        }
    }
}

static void assert_row_refused(const struct dw_event_field *field, const char *id, int at,
                               const char *message)
{
    struct dw_transform *transform = make();
    const struct dw_event_row row = {field, 1};
    struct dw_value cells[5];
    int index = -1;
    assert_int_equal(dw_transform_row(transform, &row, &arena, cells, &index, &err), DW_REJECT);
    assert_string_equal(err.id, id);
    assert_int_equal(index, at);
    assert_non_null(strstr(err.message, message));
}

static void test_refusals_name_the_column(void **state)
{
    (void)state;
    const struct dw_event_field unknown = FIELD("code", DW_VALUE_STRING, "17");
    assert_row_refused(&unknown, "DW-VALUE-008", 2, "column codetext (from code): \"17\"");
    const struct dw_event_field secret =
        FIELD("note", DW_VALUE_STRING, "a long text that nobody should read in a log of errors");
    assert_row_refused(&secret, "DW-VALUE-002", 3, "column note: 54 characters");
    assert_null(strstr(err.message, "nobody"));
}

static void test_key_must_be_there(void **state)
{
    (void)state;
    struct dw_transform *transform = make();
    const struct dw_event_field null = FIELD("id", DW_VALUE_NULL, "");
    const struct dw_event_row rows[] = {{&null, 1}, {NULL, 0}};
    struct dw_value keys[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(dw_transform_key(transform, &rows[i], &arena, keys, &err), DW_REJECT);
        assert_string_equal(err.id, "DW-VALUE-009");
    }
}

/* A map with the filter and one computed column, of integer and text columns. */
static enum dw_rc make_expr(const char *filter, const char *compute, struct dw_transform **out)
{
    static struct dw_map_column columns[2];
    static struct dw_str keys[1];
    static struct dw_table_map map;
    static struct dw_map_resolved resolved;
    static struct dw_resolved_column sources[4];
    static struct dw_resolved_column targets[2];
    columns[0] = (struct dw_map_column){.source = DW_STR_LIT("id"), .target = DW_STR_LIT("id")};
    columns[1] = (struct dw_map_column){.compute = dw_str_from(compute),
                                        .target = DW_STR_LIT("value"),
                                        .default_when_null = value(DW_VALUE_STRING, "none"),
                                        .key_index = -1};
    keys[0] = DW_STR_LIT("id");
    map = (struct dw_table_map){.columns = columns, .column_count = 2};
    if (filter)
        map.filter = dw_str_from(filter);
    map.target.key = keys;
    map.target.key_count = 1;
    sources[0] = column("id", "integer", 23, -1);
    sources[1] = column("at", "timestamp with time zone", 1184, -1);
    sources[2] = column("mood", "mood", 70000, -1);
    sources[2].category = 'E';
    sources[3] = column("flag", "boolean", 16, -1);
    targets[0] = column("id", "integer", 23, -1);
    targets[1] = column("value", "character varying(25)", 1043, 29);
    resolved = (struct dw_map_resolved){.source = {sources, 4, 'd'}, .target = {targets, 2, 'd'}};
    return dw_transform_new(out, &map, &resolved, &arena, &err);
}

static const struct dw_event_field expr_fields[] = {
    FIELD("id", DW_VALUE_NUMBER, "7"), FIELD("at", DW_VALUE_STRING, "2026-01-31T12:30:00.5Z"),
    FIELD("mood", DW_VALUE_STRING, "glad"), FIELD("flag", DW_VALUE_TRUE, "")};
static const struct dw_event_row expr_row = {expr_fields, 4};

static void test_filter_sees_the_row_as_the_source_prints_it(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        bool matches;
    } cases[] = {
        {NULL, true},
        {"id eq 7 and flag", true},
        {"id eq 8", false},
        {"mood eq 'glad'", true},
        {"at eq 2026-01-31T12:30:00.5Z", true},
        {"cast(at,Edm.String) eq '2026-01-31 12:30:00.5+00'", true},
        {"flag eq null", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dw_transform *transform = NULL;
        bool matches = !cases[i].matches;
        assert_int_equal(make_expr(cases[i].filter, "'x'", &transform), DW_OK);
        assert_int_equal(dw_transform_match(transform, &expr_row, &arena, &matches, &err), DW_OK);
        assert_int_equal(matches, cases[i].matches);
    }
}

static void test_filter_that_cannot_tell(void **state)
{
    (void)state;
    struct dw_transform *transform = NULL;
    bool matches;
    assert_int_equal(make_expr("10 div (id sub 7) gt 1", "'x'", &transform), DW_OK);
    assert_int_equal(dw_transform_match(transform, &expr_row, &arena, &matches, &err), DW_REJECT);
    assert_string_equal(err.id, "DW-EXPR-020");
    assert_non_null(strstr(err.message, "filter"));
    const struct dw_event_row key_only = {expr_fields, 1};
    assert_int_equal(make_expr("mood eq 'glad'", "'x'", &transform), DW_OK);
    assert_int_equal(dw_transform_match(transform, &key_only, &arena, &matches, &err), DW_REJECT);
    assert_string_equal(err.id, "DW-EXPR-023");
    assert_int_equal(make_expr("id add 1", "'x'", &transform), DW_CONFIG);
    assert_string_equal(err.id, "DW-EXPR-009");
}

static void assert_computed(const char *compute, const char *expected)
{
    struct dw_transform *transform = NULL;
    struct dw_value cells[2];
    int index = -1;
    assert_int_equal(make_expr(NULL, compute, &transform), DW_OK);
    enum dw_rc rc = dw_transform_row(transform, &expr_row, &arena, cells, &index, &err);
    if (strncmp(expected, "DW-", 3) == 0) {
        assert_int_equal(rc, DW_REJECT);
        assert_string_equal(err.id, expected);
        assert_int_equal(index, 1);
        assert_non_null(strstr(err.message, "column value"));
        return;
    }
    assert_int_equal(rc, DW_OK);
    assert_true(dw_str_is(cells[1].text, expected));
}

/* Its value goes through the conversion to the target's type. */
static void test_computed_columns(void **state)
{
    (void)state;
    assert_computed("concat(mood,' ',cast(id,Edm.String))", "glad 7");
    assert_computed("id mul 1.50", "10.50");
    assert_computed("case(id gt 9:'many')", "none");
    assert_computed("flag and id eq 7", "true");
    assert_computed("date(at)", "2026-01-31");
    assert_computed("10 div (id sub 7)", "DW-EXPR-020");
    assert_computed("9223372036854775807 add id", "DW-EXPR-021");
    assert_computed("cast(mood,Edm.Int32)", "DW-EXPR-022");
    assert_computed("concat(mood,mood,mood,mood,mood,mood,mood)", "DW-VALUE-002");
    struct dw_transform *transform = NULL;
    assert_int_equal(make_expr(NULL, "nothing", &transform), DW_CONFIG);
    assert_string_equal(err.id, "DW-EXPR-002");
}

/* The parts of the key, in order; null finds nothing, and what is absent is left alone. */
static void test_lookup_key(void **state)
{
    (void)state;
    static const struct dw_resolved_column sources[] = {
        {.name = {"id", 2}, .type = {"integer", 7}, .oid = 23, .base_oid = 23, .typmod = -1},
        {.name = {"code", 4}, .type = {"text", 4}, .oid = 25, .base_oid = 25, .typmod = -1}};
    static const struct dw_resolved_column keys[] = {
        {.name = {"nr", 2}, .type = {"smallint", 8}, .oid = 21, .base_oid = 21, .typmod = -1},
        {.name = {"code", 4}, .type = {"text", 4}, .oid = 25, .base_oid = 25, .typmod = -1}};
    const struct dw_resolved_lookup tables[] = {{DW_STR_LIT("s"), DW_STR_LIT("g"), {keys, 2, 'd'}}};
    const struct dw_map_resolved resolved = {
        .source = {sources, 2, 'd'}, .lookups = tables, .lookup_count = 1};
    const struct dw_map_lookup_key inner_keys[] = {
        {.column = DW_STR_LIT("code"), .source = DW_STR_LIT("code")}};
    const struct dw_map_lookup inner = {
        .schema = DW_STR_LIT("s"), .table = DW_STR_LIT("g"), .keys = inner_keys, .key_count = 1};
    const struct dw_map_lookup_key outer_keys[] = {
        {.column = DW_STR_LIT("code"), .lookup = &inner},
        {.column = DW_STR_LIT("nr"), .source = DW_STR_LIT("id")},
        {.column = DW_STR_LIT("nr"), .constant = value(DW_VALUE_NUMBER, "3")}};
    const struct dw_map_lookup outer = {
        .schema = DW_STR_LIT("s"), .table = DW_STR_LIT("g"), .keys = outer_keys, .key_count = 3};
    struct dw_row_lookup *lookup = NULL;
    assert_int_equal(dw_row_lookup_new(&lookup, &outer, &resolved, &arena, &err), DW_OK);
    const struct dw_event_field full[] = {FIELD("id", DW_VALUE_NUMBER, "7"),
                                          FIELD("code", DW_VALUE_STRING, "a\"b")};
    const struct dw_event_field null[] = {FIELD("id", DW_VALUE_NULL, ""),
                                          FIELD("code", DW_VALUE_STRING, "a")};
    const struct dw_event_field wide = FIELD("id", DW_VALUE_NUMBER, "70000");
    const struct dw_event_field far[] = {FIELD("code", DW_VALUE_STRING, "a"), wide};
    struct dw_value out;
    assert_int_equal(dw_row_lookup_key(lookup, &(struct dw_event_row){full, 2}, &arena, &out, &err),
                     DW_OK);
    assert_int_equal(out.kind, DW_VALUE_NESTED);
    assert_true(dw_str_is(out.text, "[\"a\\\"b\",\"7\",\"3\"]"));
    assert_int_equal(dw_row_lookup_key(lookup, &(struct dw_event_row){null, 2}, &arena, &out, &err),
                     DW_OK);
    assert_int_equal(out.kind, DW_VALUE_NULL);
    assert_int_equal(dw_row_lookup_key(lookup, &(struct dw_event_row){full, 1}, &arena, &out, &err),
                     DW_OK);
    assert_int_equal(out.kind, DW_VALUE_ABSENT);
    assert_int_equal(dw_row_lookup_key(lookup, &(struct dw_event_row){far, 2}, &arena, &out, &err),
                     DW_REJECT);
}

static void test_literal_that_does_not_fit_is_configuration(void **state)
{
    (void)state;
    struct dw_resolved_column target = column("c", "smallint", 21, -1);
    struct dw_value literal = value(DW_VALUE_NUMBER, "70000");
    struct dw_value out;
    assert_int_equal(dw_transform_literal(&literal, &target, &arena, &out, &err), DW_CONFIG);
    assert_string_equal(err.id, "DW-VALUE-022");
    literal = value(DW_VALUE_TRUE, NULL);
    assert_int_equal(dw_transform_literal(&literal, &target, &arena, &out, &err), DW_CONFIG);
    literal = value(DW_VALUE_NUMBER, "7");
    assert_int_equal(dw_transform_literal(&literal, &target, &arena, &out, &err), DW_OK);
    assert_true(dw_str_is(out.text, "7"));
}

/* ---- transform(encode(x)) = x ---- */

static const char *random_text(uint32_t oid, char *out, size_t size)
{
    static const char *const words[] = {"", " ", "a\tb\n\\N\"'{}", "żółć 漢字 😀", "NULL", "\\x41"};
    int a = rand();
    int b = rand();
    switch (oid) {
    case 16:
        return a % 2 ? "t" : "f";
    case 17:
        (void)snprintf(out, size, "\\x%.*s", a % 9 * 2, "00ff5c0a41e28c1234567890");
        break;
    case 20:
        (void)snprintf(out, size, "%lld", (long long)a * b * (b % 2 ? 1 : -1));
        break;
    case 701:
        if (a % 10 == 0)
            return a % 20 ? "NaN" : "-Infinity";
        (void)snprintf(out, size, "%.17g", (double)a / (b + 1.0));
        break;
    case 1700:
        (void)snprintf(out, size, "%d.%05d%d", a % 2 ? a : -a, b % 100000, b);
        break;
    case 1082:
        (void)snprintf(out, size, "%04d-%02d-%02d%s", a % 20000 + 1, a % 12 + 1, b % 28 + 1,
                       b % 3 ? "" : " BC");
        break;
    case 1083:
        (void)snprintf(out, size, "%02d:%02d:%02d.%d", a % 24, a % 60, b % 60, b % 1000 * 10 + 1);
        break;
    case 1114:
    case 1184:
        (void)snprintf(out, size, "%04d-%02d-%02d %02d:%02d:%02d%s%s", a % 12000 + 1, a % 12 + 1,
                       b % 28 + 1, a % 24, a % 60, b % 60, oid == 1184 ? "+00" : "",
                       b % 3 ? "" : " BC");
        break;
    default:
        return words[a % 6];
    }
    return out;
}

static void check_round_trip(uint32_t oid)
{
    static struct dw_map_column columns[1];
    static struct dw_str key[1];
    columns[0] = (struct dw_map_column){.source = DW_STR_LIT("c"), .target = DW_STR_LIT("c")};
    key[0] = DW_STR_LIT("c");
    struct dw_table_map map = {.columns = columns, .column_count = 1};
    map.target.key = key;
    map.target.key_count = 1;
    const struct dw_resolved_column resolved_column = column("c", "a type", oid, -1);
    const struct dw_map_resolved resolved = {.source = {&resolved_column, 1, 'd'},
                                             .target = {&resolved_column, 1, 'd'}};
    struct dw_transform *transform = NULL;
    assert_int_equal(dw_transform_new(&transform, &map, &resolved, &arena, &err), DW_OK);
    char text[64];
    struct dw_buf json;
    dw_buf_init(&json, 4096);
    for (int round = 0; round < 300; round++) {
        const char *x = random_text(oid, text, sizeof text);
        struct dw_event event;
        struct dw_value cell;
        dw_buf_reset(&json, 4096);
        dw_buf_append_text(&json, "{\"op\":\"c\",\"after\":{\"c\":");
        dw_event_encode_value(&json, dw_event_encode_kind(oid), dw_str_from(x));
        dw_buf_append_text(&json, "}}");
        assert_int_equal(dw_event_decode(dw_buf_str(&json), &arena, &event, &err), DW_OK);
        if (dw_transform_row(transform, &event.after, &arena, &cell, NULL, &err) != DW_OK)
            fail_msg("%s: %s", json.data, err.message);
        const char *expected = oid != 16 ? x : *x == 't' ? "true" : "false";
        if (!dw_str_is(cell.text, expected))
            fail_msg("%s became %.*s", x, DW_STR_ARG(cell.text));
    }
    dw_buf_done(&json);
}

static void test_undoes_the_encoding(void **state)
{
    (void)state;
    static const uint32_t oids[] = {16, 17, 20, 25, 114, 701, 1082, 1083, 1114, 1184, 1700, 90000};
    srand(2);
    for (size_t i = 0; i < sizeof oids / sizeof *oids; i++)
        check_round_trip(oids[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_absent_columns_and_shifted_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals_name_the_column, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_key_must_be_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_filter_sees_the_row_as_the_source_prints_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_filter_that_cannot_tell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_computed_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lookup_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_literal_that_does_not_fit_is_configuration, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_undoes_the_encoding, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
