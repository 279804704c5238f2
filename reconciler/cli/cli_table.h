/* cli_table.h - a table on a terminal: aligned columns, cut to its width, UTF-8 aware.
 *
 * Widths are counted in terminal cells (wcwidth; the caller has set a UTF-8 LC_CTYPE). Where the
 * table is wider than the terminal, columns marked `shrinks` give way, the widest first, and their
 * texts go on in further lines, as many as the table allows; what is cut then ends in "…". Cells
 * must be safe text (cli_format.h). Threads: one owner.
 */
#ifndef DW_CLI_CLI_TABLE_H
#define DW_CLI_CLI_TABLE_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include <stdbool.h>

enum dw_cli_colour {
    DW_CLI_PLAIN,
    DW_CLI_BOLD,
    DW_CLI_DIM,
    DW_CLI_RED,
    DW_CLI_GREEN,
    DW_CLI_YELLOW,
};

struct dw_cli_column {
    const char *title;
    bool right;   /* figures */
    bool shrinks; /* may be cut */
};

struct dw_cli_cell {
    const char *text;
    enum dw_cli_colour colour;
};

struct dw_cli_table {
    struct dw_arena *arena;
    const struct dw_cli_column *columns;
    size_t column_count;
    struct dw_cli_cell *cells; /* row after row */
    size_t cell_count;
    size_t cell_capacity;
    int lines; /* that a row may take */
};

/* Rows of one line. Borrows `columns` and `arena`. */
void dw_cli_table_init(struct dw_cli_table *table, struct dw_arena *arena,
                       const struct dw_cli_column *columns, size_t column_count);
/* The next cell, from left to right, row by row. Borrows `text`. */
void dw_cli_table_add(struct dw_cli_table *table, const char *text, enum dw_cli_colour colour);

struct dw_cli_screen {
    int width;    /* cells per line; 0: no limit */
    bool colours; /* escape sequences are allowed */
};

void dw_cli_table_render(const struct dw_cli_table *table, const struct dw_cli_screen *screen,
                         struct dw_buf *out);

/* Cells that `text` takes. */
int dw_cli_table_width(const char *text);
/* Appends text in a colour, plain when the screen has none. */
void dw_cli_table_paint(struct dw_buf *out, const struct dw_cli_screen *screen,
                        enum dw_cli_colour colour, const char *text);

#endif
