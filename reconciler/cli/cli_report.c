/* cli_report.c - the report of a comparison: on the terminal, as JSON, CSV (RFC 4180), or a page.
 */
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_file.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include <stdio.h>

#define RUNS_PATH "/api/v1/reconcile/runs"
#define PAGE      "1000"
#define PAGE_MAX  (64u << 20)
#define TEXT(item, name)                                                                           \
    dw_cli_format_safe(cli->arena, dw_cli_json_text((item), (name), cli->arena))

static const char *path_of(struct dw_cli *cli, const char *behind)
{
    return dw_arena_printf(cli->arena, RUNS_PATH "/%s%s",
                           dw_cli_escape(cli->arena, cli->options.arguments[0]), behind);
}

/* --- terminal -----------------------------------------------------------------------------------
 */

static void write_sums(struct dw_cli *cli, struct dw_str body, const char *list, const char *name,
                       const char *title, struct dw_buf *out)
{
    const struct dw_cli_column columns[] = {{title, false, true}, {"ROWS", true, false}};
    size_t count = 0;
    const struct dw_str *sums =
        dw_cli_json_elements(dw_cli_json_member(body, list), cli->arena, &count);
    struct dw_cli_table table;
    if (!count)
        return;
    dw_cli_table_init(&table, cli->arena, columns, 2);
    for (size_t i = 0; i < count; i++) {
        const char *text = TEXT(sums[i], name);
        const struct dw_err_info *info = dw_err_find(text);
        dw_cli_table_add(&table,
                         info    ? dw_arena_printf(cli->arena, "%s %s", text, info->title)
                         : *text ? text
                                 : "not known",
                         DW_CLI_PLAIN);
        dw_cli_table_add(&table,
                         dw_cli_format_count(cli->arena, dw_cli_json_number(sums[i], "rows")),
                         DW_CLI_PLAIN);
    }
    dw_buf_append_char(out, '\n');
    dw_cli_table_render(&table, &cli->screen, out);
}

static void write_history(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {{"RUN", true, false},
                                                   {"ENDED", false, false},
                                                   {"FOUND", true, false},
                                                   {"LEFT", true, false}};
    size_t count = 0;
    const struct dw_str *runs =
        dw_cli_json_elements(dw_cli_json_member(body, "history"), cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        int64_t left = dw_cli_json_number(runs[i], "left");
        const char *ended = TEXT(runs[i], "ended_at");
        dw_cli_table_add(
            &table,
            dw_arena_printf(cli->arena, "%lld", (long long)dw_cli_json_number(runs[i], "run")),
            DW_CLI_BOLD);
        dw_cli_table_add(
            &table, *ended ? dw_arena_printf(cli->arena, "%.19sZ", ended) : TEXT(runs[i], "state"),
            DW_CLI_DIM);
        dw_cli_table_add(
            &table, dw_cli_format_count(cli->arena, dw_cli_json_number(runs[i], "differences")),
            DW_CLI_PLAIN);
        dw_cli_table_add(&table, dw_cli_format_count(cli->arena, left),
                         left ? DW_CLI_RED : DW_CLI_GREEN);
    }
    dw_buf_append_char(out, '\n');
    dw_cli_table_render(&table, &cli->screen, out);
}

static void write_report(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    dw_cli_reconcile_write(cli, dw_cli_json_member(body, "run"), out);
    write_sums(cli, body, "by_column", "column", "COLUMN", out);
    write_sums(cli, body, "by_cause", "code", "CAUSE", out);
    write_history(cli, body, out);
    if (dw_cli_json_number(dw_cli_json_member(body, "run"), "differences"))
        dw_buf_append_char(out, '\n');
    dw_cli_reconcile_write_differences(cli, body, out);
    int64_t left_out = dw_cli_json_number(body, "left_out");
    if (left_out)
        dw_buf_printf(out, "%s more: --csv has all that were kept\n",
                      dw_cli_format_count(cli->arena, left_out));
}

/* --- CSV ----------------------------------------------------------------------------------------
 */

/* Quotes only where they are needed, so that null (nothing) and an empty text ("") differ. */
static void write_field(struct dw_buf *out, const char *text, bool last)
{
    if (text && (!*text || strpbrk(text, ",\"\r\n"))) {
        dw_buf_append_char(out, '"');
        for (; *text; text++) {
            dw_buf_append_char(out, *text);
            if (*text == '"')
                dw_buf_append_char(out, '"');
        }
        dw_buf_append_char(out, '"');
    } else if (text) {
        dw_buf_append_text(out, text);
    }
    dw_buf_append_text(out, last ? "\r\n" : ",");
}

static const char *value_of(struct dw_cli *cli, struct dw_str object, const char *name)
{
    struct dw_str raw = dw_cli_json_member(object, name);
    if (!raw.ptr || dw_cli_json_is_null(raw))
        return NULL;
    return raw.ptr[0] == '"' ? dw_cli_json_text(object, name, cli->arena)
                             : dw_arena_copy(cli->arena, raw).ptr;
}

/* A line for each column that differs, or one where none is named. */
static void write_lines(struct dw_cli *cli, struct dw_str row, struct dw_buf *out)
{
    static const char *const before[] = {"id", "kind", "key"};
    static const char *const inside[] = {"column", "source", "target"};
    static const char *const behind[] = {"code",   "reason",  "dead_letter",
                                         "repair", "seen_at", "repaired_at"};
    size_t count = 0;
    const struct dw_str *columns =
        dw_cli_json_elements(dw_cli_json_member(row, "columns"), cli->arena, &count);
    for (size_t i = 0; i < (count ? count : 1); i++) {
        for (size_t k = 0; k < 3; k++)
            write_field(out, value_of(cli, row, before[k]), false);
        for (size_t k = 0; k < 3; k++)
            write_field(out, count ? value_of(cli, columns[i], inside[k]) : NULL, false);
        for (size_t k = 0; k < 6; k++)
            write_field(out, value_of(cli, row, behind[k]), k == 5);
    }
}

static enum dw_cli_exit print_csv(struct dw_cli *cli)
{
    struct dw_arena *command = cli->arena;
    struct dw_arena page;
    const char *after = NULL;
    enum dw_cli_exit code = DW_CLI_DONE;
    bool more = true;
    dw_arena_init(&page, 1u << 20);
    printf(
        "id,kind,key,column,source,target,code,reason,dead_letter,repair,seen_at,repaired_at\r\n");
    while (more && !code) {
        struct dw_cli_answer answer;
        struct dw_buf text;
        size_t count = 0;
        const char *path =
            dw_cli_query(cli, path_of(cli, "/differences?limit=" PAGE), "after", after);
        code = dw_cli_ask(cli, "GET", path, (struct dw_str){NULL, 0}, &answer);
        if (code)
            break;
        dw_buf_init(&text, PAGE_MAX);
        cli->arena = &page; /* a million rows are never in memory at once */
        const struct dw_str *rows = dw_cli_json_elements(
            dw_cli_json_member(answer.body, "differences"), cli->arena, &count);
        for (size_t i = 0; i < count; i++)
            write_lines(cli, rows[i], &text);
        cli->arena = command;
        dw_cli_write(&text);
        dw_buf_done(&text);
        more = !dw_cli_json_is_null(dw_cli_json_member(answer.body, "next"));
        after =
            dw_arena_printf(cli->arena, "%lld", (long long)dw_cli_json_number(answer.body, "next"));
        dw_arena_reset(&page);
    }
    dw_arena_done(&page);
    return code;
}

enum dw_cli_exit dw_cli_report_run(struct dw_cli *cli)
{
    if (cli->options.csv)
        return print_csv(cli);
    if (cli->options.html)
        return dw_cli_file_save(cli, path_of(cli, "/report/page"), cli->options.html);
    return dw_cli_show(cli, path_of(cli, "/report"), write_report);
}
