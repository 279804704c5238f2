/* cli_shares.c - status: which worker has which partitions of which map, and how far behind. */
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include <stdlib.h>

#define ROWS_SHOWN 24 /* more are shown when asked for */

struct shares {
    struct dw_cli *cli;
    struct dw_cli_table table;
    size_t rows;
};

static const char *partitions_text(struct dw_arena *arena, struct dw_str list)
{
    size_t count = 0;
    const struct dw_str *items = dw_cli_json_elements(list, arena, &count);
    int64_t *numbers = DW_ARENA_ARRAY(arena, int64_t, count);
    for (size_t i = 0; i < count; i++)
        numbers[i] = strtoll(dw_arena_copy(arena, items[i]).ptr, NULL, 10);
    return dw_cli_format_ranges(arena, numbers, count);
}

static void add_share(struct shares *shares, const char *worker, const char *map,
                      struct dw_str share)
{
    struct dw_arena *arena = shares->cli->arena;
    struct dw_cli_table *table = &shares->table;
    int64_t lag = dw_cli_json_number(share, "lag");
    int64_t waiting = dw_cli_json_number(share, "waiting");
    shares->rows++;
    dw_cli_table_add(table, worker, DW_CLI_PLAIN);
    dw_cli_table_add(table, map, DW_CLI_BOLD);
    dw_cli_table_add(table, partitions_text(arena, dw_cli_json_member(share, "partitions")),
                     DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_format_count(arena, lag), lag ? DW_CLI_YELLOW : DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_format_seconds(arena, dw_cli_json_real(share, "lag_us") / 1e6),
                     DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_format_count(arena, waiting),
                     waiting ? DW_CLI_YELLOW : DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_format_safe(arena, dw_cli_json_text(share, "reason", arena)),
                     DW_CLI_YELLOW);
}

static void add_worker(struct shares *shares, struct dw_str process, const struct dw_str *maps,
                       size_t map_count)
{
    struct dw_arena *arena = shares->cli->arena;
    struct dw_str of = dw_cli_json_member(dw_cli_json_member(process, "stats"), "maps");
    const char *worker = dw_cli_format_safe(arena, dw_cli_json_text(process, "instance", arena));
    for (size_t i = 0; i < map_count; i++) {
        const char *map = dw_cli_json_text(maps[i], "map", arena);
        struct dw_str share = dw_cli_json_member(of, map);
        if (!dw_cli_json_is_null(share))
            add_share(shares, worker, dw_cli_format_safe(arena, map), share);
    }
}

void dw_cli_shares_write(struct dw_cli *cli, struct dw_str status, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"WORKER", false, true}, {"MAP", false, true},    {"PARTITIONS", false, true},
        {"LAG", true, false},    {"BEHIND", true, false}, {"WAITING", true, false},
        {"REASON", false, true},
    };
    size_t process_count = 0;
    size_t map_count = 0;
    const struct dw_str *processes =
        dw_cli_json_elements(dw_cli_json_member(status, "processes"), cli->arena, &process_count);
    const struct dw_str *maps =
        dw_cli_json_elements(dw_cli_json_member(status, "maps"), cli->arena, &map_count);
    struct shares shares = {.cli = cli};
    dw_cli_table_init(&shares.table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < process_count; i++)
        if (dw_cli_json_true(processes[i], "alive") &&
            strcmp(dw_cli_json_text(processes[i], "kind", cli->arena), "consumer") == 0)
            add_worker(&shares, processes[i], maps, map_count);
    if (!shares.rows)
        return;
    dw_buf_append_char(out, '\n');
    if (shares.rows <= ROWS_SHOWN || cli->options.partitions)
        dw_cli_table_render(&shares.table, &cli->screen, out);
    else
        dw_buf_printf(out, "which worker has which partitions: dualwrite status --partitions\n");
}
