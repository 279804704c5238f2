/* cli_reconcile.c - reconcile run, list, show, cancel, differences, repair. */
#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include "reconciler/cli/cli_progress.h"
#include <stdio.h>
#include <unistd.h>

#define TEXT_MAX  (64u << 20)
#define BODY_MAX  (8u << 20)
#define POLL_MS   300
#define BAR_CELLS 20
#define RUNS_PATH "/api/v1/reconcile/runs"

static const char *const kinds[] = {"missing",   "extra", "different",
                                    "duplicate", "held",  "waiting"};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

static const char *safe_text(struct dw_cli *cli, struct dw_str object, const char *name)
{
    return dw_cli_format_safe(cli->arena, dw_cli_json_text(object, name, cli->arena));
}

/* --- runs in a table -----------------------------------------------------------------------------
 */

static enum dw_cli_colour run_colour(struct dw_str run, const char *state)
{
    if (strcmp(state, "failed") == 0)
        return DW_CLI_RED;
    if (strcmp(state, "done") != 0)
        return strcmp(state, "cancelled") == 0 ? DW_CLI_DIM : DW_CLI_YELLOW;
    bool clean = !dw_cli_json_number(run, "differences") && !dw_cli_json_number(run, "not_judged");
    return clean ? DW_CLI_GREEN : DW_CLI_RED;
}

static void add_count(struct dw_cli *cli, struct dw_cli_table *table, int64_t count)
{
    dw_cli_table_add(table, dw_cli_format_count(cli->arena, count),
                     count ? DW_CLI_BOLD : DW_CLI_DIM);
}

static void add_run(struct dw_cli *cli, struct dw_cli_table *table, struct dw_str run)
{
    const char *state = dw_cli_json_text(run, "state", cli->arena);
    struct dw_str counts = dw_cli_json_member(run, "by_kind");
    dw_cli_table_add(table,
                     dw_arena_printf(cli->arena, "%lld", (long long)dw_cli_json_number(run, "run")),
                     DW_CLI_BOLD);
    dw_cli_table_add(table, safe_text(cli, run, "map"), DW_CLI_PLAIN);
    dw_cli_table_add(table, state, run_colour(run, state));
    dw_cli_table_add(table,
                     dw_arena_printf(cli->arena, "%.1f %%", dw_cli_json_real(run, "percent")),
                     DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_json_text(run, "way", cli->arena), DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_format_count(cli->arena, dw_cli_json_number(run, "rows_source")),
                     DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_cli_format_count(cli->arena, dw_cli_json_number(run, "rows_target")),
                     DW_CLI_PLAIN);
    for (size_t i = 0; i < KIND_COUNT; i++)
        add_count(cli, table, dw_cli_json_number(counts, kinds[i]));
    add_count(cli, table,
              dw_cli_json_number(run, "not_judged") + dw_cli_json_number(run, "beyond_limit"));
    const char *started = dw_cli_json_text(run, "started_at", cli->arena);
    dw_cli_table_add(table, *started ? dw_arena_printf(cli->arena, "%.19s", started) : "-",
                     DW_CLI_PLAIN);
    const char *repair = dw_cli_json_text(dw_cli_json_member(run, "repair"), "state", cli->arena);
    dw_cli_table_add(table, strcmp(repair, "none") == 0 ? "-" : repair, DW_CLI_PLAIN);
}

static void write_table(struct dw_cli *cli, const struct dw_str *runs, size_t count,
                        struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"RUN", true, false},       {"MAP", false, true},      {"STATE", false, false},
        {"DONE", true, false},      {"WAY", false, false},     {"SOURCE", true, false},
        {"TARGET", true, false},    {"MISSING", true, false},  {"EXTRA", true, false},
        {"DIFFERENT", true, false}, {"DOUBLE", true, false},   {"HELD", true, false},
        {"WAITING", true, false},   {"UNJUDGED", true, false}, {"STARTED", false, false},
        {"REPAIR", false, false},
    };
    struct dw_cli_table table;
    if (!count) {
        dw_buf_append_text(out, "no comparisons\n");
        return;
    }
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++)
        add_run(cli, &table, runs[i]);
    dw_cli_table_render(&table, &cli->screen, out);
}

static void write_reasons(struct dw_cli *cli, struct dw_str run, struct dw_buf *out)
{
    long long id = (long long)dw_cli_json_number(run, "run");
    const char *reason = safe_text(cli, run, "reason");
    const char *note = safe_text(cli, run, "note");
    struct dw_str repair = dw_cli_json_member(run, "repair");
    const char *repair_reason = safe_text(cli, repair, "reason");
    if (*reason)
        dw_buf_printf(out, "run %lld: %s %s\n", id, dw_cli_json_text(run, "code", cli->arena),
                      reason);
    bool reads = strcmp(dw_cli_json_text(run, "way", cli->arena), "rows") == 0;
    if (*note)
        dw_buf_printf(out, "run %lld: %s%s\n", id, reads ? "rows are read, as " : "", note);
    int64_t not_judged = dw_cli_json_number(run, "not_judged");
    if (not_judged)
        dw_buf_printf(out,
                      "run %lld: %s looked different and nobody judged %s in time; is the map "
                      "paused, its producer or consumer down?\n",
                      id, dw_cli_format_counted(cli->arena, not_judged, "row", "rows"),
                      dw_str_plural(not_judged, "it", "them"));
    if (dw_cli_json_number(run, "beyond_limit"))
        dw_buf_printf(out, "run %lld: %s only counted (compare_differences_max)\n", id,
                      dw_cli_format_counted(cli->arena, dw_cli_json_number(run, "beyond_limit"),
                                            "more is", "more are"));
    if (*repair_reason)
        dw_buf_printf(out, "run %lld: repair: %s %s\n", id,
                      dw_cli_json_text(repair, "code", cli->arena), repair_reason);
}

static void write_list(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    size_t count = 0;
    const struct dw_str *runs =
        dw_cli_json_elements(dw_cli_json_member(body, "runs"), cli->arena, &count);
    write_table(cli, runs, count, out);
    for (size_t i = 0; i < count; i++)
        write_reasons(cli, runs[i], out);
    dw_cli_more(cli, body, out);
}

enum dw_cli_exit dw_cli_reconcile_list(struct dw_cli *cli)
{
    const char *path = dw_cli_query(cli, dw_cli_page(cli, RUNS_PATH), "map", cli->options.map);
    return dw_cli_show(cli, path, write_list);
}

/* --- one run -------------------------------------------------------------------------------------
 */

static const char *run_path(struct dw_cli *cli, const char *behind)
{
    return dw_arena_printf(cli->arena, RUNS_PATH "/%s%s",
                           dw_cli_escape(cli->arena, cli->options.arguments[0]), behind);
}

static void write_position(struct dw_cli *cli, struct dw_str run, const char *name,
                           const char *label, struct dw_buf *out)
{
    struct dw_str position = dw_cli_json_member(run, name);
    if (!dw_cli_json_is_null(position))
        dw_buf_printf(out, "%s epoch %lld, %s", label,
                      (long long)dw_cli_json_number(position, "epoch"),
                      dw_cli_json_text(position, "lsn", cli->arena));
}

static void write_repair(struct dw_cli *cli, struct dw_str run, struct dw_buf *out)
{
    struct dw_str repair = dw_cli_json_member(run, "repair");
    int64_t repaired = dw_cli_json_number(repair, "repaired");
    int64_t left = dw_cli_json_number(repair, "left");
    int64_t out_of_it = dw_cli_json_number(run, "differences") - repaired - left;
    bool over = strcmp(dw_cli_json_text(repair, "state", cli->arena), "done") == 0;
    dw_buf_printf(out, "repair by %s: %s, %s equal now, %s", safe_text(cli, repair, "by"),
                  dw_cli_json_text(repair, "state", cli->arena),
                  dw_cli_format_counted(cli->arena, repaired, "row is", "rows are"),
                  dw_cli_format_counted(cli->arena, left, "still differs", "still differ"));
    if (over && out_of_it > 0) /* extra rows that were to stay, rows that wait or are held */
        dw_buf_printf(out, ", %s left out",
                      dw_cli_format_counted(cli->arena, out_of_it, "was", "were"));
    dw_buf_append_char(out, '\n');
}

void dw_cli_reconcile_write(struct dw_cli *cli, struct dw_str run, struct dw_buf *out)
{
    struct dw_str repair = dw_cli_json_member(run, "repair");
    const char *state = dw_cli_json_text(repair, "state", cli->arena);
    const char *filter = safe_text(cli, run, "filter");
    const char *since = safe_text(cli, run, "since");
    write_table(cli, &run, 1, out);
    dw_buf_printf(out, "revision %lld of the map, by %s, %s",
                  (long long)dw_cli_json_number(run, "revision"), safe_text(cli, run, "by"),
                  *filter  ? "filter "
                  : *since ? "rows that changed since "
                           : "all rows");
    dw_buf_append_text(out, since);
    dw_buf_append_text(out, filter);
    if (dw_cli_json_real(run, "sample") < 100)
        dw_buf_printf(out, ", a sample of %.4g %%", dw_cli_json_real(run, "sample"));
    write_position(cli, run, "began_at", "; the stream stood at", out);
    write_position(cli, run, "ended_by", ", at the end at", out);
    dw_buf_append_char(out, '\n');
    write_reasons(cli, run, out);
    if (strcmp(state, "none") != 0)
        write_repair(cli, run, out);
}

enum dw_cli_exit dw_cli_reconcile_show(struct dw_cli *cli)
{
    return dw_cli_show(cli, run_path(cli, ""), dw_cli_reconcile_write);
}

static enum dw_cli_exit post(struct dw_cli *cli, const char *path, struct dw_str body,
                             struct dw_cli_answer *out)
{
    enum dw_cli_exit code = dw_cli_ask(cli, "POST", path, body, out);
    if (!code && cli->options.json && !cli->options.wait)
        printf("%.*s", DW_STR_ARG(out->body));
    return code;
}

static void print_with(struct dw_cli *cli, struct dw_str body,
                       void (*write)(struct dw_cli *, struct dw_str, struct dw_buf *))
{
    struct dw_buf text;
    dw_buf_init(&text, TEXT_MAX);
    if (cli->options.json)
        dw_buf_append_str(&text, body);
    else
        write(cli, body, &text);
    dw_cli_write(&text);
    dw_buf_done(&text);
}

enum dw_cli_exit dw_cli_reconcile_cancel(struct dw_cli *cli)
{
    struct dw_cli_answer answer;
    enum dw_cli_exit code =
        dw_cli_ask(cli, "POST", run_path(cli, "/cancel"), dw_str_from(""), &answer);
    if (!code)
        print_with(cli, answer.body, dw_cli_reconcile_write);
    return code;
}

/* --- waiting -------------------------------------------------------------------------------------
 */

static bool is_over(struct dw_cli *cli, struct dw_str run)
{
    const char *state = dw_cli_json_text(run, "state", cli->arena);
    const char *repair = dw_cli_json_text(dw_cli_json_member(run, "repair"), "state", cli->arena);
    return strcmp(state, "waiting") != 0 && strcmp(state, "running") != 0 &&
           strcmp(repair, "waiting") != 0 && strcmp(repair, "running") != 0;
}

/* A line over the one before on a terminal; elsewhere one when something is over. */
static void print_progress(struct dw_cli *cli, struct dw_str run, bool over)
{
    bool picture = isatty(STDERR_FILENO) && !cli->options.json;
    double percent = dw_cli_json_real(run, "percent");
    const char *phase = dw_cli_json_text(run, "phase", cli->arena);
    if (!picture)
        return;
    (void)fprintf(
        stderr, "\r\033[K%s %s %.1f %%, %s of about %s%s", safe_text(cli, run, "map"),
        dw_cli_progress_bar(cli->arena, percent, BAR_CELLS), percent,
        dw_cli_format_count(cli->arena, dw_cli_json_number(run, "rows_source")),
        dw_cli_format_counted(cli->arena, dw_cli_json_number(run, "rows_estimated"), "row", "rows"),
        strcmp(phase, "judge") == 0 ? ", judging what looked different" : "");
    if (over)
        (void)fprintf(stderr, "\r\033[K");
    (void)fflush(stderr);
}

/* Nothing differs, or nothing is left of what was repaired. */
static bool is_clean(struct dw_cli *cli, struct dw_str run)
{
    struct dw_str repair = dw_cli_json_member(run, "repair");
    bool repaired = strcmp(dw_cli_json_text(repair, "state", cli->arena), "done") == 0;
    int64_t left = dw_cli_json_number(run, "differences");
    if (repaired)
        left -= dw_cli_json_number(repair, "repaired");
    return strcmp(dw_cli_json_text(run, "state", cli->arena), "done") == 0 && left == 0 &&
           !dw_cli_json_number(run, "not_judged") && !dw_cli_json_number(run, "beyond_limit");
}

/* Asks for the run until it is over; *out its last answer. */
static enum dw_cli_exit wait_for(struct dw_cli *cli, int64_t id, struct dw_str *out)
{
    const char *path = dw_arena_printf(cli->arena, RUNS_PATH "/%lld", (long long)id);
    int64_t until = dw_clock_mono_ms() + cli->options.wait_seconds * 1000;
    for (;;) {
        struct dw_cli_answer answer;
        enum dw_cli_exit code = dw_cli_ask(cli, "GET", path, dw_str_from(""), &answer);
        if (code)
            return code;
        bool over = is_over(cli, answer.body);
        print_progress(cli, answer.body, over);
        *out = answer.body;
        if (over)
            return DW_CLI_DONE;
        if (cli->options.wait_limited && dw_clock_mono_ms() > until) {
            dw_cli_print_error(cli, "DW-API-067",
                               dw_arena_printf(cli->arena, "run %lld still runs after %lld s",
                                               (long long)id,
                                               (long long)cli->options.wait_seconds));
            return DW_CLI_REFUSED;
        }
        dw_clock_sleep_ms(POLL_MS);
    }
}

static enum dw_cli_exit wait_for_all(struct dw_cli *cli, struct dw_str body)
{
    size_t count = 0;
    const struct dw_str *runs =
        dw_cli_json_elements(dw_cli_json_member(body, "runs"), cli->arena, &count);
    struct dw_str *ended = DW_ARENA_ARRAY(cli->arena, struct dw_str, count);
    struct dw_buf text;
    enum dw_cli_exit code = DW_CLI_DONE;
    bool clean = true;
    for (size_t i = 0; i < count && !code; i++) { /* in the order in which they run */
        code = wait_for(cli, dw_cli_json_number(runs[count - 1 - i], "run"), &ended[i]);
        clean = clean && !code && is_clean(cli, ended[i]);
    }
    if (code)
        return code;
    dw_buf_init(&text, TEXT_MAX);
    if (cli->options.json) {
        for (size_t i = 0; i < count; i++)
            dw_buf_append_str(&text, ended[i]);
    } else {
        write_table(cli, ended, count, &text);
        for (size_t i = 0; i < count; i++)
            write_reasons(cli, ended[i], &text);
    }
    dw_cli_write(&text);
    dw_buf_done(&text);
    return clean ? DW_CLI_DONE : DW_CLI_REFUSED;
}

/* --- ordering ------------------------------------------------------------------------------------
 */

static void write_order(struct dw_cli *cli, struct dw_buf *body)
{
    const struct dw_cli_options *options = &cli->options;
    dw_buf_append_char(body, '{');
    dw_json_write_name(body, "maps");
    dw_buf_append_char(body, '[');
    for (size_t i = 0; i < options->argument_count; i++) {
        if (i)
            dw_buf_append_char(body, ',');
        dw_json_write_string(body, dw_str_from(options->arguments[i]));
    }
    dw_buf_append_char(body, ']');
    if (options->filter)
        dw_json_write_text(body, "filter", options->filter);
    if (options->sample)
        dw_json_write_i64(body, "sample", options->sample);
    if (options->rate)
        dw_json_write_i64(body, "rate", options->rate);
    if (options->way)
        dw_json_write_text(body, "way", options->way);
    if (options->since_seconds)
        dw_json_write_i64(body, "since_seconds", options->since_seconds);
    if (options->since_run)
        dw_json_write_i64(body, "since_run", options->since_run);
    dw_buf_append_char(body, '}');
}

enum dw_cli_exit dw_cli_reconcile_run(struct dw_cli *cli)
{
    struct dw_buf body;
    struct dw_cli_answer answer;
    dw_buf_init(&body, BODY_MAX);
    write_order(cli, &body);
    enum dw_cli_exit code = post(cli, RUNS_PATH, dw_buf_str(&body), &answer);
    dw_buf_done(&body);
    if (code)
        return code;
    if (cli->options.wait)
        return wait_for_all(cli, answer.body);
    if (!cli->options.json) {
        size_t count = 0;
        const struct dw_str *runs =
            dw_cli_json_elements(dw_cli_json_member(answer.body, "runs"), cli->arena, &count);
        for (size_t i = count; i-- > 0;)
            printf("%s: is compared by run %lld\n", safe_text(cli, runs[i], "map"),
                   (long long)dw_cli_json_number(runs[i], "run"));
    }
    return DW_CLI_DONE;
}

/* --- repairing -----------------------------------------------------------------------------------
 */

/* To read such a row again would fail as its event did: the letter is to be mended and replayed. */
static void print_held(struct dw_cli *cli, struct dw_str body)
{
    struct dw_str run = dw_cli_json_member(body, "run");
    int64_t held = dw_cli_json_number(body, "held_left");
    if (held)
        printf("%s left out\n"
               "  which: dualwrite reconcile differences %lld --kind held\n"
               "  mend the cause, then: dualwrite dead-letter replay --map %s\n",
               dw_cli_format_counted(cli->arena, held, "row that an open dead letter holds is",
                                     "rows that open dead letters hold are"),
               (long long)dw_cli_json_number(run, "run"), safe_text(cli, run, "map"));
}

static void print_plan(struct dw_cli *cli, struct dw_str body)
{
    static const char of_target[] = "of the target that the source has not";
    int64_t rows = dw_cli_json_number(body, "rows");
    int64_t extra = dw_cli_json_number(body, "extra");
    int64_t extra_left = dw_cli_json_number(body, "extra_left");
    bool dry_run = dw_cli_json_true(body, "dry_run");
    if (cli->options.json)
        return;
#define ROWS(number) dw_cli_format_counted(cli->arena, number, "row", "rows")
    printf("%s %s read again from the source\n", ROWS(rows),
           dry_run ? "would be" : dw_str_plural(rows, "is", "are"));
    if (extra)
        printf("%s %s %s deleted\n", ROWS(extra), of_target,
               dry_run ? "would be" : dw_str_plural(extra, "is", "are"));
    if (extra_left)
        printf("%s %s %s: --delete-extra --limit %lld --yes deletes %s\n", ROWS(extra_left),
               of_target, dw_str_plural(extra_left, "stays", "stay"), (long long)extra_left,
               dw_str_plural(extra_left, "it", "them"));
#undef ROWS
    print_held(cli, body);
    (void)fflush(stdout);
}

enum dw_cli_exit dw_cli_reconcile_repair(struct dw_cli *cli)
{
    const struct dw_cli_options *options = &cli->options;
    bool confirm = options->delete_extra && !options->yes && !options->dry_run;
    struct dw_cli_answer answer;
    struct dw_str ended;
    const char *how = options->delete_extra
                          ? dw_arena_printf(cli->arena, ",\"delete_extra\":true,\"limit\":%lld",
                                            (long long)options->limit)
                          : "";
    const char *body = dw_arena_printf(cli->arena, "{\"dry_run\":%s%s}",
                                       options->dry_run || confirm ? "true" : "false", how);
    enum dw_cli_exit code = post(cli, run_path(cli, "/repair"), dw_str_from(body), &answer);
    if (code)
        return code;
    print_plan(cli, answer.body);
    if (confirm) {
        dw_cli_print_error(cli, "DW-API-025",
                           "nothing was ordered: --delete-extra needs --yes, or --dry-run");
        return DW_CLI_REFUSED;
    }
    if (!options->wait || options->dry_run)
        return DW_CLI_DONE;
    struct dw_str run = dw_cli_json_member(answer.body, "run");
    code = wait_for(cli, dw_cli_json_number(run, "run"), &ended);
    if (code)
        return code;
    print_with(cli, ended, dw_cli_reconcile_write);
    return is_clean(cli, ended) ? DW_CLI_DONE : DW_CLI_REFUSED;
}

/* --- differences ---------------------------------------------------------------------------------
 */

/* "name: x -> y" of each column; a null is shown as such. */
static const char *columns_text(struct dw_cli *cli, struct dw_str difference)
{
    size_t count = 0;
    const struct dw_str *columns =
        dw_cli_json_elements(dw_cli_json_member(difference, "columns"), cli->arena, &count);
    const char *text = "";
    for (size_t i = 0; i < count; i++) {
        bool no_source = dw_cli_json_is_null(dw_cli_json_member(columns[i], "source"));
        bool no_target = dw_cli_json_is_null(dw_cli_json_member(columns[i], "target"));
        text = dw_arena_printf(
            cli->arena, "%s%s%s: %s, in the target %s", text, i ? "; " : "",
            safe_text(cli, columns[i], "column"),
            no_source ? "null"
                      : dw_arena_printf(cli->arena, "\"%s\"", safe_text(cli, columns[i], "source")),
            no_target
                ? "null"
                : dw_arena_printf(cli->arena, "\"%s\"", safe_text(cli, columns[i], "target")));
    }
    return text;
}

static const char *cause_text(struct dw_cli *cli, struct dw_str difference)
{
    const char *code = dw_cli_json_text(difference, "code", cli->arena);
    const char *reason = safe_text(cli, difference, "reason");
    int64_t letter = dw_cli_json_number(difference, "dead_letter");
    if (letter)
        return dw_arena_printf(cli->arena, "dead letter %lld%s%s", (long long)letter,
                               *code ? " " : "", code);
    return *code ? dw_arena_printf(cli->arena, "%s %s", code, reason) : "";
}

void dw_cli_reconcile_write_differences(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"KIND", false, false},   {"KEY", false, true},   {"WHAT", false, true},
        {"REPAIR", false, false}, {"CAUSE", false, true},
    };
    size_t count = 0;
    const struct dw_str *items =
        dw_cli_json_elements(dw_cli_json_member(body, "differences"), cli->arena, &count);
    struct dw_cli_table table;
    if (!count) {
        dw_buf_append_text(out, "no differences\n");
        return;
    }
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        const char *repair = dw_cli_json_text(items[i], "repair", cli->arena);
        struct dw_str key = dw_cli_json_member(items[i], "key");
        dw_cli_table_add(&table, dw_cli_json_text(items[i], "kind", cli->arena), DW_CLI_BOLD);
        dw_cli_table_add(&table, dw_cli_format_safe(cli->arena, dw_arena_copy(cli->arena, key).ptr),
                         DW_CLI_PLAIN);
        dw_cli_table_add(&table, columns_text(cli, items[i]), DW_CLI_PLAIN);
        dw_cli_table_add(&table, strcmp(repair, "none") == 0 ? "-" : repair, DW_CLI_PLAIN);
        dw_cli_table_add(&table, cause_text(cli, items[i]), DW_CLI_PLAIN);
    }
    dw_cli_table_render(&table, &cli->screen, out);
    dw_cli_more(cli, body, out);
}

enum dw_cli_exit dw_cli_reconcile_differences(struct dw_cli *cli)
{
    const char *path = dw_cli_page(cli, run_path(cli, "/differences"));
    return dw_cli_show(cli, dw_cli_query(cli, path, "kind", cli->options.kind),
                       dw_cli_reconcile_write_differences);
}
