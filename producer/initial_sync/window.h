/* window.h - the keys that changed in the stream while a chunk was read: between its low and its
 * high watermark. Pure.
 *
 * A change in the window is newer than the chunk's row, or as new: the row leaves the chunk. When
 * the change's event does not carry every column (unchanged TOAST), it alone is not the row: the
 * key is read again in a chunk of its own. Memory is bounded: a window with too many keys, or with
 * a change whose key nobody knows, is spoilt, and its chunk is read again. Threads: one owner.
 */
#ifndef DW_INITIAL_SYNC_WINDOW_H
#define DW_INITIAL_SYNC_WINDOW_H
#include "common/base/arena.h"
#include "common/base/table.h"
#include <stdbool.h>

#define DW_WINDOW_BYTES_MAX ((size_t)8 << 20)

enum dw_window_verdict {
    DW_WINDOW_KEEP,  /* not touched: the chunk's row counts */
    DW_WINDOW_DROP,  /* the stream has a newer one */
    DW_WINDOW_AGAIN, /* the stream has a newer one that is not complete */
};

struct dw_window {
    struct dw_table keys; /* key text -> &complete or &incomplete */
    struct dw_arena arena;
    bool cleared; /* a TRUNCATE: no row of the chunk counts */
    bool spoilt;
};

void dw_window_init(struct dw_window *window);
void dw_window_done(struct dw_window *window);
void dw_window_reset(struct dw_window *window);

/* `key.ptr` NULL: unknown, the window is spoilt. */
void dw_window_touch(struct dw_window *window, struct dw_str key, bool complete);
void dw_window_clear(struct dw_window *window);
enum dw_window_verdict dw_window_judge(const struct dw_window *window, struct dw_str key);

#endif
