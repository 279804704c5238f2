/* cli.c - see cli.h. */
#include "reconciler/cli/cli.h"

#include "common/base/json_write.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include <stdio.h>

#define SHOWN_MAX (128u << 20) /* bytes; an answer and its table */

void dw_cli_write(const struct dw_buf *text)
{
    /* A reader that has gone (| head) is no error worth a word. */
    (void)fwrite(text->data, 1, text->len, stdout);
    (void)fflush(stdout);
}

static void write_error_json(struct dw_buf *out, const char *code, const char *message,
                             const char *remedy)
{
    dw_buf_append_text(out, "{\"error\":{");
    dw_json_write_text(out, "code", code);
    dw_json_write_text(out, "message", message);
    dw_json_write_text(out, "remedy", remedy);
    dw_buf_append_text(out, "}}\n");
}

static void write_error(const struct dw_cli *cli, struct dw_buf *out, const char *code,
                        const char *message, const char *remedy)
{
    struct dw_cli_screen screen = {.colours = cli->error_colours};
    dw_cli_table_paint(out, &screen, DW_CLI_RED, "error");
    dw_buf_printf(out, ": %s", dw_cli_format_safe(cli->arena, message));
    if (*code)
        dw_buf_printf(out, " (%s)", dw_cli_format_safe(cli->arena, code));
    dw_buf_append_char(out, '\n');
    if (*remedy)
        dw_buf_printf(out, "  %s\n", remedy);
}

void dw_cli_print_error(const struct dw_cli *cli, const char *code, const char *message)
{
    const struct dw_err_info *info = dw_err_find(code);
    const char *remedy = info ? info->remedy : "";
    struct dw_buf text;
    dw_buf_init(&text, 1u << 16);
    if (cli->options.json)
        write_error_json(&text, code, message, remedy);
    else
        write_error(cli, &text, code, message, remedy);
    if (cli->errors)
        dw_buf_append_str(cli->errors, dw_buf_str(&text));
    else
        (void)fwrite(text.data, 1, text.len, stderr);
    dw_buf_done(&text);
}

const char *dw_cli_escape(struct dw_arena *arena, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char *out = dw_arena_alloc(arena, 3 * strlen(text) + 1);
    char *at = out;
    for (const char *c = text; *c; c++) {
        if (strchr(plain, *c)) {
            *at++ = *c;
            continue;
        }
        *at++ = '%';
        *at++ = digits[(unsigned char)*c >> 4];
        *at++ = digits[(unsigned char)*c & 15];
    }
    *at = '\0';
    return out;
}

const char *dw_cli_query(struct dw_cli *cli, const char *path, const char *name, const char *value)
{
    if (!value)
        return path;
    return dw_arena_printf(cli->arena, "%s%c%s=%s", path, strchr(path, '?') ? '&' : '?', name,
                           dw_cli_escape(cli->arena, value));
}

const char *dw_cli_page(struct dw_cli *cli, const char *path)
{
    const struct dw_cli_options *options = &cli->options;
    if (options->limit)
        path = dw_cli_query(cli, path, "limit",
                            dw_arena_printf(cli->arena, "%lld", (long long)options->limit));
    return dw_cli_query(cli, path, "after", options->after);
}

void dw_cli_more(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    struct dw_str next = dw_cli_json_member(body, "next");
    if (!next.ptr || dw_cli_json_is_null(next))
        return;
    const char *text = next.ptr[0] == '"' ? dw_cli_json_text(body, "next", cli->arena)
                                          : dw_arena_copy(cli->arena, next).ptr;
    dw_buf_printf(out, "more: --after %s\n", dw_cli_format_safe(cli->arena, text));
}

/* An answer that is not 2xx: its own code and message where it has them. */
static enum dw_cli_exit refuse(const struct dw_cli *cli, const struct dw_cli_answer *answer)
{
    struct dw_str error = dw_cli_json_member(answer->body, "error");
    const char *code = dw_cli_json_text(error, "code", cli->arena);
    const char *message = dw_cli_json_text(error, "message", cli->arena);
    if (answer->status == 401) {
        const char *token = cli->settings.reconciler.token;
        dw_cli_print_error(
            cli, "DW-API-021",
            dw_arena_printf(cli->arena, "the reconciler at %s %s", cli->settings.reconciler.url,
                            token && *token ? "refuses the token"
                                            : "wants a token, and none is set here"));
        return DW_CLI_UNAUTHORISED;
    }
    if (!*message) {
        dw_cli_print_error(cli, "DW-API-022",
                           dw_arena_printf(cli->arena, "%s answers %ld without a reason",
                                           cli->settings.reconciler.url, answer->status));
        return DW_CLI_UNREACHABLE;
    }
    dw_cli_print_error(cli, code, message);
    if (answer->status == 403)
        return DW_CLI_UNAUTHORISED;
    return answer->status == 503 ? DW_CLI_UNREACHABLE : DW_CLI_REFUSED;
}

enum dw_cli_exit dw_cli_ask(struct dw_cli *cli, const char *method, const char *path,
                            struct dw_str body, struct dw_cli_answer *out)
{
    struct dw_err err = DW_ERR_INIT;
    enum dw_rc rc = DW_OK;
    if (!cli->client)
        rc = dw_cli_client_open(&cli->client, &cli->settings.reconciler, &err);
    if (!rc)
        rc = dw_cli_client_send(cli->client, method, path, body, cli->arena, out, &err);
    if (rc) {
        dw_cli_print_error(cli, err.id, err.message);
        return DW_CLI_UNREACHABLE;
    }
    if (out->status == 422 && dw_cli_json_member(out->body, "problems").ptr)
        return DW_CLI_REFUSED; /* of a map file: the caller shows each beside its line */
    if (out->status < 200 || out->status > 299)
        return refuse(cli, out);
    return DW_CLI_DONE;
}

enum dw_cli_exit dw_cli_show(struct dw_cli *cli, const char *path,
                             void (*write)(struct dw_cli *cli, struct dw_str body,
                                           struct dw_buf *out))
{
    struct dw_cli_answer answer;
    enum dw_cli_exit code = dw_cli_ask(cli, "GET", path, (struct dw_str){NULL, 0}, &answer);
    if (code)
        return code;
    struct dw_buf text;
    dw_buf_init(&text, SHOWN_MAX);
    if (cli->options.json)
        dw_buf_append_str(&text, answer.body);
    else
        write(cli, answer.body, &text);
    dw_cli_write(&text);
    dw_buf_done(&text);
    return DW_CLI_DONE;
}

static void explain_json(struct dw_buf *out, const struct dw_err_info *info)
{
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "code", info->id);
    dw_json_write_text(out, "title", info->title);
    dw_json_write_text(out, "cause", info->cause);
    dw_json_write_text(out, "remedy", info->remedy);
    dw_buf_append_char(out, '}');
}

/* The reference page of all codes. */
static void explain_all(const struct dw_cli *cli, struct dw_buf *out)
{
    size_t count = 0;
    const struct dw_err_info *infos = dw_err_catalogue(&count);
    dw_buf_append_text(out, cli->options.json ? "[" : "# Error codes\n");
    for (size_t i = 0; i < count; i++) {
        if (!cli->options.json) {
            dw_buf_printf(out, "\n## %s: %s\n\n%s\n\nRemedy: %s\n", infos[i].id, infos[i].title,
                          infos[i].cause, infos[i].remedy);
            continue;
        }
        dw_buf_append_text(out, i ? ",\n" : "\n");
        explain_json(out, &infos[i]);
    }
    if (cli->options.json)
        dw_buf_append_text(out, "\n]\n");
}

/* Codes are typed as they are read out: dw-map-035. */
static const char *in_capitals(const struct dw_cli *cli, size_t argument)
{
    char *text = dw_arena_printf(cli->arena, "%s", cli->options.arguments[argument]);
    for (char *c = text; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return text;
}

enum dw_cli_exit dw_cli_explain_run(struct dw_cli *cli)
{
    const char *code = cli->options.argument_count ? in_capitals(cli, 0) : NULL;
    const struct dw_err_info *info = code ? dw_err_find(code) : NULL;
    struct dw_buf text;
    if (code && !info) {
        dw_cli_print_error(cli, "",
                           dw_arena_printf(cli->arena,
                                           "there is no code %s; `dualwrite explain` shows all",
                                           cli->options.arguments[0]));
        return DW_CLI_REFUSED;
    }
    dw_buf_init(&text, 1u << 20);
    if (!info) {
        explain_all(cli, &text);
    } else if (cli->options.json) {
        explain_json(&text, info);
        dw_buf_append_char(&text, '\n');
    } else {
        dw_cli_table_paint(&text, &cli->screen, DW_CLI_BOLD, info->id);
        dw_buf_printf(&text, ": %s\n\ncause:  %s\nremedy: %s\n", info->title, info->cause,
                      info->remedy);
    }
    dw_cli_write(&text);
    dw_buf_done(&text);
    return DW_CLI_DONE;
}
