/* cli_check.c - map check: files against both systems and, where the reconciler answers, beside the
 * maps in force. */
#include "reconciler/cli/cli_check.h"

#include "common/base/json_write.h"
#include "common/config/text_file.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include "reconciler/maps/map_check.h"
#include "reconciler/maps/map_diff.h"
#include <stdio.h>

#define OUT_MAX_BYTES (64u << 20)

const struct dw_table_map *dw_cli_check_read(const char *file, struct dw_arena *arena,
                                             struct dw_map_problems *problems,
                                             struct dw_str *out_text)
{
    const char *fault = dw_text_file_read(file, DW_CLI_CHECK_FILE_MAX, arena, out_text);
    if (!fault)
        return dw_table_map_parse(*out_text, file, arena, problems);
    struct dw_map_problem problem = {
        .code = "DW-API-024",
        .file = dw_str_from(file),
        .message = dw_str_from(dw_arena_printf(arena, "the file cannot be read: %s", fault)),
        .remedy = dw_str_from(dw_err_find("DW-API-024")->remedy),
    };
    dw_map_problems_add(problems, &problem);
    return NULL;
}

void dw_cli_check_print(const struct dw_cli *cli, const struct dw_map_problems *problems)
{
    struct dw_buf text;
    if (!cli->options.json) {
        dw_map_problems_print(stdout, problems, cli->screen.colours);
        return;
    }
    dw_buf_init(&text, OUT_MAX_BYTES);
    dw_buf_append_text(&text, "{\"problems\":");
    dw_map_problems_write(&text, problems);
    dw_buf_append_text(&text, "}\n");
    dw_cli_write(&text);
    dw_buf_done(&text);
}

/* --- the maps in force -------------------------------------------------------------------------
 */

struct in_force { /* a map that is applied */
    const struct dw_table_map *map;
    struct dw_str document;
    const char *state;
    int64_t revision;
};

struct known {
    bool asked;      /* the reconciler has told all of them */
    const char *why; /* it has not; a line */
    struct in_force *maps;
    size_t count, capacity;
};

static void add_known(struct dw_cli *cli, struct known *known, struct dw_str item)
{
    struct dw_map_problems ignored; /* it was checked when it was applied */
    struct in_force map = {
        .document = dw_cli_json_member(item, "document"),
        .state = dw_cli_json_text(item, "state", cli->arena),
        .revision = dw_cli_json_number(item, "revision"),
    };
    dw_map_problems_init(&ignored, cli->arena);
    map.map = dw_table_map_parse(map.document, dw_cli_json_text(item, "map", cli->arena),
                                 cli->arena, &ignored);
    if (!map.map)
        return;
    if (known->count == known->capacity) {
        known->capacity = known->capacity ? known->capacity * 2 : 64;
        struct in_force *grown = DW_ARENA_ARRAY(cli->arena, struct in_force, known->capacity);
        for (size_t i = 0; i < known->count; i++)
            grown[i] = known->maps[i];
        known->maps = grown;
    }
    known->maps[known->count++] = map;
}

/* One page; *after: where the next one begins, NULL at the end. */
static enum dw_cli_exit ask_page(struct dw_cli *cli, struct known *known, const char **after)
{
    struct dw_cli_answer answer;
    size_t count = 0;
    const char *path = dw_cli_query(cli, "/api/v1/maps?documents=true", "after", *after);
    enum dw_cli_exit code = dw_cli_ask(cli, "GET", path, (struct dw_str){NULL, 0}, &answer);
    if (code)
        return code;
    const struct dw_str *maps =
        dw_cli_json_elements(dw_cli_json_member(answer.body, "maps"), cli->arena, &count);
    for (size_t i = 0; i < count; i++)
        add_known(cli, known, maps[i]);
    *after = dw_cli_json_is_null(dw_cli_json_member(answer.body, "next"))
                 ? NULL
                 : dw_cli_json_text(answer.body, "next", cli->arena);
    return DW_CLI_DONE;
}

/* Without an answer the files are checked by themselves: nothing has to run for that. */
static void ask_for_maps(struct dw_cli *cli, struct known *known)
{
    struct dw_buf errors;
    enum dw_cli_exit code = DW_CLI_DONE;
    const char *after = NULL;
    if (cli->options.offline) {
        known->why = "--offline";
        return;
    }
    bool json = cli->options.json;
    dw_buf_init(&errors, 1u << 16);
    cli->errors = &errors;
    cli->options.json = true; /* so that the message can be taken out of it */
    do
        code = ask_page(cli, known, &after);
    while (!code && after);
    cli->options.json = json;
    cli->errors = NULL;
    known->asked = !code;
    if (code)
        known->why = dw_cli_json_text(
            dw_cli_json_member(dw_arena_copy(cli->arena, dw_buf_str(&errors)), "error"), "message",
            cli->arena);
    dw_buf_done(&errors);
}

static const struct in_force *find_known(const struct known *known, struct dw_str name)
{
    for (size_t i = 0; i < known->count; i++)
        if (dw_str_equal(known->maps[i].map->name, name))
            return &known->maps[i];
    return NULL;
}

/* --- the check ---------------------------------------------------------------------------------
 */

struct check {
    struct dw_map_problems problems;
    struct dw_map_check_item *items; /* those of the files, then those in force */
    size_t file_count;               /* that could be read */
    size_t count;
    struct known known;
};

static void read_files(struct dw_cli *cli, struct check *check)
{
    size_t files = cli->options.argument_count;
    check->items = DW_ARENA_ARRAY(cli->arena, struct dw_map_check_item, files + check->known.count);
    for (size_t i = 0; i < files; i++) {
        const char *file = cli->options.arguments[i];
        struct dw_str text = {NULL, 0};
        const struct dw_table_map *map =
            dw_cli_check_read(file, cli->arena, &check->problems, &text);
        if (map)
            check->items[check->count++] =
                (struct dw_map_check_item){.map = map, .file = dw_str_from(file), .text = text};
    }
    check->file_count = check->count;
    for (size_t i = 0; i < check->known.count; i++) {
        const struct in_force *known = &check->known.maps[i];
        check->items[check->count++] =
            (struct dw_map_check_item){.map = known->map,
                                       .file = known->map->name,
                                       .applied = true,
                                       .runs = strcmp(known->state, "stopped") != 0};
    }
}

static size_t count_changes(struct dw_cli *cli, const struct in_force *known,
                            const struct dw_map_check_item *item)
{
    struct dw_map_diff diff;
    dw_map_diff_make(known->document, item->text, cli->arena, &diff);
    return diff.count;
}

static void print_known(struct dw_cli *cli, const struct check *check)
{
    if (!check->known.asked) {
        printf("not compared with the maps in force: %s\n", check->known.why);
        return;
    }
    for (size_t i = 0; i < check->file_count; i++) {
        const struct dw_map_check_item *item = &check->items[i];
        const struct in_force *known = find_known(&check->known, item->map->name);
        if (!known) {
            printf("%.*s: a new map\n", DW_STR_ARG(item->map->name));
            continue;
        }
        size_t changes = count_changes(cli, known, item);
        printf("%.*s: ", DW_STR_ARG(item->map->name));
        if (changes)
            printf("%zu %s to revision %lld in force: dualwrite map diff %.*s\n", changes,
                   dw_str_plural((int64_t)changes, "change", "changes"), (long long)known->revision,
                   DW_STR_ARG(item->file));
        else
            printf("as revision %lld in force\n", (long long)known->revision);
    }
}

static void write_known(struct dw_cli *cli, const struct check *check, struct dw_buf *out)
{
    dw_json_write_bool(out, "compared", check->known.asked);
    dw_json_write_text(out, "not_compared", check->known.why);
    dw_json_write_name(out, "maps");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; check->known.asked && i < check->file_count; i++) {
        const struct dw_map_check_item *item = &check->items[i];
        const struct in_force *known = find_known(&check->known, item->map->name);
        dw_buf_append_text(out, i ? ",{" : "{");
        dw_json_write_str(out, "map", item->map->name);
        dw_json_write_str(out, "file", item->file);
        dw_json_write_text(out, "state", known ? known->state : NULL);
        dw_json_write_i64(out, "revision", known ? known->revision : 0);
        dw_json_write_i64(out, "changes", known ? (int64_t)count_changes(cli, known, item) : 0);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

static void print_json(struct dw_cli *cli, const struct check *check)
{
    struct dw_buf text;
    dw_buf_init(&text, OUT_MAX_BYTES);
    dw_buf_append_text(&text, "{\"problems\":");
    dw_map_problems_write(&text, &check->problems);
    write_known(cli, check, &text);
    dw_buf_append_text(&text, "}\n");
    dw_cli_write(&text);
    dw_buf_done(&text);
}

static void print(struct dw_cli *cli, const struct check *check, size_t errors)
{
    size_t files = cli->options.argument_count;
    size_t warnings = check->problems.count - errors;
    dw_cli_check_print(cli, &check->problems);
    print_known(cli, check);
    printf("%zu %s checked, %zu %s, %zu %s\n", files, dw_str_plural((int64_t)files, "map", "maps"),
           errors, dw_str_plural((int64_t)errors, "problem", "problems"), warnings,
           dw_str_plural((int64_t)warnings, "warning", "warnings"));
}

enum dw_cli_exit dw_cli_check_run(struct dw_cli *cli)
{
    struct check check = {.count = 0};
    dw_map_problems_init(&check.problems, cli->arena);
    ask_for_maps(cli, &check.known);
    read_files(cli, &check);
    dw_map_check(&cli->settings, check.items, check.count, &check.problems);
    size_t errors = dw_map_problems_errors(&check.problems);
    if (cli->options.json)
        print_json(cli, &check);
    else
        print(cli, &check, errors);
    return errors ? DW_CLI_REFUSED : DW_CLI_DONE;
}
