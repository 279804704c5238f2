/* cli_letter_edit.c - dead-letter edit: another event to be replayed, from --set, a file or
 * $EDITOR. */
#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include "common/config/text_file.h"
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_json.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT_MAX (64u << 20)

static enum dw_cli_exit refuse(struct dw_cli *cli, const char *message)
{
    dw_cli_print_error(cli, "DW-API-064", message);
    return DW_CLI_REFUSED;
}

/* ---- --set ---- */

static bool is_json(struct dw_cli *cli, struct dw_str text)
{
    struct dw_json_pull pull;
    enum dw_json token;
    dw_json_pull_init(&pull, text, cli->arena);
    while ((token = dw_json_pull_next(&pull)) > DW_JSON_END) {
    }
    return token == DW_JSON_END && text.len > 0;
}

static struct dw_str row_of(struct dw_str event)
{
    struct dw_str row = dw_cli_json_member(event, "after");
    return dw_cli_json_is_null(row) ? dw_cli_json_member(event, "before") : row;
}

/* The value as the event would have it. `own` is what the letter's own event has there, whatever
 * was edited since: where that is text, so is what is given, but for null and what stands in
 * quotes. */
static void write_value(struct dw_cli *cli, struct dw_str own, struct dw_str value,
                        struct dw_buf *out)
{
    bool is_text = own.len && own.ptr[0] == '"';
    bool says = dw_str_is(value, "null") || (value.len && value.ptr[0] == '"');
    bool raw = (says || !is_text) && is_json(cli, value);
    if (raw)
        dw_buf_append_str(out, value);
    else
        dw_json_write_string(out, value);
}

/* `event` with one column of its row set; NULL: it has no row. `own`: of the letter. */
static const char *set_column(struct dw_cli *cli, const char *event, struct dw_str own,
                              struct dw_str name, struct dw_str value)
{
    struct dw_str all = dw_str_from(event);
    struct dw_str row = row_of(all);
    const char *column = dw_arena_copy(cli->arena, name).ptr;
    if (dw_cli_json_is_null(row) || row.ptr[0] != '{')
        return NULL;
    struct dw_buf text;
    dw_buf_init(&text, EVENT_MAX);
    struct dw_str old = dw_cli_json_member(row, column);
    const char *until = old.ptr ? old.ptr : row.ptr + row.len - 1;
    dw_buf_append(&text, all.ptr, (size_t)(until - all.ptr));
    if (!old.ptr) {
        dw_buf_append_text(&text, row.len > 2 ? "," : "");
        dw_json_write_string(&text, name);
        dw_buf_append_char(&text, ':');
    }
    write_value(cli, dw_cli_json_member(row_of(own), column), value, &text);
    const char *rest = old.ptr ? old.ptr + old.len : until;
    dw_buf_append(&text, rest, (size_t)(all.ptr + all.len - rest));
    const char *copy = dw_arena_copy(cli->arena, dw_buf_str(&text)).ptr;
    dw_buf_done(&text);
    return copy;
}

static enum dw_cli_exit set_columns(struct dw_cli *cli, const char *event, struct dw_str own,
                                    const char **out)
{
    for (size_t i = 0; i < cli->options.set_count; i++) {
        const char *pair = cli->options.sets[i];
        const char *equals = strchr(pair, '=');
        if (!equals || equals == pair) {
            dw_cli_print_error(
                cli, "DW-API-064",
                dw_arena_printf(cli->arena, "--set takes COLUMN=VALUE, not %s", pair));
            return DW_CLI_USAGE;
        }
        event = set_column(cli, event, own, (struct dw_str){pair, (size_t)(equals - pair)},
                           dw_str_from(equals + 1));
        if (!event)
            return refuse(cli, "the event has no row whose columns could be set: use --file");
    }
    *out = event;
    return DW_CLI_DONE;
}

/* ---- a file, an editor ---- */

static enum dw_cli_exit read_file(struct dw_cli *cli, const char *path, const char **out)
{
    struct dw_str text;
    const char *why = dw_text_file_read(path, EVENT_MAX, cli->arena, &text);
    if (why)
        return refuse(cli, dw_arena_printf(cli->arena, "%s: %s", path, why));
    if (!is_json(cli, text))
        return refuse(cli, dw_arena_printf(cli->arena, "%s is no JSON", path));
    *out = text.ptr;
    return DW_CLI_DONE;
}

static bool run_editor(const char *editor, const char *path)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        /* An editor may come with options, as a shell would read them. */
        char command[] = "exec $DW_EDITOR_COMMAND \"$1\"";
        char shell[] = "sh";
        char flag[] = "-c";
        char *copy = strdup(path);
        char *const arguments[] = {shell, flag, command, shell, copy, NULL};
        if (copy && setenv("DW_EDITOR_COMMAND", editor, 1) == 0)
            (void)execv("/bin/sh", arguments);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static bool write_file(int fd, const struct dw_buf *text)
{
    size_t done = 0;
    while (done < text->len) {
        ssize_t written = write(fd, text->data + done, text->len - done);
        if (written <= 0)
            return false;
        done += (size_t)written;
    }
    return true;
}

static enum dw_cli_exit use_editor(struct dw_cli *cli, const char *event, const char **out,
                                   const char **out_path)
{
    const char *editor = getenv("VISUAL");
    const char *folder = getenv("TMPDIR");
    struct dw_buf text;
    if (!editor || !*editor)
        editor = getenv("EDITOR");
    if (!editor || !*editor)
        return refuse(cli, "neither VISUAL nor EDITOR is set: use --set COLUMN=VALUE or --file");
    char *path = dw_arena_printf(cli->arena, "%s/dualwrite-letter-%s-XXXXXX",
                                 folder && *folder ? folder : "/tmp", cli->options.arguments[0]);
    int fd = mkstemp(path); /* for its owner alone: rows are in it */
    if (fd < 0)
        return refuse(cli, dw_arena_printf(cli->arena, "%s cannot be made", path));
    dw_buf_init(&text, EVENT_MAX);
    dw_cli_json_pretty(&text, dw_str_from(event), 0);
    dw_buf_append_char(&text, '\n');
    bool written = write_file(fd, &text);
    dw_buf_done(&text);
    (void)close(fd);
    if (!written || !run_editor(editor, path)) {
        (void)unlink(path);
        return refuse(cli, dw_arena_printf(cli->arena,
                                           "%s ended with an error: nothing was changed", editor));
    }
    *out_path = path;
    return read_file(cli, path, out);
}

/* ---- the command ---- */

static enum dw_cli_exit find_event(struct dw_cli *cli, struct dw_str letter, const char **out,
                                   const char **out_path)
{
    const char *name = dw_cli_json_true(letter, "edited") ? "edited_value" : "value";
    struct dw_str event = dw_cli_json_member(letter, name);
    if (cli->options.undo) {
        *out = "null";
        return DW_CLI_DONE;
    }
    if (cli->options.file)
        return read_file(cli, cli->options.file, out);
    if (dw_cli_json_is_null(event))
        return refuse(cli, "the letter has no value to be edited: use --file, or replay it with "
                           "--source-row");
    const char *text = dw_arena_copy(cli->arena, event).ptr;
    return cli->options.set_count ? set_columns(cli, text, dw_cli_json_member(letter, "value"), out)
                                  : use_editor(cli, text, out, out_path);
}

enum dw_cli_exit dw_cli_letter_edit_run(struct dw_cli *cli)
{
    struct dw_cli_answer answer;
    struct dw_buf body;
    const char *event = NULL;
    const char *file = NULL;
    const char *path = dw_arena_printf(cli->arena, "/api/v1/dead-letters/%s",
                                       dw_cli_escape(cli->arena, cli->options.arguments[0]));
    enum dw_cli_exit code = dw_cli_ask(cli, "GET", path, (struct dw_str){NULL, 0}, &answer);
    if (!code)
        code = find_event(cli, answer.body, &event, &file);
    if (code)
        return code;
    dw_buf_init(&body, EVENT_MAX);
    dw_buf_printf(&body, "{\"event\":%s}", event);
    code = dw_cli_ask(cli, "PUT", dw_arena_printf(cli->arena, "%s/event", path), dw_buf_str(&body),
                      &answer);
    dw_buf_done(&body);
    if (code && file)
        (void)fprintf(stderr, "  what was written is kept in %s (use it with --file)\n", file);
    if (code)
        return code;
    if (file)
        (void)unlink(file);
    if (cli->options.json) {
        printf("%.*s", DW_STR_ARG(answer.body));
    } else {
        printf("dead letter %s: %s; `dualwrite dead-letter replay %s` replays it\n",
               cli->options.arguments[0],
               cli->options.undo ? "its own event again"
                                 : "the edited event is kept beside its own",
               cli->options.arguments[0]);
        (void)fflush(stdout);
        dw_cli_letters_print_now(cli, path);
    }
    return DW_CLI_DONE;
}
