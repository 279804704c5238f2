/* test_report_html.c - text from outside stays text; plots; counts. */
#include "reconciler/report/report_html.h"

#include <string.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static struct dw_buf out;

static int set_up(void **state)
{
    (void)state;
    dw_buf_init(&out, 1u << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_buf_done(&out);
    return 0;
}

static void assert_text(struct dw_str text, const char *expected)
{
    dw_buf_reset(&out, 1u << 20);
    dw_report_html_text(&out, text);
    assert_string_equal(out.data, expected);
}

static void test_hostile_text_stays_text(void **state)
{
    (void)state;
    assert_text(DW_STR_LIT("<script>\"'&"), "<bdi>&lt;script&gt;&quot;&#39;&amp;</bdi>");
    assert_text(DW_STR_LIT("a\x01\x1b[31m\x7f"), "<bdi>a&#x2401;&#x241b;[31m&#x2421;</bdi>");
    assert_text(DW_STR_LIT("a\0b"), "<bdi>a&#x2400;b</bdi>");
    assert_text(DW_STR_LIT("tab\tline\n"), "<bdi>tab\tline\n</bdi>");
    assert_text(DW_STR_LIT("\xff<\xc3"), "<bdi>&#xfffd;&lt;&#xfffd;</bdi>");
    assert_text(DW_STR_LIT("é💡\u202e"), "<bdi>é💡\u202e</bdi>"); /* turned within the bdi alone */
    assert_text(DW_STR_LIT(""), "<bdi></bdi>");
}

static void test_titles_take_no_elements(void **state)
{
    (void)state;
    dw_report_html_begin(&out, "</title><script>x</script>");
    assert_non_null(strstr(out.data, "<title>&lt;/title&gt;&lt;script&gt;"));
    assert_null(strstr(out.data, "<script>"));
    assert_non_null(strstr(out.data, "default-src 'none'"));
    dw_buf_reset(&out, 1u << 20);
    const struct dw_report_bar bar = {.value = 3, .title = "<b>", .label = "\"<i>"};
    dw_report_html_bars(&out, &bar, 1);
    assert_null(strstr(out.data, "<b>"));
    assert_null(strstr(out.data, "<i>"));
}

static void test_counts_have_commas(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        const char *text;
    } cases[] = {{0, "0"},          {999, "999"},   {1000, "1,000"},
                 {-1234, "-1,234"}, {-123, "-123"}, {INT64_MAX, "9,223,372,036,854,775,807"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dw_buf_reset(&out, 1u << 20);
        dw_report_html_count(&out, cases[i].number);
        assert_string_equal(out.data, cases[i].text);
    }
}

static void test_plots_stand_whatever_the_values(void **state)
{
    (void)state;
    const struct dw_report_bar bars[] = {{.value = 0, .title = "none"},
                                         {.value = INT64_MAX, .title = "all"}};
    dw_report_html_bars(&out, NULL, 0);
    dw_report_html_bars(&out, bars, 2);
    assert_null(strstr(out.data, "nan"));
    assert_null(strstr(out.data, "inf"));
    const int64_t values[] = {0, 0, 0};
    dw_buf_reset(&out, 1u << 20);
    dw_report_html_spark(&out, values, 3);
    assert_null(strstr(out.data, "nan"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_hostile_text_stays_text),
        TEST(test_titles_take_no_elements),
        TEST(test_counts_have_commas),
        TEST(test_plots_stand_whatever_the_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
