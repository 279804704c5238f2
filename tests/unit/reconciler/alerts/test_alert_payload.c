/* test_alert_payload.c - what webhooks are sent. */
#include "common/base/json_pull.h"
#include "reconciler/alerts/alert_payload.h"

#include <string.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define MANY 150

static struct dw_buf out;
static struct dw_alert_record records[MANY];

static const char *write(enum dw_webhook_format format, size_t count)
{
    const struct dw_webhook_settings webhook = {.name = "pager", .format = (int)format};
    const struct dw_alert_message message = {
        .webhook = &webhook,
        .url = "http://127.0.0.1:8085",
        .records = records,
        .count = count,
        .now_us = INT64_C(1700000100000000),
    };
    dw_buf_reset(&out, 1u << 20);
    dw_alert_payload_write(&message, &out);
    return out.data;
}

static bool is_json(void)
{
    struct dw_arena arena;
    struct dw_json_pull pull;
    enum dw_json token;
    dw_arena_init(&arena, 4096);
    dw_json_pull_init(&pull, dw_buf_str(&out), &arena);
    do
        token = dw_json_pull_next(&pull);
    while (token != DW_JSON_END && token != DW_JSON_ERROR);
    dw_arena_done(&arena);
    return token == DW_JSON_END;
}

static int set_up(void **state)
{
    (void)state;
    dw_buf_init(&out, 1u << 20);
    for (size_t i = 0; i < MANY; i++)
        records[i] = (struct dw_alert_record){
            .id = (int64_t)i + 1,
            .rule = "lag",
            .object = "items",
            .level = "critical",
            .message = "\"quoted\" \\ and a\nline",
            .remedy = "more consumers",
            .since_us = INT64_C(1700000000000000),
        };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_buf_done(&out);
    return 0;
}

#define ASSERT_HAS(text) assert_non_null(strstr(out.data, (text)))

static void test_alertmanager_version_4(void **state)
{
    (void)state;
    (void)write(DW_WEBHOOK_ALERTMANAGER, 1);
    assert_true(is_json());
    ASSERT_HAS("\"version\":\"4\"");
    ASSERT_HAS("\"groupKey\":\"{}:{alertname=\\\"lag\\\"}\"");
    ASSERT_HAS("\"receiver\":\"pager\"");
    ASSERT_HAS(
        "\"commonLabels\":{\"alertname\":\"lag\",\"object\":\"items\",\"severity\":\"critical\"}");
    ASSERT_HAS("\"status\":\"firing\"");
    ASSERT_HAS("\"startsAt\":\"2023-11-14T22:13:20.000000Z\"");
    ASSERT_HAS("\"endsAt\":\"0001-01-01T00:00:00Z\"");
    ASSERT_HAS("\"summary\":\"items: \\\"quoted\\\" \\\\ and a\\nline\"");
    ASSERT_HAS("\"truncatedAlerts\":0");
    assert_null(strstr(out.data, "resolved"));
}

static void test_a_group_fires_until_all_of_it_is_over(void **state)
{
    (void)state;
    records[0].resolved_us = INT64_C(1700000060000000);
    records[1].level = "warning";
    (void)write(DW_WEBHOOK_ALERTMANAGER, 2);
    assert_true(is_json());
    assert_non_null(strstr(out.data, "\"truncatedAlerts\":0,\"status\":\"firing\""));
    ASSERT_HAS("{\"status\":\"resolved\"");
    ASSERT_HAS("\"endsAt\":\"2023-11-14T22:14:20.000000Z\"");
    ASSERT_HAS("\"commonLabels\":{\"alertname\":\"lag\"}");
    records[1].resolved_us = records[0].resolved_us;
    (void)write(DW_WEBHOOK_ALERTMANAGER, 2);
    assert_non_null(strstr(out.data, "\"truncatedAlerts\":0,\"status\":\"resolved\""));
}

static void test_plain(void **state)
{
    (void)state;
    (void)write(DW_WEBHOOK_PLAIN, 1);
    assert_true(is_json());
    ASSERT_HAS(
        "{\"kind\":\"alerts\",\"webhook\":\"pager\",\"alert\":\"lag\",\"status\":\"firing\"");
    ASSERT_HAS("\"resolved_at\":null");
    ASSERT_HAS("\"remedy\":\"more consumers\"");
}

static void test_more_than_a_message_holds_are_counted(void **state)
{
    (void)state;
    (void)write(DW_WEBHOOK_ALERTMANAGER, MANY);
    assert_true(is_json());
    ASSERT_HAS("\"truncatedAlerts\":50");
    size_t shown = 0;
    for (const char *at = out.data; (at = strstr(at, "\"fingerprint\"")) != NULL; at++)
        shown++;
    assert_int_equal(shown, DW_ALERT_PAYLOAD_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_alertmanager_version_4),
        TEST(test_a_group_fires_until_all_of_it_is_over),
        TEST(test_plain),
        TEST(test_more_than_a_message_holds_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
