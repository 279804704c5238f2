/* cli_history.c - what became of a map, and who did what. */
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include <stdio.h>

void dw_cli_history_write(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"AT", false, false},      {"EVENT", false, false}, {"STATE", false, false},
        {"REVISION", true, false}, {"BY", false, true},     {"REASON", false, true},
    };
    size_t count = 0;
    const struct dw_str *items =
        dw_cli_json_elements(dw_cli_json_member(body, "history"), cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
#define TEXT(name) dw_cli_format_safe(cli->arena, dw_cli_json_text(items[i], name, cli->arena))
        const char *code = TEXT("code");
        const char *reason = TEXT("reason");
        dw_cli_table_add(&table, dw_arena_printf(cli->arena, "%.19sZ", TEXT("at")), DW_CLI_DIM);
        dw_cli_table_add(&table, TEXT("event"), DW_CLI_PLAIN);
        dw_cli_table_add(&table, TEXT("state"), dw_cli_maps_colour(TEXT("state")));
        dw_cli_table_add(&table,
                         dw_cli_format_count(cli->arena, dw_cli_json_number(items[i], "revision")),
                         DW_CLI_PLAIN);
        dw_cli_table_add(&table, TEXT("by"), DW_CLI_PLAIN);
        dw_cli_table_add(&table,
                         *code ? dw_arena_printf(cli->arena, "%s %s", code, reason) : reason,
                         DW_CLI_PLAIN);
#undef TEXT
    }
    dw_cli_table_render(&table, &cli->screen, out);
}

static void write_history(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    dw_cli_history_write(cli, body, out);
    dw_cli_more(cli, body, out);
}

enum dw_cli_exit dw_cli_history_show(struct dw_cli *cli)
{
    const char *path = dw_arena_printf(cli->arena, "/api/v1/maps/%s/history",
                                       dw_cli_escape(cli->arena, cli->options.arguments[0]));
    return dw_cli_show(cli, dw_cli_page(cli, path), write_history);
}

static void write_audit(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"ID", true, false},      {"AT", false, false},    {"BY", false, true},
        {"ACTION", false, false}, {"OBJECT", false, true}, {"DETAIL", false, true},
    };
    size_t count = 0;
    const struct dw_str *items =
        dw_cli_json_elements(dw_cli_json_member(body, "audit"), cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
#define TEXT(name) dw_cli_format_safe(cli->arena, dw_cli_json_text(items[i], name, cli->arena))
        struct dw_str detail = dw_cli_json_member(items[i], "detail");
        const char *shown = dw_arena_copy(cli->arena, detail).ptr;
        dw_cli_table_add(
            &table,
            dw_arena_printf(cli->arena, "%lld", (long long)dw_cli_json_number(items[i], "id")),
            DW_CLI_DIM);
        dw_cli_table_add(&table, dw_arena_printf(cli->arena, "%.19sZ", TEXT("at")), DW_CLI_DIM);
        dw_cli_table_add(&table, TEXT("by"), DW_CLI_PLAIN);
        dw_cli_table_add(&table, TEXT("action"), DW_CLI_BOLD);
        dw_cli_table_add(&table, TEXT("object"), DW_CLI_PLAIN);
        dw_cli_table_add(&table,
                         strcmp(shown, "{}") == 0 ? "" : dw_cli_format_safe(cli->arena, shown),
                         DW_CLI_PLAIN);
#undef TEXT
    }
    if (count)
        dw_cli_table_render(&table, &cli->screen, out);
    else
        dw_buf_append_text(out, "nothing yet\n");
    dw_cli_more(cli, body, out);
}

enum dw_cli_exit dw_cli_history_audit(struct dw_cli *cli)
{
    const char *path =
        dw_cli_query(cli, dw_cli_page(cli, "/api/v1/audit"), "map", cli->options.map);
    return dw_cli_show(cli, path, write_audit);
}
