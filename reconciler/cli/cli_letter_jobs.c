/* cli_letter_jobs.c - dead-letter replay, discard, purge, jobs, cancel. */
#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include "reconciler/cli/cli_progress.h"
#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX  (1u << 20)
#define TEXT_MAX  (16u << 20)
#define DRAW_MS   200
#define LINE_MS   500
#define REPEAT_MS 5000
#define BAR_CELLS 24

/* ---- a job in words ---- */

static int64_t ended_of(struct dw_str job)
{
    static const char *const ends[] = {"applied", "superseded", "filtered", "discarded",
                                       "purged",  "failed",     "refused"};
    int64_t ended = 0;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        ended += dw_cli_json_number(job, ends[i]);
    return ended;
}

static double percent_of(struct dw_str job)
{
    int64_t total = dw_cli_json_number(job, "total");
    return total ? 100.0 * (double)ended_of(job) / (double)total : 0;
}

/* "12 of 40: 10 applied, 2 superseded". */
static const char *counts_of(struct dw_cli *cli, struct dw_str job)
{
    static const char *const names[] = {"applied", "superseded", "filtered", "discarded",
                                        "purged",  "failed",     "refused",  "in_flight"};
    static const char *const words[] = {"applied", "superseded",   "filtered", "discarded",
                                        "purged",  "failed again", "refused",  "under way"};
    const char *text = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int64_t count = dw_cli_json_number(job, names[i]);
        if (count)
            text = dw_arena_printf(cli->arena, "%s%s %s %s", text, *text ? "," : "",
                                   dw_cli_format_count(cli->arena, count), words[i]);
    }
    return dw_arena_printf(
        cli->arena, "%s of %s%s%s", dw_cli_format_count(cli->arena, ended_of(job)),
        dw_cli_format_count(cli->arena, dw_cli_json_number(job, "total")), *text ? ":" : "", text);
}

static void write_job(struct dw_cli *cli, struct dw_str job, struct dw_buf *out)
{
    const char *refusal =
        dw_cli_format_safe(cli->arena, dw_cli_json_text(job, "refusal", cli->arena));
    dw_buf_printf(out, "job %lld, %s: %s, %s\n", (long long)dw_cli_json_number(job, "job"),
                  dw_cli_json_text(job, "action", cli->arena),
                  dw_cli_json_text(job, "state", cli->arena), counts_of(cli, job));
    if (*refusal)
        dw_buf_printf(out, "  refused: %s\n", refusal);
}

/* ---- waiting ---- */

struct waiter {
    struct dw_cli *cli;
    bool draws, drawn;
    int64_t printed_ms;
};

static void show_progress(struct waiter *waiter, struct dw_str job)
{
    struct dw_cli *cli = waiter->cli;
    int64_t now = dw_clock_mono_ms();
    if (cli->options.json || (!waiter->draws && now - waiter->printed_ms < REPEAT_MS))
        return;
    waiter->printed_ms = now;
    const char *line = dw_arena_printf(
        cli->arena, "job %lld %s %s", (long long)dw_cli_json_number(job, "job"),
        dw_cli_progress_bar(cli->arena, percent_of(job), BAR_CELLS), counts_of(cli, job));
    int width = cli->screen.width;
    if (waiter->draws)
        printf("%s\x1b[K%.*s\n", waiter->drawn ? "\x1b[1A" : "", width > 1 ? width - 1 : 1000,
               line);
    else
        printf("%s\n", line);
    waiter->drawn = true;
    (void)fflush(stdout);
}

/* What failed again, or was refused, is an error. */
static enum dw_cli_exit judge(struct dw_cli *cli, struct dw_str job)
{
    struct dw_buf text;
    dw_buf_init(&text, TEXT_MAX);
    if (cli->options.json)
        dw_buf_append_str(&text, job);
    else
        write_job(cli, job, &text);
    dw_cli_write(&text);
    dw_buf_done(&text);
    return dw_cli_json_number(job, "failed") || dw_cli_json_number(job, "refused") ? DW_CLI_REFUSED
                                                                                   : DW_CLI_DONE;
}

static enum dw_cli_exit wait_for(struct dw_cli *cli, int64_t id)
{
    struct waiter waiter = {
        .cli = cli, .draws = cli->screen.width > 0 && !cli->options.json, .printed_ms = -REPEAT_MS};
    int64_t until = dw_clock_mono_ms() + cli->options.wait_seconds * 1000;
    const char *path = dw_arena_printf(cli->arena, "/api/v1/letter-jobs/%lld", (long long)id);
    struct dw_arena *outer = cli->arena;
    struct dw_arena arena; /* of one look: waiting may take hours */
    enum dw_cli_exit code = DW_CLI_DONE;
    dw_arena_init(&arena, 1u << 16);
    cli->arena = &arena;
    for (;;) {
        struct dw_cli_answer answer;
        dw_arena_reset(&arena);
        code = dw_cli_ask(cli, "GET", path, (struct dw_str){NULL, 0}, &answer);
        if (code)
            break;
        show_progress(&waiter, answer.body);
        if (strcmp(dw_cli_json_text(answer.body, "state", &arena), "running") != 0) {
            code = judge(cli, answer.body);
            break;
        }
        if (cli->options.wait_limited && dw_clock_mono_ms() >= until) {
            dw_cli_print_error(cli, "DW-API-061",
                               dw_arena_printf(&arena, "job %lld still runs after %lld s",
                                               (long long)id,
                                               (long long)cli->options.wait_seconds));
            code = DW_CLI_REFUSED;
            break;
        }
        dw_clock_sleep_ms(waiter.draws ? DRAW_MS : LINE_MS);
    }
    cli->arena = outer;
    dw_arena_done(&arena);
    return code;
}

/* ---- starting ---- */

static void write_conditions(struct dw_cli *cli, struct dw_buf *body)
{
    const struct dw_cli_options *options = &cli->options;
    const struct {
        const char *name, *value;
    } texts[] = {
        {"map", options->map},       {"state", options->state},
        {"code", options->code},     {"class", options->class_name},
        {"column", options->column}, {"text", options->text},
        {"reason", options->reason}, {"key", options->key_count ? options->keys[0] : NULL}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].value)
            dw_json_write_text(body, texts[i].name, texts[i].value);
    if (options->older_seconds >= 0)
        dw_json_write_i64(body, "older_seconds", options->older_seconds);
    if (options->newer_seconds >= 0)
        dw_json_write_i64(body, "newer_seconds", options->newer_seconds);
    if (options->all)
        dw_json_write_bool(body, "all", true);
    if (options->source_row)
        dw_json_write_bool(body, "source_row", true);
    if (!options->argument_count)
        return;
    dw_json_write_name(body, "ids");
    for (size_t i = 0; i < options->argument_count; i++)
        dw_buf_printf(body, "%c%s", i ? ',' : '[', options->arguments[i]);
    dw_buf_append_char(body, ']');
}

static const char *action_of(const struct dw_cli *cli)
{
    switch ((int)cli->options.command) {
    case DW_CLI_LETTER_DISCARD:
        return "discard";
    case DW_CLI_LETTER_PURGE:
        return "purge";
    default:
        return "replay";
    }
}

static void write_would(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"ID", true, false}, {"MAP", false, true}, {"WOULD", false, false}, {"WHY", false, true}};
    size_t count = 0;
    const struct dw_str *letters =
        dw_cli_json_elements(dw_cli_json_member(body, "letters"), cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        dw_cli_table_add(
            &table,
            dw_arena_printf(cli->arena, "%lld", (long long)dw_cli_json_number(letters[i], "id")),
            DW_CLI_BOLD);
        dw_cli_table_add(
            &table, dw_cli_format_safe(cli->arena, dw_cli_json_text(letters[i], "map", cli->arena)),
            DW_CLI_PLAIN);
        dw_cli_table_add(&table, dw_cli_json_text(letters[i], "would", cli->arena), DW_CLI_PLAIN);
        dw_cli_table_add(
            &table, dw_cli_format_safe(cli->arena, dw_cli_json_text(letters[i], "why", cli->arena)),
            DW_CLI_PLAIN);
    }
    if (count)
        dw_cli_table_render(&table, &cli->screen, out);
    dw_buf_printf(out, "%s would be looked at%s\n",
                  dw_cli_format_counted(cli->arena, dw_cli_json_number(body, "total"),
                                        "dead letter", "dead letters"),
                  dw_cli_json_number(body, "total") > (int64_t)count ? "; the first are shown"
                                                                     : "");
}

enum dw_cli_exit dw_cli_letter_jobs_start(struct dw_cli *cli)
{
    const char *action = action_of(cli);
    struct dw_buf body;
    struct dw_buf text;
    struct dw_cli_answer answer;
    bool unsure = cli->options.command != DW_CLI_LETTER_REPLAY && !cli->options.yes;
    bool dry_run = cli->options.dry_run || unsure;
    dw_buf_init(&body, BODY_MAX);
    dw_buf_append_char(&body, '{');
    write_conditions(cli, &body);
    dw_json_write_bool(&body, "dry_run", dry_run);
    dw_buf_append_char(&body, '}');
    const char *path = dw_arena_printf(cli->arena, "/api/v1/dead-letters/%s", action);
    enum dw_cli_exit code = dw_cli_ask(cli, "POST", path, dw_buf_str(&body), &answer);
    dw_buf_done(&body);
    if (code)
        return code;
    bool nothing = !dw_cli_json_number(answer.body, "total");
    if (nothing && !cli->options.json && (!unsure || cli->options.dry_run)) {
        printf("no dead letter matches: there is nothing to %s\n", action);
        return DW_CLI_DONE;
    }
    if (cli->options.wait && !dry_run && !nothing)
        return wait_for(cli, dw_cli_json_number(answer.body, "job"));
    dw_buf_init(&text, TEXT_MAX);
    if (cli->options.json)
        dw_buf_append_str(&text, answer.body);
    else if (dry_run)
        write_would(cli, answer.body, &text);
    else
        write_job(cli, answer.body, &text);
    dw_cli_write(&text);
    dw_buf_done(&text);
    if (!unsure || cli->options.dry_run)
        return DW_CLI_DONE;
    dw_cli_print_error(
        cli, "DW-API-062",
        dw_arena_printf(cli->arena, "nothing was done: %s needs --yes, or --dry-run", action));
    return DW_CLI_REFUSED;
}

/* ---- looking ---- */

static void write_jobs(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"JOB", true, false}, {"STARTED", false, false}, {"ACTION", false, false},
        {"BY", false, true},  {"STATE", false, false},   {"LETTERS", false, true},
    };
    size_t count = 0;
    const struct dw_str *jobs =
        dw_cli_json_elements(dw_cli_json_member(body, "jobs"), cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        dw_cli_table_add(
            &table,
            dw_arena_printf(cli->arena, "%lld", (long long)dw_cli_json_number(jobs[i], "job")),
            DW_CLI_BOLD);
        dw_cli_table_add(&table,
                         dw_arena_printf(cli->arena, "%.19s",
                                         dw_cli_json_text(jobs[i], "created_at", cli->arena)),
                         DW_CLI_DIM);
        dw_cli_table_add(&table, dw_cli_json_text(jobs[i], "action", cli->arena), DW_CLI_PLAIN);
        dw_cli_table_add(
            &table, dw_cli_format_safe(cli->arena, dw_cli_json_text(jobs[i], "by", cli->arena)),
            DW_CLI_PLAIN);
        dw_cli_table_add(&table, dw_cli_json_text(jobs[i], "state", cli->arena), DW_CLI_PLAIN);
        dw_cli_table_add(&table, counts_of(cli, jobs[i]), DW_CLI_PLAIN);
    }
    if (count)
        dw_cli_table_render(&table, &cli->screen, out);
    else
        dw_buf_append_text(out, "no jobs\n");
}

enum dw_cli_exit dw_cli_letter_jobs_list(struct dw_cli *cli)
{
    if (!cli->options.argument_count)
        return dw_cli_show(cli, "/api/v1/letter-jobs", write_jobs);
    if (cli->options.wait)
        return wait_for(cli, strtoll(cli->options.arguments[0], NULL, 10));
    return dw_cli_show(cli,
                       dw_arena_printf(cli->arena, "/api/v1/letter-jobs/%s",
                                       dw_cli_escape(cli->arena, cli->options.arguments[0])),
                       write_job);
}

enum dw_cli_exit dw_cli_letter_jobs_cancel(struct dw_cli *cli)
{
    struct dw_cli_answer answer;
    const char *path = dw_arena_printf(cli->arena, "/api/v1/letter-jobs/%s/cancel",
                                       dw_cli_escape(cli->arena, cli->options.arguments[0]));
    enum dw_cli_exit code = dw_cli_ask(cli, "POST", path, DW_STR_LIT(""), &answer);
    struct dw_buf text;
    if (code)
        return code;
    dw_buf_init(&text, TEXT_MAX);
    if (cli->options.json)
        dw_buf_append_str(&text, answer.body);
    else
        write_job(cli, answer.body, &text);
    dw_cli_write(&text);
    dw_buf_done(&text);
    return DW_CLI_DONE;
}
