/* test_api_request.c - routes, queries and bodies of the operator API. */
#include "reconciler/api/api_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct query { /* "name", "value", …, NULL */
    const char *const *pairs;
};

static const char *find_pair(void *context, const char *name)
{
    const struct query *query = context;
    for (const char *const *at = query->pairs; *at; at += 2)
        if (strcmp(at[0], name) == 0)
            return at[1];
    return NULL;
}

static struct dw_arena arena;
static struct dw_api_request request;
static struct dw_api_refusal refusal;

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

static bool parse(const char *method, const char *path, const char *const *pairs, const char *body)
{
    static const char *const nothing[] = {NULL};
    struct query query = {pairs ? pairs : nothing};
    struct dw_api_input input = {
        .method = method,
        .path = path,
        .body = dw_str_from(body),
        .query = find_pair,
        .context = &query,
    };
    refusal = (struct dw_api_refusal){.status = 0};
    return dw_api_request_parse(&input, &arena, &request, &refusal);
}

static unsigned status_of(const char *method, const char *path, const char *body)
{
    return parse(method, path, NULL, body) ? 200 : refusal.status;
}

static void test_every_route_is_found(void **state)
{
    (void)state;
    assert_true(parse("GET", "/api/v1/status", NULL, ""));
    assert_int_equal(request.route, DW_API_STATUS);
    assert_true(parse("HEAD", "/api/v1/status", NULL, ""));
    assert_true(parse("GET", "/api/v1/maps", NULL, ""));
    assert_int_equal(request.route, DW_API_MAP_LIST);
    assert_true(parse("GET", "/api/v1/maps/Kunden ä", NULL, ""));
    assert_int_equal(request.route, DW_API_MAP_SHOW);
    assert_string_equal(request.map, "Kunden ä");
    assert_true(parse("POST", "/api/v1/maps/items/resume", NULL, ""));
    assert_int_equal(request.route, DW_API_MAP_ORDER);
    assert_int_equal(request.event, DW_MAP_RESUME);
    assert_string_equal(request.reason, "");
    assert_true(parse("GET", "/api/v1/dead-letters/42", NULL, ""));
    assert_int_equal(request.route, DW_API_LETTER_SHOW);
    assert_int_equal(request.id, 42);
}

static void test_what_is_to_be_copied_is_taken_from_the_body(void **state)
{
    (void)state;
    assert_true(
        parse("POST", "/api/v1/start", NULL,
              "{\"maps\":[\"a\",\"b\",\"a\"],\"copy\":true,\"on_existing\":\"keep\",\"rate\":7,"
              "\"delete_extra\":true,\"reason\":\"x\",\"dry_run\":true}"));
    assert_int_equal(request.route, DW_API_START);
    assert_int_equal(request.copy.map_count, 2); /* each once */
    assert_string_equal(request.copy.maps[1], "b");
    assert_false(request.copy.live_only);
    assert_true(request.copy.keep_existing && request.copy.delete_extra && request.dry_run);
    assert_int_equal(request.copy.rate, 7);
    assert_true(
        parse("POST", "/api/v1/syncs", NULL, "{\"maps\":[\"a\"],\"keys\":[[1.0], {\"id\": 2}]}"));
    assert_int_equal(request.route, DW_API_SYNC_ORDER);
    assert_true(dw_str_is(request.copy.keys, "[[1.0], {\"id\": 2}]"));
    assert_true(parse("POST", "/api/v1/syncs", NULL, "{\"system\":\"erp\"}"));
    assert_string_equal(request.copy.system, "erp");
    static const char *const wrong[] = {
        "{}",
        "{\"maps\":[\"a\"],\"system\":\"erp\"}",
        "{\"maps\":[7]}",
        "{\"maps\":\"a\"}",
        "{\"maps\":[\"a\"],\"from\":[1]}",
        "{\"maps\":[\"a\"],\"from\":[1],\"to\":[2],\"keys\":[[1]]}",
        "{\"maps\":[\"a\",\"b\"],\"keys\":[[1]]}",
        "{\"system\":\"erp\",\"keys\":[[1]]}",
        "{\"maps\":[\"a\"],\"on_existing\":\"burn\"}",
        "{\"maps\":[\"a\"],\"rate\":-1}",
        "{\"maps\":[\"a\"],\"delete_extra\":1}",
        "{\"maps\":[\"a\"],\"copy\":true}",
        "{\"maps\":[\"a\"],\"m\":true}",
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(status_of("POST", "/api/v1/syncs", wrong[i]), 400);
}

static void test_syncs_are_asked_for_and_acted_upon(void **state)
{
    (void)state;
    const char *const pairs[] = {"batch", "3", "map", "x", "limit", "5", NULL};
    assert_true(parse("GET", "/api/v1/syncs", pairs, ""));
    assert_int_equal(request.route, DW_API_SYNC_LIST);
    assert_int_equal(request.syncs.batch, 3);
    assert_string_equal(request.syncs.map, "x");
    assert_int_equal(request.syncs.limit, 5);
    assert_false(request.syncs.mates);
    assert_true(parse("GET", "/api/v1/syncs", NULL, ""));
    assert_true(request.syncs.mates);
    assert_true(parse("POST", "/api/v1/syncs/7/rate", NULL, "{\"rate\":500}"));
    assert_int_equal(request.action, DW_SYNC_RATE);
    assert_int_equal(request.id, 7);
    assert_int_equal(request.copy.rate, 500);
    assert_true(parse("POST", "/api/v1/syncs/7/cancel", NULL, ""));
    assert_int_equal(request.action, DW_SYNC_CANCEL);
    assert_int_equal(status_of("POST", "/api/v1/syncs/7/rate", ""), 400);
    assert_int_equal(status_of("POST", "/api/v1/syncs/x/pause", ""), 400);
    assert_int_equal(status_of("POST", "/api/v1/syncs/7/burn", ""), 404);
    assert_int_equal(status_of("GET", "/api/v1/maps/x/future", ""), 404);
    assert_true(parse("GET", "/api/v1/maps/x/history", NULL, ""));
    assert_int_equal(request.route, DW_API_MAP_HISTORY);
    assert_true(parse("POST", "/api/v1/maps/x/rollback", NULL, "{\"revision\":3}"));
    assert_int_equal(request.route, DW_API_MAP_ROLLBACK);
    assert_int_equal(request.revision, 3);
    assert_int_equal(status_of("POST", "/api/v1/maps/x/start", "{\"revision\":3}"), 400);
}

static void test_wrong_paths_and_methods_are_refused(void **state)
{
    (void)state;
    assert_int_equal(status_of("GET", "/", ""), 404);
    assert_int_equal(status_of("GET", "", ""), 404);
    assert_int_equal(status_of("GET", "/api/v1/", ""), 404);
    assert_int_equal(status_of("GET", "/api/v1", ""), 404);
    assert_int_equal(status_of("GET", "/api/v2/status", ""), 404);
    assert_int_equal(status_of("GET", "/api/v1//status", ""), 404);
    assert_int_equal(status_of("GET", "/api/v1/maps/a/start/b/c", ""), 404);
    assert_int_equal(status_of("GET", "/api/v1/maps/\xff", ""), 404);
    assert_int_equal(status_of("POST", "/api/v1/maps/items/fail", ""), 404);
    assert_int_equal(status_of("POST", "/api/v1/maps/items/burn", ""), 404);
    assert_int_equal(status_of("DELETE", "/api/v1/status", ""), 405);
    assert_non_null(strstr(refusal.message, "GET"));
    assert_int_equal(status_of("POST", "/api/v1/maps/items", ""), 405);
    assert_non_null(strstr(refusal.message, "GET, PUT"));
    assert_int_equal(status_of("GET", "/api/v1/dead-letters/x", ""), 400);
    assert_int_equal(status_of("GET", "/api/v1/dead-letters/0", ""), 400);
    assert_int_equal(status_of("GET", "/api/v1/dead-letters/-1", ""), 400);
    assert_int_equal(status_of("GET", "/api/v1/dead-letters/99999999999999999999", ""), 400);
}

static void test_filter_is_taken_from_the_query(void **state)
{
    (void)state;
    const char *const pairs[] = {"map",   "items", "state", "all", "code", "DW-APPLY-001",
                                 "limit", "10",    "after", "7",   NULL};
    assert_true(parse("GET", "/api/v1/dead-letters", pairs, ""));
    assert_string_equal(request.filter.map, "items");
    assert_string_equal(request.filter.state, "all");
    assert_string_equal(request.filter.code, "DW-APPLY-001");
    assert_int_equal(request.filter.limit, 10);
    assert_int_equal(request.filter.after, 7);
    assert_true(parse("GET", "/api/v1/dead-letters", NULL, ""));
    assert_int_equal(request.filter.limit, 100);
    assert_null(request.filter.map);
}

static void test_malformed_query_is_refused(void **state)
{
    (void)state;
    static const char *const pairs[][3] = {
        {"limit", "0", NULL},      {"limit", "-1", NULL}, {"limit", "1001", NULL},
        {"limit", "ten", NULL},    {"limit", "", NULL},   {"after", "x", NULL},
        {"state", "closed", NULL}, {"map", "\xff", NULL}, {"code", "\xc3", NULL},
        {"limit", "1e3", NULL},    {"after", " 1", NULL},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_false(parse("GET", "/api/v1/dead-letters", pairs[i], ""));
        assert_int_equal(refusal.status, 400);
    }
    const char *const dry_run[] = {"dry_run", "yes", NULL};
    assert_false(parse("PUT", "/api/v1/maps/x", dry_run, "{\"document\":{}}"));
    assert_int_equal(refusal.status, 400);
}

static void test_document_comes_as_text_or_object(void **state)
{
    (void)state;
    const char *const dry_run[] = {"dry_run", "true", NULL};
    assert_true(parse("PUT", "/api/v1/maps/x", dry_run,
                      "{\"file\":\"x.json\",\"document\":\"{\\n \\\"map\\\": \\\"x\\\"}\"}"));
    assert_true(dw_str_is(request.document, "{\n \"map\": \"x\"}"));
    assert_string_equal(request.file, "x.json");
    assert_true(request.dry_run);
    assert_true(parse("PUT", "/api/v1/maps/x", NULL,
                      "{\"document\": {\"a\": [1.10, 2]} , \"file\": \"f\"}"));
    assert_true(dw_str_is(request.document, "{\"a\": [1.10, 2]}")); /* numbers keep their text */
    assert_false(request.dry_run);
}

static void test_malformed_body_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "x",
        "{",
        "[]",
        "{\"document\":7}",
        "{\"document\":null}",
        "{\"document\":[]}",
        "{}",
        "{\"document\":{\"a\":}}",
        "{\"document\":{}} x",
        "{\"document\":\"\xff\"}",
        "{\"document\":{},\"file\":7}",
        "{\"document\":{},\"who\":\"me\"}",
        "{\"file\":\"only\"}",
        "{\"document\":{},}",
        "\"text\"",
    };
    for (size_t i = 0; i < COUNT(bodies); i++) {
        assert_false(parse("PUT", "/api/v1/maps/x", NULL, bodies[i]));
        assert_int_equal(refusal.status, 400);
        assert_true(*refusal.message != '\0');
    }
    assert_int_equal(status_of("POST", "/api/v1/maps/x/stop", "{\"reason\":7}"), 400);
    assert_int_equal(status_of("POST", "/api/v1/maps/x/stop", "{\"document\":{}}"), 400);
    assert_int_equal(status_of("POST", "/api/v1/maps/x/stop", "null"), 400);
}

static void test_reason_of_an_order_is_taken(void **state)
{
    (void)state;
    assert_true(parse("POST", "/api/v1/maps/x/pause", NULL, "{\"reason\":\"t\\u00e4glich\"}"));
    assert_string_equal(request.reason, "täglich");
    assert_true(parse("POST", "/api/v1/maps/x/pause", NULL, "{}"));
    assert_string_equal(request.reason, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_route_is_found),
        TEST(test_what_is_to_be_copied_is_taken_from_the_body),
        TEST(test_syncs_are_asked_for_and_acted_upon),
        TEST(test_wrong_paths_and_methods_are_refused),
        TEST(test_filter_is_taken_from_the_query),
        TEST(test_malformed_query_is_refused),
        TEST(test_document_comes_as_text_or_object),
        TEST(test_malformed_body_is_refused),
        TEST(test_reason_of_an_order_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
