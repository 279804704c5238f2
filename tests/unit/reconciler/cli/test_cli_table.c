/* test_cli_table.c - layout: alignment, wide characters, cutting, colours. */
#include "reconciler/cli/cli_table.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct dw_cli_column columns[] = {
    {"NAME", false, true}, {"ROWS", true, false}, {"REASON", false, true}};

static struct dw_arena arena;
static struct dw_buf out;
static struct dw_cli_table table;

static int set_up(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    dw_buf_init(&out, 65536);
    dw_cli_table_init(&table, &arena, columns, 3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dw_buf_done(&out);
    dw_arena_done(&arena);
    return 0;
}

static void add_row(const char *name, const char *rows, const char *reason)
{
    dw_cli_table_add(&table, name, DW_CLI_PLAIN);
    dw_cli_table_add(&table, rows, DW_CLI_PLAIN);
    dw_cli_table_add(&table, reason, DW_CLI_RED);
}

static void test_columns_are_aligned(void **state)
{
    (void)state;
    struct dw_cli_screen screen = {.width = 0};
    add_row("a", "1,234", "x");
    add_row("customers", "5", "because");
    dw_cli_table_render(&table, &screen, &out);
    assert_string_equal(out.data, "NAME        ROWS  REASON\n"
                                  "a          1,234  x\n"
                                  "customers      5  because\n");
}

static void test_empty_cells_leave_no_blanks_behind_a_line(void **state)
{
    (void)state;
    struct dw_cli_screen screen = {.width = 0};
    add_row("a", "1", "");
    add_row("b", "2", "because");
    dw_cli_table_render(&table, &screen, &out);
    assert_string_equal(out.data, "NAME  ROWS  REASON\n"
                                  "a        1\n"
                                  "b        2  because\n");
}

static void test_wide_and_combining_characters_keep_the_grid(void **state)
{
    (void)state;
    struct dw_cli_screen screen = {.width = 0};
    add_row("客户", "1", "x"); /* two cells each */
    add_row("Größe", "2", "x");
    add_row("e\xcc\x81t\xc3\xa9", "3", "x"); /* a combining accent takes no cell */
    dw_cli_table_render(&table, &screen, &out);
    assert_string_equal(out.data, "NAME   ROWS  REASON\n"
                                  "客户      1  x\n"
                                  "Größe     2  x\n"
                                  "e\xcc\x81t\xc3\xa9       3  x\n");
}

static void test_table_is_cut_to_the_terminal(void **state)
{
    (void)state;
    struct dw_cli_screen screen = {.width = 40};
    add_row("customers", "1", "a reason that goes on and on for more than the line holds");
    dw_cli_table_render(&table, &screen, &out);
    char *line = strchr(out.data, '\n') + 1;
    *strchr(line, '\n') = '\0';
    assert_int_equal(dw_cli_table_width(line), 40);
    assert_non_null(strstr(line, "\xe2\x80\xa6"));
    assert_non_null(strstr(line, "customers")); /* the widest column gives way first */
}

static void test_texts_go_on_in_further_lines(void **state)
{
    (void)state;
    struct dw_cli_screen screen = {.width = 24};
    table.lines = 3;
    add_row("a", "1", "1234567890 234567890 2 the end");
    add_row("b", "2", "short");
    add_row("c", "3", "12345678901234567890123456789012345678901234567890");
    dw_cli_table_render(&table, &screen, &out);
    assert_string_equal(out.data, "NAME  ROWS  REASON\n"
                                  "a        1  1234567890 2\n"
                                  "            34567890 2 t\n"
                                  "            he end\n"
                                  "b        2  short\n"
                                  "c        3  123456789012\n"
                                  "            345678901234\n"
                                  "            56789012345\xe2\x80\xa6\n");
}

static void test_wide_character_is_not_cut_in_half(void **state)
{
    (void)state;
    struct dw_cli_screen screen = {.width = 26};
    add_row("n", "1", "客户客户客户客户客户客户");
    dw_cli_table_render(&table, &screen, &out);
    char *line = strchr(out.data, '\n') + 1;
    *strchr(line, '\n') = '\0';
    assert_true(dw_cli_table_width(line) <= 26);
}

static void test_narrow_terminal_is_no_endless_loop(void **state)
{
    (void)state;
    struct dw_cli_screen screen = {.width = 1};
    add_row("customers", "1", "a rather long reason");
    dw_cli_table_render(&table, &screen, &out);
    assert_non_null(strstr(out.data, "custom"));
}

static void test_colours_only_where_the_screen_has_them(void **state)
{
    (void)state;
    struct dw_cli_screen plain = {.colours = false};
    struct dw_cli_screen coloured = {.colours = true};
    add_row("a", "1", "red");
    dw_cli_table_render(&table, &plain, &out);
    assert_null(strchr(out.data, '\x1b'));
    dw_buf_reset(&out, 65536);
    dw_cli_table_render(&table, &coloured, &out);
    assert_non_null(strstr(out.data, "\x1b[31mred\x1b[0m"));
}

int main(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_columns_are_aligned),
        TEST(test_texts_go_on_in_further_lines),
        TEST(test_empty_cells_leave_no_blanks_behind_a_line),
        TEST(test_wide_and_combining_characters_keep_the_grid),
        TEST(test_table_is_cut_to_the_terminal),
        TEST(test_wide_character_is_not_cut_in_half),
        TEST(test_narrow_terminal_is_no_endless_loop),
        TEST(test_colours_only_where_the_screen_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
