/* arena.h - memory of one batch or one request, freed in one step.
 *
 * Ownership: everything allocated lives until dw_arena_reset or dw_arena_done.
 * Threads: one owner at a time. Errors: out of memory ends the process (dw_mem_*), because no
 * caller can do better in the middle of a batch and Kafka still has the events.
 */
#ifndef DW_BASE_ARENA_H
#define DW_BASE_ARENA_H
#include "common/base/str.h"
#include <stdarg.h>
#include <stddef.h>

struct dw_arena_block;

struct dw_arena {
    struct dw_arena_block *head;
    char *next;
    char *end;
    size_t block_bytes;
    size_t used_bytes; /* handed out since the last reset */
};

/* `block_bytes`: size of one block; larger requests get a block of their own. */
void dw_arena_init(struct dw_arena *arena, size_t block_bytes);
void dw_arena_done(struct dw_arena *arena);
/* Keeps one block for reuse, frees the rest. */
void dw_arena_reset(struct dw_arena *arena);

/* 16-byte aligned, not zeroed. Never NULL. */
void *dw_arena_alloc(struct dw_arena *arena, size_t bytes);
/* 16-byte aligned, zeroed. Never NULL. `count * bytes` must not overflow (checked). */
void *dw_arena_calloc(struct dw_arena *arena, size_t count, size_t bytes);
/* Copies with a NUL behind the end, so that .ptr is also a C string. */
struct dw_str dw_arena_copy(struct dw_arena *arena, struct dw_str text);
char *dw_arena_printf(struct dw_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define DW_ARENA_NEW(arena, type)          ((type *)dw_arena_calloc((arena), 1, sizeof(type)))
#define DW_ARENA_ARRAY(arena, type, count) ((type *)dw_arena_calloc((arena), (count), sizeof(type)))

/* Heap memory for long-lived objects; these end the process when memory is out. Free with free().
 */
void *dw_mem_calloc(size_t count, size_t bytes) __attribute__((malloc));
void *dw_mem_realloc(void *memory, size_t bytes);
char *dw_mem_strdup(const char *text) __attribute__((malloc));
char *dw_mem_strndup(const char *text, size_t len) __attribute__((malloc));
#define DW_MEM_NEW(type) ((type *)dw_mem_calloc(1, sizeof(type)))

#endif
