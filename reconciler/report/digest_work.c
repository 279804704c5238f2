/* digest_work.c - see digest_work.h. */
#include "reconciler/report/digest_work.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/table.h"
#include "common/service/lifecycle.h"
#include "common/state/state.h"
#include "common/state/state_letters.h"
#include "reconciler/alerts/webhook.h"
#include "reconciler/flow/flow.h"
#include "reconciler/report/digest_read.h"
#include "reconciler/targets/target_watch.h"
#include <pthread.h>
#include <stdlib.h>

#define ARENA_BYTES   65536
#define BODY_MAX      (16u << 20)
#define RETRY_MS      60000
#define CLEAN_MS      (3600 * 1000)
#define BACKOFF_MS    3000
#define SEND_EVERY_MS 5000

struct dw_digest_work {
    const struct dw_settings *settings;
    struct dw_target_watch *targets;
    struct dw_state *state;
    struct dw_arena arena;
    int64_t sample_ms, send_ms, clean_ms; /* when each is due */
    bool failing;                         /* a webhook did not take it; told once */
    atomic_bool stopping;
    pthread_t thread;
    bool started;
};

/* --- noting -------------------------------------------------------------------------------------
 */

static int64_t since(int64_t now, int64_t before)
{
    if (before < 0)
        return 0; /* noted by an older program, which counted otherwise */
    return now >= before ? now - before : now; /* the target was restored: it counts anew */
}

static int64_t lag_of(const struct dw_target_progress *progress, const struct dw_flow_map *flow)
{
    int64_t age_us = dw_clock_wall_us() - progress->newest_us;
    return flow->lag > 0 && progress->newest_us && age_us > 0 ? age_us : 0;
}

/* False: nothing has happened since. */
static bool note(const struct dw_target_progress *progress, const struct dw_flow_map *flow,
                 const struct dw_digest_sample *last, int64_t letters, struct dw_digest_sample *out)
{
    static const struct dw_digest_sample none;
    const struct dw_digest_sample *before = last ? last : &none;
    *out = (struct dw_digest_sample){
        .map = progress->map,
        .letters = letters,
        .lag_max_us = lag_of(progress, flow),
        .events_total =
            progress->applied + progress->superseded + progress->duplicate + progress->filtered,
        .dead_total = progress->died,
    };
    out->events = since(out->events_total, before->events_total);
    out->dead = since(out->dead_total, before->dead_total);
    for (int i = 0; i < DW_METRIC_BUCKETS; i++)
        out->latency[i] = out->events ? flow->latency.counts[i] : 0;
    return out->events || out->dead || letters != before->letters;
}

struct looks {               /* by map */
    struct dw_table last;    /* struct dw_digest_sample */
    struct dw_table letters; /* struct dw_letter_count: open ones */
};

static enum dw_rc load_looks(struct dw_digest_work *work, struct looks *looks, struct dw_err *err)
{
    const struct dw_digest_sample *samples = NULL;
    const struct dw_letter_count *letters = NULL;
    size_t sample_count = 0;
    size_t letter_count = 0;
    enum dw_rc rc = dw_state_digest_last(work->state, &work->arena, &samples, &sample_count, err);
    if (!rc)
        rc = dw_state_letters_count(work->state, &work->arena, &letters, &letter_count, err);
    for (size_t i = 0; i < sample_count && !rc; i++)
        *dw_table_place(&looks->last, dw_str_from(samples[i].map)) =
            (void *)(uintptr_t)&samples[i]; /* read alone */
    for (size_t i = 0; i < letter_count && !rc; i++)
        if (letters[i].state == DW_LETTER_OPEN)
            *dw_table_place(&looks->letters, dw_str_from(letters[i].map)) =
                (void *)(uintptr_t)&letters[i];
    return rc;
}

static enum dw_rc take_notes(struct dw_digest_work *work, const struct looks *looks,
                             struct dw_err *err)
{
    const struct dw_state_process *processes = NULL;
    struct dw_target_list targets;
    size_t process_count = 0;
    size_t count = 0;
    size_t room = 0;
    enum dw_rc rc =
        dw_state_processes_load(work->state, &work->arena, &processes, &process_count, err);
    if (rc)
        return rc;
    dw_target_watch_read(work->targets, &work->arena, &targets);
    for (size_t t = 0; t < targets.count; t++)
        room += targets.items[t].map_count;
    struct dw_digest_sample *samples = DW_ARENA_ARRAY(&work->arena, struct dw_digest_sample, room);
    struct dw_flow *flow = dw_flow_new(processes, process_count);
    for (size_t t = 0; t < targets.count; t++)
        for (size_t m = 0; m < targets.items[t].map_count; m++) {
            const struct dw_target_progress *progress = &targets.items[t].maps[m];
            const struct dw_letter_count *letters =
                dw_table_find(&looks->letters, dw_str_from(progress->map));
            struct dw_flow_map of;
            dw_flow_of_map(flow, progress->map, &of);
            count += note(progress, &of, dw_table_find(&looks->last, dw_str_from(progress->map)),
                          letters ? letters->count : 0, &samples[count]);
        }
    dw_flow_free(flow);
    return count ? dw_state_digest_add(work->state, samples, count, err) : DW_OK;
}

static enum dw_rc sample(struct dw_digest_work *work, struct dw_err *err)
{
    struct looks looks;
    dw_arena_reset(&work->arena);
    dw_table_init(&looks.last);
    dw_table_init(&looks.letters);
    enum dw_rc rc = load_looks(work, &looks, err);
    if (!rc)
        rc = take_notes(work, &looks, err);
    dw_table_done(&looks.last);
    dw_table_done(&looks.letters);
    return rc;
}

/* --- sending ------------------------------------------------------------------------------------
 */

/* *out_again: it was not taken and is to be tried again. */
static enum dw_rc send_to(struct dw_digest_work *work, const struct dw_webhook_settings *webhook,
                          bool *out_again, struct dw_err *err)
{
    const char *day = NULL;
    struct dw_digest digest;
    struct dw_buf body;
    struct dw_err why = DW_ERR_INIT;
    dw_arena_reset(&work->arena);
    enum dw_rc rc = dw_state_digest_due(work->state, webhook->name, work->settings->digest.hour,
                                        &work->arena, &day, err);
    if (rc || !day)
        return rc;
    rc = dw_digest_read(work->state, day, &work->arena, &digest, err);
    if (rc)
        return rc;
    dw_buf_init(&body, BODY_MAX);
    dw_digest_write(&digest, "digest", &body);
    enum dw_rc sent = dw_webhook_post(webhook, dw_buf_str(&body), &work->stopping, &why);
    dw_buf_done(&body);
    if (!sent)
        return dw_state_digest_delivered(work->state, webhook->name, day, err);
    if (!work->failing && !atomic_load(&work->stopping))
        dw_log_err(DW_LOG_WARN, "digest.undelivered", &why);
    *out_again = true;
    return DW_OK;
}

static enum dw_rc send_all(struct dw_digest_work *work, struct dw_err *err)
{
    bool again = false;
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < work->settings->webhook_count && !rc; i++)
        if (work->settings->webhooks[i].digest && !atomic_load(&work->stopping))
            rc = send_to(work, &work->settings->webhooks[i], &again, err);
    work->failing = again;
    work->send_ms = dw_clock_mono_ms() + (again ? RETRY_MS : SEND_EVERY_MS);
    return rc;
}

/* --- the thread ---------------------------------------------------------------------------------
 */

static enum dw_rc do_what_is_due(struct dw_digest_work *work, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    if (!work->state)
        rc =
            dw_state_open(&work->state, &work->settings->state, "dualwrite-reconciler-digest", err);
    if (!rc && dw_clock_mono_ms() >= work->sample_ms) {
        work->sample_ms = dw_clock_mono_ms() + work->settings->digest.sample_ms;
        rc = sample(work, err);
    }
    if (!rc && dw_clock_mono_ms() >= work->send_ms)
        rc = send_all(work, err);
    if (!rc && dw_clock_mono_ms() >= work->clean_ms) {
        work->clean_ms = dw_clock_mono_ms() + CLEAN_MS;
        rc = dw_state_digest_clean(work->state, work->settings->digest.keep_days, err);
    }
    return rc;
}

static void *run(void *argument)
{
    struct dw_digest_work *work = argument;
    while (!atomic_load(&work->stopping)) {
        struct dw_err err = DW_ERR_INIT;
        enum dw_rc rc = do_what_is_due(work, &err);
        if (rc)
            dw_log_err(DW_LOG_WARN, "digest.failed", &err);
        dw_lifecycle_sleep(&work->stopping, rc ? BACKOFF_MS : 500);
    }
    return NULL;
}

enum dw_rc dw_digest_work_start(struct dw_digest_work **out, const struct dw_settings *settings,
                                struct dw_target_watch *targets, struct dw_err *err)
{
    struct dw_digest_work *work = DW_MEM_NEW(struct dw_digest_work);
    work->settings = settings;
    work->targets = targets;
    dw_arena_init(&work->arena, ARENA_BYTES);
    if (pthread_create(&work->thread, NULL, run, work) != 0) {
        dw_digest_work_stop(work);
        return dw_err_set(err, DW_FATAL, "DW-API-003", "cannot start a thread for the digest");
    }
    work->started = true;
    *out = work;
    return DW_OK;
}

void dw_digest_work_stop(struct dw_digest_work *work)
{
    if (!work)
        return;
    atomic_store(&work->stopping, true);
    if (work->started)
        (void)pthread_join(work->thread, NULL);
    dw_state_close(work->state);
    dw_arena_done(&work->arena);
    free(work);
}
