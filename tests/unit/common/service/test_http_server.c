/* The server against a real client on loopback: built-in pages, tokens, limits, metrics text. */
#include "common/service/http_server.h"
#include "common/service/metrics.h"
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static bool is_ready;
static int64_t tick_age;

static bool ready(void *context, struct dw_buf *reason)
{
    (void)context;
    dw_buf_append_text(reason, "no partitions yet");
    return is_ready;
}

static int64_t tick_age_ms(void *context)
{
    (void)context;
    return tick_age;
}

static void echo(void *context, const struct dw_http_request *request,
                 struct dw_http_response *response)
{
    (void)context;
    size_t count = 0;
    const struct dw_http_pair *query = dw_http_query(request, &count);
    dw_buf_printf(&response->body, "%s %s q=%s body=%.*s", request->method, request->path,
                  count ? query[0].value : "-", DW_STR_ARG(request->body));
    if (request->token)
        dw_buf_printf(&response->body, " token=%s", request->token);
}

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    dw_buf_append(context, data, size * count);
    return size * count;
}

static long fetch(unsigned port, const char *path, const char *token, const char *body,
                  struct dw_buf *out)
{
    char url[256];
    char header[256];
    long status = 0;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    (void)snprintf(header, sizeof header, "Authorization: %s", token ? token : "");
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = token ? curl_slist_append(NULL, header) : NULL;
    dw_buf_reset(out, 1 << 20);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (body)
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return status;
}

static struct dw_http_server *start_with(const char *token, size_t body_max_bytes)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_http_server *server = NULL;
    const struct dw_bearer_token tokens[] = {{"other", "another"}, {"one", token}};
    struct dw_http_options options = {.listen = "127.0.0.1:0",
                                      .body_max_bytes = body_max_bytes,
                                      .tokens = tokens,
                                      .token_count = token ? 2 : 0,
                                      .handler = echo,
                                      .ready = ready,
                                      .tick_age_ms = tick_age_ms};
    assert_int_equal(dw_http_server_start(&server, &options, &err), DW_OK);
    return server;
}

static struct dw_http_server *start(const char *token)
{
    return start_with(token, 100);
}

static void test_health_and_readiness_tell_the_truth(void **state)
{
    (void)state;
    struct dw_buf out;
    dw_buf_init(&out, 1 << 20);
    struct dw_http_server *server = start("secret");
    unsigned port = dw_http_server_port(server);
    assert_int_equal(fetch(port, "/healthz", NULL, NULL, &out), 200);
    assert_int_equal(fetch(port, "/readyz", NULL, NULL, &out), 503);
    assert_non_null(strstr(out.data, "no partitions yet"));
    is_ready = true;
    assert_int_equal(fetch(port, "/readyz", NULL, NULL, &out), 200);
    tick_age = 60000;
    assert_int_equal(fetch(port, "/healthz", NULL, NULL, &out), 503);
    tick_age = 0;
    dw_http_server_stop(server);
    dw_buf_done(&out);
}

static void test_token_is_needed_and_compared_whole(void **state)
{
    (void)state;
    struct dw_buf out;
    dw_buf_init(&out, 1 << 20);
    struct dw_http_server *server = start("secret");
    unsigned port = dw_http_server_port(server);
    static const char *const wrong[] = {NULL,           "secret",         "Bearer ",
                                        "Bearer secre", "Bearer secretx", "Basic secret"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(fetch(port, "/x", wrong[i], NULL, &out), 401);
        assert_null(strstr(out.data, "secret"));
    }
    assert_int_equal(fetch(port, "/a%20b?q=1", "Bearer secret", NULL, &out), 200);
    assert_string_equal(out.data, "GET /a b q=1 body= token=one");
    assert_int_equal(fetch(port, "/x", "bearer another", NULL, &out), 200);
    assert_non_null(strstr(out.data, "token=other"));
    dw_http_server_stop(server);
    dw_buf_done(&out);
}

static void test_body_is_bounded(void **state)
{
    (void)state;
    struct dw_buf out;
    char body[202];
    memset(body, 'x', sizeof body);
    dw_buf_init(&out, 1 << 20);
    struct dw_http_server *server = start(NULL);
    unsigned port = dw_http_server_port(server);
    assert_int_equal(fetch(port, "/x", NULL, "hello", &out), 200);
    assert_string_equal(out.data, "POST /x q=- body=hello");
    body[100] = '\0';
    assert_int_equal(fetch(port, "/x", NULL, body, &out), 200);
    body[100] = 'x';
    body[101] = '\0';
    assert_int_equal(fetch(port, "/x", NULL, body, &out), 413);
    dw_http_server_stop(server);
    dw_buf_done(&out);
}

static int connect_to(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Clients that send half a head or half a body hold nobody up, with one thread for all. */
static void test_slow_clients_hold_nobody_up(void **state)
{
    (void)state;
    static const char *const halves[] = {
        "GET /x HT", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhalf", ""};
    int fds[30];
    struct dw_buf out;
    dw_buf_init(&out, 1 << 20);
    struct dw_http_server *server = start(NULL);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        const char *half = halves[i % 3];
        fds[i] = connect_to(dw_http_server_port(server));
        assert_int_equal(write(fds[i], half, strlen(half)), strlen(half));
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(fetch(dw_http_server_port(server), "/healthz", NULL, NULL, &out), 200);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        (void)close(fds[i]);
    dw_http_server_stop(server);
    dw_buf_done(&out);
}

static void test_malformed_requests_are_refused(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "\x16\x03\x01\x02\x00\r\n\r\n",
    };
    struct dw_buf out;
    dw_buf_init(&out, 1 << 20);
    struct dw_http_server *server = start(NULL);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        char answer[64] = "";
        int fd = connect_to(dw_http_server_port(server));
        assert_true(write(fd, requests[i], strlen(requests[i])) > 0);
        (void)shutdown(fd, SHUT_WR);
        ssize_t got = read(fd, answer, sizeof answer - 1);
        if (got > 0) /* it may close without a word */
            assert_null(strstr(answer, " 200 "));
        (void)close(fd);
    }
    assert_int_equal(fetch(dw_http_server_port(server), "/healthz", NULL, NULL, &out), 200);
    dw_http_server_stop(server);
    dw_buf_done(&out);
}

/* The most memory that this process ever had, in KiB. */
static long peak_kib(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

static void test_body_without_a_token_takes_no_memory(void **state)
{
    (void)state;
    struct dw_buf out;
    const size_t bytes = (size_t)64 << 20;
    char *body = dw_mem_realloc(NULL, bytes + 1);
    memset(body, 'x', bytes);
    body[bytes] = '\0';
    dw_buf_init(&out, 1 << 20);
    struct dw_http_server *server = start_with("secret", 2 * bytes);
    long before = peak_kib();
    assert_int_equal(fetch(dw_http_server_port(server), "/x", "Bearer wrong", body, &out), 401);
    assert_true(peak_kib() - before < 32 << 10);
    dw_http_server_stop(server);
    dw_buf_done(&out);
    free(body);
}

static void test_metrics_are_prometheus_text(void **state)
{
    (void)state;
    struct dw_buf out;
    dw_buf_init(&out, 1 << 20);
    struct dw_metric_series *a =
        dw_metrics_series(DW_METRIC_COUNTER, "dw_test_total", "Tests.", "map=\"a\"", 1);
    struct dw_metric_series *again =
        dw_metrics_series(DW_METRIC_COUNTER, "dw_test_total", "Tests.", "map=\"a\"", 1);
    assert_ptr_equal(a, again);
    dw_metrics_add(a, 3);
    dw_metrics_add(dw_metrics_series(DW_METRIC_COUNTER, "dw_test_total", "Tests.", "map=\"b\"", 1),
                   4);
    struct dw_metric_series *seconds = dw_metrics_series(DW_METRIC_HISTOGRAM, "dw_test_seconds",
                                                         "Durations.", "map=\"a\"", 1000000);
    dw_metrics_observe_us(seconds, 50, 1);
    dw_metrics_observe_us(seconds, 1000, 2);
    dw_metrics_observe_us(seconds, INT64_MAX / 4, 1);
    struct dw_http_server *server = start("secret");
    assert_int_equal(fetch(dw_http_server_port(server), "/metrics", NULL, NULL, &out), 200);
    static const char *const lines[] = {
        "# HELP dw_test_total Tests.\n# TYPE dw_test_total counter\ndw_test_total{map=\"a\"} 3\n",
        "dw_test_total{map=\"b\"} 4\n",
        "# TYPE dw_test_seconds histogram\n",
        "dw_test_seconds_bucket{map=\"a\",le=\"0.0001\"} 1\n",
        "dw_test_seconds_bucket{map=\"a\",le=\"0.0016\"} 3\n",
        "dw_test_seconds_bucket{map=\"a\",le=\"+Inf\"} 4\n",
        "dw_test_seconds_count{map=\"a\"} 4\n",
        "process_resident_memory_bytes ",
        "dw_build_info{version=",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(out.data, lines[i]))
            fail_msg("missing: %s in\n%s", lines[i], out.data);
    dw_http_server_stop(server);
    dw_buf_done(&out);
}

static void test_bad_listen_is_refused(void **state)
{
    (void)state;
    static const char *const listens[] = {
        "", "8085", ":8085", "no.such.host.invalid:1", "127.0.0.1:99999x", "192.0.2.1:0"};
    for (size_t i = 0; i < sizeof listens / sizeof *listens; i++) {
        struct dw_err err = DW_ERR_INIT;
        struct dw_http_server *server = NULL;
        struct dw_http_options options = {.listen = listens[i], .body_max_bytes = 1};
        assert_int_equal(dw_http_server_start(&server, &options, &err), DW_CONFIG);
        assert_true(strlen(err.message) > 0);
    }
}

static void test_who_asks_too_often_waits(void **state)
{
    (void)state;
    struct dw_err err = DW_ERR_INIT;
    struct dw_http_server *server = NULL;
    struct dw_buf out;
    const struct dw_bearer_token token = {"one", "secret"};
    const struct dw_http_options options = {.listen = "127.0.0.1:0",
                                            .body_max_bytes = 100,
                                            .tokens = &token,
                                            .token_count = 1,
                                            .requests_per_second = 1,
                                            .handler = echo};
    dw_buf_init(&out, 1 << 20);
    assert_int_equal(dw_http_server_start(&server, &options, &err), DW_OK);
    unsigned port = dw_http_server_port(server);
    bool waits = false;
    for (int i = 0; i < 4; i++) /* more than a second's and its burst */
        waits = waits || fetch(port, "/x", "Bearer secret", NULL, &out) == 429;
    assert_true(waits);
    assert_int_equal(fetch(port, "/healthz", NULL, NULL, &out), 200);
    waits = false;
    for (int i = 0; i < 40; i++)
        waits = waits || fetch(port, "/x", "Bearer guess", NULL, &out) == 429;
    assert_true(waits);
    dw_http_server_stop(server);
    dw_buf_done(&out);
}

static void test_abroad_only_with_tls(void **state)
{
    (void)state;
    struct dw_err err = DW_ERR_INIT;
    struct dw_http_server *server = NULL;
    struct dw_http_options options = {
        .listen = "0.0.0.0:0", .body_max_bytes = 1, .tls_abroad = true};
    assert_int_equal(dw_http_server_start(&server, &options, &err), DW_CONFIG);
    assert_string_equal(err.id, "DW-API-005");
    options.certificate = "no certificate";
    assert_int_equal(dw_http_server_start(&server, &options, &err), DW_CONFIG);
    assert_string_equal(err.id, "DW-API-006");
    options =
        (struct dw_http_options){.listen = "[::1]:0", .body_max_bytes = 1, .tls_abroad = true};
    enum dw_rc rc = dw_http_server_start(&server, &options, &err);
    assert_true(rc == DW_OK || strcmp(err.id, "DW-API-002") == 0); /* no IPv6 here */
    dw_http_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health_and_readiness_tell_the_truth),
        cmocka_unit_test(test_token_is_needed_and_compared_whole),
        cmocka_unit_test(test_body_is_bounded),
        cmocka_unit_test(test_slow_clients_hold_nobody_up),
        cmocka_unit_test(test_malformed_requests_are_refused),
        cmocka_unit_test(test_body_without_a_token_takes_no_memory),
        cmocka_unit_test(test_metrics_are_prometheus_text),
        cmocka_unit_test(test_bad_listen_is_refused),
        cmocka_unit_test(test_who_asks_too_often_waits),
        cmocka_unit_test(test_abroad_only_with_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
