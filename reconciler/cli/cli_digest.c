/* cli_digest.c - the digest of a day, as a table, JSON or a page. */
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_file.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include <stdlib.h>

#define TEXT(item, name)                                                                           \
    dw_cli_format_safe(cli->arena, dw_cli_json_text((item), (name), cli->arena))

static const char *count(struct dw_cli *cli, struct dw_str item, const char *name)
{
    return dw_cli_format_count(cli->arena, dw_cli_json_number(item, name));
}

static const char *counted(struct dw_cli *cli, struct dw_str item, const char *name,
                           const char *one, const char *many)
{
    return dw_cli_format_counted(cli->arena, dw_cli_json_number(item, name), one, many);
}

/* "3.5 ms", "-" */
static const char *latency(struct dw_cli *cli, struct dw_str day, const char *name)
{
    struct dw_str number = dw_cli_json_member(dw_cli_json_member(day, "latency_ms"), name);
    if (!number.ptr || dw_cli_json_is_null(number))
        return "-";
    double ms = strtod(dw_arena_copy(cli->arena, number).ptr, NULL);
    return ms < 1000 ? dw_arena_printf(cli->arena, "%.1f ms", ms)
                     : dw_arena_printf(cli->arena, "%.1f s", ms / 1000);
}

/* "+12 %", "new", "=" */
static const char *trend(struct dw_cli *cli, struct dw_str item)
{
    int64_t now = dw_cli_json_number(dw_cli_json_member(item, "day"), "events");
    int64_t before = dw_cli_json_number(dw_cli_json_member(item, "day_before"), "events");
    if (now == before)
        return "=";
    if (before == 0)
        return "new";
    return dw_arena_printf(cli->arena, "%+.0f %%", 100.0 * (double)(now - before) / (double)before);
}

static const char *equality(struct dw_cli *cli, struct dw_str item, enum dw_cli_colour *out_colour)
{
    struct dw_str found = dw_cli_json_member(item, "equality");
    *out_colour = DW_CLI_DIM;
    if (!found.ptr || dw_cli_json_is_null(found))
        return "never compared";
    int64_t left = dw_cli_json_number(found, "left");
    *out_colour = left ? DW_CLI_RED : DW_CLI_GREEN;
    const char *what =
        left ? dw_cli_format_counted(cli->arena, left, "difference", "differences") : "equal";
    return dw_arena_printf(cli->arena, "%s, run %lld of %.16s", what,
                           (long long)dw_cli_json_number(found, "run"), TEXT(found, "ended_at"));
}

static void add_map(struct dw_cli *cli, struct dw_cli_table *table, struct dw_str item)
{
    struct dw_str day = dw_cli_json_member(item, "day");
    enum dw_cli_colour colour;
    const char *equal = equality(cli, item, &colour);
    int64_t dead = dw_cli_json_number(day, "dead");
    int64_t open = dw_cli_json_number(item, "dead_letters_open");
    dw_cli_table_add(table, TEXT(item, "map"), DW_CLI_BOLD);
    dw_cli_table_add(table, count(cli, day, "events"), DW_CLI_PLAIN);
    dw_cli_table_add(table, trend(cli, item), DW_CLI_DIM);
    dw_cli_table_add(table, latency(cli, day, "p50"), DW_CLI_PLAIN);
    dw_cli_table_add(table, latency(cli, day, "p95"), DW_CLI_PLAIN);
    dw_cli_table_add(table, latency(cli, day, "p99"), DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_format_count(cli->arena, dead),
                     dead ? DW_CLI_YELLOW : DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_format_count(cli->arena, open),
                     open ? DW_CLI_YELLOW : DW_CLI_PLAIN);
    dw_cli_table_add(table, equal, colour);
}

static void write_digest(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"MAP", false, true},  {"EVENTS", true, false}, {"TREND", true, false},
        {"P50", true, false},  {"P95", true, false},    {"P99", true, false},
        {"DEAD", true, false}, {"OPEN", true, false},   {"EQUALITY", false, true},
    };
    struct dw_str all = dw_cli_json_member(body, "all");
    struct dw_cli_table table;
    size_t maps = 0;
    const struct dw_str *items =
        dw_cli_json_elements(dw_cli_json_member(body, "maps"), cli->arena, &maps);
    bool complete = dw_str_is(dw_cli_json_member(body, "complete"), "true");
    dw_buf_printf(out, "%s (UTC)%s: %s, %s dead, %s of %s equal\n\n", TEXT(body, "date"),
                  complete ? "" : " so far",
                  counted(cli, dw_cli_json_member(all, "day"), "events", "event", "events"),
                  count(cli, dw_cli_json_member(all, "day"), "dead"), count(cli, all, "maps_equal"),
                  counted(cli, all, "maps_compared", "compared map", "compared maps"));
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < maps; i++)
        add_map(cli, &table, items[i]);
    dw_cli_table_render(&table, &cli->screen, out);
}

enum dw_cli_exit dw_cli_digest_run(struct dw_cli *cli)
{
    const char *base = cli->options.html ? "/api/v1/digest/page" : "/api/v1/digest";
    const char *path = dw_cli_query(cli, base, "date", cli->options.date);
    if (cli->options.html)
        return dw_cli_file_save(cli, path, cli->options.html);
    return dw_cli_show(cli, path, write_digest);
}
