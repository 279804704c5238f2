/* test_letter_edit.c - which events may take the place of a dead letter's own. */
#include "reconciler/dead_letters/letter_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static const struct dw_map_record map = {
    .name = "items",
    .state = DW_MAP_RUNNING,
    .source_system = "erp",
    .document = "{\"map\":\"items\",\"version\":\"1.0.0\","
                "\"source\":{\"system\":\"erp\",\"table\":\"item\",\"key\":[\"company\",\"id\"]},"
                "\"target\":{\"system\":\"crm\",\"table\":\"item\",\"key\":[\"company\",\"id\"]},"
                "\"direction\":\"forward\",\"columns\":[]}",
};
static const struct dw_letter_facts facts = {.map = &map, .incarnation = "now"};

#define SOURCE "\"source\":{\"name\":\"erp\",\"lsn\":16,\"epoch\":3,\"ordinal\":2}"
#define ROW    "{\"company\":\"dat\",\"id\":7,\"name\":\"x\"}"

static void test_each_event(void **state)
{
    (void)state;
    static const struct {
        const char *event;
        const char *why; /* NULL: it may */
    } cases[] = {
        {"{\"op\":\"u\"," SOURCE ",\"before\":null,\"after\":" ROW "}", NULL},
        {"{\"op\":\"c\"," SOURCE ",\"after\":{\"id\":\"7\",\"company\":\"dat\"}}", NULL},
        {"{\"op\":\"d\"," SOURCE ",\"before\":{\"company\":\"dat\",\"id\":7},\"after\":null}",
         NULL},
        {"nonsense", "JSON"},
        {"{\"op\":\"t\"," SOURCE ",\"before\":null,\"after\":null}", "op"},
        {"{\"op\":\"u\"," SOURCE ",\"after\":null}", "after"},
        {"{\"op\":\"u\",\"source\":{\"name\":\"crm\",\"lsn\":16,\"epoch\":3,\"ordinal\":2},"
         "\"after\":" ROW "}",
         "has to be erp"},
        {"{\"op\":\"u\",\"source\":{\"name\":\"erp\",\"lsn\":17,\"epoch\":3,\"ordinal\":2},"
         "\"after\":" ROW "}",
         "cannot be changed"},
        {"{\"op\":\"u\",\"source\":{\"name\":\"erp\"},\"after\":" ROW "}", "cannot be changed"},
        {"{\"op\":\"u\"," SOURCE ",\"after\":{\"company\":\"dat\",\"id\":8}}", "[\"dat\",\"8\"]"},
        {"{\"op\":\"u\"," SOURCE ",\"after\":{\"company\":\"dat\"}}", "null"},
    };
    struct dw_arena arena;
    struct dw_letter letter = {
        .kind = DW_LETTER_EVENT,
        .state = DW_LETTER_OPEN,
        .version = "3/0/10/2",
        .key = DW_STR_LIT("{\"company\":\"dat\",\"id\":7}"),
    };
    dw_arena_init(&arena, 16384);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dw_str event = dw_str_from(cases[i].event);
        const char *why = dw_letter_edit_check(&letter, &facts, &event, &arena);
        if (!cases[i].why) {
            assert_null(why);
            continue;
        }
        assert_non_null(why);
        assert_non_null(strstr(why, cases[i].why));
    }
    assert_null(dw_letter_edit_check(&letter, &facts, NULL, &arena));
    letter.state = DW_LETTER_DISCARDED;
    assert_non_null(strstr(dw_letter_edit_check(&letter, &facts, NULL, &arena), "discarded"));
    letter.state = DW_LETTER_OPEN;
    letter.kind = DW_LETTER_REFERENCE;
    assert_non_null(dw_letter_edit_check(&letter, &facts, NULL, &arena));
    dw_arena_done(&arena);
}

static void test_columns_that_nobody_knows(void **state)
{
    (void)state;
    static const char resolved[] =
        "{\"source\":{\"replica_identity\":\"d\",\"columns\":{\"note\":{\"type\":\"text\","
        "\"oid\":25,\"base_oid\":25,\"typmod\":-1,\"not_null\":false,\"toastable\":true}}},"
        "\"target\":{\"replica_identity\":\"d\",\"columns\":{}}}";
    struct dw_map_record with = map;
    const struct dw_letter_facts known = {.map = &with, .incarnation = "now"};
    const struct dw_letter letter = {
        .kind = DW_LETTER_EVENT,
        .state = DW_LETTER_OPEN,
        .version = "3/0/10/2",
        .key = DW_STR_LIT("{\"company\":\"dat\",\"id\":7}"),
        .value = DW_STR_LIT("{\"op\":\"u\"," SOURCE ",\"before\":null,\"after\":" ROW "}"),
    };
    const struct dw_str slip = DW_STR_LIT(
        "{\"op\":\"u\"," SOURCE ",\"after\":{\"company\":\"dat\",\"id\":7,\"nmae\":\"y\"}}");
    const struct dw_str toast = DW_STR_LIT(
        "{\"op\":\"u\"," SOURCE ",\"after\":{\"company\":\"dat\",\"id\":7,\"note\":\"y\"}}");
    struct dw_arena arena;
    dw_arena_init(&arena, 16384);
    with.resolved = resolved;
    const char *why = dw_letter_edit_check(&letter, &known, &slip, &arena);
    assert_non_null(why);
    assert_non_null(strstr(why, "\"nmae\""));
    assert_null(dw_letter_edit_check(&letter, &known, &toast, &arena));
    dw_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_event),
        cmocka_unit_test(test_columns_that_nobody_knows),
    };
    return cmocka_run_group_tests_name("letter_edit", tests, NULL, NULL);
}
