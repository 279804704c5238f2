/* run_page.c - a comparison as one HTML page. */
#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/json_pull.h"
#include "reconciler/report/report_html.h"
#include "reconciler/report/run_report.h"
#include <stdio.h>

#define NOTE_MAX 300

static const char *const kind_meaning[DW_DIFFERENCE_KINDS] = {
    [DW_DIFFERENCE_MISSING] = "the target lacks the row",
    [DW_DIFFERENCE_EXTRA] = "the source has no such row",
    [DW_DIFFERENCE_DIFFERENT] = "both have it, with other values",
    [DW_DIFFERENCE_DUPLICATE] = "another source row has the same target row",
    [DW_DIFFERENCE_HELD] = "a dead letter holds its change",
    [DW_DIFFERENCE_WAITING] = "its change waits for another row",
};

/* --- head ---------------------------------------------------------------------------------------
 */

static void count_text(char *out, size_t size, int64_t number)
{
    struct dw_buf text;
    dw_buf_init(&text, 64);
    dw_report_html_count(&text, number);
    (void)snprintf(out, size, "%s", text.data);
    dw_buf_done(&text);
}

static void write_card(struct dw_buf *out, const char *name, int64_t number, const char *note,
                       const char *colour)
{
    char text[32];
    count_text(text, sizeof text, number);
    dw_report_html_card(out, name, text, note, colour);
}

static const char *why_not_mended(const struct dw_reconcile_run *run)
{
    if (run->repair != DW_REPAIR_NONE)
        return NULL;
    return *run->repair_reason ? "too many for a repair by itself" : "no repair was asked for";
}

static void write_cards(struct dw_buf *out, const struct dw_reconcile_run *run)
{
    char note[NOTE_MAX];
    char target[32];
    int64_t found = dw_run_report_found(run);
    int64_t left = dw_run_report_left(run);
    count_text(target, sizeof target, run->rows_target);
    (void)snprintf(note, sizeof note, "source; %s in the target", target);
    dw_buf_append_text(out, "<dl class=\"cards\">\n");
    write_card(out, "Rows compared", run->rows_source, note, NULL);
    write_card(out, "Differences", found, found ? NULL : "both sides are equal",
               found ? "bad" : "good");
    write_card(out, "Mended", run->counts.repaired, why_not_mended(run), NULL);
    write_card(out, "Left", left, NULL, left ? "bad" : "good");
    if (run->unjudged)
        write_card(out, "Not judged", run->unjudged, "nobody answered in time", "warn");
    dw_buf_append_text(out, "</dl>\n");
}

/* Why it failed, or why nothing was mended. */
static void write_reason(struct dw_buf *out, const char *code, const char *reason)
{
    if (!*reason)
        return;
    dw_buf_append_text(out, "<p class=\"bad\">");
    dw_report_html_words(out, code);
    dw_buf_append_char(out, ' ');
    dw_report_html_words(out, reason);
    dw_buf_append_text(out, "</p>\n");
}

static void write_verdict(struct dw_buf *out, const struct dw_reconcile_run *run)
{
    bool over = run->state == DW_RECONCILE_DONE;
    dw_buf_append_text(out, "<p class=\"soft\">");
    dw_buf_append_text(out, over ? "Ended " : "State: ");
    if (over)
        dw_report_html_time(out, run->ended_us);
    else
        dw_report_html_words(out, dw_state_reconcile_state_name(run->state));
    dw_buf_append_text(out, "; asked for by ");
    dw_report_html_words(out, run->by);
    dw_buf_append_text(out, run->scheduled ? " (schedule).</p>\n" : ".</p>\n");
    write_reason(out, run->code, run->reason);
    write_reason(out, run->repair_code, run->repair_reason);
}

/* --- plot ---------------------------------------------------------------------------------------
 */

static void write_plot(struct dw_buf *out, const struct dw_run_report *report)
{
    struct dw_report_bar bars[DW_RUN_REPORT_RUNS];
    char labels[DW_RUN_REPORT_RUNS][24];
    char titles[DW_RUN_REPORT_RUNS][120];
    size_t count = 0;
    for (size_t i = report->history_count; i-- > 0;) { /* oldest first */
        const struct dw_reconcile_run *run = &report->history[i];
        char when[32];
        if (run->state != DW_RECONCILE_DONE || count == DW_RUN_REPORT_RUNS)
            continue;
        int64_t found = dw_run_report_found(run);
        (void)snprintf(labels[count], sizeof labels[count], "%lld", (long long)run->id);
        (void)snprintf(titles[count], sizeof titles[count],
                       "run %lld, %.19sZ: %lld found, %lld left", (long long)run->id,
                       dw_clock_format(run->ended_us, when), (long long)found,
                       (long long)dw_run_report_left(run));
        bars[count] = (struct dw_report_bar){
            .value = found,
            .colour = !found                    ? "good"
                      : dw_run_report_left(run) ? "bad"
                                                : NULL,
            .label = labels[count],
            .title = titles[count],
            .marked = run->id == report->run.id,
        };
        count++;
    }
    if (!count)
        return;
    dw_buf_append_text(out, "<h2>Differences over time</h2>\n<figure class=\"box\">\n");
    dw_report_html_bars(out, bars, count);
    dw_buf_append_text(out, "<figcaption>Differences found by each run on this map, by its number: "
                            "green none, blue all mended, red some left. This run has a frame."
                            "</figcaption>\n</figure>\n");
}

/* --- sums ---------------------------------------------------------------------------------------
 */

static void open_table(struct dw_buf *out, const char *title, const char *name)
{
    dw_buf_printf(out,
                  "<h2>%s</h2>\n<div class=\"box\"><table class=\"sums\">\n<thead><tr><th>%s</th>"
                  "<th class=\"n\">Rows</th><th></th></tr></thead>\n<tbody>\n",
                  title, name);
}

static void close_table(struct dw_buf *out)
{
    dw_buf_append_text(out, "</tbody></table></div>\n");
}

static void write_sum(struct dw_buf *out, const char *name, int64_t count, const char *meaning)
{
    dw_buf_append_text(out, "<tr><td>");
    dw_report_html_words(out, name);
    dw_buf_append_text(out, "</td><td class=\"n\">");
    dw_report_html_count(out, count);
    dw_buf_append_text(out, "</td><td class=\"soft\">");
    dw_report_html_words(out, meaning);
    dw_buf_append_text(out, "</td></tr>\n");
}

static void write_sums(struct dw_buf *out, const struct dw_run_report *report)
{
    const struct dw_reconcile_run *run = &report->run;
    open_table(out, "By kind", "Kind");
    for (int kind = 0; kind < DW_DIFFERENCE_KINDS; kind++)
        if (run->counts.by_kind[kind])
            write_sum(out, dw_state_difference_kind_name((enum dw_difference_kind)kind),
                      run->counts.by_kind[kind], kind_meaning[kind]);
    if (run->beyond)
        write_sum(out, "beyond the limit", run->beyond, "only counted, not judged");
    close_table(out);
    if (report->sums.column_count) {
        open_table(out, "By column", "Column");
        for (size_t i = 0; i < report->sums.column_count; i++)
            write_sum(out, report->sums.columns[i].name, report->sums.columns[i].count, "");
        close_table(out);
    }
    open_table(out, "By cause", "Cause");
    for (size_t i = 0; i < report->sums.cause_count; i++) {
        const struct dw_run_sum *sum = &report->sums.causes[i];
        const struct dw_err_info *info = dw_err_find(sum->name);
        write_sum(out, *sum->name ? sum->name : "not known", sum->count,
                  info ? info->title
                       : "nobody left a trace: changed by hand, or by another program");
    }
    close_table(out);
}

/* --- rows ---------------------------------------------------------------------------------------
 */

/* ["dat","C-1"] as: dat, C-1 */
static void write_key(struct dw_buf *out, const char *json, struct dw_arena *arena)
{
    struct dw_json_pull pull;
    enum dw_json token;
    bool first = true;
    dw_json_pull_init(&pull, dw_str_from(json), arena);
    if (dw_json_pull_next(&pull) != DW_JSON_ARRAY_OPEN) {
        dw_report_html_words(out, json);
        return;
    }
    while ((token = dw_json_pull_next(&pull)) == DW_JSON_STRING || token == DW_JSON_NUMBER ||
           token == DW_JSON_NULL) {
        dw_buf_append_text(out, first ? "" : ", ");
        dw_report_html_text(out, token == DW_JSON_NULL ? DW_STR_LIT("null") : pull.text);
        first = false;
    }
}

static void write_value(struct dw_buf *out, struct dw_str raw, struct dw_arena *arena)
{
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, raw, arena);
    enum dw_json token = dw_json_pull_next(&pull);
    if (!raw.ptr || token == DW_JSON_NULL)
        dw_buf_append_text(out, "<span class=\"null\">null</span>");
    else if (token == DW_JSON_STRING && !pull.text.len)
        dw_buf_append_text(out, "<span class=\"null\">empty</span>");
    else
        dw_report_html_text(out, token == DW_JSON_STRING ? pull.text : raw);
}

struct column {
    struct dw_str name, source, target; /* the values raw */
};

/* The next of [{"column":…,"source":…,"target":…},…]; false at the end. */
static bool next_column(struct dw_json_pull *pull, struct dw_arena *arena, struct column *out)
{
    enum dw_json token = dw_json_pull_next(pull);
    *out = (struct column){.name = {"", 0}};
    if (token != DW_JSON_OBJECT_OPEN)
        return false;
    while ((token = dw_json_pull_next(pull)) == DW_JSON_NAME) {
        struct dw_str name = dw_arena_copy(arena, pull->text);
        struct dw_str raw;
        struct dw_json_pull ahead = *pull;
        if (!dw_json_pull_skip(pull, &raw))
            return false;
        if (dw_str_is(name, "source"))
            out->source = raw;
        else if (dw_str_is(name, "target"))
            out->target = raw;
        else if (dw_json_pull_next(&ahead) == DW_JSON_STRING)
            out->name = dw_arena_copy(arena, ahead.text);
    }
    return token == DW_JSON_OBJECT_CLOSE;
}

static void write_columns(struct dw_buf *out, const struct dw_difference *row,
                          struct dw_arena *arena)
{
    struct dw_json_pull pull;
    struct column column;
    bool any = false;
    dw_json_pull_init(&pull, dw_str_from(row->columns), arena);
    if (dw_json_pull_next(&pull) == DW_JSON_ARRAY_OPEN)
        while (next_column(&pull, arena, &column)) {
            dw_buf_append_text(out, any ? "<br><b>" : "<b>");
            dw_report_html_text(out, column.name);
            dw_buf_append_text(out, "</b> <span class=\"soft\">is</span> <span class=\"v d\">");
            write_value(out, column.target, arena);
            dw_buf_append_text(
                out, "</span> <span class=\"soft\">should be</span> <span class=\"v d\">");
            write_value(out, column.source, arena);
            dw_buf_append_text(out, "</span>");
            any = true;
        }
    if (!any)
        dw_report_html_words(out, kind_meaning[row->kind]);
}

static void write_cause(struct dw_buf *out, const struct dw_difference *row)
{
    if (row->letter)
        dw_buf_printf(out, "dead letter %lld%s", (long long)row->letter, *row->code ? " " : "");
    if (*row->code)
        dw_report_html_words(out, row->code);
    if (*row->reason) {
        dw_buf_append_text(out, " <span class=\"soft\">");
        dw_report_html_words(out, row->reason);
        dw_buf_append_text(out, "</span>");
    }
}

static const char *repair_text(const char *repair)
{
    if (strcmp(repair, "gone") == 0)
        return "<span class=\"good\">mended</span>";
    if (strcmp(repair, "left") == 0)
        return "<span class=\"bad\">left</span>";
    return strcmp(repair, "ordered") == 0 ? "under way" : "<span class=\"soft\">-</span>";
}

static void write_row(struct dw_buf *out, const struct dw_difference *row, struct dw_arena *arena)
{
    dw_buf_append_text(out, "<tr><td data-l=\"Kind\"><span>");
    dw_report_html_words(out, dw_state_difference_kind_name(row->kind));
    dw_buf_append_text(out, "</span></td><td class=\"v\" data-l=\"Key\"><span>");
    write_key(out, row->key, arena);
    dw_buf_append_text(out, "</span></td><td data-l=\"What\"><span>");
    write_columns(out, row, arena);
    dw_buf_append_text(out, "</span></td><td data-l=\"Cause\"><span>");
    write_cause(out, row);
    dw_buf_printf(out,
                  "</span></td><td data-l=\"Repair\"><span>%s</span></td><td data-l=\"Seen\">"
                  "<span>",
                  repair_text(row->repair));
    dw_report_html_time(out, row->seen_us);
    dw_buf_append_text(out, "</span></td></tr>\n");
}

static void write_rows(struct dw_buf *out, const struct dw_run_report *report)
{
    struct dw_arena arena;
    dw_arena_init(&arena, 16384);
    dw_buf_append_text(out,
                       "<h2>Rows</h2>\n<div class=\"box\"><table class=\"rows found\">\n<thead><tr>"
                       "<th>Kind</th><th>Key</th><th>In the target</th><th>Cause</th>"
                       "<th>Repair</th><th>Seen</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < report->row_count; i++) {
        dw_arena_reset(&arena);
        write_row(out, &report->rows[i], &arena);
    }
    close_table(out);
    if (report->left_out > 0) {
        dw_buf_append_text(out, "<p class=\"soft\">");
        dw_report_html_count(out, report->left_out);
        dw_buf_append_text(out, " more are not shown here: <code>dualwrite reconcile report ");
        dw_buf_printf(out, "%lld --csv</code> has all that were kept.</p>\n",
                      (long long)report->run.id);
    }
    dw_arena_done(&arena);
}

/* --- details ------------------------------------------------------------------------------------
 */

static void write_position(struct dw_buf *out, const char *name, uint32_t epoch, uint64_t lsn)
{
    dw_buf_printf(out, "<tr><td class=\"soft\">%s</td><td>", name);
    if (lsn)
        dw_buf_printf(out, "epoch %u, <code>%X/%X</code>", epoch, (unsigned)(lsn >> 32),
                      (unsigned)lsn);
    else
        dw_buf_append_text(out, "not known");
    dw_buf_append_text(out, "</td></tr>\n");
}

static void write_moment(struct dw_buf *out, const char *name, int64_t us)
{
    dw_buf_printf(out, "<tr><td class=\"soft\">%s</td><td>", name);
    dw_report_html_time(out, us);
    dw_buf_append_text(out, "</td></tr>\n");
}

static void write_fact(struct dw_buf *out, const char *name, const char *text)
{
    dw_buf_printf(out, "<tr><td class=\"soft\">%s</td><td>", name);
    dw_report_html_words(out, text);
    dw_buf_append_text(out, "</td></tr>\n");
}

static void write_details(struct dw_buf *out, const struct dw_reconcile_run *run)
{
    char text[NOTE_MAX];
    dw_buf_append_text(out, "<h2>Details</h2>\n<div class=\"box\"><table>\n<tbody>\n");
    write_fact(out, "Map", run->map);
    (void)snprintf(text, sizeof text, "%lld", (long long)run->revision);
    write_fact(out, "Revision of the map", text);
    if (run->since_us)
        write_moment(out, "Rows that changed since", run->since_us);
    else
        write_fact(out, "Rows", run->filter ? run->filter : "all");
    if (run->sample > 0 && run->sample < 100) {
        (void)snprintf(text, sizeof text, "%g %% of the key ranges", run->sample);
        write_fact(out, "Sample", text);
    }
    write_fact(out, "Way",
               strcmp(run->way, "hash") == 0      ? "hashes of key ranges, narrowed to rows"
               : strcmp(run->way, "rows") == 0    ? "rows, one by one"
               : strcmp(run->way, "changes") == 0 ? "the changes that Kafka keeps, row by row"
                                                  : "not begun");
    if (*run->way_reason)
        write_fact(out, "Note", run->way_reason);
    write_moment(out, "Begun", run->started_us);
    write_moment(out, "Ended", run->ended_us);
    write_position(out, "The stream stood at", run->begin_epoch, run->begin_lsn);
    write_position(out, "at the end at", run->end_epoch, run->end_lsn);
    (void)snprintf(text, sizeof text, "%lld", (long long)run->suspects);
    write_fact(out, "Rows judged in the stream", text);
    if (run->repair != DW_REPAIR_NONE) {
        write_fact(out, "Repair", dw_state_repair_state_name(run->repair));
        write_fact(out, "Repair asked for by", run->repair_by);
        write_moment(out, "Repair ended", run->repair_ended_us);
    }
    dw_buf_append_text(out, "</tbody></table></div>\n");
}

void dw_run_report_page(const struct dw_run_report *report, struct dw_buf *out)
{
    const struct dw_reconcile_run *run = &report->run;
    struct dw_buf title;
    dw_buf_init(&title, 1024);
    dw_buf_printf(&title, "Comparison %lld of %s", (long long)run->id, run->map);
    dw_report_html_begin(out, title.data);
    dw_buf_printf(out, "<h1>Comparison %lld of ", (long long)run->id);
    dw_report_html_words(out, run->map);
    dw_buf_append_text(out, "</h1>\n");
    write_verdict(out, run);
    write_cards(out, run);
    write_plot(out, report);
    if (dw_run_report_found(run)) {
        write_sums(out, report);
        write_rows(out, report);
    }
    write_details(out, run);
    dw_report_html_end(out, report->made_us);
    dw_buf_done(&title);
}
