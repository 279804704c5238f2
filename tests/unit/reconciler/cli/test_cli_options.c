/* test_cli_options.c - the command line: what is understood, what is refused, what the help says.
 */
#include "reconciler/cli/cli_options.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct dw_arena arena;
static struct dw_buf text;
static struct dw_cli_options options;

static int set_up(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    dw_buf_init(&text, 65536);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_buf_done(&text);
    dw_arena_done(&arena);
    return 0;
}

/* A command line as a person types it, blanks between the words. */
static enum dw_cli_parse parse(const char *line)
{
    char *copy = dw_arena_printf(&arena, "dualwrite %s", line);
    char **argv = DW_ARENA_ARRAY(&arena, char *, 32);
    int argc = 0;
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    dw_buf_reset(&text, 65536);
    return dw_cli_options_parse(argc, argv, &arena, &options, &text);
}

static void test_every_command_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum dw_cli_command command;
    } lines[] = {
        {"status", DW_CLI_STATUS},
        {"map check a b", DW_CLI_MAP_CHECK},
        {"map apply a", DW_CLI_MAP_APPLY},
        {"map list", DW_CLI_MAP_LIST},
        {"map show a", DW_CLI_MAP_SHOW},
        {"map start a", DW_CLI_MAP_START},
        {"map pause a", DW_CLI_MAP_PAUSE},
        {"map resume a", DW_CLI_MAP_RESUME},
        {"map stop a", DW_CLI_MAP_STOP},
        {"map resync a b", DW_CLI_MAP_RESYNC},
        {"map history a", DW_CLI_MAP_HISTORY},
        {"map rollback a --to 3", DW_CLI_MAP_ROLLBACK},
        {"map diff a b", DW_CLI_MAP_DIFF},
        {"map partitions a 12 --wait", DW_CLI_MAP_PARTITIONS},
        {"system resync a --accept-gap --delete-extra --yes", DW_CLI_SYSTEM_RESYNC},
        {"sync list --all", DW_CLI_SYNC_LIST},
        {"sync show 1", DW_CLI_SYNC_SHOW},
        {"sync pause 1", DW_CLI_SYNC_PAUSE},
        {"sync resume 1", DW_CLI_SYNC_RESUME},
        {"sync cancel 1", DW_CLI_SYNC_CANCEL},
        {"sync rate 1 500", DW_CLI_SYNC_RATE},
        {"audit --map a --limit 3", DW_CLI_AUDIT},
        {"reconcile run a b --filter x --sample 5 --rate 9 --way hash --wait",
         DW_CLI_RECONCILE_RUN},
        {"reconcile list --map a", DW_CLI_RECONCILE_LIST},
        {"reconcile show 1", DW_CLI_RECONCILE_SHOW},
        {"reconcile differences 1 --kind extra --limit 5", DW_CLI_RECONCILE_DIFFERENCES},
        {"reconcile repair 1 --delete-extra --limit 5000 --yes", DW_CLI_RECONCILE_REPAIR},
        {"reconcile cancel 1", DW_CLI_RECONCILE_CANCEL},
        {"dead-letter list", DW_CLI_LETTER_LIST},
        {"dead-letter show 1", DW_CLI_LETTER_SHOW},
        {"dead-letter stats --newer 1d", DW_CLI_LETTER_STATS},
        {"dead-letter explain 7", DW_CLI_LETTER_EXPLAIN},
        {"dead-letter replay 1 2 --source-row --wait", DW_CLI_LETTER_REPLAY},
        {"dead-letter edit 7 --set a=1 --set b=2", DW_CLI_LETTER_EDIT},
        {"dead-letter discard --all --yes", DW_CLI_LETTER_DISCARD},
        {"dead-letter purge --older 90d --dry-run", DW_CLI_LETTER_PURGE},
        {"dead-letter export --older 90d --file f", DW_CLI_LETTER_EXPORT},
        {"dead-letter import f g", DW_CLI_LETTER_IMPORT},
        {"dead-letter jobs", DW_CLI_LETTER_JOBS},
        {"dead-letter cancel 3", DW_CLI_LETTER_CANCEL},
        {"alert list --limit 5", DW_CLI_ALERT_LIST},
        {"alert history --map a", DW_CLI_ALERT_HISTORY},
        {"alert test pager", DW_CLI_ALERT_TEST},
        {"alert silence lag a --for 2h --reason x", DW_CLI_ALERT_SILENCE},
        {"alert unsilence 3", DW_CLI_ALERT_UNSILENCE},
        {"reconcile report 7 --csv", DW_CLI_RECONCILE_REPORT},
        {"digest --date 2026-01-31 --html -", DW_CLI_DIGEST},
        {"explain DW-PG-001", DW_CLI_EXPLAIN},
        {"config check", DW_CLI_CONFIG_CHECK},
        {"config reference", DW_CLI_CONFIG_REFERENCE},
    };
    assert_int_equal(COUNT(lines), DW_CLI_COMMAND_COUNT);
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(parse(lines[i].line), DW_CLI_RUN);
        assert_int_equal(options.command, lines[i].command);
    }
}

static void test_options_may_stand_anywhere(void **state)
{
    (void)state;
    assert_int_equal(parse("--json map --config x.json pause a --reason=tea b --wait 5"),
                     DW_CLI_RUN);
    assert_true(options.json);
    assert_string_equal(options.config, "x.json");
    assert_string_equal(options.reason, "tea");
    assert_true(options.wait);
    assert_int_equal(options.wait_seconds, 5);
    assert_int_equal(options.argument_count, 2);
    assert_string_equal(options.arguments[1], "b");
}

static void test_seconds_may_be_left_out(void **state)
{
    (void)state;
    assert_int_equal(parse("status --watch"), DW_CLI_RUN);
    assert_true(options.watch);
    assert_int_equal(options.watch_seconds, 2);
    assert_int_equal(parse("status --watch=10 --no-color"), DW_CLI_RUN);
    assert_int_equal(options.watch_seconds, 10);
    assert_true(options.no_colour);
    assert_int_equal(parse("map start --wait items"), DW_CLI_RUN);
    assert_int_equal(options.wait_seconds, 60);
    assert_int_equal(options.argument_count, 1);
}

static void test_filter_of_dead_letters(void **state)
{
    (void)state;
    assert_int_equal(
        parse("dead-letter list --map m --state all --code DW-APPLY-001 --limit 5 --after 9"),
        DW_CLI_RUN);
    assert_string_equal(options.map, "m");
    assert_string_equal(options.state, "all");
    assert_string_equal(options.code, "DW-APPLY-001");
    assert_int_equal(options.limit, 5);
    assert_string_equal(options.after, "9");
    assert_int_equal(options.older_seconds, -1);
    assert_int_equal(parse("dead-letter replay --class data --column c --text t --key k "
                           "--older 90s --newer 2h"),
                     DW_CLI_RUN);
    assert_string_equal(options.class_name, "data");
    assert_string_equal(options.column, "c");
    assert_string_equal(options.text, "t");
    assert_string_equal(options.keys[0], "k");
    assert_int_equal(options.older_seconds, 90);
    assert_int_equal(options.newer_seconds, 7200);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *says;
    } lines[] = {
        {"nonsense", "nonsense"},
        {"nonsense", "there are: status, map, system, sync, audit, reconcile,"},
        {"map", "second word: check, apply, list, show, start, pause, resume, stop, resync,"},
        {"map burn", "map burn; there are: check, apply,"},
        {"map show", "NAME; see dualwrite map show --help"},
        {"map show a b", "b"},
        {"status x", "x"},
        {"status --limit 3", "--limit"},
        {"status --nothing", "--nothing"},
        {"map list --start", "--start"},
        {"map start a --no-sync --rate 5", "--no-sync copies nothing"},
        {"dead-letter replay", "give numbers, conditions or --all"},
        {"dead-letter discard --all --map m", "--all does not go with conditions"},
        {"dead-letter replay x", "number of a dead letter is expected, not x"},
        {"dead-letter list --older soon", "--older takes a time such as 90s"},
        {"dead-letter list --newer 5w", "--newer takes a time such as"},
        {"dead-letter list --group --each", "--group does not go with --each"},
        {"dead-letter list --yes", "--yes"},
        {"dead-letter edit 7 --undo --file f", "do not go together"},
        {"reconcile report 7 --csv --html f", "--csv does not go with --html"},
        {"reconcile report 7 --json --csv", "--json does not go with"},
        {"digest --json --html f", "--json does not go with"},
        {"map start a --key 1", "--key is no option"},
        {"map start a --to 1", "--to is no option"},
        {"map start a --on-existing burn", "overwrite or keep"},
        {"map apply a --rate 5", "--start or --backfill is missing"},
        {"map resync a --from 1", "go together"},
        {"map resync a --accept-gap", "--accept-gap is no option"},
        {"map resync a --key 1 --from 1 --to 2", "does not go with"},
        {"map resync a --key 1 --filter x", "does not go with --filter"},
        {"map resync a --filter x --delete-extra", "nothing to match"},
        {"map resync a b --filter x", "of one map"},
        {"map resync a b --key 1", "of one map"},
        {"map rollback a --to x", "number of a revision"},
        {"map partitions a 0", "number of partitions"},
        {"map partitions a x", "number of partitions"},
        {"map partitions a --dry-run", "COUNT is missing"},
        {"map partitions a --wait", "COUNT is missing"},
        {"sync rate 1 -5", "-5"},
        {"sync rate 1 x", "rows per second"},
        {"map apply a --start=yes", "takes no value"},
        {"dead-letter list --limit 0", "a number from 1"},
        {"dead-letter list --limit x", "a number from 1"},
        {"dead-letter list --limit 1001", "1 to 1000"},
        {"reconcile repair 1 --delete-extra", "go together"},
        {"reconcile repair 1 --limit 5", "go together"},
        {"reconcile run a --sample 101", "1 to 100"},
        {"reconcile run a --way burn", "hash or rows"},
        {"reconcile run a --key 1", "--key is no option"},
        {"dead-letter list --map", "needs a value"},
        {"status --watch=0", "--watch"},
        {"--json", "missing: status, map,"},
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(parse(lines[i].line), DW_CLI_WRONG);
        assert_non_null(strstr(text.data, lines[i].says));
    }
    assert_int_equal(parse(""), DW_CLI_WRONG);
    assert_non_null(strstr(text.data, "Usage"));
}

static void test_keys_may_be_given_again_and_again(void **state)
{
    (void)state;
    assert_int_equal(parse("map resync a --key [1] --key=[2] --rate 7 --on-existing keep --wait"),
                     DW_CLI_RUN);
    assert_int_equal(options.key_count, 2);
    assert_string_equal(options.keys[1], "[2]");
    assert_int_equal(options.rate, 7);
    assert_string_equal(options.on_existing, "keep");
    assert_true(options.wait);
    assert_false(options.wait_limited);
    assert_int_equal(parse("map resync a --from [1] --to [2] --wait 5"), DW_CLI_RUN);
    assert_string_equal(options.to, "[2]");
    assert_true(options.wait_limited);
}

static void test_words_behind_two_dashes_are_arguments(void **state)
{
    (void)state;
    assert_int_equal(parse("map show -- --json"), DW_CLI_RUN);
    assert_string_equal(options.arguments[0], "--json");
    assert_false(options.json);
}

static void test_every_command_has_help_with_an_example(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "status --help",
        "map check --help",
        "map apply -h",
        "map list --help",
        "map show --help",
        "map start --help",
        "map pause --help",
        "map resume --help",
        "map stop --help",
        "dead-letter list --help",
        "dead-letter show --help",
        "explain --help",
        "config check --help",
        "config reference --help",
        "map resync --help",
        "map rollback --help",
        "system resync --help",
        "sync list --help",
        "audit --help",
        "sync rate --help",
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(parse(lines[i]), DW_CLI_HELP);
        assert_non_null(strstr(text.data, "Usage: dualwrite "));
        assert_non_null(strstr(text.data, "Example: dualwrite "));
        assert_non_null(strstr(text.data, "--config FILE"));
    }
    assert_int_equal(parse("--help"), DW_CLI_HELP);
    assert_non_null(strstr(text.data, "dead-letter list"));
    assert_non_null(strstr(text.data, "Exit codes"));
    assert_int_equal(parse("map --help"), DW_CLI_HELP);
    assert_non_null(strstr(text.data, "Usage: dualwrite map COMMAND"));
    assert_non_null(strstr(text.data, "map pause NAME"));
    assert_null(strstr(text.data, "dead-letter"));
    assert_int_equal(parse("--version"), DW_CLI_VERSION);
}

static void test_spans_have_a_unit(void **state)
{
    (void)state;
    assert_int_equal(parse("alert silence all"), DW_CLI_RUN);
    assert_int_equal(options.for_seconds, 3600);
    assert_int_equal(parse("alert silence lag --for 90s"), DW_CLI_RUN);
    assert_int_equal(options.for_seconds, 90);
    assert_int_equal(parse("alert silence lag --for=2d"), DW_CLI_RUN);
    assert_int_equal(options.for_seconds, 2 * 86400);
    static const char *const wrong[] = {"2", "h", "2hh", "-1h", "1w", "2.5h"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "alert silence lag --for=%s", wrong[i]);
        assert_int_equal(parse(line), DW_CLI_WRONG);
        assert_non_null(strstr(text.data, "30m"));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_command_is_understood),
        TEST(test_spans_have_a_unit),
        TEST(test_options_may_stand_anywhere),
        TEST(test_seconds_may_be_left_out),
        TEST(test_filter_of_dead_letters),
        TEST(test_mistakes_are_named),
        TEST(test_keys_may_be_given_again_and_again),
        TEST(test_words_behind_two_dashes_are_arguments),
        TEST(test_every_command_has_help_with_an_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
