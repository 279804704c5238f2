/* chunk.c - see chunk.h. */
#include "producer/initial_sync/chunk.h"

#include "common/base/arena.h"
#include <stdlib.h>

#define ROWS_FIRST 256

struct dw_chunk *dw_chunk_new(size_t bytes_max)
{
    struct dw_chunk *chunk = DW_MEM_NEW(struct dw_chunk);
    dw_buf_init(&chunk->text, bytes_max);
    dw_window_init(&chunk->window);
    return chunk;
}

void dw_chunk_free(struct dw_chunk *chunk)
{
    if (!chunk)
        return;
    dw_buf_done(&chunk->text);
    dw_window_done(&chunk->window);
    free(chunk->snapshot.running);
    free(chunk->rows);
    free(chunk->reread);
    free(chunk->cursor);
    free(chunk);
}

void dw_chunk_release_rows(struct dw_chunk *chunk)
{
    dw_window_reset(&chunk->window);
    if (chunk->reread_count)
        return;
    dw_buf_reset(&chunk->text, 0);
    free(chunk->rows);
    chunk->rows = NULL;
    chunk->row_capacity = 0;
}

struct dw_chunk_row *dw_chunk_add(struct dw_chunk *chunk, size_t key_at, size_t key_len)
{
    if (chunk->row_count == chunk->row_capacity) {
        chunk->row_capacity = chunk->row_capacity ? chunk->row_capacity * 2 : ROWS_FIRST;
        chunk->rows = dw_mem_realloc(chunk->rows, chunk->row_capacity * sizeof *chunk->rows);
    }
    struct dw_chunk_row *row = &chunk->rows[chunk->row_count++];
    *row = (struct dw_chunk_row){.key_at = key_at, .key_len = key_len};
    return row;
}
