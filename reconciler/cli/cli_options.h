/* cli_options.h - the command line: commands, their options, their help.
 *
 * What there is to say stands in cli_commands.h. Pure but for the texts it borrows from argv.
 */
#ifndef DW_CLI_CLI_OPTIONS_H
#define DW_CLI_CLI_OPTIONS_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dw_cli_command {
    DW_CLI_STATUS,
    DW_CLI_MAP_CHECK,
    DW_CLI_MAP_APPLY,
    DW_CLI_MAP_LIST,
    DW_CLI_MAP_SHOW,
    DW_CLI_MAP_START,
    DW_CLI_MAP_PAUSE,
    DW_CLI_MAP_RESUME,
    DW_CLI_MAP_STOP,
    DW_CLI_MAP_RESYNC,
    DW_CLI_MAP_HISTORY,
    DW_CLI_MAP_ROLLBACK,
    DW_CLI_MAP_DIFF,
    DW_CLI_MAP_PARTITIONS,
    DW_CLI_SYSTEM_RESYNC,
    DW_CLI_SYNC_LIST,
    DW_CLI_SYNC_SHOW,
    DW_CLI_SYNC_PAUSE,
    DW_CLI_SYNC_RESUME,
    DW_CLI_SYNC_CANCEL,
    DW_CLI_SYNC_RATE,
    DW_CLI_AUDIT,
    DW_CLI_RECONCILE_RUN,
    DW_CLI_RECONCILE_LIST,
    DW_CLI_RECONCILE_SHOW,
    DW_CLI_RECONCILE_DIFFERENCES,
    DW_CLI_RECONCILE_REPORT,
    DW_CLI_RECONCILE_REPAIR,
    DW_CLI_RECONCILE_CANCEL,
    DW_CLI_LETTER_LIST,
    DW_CLI_LETTER_SHOW,
    DW_CLI_LETTER_STATS,
    DW_CLI_LETTER_EDIT,
    DW_CLI_LETTER_EXPLAIN,
    DW_CLI_LETTER_REPLAY,
    DW_CLI_LETTER_DISCARD,
    DW_CLI_LETTER_PURGE,
    DW_CLI_LETTER_EXPORT,
    DW_CLI_LETTER_IMPORT,
    DW_CLI_LETTER_JOBS,
    DW_CLI_LETTER_CANCEL,
    DW_CLI_ALERT_LIST,
    DW_CLI_ALERT_HISTORY,
    DW_CLI_ALERT_TEST,
    DW_CLI_ALERT_SILENCE,
    DW_CLI_ALERT_UNSILENCE,
    DW_CLI_DIGEST,
    DW_CLI_EXPLAIN,
    DW_CLI_CONFIG_CHECK,
    DW_CLI_CONFIG_REFERENCE,
    DW_CLI_COMMAND_COUNT
};

struct dw_cli_options {
    enum dw_cli_command command;
    const char *const *arguments; /* what is no option: files, names, ids; in the arena */
    size_t argument_count;
    const char *config; /* NULL: $DW_CONFIG or ./dualwrite.json */
    bool json;
    bool no_colour;
    bool start;
    bool dry_run;
    bool offline;
    bool wait;
    int64_t wait_seconds;
    bool wait_limited; /* the seconds were given */
    bool watch;
    int64_t watch_seconds;
    bool partitions;
    const char *reason; /* NULL: none */
    int64_t for_seconds;
    int64_t since_seconds, since_run; /* 0: no */
    const char *date;                 /* NULL: today */
    const char *html;                 /* a file; NULL: none */
    bool csv;
    const char *map;
    const char *state;
    const char *code;
    int64_t limit;    /* 0: the server's default; of reconcile repair: rows that may be deleted */
    int64_t sample;   /* percent; 0: all */
    const char *way;  /* of reconcile run: hash or rows; NULL: not given */
    const char *kind; /* of differences; NULL: any */
    bool no_sync;
    const char *on_existing; /* NULL: not given */
    int64_t rate;            /* 0: none */
    bool delete_extra;
    bool yes;
    const char *const *keys; /* --key, in the arena */
    size_t key_count;
    const char *from, *to; /* JSON keys; of map rollback `to` is a revision */
    const char *filter;    /* of map resync: an expression; NULL: not given */
    bool all;
    bool backfill;
    bool accept_gap;
    const char *after; /* NULL: from the begin */
    /* which dead letters, beside map, state, code and keys[0] */
    const char *class_name, *column, *text;
    int64_t older_seconds, newer_seconds; /* -1: not given */
    bool source_row;
    bool group, each; /* of a list */
    /* dead-letter edit */
    const char *const *sets; /* COLUMN=VALUE, in the arena */
    size_t set_count;
    const char *file;
    bool undo;
};

enum dw_cli_parse {
    DW_CLI_RUN,     /* *out is complete */
    DW_CLI_HELP,    /* --help: `text` is to be shown, exit 0 */
    DW_CLI_VERSION, /* --version */
    DW_CLI_WRONG,   /* `text` says what is wrong, exit 2 */
};

enum dw_cli_parse dw_cli_options_parse(int argc, char *const *argv, struct dw_arena *arena,
                                       struct dw_cli_options *out, struct dw_buf *text);

#endif
