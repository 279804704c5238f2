/* cli_syncs.c - sync list, show, pause, resume, cancel, rate. */
#include "common/base/json_write.h"
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include "reconciler/cli/cli_progress.h"
#include <stdio.h>

#define TEXT_MAX (64u << 20)

static enum dw_cli_colour sync_colour(const char *state)
{
    if (strcmp(state, "failed") == 0)
        return DW_CLI_RED;
    if (strcmp(state, "done") == 0)
        return DW_CLI_GREEN;
    return strcmp(state, "cancelled") == 0 ? DW_CLI_DIM : DW_CLI_YELLOW;
}

static void add_sync(struct dw_cli *cli, struct dw_cli_table *table, struct dw_str sync)
{
    struct dw_arena *arena = cli->arena;
    struct dw_cli_progress progress = dw_cli_progress_read(cli, sync);
    const char *state = dw_cli_json_text(sync, "state", arena);
    dw_cli_table_add(table,
                     dw_arena_printf(arena, "%lld", (long long)dw_cli_json_number(sync, "sync")),
                     DW_CLI_BOLD);
    dw_cli_table_add(table, progress.map, DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_json_text(sync, "kind", arena), DW_CLI_PLAIN);
    dw_cli_table_add(table, progress.state, sync_colour(state));
    dw_cli_table_add(
        table, progress.percent < 0 ? "-" : dw_arena_printf(arena, "%.1f %%", progress.percent),
        DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_format_count(arena, progress.rows_done), DW_CLI_PLAIN);
    dw_cli_table_add(
        table,
        progress.rows_estimated < 0 ? "-" : dw_cli_format_count(arena, progress.rows_estimated),
        DW_CLI_PLAIN);
    dw_cli_table_add(table,
                     progress.rows_per_second > 0
                         ? dw_cli_format_count(arena, (int64_t)(progress.rows_per_second + 0.5))
                         : "-",
                     DW_CLI_PLAIN);
    dw_cli_table_add(table,
                     progress.seconds_left < DW_CLI_PROGRESS_LEFT_MIN_S
                         ? "-"
                         : dw_cli_format_seconds(arena, progress.seconds_left),
                     DW_CLI_PLAIN);
    dw_cli_table_add(table,
                     dw_arena_printf(arena, "%lld/%lld",
                                     (long long)dw_cli_json_number(sync, "ranges_done"),
                                     (long long)dw_cli_json_number(sync, "ranges")),
                     DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_format_safe(arena, dw_cli_json_text(sync, "reason", arena)),
                     DW_CLI_PLAIN);
}

/* One line for each batch of several. */
static void write_batches(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    size_t count = 0;
    const struct dw_str *batches =
        dw_cli_json_elements(dw_cli_json_member(body, "batches"), cli->arena, &count);
    for (size_t i = 0; i < count; i++) {
        long long all = (long long)dw_cli_json_number(batches[i], "syncs");
        struct dw_cli_progress progress = dw_cli_progress_read(cli, batches[i]);
        progress.state =
            dw_arena_printf(cli->arena, "%lld of %lld syncs over",
                            (long long)dw_cli_json_number(batches[i], "syncs_over"), all);
        if (all > 1)
            dw_buf_printf(out, "together (batch %lld): %s\n",
                          (long long)dw_cli_json_number(batches[i], "batch"),
                          dw_cli_progress_text(cli->arena, &progress));
    }
}

bool dw_cli_syncs_write(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"SYNC", true, false},      {"MAP", false, true},    {"KIND", false, false},
        {"STATE", false, false},    {"DONE", true, false},   {"ROWS", true, false},
        {"ESTIMATED", true, false}, {"ROWS/S", true, false}, {"LEFT", true, false},
        {"RANGES", true, false},    {"REASON", false, true},
    };
    size_t count = 0;
    const struct dw_str *syncs =
        dw_cli_json_elements(dw_cli_json_member(body, "syncs"), cli->arena, &count);
    struct dw_cli_table table;
    if (count == 0)
        return false;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++)
        add_sync(cli, &table, syncs[i]);
    dw_cli_table_render(&table, &cli->screen, out);
    write_batches(cli, body, out);
    return true;
}

static void write_list(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    if (!dw_cli_syncs_write(cli, body, out))
        dw_buf_append_text(out, "no syncs\n");
    dw_cli_more(cli, body, out);
}

enum dw_cli_exit dw_cli_syncs_list(struct dw_cli *cli)
{
    const char *path = dw_cli_query(cli, "/api/v1/syncs", "all", cli->options.all ? "true" : NULL);
    path = dw_cli_query(cli, dw_cli_page(cli, path), "map", cli->options.map);
    return dw_cli_show(cli, path, write_list);
}

static void write_ranges(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"RANGE", true, false},  {"PART", false, false},   {"FROM", false, true},
        {"TO", false, true},     {"DONE TO", false, true}, {"ROWS", true, false},
        {"CHUNKS", true, false}, {"DONE", false, false},
    };
    size_t count = 0;
    const struct dw_str *ranges =
        dw_cli_json_elements(dw_cli_json_member(body, "range_list"), cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        static const char *const keys[] = {"lower", "upper", "done_to"};
        dw_cli_table_add(&table,
                         dw_cli_format_count(cli->arena, dw_cli_json_number(ranges[i], "number")),
                         DW_CLI_BOLD);
        dw_cli_table_add(&table, dw_cli_json_text(ranges[i], "part", cli->arena), DW_CLI_PLAIN);
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            struct dw_str key = dw_cli_json_member(ranges[i], keys[k]);
            dw_cli_table_add(
                &table,
                dw_cli_json_is_null(key)
                    ? "-"
                    : dw_cli_format_safe(cli->arena, dw_arena_copy(cli->arena, key).ptr),
                DW_CLI_PLAIN);
        }
        dw_cli_table_add(
            &table, dw_cli_format_count(cli->arena, dw_cli_json_number(ranges[i], "rows_done")),
            DW_CLI_PLAIN);
        dw_cli_table_add(
            &table, dw_cli_format_count(cli->arena, dw_cli_json_number(ranges[i], "chunks_done")),
            DW_CLI_PLAIN);
        dw_cli_table_add(&table, dw_cli_json_true(ranges[i], "done") ? "yes" : "no", DW_CLI_PLAIN);
    }
    if (count)
        dw_cli_table_render(&table, &cli->screen, out);
}

static void write_one(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    struct dw_cli_progress progress = dw_cli_progress_read(cli, body);
    const char *reason =
        dw_cli_format_safe(cli->arena, dw_cli_json_text(body, "reason", cli->arena));
    const char *code = dw_cli_json_text(body, "code", cli->arena);
    dw_buf_printf(out, "sync %lld of map %s: %s\n", (long long)dw_cli_json_number(body, "sync"),
                  progress.map, dw_cli_progress_text(cli->arena, &progress));
    if (*reason)
        dw_buf_printf(out, "  %s%s%s%s\n", reason, *code ? " (" : "", code, *code ? ")" : "");
}

/* What an order would do. */
static void write_would(const struct dw_cli *cli, struct dw_str body, const char *action,
                        struct dw_buf *out)
{
    static const char *const means[][2] = {
        {"pause", "be paused; its map goes on with live changes"},
        {"resume", "go on from where it stands"},
        {"cancel", "be cancelled; its map goes on without the rows that are missing"},
    };
    const char *what = NULL;
    for (size_t i = 0; i < sizeof means / sizeof *means; i++)
        if (strcmp(means[i][0], action) == 0)
            what = means[i][1];
    if (!what && strcmp(cli->options.arguments[1], "0") == 0)
        what = "have no limit";
    if (!what)
        what = dw_arena_printf(cli->arena, "copy at most %s rows/s", cli->options.arguments[1]);
    dw_buf_printf(out, "sync %lld would %s\n", (long long)dw_cli_json_number(body, "sync"), what);
}

/* Asks for, or orders something of, the sync that the command names; prints it. */
static enum dw_cli_exit ask_one(struct dw_cli *cli, const char *action, struct dw_str body)
{
    struct dw_cli_answer answer;
    const char *path = dw_arena_printf(
        cli->arena, "/api/v1/syncs/%s%s%s%s", dw_cli_escape(cli->arena, cli->options.arguments[0]),
        *action ? "/" : "", action, cli->options.dry_run ? "?dry_run=true" : "");
    enum dw_cli_exit code = dw_cli_ask(cli, *action ? "POST" : "GET", path, body, &answer);
    if (code)
        return code;
    struct dw_buf text;
    dw_buf_init(&text, TEXT_MAX);
    if (cli->options.json) {
        dw_buf_append_str(&text, answer.body);
    } else {
        write_one(cli, answer.body, &text);
        write_ranges(cli, answer.body, &text);
        if (cli->options.dry_run)
            write_would(cli, answer.body, action, &text);
    }
    dw_cli_write(&text);
    dw_buf_done(&text);
    return DW_CLI_DONE;
}

enum dw_cli_exit dw_cli_syncs_show(struct dw_cli *cli)
{
    return ask_one(cli, "", (struct dw_str){NULL, 0});
}

enum dw_cli_exit dw_cli_syncs_act(struct dw_cli *cli)
{
    const char *body = "";
    const char *action = "rate";
    if (cli->options.command == DW_CLI_SYNC_PAUSE)
        action = "pause";
    else if (cli->options.command == DW_CLI_SYNC_RESUME)
        action = "resume";
    else if (cli->options.command == DW_CLI_SYNC_CANCEL)
        action = "cancel";
    else
        body = dw_arena_printf(cli->arena, "{\"rate\":%s}", cli->options.arguments[1]);
    return ask_one(cli, action, dw_str_from(body));
}
