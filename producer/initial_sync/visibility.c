/* visibility.c - see visibility.h. */
#include "producer/initial_sync/visibility.h"

#include "common/base/arena.h"
#include <stdlib.h>

static bool read_number(const char **at, const char *end, uint64_t *out)
{
    uint64_t number = 0;
    const char *start = *at;
    while (*at < end && **at >= '0' && **at <= '9' && number < UINT64_MAX / 16)
        number = number * 10 + (uint64_t)(*(*at)++ - '0');
    *out = number;
    return *at > start;
}

static bool read_running(const char *at, const char *end, struct dw_snapshot *snapshot)
{
    while (at < end) {
        if (snapshot->running_count && *at++ != ',')
            return false;
        if (!read_number(&at, end, &snapshot->running[snapshot->running_count]))
            return false;
        snapshot->running_count++;
    }
    return true;
}

bool dw_visibility_parse(struct dw_str text, struct dw_snapshot *out)
{
    const char *at = text.ptr;
    const char *end = text.ptr + text.len;
    *out = (struct dw_snapshot){0};
    if (!read_number(&at, end, &out->xmin) || at == end || *at++ != ':')
        return false;
    if (!read_number(&at, end, &out->xmax) || at == end || *at++ != ':')
        return false;
    out->running = dw_mem_calloc((size_t)(end - at) / 2 + 1, sizeof *out->running);
    if (read_running(at, end, out))
        return true;
    free(out->running);
    *out = (struct dw_snapshot){0};
    return false;
}

/* The 64-bit number whose low half is `xid` and that is nearest to `near`. */
static uint64_t widen(uint32_t xid, uint64_t near)
{
    return near + (uint64_t)(int64_t)(int32_t)(xid - (uint32_t)near);
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

bool dw_visibility_sees(const struct dw_snapshot *snapshot, uint32_t xid)
{
    uint64_t wide = widen(xid, snapshot->xmax);
    if (wide < snapshot->xmin)
        return true;
    if (wide >= snapshot->xmax)
        return false;
    return !bsearch(&wide, snapshot->running, snapshot->running_count, sizeof wide, compare);
}

void dw_visibility_init(struct dw_visibility *visibility)
{
    *visibility = (struct dw_visibility){.order = 1};
}

void dw_visibility_done(struct dw_visibility *visibility)
{
    free(visibility->items);
    dw_visibility_init(visibility);
}

static void remove_xid(struct dw_visibility *visibility, uint32_t xid)
{
    size_t kept = 0;
    for (size_t i = 0; i < visibility->count; i++)
        if (visibility->items[i].xid != xid)
            visibility->items[kept++] = visibility->items[i];
    visibility->count = kept;
}

static void append(struct dw_visibility *visibility, uint32_t xid, uint64_t order)
{
    if (visibility->count == visibility->capacity) {
        visibility->capacity = visibility->capacity ? visibility->capacity * 2 : 256;
        visibility->items =
            dw_mem_realloc(visibility->items, visibility->capacity * sizeof *visibility->items);
    }
    visibility->items[visibility->count++] = (struct dw_streamed){xid, order};
}

void dw_visibility_add(struct dw_visibility *visibility, uint32_t xid)
{
    /* Suspects, if any, are the first items. */
    for (size_t i = 0; i < visibility->count && visibility->items[i].order == 0; i++)
        if (visibility->items[i].xid == xid) {
            remove_xid(visibility, xid);
            break;
        }
    append(visibility, xid, visibility->order++);
}

void dw_visibility_suspect(struct dw_visibility *visibility, const struct dw_snapshot *snapshot)
{
    struct dw_streamed *streamed = visibility->items;
    size_t count = visibility->count;
    visibility->items = NULL;
    visibility->count = visibility->capacity = 0;
    for (size_t i = 0; i < snapshot->running_count; i++)
        append(visibility, (uint32_t)snapshot->running[i], 0);
    for (size_t i = 0; i < count; i++) {
        remove_xid(visibility, streamed[i].xid);
        append(visibility, streamed[i].xid, streamed[i].order);
    }
    free(streamed);
}

void dw_visibility_prune(struct dw_visibility *visibility, const struct dw_snapshot *snapshot)
{
    size_t kept = 0;
    for (size_t i = 0; i < visibility->count; i++)
        if (!dw_visibility_sees(snapshot, visibility->items[i].xid))
            visibility->items[kept++] = visibility->items[i];
    visibility->count = kept;
}

bool dw_visibility_covers(const struct dw_visibility *visibility,
                          const struct dw_snapshot *snapshot, uint64_t order, uint32_t *out_xid)
{
    for (size_t i = 0; i < visibility->count && visibility->items[i].order < order; i++)
        if (!dw_visibility_sees(snapshot, visibility->items[i].xid)) {
            *out_xid = visibility->items[i].xid;
            return false;
        }
    return true;
}
