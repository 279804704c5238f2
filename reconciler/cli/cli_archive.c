/* cli_archive.c - dead-letter export and import: lines of JSON, a page at a time. */
#include "common/base/clock.h"
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BODY_MAX   (64u << 20)
#define BODY_BYTES (4u << 20) /* of a request, about */
#define LINES_MAX  500
#define REPEAT_MS  500

static enum dw_cli_exit refuse_file(struct dw_cli *cli, const char *path, const char *what)
{
    char text[128];
    dw_cli_print_error(cli, "DW-API-066",
                       dw_arena_printf(cli->arena, "%s %s: %s", path, what,
                                       dw_err_errno_text(errno, text, sizeof text)));
    return DW_CLI_REFUSED;
}

struct teller { /* on a terminal: how far it is, on standard error */
    bool tells;
    int64_t told_ms;
};

static void tell(struct dw_cli *cli, struct teller *teller, const char *what, int64_t count,
                 bool last)
{
    int64_t now = dw_clock_mono_ms();
    if (!teller->tells || (!last && now - teller->told_ms < REPEAT_MS))
        return;
    teller->told_ms = now;
    (void)fprintf(stderr, "\r\x1b[K%s %s%s",
                  dw_cli_format_counted(cli->arena, count, "dead letter", "dead letters"), what,
                  last ? "\n" : "");
}

/* ---- export ---- */

static enum dw_cli_exit write_pages(struct dw_cli *cli, FILE *file, int64_t *out_count)
{
    struct teller teller = {.tells = isatty(STDERR_FILENO) && file != stdout};
    struct dw_arena *outer = cli->arena;
    struct dw_arena arena; /* of a page */
    int64_t next = 0;
    enum dw_cli_exit code = DW_CLI_DONE;
    dw_arena_init(&arena, 1u << 16);
    cli->arena = &arena;
    do {
        struct dw_cli_answer answer;
        size_t count = 0;
        dw_arena_reset(&arena);
        const char *path = dw_cli_letters_query(cli, "/api/v1/dead-letters/export?limit=1000");
        path = dw_cli_query(cli, path, "after",
                            next ? dw_arena_printf(&arena, "%lld", (long long)next) : NULL);
        code = dw_cli_ask(cli, "GET", path, (struct dw_str){NULL, 0}, &answer);
        if (code)
            break;
        const struct dw_str *lines =
            dw_cli_json_elements(dw_cli_json_member(answer.body, "letters"), &arena, &count);
        for (size_t i = 0; i < count; i++)
            (void)fprintf(file, "%.*s\n", DW_STR_ARG(lines[i])); /* ferror tells */
        *out_count += (int64_t)count;
        next = dw_cli_json_number(answer.body, "next");
        tell(cli, &teller, "written", *out_count, !next);
    } while (next && !ferror(file));
    cli->arena = outer;
    dw_arena_done(&arena);
    return code;
}

enum dw_cli_exit dw_cli_archive_export(struct dw_cli *cli)
{
    const char *path = cli->options.file;
    int64_t count = 0;
    FILE *file = stdout;
    if (path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* rows are in it */
        file = fd < 0 ? NULL : fdopen(fd, "w");
        if (!file)
            return refuse_file(cli, path, "cannot be made");
    }
    enum dw_cli_exit code = write_pages(cli, file, &count);
    bool written = fflush(file) == 0 && !ferror(file);
    if (path)
        written = fsync(fileno(file)) == 0 && fclose(file) == 0 && written;
    if (!code && !written)
        code = refuse_file(cli, path ? path : "standard output", "cannot be written");
    if (code && path)
        (void)unlink(path); /* half of it would be taken for all */
    if (!code && path && !cli->options.json)
        printf("%s written to %s\n",
               dw_cli_format_counted(cli->arena, count, "dead letter", "dead letters"), path);
    return code;
}

/* ---- import ---- */

struct import {
    struct dw_cli *cli;
    struct dw_buf body;
    size_t lines;
    int64_t loaded, known;
};

static enum dw_cli_exit send(struct import *import)
{
    struct dw_cli_answer answer;
    if (!import->lines)
        return DW_CLI_DONE;
    dw_buf_append_text(&import->body, "]}");
    enum dw_cli_exit code = dw_cli_ask(import->cli, "POST", "/api/v1/dead-letters/import",
                                       dw_buf_str(&import->body), &answer);
    if (!code) {
        import->loaded += dw_cli_json_number(answer.body, "loaded");
        import->known += dw_cli_json_number(answer.body, "known");
    }
    dw_buf_reset(&import->body, BODY_BYTES);
    import->lines = 0;
    return code;
}

static enum dw_cli_exit read_lines(struct import *import, FILE *file)
{
    struct teller teller = {.tells = isatty(STDERR_FILENO)};
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    enum dw_cli_exit code = DW_CLI_DONE;
    while (!code && (len = getline(&line, &capacity, file)) > 0) {
        while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        if (!len)
            continue;
        dw_buf_append_text(&import->body, import->lines++ ? "," : "{\"letters\":[");
        dw_buf_append(&import->body, line, (size_t)len);
        if (import->lines == LINES_MAX || import->body.len > BODY_BYTES)
            code = send(import);
        tell(import->cli, &teller, "loaded", import->loaded, false);
    }
    free(line);
    return code ? code : send(import);
}

enum dw_cli_exit dw_cli_archive_import(struct dw_cli *cli)
{
    struct import import = {.cli = cli};
    enum dw_cli_exit code = DW_CLI_DONE;
    dw_buf_init(&import.body, BODY_MAX);
    for (size_t i = 0; i < cli->options.argument_count && !code; i++) {
        const char *path = cli->options.arguments[i];
        FILE *file = fopen(path, "re");
        if (!file) {
            code = refuse_file(cli, path, "cannot be read");
            break;
        }
        code = read_lines(&import, file);
        (void)fclose(file); /* it was only read */
    }
    dw_buf_done(&import.body);
    if (cli->options.json && !code)
        printf("{\"loaded\":%lld,\"known\":%lld}\n", (long long)import.loaded,
               (long long)import.known);
    else if (!cli->options.json && (!code || import.loaded || import.known))
        printf("%s loaded, %s there already\n",
               dw_cli_format_counted(cli->arena, import.loaded, "dead letter", "dead letters"),
               dw_cli_format_counted(cli->arena, import.known, "was", "were"));
    return code;
}
