/* report_html.h - the frame of a self-contained HTML page, and the pieces pages are made of.
 *
 * No script, no outside resource; a page forbids both to itself. Every text from outside goes
 * through dw_report_html_text. Pure.
 */
#ifndef DW_REPORT_REPORT_HTML_H
#define DW_REPORT_REPORT_HTML_H
#include "common/base/buf.h"
#include <stdbool.h>

/* Text that stands for itself: &, <, >, quotes escaped; control characters shown as their
 * pictures, what is no UTF-8 as U+FFFD, and what turns the direction of writing is isolated. */
void dw_report_html_text(struct dw_buf *out, struct dw_str text);
void dw_report_html_words(struct dw_buf *out, const char *text); /* the same of a C string */

void dw_report_html_begin(struct dw_buf *out, const char *title);
/* `made_us`: when the page was made. */
void dw_report_html_end(struct dw_buf *out, int64_t made_us);

/* A number with its name; `note` and `colour` ("good", "warn", "bad") may be NULL. */
void dw_report_html_card(struct dw_buf *out, const char *name, const char *value, const char *note,
                         const char *colour);
/* "2026-01-31 12:34 UTC", "never" for 0. */
void dw_report_html_time(struct dw_buf *out, int64_t us);
/* 1,234,567 */
void dw_report_html_count(struct dw_buf *out, int64_t number);

struct dw_report_bar {
    int64_t value;
    const char *colour; /* NULL, "bad", "good" */
    const char *label;  /* below it; NULL none */
    const char *title;  /* shown when it is pointed at */
    bool marked;
};
/* A plot of bars over the whole width, with an axis. */
void dw_report_html_bars(struct dw_buf *out, const struct dw_report_bar *bars, size_t count);
/* A small one within a line. */
void dw_report_html_spark(struct dw_buf *out, const int64_t *values, size_t count);

#endif
