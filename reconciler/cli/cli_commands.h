/* cli_commands.h - what the command offers: its commands, their options, their help.
 *
 * One table of commands and one of options drive parsing (cli_options.h) and every --help. Pure.
 */
#ifndef DW_CLI_CLI_COMMANDS_H
#define DW_CLI_CLI_COMMANDS_H
#include "common/base/buf.h"
#include "reconciler/cli/cli_options.h"

/* Of `takes` and `taken_by`, bits that parsing knows; the others tie options to commands alone. */
#define DW_CLI_TAKES_ALL     (UINT64_C(1) << 63) /* every command */
#define DW_CLI_TAKES_LETTERS (UINT64_C(1) << 62) /* all of them, or those numbered */

struct dw_cli_command_entry {
    const char *group; /* "map"; NULL: a word of its own */
    const char *word;
    uint64_t takes;
    size_t min_arguments;
    size_t max_arguments;
    const char *arguments; /* for the help */
    const char *summary;
    const char *example;
};

enum dw_cli_option_id {
    DW_CLI_OPTION_CONFIG,
    DW_CLI_OPTION_JSON,
    DW_CLI_OPTION_NO_COLOUR,
    DW_CLI_OPTION_HELP,
    DW_CLI_OPTION_VERSION,
    DW_CLI_OPTION_START,
    DW_CLI_OPTION_DRY_RUN,
    DW_CLI_OPTION_OFFLINE,
    DW_CLI_OPTION_WAIT,
    DW_CLI_OPTION_WATCH,
    DW_CLI_OPTION_PARTITIONS,
    DW_CLI_OPTION_REASON,
    DW_CLI_OPTION_FOR,
    DW_CLI_OPTION_DATE,
    DW_CLI_OPTION_HTML,
    DW_CLI_OPTION_CSV,
    DW_CLI_OPTION_MAP,
    DW_CLI_OPTION_STATE,
    DW_CLI_OPTION_CODE,
    DW_CLI_OPTION_LIMIT,
    DW_CLI_OPTION_AFTER,
    DW_CLI_OPTION_NO_SYNC,
    DW_CLI_OPTION_ON_EXISTING,
    DW_CLI_OPTION_RATE,
    DW_CLI_OPTION_DELETE_EXTRA,
    DW_CLI_OPTION_YES,
    DW_CLI_OPTION_KEY,
    DW_CLI_OPTION_FROM,
    DW_CLI_OPTION_FILTER,
    DW_CLI_OPTION_TO,
    DW_CLI_OPTION_ALL,
    DW_CLI_OPTION_BACKFILL,
    DW_CLI_OPTION_ACCEPT_GAP,
    DW_CLI_OPTION_CLASS,
    DW_CLI_OPTION_COLUMN,
    DW_CLI_OPTION_TEXT,
    DW_CLI_OPTION_OLDER,
    DW_CLI_OPTION_NEWER,
    DW_CLI_OPTION_SOURCE_ROW,
    DW_CLI_OPTION_GROUP,
    DW_CLI_OPTION_EACH,
    DW_CLI_OPTION_SAMPLE,
    DW_CLI_OPTION_SINCE,
    DW_CLI_OPTION_WAY,
    DW_CLI_OPTION_KIND,
    DW_CLI_OPTION_SET,
    DW_CLI_OPTION_FILE,
    DW_CLI_OPTION_UNDO,
};

enum dw_cli_option_value {
    DW_CLI_VALUE_NONE,
    DW_CLI_VALUE_NEEDED,
    DW_CLI_VALUE_SECONDS /* may be left out */
};

struct dw_cli_option {
    const char *name;
    enum dw_cli_option_id id;
    enum dw_cli_option_value value;
    uint64_t taken_by; /* bits of `takes`; TAKES_ALL: every command */
    const char *shown;
    const char *help;
};

extern const struct dw_cli_command_entry dw_cli_commands[DW_CLI_COMMAND_COUNT];
extern const struct dw_cli_option dw_cli_option_list[];
extern const size_t dw_cli_option_count; /* at most 64: a bit for each */

void dw_cli_commands_help_one(struct dw_buf *text, const struct dw_cli_command_entry *command);
/* `group`: only its commands; NULL: all. */
void dw_cli_commands_help_all(struct dw_buf *text, const char *group);

#endif
