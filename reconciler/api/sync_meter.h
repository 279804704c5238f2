/* sync_meter.h - how fast syncs go: rows per second, from the progress that producers save.
 *
 * The rate is that of the last half minute, so that a pause or a new limit shows soon; a sync that
 * was not looked at before has the rate since it was started. Threads: any; it has a lock.
 */
#ifndef DW_API_SYNC_METER_H
#define DW_API_SYNC_METER_H
#include <stdint.h>

struct dw_sync_meter;

struct dw_sync_meter *dw_sync_meter_new(void);
void dw_sync_meter_free(struct dw_sync_meter *meter); /* accepts NULL */

/* Notes what is saved now. More often than once a second changes nothing. */
void dw_sync_meter_note(struct dw_sync_meter *meter, int64_t sync, int64_t rows, int64_t now_us);
/* Forgets syncs that were not noted for a minute. */
void dw_sync_meter_forget(struct dw_sync_meter *meter, int64_t now_us);

struct dw_sync_pace {
    double rows_per_second; /* 0: it stands, or nobody knows yet */
    double seconds_left;    /* -1 unknown */
};
/* `started_us` 0: not started. */
struct dw_sync_pace dw_sync_meter_pace(struct dw_sync_meter *meter, int64_t sync, int64_t rows,
                                       int64_t estimated, int64_t started_us, int64_t now_us);

#endif
