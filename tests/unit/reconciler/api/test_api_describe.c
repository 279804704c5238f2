/* test_api_describe.c - the description is that of the table, and the file in the tree is it.
 *
 * DW_WRITE=1 writes the file anew (ctest runs this from the top of the tree).
 */
#include "common/base/json_pull.h"
#include "common/config/document.h"
#include "common/config/text_file.h"
#include "reconciler/api/api_describe.h"
#include "reconciler/api/api_route.h"

#include <stdio.h>
#include <stdlib.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define FILE_NAME "reconciler/api/openapi.json"
#define MAX       (8u << 20)

static struct dw_arena arena;
static struct dw_buf text;
static const struct dw_node *root;

static int set_up(void **state)
{
    (void)state;
    struct dw_document_fault fault;
    dw_arena_init(&arena, 65536);
    dw_buf_init(&text, MAX);
    dw_api_describe_write(&text);
    enum dw_rc rc = dw_document_parse(dw_buf_str(&text), &arena, &root, &fault);
    if (rc)
        print_error("%u:%u: %s %s\n", fault.line, fault.column, fault.path, fault.reason);
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    dw_buf_done(&text);
    dw_arena_done(&arena);
    return 0;
}

static const struct dw_node *member(const struct dw_node *node, const char *name)
{
    const struct dw_node *found = node ? dw_document_member(node, name) : NULL;
    if (!found)
        fail_msg("the description lacks %s", name);
    return found;
}

static void test_file_in_the_tree_is_what_is_served(void **state)
{
    (void)state;
    struct dw_str file = {"", 0};
    const char *write = getenv("DW_WRITE");
    if (write && *write) {
        FILE *out = fopen(FILE_NAME, "w");
        assert_non_null(out);
        assert_int_equal(fwrite(text.data, 1, text.len, out), text.len);
        assert_int_equal(fclose(out), 0);
    }
    assert_null(dw_text_file_read(FILE_NAME, MAX, &arena, &file));
    if (!dw_str_equal(file, dw_buf_str(&text)))
        fail_msg("stale: " FILE_NAME "; write it anew: DW_WRITE=1 ctest --test-dir build/dev -R "
                 "test_api_describe");
}

static void test_every_route_is_described_with_its_answer(void **state)
{
    (void)state;
    size_t count = 0;
    const struct dw_api_route *routes = dw_api_routes(&count);
    const struct dw_node *schemas = member(member(root, "components"), "schemas");
    const struct dw_node *paths = member(root, "paths");
    size_t described = 0;
    for (size_t i = 0; i < count; i++) {
        char *path = dw_arena_printf(&arena, "/api/v1%s", routes[i].path);
        char *method = dw_arena_printf(&arena, "%s", routes[i].method);
        for (char *c = method; *c; c++)
            *c = (char)(*c | 0x20);
        (void)member(member(paths, path), method);
        if (!routes[i].media)
            (void)member(schemas, routes[i].schema);
    }
    for (const struct dw_node *path = paths->first; path; path = path->next)
        described += path->count;
    assert_int_equal(described, count); /* none is there twice, none besides */
}

/* Every "$ref" of the document points at something. */
static void test_every_reference_leads_somewhere(void **state)
{
    (void)state;
    struct dw_json_pull pull;
    enum dw_json token;
    size_t seen = 0;
    const struct dw_node *components = member(root, "components");
    dw_json_pull_init(&pull, dw_buf_str(&text), &arena);
    while ((token = dw_json_pull_next(&pull)) != DW_JSON_END) {
        assert_int_not_equal(token, DW_JSON_ERROR);
        if (token != DW_JSON_NAME || !dw_str_is(pull.text, "$ref"))
            continue;
        assert_int_equal(dw_json_pull_next(&pull), DW_JSON_STRING);
        const char *name = dw_arena_copy(&arena, pull.text).ptr;
        const char *last = strrchr(name, '/');
        bool schema = strncmp(name, "#/components/schemas/", 21) == 0;
        assert_true(schema || strncmp(name, "#/components/responses/", 23) == 0);
        (void)member(member(components, schema ? "schemas" : "responses"), last + 1);
        seen++;
    }
    assert_true(seen > 50);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_file_in_the_tree_is_what_is_served),
        TEST(test_every_route_is_described_with_its_answer),
        TEST(test_every_reference_leads_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
