/* cli_status.c - status: one picture, or again and again (--watch). */
#include "common/base/clock.h"
#include "reconciler/cli/cli.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TEXT_MAX_BYTES (64u << 20)
#define TICK_MS        50

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

struct page {
    struct dw_cli *cli;
    struct dw_str status; /* the answer */
    struct dw_buf *out;
};

#define TEXT(object, name)                                                                         \
    dw_cli_format_safe(page->cli->arena, dw_cli_json_text((object), (name), page->cli->arena))
#define UNKNOWN "?"

static const struct {
    const char *state;
    enum dw_cli_colour colour;
} colours[] = {
    {"running", DW_CLI_GREEN},
    {"streaming", DW_CLI_GREEN},
    {"active", DW_CLI_GREEN},
    {"standby", DW_CLI_DIM},
    {"stopped", DW_CLI_DIM},
    {"paused", DW_CLI_YELLOW},
    {"initial_sync", DW_CLI_YELLOW},
    {"catching_up", DW_CLI_YELLOW},
    {"connecting", DW_CLI_YELLOW},
    {"error", DW_CLI_RED},
    {"gap", DW_CLI_RED},
};

static enum dw_cli_colour colour_of(const char *state)
{
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        if (strcmp(colours[i].state, state) == 0)
            return colours[i].colour;
    return DW_CLI_PLAIN;
}

/* --- cells: what nobody knows is "?" --------------------------------------------------------- */

static void add_count(struct page *page, struct dw_cli_table *table, struct dw_str object,
                      const char *name, enum dw_cli_colour when_not_zero)
{
    int64_t number = dw_cli_json_number(object, name);
    if (dw_cli_json_is_null(dw_cli_json_member(object, name)))
        dw_cli_table_add(table, UNKNOWN, DW_CLI_DIM);
    else
        dw_cli_table_add(table, dw_cli_format_count(page->cli->arena, number),
                         number ? when_not_zero : DW_CLI_PLAIN);
}

static void add_seconds(struct page *page, struct dw_cli_table *table, struct dw_str object,
                        const char *name)
{
    if (dw_cli_json_is_null(dw_cli_json_member(object, name)))
        dw_cli_table_add(table, UNKNOWN, DW_CLI_DIM);
    else
        dw_cli_table_add(table,
                         dw_cli_format_seconds(page->cli->arena, dw_cli_json_real(object, name)),
                         DW_CLI_PLAIN);
}

static void add_milliseconds(struct page *page, struct dw_cli_table *table, struct dw_str object,
                             const char *name)
{
    if (dw_cli_json_is_null(dw_cli_json_member(object, name)))
        dw_cli_table_add(table, "-", DW_CLI_DIM);
    else
        dw_cli_table_add(
            table, dw_cli_format_milliseconds(page->cli->arena, dw_cli_json_real(object, name)),
            DW_CLI_PLAIN);
}

static void add_state(struct page *page, struct dw_cli_table *table, struct dw_str object,
                      const char *name)
{
    const char *state = TEXT(object, name);
    dw_cli_table_add(table, state, colour_of(state));
}

/* --- parts of the page --------------------------------------------------------------------------
 */

static void write_maps(struct page *page)
{
    static const struct dw_cli_column columns[] = {
        {"MAP", false, true},    {"STATE", false, false},  {"LAG", true, false},
        {"BEHIND", true, false}, {"IN", true, false},      {"OUT", true, false},
        {"P50", true, false},    {"P95", true, false},     {"P99", true, false},
        {"DEAD", true, false},   {"WAITING", true, false},
    };
    size_t count = 0;
    const struct dw_str *maps =
        dw_cli_json_elements(dw_cli_json_member(page->status, "maps"), page->cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, page->cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        struct dw_str latency = dw_cli_json_member(maps[i], "latency_ms");
        struct dw_str letters = dw_cli_json_member(maps[i], "dead_letters");
        dw_cli_table_add(&table, TEXT(maps[i], "map"), DW_CLI_BOLD);
        add_state(page, &table, maps[i], "state");
        add_count(page, &table, maps[i], "lag_events", DW_CLI_PLAIN);
        add_seconds(page, &table, maps[i], "lag_seconds");
        add_count(page, &table, maps[i], "events_in", DW_CLI_PLAIN);
        add_count(page, &table, maps[i], "events_out", DW_CLI_PLAIN);
        add_milliseconds(page, &table, latency, "p50");
        add_milliseconds(page, &table, latency, "p95");
        add_milliseconds(page, &table, latency, "p99");
        add_count(page, &table, letters, "open", DW_CLI_RED);
        add_count(page, &table, maps[i], "waiting", DW_CLI_YELLOW);
    }
    if (count)
        dw_cli_table_render(&table, &page->cli->screen, page->out);
    else
        dw_buf_append_text(page->out, "no maps yet: dualwrite map apply FILE --start\n");
}

static void write_systems(struct page *page)
{
    static const struct dw_cli_column columns[] = {
        {"SYSTEM", false, true}, {"PRODUCER", false, false}, {"INSTANCE", false, true},
        {"EPOCH", true, false},  {"SLOT LAG", true, false},  {"FRESHNESS", true, false},
        {"TARGET", false, true},
    };
    size_t count = 0;
    const struct dw_str *systems =
        dw_cli_json_elements(dw_cli_json_member(page->status, "systems"), page->cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, page->cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        struct dw_str producer = dw_cli_json_member(systems[i], "producer");
        struct dw_str target = dw_cli_json_member(systems[i], "target");
        bool produces = !dw_cli_json_is_null(producer);
        struct dw_str lag = dw_cli_json_member(producer, "slot_lag_bytes");
        const char *problem = TEXT(target, "problem");
        dw_cli_table_add(&table, TEXT(systems[i], "system"), DW_CLI_BOLD);
        if (produces)
            add_state(page, &table, producer, "state");
        else
            dw_cli_table_add(&table, "-", DW_CLI_DIM);
        dw_cli_table_add(&table, TEXT(producer, "instance"), DW_CLI_PLAIN);
        if (produces)
            add_count(page, &table, producer, "epoch", DW_CLI_PLAIN);
        else
            dw_cli_table_add(&table, "-", DW_CLI_DIM);
        dw_cli_table_add(&table,
                         dw_cli_json_is_null(lag)
                             ? "-"
                             : dw_cli_format_bytes(page->cli->arena,
                                                   dw_cli_json_number(producer, "slot_lag_bytes")),
                         DW_CLI_PLAIN);
        if (dw_cli_json_is_null(dw_cli_json_member(systems[i], "freshness_seconds")))
            dw_cli_table_add(&table, "-", DW_CLI_DIM);
        else
            add_seconds(page, &table, systems[i], "freshness_seconds");
        dw_cli_table_add(&table,
                         dw_cli_json_is_null(target) ? "-"
                         : *problem                  ? problem
                                                     : "ok",
                         *problem ? DW_CLI_RED : DW_CLI_PLAIN);
    }
    if (count)
        dw_cli_table_render(&table, &page->cli->screen, page->out);
}

static void write_processes(struct page *page)
{
    static const struct dw_cli_column columns[] = {
        {"PROCESS", false, false}, {"INSTANCE", false, true},   {"STATE", false, false},
        {"HEARD", true, false},    {"PARTITIONS", true, false},
    };
    size_t count = 0;
    const struct dw_str *processes = dw_cli_json_elements(
        dw_cli_json_member(page->status, "processes"), page->cli->arena, &count);
    struct dw_cli_table table;
    dw_cli_table_init(&table, page->cli->arena, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        struct dw_str stats = dw_cli_json_member(processes[i], "stats");
        bool alive = dw_cli_json_true(processes[i], "alive");
        dw_cli_table_add(&table, TEXT(processes[i], "kind"), DW_CLI_BOLD);
        dw_cli_table_add(&table, TEXT(processes[i], "instance"), DW_CLI_PLAIN);
        if (alive)
            add_state(page, &table, processes[i], "state");
        else
            dw_cli_table_add(&table, "silent", DW_CLI_RED);
        dw_cli_table_add(&table,
                         dw_arena_printf(page->cli->arena, "%s ago",
                                         dw_cli_format_seconds(
                                             page->cli->arena,
                                             dw_cli_json_real(processes[i], "beat_age_seconds"))),
                         DW_CLI_PLAIN);
        if (dw_cli_json_is_null(dw_cli_json_member(stats, "assigned")))
            dw_cli_table_add(&table, "-", DW_CLI_DIM);
        else
            add_count(page, &table, stats, "assigned", DW_CLI_PLAIN);
    }
    if (count)
        dw_cli_table_render(&table, &page->cli->screen, page->out);
}

static void write_notice(struct page *page, enum dw_cli_colour colour, const char *title,
                         const char *text)
{
    dw_cli_table_paint(page->out, &page->cli->screen, colour, title);
    dw_buf_printf(page->out, "  %s\n", text);
}

/* Why a map stands, what mends it, and how it goes on. */
static void write_map_notice(struct page *page, struct dw_str map)
{
    struct dw_arena *arena = page->cli->arena;
    const char *name = TEXT(map, "map");
    const char *code = TEXT(map, "code");
    const struct dw_err_info *info = dw_err_find(code);
    write_notice(page, colour_of(TEXT(map, "state")), name,
                 dw_arena_printf(arena, "%s%s%s", TEXT(map, "reason"), *code ? " " : "", code));
    if (info)
        dw_buf_printf(page->out, "  remedy: %s\n", info->remedy);
    if (strcmp(TEXT(map, "state"), "error") == 0)
        dw_buf_printf(page->out, "  then: dualwrite map resume %s\n", name);
}

/* What needs a person: maps with a reason, producers with one, gaps, counts that do not balance. */
static void write_notices(struct page *page)
{
    struct dw_arena *arena = page->cli->arena;
    size_t count = 0;
    const struct dw_str *items =
        dw_cli_json_elements(dw_cli_json_member(page->status, "maps"), arena, &count);
    for (size_t i = 0; i < count; i++) {
        const char *name = TEXT(items[i], "map");
        if (*TEXT(items[i], "reason"))
            write_map_notice(page, items[i]);
        if (dw_str_is(dw_cli_json_member(items[i], "balanced"), "false"))
            write_notice(page, DW_CLI_RED, name, "its counts do not balance: please report this");
    }
    items = dw_cli_json_elements(dw_cli_json_member(page->status, "systems"), arena, &count);
    for (size_t i = 0; i < count; i++) {
        const char *reason = TEXT(dw_cli_json_member(items[i], "producer"), "reason");
        if (*reason)
            write_notice(page, DW_CLI_YELLOW, TEXT(items[i], "system"), reason);
    }
    items = dw_cli_json_elements(dw_cli_json_member(page->status, "alerts"), arena, &count);
    for (size_t i = 0; i < count; i++) {
        const char *alert = TEXT(items[i], "alert");
        bool warning = strcmp(TEXT(items[i], "level"), "warning") == 0;
        if (strcmp(alert, "error") == 0 || strcmp(alert, "gap") == 0)
            continue; /* this page says more of these */
        write_notice(
            page, warning ? DW_CLI_YELLOW : DW_CLI_RED, TEXT(items[i], "object"),
            dw_arena_printf(arena, "%s: %s", TEXT(items[i], "level"), TEXT(items[i], "message")));
        dw_buf_printf(page->out, "  remedy: %s\n", TEXT(items[i], "remedy"));
    }
    items = dw_cli_json_elements(dw_cli_json_member(page->status, "gaps"), arena, &count);
    for (size_t i = 0; i < count; i++) {
        write_notice(page, DW_CLI_RED, "gap",
                     dw_arena_printf(arena, "%s %s from %s: %s (%s)", TEXT(items[i], "system"),
                                     TEXT(items[i], "map"), TEXT(items[i], "from_lsn"),
                                     TEXT(items[i], "reason"), TEXT(items[i], "code")));
        if (*TEXT(items[i], "remedy"))
            dw_buf_printf(page->out, "  closes with: %s\n", TEXT(items[i], "remedy"));
    }
    struct dw_str index = dw_cli_json_member(page->status, "dead_letter_index");
    if (*TEXT(index, "problem"))
        write_notice(page, DW_CLI_YELLOW, "dead letters",
                     dw_arena_printf(arena, "not indexed: %s", TEXT(index, "problem")));
}

static void write_page(struct page *page)
{
    write_maps(page);
    dw_buf_append_char(page->out, '\n');
    if (dw_cli_syncs_write(page->cli, page->status, page->out))
        dw_buf_append_char(page->out, '\n');
    write_systems(page);
    dw_buf_append_char(page->out, '\n');
    write_processes(page);
    dw_cli_shares_write(page->cli, page->status, page->out);
    size_t before = page->out->len;
    dw_buf_append_char(page->out, '\n');
    size_t blank = page->out->len;
    write_notices(page);
    if (page->out->len == blank)
        page->out->len = before; /* nothing to notice, no blank line */
}

/* --- once, or again and again -------------------------------------------------------------------
 */

static enum dw_cli_exit render(struct dw_cli *cli, struct dw_buf *out)
{
    struct dw_cli_answer answer;
    enum dw_cli_exit code =
        dw_cli_ask(cli, "GET", "/api/v1/status", (struct dw_str){NULL, 0}, &answer);
    if (code)
        return code;
    struct page page = {cli, answer.body, out};
    if (cli->options.json)
        dw_buf_append_str(out, answer.body);
    else
        write_page(&page);
    return DW_CLI_DONE;
}

/* Draws over the last picture line by line, so that nothing flickers; what does not fit on the
 * terminal is left out. */
static void draw_frame(const struct dw_buf *text, struct dw_buf *frame)
{
    struct winsize size;
    int lines = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row ? size.ws_row : 1000;
    const char *at = text->data;
    const char *end = text->data + text->len;
    dw_buf_append_text(frame, "\x1b[H");
    for (int line = 0; line + 1 < lines && at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);
        dw_buf_append(frame, at, len);
        dw_buf_append_text(frame, "\x1b[K\n");
        at += len + 1;
    }
    dw_buf_append_text(frame, "\x1b[J");
}

static void pause_between(int64_t seconds)
{
    int64_t until = dw_clock_mono_ms() + seconds * 1000;
    while (!interrupted && dw_clock_mono_ms() < until)
        dw_clock_sleep_ms(TICK_MS);
}

static int screen_width(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* One picture. A reconciler that cannot be reached is shown and waited for. */
static enum dw_cli_exit watch_once(struct dw_cli *cli, bool draws, struct dw_buf *errors)
{
    struct dw_buf text;
    struct dw_buf frame;
    dw_buf_init(&text, TEXT_MAX_BYTES);
    dw_buf_init(&frame, TEXT_MAX_BYTES);
    dw_buf_reset(errors, TEXT_MAX_BYTES);
    enum dw_cli_exit code = render(cli, &text);
    if (code == DW_CLI_UNREACHABLE && draws) {
        dw_buf_append_str(&text, dw_buf_str(errors));
        code = DW_CLI_DONE;
    }
    if (draws && !code)
        draw_frame(&text, &frame);
    if (!code)
        dw_cli_write(draws ? &frame : &text);
    dw_buf_done(&text);
    dw_buf_done(&frame);
    return code;
}

static enum dw_cli_exit watch(struct dw_cli *cli)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    bool draws = isatty(STDOUT_FILENO) && !cli->options.json;
    enum dw_cli_exit code = DW_CLI_DONE;
    struct dw_arena arena;
    struct dw_buf errors;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    dw_arena_init(&arena, 1u << 16);
    dw_buf_init(&errors, TEXT_MAX_BYTES);
    cli->arena = &arena;
    cli->errors = &errors;
    if (draws)
        printf("\x1b[?1049h\x1b[?25l"); /* a screen of its own, no cursor */
    while (!interrupted && !code) {
        dw_arena_reset(&arena);
        if (draws)
            cli->screen.width = screen_width();
        code = watch_once(cli, draws, &errors);
        if (!code)
            pause_between(cli->options.watch_seconds);
    }
    if (draws)
        printf("\x1b[?25h\x1b[?1049l");
    (void)fflush(stdout);
    if (code)
        (void)fwrite(errors.data, 1, errors.len, stderr);
    dw_buf_done(&errors);
    dw_arena_done(&arena);
    return code;
}

enum dw_cli_exit dw_cli_status_run(struct dw_cli *cli)
{
    if (cli->options.watch)
        return watch(cli);
    struct dw_buf text;
    dw_buf_init(&text, TEXT_MAX_BYTES);
    enum dw_cli_exit code = render(cli, &text);
    if (!code)
        dw_cli_write(&text);
    dw_buf_done(&text);
    return code;
}
