/* arena.c - see arena.h. */
#include "common/base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct dw_arena_block {
    struct dw_arena_block *next;
    size_t bytes;
    _Alignas(16) char data[];
};

static void out_of_memory(size_t bytes)
{
    (void)fprintf(stderr, "{\"level\":\"fatal\",\"event\":\"memory.out\",\"bytes\":%zu}\n", bytes);
    abort();
}

void *dw_mem_calloc(size_t count, size_t bytes)
{
    void *memory = calloc(count ? count : 1, bytes ? bytes : 1);
    if (!memory)
        out_of_memory(count * bytes);
    return memory;
}

void *dw_mem_realloc(void *memory, size_t bytes)
{
    void *grown = realloc(memory, bytes ? bytes : 1);
    if (!grown)
        out_of_memory(bytes);
    return grown;
}

char *dw_mem_strndup(const char *text, size_t len)
{
    char *copy = dw_mem_calloc(len + 1, 1);
    if (len)
        memcpy(copy, text, len);
    return copy;
}

char *dw_mem_strdup(const char *text)
{
    return dw_mem_strndup(text, strlen(text));
}

void dw_arena_init(struct dw_arena *arena, size_t block_bytes)
{
    *arena = (struct dw_arena){.block_bytes = block_bytes};
}

static void free_blocks(struct dw_arena_block *block)
{
    while (block) {
        struct dw_arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void dw_arena_done(struct dw_arena *arena)
{
    free_blocks(arena->head);
    *arena = (struct dw_arena){.block_bytes = arena->block_bytes};
}

void dw_arena_reset(struct dw_arena *arena)
{
    struct dw_arena_block *keep = NULL;
    struct dw_arena_block *block = arena->head;
    while (block) {
        struct dw_arena_block *next = block->next;
        if (!keep && block->bytes == arena->block_bytes)
            keep = block;
        else
            free(block);
        block = next;
    }
    arena->head = keep;
    arena->used_bytes = 0;
    arena->next = keep ? keep->data : NULL;
    arena->end = keep ? keep->data + keep->bytes : NULL;
    if (keep)
        keep->next = NULL;
}

static struct dw_arena_block *new_block(size_t bytes)
{
    struct dw_arena_block *block = malloc(sizeof *block + bytes);
    if (!block)
        out_of_memory(bytes);
    block->bytes = bytes;
    return block;
}

/* A request over a quarter of a block gets its own, kept behind the current one. */
static void *alloc_apart(struct dw_arena *arena, size_t bytes)
{
    struct dw_arena_block *block = new_block(bytes);
    if (arena->head) {
        block->next = arena->head->next;
        arena->head->next = block;
    } else {
        block->next = NULL;
        arena->head = block;
    }
    return block->data;
}

void *dw_arena_alloc(struct dw_arena *arena, size_t bytes)
{
    assert(arena->block_bytes > 0 && bytes < SIZE_MAX - 64);
    bytes = bytes ? (bytes + 15) & ~(size_t)15 : 16; /* nothing has an address too */
    arena->used_bytes += bytes;
    if ((size_t)(arena->end - arena->next) < bytes) {
        if (bytes > arena->block_bytes / 4)
            return alloc_apart(arena, bytes);
        struct dw_arena_block *block = new_block(arena->block_bytes);
        block->next = arena->head;
        arena->head = block;
        arena->next = block->data;
        arena->end = block->data + block->bytes;
    }
    void *memory = arena->next;
    arena->next += bytes;
    return memory;
}

void *dw_arena_calloc(struct dw_arena *arena, size_t count, size_t bytes)
{
    assert(bytes == 0 || count <= SIZE_MAX / 2 / bytes);
    void *memory = dw_arena_alloc(arena, count * bytes);
    memset(memory, 0, count * bytes);
    return memory;
}

struct dw_str dw_arena_copy(struct dw_arena *arena, struct dw_str text)
{
    char *copy = dw_arena_alloc(arena, text.len + 1);
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return (struct dw_str){copy, text.len};
}

char *dw_arena_printf(struct dw_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    char *text = dw_arena_alloc(arena, (size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}
