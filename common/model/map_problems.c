/* map_problems.c - see map_problems.h. */
#include "common/model/map_problems.h"

#include "common/base/json_write.h"

void dw_map_problems_init(struct dw_map_problems *problems, struct dw_arena *arena)
{
    *problems = (struct dw_map_problems){.arena = arena};
}

/* Texts quote what a file or a server said: nothing in them may steer a terminal. */
static struct dw_str copy_clean(struct dw_arena *arena, struct dw_str text, bool keep_newlines)
{
    char *copy = dw_arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool keep = (c >= 0x20 && c != 0x7f) || (c == '\n' && keep_newlines);
        copy[i] = keep ? (char)c : ' ';
    }
    copy[text.len] = '\0';
    return (struct dw_str){copy, text.len};
}

void dw_map_problems_add(struct dw_map_problems *problems, const struct dw_map_problem *problem)
{
    struct dw_arena *arena = problems->arena;
    problems->errors += !problem->warning;
    if (problems->count == DW_MAP_PROBLEMS_MAX)
        return;
    if (problems->count == problems->capacity) {
        size_t capacity = problems->capacity ? 2 * problems->capacity : 16;
        struct dw_map_problem *items = DW_ARENA_ARRAY(arena, struct dw_map_problem, capacity);
        if (problems->count)
            memcpy(items, problems->items, problems->count * sizeof *items);
        problems->items = items;
        problems->capacity = capacity;
    }
    struct dw_map_problem *item = &problems->items[problems->count++];
    *item = *problem;
    item->file = copy_clean(arena, problem->file, false);
    item->path = copy_clean(arena, problem->path, false);
    item->message = copy_clean(arena, problem->message, false);
    item->remedy = copy_clean(arena, problem->remedy, true);
}

size_t dw_map_problems_errors(const struct dw_map_problems *problems)
{
    return problems->errors;
}

static void print_remedy(FILE *out, struct dw_str remedy)
{
    const char *label = "remedy: ";
    for (size_t from = 0; from < remedy.len;) {
        const char *newline = memchr(remedy.ptr + from, '\n', remedy.len - from);
        size_t end = newline ? (size_t)(newline - remedy.ptr) : remedy.len;
        (void)fprintf(out, "    %s%.*s\n", label, (int)(end - from), remedy.ptr + from);
        label = "        ";
        from = end + 1;
    }
}

static void print_one(FILE *out, const struct dw_map_problem *problem, bool colour)
{
    const char *paint = problem->warning ? "\033[33m" : "\033[31m";
    (void)fprintf(out, "%.*s:", DW_STR_ARG(problem->file));
    if (problem->line)
        (void)fprintf(out, "%u:", problem->line);
    (void)fprintf(out, " %s%s%s %s", colour ? paint : "", problem->warning ? "warning" : "error",
                  colour ? "\033[0m" : "", problem->code);
    if (problem->path.len)
        (void)fprintf(out, " %.*s", DW_STR_ARG(problem->path));
    (void)fprintf(out, ": %.*s\n", DW_STR_ARG(problem->message));
    print_remedy(out, problem->remedy);
}

void dw_map_problems_print(FILE *out, const struct dw_map_problems *problems, bool colour)
{
    for (size_t i = 0; i < problems->count; i++)
        print_one(out, &problems->items[i], colour);
    if (problems->count == DW_MAP_PROBLEMS_MAX)
        (void)fprintf(out, "... and perhaps more: only the first %d are shown\n",
                      DW_MAP_PROBLEMS_MAX);
}

void dw_map_problems_write(struct dw_buf *out, const struct dw_map_problems *problems)
{
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < problems->count; i++) {
        const struct dw_map_problem *problem = &problems->items[i];
        dw_buf_append_text(out, i ? ",{" : "{");
        dw_json_write_text(out, "code", problem->code);
        dw_json_write_text(out, "severity", problem->warning ? "warning" : "error");
        dw_json_write_str(out, "file", problem->file);
        dw_json_write_str(out, "path", problem->path);
        dw_json_write_u64(out, "line", problem->line);
        dw_json_write_str(out, "message", problem->message);
        dw_json_write_str(out, "remedy", problem->remedy);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}
