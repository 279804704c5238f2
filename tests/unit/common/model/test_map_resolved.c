/* test_map_resolved.c - what the check saw, to JSON and back. */
#include "common/model/map_resolved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka.h needs the headers above
#include <cmocka.h>

static struct dw_arena arena;

static int setup(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dw_arena_done(&arena);
    return 0;
}

static void test_round_trip_keeps_everything(void **state)
{
    (void)state;
    const struct dw_resolved_column columns[] = {
        {DW_STR_LIT("a \"b\""), DW_STR_LIT("numeric(18,2)"), 1700, 1700, 1179654, true, false, 'N',
         true},
        {DW_STR_LIT("c"), DW_STR_LIT("n.\"Dom\""), 4294967295U, 25, -1, false, true, '\0', false},
    };
    const struct dw_map_resolved in = {
        .source = {.columns = columns, .column_count = 2, .replica_identity = 'i'},
        .target = {.columns = columns + 1, .column_count = 1},
    };
    struct dw_map_resolved out;
    struct dw_err err = DW_ERR_INIT;
    struct dw_buf text;
    dw_buf_init(&text, 1 << 16);
    dw_map_resolved_format(&in, &text);
    assert_int_equal(dw_map_resolved_parse(dw_buf_str(&text), &arena, &out, &err), DW_OK);
    dw_buf_done(&text);
    assert_int_equal(out.source.column_count, 2);
    assert_int_equal(out.source.replica_identity, 'i');
    assert_int_equal(out.target.replica_identity, '\0');
    for (size_t i = 0; i < 2; i++) {
        const struct dw_resolved_column *found = dw_map_resolved_find(&out.source, columns[i].name);
        assert_non_null(found);
        assert_true(dw_str_equal(found->type, columns[i].type));
        assert_int_equal(found->oid, columns[i].oid);
        assert_int_equal(found->base_oid, columns[i].base_oid);
        assert_int_equal(found->typmod, columns[i].typmod);
        assert_int_equal(found->not_null, columns[i].not_null);
        assert_int_equal(found->toastable, columns[i].toastable);
        assert_int_equal(found->category, columns[i].category);
        assert_int_equal(found->deterministic, columns[i].deterministic);
    }
    assert_null(dw_map_resolved_find(&out.target, columns[0].name));
}

#define COLUMN(oid)                                                                                \
    "{\"source\":{\"replica_identity\":\"d\",\"columns\":{\"a\":{\"type\":\"int\",\"oid\":" oid    \
    ",\"base_oid\":23,\"typmod\":-1,\"not_null\":true,\"toastable\":false}}},"                     \
    "\"target\":{\"replica_identity\":\"d\",\"columns\":{}}}"

static void test_other_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"source\":{},\"target\":{}}",
        "{\"source\":{\"replica_identity\":\"d\",\"columns\":{}}}",
        "{\"source\":{\"replica_identity\":\"dd\",\"columns\":{}},\"target\":{}}",
        COLUMN("\"23\""),
        COLUMN("-1"),
        COLUMN("4294967296"),
        COLUMN("1.5"),
        COLUMN("99999999999999999999999999"),
    };
    struct dw_map_resolved out;
    struct dw_err err = DW_ERR_INIT;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(dw_map_resolved_parse(dw_str_from(bad[i]), &arena, &out, &err), DW_CONFIG);
        assert_string_equal(err.id, "DW-MAP-090");
    }
    assert_int_equal(dw_map_resolved_parse(dw_str_from(COLUMN("23")), &arena, &out, &err), DW_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip_keeps_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_text_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
