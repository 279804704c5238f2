/* cli.h - what the commands share: settings, screen, the way to the operator API, exit codes. */
#ifndef DW_CLI_CLI_H
#define DW_CLI_CLI_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/model/map_problems.h"
#include "reconciler/cli/cli_client.h"
#include "reconciler/cli/cli_options.h"
#include "reconciler/cli/cli_table.h"

enum dw_cli_exit {
    DW_CLI_DONE = 0,
    DW_CLI_REFUSED = 1,      /* operation refused, problems found */
    DW_CLI_USAGE = 2,        /* wrong usage or settings */
    DW_CLI_UNREACHABLE = 3,  /* no answer from the reconciler */
    DW_CLI_UNAUTHORISED = 4, /* it refuses the token */
};

struct dw_cli {
    struct dw_cli_options options;
    struct dw_settings settings;  /* loaded for all commands but explain and config reference */
    struct dw_cli_client *client; /* opened by the first request */
    struct dw_arena *arena;       /* of the command */
    struct dw_cli_screen screen;  /* standard output */
    bool error_colours;           /* standard error */
    struct dw_buf *errors;        /* where errors go instead of standard error; NULL: there */
};

/* Asks the operator API; the answer lives in the arena. Prints what went wrong, with the remedy,
 * and returns the exit code; DW_CLI_DONE: 2xx. One of 422 that has the problems of a map file is
 * returned as DW_CLI_REFUSED without printing: the caller shows them. `body` "" for none. */
enum dw_cli_exit dw_cli_ask(struct dw_cli *cli, const char *method, const char *path,
                            struct dw_str body, struct dw_cli_answer *out);

/* An error on standard error: message, code, remedy of the catalogue; with --json
 * {"error":{"code","message","remedy"}}. */
void dw_cli_print_error(const struct dw_cli *cli, const char *code, const char *message);
/* Writes a buffer to standard output. */
void dw_cli_write(const struct dw_buf *text);
/* Asks with GET and shows the answer's body on standard output: as `write` puts it, or with --json
 * as it is. */
enum dw_cli_exit dw_cli_show(struct dw_cli *cli, const char *path,
                             void (*write)(struct dw_cli *cli, struct dw_str body,
                                           struct dw_buf *out));
/* `path` with a parameter more, when it has a value. */
const char *dw_cli_query(struct dw_cli *cli, const char *path, const char *name, const char *value);
/* … with --limit and --after. */
const char *dw_cli_page(struct dw_cli *cli, const char *path);
/* Says how the next page is asked for, when the answer has one. */
void dw_cli_more(struct dw_cli *cli, struct dw_str body, struct dw_buf *out);
/* A path segment or query value, percent-encoded into the arena. */
const char *dw_cli_escape(struct dw_arena *arena, const char *text);

/* "now: a replay would …" of the letter at `path` of the API, or why that is not known. */
void dw_cli_letters_print_now(struct dw_cli *cli, const char *path);
/* `path` with the conditions on dead letters that the command gave. */
const char *dw_cli_letters_query(struct dw_cli *cli, const char *path);

/* Asks for the status until a map's state is in force in those who carry it out. */
enum dw_cli_exit dw_cli_maps_wait(struct dw_cli *cli, const char *name);
/* A table of a map's history. `body` has the "history" member. */
void dw_cli_history_write(struct dw_cli *cli, struct dw_str body, struct dw_buf *out);
/* Tables of an answer's "syncs" and "batches"; false: there are none. */
bool dw_cli_syncs_write(struct dw_cli *cli, struct dw_str body, struct dw_buf *out);
/* Of the status: a table of workers and their partitions, behind an empty line; none: nothing. */
void dw_cli_shares_write(struct dw_cli *cli, struct dw_str status, struct dw_buf *out);
enum dw_cli_colour dw_cli_maps_colour(const char *state);

/* A comparison; the table of an answer's "differences". */
void dw_cli_reconcile_write(struct dw_cli *cli, struct dw_str run, struct dw_buf *out);
void dw_cli_reconcile_write_differences(struct dw_cli *cli, struct dw_str body, struct dw_buf *out);

/* The commands. */
enum dw_cli_exit dw_cli_status_run(struct dw_cli *cli);
enum dw_cli_exit dw_cli_check_run(struct dw_cli *cli);
enum dw_cli_exit dw_cli_maps_apply(struct dw_cli *cli);
enum dw_cli_exit dw_cli_maps_list(struct dw_cli *cli);
enum dw_cli_exit dw_cli_maps_show(struct dw_cli *cli);
enum dw_cli_exit dw_cli_maps_order(struct dw_cli *cli);
enum dw_cli_exit dw_cli_start_maps(struct dw_cli *cli, const char *const *names, size_t count);
enum dw_cli_exit dw_cli_start_run(struct dw_cli *cli);
enum dw_cli_exit dw_cli_start_resync(struct dw_cli *cli);
enum dw_cli_exit dw_cli_syncs_list(struct dw_cli *cli);
enum dw_cli_exit dw_cli_syncs_show(struct dw_cli *cli);
enum dw_cli_exit dw_cli_syncs_act(struct dw_cli *cli);
enum dw_cli_exit dw_cli_maps_rollback(struct dw_cli *cli);
enum dw_cli_exit dw_cli_partitions_run(struct dw_cli *cli);
enum dw_cli_exit dw_cli_history_show(struct dw_cli *cli);
enum dw_cli_exit dw_cli_history_audit(struct dw_cli *cli);
enum dw_cli_exit dw_cli_alerts_list(struct dw_cli *cli);
enum dw_cli_exit dw_cli_alerts_history(struct dw_cli *cli);
enum dw_cli_exit dw_cli_alerts_test(struct dw_cli *cli);
enum dw_cli_exit dw_cli_alerts_silence(struct dw_cli *cli);
enum dw_cli_exit dw_cli_alerts_unsilence(struct dw_cli *cli);
enum dw_cli_exit dw_cli_reconcile_run(struct dw_cli *cli);
enum dw_cli_exit dw_cli_reconcile_list(struct dw_cli *cli);
enum dw_cli_exit dw_cli_reconcile_show(struct dw_cli *cli);
enum dw_cli_exit dw_cli_reconcile_cancel(struct dw_cli *cli);
enum dw_cli_exit dw_cli_reconcile_differences(struct dw_cli *cli);
enum dw_cli_exit dw_cli_reconcile_repair(struct dw_cli *cli);
enum dw_cli_exit dw_cli_report_run(struct dw_cli *cli);
enum dw_cli_exit dw_cli_digest_run(struct dw_cli *cli);
enum dw_cli_exit dw_cli_letters_list(struct dw_cli *cli);
enum dw_cli_exit dw_cli_letters_show(struct dw_cli *cli);
enum dw_cli_exit dw_cli_letters_stats(struct dw_cli *cli);
enum dw_cli_exit dw_cli_letters_explain(struct dw_cli *cli);
enum dw_cli_exit dw_cli_letter_edit_run(struct dw_cli *cli);
enum dw_cli_exit dw_cli_archive_export(struct dw_cli *cli);
enum dw_cli_exit dw_cli_archive_import(struct dw_cli *cli);
enum dw_cli_exit dw_cli_letter_jobs_start(struct dw_cli *cli);
enum dw_cli_exit dw_cli_letter_jobs_list(struct dw_cli *cli);
enum dw_cli_exit dw_cli_letter_jobs_cancel(struct dw_cli *cli);
enum dw_cli_exit dw_cli_explain_run(struct dw_cli *cli);

#endif
