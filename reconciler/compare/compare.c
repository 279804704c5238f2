/* compare.c - see compare.h. */
#include "reconciler/compare/compare.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/state/state.h"
#include "common/state/state_reconcile.h"
#include "reconciler/compare/compare_run.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define IDLE_MS     500
#define AWAY_MS     2000
#define SCHEDULE_MS 30000
#define LOOK_MS     1000  /* between looks whether another run goes first */
#define TURN_MS     30000 /* of a run by itself, where another one waits */
#define HOUR_MS     3600000
#define RETIRE_MS   60000 /* between looks for runs that are too old */
#define ARENA_BYTES 16384

struct dw_compare {
    const struct dw_settings *settings;
    pthread_t thread;
    atomic_bool stopping;

    /* the thread's own */
    struct dw_state *state;
    int64_t schedule_at_ms;
    int64_t retire_at_ms;
    int64_t look_at_ms;
    int64_t turn_until_ms;
    int64_t last; /* run that was worked on */
    char logged[DW_ERR_MESSAGE_MAX];
};

static void sleep_for(struct dw_compare *compare, int64_t ms)
{
    int64_t until = dw_clock_mono_ms() + ms;
    for (int64_t left; !atomic_load(&compare->stopping) && (left = until - dw_clock_mono_ms()) > 0;)
        dw_clock_sleep_ms(left < 50 ? left : 50);
}

/* Whatever it was is tried again; said once. */
static void away(struct dw_compare *compare, const struct dw_err *err)
{
    if (strcmp(compare->logged, err->message) != 0) {
        (void)snprintf(compare->logged, sizeof compare->logged, "%s", err->message);
        dw_log_err(DW_LOG_WARN, "compare.retry", err);
    }
    sleep_for(compare, AWAY_MS);
}

/* --- the schedule --------------------------------------------------------------------------------
 */

static struct dw_reconcile_schedule schedule_of(const struct dw_compare *compare)
{
    const struct dw_reconciler_settings *settings = &compare->settings->reconciler;
    return (struct dw_reconcile_schedule){
        .every_ms = settings->compare_every_hours * HOUR_MS,
        .continuous = settings->compare_continuous,
        .pause_ms = settings->compare_pause_ms,
        .rate = settings->compare_rate,
    };
}

static enum dw_rc order_one(struct dw_compare *compare, const struct dw_reconcile_due *due,
                            struct dw_err *err)
{
    const struct dw_reconcile_order order = {.map = due->map, .rate = due->rate, .scheduled = true};
    int64_t id = 0;
    enum dw_rc rc = dw_state_reconcile_create(compare->state, &order, 1, "schedule", &id, err);
    if (rc != DW_CONFLICT)
        return rc;
    dw_err_clear(err); /* it was stopped meanwhile */
    return DW_OK;
}

static enum dw_rc order_due(struct dw_compare *compare, struct dw_err *err)
{
    int64_t now = dw_clock_mono_ms();
    struct dw_arena arena;
    const struct dw_reconcile_schedule schedule = schedule_of(compare);
    const struct dw_reconcile_due *due = NULL;
    size_t count = 0;
    if (now < compare->schedule_at_ms)
        return DW_OK;
    compare->schedule_at_ms = now + SCHEDULE_MS;
    dw_arena_init(&arena, ARENA_BYTES);
    enum dw_rc rc = dw_state_reconcile_due(compare->state, &schedule, &arena, &due, &count, err);
    for (size_t i = 0; i < count && rc == DW_OK; i++)
        rc = order_one(compare, &due[i], err);
    dw_arena_done(&arena);
    return rc;
}

static enum dw_rc retire(struct dw_compare *compare, struct dw_err *err)
{
    int64_t now = dw_clock_mono_ms();
    int64_t hours = compare->settings->reconciler.compare_retention_hours;
    int64_t removed = 0;
    if (!hours || now < compare->retire_at_ms)
        return DW_OK;
    compare->retire_at_ms = now + RETIRE_MS;
    enum dw_rc rc = dw_state_reconcile_retire(compare->state, hours, &removed, err);
    if (rc == DW_OK && removed)
        dw_log(DW_LOG_INFO, "compare.retired", "comparisons that ended long ago were removed",
               DW_F_INT("runs", removed));
    return rc;
}

/* After a run, one that is to follow it may be due sooner than the schedule is looked at. */
static void look_again(struct dw_compare *compare)
{
    int64_t at = dw_clock_mono_ms() + compare->settings->reconciler.compare_pause_ms;
    if (at < compare->schedule_at_ms)
        compare->schedule_at_ms = at;
}

/* --- runs ----------------------------------------------------------------------------------------
 */

/* *out: another run goes first. What a person ordered does so between steps of what comes by
 * itself, which may take days at its rate; and several of those take turns. */
static enum dw_rc look_for_other(struct dw_compare *compare, const struct dw_reconcile_next *work,
                                 bool *out, struct dw_err *err)
{
    struct dw_reconcile_next next = *work;
    int64_t now = dw_clock_mono_ms();
    *out = false;
    if (now < compare->look_at_ms)
        return DW_OK;
    compare->look_at_ms = now + LOOK_MS;
    enum dw_rc rc = order_due(compare, err);
    if (rc == DW_OK)
        rc = dw_state_reconcile_next(compare->state, work->id, &next, err);
    bool turn_is_over = work->by_itself && now > compare->turn_until_ms;
    *out = rc == DW_OK && next.id && next.id != work->id && (!next.by_itself || turn_is_over);
    return rc;
}

/* Between two steps; at a low rate that is long. */
static enum dw_rc pause_for(struct dw_compare *compare, const struct dw_reconcile_next *work,
                            int64_t wait_ms, bool *out_other, struct dw_err *err)
{
    int64_t until = dw_clock_mono_ms() + wait_ms;
    int64_t left = wait_ms;
    enum dw_rc rc = DW_OK;
    do {
        sleep_for(compare, left < LOOK_MS ? left : LOOK_MS);
        rc = look_for_other(compare, work, out_other, err);
        left = until - dw_clock_mono_ms();
    } while (rc == DW_OK && !*out_other && left > 0 && !atomic_load(&compare->stopping));
    return rc;
}

static enum dw_rc work_on(struct dw_compare *compare, const struct dw_reconcile_next *work,
                          struct dw_err *err)
{
    struct dw_compare_run *run = NULL;
    enum dw_run_step step = DW_RUN_MORE;
    bool other = false;
    enum dw_rc rc = dw_compare_run_open(&run, work->id, compare->state, compare->settings, err);
    compare->look_at_ms = dw_clock_mono_ms() + LOOK_MS;
    compare->turn_until_ms = dw_clock_mono_ms() + TURN_MS;
    compare->last = work->id;
    while (rc == DW_OK && run && step != DW_RUN_OVER && !other &&
           !atomic_load(&compare->stopping)) {
        int64_t wait_ms = 0;
        rc = dw_compare_run_step(run, &step, &wait_ms, err);
        if (rc == DW_OK)
            compare->logged[0] = '\0';
        if (rc == DW_OK && step != DW_RUN_OVER)
            rc = pause_for(compare, work, step == DW_RUN_WAIT ? wait_ms : 0, &other, err);
    }
    if (step == DW_RUN_OVER)
        look_again(compare);
    dw_compare_run_close(run);
    return rc;
}

static enum dw_rc go_round(struct dw_compare *compare, struct dw_err *err)
{
    struct dw_reconcile_next work = {.id = 0};
    enum dw_rc rc = DW_OK;
    if (!compare->state)
        rc = dw_state_open(&compare->state, &compare->settings->state,
                           "dualwrite-reconciler-compare", err);
    if (rc == DW_OK)
        rc = order_due(compare, err);
    if (rc == DW_OK)
        rc = retire(compare, err);
    if (rc == DW_OK)
        rc = dw_state_reconcile_next(compare->state, compare->last, &work, err);
    if (rc == DW_OK && work.id)
        return work_on(compare, &work, err);
    if (rc == DW_OK)
        sleep_for(compare, IDLE_MS);
    return rc;
}

static void *run(void *argument)
{
    struct dw_compare *compare = argument;
    while (!atomic_load(&compare->stopping)) {
        struct dw_err err = DW_ERR_INIT;
        if (go_round(compare, &err) != DW_OK)
            away(compare, &err);
    }
    dw_state_close(compare->state);
    return NULL;
}

enum dw_rc dw_compare_start(struct dw_compare **out, const struct dw_settings *settings,
                            struct dw_err *err)
{
    struct dw_compare *compare = DW_MEM_NEW(struct dw_compare);
    compare->settings = settings;
    if (pthread_create(&compare->thread, NULL, run, compare) != 0) {
        free(compare);
        return dw_err_set(err, DW_FATAL, "DW-API-003", "cannot start the thread of comparisons");
    }
    *out = compare;
    return DW_OK;
}

void dw_compare_stop(struct dw_compare *compare)
{
    if (!compare)
        return;
    atomic_store(&compare->stopping, true);
    (void)pthread_join(compare->thread, NULL);
    free(compare);
}
