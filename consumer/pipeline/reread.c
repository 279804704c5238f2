/* reread.c - see reread.h. */
#include "consumer/pipeline/reread.h"

#include "common/base/arena.h"
#include "common/base/json_write.h"
#include <stdlib.h>

enum { REQUESTS_MAX = 20000 };

#define KEY_BYTES_MAX ((size_t)16 << 20)

struct dw_reread_request {
    struct dw_reread_request *next;
    char *map;
    char *key; /* JSON array */
    uint64_t ticket;
};

void dw_reread_init(struct dw_reread *reread)
{
    *reread = (struct dw_reread){.stored_below = 1};
    (void)pthread_mutex_init(&reread->lock, NULL);
}

static void free_request(struct dw_reread_request *request)
{
    free(request->map);
    free(request->key);
    free(request);
}

static void free_requests(struct dw_reread_request **list)
{
    while (*list) {
        struct dw_reread_request *request = *list;
        *list = request->next;
        free_request(request);
    }
}

void dw_reread_done(struct dw_reread *reread)
{
    free_requests(&reread->first);
    free_requests(&reread->taken);
    (void)pthread_mutex_destroy(&reread->lock);
}

static struct dw_reread_request *new_request(const char *map, const struct dw_str *key,
                                             size_t count)
{
    struct dw_buf json;
    dw_buf_init(&json, KEY_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_char(&json, i ? ',' : '[');
        dw_json_write_string(&json, key[i]);
    }
    dw_buf_append_char(&json, ']');
    struct dw_reread_request *request = DW_MEM_NEW(struct dw_reread_request);
    request->map = dw_mem_strdup(map);
    request->key = dw_buf_take(&json);
    return request;
}

uint64_t dw_reread_want(struct dw_reread *reread, const char *map, const struct dw_str *key,
                        size_t count)
{
    struct dw_reread_request *request = new_request(map, key, count);
    uint64_t ticket = 0;
    pthread_mutex_lock(&reread->lock);
    bool room = reread->count < REQUESTS_MAX;
    if (room) {
        ticket = request->ticket = ++reread->tickets;
        request->next = reread->first;
        reread->first = request;
        reread->count++;
    }
    pthread_mutex_unlock(&reread->lock);
    if (!room)
        free_request(request);
    return ticket;
}

bool dw_reread_is_stored(struct dw_reread *reread, uint64_t ticket)
{
    pthread_mutex_lock(&reread->lock);
    bool stored = ticket > reread->lost && ticket < reread->stored_below;
    pthread_mutex_unlock(&reread->lock);
    return stored;
}

char *dw_reread_take(struct dw_reread *reread, size_t limit, struct dw_buf *out)
{
    char *map = NULL;
    size_t taken = 0;
    pthread_mutex_lock(&reread->lock);
    for (struct dw_reread_request **link = &reread->first; *link && taken < limit;) {
        struct dw_reread_request *request = *link;
        if (map && strcmp(request->map, map) != 0) {
            link = &request->next;
            continue;
        }
        if (!map)
            map = dw_mem_strdup(request->map);
        dw_buf_append_char(out, taken++ ? ',' : '[');
        dw_buf_append_text(out, request->key);
        *link = request->next;
        request->next = reread->taken;
        reread->taken = request;
        reread->count--;
    }
    pthread_mutex_unlock(&reread->lock);
    if (taken)
        dw_buf_append_char(out, ']');
    return map;
}

/* The lowest ticket that is still to become a re-sync. */
static uint64_t lowest_open(const struct dw_reread *reread)
{
    uint64_t lowest = reread->tickets + 1;
    for (const struct dw_reread_request *request = reread->first; request; request = request->next)
        if (request->ticket < lowest)
            lowest = request->ticket;
    return lowest;
}

void dw_reread_settle(struct dw_reread *reread, enum dw_reread_result result)
{
    pthread_mutex_lock(&reread->lock);
    for (struct dw_reread_request *request = reread->taken; request; request = request->next)
        if (result == DW_REREAD_LOST && request->ticket > reread->lost)
            reread->lost = request->ticket;
    while (result == DW_REREAD_AGAIN && reread->taken) {
        struct dw_reread_request *request = reread->taken;
        reread->taken = request->next;
        request->next = reread->first;
        reread->first = request;
        reread->count++;
    }
    free_requests(&reread->taken);
    reread->stored_below = lowest_open(reread);
    pthread_mutex_unlock(&reread->lock);
}
