/* cli_maps.c - map apply, diff, list, show, pause, resume, stop, rollback. */
#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "common/model/table_map.h"
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_check.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include "reconciler/cli/cli_progress.h"
#include "reconciler/maps/map_order.h"
#include <stdio.h>

#define POLL_MS      300
#define BESIDE_BYTES ((size_t)128 << 10)

/* --- orders ------------------------------------------------------------------------------------
 */

static const char *order_name(enum dw_cli_command command)
{
    switch ((int)command) {
    case DW_CLI_MAP_PAUSE:
        return "pause";
    case DW_CLI_MAP_RESUME:
        return "resume";
    case DW_CLI_MAP_STOP:
        return "stop";
    default:
        return "start";
    }
}

static enum dw_cli_exit send_order(struct dw_cli *cli, const char *map, const char *order,
                                   struct dw_cli_answer *out)
{
    struct dw_buf body;
    dw_buf_init(&body, 65536);
    dw_buf_append_char(&body, '{');
    if (cli->options.reason)
        dw_json_write_text(&body, "reason", cli->options.reason);
    dw_buf_append_char(&body, '}');
    const char *path =
        dw_arena_printf(cli->arena, "/api/v1/maps/%s/%s%s", dw_cli_escape(cli->arena, map), order,
                        cli->options.dry_run ? "?dry_run=true" : "");
    enum dw_cli_exit code = dw_cli_ask(cli, "POST", path, dw_buf_str(&body), out);
    dw_buf_done(&body);
    return code;
}

/* Whether the status says that the map's state is in force; *out_known: it has the map. */
static bool is_in_force(struct dw_str status, const char *name, struct dw_arena *arena,
                        const char **out_state)
{
    size_t count = 0;
    const struct dw_str *maps =
        dw_cli_json_elements(dw_cli_json_member(status, "maps"), arena, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(dw_cli_json_text(maps[i], "map", arena), name) == 0) {
            *out_state = dw_cli_json_text(maps[i], "state", arena);
            return dw_cli_json_true(maps[i], "in_force");
        }
    *out_state = "unknown";
    return false;
}

enum dw_cli_exit dw_cli_maps_wait(struct dw_cli *cli, const char *name)
{
    int64_t until = dw_clock_mono_ms() + cli->options.wait_seconds * 1000;
    const char *state = "unknown";
    for (;;) {
        struct dw_cli_answer answer;
        enum dw_cli_exit code =
            dw_cli_ask(cli, "GET", "/api/v1/status", (struct dw_str){NULL, 0}, &answer);
        if (code)
            return code;
        if (is_in_force(answer.body, name, cli->arena, &state))
            return DW_CLI_DONE;
        if (dw_clock_mono_ms() >= until)
            break;
        dw_clock_sleep_ms(POLL_MS);
    }
    dw_cli_print_error(cli, "DW-API-023",
                       dw_arena_printf(cli->arena,
                                       "map %s is %s, but not all processes reported it within "
                                       "%lld s",
                                       name, state, (long long)cli->options.wait_seconds));
    return DW_CLI_REFUSED;
}

/* What an order does; for a dry run what it would do. */
static const struct order_text {
    const char *order, *done, *means;
} order_texts[] = {
    {"start", "started", "changes from now on, rows that exist are not copied"},
    {"pause", "paused", "changes are kept in Kafka until it is resumed"},
    {"resume", "resumed", "it goes on where it stands"},
    {"stop", "stopped", "changes made until it is started again are missed"},
};

static const struct order_text *text_of(const char *order)
{
    const struct order_text *text = order_texts;
    while (strcmp(text->order, order) != 0)
        text++;
    return text;
}

static void print_outcome(const struct dw_cli *cli, const struct dw_cli_answer *answer,
                          const char *what, const char *unchanged)
{
    if (cli->options.json) {
        printf("%.*s", DW_STR_ARG(answer->body));
        return;
    }
    const char *state = dw_cli_json_text(answer->body, "state", cli->arena);
    bool changed = dw_cli_json_true(answer->body, "changed");
    printf("%s: %s%s, revision %lld\n",
           dw_cli_format_safe(cli->arena, dw_cli_json_text(answer->body, "map", cli->arena)),
           changed ? what : unchanged, changed ? "" : state,
           (long long)dw_cli_json_number(answer->body, "revision"));
}

static void print_order(const struct dw_cli *cli, const struct dw_cli_answer *answer,
                        const struct order_text *text)
{
    bool dry_run = cli->options.dry_run;
    const char *map =
        dw_cli_format_safe(cli->arena, dw_cli_json_text(answer->body, "map", cli->arena));
    int64_t cancelled = dw_cli_json_number(answer->body, "syncs_cancelled");
    const char *syncs = dw_cli_format_counted(cli->arena, cancelled, "sync", "syncs");
    if (dry_run)
        printf("%s: would be %s: %s\n", map, text->done, text->means);
    else
        printf("%s: %s, revision %lld\n", map, text->done,
               (long long)dw_cli_json_number(answer->body, "revision"));
    if (cancelled)
        printf("  %s%s cancelled: rows that were not copied yet are missing\n", syncs,
               dry_run          ? " would be"
               : cancelled == 1 ? " was"
                                : " were");
}

static enum dw_cli_exit order_one(struct dw_cli *cli, const char *name, const char *order)
{
    struct dw_cli_answer answer;
    enum dw_cli_exit code = send_order(cli, name, order, &answer);
    if (code)
        return code;
    if (dw_cli_json_true(answer.body, "changed") && !cli->options.json)
        print_order(cli, &answer, text_of(order));
    else
        print_outcome(cli, &answer, "", "already ");
    (void)fflush(stdout);
    return DW_CLI_DONE;
}

/* All are ordered first, then waited for: they come into force side by side. Names that are NULL
 * are passed over. */
static enum dw_cli_exit wait_all(struct dw_cli *cli, const char *const *names,
                                 enum dw_cli_exit result)
{
    for (size_t i = 0; !result && i < cli->options.argument_count; i++)
        if (names[i])
            result = dw_cli_maps_wait(cli, names[i]);
    return result;
}

/* The first refusal gives the exit code, the others are tried all the same. */
enum dw_cli_exit dw_cli_maps_order(struct dw_cli *cli)
{
    const struct dw_cli_options *options = &cli->options;
    const char *order = order_name(options->command);
    enum dw_cli_exit result = DW_CLI_DONE;
    for (size_t i = 0; i < options->argument_count; i++) {
        enum dw_cli_exit code = order_one(cli, options->arguments[i], order);
        if (code == DW_CLI_UNREACHABLE || code == DW_CLI_UNAUTHORISED)
            return code;
        result = result ? result : code;
    }
    if (!options->wait || options->dry_run)
        return result;
    result = wait_all(cli, options->arguments, result);
    for (size_t i = 0; i < options->argument_count && !result; i++)
        if (options->command == DW_CLI_MAP_RESUME)
            result = dw_cli_progress_wait_map(cli, options->arguments[i]);
    return result;
}

/* --- apply ------------------------------------------------------------------------------------ */

/* The problems of an answer, as the local check prints them. */
static void read_problems(struct dw_cli *cli, struct dw_str body, struct dw_map_problems *out)
{
    size_t count = 0;
    const struct dw_str *items =
        dw_cli_json_elements(dw_cli_json_member(body, "problems"), cli->arena, &count);
    dw_map_problems_init(out, cli->arena);
    for (size_t i = 0; i < count; i++) {
#define TEXT(name) dw_str_from(dw_cli_json_text(items[i], name, cli->arena))
        struct dw_map_problem problem = {
            .warning = dw_str_is(TEXT("severity"), "warning"),
            .file = TEXT("file"),
            .path = TEXT("path"),
            .line = (unsigned)dw_cli_json_number(items[i], "line"),
            .message = TEXT("message"),
            .remedy = TEXT("remedy"),
        };
        (void)snprintf(problem.code, sizeof problem.code, "%.*s", DW_STR_ARG(TEXT("code")));
#undef TEXT
        dw_map_problems_add(out, &problem);
    }
}

/* How rows already there are copied again. */
static void write_backfill(struct dw_cli *cli, struct dw_buf *body)
{
    const struct dw_cli_options *options = &cli->options;
    if (!options->backfill)
        return;
    dw_json_write_bool(body, "backfill", true);
    dw_json_write_bool(body, "delete_extra", options->delete_extra);
    if (options->on_existing)
        dw_json_write_text(body, "on_existing", options->on_existing);
    if (options->rate)
        dw_json_write_i64(body, "rate", options->rate);
}

/* Only to be shown: asked for, or because rows would be deleted without a --yes. */
static bool is_dry(const struct dw_cli *cli)
{
    const struct dw_cli_options *options = &cli->options;
    return options->dry_run || options->command == DW_CLI_MAP_DIFF ||
           (options->delete_extra && !options->yes);
}

/* The other files of the command. Those that would make the request too large are left out: then a
 * map may be warned of what only comes behind it. */
static void write_beside(struct dw_cli *cli, const char *file, struct dw_buf *body)
{
    const struct dw_cli_options *options = &cli->options;
    size_t bytes = 0;
    size_t count = 0;
    for (size_t i = 0; i < options->argument_count && bytes < BESIDE_BYTES; i++) {
        struct dw_map_problems ignored; /* told when it is applied itself */
        struct dw_str text = {NULL, 0};
        dw_map_problems_init(&ignored, cli->arena);
        if (strcmp(options->arguments[i], file) == 0 ||
            !dw_cli_check_read(options->arguments[i], cli->arena, &ignored, &text) ||
            (bytes += text.len) > BESIDE_BYTES)
            continue;
        if (!count)
            dw_json_write_name(body, "beside");
        dw_buf_append_char(body, count++ ? ',' : '[');
        dw_json_write_string(body, text);
    }
    if (count)
        dw_buf_append_char(body, ']');
}

static enum dw_cli_exit send_map(struct dw_cli *cli, const char *file, const char *name,
                                 struct dw_str text, struct dw_cli_answer *out)
{
    struct dw_buf body;
    dw_buf_init(&body, 8 * (DW_CLI_CHECK_FILE_MAX + BESIDE_BYTES));
    dw_buf_append_char(&body, '{');
    dw_json_write_text(&body, "file", file);
    dw_json_write_str(&body, "document", text);
    write_beside(cli, file, &body);
    write_backfill(cli, &body);
    dw_buf_append_char(&body, '}');
    const char *path =
        dw_arena_printf(cli->arena, "/api/v1/maps/%s%s", dw_cli_escape(cli->arena, name),
                        is_dry(cli) ? "?dry_run=true" : "");
    enum dw_cli_exit code = dw_cli_ask(cli, "PUT", path, dw_buf_str(&body), out);
    dw_buf_done(&body);
    return code;
}

/* What is to be done for rows already there. */
static void print_remedy(const struct dw_cli *cli, const char *name, struct dw_str body)
{
    const struct dw_cli_options *options = &cli->options;
    bool backfill = dw_cli_json_true(body, "backfill");
    bool removals = dw_cli_json_true(body, "removals");
    bool would = dw_cli_json_true(body, "dry_run") && options->backfill && backfill;
    int64_t sync = dw_cli_json_number(body, "sync");
    if (dw_cli_json_true(body, "stop"))
        printf("  it must be stopped first: dualwrite map stop %s\n", name);
    else if (would)
        printf("  rows already there would be copied again%s\n",
               options->delete_extra ? ", and those deleted that the source has not, or that match "
                                       "no more"
                                     : "");
    else if (sync)
        printf("  rows already there are copied again by sync %lld\n", (long long)sync);
    else if (removals)
        printf("  for rows already there: --backfill --delete-extra --yes, or dualwrite map resync "
               "%s --delete-extra --yes\n",
               name);
    else if (backfill)
        printf("  for rows already there: --backfill, or dualwrite map resync %s\n", name);
    if ((would || sync) && removals && !options->delete_extra)
        printf("  rows that match no more stay: dualwrite map resync %s --delete-extra --yes\n",
               name);
}

/* What the new document changes, line by line. */
static void print_changes(struct dw_cli *cli, const char *name, struct dw_str body)
{
    size_t count = 0;
    const struct dw_str *changes =
        dw_cli_json_elements(dw_cli_json_member(body, "changes"), cli->arena, &count);
    bool stopped = strcmp(dw_cli_json_text(body, "state", cli->arena), "stopped") == 0;
    for (size_t i = 0; i < count; i++) {
#define TEXT(member)                                                                               \
    dw_cli_format_safe(cli->arena, dw_cli_json_text(changes[i], member, cli->arena))
        printf("  %s: %s\n    %s\n", TEXT("path"), TEXT("change"), TEXT("means"));
#undef TEXT
    }
    if (!stopped && count)
        print_remedy(cli, name, body);
}

static void print_applied(struct dw_cli *cli, const char *name, const struct dw_cli_answer *answer)
{
    struct dw_map_problems warnings;
    size_t count = 0;
    read_problems(cli, answer->body, &warnings);
    if (cli->options.json) {
        printf("%.*s", DW_STR_ARG(answer->body));
        return;
    }
    dw_map_problems_print(stdout, &warnings, cli->screen.colours);
    const char *shown = dw_cli_format_safe(cli->arena, name);
    if (!dw_cli_json_true(answer->body, "dry_run"))
        print_outcome(cli, answer, "applied", "unchanged, ");
    else if (!dw_cli_json_true(answer->body, "exists"))
        printf("%s: would be applied as a new map\n", shown);
    else if (dw_cli_json_elements(dw_cli_json_member(answer->body, "changes"), cli->arena,
                                  &count) &&
             count)
        printf("%s: would be applied as a new revision\n", shown);
    else
        printf("%s: nothing would change\n", shown);
    print_changes(cli, shown, answer->body);
}

struct applied {
    const char *name; /* NULL: it did not come so far */
    bool stopped;
    int64_t sync; /* that copies rows already there; 0 none */
};

static enum dw_cli_exit must_confirm(const struct dw_cli *cli)
{
    if (!cli->options.delete_extra || cli->options.yes || cli->options.dry_run)
        return DW_CLI_DONE;
    dw_cli_print_error(cli, "DW-API-025",
                       "nothing was applied: --delete-extra needs --yes, or --dry-run");
    return DW_CLI_REFUSED;
}

static enum dw_cli_exit apply_one(struct dw_cli *cli, const char *file, struct applied *out)
{
    struct dw_map_problems problems;
    struct dw_str text = {NULL, 0};
    struct dw_cli_answer answer;
    dw_map_problems_init(&problems, cli->arena);
    const struct dw_table_map *map = dw_cli_check_read(file, cli->arena, &problems, &text);
    if (!map) {
        dw_cli_check_print(cli, &problems);
        return DW_CLI_REFUSED;
    }
    const char *name = dw_arena_copy(cli->arena, map->name).ptr;
    enum dw_cli_exit code = send_map(cli, file, name, text, &answer);
    if (code == DW_CLI_REFUSED && answer.status == 422) {
        read_problems(cli, answer.body, &problems);
        dw_cli_check_print(cli, &problems);
        return code;
    }
    if (code)
        return code;
    print_applied(cli, name, &answer);
    (void)fflush(stdout);
    *out = (struct applied){
        .name = name,
        .stopped = strcmp(dw_cli_json_text(answer.body, "state", cli->arena), "stopped") == 0,
        .sync = dw_cli_json_number(answer.body, "sync"),
    };
    return DW_CLI_DONE;
}

/* Those that are stopped are started together: parents come first. */
static enum dw_cli_exit start_applied(struct dw_cli *cli, const struct applied *applied)
{
    size_t count = 0;
    const char **names = DW_ARENA_ARRAY(cli->arena, const char *, cli->options.argument_count);
    for (size_t i = 0; i < cli->options.argument_count; i++)
        if (applied[i].name && applied[i].stopped)
            names[count++] = applied[i].name;
    return count ? dw_cli_start_maps(cli, names, count) : DW_CLI_DONE;
}

/* The files, those first whose tables others look values up in: what is applied is checked beside
 * what was applied before. Those that cannot be read come last, and say so then. */
static const char *const *in_order(struct dw_cli *cli)
{
    const struct dw_cli_options *options = &cli->options;
    const struct dw_settings no_servers = {.system_count = 0}; /* foreign keys do not matter here */
    const struct dw_map_order_edge *edges = NULL;
    const struct dw_map_order_item *items = NULL;
    const char *problem;
    size_t edge_count = 0;
    size_t count = 0;
    size_t last = options->argument_count;
    const char **files = DW_ARENA_ARRAY(cli->arena, const char *, last);
    const char **read = DW_ARENA_ARRAY(cli->arena, const char *, last);
    const struct dw_table_map **maps =
        DW_ARENA_ARRAY(cli->arena, const struct dw_table_map *, last);
    for (size_t i = 0; i < options->argument_count; i++) {
        struct dw_map_problems ignored; /* told when it is applied */
        struct dw_str text;
        dw_map_problems_init(&ignored, cli->arena);
        maps[count] = dw_cli_check_read(options->arguments[i], cli->arena, &ignored, &text);
        if (maps[count])
            read[count++] = options->arguments[i];
        else
            files[--last] = options->arguments[i];
    }
    dw_map_order_find(&no_servers, maps, count, cli->arena, &edges, &edge_count, &problem);
    dw_map_order_sort(count, edges, edge_count, cli->arena, &items);
    for (size_t i = 0; i < count; i++)
        files[i] = read[items[i].map];
    return files;
}

enum dw_cli_exit dw_cli_maps_apply(struct dw_cli *cli)
{
    const struct dw_cli_options *options = &cli->options;
    const char *const *files = in_order(cli);
    enum dw_cli_exit result = DW_CLI_DONE;
    struct applied *applied = DW_ARENA_ARRAY(cli->arena, struct applied, options->argument_count);
    for (size_t i = 0; i < options->argument_count; i++) {
        enum dw_cli_exit code = apply_one(cli, files[i], &applied[i]);
        if (code == DW_CLI_UNREACHABLE || code == DW_CLI_UNAUTHORISED)
            return code;
        result = result ? result : code;
    }
    if (is_dry(cli))
        return result ? result : must_confirm(cli);
    enum dw_cli_exit started = options->start ? start_applied(cli, applied) : DW_CLI_DONE;
    result = result ? result : started;
    for (size_t i = 0; options->wait && !result && i < options->argument_count; i++)
        if (applied[i].name && !(applied[i].stopped && options->start))
            result = dw_cli_maps_wait(cli, applied[i].name);
    for (size_t i = 0; options->wait && !result && i < options->argument_count; i++)
        if (applied[i].sync)
            result = dw_cli_progress_wait(cli, applied[i].sync);
    return result;
}

/* --- looking ---------------------------------------------------------------------------------- */

enum dw_cli_colour dw_cli_maps_colour(const char *state)
{
    if (strcmp(state, "running") == 0)
        return DW_CLI_GREEN;
    if (strcmp(state, "error") == 0)
        return DW_CLI_RED;
    return strcmp(state, "stopped") == 0 ? DW_CLI_DIM : DW_CLI_YELLOW;
}

static void write_list(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"MAP", false, true},    {"STATE", false, false}, {"REVISION", true, false},
        {"SOURCE", false, true}, {"TARGET", false, true}, {"TOPIC", false, true},
        {"REASON", false, true},
    };
    size_t count = 0;
    const struct dw_str *maps =
        dw_cli_json_elements(dw_cli_json_member(body, "maps"), cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
#define TEXT(name) dw_cli_format_safe(cli->arena, dw_cli_json_text(maps[i], name, cli->arena))
        const char *state = TEXT("state");
        dw_cli_table_add(&table, TEXT("map"), DW_CLI_PLAIN);
        dw_cli_table_add(&table, state, dw_cli_maps_colour(state));
        dw_cli_table_add(&table,
                         dw_cli_format_count(cli->arena, dw_cli_json_number(maps[i], "revision")),
                         DW_CLI_PLAIN);
        dw_cli_table_add(&table, TEXT("source_system"), DW_CLI_PLAIN);
        dw_cli_table_add(&table, TEXT("target_system"), DW_CLI_PLAIN);
        dw_cli_table_add(&table, TEXT("topic"), DW_CLI_PLAIN);
        dw_cli_table_add(&table, TEXT("reason"), DW_CLI_DIM);
#undef TEXT
    }
    dw_cli_table_render(&table, &cli->screen, out);
    dw_cli_more(cli, body, out);
}

enum dw_cli_exit dw_cli_maps_list(struct dw_cli *cli)
{
    return dw_cli_show(cli, dw_cli_page(cli, "/api/v1/maps"), write_list);
}

enum dw_cli_exit dw_cli_maps_show(struct dw_cli *cli)
{
    struct dw_cli_answer answer;
    const char *path = dw_arena_printf(cli->arena, "/api/v1/maps/%s",
                                       dw_cli_escape(cli->arena, cli->options.arguments[0]));
    enum dw_cli_exit code = dw_cli_ask(cli, "GET", path, (struct dw_str){NULL, 0}, &answer);
    if (code)
        return code;
    if (cli->options.json) {
        printf("%.*s", DW_STR_ARG(answer.body));
        return DW_CLI_DONE;
    }
    struct dw_buf text;
    dw_buf_init(&text, 64u << 20);
#define TEXT(name) dw_cli_format_safe(cli->arena, dw_cli_json_text(answer.body, name, cli->arena))
    const char *state = TEXT("state");
    dw_cli_table_paint(&text, &cli->screen, DW_CLI_BOLD, TEXT("map"));
    dw_buf_append_text(&text, ": ");
    dw_cli_table_paint(&text, &cli->screen, dw_cli_maps_colour(state), state);
    dw_buf_printf(&text, ", revision %lld, %s to %s, topic %s with %s\n",
                  (long long)dw_cli_json_number(answer.body, "revision"), TEXT("source_system"),
                  TEXT("target_system"), TEXT("topic"),
                  dw_cli_format_counted(cli->arena, dw_cli_json_number(answer.body, "partitions"),
                                        "partition", "partitions"));
    if (*TEXT("reason") || *TEXT("code"))
        dw_buf_printf(&text, "  %s%s%s\n", TEXT("code"), *TEXT("code") ? " " : "", TEXT("reason"));
#undef TEXT
    dw_buf_append_char(&text, '\n');
    dw_cli_history_write(cli, answer.body, &text);
    dw_buf_append_char(&text, '\n');
    dw_cli_json_pretty(&text, dw_cli_json_member(answer.body, "document"), 0);
    dw_buf_append_char(&text, '\n');
    dw_cli_write(&text);
    dw_buf_done(&text);
    return DW_CLI_DONE;
}

enum dw_cli_exit dw_cli_maps_rollback(struct dw_cli *cli)
{
    const char *name = cli->options.arguments[0];
    struct dw_buf body;
    struct dw_cli_answer answer;
    dw_buf_init(&body, 65536);
    dw_buf_append_char(&body, '{');
    if (cli->options.to) {
        dw_json_write_name(&body, "revision");
        dw_buf_append_text(&body, cli->options.to);
    }
    if (cli->options.reason)
        dw_json_write_text(&body, "reason", cli->options.reason);
    write_backfill(cli, &body);
    dw_buf_append_char(&body, '}');
    const char *path =
        dw_arena_printf(cli->arena, "/api/v1/maps/%s/rollback%s", dw_cli_escape(cli->arena, name),
                        is_dry(cli) ? "?dry_run=true" : "");
    enum dw_cli_exit code = dw_cli_ask(cli, "POST", path, dw_buf_str(&body), &answer);
    dw_buf_done(&body);
    if (code == DW_CLI_REFUSED && answer.status == 422) {
        struct dw_map_problems problems;
        read_problems(cli, answer.body, &problems);
        dw_cli_check_print(cli, &problems);
    }
    if (code)
        return code;
    print_applied(cli, name, &answer);
    (void)fflush(stdout);
    if (is_dry(cli) || !cli->options.wait)
        return must_confirm(cli);
    int64_t sync = dw_cli_json_number(answer.body, "sync");
    code = dw_cli_maps_wait(cli, name);
    return !code && sync ? dw_cli_progress_wait(cli, sync) : code;
}
