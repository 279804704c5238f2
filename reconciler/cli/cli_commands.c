/* cli_commands.c - see cli_commands.h. */
#include "reconciler/cli/cli_commands.h"

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
#define TAKES_REPLAY    (UINT64_C(1) << 14)
#define TAKES_GROUP     (UINT64_C(1) << 15)
#define TAKES_YES       (UINT64_C(1) << 16)
#define TAKES_COMPARE   (UINT64_C(1) << 17) /* what is compared, and how */
#define TAKES_KIND      (UINT64_C(1) << 18)
#define TAKES_REPAIR    (UINT64_C(1) << 19)
#define TAKES_DATE      (UINT64_C(1) << 20)
#define TAKES_CSV       (UINT64_C(1) << 21)
#define TAKES_HTML      (UINT64_C(1) << 22)
#define TAKES_GAP       (UINT64_C(1) << 23)
#define TAKES_FOR       (UINT64_C(1) << 24)
#define TAKES_EDIT      (UINT64_C(1) << 25)
#define TAKES_SHARES    (UINT64_C(1) << 26) /* of workers */
#define TAKES_OUT       (UINT64_C(1) << 27)
#define TAKES_OFFLINE   (UINT64_C(1) << 28)
#define TAKES_WAIT_WORK (UINT64_C(1) << 29) /* until a job or a comparison is over */
#define TAKES_WHY       (UINT64_C(1) << 30) /* for the audit log alone */

#define MANY ((size_t)-1)

const struct dw_cli_command_entry dw_cli_commands[DW_CLI_COMMAND_COUNT] = {
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
    [DW_CLI_MAP_PAUSE] = {"map", "pause", TAKES_REASON | TAKES_WAIT | TAKES_DRY_RUN, 1, MANY,
                          "NAME...", "stop applying; changes are kept in Kafka",
                          "dualwrite map pause customers --reason 'month end'"},
    [DW_CLI_MAP_RESUME] = {"map", "resume", TAKES_REASON | TAKES_WAIT | TAKES_DRY_RUN, 1, MANY,
                           "NAME...", "go on after a pause or an error",
                           "dualwrite map resume customers"},
    [DW_CLI_MAP_STOP] = {"map", "stop", TAKES_REASON | TAKES_WAIT | TAKES_DRY_RUN, 1, MANY,
                         "NAME...",
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
    [DW_CLI_SYNC_PAUSE] = {"sync", "pause", TAKES_DRY_RUN, 1, 1, "ID",
                           "stop copying; the map goes on with live changes",
                           "dualwrite sync pause 7"},
    [DW_CLI_SYNC_RESUME] = {"sync", "resume", TAKES_DRY_RUN, 1, 1, "ID",
                            "go on after a pause or a failure, from where it stood",
                            "dualwrite sync resume 7"},
    [DW_CLI_SYNC_CANCEL] = {"sync", "cancel", TAKES_DRY_RUN, 1, 1, "ID",
                            "give up; the map goes on without the rows that are missing",
                            "dualwrite sync cancel 7"},
    [DW_CLI_SYNC_RATE] = {"sync", "rate", TAKES_DRY_RUN, 2, 2, "ID ROWS",
                          "limit the rows per second while it runs, 0: no limit",
                          "dualwrite sync rate 7 500"},
    [DW_CLI_AUDIT] = {NULL, "audit", TAKES_MAP | TAKES_PAGE, 0, 0, "", "who did what, newest first",
                      "dualwrite audit --map customers"},
    [DW_CLI_RECONCILE_RUN] = {"reconcile", "run", TAKES_COMPARE | TAKES_WAIT_WORK, 1, MANY,
                              "NAME...", "compare both sides of maps while changes flow",
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
    [DW_CLI_RECONCILE_REPAIR] = {"reconcile", "repair",
                                 TAKES_REPAIR | TAKES_DRY_RUN | TAKES_WAIT_WORK, 1, 1, "RUN",
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
         TAKES_FILTER | DW_CLI_TAKES_LETTERS | TAKES_REPLAY | TAKES_WHY | TAKES_WAIT_WORK |
             TAKES_DRY_RUN,
         0, MANY, "[ID...]", "try dead letters again; a later write is never overwritten",
         "dualwrite dead-letter replay --map customers --code DW-APPLY-012 --wait"},
    [DW_CLI_LETTER_DISCARD] = {"dead-letter", "discard",
                               TAKES_FILTER | DW_CLI_TAKES_LETTERS | TAKES_WHY | TAKES_WAIT_WORK |
                                   TAKES_DRY_RUN | TAKES_YES,
                               0, MANY, "[ID...]",
                               "give dead letters up: they cannot be replayed any more",
                               "dualwrite dead-letter discard 42 --yes --reason 'a test row'"},
    [DW_CLI_LETTER_PURGE] = {"dead-letter", "purge",
                             TAKES_FILTER | DW_CLI_TAKES_LETTERS | TAKES_WHY | TAKES_WAIT_WORK |
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
    [DW_CLI_LETTER_JOBS] = {"dead-letter", "jobs", TAKES_WAIT_WORK, 0, 1, "[JOB]",
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
    [DW_CLI_ALERT_SILENCE] = {"alert", "silence", TAKES_FOR | TAKES_WHY, 1, 2, "ALERT|all [OBJECT]",
                              "tell nobody of alerts for a while",
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

const struct dw_cli_option dw_cli_option_list[] = {
    {"--start", DW_CLI_OPTION_START, DW_CLI_VALUE_NONE, TAKES_START, "--start",
     "start the maps that are stopped"},
    {"--dry-run", DW_CLI_OPTION_DRY_RUN, DW_CLI_VALUE_NONE, TAKES_DRY_RUN, "--dry-run",
     "only say what would happen"},
    {"--offline", DW_CLI_OPTION_OFFLINE, DW_CLI_VALUE_NONE, TAKES_OFFLINE, "--offline",
     "do not ask the reconciler for the maps in force"},
    {"--reason", DW_CLI_OPTION_REASON, DW_CLI_VALUE_NEEDED, TAKES_REASON, "--reason TEXT",
     "why, for the map's history"},
    {"--reason", DW_CLI_OPTION_REASON, DW_CLI_VALUE_NEEDED, TAKES_WHY, "--reason TEXT",
     "why, for those who look at it later"},
    {"--date", DW_CLI_OPTION_DATE, DW_CLI_VALUE_NEEDED, TAKES_DATE, "--date DAY",
     "a day of UTC, as 2026-01-31 (default: today, so far)"},
    {"--csv", DW_CLI_OPTION_CSV, DW_CLI_VALUE_NONE, TAKES_CSV, "--csv",
     "all rows as CSV on standard output, a line for each column that differs"},
    {"--html", DW_CLI_OPTION_HTML, DW_CLI_VALUE_NEEDED, TAKES_HTML, "--html FILE",
     "as one page that needs nothing else; - is standard output"},
    {"--for", DW_CLI_OPTION_FOR, DW_CLI_VALUE_NEEDED, TAKES_FOR, "--for TIME",
     "how long: 30m, 2h, 1d (default 1h)"},
    {"--wait", DW_CLI_OPTION_WAIT, DW_CLI_VALUE_SECONDS, TAKES_WAIT, "--wait [SECONDS]",
     "until it is in force in producer and consumers (default 60 s), and rows are copied"},
    {"--wait", DW_CLI_OPTION_WAIT, DW_CLI_VALUE_SECONDS, TAKES_WAIT_WORK, "--wait [SECONDS]",
     "until it is over, or for so long; it goes on in any case"},
    {"--no-sync", DW_CLI_OPTION_NO_SYNC, DW_CLI_VALUE_NONE, TAKES_NO_SYNC, "--no-sync",
     "only changes from now on: existing rows are not copied"},
    {"--on-existing", DW_CLI_OPTION_ON_EXISTING, DW_CLI_VALUE_NEEDED, TAKES_COPY,
     "--on-existing WHAT", "rows that the target has already: overwrite (default) or keep"},
    {"--rate", DW_CLI_OPTION_RATE, DW_CLI_VALUE_NEEDED, TAKES_COPY, "--rate ROWS",
     "copy at most so many rows per second"},
    {"--rate", DW_CLI_OPTION_RATE, DW_CLI_VALUE_NEEDED, TAKES_COMPARE, "--rate ROWS",
     "read at most so many rows per second, both sides together"},
    {"--sample", DW_CLI_OPTION_SAMPLE, DW_CLI_VALUE_NEEDED, TAKES_COMPARE, "--sample PERCENT",
     "only so many of the rows, in ranges chosen by chance"},
    {"--since", DW_CLI_OPTION_SINCE, DW_CLI_VALUE_NEEDED, TAKES_COMPARE, "--since TIME|RUN",
     "only rows that changed in the source within 2h, 7d ..., or since a comparison began"},
    {"--way", DW_CLI_OPTION_WAY, DW_CLI_VALUE_NEEDED, TAKES_COMPARE, "--way WAY",
     "hash (in the databases) or rows (read and compared); default: hash where possible"},
    {"--kind", DW_CLI_OPTION_KIND, DW_CLI_VALUE_NEEDED, TAKES_KIND, "--kind KIND",
     "missing, extra, different, duplicate, held or waiting"},
    {"--delete-extra", DW_CLI_OPTION_DELETE_EXTRA, DW_CLI_VALUE_NONE, TAKES_COPY, "--delete-extra",
     "also delete target rows that the source has not; needs --yes"},
    {"--delete-extra", DW_CLI_OPTION_DELETE_EXTRA, DW_CLI_VALUE_NONE, TAKES_REPAIR,
     "--delete-extra", "also delete target rows that the source has not; needs --limit and --yes"},
    {"--limit", DW_CLI_OPTION_LIMIT, DW_CLI_VALUE_NEEDED, TAKES_REPAIR, "--limit ROWS",
     "how many rows may be deleted; with more of them nothing is done"},
    {"--yes", DW_CLI_OPTION_YES, DW_CLI_VALUE_NONE, TAKES_COPY | TAKES_REPAIR, "--yes",
     "really delete (see --delete-extra)"},
    {"--key", DW_CLI_OPTION_KEY, DW_CLI_VALUE_NEEDED, TAKES_KEYS, "--key JSON",
     "only this row, as object or array of the source key; may be repeated"},
    {"--from", DW_CLI_OPTION_FROM, DW_CLI_VALUE_NEEDED, TAKES_KEYS, "--from JSON",
     "only rows from this key on …"},
    {"--to", DW_CLI_OPTION_TO, DW_CLI_VALUE_NEEDED, TAKES_KEYS, "--to JSON", "… up to this one"},
    {"--filter", DW_CLI_OPTION_FILTER, DW_CLI_VALUE_NEEDED, TAKES_KEYS | TAKES_COMPARE,
     "--filter EXPR", "only rows of the source that match, as in a map's filter"},
    {"--to", DW_CLI_OPTION_TO, DW_CLI_VALUE_NEEDED, TAKES_TO, "--to REVISION",
     "which revision (default: the one before)"},
    {"--backfill", DW_CLI_OPTION_BACKFILL, DW_CLI_VALUE_NONE, TAKES_BACKFILL, "--backfill",
     "copy the rows of running maps again where the change needs it"},
    {"--accept-gap", DW_CLI_OPTION_ACCEPT_GAP, DW_CLI_VALUE_NONE, TAKES_GAP, "--accept-gap",
     "a producer that stands before a gap goes on behind it, in a new epoch"},
    {"--all", DW_CLI_OPTION_ALL, DW_CLI_VALUE_NONE, TAKES_ALL_SYNCS, "--all",
     "also those that are over"},
    {"--partitions", DW_CLI_OPTION_PARTITIONS, DW_CLI_VALUE_NONE, TAKES_SHARES, "--partitions",
     "which worker has which partitions, however many they are"},
    {"--watch", DW_CLI_OPTION_WATCH, DW_CLI_VALUE_SECONDS, TAKES_WATCH, "--watch [SECONDS]",
     "show again and again (default every 2 s) until Ctrl-C"},
    {"--map", DW_CLI_OPTION_MAP, DW_CLI_VALUE_NEEDED, TAKES_FILTER | TAKES_MAP, "--map NAME",
     "only of this map"},
    {"--state", DW_CLI_OPTION_STATE, DW_CLI_VALUE_NEEDED, TAKES_FILTER, "--state STATE",
     "open, unconfirmed, replaying, applied, superseded, filtered, discarded, void, foreign or "
     "all"},
    {"--code", DW_CLI_OPTION_CODE, DW_CLI_VALUE_NEEDED, TAKES_FILTER, "--code CODE",
     "only with this error code"},
    {"--class", DW_CLI_OPTION_CLASS, DW_CLI_VALUE_NEEDED, TAKES_FILTER, "--class CLASS",
     "only of this class: data, constraint, dependency, format, incomplete, too_large"},
    {"--column", DW_CLI_OPTION_COLUMN, DW_CLI_VALUE_NEEDED, TAKES_FILTER, "--column NAME",
     "only those that failed at this target column"},
    {"--text", DW_CLI_OPTION_TEXT, DW_CLI_VALUE_NEEDED, TAKES_FILTER, "--text TEXT",
     "only with this in the reason"},
    {"--key", DW_CLI_OPTION_KEY, DW_CLI_VALUE_NEEDED, TAKES_FILTER, "--key TEXT",
     "only with this in the key, or these values as a JSON array: '[\"us\",1]'"},
    {"--older", DW_CLI_OPTION_OLDER, DW_CLI_VALUE_NEEDED, TAKES_FILTER, "--older TIME",
     "only those that failed so long ago or longer: 90s, 30m, 12h, 7d"},
    {"--newer", DW_CLI_OPTION_NEWER, DW_CLI_VALUE_NEEDED, TAKES_FILTER, "--newer TIME",
     "only those that failed within so long"},
    {"--all", DW_CLI_OPTION_ALL, DW_CLI_VALUE_NONE, DW_CLI_TAKES_LETTERS, "--all",
     "all that it can be done with, instead of conditions"},
    {"--source-row", DW_CLI_OPTION_SOURCE_ROW, DW_CLI_VALUE_NONE, TAKES_REPLAY, "--source-row",
     "by the source's row of now, not by the stored event"},
    {"--yes", DW_CLI_OPTION_YES, DW_CLI_VALUE_NONE, TAKES_YES, "--yes", "really do it"},
    {"--set", DW_CLI_OPTION_SET, DW_CLI_VALUE_NEEDED, TAKES_EDIT, "--set COLUMN=VALUE",
     "set a column of the event's row; may be repeated"},
    {"--file", DW_CLI_OPTION_FILE, DW_CLI_VALUE_NEEDED, TAKES_EDIT, "--file FILE",
     "take the event from a file"},
    {"--file", DW_CLI_OPTION_FILE, DW_CLI_VALUE_NEEDED, TAKES_OUT, "--file FILE",
     "write to a file, which must not be there yet; else to standard output"},
    {"--undo", DW_CLI_OPTION_UNDO, DW_CLI_VALUE_NONE, TAKES_EDIT, "--undo", "its own event again"},
    {"--group", DW_CLI_OPTION_GROUP, DW_CLI_VALUE_NONE, TAKES_GROUP, "--group",
     "one line for each cause (on a terminal by itself when there are many)"},
    {"--each", DW_CLI_OPTION_EACH, DW_CLI_VALUE_NONE, TAKES_GROUP, "--each",
     "one line for each dead letter"},
    {"--limit", DW_CLI_OPTION_LIMIT, DW_CLI_VALUE_NEEDED, TAKES_PAGE, "--limit N",
     "at most so many, 1 to 1000 (default 100)"},
    {"--after", DW_CLI_OPTION_AFTER, DW_CLI_VALUE_NEEDED, TAKES_PAGE, "--after NEXT",
     "the next page: what the one before said"},
    {"--config", DW_CLI_OPTION_CONFIG, DW_CLI_VALUE_NEEDED, DW_CLI_TAKES_ALL, "--config FILE",
     "settings (default: $DW_CONFIG, then ./dualwrite.json)"},
    {"--json", DW_CLI_OPTION_JSON, DW_CLI_VALUE_NONE, DW_CLI_TAKES_ALL, "--json",
     "answer as JSON, for scripts"},
    {"--no-color", DW_CLI_OPTION_NO_COLOUR, DW_CLI_VALUE_NONE, DW_CLI_TAKES_ALL, "--no-color",
     "no colours (also: NO_COLOR in the environment)"},
    {"--help", DW_CLI_OPTION_HELP, DW_CLI_VALUE_NONE, DW_CLI_TAKES_ALL, "--help", "this text"},
    {"--version", DW_CLI_OPTION_VERSION, DW_CLI_VALUE_NONE, DW_CLI_TAKES_ALL, "--version",
     "version of the program"},
};

#define OPTION_COUNT (sizeof dw_cli_option_list / sizeof *dw_cli_option_list)
_Static_assert(OPTION_COUNT <= 64, "dw_cli_options: a bit for each option");
const size_t dw_cli_option_count = OPTION_COUNT;

/* --- help --------------------------------------------------------------------------------------
 */

static void write_options(struct dw_buf *text, uint64_t takes, bool common)
{
    for (size_t i = 0; i < dw_cli_option_count; i++) {
        bool for_all = dw_cli_option_list[i].taken_by == DW_CLI_TAKES_ALL;
        if (for_all ? common : (dw_cli_option_list[i].taken_by & takes) != 0)
            dw_buf_printf(text, "  %-20s %s\n", dw_cli_option_list[i].shown,
                          dw_cli_option_list[i].help);
    }
}

void dw_cli_commands_help_one(struct dw_buf *text, const struct dw_cli_command_entry *command)
{
    dw_buf_printf(text, "dualwrite %s%s%s - %s\n\nUsage: dualwrite %s%s%s%s%s [options]\n\n",
                  command->group ? command->group : "", command->group ? " " : "", command->word,
                  command->summary, command->group ? command->group : "", command->group ? " " : "",
                  command->word, *command->arguments ? " " : "", command->arguments);
    write_options(text, command->takes, true);
    dw_buf_printf(text, "\nExample: %s\n", command->example);
}

void dw_cli_commands_help_all(struct dw_buf *text, const char *group)
{
    dw_buf_append_text(text, "dualwrite - keeps tables of two systems in agreement\n\n");
    dw_buf_printf(text, "Usage: dualwrite %s%sCOMMAND [options]\n\n", group ? group : "",
                  group ? " " : "");
    for (size_t i = 0; i < DW_CLI_COMMAND_COUNT; i++) {
        const struct dw_cli_command_entry *command = &dw_cli_commands[i];
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
