/* cli_table.c - see cli_table.h. */
#include "reconciler/cli/cli_table.h"

#include <wchar.h>

#define GAP        2 /* blanks between columns */
#define SHRINK_MIN 8 /* no column is cut below this */

void dw_cli_table_init(struct dw_cli_table *table, struct dw_arena *arena,
                       const struct dw_cli_column *columns, size_t column_count)
{
    *table = (struct dw_cli_table){
        .arena = arena, .columns = columns, .column_count = column_count, .lines = 1};
}

void dw_cli_table_add(struct dw_cli_table *table, const char *text, enum dw_cli_colour colour)
{
    if (table->cell_count == table->cell_capacity) {
        size_t grown = table->cell_capacity ? table->cell_capacity * 2 : 64;
        struct dw_cli_cell *larger = DW_ARENA_ARRAY(table->arena, struct dw_cli_cell, grown);
        if (table->cell_count)
            memcpy(larger, table->cells, table->cell_count * sizeof *larger);
        table->cells = larger;
        table->cell_capacity = grown;
    }
    table->cells[table->cell_count++] = (struct dw_cli_cell){text, colour};
}

/* Decodes one character of valid UTF-8; returns its bytes. */
static size_t decode(const char *text, wchar_t *out)
{
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] < 0x80) {
        *out = c[0];
        return 1;
    }
    size_t bytes = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    unsigned code = c[0] & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if ((c[i] & 0xc0) != 0x80) { /* cut off: count what is there */
            *out = '?';
            return i;
        }
        code = code << 6 | (c[i] & 0x3fu);
    }
    *out = (wchar_t)code;
    return bytes;
}

static int cells_of(wchar_t character)
{
    int cells = wcwidth(character);
    return cells < 0 ? 1 : cells;
}

int dw_cli_table_width(const char *text)
{
    int width = 0;
    while (*text) {
        wchar_t character;
        text += decode(text, &character);
        width += cells_of(character);
    }
    return width;
}

/* Bytes of `text` that fit into `width` cells. */
static size_t prefix_bytes(const char *text, int width, int *out_used)
{
    const char *at = text;
    int used = 0;
    while (*at) {
        wchar_t character;
        size_t bytes = decode(at, &character);
        if (used + cells_of(character) > width)
            break;
        used += cells_of(character);
        at += bytes;
    }
    *out_used = used;
    return (size_t)(at - text);
}

static const char *colour_code(enum dw_cli_colour colour)
{
    static const char *const codes[] = {
        [DW_CLI_PLAIN] = "",       [DW_CLI_BOLD] = "\x1b[1m",   [DW_CLI_DIM] = "\x1b[2m",
        [DW_CLI_RED] = "\x1b[31m", [DW_CLI_GREEN] = "\x1b[32m", [DW_CLI_YELLOW] = "\x1b[33m",
    };
    return codes[colour];
}

void dw_cli_table_paint(struct dw_buf *out, const struct dw_cli_screen *screen,
                        enum dw_cli_colour colour, const char *text)
{
    bool painted = screen->colours && colour != DW_CLI_PLAIN && *text;
    if (painted)
        dw_buf_append_text(out, colour_code(colour));
    dw_buf_append_text(out, text);
    if (painted)
        dw_buf_append_text(out, "\x1b[0m");
}

static void pad(struct dw_buf *out, int cells)
{
    for (int i = 0; i < cells; i++)
        dw_buf_append_char(out, ' ');
}

struct layout {
    const struct dw_cli_table *table;
    const struct dw_cli_screen *screen;
    int *widths;
};

/* The next line of a cell; takes it off *text. */
static void render_piece(const struct layout *layout, size_t column, enum dw_cli_colour colour,
                         bool last_line, const char **text, struct dw_buf *out)
{
    bool last = column + 1 == layout->table->column_count;
    bool right = layout->table->columns[column].right;
    int width = layout->widths[column];
    int used = 0;
    size_t bytes = prefix_bytes(*text, width, &used);
    bool cut = last_line && (*text)[bytes];
    if (cut)
        bytes = prefix_bytes(*text, width - 1, &used);
    const char *piece = dw_arena_printf(layout->table->arena, "%.*s%s", (int)bytes, *text,
                                        cut ? "\xe2\x80\xa6" : "");
    used += cut;
    *text += bytes;
    if (right)
        pad(out, width - used);
    dw_cli_table_paint(out, layout->screen, colour, piece);
    if (!right && !last)
        pad(out, width - used);
    if (!last)
        pad(out, GAP);
}

/* Cells of one row, in as many lines as they need and the table allows. */
static void render_row(const struct layout *layout, const struct dw_cli_cell *cells,
                       struct dw_buf *out)
{
    size_t count = layout->table->column_count;
    const char **rest = DW_ARENA_ARRAY(layout->table->arena, const char *, count);
    bool more = true;
    for (size_t c = 0; c < count; c++)
        rest[c] = cells[c].text;
    for (int line = 1; more; line++) {
        size_t begin = out->len;
        more = false;
        for (size_t c = 0; c < count; c++) {
            render_piece(layout, c, cells[c].colour, line == layout->table->lines, &rest[c], out);
            more = more || *rest[c];
        }
        more = more && line < layout->table->lines;
        while (out->len > begin && out->data[out->len - 1] == ' ')
            out->len--; /* of empty cells */
        dw_buf_append_char(out, '\n');
    }
}

/* Every column as wide as its widest cell, then cut down to the screen. */
static void measure(const struct layout *layout)
{
    const struct dw_cli_table *table = layout->table;
    int total = (int)(table->column_count - 1) * GAP;
    for (size_t c = 0; c < table->column_count; c++) {
        layout->widths[c] = dw_cli_table_width(table->columns[c].title);
        for (size_t i = c; i < table->cell_count; i += table->column_count) {
            int width = dw_cli_table_width(table->cells[i].text);
            if (width > layout->widths[c])
                layout->widths[c] = width;
        }
        total += layout->widths[c];
    }
    while (layout->screen->width && total > layout->screen->width) {
        size_t widest = table->column_count;
        for (size_t c = 0; c < table->column_count; c++)
            if (table->columns[c].shrinks && layout->widths[c] > SHRINK_MIN &&
                (widest == table->column_count || layout->widths[c] > layout->widths[widest]))
                widest = c;
        if (widest == table->column_count)
            break; /* the terminal wraps the rest */
        layout->widths[widest]--;
        total--;
    }
}

void dw_cli_table_render(const struct dw_cli_table *table, const struct dw_cli_screen *screen,
                         struct dw_buf *out)
{
    struct layout layout = {table, screen, DW_ARENA_ARRAY(table->arena, int, table->column_count)};
    measure(&layout);
    struct dw_cli_cell *titles =
        DW_ARENA_ARRAY(table->arena, struct dw_cli_cell, table->column_count);
    for (size_t c = 0; c < table->column_count; c++)
        titles[c] = (struct dw_cli_cell){table->columns[c].title, DW_CLI_BOLD};
    render_row(&layout, titles, out);
    for (size_t i = 0; i + table->column_count <= table->cell_count; i += table->column_count)
        render_row(&layout, &table->cells[i], out);
}
