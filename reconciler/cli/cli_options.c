/* cli_options.c - see cli_options.h. */
#include "reconciler/cli/cli_options.h"

#include "reconciler/cli/cli_commands.h"
#include <errno.h>
#include <stdlib.h>

#define WAIT_SECONDS   60
#define WATCH_SECONDS  2
#define SECONDS_MAX    86400
#define LIMIT_MAX      1000
#define PARTITIONS_MAX 10000
#define FOR_SECONDS    3600

#define SECONDS_100_YEARS INT64_C(3155760000)

struct parser {
    int argc;
    char *const *argv;
    int at;
    struct dw_arena *arena;
    struct dw_cli_options *out;
    struct dw_buf *text;
    const char **arguments;
    const char **keys, **sets;
    const struct dw_cli_command_entry *command; /* NULL: none named yet */
    const char *group;                          /* the first word of a command of two */
    uint64_t given;                             /* one bit per option seen, by place in the table */
    bool help, version;
};

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
        const char *group = dw_cli_commands[i].group;
        bool in_group = parser->group ? group && strcmp(group, parser->group) == 0 : !group;
        if (in_group && strcmp(dw_cli_commands[i].word, word) == 0) {
            parser->command = &dw_cli_commands[i];
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
        const char *group = dw_cli_commands[i].group;
        if (parser->group && (!group || strcmp(group, parser->group) != 0))
            continue;
        const char *word = !parser->group && group ? group : dw_cli_commands[i].word;
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
static const char *take_value(struct parser *parser, const struct dw_cli_option *option,
                              const char *inline_value)
{
    int64_t unused;
    if (inline_value)
        return inline_value;
    if (parser->at >= parser->argc)
        return NULL;
    const char *next = parser->argv[parser->at];
    if (option->value == DW_CLI_VALUE_SECONDS && !parse_number(next, 0, INT64_MAX, &unused))
        return NULL;
    parser->at++;
    return next;
}

static bool set_number(struct parser *parser, const struct dw_cli_option *option, const char *value,
                       int64_t max, int64_t *out)
{
    if (parse_number(value, 1, max, out))
        return true;
    return wrong(parser, option->name, " takes a number from 1 to ",
                 dw_arena_printf(parser->arena, "%lld", (long long)max));
}

/* 90s, 30m, 12h, 7d. */
static bool set_duration(struct parser *parser, const struct dw_cli_option *option,
                         const char *text, int64_t *out_seconds)
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

static bool set_letter_option(struct parser *parser, const struct dw_cli_option *option,
                              const char *value)
{
    struct dw_cli_options *out = parser->out;
    switch ((int)option->id) {
    case DW_CLI_OPTION_CLASS:
        out->class_name = value;
        break;
    case DW_CLI_OPTION_COLUMN:
        out->column = value;
        break;
    case DW_CLI_OPTION_TEXT:
        out->text = value;
        break;
    case DW_CLI_OPTION_OLDER:
        return set_duration(parser, option, value, &out->older_seconds);
    case DW_CLI_OPTION_NEWER:
        return set_duration(parser, option, value, &out->newer_seconds);
    case DW_CLI_OPTION_SOURCE_ROW:
        out->source_row = true;
        break;
    case DW_CLI_OPTION_GROUP:
        out->group = true;
        break;
    case DW_CLI_OPTION_EACH:
        out->each = true;
        break;
    case DW_CLI_OPTION_SET:
        parser->sets[out->set_count++] = value;
        break;
    case DW_CLI_OPTION_FILE:
        out->file = value;
        break;
    case DW_CLI_OPTION_UNDO:
        out->undo = true;
        break;
    }
    return true;
}

/* What is copied, and how. */
static bool set_copy_option(struct parser *parser, const struct dw_cli_option *option,
                            const char *value)
{
    struct dw_cli_options *out = parser->out;
    switch ((int)option->id) {
    case DW_CLI_OPTION_NO_SYNC:
        out->no_sync = true;
        break;
    case DW_CLI_OPTION_ON_EXISTING:
        out->on_existing = value;
        return !value || strcmp(value, "overwrite") == 0 || strcmp(value, "keep") == 0 ||
               wrong(parser, option->name, " is overwrite or keep", "");
    case DW_CLI_OPTION_RATE:
        return set_number(parser, option, value, INT64_MAX, &out->rate);
    case DW_CLI_OPTION_DELETE_EXTRA:
        out->delete_extra = true;
        break;
    case DW_CLI_OPTION_KEY:
        parser->keys[out->key_count++] = value;
        break;
    case DW_CLI_OPTION_FILTER:
        out->filter = value;
        break;
    case DW_CLI_OPTION_FROM:
        out->from = value;
        break;
    case DW_CLI_OPTION_TO:
        out->to = value;
        break;
    case DW_CLI_OPTION_ACCEPT_GAP:
        out->accept_gap = true;
        break;
    case DW_CLI_OPTION_BACKFILL:
        out->backfill = true;
        break;
    }
    return true;
}

/* Options of comparisons, reports and digests. */
static bool set_compare(struct parser *parser, const struct dw_cli_option *option,
                        const char *value)
{
    struct dw_cli_options *out = parser->out;
    if (option->id == DW_CLI_OPTION_SAMPLE)
        return set_number(parser, option, value, 100, &out->sample);
    if (option->id == DW_CLI_OPTION_SINCE)
        return parse_number(value, 1, INT64_MAX, &out->since_run) ||
               set_duration(parser, option, value, &out->since_seconds);
    if (option->id == DW_CLI_OPTION_KIND)
        out->kind = value;
    else if (option->id == DW_CLI_OPTION_DATE)
        out->date = value;
    else if (option->id == DW_CLI_OPTION_CSV)
        out->csv = true;
    else if (option->id == DW_CLI_OPTION_HTML)
        out->html = value;
    else
        out->way = value;
    return option->id != DW_CLI_OPTION_WAY || !value || strcmp(value, "hash") == 0 ||
           strcmp(value, "rows") == 0 || wrong(parser, option->name, " is hash or rows", "");
}

static bool set_option(struct parser *parser, const struct dw_cli_option *option, const char *value)
{
    struct dw_cli_options *out = parser->out;
    switch (option->id) {
    case DW_CLI_OPTION_CONFIG:
        out->config = value;
        break;
    case DW_CLI_OPTION_JSON:
        out->json = true;
        break;
    case DW_CLI_OPTION_NO_COLOUR:
        out->no_colour = true;
        break;
    case DW_CLI_OPTION_HELP:
        parser->help = true;
        break;
    case DW_CLI_OPTION_VERSION:
        parser->version = true;
        break;
    case DW_CLI_OPTION_START:
        out->start = true;
        break;
    case DW_CLI_OPTION_OFFLINE:
        out->offline = true;
        break;
    case DW_CLI_OPTION_DRY_RUN:
        out->dry_run = true;
        break;
    case DW_CLI_OPTION_WAIT:
        out->wait = true;
        out->wait_limited = value != NULL;
        return !value || set_number(parser, option, value, SECONDS_MAX, &out->wait_seconds);
    case DW_CLI_OPTION_WATCH:
        out->watch = true;
        return !value || set_number(parser, option, value, SECONDS_MAX, &out->watch_seconds);
    case DW_CLI_OPTION_PARTITIONS:
        out->partitions = true;
        break;
    case DW_CLI_OPTION_REASON:
        out->reason = value;
        break;
    case DW_CLI_OPTION_FOR:
        return set_duration(parser, option, value, &out->for_seconds);
    case DW_CLI_OPTION_MAP:
        out->map = value;
        break;
    case DW_CLI_OPTION_STATE:
        out->state = value;
        break;
    case DW_CLI_OPTION_CODE:
        out->code = value;
        break;
    case DW_CLI_OPTION_LIMIT:
        return set_number(parser, option, value, INT64_MAX, &out->limit);
    case DW_CLI_OPTION_SAMPLE:
    case DW_CLI_OPTION_SINCE:
    case DW_CLI_OPTION_WAY:
    case DW_CLI_OPTION_KIND:
    case DW_CLI_OPTION_DATE:
    case DW_CLI_OPTION_CSV:
    case DW_CLI_OPTION_HTML:
        return set_compare(parser, option, value);
    case DW_CLI_OPTION_AFTER:
        out->after = value;
        break;
    case DW_CLI_OPTION_YES:
        out->yes = true;
        break;
    case DW_CLI_OPTION_ALL:
        out->all = true;
        break;
    case DW_CLI_OPTION_NO_SYNC:
    case DW_CLI_OPTION_ON_EXISTING:
    case DW_CLI_OPTION_RATE:
    case DW_CLI_OPTION_DELETE_EXTRA:
    case DW_CLI_OPTION_KEY:
    case DW_CLI_OPTION_FILTER:
    case DW_CLI_OPTION_FROM:
    case DW_CLI_OPTION_TO:
    case DW_CLI_OPTION_ACCEPT_GAP:
    case DW_CLI_OPTION_BACKFILL:
        return set_copy_option(parser, option, value);
    case DW_CLI_OPTION_CLASS:
    case DW_CLI_OPTION_COLUMN:
    case DW_CLI_OPTION_TEXT:
    case DW_CLI_OPTION_OLDER:
    case DW_CLI_OPTION_NEWER:
    case DW_CLI_OPTION_SOURCE_ROW:
    case DW_CLI_OPTION_GROUP:
    case DW_CLI_OPTION_EACH:
    case DW_CLI_OPTION_SET:
    case DW_CLI_OPTION_FILE:
    case DW_CLI_OPTION_UNDO:
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
    for (size_t i = 0; i < dw_cli_option_count; i++) {
        const struct dw_cli_option *option = &dw_cli_option_list[i];
        if (strlen(option->name) != len || strncmp(option->name, argument, len) != 0)
            continue;
        if (option->value == DW_CLI_VALUE_NONE && equals)
            return wrong(parser, option->name, " takes no value", "");
        const char *value = option->value == DW_CLI_VALUE_NONE
                                ? NULL
                                : take_value(parser, option, equals ? equals + 1 : NULL);
        if (option->value == DW_CLI_VALUE_NEEDED && !value)
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
    if (out->csv && out->html)
        return wrong(parser, "--csv", " does not go with --html: ask for one after the other", "");
    if (out->json && (out->csv || out->html))
        return wrong(parser, "--json", " does not go with --csv and --html", "");
    if (out->group && out->each)
        return wrong(parser, "--group", " does not go with --each", "");
    if (!(parser->command->takes & DW_CLI_TAKES_LETTERS))
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
static uint64_t takers_of(const struct dw_cli_option *option)
{
    uint64_t takers = 0;
    for (size_t i = 0; i < dw_cli_option_count; i++)
        if (strcmp(dw_cli_option_list[i].name, option->name) == 0)
            takers |= dw_cli_option_list[i].taken_by;
    return takers == DW_CLI_TAKES_ALL ? UINT64_MAX : takers;
}

/* Does everything that was given belong to the command? */
static bool check_fit(struct parser *parser)
{
    const struct dw_cli_command_entry *command = parser->command;
    if (!command)
        return wrong(
            parser, parser->group ? parser->group : "a command",
            parser->group ? " needs a second word: " : " is missing: ", next_words(parser));
    for (size_t i = 0; i < dw_cli_option_count; i++)
        if ((parser->given & UINT64_C(1) << i) && takers_of(&dw_cli_option_list[i]) != UINT64_MAX &&
            !(command->takes & takers_of(&dw_cli_option_list[i])))
            return wrong(parser, dw_cli_option_list[i].name,
                         " is no option of this command; see --help", "");
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
            dw_cli_commands_help_one(text, parser.command);
        else
            dw_cli_commands_help_all(text, parser.group);
        return argc < 2 ? DW_CLI_WRONG : DW_CLI_HELP;
    }
    return check_fit(&parser) ? DW_CLI_RUN : DW_CLI_WRONG;
}
