/* cli_alerts.c - alerts: list, history, test, silence, unsilence. */
#include "common/base/json_write.h"
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"

#define BODY_MAX 65536
#define TEXT(item, name)                                                                           \
    dw_cli_format_safe(cli->arena, dw_cli_json_text((item), (name), cli->arena))
#define TIME(item, name)                                                                           \
    (*TEXT(item, name) ? dw_arena_printf(cli->arena, "%.19sZ", TEXT(item, name)) : "")

static enum dw_cli_colour level_colour(const char *level)
{
    return strcmp(level, "warning") == 0 ? DW_CLI_YELLOW : DW_CLI_RED;
}

static bool is_true(struct dw_str item, const char *name)
{
    return dw_str_is(dw_cli_json_member(item, name), "true");
}

/* Its message, and below it what to do. */
static void write_alerts(struct dw_cli *cli, struct dw_str body, bool over, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"ALERT", false, false}, {"OBJECT", false, true}, {"LEVEL", false, false},
        {"SINCE", false, false}, {"TOLD", false, false},  {"MESSAGE", false, true},
    };
    static const struct dw_cli_column past[] = {
        {"ID", true, false},     {"ALERT", false, false},  {"OBJECT", false, true},
        {"LEVEL", false, false}, {"SINCE", false, false},  {"OVER", false, false},
        {"TOLD", false, false},  {"MESSAGE", false, true},
    };
    struct dw_cli_table table;
    size_t count = 0;
    const struct dw_str *alerts =
        dw_cli_json_elements(dw_cli_json_member(body, "alerts"), cli->arena, &count);
    if (over)
        dw_cli_table_init(&table, cli->arena, past, sizeof past / sizeof *past);
    else
        dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        const char *level = TEXT(alerts[i], "level");
        if (over)
            dw_cli_table_add(
                &table,
                dw_arena_printf(cli->arena, "%lld", (long long)dw_cli_json_number(alerts[i], "id")),
                DW_CLI_DIM);
        dw_cli_table_add(&table, TEXT(alerts[i], "alert"), DW_CLI_BOLD);
        dw_cli_table_add(&table, TEXT(alerts[i], "object"), DW_CLI_PLAIN);
        dw_cli_table_add(&table, level, over ? DW_CLI_DIM : level_colour(level));
        dw_cli_table_add(&table, TIME(alerts[i], "since"), DW_CLI_DIM);
        if (over)
            dw_cli_table_add(&table, TIME(alerts[i], "resolved_at"), DW_CLI_DIM);
        dw_cli_table_add(
            &table, is_true(alerts[i], "silenced") ? "silenced" : TIME(alerts[i], "delivered_at"),
            DW_CLI_DIM);
        dw_cli_table_add(&table, TEXT(alerts[i], "message"), DW_CLI_PLAIN);
    }
    if (count)
        dw_cli_table_render(&table, &cli->screen, out);
    else
        dw_buf_append_text(out, over ? "no alert is over yet\n" : "no alerts\n");
    for (size_t i = 0; i < count && !over; i++)
        dw_buf_printf(out, "  %s %s: %s\n", TEXT(alerts[i], "alert"), TEXT(alerts[i], "object"),
                      TEXT(alerts[i], "remedy"));
}

static void write_silences(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    static const struct dw_cli_column columns[] = {
        {"SILENCE", true, false}, {"ALERT", false, false}, {"OBJECT", false, true},
        {"UNTIL", false, false},  {"BY", false, true},     {"REASON", false, true},
    };
    struct dw_cli_table table;
    size_t count = 0;
    const struct dw_str *silences =
        dw_cli_json_elements(dw_cli_json_member(body, "silences"), cli->arena, &count);
    if (!count)
        return;
    dw_cli_table_init(&table, cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        const char *rule = TEXT(silences[i], "rule");
        const char *object = TEXT(silences[i], "object");
        dw_cli_table_add(&table,
                         dw_arena_printf(cli->arena, "%lld",
                                         (long long)dw_cli_json_number(silences[i], "silence")),
                         DW_CLI_BOLD);
        dw_cli_table_add(&table, *rule ? rule : "all", DW_CLI_PLAIN);
        dw_cli_table_add(&table, *object ? object : "all", DW_CLI_PLAIN);
        dw_cli_table_add(&table, TIME(silences[i], "until"), DW_CLI_DIM);
        dw_cli_table_add(&table, TEXT(silences[i], "by"), DW_CLI_PLAIN);
        dw_cli_table_add(&table, TEXT(silences[i], "reason"), DW_CLI_PLAIN);
    }
    dw_buf_append_char(out, '\n');
    dw_cli_table_render(&table, &cli->screen, out);
}

static void write_webhooks(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    size_t count = 0;
    const struct dw_str *webhooks =
        dw_cli_json_elements(dw_cli_json_member(body, "webhooks"), cli->arena, &count);
    for (size_t i = 0; i < count; i++) {
        const char *failing = TIME(webhooks[i], "failing_since");
        if (*failing)
            dw_buf_printf(out, "webhook %s takes nothing since %s (%s): %s\n",
                          TEXT(webhooks[i], "webhook"), failing,
                          dw_cli_format_counted(
                              cli->arena, dw_cli_json_number(webhooks[i], "tries"), "try", "tries"),
                          TEXT(webhooks[i], "error"));
    }
    if (count == 0)
        dw_buf_append_text(out, "nobody is told: dualwrite.json has no webhooks\n");
}

static void write_list(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    write_alerts(cli, body, false, out);
    write_silences(cli, body, out);
    write_webhooks(cli, body, out);
    dw_cli_more(cli, body, out);
}

static void write_history(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    write_alerts(cli, body, true, out);
    dw_cli_more(cli, body, out);
}

enum dw_cli_exit dw_cli_alerts_list(struct dw_cli *cli)
{
    return dw_cli_show(cli, dw_cli_page(cli, "/api/v1/alerts"), write_list);
}

enum dw_cli_exit dw_cli_alerts_history(struct dw_cli *cli)
{
    const char *path = dw_cli_page(cli, "/api/v1/alerts/history");
    return dw_cli_show(cli, dw_cli_query(cli, path, "object", cli->options.map), write_history);
}

/* --- acting -------------------------------------------------------------------------------------
 */

/* Posts and shows the answer: as it is with --json. */
static enum dw_cli_exit post(struct dw_cli *cli, const char *path, struct dw_buf *body,
                             struct dw_cli_answer *out)
{
    enum dw_cli_exit code = dw_cli_ask(cli, "POST", path, dw_buf_str(body), out);
    dw_buf_done(body);
    if (code || !cli->options.json)
        return code;
    dw_buf_init(body, out->body.len + 1);
    dw_buf_append_str(body, out->body);
    dw_cli_write(body);
    dw_buf_done(body);
    return code;
}

enum dw_cli_exit dw_cli_alerts_test(struct dw_cli *cli)
{
    struct dw_cli_answer answer;
    struct dw_buf text;
    dw_buf_init(&text, BODY_MAX);
    dw_buf_append_char(&text, '{');
    if (cli->options.argument_count)
        dw_json_write_text(&text, "webhook", cli->options.arguments[0]);
    dw_buf_append_char(&text, '}');
    enum dw_cli_exit code = post(cli, "/api/v1/alerts/test", &text, &answer);
    if (code)
        return code;
    size_t count = 0;
    const struct dw_str *webhooks =
        dw_cli_json_elements(dw_cli_json_member(answer.body, "webhooks"), cli->arena, &count);
    dw_buf_init(&text, BODY_MAX);
    for (size_t i = 0; i < count; i++) {
        bool delivered = is_true(webhooks[i], "delivered");
        if (!delivered)
            code = DW_CLI_REFUSED;
        dw_buf_printf(&text, "%s: ", TEXT(webhooks[i], "webhook"));
        dw_cli_table_paint(&text, &cli->screen, delivered ? DW_CLI_GREEN : DW_CLI_RED,
                           delivered ? "took the test" : TEXT(webhooks[i], "error"));
        dw_buf_append_char(&text, '\n');
    }
    if (!cli->options.json)
        dw_cli_write(&text);
    dw_buf_done(&text);
    return code;
}

enum dw_cli_exit dw_cli_alerts_silence(struct dw_cli *cli)
{
    const struct dw_cli_options *options = &cli->options;
    struct dw_cli_answer answer;
    struct dw_buf text;
    dw_buf_init(&text, BODY_MAX);
    dw_buf_append_char(&text, '{');
    if (strcmp(options->arguments[0], "all") != 0)
        dw_json_write_text(&text, "rule", options->arguments[0]);
    if (options->argument_count > 1)
        dw_json_write_text(&text, "object", options->arguments[1]);
    dw_json_write_i64(&text, "seconds", options->for_seconds);
    if (options->reason)
        dw_json_write_text(&text, "reason", options->reason);
    dw_buf_append_char(&text, '}');
    enum dw_cli_exit code = post(cli, "/api/v1/silences", &text, &answer);
    if (code || options->json)
        return code;
    dw_buf_init(&text, BODY_MAX);
    dw_buf_printf(&text, "silence %lld, until %s; dualwrite alert unsilence %lld ends it\n",
                  (long long)dw_cli_json_number(answer.body, "silence"), TIME(answer.body, "until"),
                  (long long)dw_cli_json_number(answer.body, "silence"));
    dw_cli_write(&text);
    dw_buf_done(&text);
    return DW_CLI_DONE;
}

enum dw_cli_exit dw_cli_alerts_unsilence(struct dw_cli *cli)
{
    struct dw_cli_answer answer;
    struct dw_buf text;
    const char *path = dw_arena_printf(cli->arena, "/api/v1/silences/%s/end",
                                       dw_cli_escape(cli->arena, cli->options.arguments[0]));
    dw_buf_init(&text, BODY_MAX);
    enum dw_cli_exit code = post(cli, path, &text, &answer);
    if (code || cli->options.json)
        return code;
    dw_buf_init(&text, BODY_MAX);
    dw_buf_printf(&text, "silence %s is over\n", cli->options.arguments[0]);
    dw_cli_write(&text);
    dw_buf_done(&text);
    return DW_CLI_DONE;
}
