/* api_routes.c - all routes of the operator API: see api_route.h. */
#include "common/state/map_state.h"
#include "common/state/state_jobs.h"
#include "common/state/state_sync.h"
#include "reconciler/api/api_answer.h"

#define NAME_MAX       249
#define REASON_MAX     1000
#define CODE_MAX       32
#define MAPS_MAX       10000
#define SINCE_MAX      (100 * 366 * INT64_C(86400)) /* seconds */
#define FILTER_MAX     65536
#define PAGE_MAX       1000
#define PARTITIONS_MAX 10000
#define IDS_MAX        10000
#define BESIDE_MAX     1000
#define YEARS_100      INT64_C(3155760000) /* seconds */
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/* --- fields that several routes have ------------------------------------------------------------
 */

/* Every list has these two, and answers "next": the `after` of its next page, null at the end. */
#define LIMIT_OR(count)                                                                            \
    {                                                                                              \
        .name = "limit", .type = DW_API_INTEGER, .min = 1, .max = PAGE_MAX, .fallback = (count),   \
        .text = "How many, at most."                                                               \
    }
#define LIMIT LIMIT_OR("100")
#define AFTER_ID                                                                                   \
    {                                                                                              \
        .name = "after", .type = DW_API_INTEGER, .min = 1, .max = INT64_MAX,                       \
        .text = "Those that come after this one: \"next\" of the page before."                     \
    }
#define TEXT(field_name, max_bytes, about)                                                         \
    {                                                                                              \
        .name = (field_name), .type = DW_API_TEXT, .max = (max_bytes), .text = (about)             \
    }
#define FLAG(field_name, about)                                                                    \
    {                                                                                              \
        .name = (field_name), .type = DW_API_BOOL, .fallback = "false", .text = (about)            \
    }
#define REASON  TEXT("reason", REASON_MAX, "Why, for history and audit log.")
#define DRY_RUN FLAG("dry_run", "Only say what would happen.")

static const char *const on_existing[] = {"overwrite", "keep", NULL};
#define ON_EXISTING                                                                                \
    {                                                                                              \
        .name = "on_existing", .type = DW_API_CHOICE, .choices = on_existing,                      \
        .fallback = "overwrite", .text = "What becomes of rows that the target has already."       \
    }
#define RATE                                                                                       \
    {                                                                                              \
        .name = "rate", .type = DW_API_INTEGER, .max = INT64_MAX, .fallback = "0",                 \
        .text = "Rows per second, at most; 0 is no limit."                                         \
    }
#define DELETE_EXTRA FLAG("delete_extra", "Delete rows of the target that the source has not.")
#define BACKFILL     FLAG("backfill", "Copy the rows again where the change needs that.")

static const struct dw_api_field map_name[] = {
    {.name = "map", .type = DW_API_TEXT, .min = 1, .max = NAME_MAX, .text = "A map."}, END};
static const struct dw_api_field id_name[] = {
    {.name = "id", .type = DW_API_INTEGER, .min = 1, .max = INT64_MAX, .text = "Its number."}, END};
static const struct dw_api_field dry_run_query[] = {DRY_RUN, END};
static const struct dw_api_field reason_body[] = {REASON, END};

/* --- maps ---------------------------------------------------------------------------------------
 */

static const struct dw_api_field maps_page[] = {
    LIMIT_OR("1000"),
    {.name = "after",
     .type = DW_API_TEXT,
     .min = 1,
     .max = NAME_MAX,
     .text = "Maps behind this name: \"next\" of the page before."},
    FLAG("documents", "With the documents in force."),
    END};
static const struct dw_api_field id_page[] = {LIMIT, AFTER_ID, END};
static const struct dw_api_field apply_body[] = {
    {.name = "document", .type = DW_API_DOCUMENT, .required = true, .text = "The map file."},
    TEXT("file", REASON_MAX, "Its name, for messages."),
    {.name = "beside",
     .type = DW_API_TEXTS,
     .max = BESIDE_MAX,
     .text = "Other map files, as texts, that are applied in the same go: it is checked beside "
             "them."},
    BACKFILL,
    ON_EXISTING,
    RATE,
    DELETE_EXTRA,
    END};
static const struct dw_api_field rollback_body[] = {{.name = "revision",
                                                     .type = DW_API_INTEGER,
                                                     .max = INT64_MAX,
                                                     .fallback = "0",
                                                     .text = "Which; 0 is the one before."},
                                                    REASON,
                                                    BACKFILL,
                                                    ON_EXISTING,
                                                    RATE,
                                                    DELETE_EXTRA,
                                                    END};

static const struct dw_api_field partitions_body[] = {
    {.name = "partitions",
     .type = DW_API_INTEGER,
     .min = 1,
     .max = PARTITIONS_MAX,
     .required = true,
     .text = "How many the topic is to have; never fewer than it has."},
    END};

/* --- copies of rows -----------------------------------------------------------------------------
 */

static const struct dw_api_field start_body[] = {{.name = "maps",
                                                  .type = DW_API_TEXTS,
                                                  .max = MAPS_MAX,
                                                  .required = true,
                                                  .text = "Which maps."},
                                                 {.name = "copy",
                                                  .type = DW_API_BOOL,
                                                  .fallback = "true",
                                                  .text = "Copy the rows that are there already."},
                                                 ON_EXISTING,
                                                 RATE,
                                                 DELETE_EXTRA,
                                                 DRY_RUN,
                                                 REASON,
                                                 END};
static const struct dw_api_field resync_body[] = {
    {.name = "maps", .type = DW_API_TEXTS, .max = MAPS_MAX, .text = "Which maps, or …"},
    TEXT("system", NAME_MAX, "… all maps from this system."),
    {.name = "keys", .type = DW_API_JSON, .text = "An array of keys: these rows alone."},
    {.name = "from", .type = DW_API_JSON, .text = "A key: rows from this one …"},
    {.name = "to", .type = DW_API_JSON, .text = "… to this one."},
    {.name = "filter",
     .type = DW_API_TEXT,
     .min = 1,
     .max = FILTER_MAX,
     .text = "An expression over the source's columns: rows that match it alone."},
    FLAG("accept_gap", "With \"system\": the producer that stands before a gap goes on behind it."),
    ON_EXISTING,
    RATE,
    DELETE_EXTRA,
    DRY_RUN,
    END};
static const struct dw_api_field rate_body[] = {
    {.name = "rate",
     .type = DW_API_INTEGER,
     .max = INT64_MAX,
     .required = true,
     .text = "Rows per second, at most; 0 is no limit."},
    END};
static const struct dw_api_field syncs_query[] = {TEXT("map", NAME_MAX, "Those of this map."),
                                                  {.name = "batch",
                                                   .type = DW_API_INTEGER,
                                                   .min = 1,
                                                   .max = INT64_MAX,
                                                   .text = "Those started together with this one."},
                                                  FLAG("all", "Also those that are over."),
                                                  LIMIT,
                                                  AFTER_ID,
                                                  END};

static const char *check_resync(const struct dw_api_request *request)
{
    size_t maps = 0;
    bool keys = dw_api_request_given(request, "keys");
    bool from = dw_api_request_given(request, "from");
    bool filter = dw_api_request_given(request, "filter");
    (void)dw_api_request_texts(request, "maps", &maps);
    if (!maps == !dw_api_request_given(request, "system"))
        return "the body needs either \"maps\" or \"system\"";
    if (dw_api_request_flag(request, "accept_gap") && maps)
        return "\"accept_gap\" goes with \"system\"";
    if (from != dw_api_request_given(request, "to"))
        return "\"from\" and \"to\" go together";
    if (keys && from)
        return "either \"keys\" or \"from\" and \"to\"";
    if (keys && filter)
        return "either \"keys\" or \"filter\"";
    if (filter && dw_api_request_flag(request, "delete_extra"))
        return "\"delete_extra\" does not go with \"filter\": a row that the source has not has "
               "nothing to match; name \"from\" and \"to\", or neither";
    return (keys || from || filter) && maps != 1 ? "keys and filter are of one map" : NULL;
}

/* --- comparisons --------------------------------------------------------------------------------
 */

static const char *const compare_ways[] = {"hash", "rows", NULL};
static const char *const difference_kinds[] = {"missing", "extra",   "different", "duplicate",
                                               "held",    "waiting", NULL};
static const char *const repair_outcomes[] = {"none", "ordered", "gone", "left", NULL};
static const struct dw_api_field compare_body[] = {
    {.name = "maps",
     .type = DW_API_TEXTS,
     .max = MAPS_MAX,
     .required = true,
     .text = "Which maps."},
    {.name = "filter",
     .type = DW_API_TEXT,
     .min = 1,
     .max = FILTER_MAX,
     .text = "An expression over the source's columns: rows that match it alone."},
    {.name = "sample",
     .type = DW_API_INTEGER,
     .min = 1,
     .max = 100,
     .text = "Percent of the key ranges, chosen by chance; left out: all."},
    RATE,
    {.name = "way",
     .type = DW_API_CHOICE,
     .choices = compare_ways,
     .text = "By hashes in the databases, or by reading rows; left out: hashes where possible."},
    {.name = "since_seconds",
     .type = DW_API_INTEGER,
     .min = 1,
     .max = SINCE_MAX,
     .text = "Rows that changed in the source within so many seconds alone."},
    {.name = "since_run",
     .type = DW_API_INTEGER,
     .min = 1,
     .max = INT64_MAX,
     .text = "Rows that changed in the source since this comparison began alone."},
    END};

static const char *check_compare(const struct dw_api_request *request)
{
    bool seconds = dw_api_request_given(request, "since_seconds");
    bool run = dw_api_request_given(request, "since_run");
    if (seconds && run)
        return "either \"since_seconds\" or \"since_run\"";
    if ((seconds || run) &&
        (dw_api_request_given(request, "filter") || dw_api_request_given(request, "sample") ||
         dw_api_request_given(request, "way")))
        return "what changed is compared as a whole: without \"filter\", \"sample\" and \"way\"";
    return NULL;
}

static const struct dw_api_field runs_query[] = {TEXT("map", NAME_MAX, "Those of this map."),
                                                 {.name = "batch",
                                                  .type = DW_API_INTEGER,
                                                  .min = 1,
                                                  .max = INT64_MAX,
                                                  .text = "Those ordered together with this one."},
                                                 LIMIT,
                                                 AFTER_ID,
                                                 END};
static const struct dw_api_field differences_query[] = {
    {.name = "kind",
     .type = DW_API_CHOICE,
     .choices = difference_kinds,
     .text = "Those of this kind."},
    {.name = "repair",
     .type = DW_API_CHOICE,
     .choices = repair_outcomes,
     .text = "Those of which a repair made this."},
    LIMIT,
    AFTER_ID,
    END};
static const struct dw_api_field repair_body[] = {
    FLAG("delete_extra", "Delete rows of the target that the source has not, up to the limit."),
    {.name = "limit",
     .type = DW_API_INTEGER,
     .min = 1,
     .max = INT64_MAX,
     .text = "How many rows may be deleted; with more of them nothing is done."},
    DRY_RUN,
    END};

static const char *check_repair(const struct dw_api_request *request)
{
    bool deletes = dw_api_request_flag(request, "delete_extra");
    return deletes != dw_api_request_given(request, "limit")
               ? "\"delete_extra\" and \"limit\" go together"
               : NULL;
}

/* --- dead letters, audit ------------------------------------------------------------------------
 */

static const char *const letter_states[] = {"open",     "unconfirmed", "replaying", "discarding",
                                            "void",     "foreign",     "applied",   "superseded",
                                            "filtered", "discarded",   "all",       NULL};
#define SECONDS(field_name, about)                                                                 \
    {                                                                                              \
        .name = (field_name), .type = DW_API_INTEGER, .max = YEARS_100, .text = (about)            \
    }
/* Which dead letters. */
#define LETTERS(state_text)                                                                        \
    TEXT("map", NAME_MAX, "Those of this map."),                                                   \
        {.name = "state", .type = DW_API_CHOICE, .choices = letter_states, .text = (state_text)},  \
        TEXT("code", CODE_MAX, "Those with this error code."),                                     \
        TEXT("class", CODE_MAX, "Those of this class: data, constraint, dependency, …"),           \
        TEXT("column", NAME_MAX, "Those that failed at this target column."),                      \
        TEXT("text", REASON_MAX, "Those whose reason has this text, in any case."),                \
        TEXT("key", REASON_MAX,                                                                    \
             "Those whose record's key has this text, or these values: [\"us\",1]."),              \
        SECONDS("older_seconds", "Those that failed so long ago, or longer."),                     \
        SECONDS("newer_seconds", "Those that failed within so long.")
static const struct dw_api_field letters_query[] = {LETTERS("Left out: those that have not ended."),
                                                    LIMIT, AFTER_ID, END};
static const struct dw_api_field groups_query[] = {LETTERS("Left out: those that have not ended."),
                                                   LIMIT, END};
#define WHICH_LETTERS                                                                              \
    {.name = "ids",                                                                                \
     .type = DW_API_INTEGERS,                                                                      \
     .max = IDS_MAX,                                                                               \
     .text = "These; with other conditions, those among them."},                                   \
        LETTERS("Left out: those that it can be done with."),                                      \
        FLAG("all", "All that it can be done with: instead of any other condition."), REASON,      \
        DRY_RUN
static const struct dw_api_field replay_body[] = {
    WHICH_LETTERS, FLAG("source_row", "By the source's row of now, not by the stored event."), END};
static const struct dw_api_field letters_body[] = {WHICH_LETTERS, END};
static const struct dw_api_field export_query[] = {
    LETTERS("Left out: any."),
    LIMIT,
    {.name = "after",
     .type = DW_API_INTEGER,
     .min = 1,
     .max = INT64_MAX,
     .text = "Those with higher numbers: \"next\" of the page before."},
    END};
static const struct dw_api_field import_body[] = {
    {.name = "letters", .type = DW_API_JSON, .required = true, .text = "An array, as exported."},
    END};
static const struct dw_api_field event_body[] = {
    {.name = "event",
     .type = DW_API_JSON,
     .required = true,
     .text = "A whole event of the same row, or null."},
    END};
static const struct dw_api_field jobs_query[] = {FLAG("running", "Only those that run."), LIMIT,
                                                 END};

/* Nobody means all letters by saying nothing. */
static const char *check_letters(const struct dw_api_request *request)
{
    static const char *const conditions[] = {"ids",           "map",          "state", "code",
                                             "class",         "column",       "text",  "key",
                                             "older_seconds", "newer_seconds"};
    bool given = false;
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        given = given || dw_api_request_given(request, conditions[i]);
    if (given == dw_api_request_flag(request, "all"))
        return "say which letters: by conditions, or \"all\": true";
    return NULL;
}
static const struct dw_api_field audit_query[] = {TEXT("map", NAME_MAX, "What was done to this."),
                                                  LIMIT, AFTER_ID, END};

/* --- alerts -------------------------------------------------------------------------------------
 */

#define RULE_MAX 40
#define RULE     TEXT("rule", RULE_MAX, "Of this rule.")
#define OBJECT   TEXT("object", NAME_MAX, "Of this map or system.")
static const struct dw_api_field alerts_query[] = {RULE, OBJECT, LIMIT, AFTER_ID, END};
static const struct dw_api_field test_body[] = {
    TEXT("webhook", NAME_MAX, "Which; left out: all of them."), END};
static const struct dw_api_field silence_body[] = {
    TEXT("rule", RULE_MAX, "Alerts of this rule; left out: of every."),
    TEXT("object", NAME_MAX, "Of this map or system; left out: of every."),
    {.name = "seconds",
     .type = DW_API_INTEGER,
     .min = 1,
     .max = 365 * 86400,
     .required = true,
     .text = "For how long."},
    REASON,
    END};

static const struct dw_api_field digest_query[] = {
    {.name = "date", .type = DW_API_DATE, .text = "A day of UTC; left out: today, so far."}, END};

/* --- the table ----------------------------------------------------------------------------------
 */

#define VIEWER   DW_TOKEN_VIEWER
#define OPERATOR DW_TOKEN_OPERATOR
#define ADMIN    DW_TOKEN_ADMIN

static const struct dw_api_route routes[] = {
    {"GET", "/openapi.json", VIEWER, dw_api_describe_show,
     .summary = "This description of the API.", .schema = "OpenApi"},
    {"GET", "/status", VIEWER, dw_api_status_show,
     .summary = "How it goes: maps, systems, processes, gaps, alerts.", .schema = "Status"},

    {"GET", "/maps", VIEWER, dw_api_maps_list, .query = maps_page,
     .summary = "The maps and their states, by name.", .schema = "MapList"},
    {"GET", "/maps/{map}", VIEWER, dw_api_maps_show, .names = map_name,
     .summary = "One map: state, last history, document.", .schema = "Map"},
    {"PUT", "/maps/{map}", ADMIN, dw_api_maps_apply, .names = map_name, .query = dry_run_query,
     .body = apply_body, .summary = "Check a map file and take it live as a new revision.",
     .schema = "MapApplied"},
    {"POST", "/maps/{map}/start", OPERATOR, dw_api_maps_order, DW_MAP_START, .names = map_name,
     .query = dry_run_query, .body = reason_body,
     .summary = "Start with changes from now on; no rows are copied.", .schema = "MapOutcome"},
    {"POST", "/maps/{map}/pause", OPERATOR, dw_api_maps_order, DW_MAP_PAUSE, .names = map_name,
     .query = dry_run_query, .body = reason_body,
     .summary = "Stop applying; changes are kept in Kafka.", .schema = "MapOutcome"},
    {"POST", "/maps/{map}/resume", OPERATOR, dw_api_maps_order, DW_MAP_RESUME, .names = map_name,
     .query = dry_run_query, .body = reason_body, .summary = "Go on after a pause or an error.",
     .schema = "MapOutcome"},
    {"POST", "/maps/{map}/stop", OPERATOR, dw_api_maps_order, DW_MAP_STOP, .names = map_name,
     .query = dry_run_query, .body = reason_body, .summary = "Stop publishing and applying.",
     .schema = "MapOutcome"},
    {"GET", "/maps/{map}/history", VIEWER, dw_api_history_show, .names = map_name, .query = id_page,
     .summary = "What became of a map, newest first.", .schema = "MapHistory"},
    {"POST", "/maps/{map}/rollback", ADMIN, dw_api_maps_rollback, .names = map_name,
     .query = dry_run_query, .body = rollback_body,
     .summary = "Make an earlier revision the newest one.", .schema = "MapApplied"},

    {"GET", "/maps/{map}/partitions", VIEWER, dw_api_partitions_show, .names = map_name,
     .summary = "By how many partitions a map is published, and from where on.",
     .schema = "MapPartitions"},
    {"POST", "/maps/{map}/partitions", OPERATOR, dw_api_partitions_raise, .names = map_name,
     .query = dry_run_query, .body = partitions_body,
     .summary = "Give a map more partitions; they count from one place of the stream on.",
     .schema = "MapRaised"},

    {"POST", "/start", OPERATOR, dw_api_start_run, .body = start_body,
     .summary = "Start several maps, parents first.", .schema = "BatchStarted"},
    {"GET", "/syncs", VIEWER, dw_api_syncs_list, .query = syncs_query,
     .summary = "Copies of rows: progress, rate, time left.", .schema = "SyncList"},
    {"POST", "/syncs", OPERATOR, dw_api_start_resync, .body = resync_body, .check = check_resync,
     .summary = "Copy rows again beside live changes.", .schema = "BatchStarted"},
    {"GET", "/syncs/{id}", VIEWER, dw_api_syncs_show, .names = id_name,
     .summary = "One sync with its ranges.", .schema = "SyncDetail"},
    {"POST", "/syncs/{id}/pause", OPERATOR, dw_api_syncs_act, DW_SYNC_PAUSE, .names = id_name,
     .query = dry_run_query, .summary = "Stop copying; the map goes on.", .schema = "SyncOrdered"},
    {"POST", "/syncs/{id}/resume", OPERATOR, dw_api_syncs_act, DW_SYNC_RESUME, .names = id_name,
     .query = dry_run_query, .summary = "Go on from where it stood.", .schema = "SyncOrdered"},
    {"POST", "/syncs/{id}/cancel", OPERATOR, dw_api_syncs_act, DW_SYNC_CANCEL, .names = id_name,
     .query = dry_run_query, .summary = "Give up.", .schema = "SyncOrdered"},
    {"POST", "/syncs/{id}/rate", OPERATOR, dw_api_syncs_act, DW_SYNC_RATE, .names = id_name,
     .query = dry_run_query, .body = rate_body,
     .summary = "Limit the rows per second while it runs.", .schema = "SyncOrdered"},

    {"GET", "/reconcile/runs", VIEWER, dw_api_reconcile_list, .query = runs_query,
     .summary = "Comparisons of both sides, newest first.", .schema = "RunList"},
    {"POST", "/reconcile/runs", OPERATOR, dw_api_reconcile_order, .body = compare_body,
     .check = check_compare, .summary = "Compare both sides of maps.", .schema = "RunList"},
    {"GET", "/reconcile/runs/{id}", VIEWER, dw_api_reconcile_show, .names = id_name,
     .summary = "One comparison: progress, counts, repair.", .schema = "Run"},
    {"POST", "/reconcile/runs/{id}/cancel", OPERATOR, dw_api_reconcile_cancel, .names = id_name,
     .summary = "Stop comparing.", .schema = "Run"},
    {"GET", "/reconcile/runs/{id}/differences", VIEWER, dw_api_reconcile_differences,
     .names = id_name, .query = differences_query,
     .summary = "What a comparison found: key, kind, columns with both values.",
     .schema = "DifferenceList"},
    {"GET", "/reconcile/runs/{id}/report", VIEWER, dw_api_report_show, .names = id_name,
     .summary = "What a comparison found, summed up, with the runs before it and its rows.",
     .schema = "RunReport"},
    {"GET", "/reconcile/runs/{id}/report/page", VIEWER, dw_api_report_page, .names = id_name,
     .summary = "The same as one HTML page.", .schema = "", .media = "text/html"},
    {"POST", "/reconcile/runs/{id}/repair", OPERATOR, dw_api_reconcile_repair, .names = id_name,
     .body = repair_body, .check = check_repair,
     .summary = "Read the rows that differ again from the source, through the ordinary path.",
     .schema = "RepairOrdered"},

    {"GET", "/dead-letters", VIEWER, dw_api_letters_list, .query = letters_query, .judged = true,
     .summary = "Events that could not be applied, newest first.", .schema = "LetterList"},
    {"GET", "/dead-letters/groups", VIEWER, dw_api_letters_groups, .query = groups_query,
     .judged = true, .summary = "Dead letters by cause, with their number.",
     .schema = "LetterGroups"},
    {"POST", "/dead-letters/replay", OPERATOR, dw_api_letter_jobs_start, DW_LETTER_REPLAY,
     .body = replay_body, .check = check_letters,
     .summary = "Try dead letters again; a later write is never overwritten.",
     .schema = "LetterJobStarted"},
    {"POST", "/dead-letters/discard", OPERATOR, dw_api_letter_jobs_start, DW_LETTER_DISCARD,
     .body = letters_body, .check = check_letters,
     .summary = "Give dead letters up: they are counted as discarded.",
     .schema = "LetterJobStarted"},
    {"POST", "/dead-letters/purge", ADMIN, dw_api_letter_jobs_start, DW_LETTER_PURGE,
     .body = letters_body, .check = check_letters,
     .summary = "Remove dead letters that have ended from the index.",
     .schema = "LetterJobStarted"},
    {"GET", "/dead-letters/export", VIEWER, dw_api_archive_export, .query = export_query,
     .judged = true,
     .summary = "Dead letters with all that is known of them, by rising id, to be loaded again.",
     .schema = "LetterExport"},
    {"POST", "/dead-letters/import", ADMIN, dw_api_archive_import, .body = import_body,
     .summary = "Load dead letters that were exported; those that are known stay as they are.",
     .schema = "LetterImport"},
    {"GET", "/letter-jobs", VIEWER, dw_api_letter_jobs_list, .query = jobs_query,
     .summary = "Work on many dead letters: how far it is, newest first.",
     .schema = "LetterJobList"},
    {"GET", "/letter-jobs/{id}", VIEWER, dw_api_letter_jobs_show, .names = id_name,
     .summary = "One of them.", .schema = "LetterJob"},
    {"POST", "/letter-jobs/{id}/cancel", OPERATOR, dw_api_letter_jobs_cancel, .names = id_name,
     .summary = "Take no further letters.", .schema = "LetterJob"},
    {"GET", "/dead-letters/{id}", VIEWER, dw_api_letters_show, .names = id_name,
     .summary = "One dead letter with its event.", .schema = "Letter"},
    {"GET", "/dead-letters/{id}/compare", VIEWER, dw_api_letters_compare, .names = id_name,
     .summary = "Its event, what the map makes of it, both rows of now, and whether it would be "
                "applied: tried in the target and rolled back.",
     .schema = "LetterCompared"},
    {"PUT", "/dead-letters/{id}/event", OPERATOR, dw_api_letters_edit, .names = id_name,
     .body = event_body,
     .summary = "Have another event replayed in place of its own; null takes it "
                "back.",
     .schema = "Letter"},

    {"GET", "/alerts", VIEWER, dw_api_alerts_list, .query = alerts_query,
     .summary = "What fires, silences in force, and how it goes with the webhooks.",
     .schema = "AlertList"},
    {"GET", "/alerts/history", VIEWER, dw_api_alerts_history, .query = alerts_query,
     .summary = "Alerts that are over, newest first.", .schema = "AlertHistory"},
    {"POST", "/alerts/test", OPERATOR, dw_api_alerts_test, .body = test_body,
     .summary = "Send webhooks an alert that fires, and that it is over.", .schema = "AlertTest"},
    {"POST", "/silences", OPERATOR, dw_api_alerts_silence, .body = silence_body,
     .summary = "Tell nobody of alerts for a while.", .schema = "Silence"},
    {"POST", "/silences/{id}/end", OPERATOR, dw_api_alerts_unsilence, .names = id_name,
     .summary = "End a silence now.", .schema = "SilenceEnded"},

    {"GET", "/digest", VIEWER, dw_api_digest_show, .query = digest_query, .judged = true,
     .summary = "A day of all maps: throughput, latency, dead letters, equality, trend.",
     .schema = "Digest"},
    {"GET", "/digest/page", VIEWER, dw_api_digest_page, .query = digest_query, .judged = true,
     .summary = "The same as one HTML page.", .schema = "", .media = "text/html"},

    {"GET", "/audit", VIEWER, dw_api_history_audit, .query = audit_query,
     .summary = "Who did what, newest first.", .schema = "AuditLog"},
};

const struct dw_api_route *dw_api_routes(size_t *out_count)
{
    *out_count = sizeof routes / sizeof *routes;
    return routes;
}
