/* rate_limit.c - see rate_limit.h. */
#include "common/service/rate_limit.h"

#include "common/base/arena.h"
#include "common/base/hash.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024
#define PROBES  8 /* buckets that a name can have */

struct bucket {
    uint64_t name; /* hash; 0: free */
    double tokens;
    int64_t at_ms; /* when `tokens` was right */
};

struct dw_rate_limit {
    double per_second, burst;
    pthread_mutex_t lock;
    struct bucket buckets[BUCKETS];
};

struct dw_rate_limit *dw_rate_limit_new(double per_second, double burst)
{
    struct dw_rate_limit *limit = DW_MEM_NEW(struct dw_rate_limit);
    limit->per_second = per_second;
    limit->burst = burst;
    pthread_mutex_init(&limit->lock, NULL);
    return limit;
}

void dw_rate_limit_free(struct dw_rate_limit *limit)
{
    if (!limit)
        return;
    pthread_mutex_destroy(&limit->lock);
    free(limit);
}

/* The bucket of a name, or the one it takes over, full. */
static struct bucket *find_bucket(struct dw_rate_limit *limit, uint64_t name, int64_t now_ms)
{
    struct bucket *oldest = NULL;
    for (uint64_t i = 0; i < PROBES; i++) {
        struct bucket *bucket = &limit->buckets[(name + i) % BUCKETS];
        if (bucket->name == name)
            return bucket;
        if (!oldest || bucket->at_ms < oldest->at_ms)
            oldest = bucket;
    }
    *oldest = (struct bucket){.name = name, .tokens = limit->burst, .at_ms = now_ms};
    return oldest;
}

int64_t dw_rate_limit_take(struct dw_rate_limit *limit, const char *name, int64_t now_ms)
{
    uint64_t hash = dw_hash_bytes(name, strlen(name), 0) | 1;
    int64_t wait_ms = 0;
    pthread_mutex_lock(&limit->lock);
    struct bucket *bucket = find_bucket(limit, hash, now_ms);
    if (now_ms > bucket->at_ms)
        bucket->tokens += (double)(now_ms - bucket->at_ms) / 1e3 * limit->per_second;
    bucket->at_ms = now_ms;
    if (bucket->tokens > limit->burst)
        bucket->tokens = limit->burst;
    if (bucket->tokens >= 1)
        bucket->tokens -= 1;
    else
        wait_ms = (int64_t)((1 - bucket->tokens) / limit->per_second * 1e3) + 1;
    pthread_mutex_unlock(&limit->lock);
    return wait_ms;
}
