/* test_document.c - the JSON tree that knows its lines. */
#include "common/config/document.h"

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

static const struct dw_node *parse(const char *text)
{
    const struct dw_node *root = NULL;
    struct dw_document_fault fault;
    assert_int_equal(dw_document_parse(dw_str_from(text), &arena, &root, &fault), DW_OK);
    assert_non_null(root);
    return root;
}

static struct dw_document_fault refuse(const char *text)
{
    const struct dw_node *root = NULL;
    struct dw_document_fault fault = {.reason = NULL};
    assert_int_equal(dw_document_parse(dw_str_from(text), &arena, &root, &fault), DW_CONFIG);
    assert_non_null(fault.reason);
    assert_null(root);
    return fault;
}

static void test_values_keep_text_and_place(void **state)
{
    (void)state;
    const struct dw_node *root = parse("{\n  \"a\": 1.10,\n  \"b\": [true, null,\n   \"x\\n\"]}");
    const struct dw_node *a = dw_document_member(root, "a");
    assert_true(dw_str_is(a->text, "1.10"));
    assert_int_equal(a->line, 2);
    assert_int_equal(a->column, 8);
    const struct dw_node *b = dw_document_member(root, "b");
    assert_int_equal(b->count, 3);
    assert_int_equal(b->last->line, 4);
    assert_true(dw_str_is(b->last->text, "x\n"));
    assert_null(dw_document_member(root, "c"));
    assert_null(dw_document_member(b, "a"));
}

static void test_byte_order_mark_is_passed_over(void **state)
{
    (void)state;
    assert_int_equal(parse("\xef\xbb\xbf{}")->kind, DW_NODE_OBJECT);
}

static void test_malformed_text_is_refused_with_its_place(void **state)
{
    (void)state;
    struct dw_document_fault fault = refuse("{\n \"a\": 1,\n}");
    assert_int_equal(fault.line, 3);
    assert_int_equal(refuse("").line, 1);
    (void)refuse("{\"a\":1} x");
    (void)refuse("{\"a\":'x'}");
    (void)refuse("[1,2");
    (void)refuse("{\"a\":\"\xff\"}");
    (void)refuse("{\"a\":\"\\u0000\"}");
}

static void test_member_given_twice_is_refused(void **state)
{
    (void)state;
    struct dw_document_fault fault = refuse("{\"x\":{\"a\":1,\n\"b\":2,\"a\":3}}");
    assert_int_equal(fault.line, 2);
    assert_string_equal(fault.path, "x.a");
}

static void test_depth_size_and_count_are_bounded(void **state)
{
    (void)state;
    char deep[300];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    (void)refuse(deep);

    size_t len = DW_DOCUMENT_BYTES_MAX + 1;
    char *large = dw_arena_alloc(&arena, len + 1);
    memset(large, ' ', len);
    large[len] = '\0';
    assert_string_equal(refuse(large).reason, "larger than 4 MiB");

    len = (size_t)DW_DOCUMENT_NODES_MAX * 2 + 3;
    char *many = dw_arena_alloc(&arena, len + 1);
    for (size_t i = 0; i < len; i++)
        many[i] = i == 0 ? '[' : i == len - 1 ? ']' : i % 2 ? '1' : ',';
    many[len] = '\0';
    assert_string_equal(refuse(many).reason, "more than 100000 values");
}

static void check_round_trip(const struct dw_node *root, const struct dw_node *node)
{
    const char *path = dw_document_path(node, &arena);
    assert_ptr_equal(dw_document_find(root, dw_str_from(path)), node);
    for (const struct dw_node *child = node->first; child; child = child->next)
        check_round_trip(root, child);
}

static void test_paths_lead_back_to_their_nodes(void **state)
{
    (void)state;
    const struct dw_node *root =
        parse("{\"a\":[{\"b c\":1},[2]],\"d.e\":{\"f\":3},\"\":4,\"g[0]\":5}");
    check_round_trip(root, root);
    const struct dw_node *inner = dw_document_member(root, "a")->first->first;
    assert_string_equal(dw_document_path(inner, &arena), "a[0][\"b c\"]");
    const char *const nowhere[] = {"b", "a[7]", "a[", "a[x]", "a.b", "[\"zzz", "d.e"};
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        assert_null(dw_document_find(root, dw_str_from(nowhere[i])));
}

static void test_long_text_is_shown_cut(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'x', sizeof text);
    text[0] = text[198] = '"';
    text[199] = '\0';
    assert_true(strlen(dw_document_show(parse(text), &arena)) < 80);
    assert_string_equal(dw_document_show(parse("{}"), &arena), "an object");
    assert_string_equal(dw_document_show(parse("-1e5"), &arena), "-1e5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values_keep_text_and_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_byte_order_mark_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_malformed_text_is_refused_with_its_place, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_member_given_twice_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth_size_and_count_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_paths_lead_back_to_their_nodes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_text_is_shown_cut, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
