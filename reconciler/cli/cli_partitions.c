/* cli_partitions.c - map partitions: how many a map has, and more of them. */
#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include <stdio.h>
#include <stdlib.h>

#define POLL_MS 300

static const char *path_of(struct dw_cli *cli, const char *query)
{
    return dw_arena_printf(cli->arena, "/api/v1/maps/%s/partitions%s",
                           dw_cli_escape(cli->arena, cli->options.arguments[0]), query);
}

static void write_partitions(struct dw_cli *cli, struct dw_str body, struct dw_buf *out)
{
    size_t count = 0;
    const struct dw_str *generations =
        dw_cli_json_elements(dw_cli_json_member(body, "generations"), cli->arena, &count);
    long long there = (long long)dw_cli_json_number(body, "topic_partitions");
    long long here = (long long)dw_cli_json_number(body, "partitions");
    dw_buf_printf(out, "%s: published by %s; topic %s ",
                  dw_cli_format_safe(cli->arena, dw_cli_json_text(body, "map", cli->arena)),
                  dw_cli_format_counted(cli->arena, here, "partition", "partitions"),
                  dw_cli_format_safe(cli->arena, dw_cli_json_text(body, "topic", cli->arena)));
    if (there)
        dw_buf_printf(out, "has %lld%s\n", there,
                      there > here ? ", which count when the producer has come to them" : "");
    else
        dw_buf_append_text(out, "is not there yet\n");
    for (size_t i = 0; i < count; i++)
        dw_buf_printf(out, "  generation %lld: from %lld to %lld partitions at %lld %s\n",
                      (long long)dw_cli_json_number(generations[i], "generation"),
                      (long long)dw_cli_json_number(generations[i], "before"),
                      (long long)dw_cli_json_number(generations[i], "partitions"),
                      (long long)dw_cli_json_number(generations[i], "epoch"),
                      dw_cli_json_text(generations[i], "lsn", cli->arena));
}

static void print_raised(struct dw_cli *cli, struct dw_str body)
{
    if (cli->options.json) {
        printf("%.*s", DW_STR_ARG(body));
        return;
    }
    const char *map = dw_cli_format_safe(cli->arena, dw_cli_json_text(body, "map", cli->arena));
    long long there = (long long)dw_cli_json_number(body, "topic_partitions");
    long long wanted = (long long)dw_cli_json_number(body, "wanted");
    if (!dw_cli_json_true(body, "changed"))
        printf("%s: its topic has %s already\n", map,
               dw_cli_format_counted(cli->arena, there, "partition", "partitions"));
    else if (dw_cli_json_true(body, "dry_run"))
        printf("%s: would go from %lld to %lld partitions, and cannot go back; keys move to other "
               "partitions, and what is new waits there until all that is older is applied\n",
               map, there, wanted);
    else
        printf("%s: its topic goes from %lld to %lld partitions\n", map, there, wanted);
    (void)fflush(stdout);
}

/* Until the stream has come to them, and then until all consumers have. */
static enum dw_cli_exit wait_for(struct dw_cli *cli, int64_t wanted)
{
    int64_t until = dw_clock_mono_ms() + cli->options.wait_seconds * 1000;
    const char *name = cli->options.arguments[0];
    for (;;) {
        struct dw_cli_answer answer;
        enum dw_cli_exit code =
            dw_cli_ask(cli, "GET", path_of(cli, ""), (struct dw_str){NULL, 0}, &answer);
        if (code)
            return code;
        if (dw_cli_json_number(answer.body, "partitions") >= wanted)
            return dw_cli_maps_wait(cli, name);
        if (dw_clock_mono_ms() >= until)
            break;
        dw_clock_sleep_ms(POLL_MS);
    }
    dw_cli_print_error(cli, "DW-API-023",
                       dw_arena_printf(cli->arena,
                                       "the producer of map %s has not come to %lld partitions "
                                       "within %lld s",
                                       name, (long long)wanted,
                                       (long long)cli->options.wait_seconds));
    return DW_CLI_REFUSED;
}

static enum dw_cli_exit raise(struct dw_cli *cli, const char *wanted)
{
    struct dw_buf body;
    struct dw_cli_answer answer;
    dw_buf_init(&body, 256);
    dw_buf_append_char(&body, '{');
    dw_json_write_i64(&body, "partitions", strtoll(wanted, NULL, 10));
    dw_buf_append_char(&body, '}');
    enum dw_cli_exit code =
        dw_cli_ask(cli, "POST", path_of(cli, cli->options.dry_run ? "?dry_run=true" : ""),
                   dw_buf_str(&body), &answer);
    dw_buf_done(&body);
    if (code)
        return code;
    print_raised(cli, answer.body);
    bool waits = cli->options.wait && !cli->options.dry_run;
    return waits ? wait_for(cli, dw_cli_json_number(answer.body, "wanted")) : DW_CLI_DONE;
}

enum dw_cli_exit dw_cli_partitions_run(struct dw_cli *cli)
{
    if (cli->options.argument_count == 2)
        return raise(cli, cli->options.arguments[1]);
    return dw_cli_show(cli, path_of(cli, ""), write_partitions);
}
