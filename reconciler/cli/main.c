/* main.c - dualwrite, the operator's command. It talks to the operator API of the reconciler; only
 * `map check`, `config` and `explain` work without it. */
#include "common/base/json_write.h"
#include "reconciler/cli/cli.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TEXT_MAX_BYTES 65536

static bool wants_colours(const struct dw_cli_options *options, int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fd) && !options->no_colour && !(no_color && *no_color) && term &&
           strcmp(term, "dumb") != 0;
}

static int terminal_width(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

static enum dw_cli_exit config_check(struct dw_cli *cli)
{
    struct dw_buf text;
    size_t systems = cli->settings.system_count;
    dw_buf_init(&text, TEXT_MAX_BYTES);
    if (cli->options.json) {
        dw_buf_append_char(&text, '{');
        dw_json_write_text(&text, "file", cli->settings.file);
        dw_json_write_u64(&text, "systems", systems);
        dw_buf_append_text(&text, "}\n");
    } else {
        dw_buf_printf(&text, "%s: no mistakes, %zu %s\n", cli->settings.file, systems,
                      dw_str_plural((int64_t)systems, "system", "systems"));
    }
    dw_cli_write(&text);
    dw_buf_done(&text);
    return DW_CLI_DONE;
}

static enum dw_cli_exit config_reference(struct dw_cli *cli)
{
    if (cli->options.json)
        dw_settings_print_schema(stdout);
    else
        dw_settings_print_reference(stdout);
    return DW_CLI_DONE;
}

static const struct {
    enum dw_cli_exit (*run)(struct dw_cli *);
    bool needs_settings;
} commands[DW_CLI_COMMAND_COUNT] = {
    [DW_CLI_STATUS] = {dw_cli_status_run, true},
    [DW_CLI_MAP_CHECK] = {dw_cli_check_run, true},
    [DW_CLI_MAP_APPLY] = {dw_cli_maps_apply, true},
    [DW_CLI_MAP_LIST] = {dw_cli_maps_list, true},
    [DW_CLI_MAP_SHOW] = {dw_cli_maps_show, true},
    [DW_CLI_MAP_START] = {dw_cli_start_run, true},
    [DW_CLI_MAP_PAUSE] = {dw_cli_maps_order, true},
    [DW_CLI_MAP_RESUME] = {dw_cli_maps_order, true},
    [DW_CLI_MAP_STOP] = {dw_cli_maps_order, true},
    [DW_CLI_MAP_RESYNC] = {dw_cli_start_resync, true},
    [DW_CLI_MAP_HISTORY] = {dw_cli_history_show, true},
    [DW_CLI_MAP_ROLLBACK] = {dw_cli_maps_rollback, true},
    [DW_CLI_MAP_DIFF] = {dw_cli_maps_apply, true},
    [DW_CLI_MAP_PARTITIONS] = {dw_cli_partitions_run, true},
    [DW_CLI_SYSTEM_RESYNC] = {dw_cli_start_resync, true},
    [DW_CLI_SYNC_LIST] = {dw_cli_syncs_list, true},
    [DW_CLI_SYNC_SHOW] = {dw_cli_syncs_show, true},
    [DW_CLI_SYNC_PAUSE] = {dw_cli_syncs_act, true},
    [DW_CLI_SYNC_RESUME] = {dw_cli_syncs_act, true},
    [DW_CLI_SYNC_CANCEL] = {dw_cli_syncs_act, true},
    [DW_CLI_SYNC_RATE] = {dw_cli_syncs_act, true},
    [DW_CLI_AUDIT] = {dw_cli_history_audit, true},
    [DW_CLI_RECONCILE_RUN] = {dw_cli_reconcile_run, true},
    [DW_CLI_RECONCILE_LIST] = {dw_cli_reconcile_list, true},
    [DW_CLI_RECONCILE_SHOW] = {dw_cli_reconcile_show, true},
    [DW_CLI_RECONCILE_DIFFERENCES] = {dw_cli_reconcile_differences, true},
    [DW_CLI_RECONCILE_REPAIR] = {dw_cli_reconcile_repair, true},
    [DW_CLI_RECONCILE_CANCEL] = {dw_cli_reconcile_cancel, true},
    [DW_CLI_LETTER_LIST] = {dw_cli_letters_list, true},
    [DW_CLI_LETTER_SHOW] = {dw_cli_letters_show, true},
    [DW_CLI_LETTER_STATS] = {dw_cli_letters_stats, true},
    [DW_CLI_LETTER_EXPLAIN] = {dw_cli_letters_explain, false},
    [DW_CLI_LETTER_EDIT] = {dw_cli_letter_edit_run, true},
    [DW_CLI_LETTER_REPLAY] = {dw_cli_letter_jobs_start, true},
    [DW_CLI_LETTER_DISCARD] = {dw_cli_letter_jobs_start, true},
    [DW_CLI_LETTER_PURGE] = {dw_cli_letter_jobs_start, true},
    [DW_CLI_LETTER_EXPORT] = {dw_cli_archive_export, true},
    [DW_CLI_LETTER_IMPORT] = {dw_cli_archive_import, true},
    [DW_CLI_LETTER_JOBS] = {dw_cli_letter_jobs_list, true},
    [DW_CLI_LETTER_CANCEL] = {dw_cli_letter_jobs_cancel, true},
    [DW_CLI_ALERT_LIST] = {dw_cli_alerts_list, true},
    [DW_CLI_ALERT_HISTORY] = {dw_cli_alerts_history, true},
    [DW_CLI_ALERT_TEST] = {dw_cli_alerts_test, true},
    [DW_CLI_ALERT_SILENCE] = {dw_cli_alerts_silence, true},
    [DW_CLI_ALERT_UNSILENCE] = {dw_cli_alerts_unsilence, true},
    [DW_CLI_RECONCILE_REPORT] = {dw_cli_report_run, true},
    [DW_CLI_DIGEST] = {dw_cli_digest_run, true},
    [DW_CLI_EXPLAIN] = {dw_cli_explain_run, false},
    [DW_CLI_CONFIG_CHECK] = {config_check, true},
    [DW_CLI_CONFIG_REFERENCE] = {config_reference, false},
};

static enum dw_cli_exit run(struct dw_cli *cli)
{
    struct dw_err err = DW_ERR_INIT;
    if (commands[cli->options.command].needs_settings &&
        dw_settings_load(cli->options.config, cli->arena, &cli->settings, &err) != DW_OK) {
        dw_cli_print_error(cli, err.id, err.message);
        return DW_CLI_USAGE;
    }
    return commands[cli->options.command].run(cli);
}

int main(int argc, char **argv)
{
    struct dw_arena arena;
    struct dw_buf text;
    struct dw_cli cli = {.arena = &arena};
    int code = DW_CLI_USAGE;
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* for the width of characters */
    dw_arena_init(&arena, 65536);
    dw_buf_init(&text, TEXT_MAX_BYTES);
    switch (dw_cli_options_parse(argc, argv, &arena, &cli.options, &text)) {
    case DW_CLI_RUN:
        cli.screen.width = terminal_width();
        cli.screen.colours = wants_colours(&cli.options, STDOUT_FILENO);
        cli.error_colours = wants_colours(&cli.options, STDERR_FILENO);
        code = (int)run(&cli);
        break;
    case DW_CLI_HELP:
        (void)fputs(text.data, stdout);
        code = DW_CLI_DONE;
        break;
    case DW_CLI_VERSION:
        printf("dualwrite %s\n", DW_VERSION);
        code = DW_CLI_DONE;
        break;
    case DW_CLI_WRONG:
        (void)fprintf(stderr, "%s%s", argc < 2 ? "" : "dualwrite: ", text.data);
        break;
    }
    dw_cli_client_close(cli.client);
    dw_buf_done(&text);
    dw_arena_done(&arena);
    return code;
}
