/* report_html.c - see report_html.h. */
#include "reconciler/report/report_html.h"

#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "embed/dw_report.h"
#include <inttypes.h>
#include <stdio.h>

#define BAR_WIDTH  24
#define BAR_GAP    8
#define PLOT_LEFT  52
#define PLOT_TOP   16
#define PLOT_HIGH  140
#define PLOT_LEAST 880 /* so that few bars are not stretched */
#define SPARK_HIGH 20

static void write_char(struct dw_buf *out, unsigned char c)
{
    switch (c) {
    case '&':
        dw_buf_append_text(out, "&amp;");
        return;
    case '<':
        dw_buf_append_text(out, "&lt;");
        return;
    case '>':
        dw_buf_append_text(out, "&gt;");
        return;
    case '"':
        dw_buf_append_text(out, "&quot;");
        return;
    case '\'':
        dw_buf_append_text(out, "&#39;");
        return;
    default:
        break;
    }
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
        dw_buf_printf(out, "&#x%x;", c == 0x7f ? 0x2421U : 0x2400U + c);
    else
        dw_buf_append_char(out, (char)c);
}

void dw_report_html_text(struct dw_buf *out, struct dw_str text)
{
    dw_buf_append_text(out, "<bdi>");
    for (size_t i = 0; i < text.len;) {
        size_t valid = dw_utf8_valid_prefix(text.ptr + i, text.len - i);
        for (size_t k = 0; k < valid; k++)
            write_char(out, (unsigned char)text.ptr[i + k]);
        i += valid;
        if (i < text.len) {
            dw_buf_append_text(out, "&#xfffd;");
            i++;
        }
    }
    dw_buf_append_text(out, "</bdi>");
}

void dw_report_html_words(struct dw_buf *out, const char *text)
{
    dw_report_html_text(out, dw_str_from(text));
}

/* In a title or an attribute, where no element may stand. */
static void write_bare(struct dw_buf *out, const char *text)
{
    size_t valid = dw_utf8_valid_prefix(text, strlen(text));
    for (size_t i = 0; i < valid; i++)
        write_char(out, (unsigned char)text[i]);
}

void dw_report_html_begin(struct dw_buf *out, const char *title)
{
    dw_buf_append_text(out,
                       "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "style-src 'unsafe-inline'\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    write_bare(out, title);
    dw_buf_append_text(out, "</title>\n<style>\n");
    dw_buf_append(out, dw_embed_report_css, sizeof dw_embed_report_css - 1);
    dw_buf_append_text(out, "</style>\n</head>\n<body>\n");
}

void dw_report_html_time(struct dw_buf *out, int64_t us)
{
    char text[32];
    if (us)
        dw_buf_printf(out, "<span class=\"t\">%.10s %.5s UTC</span>", dw_clock_format(us, text),
                      text + 11);
    else
        dw_buf_append_text(out, "never");
}

void dw_report_html_end(struct dw_buf *out, int64_t made_us)
{
    dw_buf_append_text(out, "<footer>Made by dualwrite " DW_VERSION " on ");
    dw_report_html_time(out, made_us);
    dw_buf_append_text(out, ".</footer>\n</body>\n</html>\n");
}

void dw_report_html_card(struct dw_buf *out, const char *name, const char *value, const char *note,
                         const char *colour)
{
    dw_buf_printf(out, "<div class=\"card\"><dt>%s</dt><dd%s%s%s>%s", name,
                  colour ? " class=\"" : "", colour ? colour : "", colour ? "\"" : "", value);
    if (note)
        dw_buf_printf(out, "<span class=\"note\">%s</span>", note);
    dw_buf_append_text(out, "</dd></div>\n");
}

void dw_report_html_count(struct dw_buf *out, int64_t number)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, number);
    for (int i = 0; i < len; i++) {
        dw_buf_append_char(out, digits[i]);
        int behind = len - 1 - i;
        if (behind && behind % 3 == 0 && digits[i] != '-')
            dw_buf_append_char(out, ',');
    }
}

/* 1, 2 or 5 times a power of ten: the axis ends there. */
static int64_t ceiling_of(int64_t value)
{
    for (int64_t step = 1; step < INT64_MAX / 10; step *= 10) {
        static const int64_t times[] = {1, 2, 5};
        for (size_t i = 0; i < 3; i++)
            if (times[i] * step >= value)
                return times[i] * step;
    }
    return value;
}

static void write_axis(struct dw_buf *out, int width, int64_t top)
{
    for (int i = 0; i <= 2; i++) {
        int y = PLOT_TOP + PLOT_HIGH - i * PLOT_HIGH / 2;
        if (i == 1 && top % 2)
            continue;
        dw_buf_printf(out,
                      "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>"
                      "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">",
                      PLOT_LEFT, width, y, y, PLOT_LEFT - 6, y + 4);
        dw_report_html_count(out, i == 2 ? top : i * (top / 2));
        dw_buf_append_text(out, "</text>\n");
    }
}

void dw_report_html_bars(struct dw_buf *out, const struct dw_report_bar *bars, size_t count)
{
    int64_t most = 1;
    int width = PLOT_LEFT + (int)count * (BAR_WIDTH + BAR_GAP);
    for (size_t i = 0; i < count; i++)
        most = bars[i].value > most ? bars[i].value : most;
    most = ceiling_of(most);
    if (width < PLOT_LEAST)
        width = PLOT_LEAST;
    dw_buf_printf(out, "<div class=\"plot\"><svg viewBox=\"0 0 %d %d\" role=\"img\">\n", width,
                  PLOT_TOP + PLOT_HIGH + 22);
    write_axis(out, width, most);
    for (size_t i = 0; i < count; i++) {
        double high = (double)bars[i].value * PLOT_HIGH / (double)most;
        int x = PLOT_LEFT + BAR_GAP / 2 + (int)i * (BAR_WIDTH + BAR_GAP);
        if (high < 2) /* a nothing that means something is to be seen as well */
            high = bars[i].value || bars[i].colour ? 2 : 0;
        dw_buf_printf(out,
                      "<rect class=\"bar%s%s%s\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" "
                      "rx=\"2\"><title>",
                      bars[i].colour ? " " : "", bars[i].colour ? bars[i].colour : "",
                      bars[i].marked ? " this" : "", x, PLOT_TOP + PLOT_HIGH - high, BAR_WIDTH,
                      high);
        write_bare(out, bars[i].title);
        dw_buf_append_text(out, "</title></rect>");
        if (bars[i].label) {
            dw_buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", x + BAR_WIDTH / 2,
                          PLOT_TOP + PLOT_HIGH + 16);
            write_bare(out, bars[i].label);
            dw_buf_append_text(out, "</text>");
        }
        dw_buf_append_char(out, '\n');
    }
    dw_buf_append_text(out, "</svg></div>\n");
}

void dw_report_html_spark(struct dw_buf *out, const int64_t *values, size_t count)
{
    int64_t most = 1;
    for (size_t i = 0; i < count; i++)
        most = values[i] > most ? values[i] : most;
    dw_buf_printf(out, "<svg class=\"spark\" viewBox=\"0 0 %zu %d\" preserveAspectRatio=\"none\">",
                  4 * count, SPARK_HIGH);
    for (size_t i = 0; i < count; i++) {
        double high = (double)values[i] * SPARK_HIGH / (double)most;
        if (high < 1)
            high = values[i] ? 1 : 0.4;
        dw_buf_printf(out, "<rect class=\"bar\" x=\"%zu\" y=\"%.1f\" width=\"3\" height=\"%.1f\"/>",
                      4 * i, SPARK_HIGH - high, high);
    }
    dw_buf_append_text(out, "</svg>");
}
