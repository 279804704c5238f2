/* test_api_request.c - routes, queries and bodies of the operator API. */
#include "common/state/map_state.h"
#include "common/state/state_sync.h"
#include "reconciler/api/api_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

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
    struct dw_http_pair query[8];
    struct dw_api_input input = {
        .method = method, .path = path, .body = dw_str_from(body), .query = query};
    for (const char *const *at = pairs; at && *at; at += 2)
        query[input.query_count++] = (struct dw_http_pair){at[0], at[1]};
    refusal = (struct dw_api_refusal){.status = 0};
    return dw_api_request_parse(&input, &arena, &request, &refusal);
}

static const char *text(const char *name)
{
    return dw_api_request_text(&request, name);
}

static int64_t number(const char *name)
{
    return dw_api_request_number(&request, name);
}

static bool flag(const char *name)
{
    return dw_api_request_flag(&request, name);
}

static size_t count_of(const char *name)
{
    size_t count = 0;
    (void)dw_api_request_texts(&request, name, &count);
    return count;
}

/* "GET /maps/{map}" */
static void assert_route(const char *method, const char *path)
{
    assert_string_equal(request.route->method, method);
    assert_string_equal(request.route->path, path);
}

static unsigned status_of(const char *method, const char *path, const char *body)
{
    return parse(method, path, NULL, body) ? 200 : refusal.status;
}

static bool takes(const char *content_type)
{
    const struct dw_api_input input = {.method = "POST",
                                       .path = "/api/v1/start",
                                       .body = dw_str_from("{\"maps\":[\"a\"]}"),
                                       .content_type = content_type};
    refusal = (struct dw_api_refusal){.status = 0};
    return dw_api_request_parse(&input, &arena, &request, &refusal);
}

static void test_a_body_of_another_type_is_refused(void **state)
{
    (void)state;
    assert_true(takes(NULL));
    assert_true(takes(""));
    assert_true(takes("application/json"));
    assert_true(takes("Application/JSON;charset=utf-8"));
    assert_true(takes("application/x-www-form-urlencoded"));
    static const char *const others[] = {"text/plain", "application/jsonl", "application/xml",
                                         "multipart/form-data; boundary=x", "json"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(takes(others[i]));
        assert_int_equal(refusal.status, 415);
        assert_string_equal(refusal.code, "DW-API-032");
    }
}

static void test_every_route_is_found(void **state)
{
    (void)state;
    assert_true(parse("GET", "/api/v1/status", NULL, ""));
    assert_route("GET", "/status");
    assert_true(parse("HEAD", "/api/v1/status", NULL, ""));
    assert_route("GET", "/status");
    assert_true(parse("GET", "/api/v1/maps", NULL, ""));
    assert_route("GET", "/maps");
    assert_true(parse("GET", "/api/v1/maps/Kunden ä", NULL, ""));
    assert_route("GET", "/maps/{map}");
    assert_string_equal(text("map"), "Kunden ä");
    assert_true(parse("POST", "/api/v1/maps/items/resume", NULL, ""));
    assert_route("POST", "/maps/{map}/resume");
    assert_int_equal(request.route->value, DW_MAP_RESUME);
    assert_null(text("reason"));
    assert_true(parse("GET", "/api/v1/dead-letters/42", NULL, ""));
    assert_route("GET", "/dead-letters/{id}");
    assert_int_equal(number("id"), 42);
    assert_true(parse("GET", "/api/v1/alerts/history", NULL, ""));
    assert_route("GET", "/alerts/history");
    assert_true(parse("POST", "/api/v1/dead-letters/replay", NULL, "{\"all\":true}"));
    assert_int_equal(status_of("GET", "/api/v1/dead-letters/replay", ""), 405);
    assert_string_equal(refusal.allowed, "POST"); /* it is no id */
}

/* What the parser takes for granted of the table. */
static void test_every_row_of_the_table_is_sound(void **state)
{
    (void)state;
    size_t count = 0;
    const struct dw_api_route *routes = dw_api_routes(&count);
    for (size_t i = 0; i < count; i++) {
        const struct dw_api_field *const sets[] = {routes[i].names, routes[i].query,
                                                   routes[i].body};
        assert_non_null(routes[i].answer);
        assert_true(routes[i].path[0] == '/' && *routes[i].summary &&
                    !*routes[i].schema == (routes[i].media != NULL));
        assert_false(routes[i].body && strcmp(routes[i].method, "GET") == 0);
        for (const char *at = strchr(routes[i].path, '{'); at; at = strchr(at + 1, '{')) {
            bool found = false;
            for (const struct dw_api_field *f = routes[i].names; f && f->name; f++)
                found = found || (strncmp(at + 1, f->name, strlen(f->name)) == 0 &&
                                  at[1 + strlen(f->name)] == '}');
            assert_true(found);
        }
        for (size_t s = 0; s < COUNT(sets); s++)
            for (const struct dw_api_field *f = sets[s]; f && f->name; f++) {
                assert_true(*f->text && (f->type != DW_API_TEXT || f->max > 0));
                assert_true((f->type == DW_API_CHOICE) == (f->choices != NULL));
                assert_true(f->type < DW_API_JSON || s == 2);
                assert_false(f->required && f->fallback);
            }
    }
}

static void test_what_is_to_be_copied_is_taken_from_the_body(void **state)
{
    (void)state;
    size_t count = 0;
    assert_true(
        parse("POST", "/api/v1/start", NULL,
              "{\"maps\":[\"a\",\"b\",\"a\"],\"copy\":true,\"on_existing\":\"keep\",\"rate\":7,"
              "\"delete_extra\":true,\"reason\":\"x\",\"dry_run\":true}"));
    assert_route("POST", "/start");
    assert_int_equal(count_of("maps"), 2); /* each once */
    assert_string_equal(dw_api_request_texts(&request, "maps", &count)[1], "b");
    assert_string_equal(text("on_existing"), "keep");
    assert_true(flag("copy") && flag("delete_extra") && flag("dry_run"));
    assert_int_equal(number("rate"), 7);
    assert_true(
        parse("POST", "/api/v1/syncs", NULL, "{\"maps\":[\"a\"],\"keys\":[[1.0], {\"id\": 2}]}"));
    assert_route("POST", "/syncs");
    assert_true(dw_str_is(dw_api_request_json(&request, "keys"), "[[1.0], {\"id\": 2}]"));
    assert_string_equal(text("on_existing"), "overwrite"); /* left out */
    assert_true(parse("POST", "/api/v1/syncs", NULL, "{\"system\":\"erp\"}"));
    assert_string_equal(text("system"), "erp");
    static const char *const wrong[] = {
        "{}",
        "{\"maps\":[\"a\"],\"system\":\"erp\"}",
        "{\"maps\":[7]}",
        "{\"maps\":[]}",
        "{\"maps\":[\"\"]}",
        "{\"maps\":\"a\"}",
        "{\"maps\":[\"a\"],\"maps\":[\"b\"]}",
        "{\"maps\":[\"a\"],\"from\":[1]}",
        "{\"maps\":[\"a\"],\"filter\":\"\"}",
        "{\"maps\":[\"a\"],\"filter\":\"a eq 1\",\"keys\":[[1]]}",
        "{\"maps\":[\"a\"],\"filter\":\"a eq 1\",\"delete_extra\":true}",
        "{\"maps\":[\"a\",\"b\"],\"filter\":\"a eq 1\"}",
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
    assert_route("GET", "/syncs");
    assert_int_equal(number("batch"), 3);
    assert_string_equal(text("map"), "x");
    assert_int_equal(number("limit"), 5);
    assert_false(flag("all"));
    assert_true(parse("POST", "/api/v1/syncs/7/rate", NULL, "{\"rate\":500}"));
    assert_int_equal(request.route->value, DW_SYNC_RATE);
    assert_true(parse("POST", "/api/v1/syncs/7/rate", NULL, "{\"rate\":5e2}"));
    assert_int_equal(number("rate"), 500);
    static const char *const no_rates[] = {"0.5", "-1.0", "1e300", "1e-1", "\"5\""};
    for (size_t i = 0; i < COUNT(no_rates); i++)
        assert_int_equal(status_of("POST", "/api/v1/syncs/7/rate",
                                   dw_arena_printf(&arena, "{\"rate\":%s}", no_rates[i])),
                         400);
    assert_true(parse("POST", "/api/v1/syncs/7/rate", NULL, "{\"rate\":500.0}"));
    assert_int_equal(number("id"), 7);
    assert_int_equal(number("rate"), 500);
    assert_true(parse("POST", "/api/v1/syncs/7/cancel", NULL, ""));
    assert_int_equal(request.route->value, DW_SYNC_CANCEL);
    assert_int_equal(status_of("POST", "/api/v1/syncs/7/rate", ""), 400);
    assert_int_equal(status_of("POST", "/api/v1/syncs/7/rate", "{}"), 400);
    assert_int_equal(status_of("POST", "/api/v1/syncs/7/pause", "{\"rate\":5}"), 400);
    assert_int_equal(status_of("POST", "/api/v1/syncs/x/pause", ""), 400);
    assert_int_equal(status_of("POST", "/api/v1/syncs/7/burn", ""), 404);
    assert_int_equal(status_of("GET", "/api/v1/maps/x/future", ""), 404);
    assert_true(parse("GET", "/api/v1/maps/x/history", NULL, ""));
    assert_route("GET", "/maps/{map}/history");
    assert_true(parse("POST", "/api/v1/maps/x/rollback", NULL, "{\"revision\":3}"));
    assert_route("POST", "/maps/{map}/rollback");
    assert_int_equal(number("revision"), 3);
    assert_true(parse("POST", "/api/v1/maps/x/partitions", NULL, "{\"partitions\":12}"));
    assert_route("POST", "/maps/{map}/partitions");
    assert_int_equal(number("partitions"), 12);
    assert_int_equal(status_of("POST", "/api/v1/maps/x/partitions", "{}"), 400);
    assert_int_equal(status_of("POST", "/api/v1/maps/x/partitions", "{\"partitions\":0}"), 400);
    assert_int_equal(status_of("POST", "/api/v1/maps/x/partitions", "{\"partitions\":10001}"), 400);
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
    assert_string_equal(text("map"), "items");
    assert_string_equal(text("state"), "all");
    assert_string_equal(text("code"), "DW-APPLY-001");
    assert_int_equal(number("limit"), 10);
    assert_int_equal(number("after"), 7);
    assert_true(parse("GET", "/api/v1/dead-letters", NULL, ""));
    assert_int_equal(number("limit"), 100);
    assert_null(text("map"));
}

static void test_malformed_query_is_refused(void **state)
{
    (void)state;
    static const char *const pairs[][3] = {
        {"limit", "0", NULL},      {"limit", "-1", NULL}, {"limit", "1001", NULL},
        {"limit", "ten", NULL},    {"limit", "", NULL},   {"after", "x", NULL},
        {"state", "closed", NULL}, {"map", "\xff", NULL}, {"code", "\xc3", NULL},
        {"limit", "1e3", NULL},    {"after", " 1", NULL}, {"limt", "1", NULL},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_false(parse("GET", "/api/v1/dead-letters", pairs[i], ""));
        assert_int_equal(refusal.status, 400);
    }
    assert_non_null(strstr(refusal.message, "map, state, code, class, column, text, key,"));
    const char *const twice[] = {"limit", "1", "limit", "2", NULL};
    assert_false(parse("GET", "/api/v1/dead-letters", twice, ""));
    assert_non_null(strstr(refusal.message, "twice"));
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
    assert_true(dw_str_is(dw_api_request_json(&request, "document"), "{\n \"map\": \"x\"}"));
    assert_string_equal(text("file"), "x.json");
    assert_true(flag("dry_run"));
    assert_true(parse("PUT", "/api/v1/maps/x", NULL,
                      "{\"document\": {\"a\": [1.10, 2]} , \"file\": \"f\"}"));
    assert_true(dw_str_is(dw_api_request_json(&request, "document"),
                          "{\"a\": [1.10, 2]}")); /* numbers keep their text */
    assert_false(flag("dry_run"));
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
    assert_string_equal(text("reason"), "täglich");
    assert_true(parse("POST", "/api/v1/maps/x/pause", NULL, "{}"));
    assert_false(dw_api_request_given(&request, "reason"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_body_of_another_type_is_refused),
        TEST(test_every_route_is_found),
        TEST(test_every_row_of_the_table_is_sound),
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
