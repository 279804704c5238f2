/* retry.c - see retry.h. */
#include "consumer/pipeline/retry.h"

void dw_retry_init(struct dw_retry *retry, int64_t base_ms, int64_t max_ms)
{
    if (base_ms < 1)
        base_ms = 1;
    *retry = (struct dw_retry){.base_ms = base_ms, .max_ms = max_ms < base_ms ? base_ms : max_ms};
}

void dw_retry_reset(struct dw_retry *retry)
{
    retry->attempts = 0;
}

int64_t dw_retry_ceiling_ms(const struct dw_retry *retry)
{
    int64_t ceiling = retry->base_ms;
    for (uint32_t i = 0; i < retry->attempts; i++) {
        if (ceiling > retry->max_ms / 2)
            return retry->max_ms;
        ceiling *= 2;
    }
    return ceiling;
}

int64_t dw_retry_next_ms(struct dw_retry *retry, uint64_t random)
{
    int64_t ceiling = dw_retry_ceiling_ms(retry);
    if (retry->attempts < UINT32_MAX)
        retry->attempts++;
    int64_t wait = (int64_t)(random % ((uint64_t)ceiling + 1));
    return wait < DW_RETRY_FLOOR_MS ? DW_RETRY_FLOOR_MS : wait;
}
