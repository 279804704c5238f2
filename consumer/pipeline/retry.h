/* retry.h - when to try again: exponential backoff with full jitter, for ever. Pure.
 *
 * The wait before attempt n is a random time between 0 and min(max, base * 2^n), but never below
 * `floor`, so that many workers that lost one server together do not return together.
 */
#ifndef DW_PIPELINE_RETRY_H
#define DW_PIPELINE_RETRY_H
#include <stdint.h>

struct dw_retry {
    int64_t base_ms;
    int64_t max_ms;
    uint32_t attempts; /* failures in a row */
};

#define DW_RETRY_FLOOR_MS 5

void dw_retry_init(struct dw_retry *retry, int64_t base_ms, int64_t max_ms);
/* After success. */
void dw_retry_reset(struct dw_retry *retry);
/* The longest that the next wait may be. */
int64_t dw_retry_ceiling_ms(const struct dw_retry *retry);
/* Counts a failure and returns how long to wait; `random` is any uniform number. */
int64_t dw_retry_next_ms(struct dw_retry *retry, uint64_t random);

#endif
