/* cli_progress.c - see cli_progress.h. */
#include "reconciler/cli/cli_progress.h"

#include "common/base/clock.h"
#include "reconciler/cli/cli_format.h"
#include "reconciler/cli/cli_json.h"
#include <stdio.h>

#define DRAW_MS   300
#define LINE_MS   1000 /* between looks where lines are written */
#define REPEAT_MS 5000 /* a line that says little new comes no more often */
#define BARS_MAX  30   /* more do not fit on a terminal */
#define TEXT_MAX  (1u << 20)

#define BAR_CELLS_MIN 6
#define BAR_CELLS_MAX 24
#define MAP_CELLS_MAX 20

/* What there is to say behind the state. */
static const char *figures(struct dw_arena *arena, const struct dw_cli_progress *progress,
                           const char *of)
{
    const char *text = "";
    int64_t rows = progress->rows_done;
    if (progress->percent >= 0)
        text = dw_arena_printf(arena, "%.1f %%, ", progress->percent);
    text = dw_arena_printf(arena, "%s%s", text, dw_cli_format_count(arena, rows));
    if (progress->rows_estimated > progress->rows_done && progress->percent < 100) {
        rows = progress->rows_estimated;
        text = dw_arena_printf(arena, "%s %s %s", text, of, dw_cli_format_count(arena, rows));
    }
    text = dw_arena_printf(arena, "%s %s", text, dw_str_plural(rows, "row", "rows"));
    if (progress->rows_deleted)
        text = dw_arena_printf(arena, "%s, %s deleted", text,
                               dw_cli_format_count(arena, progress->rows_deleted));
    if (progress->rows_per_second > 0)
        text =
            dw_arena_printf(arena, "%s, %s rows/s", text,
                            dw_cli_format_count(arena, (int64_t)(progress->rows_per_second + 0.5)));
    if (progress->seconds_left >= DW_CLI_PROGRESS_LEFT_MIN_S)
        text = dw_arena_printf(arena, "%s, %s left", text,
                               dw_cli_format_seconds(arena, progress->seconds_left));
    return text;
}

const char *dw_cli_progress_text(struct dw_arena *arena, const struct dw_cli_progress *progress)
{
    return dw_arena_printf(arena, "%s, %s", progress->state, figures(arena, progress, "of about"));
}

/* Beside a bar it goes without saying that it runs. */
static const char *bar_text(struct dw_arena *arena, const struct dw_cli_progress *progress)
{
    const char *text = figures(arena, progress, "of");
    return strcmp(progress->state, "running") == 0
               ? text
               : dw_arena_printf(arena, "%s, %s", progress->state, text);
}

struct dw_cli_progress_layout dw_cli_progress_layout(struct dw_arena *arena,
                                                     const struct dw_cli_progress *progress,
                                                     size_t count, int width)
{
    struct dw_cli_progress_layout layout = {.width = width};
    int text_cells = 0;
    for (size_t i = 0; i < count; i++) {
        int map = (int)strlen(progress[i].map);
        int text = (int)strlen(bar_text(arena, &progress[i]));
        layout.map_cells = map > layout.map_cells ? map : layout.map_cells;
        text_cells = text > text_cells ? text : text_cells;
    }
    if (layout.map_cells > MAP_CELLS_MAX)
        layout.map_cells = MAP_CELLS_MAX;
    int room = width - 1 - layout.map_cells - text_cells - (int)sizeof " [] " + 1;
    layout.bar_cells = room < BAR_CELLS_MIN ? 0 : room < BAR_CELLS_MAX ? room : BAR_CELLS_MAX;
    return layout;
}

const char *dw_cli_progress_line(struct dw_arena *arena, const struct dw_cli_progress *progress,
                                 const struct dw_cli_progress_layout *layout)
{
    const char *bar =
        layout->bar_cells
            ? dw_arena_printf(arena, "%s ",
                              dw_cli_progress_bar(arena, progress->percent, layout->bar_cells))
            : "";
    const char *line = dw_arena_printf(arena, "%-*s %s%s", layout->map_cells, progress->map, bar,
                                       bar_text(arena, progress));
    return dw_arena_printf(arena, "%.*s", layout->width - 1, line);
}

const char *dw_cli_progress_bar(struct dw_arena *arena, double percent, int cells)
{
    int full = (int)((percent < 0 ? 0 : percent > 100 ? 100 : percent) * cells / 100);
    char *bar = dw_arena_alloc(arena, (size_t)cells + 3);
    bar[0] = '[';
    for (int i = 0; i < cells; i++)
        bar[i + 1] = (char)(i < full ? '=' : ' ');
    if (full > 0 && full < cells)
        bar[full] = '>';
    bar[cells + 1] = ']';
    bar[cells + 2] = '\0';
    return bar;
}

static double known_real(struct dw_str object, const char *name)
{
    bool unknown = dw_cli_json_is_null(dw_cli_json_member(object, name));
    return unknown ? -1 : dw_cli_json_real(object, name);
}

static bool is_over(const char *state)
{
    return strcmp(state, "done") == 0 || strcmp(state, "cancelled") == 0 ||
           strcmp(state, "failed") == 0;
}

/* Why a sync does not go on by itself: somebody has to resume it, or its map. NULL: it does. */
static const char *stands_for(struct dw_cli *cli, struct dw_str sync)
{
    const char *state = dw_cli_json_text(sync, "state", cli->arena);
    const char *map = dw_cli_json_text(sync, "map_state", cli->arena);
    if (is_over(state))
        return NULL;
    if (strcmp(map, "error") == 0)
        return "map in error";
    if (strcmp(map, "paused") == 0)
        return "map paused";
    return strcmp(state, "paused") == 0 ? "paused" : NULL;
}

struct dw_cli_progress dw_cli_progress_read(struct dw_cli *cli, struct dw_str sync)
{
    const char *state = dw_cli_json_text(sync, "state", cli->arena);
    const char *stands = stands_for(cli, sync);
    if (stands && strcmp(state, "paused") != 0)
        state = stands;
    else if (dw_cli_json_true(sync, "waits_for_parents"))
        state = "waits for parents";
    else if (dw_cli_json_true(sync, "looks_for_extra"))
        state = "looks for rows to delete";
    return (struct dw_cli_progress){
        .map = dw_cli_format_safe(cli->arena, dw_cli_json_text(sync, "map", cli->arena)),
        .state = state,
        .percent = known_real(sync, "percent"),
        .rows_done = dw_cli_json_number(sync, "rows_done"),
        .rows_deleted = dw_cli_json_number(sync, "rows_deleted"),
        .rows_estimated = (int64_t)known_real(sync, "rows_estimated"),
        .rows_per_second = dw_cli_json_real(sync, "rows_per_second"),
        .seconds_left = known_real(sync, "seconds_left"),
    };
}

/* --- waiting ---------------------------------------------------------------------------------- */

struct waiter {
    struct dw_cli *cli;
    struct dw_arena *arena; /* the command's */
    bool draws;
    size_t drawn;       /* lines of the picture that stands */
    int64_t printed_ms; /* when lines were written last */
    char last_states[256];
};

static void draw(struct waiter *waiter, const struct dw_str *syncs, size_t count)
{
    struct dw_buf frame;
    dw_buf_init(&frame, TEXT_MAX);
    if (waiter->drawn)
        dw_buf_printf(&frame, "\x1b[%zuA", waiter->drawn);
    struct dw_arena *arena = waiter->cli->arena;
    struct dw_cli_progress shown[BARS_MAX];
    waiter->drawn = 0;
    for (size_t i = 0; i < count && waiter->drawn < BARS_MAX; i++) {
        struct dw_cli_progress progress = dw_cli_progress_read(waiter->cli, syncs[i]);
        if (count <= BARS_MAX || !is_over(progress.state))
            shown[waiter->drawn++] = progress;
    }
    struct dw_cli_progress_layout layout =
        dw_cli_progress_layout(arena, shown, waiter->drawn, waiter->cli->screen.width);
    for (size_t i = 0; i < waiter->drawn; i++)
        dw_buf_printf(&frame, "\x1b[K%s\n", dw_cli_progress_line(arena, &shown[i], &layout));
    dw_buf_append_text(&frame, "\x1b[J");
    dw_cli_write(&frame);
    dw_buf_done(&frame);
}

/* A line for each that goes on, when one came into another state or some seconds have gone by. */
static void print_lines(struct waiter *waiter, const struct dw_str *syncs, size_t count, bool last)
{
    char states[sizeof waiter->last_states] = "";
    int64_t now = dw_clock_mono_ms();
    for (size_t i = 0; i < count && i + 1 < sizeof states; i++)
        states[i] = dw_cli_progress_read(waiter->cli, syncs[i]).state[0];
    bool news = strcmp(states, waiter->last_states) != 0;
    if (!news && !last && now - waiter->printed_ms < REPEAT_MS)
        return;
    memcpy(waiter->last_states, states, sizeof states);
    waiter->printed_ms = now;
    for (size_t i = 0; i < count; i++) {
        struct dw_cli_progress progress = dw_cli_progress_read(waiter->cli, syncs[i]);
        printf("%s: %s\n", progress.map, dw_cli_progress_text(waiter->cli->arena, &progress));
    }
    (void)fflush(stdout);
}

/* Whether none of the syncs goes on any more: all are over, or stand, or wait for some that do. */
static bool is_settled(struct dw_cli *cli, const struct dw_str *syncs, size_t count)
{
    bool stands = false;
    bool waits = false;
    for (size_t i = 0; i < count; i++) {
        if (is_over(dw_cli_json_text(syncs[i], "state", cli->arena)))
            continue;
        if (stands_for(cli, syncs[i]))
            stands = true;
        else if (dw_cli_json_true(syncs[i], "waits_for_parents"))
            waits = true;
        else
            return false;
    }
    return stands || !waits;
}

/* Shows what there is; true when none goes on any more. */
static bool look(struct waiter *waiter, struct dw_str answer)
{
    size_t count = 0;
    const struct dw_str *syncs =
        dw_cli_json_elements(dw_cli_json_member(answer, "syncs"), waiter->cli->arena, &count);
    bool over = is_settled(waiter->cli, syncs, count);
    if (waiter->cli->options.json) {
        if (over)
            printf("%.*s", DW_STR_ARG(answer));
    } else if (waiter->draws) {
        draw(waiter, syncs, count);
    } else {
        print_lines(waiter, syncs, count, over);
    }
    return over;
}

/* What is wrong with a map, and how its sync goes on. */
static void print_standing(struct dw_cli *cli, struct dw_str sync, const char *why)
{
#define TEXT(name) dw_cli_json_text(sync, name, cli->arena)
    const char *map = TEXT("map");
    const char *code = TEXT("map_code");
    long long id = (long long)dw_cli_json_number(sync, "sync");
    bool paused = strcmp(why, "paused") == 0;
    const char *resume = paused ? dw_arena_printf(cli->arena, "dualwrite sync resume %lld", id)
                                : dw_arena_printf(cli->arena, "dualwrite map resume %s", map);
    const char *reason = paused ? "" : TEXT("map_reason");
    dw_cli_print_error(cli, *code && !paused ? code : "DW-API-026",
                       dw_arena_printf(cli->arena,
                                       "sync %lld of map %s does not go on by itself: %s%s%s; it "
                                       "goes on where it stands after `%s`",
                                       id, map, why, *reason ? ": " : "", reason, resume));
#undef TEXT
}

/* One that failed, was cancelled or stands is an error; so is one that waits for such a one. */
static enum dw_cli_exit judge(struct dw_cli *cli, struct dw_str answer)
{
    size_t count = 0;
    const struct dw_str *syncs =
        dw_cli_json_elements(dw_cli_json_member(answer, "syncs"), cli->arena, &count);
    enum dw_cli_exit result = DW_CLI_DONE;
    for (size_t i = 0; i < count; i++) {
        const char *state = dw_cli_json_text(syncs[i], "state", cli->arena);
        const char *code = dw_cli_json_text(syncs[i], "code", cli->arena);
        const char *why = stands_for(cli, syncs[i]);
        if (strcmp(state, "done") == 0)
            continue;
        result = DW_CLI_REFUSED;
        if (why)
            print_standing(cli, syncs[i], why);
        else if (is_over(state))
            dw_cli_print_error(cli, *code ? code : "DW-API-026",
                               dw_arena_printf(cli->arena, "sync %lld of map %s: %s: %s",
                                               (long long)dw_cli_json_number(syncs[i], "sync"),
                                               dw_cli_json_text(syncs[i], "map", cli->arena), state,
                                               dw_cli_json_text(syncs[i], "reason", cli->arena)));
    }
    return result;
}

enum dw_cli_exit dw_cli_progress_wait(struct dw_cli *cli, int64_t batch)
{
    struct waiter waiter = {.cli = cli,
                            .arena = cli->arena,
                            .draws = cli->screen.width > 0 && !cli->options.json,
                            .printed_ms = -REPEAT_MS};
    int64_t until = dw_clock_mono_ms() + cli->options.wait_seconds * 1000;
    const char *path =
        dw_arena_printf(cli->arena, "/api/v1/syncs?limit=1000&batch=%lld", (long long)batch);
    enum dw_cli_exit code = DW_CLI_DONE;
    struct dw_arena arena; /* of one look: waiting may take hours */
    dw_arena_init(&arena, 1u << 16);
    cli->arena = &arena;
    for (;;) {
        struct dw_cli_answer answer;
        dw_arena_reset(&arena);
        code = dw_cli_ask(cli, "GET", path, (struct dw_str){NULL, 0}, &answer);
        if (code)
            break;
        if (look(&waiter, answer.body)) {
            code = judge(cli, answer.body);
            break;
        }
        if (cli->options.wait_limited && dw_clock_mono_ms() >= until) {
            dw_cli_print_error(cli, "DW-API-026",
                               dw_arena_printf(&arena, "rows are still copied after %lld s",
                                               (long long)cli->options.wait_seconds));
            code = DW_CLI_REFUSED;
            break;
        }
        dw_clock_sleep_ms(waiter.draws ? DRAW_MS : LINE_MS);
    }
    cli->arena = waiter.arena;
    dw_arena_done(&arena);
    return code;
}

enum dw_cli_exit dw_cli_progress_wait_map(struct dw_cli *cli, const char *map)
{
    struct dw_cli_answer answer;
    size_t count = 0;
    enum dw_cli_exit code = dw_cli_ask(cli, "GET", dw_cli_query(cli, "/api/v1/syncs", "map", map),
                                       (struct dw_str){NULL, 0}, &answer);
    if (code)
        return code;
    const struct dw_str *syncs =
        dw_cli_json_elements(dw_cli_json_member(answer.body, "syncs"), cli->arena, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(dw_cli_json_text(syncs[i], "map", cli->arena), map) == 0 &&
            strcmp(dw_cli_json_text(syncs[i], "kind", cli->arena), "initial") == 0 &&
            !is_over(dw_cli_json_text(syncs[i], "state", cli->arena)))
            return dw_cli_progress_wait(cli, dw_cli_json_number(syncs[i], "batch"));
    return DW_CLI_DONE;
}
