/* commit_window.c - see commit_window.h. */
#include "producer/capture_postgres/commit_window.h"

#include "common/base/arena.h"
#include <stdlib.h>
#include <string.h>

static struct dw_commit_entry *entry_at(const struct dw_commit_window *window, uint64_t sequence)
{
    return &window->ring[sequence & (window->capacity - 1)];
}

static void grow(struct dw_commit_window *window)
{
    size_t capacity = window->capacity ? window->capacity * 2 : 256;
    struct dw_commit_entry *ring = dw_mem_calloc(capacity, sizeof *ring);
    for (uint64_t i = window->first; i < window->next; i++)
        ring[i & (capacity - 1)] = *entry_at(window, i);
    free(window->ring);
    window->ring = ring;
    window->capacity = capacity;
}

/* Drops what is finished from the front. */
static void advance(struct dw_commit_window *window)
{
    while (window->first < window->next) {
        const struct dw_commit_entry *entry = entry_at(window, window->first);
        if (!entry->closed || entry->pending)
            return;
        if (!entry->abandoned)
            window->done = entry->commit;
        window->first++;
    }
}

void dw_commit_window_init(struct dw_commit_window *window)
{
    *window = (struct dw_commit_window){.first = 1, .next = 1};
}

void dw_commit_window_done(struct dw_commit_window *window)
{
    free(window->ring);
    dw_commit_window_init(window);
}

void dw_commit_window_reset(struct dw_commit_window *window)
{
    window->first = window->next;
    window->open = false;
    window->newest = window->done;
}

uint64_t dw_commit_window_begin(struct dw_commit_window *window)
{
    dw_commit_window_abandon(window);
    if (window->next - window->first == window->capacity)
        grow(window);
    *entry_at(window, window->next) = (struct dw_commit_entry){.pending = 0};
    window->open = true;
    return window->next++;
}

void dw_commit_window_add(struct dw_commit_window *window, uint64_t events)
{
    entry_at(window, window->next - 1)->pending += events;
}

void dw_commit_window_commit(struct dw_commit_window *window, const struct dw_commit *commit)
{
    if (!window->open)
        return;
    uint64_t sequence = window->next - 1;
    struct dw_commit_entry *entry = entry_at(window, sequence);
    entry->commit = *commit;
    entry->closed = true;
    window->open = false;
    window->newest = *commit;
    struct dw_commit_entry *previous =
        sequence > window->first ? entry_at(window, sequence - 1) : NULL;
    if (!entry->pending && previous && !previous->abandoned) {
        previous->commit = *commit;
        window->next--;
        return;
    }
    advance(window);
}

void dw_commit_window_abandon(struct dw_commit_window *window)
{
    if (!window->open)
        return;
    struct dw_commit_entry *entry = entry_at(window, window->next - 1);
    entry->closed = true;
    entry->abandoned = true;
    window->open = false;
    advance(window);
}

void dw_commit_window_acknowledge(struct dw_commit_window *window, uint64_t sequence,
                                  uint64_t events)
{
    if (sequence < window->first || sequence >= window->next)
        return;
    struct dw_commit_entry *entry = entry_at(window, sequence);
    entry->pending -= events < entry->pending ? events : entry->pending;
    if (sequence == window->first)
        advance(window);
}

void dw_commit_window_keepalive(struct dw_commit_window *window, uint64_t lsn)
{
    if (dw_commit_window_is_idle(window) && lsn > window->done.end_lsn)
        window->done.end_lsn = lsn;
}
