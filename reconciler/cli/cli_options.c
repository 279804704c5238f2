/* cli_options.c - see cli_options.h. */
#include "reconciler/cli/cli_options.h"

#include <errno.h>
#include <stdlib.h>

#define WAIT_SECONDS   60
#define WATCH_SECONDS  2
#define SECONDS_MAX    86400
#define LIMIT_MAX      1000
#define PARTITIONS_MAX 10000
#define FOR_SECONDS    3600

#define SECONDS_100_YEARS INT64_C(3155760000)

/* Options, as bits: which command takes which. */
#define TAKES_START     (UINT64_C(1) << 0)
#define TAKES_DRY_RUN   (UINT64_C(1) << 1)
#define TAKES_WAIT      (UINT64_C(1) << 2)
#define TAKES_WATCH     (UINT64_C(1) << 3)
#define TAKES_REASON    (UINT64_C(1) << 4)
#define TAKES_FILTER    (UINT64_C(1) << 5) /* of dead letters */
#define TAKES_NO_SYNC   (UINT64_C(1) << 6)
#define TAKES_COPY      (UINT64_C(1) << 7) /* how rows are copied */
#define TAKES_KEYS      (UINT64_C(1) << 8)
#define TAKES_TO        (UINT64_C(1) << 9)
#define TAKES_PAGE      (UINT64_C(1) << 10)
#define TAKES_MAP       (UINT64_C(1) << 11)
#define TAKES_ALL_SYNCS (UINT64_C(1) << 12)
#define TAKES_BACKFILL  (UINT64_C(1) << 13)
#define TAKES_LETTERS   (UINT64_C(1) << 24) /* all of them, or those numbered */
#define TAKES_REPLAY    (UINT64_C(1) << 25)
#define TAKES_GROUP     (UINT64_C(1) << 26)
#define TAKES_YES       (UINT64_C(1) << 27)
#define TAKES_COMPARE   (UINT64_C(1) << 14) /* what is compared, and how */
#define TAKES_KIND      (UINT64_C(1) << 15)
#define TAKES_REPAIR    (UINT64_C(1) << 16)
#define TAKES_DATE      (UINT64_C(1) << 33)
#define TAKES_CSV       (UINT64_C(1) << 35)
#define TAKES_HTML      (UINT64_C(1) << 34)
#define TAKES_GAP       (UINT64_C(1) << 40)
#define TAKES_FOR       (UINT64_C(1) << 32)
#define TAKES_EDIT      (UINT64_C(1) << 28)
#define TAKES_SHARES    (UINT64_C(1) << 36) /* of workers */
#define TAKES_OUT       (UINT64_C(1) << 29)
#define TAKES_OFFLINE   (UINT64_C(1) << 17)
#define TAKES_ALL       (UINT64_C(1) << 63) /* every command */

struct command {
    const char *group; /* "map"; NULL: a word of its own */
    const char *word;
    uint64_t takes;
    size_t min_arguments;
    size_t max_arguments;
    const char *arguments; /* for the help */
    const char *summary;
    const char *example;
};

#define MANY ((size_t)-1)

static const struct command commands[DW_CLI_COMMAND_COUNT] = {
    [DW_CLI_STATUS] = {NULL, "status", TAKES_WATCH | TAKES_SHARES, 0, 0, "",
                       "how it goes: maps, systems, processes, gaps", "dualwrite status --watch"},
    [DW_CLI_MAP_CHECK] =
        {"map", "check", TAKES_OFFLINE, 1, MANY, "FILE...",
         "look for mistakes in map files, in how they fit both systems and the maps in force; "
         "starts nothing",
         "dualwrite map check maps/*.json"},
    [DW_CLI_MAP_APPLY] = {"map", "apply",
                          TAKES_START | TAKES_DRY_RUN | TAKES_WAIT | TAKES_NO_SYNC | TAKES_COPY |
                              TAKES_BACKFILL,
                          1, MANY, "FILE...",
                          "check map files and take them live as a new revision",
                          "dualwrite map apply maps/customers.json --start"},
    [DW_CLI_MAP_LIST] = {"map", "list", TAKES_PAGE, 0, 0, "", "the maps and their states",
                         "dualwrite map list"},
    [DW_CLI_MAP_SHOW] = {"map", "show", 0, 1, 1, "NAME", "one map: state, history, document",
                         "dualwrite map show customers"},
    [DW_CLI_MAP_START] = {"map", "start",
                          TAKES_REASON | TAKES_WAIT | TAKES_DRY_RUN | TAKES_NO_SYNC | TAKES_COPY, 1,
                          MANY, "NAME...",
                          "copy the rows of maps, parents first, and keep them up to date",
                          "dualwrite map start customers orders --wait"},
    [DW_CLI_MAP_PAUSE] = {"map", "pause", TAKES_REASON | TAKES_WAIT, 1, MANY, "NAME...",
                          "stop applying; changes are kept in Kafka",
                          "dualwrite map pause customers --reason 'month end'"},
    [DW_CLI_MAP_RESUME] = {"map", "resume", TAKES_REASON | TAKES_WAIT, 1, MANY, "NAME...",
                           "go on after a pause or an error", "dualwrite map resume customers"},
    [DW_CLI_MAP_STOP] = {"map", "stop", TAKES_REASON | TAKES_WAIT, 1, MANY, "NAME...",
                         "stop publishing and applying; changes made meanwhile are missed",
                         "dualwrite map stop customers"},
    [DW_CLI_MAP_RESYNC] = {"map", "resync", TAKES_WAIT | TAKES_DRY_RUN | TAKES_COPY | TAKES_KEYS, 1,
                           MANY, "NAME...",
                           "copy rows again beside live changes: all, a range, or keys",
                           "dualwrite map resync orders --key '{\"company\": \"dat\", \"id\": 7}'"},
    [DW_CLI_MAP_HISTORY] = {"map", "history", TAKES_PAGE, 1, 1, "NAME",
                            "what became of a map, newest first",
                            "dualwrite map history customers"},
    [DW_CLI_MAP_ROLLBACK] = {"map", "rollback",
                             TAKES_DRY_RUN | TAKES_WAIT | TAKES_REASON | TAKES_TO | TAKES_COPY |
                                 TAKES_BACKFILL,
                             1, 1, "NAME", "make an earlier revision the newest one",
                             "dualwrite map rollback customers --to 3"},
    [DW_CLI_MAP_DIFF] = {"map", "diff", 0, 1, MANY, "FILE...",
                         "what a file changes, and what that means for rows already there",
                         "dualwrite map diff maps/customers.json"},
    [DW_CLI_MAP_PARTITIONS] = {"map", "partitions", TAKES_WAIT | TAKES_DRY_RUN, 1, 2,
                               "NAME [COUNT]",
                               "by how many partitions a map is published; COUNT: more of them",
                               "dualwrite map partitions orders 12 --wait"},
    [DW_CLI_SYSTEM_RESYNC] = {"system", "resync",
                              TAKES_WAIT | TAKES_DRY_RUN | TAKES_COPY | TAKES_GAP, 1, 1, "NAME",
                              "copy the rows of all maps from a system again: closes its gaps",
                              "dualwrite system resync erp --accept-gap --delete-extra --yes"},
    [DW_CLI_SYNC_LIST] = {"sync", "list", TAKES_MAP | TAKES_ALL_SYNCS | TAKES_PAGE, 0, 0, "",
                          "copies of rows under way: progress, rate, time left",
                          "dualwrite sync list --all"},
    [DW_CLI_SYNC_SHOW] = {"sync", "show", 0, 1, 1, "ID", "one sync with its ranges",
                          "dualwrite sync show 7"},
    [DW_CLI_SYNC_PAUSE] = {"sync", "pause", 0, 1, 1, "ID",
                           "stop copying; the map goes on with live changes",
                           "dualwrite sync pause 7"},
    [DW_CLI_SYNC_RESUME] = {"sync", "resume", 0, 1, 1, "ID",
                            "go on after a pause or a failure, from where it stood",
                            "dualwrite sync resume 7"},
    [DW_CLI_SYNC_CANCEL] = {"sync", "cancel", 0, 1, 1, "ID",
                            "give up; the map goes on without the rows that are missing",
                            "dualwrite sync cancel 7"},
    [DW_CLI_SYNC_RATE] = {"sync", "rate", 0, 2, 2, "ID ROWS",
                          "limit the rows per second while it runs, 0: no limit",
                          "dualwrite sync rate 7 500"},
    [DW_CLI_AUDIT] = {NULL, "audit", TAKES_MAP | TAKES_PAGE, 0, 0, "", "who did what, newest first",
                      "dualwrite audit --map customers"},
    [DW_CLI_RECONCILE_RUN] = {"reconcile", "run", TAKES_COMPARE | TAKES_WAIT, 1, MANY, "NAME...",
                              "compare both sides of maps while changes flow",
                              "dualwrite reconcile run customers orders --wait"},
    [DW_CLI_RECONCILE_LIST] = {"reconcile", "list", TAKES_MAP | TAKES_PAGE, 0, 0, "",
                               "comparisons and what they found, newest first",
                               "dualwrite reconcile list --map customers"},
    [DW_CLI_RECONCILE_SHOW] = {"reconcile", "show", 0, 1, 1, "RUN",
                               "one comparison: progress, counts, repair",
                               "dualwrite reconcile show 7"},
    [DW_CLI_RECONCILE_DIFFERENCES] = {"reconcile", "differences", TAKES_KIND | TAKES_PAGE, 1, 1,
                                      "RUN", "the rows that differ, with both values",
                                      "dualwrite reconcile differences 7 --kind missing"},
    [DW_CLI_RECONCILE_REPORT] = {"reconcile", "report", TAKES_HTML | TAKES_CSV, 1, 1, "RUN",
                                 "what a comparison found: summed up, over time, and the rows",
                                 "dualwrite reconcile report 7 --html report.html"},
    [DW_CLI_RECONCILE_REPAIR] = {"reconcile", "repair", TAKES_REPAIR | TAKES_DRY_RUN | TAKES_WAIT,
                                 1, 1, "RUN",
                                 "read the rows that differ again from the source, compare them",
                                 "dualwrite reconcile repair 7 --wait"},
    [DW_CLI_RECONCILE_CANCEL] = {"reconcile", "cancel", 0, 1, 1, "RUN", "stop comparing",
                                 "dualwrite reconcile cancel 7"},
    [DW_CLI_LETTER_LIST] = {"dead-letter", "list", TAKES_FILTER | TAKES_GROUP | TAKES_PAGE, 0, 0,
                            "", "events that could not be applied, newest first",
                            "dualwrite dead-letter list --map customers --code DW-APPLY-012"},
    [DW_CLI_LETTER_SHOW] = {"dead-letter", "show", 0, 1, 1, "ID",
                            "one dead letter: reason, remedy, event",
                            "dualwrite dead-letter show 42"},
    [DW_CLI_LETTER_STATS] = {"dead-letter", "stats", TAKES_FILTER, 0, 0, "",
                             "how many there are, by map, state and cause",
                             "dualwrite dead-letter stats --newer 1d"},
    [DW_CLI_LETTER_EXPLAIN] = {"dead-letter", "explain", 0, 1, 1, "CODE|ID",
                               "cause and remedy of a code, or of one dead letter",
                               "dualwrite dead-letter explain DW-APPLY-012"},
    [DW_CLI_LETTER_EDIT] = {"dead-letter", "edit", TAKES_EDIT, 1, 1, "ID",
                            "have another event replayed; without options in $EDITOR",
                            "dualwrite dead-letter edit 42 --set creditmax=1000"},
    [DW_CLI_LETTER_REPLAY] =
        {"dead-letter", "replay",
         TAKES_FILTER | TAKES_LETTERS | TAKES_REPLAY | TAKES_REASON | TAKES_WAIT | TAKES_DRY_RUN, 0,
         MANY, "[ID...]", "try dead letters again; a later write is never overwritten",
         "dualwrite dead-letter replay --map customers --code DW-APPLY-012 --wait"},
    [DW_CLI_LETTER_DISCARD] = {"dead-letter", "discard",
                               TAKES_FILTER | TAKES_LETTERS | TAKES_REASON | TAKES_WAIT |
                                   TAKES_DRY_RUN | TAKES_YES,
                               0, MANY, "[ID...]",
                               "give dead letters up: they cannot be replayed any more",
                               "dualwrite dead-letter discard 42 --yes --reason 'a test row'"},
    [DW_CLI_LETTER_PURGE] = {"dead-letter", "purge",
                             TAKES_FILTER | TAKES_LETTERS | TAKES_REASON | TAKES_WAIT |
                                 TAKES_DRY_RUN | TAKES_YES,
                             0, MANY, "[ID...]",
                             "remove dead letters that have ended from the index",
                             "dualwrite dead-letter purge --older 90d --yes"},
    [DW_CLI_LETTER_EXPORT] = {"dead-letter", "export", TAKES_FILTER | TAKES_OUT, 0, 0, "",
                              "write dead letters as lines of JSON, to be loaded again",
                              "dualwrite dead-letter export --older 90d --file letters.jsonl"},
    [DW_CLI_LETTER_IMPORT] = {"dead-letter", "import", 0, 1, MANY, "FILE...",
                              "load dead letters that were exported or archived",
                              "dualwrite dead-letter import letters.jsonl"},
    [DW_CLI_LETTER_JOBS] = {"dead-letter", "jobs", TAKES_WAIT, 0, 1, "[JOB]",
                            "work on many dead letters: how far it is",
                            "dualwrite dead-letter jobs 7 --wait"},
    [DW_CLI_LETTER_CANCEL] = {"dead-letter", "cancel", 0, 1, 1, "JOB",
                              "let a job take no further dead letters",
                              "dualwrite dead-letter cancel 7"},
    [DW_CLI_ALERT_LIST] = {"alert", "list", TAKES_PAGE, 0, 0, "",
                           "what needs somebody: alerts, silences, webhooks that fail",
                           "dualwrite alert list"},
    [DW_CLI_ALERT_HISTORY] = {"alert", "history", TAKES_PAGE | TAKES_MAP, 0, 0, "",
                              "alerts that are over, newest first",
                              "dualwrite alert history --map customers"},
    [DW_CLI_ALERT_TEST] = {"alert", "test", 0, 0, 1, "[WEBHOOK]",
                           "send webhooks an alert that fires, and that it is over",
                           "dualwrite alert test pager"},
    [DW_CLI_ALERT_SILENCE] = {"alert", "silence", TAKES_FOR | TAKES_REASON, 1, 2,
                              "ALERT|all [OBJECT]", "tell nobody of alerts for a while",
                              "dualwrite alert silence lag orders --for 2h --reason 'month end'"},
    [DW_CLI_ALERT_UNSILENCE] = {"alert", "unsilence", 0, 1, 1, "ID", "end a silence now",
                                "dualwrite alert unsilence 3"},
    [DW_CLI_DIGEST] = {NULL, "digest", TAKES_DATE | TAKES_HTML, 0, 0, "",
                       "a day of all maps: throughput, latency, dead letters, equality, trend",
                       "dualwrite digest --date 2026-01-31 --html digest.html"},
    [DW_CLI_EXPLAIN] = {NULL, "explain", 0, 0, 1, "[CODE]",
                        "cause and remedy of an error code; of all, as Markdown",
                        "dualwrite explain DW-PG-002"},
    [DW_CLI_CONFIG_CHECK] = {"config", "check", 0, 0, 0, "", "look for mistakes in dualwrite.json",
                             "dualwrite config check --config /etc/dualwrite/dualwrite.json"},
    [DW_CLI_CONFIG_REFERENCE] =
        {"config", "reference", 0, 0, 0, "",
         "all options of dualwrite.json, as Markdown or (--json) as JSON Schema",
         "dualwrite config reference > CONFIGURATION.md"},
};

enum option_id {
    OPTION_CONFIG,
    OPTION_JSON,
    OPTION_NO_COLOUR,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_START,
    OPTION_DRY_RUN,
    OPTION_OFFLINE,
    OPTION_WAIT,
    OPTION_WATCH,
    OPTION_PARTITIONS,
    OPTION_REASON,
    OPTION_FOR,
    OPTION_DATE,
    OPTION_HTML,
    OPTION_CSV,
    OPTION_MAP,
    OPTION_STATE,
    OPTION_CODE,
    OPTION_LIMIT,
    OPTION_AFTER,
    OPTION_NO_SYNC,
    OPTION_ON_EXISTING,
    OPTION_RATE,
    OPTION_DELETE_EXTRA,
    OPTION_YES,
    OPTION_KEY,
    OPTION_FROM,
    OPTION_FILTER,
    OPTION_TO,
    OPTION_ALL,
    OPTION_BACKFILL,
    OPTION_ACCEPT_GAP,
    OPTION_CLASS,
    OPTION_COLUMN,
    OPTION_TEXT,
    OPTION_OLDER,
    OPTION_NEWER,
    OPTION_SOURCE_ROW,
    OPTION_GROUP,
    OPTION_EACH,
    OPTION_SAMPLE,
    OPTION_SINCE,
    OPTION_WAY,
    OPTION_KIND,
    OPTION_SET,
    OPTION_FILE,
    OPTION_UNDO,
};

enum value { VALUE_NONE, VALUE_NEEDED, VALUE_SECONDS /* may be left out */ };

struct option {
    const char *name;
    enum option_id id;
    enum value value;
    uint64_t taken_by; /* bits of `takes`; TAKES_ALL: every command */
    const char *shown;
    const char *help;
};

static const struct option options[] = {
    {"--start", OPTION_START, VALUE_NONE, TAKES_START, "--start",
     "start the maps that are stopped"},
    {"--dry-run", OPTION_DRY_RUN, VALUE_NONE, TAKES_DRY_RUN, "--dry-run",
     "only say what would happen"},
    {"--offline", OPTION_OFFLINE, VALUE_NONE, TAKES_OFFLINE, "--offline",
     "do not ask the reconciler for the maps in force"},
    {"--reason", OPTION_REASON, VALUE_NEEDED, TAKES_REASON, "--reason TEXT",
     "why, for the map's history"},
    {"--date", OPTION_DATE, VALUE_NEEDED, TAKES_DATE, "--date DAY",
     "a day of UTC, as 2026-01-31 (default: today, so far)"},
    {"--csv", OPTION_CSV, VALUE_NONE, TAKES_CSV, "--csv",
     "all rows as CSV on standard output, a line for each column that differs"},
    {"--html", OPTION_HTML, VALUE_NEEDED, TAKES_HTML, "--html FILE",
     "as one page that needs nothing else; - is standard output"},
    {"--for", OPTION_FOR, VALUE_NEEDED, TAKES_FOR, "--for TIME",
     "how long: 30m, 2h, 1d (default 1h)"},
    {"--wait", OPTION_WAIT, VALUE_SECONDS, TAKES_WAIT, "--wait [SECONDS]",
     "until it is in force in producer and consumers (default 60 s), and rows are copied"},
    {"--no-sync", OPTION_NO_SYNC, VALUE_NONE, TAKES_NO_SYNC, "--no-sync",
     "only changes from now on: existing rows are not copied"},
    {"--on-existing", OPTION_ON_EXISTING, VALUE_NEEDED, TAKES_COPY, "--on-existing WHAT",
     "rows that the target has already: overwrite (default) or keep"},
    {"--rate", OPTION_RATE, VALUE_NEEDED, TAKES_COPY, "--rate ROWS",
     "copy at most so many rows per second"},
    {"--rate", OPTION_RATE, VALUE_NEEDED, TAKES_COMPARE, "--rate ROWS",
     "read at most so many rows per second, both sides together"},
    {"--sample", OPTION_SAMPLE, VALUE_NEEDED, TAKES_COMPARE, "--sample PERCENT",
     "only so many of the rows, in ranges chosen by chance"},
    {"--since", OPTION_SINCE, VALUE_NEEDED, TAKES_COMPARE, "--since TIME|RUN",
     "only rows that changed in the source within 2h, 7d ..., or since a comparison began"},
    {"--way", OPTION_WAY, VALUE_NEEDED, TAKES_COMPARE, "--way WAY",
     "hash (in the databases) or rows (read and compared); default: hash where possible"},
    {"--kind", OPTION_KIND, VALUE_NEEDED, TAKES_KIND, "--kind KIND",
     "missing, extra, different, duplicate, held or waiting"},
    {"--delete-extra", OPTION_DELETE_EXTRA, VALUE_NONE, TAKES_COPY, "--delete-extra",
     "also delete target rows that the source has not; needs --yes"},
    {"--delete-extra", OPTION_DELETE_EXTRA, VALUE_NONE, TAKES_REPAIR, "--delete-extra",
     "also delete target rows that the source has not; needs --limit and --yes"},
    {"--limit", OPTION_LIMIT, VALUE_NEEDED, TAKES_REPAIR, "--limit ROWS",
     "how many rows may be deleted; with more of them nothing is done"},
    {"--yes", OPTION_YES, VALUE_NONE, TAKES_COPY | TAKES_REPAIR, "--yes",
     "really delete (see --delete-extra)"},
    {"--key", OPTION_KEY, VALUE_NEEDED, TAKES_KEYS, "--key JSON",
     "only this row, as object or array of the source key; may be repeated"},
    {"--from", OPTION_FROM, VALUE_NEEDED, TAKES_KEYS, "--from JSON",
     "only rows from this key on …"},
    {"--to", OPTION_TO, VALUE_NEEDED, TAKES_KEYS, "--to JSON", "… up to this one"},
    {"--filter", OPTION_FILTER, VALUE_NEEDED, TAKES_KEYS | TAKES_COMPARE, "--filter EXPR",
     "only rows of the source that match, as in a map's filter"},
    {"--to", OPTION_TO, VALUE_NEEDED, TAKES_TO, "--to REVISION",
     "which revision (default: the one before)"},
    {"--backfill", OPTION_BACKFILL, VALUE_NONE, TAKES_BACKFILL, "--backfill",
     "copy the rows of running maps again where the change needs it"},
    {"--accept-gap", OPTION_ACCEPT_GAP, VALUE_NONE, TAKES_GAP, "--accept-gap",
     "a producer that stands before a gap goes on behind it, in a new epoch"},
    {"--all", OPTION_ALL, VALUE_NONE, TAKES_ALL_SYNCS, "--all", "also those that are over"},
    {"--partitions", OPTION_PARTITIONS, VALUE_NONE, TAKES_SHARES, "--partitions",
     "which worker has which partitions, however many they are"},
    {"--watch", OPTION_WATCH, VALUE_SECONDS, TAKES_WATCH, "--watch [SECONDS]",
     "show again and again (default every 2 s) until Ctrl-C"},
    {"--map", OPTION_MAP, VALUE_NEEDED, TAKES_FILTER | TAKES_MAP, "--map NAME", "only of this map"},
    {"--state", OPTION_STATE, VALUE_NEEDED, TAKES_FILTER, "--state STATE",
     "open, unconfirmed, replaying, applied, superseded, filtered, discarded, void, foreign or "
     "all"},
    {"--code", OPTION_CODE, VALUE_NEEDED, TAKES_FILTER, "--code CODE", "only with this error code"},
    {"--class", OPTION_CLASS, VALUE_NEEDED, TAKES_FILTER, "--class CLASS",
     "only of this class: data, constraint, dependency, format, incomplete, too_large"},
    {"--column", OPTION_COLUMN, VALUE_NEEDED, TAKES_FILTER, "--column NAME",
     "only those that failed at this target column"},
    {"--text", OPTION_TEXT, VALUE_NEEDED, TAKES_FILTER, "--text TEXT",
     "only with this in the reason"},
    {"--key", OPTION_KEY, VALUE_NEEDED, TAKES_FILTER, "--key TEXT",
     "only with this in the key, or these values as a JSON array: '[\"us\",1]'"},
    {"--older", OPTION_OLDER, VALUE_NEEDED, TAKES_FILTER, "--older TIME",
     "only those that failed so long ago or longer: 90s, 30m, 12h, 7d"},
    {"--newer", OPTION_NEWER, VALUE_NEEDED, TAKES_FILTER, "--newer TIME",
     "only those that failed within so long"},
    {"--all", OPTION_ALL, VALUE_NONE, TAKES_LETTERS, "--all",
     "all that it can be done with, instead of conditions"},
    {"--source-row", OPTION_SOURCE_ROW, VALUE_NONE, TAKES_REPLAY, "--source-row",
     "by the source's row of now, not by the stored event"},
    {"--yes", OPTION_YES, VALUE_NONE, TAKES_YES, "--yes", "really do it"},
    {"--set", OPTION_SET, VALUE_NEEDED, TAKES_EDIT, "--set COLUMN=VALUE",
     "set a column of the event's row; may be repeated"},
    {"--file", OPTION_FILE, VALUE_NEEDED, TAKES_EDIT, "--file FILE", "take the event from a file"},
    {"--file", OPTION_FILE, VALUE_NEEDED, TAKES_OUT, "--file FILE",
     "write to a file, which must not be there yet; else to standard output"},
    {"--undo", OPTION_UNDO, VALUE_NONE, TAKES_EDIT, "--undo", "its own event again"},
    {"--group", OPTION_GROUP, VALUE_NONE, TAKES_GROUP, "--group",
     "one line for each cause (on a terminal by itself when there are many)"},
    {"--each", OPTION_EACH, VALUE_NONE, TAKES_GROUP, "--each", "one line for each dead letter"},
    {"--limit", OPTION_LIMIT, VALUE_NEEDED, TAKES_PAGE, "--limit N",
     "at most so many, 1 to 1000 (default 100)"},
    {"--after", OPTION_AFTER, VALUE_NEEDED, TAKES_PAGE, "--after NEXT",
     "the next page: what the one before said"},
    {"--config", OPTION_CONFIG, VALUE_NEEDED, TAKES_ALL, "--config FILE",
     "settings (default: $DW_CONFIG, then ./dualwrite.json)"},
    {"--json", OPTION_JSON, VALUE_NONE, TAKES_ALL, "--json", "answer as JSON, for scripts"},
    {"--no-color", OPTION_NO_COLOUR, VALUE_NONE, TAKES_ALL, "--no-color",
     "no colours (also: NO_COLOR in the environment)"},
    {"--help", OPTION_HELP, VALUE_NONE, TAKES_ALL, "--help", "this text"},
    {"--version", OPTION_VERSION, VALUE_NONE, TAKES_ALL, "--version", "version of the program"},
};
#define OPTION_COUNT (sizeof options / sizeof *options)
_Static_assert(OPTION_COUNT <= 64, "dw_cli_options: a bit for each option");

struct parser {
    int argc;
    char *const *argv;
    int at;
    struct dw_arena *arena;
    struct dw_cli_options *out;
    struct dw_buf *text;
    const char **arguments;
    const char **keys, **sets;
    const struct command *command; /* NULL: none named yet */
    const char *group;             /* the first word of a command of two */
    uint64_t given;                /* one bit per option seen, by place in the table */
    bool help, version;
};

/* --- help --------------------------------------------------------------------------------------
 */

static void write_options(struct dw_buf *text, uint64_t takes, bool common)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        bool for_all = options[i].taken_by == TAKES_ALL;
        if (for_all ? common : (options[i].taken_by & takes) != 0)
            dw_buf_printf(text, "  %-20s %s\n", options[i].shown, options[i].help);
    }
}

static void write_command_help(struct dw_buf *text, const struct command *command)
{
    dw_buf_printf(text, "dualwrite %s%s%s - %s\n\nUsage: dualwrite %s%s%s%s%s [options]\n\n",
                  command->group ? command->group : "", command->group ? " " : "", command->word,
                  command->summary, command->group ? command->group : "", command->group ? " " : "",
                  command->word, *command->arguments ? " " : "", command->arguments);
    write_options(text, command->takes, true);
    dw_buf_printf(text, "\nExample: %s\n", command->example);
}

/* `group`: only its commands; NULL: all. */
static void write_general_help(struct dw_buf *text, const char *group)
{
    dw_buf_append_text(text, "dualwrite - keeps tables of two systems in agreement\n\n");
    dw_buf_printf(text, "Usage: dualwrite %s%sCOMMAND [options]\n\n", group ? group : "",
                  group ? " " : "");
    for (size_t i = 0; i < DW_CLI_COMMAND_COUNT; i++) {
        const struct command *command = &commands[i];
        if (group && (!command->group || strcmp(group, command->group) != 0))
            continue;
        struct dw_buf line;
        dw_buf_init(&line, 256);
        dw_buf_printf(&line, "%s%s%s %s", command->group ? command->group : "",
                      command->group ? " " : "", command->word, command->arguments);
        dw_buf_printf(text, "  %-20s %s\n", line.data, command->summary);
        dw_buf_done(&line);
    }
    dw_buf_append_text(text, "\nOptions of every command:\n");
    write_options(text, 0, true);
    dw_buf_append_text(text,
                       "\nExit codes: 0 done, 1 refused or problems found, 2 wrong usage or "
                       "settings,\n3 the reconciler cannot be reached, 4 it refuses the token.\n"
                       "dualwrite COMMAND --help tells more of one command.\n");
}

/* --- parsing ------------------------------------------------------------------------------------
 */

static bool wrong(struct parser *parser, const char *what, const char *which, const char *more)
{
    dw_buf_printf(parser->text, "%s%s%s\n", what, which, more);
    return false;
}

static bool parse_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    errno = 0;
    if (!text || *text < '0' || *text > '9')
        return false;
    long long number = strtoll(text, &end, 10);
    if (errno || *end || number < min || number > max)
        return false;
    *out = number;
    return true;
}

static bool is_command_word(struct parser *parser, const char *word)
{
    for (size_t i = 0; i < DW_CLI_COMMAND_COUNT; i++) {
        const char *group = commands[i].group;
        bool in_group = parser->group ? group && strcmp(group, parser->group) == 0 : !group;
        if (in_group && strcmp(commands[i].word, word) == 0) {
            parser->command = &commands[i];
            parser->out->command = (enum dw_cli_command)i;
            return true;
        }
        if (!parser->group && group && strcmp(group, word) == 0) {
            parser->group = word;
            return true;
        }
    }
    return false;
}

/* The words that may come next: of the group, or the first ones. */
static const char *next_words(const struct parser *parser)
{
    const char *text = "";
    const char *last = "";
    for (size_t i = 0; i < DW_CLI_COMMAND_COUNT; i++) {
        const char *group = commands[i].group;
        if (parser->group && (!group || strcmp(group, parser->group) != 0))
            continue;
        const char *word = !parser->group && group ? group : commands[i].word;
        if (strcmp(word, last) != 0)
            text = dw_arena_printf(parser->arena, "%s%s%s", text, *text ? ", " : "", word);
        last = word;
    }
    return text;
}

static bool take_word(struct parser *parser, const char *word)
{
    if (parser->command) {
        parser->arguments[parser->out->argument_count++] = word;
        return true;
    }
    if (is_command_word(parser, word))
        return true;
    return wrong(parser, "there is no command ",
                 dw_arena_printf(parser->arena, "%s%s%s", parser->group ? parser->group : "",
                                 parser->group ? " " : "", word),
                 dw_arena_printf(parser->arena, "; there are: %s", next_words(parser)));
}

/* The value behind "=" or in the next argument; NULL when there is none. */
static const char *take_value(struct parser *parser, const struct option *option,
                              const char *inline_value)
{
    int64_t unused;
    if (inline_value)
        return inline_value;
    if (parser->at >= parser->argc)
        return NULL;
    const char *next = parser->argv[parser->at];
    if (option->value == VALUE_SECONDS && !parse_number(next, 0, INT64_MAX, &unused))
        return NULL;
    parser->at++;
    return next;
}

static bool set_number(struct parser *parser, const struct option *option, const char *value,
                       int64_t max, int64_t *out)
{
    if (parse_number(value, 1, max, out))
        return true;
    return wrong(parser, option->name, " takes a number from 1 to ",
                 dw_arena_printf(parser->arena, "%lld", (long long)max));
}

/* 90s, 30m, 12h, 7d. */
static bool set_duration(struct parser *parser, const struct option *option, const char *text,
                         int64_t *out_seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t len = text ? strlen(text) : 0;
    for (size_t i = 0; len > 1 && i < sizeof units / sizeof *units; i++) {
        const char *digits = dw_arena_printf(parser->arena, "%.*s", (int)(len - 1), text);
        int64_t number;
        if (text[len - 1] != units[i].unit ||
            !parse_number(digits, 0, SECONDS_100_YEARS / units[i].seconds, &number))
            continue;
        *out_seconds = number * units[i].seconds;
        return true;
    }
    return wrong(parser, option->name, " takes a time such as 90s, 30m, 12h or 7d, not ", text);
}

static bool set_letter_option(struct parser *parser, const struct option *option, const char *value)
{
    struct dw_cli_options *out = parser->out;
    switch ((int)option->id) {
    case OPTION_CLASS:
        out->class_name = value;
        break;
    case OPTION_COLUMN:
        out->column = value;
        break;
    case OPTION_TEXT:
        out->text = value;
        break;
    case OPTION_OLDER:
        return set_duration(parser, option, value, &out->older_seconds);
    case OPTION_NEWER:
        return set_duration(parser, option, value, &out->newer_seconds);
    case OPTION_SOURCE_ROW:
        out->source_row = true;
        break;
    case OPTION_GROUP:
        out->group = true;
        break;
    case OPTION_EACH:
        out->each = true;
        break;
    case OPTION_SET:
        parser->sets[out->set_count++] = value;
        break;
    case OPTION_FILE:
        out->file = value;
        break;
    case OPTION_UNDO:
        out->undo = true;
        break;
    }
    return true;
}

/* What is copied, and how. */
static bool set_copy_option(struct parser *parser, const struct option *option, const char *value)
{
    struct dw_cli_options *out = parser->out;
    switch ((int)option->id) {
    case OPTION_NO_SYNC:
        out->no_sync = true;
        break;
    case OPTION_ON_EXISTING:
        out->on_existing = value;
        return !value || strcmp(value, "overwrite") == 0 || strcmp(value, "keep") == 0 ||
               wrong(parser, option->name, " is overwrite or keep", "");
    case OPTION_RATE:
        return set_number(parser, option, value, INT64_MAX, &out->rate);
    case OPTION_DELETE_EXTRA:
        out->delete_extra = true;
        break;
    case OPTION_KEY:
        parser->keys[out->key_count++] = value;
        break;
    case OPTION_FILTER:
        out->filter = value;
        break;
    case OPTION_FROM:
        out->from = value;
        break;
    case OPTION_TO:
        out->to = value;
        break;
    case OPTION_ACCEPT_GAP:
        out->accept_gap = true;
        break;
    case OPTION_BACKFILL:
        out->backfill = true;
        break;
    }
    return true;
}

/* Options of comparisons, reports and digests. */
static bool set_compare(struct parser *parser, const struct option *option, const char *value)
{
    struct dw_cli_options *out = parser->out;
    if (option->id == OPTION_SAMPLE)
        return set_number(parser, option, value, 100, &out->sample);
    if (option->id == OPTION_SINCE)
        return parse_number(value, 1, INT64_MAX, &out->since_run) ||
               set_duration(parser, option, value, &out->since_seconds);
    if (option->id == OPTION_KIND)
        out->kind = value;
    else if (option->id == OPTION_DATE)
        out->date = value;
    else if (option->id == OPTION_CSV)
        out->csv = true;
    else if (option->id == OPTION_HTML)
        out->html = value;
    else
        out->way = value;
    return option->id != OPTION_WAY || !value || strcmp(value, "hash") == 0 ||
           strcmp(value, "rows") == 0 || wrong(parser, option->name, " is hash or rows", "");
}

static bool set_option(struct parser *parser, const struct option *option, const char *value)
{
    struct dw_cli_options *out = parser->out;
    switch (option->id) {
    case OPTION_CONFIG:
        out->config = value;
        break;
    case OPTION_JSON:
        out->json = true;
        break;
    case OPTION_NO_COLOUR:
        out->no_colour = true;
        break;
    case OPTION_HELP:
        parser->help = true;
        break;
    case OPTION_VERSION:
        parser->version = true;
        break;
    case OPTION_START:
        out->start = true;
        break;
    case OPTION_OFFLINE:
        out->offline = true;
        break;
    case OPTION_DRY_RUN:
        out->dry_run = true;
        break;
    case OPTION_WAIT:
        out->wait = true;
        out->wait_limited = value != NULL;
        return !value || set_number(parser, option, value, SECONDS_MAX, &out->wait_seconds);
    case OPTION_WATCH:
        out->watch = true;
        return !value || set_number(parser, option, value, SECONDS_MAX, &out->watch_seconds);
    case OPTION_PARTITIONS:
        out->partitions = true;
        break;
    case OPTION_REASON:
        out->reason = value;
        break;
    case OPTION_FOR:
        return set_duration(parser, option, value, &out->for_seconds);
    case OPTION_MAP:
        out->map = value;
        break;
    case OPTION_STATE:
        out->state = value;
        break;
    case OPTION_CODE:
        out->code = value;
        break;
    case OPTION_LIMIT:
        return set_number(parser, option, value, INT64_MAX, &out->limit);
    case OPTION_SAMPLE:
    case OPTION_SINCE:
    case OPTION_WAY:
    case OPTION_KIND:
    case OPTION_DATE:
    case OPTION_CSV:
    case OPTION_HTML:
        return set_compare(parser, option, value);
    case OPTION_AFTER:
        out->after = value;
        break;
    case OPTION_YES:
        out->yes = true;
        break;
    case OPTION_ALL:
        out->all = true;
        break;
    case OPTION_NO_SYNC:
    case OPTION_ON_EXISTING:
    case OPTION_RATE:
    case OPTION_DELETE_EXTRA:
    case OPTION_KEY:
    case OPTION_FILTER:
    case OPTION_FROM:
    case OPTION_TO:
    case OPTION_ACCEPT_GAP:
    case OPTION_BACKFILL:
        return set_copy_option(parser, option, value);
    case OPTION_CLASS:
    case OPTION_COLUMN:
    case OPTION_TEXT:
    case OPTION_OLDER:
    case OPTION_NEWER:
    case OPTION_SOURCE_ROW:
    case OPTION_GROUP:
    case OPTION_EACH:
    case OPTION_SET:
    case OPTION_FILE:
    case OPTION_UNDO:
        return set_letter_option(parser, option, value);
    }
    return true;
}

static bool take_option(struct parser *parser, const char *argument)
{
    const char *equals = strchr(argument, '=');
    size_t len = equals ? (size_t)(equals - argument) : strlen(argument);
    if (strcmp(argument, "-h") == 0)
        return take_option(parser, "--help");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &options[i];
        if (strlen(option->name) != len || strncmp(option->name, argument, len) != 0)
            continue;
        if (option->value == VALUE_NONE && equals)
            return wrong(parser, option->name, " takes no value", "");
        const char *value = option->value == VALUE_NONE
                                ? NULL
                                : take_value(parser, option, equals ? equals + 1 : NULL);
        if (option->value == VALUE_NEEDED && !value)
            return wrong(parser, option->name, " needs a value: ", option->shown);
        parser->given |= UINT64_C(1) << i;
        return set_option(parser, option, value);
    }
    return wrong(parser, "there is no option ", argument, "; see dualwrite --help");
}

/* Options that do not go together. */
static bool check_copy(struct parser *parser)
{
    const struct dw_cli_options *out = parser->out;
    bool copies = out->on_existing || out->rate || out->delete_extra;
    if (out->no_sync && copies)
        return wrong(parser, "--no-sync", " copies nothing: leave out what says how", "");
    if (out->command == DW_CLI_MAP_APPLY && out->no_sync && !out->start)
        return wrong(parser, "--start", " is missing: without it nothing is started", "");
    if (out->command == DW_CLI_MAP_APPLY && copies && !out->start && !out->backfill)
        return wrong(parser, "--start", " or --backfill is missing: nothing would be copied", "");
    if (out->command == DW_CLI_MAP_ROLLBACK && copies && !out->backfill)
        return wrong(parser, "--backfill", " is missing: nothing would be copied", "");
    int64_t number;
    if (out->command == DW_CLI_MAP_ROLLBACK && out->to &&
        !parse_number(out->to, 1, INT64_MAX, &number))
        return wrong(parser, "--to", " takes the number of a revision", "");
    if (out->command == DW_CLI_SYNC_RATE &&
        !parse_number(parser->arguments[1], 0, INT64_MAX, &number))
        return wrong(parser, "ROWS", " is a number from 0: rows per second", "");
    if (out->command == DW_CLI_MAP_PARTITIONS && out->argument_count == 2 &&
        !parse_number(parser->arguments[1], 1, PARTITIONS_MAX, &number))
        return wrong(parser, "COUNT", " is a number of partitions, from 1 to 10000", "");
    if (out->command == DW_CLI_MAP_PARTITIONS && out->argument_count == 1 &&
        (out->wait || out->dry_run))
        return wrong(parser, "COUNT", " is missing: without it nothing is changed", "");
    if (out->command == DW_CLI_RECONCILE_REPAIR && out->delete_extra != (out->limit > 0))
        return wrong(parser, "--delete-extra and --limit", " go together", "");
    if (out->command != DW_CLI_RECONCILE_REPAIR && out->limit > LIMIT_MAX)
        return wrong(parser, "--limit", " takes a number from 1 to 1000", "");
    if (out->command != DW_CLI_MAP_RESYNC)
        return true;
    if (!out->from != !out->to)
        return wrong(parser, "--from and --to", " go together", "");
    if (out->key_count && out->from)
        return wrong(parser, "--key", " does not go with --from and --to", "");
    if (out->key_count && out->filter)
        return wrong(parser, "--key", " does not go with --filter", "");
    if (out->filter && out->delete_extra)
        return wrong(parser, "--delete-extra",
                     " does not go with --filter: a row that the source has not has nothing to "
                     "match; name --from and --to, or neither",
                     "");
    if ((out->key_count || out->from || out->filter) && out->argument_count != 1)
        return wrong(parser, "keys and filter", " are of one map: name only that", "");
    return true;
}

/* Nobody means all dead letters by saying nothing. */
static bool check_letters(struct parser *parser)
{
    const struct dw_cli_options *out = parser->out;
    int64_t number;
    if ((out->set_count > 0) + (out->file != NULL) + out->undo > 1)
        return wrong(parser, "--set, --file and --undo", " do not go together", "");
    if (out->group && out->each)
        return wrong(parser, "--group", " does not go with --each", "");
    if (!(parser->command->takes & TAKES_LETTERS))
        return true;
    for (size_t i = 0; i < out->argument_count; i++)
        if (!parse_number(out->arguments[i], 1, INT64_MAX, &number))
            return wrong(parser, "the number of a dead letter is expected, not ", out->arguments[i],
                         "");
    bool given = out->argument_count || out->map || out->state || out->code || out->class_name ||
                 out->column || out->text || out->key_count || out->older_seconds >= 0 ||
                 out->newer_seconds >= 0;
    if (given && out->all)
        return wrong(parser, "--all", " does not go with conditions", "");
    return given || out->all ||
           wrong(parser, "which dead letters: ", "give numbers, conditions or --all", "");
}

/* Two options of one name mean different things to different commands. */
static uint64_t takers_of(const struct option *option)
{
    uint64_t takers = 0;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strcmp(options[i].name, option->name) == 0)
            takers |= options[i].taken_by;
    return takers == TAKES_ALL ? UINT64_MAX : takers;
}

/* Does everything that was given belong to the command? */
static bool check_fit(struct parser *parser)
{
    const struct command *command = parser->command;
    if (!command)
        return wrong(
            parser, parser->group ? parser->group : "a command",
            parser->group ? " needs a second word: " : " is missing: ", next_words(parser));
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if ((parser->given & UINT64_C(1) << i) && takers_of(&options[i]) != UINT64_MAX &&
            !(command->takes & takers_of(&options[i])))
            return wrong(parser, options[i].name, " is no option of this command; see --help", "");
    if (parser->out->argument_count < command->min_arguments)
        return wrong(parser, "missing: ", command->arguments,
                     dw_arena_printf(parser->arena, "; see dualwrite %s%s%s --help",
                                     command->group ? command->group : "",
                                     command->group ? " " : "", command->word));
    if (parser->out->argument_count > command->max_arguments)
        return wrong(parser, "unexpected argument ", parser->arguments[command->max_arguments], "");
    return check_letters(parser) && check_copy(parser);
}

enum dw_cli_parse dw_cli_options_parse(int argc, char *const *argv, struct dw_arena *arena,
                                       struct dw_cli_options *out, struct dw_buf *text)
{
    struct parser parser = {
        .argc = argc, .argv = argv, .at = 1, .arena = arena, .out = out, .text = text};
    parser.arguments = DW_ARENA_ARRAY(arena, const char *, (size_t)(argc > 0 ? argc : 1));
    parser.keys = DW_ARENA_ARRAY(arena, const char *, (size_t)(argc > 0 ? argc : 1));
    parser.sets = DW_ARENA_ARRAY(arena, const char *, (size_t)(argc > 0 ? argc : 1));
    *out = (struct dw_cli_options){
        .arguments = parser.arguments,
        .keys = parser.keys,
        .sets = parser.sets,
        .wait_seconds = WAIT_SECONDS,
        .watch_seconds = WATCH_SECONDS,
        .older_seconds = -1,
        .newer_seconds = -1,
        .for_seconds = FOR_SECONDS,
    };
    bool only_words = false; /* behind "--" */
    while (parser.at < argc) {
        const char *argument = argv[parser.at++];
        if (!only_words && strcmp(argument, "--") == 0) {
            only_words = true;
            continue;
        }
        bool is_option = !only_words && argument[0] == '-' && argument[1];
        if (!(is_option ? take_option(&parser, argument) : take_word(&parser, argument)))
            return DW_CLI_WRONG;
    }
    if (parser.version)
        return DW_CLI_VERSION;
    if (parser.help || argc < 2) {
        if (parser.command)
            write_command_help(text, parser.command);
        else
            write_general_help(text, parser.group);
        return argc < 2 ? DW_CLI_WRONG : DW_CLI_HELP;
    }
    return check_fit(&parser) ? DW_CLI_RUN : DW_CLI_WRONG;
}
