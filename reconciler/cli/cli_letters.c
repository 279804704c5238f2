/* cli_letters.c - dead-letter list and show. */
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX (128u << 20)

#define GROUPS_FROM    30  /* letters: on a terminal the list is folded */
#define SIDE_LINES     6   /* of a value beside others */
#define SIDE_WIDTH     100 /* cells, where nothing says how wide */
#define SIDE_WIDTH_MIN 40  /* less is taken for none */

static const char *number_text(struct dw_cli *cli, int64_t number)
{
    return number < 0 ? NULL : dw_arena_printf(cli->arena, "%lld", (long long)number);
}

const char *dw_cli_letters_query(struct dw_cli *cli, const char *path)
{
    const struct dw_cli_options *options = &cli->options;
    path = dw_cli_query(cli, path, "map", options->map);
    path = dw_cli_query(cli, path, "state", options->state);
    path = dw_cli_query(cli, path, "code", options->code);
    path = dw_cli_query(cli, path, "class", options->class_name);
    path = dw_cli_query(cli, path, "column", options->column);
    path = dw_cli_query(cli, path, "text", options->text);
    path = dw_cli_query(cli, path, "key", options->key_count ? options->keys[0] : NULL);
    path = dw_cli_query(cli, path, "older_seconds", number_text(cli, options->older_seconds));
    return dw_cli_query(cli, path, "newer_seconds", number_text(cli, options->newer_seconds));
}

/* A key on one line: the values of a JSON object's members are enough. */
static const char *short_text(struct dw_cli *cli, struct dw_str raw)
{
    return dw_cli_format_safe(cli->arena, raw.ptr ? dw_arena_copy(cli->arena, raw).ptr : "");
}

static enum dw_cli_colour letter_colour(const char *state)
{
    if (strcmp(state, "open") == 0)
        return DW_CLI_RED;
    return strcmp(state, "unconfirmed") == 0 ? DW_CLI_YELLOW : DW_CLI_DIM;
}

static void add_letter(struct dw_cli *cli, struct dw_cli_table *table, struct dw_str letter)
{
#define TEXT(name) dw_cli_format_safe(cli->arena, dw_cli_json_text(letter, name, cli->arena))
    const char *at = TEXT("failed_at");
    if (!*at)
        at = TEXT("indexed_at");
    dw_cli_table_add(
        table, dw_arena_printf(cli->arena, "%lld", (long long)dw_cli_json_number(letter, "id")),
        DW_CLI_BOLD);
    dw_cli_table_add(table, dw_arena_printf(cli->arena, "%.19sZ", at), DW_CLI_DIM);
    dw_cli_table_add(table, TEXT("state"), letter_colour(TEXT("state")));
    dw_cli_table_add(table, TEXT("map"), DW_CLI_PLAIN);
    dw_cli_table_add(table, TEXT("code"), DW_CLI_PLAIN);
    dw_cli_table_add(table, short_text(cli, dw_cli_json_member(letter, "key")), DW_CLI_PLAIN);
    dw_cli_table_add(table, TEXT("message"), DW_CLI_PLAIN);
#undef TEXT
}

/* Without --state those are meant that have not ended. */
static void write_none(struct dw_cli *cli, struct dw_buf *out)
{
    dw_buf_append_text(out, cli->options.state ? "no dead letters\n"
                                               : "no open dead letters (--state all shows those "
                                                 "that have ended, too)\n");
}

static void write_letters(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"ID", true, false},     {"FAILED", false, false}, {"STATE", false, false},
        {"MAP", false, true},    {"CODE", false, false},   {"KEY", false, true},
        {"REASON", false, true},
    };
    size_t count = 0;
    const struct dw_str *letters =
        dw_cli_json_elements(dw_cli_json_member(body, "dead_letters"), cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++)
        add_letter(cli, &table, letters[i]);
    if (count)
        dw_cli_table_render(&table, &cli->screen, out);
    else
        write_none(cli, out);
    dw_cli_more(cli, body, out);
}

static void add_group(struct dw_cli *cli, struct dw_cli_table *table, struct dw_str group)
{
#define TEXT(name) dw_cli_format_safe(cli->arena, dw_cli_json_text(group, name, cli->arena))
    dw_cli_table_add(table, dw_cli_format_count(cli->arena, dw_cli_json_number(group, "count")),
                     DW_CLI_BOLD);
    dw_cli_table_add(table, TEXT("state"), letter_colour(TEXT("state")));
    dw_cli_table_add(table, TEXT("map"), DW_CLI_PLAIN);
    dw_cli_table_add(table, TEXT("code"), DW_CLI_PLAIN);
    dw_cli_table_add(table, TEXT("column"), DW_CLI_PLAIN);
    dw_cli_table_add(table, dw_arena_printf(cli->arena, "%.19sZ", TEXT("last_failed_at")),
                     DW_CLI_DIM);
    dw_cli_table_add(
        table, dw_arena_printf(cli->arena, "%lld", (long long)dw_cli_json_number(group, "newest")),
        DW_CLI_PLAIN);
    dw_cli_table_add(table, TEXT("message"), DW_CLI_PLAIN);
#undef TEXT
}

static void write_groups(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"LETTERS", true, false}, {"STATE", false, false},     {"MAP", false, true},
        {"CODE", false, false},   {"COLUMN", false, true},     {"LAST FAILED", false, false},
        {"NEWEST", true, false},  {"ITS REASON", false, true},
    };
    size_t count = 0;
    const struct dw_str *groups =
        dw_cli_json_elements(dw_cli_json_member(body, "groups"), cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++)
        add_group(cli, &table, groups[i]);
    if (count)
        dw_cli_table_render(&table, &cli->screen, out);
    else
        write_none(cli, out);
    if (count > 1)
        dw_buf_printf(out, "%s of %zu causes\n",
                      dw_cli_format_counted(cli->arena, dw_cli_json_number(body, "letters"),
                                            "letter", "letters"),
                      count);
}

static const char *groups_path(struct dw_cli *cli)
{
    const char *path = "/api/v1/dead-letters/groups";
    if (cli->options.limit)
        path = dw_cli_query(cli, path, "limit", number_text(cli, cli->options.limit));
    return dw_cli_letters_query(cli, path);
}

/* On a terminal: are there so many that a line for each cause tells more? */
static enum dw_cli_exit find_many(struct dw_cli *cli, bool *out_many)
{
    struct dw_cli_answer answer;
    const struct dw_cli_options *options = &cli->options;
    *out_many = options->group;
    if (options->group || options->each || options->json || options->limit || options->after ||
        !cli->screen.width)
        return DW_CLI_DONE;
    enum dw_cli_exit code =
        dw_cli_ask(cli, "GET", groups_path(cli), (struct dw_str){NULL, 0}, &answer);
    *out_many = !code && dw_cli_json_number(answer.body, "letters") >= GROUPS_FROM;
    return code;
}

enum dw_cli_exit dw_cli_letters_list(struct dw_cli *cli)
{
    bool many = false;
    enum dw_cli_exit code = find_many(cli, &many);
    if (code)
        return code;
    if (many)
        return dw_cli_show(cli, groups_path(cli), write_groups);
    return dw_cli_show(cli, dw_cli_letters_query(cli, dw_cli_page(cli, "/api/v1/dead-letters")),
                       write_letters);
}

enum dw_cli_exit dw_cli_letters_stats(struct dw_cli *cli)
{
    if (!cli->options.state)
        cli->options.state = "all";
    return dw_cli_show(cli, groups_path(cli), write_groups);
}

static void write_line(struct dw_cli *cli, struct dw_buf *out, const char *title,
                       struct dw_str letter, const char *name)
{
    struct dw_str raw = dw_cli_json_member(letter, name);
    const char *text = dw_cli_json_text(letter, name, cli->arena);
    if (!*text && raw.ptr && raw.ptr[0] != '"' && !dw_cli_json_is_null(raw))
        text = dw_arena_copy(cli->arena, raw).ptr; /* a number */
    if (*text)
        dw_buf_printf(out, "  %-12s %s\n", title, dw_cli_format_safe(cli->arena, text));
}

static void write_value(struct dw_cli *cli, struct dw_buf *out, const char *title,
                        struct dw_str letter, const char *name)
{
    struct dw_str raw = dw_cli_json_member(letter, name);
    dw_buf_append_char(out, '\n');
    dw_cli_table_paint(out, &cli->screen, DW_CLI_BOLD, title);
    dw_buf_append_text(out, "\n  ");
    if (dw_cli_json_is_null(raw))
        dw_buf_append_text(out, "none");
    else
        dw_cli_json_pretty(out, raw, 1);
    dw_buf_append_char(out, '\n');
}

static void write_remedy(struct dw_cli *cli, struct dw_buf *out, const char *code)
{
    const struct dw_err_info *info = dw_err_find(code);
    if (!info)
        return;
    dw_buf_append_char(out, '\n');
    dw_cli_table_paint(out, &cli->screen, DW_CLI_BOLD, info->title);
    dw_buf_printf(out, "\n  cause:  %s\n  remedy: %s\n", info->cause, info->remedy);
}

static void write_letter(struct dw_cli *cli, struct dw_str letter, struct dw_buf *out)
{
    static const char *const lines[][2] = {
        {"reason", "message"},    {"code", "code"},           {"class", "class"},
        {"SQLSTATE", "sqlstate"}, {"column", "column"},       {"map", "map"},
        {"revision", "revision"}, {"system", "system"},       {"version", "version"},
        {"topic", "topic"},       {"partition", "partition"}, {"offset", "offset"},
        {"stage", "stage"},       {"attempts", "attempts"},   {"first failed", "first_failed_at"},
        {"failed", "failed_at"},  {"indexed", "indexed_at"},  {"worker", "instance"},
        {"since", "state_at"},    {"ended by", "ended_by"},   {"last try", "verdict"},
    };
    const char *state = dw_cli_json_text(letter, "state", cli->arena);
    dw_cli_table_paint(out, &cli->screen, DW_CLI_BOLD,
                       dw_arena_printf(cli->arena, "dead letter %lld",
                                       (long long)dw_cli_json_number(letter, "id")));
    dw_buf_append_text(out, ": ");
    dw_cli_table_paint(out, &cli->screen, letter_colour(state), state);
    dw_buf_append_char(out, '\n');
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        write_line(cli, out, lines[i][0], letter, lines[i][1]);
    write_remedy(cli, out, dw_cli_json_text(letter, "code", cli->arena));
    write_value(cli, out, "key", letter, "key");
    write_value(cli, out, "event", letter, "value");
    if (dw_cli_json_true(letter, "edited")) {
        const char *title = dw_arena_printf(
            cli->arena, "event as edited by %s",
            dw_cli_format_safe(cli->arena, dw_cli_json_text(letter, "edited_by", cli->arena)));
        write_value(cli, out, title, letter, "edited_value");
    }
}

static const char *side_text(struct dw_cli *cli, struct dw_str column, const char *name)
{
    if (dw_cli_json_is_null(dw_cli_json_member(column, name)))
        return "-";
    return dw_cli_format_safe(cli->arena, dw_cli_json_text(column, name, cli->arena));
}

/* Values of any length side by side need a width where there is no terminal, too. */
static struct dw_cli_screen side_screen(const struct dw_cli *cli)
{
    struct dw_cli_screen screen = cli->screen;
    const char *columns = getenv("COLUMNS");
    int wanted = columns ? atoi(columns) : 0;
    if (!screen.width)
        screen.width = wanted < SIDE_WIDTH_MIN ? SIDE_WIDTH : wanted;
    return screen;
}

/* The event, what the map makes of it, and both rows of now. */
static void write_columns(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"", false, false},          {"COLUMN", false, true},     {"EVENT", false, true},
        {"BY THE MAP", false, true}, {"SOURCE NOW", false, true}, {"TARGET NOW", false, true},
    };
    static const char *const sides[] = {"event", "mapped", "source_now", "target_now"};
    size_t count = 0;
    const struct dw_str *cells =
        dw_cli_json_elements(dw_cli_json_member(body, "columns"), cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    table.lines = SIDE_LINES;
    for (size_t i = 0; i < count; i++) {
        bool failed = dw_cli_json_true(cells[i], "failed");
        enum dw_cli_colour colour = failed ? DW_CLI_RED : DW_CLI_PLAIN;
        dw_cli_table_add(&table, failed ? ">" : "", colour);
        dw_cli_table_add(&table, side_text(cli, cells[i], "target"), colour);
        for (size_t s = 0; s < sizeof sides / sizeof *sides; s++)
            dw_cli_table_add(&table, side_text(cli, cells[i], sides[s]), colour);
    }
    dw_buf_append_char(out, '\n');
    if (count) {
        struct dw_cli_screen screen = side_screen(cli);
        dw_cli_table_render(&table, &screen, out);
    }
}

/* What a replay would come to. */
static void write_now(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const char *const words[][2] = {
        {"apply", "a replay would be applied"},
        {"fail", "a replay would fail again"},
        {"filter", "a replay would change nothing"},
        {"superseded", "a replay would change nothing"},
        {"read_row", "a replay would have the source's row read again"},
        {"unknown", "whether a replay would be applied is not known"},
    };
    const char *would = dw_cli_json_text(body, "would", cli->arena);
    const char *message = dw_cli_json_text(body, "message", cli->arena);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], would) == 0)
            dw_buf_printf(out, "now: %s%s%s\n", words[i][1], *message ? ": " : "",
                          dw_cli_format_safe(cli->arena, message));
}

static void write_compared(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    const char *rows[] = {dw_cli_json_text(body, "source_row", cli->arena),
                          dw_cli_json_text(body, "target_row", cli->arena)};
    write_columns(cli, body, out);
    for (size_t i = 0; i < 2; i++)
        if (*rows[i] && strcmp(rows[i], "there") != 0)
            dw_buf_printf(out, "the %s's row: %s\n", i ? "target" : "source",
                          dw_cli_format_safe(cli->arena, rows[i]));
    write_now(cli, body, out);
}

/* The comparison is worth a line where it cannot be had. */
static void print_compared(struct dw_cli *cli, const char *path,
                           void (*write)(struct dw_cli *, struct dw_str, struct dw_buf *))
{
    struct dw_cli_answer answer;
    struct dw_buf out;
    struct dw_buf errors;
    dw_buf_init(&out, TEXT_MAX);
    dw_buf_init(&errors, TEXT_MAX);
    cli->errors = &errors;
    enum dw_cli_exit code = dw_cli_ask(cli, "GET", dw_arena_printf(cli->arena, "%s/compare", path),
                                       (struct dw_str){NULL, 0}, &answer);
    cli->errors = NULL;
    if (!code)
        write(cli, answer.body, &out);
    else
        dw_buf_printf(&out, "\nnot compared with the rows of now: %.*s",
                      DW_STR_ARG(dw_buf_str(&errors)));
    dw_cli_write(&out);
    dw_buf_done(&errors);
    dw_buf_done(&out);
}

enum dw_cli_exit dw_cli_letters_show(struct dw_cli *cli)
{
    const char *path = dw_arena_printf(cli->arena, "/api/v1/dead-letters/%s",
                                       dw_cli_escape(cli->arena, cli->options.arguments[0]));
    enum dw_cli_exit code = dw_cli_show(cli, path, write_letter);
    if (!code && !cli->options.json)
        print_compared(cli, path, write_compared);
    return code;
}

void dw_cli_letters_print_now(struct dw_cli *cli, const char *path)
{
    print_compared(cli, path, write_now);
}

/* Of a code, or of the code that a letter has. */
enum dw_cli_exit dw_cli_letters_explain(struct dw_cli *cli)
{
    const char *what = cli->options.arguments[0];
    struct dw_cli_answer answer;
    struct dw_err err = DW_ERR_INIT;
    if (*what < '0' || *what > '9')
        return dw_cli_explain_run(cli);
    if (dw_settings_load(cli->options.config, cli->arena, &cli->settings, &err) != DW_OK) {
        dw_cli_print_error(cli, err.id, err.message);
        return DW_CLI_USAGE;
    }
    const char *path =
        dw_arena_printf(cli->arena, "/api/v1/dead-letters/%s", dw_cli_escape(cli->arena, what));
    enum dw_cli_exit code = dw_cli_ask(cli, "GET", path, (struct dw_str){NULL, 0}, &answer);
    if (code)
        return code;
    const char *reason = dw_cli_json_text(answer.body, "message", cli->arena);
    if (!cli->options.json)
        printf("%s\n\n", dw_cli_format_safe(cli->arena, reason));
    const char **arguments = DW_ARENA_ARRAY(cli->arena, const char *, 1);
    arguments[0] = dw_cli_json_text(answer.body, "code", cli->arena);
    cli->options.arguments = arguments;
    return dw_cli_explain_run(cli);
}
