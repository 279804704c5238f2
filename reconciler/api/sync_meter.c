/* sync_meter.c - see sync_meter.h. */
#include "reconciler/api/sync_meter.h"

#include "common/base/arena.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define SAMPLES     32
#define INTERVAL_US 1000000
#define WINDOW_US   30000000
#define FORGET_US   60000000
#define SHORTEST_US 500000 /* a rate over less than this says nothing */

struct sample {
    int64_t at_us;
    int64_t rows;
};

struct track { /* of one sync */
    struct track *next;
    int64_t sync;
    struct sample samples[SAMPLES]; /* a ring */
    size_t count, last;
};

struct dw_sync_meter {
    pthread_mutex_t lock;
    struct track *tracks;
};

struct dw_sync_meter *dw_sync_meter_new(void)
{
    struct dw_sync_meter *meter = DW_MEM_NEW(struct dw_sync_meter);
    (void)pthread_mutex_init(&meter->lock, NULL);
    return meter;
}

void dw_sync_meter_free(struct dw_sync_meter *meter)
{
    if (!meter)
        return;
    while (meter->tracks) {
        struct track *track = meter->tracks;
        meter->tracks = track->next;
        free(track);
    }
    (void)pthread_mutex_destroy(&meter->lock);
    free(meter);
}

static struct track *find_track(struct dw_sync_meter *meter, int64_t sync)
{
    struct track *track = meter->tracks;
    while (track && track->sync != sync)
        track = track->next;
    return track;
}

void dw_sync_meter_note(struct dw_sync_meter *meter, int64_t sync, int64_t rows, int64_t now_us)
{
    pthread_mutex_lock(&meter->lock);
    struct track *track = find_track(meter, sync);
    if (!track) {
        track = DW_MEM_NEW(struct track);
        track->sync = sync;
        track->last = SAMPLES - 1;
        track->next = meter->tracks;
        meter->tracks = track;
    }
    if (!track->count || now_us - track->samples[track->last].at_us >= INTERVAL_US) {
        track->last = (track->last + 1) % SAMPLES;
        track->samples[track->last] = (struct sample){now_us, rows};
        if (track->count < SAMPLES)
            track->count++;
    }
    pthread_mutex_unlock(&meter->lock);
}

void dw_sync_meter_forget(struct dw_sync_meter *meter, int64_t now_us)
{
    pthread_mutex_lock(&meter->lock);
    for (struct track **link = &meter->tracks; *link;) {
        struct track *track = *link;
        if (now_us - track->samples[track->last].at_us < FORGET_US) {
            link = &track->next;
            continue;
        }
        *link = track->next;
        free(track);
    }
    pthread_mutex_unlock(&meter->lock);
}

/* The oldest sample within the window; false: there is none that tells a rate. */
static bool find_sample(const struct track *track, int64_t now_us, struct sample *out)
{
    for (size_t i = track->count; i > 0; i--) {
        const struct sample *sample = &track->samples[(track->last + SAMPLES + 1 - i) % SAMPLES];
        int64_t age_us = now_us - sample->at_us;
        if (age_us <= WINDOW_US) {
            *out = *sample;
            return age_us >= SHORTEST_US;
        }
    }
    return false;
}

struct dw_sync_pace dw_sync_meter_pace(struct dw_sync_meter *meter, int64_t sync, int64_t rows,
                                       int64_t estimated, int64_t started_us, int64_t now_us)
{
    struct dw_sync_pace pace = {.rows_per_second = 0, .seconds_left = -1};
    struct sample since = {started_us, 0};
    pthread_mutex_lock(&meter->lock);
    struct track *track = find_track(meter, sync);
    bool known = track && find_sample(track, now_us, &since);
    pthread_mutex_unlock(&meter->lock);
    if (!known)
        since = (struct sample){started_us, 0};
    int64_t span_us = now_us - since.at_us;
    if (since.at_us > 0 && span_us >= SHORTEST_US && rows > since.rows)
        pace.rows_per_second = (double)(rows - since.rows) * 1e6 / (double)span_us;
    if (pace.rows_per_second > 0 && estimated > 0)
        pace.seconds_left =
            estimated > rows ? (double)(estimated - rows) / pace.rows_per_second : 0;
    return pace;
}
