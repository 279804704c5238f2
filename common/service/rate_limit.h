/* rate_limit.h - how often each of many may ask: a bucket of tokens for each name.
 *
 * Bounded: there are a fixed number of buckets; a new name takes the place of one that has asked
 * least lately, so that a flood of names can only make the limiter more generous, never larger.
 * Threads: any.
 */
#ifndef DW_SERVICE_RATE_LIMIT_H
#define DW_SERVICE_RATE_LIMIT_H
#include <stdint.h>

struct dw_rate_limit;

/* `burst` at once, then `per_second`; both above 0. */
struct dw_rate_limit *dw_rate_limit_new(double per_second, double burst);
void dw_rate_limit_free(struct dw_rate_limit *limit); /* accepts NULL */

/* 0: `name` may ask now, and has asked. Else how long it has to wait, in ms. */
int64_t dw_rate_limit_take(struct dw_rate_limit *limit, const char *name, int64_t now_ms);

#endif
