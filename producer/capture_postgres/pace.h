/* pace.h - whether events are handed to Kafka at once or gathered for a moment.
 *
 * Under a heavy load many small batches cost broker, producer and workers more than what is in
 * them: from 10,000 events a second on they are gathered for up to DW_PACE_HOLD_MS. Below that
 * nothing waits here. Pure; one owner.
 */
#ifndef DW_CAPTURE_POSTGRES_PACE_H
#define DW_CAPTURE_POSTGRES_PACE_H
#include <stdbool.h>
#include <stdint.h>

#define DW_PACE_HOLD_MS   20
#define DW_PACE_WINDOW_MS 20
#define DW_PACE_BUSY      200 /* events in a window */

struct dw_pace {
    int64_t window_ms; /* when the window in hand began */
    uint64_t events;   /* in it */
    bool busy;         /* the one before it was full */
    int64_t since_ms;  /* since when events are gathered; 0: none are */
};

/* `events` more have come. */
void dw_pace_add(struct dw_pace *pace, int64_t now_ms, uint64_t events);
/* How long what was gathered may still wait; 0: hand it over, and say so. */
int64_t dw_pace_wait_ms(const struct dw_pace *pace, int64_t now_ms);
void dw_pace_sent(struct dw_pace *pace);

#endif
