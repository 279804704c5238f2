/* digest_page.c - the digest of a day as one HTML page. */
#include "reconciler/report/digest.h"
#include "reconciler/report/report_html.h"
#include <stdio.h>

#define NOTE_MAX 200

/* "3.5 ms", "2.1 s", "-" */
static const char *duration(int64_t us, char out[32])
{
    if (us < 0)
        (void)snprintf(out, 32, "-");
    else if (us < 999500)
        (void)snprintf(out, 32, "%.1f ms", (double)us / 1e3);
    else if (us < INT64_C(120000000))
        (void)snprintf(out, 32, "%.1f s", (double)us / 1e6);
    else
        (void)snprintf(out, 32, "%.0f min", (double)us / 6e7);
    return out;
}

static int64_t percentile(const struct dw_digest_day *day, double percent)
{
    return dw_latency_percentile_us(&day->latency, percent);
}

/* "+12 % on the day before" */
static const char *trend(int64_t now, int64_t before, char out[NOTE_MAX])
{
    if (before <= 0)
        (void)snprintf(out, NOTE_MAX, now > 0 ? "none the day before" : "as the day before");
    else if (now == before)
        (void)snprintf(out, NOTE_MAX, "as the day before");
    else
        (void)snprintf(out, NOTE_MAX, "%+.0f&#8239;%% on the day before",
                       100.0 * (double)(now - before) / (double)before);
    return out;
}

static void write_card_count(struct dw_buf *out, const char *name, int64_t count, const char *note,
                             const char *colour)
{
    struct dw_buf text;
    dw_buf_init(&text, NOTE_MAX);
    dw_report_html_count(&text, count);
    dw_report_html_card(out, name, text.data, note, colour);
    dw_buf_done(&text);
}

static void write_cards(struct dw_buf *out, const struct dw_digest *digest)
{
    const struct dw_digest_map *sum = &digest->sum;
    char note[NOTE_MAX];
    char text[32];
    char before[32];
    dw_buf_append_text(out, "<dl class=\"cards\">\n");
    write_card_count(out, "Events applied", sum->day.events,
                     trend(sum->day.events, sum->before.events, note), NULL);
    (void)snprintf(note, sizeof note, "%s the day before",
                   sum->before.events ? duration(percentile(&sum->before, 99), before) : "nothing");
    dw_report_html_card(out, "Latency, 99 of 100", duration(percentile(&sum->day, 99), text), note,
                        NULL);
    write_card_count(out, "New dead letters", sum->day.dead,
                     trend(sum->day.dead, sum->before.dead, note), sum->day.dead ? "warn" : "good");
    write_card_count(out, "Open dead letters", sum->letters, NULL, sum->letters ? "warn" : "good");
    (void)snprintf(text, sizeof text, "%zu of %zu", digest->equal, digest->compared);
    size_t others = digest->map_count - digest->compared;
    (void)snprintf(note, sizeof note, "%zu %s never compared", others,
                   dw_str_plural((int64_t)others, "map", "maps"));
    dw_report_html_card(out, "Maps found equal", text,
                        digest->compared < digest->map_count ? note : NULL,
                        digest->equal < digest->compared ? "bad"
                        : digest->compared               ? "good"
                                                         : NULL);
    dw_buf_append_text(out, "</dl>\n");
}

static void write_hours(struct dw_buf *out, const struct dw_digest *digest)
{
    struct dw_report_bar bars[DW_DIGEST_HOURS];
    char labels[DW_DIGEST_HOURS][8];
    char titles[DW_DIGEST_HOURS][64];
    for (int h = 0; h < DW_DIGEST_HOURS; h++) {
        (void)snprintf(labels[h], sizeof labels[h], "%02d", h);
        (void)snprintf(titles[h], sizeof titles[h], "%02d:00 UTC: %lld %s", h,
                       (long long)digest->sum.hours[h],
                       dw_str_plural(digest->sum.hours[h], "event", "events"));
        bars[h] = (struct dw_report_bar){
            .value = digest->sum.hours[h], .label = labels[h], .title = titles[h]};
    }
    dw_buf_append_text(out, "<h2>Events by hour</h2>\n<figure class=\"box\">\n");
    dw_report_html_bars(out, bars, DW_DIGEST_HOURS);
    dw_buf_append_text(out, "<figcaption>All maps, hours of UTC.</figcaption>\n</figure>\n");
}

static void write_equality(struct dw_buf *out, const struct dw_digest_equality *equality)
{
    dw_buf_append_text(out, "<td data-l=\"Equality\"><span>");
    if (!equality) {
        dw_buf_append_text(out, "<span class=\"soft\">never compared</span></span></td>");
        return;
    }
    dw_buf_append_text(out, equality->left ? "<span class=\"bad\">" : "<span class=\"good\">");
    if (equality->left)
        dw_report_html_count(out, equality->left);
    dw_buf_printf(out, "%s</span> <span class=\"soft\">run %lld, ",
                  equality->left ? dw_str_plural(equality->left, " difference", " differences")
                  : equality->differences ? "equal after repair"
                                          : "equal",
                  (long long)equality->run);
    dw_report_html_time(out, equality->ended_us);
    dw_buf_append_text(out, "</span></span></td>");
}

static void write_number(struct dw_buf *out, const char *label, int64_t number, const char *colour)
{
    dw_buf_printf(out, "<td class=\"n%s%s\" data-l=\"%s\"><span>", number ? " " : "",
                  number ? colour : "", label);
    dw_report_html_count(out, number);
    dw_buf_append_text(out, "</span></td>");
}

static void write_map(struct dw_buf *out, const struct dw_digest_map *map)
{
    static const double percents[] = {50, 95, 99};
    char text[32];
    char note[NOTE_MAX];
    dw_buf_append_text(out, "<tr><td data-l=\"Map\"><span>");
    dw_report_html_words(out, map->map);
    if (strcmp(map->state, "running") != 0) {
        dw_buf_append_text(out, " <span class=\"warn\">");
        dw_report_html_words(out, map->state);
        dw_buf_append_text(out, "</span>");
    }
    dw_buf_append_text(out, "</span></td><td class=\"n\" data-l=\"Events\"><span>");
    dw_report_html_count(out, map->day.events);
    dw_buf_printf(out, "<br><span class=\"soft\">%s</span></span></td><td data-l=\"By hour\">",
                  trend(map->day.events, map->before.events, note));
    dw_report_html_spark(out, map->hours, DW_DIGEST_HOURS);
    dw_buf_append_text(out, "</td>");
    for (size_t i = 0; i < 3; i++)
        dw_buf_printf(out, "<td class=\"n\" data-l=\"p%.0f\"><span>%s</span></td>", percents[i],
                      duration(percentile(&map->day, percents[i]), text));
    dw_buf_printf(out, "<td class=\"n\" data-l=\"Worst lag\"><span>%s</span></td>",
                  duration(map->day.lag_max_us, text));
    write_number(out, "New dead letters", map->day.dead, "warn");
    write_number(out, "Open", map->letters, "warn");
    write_equality(out, map->equality);
    dw_buf_append_text(out, "</tr>\n");
}

void dw_digest_page(const struct dw_digest *digest, struct dw_buf *out)
{
    struct dw_buf title;
    dw_buf_init(&title, NOTE_MAX);
    dw_buf_printf(&title, "dualwrite digest %s", digest->date);
    dw_report_html_begin(out, title.data);
    dw_buf_printf(out, "<h1>Digest of %s</h1>\n<p class=\"soft\">%zu %s%s</p>\n", digest->date,
                  digest->map_count, dw_str_plural((int64_t)digest->map_count, "map", "maps"),
                  digest->complete ? "" : "; the day is not over: so far");
    write_cards(out, digest);
    write_hours(out, digest);
    dw_buf_append_text(
        out, "<h2>Maps</h2>\n<div class=\"box\"><table class=\"rows\">\n<thead><tr><th>Map</th>"
             "<th class=\"n\">Events</th><th>By hour</th><th class=\"n\">p50</th>"
             "<th class=\"n\">p95</th><th class=\"n\">p99</th><th class=\"n\">Worst lag</th>"
             "<th class=\"n\">New dead</th><th class=\"n\">Open</th><th>Equality</th></tr></thead>"
             "\n<tbody>\n");
    for (size_t i = 0; i < digest->map_count; i++)
        write_map(out, &digest->maps[i]);
    dw_buf_append_text(out, "</tbody></table></div>\n<p class=\"soft\">Latency is from the "
                            "source's commit to the target's.</p>\n");
    dw_report_html_end(out, digest->made_us);
    dw_buf_done(&title);
}
