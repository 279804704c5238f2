/* clock.h - time. Durations come from the monotonic clock, moments from the wall clock in
 * microseconds since 1970 (UTC). PostgreSQL counts microseconds since 2000-01-01. */
#ifndef DW_BASE_CLOCK_H
#define DW_BASE_CLOCK_H
#include <stddef.h>
#include <stdint.h>

#define DW_CLOCK_PG_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 in Unix microseconds */

int64_t dw_clock_mono_ms(void);
int64_t dw_clock_mono_us(void);
int64_t dw_clock_wall_us(void);
void dw_clock_sleep_ms(int64_t ms);

/* "2026-01-31T12:34:56.123456Z" into `out` (at least 32 bytes); returns `out`. */
const char *dw_clock_format(int64_t wall_us, char out[32]);

/* A pseudo-random number below `bound` for jitter; thread-safe, not for secrets. */
uint64_t dw_clock_jitter(uint64_t bound);

#endif
