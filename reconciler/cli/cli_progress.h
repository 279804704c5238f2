/* cli_progress.h - how far copies of rows are: a line of text each, and waiting for them with a
 * picture on a terminal or plain lines elsewhere.
 */
#ifndef DW_CLI_CLI_PROGRESS_H
#define DW_CLI_CLI_PROGRESS_H
#include "reconciler/cli/cli.h"

#define DW_CLI_PROGRESS_LEFT_MIN_S 0.5 /* less is no time to tell: the estimate was too low */

struct dw_cli_progress { /* of a sync */
    const char *map, *state;
    double percent; /* -1 unknown */
    int64_t rows_done;
    int64_t rows_deleted;
    int64_t rows_estimated; /* -1 unknown */
    double rows_per_second; /* 0: it stands, or unknown */
    double seconds_left;    /* -1 unknown */
};

/* "running, 42.1 %, 12,345 of about 30,000 rows, 1,200 rows/s, 15 s left". In the arena. Pure. */
const char *dw_cli_progress_text(struct dw_arena *arena, const struct dw_cli_progress *progress);
/* "[=====>     ]": `cells` wide without the brackets. Pure. */
const char *dw_cli_progress_bar(struct dw_arena *arena, double percent, int cells);

/* How lines of a picture share the width of a terminal. */
struct dw_cli_progress_layout {
    int width;
    int map_cells;
    int bar_cells; /* 0: there is no room for bars, the text needs it */
};
struct dw_cli_progress_layout dw_cli_progress_layout(struct dw_arena *arena,
                                                     const struct dw_cli_progress *progress,
                                                     size_t count, int width); /* pure */
/* "items [=====>     ] 42.1 %, 12,345 of 30,000 rows, 1,200 rows/s, 15 s left". Pure. */
const char *dw_cli_progress_line(struct dw_arena *arena, const struct dw_cli_progress *progress,
                                 const struct dw_cli_progress_layout *layout);

/* Takes it from an answer's sync. Texts in the arena. */
struct dw_cli_progress dw_cli_progress_read(struct dw_cli *cli, struct dw_str sync);

/* Waits until no sync of a batch goes on by itself any more, be it that all are over or that those
 * left stand until somebody resumes them or their maps; without a time unless the command gave one.
 * DW_CLI_REFUSED, with what to do, unless all are done. */
enum dw_cli_exit dw_cli_progress_wait(struct dw_cli *cli, int64_t batch);
/* The same for the initial sync that a map is in; returns at once when it is in none. */
enum dw_cli_exit dw_cli_progress_wait_map(struct dw_cli *cli, const char *map);

#endif
