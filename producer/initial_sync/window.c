/* window.c - see window.h. */
#include "producer/initial_sync/window.h"

#define BLOCK_BYTES ((size_t)32 << 10)

static char complete_mark, incomplete_mark;

void dw_window_init(struct dw_window *window)
{
    *window = (struct dw_window){.spoilt = false};
    dw_table_init(&window->keys);
    dw_arena_init(&window->arena, BLOCK_BYTES);
}

void dw_window_done(struct dw_window *window)
{
    dw_table_done(&window->keys);
    dw_arena_done(&window->arena);
}

void dw_window_reset(struct dw_window *window)
{
    dw_table_done(&window->keys);
    dw_table_init(&window->keys);
    dw_arena_reset(&window->arena);
    window->cleared = window->spoilt = false;
}

void dw_window_touch(struct dw_window *window, struct dw_str key, bool complete)
{
    if (!key.ptr || window->arena.used_bytes + key.len > DW_WINDOW_BYTES_MAX) {
        window->spoilt = true;
        return;
    }
    if (window->spoilt)
        return;
    if (!dw_table_find(&window->keys, key))
        key = dw_arena_copy(&window->arena, key);
    /* The last one counts: a complete event mends an incomplete one before it. */
    *dw_table_place(&window->keys, key) = complete ? &complete_mark : &incomplete_mark;
}

void dw_window_clear(struct dw_window *window)
{
    dw_window_reset(window);
    window->cleared = true;
}

enum dw_window_verdict dw_window_judge(const struct dw_window *window, struct dw_str key)
{
    const void *known = dw_table_find(&window->keys, key);
    if (known == &incomplete_mark)
        return DW_WINDOW_AGAIN;
    return known || window->cleared ? DW_WINDOW_DROP : DW_WINDOW_KEEP;
}
