/* chunk.c - see chunk.h. */
#include "producer/initial_sync/chunk.h"

#include "common/base/arena.h"
#include <stdlib.h>

#define ROWS_FIRST 256

void dw_chunk_space_init(struct dw_chunk_space *space, size_t bytes_max)
{
    *space = (struct dw_chunk_space){.rows = NULL};
    dw_buf_init(&space->text, bytes_max);
}

void dw_chunk_space_done(struct dw_chunk_space *space)
{
    dw_buf_done(&space->text);
    free(space->rows);
    space->rows = NULL;
    space->row_capacity = 0;
}

struct dw_chunk *dw_chunk_new(const struct dw_chunk_space *space)
{
    struct dw_chunk *chunk = DW_MEM_NEW(struct dw_chunk);
    chunk->space = *space;
    dw_window_init(&chunk->window);
    return chunk;
}

void dw_chunk_free(struct dw_chunk *chunk)
{
    if (!chunk)
        return;
    dw_chunk_space_done(&chunk->space);
    dw_window_done(&chunk->window);
    free(chunk->snapshot.running);
    free(chunk->reread);
    free(chunk->cursor);
    free(chunk);
}

bool dw_chunk_release_rows(struct dw_chunk *chunk, struct dw_chunk_space *out)
{
    dw_window_reset(&chunk->window);
    if (chunk->reread_count || !chunk->space.rows)
        return false;
    *out = chunk->space;
    dw_chunk_space_init(&chunk->space, out->text.max_bytes);
    return true;
}

struct dw_chunk_row *dw_chunk_add(struct dw_chunk *chunk, size_t key_at, size_t key_len)
{
    struct dw_chunk_space *space = &chunk->space;
    if (chunk->row_count == space->row_capacity) {
        space->row_capacity = space->row_capacity ? space->row_capacity * 2 : ROWS_FIRST;
        space->rows = dw_mem_realloc(space->rows, space->row_capacity * sizeof *space->rows);
    }
    struct dw_chunk_row *row = &space->rows[chunk->row_count++];
    *row = (struct dw_chunk_row){.key_at = key_at, .key_len = key_len};
    return row;
}
