/* cli_start.c - map start, map resync, system resync: what is to be copied, and waiting for it. */
#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include "reconciler/cli/cli_progress.h"
#include <stdio.h>

#define BODY_MAX (8u << 20)

/* --- what is asked ---------------------------------------------------------------------------- */

static void write_names(struct dw_buf *out, const char *const *names, size_t count)
{
    dw_json_write_name(out, "maps");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            dw_buf_append_char(out, ',');
        dw_json_write_string(out, dw_str_from(names[i]));
    }
    dw_buf_append_char(out, ']');
}

static void write_how(struct dw_cli *cli, struct dw_buf *out, bool dry_run)
{
    const struct dw_cli_options *options = &cli->options;
    if (options->on_existing)
        dw_json_write_text(out, "on_existing", options->on_existing);
    if (options->rate)
        dw_json_write_i64(out, "rate", options->rate);
    dw_json_write_bool(out, "delete_extra", options->delete_extra);
    if (options->accept_gap)
        dw_json_write_bool(out, "accept_gap", true);
    dw_json_write_bool(out, "dry_run", dry_run);
}

/* Keys are JSON of the user: they stand in the body as they are. */
static void write_keys(struct dw_cli *cli, struct dw_buf *out)
{
    const struct dw_cli_options *options = &cli->options;
    if (options->key_count) {
        dw_json_write_name(out, "keys");
        dw_buf_append_char(out, '[');
        for (size_t i = 0; i < options->key_count; i++)
            dw_buf_printf(out, "%s%s", i ? "," : "", options->keys[i]);
        dw_buf_append_char(out, ']');
    }
    if (options->from) {
        dw_json_write_name(out, "from");
        dw_buf_append_text(out, options->from);
        dw_json_write_name(out, "to");
        dw_buf_append_text(out, options->to);
    }
    if (options->filter)
        dw_json_write_text(out, "filter", options->filter);
}

/* One that is no JSON would make a body that is none. */
static bool is_json(struct dw_cli *cli, const char *text)
{
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, dw_str_from(text), cli->arena);
    if (dw_json_pull_skip(&pull, NULL) && dw_json_pull_next(&pull) == DW_JSON_END)
        return true;
    dw_cli_print_error(cli, "DW-SYNC-003",
                       dw_arena_printf(cli->arena, "the key %s is no JSON", text));
    return false;
}

static bool check_keys(struct dw_cli *cli)
{
    const struct dw_cli_options *options = &cli->options;
    for (size_t i = 0; i < options->key_count; i++)
        if (!is_json(cli, options->keys[i]))
            return false;
    return !options->from || (is_json(cli, options->from) && is_json(cli, options->to));
}

static enum dw_cli_exit ask(struct dw_cli *cli, const char *path, struct dw_buf *body,
                            struct dw_cli_answer *out)
{
    dw_buf_append_char(body, '}');
    enum dw_cli_exit code = dw_cli_ask(cli, "POST", path, dw_buf_str(body), out);
    dw_buf_done(body);
    return code;
}

/* --- what came of it -------------------------------------------------------------------------- */

/* A map that was refused: prints why. */
static bool was_refused(struct dw_cli *cli, struct dw_str map)
{
    struct dw_str error = dw_cli_json_member(map, "error");
    if (!error.ptr)
        return false;
    dw_cli_print_error(cli, dw_cli_json_text(error, "code", cli->arena),
                       dw_cli_json_text(error, "message", cli->arena));
    return true;
}

/* Which rows a re-sync would copy. */
static const char *scope_of(struct dw_cli *cli)
{
    const struct dw_cli_options *options = &cli->options;
    if (options->key_count)
        return dw_cli_format_counted(cli->arena, (int64_t)options->key_count, "key", "keys");
    if (options->from)
        return dw_arena_printf(cli->arena, "rows from %s to %s%s", options->from, options->to,
                               options->filter ? " that match the filter" : "");
    return options->filter ? "rows that match the filter" : "all rows";
}

/* Of a map that has started already: what was said of its copy would be lost in silence. */
static const char *what_is_not_used(const struct dw_cli *cli)
{
    const struct dw_cli_options *options = &cli->options;
    if (!options->rate && !options->on_existing && !options->delete_extra)
        return "";
    return "; the options of its copy are not used: 'dualwrite sync rate' changes a copy under way,"
           " 'dualwrite map resync' copies again";
}

static void print_map(struct dw_cli *cli, struct dw_str map, bool starts, bool dry_run)
{
    const char *name = dw_cli_format_safe(cli->arena, dw_cli_json_text(map, "map", cli->arena));
    const char *state = dw_cli_json_text(map, "state", cli->arena);
    long long sync = (long long)dw_cli_json_number(map, "sync");
    bool copies = starts ? !cli->options.no_sync : true;
    if (dw_cli_json_true(map, "skipped") && starts)
        printf("%s: already %s%s\n", name, state, what_is_not_used(cli));
    else if (dw_cli_json_true(map, "skipped"))
        printf("%s: left out, it is %s\n", name, state);
    else if (dry_run && !starts)
        printf("%s: would be copied again: %s\n", name, scope_of(cli));
    else if (dry_run)
        printf("%s: would be %s\n", name, copies ? "started, existing rows copied" : "started");
    else if (starts && copies)
        printf("%s: started, revision %lld, existing rows are copied by sync %lld\n", name,
               (long long)dw_cli_json_number(map, "revision"), sync);
    else if (starts)
        printf("%s: started, revision %lld\n", name,
               (long long)dw_cli_json_number(map, "revision"));
    else
        printf("%s: rows are copied again by sync %lld\n", name, sync);
}

static void print_gaps(const struct dw_cli *cli, long long count, bool dry_run)
{
    const char *system = cli->options.arguments[0];
    if (count)
        printf("%s: its producer %s on behind the gap, in a new epoch\n", system,
               dry_run ? "would go" : "goes");
    else
        printf("%s: its producer stands before no gap\n", system);
}

/* Prints an answer; *out_batch is 0 when nothing is copied. */
static enum dw_cli_exit print_answer(struct dw_cli *cli, struct dw_str body, bool starts,
                                     int64_t *out_batch)
{
    enum dw_cli_exit result = DW_CLI_DONE;
    size_t count = 0;
    bool dry_run = dw_cli_json_true(body, "dry_run");
    const struct dw_str *maps =
        dw_cli_json_elements(dw_cli_json_member(body, "maps"), cli->arena, &count);
    const char *problem = dw_cli_json_text(body, "order_problem", cli->arena);
    if (cli->options.json)
        printf("%.*s", DW_STR_ARG(body));
    else if (cli->options.accept_gap)
        print_gaps(cli, (long long)dw_cli_json_number(body, "gaps_accepted"), dry_run);
    for (size_t i = 0; i < count; i++) {
        if (was_refused(cli, maps[i]))
            result = DW_CLI_REFUSED;
        else if (!cli->options.json)
            print_map(cli, maps[i], starts, dry_run);
    }
    if (!cli->options.json && *problem)
        printf("parents first? not known: %s\n", dw_cli_format_safe(cli->arena, problem));
    if (!cli->options.json && dry_run && dw_cli_json_true(body, "delete_extra"))
        printf("rows of the target under the maps' keys that the source has not would be deleted; "
               "how many shows only when both sides are walked\n");
    (void)fflush(stdout);
    *out_batch = dw_cli_json_number(body, "batch");
    return result;
}

/* Waits for the maps that took part, and for their rows; of those that were started already too. */
static enum dw_cli_exit wait_for(struct dw_cli *cli, struct dw_str body, bool starts, int64_t batch)
{
    size_t count = 0;
    const struct dw_str *maps =
        dw_cli_json_elements(dw_cli_json_member(body, "maps"), cli->arena, &count);
    enum dw_cli_exit result = DW_CLI_DONE;
    bool whole = starts && !cli->options.no_sync;
    for (size_t i = 0; i < count && !result; i++)
        if (!dw_cli_json_member(maps[i], "error").ptr &&
            (starts || !dw_cli_json_true(maps[i], "skipped")))
            result = dw_cli_maps_wait(cli, dw_cli_json_text(maps[i], "map", cli->arena));
    if (!result && batch)
        result = dw_cli_progress_wait(cli, batch);
    for (size_t i = 0; i < count && whole && !result; i++)
        if (dw_cli_json_true(maps[i], "skipped"))
            result = dw_cli_progress_wait_map(cli, dw_cli_json_text(maps[i], "map", cli->arena));
    return result;
}

/* Deleting is shown first, and done only when it is confirmed. */
static bool must_confirm(const struct dw_cli *cli)
{
    return cli->options.delete_extra && !cli->options.yes && !cli->options.dry_run;
}

static enum dw_cli_exit finish(struct dw_cli *cli, const struct dw_cli_answer *answer, bool starts)
{
    int64_t batch = 0;
    enum dw_cli_exit result = print_answer(cli, answer->body, starts, &batch);
    if (must_confirm(cli)) {
        dw_cli_print_error(cli, "DW-API-025",
                           "nothing was ordered: --delete-extra needs --yes, or --dry-run");
        return DW_CLI_REFUSED;
    }
    if (!cli->options.wait || cli->options.dry_run)
        return result;
    enum dw_cli_exit waited = wait_for(cli, answer->body, starts, batch);
    return result ? result : waited;
}

/* --- the commands ----------------------------------------------------------------------------- */

enum dw_cli_exit dw_cli_start_maps(struct dw_cli *cli, const char *const *names, size_t count)
{
    struct dw_buf body;
    struct dw_cli_answer answer;
    dw_buf_init(&body, BODY_MAX);
    dw_buf_append_char(&body, '{');
    write_names(&body, names, count);
    dw_json_write_bool(&body, "copy", !cli->options.no_sync);
    write_how(cli, &body, cli->options.dry_run || must_confirm(cli));
    if (cli->options.reason)
        dw_json_write_text(&body, "reason", cli->options.reason);
    enum dw_cli_exit code = ask(cli, "/api/v1/start", &body, &answer);
    return code ? code : finish(cli, &answer, true);
}

enum dw_cli_exit dw_cli_start_run(struct dw_cli *cli)
{
    return dw_cli_start_maps(cli, cli->options.arguments, cli->options.argument_count);
}

enum dw_cli_exit dw_cli_start_resync(struct dw_cli *cli)
{
    const struct dw_cli_options *options = &cli->options;
    struct dw_buf body;
    struct dw_cli_answer answer;
    if (!check_keys(cli))
        return DW_CLI_USAGE;
    dw_buf_init(&body, BODY_MAX);
    dw_buf_append_char(&body, '{');
    if (options->command == DW_CLI_SYSTEM_RESYNC)
        dw_json_write_text(&body, "system", options->arguments[0]);
    else
        write_names(&body, options->arguments, options->argument_count);
    write_how(cli, &body, options->dry_run || must_confirm(cli));
    write_keys(cli, &body);
    enum dw_cli_exit code = ask(cli, "/api/v1/syncs", &body, &answer);
    return code ? code : finish(cli, &answer, false);
}
